"""The clock of a trajectory: what its times say, held against what is documented, and what is made of both.

Times in ns where ps belong, numbers of frames in place of times, clocks that restart and steps that differ are all
found in public sets. The commonest step counts, never the whole span over the number of frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.trajectories.clock import common_step, counts_frames

__all__ = ["Clock", "read_clock"]

_EVEN_SHARE = 0.5
_SAME = 0.01  # two steps that differ by less are the same
_UNITS = (
    (1e3, "The clock is in ns where ps belong; it was multiplied by 1000."),
    (1e-3, "The times are a thousandfold too large, as if in fs where ps belong; they were divided by 1000."),
    (1e6, "The clock is in µs where ps belong; it was multiplied by 10⁶."),
)
_INTEGRATOR_PS = (2e-4, 1.2e-2)  # steps of integrators, 0.2 fs to 12 fs (coarse hydrogens)


@dataclass(frozen=True)
class Clock:
    """Time of the frames of a trajectory.

    Attributes
    ----------
    step_ps
        Between frames that are kept, ps; None if there is no clock or it is uneven.
    start_ps
        Of the first frame.
    factor
        What the times of the source are multiplied by to be ps.
    is_uneven
        Whether times are kept a frame.
    mended
        What was put right, one sentence each.
    notes
        What is worth knowing.
    restarts
        Frames, from 0, at which the clock of the source begins again: nothing says that the motion goes on there.
    """

    step_ps: float | None
    start_ps: float = 0.0
    factor: float = 1.0
    is_uneven: bool = False
    mended: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    restarts: tuple[int, ...] = ()


def read_clock(
    times_ps: NDArray[np.float64] | None,
    steps: NDArray[np.int64] | None,
    documented_ps: float | None,
    name: str,
    stride: int = 1,
) -> Clock:
    """Find the clock of a trajectory.

    Parameters
    ----------
    times_ps : float64 [n_frames] or None
        As the source gives them, of consecutive frames (all, or as many as are known).
    steps : int64 [n_frames] or None
        Steps of the integrator.
    documented_ps
        Step between frames of the source that its documentation or the user gives.
    name
        What messages call the trajectory.
    stride
        Every which frame is kept.

    Raises
    ------
    InputError
        If times are no numbers, or contradict what is documented.
    """
    if times_ps is None or len(times_ps) < 2:
        return _documented(documented_ps, stride, "The source has no clock" if times_ps is None else "")
    if not np.isfinite(times_ps).all():
        at = int(np.flatnonzero(~np.isfinite(times_ps))[0])
        raise InputError(
            f"{name}: frame {at + 1} has the time {times_ps[at]}; a number of ps was expected. Write the file again."
        )
    if (np.diff(times_ps) == 0).all():
        return _documented(documented_ps, stride, f"All frames have the time {times_ps[0]:g} ps")
    numbers = counts_frames(times_ps, steps) or counts_frames(times_ps - times_ps[0] + 0.0, None)
    if numbers and (steps is None or counts_frames(times_ps, steps)) and not _near(1.0, documented_ps):
        return _documented(documented_ps, stride, "The times are numbers of frames (0, 1, 2, ...)")
    step_ps, share = common_step([times_ps])
    if step_ps is None:
        raise InputError(
            f"{name}: the times fall from frame to frame; rising times in ps were expected. Reverse the trajectory, "
            "or write it without times and give the time step."
        )
    if share < _EVEN_SHARE:
        return _uneven(times_ps, documented_ps, step_ps, share)
    factor, mended = _unit(times_ps, steps, step_ps, documented_ps, name)
    exact_ps = documented_ps if documented_ps is not None else step_ps * factor  # float32 times blur the step
    gaps = np.diff(times_ps)
    back = np.flatnonzero(gaps <= 0)
    ahead = np.flatnonzero(gaps > (1 + _SAME) * step_ps + np.spacing(np.float32(np.abs(times_ps).max())))
    start_ps = float(times_ps[0]) * factor
    if len(back) and len(ahead) <= len(back):
        places = ", ".join(f"{at + 2:,}" for at in back[:4].tolist()) + (" and others" if len(back) > 4 else "")
        mended = (
            *mended,
            f"The clock restarts {len(back)} time{'s' if len(back) > 1 else ''} (at frame {places}); frames were taken "
            "to follow each other with the common step.",
        )
        restarts = tuple((back + 1).tolist())
        return Clock(_rounded(exact_ps * stride), start_ps, factor, mended=mended, restarts=restarts)
    if len(ahead) or len(back):
        note = (
            f"{len(ahead)} steps of the clock are longer than the common {step_ps * factor:g} ps; the time is kept of "
            "every frame."
        )
        return Clock(None, start_ps, factor, True, mended, (note,))
    return Clock(_rounded(exact_ps * stride), start_ps, factor, mended=mended)


def _documented(documented_ps: float | None, stride: int, why: str) -> Clock:
    if documented_ps is None:
        return Clock(
            None,
            notes=(
                f"{why}, and no time step is known. Give it (--time-step, time_step_ps) to have a clock."
                if why
                else "There is no clock.",
            ),
        )
    note = (f"{why}; the documented step of {documented_ps:g} ps was taken.",) if why else ()
    return Clock(documented_ps * stride, notes=note)


def _near(one: float, other: float | None) -> bool:
    return other is not None and abs(one - other) <= _SAME * other


def _unit(
    times_ps: NDArray[np.float64],
    steps: NDArray[np.int64] | None,
    step_ps: float,
    documented_ps: float | None,
    name: str,
) -> tuple[float, tuple[str, ...]]:
    """What makes ps of the times, and a sentence about it."""
    if documented_ps is not None:
        if _near(step_ps, documented_ps):
            return 1.0, ()
        for factor, said in _UNITS:
            if _near(step_ps * factor, documented_ps):
                return factor, (said,)
        raise InputError(
            f"{name}: the clock of the file has steps of {step_ps:g} ps, and {documented_ps:g} ps are documented. "
            "Leave the time step out to take the file's, or say that the file is wrong (--ignore-clock, clock: ignore)."
        )
    if steps is not None and len(steps) == len(times_ps):
        rise = np.diff(steps)
        moves = (rise > 0) & (np.abs(np.diff(times_ps) - step_ps) <= _SAME * step_ps)
        if moves.any():
            integrator = step_ps / float(np.median(rise[moves]))
            least, most = _INTEGRATOR_PS
            if least / 1e3 <= integrator <= most / 1e3:
                return _UNITS[0][0], (_UNITS[0][1],)
    return 1.0, ()


def _uneven(times_ps: NDArray[np.float64], documented_ps: float | None, step_ps: float, share: float) -> Clock:
    gaps = np.diff(times_ps)
    notes = [
        f"The times are not evenly spaced ({gaps[gaps > 0].min():g} to {gaps.max():g} ps; the commonest step, "
        f"{step_ps:g} ps, is {100 * share:.0f} % of all); the time is kept of every frame."
    ]
    if documented_ps is not None:
        notes.append(f"The documented step of {documented_ps:g} ps was not used.")
    return Clock(None, float(times_ps[0]), 1.0, True, (), tuple(notes))


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
