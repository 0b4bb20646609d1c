"""Topologies that a set has in another form than a file of its own: text inside a container, arrays of names.

Reading files is done in :mod:`unfreeze.structure` and :mod:`unfreeze.trajectories`; here hydrogens can be kept as well.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

import gemmi
import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.structure.chemistry.polymers import is_water
from unfreeze.structure.complex import Source
from unfreeze.structure.reading.atom_table import AtomTable, Header
from unfreeze.structure.reading.build import build_complex, select_atoms
from unfreeze.structure.reading.files import FileContent
from unfreeze.structure.reading.one_model import Copies, build_model, with_missing
from unfreeze.structure.reading.pdb_text import parse_pdb
from unfreeze.structure.topology import Topology
from unfreeze.trajectories.atom_tables import AtomNames

__all__ = ["atomic_numbers", "topology_of_atoms", "topology_of_pdb"]


def topology_of_pdb(name: str, text: bytes, *, atoms: str = "heavy") -> tuple[Topology, AtomTable]:
    """The first model of a PDB text, and the table of all its atoms.

    Parameters
    ----------
    name
        What messages call it.
    text
        The bytes of the file.
    atoms
        ``heavy`` or ``all``; waters are left out of the complex in either case.

    Raises
    ------
    InputError
        If the text is no PDB file, or has nothing but water.
    """
    table, header = parse_pdb(name, text)
    table = table.take(table.model == 0)
    content = FileContent(name, text, hashlib.sha256(text).hexdigest())
    options = {"keep_hydrogens": atoms == "all", "keep_waters": False}
    complex, selection, copies = build_model(content, table, header, 1, None, options)
    rows = np.searchsorted(table.row, selection.table.row[copies.selected])
    return _topology(table, with_missing(complex, header, copies), rows), table


def topology_of_atoms(
    names: AtomNames, position_nm: NDArray[np.floating], name: str, *, atoms: str = "heavy", note: str = ""
) -> Topology:
    """A topology of named atoms.

    Parameters
    ----------
    names
        The atoms.
    position_nm : [n_atoms, 3]
        Where they are, nm.
    name
        What messages call it.
    atoms
        ``heavy`` or ``all``.
    note
        Put into the notes of the complex.

    Raises
    ------
    InputError
        If a coordinate is no number, or there is nothing but water.
    """
    wrong = ~(np.abs(position_nm) < 1e4).all(axis=1)
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        raise InputError(
            f"{name}: frame 1: atom {at + 1} ({names.residue_name[at]}{names.number[at]}/{names.atom_name[at]}) has "
            f"the coordinates ({', '.join(f'{value:g}' for value in position_nm[at])}) nm; finite numbers were "
            "expected."
        )
    notes: list[str] = [note] if note else []
    table = names.table(position_nm, notes)
    header = Header(gemmi.Structure(), {}, False, 1, ("1",), "atom")
    selection = select_atoms(name, table, keep_hydrogens=atoms == "all", keep_waters=False)
    plain = selection.table.changed(label_number=np.zeros_like(selection.table.label_number))
    source = Source(name=name, n_waters_dropped=selection.n_waters, n_hydrogens_dropped=selection.n_hydrogens)
    complex, selected = build_complex(source, replace(selection, table=plain), header)
    notes = list(dict.fromkeys([*notes, *complex.source.notes, *selection.notes]))
    complex = replace(complex, source=replace(complex.source, notes=tuple(notes)))
    rows = np.searchsorted(table.row, selection.table.row[selected])
    return _topology(table, with_missing(complex, header, Copies(selected)), rows)


def atomic_numbers(elements: NDArray[np.str_]) -> NDArray[np.int64]:
    """Atomic number of every element symbol (deuterium as hydrogen), 0 for what is none: [n]."""
    symbols, inverse = np.unique(elements, return_inverse=True)
    numbers = [gemmi.Element("H" if symbol == "D" else str(symbol)).atomic_number for symbol in symbols]
    return np.array(numbers, dtype=np.int64)[inverse]


def _topology(table: AtomTable, complex: object, rows: NDArray[np.int64]) -> Topology:
    names, inverse = np.unique(table.residue_name, return_inverse=True)
    water = np.array([is_water(str(name)) for name in names], dtype=bool)[inverse]
    hydrogen = np.isin(table.element, ["H", "D"])
    return Topology(complex, rows.astype(np.int64), water, hydrogen)  # type: ignore[arg-type]
