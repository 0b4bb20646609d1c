"""The springs of the elastic network: which atoms are joined, and how stiffly.

Three kinds. Contact springs join heavy atoms of different blocks within a cut-off; their stiffness falls with the
square of the distance. Chain springs hold bonded blocks together: stiff ones across the bond (lengths, angles and,
in a peptide plane, the plane), softer ones that resist the torsions beside it. Bridging springs join parts that
nothing else joins (a ligand far from its protein), so that no part floats away. Rigid-block networks:
Tama et al. 2000, Proteins 41, 1; distance-dependent springs: Yang, Song & Jernigan 2009, PNAS 106, 12347.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from unfreeze.physics.bridges import bridge_pairs
from unfreeze.physics.links import are_peptide_links, bonded_neighbours, neighbours_of, oriented, trace_pairs
from unfreeze.structure.blocks import Blocks
from unfreeze.structure.complex import Complex

__all__ = ["KT_PER_SQUARE_ANGSTROM", "SpringConstants", "Springs", "find_springs"]

# 1 kT/Å² at 300 K in kJ/mol/nm²: R·300 K·100
KT_PER_SQUARE_ANGSTROM = 8.314462618e-3 * 300.0 * 100.0

# Across a peptide bond C(i)–N(i+1): atom of i, atom of i+1, share of the chain stiffness. These six fix the plane.
_PEPTIDE_PAIRS = (
    ("C", "N", 1.0),
    ("CA", "N", 0.5),
    ("O", "N", 0.5),
    ("C", "CA", 0.5),
    ("CA", "CA", 0.3),
    ("O", "CA", 0.3),
)
# Pairs out of that plane, which feel φ of i+1 and ψ of i.
_TORSION_PAIRS = (
    ("CB", "N"),
    ("N", "N"),
    ("C", "C"),
    ("C", "CB"),
    ("CA", "C"),
    ("N", "CA"),
    ("O", "C"),
    ("O", "CB"),
    ("CB", "CB"),
)


@dataclass(frozen=True)
class SpringConstants:
    """Stiffnesses of the network, at a timescale of one microsecond (see `physics.timescale`).

    Attributes
    ----------
    cutoff_nm
        Contact springs reach this far, nm.
    contact
        Stiffness of a contact spring at `contact_distance_nm`, kJ/mol/nm².
    contact_distance_nm, contact_floor_nm
        Stiffness is contact·(contact_distance / max(r, floor))², nm.
    close_factor
        Factor for contacts nearer than `contact_distance_nm`: hydrogen bonds and atoms that touch.
    chain
        Stiffness across a covalent bond between blocks, kJ/mol/nm².
    torsion
        Stiffness of each pair that resists backbone torsions beside a bond, kJ/mol/nm².
    bridge
        Stiffness of each spring that joins parts nothing else joins, kJ/mol/nm².
    neighbour
        Stiffness, at 1 nm, of springs between Cα (P in nucleotides) of molecules that no bond joins; it falls with
        the square of the distance too. It keeps molecules that barely touch from swinging about one atom.
    neighbour_cutoff_nm
        Reach of the neighbour springs, and of contact springs in Cα-only chains, nm.
    trace_factor
        Factor for contacts of residues that have only a Cα, which stands for all their atoms.
    translation_tether, rotation_tether
        Stiffness that holds every block where it is, kJ/mol/nm² and kJ/mol/rad²: a floor for what hardly anything
        else holds. The rotation's, 1 kT/rad² at 300 K, also mends the pattern of B-factors.
    """

    cutoff_nm: float = 0.8
    contact: float = 0.03 * KT_PER_SQUARE_ANGSTROM
    contact_distance_nm: float = 0.4
    contact_floor_nm: float = 0.3
    close_factor: float = 6.0
    chain: float = 300.0 * KT_PER_SQUARE_ANGSTROM
    torsion: float = 3.0 * KT_PER_SQUARE_ANGSTROM
    bridge: float = 0.03 * KT_PER_SQUARE_ANGSTROM
    neighbour: float = 0.01 * KT_PER_SQUARE_ANGSTROM
    neighbour_cutoff_nm: float = 1.5
    trace_factor: float = 40.0
    translation_tether: float = 1e-4 * KT_PER_SQUARE_ANGSTROM
    rotation_tether: float = 0.01 * KT_PER_SQUARE_ANGSTROM


@dataclass(frozen=True, eq=False)
class Springs:
    """Springs between atoms of different blocks.

    Attributes
    ----------
    atoms : int64 [n_springs, 2]
        The two atoms.
    stiffness : float64 [n_springs]
        kJ/mol/nm².
    n_contact, n_chain, n_bridge
        How many of each kind, in this order in the table.
    """

    atoms: NDArray[np.int64]
    stiffness: NDArray[np.float64]
    n_contact: int
    n_chain: int
    n_bridge: int


def find_springs(molecule: Complex, blocks: Blocks, constants: SpringConstants | None = None) -> Springs:
    """Find the springs of a complex.

    Parameters
    ----------
    molecule
        The complex, in its reference structure.
    blocks
        Its rigid blocks.
    constants
        Stiffnesses; the defaults are those of docs/experiments/harmonic-constants.md.
    """
    constants = constants or SpringConstants()
    contact = _contact_pairs(molecule, blocks, constants.cutoff_nm)
    length = np.linalg.norm(molecule.coordinates_nm[contact[:, 0]] - molecule.coordinates_nm[contact[:, 1]], axis=1)
    contact_stiffness = (
        constants.contact * (constants.contact_distance_nm / np.maximum(length, constants.contact_floor_nm)) ** 2
    )
    contact_stiffness[length < constants.contact_distance_nm] *= constants.close_factor
    chain, chain_stiffness = _chain_pairs(molecule, blocks, constants)
    neighbour, neighbour_stiffness = _neighbour_pairs(molecule, blocks, constants)
    contact = np.concatenate([contact, neighbour])
    contact_stiffness = np.concatenate([contact_stiffness, neighbour_stiffness])
    joined = np.concatenate([contact, chain])
    bridge = bridge_pairs(molecule, blocks, joined)
    return Springs(
        atoms=np.concatenate([joined, bridge]),
        stiffness=np.concatenate([contact_stiffness, chain_stiffness, np.full(len(bridge), constants.bridge)]),
        n_contact=len(contact),
        n_chain=len(chain),
        n_bridge=len(bridge),
    )


def _contact_pairs(molecule: Complex, blocks: Blocks, cutoff_nm: float) -> NDArray[np.int64]:
    pairs = KDTree(molecule.coordinates_nm).query_pairs(cutoff_nm, output_type="ndarray").astype(np.int64)
    pairs = pairs[blocks.atom_block[pairs[:, 0]] != blocks.atom_block[pairs[:, 1]]]
    distinct = np.abs(molecule.coordinates_nm[pairs[:, 0]] - molecule.coordinates_nm[pairs[:, 1]]).max(
        axis=1, initial=0
    )
    pairs = pairs[distinct > 1e-6]  # two atoms on one spot define no direction
    pairs.sort(axis=1)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _neighbour_pairs(
    molecule: Complex, blocks: Blocks, constants: SpringConstants
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Long springs between Cα (P) of different molecules, and within Cα-only chains: [n, 2], [n]."""
    atoms = molecule.representative_atoms()
    pairs = KDTree(molecule.coordinates_nm[atoms]).query_pairs(constants.neighbour_cutoff_nm, output_type="ndarray")
    pairs = atoms[pairs.astype(np.int64)].reshape(-1, 2)
    links = np.concatenate([blocks.links, np.stack(trace_pairs(molecule), axis=1)])
    ends = blocks.atom_block[links]
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(blocks.n_blocks,) * 2)
    body = connected_components(graph, directed=False)[1][blocks.atom_block]
    alone = np.bincount(molecule.residue_index, minlength=molecule.n_residues)[molecule.residue_index] == 1
    trace = alone[pairs].all(axis=1)
    keep = trace | (body[pairs[:, 0]] != body[pairs[:, 1]])
    pairs, trace = pairs[keep], trace[keep]
    pairs.sort(axis=1)
    length = np.linalg.norm(molecule.coordinates_nm[pairs[:, 0]] - molecule.coordinates_nm[pairs[:, 1]], axis=1)
    at_one_nm = np.where(
        trace, constants.trace_factor * constants.contact * constants.contact_distance_nm**2, constants.neighbour
    )
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    return pairs[order], (at_one_nm / np.maximum(length, constants.contact_distance_nm) ** 2)[order]


