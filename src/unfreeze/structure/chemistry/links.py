"""Covalent bonds: between residues (links) and within them, found from geometry.

Links must be right more than complete: atoms of crystal structures clash, and a clash taken for a bond would tie
two bodies together. So proteins and nucleic acids are joined only where chemistry joins them, each atom once, and
ligands only at single contacts of plausible elements. Coordination of metals is not a covalent link here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from unfreeze.structure.chemistry.elements import covalent_radius_nm, is_metal
from unfreeze.structure.chemistry.overlaps import check_density
from unfreeze.structure.complex import Complex

__all__ = ["covalent_bonds", "find_links"]

Pairs = NDArray[np.int64]

# nm. Polymer bonds are 0.133 (C-N) and 0.161 (O3'-P) long; between neighbours in the sequence nothing else can be
# this close, so models with poor geometry and frames of simulations are still joined.
_NEIGHBOUR = {"peptide": 0.2, "phosphodiester": 0.22}
_DISTANT = {"peptide": 0.155, "phosphodiester": 0.18}
_DISULFIDE = (0.18, 0.25)
_TOO_CLOSE = 0.09
_LIGAND_TOLERANCE = 0.02
_RESIDUE_TOLERANCE = 0.04
_WIDEST_BOND = 0.3

# Atoms of standard residues that ligands, glycans and cross-links are known to be bound to.
_REACTIVE = {
    **{"CYS": ("SG",), "LYS": ("NZ",), "SER": ("OG",), "THR": ("OG1",), "TYR": ("OH",), "ASP": ("OD1", "OD2", "CG")},
    **{"GLU": ("OE1", "OE2", "CD"), "HIS": ("ND1", "NE2"), "ASN": ("ND2", "CG"), "GLN": ("NE2", "CD")},
    **{"ARG": ("NH1", "NH2"), "MET": ("SD",), "TRP": ("CD1", "CH2", "CE3")},
}
_BACKBONE = ("N", "C")
_NUCLEOTIDE_ENDS = ("P", "O3'", "O5'", "O2'", "N7", "N2", "N6", "C8")
# Bonds between side chains of standard residues: isopeptide, thioester and ester.
_CROSS_LINKS = (
    (("LYS", "NZ"), (("ASP", "CG"), ("ASN", "CG"), ("GLU", "CD"), ("GLN", "CD"), ("*", "C"))),
    (("CYS", "SG"), (("GLN", "CD"), ("GLU", "CD"), ("*", "C"))),
    (("THR", "OG1"), (("GLN", "CD"), ("GLU", "CD"))),
    (("*", "N"), (("ASP", "CG"), ("ASN", "CG"), ("GLU", "CD"), ("GLN", "CD"))),
)
_FRAMEWORK = ("C", "S", "P", "B", "SI", "SE")
_NEVER = ("H", "D", "F", "HE", "NE", "AR", "KR", "XE", "X")


def find_links(complex: Complex) -> Pairs:
    """Covalent bonds between atoms of different residues, from distances alone.

    Peptide and phosphodiester bonds between neighbours in the sequence or closing a ring, disulfides, known
    cross-links of side chains, and bonds to ligands, glycans and modified residues. :attr:`Complex.links` is
    not looked at.

    Parameters
    ----------
    complex
        Atoms and residues.

    Returns
    -------
    int64 [n_links, 2]
        Pairs of atoms, each pair ascending, sorted.

    Raises
    ------
    InputError
        If so many atoms lie on top of each other that the coordinates cannot be real.
    """
    check_density(complex)
    carbon, nitrogen = complex.atom_of_residue("C"), complex.atom_of_residue("N")
    oxygen, phosphorus = complex.atom_of_residue("O3'"), complex.atom_of_residue("P")
    peptide_like = (complex.residue_kind == "protein") | np.isin(
        complex.residue_name, ["ACE", "FOR", "NME", "NMA", "NH2", "BOC"]
    )
    carbon = np.where(peptide_like, carbon, -1)
    nitrogen = np.where(peptide_like, nitrogen, -1)
    peptides = _chain_bonds(complex, carbon, nitrogen, "peptide")
    nucleic = complex.residue_kind == "nucleic"
    esters = _chain_bonds(complex, np.where(nucleic, oxygen, -1), np.where(nucleic, phosphorus, -1), "phosphodiester")
    polymer = np.concatenate([peptides, esters])
    sulfur = _disulfides(complex)
    used = np.zeros(complex.n_atoms, dtype=bool)
    used[polymer.ravel()] = True
    used[sulfur.ravel()] = True
    others = _other_links(complex, used)
    return _tidy(np.concatenate([polymer, sulfur, others]))


def covalent_bonds(complex: Complex) -> Pairs:
    """All covalent bonds: those within residues by distance, and :attr:`Complex.links`.

    Atoms of one residue are bound if they are closer than the sum of their covalent radii and 0.04 nm; two
    hydrogens never are.

    Parameters
    ----------
    complex
        Atoms, residues and links.

    Returns
    -------
    int64 [n_bonds, 2]
        Pairs of atoms, each pair ascending, sorted.
    """
    check_density(complex)
    radius = covalent_radius_nm(complex.element)
    reach = min(2 * float(radius.max(initial=0.0)) + _RESIDUE_TOLERANCE, _WIDEST_BOND)
    pairs = KDTree(complex.coordinates_nm).query_pairs(reach, output_type="ndarray").astype(np.int64)
    pairs = pairs[complex.residue_index[pairs[:, 0]] == complex.residue_index[pairs[:, 1]]]
    length = _lengths(complex, pairs)
    hydrogen = np.isin(complex.element, ["H", "D"])
    bound = (length < radius[pairs].sum(axis=1) + _RESIDUE_TOLERANCE) & ~hydrogen[pairs].all(axis=1)
    return _tidy(np.concatenate([pairs[bound], complex.links]))


def _tidy(pairs: Pairs) -> Pairs:
    if len(pairs) == 0:
        return np.empty((0, 2), dtype=np.int64)
    return np.unique(np.sort(pairs, axis=1), axis=0)


def _lengths(complex: Complex, pairs: Pairs) -> NDArray[np.float64]:
    difference = complex.coordinates_nm[pairs[:, 0]] - complex.coordinates_nm[pairs[:, 1]]
    return np.linalg.norm(difference, axis=1)


def _chain_bonds(complex: Complex, ends: Pairs, starts: Pairs, kind: str) -> Pairs:
    """Bonds from the end atom of one residue to the start atom of another in the same chain.

    Neighbours in the table come first; what is left over may still meet over a shorter distance, which closes
    rings and joins residues that the file lists out of order.
    """
    n_residues = complex.n_residues
    first = np.arange(max(n_residues - 1, 0))
    chain = complex.chain_index
    possible = (ends[:-1] >= 0) & (starts[1:] >= 0) & (chain[:-1] == chain[1:])
    first = first[possible]
    pairs = np.stack([ends[first], starts[first + 1]], axis=1)
    pairs = pairs[_lengths(complex, pairs) < _NEIGHBOUR[kind]]
    free_end = ends[(ends >= 0) & ~np.isin(ends, pairs[:, 0])]
    free_start = starts[(starts >= 0) & ~np.isin(starts, pairs[:, 1])]
    if len(free_end) == 0 or len(free_start) == 0:
        return pairs
    close = KDTree(complex.coordinates_nm[free_end]).sparse_distance_matrix(
        KDTree(complex.coordinates_nm[free_start]), _DISTANT[kind], output_type="ndarray"
    )
    more = np.stack([free_end[close["i"]], free_start[close["j"]]], axis=1).astype(np.int64)
    residue = complex.residue_index[more]
    fits = (residue[:, 0] != residue[:, 1]) & (chain[residue[:, 0]] == chain[residue[:, 1]]) & (close["v"] > _TOO_CLOSE)
    return np.concatenate([pairs, _each_once(more[fits], close["v"][fits])])


def _each_once(pairs: Pairs, length: NDArray[np.float64]) -> Pairs:
    """Shortest pairs first, no atom twice."""
    used: set[int] = set()
    kept = []
    for at in np.argsort(length, kind="stable"):
        one, other = int(pairs[at, 0]), int(pairs[at, 1])
        if one not in used and other not in used:
            used.update((one, other))
            kept.append((one, other))
    return np.array(kept, dtype=np.int64).reshape(-1, 2)


def _disulfides(complex: Complex) -> Pairs:
    is_sulfur = (complex.atom_name == "SG") & (complex.residue_kind == "protein")[complex.residue_index]
    sulfur = np.flatnonzero(is_sulfur & (complex.element == "S"))
    if len(sulfur) < 2:
        return np.empty((0, 2), dtype=np.int64)
    pairs = sulfur[KDTree(complex.coordinates_nm[sulfur]).query_pairs(_DISULFIDE[1], output_type="ndarray")]
    length = _lengths(complex, pairs)
    fits = (length > _DISULFIDE[0]) & (complex.residue_index[pairs[:, 0]] != complex.residue_index[pairs[:, 1]])
    return _each_once(pairs[fits], length[fits])


def _other_links(complex: Complex, used: NDArray[np.bool_]) -> Pairs:
    """Bonds to ligands, glycans and modified residues, and between side chains."""
    name, kind = complex.residue_name, complex.residue_kind
    parent = complex.residue_parent_name
    polymer = np.isin(kind, ["protein", "nucleic"])
    standard = polymer & ((name == parent) | np.isin(name, ["HSD", "HSE", "HSP", "HID", "HIE", "HIP", "CYX"]))
    symbols, inverse = np.unique(complex.element, return_inverse=True)
    excluded = np.array([str(symbol) in _NEVER or is_metal(str(symbol)) for symbol in symbols], dtype=bool)[inverse]
    able = ~excluded & (kind != "ion")[complex.residue_index] & ~used
    able &= ~standard[complex.residue_index] | _reactive(complex, parent, kind)
    atoms = np.flatnonzero(able)
    radius = covalent_radius_nm(complex.element)
    if len(atoms) < 2:
        return np.empty((0, 2), dtype=np.int64)
    reach = 2 * float(radius[atoms].max()) + _LIGAND_TOLERANCE
    pairs = atoms[KDTree(complex.coordinates_nm[atoms]).query_pairs(reach, output_type="ndarray")].astype(np.int64)
    residue = complex.residue_index[pairs]
    length = _lengths(complex, pairs)
    near = length < radius[pairs].sum(axis=1) + _LIGAND_TOLERANCE
    near &= (length > _TOO_CLOSE) & (residue[:, 0] != residue[:, 1])
    framework = np.isin(complex.element, _FRAMEWORK)
    near &= framework[pairs].any(axis=1)
    both = standard[residue].all(axis=1)
    near &= ~both | _known_cross_link(complex, pairs, parent)
    pairs, length, residue = pairs[near], length[near], np.sort(residue[near], axis=1)
    # Two residues that touch at several places overlap; they are not bound.
    _, inverse, count = np.unique(residue, axis=0, return_inverse=True, return_counts=True)
    single = count[inverse.ravel()] <= 2
    return _each_once(pairs[single], length[single])


def _reactive(complex: Complex, parent: NDArray[np.str_], kind: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Atoms of standard residues to which something else may be bound."""
    residue_parent, residue_kind = parent[complex.residue_index], kind[complex.residue_index]
    mask = (residue_kind == "protein") & np.isin(complex.atom_name, _BACKBONE)
    mask |= (residue_kind == "nucleic") & np.isin(complex.atom_name, _NUCLEOTIDE_ENDS)
    for residue, names in _REACTIVE.items():
        mask |= (residue_parent == residue) & np.isin(complex.atom_name, names)
    return mask


def _known_cross_link(complex: Complex, pairs: Pairs, parent: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Whether two atoms of standard residues can be an isopeptide, thioester or ester bond."""
    protein = (complex.residue_kind == "protein")[complex.residue_index]

    def matches(column: int, residue: str, atom: str) -> NDArray[np.bool_]:
        atoms = pairs[:, column]
        found = protein[atoms] & (complex.atom_name[atoms] == atom)
        return found if residue == "*" else found & (parent[complex.residue_index[atoms]] == residue)

    known = np.zeros(len(pairs), dtype=bool)
    for donor, acceptors in _CROSS_LINKS:
        for acceptor in acceptors:
            known |= matches(0, *donor) & matches(1, *acceptor)
            known |= matches(1, *donor) & matches(0, *acceptor)
    return known
