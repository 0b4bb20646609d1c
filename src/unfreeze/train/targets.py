"""Targets of training: how much the blocks of a complex moved in windows of a trajectory, and their B-factors."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.labels import BFactorLabel
from unfreeze.corpus.store import Entry
from unfreeze.structure.geometry import superpose_on_mean
from unfreeze.structure.observables.motion import rmsf_nm

__all__ = ["MotionTargets", "b_factor_targets", "has_b_factors", "motion_targets"]

_LEVELS = 4  # the whole, halves, quarters, eighths
_MOST_FRAMES = 2000  # of a trajectory; more are thinned evenly
_FRAMES_A_BLOCK = 200
_LEAST_NM = 1e-3
_FEWEST_B = 20
_LEAST_SPREAD = 0.03  # of log √B: below it B-factors were never refined
_B_RANGE_A2 = (0.5, 400.0)


@dataclass(frozen=True, eq=False)
class MotionTargets:
    """Amplitudes in windows of trajectories of one complex.

    Attributes
    ----------
    log_rmsf : float32 [n_windows, n_blocks]
        Logarithm of the RMSF (nm) of every block's atom, frames superposed on the window's mean; NaN for no target.
    time_ns : float64 [n_windows]
        Length of the window; NaN where there is no clock.
    temperature_K : float64 [n_windows]
        NaN where it is not known.
    trajectory : int64 [n_windows]
        Which trajectory it is of.
    level : int64 [n_windows]
        0 for the whole, 1 for halves and so on.
    implicit : bool [n_windows]
        Whether the solvent was implicit (or none).
    log_level : float64 [n_windows]
        Logarithm of the factor on all amplitudes in such a solvent (`train.levels`); 0 when None.
    """

    log_rmsf: NDArray[np.float32]
    time_ns: NDArray[np.float64]
    temperature_K: NDArray[np.float64]
    trajectory: NDArray[np.int64]
    level: NDArray[np.int64]
    implicit: NDArray[np.bool_]
    log_level: NDArray[np.float64] | None = None

    @property
    def weights(self) -> NDArray[np.float64]:
        """Weights of the windows, 1 together: trajectories count alike, and so do the levels of each: [n_windows]."""
        _, key = np.unique(self.trajectory * _LEVELS + self.level, return_inverse=True)
        in_level = np.bincount(key)[key]
        levels = {int(t): len(np.unique(self.level[self.trajectory == t])) for t in np.unique(self.trajectory)}
        n_levels = np.array([levels[int(t)] for t in self.trajectory])
        return 1.0 / (in_level * n_levels * max(len(levels), 1))


def motion_targets(
    entry: Entry,
    atoms: NDArray[np.int64],
    is_protein: NDArray[np.bool_],
    *,
    share: tuple[float, float] = (0.0, 1.0),
    fewest_frames: int = 10,
) -> MotionTargets | None:
    """Targets of all trajectories of molecular dynamics of an entry; None if none is long enough.

    Parameters
    ----------
    entry
        Of the corpus.
    atoms, is_protein
        [n_blocks], the atom of every block and whether it is one of protein.
    share
        Beginning and end of the part of every trajectory that is looked at.
    fewest_frames
        A window of fewer has no target.
    """
    rows, times, temperatures, numbers, levels, implicit = [], [], [], [], [], []
    for number, record in enumerate(entry.manifest.trajectories):
        if record.conditions.kind != "md" or not record.is_complete:
            continue
        start, stop = (round(end * record.n_frames) for end in share)
        stride = max(1, (stop - start) // _MOST_FRAMES)
        chosen = np.arange(start, stop, stride)
        if len(chosen) < fewest_frames:
            continue
        view = entry.trajectory(record.name)
        points = np.concatenate(
            [
                view.frames(chosen[k : k + _FRAMES_A_BLOCK])[:, atoms[is_protein]]
                for k in range(0, len(chosen), _FRAMES_A_BLOCK)
            ]
        )
        clock = view.times_ps
        for level in range(_LEVELS):
            n_parts = 2**level
            ends = [len(chosen) * k // n_parts for k in range(n_parts + 1)]
            if min(np.diff(ends)) < fewest_frames:
                break
            for low, high in pairwise(ends):
                row = np.full(len(atoms), np.nan, dtype=np.float32)
                row[is_protein] = np.log(np.maximum(rmsf_nm(superpose_on_mean(points[low:high])), _LEAST_NM))
                rows.append(row)
                times.append(_length_ns(None if clock is None else clock[chosen[low:high]]))
                temperatures.append(record.conditions.temperature_K or np.nan)
                numbers.append(number)
                levels.append(level)
                implicit.append((record.conditions.solvent or "").startswith(("implicit", "vacuum")))
    if not rows:
        return None
    return MotionTargets(
        np.stack(rows),
        np.array(times),
        np.array(temperatures),
        np.array(numbers, np.int64),
        np.array(levels, np.int64),
        np.array(implicit, np.bool_),
    )


def _length_ns(times_ps: NDArray[np.float64] | None) -> float:
    """Time from the first frame to the last and one step on."""
    if times_ps is None or not times_ps[-1] > times_ps[0]:
        return float("nan")
    return float(times_ps[-1] - times_ps[0]) * len(times_ps) / (len(times_ps) - 1) * 1e-3


def has_b_factors(entry: Entry) -> bool:
    """Whether a label says that the B-factors of an entry are isotropic displacements."""
    return any(isinstance(label, BFactorLabel) and label.meaning == "isotropic" for label in entry.labels)


def b_factor_targets(
    entry: Entry, atoms: NDArray[np.int64], is_protein: NDArray[np.bool_]
) -> NDArray[np.float32] | None:
    """Logarithm of √B (Å) of every block's atom: [n_blocks], NaN for no target; None where they say nothing.

    Parameters
    ----------
    entry
        Of the corpus.
    atoms, is_protein
        [n_blocks], the atom of every block and whether it is one of protein.
    """
    if not has_b_factors(entry):
        return None
    values = entry.complex.atom_b_factor[atoms]
    known = is_protein & (values > _B_RANGE_A2[0]) & (values < _B_RANGE_A2[1])
    target = np.where(known, 0.5 * np.log(np.where(known, values, 1.0)), np.nan).astype(np.float32)
    if (
        known.sum() < _FEWEST_B
        or target[known].std() < _LEAST_SPREAD
        or len(np.unique(values[known])) <= _FEWEST_B // 2
    ):
        return None
    return target
