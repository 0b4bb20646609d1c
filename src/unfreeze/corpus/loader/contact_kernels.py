"""Which residues of different partners touch, found in linear time by a grid of cells, in compiled code.

The finer account of interfaces, with persistence and buried area, is in
:mod:`unfreeze.structure.observables.interfaces`; here it only has to be quick, for complexes of any size.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.compiled import compiled

__all__ = ["nearest_partners"]


def nearest_partners(
    points_nm: NDArray[np.floating], party: NDArray[np.integer], residue: NDArray[np.integer], reach_nm: float
) -> NDArray[np.int32]:
    """For every residue the one of another party whose atoms come closest to its own, -1 where none is within reach.

    Parameters
    ----------
    points_nm
        [n_atoms, 3] atoms to look at, nm.
    party, residue
        [n_atoms] the party and the residue of each; residues are numbered from 0.
    reach_nm
        Largest distance between two atoms in contact, nm.

    Returns
    -------
    int32 [n_residues], n_residues being the largest number of a residue and one
    """
    n_residues = int(residue.max()) + 1 if len(residue) else 0
    partner = np.full(n_residues, -1, dtype=np.int32)
    if len(points_nm) == 0 or len(np.unique(party)) < 2:
        return partner
    points = np.asarray(points_nm, dtype=np.float64)
    cell = np.floor((points - points.min(axis=0)) / reach_nm).astype(np.int64)
    extent = cell.max(axis=0) + 3
    key = ((cell[:, 0] + 1) * extent[1] + cell[:, 1] + 1) * extent[2] + cell[:, 2] + 1
    order = np.argsort(key, kind="stable")
    _search(
        np.ascontiguousarray(points[order]),
        party[order].astype(np.int64),
        residue[order].astype(np.int64),
        key[order],
        extent,
        reach_nm,
        np.full(n_residues, np.inf),
        partner,
    )
    return partner


@compiled
def _search(
    points: NDArray[np.float64],
    party: NDArray[np.int64],
    residue: NDArray[np.int64],
    key: NDArray[np.int64],
    extent: NDArray[np.int64],
    reach: float,
    nearest: NDArray[np.float64],
    partner: NDArray[np.int32],
) -> None:
    """Atoms come sorted by the key of their cell, so that three cells in a row are one run of atoms."""
    n = points.shape[0]
    runs = np.empty((9, 2), np.int64)
    last_key = np.int64(-1)
    for i in range(n):
        if key[i] != last_key:
            last_key = key[i]
            for dx in range(3):
                for dy in range(3):
                    middle = key[i] + ((dx - 1) * extent[1] + dy - 1) * extent[2]
                    runs[3 * dx + dy, 0] = np.searchsorted(key, middle - 1)
                    runs[3 * dx + dy, 1] = np.searchsorted(key, middle + 2)
        own = residue[i]
        for run in range(9):
            for j in range(runs[run, 0], runs[run, 1]):
                if party[j] == party[i]:
                    continue
                x, y, z = points[i, 0] - points[j, 0], points[i, 1] - points[j, 1], points[i, 2] - points[j, 2]
                squared = x * x + y * y + z * z
                if squared > reach * reach:
                    continue
                if squared < nearest[own] or (squared == nearest[own] and residue[j] < partner[own]):
                    nearest[own] = squared
                    partner[own] = residue[j]
