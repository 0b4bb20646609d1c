"""Group the atoms of a file into residues, telling residues that share a number apart.

Files interleave chains, append hydrogens at the end, restart numbers without a new chain name, or give several
ions one number. What belongs together is decided here; alternate locations are chosen in
:mod:`unfreeze.structure.reading.conformers`.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.chemistry.polymers import polymer_kind
from unfreeze.structure.reading.atom_table import AtomTable

__all__ = ["group_residues"]

_SAME_PLACE = 0.05  # Å; closer than this, an atom given twice is one atom
_BOUND = 2.0  # Å; atoms of one name closer than this are atoms of one molecule, not several ions
_BACKBONE = ("CA", "P", "C1'")


def group_residues(table: AtomTable, notes: list[str]) -> tuple[AtomTable, NDArray[np.int64]]:
    """Atoms in residue and chain order, and the residue of each.

    Parameters
    ----------
    table
        Atoms of one model.
    notes
        Remarks are appended.

    Returns
    -------
    table
        The rows, reordered; atoms given twice are left out, and equal names within a ligand are numbered.
    residue : int64 [n_rows]
        Residue of each row, counted from 0 in order.
    """
    group = _merge_runs(table, _runs(table))
    table, group = _split_repeats(table, group, notes)
    # Chains in order of first appearance, residues in order of first appearance within their chain.
    chains, first, chain = np.unique(table.chain, return_index=True, return_inverse=True)
    rank = np.empty(len(chains), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(chains))
    _, first = np.unique(group, return_index=True)
    position = first[np.unique(group, return_inverse=True)[1]]
    order = np.lexsort((np.arange(len(table)), position, rank[chain]))
    table, group = table.take(order), group[order]
    residue = np.concatenate([[0], np.cumsum(group[1:] != group[:-1])]).astype(np.int64)
    return table, residue


def _runs(table: AtomTable) -> NDArray[np.int64]:
    """Number consecutive rows that carry the same residue name and numbering."""
    new = np.zeros(len(table), dtype=bool)
    columns = (table.chain, table.label_chain, table.label_number, table.number)
    for column in (*columns, table.insertion_code, table.residue_name):
        new[1:] |= column[1:] != column[:-1]
    return np.cumsum(new)


def _merge_runs(table: AtomTable, run: NDArray[np.int64]) -> NDArray[np.int64]:
    """Join a run to an earlier one of the same residue unless both have an atom of the same name."""
    starts = np.flatnonzero(np.concatenate([[True], run[1:] != run[:-1]]))
    ends = np.append(starts[1:], len(run))
    columns = (table.chain, table.label_chain, table.number, table.insertion_code, table.residue_name)
    keys = list(zip(*(column[starts].tolist() for column in columns), strict=True))
    latest: dict[tuple, int] = {}
    atoms: dict[int, set] = {}
    target = np.arange(len(starts))

    def names(at: int) -> set:
        rows = slice(starts[at], ends[at])
        return set(zip(table.atom_name[rows].tolist(), table.altloc[rows].tolist(), strict=True))

    for at, key in enumerate(keys):
        earlier = latest.get(key)
        if earlier is not None:
            have = atoms.get(earlier) or names(earlier)
            mine = names(at)
            if not have & mine:
                target[at] = earlier
                atoms[earlier] = have | mine
                continue
        latest[key] = at
    return target[run]


def _split_repeats(table: AtomTable, group: NDArray[np.int64], notes: list[str]) -> tuple[AtomTable, NDArray[np.int64]]:
    """Separate residues that follow each other with the same number, and settle atoms that are given twice."""
    _, name = np.unique(table.atom_name, return_inverse=True)
    _, altloc = np.unique(table.altloc, return_inverse=True)
    key = (group * (name.max() + 1) + name) * (altloc.max() + 1) + altloc
    _, first, count = np.unique(key, return_index=True, return_counts=True)
    if (count == 1).all():
        return table, group
    group = group * 2  # leaves room to order new residues directly after the old one
    repeated = np.unique(group[first[count > 1]])
    keep = np.ones(len(table), dtype=bool)
    part = np.zeros(len(table), dtype=np.int64)
    atom_name = table.atom_name.astype(object)
    order = np.argsort(group, kind="stable")
    low, high = np.searchsorted(group[order], repeated), np.searchsorted(group[order], repeated, side="right")
    n_twice = n_renamed = n_split = 0
    for start, end in zip(low, high, strict=True):
        rows = np.sort(order[start:end])
        rows, dropped = _drop_same_place(table, rows)
        keep[dropped] = False
        n_twice += len(dropped)
        pieces = _pieces(table, rows)
        if len(pieces) == 1:
            continue
        if _are_residues(table, pieces):
            for at, piece in enumerate(pieces):
                part[piece] = at
            n_split += 1
        elif polymer_kind(str(table.residue_name[rows[0]])):
            for piece in pieces[1:]:
                keep[piece] = False
                n_twice += len(piece)
        else:
            _number_names(atom_name, rows)
            n_renamed += 1
    if n_twice:
        notes.append(f"{n_twice} atoms are given twice under one name in one residue; the first of each was kept.")
    if n_split:
        notes.append(f"{n_split} residue numbers stand for several residues each; they were kept apart.")
    if n_renamed:
        notes.append(f"{n_renamed} ligands have several atoms of one name; these were numbered (C1, C2, ...).")
    _, group = np.unique(np.stack([group, part], axis=1), axis=0, return_inverse=True)
    table = table.changed(atom_name=atom_name.astype(np.str_))
    return table.take(keep), group.ravel()[keep]


def _drop_same_place(table: AtomTable, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Leave out atoms whose name, altloc and place are those of an earlier atom."""
    seen: dict[tuple[str, str], list[int]] = defaultdict(list)
    kept, dropped = [], []
    for row in rows.tolist():
        others = seen[str(table.atom_name[row]), str(table.altloc[row])]
        if others and (np.abs(table.position[others] - table.position[row]).max(axis=1) < _SAME_PLACE).any():
            dropped.append(row)
        else:
            others.append(row)
            kept.append(row)
    return np.array(kept, dtype=np.int64), np.array(dropped, dtype=np.int64)


