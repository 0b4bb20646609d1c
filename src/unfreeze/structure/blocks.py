"""Rigid blocks: which atoms move together as one body.

A block is one residue, one nucleotide, one ion, or one fragment of a ligand. Ligands are cut at acyclic bonds
into fragments of at least five heavy atoms, so that a lipid or a long inhibitor can bend while rings stay whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.complex import Complex

__all__ = ["MIN_FRAGMENT_ATOMS", "Blocks", "partition"]

MIN_FRAGMENT_ATOMS = 5


@dataclass(frozen=True, eq=False)
class Blocks:
    """A partition of atoms into rigid bodies.

    Attributes
    ----------
    atom_block : int64 [n_atoms]
        Block of every atom; blocks are numbered in the order of their first atom.
    block_residue : int64 [n_blocks]
        Residue every block belongs to.
    centre_nm : float64 [n_blocks, 3]
        Mean position of the block's atoms in the reference structure, nm.
    bonds : int64 [n_bonds, 2]
        All covalent bonds, within blocks and between them.
    """

    atom_block: NDArray[np.int64]
    block_residue: NDArray[np.int64]
    centre_nm: NDArray[np.float64]
    bonds: NDArray[np.int64]

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return len(self.block_residue)

    @cached_property
    def links(self) -> NDArray[np.int64]:
        """Covalent bonds between different blocks: [n_links, 2] atoms."""
        return self.bonds[self.atom_block[self.bonds[:, 0]] != self.atom_block[self.bonds[:, 1]]]


def partition(molecule: Complex) -> Blocks:
    """Split a complex into rigid blocks.

    Parameters
    ----------
    molecule
        The complex; its coordinates decide which atoms of ligands are bonded.
    """
    from unfreeze.structure.chemistry.links import covalent_bonds

    bonds = covalent_bonds(molecule)
    fragment = _ligand_fragments(molecule, bonds)
    # residues are contiguous, fragments within a residue need not be: number blocks by first appearance
    key = molecule.residue_index * (fragment.max(initial=0) + 1) + fragment
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    atom_block = rank[inverse]
    n_blocks = len(order)
    counts = np.bincount(atom_block, minlength=n_blocks)
    centre = np.stack(
        [np.bincount(atom_block, molecule.coordinates_nm[:, axis], n_blocks) for axis in range(3)], axis=1
    )
    return Blocks(
        atom_block=atom_block,
        block_residue=molecule.residue_index[first[order]],
        centre_nm=centre / counts[:, None],
        bonds=bonds,
    )


def _ligand_fragments(molecule: Complex, bonds: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of the fragment within its residue for every atom; 0 outside ligands."""
    fragment = np.zeros(molecule.n_atoms, dtype=np.int64)
    sizes = np.bincount(molecule.residue_index, minlength=molecule.n_residues)
    divisible = (molecule.residue_kind == "ligand") & (sizes >= 2 * MIN_FRAGMENT_ATOMS)
    if not divisible.any():
        return fragment
    inside = divisible[molecule.residue_index[bonds[:, 0]]] & (
        molecule.residue_index[bonds[:, 0]] == molecule.residue_index[bonds[:, 1]]
    )
    neighbours: dict[int, list[int]] = {}
    for a, b in bonds[inside].tolist():
        neighbours.setdefault(a, []).append(b)
        neighbours.setdefault(b, []).append(a)
    starts = molecule.residue_start
    for residue in np.flatnonzero(divisible):
        atoms = range(int(starts[residue]), int(starts[residue + 1]))
        for number, members in enumerate(_fragments(atoms, neighbours)):
            fragment[members] = number
    return fragment


def _fragments(atoms: range, neighbours: dict[int, list[int]]) -> list[list[int]]:
    """Cut one ligand's bond graph at bridges, from the leaves inwards, into pieces of MIN_FRAGMENT_ATOMS or more.

    A depth-first search finds the bridges (Tarjan 1974, Inf. Process. Lett. 2, 160). On the way back up, whatever
    has gathered behind a bridge is cut off once it is large enough, unless too little would be left.
    """
    order: list[int] = []
    depth: dict[int, int] = {}
    lowest: dict[int, int] = {}
    parent: dict[int, int] = {}
    roots: list[int] = []
    for root in atoms:
        if root in depth:
            continue
        roots.append(root)
        parent[root] = -1
        stack = [(root, iter(neighbours.get(root, ())))]
        depth[root] = lowest[root] = len(order)
        order.append(root)
        while stack:
            atom, pending = stack[-1]
            for other in pending:
                if other == parent[atom]:
                    continue
                if other in depth:
                    lowest[atom] = min(lowest[atom], depth[other])
                    continue
                parent[other] = atom
                depth[other] = lowest[other] = len(order)
                order.append(other)
                stack.append((other, iter(neighbours.get(other, ()))))
                break
            else:
                stack.pop()
                if parent[atom] >= 0:
                    lowest[parent[atom]] = min(lowest[parent[atom]], lowest[atom])
    gathered = {atom: [atom] for atom in order}
    left = len(order)
    pieces: list[list[int]] = []
    for atom in reversed(order):
        above = parent[atom]
        if above < 0:
            continue
        is_bridge = lowest[atom] > depth[above]
        if is_bridge and len(gathered[atom]) >= MIN_FRAGMENT_ATOMS and left - len(gathered[atom]) >= MIN_FRAGMENT_ATOMS:
            pieces.append(gathered[atom])
            left -= len(gathered[atom])
        else:
            gathered[above].extend(gathered[atom])
    # pieces of a ligand that bonds do not join stay together as one body
    pieces.append([atom for root in roots for atom in gathered[root]])
    return pieces
