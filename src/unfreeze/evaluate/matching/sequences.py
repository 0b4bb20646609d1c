"""Which residue of one chain is which of another: by number where numbers agree, else by aligning the sequences.

The alignment is global with free ends and affine gaps (Gotoh 1982, J. Mol. Biol. 162, 705), with gaps that open easily
where a chain is broken in space, since that is where residues are missing. Which chain belongs to which is decided in
:mod:`unfreeze.evaluate.matching.chains`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Correspondence", "Sequenced", "align_sequences", "pair_residues"]

MATCH, MISMATCH = 5.0, -1.5
GAP_OPEN, GAP_AT_BREAK, GAP_EXTEND = 8.0, 0.5, 0.1
SAME_NUMBER, FIRST_REWARD = 1.0, 0.1
"""Reward for numbers that differ as most do: more than a gap at a break costs, much less than an identical residue
gives. In the first pass, that has yet to find by how much numbers differ, equal numbers decide ties only."""
NUMBERS_SHARED, NUMBERS_AGREE = 0.8, 0.95
"""Shares of the shorter chain that must be found by number, and of these that must have equal names."""


@dataclass(frozen=True, eq=False)
class Sequenced:
    """What alignment sees of a chain.

    Attributes
    ----------
    parents
        Standard residue of each residue: [n].
    number : int64 [n]
        Residue number.
    insertion_code
        Insertion code or empty: [n].
    broken_before : bool [n]
        Whether the chain is interrupted in space before a residue.
    """

    parents: tuple[str, ...]
    number: NDArray[np.int64]
    insertion_code: tuple[str, ...]
    broken_before: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.parents)


@dataclass(frozen=True, eq=False)
class Correspondence:
    """Matched residues of two chains: positions in each, increasing, and how many of them have equal parents."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    n_identical: int


def pair_residues(first: Sequenced, second: Sequenced, *, align: bool = True) -> Correspondence | None:
    """Match the residues of two chains.

    Parameters
    ----------
    first, second
        The chains.
    align
        Whether to align sequences when neither numbers nor whole sequences agree; None is returned otherwise.
    """
    found = _by_number(first, second)
    if found is None and first.parents == second.parents:
        rows = np.arange(len(first))
        found = rows, rows
    if found is None:
        if not align:
            return None
        found = _by_sequence(first, second)
    same = [first.parents[a] == second.parents[b] for a, b in zip(*(rows.tolist() for rows in found), strict=True)]
    return Correspondence(*found, sum(same))


def _by_number(first: Sequenced, second: Sequenced) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Residues with equal number and insertion code, if these are most and have equal names."""
    keys = [list(zip(chain.number.tolist(), chain.insertion_code, strict=True)) for chain in (first, second)]
    where = {key: row for row, key in enumerate(keys[1])}
    if len(where) < len(keys[1]) or len(set(keys[0])) < len(keys[0]):
        return None
    pairs = [(row, where[key]) for row, key in enumerate(keys[0]) if key in where]
    if len(pairs) < NUMBERS_SHARED * min(len(first), len(second)) or not pairs:
        return None
    agree = sum(first.parents[a] == second.parents[b] for a, b in pairs)
    rows = np.array(pairs, dtype=np.int64)
    if agree < NUMBERS_AGREE * len(pairs) or (np.diff(rows[:, 1]) <= 0).any():
        return None
    return rows[:, 0], rows[:, 1]


def _by_sequence(first: Sequenced, second: Sequenced) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Aligned residues; from the second pass on it is known by how much numbers differ."""
    codes = {name: code for code, name in enumerate(dict.fromkeys((*first.parents, *second.parents)))}
    rows, columns = (np.array([codes[name] for name in chain.parents]) for chain in (first, second))
    scores = np.where(rows[:, None] == columns[None], MATCH, MISMATCH)
    shift = second.number[None] - first.number[:, None]
    offset, reward = 0, FIRST_REWARD
    pairs = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    for _ in range(3):
        pairs = align_sequences(scores + reward * (shift == offset), first.broken_before, second.broken_before)
        shifts, counts = np.unique(shift[pairs][rows[pairs[0]] == columns[pairs[1]]], return_counts=True)
        usual = int(shifts[counts.argmax()]) if len(shifts) else 0
        if (usual, reward) == (offset, SAME_NUMBER):
            break
        offset, reward = usual, SAME_NUMBER
    return _with_ends(pairs, shift == offset)


