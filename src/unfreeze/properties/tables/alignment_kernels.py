"""The inner loops of local alignment, compiled. Import it only where it is called."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.compiled import compiled

__all__ = ["scores", "traced"]


@compiled
def scores(
    query: NDArray[np.int64],
    joined: NDArray[np.int64],
    starts: NDArray[np.int64],
    begin: int,
    matrix: NDArray[np.int64],
    gap_open: int,
    gap_residue: int,
) -> NDArray[np.int64]:
    """Best local score of a query with every sequence from number `begin` on; zero for those before.

    Parameters
    ----------
    query : [n]
        Codes of residues.
    joined, starts
        Codes of all other sequences, and where each begins: [n_sequences + 1].
    begin
        First sequence that is wanted.
    matrix
        Score of every pair of codes.
    gap_open, gap_residue
        Costs: a gap of k residues costs gap_open + k gap_residue.
    """
    n = len(query)
    profile = np.zeros((matrix.shape[0], n), dtype=np.int32)
    for code in range(matrix.shape[0]):
        for j in range(n):
            profile[code, j] = matrix[code, query[j]]
    found = np.zeros(len(starts) - 1, dtype=np.int64)
    above = np.zeros(n, dtype=np.int32)
    gap_above = np.zeros(n, dtype=np.int32)
    first, more, none = np.int32(gap_open + gap_residue), np.int32(gap_residue), np.int32(0)
    far = np.int32(-(10**6))
    for sequence in range(begin, len(starts) - 1):
        above[:] = 0
        gap_above[:] = far
        best = none
        for place in range(starts[sequence], starts[sequence + 1]):
            row = profile[joined[place]]
            diagonal, gap_left, left = none, far, none
            for j in range(n):
                gap_down = max(gap_above[j] - more, above[j] - first)
                gap_left = max(gap_left - more, left - first)
                value = max(none, np.int32(diagonal + row[j]), gap_down, gap_left)
                diagonal = above[j]
                gap_above[j] = gap_down
                above[j] = value
                left = value
                best = max(best, value)
        found[sequence] = best
    return found


@compiled
def traced(
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    matrix: NDArray[np.int64],
    gap_open: int,
    gap_residue: int,
) -> tuple[int, int, int]:
    """Score of the best local alignment, identical residues in it, and its columns without a gap."""
    m, n = len(first), len(second)
    value = np.zeros((m + 1, n + 1), dtype=np.int64)
    down = np.full((m + 1, n + 1), -(10**6), dtype=np.int64)
    right = np.full((m + 1, n + 1), -(10**6), dtype=np.int64)
    opened = gap_open + gap_residue
    best, at_i, at_j = 0, 0, 0
    for i in range(1, m + 1):
        for j in range(1, n + 1):
            down[i, j] = max(down[i - 1, j] - gap_residue, value[i - 1, j] - opened)
            right[i, j] = max(right[i, j - 1] - gap_residue, value[i, j - 1] - opened)
            here = value[i - 1, j - 1] + matrix[first[i - 1], second[j - 1]]
            value[i, j] = max(0, here, down[i, j], right[i, j])
            if value[i, j] > best:
                best, at_i, at_j = value[i, j], i, j
    same, columns, state = 0, 0, 0
    i, j = at_i, at_j
    while i > 0 and j > 0 and (state != 0 or value[i, j] > 0):
        if state == 0:
            if value[i, j] == value[i - 1, j - 1] + matrix[first[i - 1], second[j - 1]]:
                i -= 1
                j -= 1
                columns += 1
                same += first[i] == second[j]
            else:
                state = 1 if value[i, j] == down[i, j] else 2
        elif state == 1:
            if down[i, j] == value[i - 1, j] - opened:
                state = 0
            i -= 1
        else:
            if right[i, j] == value[i, j - 1] - opened:
                state = 0
            j -= 1
    return best, same, columns
