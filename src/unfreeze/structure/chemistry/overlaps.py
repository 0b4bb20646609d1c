"""Atoms that lie on top of each other: refuse heaps, drop residues that are there twice, report the rest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from unfreeze.errors import InputError
from unfreeze.structure.complex import Complex

__all__ = ["check_density", "drop_copies"]

_WIDEST_BOND = 0.3  # nm
_MOST_NEIGHBOURS = 120
_FEW_ATOMS = 200
_SAME_PLACE = 0.005  # nm
_MOST_COINCIDENT = (10, 0.01)


def check_density(complex: Complex) -> None:
    """Refuse heaps of atoms before a search for pairs fills the memory.

    Raises
    ------
    InputError
        If atoms have many more neighbours within 0.3 nm than fit.
    """
    if complex.n_atoms < _FEW_ATOMS:
        return
    tree = KDTree(complex.coordinates_nm)
    neighbours = int(tree.count_neighbors(tree, _WIDEST_BOND)) / complex.n_atoms
    if neighbours > _MOST_NEIGHBOURS:
        raise InputError(
            f"{complex.source.name or 'complex'}: atoms have {neighbours:.0f} neighbours within {_WIDEST_BOND} nm on "
            "average, where no more than about 25 fit. They lie on top of each other, so the coordinates were not "
            "set or are not in ångström. Check the file."
        )


def drop_copies(complex: Complex, notes: list[str]) -> NDArray[np.bool_]:
    """Mask of the atoms to keep, without residues that lie on an earlier residue of the same name: [n_atoms].

    A file that was concatenated twice and an ion on a symmetry axis of an assembly give such copies.

    Raises
    ------
    InputError
        If more than one atom in a hundred lies on another one otherwise.
    """
    check_density(complex)
    keep = np.ones(complex.n_atoms, dtype=bool)
    pairs = KDTree(complex.coordinates_nm).query_pairs(_SAME_PLACE, output_type="ndarray")
    if len(pairs) == 0:
        return keep
    pairs = np.sort(pairs, axis=1)
    residue = complex.residue_index[pairs]
    same_name = (complex.residue_name[residue[:, 0]] == complex.residue_name[residue[:, 1]]) & (
        residue[:, 0] != residue[:, 1]
    )
    covered = np.unique(pairs[same_name, 1])
    size = np.bincount(complex.residue_index, minlength=complex.n_residues)
    copied = np.bincount(complex.residue_index[covered], minlength=complex.n_residues) == size
    keep = ~copied[complex.residue_index]
    if copied.any():
        first = complex.residue_label(int(np.flatnonzero(copied)[0]))
        notes.append(f"{copied.sum()} residues lie exactly on an equal one and were left out, the first is {first}.")
    rest = pairs[keep[pairs].all(axis=1)]
    if len(rest):
        labels = " and ".join(complex.atom_label(int(atom)) for atom in rest[0])
        n_atoms = len(np.unique(rest))
        if n_atoms > max(_MOST_COINCIDENT[0], _MOST_COINCIDENT[1] * complex.n_atoms):
            raise InputError(
                f"{complex.source.name or 'complex'}: {n_atoms} atoms lie on top of others, for instance {labels}; "
                "every atom must have its own place. Remove one copy, or give alternate locations their labels."
            )
        notes.append(f"{n_atoms} atoms lie on top of others, for instance {labels}.")
    return keep
