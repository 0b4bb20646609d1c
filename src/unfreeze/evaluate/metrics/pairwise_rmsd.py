"""Mean pairwise RMSD: how far apart two frames of an ensemble lie on average, the plainest measure of its diversity.

Frames are not fitted on each other; they are superposed on the reference structure already. No frame is paired with
itself, so the number does not fall with the size of the ensemble as the usual mean over all N² pairs does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import Measurement, Metric
from unfreeze.evaluate.metrics.selection import representatives, require_frames
from unfreeze.evaluate.metrics.walking import evenly_spaced
from unfreeze.evaluate.samples import FrameValues

__all__ = ["MAX_FRAMES", "PAIRWISE_RMSD_A", "mean_over_pairs", "pairwise_rmsd_nm", "rmsd_between_frames"]

MAX_FRAMES = 1_000
"""Of a longer side so many evenly spaced frames are compared with each other."""
_ATOMS_A_BLOCK = 2_000


def pairwise_rmsd_nm(frames_nm: NDArray[np.floating]) -> NDArray[np.float64]:
    """RMSD between all frames, without fitting: d_fg = (n⁻¹ Σ_i |x_fi − x_gi|²)^½.

    Parameters
    ----------
    frames_nm
        [n_frames, n_atoms, 3], nm.

    Returns
    -------
    float64 [n_frames, n_frames]
        nm; symmetric, zero on the diagonal.
    """
    n_frames, n_atoms = frames_nm.shape[:2]
    gram = np.zeros((n_frames, n_frames))
    for begin in range(0, n_atoms, _ATOMS_A_BLOCK):
        part = np.asarray(frames_nm[:, begin : begin + _ATOMS_A_BLOCK], dtype=np.float64)
        rows = (part - part.mean(axis=0)).reshape(n_frames, -1)
        gram += rows @ rows.T
    norm = np.diagonal(gram)
    squared = np.maximum(norm[:, None] + norm[None, :] - 2.0 * gram, 0.0) / n_atoms
    np.fill_diagonal(squared, 0.0)
    return np.sqrt(squared)


def mean_over_pairs(distances: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Weighted mean over pairs of different frames: Σ_{f≠g} w_f w_g d_fg / Σ_{f≠g} w_f w_g; NaN of no pairs.

    `distances` is [n, n] with a zero diagonal. For equal weights this is unbiased for the mean distance of two
    independent draws, whatever the number of frames (a U-statistic: Hoeffding 1948, Ann. Math. Statist. 19, 293).
    """
    pairs = float(weights.sum() ** 2 - (weights**2).sum())
    return float(weights @ distances @ weights) / pairs if pairs > 1e-12 else float("nan")


def rmsd_between_frames(side: Side) -> FrameValues:
    """RMSD matrix of at most `MAX_FRAMES` evenly spaced frames over representative atoms, a row a frame, nm."""
    chosen = evenly_spaced(side.n_frames, MAX_FRAMES)
    atoms = side.molecule.representative_atoms()
    weights = side.weights[chosen]
    block = np.unique(side.block[chosen], return_inverse=True)[1]
    return FrameValues(pairwise_rmsd_nm(side.frames_nm[np.ix_(chosen, atoms)]), weights / weights.sum(), block)


def _measure(ensemble: Side, reference: Side) -> Measurement:
    require_frames(ensemble, reference)
    representatives(reference, 1)

    def own(rows: tuple[NDArray[np.float64], NDArray[np.float64]]) -> float:
        return 10.0 * mean_over_pairs(*rows)

    return Measurement(
        ensemble.once(rmsd_between_frames), reference.once(rmsd_between_frames), lambda one, _: own(one), own=own
    )


PAIRWISE_RMSD_A = Metric(
    "pairwise_rmsd_A", "Mean Cα RMSD between frames", _measure, unit="Å", better="equal",
    bounds=(0.0, float("inf")), group="motion",
)  # fmt: skip
