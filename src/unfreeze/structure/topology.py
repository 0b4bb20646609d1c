"""`Topology`: a complex and where its atoms stand in a file that lists more, as trajectories need it.

From a PDB or mmCIF file, or from a table of atoms that a reader of another format made. Trajectories themselves are
read elsewhere.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

import gemmi
import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.chemistry.polymers import is_water
from unfreeze.structure.complex import Complex, Source
from unfreeze.structure.reading.atom_table import AtomTable, Header
from unfreeze.structure.reading.build import Selection, build_complex, select_atoms
from unfreeze.structure.reading.one_model import Copies, build_model, parse_structure, with_missing

__all__ = ["Topology", "read_topology", "topology_of_table"]


@dataclass(frozen=True, eq=False)
class Topology:
    """A complex and where its atoms stand in a file that lists more: in trajectories every atom has its row.

    Attributes
    ----------
    complex
        Heavy atoms, without waters.
    rows : int64 [complex.n_atoms]
        Row of every atom of the complex among the atoms of the file.
    is_water, is_hydrogen : bool [n_atoms_in_file]
        Which atoms of the file (of its first model) belong to waters, and which are hydrogens.
    """

    complex: Complex
    rows: NDArray[np.int64]
    is_water: NDArray[np.bool_]
    is_hydrogen: NDArray[np.bool_]

    @property
    def n_atoms_in_file(self) -> int:
        """Number of atoms in the file, waters and hydrogens included."""
        return len(self.is_water)


def read_topology(path: str | os.PathLike[str]) -> Topology:
    """Read the first model of a structure file as the topology of trajectories.

    Parameters
    ----------
    path
        A PDB or mmCIF file, plain or gzip.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    content, table, header = parse_structure(path)
    table = table.take(table.model == 0)
    options = {"keep_hydrogens": False, "keep_waters": False}
    complex, selection, copies = build_model(content, table, header, 1, None, options)
    return _topology(table, with_missing(complex, header, copies), selection, copies.selected)


def topology_of_table(table: AtomTable, source: Source) -> Topology:
    """A topology from atoms that another reader lists; the same is dropped, chosen and found as in a PDB file.

    Parameters
    ----------
    table
        Atoms of one model. A ``label_number`` that differs keeps residues apart that share a number.
    source
        Name, checksum, title and notes.

    Raises
    ------
    InputError
        If there is nothing but water and hydrogens, or atoms lie on top of each other.
    """
    header = Header(gemmi.Structure(), {}, False, 1, ("1",), "atom")
    selection = select_atoms(source.name, table, keep_hydrogens=False, keep_waters=False)
    plain = replace(selection, table=selection.table.changed(label_number=np.zeros_like(selection.table.label_number)))
    source = replace(source, n_waters_dropped=selection.n_waters, n_hydrogens_dropped=selection.n_hydrogens)
    complex, selected = build_complex(source, plain, header)
    notes = tuple(dict.fromkeys([*source.notes, *selection.notes]))
    complex = replace(complex, source=replace(complex.source, notes=notes))
    return _topology(table, with_missing(complex, header, Copies(selected)), selection, selected)


def _topology(table: AtomTable, complex: Complex, selection: Selection, selected: NDArray[np.int64]) -> Topology:
    rows = np.searchsorted(table.row, selection.table.row[selected]).astype(np.int64)
    names, inverse = np.unique(table.residue_name, return_inverse=True)
    water = np.array([is_water(str(name)) for name in names], dtype=bool)[inverse]
    return Topology(complex, rows, water, np.isin(table.element, ["H", "D"]))
