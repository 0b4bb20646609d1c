"""`compare`: one ensemble against one reference, from Python or from a file of targets.

Reading is done in :mod:`unfreeze.evaluate.inputs`, measuring by the protocol; here they meet, and what was done goes
on record.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from unfreeze.errors import InputError, UnfreezeError
from unfreeze.evaluate.frames import Frames
from unfreeze.evaluate.inputs import load_frames
from unfreeze.evaluate.protocol import Options, Protocol
from unfreeze.evaluate.protocols import find_protocol
from unfreeze.evaluate.result import TargetResult
from unfreeze.structure.ensemble import Ensemble

if TYPE_CHECKING:
    import mdtraj

    Given = str | Path | Sequence[str | Path] | Ensemble | mdtraj.Trajectory | Frames

__all__ = ["compare"]


def compare(
    ensemble: Given,
    reference: Given,
    protocol: str | Protocol = "unfreeze",
    *,
    topology: str | Path | None = None,
    reference_topology: str | Path | None = None,
    target: str | None = None,
    generator: str | None = None,
    replicas: Literal["separate", "concatenate"] = "separate",
    stride: int = 1,
    max_frames: int | None = None,
    time_step_ps: float | None = None,
    floor: bool = True,
    baseline: bool = True,
    n_bootstrap: int = 100,
    seed: int = 0,
) -> TargetResult:
    """Score an ensemble against a reference.

    Parameters
    ----------
    ensemble, reference
        A path (an ensemble folder, a folder of models, a multi-model file, a trajectory), several trajectories, an
        :class:`~unfreeze.structure.ensemble.Ensemble`, an ``mdtraj.Trajectory`` or :class:`Frames`.
    protocol
        Name of a protocol, or one.
    topology, reference_topology
        Structure files of trajectories that do not have theirs beside them.
    target, generator
        Names for the record; those of the reference and of the ensemble when not given.
    replicas
        Whether several trajectories are kept apart, as independent runs should be, or strung together.
    stride
        Every how many frames of the reference's trajectories are read.
    max_frames
        Most frames of either side, evenly spaced; None for all.
    time_step_ps
        Time between frames of the reference's files, ps, where these do not tell it or tell it wrong.
    floor, baseline
        Whether to measure the reference against itself, and a Cα elastic network against the reference, too.
    n_bootstrap
        Resamples of the intervals; 0 for none.
    seed
        Of everything that is drawn.

    Returns
    -------
    TargetResult
        ``result["rmsf_ca_r"]`` is a number, ``result.estimates[...]`` has its interval, floor and baseline;
        ``print(result)`` shows a table.

    Raises
    ------
    InputError
        If something cannot be read or the two cannot be compared.
    """
    if n_bootstrap < 0 or seed < 0:
        raise InputError(f"n_bootstrap is {n_bootstrap} and seed {seed}; whole numbers of 0 or more were expected")
    chosen = protocol if isinstance(protocol, Protocol) else find_protocol(protocol)
    tested = load_frames(ensemble, topology=topology, replicas=replicas, max_frames=max_frames)
    known = load_frames(
        reference,
        topology=reference_topology,
        replicas=replicas,
        stride=stride,
        max_frames=max_frames,
        time_step_ps=time_step_ps,
    )
    return score(
        tested,
        known,
        chosen,
        Options(floor=floor, baseline=baseline, n_bootstrap=n_bootstrap, seed=seed),
        target=target or _short(known.name),
        generator=generator or _short(tested.name),
    )


def score(
    ensemble: Frames, reference: Frames, protocol: Protocol, options: Options, *, target: str, generator: str
) -> TargetResult:
    """Score frames that have been read; see :func:`compare`."""
    began = time.perf_counter()
    _check_counts(ensemble, reference, protocol)
    outcome = protocol.run(ensemble, reference, options)
    validity, said = _validity(ensemble, reference)
    return TargetResult(
        target=target,
        generator=generator,
        protocol=protocol.describe(),
        estimates=outcome.estimates,
        validity=validity,
        matching=outcome.matching,
        inputs={"ensemble": _facts(ensemble), "reference": _facts(reference)},
        arrays=outcome.arrays,
        notes=tuple(dict.fromkeys((*ensemble.notes, *reference.notes, *outcome.notes, *said))),
        seconds=time.perf_counter() - began,
    )


def _check_counts(ensemble: Frames, reference: Frames, protocol: Protocol) -> None:
    if protocol.reference_is_structure:
        return
    for frames, role in ((ensemble, "ensemble"), (reference, "reference")):
        if frames.n_frames < 2:
            raise InputError(
                f"{frames.name}: one frame is no {role}; protocol {protocol.name!r} compares distributions, "
                "give two frames or more"
            )


def _validity(ensemble: Frames, reference: Frames) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    from unfreeze.evaluate.validity import ensemble_validity

    try:
        return ensemble_validity(ensemble, reference), ()
    except UnfreezeError as error:
        return None, (f"The geometry of the frames was not checked: {error}.",)


def _facts(frames: Frames) -> dict[str, Any]:
    return {
        "name": frames.name,
        "files": list(frames.files),
        "n_frames": frames.n_frames,
        "n_atoms": frames.molecule.n_atoms,
        "n_residues": frames.molecule.n_residues,
        "n_chains": frames.molecule.n_chains,
        "n_replicas": len(frames.replica_start),
        "time_step_ps": frames.time_step_ps,
        "weighted": frames.weights is not None,
    }


def _short(name: str) -> str:
    """A path's last part without its ending; other names as they are."""
    return Path(name).stem or name
