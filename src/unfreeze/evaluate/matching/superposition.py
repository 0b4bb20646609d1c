"""Superpose frames block by block, and mean positions over a few frames."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.evaluate.frames import Frames
from unfreeze.structure.geometry import kabsch_rotations

__all__ = ["Superposer", "frame_spans", "mean_positions", "sampled_frames"]

ATOMS_PER_BLOCK = 500_000
N_SAMPLED = 20
"""Frames, evenly spaced, whose mean decides which copy of a chain or ligand is which."""


class Superposer:
    """Moves frames rigidly onto one target by least squares (Kabsch 1976, Acta Cryst. A32, 922).

    Parameters
    ----------
    target_nm : [n_atoms, 3]
        Where to.
    atoms
        Atoms that decide; all when None.
    """

    def __init__(self, target_nm: NDArray[np.floating], atoms: NDArray[np.int64] | None = None) -> None:
        target = np.asarray(target_nm, dtype=np.float64)
        self._atoms = np.arange(len(target)) if atoms is None else atoms
        goal = target[self._atoms]
        self._centre = goal.mean(axis=0)
        self._goal = goal - self._centre

    def move(self, frames_nm: NDArray[np.floating], name: str = "frames", first: int = 0) -> NDArray[np.floating]:
        """Frames [n, n_atoms, 3] in place where they are float32 or float64; rotations are found in float64.

        Raises
        ------
        InputError
            If a coordinate is not finite; `name` and `first` (number of the first frame) say where.
        """
        points = frames_nm[:, self._atoms].astype(np.float64)
        centre = points.mean(axis=1, keepdims=True)
        points -= centre
        covariances = np.matmul(self._goal.T[None], points)
        _check_finite(frames_nm.sum(axis=(1, 2)), name, np.arange(first, first + len(frames_nm)))
        kind = frames_nm.dtype
        rotations = kabsch_rotations(covariances).transpose(0, 2, 1).astype(kind)
        frames_nm -= centre.astype(kind)
        np.matmul(frames_nm, rotations, out=frames_nm)
        frames_nm += self._centre.astype(kind)
        return frames_nm


def frame_spans(n_frames: int, n_atoms: int) -> Iterator[slice]:
    """Blocks of frames to work on one after the other."""
    step = max(1, ATOMS_PER_BLOCK // max(n_atoms, 1))
    return (slice(start, min(start + step, n_frames)) for start in range(0, n_frames, step))


def sampled_frames(frames: Frames) -> NDArray[np.float64]:
    """Up to `N_SAMPLED` evenly spaced frames: [n, n_atoms, 3], nm."""
    chosen = np.unique(np.linspace(0, frames.n_frames - 1, min(N_SAMPLED, frames.n_frames)).round().astype(np.int64))
    sampled = np.asarray(frames.coordinates_nm[chosen], dtype=np.float64)
    _check_finite(sampled.sum(axis=(1, 2)), frames.name, chosen)
    return sampled


def mean_positions(
    sampled_nm: NDArray[np.float64], atoms: NDArray[np.int64], target_nm: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean over frames after superposing `atoms` on a target [n_chosen, 3]: [n_atoms, 3] of all atoms, nm."""
    points = sampled_nm[:, atoms]
    centre = points.mean(axis=1, keepdims=True)
    goal_centre = target_nm.mean(axis=0)
    rotations = kabsch_rotations(np.matmul((target_nm - goal_centre).T[None], points - centre))
    return np.matmul(sampled_nm - centre, rotations.transpose(0, 2, 1)).mean(axis=0) + goal_centre


def _check_finite(sums: NDArray[np.floating], name: str, frames: NDArray[np.int64]) -> None:
    """Refuse frames [n] with a coordinate that is not finite, told by the sum of all."""
    bad = ~np.isfinite(sums)
    if bad.any():
        raise InputError(
            f"{name}: frame {frames[bad.argmax()] + 1} has coordinates that are not finite numbers; "
            "numbers were expected for every atom. Leave the frame out or write it again."
        )
