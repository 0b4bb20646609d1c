"""Walking through the frames of a side: in stretches that fit in memory, or over a few frames that stand for all.

Frames may be a memory map of gigabytes; nothing that walks with these functions ever holds them all in double
precision. Which atoms are walked over is said in :mod:`unfreeze.evaluate.metrics.selection`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from unfreeze.evaluate.frames import Side

__all__ = ["STRETCH_BYTES", "block_weights", "evenly_spaced", "stretches"]

STRETCH_BYTES = 32 * 2**20
"""Memory that the chosen atoms of one stretch of frames take in double precision, at most (one frame at least)."""


def stretches(
    side: Side, atoms: NDArray[np.int64] | None = None, max_frames: int | None = None
) -> Iterator[tuple[int, NDArray[np.float64], NDArray[np.float32]]]:
    """Go through the frames of a side in order, a stretch at a time.

    Parameters
    ----------
    side
        The frames.
    atoms
        Rows of the atoms that are wanted; all when None.
    max_frames
        Frames of a stretch at most, besides what `STRETCH_BYTES` allows.

    Yields
    ------
    block
        The one block that all frames of the stretch belong to.
    weights : float64 [n]
        Their weights.
    frames : float32 [n, n_atoms, 3]
        Their coordinates, nm; a contiguous copy.
    """
    n_atoms = side.frames_nm.shape[1] if atoms is None else len(atoms)
    longest = max(1, STRETCH_BYTES // (24 * max(n_atoms, 1)))
    if max_frames is not None:
        longest = min(longest, max_frames)
    ends = np.append(np.flatnonzero(np.diff(side.block)) + 1, side.n_frames).tolist()
    begin = 0
    for end in ends:
        while begin < end:
            stop = min(begin + longest, end)
            frames = side.frames_nm[begin:stop] if atoms is None else side.frames_nm[begin:stop, atoms]
            yield int(side.block[begin]), side.weights[begin:stop], np.array(frames, dtype=np.float32, order="C")
            begin = stop


def block_weights(side: Side) -> NDArray[np.float64]:
    """Sum of the frame weights of every block: [n_blocks]."""
    return np.asarray(np.bincount(side.block, weights=side.weights), dtype=np.float64)


def evenly_spaced(n_frames: int, n_wanted: int) -> NDArray[np.int64]:
    """`n_wanted` of `n_frames` frames, each in the middle of an equal share of them; all where there are not more.

    >>> evenly_spaced(10, 3)
    array([1, 5, 8])
    """
    if n_wanted >= n_frames:
        return np.arange(n_frames)
    return (2 * np.arange(n_wanted) + 1) * n_frames // (2 * n_wanted)
