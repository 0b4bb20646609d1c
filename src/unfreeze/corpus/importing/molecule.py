"""What frames of a complex must look like: its bonds, hands and peptide bonds, and which atoms make one molecule.

Made once from the reference coordinates; the checks and mends of frames are elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree
from scipy.spatial import KDTree

from unfreeze.structure.chemistry.covalent import ideal_bonds, ideal_centres, metal_atoms, peptide_links, signed_volumes
from unfreeze.structure.chemistry.links import covalent_bonds
from unfreeze.structure.complex import Complex
from unfreeze.structure.geometry import torsion_angles

__all__ = ["TORN_SLACK_NM", "Expected", "expected_of", "without_hydrogens"]

TORN_SLACK_NM = 0.25
"""A bond longer than expected by more than this is no bond of a whole molecule; thermal ones stay within 0.03 nm."""
_CONTACT_NM = 0.8
_MOST_ANCHORS = 32
_LARGE = 20  # atoms
_MOST_LARGE = 200


@dataclass(frozen=True, eq=False)
class Expected:
    """Index arrays of a complex for the checks of its frames.

    Attributes
    ----------
    complex
        The complex, in its reference coordinates.
    bonds : int32 [n_bonds, 2]
        Bonds between heavy atoms, metals left out; where there are none (a trace of Cα), neighbours in the chain.
    length_nm : float32 [n_bonds]
        Their expected lengths.
    centres : int32 [n_centres, 4]
        Stereocentres: the atom and three neighbours.
    sign : float32 [n_centres]
        Hand of a centre as in the reference.
    expected_sign : float32 [n_centres]
        L for amino acids, as in the reference for others.
    omegas : int32 [n_peptides, 4]
        CA, C, N, CA of peptide bonds before residues other than proline.
    is_cis : bool [n_peptides]
        Those that are cis in the reference.
    molecule : int64 [n_atoms]
        Number of the molecule of every atom: what is bound together.
    tree_atom, tree_parent : int64 [n_atoms - n_molecules]
        Every atom but one a molecule, after the atom it is bound to.
    joined : int64 [n_molecules - 1, 2]
        Molecule, and the one before it that it stands nearest to; the first is the root.
    anchors : int64 [n_molecules - 1, 2, 32]
        Atoms of either that face each other in the reference, the last repeated.
    distance_nm : float64 [n_molecules - 1]
        Between the middles of these atoms, in the reference.
    is_small : bool [n_molecules - 1]
        Whether the molecule is an ion or a small ligand, which may come and go.
    """

    complex: Complex
    bonds: NDArray[np.int32]
    length_nm: NDArray[np.float32]
    centres: NDArray[np.int32]
    sign: NDArray[np.float32]
    expected_sign: NDArray[np.float32]
    omegas: NDArray[np.int32]
    is_cis: NDArray[np.bool_]
    molecule: NDArray[np.int64]
    tree_atom: NDArray[np.int64]
    tree_parent: NDArray[np.int64]
    joined: NDArray[np.int64]
    anchors: NDArray[np.int64]
    distance_nm: NDArray[np.float64]
    is_small: NDArray[np.bool_]

    @property
    def n_molecules(self) -> int:
        """Number of molecules."""
        return len(self.joined) + 1

    def moved(self, coordinates_nm: NDArray[np.floating]) -> Expected:
        """The same for other reference coordinates of the same bonds, [n_atoms, 3]."""
        return expected_of(self.complex.with_coordinates(coordinates_nm))


def expected_of(complex: Complex) -> Expected:
    """What frames of this complex must look like."""
    bonds = ideal_bonds(complex)
    metal = metal_atoms(complex)
    usable = ~metal[bonds.atoms].any(axis=1)
    pairs, length = bonds.atoms[usable], bonds.length_nm[usable]
    if len(pairs) == 0:
        pairs = _trace(complex)
        length = np.linalg.norm(complex.coordinates_nm[pairs[:, 0]] - complex.coordinates_nm[pairs[:, 1]], axis=1)
    centres = ideal_centres(complex, bonds)
    volume = signed_volumes(complex.coordinates_nm[None], centres.atoms)[0]
    omegas = _omegas(complex)
    angle = torsion_angles(*(complex.coordinates_nm[omegas[:, k]] for k in range(4)))
    molecule, atom, parent = _tree(complex, pairs)
    joined, anchors, distance = _join(complex, molecule)
    size = np.bincount(molecule)
    polymer = np.zeros(len(size), dtype=bool)
    polymer[molecule[np.isin(complex.residue_kind, ["protein", "nucleic"])[complex.residue_index]]] = True
    return Expected(
        complex=complex,
        bonds=pairs.astype(np.int32),
        length_nm=length.astype(np.float32),
        centres=centres.atoms.astype(np.int32),
        sign=np.where(volume < 0, -1, 1).astype(np.float32),
        expected_sign=centres.sign.astype(np.float32),
        omegas=omegas.astype(np.int32),
        is_cis=np.abs(angle) < np.pi / 2,
        molecule=molecule,
        tree_atom=atom,
        tree_parent=parent,
        joined=joined,
        anchors=anchors,
        distance_nm=distance,
        is_small=~polymer[joined[:, 0]],
    )


def _trace(complex: Complex) -> NDArray[np.int64]:
    """Neighbouring Cα or P of a chain, [n, 2], for models with one atom a residue."""
    atoms = complex.representative_atoms()
    pairs = np.stack([atoms[:-1], atoms[1:]], axis=1) if len(atoms) > 1 else np.zeros((0, 2), dtype=np.int64)
    chain = complex.atom_chain_index
    same = chain[pairs[:, 0]] == chain[pairs[:, 1]]
    gap = np.linalg.norm(complex.coordinates_nm[pairs[:, 0]] - complex.coordinates_nm[pairs[:, 1]], axis=1)
    return pairs[same & (gap < 0.8)]


def _omegas(complex: Complex) -> NDArray[np.int64]:
    alpha = complex.atom_of_residue("CA")
    peptides = peptide_links(complex)
    residues = complex.residue_index[peptides]
    omega = np.stack([alpha[residues[:, 0]], peptides[:, 0], peptides[:, 1], alpha[residues[:, 1]]], axis=1)
    proline = complex.residue_parent_name[residues[:, 1]] == "PRO"
    return omega[(omega >= 0).all(axis=1) & ~proline]


def _tree(complex: Complex, pairs: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Molecule of every atom, and atoms after the atom they are bound to."""
    every = np.concatenate([pairs, complex.links.reshape(-1, 2)])
    if np.isin(complex.element, ["H", "D"]).any() and len(complex.atom_name):
        every = np.concatenate([every, covalent_bonds(complex)])
    n = complex.n_atoms
    graph = csr_array((np.ones(len(every), dtype=np.int8), (every[:, 0], every[:, 1])), shape=(n, n))
    n_molecules, molecule = connected_components(graph, directed=False)
    atoms, parents = [], []
    first = np.unique(molecule, return_index=True)[1]
    size = np.bincount(molecule, minlength=n_molecules)
    for root in first[size[molecule[first]] > 1].tolist():
        order, before = breadth_first_order(graph, root, directed=False)
        atoms.append(order[1:])
        parents.append(before[order[1:]])
    none = np.zeros(0, dtype=np.int64)
    return (
        molecule.astype(np.int64),
        np.concatenate([none, *atoms]).astype(np.int64),
        np.concatenate([none, *parents]).astype(np.int64),
    )


