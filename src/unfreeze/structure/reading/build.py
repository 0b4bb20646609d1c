"""Turn the atoms of one model into a :class:`Complex`: drop, group, choose, name kinds, find links."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import gemmi
import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.structure.chemistry.elements import is_metal
from unfreeze.structure.chemistry.links import find_links
from unfreeze.structure.chemistry.overlaps import drop_copies
from unfreeze.structure.chemistry.polymers import is_water, known_component, polymer_kind, residue_parent
from unfreeze.structure.complex import Complex, Source
from unfreeze.structure.reading.atom_table import AtomTable, Header
from unfreeze.structure.reading.conformers import choose_conformers
from unfreeze.structure.reading.grouping import group_residues

__all__ = ["Selection", "build_complex", "select_atoms"]

_OLD_PHOSPHATES = {"O1P": "OP1", "O2P": "OP2", "O3P": "OP3"}
_DECLARED_REACH = 0.35  # nm; a bond that the file declares may be this long


@dataclass(frozen=True, eq=False)
class Selection:
    """The atoms of one model that are kept, in residue order, and what was dropped on the way."""

    table: AtomTable
    residue: NDArray[np.int64]
    n_waters: int
    n_hydrogens: int
    n_alternates: int
    notes: list[str] = field(default_factory=list)


def select_atoms(name: str, table: AtomTable, *, keep_hydrogens: bool, keep_waters: bool) -> Selection:
    """Drop waters and hydrogens unless wanted, group residues, and keep one conformer of each.

    Raises
    ------
    InputError
        If nothing is left.
    """
    notes: list[str] = []
    names, inverse = np.unique(table.residue_name, return_inverse=True)
    water = np.array([is_water(str(item)) for item in names], dtype=bool)[inverse]
    hydrogen = np.isin(table.element, ["H", "D"])
    keep = np.ones(len(table), dtype=bool)
    if not keep_waters:
        keep &= ~water
    if not keep_hydrogens:
        keep &= ~hydrogen
    n_waters = 0 if keep_waters else int(water.sum())
    n_hydrogens = 0 if keep_hydrogens else int((hydrogen & ~water if not keep_waters else hydrogen).sum())
    if not keep.any():
        raise InputError(
            f"{name} has no atoms besides {n_waters} of water and {n_hydrogens} hydrogens; "
            "a protein, nucleic acid or ligand was expected."
        )
    table, residue = group_residues(table.take(keep), notes)
    chosen = choose_conformers(table, residue, notes)
    n_alternates = int((~chosen).sum())
    table, residue = table.take(chosen), residue[chosen]
    _, residue = np.unique(residue, return_inverse=True)
    return Selection(table, residue, n_waters, n_hydrogens, n_alternates, notes)


def build_complex(source: Source, selection: Selection, header: Header) -> tuple[Complex, NDArray[np.int64]]:
    """The complex of one model, and the row of the selection that each of its atoms has.

    Raises
    ------
    InputError
        If atoms lie on top of each other.
    """
    table, residue = selection.table, selection.residue
    notes = selection.notes
    first = np.flatnonzero(np.concatenate([[True], residue[1:] != residue[:-1]]))
    residue_name = table.residue_name[first]
    chain = table.chain[first]
    new_chain = np.concatenate([[False], chain[1:] != chain[:-1]])
    chain_index = np.cumsum(new_chain).astype(np.int64)
    kind = _kinds(table, residue, first, header)
    complex = Complex(
        coordinates_nm=table.position / 10,
        atom_name=_modern_names(table, residue, kind, notes),
        element=table.element,
        residue_index=residue.astype(np.int64),
        atom_b_factor=table.b_factor,
        atom_occupancy=table.occupancy,
        atom_charge=table.charge,
        atom_altloc=table.altloc,
        residue_name=residue_name,
        residue_parent_name=_mapped_names(residue_name, kind),
        residue_kind=kind,
        residue_hetero=np.logical_or.reduceat(table.hetero, first),
        residue_number=table.number[first],
        residue_insertion_code=table.insertion_code[first],
        residue_label_number=table.label_number[first],
        residue_label_chain=table.label_chain[first],
        residue_entity=table.entity[first],
        chain_index=chain_index,
        chain_name=chain[np.flatnonzero(new_chain | (np.arange(len(first)) == 0))],
        links=np.empty((0, 2), dtype=np.int64),
        source=source,
    )
    keep = np.flatnonzero(drop_copies(complex, notes))
    complex = complex.take_atoms(keep)
    links = np.concatenate([find_links(complex), _declared_links(complex, header.structure, notes)])
    complex = replace(complex, links=np.unique(np.sort(links, axis=1), axis=0))
    return _free_residues(complex, header), keep


def _modern_names(
    table: AtomTable, residue: NDArray[np.int64], kind: NDArray[np.str_], notes: list[str]
) -> NDArray[np.str_]:
    """Write ``C1*`` as ``C1'`` and ``O1P`` as ``OP1`` in nucleotides, as the PDB has since 2007."""
    old = np.isin(table.atom_name, list(_OLD_PHOSPHATES)) | (np.strings.find(table.atom_name, "*") > 0)
    rows = np.flatnonzero(old & (kind == "nucleic")[residue])
    if len(rows) == 0:
        return table.atom_name
    names = table.atom_name.astype(object)
    for row in rows:
        name = str(names[row])
        names[row] = _OLD_PHOSPHATES.get(name, name.replace("*", "'"))
    notes.append("Old atom names of nucleotides (C1*, O1P) were replaced by present ones (C1', OP1).")
    return names.astype(np.str_)