def _chain_pairs(
    molecule: Complex, blocks: Blocks, constants: SpringConstants
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Springs across every covalent bond between blocks: [n, 2] and their stiffness [n]."""
    links = blocks.links
    pairs: list[NDArray[np.int64]] = [np.empty((0, 2), dtype=np.int64)]
    stiffness: list[NDArray[np.float64]] = [np.empty(0)]

    def add(first: NDArray[np.int64], second: NDArray[np.int64], value: float) -> None:
        present = (first >= 0) & (second >= 0)
        pairs.append(np.stack([first[present], second[present]], axis=1))
        stiffness.append(np.full(int(present.sum()), value))

    is_peptide = are_peptide_links(molecule, links)
    carbonyl, amide = oriented(molecule, links[is_peptide], "C").T
    before, after = molecule.residue_index[carbonyl], molecule.residue_index[amide]
    named = {name: molecule.atom_of_residue(name) for name in ("N", "CA", "C", "O", "CB")}
    for first, second, share in _PEPTIDE_PAIRS:
        add(named[first][before], named[second][after], share * constants.chain)
    for first, second in _TORSION_PAIRS:
        add(named[first][before], named[second][after], constants.torsion)
    # other bonds: the bond itself, its 1-3 pairs (angles), its 1-4 pairs (torsion)
    other = links[~is_peptide]
    neighbour_first, neighbour_second = bonded_neighbours(molecule.n_atoms, blocks.bonds)
    add(other[:, 0], other[:, 1], constants.chain)
    for a, b in ((other[:, 0], other[:, 1]), (other[:, 1], other[:, 0])):
        link, beside = neighbours_of(a, neighbour_first, neighbour_second)
        keep = beside != b[link]
        add(beside[keep], b[link[keep]], 0.5 * constants.chain)
    link, beside = neighbours_of(other[:, 0], neighbour_first, neighbour_second)
    inner, far = neighbours_of(other[link, 1], neighbour_first, neighbour_second)
    start, end = beside[inner], other[link[inner]]
    keep = (start != end[:, 1]) & (far != end[:, 0]) & (start != far)
    add(start[keep], far[keep], constants.torsion)
    first, second = trace_pairs(molecule)
    add(first, second, constants.chain)
    return np.concatenate(pairs), np.concatenate(stiffness)
