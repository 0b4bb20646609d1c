"""How much the distances between residues vary: a measure of flexibility that needs no superposition.

Standard deviations of Cα–Cα distances are compared pair by pair. They tell relative motion of domains and chains from
motion of the whole, which fluctuations about a mean structure do not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import Measurement, Metric
from unfreeze.evaluate.metrics.pair_kernels import FRAMES_A_STRETCH, add_distance_moments, frames_innermost
from unfreeze.evaluate.metrics.selection import representatives, require_frames
from unfreeze.evaluate.metrics.similarity import pearson
from unfreeze.evaluate.metrics.walking import block_weights, stretches
from unfreeze.evaluate.samples import BlockMeans

__all__ = ["DISTANCE_SD_R", "MAX_ATOMS", "SEPARATION", "distance_moments", "distance_sd_nm"]

MAX_ATOMS = 500
"""Representative atoms whose pairs are measured at most; of more, so many are chosen evenly along the chains."""
SEPARATION = 3
"""Places along the list of representative atoms that two of a pair are apart, at least."""


def distance_sd_nm(mean: NDArray[np.floating], mean_square: NDArray[np.floating]) -> NDArray[np.float64]:
    """σ_ij = (⟨δ²⟩ − ⟨δ⟩²)^½, δ = d_ij − d⁰_ij (population form): [n_pairs], nm."""
    return np.sqrt(np.maximum(np.asarray(mean_square - mean**2, dtype=np.float64), 0.0))


def distance_moments(side: Side) -> BlockMeans:
    """⟨δ⟩ and ⟨δ²⟩ of pairs |i − j| ≥ `SEPARATION`, δ the difference from the reference structure's distance.

    Returns
    -------
    BlockMeans
        Both [n_pairs], nm and nm², pairs row by row of the upper triangle.
    """
    atoms = representatives(side, SEPARATION + 1, MAX_ATOMS)
    weight = block_weights(side)
    n_pairs = (len(atoms) - SEPARATION) * (len(atoms) - SEPARATION + 1) // 2
    first, second = np.zeros((len(weight), n_pairs)), np.zeros((len(weight), n_pairs))
    origin = side.molecule.coordinates_nm[atoms].astype(np.float32)
    for block, weights, frames in stretches(side, atoms, FRAMES_A_STRETCH):
        points = frames_innermost(frames)
        add_distance_moments(points, weights.astype(np.float32), origin, SEPARATION, first[block], second[block])
    return BlockMeans(weight, (first, second))


def _measure(ensemble: Side, reference: Side) -> Measurement:
    require_frames(ensemble, reference)
    representatives(reference, SEPARATION + 2)
    return Measurement(
        ensemble.once(distance_moments),
        reference.once(distance_moments),
        lambda one, other: pearson(distance_sd_nm(*one), distance_sd_nm(*other)),
    )


DISTANCE_SD_R = Metric(
    "distance_sd_r", "Standard deviation of Cα distances, Pearson r", _measure, perfect=1.0, bounds=(-1.0, 1.0),
    group="motion",
)  # fmt: skip
