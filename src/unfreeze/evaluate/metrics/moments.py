"""Means and covariances of atom positions, summed over blocks of frames in one pass.

Positions are taken as displacements from the reference structure and summed in double precision, so that little is
lost when the square of a mean is subtracted from the mean of squares. RMSF and per-atom Gaussians follow from these.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metrics.walking import block_weights, stretches
from unfreeze.evaluate.samples import BlockMeans
from unfreeze.structure.compiled import compiled

__all__ = ["covariances", "displacement_moments"]


def displacement_moments(side: Side) -> BlockMeans:
    """First and second moments of every atom's displacement from the reference structure.

    Returns
    -------
    BlockMeans
        ⟨u⟩ [n_atoms, 3] in nm and ⟨u uᵀ⟩ [n_atoms, 3, 3] in nm², u = x − x₀.
    """
    weight = block_weights(side)
    n_atoms = side.molecule.n_atoms
    first = np.zeros((len(weight), n_atoms, 3))
    second = np.zeros((len(weight), n_atoms, 3, 3))
    origin = np.array(side.molecule.coordinates_nm)  # a writable copy: one compiled version of the kernel serves all
    for block, weights, frames in stretches(side):
        _add_moments(frames, np.array(weights), origin, first[block], second[block])
    second += np.triu(np.ones((3, 3)), 1).T * second.swapaxes(-1, -2)
    return BlockMeans(weight, (first, second))


def covariances(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Covariances ⟨u uᵀ⟩ − ⟨u⟩⟨u⟩ᵀ (population form) of moments [n, 3] and [n, 3, 3]: [n, 3, 3]."""
    return second - first[:, :, None] * first[:, None, :]


@compiled
def _add_moments(
    frames: NDArray[np.float32],
    weights: NDArray[np.float64],
    origin: NDArray[np.float64],
    first: NDArray[np.float64],
    second: NDArray[np.float64],
) -> None:
    """Add weighted displacements to `first` [n, 3], the upper triangles of their products to `second` [n, 3, 3]."""
    for f in range(frames.shape[0]):
        w = weights[f]
        for i in range(frames.shape[1]):
            x = frames[f, i, 0] - origin[i, 0]
            y = frames[f, i, 1] - origin[i, 1]
            z = frames[f, i, 2] - origin[i, 2]
            first[i, 0] += w * x
            first[i, 1] += w * y
            first[i, 2] += w * z
            second[i, 0, 0] += w * x * x
            second[i, 0, 1] += w * x * y
            second[i, 0, 2] += w * x * z
            second[i, 1, 1] += w * y * y
            second[i, 1, 2] += w * y * z
            second[i, 2, 2] += w * z * z
