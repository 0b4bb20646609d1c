"""From trajectory files and a topology to `Frames`: choose frames, read heavy atoms block by block, check, time."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.evaluate.frames import Frames
from unfreeze.evaluate.inputs.frame_store import FrameStore
from unfreeze.trajectories.checks import FrameChecks
from unfreeze.trajectories.clock import follow_on, time_step_of
from unfreeze.trajectories.formats import file_format
from unfreeze.trajectories.readers import TrajectoryReader, open_trajectory
from unfreeze.trajectories.topologies import find_topology, load_topology, rows_in_trajectory

__all__ = ["choose_frames", "read_trajectories", "spacing_of"]

_BLOCK_BYTES = 32_000_000


def choose_frames(counts: Sequence[int], stride: int, max_frames: int | None) -> list[NDArray[np.int64]]:
    """Frames to read of every file: every `stride`-th, then at most `max_frames` evenly spaced over all of these.

    Parameters
    ----------
    counts
        Number of frames of every file.
    stride
        Counted anew in every file.
    max_frames
        Most frames over all files; None for no limit.

    Returns
    -------
    list of int64 [n]
        Rising frame numbers, from 0; empty for a file that gives none.
    """
    chosen = [np.arange(0, count, stride) for count in counts]
    n_frames = sum(map(len, chosen))
    if max_frames is None or n_frames <= max_frames:
        return chosen
    wanted = np.arange(max_frames) * n_frames // max_frames
    starts = np.cumsum([0, *map(len, chosen)])
    return [
        frames[wanted[(wanted >= begin) & (wanted < begin + len(frames))] - begin]
        for frames, begin in zip(chosen, starts[:-1], strict=True)
    ]


def spacing_of(frames: Sequence[NDArray[np.int64]]) -> int | None:
    """How many frames of the files lie between two that were chosen; None if that differs."""
    gaps = np.concatenate([np.diff(one) for one in frames])
    return int(gaps[0]) if len(gaps) and (gaps == gaps[0]).all() else None


def read_trajectories(
    paths: Sequence[Path],
    topology: Path | None,
    *,
    name: str,
    replicas: str,
    stride: int,
    max_frames: int | None,
    time_step_ps: float | None,
    is_samples: bool = False,
) -> Frames:
    """Frames of the heavy atoms of one or several trajectories of one system.

    Parameters
    ----------
    paths
        The files, one a replica.
    topology
        What their atoms are; looked for beside the first file if None.
    name
        What messages call the frames.
    replicas, stride, max_frames, time_step_ps
        As for :func:`unfreeze.evaluate.inputs.load_frames`.
    is_samples
        Whether the frames have no order in time.

    Raises
    ------
    InputError
        If a file cannot be read, or they do not belong together.
    """
    if topology is None:
        holds_own = file_format(paths[0]) == "gro" or (file_format(paths[0]) == "hdf5" and _has_topology(paths[0]))
        topology = paths[0] if holds_own else find_topology(paths[0])
    with ExitStack() as stack:
        readers = [stack.enter_context(open_trajectory(path)) for path in paths]
        for reader in readers[1:]:
            if reader.n_atoms != readers[0].n_atoms:
                raise InputError(
                    f"{reader.path}: the trajectory has {reader.n_atoms} atoms and {readers[0].path.name} has "
                    f"{readers[0].n_atoms}; replicas have the same atoms. Give trajectories of one system."
                )
        read = load_topology(topology, lambda n_atoms: _first_frame(readers[0], n_atoms, topology))
        rows, note = rows_in_trajectory(read, readers[0].n_atoms, str(paths[0]))
        notes = [*read.complex.source.notes, *([note] if note else [])]
        chosen = choose_frames([reader.n_frames for reader in readers], stride, max_frames)
        checks = FrameChecks(read.complex, name, own_topology=topology == paths[0])
        frames = _read(readers, chosen, rows, checks, name)
        notes += [note for reader in readers for note in reader.notes]
    notes += checks.notes()
    step_ps = None if is_samples else _time_step(readers, chosen, replicas, time_step_ps, notes)
    files = [topology, *(path for path in paths if path != topology)]
    return Frames(
        molecule=read.complex,
        coordinates_nm=frames,
        replica_start=_replica_start(chosen, replicas),
        time_step_ps=step_ps,
        name=name,
        files=tuple(map(str, files)),
        notes=tuple(dict.fromkeys(notes)),
    )


def _has_topology(path: Path) -> bool:
    from unfreeze.trajectories.readers.hdf5 import Hdf5Reader

    with Hdf5Reader(path) as reader:
        return reader.topology() is not None


def _first_frame(reader: TrajectoryReader, n_atoms: int, topology: Path) -> NDArray[np.float32]:
    if reader.n_atoms != n_atoms:
        raise InputError(
            f"{reader.path}: the trajectory has {reader.n_atoms} atoms and the topology {topology.name} {n_atoms}; "
            "they do not belong together. Give the topology of exactly these atoms with --topology."
        )
    return reader.read(0, 1)[0]


def _read(
    readers: Sequence[TrajectoryReader],
    chosen: Sequence[NDArray[np.int64]],
    rows: NDArray[np.int64],
    checks: FrameChecks,
    name: str,
) -> NDArray[np.float32]:
    store = FrameStore(sum(map(len, chosen)), len(rows), name)
    most = max(1, _BLOCK_BYTES // (12 * readers[0].n_atoms))
    for reader, frames in zip(readers, chosen, strict=True):
        for run in _runs(frames, most):
            block = reader.read(int(run[0]), len(run))[:, rows]
            checks.look_at(block, run, str(reader.path))
            store.append(block)
    return store.frames()


def _runs(frames: NDArray[np.int64], most: int) -> list[NDArray[np.int64]]:
    """Cut frame numbers into consecutive ones, at most `most` at a time."""
    if len(frames) == 0:
        return []
    runs = np.split(frames, np.flatnonzero(np.diff(frames) != 1) + 1)
    return [run[at : at + most] for run in runs for at in range(0, len(run), most)]


def _replica_start(chosen: Sequence[NDArray[np.int64]], replicas: str) -> NDArray[np.int64]:
    if replicas == "concatenate":
        return np.zeros(1, dtype=np.int64)
    lengths = np.array([len(frames) for frames in chosen if len(frames)], dtype=np.int64)
    return np.cumsum(lengths) - lengths


def _time_step(
    readers: Sequence[TrajectoryReader],
    chosen: Sequence[NDArray[np.int64]],
    replicas: str,
    given_ps: float | None,
    notes: list[str],
) -> float | None:
    times = [reader.times_ps for reader in readers]
    step_ps = given_ps or time_step_of(times, [reader.steps for reader in readers], notes)
    if step_ps is None:
        return None
    if replicas == "concatenate" and sum(len(frames) > 0 for frames in chosen) > 1:
        known = [one for one in times if one is not None]
        if len(known) < len(times) or not follow_on(known, step_ps):
            notes.append("The replicas were joined, so the frames have no clock; keep replicas separate to have one.")
            return None
    spacing = spacing_of(chosen)
    if spacing is None:
        if max(map(len, chosen)) > 1:
            notes.append(
                "The chosen frames are not equally spaced, so they have no clock; choose a stride to have one."
            )
        return None
    return step_ps * spacing
