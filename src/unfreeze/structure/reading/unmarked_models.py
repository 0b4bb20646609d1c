"""Recognise NMR ensembles whose models follow each other in a PDB file without MODEL records.

Simulation topologies also repeat chain names and residue numbers, but there the copies lie apart in space.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.reading.atom_table import AtomTable

__all__ = ["unmarked_models"]

_SHARE = 0.95  # of the atoms must occur equally often
_FEWEST_ATOMS = 8  # of one model; a ring of atoms of one name is no ensemble
_MEDIAN_SHIFT = (0.05, 6.0)  # Å between the same atom of the first two copies


def unmarked_models(table: AtomTable) -> NDArray[np.int64] | None:
    """Model of every atom if the whole structure is listed several times in about one place, else None.

    Parameters
    ----------
    table
        Atoms of a file without MODEL records.
    """
    key = np.zeros(len(table), dtype=np.int64)
    columns = (table.chain, table.number, table.insertion_code, table.residue_name, table.atom_name, table.altloc)
    for column in columns:
        values, inverse = np.unique(column, return_inverse=True)
        _, key = np.unique(key * len(values) + inverse, return_inverse=True)
    count = np.bincount(key)
    n_copies = int(np.median(count[key]))
    if n_copies < 2 or len(count) < _FEWEST_ATOMS or (count[key] == n_copies).mean() < _SHARE:
        return None
    order = np.argsort(key, kind="stable")
    first = np.concatenate([[0], np.cumsum(count)[:-1]])
    occurrence = np.empty(len(key), dtype=np.int64)
    occurrence[order] = np.arange(len(key)) - first[key[order]]
    twice = first[count == n_copies]
    shift = np.linalg.norm(table.position[order[twice]] - table.position[order[twice + 1]], axis=1)
    if not _MEDIAN_SHIFT[0] < float(np.median(shift)) < _MEDIAN_SHIFT[1]:
        return None
    return np.minimum(occurrence, n_copies - 1)
