"""Whether chains move together as in the reference: cross-correlations of pairs of atoms of different chains.

C_ij = ⟨Δr_i·Δr_j⟩ / (⟨Δr_i²⟩⟨Δr_j²⟩)^½ (Ichiye & Karplus 1991, Proteins 11, 205), one atom a residue, frames superposed
on the whole reference structure. The score is Pearson's r between the C_ij of the two sides, once over all pairs
across chains and once over pairs less than 1.5 nm apart in the reference structure: the first is ruled by how whole
chains swing, the second by the interface itself.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import Measurement, Metric, NotMeasurableError
from unfreeze.evaluate.metrics.selection import require_frames
from unfreeze.evaluate.metrics.similarity import pearson
from unfreeze.evaluate.metrics.walking import block_weights, stretches
from unfreeze.evaluate.samples import BlockMeans

__all__ = [
    "INTERCHAIN_DCCM_R",
    "INTERFACE_DCCM_R",
    "NEAR_NM",
    "correlations",
    "interchain_moments",
    "near_moments",
]

NEAR_NM = 1.5
_MAX_PAIRS = 250_000  # more pairs are thinned evenly: r over so many is known to a thousandth
_STILL_NM2 = 1e-12


def interchain_moments(side: Side) -> BlockMeans:
    """First and second moments of displacements, for all pairs of representative atoms across chains."""
    return side.once(_moments)[0]


def near_moments(side: Side) -> BlockMeans:
    """The same for pairs less than 1.5 nm apart in the reference structure."""
    return side.once(_moments)[1]


def correlations(means: tuple[NDArray[np.floating], ...], pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    """Cross-correlation of pairs of atoms.

    Parameters
    ----------
    means
        ⟨Δr⟩ [n_atoms, 3], ⟨|Δr|²⟩ [n_atoms] and ⟨Δr_i·Δr_j⟩ [n_pairs], about any one origin, nm and nm².
    pairs
        [n_pairs, 2] atoms.

    Returns
    -------
    float64 [n_pairs]
        In [−1, 1]; 0 where an atom does not move.
    """
    mean, square, product = means
    variance = square - (mean**2).sum(axis=1)
    covariance = product - np.einsum("pk,pk->p", mean[pairs[:, 0]], mean[pairs[:, 1]])
    scale = variance[pairs[:, 0]] * variance[pairs[:, 1]]
    moving = (variance > _STILL_NM2)[pairs].all(axis=1)
    return np.where(moving, np.clip(covariance / np.sqrt(np.where(moving, scale, 1.0)), -1.0, 1.0), 0.0)


def _pairs(side: Side) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Representative atoms, pairs of them across chains (thinned when they are too many), and near pairs."""
    molecule = side.molecule
    atoms = molecule.representative_atoms()
    chain = molecule.atom_chain_index[atoms]
    members = [np.flatnonzero(chain == c) for c in np.unique(chain)]
    n_pairs = sum(len(a) * len(b) for a, b in combinations(members, 2))
    every = int(np.ceil(np.sqrt(n_pairs / _MAX_PAIRS))) if n_pairs > _MAX_PAIRS else 1
    points = molecule.coordinates_nm[atoms]
    far, near = [np.empty((0, 2), dtype=np.int64)], [np.empty((0, 2), dtype=np.int64)]
    for first, second in combinations(members, 2):
        grid = np.meshgrid(first[::every], second[::every], indexing="ij")
        far.append(np.stack([axis.ravel() for axis in grid], axis=1))
        distance = np.linalg.norm(points[first, None] - points[None, second], axis=-1)
        rows, columns = np.nonzero(distance < NEAR_NM)
        near.append(np.stack([first[rows], second[columns]], axis=1))
    return atoms, np.concatenate(far), np.concatenate(near)


def _moments(side: Side) -> tuple[BlockMeans, BlockMeans]:
    atoms, far, near = side.once(_pairs)
    weight = block_weights(side)
    origin = side.molecule.coordinates_nm[atoms]
    mean, square = np.zeros((len(weight), len(atoms), 3)), np.zeros((len(weight), len(atoms)))
    products = [np.zeros((len(weight), len(pairs))) for pairs in (far, near)]
    # one product of matrices over the atoms in any pair is quicker than one of vectors a pair
    wanted = [np.unique(pairs) for pairs in (far, near)]
    places = [np.searchsorted(atoms_of, pairs) for atoms_of, pairs in zip(wanted, (far, near), strict=True)]
    for block, weights, frames in stretches(side, atoms):
        moved = frames - origin
        mean[block] += np.tensordot(weights, moved, axes=1)
        square[block] += weights @ (moved**2).sum(axis=-1)
        scaled = (np.sqrt(weights)[:, None, None] * moved).transpose(1, 0, 2).reshape(len(atoms), -1)
        for product, atoms_of, place in zip(products, wanted, places, strict=True):
            product[block] += (scaled[atoms_of] @ scaled[atoms_of].T)[place[:, 0], place[:, 1]]
    far_sums, near_sums = products
    return BlockMeans(weight, (mean, square, far_sums)), BlockMeans(weight, (mean, square, near_sums))


def _correlation_metric(
    feature: Callable[[Side], BlockMeans], which: int, none: str
) -> Callable[[Side, Side], Measurement]:
    def measure(ensemble: Side, reference: Side) -> Measurement:
        atoms, *pair_lists = reference.once(_pairs)
        if len(np.unique(reference.molecule.atom_chain_index[atoms])) < 2:
            raise NotMeasurableError("one chain: there is no interface")
        pairs = pair_lists[which]
        if len(pairs) < 3:
            raise NotMeasurableError(none)
        require_frames(ensemble, reference, 3)

        def statistic(ours: tuple[NDArray[np.floating], ...], theirs: tuple[NDArray[np.floating], ...]) -> float:
            return pearson(correlations(ours, pairs), correlations(theirs, pairs))

        return Measurement(ensemble.once(feature), reference.once(feature), statistic)

    return measure


INTERCHAIN_DCCM_R = Metric(
    "interchain_dccm_r", "Inter-chain cross-correlations, Pearson r",
    _correlation_metric(interchain_moments, 0, "there are fewer than three pairs of residues across chains"),
    perfect=1.0, bounds=(-1.0, 1.0), group="interface",
)  # fmt: skip
INTERFACE_DCCM_R = Metric(
    "interface_dccm_r", "Cross-correlations within 15 Å across the interface, Pearson r",
    _correlation_metric(near_moments, 1, "fewer than three pairs of residues are within 1.5 nm across chains"),
    perfect=1.0, bounds=(-1.0, 1.0), group="interface",
)  # fmt: skip
