"""Which residues move together: the dynamic cross-correlation matrix, compared with the reference's.

Linear correlations of displacements only; the correlation across an interface alone is a matter of the interface
metrics. Of very large complexes an even choice of residues is correlated.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import Measurement, Metric
from unfreeze.evaluate.metrics.moments import displacement_moments
from unfreeze.evaluate.metrics.selection import representatives, require_frames
from unfreeze.evaluate.metrics.similarity import pearson
from unfreeze.evaluate.metrics.walking import block_weights, stretches
from unfreeze.evaluate.samples import BlockMeans

__all__ = ["DCCM_R", "MAX_ATOMS", "correlations_of_moments", "dccm_of", "displacement_products"]

MAX_ATOMS = 1_000
"""Representative atoms that are correlated at most; of more, so many are chosen evenly along the chains."""
_STILL_NM2 = 1e-12  # atoms that fluctuate less than 1e-6 nm stand still; the rest is rounding


def displacement_products(side: Side) -> BlockMeans:
    """First moments and inner products of the displacements of representative atoms.

    Products are summed in single precision within a stretch of frames, in double between stretches; displacements
    are from the side's own mean so that little is lost when it is subtracted again for resampled blocks.

    Returns
    -------
    BlockMeans
        ⟨u_i⟩ [n, 3] in nm, and ⟨u_i·u_j⟩ of the upper triangle with its diagonal [n (n + 1) / 2] in nm².
    """
    atoms = representatives(side, 2, MAX_ATOMS)
    mean = side.molecule.coordinates_nm[atoms] + side.once(displacement_moments).at()[0][atoms]
    weight = block_weights(side)
    n = len(atoms)
    upper = np.triu_indices(n)
    first = np.zeros((len(weight), n, 3))
    second = np.zeros((len(weight), len(upper[0])))
    square, current = np.zeros((n, n)), 0
    for block, weights, frames in stretches(side, atoms):
        if block != current:
            second[current] = square[upper]
            square[:] = 0.0
            current = block
        moves = np.sqrt(weights)[:, None, None] * (frames - mean)
        first[block] += np.tensordot(np.sqrt(weights), moves, axes=1)
        rows = moves.astype(np.float32).transpose(0, 2, 1).reshape(-1, n)
        square += rows.T @ rows
    second[current] = square[upper]
    return BlockMeans(weight, (first, second))


def correlations_of_moments(mean: NDArray[np.floating], products: NDArray[np.floating]) -> NDArray[np.float64]:
    """C_ij = ⟨Δr_i·Δr_j⟩ / (⟨Δr_i²⟩⟨Δr_j²⟩)^½ (Ichiye & Karplus 1991, Proteins 11, 205), strict upper triangle.

    Parameters
    ----------
    mean, products
        As :func:`displacement_products` gives them: [n, 3], nm, and [n (n + 1) / 2], nm².

    Returns
    -------
    float64 [n (n − 1) / 2]
        Row by row; 0 for an atom that stands still.
    """
    n = len(mean)
    covariance = np.zeros((n, n))
    covariance[np.triu_indices(n)] = products
    covariance -= mean @ mean.T
    variance = np.diagonal(covariance)
    moving = variance > _STILL_NM2
    scale = np.where(moving, 1.0 / np.sqrt(np.where(moving, variance, 1.0)), 0.0)
    correlations = covariance * scale[:, None] * scale
    return np.clip(correlations[np.triu_indices(n, 1)], -1.0, 1.0)


def dccm_of(side: Side) -> NDArray[np.float64]:
    """The whole matrix of a side, for pages: [n, n], 1 on the diagonal."""
    upper = correlations_of_moments(*side.once(displacement_products).at())
    n = round((1.0 + np.sqrt(1.0 + 8.0 * len(upper))) / 2.0)
    matrix = np.eye(n)
    rows, columns = np.triu_indices(n, 1)
    matrix[rows, columns] = matrix[columns, rows] = upper
    return matrix


def _measure(ensemble: Side, reference: Side) -> Measurement:
    require_frames(ensemble, reference)
    representatives(reference)
    return Measurement(
        ensemble.once(displacement_products),
        reference.once(displacement_products),
        lambda one, other: pearson(correlations_of_moments(*one), correlations_of_moments(*other)),
    )


DCCM_R = Metric(
    "dccm_r", "Cross-correlations of motion, Pearson r", _measure, perfect=1.0, bounds=(-1.0, 1.0), group="motion"
)
