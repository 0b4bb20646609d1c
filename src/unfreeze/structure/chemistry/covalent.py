"""What covalent chemistry expects of a complex: bonds with lengths, peptide bonds, chiral centres and planes.

Everything is index arrays into the atom table, made once from the input's names and, for residues without a table
(ligands, modified residues), from its coordinates. Checking frames against them is :mod:`unfreeze.structure.validity`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from unfreeze.structure.chemistry.atom_lookup import AtomLookup
from unfreeze.structure.chemistry.elements import covalent_radius_nm, is_metal
from unfreeze.structure.chemistry.ideal_geometry import BOND_LENGTHS
from unfreeze.structure.chemistry.nucleotides import NUCLEOTIDE_BONDS, NUCLEOTIDE_PLANES, PHOSPHODIESTER_NM
from unfreeze.structure.chemistry.residues import AMINO_ACIDS
from unfreeze.structure.complex import Complex

__all__ = [
    "Bonds",
    "ChiralCentres",
    "ideal_bonds",
    "ideal_centres",
    "ideal_planes",
    "metal_atoms",
    "peptide_links",
    "signed_volumes",
]

THERMAL_BOND_SIGMA_NM = 0.003
"""Thermal spread of a single bond at 300 K, sqrt(kT/k) with k = 2 x 310 kcal/mol/Å² (Cornell et al. 1995)."""
OWN_BOND_SIGMA_NM = 0.004
DISULFIDE_NM = 0.2033
MIN_CENTRE_VOLUME_NM3 = 0.0008
"""A carbon whose three neighbours span less than this (1/3 of a tetrahedral one) is flat, not chiral."""

_BOND_SLACK_NM = 0.04


@dataclass(frozen=True, eq=False)
class Bonds:
    """Covalent bonds between heavy atoms.

    Attributes
    ----------
    atoms : int64 [n_bonds, 2]
        The bonded atoms, lower index first.
    length_nm, sigma_nm : float64 [n_bonds]
        Expected length and its standard deviation; the input's own length where no table has the bond.
    checked : bool [n_bonds]
        Whether the length is one to check: peptide bonds have their own check, metal coordination has none.
    """

    atoms: NDArray[np.int64]
    length_nm: NDArray[np.float64]
    sigma_nm: NDArray[np.float64]
    checked: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ChiralCentres:
    """Chiral centres as four atoms and the sign that (a - o) . ((b - o) x (c - o)) must have.

    Attributes
    ----------
    atoms : int64 [n_centres, 4]
        Centre o and three neighbours a, b, c.
    sign : float64 [n_centres]
        +1 or -1.
    """

    atoms: NDArray[np.int64]
    sign: NDArray[np.float64]


def peptide_links(system: Complex) -> NDArray[np.int64]:
    """Peptide bonds of a complex.

    Parameters
    ----------
    system
        The complex; the bonds are those of its `links` that join C and N of two protein residues.

    Returns
    -------
    int64 [n_peptides, 2]
        C atom and N atom.
    """
    links = system.links.reshape(-1, 2)
    protein = (system.residue_kind == "protein")[system.residue_index]
    links = links[protein[links].all(axis=1)]
    names = system.atom_name[links]
    forward = (names[:, 0] == "C") & (names[:, 1] == "N")
    backward = (names[:, 0] == "N") & (names[:, 1] == "C")
    return np.concatenate([links[forward], links[backward][:, ::-1]]).astype(np.int64)


def ideal_bonds(system: Complex) -> Bonds:
    """All bonds between heavy atoms, within and between residues.

    Parameters
    ----------
    system
        The complex; its coordinates decide the bonds of atoms that no table knows.

    Returns
    -------
    Bonds
        Sorted, each once.
    """
    by_name = AtomLookup(system)
    pairs: list[NDArray[np.int64]] = []
    lengths: list[NDArray[np.float64]] = []
    sigmas: list[NDArray[np.float64]] = []

    def add(rows: NDArray[np.int64], length: float | NDArray[np.float64], sigma: float) -> None:
        pairs.append(rows.reshape(-1, 2))
        lengths.append(np.broadcast_to(np.asarray(length, dtype=np.float64), len(rows)))
        sigmas.append(np.full(len(rows), sigma))

    for name in np.unique(system.residue_name).tolist():
        residues = np.flatnonzero(system.residue_name == name)
        for atoms, (length, sigma) in BOND_LENGTHS.get(name, {}).items():
            add(by_name.whole(residues, *atoms), length, max(sigma, THERMAL_BOND_SIGMA_NM))
        for atoms, length in NUCLEOTIDE_BONDS.get(name, {}).items():
            add(by_name.whole(residues, *atoms), length, THERMAL_BOND_SIGMA_NM)
    known = np.zeros(system.n_atoms, dtype=bool)
    if pairs:
        known[np.concatenate(pairs).ravel()] = True
    guessed = _bonds_by_distance(system, known)
    add(guessed, _distance(system.coordinates_nm, guessed), OWN_BOND_SIGMA_NM)
    tabulated = sum(len(rows) for rows in pairs)

    links = np.sort(system.links.reshape(-1, 2), axis=1)
    names = np.sort(system.atom_name[links], axis=1)
    link_length = _distance(system.coordinates_nm, links)
    link_sigma = np.full(len(links), OWN_BOND_SIGMA_NM)
    for first, second, length in (("O3'", "P", PHOSPHODIESTER_NM), ("SG", "SG", DISULFIDE_NM)):
        same = (names[:, 0] == first) & (names[:, 1] == second)
        link_length[same], link_sigma[same] = length, THERMAL_BOND_SIGMA_NM
    pairs.append(links)
    lengths.append(link_length)
    sigmas.append(link_sigma)

    every = np.sort(np.concatenate(pairs), axis=1)
    every, first_row = np.unique(every, axis=0, return_index=True)
    peptides = np.sort(peptide_links(system), axis=1)
    is_peptide = np.isin(_pair_keys(every, system.n_atoms), _pair_keys(peptides, system.n_atoms))
    heavy = (system.element != "H") & (system.element != "D")
    metal = metal_atoms(system)
    is_link = first_row >= tabulated
    keep = heavy[every].all(axis=1)
    checked = ~is_peptide & ~(is_link & metal[every].any(axis=1))
    length, sigma = np.concatenate(lengths)[first_row], np.concatenate(sigmas)[first_row]
    return Bonds(every[keep], length[keep], sigma[keep], checked[keep])


def ideal_centres(system: Complex, bonds: Bonds) -> ChiralCentres:
    """Chiral centres: L for the 20 amino acids, as in the input for everything else.

    Parameters
    ----------
    system, bonds
        The complex and :func:`ideal_bonds` of it.

    Returns
    -------
    ChiralCentres
        CA (and CB of Ile and Thr) of amino acids; carbons with three or four heavy neighbours of nucleotides,
        ligands and other residues, as far as the input shows them tetrahedral.
    """
    by_name = AtomLookup(system)
    standard = []
    for name in np.unique(system.residue_name).tolist():
        if name in AMINO_ACIDS:
            residues = np.flatnonzero(system.residue_name == name)
            for centre, neighbours in AMINO_ACIDS[name].centres:
                standard.append(by_name.whole(residues, centre, *neighbours))
    known = np.concatenate(standard) if standard else np.zeros((0, 4), dtype=np.int64)

    other = ~np.isin(system.residue_name, list(AMINO_ACIDS))[system.residue_index] & (system.element == "C")
    neighbours = defaultdict(list)
    for first, second in bonds.atoms[other[bonds.atoms].any(axis=1)].tolist():
        neighbours[first].append(second)
        neighbours[second].append(first)
    rows = [[o, *near[:3]] for o, near in sorted(neighbours.items()) if other[o] and len(near) in (3, 4)]
    own = np.array(rows, dtype=np.int64).reshape(-1, 4)
    volume = signed_volumes(system.coordinates_nm[None], own)[0]
    tetrahedral = np.abs(volume) > MIN_CENTRE_VOLUME_NM3
    atoms = np.concatenate([known, own[tetrahedral]])
    return ChiralCentres(atoms, np.concatenate([np.ones(len(known)), np.sign(volume[tetrahedral])]))


def ideal_planes(system: Complex) -> list[NDArray[np.int64]]:
    """Planar groups: rings, carboxyl, amide and guanidinium groups and bases with all their atoms present.

    Parameters
    ----------
    system
        The complex.

    Returns
    -------
    list of int64 [n_groups, n_group_atoms]
        One array for each size of group.
    """
    by_name = AtomLookup(system)
    of_size: dict[int, list[NDArray[np.int64]]] = defaultdict(list)
    for name in np.unique(system.residue_parent_name).tolist():
        residues = np.flatnonzero(system.residue_parent_name == name)
        groups = AMINO_ACIDS[name].planar_groups if name in AMINO_ACIDS else ()
        if name in NUCLEOTIDE_PLANES:
            groups = (NUCLEOTIDE_PLANES[name],)
        for group in groups:
            of_size[len(group)].append(by_name.whole(residues, *group))
    return [np.concatenate(rows) for _, rows in sorted(of_size.items())]


def metal_atoms(system: Complex) -> NDArray[np.bool_]:
    """Whether each atom is a metal: [n_atoms]."""
    symbols, inverse = np.unique(system.element, return_inverse=True)
    return np.array([is_metal(symbol) for symbol in symbols.tolist()], dtype=bool)[inverse]


def signed_volumes(coordinates_nm: NDArray[np.float64], centres: NDArray[np.int64]) -> NDArray[np.float64]:
    """Triple product (a - o) . ((b - o) x (c - o)) in nm³ of every centre: [n_frames, n_centres]."""
    arms = coordinates_nm[:, centres[:, 1:]] - coordinates_nm[:, centres[:, :1]]
    return np.einsum("fci,fci->fc", arms[:, :, 0], np.cross(arms[:, :, 1], arms[:, :, 2]))


def _distance(coordinates_nm: NDArray[np.float64], pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.linalg.norm(coordinates_nm[pairs[:, 0]] - coordinates_nm[pairs[:, 1]], axis=1)


def _pair_keys(pairs: NDArray[np.int64], n_atoms: int) -> NDArray[np.int64]:
    return pairs[:, 0] * np.int64(n_atoms) + pairs[:, 1]


def _bonds_by_distance(system: Complex, known: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Bonds within residues of which at least one atom is in no table."""
    atoms = np.flatnonzero(~np.isin(system.element, ["H", "D"]))
    unknown_residue = np.zeros(system.n_residues, dtype=bool)
    unknown_residue[system.residue_index[~known]] = True
    atoms = atoms[unknown_residue[system.residue_index[atoms]]]
    if len(atoms) == 0:
        return np.zeros((0, 2), dtype=np.int64)
    radius = covalent_radius_nm(system.element[atoms])
    pairs = KDTree(system.coordinates_nm[atoms]).query_pairs(0.30, output_type="ndarray").reshape(-1, 2)
    near = _distance(system.coordinates_nm[atoms], pairs) < radius[pairs].sum(axis=1) + _BOND_SLACK_NM
    pairs = atoms[pairs[near]]
    same = system.residue_index[pairs[:, 0]] == system.residue_index[pairs[:, 1]]
    return pairs[same & ~known[pairs].all(axis=1)].astype(np.int64)
