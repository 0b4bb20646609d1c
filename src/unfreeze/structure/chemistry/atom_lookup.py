"""Finding atoms by name in many residues at once, also by the names that the parent amino acid uses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.chemistry.residues import MODIFIED_ATOM_NAMES
from unfreeze.structure.complex import Complex

__all__ = ["AtomLookup", "atoms_by_parent_name"]


def atoms_by_parent_name(system: Complex) -> NDArray[np.str_]:
    """Atom names in the terms of the parent residue (``SD`` for ``SE`` of ``MSE``): [n_atoms]."""
    names = system.atom_name.astype("<U6")
    for (residue, atom), standard in MODIFIED_ATOM_NAMES.items():
        rows = (names == atom) & (system.residue_name[system.residue_index] == residue)
        names[rows] = standard
    return names


class AtomLookup:
    """Index of a named atom in every residue, looked up once a name.

    Parameters
    ----------
    system
        The complex.
    names
        [n_atoms], names to go by; those of the complex when None.
    """

    def __init__(self, system: Complex, names: NDArray[np.str_] | None = None) -> None:
        self._residue_index = system.residue_index
        self._n_residues = system.n_residues
        self._names = system.atom_name if names is None else names
        self._found: dict[str, NDArray[np.int64]] = {}

    def of(self, residues: NDArray[np.int64], *names: str) -> NDArray[np.int64]:
        """The named atoms of some residues, -1 where there is none: [n, n_names]."""
        return np.stack([self._one(name)[residues] for name in names], axis=1)

    def whole(self, residues: NDArray[np.int64], *names: str) -> NDArray[np.int64]:
        """The named atoms of those residues that have them all: [n_whole, n_names]."""
        table = self.of(residues, *names)
        return table[(table >= 0).all(axis=1)]

    def _one(self, name: str) -> NDArray[np.int64]:
        if name not in self._found:
            atoms = np.flatnonzero(self._names == name)
            found = np.full(self._n_residues, -1, dtype=np.int64)
            found[self._residue_index[atoms]] = atoms
            self._found[name] = found
        return self._found[name]
