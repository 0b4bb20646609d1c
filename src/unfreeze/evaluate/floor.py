"""The floor: one half of the reference scored against the other, the best that sampling alone allows.

Halves are whole replicas where there are several, so that what differs between independent runs counts as it should;
of a single run, the first half in time against the second. The first half is thinned to the ensemble's number of
frames, since most scores depend on it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.evaluate.frames import AlignedPair, Side

__all__ = ["LEAST_FRAMES", "floor_pair", "why_no_floor"]

LEAST_FRAMES = 4
"""Reference frames that can be halved."""


def floor_pair(pair: AlignedPair, seed: int) -> AlignedPair | None:
    """The first half of the reference, in the ensemble's place, and the second half.

    Parameters
    ----------
    pair
        Its reference is halved; its ensemble says how many frames are wanted. Where the half has more, one frame is
        drawn from each of so many equal stretches of it; where it has fewer, it stays as it is.
    seed
        Of that draw.

    Returns
    -------
    AlignedPair or None
        None where the reference has fewer than `LEAST_FRAMES` frames; :func:`why_no_floor` says so.
    """
    reference = pair.reference
    if why_no_floor(pair) is not None:
        return None
    middle = _middle(reference)
    first, second = _span(reference, 0, middle), _span(reference, middle, reference.n_frames)
    usable, n_wanted = np.flatnonzero(first.weights), pair.ensemble.n_frames
    if n_wanted < len(usable):
        first = first.take(usable[_one_a_stretch(len(usable), n_wanted, np.random.default_rng(seed))])
    return AlignedPair(first, second)


def why_no_floor(pair: AlignedPair) -> str | None:
    """Why :func:`floor_pair` gives none, or None if it does give one."""
    n_frames = pair.reference.n_frames
    if n_frames < LEAST_FRAMES:
        return f"the reference has {n_frames} frames, and halving it takes at least {LEAST_FRAMES}"
    middle = _middle(pair.reference)
    if not (pair.reference.weights[:middle].any() and pair.reference.weights[middle:].any()):
        return "one half of the reference has no weight"
    return None


def _middle(side: Side) -> int:
    """First frame of the second half: the start of the replica nearest to the middle, the earlier of two as near."""
    starts = side.replica_start[(side.replica_start > 0) & (side.replica_start < side.n_frames)]
    if len(starts) == 0:
        return side.n_frames // 2
    return int(starts[np.argmin(np.abs(2 * starts - side.n_frames))])


def _span(side: Side, begin: int, end: int) -> Side:
    """Consecutive frames, with their clock and replicas; a view of the coordinates."""
    starts = side.replica_start[(side.replica_start > begin) & (side.replica_start < end)] - begin
    return Side.of(
        side.molecule,
        side.frames_nm[begin:end],
        side.weights[begin:end],
        replica_start=np.concatenate([[0], starts]).astype(np.int64),
        time_step_ps=side.time_step_ps,
    )


def _one_a_stretch(n_frames: int, n_wanted: int, generator: np.random.Generator) -> NDArray[np.int64]:
    edges = np.arange(n_wanted + 1) * n_frames // n_wanted
    return generator.integers(edges[:-1], edges[1:])
