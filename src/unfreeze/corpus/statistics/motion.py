"""How much a trajectory moves, and how far it can be believed: from a bounded number of its frames.

One atom a residue (Cα, or C4' of nucleotides), superposed on their mean. A trajectory is called converged here if its
halves fluctuate alike; that they do proves nothing about what it never reached.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.store import TrajectoryView
from unfreeze.structure.complex import Complex
from unfreeze.structure.geometry import superpose_on_mean
from unfreeze.structure.observables.motion import rmsf_nm

__all__ = ["RMSF_EDGES_A", "alike", "motion_of", "representatives"]

RMSF_EDGES_A = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0)
"""Borders of the counts of residues by RMSF; the last count is of all beyond."""

_LEAST_FRAMES, _LEAST_ATOMS = 4, 4
_BLOCK_BYTES = 2**26


def representatives(molecule: Complex) -> NDArray[np.int64]:
    """One atom for every residue of protein and nucleic acid that has it."""
    chosen = np.where(
        molecule.residue_kind == "nucleic", molecule.atom_of_residue("C4'"), molecule.atom_of_residue("CA")
    )
    polymer = np.isin(molecule.residue_kind, ("protein", "nucleic"))
    return chosen[polymer & (chosen >= 0)].astype(np.int64)


def motion_of(
    view: TrajectoryView, atoms: NDArray[np.int64], n_frames: int
) -> tuple[dict[str, Any], NDArray[np.float64] | None]:
    """Figures of a trajectory, and the RMSF of `atoms` in nm.

    Parameters
    ----------
    view
        The frames.
    atoms
        One a residue.
    n_frames
        How many frames are looked at, evenly spaced.

    Returns
    -------
    figures : dict
        ``n_frames`` looked at; ``rmsf_A`` at 5, 25, 50, 75 and 95 % of residues; ``counts`` of residues by
        :data:`RMSF_EDGES_A`; ``halves`` the correlation of the RMSF of the two halves, None where there are too few
        frames or a trajectory has no order. Empty if there are too few frames or residues.
    rmsf : float64 [n_atoms] or None
    """
    if view.n_frames < _LEAST_FRAMES or len(atoms) < _LEAST_ATOMS:
        return {}, None
    rows = np.unique(np.linspace(0, view.n_frames - 1, min(n_frames, view.n_frames)).round().astype(np.int64))
    block = max(1, _BLOCK_BYTES // (12 * view.n_atoms))
    parts = [view.frames(rows[start : start + block])[:, atoms] for start in range(0, len(rows), block)]
    frames = superpose_on_mean(np.concatenate(parts).astype(np.float64))
    fluctuation = rmsf_nm(frames)
    values = 10.0 * fluctuation
    counts = np.histogram(values, bins=[*RMSF_EDGES_A, np.inf])[0]
    halves = None
    if view.record.conditions.kind == "md" and len(rows) >= 4 * _LEAST_FRAMES:
        middle = len(rows) // 2
        halves = alike(*(rmsf_nm(superpose_on_mean(half)) for half in (frames[:middle], frames[middle:])))
    figures = {
        "n_frames": len(rows),
        "rmsf_A": np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95]).round(4).tolist(),
        "counts": counts.tolist(),
        "halves": halves,
    }
    return figures, fluctuation


def alike(first: NDArray[np.float64], second: NDArray[np.float64]) -> float | None:
    """Pearson's correlation of two sets of fluctuations; None if one of them does not vary."""
    if len(first) < 2 or min(first.std(), second.std()) < 1e-9:
        return None
    return round(float(np.corrcoef(first, second)[0, 1]), 4)
