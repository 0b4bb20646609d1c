"""What has been simulated, or is already planned: systems of campaigns, single runs, and folders of trajectories.

Of each the profile and, where there are frames, how much its replicas or halves disagree. Which of them to extend is
decided in :mod:`unfreeze.simulate.choose.ranking`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError, UnfreezeError
from unfreeze.simulate.campaign.directory import CampaignDirectory
from unfreeze.simulate.campaign.tasks import BuildOrder, Task
from unfreeze.simulate.choose.halves import Disagreement, disagreement
from unfreeze.simulate.choose.profile import Profile, profile_of, stem_of, structures_in
from unfreeze.simulate.engine.run_store import RunStore
from unfreeze.structure.complex import Complex
from unfreeze.structure.prepare.folder import read_prepared
from unfreeze.structure.read import read_complex

__all__ = ["Covered", "read_covered"]

_MOST_FRAMES = 400  # read of one trajectory
_DEEPEST = 4


@dataclass(frozen=True, eq=False)
class Covered:
    """A system that has been simulated, or is planned.

    Attributes
    ----------
    profile
        What it is.
    time_ps
        Production over all replicas; None where it is not known.
    n_replicas
        Trajectories with frames.
    disagreement
        Of replicas or halves; None where there is too little.
    """

    profile: Profile
    time_ps: float | None
    n_replicas: int
    disagreement: Disagreement | None


def read_covered(folders: Sequence[str]) -> tuple[list[Covered], dict[str, str]]:
    """Everything in some folders.

    Parameters
    ----------
    folders
        Campaigns, run directories, folders with structures and, beside them, trajectories in XTC, or folders of these.

    Returns
    -------
    covered : list of Covered
        One a system.
    left_out : dict
        What could not be read, and why.

    Raises
    ------
    InputError
        If one of them is no folder, or holds nothing of the kind.
    """
    covered: list[Covered] = []
    left_out: dict[str, str] = {}
    for text in folders:
        folder = Path(text).expanduser()
        if not folder.is_dir():
            raise InputError(
                f"{text}: no such folder; give a campaign, a run, or a folder of structures and trajectories"
            )
        found = list(_found_in(folder, left_out))
        known = [one for one in found if one is not None]
        if not known and not left_out:
            raise InputError(f"{text}: neither a campaign nor a run, and no structure is in it")
        covered += known
    return covered, left_out


def _found_in(folder: Path, left_out: dict[str, str], depth: int = 0) -> Iterator[Covered | None]:
    """What a folder is or holds: a campaign, a run, or else whatever is in it and below."""
    if CampaignDirectory(folder).exists:
        yield from _of_campaign(CampaignDirectory(folder), left_out)
    elif RunStore.exists(folder):
        yield _of_runs(folder.name, str(folder), [folder], None, left_out)
    else:
        yield from _of_trajectories(folder, left_out)
        below = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
        for one in below if depth < _DEEPEST else ():
            yield from _found_in(one, left_out, depth + 1)


def _of_campaign(directory: CampaignDirectory, left_out: dict[str, str]) -> list[Covered | None]:
    systems: dict[str, list[Task]] = {}
    for task in directory.tasks():
        systems.setdefault(task.build.id, []).append(task)
    found: list[Covered | None] = []
    for tasks in systems.values():
        runs = [directory.run(task.id) for task in tasks]
        found.append(_of_runs(tasks[0].name, str(directory.root), runs, (directory.root, tasks[0].build), left_out))
    return found


def _of_runs(
    name: str, source: str, runs: Sequence[Path], build: tuple[Path, BuildOrder] | None, left_out: dict[str, str]
) -> Covered | None:
    """One system of which there are runs, or none yet."""
    molecule: Complex | None = None
    replicas: list[NDArray[np.float32]] = []
    time_ps = 0.0
    for run in runs:
        if not RunStore.exists(run):
            continue
        try:
            store = RunStore.open(run, read_only=True)
            topology = next(path for path in (run / "topology.cif", run / "topology.pdb") if path.exists())
            molecule = molecule or read_complex(topology, keep_hydrogens=True, keep_waters=True)
            passed = np.flatnonzero(store.passed_frames())
            if len(passed):
                rows = passed[np.unique(np.linspace(0, len(passed) - 1, _MOST_FRAMES).round().astype(int))]
                replicas.append(np.asarray(store.read("coordinates")[rows]))
                time_ps += store.commits[-1].time_ps
        except (UnfreezeError, StopIteration, OSError) as error:
            left_out[str(run)] = str(error) or "has no topology"
    try:
        if molecule is not None:
            profile = profile_of(molecule, name=name, source=source)
            return Covered(profile, time_ps, len(replicas), disagreement(molecule, replicas))
        return None if build is None else Covered(_planned(name, source, *build), 0.0, 0, None)
    except UnfreezeError as error:
        left_out[f"{source}: {name}"] = str(error)
        return None


def _planned(name: str, source: str, root: Path, build: BuildOrder) -> Profile:
    """A system of a campaign that has not begun."""
    if build.kind == "sequence":
        letters = tuple(build.sequence.split(":"))
        chains = tuple(chr(ord("A") + number) for number in range(len(letters)))
        return Profile(name, source, 16 * sum(map(len, letters)), chains, letters, ())
    path = root / build.path
    molecule = read_prepared(path).complex if build.kind == "prepared" else read_complex(path)
    if build.kind != "prepared" and build.preparation.chains:
        molecule = molecule.take_chains(build.preparation.chains)
    return profile_of(molecule, name=name, source=source)


def _of_trajectories(folder: Path, left_out: dict[str, str]) -> list[Covered | None]:
    """Structures in a folder, each with the trajectories whose names begin as its own does."""
    structures = [path for path in structures_in(folder) if path.parent == folder]
    found: list[Covered | None] = []
    owner = {path: _structure_of(path, structures) for path in sorted(folder.glob("*.xtc"))}
    for path in structures:
        try:
            molecule = read_complex(path, keep_hydrogens=True, keep_waters=True)
            profile = profile_of(molecule, name=stem_of(str(path)), source=str(path))
        except InputError as error:
            left_out[str(path)] = str(error)
            continue
        replicas, times = [], []
        for trajectory in (one for one, structure in owner.items() if structure == path):
            try:
                frames, time_ps = _read_xtc(trajectory, molecule.n_atoms)
            except (InputError, OSError, ValueError) as error:
                left_out[str(trajectory)] = str(error)
                continue
            replicas.append(frames)
            times.append(time_ps)
        found.append(Covered(profile, sum(times) if times else None, len(replicas), disagreement(molecule, replicas)))
    return found


def _structure_of(trajectory: Path, structures: Sequence[Path]) -> Path | None:
    """The structure with the longest name that begins the trajectory's, the topology, or the only one there."""
    fitting = [path for path in structures if trajectory.stem.startswith(stem_of(str(path)))]
    if not fitting:
        fitting = [path for path in structures if path.name.startswith("topology") or len(structures) == 1]
    return max(fitting, key=lambda path: len(path.name), default=None)


def _read_xtc(path: Path, n_atoms: int) -> tuple[NDArray[np.float32], float]:
    """At most some hundreds of frames of a trajectory, evenly, and the time that it spans, ps."""
    from unfreeze.files.xtc import open_xtc

    with open_xtc(path) as handle:
        n_frames = len(handle)
        stride = max(1, -(-n_frames // _MOST_FRAMES))
        frames, time_ps, _, _ = handle.read(stride=stride)
    if frames.shape[1] != n_atoms:
        raise InputError(f"{path}: has {frames.shape[1]} atoms, the structure beside it {n_atoms}")
    span = float(time_ps[-1] - time_ps[0]) if len(time_ps) > 1 else 0.0
    return frames, span * (1 + 1 / max(1, len(time_ps) - 1))