def _join(
    complex: Complex, molecule: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Every molecule but the largest, after the one that it stands nearest to, and the atoms that face each other."""
    n = int(molecule.max(initial=-1)) + 1
    if n < 2:
        return np.zeros((0, 2), np.int64), np.zeros((0, 2, _MOST_ANCHORS), np.int64), np.zeros(0)
    xyz = complex.coordinates_nm
    size = np.bincount(molecule)
    order = np.argsort(molecule, kind="stable")
    members = np.split(order, np.cumsum(size)[:-1])
    # Chains are joined to each other first; ions and ligands, of which there may be many, to the chain beside them.
    large = np.flatnonzero(size >= min(_LARGE, int(size.max())))
    large = large[np.argsort(-size[large], kind="stable")][:_MOST_LARGE]
    trees = {one: KDTree(xyz[members[one]]) for one in large.tolist()}
    gap = np.zeros((len(large), len(large)))
    for one in range(len(large)):
        for other in range(one):  # the larger of the two has the tree
            gap[one, other] = max(float(_gaps(xyz[members[large[one]]], trees[int(large[other])]).min()), 1e-6)
    reached, before = breadth_first_order(minimum_spanning_tree(csr_array(gap)), 0, directed=False)
    pairs = [(int(large[at]), int(large[before[at]])) for at in reached[1:].tolist()]
    small = np.setdiff1d(np.arange(n), large)
    body = np.concatenate([members[one] for one in large])
    body_tree = KDTree(xyz[body])
    for one in small.tolist():
        far, near = (np.asarray(found) for found in body_tree.query(xyz[members[one]]))
        pairs.append((one, int(molecule[body[near[np.argmin(far)]]])))
    joined = np.array(pairs, dtype=np.int64)
    anchors = np.zeros((len(joined), 2, _MOST_ANCHORS), dtype=np.int64)
    distance = np.zeros(len(joined))
    for row, pair in enumerate(joined.tolist()):
        for side, (own, other) in enumerate((pair, pair[::-1])):
            far = _gaps(xyz[members[own]], trees.get(other) or KDTree(xyz[members[other]]))
            near = np.argsort(far, kind="stable")[:_MOST_ANCHORS]
            near = near[far[near] < far[near[0]] + _CONTACT_NM]
            anchors[row, side] = np.pad(members[own][near], (0, _MOST_ANCHORS - len(near)), mode="edge")
        middle = xyz[anchors[row]].mean(axis=1)
        distance[row] = np.linalg.norm(middle[0] - middle[1])
    return joined, anchors, distance


def _gaps(points: NDArray[np.float64], tree: KDTree) -> NDArray[np.float64]:
    """Distance of every point from the nearest of the tree."""
    return np.asarray(tree.query(points)[0], dtype=np.float64)


def without_hydrogens(complex: Complex) -> tuple[Complex, NDArray[np.int64] | None]:
    """The heavy atoms of a complex, and their rows; None where it has no hydrogens."""
    hydrogen = np.isin(complex.element, ["H", "D"])
    if not hydrogen.any():
        return complex, None
    rows = np.flatnonzero(~hydrogen)
    kept = complex.take_atoms(rows)
    source = replace(complex.source, n_hydrogens_dropped=complex.source.n_hydrogens_dropped + int(hydrogen.sum()))
    return replace(kept, source=source), rows
