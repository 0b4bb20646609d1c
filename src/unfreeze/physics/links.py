"""Walking the bond graph: which links are peptides, and what is bonded to what.

Bonds are pairs of atoms, [n, 2]; finding them is the business of `structure.chemistry.links`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from unfreeze.structure.chemistry.covalent import metal_atoms
from unfreeze.structure.complex import Complex

__all__ = [
    "COORDINATION_NM",
    "are_peptide_links",
    "bonded_neighbours",
    "coordination_pairs",
    "neighbours_of",
    "oriented",
    "trace_pairs",
]

COORDINATION_NM = 0.28
"""An atom N, O, S or Se as near as this to a metal is coordinated by it."""


def are_peptide_links(molecule: Complex, links: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which links are peptide bonds C–N between amino acids: [n_links]."""
    names = molecule.atom_name[links]
    protein = (molecule.residue_kind[molecule.residue_index[links]] == "protein").all(axis=1)
    return protein & (((names[:, 0] == "C") & (names[:, 1] == "N")) | ((names[:, 0] == "N") & (names[:, 1] == "C")))


def oriented(molecule: Complex, links: NDArray[np.int64], first_name: str) -> NDArray[np.int64]:
    """The links with the atom called `first_name` first: [n_links, 2]."""
    swap = molecule.atom_name[links[:, 0]] != first_name
    return np.where(swap[:, None], links[:, ::-1], links)


def bonded_neighbours(n_atoms: int, bonds: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Adjacency of the bond graph as CSR: row starts [n_atoms + 1] and neighbours [2 n_bonds]."""
    both = np.concatenate([bonds, bonds[:, ::-1]])
    both = both[np.lexsort((both[:, 1], both[:, 0]))]
    return np.searchsorted(both[:, 0], np.arange(n_atoms + 1)), both[:, 1]


def neighbours_of(
    atoms: NDArray[np.int64], row_start: NDArray[np.int64], neighbour: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All bonded neighbours of `atoms`: for each, its position in `atoms`, and the neighbour."""
    counts = row_start[atoms + 1] - row_start[atoms]
    owner = np.repeat(np.arange(len(atoms)), counts)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    return owner, neighbour[row_start[atoms][owner] + within]


def trace_pairs(molecule: Complex) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """CA–CA pseudo-bonds of consecutive residues that lack C or N (Cα-only chains)."""
    alpha = molecule.atom_of_residue("CA")
    bare = (alpha >= 0) & ((molecule.atom_of_residue("C") < 0) | (molecule.atom_of_residue("N") < 0))
    bare &= molecule.residue_kind == "protein"
    first = np.flatnonzero(bare[:-1] & bare[1:] & (np.diff(molecule.chain_index) == 0))
    span = np.linalg.norm(molecule.coordinates_nm[alpha[first]] - molecule.coordinates_nm[alpha[first + 1]], axis=1)
    first = first[span < 0.42]
    return alpha[first], alpha[first + 1]


def coordination_pairs(molecule: Complex) -> NDArray[np.int64]:
    """Each metal with every atom N, O, S or Se that it coordinates: [n_pairs, 2]."""
    metal = np.flatnonzero(metal_atoms(molecule))
    donor = np.flatnonzero(np.isin(molecule.element, ("N", "O", "S", "SE")))
    if len(metal) == 0 or len(donor) == 0:
        return np.empty((0, 2), dtype=np.int64)
    found = KDTree(molecule.coordinates_nm[donor]).query_ball_point(molecule.coordinates_nm[metal], COORDINATION_NM)
    near = [donor[np.sort(np.array(places, dtype=np.int64))] for places in found]
    return np.stack([np.repeat(metal, [len(atoms) for atoms in near]), np.concatenate(near)], axis=1)
