"""Which pairs of residues are in contact in every frame: a compiled loop with early exits.

Needs numba, so import this inside the function that uses it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.compiled import compiled

__all__ = ["pairs_in_contact"]


@compiled
def pairs_in_contact(
    frames_nm: NDArray[np.float32], start: NDArray[np.int64], pairs: NDArray[np.int64], cutoff_nm: float
) -> NDArray[np.bool_]:
    """Whether any two atoms of a pair of residues are less than `cutoff_nm` apart.

    Parameters
    ----------
    frames_nm : float32 [n_frames, n_atoms, 3]
        Frames, nm; atoms of a residue one after the other.
    start : int64 [n_residues + 1]
        First atom of every residue and, last, the number of atoms.
    pairs : int64 [n_pairs, 2]
        Pairs of residues.
    cutoff_nm
        nm.

    Returns
    -------
    bool [n_frames, n_pairs]
    """
    n_frames, n_residues, n_pairs = len(frames_nm), len(start) - 1, len(pairs)
    found = np.zeros((n_frames, n_pairs), dtype=np.bool_)
    centre = np.empty((n_residues, 3))
    radius = np.empty(n_residues)
    limit = cutoff_nm * cutoff_nm
    for f in range(n_frames):
        points = frames_nm[f]
        for r in range(n_residues):
            x = y = z = 0.0
            for i in range(start[r], start[r + 1]):
                x += points[i, 0]
                y += points[i, 1]
                z += points[i, 2]
            n = max(start[r + 1] - start[r], 1)
            x, y, z = x / n, y / n, z / n
            largest = 0.0
            for i in range(start[r], start[r + 1]):
                d = (points[i, 0] - x) ** 2 + (points[i, 1] - y) ** 2 + (points[i, 2] - z) ** 2
                largest = max(largest, d)
            centre[r, 0], centre[r, 1], centre[r, 2] = x, y, z
            radius[r] = np.sqrt(largest)
        for p in range(n_pairs):
            a, b = pairs[p, 0], pairs[p, 1]
            reach = radius[a] + radius[b] + cutoff_nm + 1e-6  # spheres that do not meet hold no contact
            apart = 0.0
            for k in range(3):
                apart += (centre[a, k] - centre[b, k]) ** 2
            if apart > reach * reach:
                continue
            touching = False
            for i in range(start[a], start[a + 1]):
                for j in range(start[b], start[b + 1]):
                    dx = float(points[i, 0]) - float(points[j, 0])
                    dy = float(points[i, 1]) - float(points[j, 1])
                    dz = float(points[i, 2]) - float(points[j, 2])
                    if dx * dx + dy * dy + dz * dz < limit:
                        touching = True
                        break
                if touching:
                    break
            found[f, p] = touching
    return found
