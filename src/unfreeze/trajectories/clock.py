"""Time between frames, from the times that trajectories give, which cannot be trusted as they are.

Files restart their clock, hold times in another unit, or number the frames where the program that wrote them knew no
time. So the commonest positive step counts, never the whole span over the number of frames.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["common_step", "counts_frames", "follow_on", "time_step_of"]

_LEAST_SHARE = 0.5  # of the steps must be equal for a trajectory to have one step
_RESOLUTIONS = 4  # float32 spacings of the largest time that two equal steps may differ by


def counts_frames(times_ps: NDArray[np.float64], steps: NDArray[np.int64] | None = None) -> bool:
    """Whether times are frame numbers, which is what programs write that know no time.

    Parameters
    ----------
    times_ps : float64 [n_frames]
    steps : int64 [n_frames] or None
        Steps of the integrator, where the format has them; a simulation makes many in a picosecond. Without them,
        only times that begin at 0 are taken for frame numbers.
    """
    rise = np.arange(len(times_ps))
    if steps is None:
        return np.array_equal(times_ps, rise)
    return np.array_equal(times_ps, times_ps[0] + rise) and np.array_equal(steps, steps[0] + rise)


def common_step(times_ps: Sequence[NDArray[np.float64]]) -> tuple[float | None, float]:
    """Commonest positive step over several series of times, and the share of all steps that equal it.

    Parameters
    ----------
    times_ps
        Times of every replica, ps; steps from one replica to the next do not count.

    Returns
    -------
    step_ps
        None if no step is positive and finite.
    share
        Between 0 and 1.
    """
    steps = np.concatenate([np.diff(times) for times in times_ps]) if times_ps else np.empty(0)
    positive = np.sort(steps[np.isfinite(steps) & (steps > 0)])
    if len(positive) == 0:
        return None, 0.0
    largest = max(float(np.abs(times[np.isfinite(times)]).max(initial=0.0)) for times in times_ps)
    tolerance = max(_RESOLUTIONS * float(np.spacing(np.float32(largest))), 1e-6 * float(positive[0]))
    # The most steps inside a window of the tolerance; of equal ones the shortest step.
    last = np.searchsorted(positive, positive + tolerance, side="right")
    best = int(np.argmax(last - np.arange(len(positive))))
    inside = positive[best : last[best]]
    return float(f"{inside.mean():.6g}"), len(inside) / len(steps)


def time_step_of(
    times_ps: Sequence[NDArray[np.float64] | None], steps: Sequence[NDArray[np.int64] | None], notes: list[str]
) -> float | None:
    """Time between frames of some trajectories, ps, or None with a note why.

    Parameters
    ----------
    times_ps, steps
        Of every file; None where the format has none.
    notes
        Remarks are appended.
    """
    known = [times for times in times_ps if times is not None]
    if len(known) < len(times_ps) or max(map(len, known), default=0) < 2:
        return None
    if all(counts_frames(times, step) for times, step in zip(known, steps, strict=True)):
        notes.append("The times are frame numbers (0, 1, 2, ...), so the trajectory is taken to have no clock.")
        return None
    step_ps, share = common_step(known)
    if step_ps is None:
        return None
    if share < _LEAST_SHARE:
        notes.append(
            f"The times are not evenly spaced (the commonest step, {step_ps:g} ps, is {100 * share:.0f} % of all), "
            "so the trajectory is taken to have no clock."
        )
        return None
    if share < 1:
        notes.append(f"{100 * (1 - share):.2g} % of the times do not follow the common step of {step_ps:g} ps.")
    return step_ps


def follow_on(times_ps: Sequence[NDArray[np.float64]], step_ps: float) -> bool:
    """Whether every file begins one step after the file before it ends: parts of one run, not replicas."""
    gaps = np.array([after[0] - before[-1] for before, after in itertools.pairwise(times_ps)])
    return bool((np.abs(gaps - step_ps) < 0.01 * step_ps).all())
