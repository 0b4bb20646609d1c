"""What is done for every draw, in compiled code and without the interpreter's lock, so that threads are of use.

Rows are those of one entry; what a sample holds is numbered within the sample.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.compiled import compiled

__all__ = ["centred", "covariances", "cut_pairs", "expand_residues", "has_all_neighbours", "nearest_residues", "turn"]


@compiled
def nearest_residues(points: NDArray[np.float32], first: int, second: int, n: int) -> NDArray[np.int64]:
    """The `n` residues nearest to either of two, in rising order; equally far ones in the order of the file."""
    total = points.shape[0]
    squared = np.empty(total, np.float32)
    for i in range(total):
        x, y, z = points[i, 0] - points[first, 0], points[i, 1] - points[first, 1], points[i, 2] - points[first, 2]
        squared[i] = x * x + y * y + z * z
        if second != first:
            x, y, z = (
                points[i, 0] - points[second, 0],
                points[i, 1] - points[second, 1],
                points[i, 2] - points[second, 2],
            )
            squared[i] = min(squared[i], x * x + y * y + z * z)
    limit = np.partition(squared, n - 1)[n - 1]
    spare = n
    for i in range(total):
        spare -= squared[i] < limit
    rows = np.empty(n, np.int64)
    filled = 0
    for i in range(total):
        if squared[i] < limit:
            rows[filled] = i
            filled += 1
        elif squared[i] == limit and spare > 0:
            rows[filled] = i
            filled += 1
            spare -= 1
    return rows


@compiled
def has_all_neighbours(
    residues: NDArray[np.int64], start: NDArray[np.int32], neighbours: NDArray[np.int32], n_residues: int
) -> NDArray[np.bool_]:
    """Which of some residues have all their neighbours among them; neighbours of r are in start[r]:start[r + 1]."""
    inside = np.zeros(n_residues, np.bool_)
    inside[residues] = True
    result = np.ones(residues.shape[0], np.bool_)
    for i in range(residues.shape[0]):
        for j in range(start[residues[i]], start[residues[i] + 1]):
            if not inside[neighbours[j]]:
                result[i] = False
                break
    return result


@compiled
def expand_residues(
    residues: NDArray[np.int64],
    start: NDArray[np.int32],
    representative: NDArray[np.int32],
    chain: NDArray[np.int32],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the atoms of some residues; and in the sample the residue of each, the atom for and chain of residues."""
    n = 0
    for i in range(residues.shape[0]):
        n += start[residues[i] + 1] - start[residues[i]]
    atoms, atom_residue = np.empty(n, np.int64), np.empty(n, np.int64)
    anchors, chains = np.empty(residues.shape[0], np.int64), np.empty(residues.shape[0], np.int64)
    filled, number = 0, 0
    for i in range(residues.shape[0]):
        row = residues[i]
        anchors[i] = -1 if representative[row] < 0 else representative[row] - start[row] + filled
        number += i > 0 and chain[row] != chain[residues[i - 1]]
        chains[i] = number
        for atom in range(start[row], start[row + 1]):
            atoms[filled], atom_residue[filled] = atom, i
            filled += 1
    return atoms, atom_residue, anchors, chains


@compiled
def cut_pairs(
    pairs: NDArray[np.integer], chosen: NDArray[np.int64], n_rows: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of which both rows are chosen, in places among the chosen, and which pairs these were."""
    place = np.full(n_rows, -1, np.int64)
    for i in range(chosen.shape[0]):
        place[chosen[i]] = i
    kept, cut = np.empty(pairs.shape[0], np.int64), np.empty((pairs.shape[0], 2), np.int64)
    n = 0
    for i in range(pairs.shape[0]):
        first, second = place[pairs[i, 0]], place[pairs[i, 1]]
        if first >= 0 and second >= 0:
            kept[n], cut[n, 0], cut[n, 1] = i, first, second
            n += 1
    return cut[:n].copy(), kept[:n].copy()


@compiled
def centred(frames: NDArray[np.float32], atoms: NDArray[np.int64], anchors: NDArray[np.int64]) -> NDArray[np.float32]:
    """Some atoms of frames [k, n, 3] about the mean of those among them that `anchors` counts."""
    result = np.empty((frames.shape[0], atoms.shape[0], 3), np.float32)
    for k in range(frames.shape[0]):
        middle = np.zeros(3)
        for i in range(anchors.shape[0]):
            for d in range(3):
                middle[d] += frames[k, atoms[anchors[i]], d]
        for d in range(3):
            middle[d] /= anchors.shape[0]
        x, y, z = np.float32(middle[0]), np.float32(middle[1]), np.float32(middle[2])
        for i in range(atoms.shape[0]):
            result[k, i, 0] = frames[k, atoms[i], 0] - x
            result[k, i, 1] = frames[k, atoms[i], 1] - y
            result[k, i, 2] = frames[k, atoms[i], 2] - z
    return result


@compiled
def covariances(
    target: NDArray[np.float32], frames: NDArray[np.float32], anchors: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Σ target mobileᵀ over some atoms, for every frame: float64 [k, 3, 3]."""
    result = np.zeros((frames.shape[0], 3, 3))
    for k in range(frames.shape[0]):
        for i in range(anchors.shape[0]):
            for a in range(3):
                for b in range(3):
                    result[k, a, b] += np.float64(target[anchors[i], a]) * np.float64(frames[k, anchors[i], b])
    return result


@compiled
def turn(vectors: NDArray[np.float32], rotations: NDArray[np.float64]) -> None:
    """Turn all vectors [k, n, 3] of every frame in place."""
    for k in range(vectors.shape[0]):
        r = rotations[k]
        for i in range(vectors.shape[1]):
            x, y, z = vectors[k, i, 0], vectors[k, i, 1], vectors[k, i, 2]
            for d in range(3):
                vectors[k, i, d] = np.float32(r[d, 0] * x + r[d, 1] * y + r[d, 2] * z)
