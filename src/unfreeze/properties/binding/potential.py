"""A statistical potential of atoms, and what it says of an interface.

Distances between atoms of different residues in known structures, against a reference state of points in a finite
sphere that do not interact: DFIRE (Zhou & Zhou 2002, Protein Sci. 11, 2714; exponent 1.61). It is counted in single
proteins, never in the complexes whose affinity is asked, and knows no affinities.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from unfreeze.properties.binding.partners import ORDER, PartnerPair
from unfreeze.structure.chemistry.residues import AMINO_ACIDS
from unfreeze.structure.complex import Complex

__all__ = ["N_TYPES", "atom_types", "count_pairs", "potential_features", "potential_of"]

EDGES_NM = np.array([0.0, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.8, 0.9, 1.0])
_EXPONENT = 1.61
_PRIOR = 20.0  # expected pairs that count as much as those seen
_APART = 4  # residues along the chain from which pairs count
_LARGEST = 5.0


@cache
def _table() -> dict[tuple[str, str], int]:
    atoms = [(name, atom) for name in ORDER for atom in AMINO_ACIDS[name].atoms if atom not in ("OXT", "H")]
    return {key: number for number, key in enumerate(atoms)}


N_TYPES = 167
"""Heavy atoms of the 20 amino acids."""


def atom_types(molecule: Complex) -> NDArray[np.int64]:
    """Type of every atom: residue and atom name; −1 for others."""
    names = molecule.residue_parent_name[molecule.residue_index]
    table = _table()
    return np.array(
        [table.get((str(residue), str(atom)), -1) for residue, atom in zip(names, molecule.atom_name, strict=True)],
        dtype=np.int64,
    )


def count_pairs(molecules: Iterable[Complex]) -> NDArray[np.float64]:
    """Pairs of atoms by type and distance within the chains of proteins: [N_TYPES, N_TYPES, n_bins], symmetric."""
    n_bins = len(EDGES_NM) - 1
    counts = np.zeros(N_TYPES * N_TYPES * n_bins)
    for molecule in molecules:
        kinds = atom_types(molecule)
        atoms = np.flatnonzero(kinds >= 0)
        if not len(atoms):
            continue
        points = molecule.coordinates_nm[atoms]
        pairs = KDTree(points).query_pairs(float(EDGES_NM[-1]), output_type="ndarray")
        residue, chain = molecule.residue_index[atoms][pairs], molecule.atom_chain_index[atoms][pairs]
        chosen = (chain[:, 0] != chain[:, 1]) | (np.abs(residue[:, 0] - residue[:, 1]) >= _APART)
        pairs = pairs[chosen]
        distance = np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
        bins = np.clip(np.searchsorted(EDGES_NM, distance, side="right") - 1, 0, n_bins - 1)
        one, other = kinds[atoms][pairs].T
        counts += np.bincount((one * N_TYPES + other) * n_bins + bins, minlength=len(counts))
    table = counts.reshape(N_TYPES, N_TYPES, n_bins)
    return table + table.transpose(1, 0, 2)


def potential_of(counts: NDArray[np.float64]) -> NDArray[np.float32]:
    """The potential, in units of RT: [N_TYPES, N_TYPES, n_bins]; zero in the last bin.

    Parameters
    ----------
    counts
        From :func:`count_pairs`.
    """
    middle, width = 0.5 * (EDGES_NM[1:] + EDGES_NM[:-1]), np.diff(EDGES_NM)
    share = (middle / middle[-1]) ** _EXPONENT * width / width[-1]
    expected = counts[..., -1:] * share
    # what all pairs together do at short range is the prior of each
    overall = counts.sum(axis=(0, 1)) / np.maximum(expected.sum(axis=(0, 1)), 1.0)
    ratio = (counts + _PRIOR * share * overall) / np.maximum(expected + _PRIOR * share, 1e-9)
    return np.clip(-np.log(np.maximum(ratio, 1e-9)), -_LARGEST, _LARGEST).astype(np.float32)


def potential_features(pair: PartnerPair, potential: NDArray[np.floating]) -> dict[str, float]:
    """Energy over the interface: whole, near and farther, of backbone and side chains, and a pair."""
    atoms, distance = pair.atom_pairs(float(EDGES_NM[-1]))
    kinds = atom_types(pair.molecule)[atoms]
    known = (kinds >= 0).all(axis=1)
    kinds, distance, atoms = kinds[known], distance[known], atoms[known]
    bins = np.clip(np.searchsorted(EDGES_NM, distance, side="right") - 1, 0, len(EDGES_NM) - 2)
    energy = np.asarray(potential, dtype=np.float64)[kinds[:, 0], kinds[:, 1], bins]
    backbone = np.isin(pair.molecule.atom_name, ("N", "CA", "C", "O"))[atoms].sum(axis=1)
    near, middle = distance < 0.45, (distance >= 0.45) & (distance < 0.7)
    total = float(energy.sum())
    per_residue = np.bincount(pair.molecule.residue_index[atoms].ravel(), np.repeat(energy, 2) / 2.0)
    strong = np.sort(per_residue)[:5]
    return {
        "energy": total,
        "energy_near": float(energy[near].sum()),
        "energy_middle": float(energy[middle].sum()),
        "energy_far": float(energy[~near & ~middle].sum()),
        "energy_side": float(energy[backbone == 0].sum()),
        "energy_mixed": float(energy[backbone == 1].sum()),
        "energy_a_contact": float(energy[near].mean()) if near.any() else 0.0,
        "energy_strongest": float(strong.sum()),
        "energy_bad": float(np.clip(per_residue, 0.0, None).sum()),
    }
