"""Choose one conformer a residue where a file gives alternate locations or alternate residues.

The rule is the highest summed occupancy of a residue's atoms of one label; the first label wins a tie. Atoms of
other labels go, so that no residue is a mixture of conformers.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.reading.atom_table import AtomTable

__all__ = ["choose_conformers"]


def choose_conformers(table: AtomTable, residue: NDArray[np.int64], notes: list[str]) -> NDArray[np.bool_]:
    """Mask of the atoms to keep: [n_rows].

    Parameters
    ----------
    table
        Atoms of one model in residue order.
    residue
        Residue of each row, counted from 0.
    notes
        Remarks about alternate residues at one place in the sequence are appended.
    """
    keep = np.ones(len(table), dtype=bool)
    labelled = table.altloc != ""
    if not labelled.any():
        return keep
    site = _sites(table, residue, labelled)
    n_mixed = 0
    for one in np.unique(site[labelled]):
        rows = np.arange(*np.searchsorted(site, [one, one + 1]))
        if residue[rows[0]] != residue[rows[-1]]:
            chosen = _best_residue(table, residue, rows)
            keep[rows[residue[rows] != chosen]] = False
            rows = rows[residue[rows] == chosen]
            n_mixed += 1
        keep[rows] = _one_conformer(table, rows)
    if n_mixed:
        notes.append(
            f"{n_mixed} places in the sequence have alternate residues (microheterogeneity); "
            "the residue of the highest occupancy was kept."
        )
    return keep


def _sites(table: AtomTable, residue: NDArray[np.int64], labelled: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Number the places in the sequence: residues of one number, all with labelled atoms, share one."""
    first = np.flatnonzero(np.concatenate([[True], residue[1:] != residue[:-1]]))
    has_label = np.logical_or.reduceat(labelled, first)
    new = np.ones(len(first), dtype=bool)
    same = has_label[1:] & has_label[:-1] & (table.residue_name[first][1:] != table.residue_name[first][:-1])
    for column in (table.chain, table.label_chain, table.number, table.insertion_code):
        same &= column[first][1:] == column[first][:-1]
    new[1:] = ~same
    return (np.cumsum(new) - 1)[residue]


def _sums(table: AtomTable, rows: NDArray[np.int64]) -> dict[str, float]:
    total: dict[str, float] = defaultdict(float)
    for label, occupancy in zip(table.altloc[rows].tolist(), table.occupancy[rows].tolist(), strict=True):
        if label:
            total[label] += occupancy
    return total


def _best(total: dict[str, float]) -> str:
    """The label of the highest sum; sums that differ by rounding only are a tie."""
    return min(total, key=lambda label: (-round(total[label], 4), label))


def _best_residue(table: AtomTable, residue: NDArray[np.int64], rows: NDArray[np.int64]) -> int:
    # Mean, not sum: a larger side chain must not win by its number of atoms.
    scores: dict[tuple[float, str], int] = {}
    for one in np.unique(residue[rows]):
        mine = rows[(residue[rows] == one) & (table.altloc[rows] != "")]
        label = _best(_sums(table, mine))
        score = float(table.occupancy[mine[table.altloc[mine] == label]].mean())
        scores[(-round(score, 4), label)] = int(one)
    return scores[min(scores)]


def _one_conformer(table: AtomTable, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mask over the rows of one residue."""
    altloc, name = table.altloc[rows], table.atom_name[rows]
    keep = altloc == ""
    partners: dict[str, set[str]] = defaultdict(set)
    for atom in np.unique(name):
        labels = set(altloc[name == atom].tolist()) - {""}
        for label in labels:
            partners[label] |= labels
    total = _sums(table, rows)
    while total:
        label = _best(total)
        keep |= altloc == label
        # Labels that never share an atom with this one describe another part of the residue.
        group = _reach(label, partners)
        total = {other: value for other, value in total.items() if other not in group}
    if len(set(name[keep].tolist())) < keep.sum():
        _drop_unlabelled_twins(table, rows, keep)
    return keep


def _reach(label: str, partners: dict[str, set[str]]) -> set[str]:
    found, pending = {label}, [label]
    while pending:
        for other in partners[pending.pop()] - found:
            found.add(other)
            pending.append(other)
    return found


def _drop_unlabelled_twins(table: AtomTable, rows: NDArray[np.int64], keep: NDArray[np.bool_]) -> None:
    """Some files label only the second of two locations: of two kept atoms of one name, the fuller one stays."""
    best: dict[str, int] = {}
    for at in np.flatnonzero(keep):
        atom = str(table.atom_name[rows[at]])
        other = best.get(atom)
        if other is None:
            best[atom] = int(at)
        elif table.occupancy[rows[at]] > table.occupancy[rows[other]]:
            keep[other] = False
            best[atom] = int(at)
        else:
            keep[at] = False
