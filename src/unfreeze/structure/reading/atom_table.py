"""`AtomTable`: the atoms of a file as it lists them, and `Header`: what the file says about itself.

Both are what the PDB and the mmCIF parser have in common. Nothing has been chosen or dropped yet: all models,
alternate locations, waters and hydrogens are there, in file order.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

import gemmi
import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError

__all__ = ["AtomTable", "Header", "check_coordinates"]

MAX_COORDINATE = 1e5  # Å; ten micrometres, far beyond any structure


@dataclass(frozen=True, eq=False)
class AtomTable:
    """One row an atom, in file order; every array has n_rows rows.

    Attributes
    ----------
    row
        Line number in a PDB file, row of the atom table in an mmCIF file; one-based.
    model
        Zero-based position of the atom's model in the file.
    position : float64 [n_rows, 3]
        Å.
    chain, number, insertion_code, residue_name, atom_name, altloc, element
        Author naming; text, empty where the file has none.
    label_chain, label_number, entity
        mmCIF numbering; empty, 0, empty in PDB files.
    occupancy, b_factor, charge, hetero
        As in the file.
    """

    row: NDArray[np.int64]
    model: NDArray[np.int64]
    position: NDArray[np.float64]
    chain: NDArray[np.str_]
    number: NDArray[np.int64]
    insertion_code: NDArray[np.str_]
    residue_name: NDArray[np.str_]
    atom_name: NDArray[np.str_]
    altloc: NDArray[np.str_]
    element: NDArray[np.str_]
    label_chain: NDArray[np.str_]
    label_number: NDArray[np.int64]
    entity: NDArray[np.str_]
    occupancy: NDArray[np.float64]
    b_factor: NDArray[np.float64]
    charge: NDArray[np.int64]
    hetero: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.row)

    def take(self, rows: NDArray[Any]) -> AtomTable:
        """Rows given as indices or as a mask."""
        return AtomTable(**{item.name: getattr(self, item.name)[rows] for item in fields(self)})

    def changed(self, **arrays: NDArray[Any]) -> AtomTable:
        """The same table with some columns replaced."""
        return replace(self, **arrays)

    def label(self, row: int) -> str:
        """An atom as people write it: ``A:GLY12/CA``."""
        residue = f"{self.residue_name[row]}{self.number[row]}{self.insertion_code[row]}"
        return f"{self.chain[row]}:{residue}/{self.atom_name[row]}"


@dataclass(frozen=True)
class Header:
    """What a file says besides coordinates.

    Attributes
    ----------
    structure
        gemmi structure without atoms: title, resolution, entities, assemblies, connections.
    sequences
        Full sequence (component names) by author chain in PDB files, by entity id in mmCIF files.
    uses_entities
        Whether `sequences` goes by entity.
    n_models
        Number of models with atoms.
    model_names
        The file's own numbers of those models.
    row_word
        What :attr:`AtomTable.row` counts: ``line`` or ``atom_site row``.
    polymer_entities
        Entities that the file says are polymers; empty if it does not say.
    notes
        Remarks made while parsing.
    """

    structure: gemmi.Structure
    sequences: dict[str, tuple[str, ...]]
    uses_entities: bool
    n_models: int
    model_names: tuple[str, ...]
    row_word: str
    polymer_entities: frozenset[str] = frozenset()
    notes: tuple[str, ...] = field(default=())


def check_coordinates(name: str, table: AtomTable, row_word: str) -> None:
    """Refuse coordinates that are not finite numbers of sensible size.

    Raises
    ------
    InputError
        Naming the first such atom.
    """
    wrong = ~(np.abs(table.position) < MAX_COORDINATE).all(axis=1)
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        values = ", ".join(f"{value:g}" for value in table.position[first])
        raise InputError(
            f"{name}: {row_word} {table.row[first]}: atom {table.label(first)} has the coordinates ({values}) Å; "
            f"finite numbers below {MAX_COORDINATE:g} Å were expected. Remove the atom or repair the file."
        )
