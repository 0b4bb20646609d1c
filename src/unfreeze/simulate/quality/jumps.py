"""Does the motion go on without a break: RMSD from each frame to the next, against what it has been.

A chain that is put into another image of the box, or frames of another run, show here.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.simulate.quality.data import Finding, Report, SegmentData
from unfreeze.simulate.quality.solute import Solute

__all__ = ["JumpCheck", "chosen_atoms", "pair_rmsd_nm"]

SIGMAS = 9.0
"""Standard deviations above the mean of all steps so far."""
SMALLEST_JUMP_NM = 0.25
"""No smaller step is a jump: a side chain or a tail of a stiff protein may turn over between two frames and is soon
nine standard deviations of very small steps; a chain in another image of the box is off by nanometres."""
SMALLEST_RATIO = 3.0
"""Nor is one of less than three times the mean: where a molecule has substates, the steps between them are rare and of
another distribution than those within (2.4 times the mean when the flaps of HIV protease open between two frames)."""
LEARN = 20
"""Steps that are looked at together before each is judged by those before it."""
MOST_ATOMS = 400


class JumpCheck:
    """Checks that no step from frame to frame is more than nine standard deviations above the mean of those before.

    Suspect: such a step that is over 0.25 nm and over three times the mean, too. Jumps are not counted among the steps
    to come. The first 20 steps are judged together, by their median and median deviation.

    Parameters
    ----------
    solute
        Heavy atoms; of more than 400, CA, P and ligands are followed, evenly thinned to 400.
    """

    def __init__(self, solute: Solute) -> None:
        self._atoms = chosen_atoms(solute, MOST_ATOMS)
        self._first: list[float] = []
        self._n, self._mean, self._square = 0, 0.0, 0.0
        self._last: NDArray[np.float32] | None = None
        self._next_frame = 0

    def state(self) -> dict[str, Any]:
        """What is remembered, JSON-able: a few kB."""
        last = None if self._last is None else base64.b64encode(self._last.astype("<f4").tobytes()).decode("ascii")
        return {
            "first_nm": list(self._first),
            "n": self._n,
            "mean_nm": self._mean,
            "square_nm2": self._square,
            "last": last,
            "next_frame": self._next_frame,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`."""
        self._first = [float(value) for value in state["first_nm"]]
        self._n, self._mean, self._square = int(state["n"]), float(state["mean_nm"]), float(state["square_nm2"])
        last = state["last"]
        self._last = None if last is None else np.frombuffer(base64.b64decode(last), dtype="<f4").reshape(-1, 3)
        self._next_frame = int(state["next_frame"])

    def check(self, data: SegmentData, frames: NDArray[np.float64]) -> Report:
        """Check frames of the solute's heavy atoms: [n_frames, n_atoms, 3], finite."""
        if len(self._atoms) < 2:
            return Report()
        points = frames[:, self._atoms].astype(np.float32)
        follows = self._last is not None and self._next_frame == data.first_frame
        if follows and self._last is not None:
            points = np.concatenate([self._last[None], points])
        steps = pair_rmsd_nm(points[:-1].astype(np.float64), points[1:].astype(np.float64))
        self._last, self._next_frame = points[-1], int(data.first_frame) + data.n_frames
        findings = []
        for row, step in enumerate(steps.tolist(), start=0 if follows else 1):
            for late, size, usual in self._learn(step):
                at = row - late  # below 0 in the segment before
                where = data.when(at) if at >= 0 else f"frame {data.first_frame + at}"
                findings.append(
                    Finding(
                        "suspect",
                        f"the structure jumps by {size:.2f} nm RMSD to {where}, {usual:.2f} nm a frame is usual",
                    )
                )
        measures = {"largest_step_nm": float(steps.max())} if len(steps) else {}
        return Report(tuple(findings), measures)

    def _learn(self, step: float) -> list[tuple[int, float, float]]:
        """Take a step in; give the jumps that it reveals: how many steps ago, size, and what is usual."""
        if self._n == 0:
            self._first.append(step)
            if len(self._first) < LEARN:
                return []
            sizes = np.array(self._first)
            middle = float(np.median(sizes))
            spread = 1.4826 * float(np.median(np.abs(sizes - middle)))
            jump = sizes > _limit_nm(middle, spread)
            kept = sizes[~jump]
            self._n, self._mean, self._square = len(kept), float(kept.mean()), float(((kept - kept.mean()) ** 2).sum())
            self._first = []
            return [(LEARN - 1 - int(k), float(sizes[k]), middle) for k in np.flatnonzero(jump)]
        if step > _limit_nm(self._mean, float(np.sqrt(self._square / self._n))):
            return [(0, step, self._mean)]
        self._n += 1
        change = step - self._mean
        self._mean += change / self._n
        self._square += change * (step - self._mean)
        return []


def _limit_nm(mean_nm: float, sd_nm: float) -> float:
    return max(mean_nm + SIGMAS * sd_nm, SMALLEST_RATIO * mean_nm, SMALLEST_JUMP_NM)


def chosen_atoms(solute: Solute, most: int) -> NDArray[np.int64]:
    """Rows of atoms that stand for the solute: all, or the representative ones, evenly thinned to so many."""
    molecule = solute.molecule
    rows = np.arange(molecule.n_atoms)
    if len(rows) > most:
        ligand = np.flatnonzero((molecule.residue_kind == "ligand")[molecule.residue_index])
        some = np.union1d(molecule.representative_atoms(), ligand)
        rows = some if len(some) > 1 else rows
    if len(rows) > most:
        rows = rows[np.linspace(0, len(rows) - 1, most).round().astype(np.int64)]
    return rows.astype(np.int64)


def pair_rmsd_nm(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """RMSD of pairs of frames after the best superposition (Kabsch 1976), without making it.

    Parameters
    ----------
    first, second
        [n_pairs, n_atoms, 3], nm; either may have one row for all.

    Returns
    -------
    float64 [n_pairs]
        nm.
    """
    a = first - first.mean(axis=1, keepdims=True)
    b = second - second.mean(axis=1, keepdims=True)
    covariance = np.matmul(a.transpose(0, 2, 1), b)
    singular = np.linalg.svd(covariance, compute_uv=False)
    singular[:, 2] *= np.sign(np.linalg.det(covariance))
    size = (a * a).sum(axis=(1, 2)) + (b * b).sum(axis=(1, 2))
    return np.sqrt(np.maximum(size - 2.0 * singular.sum(axis=1), 0.0) / first.shape[1])
