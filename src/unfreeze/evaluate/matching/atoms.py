"""Atoms by name in matched residues, in the names of the PDB whatever program wrote the file."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.chemistry.atom_lookup import atoms_by_parent_name
from unfreeze.structure.chemistry.residues import AMINO_ACIDS
from unfreeze.structure.complex import Complex

__all__ = ["common_atoms", "standard_atom_names"]

_SYNONYMS = {("ILE", "CD"): "CD1", ("DT", "C5M"): "C7", ("U", "C5M"): "C7"}
"""Parent residue and atom name in CHARMM and GROMACS, and the PDB's name."""
_TERMINAL = (("OT1", "OT2"), ("OC1", "OC2"), ("O1", "O2"), ("OT", "O"))
"""Oxygens of the C terminus in CHARMM, GROMACS and GROMOS; the PDB has O and OXT."""
_EQUIVALENT = {name: frozenset(np.ravel(acid.symmetric_pairs).tolist()) for name, acid in AMINO_ACIDS.items()}


def standard_atom_names(molecule: Complex) -> tuple[NDArray[np.str_], int]:
    """Atom names as the PDB and the parent residue have them, and how many were changed.

    Parameters
    ----------
    molecule
        The complex.

    Returns
    -------
    names : str [n_atoms]
    n_changed
        Names that are not those of the file; atoms of modified residues do not count.
    """
    names = atoms_by_parent_name(molecule)
    before = names.copy()
    parent = molecule.residue_parent_name[molecule.residue_index]
    protein = (molecule.residue_kind == "protein")[molecule.residue_index]
    for (residue, atom), standard in _SYNONYMS.items():
        _rename(names, (names == atom) & (parent == residue), standard, molecule)
    for first, second in _TERMINAL:
        # a residue with both names is a chain end: O1 alone may be an atom of a modified residue
        both = _has(names, first, molecule) & _has(names, second, molecule) & protein
        if second == "O":
            _rename(names, (names == first) & both, "OXT", molecule)
        else:
            both &= ~_has(names, "O", molecule)
            _rename(names, (names == first) & both, "O", molecule)
            _rename(names, (names == second) & both, "OXT", molecule)
    ion = (molecule.residue_kind == "ion")[molecule.residue_index]
    names[ion] = molecule.element[ion]
    return names, int(((names != before) & ~ion).sum())


def _has(names: NDArray[np.str_], name: str, molecule: Complex) -> NDArray[np.bool_]:
    """Whether each atom's residue has an atom of this name: [n_atoms]."""
    found = np.zeros(molecule.n_residues, dtype=bool)
    found[molecule.residue_index[names == name]] = True
    return found[molecule.residue_index]


def _rename(names: NDArray[np.str_], rows: NDArray[np.bool_], new: str, molecule: Complex) -> None:
    names[rows & ~_has(names, new, molecule)] = new


def common_atoms(
    reference: Complex, ensemble: Complex, residues: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Heavy atoms that matched residues have in common.

    In a point mutation, equivalent atoms of either residue (the CD1 of leucine or phenylalanine) are left out: equal
    names do not make them the same atom.

    Parameters
    ----------
    reference, ensemble
        Both complexes.
    residues : tuple of int64 [n_pairs]
        Matched residues of each.

    Returns
    -------
    tuple of int64 [n_matched]
        Atoms of each; those of the reference increase.
    """
    sides = []
    for molecule, rows in zip((reference, ensemble), residues, strict=True):
        pair = np.full(molecule.n_residues, -1, dtype=np.int64)
        pair[rows] = np.arange(len(rows))
        names, _ = standard_atom_names(molecule)
        of_atom = np.where(np.isin(molecule.element, ["H", "D"]), -1, pair[molecule.residue_index])
        sides.append((names, of_atom))
    parents = [m.residue_parent_name[rows] for m, rows in zip((reference, ensemble), residues, strict=True)]
    for at in np.flatnonzero(parents[0] != parents[1]).tolist():
        either = [_EQUIVALENT.get(str(side[at]), frozenset()) for side in parents]
        for names, of_atom in sides:
            of_atom[(of_atom == at) & np.isin(names, sorted(either[0] | either[1]))] = -1
    vocabulary = np.unique(np.concatenate([names for names, _ in sides]))
    keys, atoms = [], []
    for names, of_atom in sides:
        rows = np.flatnonzero(of_atom >= 0)
        keys.append(of_atom[rows] * len(vocabulary) + np.searchsorted(vocabulary, names[rows]))
        atoms.append(rows)
    _, first, second = np.intersect1d(*keys, return_indices=True)
    mine, theirs = atoms[0][first], atoms[1][second]
    order = np.argsort(mine)
    return mine[order], theirs[order]
