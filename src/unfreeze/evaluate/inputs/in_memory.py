"""Frames from what is in memory already, and what is done to frames once they are: checks, and taking some of them."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np

from unfreeze.errors import InputError
from unfreeze.evaluate.frames import Frames
from unfreeze.evaluate.inputs.trajectories import choose_frames, spacing_of
from unfreeze.structure.chemistry.polymers import is_water
from unfreeze.structure.ensemble import Ensemble
from unfreeze.structure.observables.motion import normalised_weights
from unfreeze.trajectories.atom_tables import names_of_mdtraj
from unfreeze.trajectories.checks import FrameChecks
from unfreeze.trajectories.clock import time_step_of
from unfreeze.trajectories.topologies import topology_of_names

__all__ = ["checked", "frames_of_ensemble", "frames_of_mdtraj", "thinned"]


def frames_of_ensemble(ensemble: Ensemble, name: str, files: tuple[str, ...]) -> Frames:
    """Frames of an ensemble, with its weights; it has no clock.

    Raises
    ------
    InputError
        If it has no frames, or coordinates that are no numbers.
    """
    if ensemble.n_frames == 0:
        raise InputError(f"{name}: the ensemble has no frames.")
    frames = Frames(
        molecule=ensemble.complex,
        coordinates_nm=np.asarray(ensemble.coordinates_nm, dtype=np.float32),
        weights=ensemble.weights,
        name=name,
        files=files,
        notes=ensemble.complex.source.notes,
    )
    return _heavy(checked(frames))


def frames_of_mdtraj(trajectory: Any, time_step_ps: float | None) -> Frames:
    """Frames of an ``mdtraj.Trajectory``; the clock is what its times say unless it is given.

    Raises
    ------
    InputError
        If it is no trajectory, or its coordinates are no numbers or in Å.
    """
    name = "trajectory in memory"
    if not hasattr(trajectory, "xyz") or getattr(trajectory, "topology", None) is None:
        raise InputError(
            f"{type(trajectory).__name__} is nothing that frames can be taken from; a path, several paths, an "
            "unfreeze.Ensemble or an mdtraj.Trajectory with a topology was expected."
        )
    if trajectory.n_frames == 0 or trajectory.n_atoms == 0:
        raise InputError(f"{name}: it has {trajectory.n_frames} frames of {trajectory.n_atoms} atoms.")
    read = topology_of_names(names_of_mdtraj(trajectory.topology), trajectory.xyz[0], name)
    notes = list(read.complex.source.notes)
    step_ps = time_step_ps or time_step_of([np.asarray(trajectory.time, dtype=np.float64)], [None], notes)
    coordinates = np.asarray(trajectory.xyz[:, read.rows], dtype=np.float32)
    return checked(Frames(read.complex, coordinates, time_step_ps=step_ps, name=name, notes=tuple(notes)))


def checked(frames: Frames) -> Frames:
    """The frames with remarks on what is wrong with them.

    Raises
    ------
    InputError
        If coordinates are no numbers or in Å.
    """
    checks = FrameChecks(frames.molecule, frames.name, own_topology=True)
    for begin in range(0, frames.n_frames, 256):
        block = frames.coordinates_nm[begin : begin + 256]
        checks.look_at(block, np.arange(begin, begin + len(block)))
    return replace(frames, notes=tuple(dict.fromkeys([*frames.notes, *checks.notes()])))


def thinned(frames: Frames, stride: int, max_frames: int | None) -> Frames:
    """Some of frames that were read already; the clock goes on if they are equally spaced."""
    bounds = [*np.asarray(frames.replica_start).tolist(), frames.n_frames]
    counts = [int(end - begin) for begin, end in itertools.pairwise(bounds)]
    chosen = choose_frames(counts, stride, max_frames)
    if sum(map(len, chosen)) == frames.n_frames:
        return frames
    rows = np.concatenate([one + begin for one, begin in zip(chosen, bounds, strict=False)])
    weights = None
    if frames.weights is not None:
        if not frames.weights[rows].sum() > 0:
            raise InputError(f"{frames.name}: the chosen frames all have the weight 0. Choose another stride.")
        weights = normalised_weights(frames.weights[rows], len(rows))
    spacing = spacing_of(chosen)
    lengths = np.array([len(one) for one in chosen if len(one)], dtype=np.int64)
    return replace(
        frames,
        coordinates_nm=frames.coordinates_nm[rows],
        weights=weights,
        replica_start=np.cumsum(lengths) - lengths,
        time_step_ps=frames.time_step_ps * spacing if frames.time_step_ps and spacing else None,
    )


def _heavy(frames: Frames) -> Frames:
    """Without the hydrogens and waters that a complex in memory may have been read with."""
    molecule = frames.molecule
    water = np.array([is_water(str(name)) for name in molecule.residue_name], dtype=bool)
    keep = ~np.isin(molecule.element, ["H", "D"]) & ~water[molecule.residue_index]
    if keep.all():
        return frames
    return replace(frames, molecule=molecule.take_atoms(keep), coordinates_nm=frames.coordinates_nm[:, keep])