def _pieces(table: AtomTable, rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Cut the rows before every atom whose name and altloc were already there since the last cut."""
    pieces: list[list[int]] = [[]]
    seen: set[tuple[str, str]] = set()
    for row in rows.tolist():
        atom = str(table.atom_name[row]), str(table.altloc[row])
        if atom in seen:
            pieces.append([])
            seen = set()
        seen.add(atom)
        pieces[-1].append(row)
    return [np.array(piece, dtype=np.int64) for piece in pieces]


def _are_residues(table: AtomTable, pieces: list[NDArray[np.int64]]) -> bool:
    """Whether the pieces are residues of their own rather than atoms given twice or named alike."""
    names = [tuple(table.atom_name[piece].tolist()) for piece in pieces]
    if polymer_kind(str(table.residue_name[pieces[0][0]])):
        return all(any(atom in piece for atom in _BACKBONE) for piece in names)
    if len(set(names)) > 1:
        return False
    if len(names[0]) > 1:
        return True
    place = table.position[np.concatenate(pieces)]
    nearest = min(float(np.linalg.norm(place[at + 1 :] - place[at], axis=1).min()) for at in range(len(place) - 1))
    return nearest > _BOUND


def _number_names(atom_name: NDArray[np.object_], rows: NDArray[np.int64]) -> None:
    """Append a running number to the names that occur more than once."""
    names = [str(atom_name[row]) for row in rows]
    taken, counts = set(names), defaultdict(int)
    for row, name in zip(rows, names, strict=True):
        if names.count(name) > 1:
            counts[name] += 1
            while f"{name}{counts[name]}" in taken:
                counts[name] += 1
            atom_name[row] = f"{name}{counts[name]}"