def _with_ends(
    pairs: tuple[NDArray[np.int64], NDArray[np.int64]], same_number: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Take in residues beyond the ends that are numbered alike: mutated ends, that score less than an open end."""
    if len(pairs[0]) == 0:
        return pairs
    ends = []
    for at, step in ((0, -1), (-1, 1)):
        a, b = int(pairs[0][at]) + step, int(pairs[1][at]) + step
        run = []
        while 0 <= a < len(same_number) and 0 <= b < same_number.shape[1] and same_number[a, b]:
            run.append((a, b))
            a, b = a + step, b + step
        ends.append(np.array(run, dtype=np.int64).reshape(-1, 2))
    found = np.concatenate([ends[0][::-1], np.stack(pairs, axis=1), ends[1]])
    return found[:, 0], found[:, 1]


def align_sequences(
    scores: NDArray[np.floating], first_broken: Sequence[bool] | NDArray[np.bool_],
    second_broken: Sequence[bool] | NDArray[np.bool_],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:  # fmt: skip
    """Best global alignment with free ends and affine gaps.

    Parameters
    ----------
    scores : float [n, m]
        Score of matching residue i of the first with j of the second.
    first_broken, second_broken : bool [n], [m]
        Whether the chain is interrupted before a residue, so that a gap opens easily there.

    Returns
    -------
    tuple of int64 [n_matched]
        Matched positions in each, increasing.
    """
    n, m = scores.shape
    open_first = np.where(np.append(first_broken, False), GAP_AT_BREAK, GAP_OPEN)
    open_second = np.where(np.append(second_broken, False), GAP_AT_BREAK, GAP_OPEN)
    extend_second = np.full(m + 1, GAP_EXTEND)
    # residues of the first chain before or after all of the second cost nothing, and the other way round
    open_second[[0, m]] = extend_second[[0, m]] = 0.0
    columns = np.arange(m + 1)
    best = np.zeros(m + 1)
    down = np.full(m + 1, -np.inf)
    down_length = np.zeros(m + 1, dtype=np.int32)
    back = np.zeros((n + 1, m + 1), dtype=np.int32)  # 0: matched; k > 0: k of the second skipped; −k: of the first
    back[0, 1:] = columns[1:]
    for i in range(1, n + 1):
        opened = best - open_second
        longer = down > opened
        down_length = np.where(longer, down_length, 0).astype(np.int32) + 1
        down = np.where(longer, down, opened) - extend_second
        matched = np.full(m + 1, -np.inf)
        matched[1:] = best[:-1] + scores[i - 1]
        row = np.maximum(matched, down)
        back[i] = np.where(matched >= down, 0, -down_length)
        end = i == n
        extend, opening = (0.0, 0.0) if end else (GAP_EXTEND, open_first[i])
        start = row + extend * columns
        furthest = np.maximum.accumulate(start)
        since = np.maximum.accumulate(np.where(start >= furthest, columns, 0))
        across = np.full(m + 1, -np.inf)
        across[1:] = furthest[:-1] - opening - extend * columns[1:]
        skipped = across > row
        back[i, skipped] = (columns[1:] - since[:-1])[skipped[1:]]
        best = np.where(skipped, across, row)
    pairs = []
    i, j = n, m
    while i > 0 and j > 0:
        step = int(back[i, j])
        if step == 0:
            i, j = i - 1, j - 1
            pairs.append((i, j))
        else:
            i, j = (i, j - step) if step > 0 else (i + step, j)
    found = np.array(pairs[::-1], dtype=np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]