def _mapped_names(residue_name: NDArray[np.str_], kind: NDArray[np.str_]) -> NDArray[np.str_]:
    names, inverse = np.unique(residue_name, return_inverse=True)
    parents = np.array([residue_parent(str(name)) for name in names])[inverse]
    return np.where(np.isin(kind, ["protein", "nucleic"]), parents, residue_name)


def _kinds(table: AtomTable, residue: NDArray[np.int64], first: NDArray[np.int64], header: Header) -> NDArray[np.str_]:
    """Kind of every residue by its name, its atoms if the name is not known, and what the file calls a polymer."""
    residue_name = table.residue_name[first]
    size = np.diff(np.append(first, len(residue)))
    names, inverse = np.unique(residue_name, return_inverse=True)
    kind = np.array([polymer_kind(str(name)) or "ligand" for name in names], dtype="U7")[inverse]
    unknown = np.array([not known_component(str(name)) for name in names], dtype=bool)[inverse]
    polymer = np.isin(table.entity[first], list(header.polymer_entities))
    for at in np.flatnonzero((kind == "ligand") & (unknown | polymer)):
        rows = slice(first[at], first[at] + size[at])
        atoms = set(table.atom_name[rows].tolist())
        if {"N", "CA", "C"} <= atoms or (atoms == {"CA"} and table.element[first[at]] == "C"):
            kind[at] = "protein"
        elif {"C1'", "C3'"} <= atoms or {"C1*", "C3*"} <= atoms or (polymer[at] and atoms == {"P"}):
            kind[at] = "nucleic"
    element = table.element[first]
    ionic = np.array([is_metal(str(symbol)) or symbol in ("F", "CL", "BR", "I") for symbol in element], dtype=bool)
    kind[ionic & (size == 1)] = "ion"
    if header.polymer_entities:
        kind[np.isin(kind, ["protein", "nucleic"]) & ~polymer & (table.entity[first] != "")] = "ligand"
    return kind


def _free_residues(complex: Complex, header: Header) -> Complex:
    """Amino acids and nucleotides that the file marks as hetero and that nothing is bound to are ligands."""
    if header.polymer_entities:
        return complex
    linked = np.zeros(complex.n_residues, dtype=bool)
    linked[complex.residue_index[complex.links].ravel()] = True
    complete = (complex.atom_of_residue("N") >= 0) & (complex.atom_of_residue("C") >= 0)
    complete |= (complex.atom_of_residue("C4'") >= 0) & (complex.atom_of_residue("C3'") >= 0)
    free = complex.residue_hetero & ~linked & complete & np.isin(complex.residue_kind, ["protein", "nucleic"])
    if not free.any():
        return complex
    return replace(
        complex,
        residue_kind=np.where(free, "ligand", complex.residue_kind),
        residue_parent_name=np.where(free, complex.residue_name, complex.residue_parent_name),
    )


def _declared_links(complex: Complex, structure: gemmi.Structure, notes: list[str]) -> NDArray[np.int64]:
    """Covalent bonds that the file declares (LINK, SSBOND, struct_conn) between atoms that are there."""
    types = (gemmi.ConnectionType.Covale, gemmi.ConnectionType.Disulf)
    declared = [item for item in structure.connections if item.type in types and item.asu != gemmi.Asu.Different]
    if not declared:
        return np.empty((0, 2), dtype=np.int64)
    start = complex.residue_start
    residues = {}
    chains = complex.chain_name[complex.chain_index].tolist()
    numbering = zip(chains, complex.residue_number.tolist(), complex.residue_insertion_code.tolist(), strict=True)
    for at, (chain, number, code) in enumerate(numbering):
        residues.setdefault((chain, number, code, str(complex.residue_name[at])), at)

    def atom(partner: gemmi.AtomAddress) -> int | None:
        sequence = partner.res_id.seqid
        residue = residues.get((partner.chain_name, sequence.num, sequence.icode.strip(), partner.res_id.name))
        if residue is None:
            return None
        for row in range(start[residue], start[residue + 1]):
            if complex.atom_name[row] == partner.atom_name:
                return row
        return None

    pairs, n_far = [], 0
    for item in declared:
        one, other = atom(item.partner1), atom(item.partner2)
        if one is None or other is None or complex.residue_index[one] == complex.residue_index[other]:
            continue
        if any(is_metal(str(complex.element[row])) for row in (one, other)):
            continue
        if np.linalg.norm(complex.coordinates_nm[one] - complex.coordinates_nm[other]) > _DECLARED_REACH:
            n_far += 1
            continue
        pairs.append((one, other))
    if n_far:
        notes.append(f"{n_far} bonds that the file declares are longer than {_DECLARED_REACH} nm and were left out.")
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)
