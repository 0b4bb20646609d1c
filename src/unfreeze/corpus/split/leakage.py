"""Leakage of a split that somebody else made: chains of one part that are found again in another.

Two measures: identity by alignment over the shorter sequence, and the share of the words of five letters of the one
with fewer that the other has too, which sees a common domain in two long fusions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from unfreeze.corpus.split.likeness import Comparison, Engine, Progress
from unfreeze.errors import InputError
from unfreeze.structure.similarity.clusters import IDENTITY

__all__ = ["SHARE", "Leak", "LeakageReport", "leakage", "shared_words"]

SHARE = 0.4
"""Share of words of five letters from which a pair counts as leaked."""

_LETTERS = 5
_BLOCK = 512
_LEAST_SHARE = 0.02  # what is kept to be told of


@dataclass(frozen=True)
class Leak:
    """Two sequences of different parts.

    Attributes
    ----------
    parts, names
        The parts, and the names of the sequences.
    identity
        Over the shorter sequence; 0 where an alignment of it would mean nothing.
    share
        Of the words of five letters of the sequence with fewer of them, those that the other has.
    leaked
        Whether either is too much.
    """

    parts: tuple[str, str]
    names: tuple[str, str]
    identity: float
    share: float
    leaked: bool


@dataclass(frozen=True)
class LeakageReport:
    """What is met again across parts.

    Attributes
    ----------
    sizes
        Sequences in every part.
    leaks
        Pairs that leak, the most alike first.
    next
        The most alike pair that does not; None if nothing is alike at all.
    affected
        For every two parts, how many different sequences of the first leak to the second.
    identity, share
        From which a pair leaks.
    engine
        What proposed pairs to align.
    """

    sizes: dict[str, int]
    leaks: tuple[Leak, ...]
    next: Leak | None
    affected: dict[tuple[str, str], int]
    identity: float
    share: float
    engine: str

    @property
    def largest_identity(self) -> float:
        """Largest identity across parts."""
        return max((leak.identity for leak in (*self.leaks, *([self.next] if self.next else []))), default=0.0)

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "sizes": self.sizes,
            "identity": self.identity,
            "share": self.share,
            "engine": self.engine,
            "largest_identity": self.largest_identity,
            "affected": [
                {"part": first, "by": second, "n": number} for (first, second), number in self.affected.items()
            ],
            "leaks": [vars(leak) for leak in self.leaks],
            "next": None if self.next is None else vars(self.next),
        }


def leakage(
    parts: Mapping[str, Mapping[str, str]],
    *,
    identity: float = IDENTITY,
    share: float = SHARE,
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> LeakageReport:
    """Compare all sequences of every part with those of the others.

    Parameters
    ----------
    parts
        Sequences by name, by part.
    identity
        Pairs leak from this identity over the shorter sequence; short ones need more.
    share
        And from this share of words of five letters.
    engine
        What proposes pairs to align; None for shared words, and MMseqs2 where it is installed.
    progress
        Told what is done, and how many of how many.

    Raises
    ------
    InputError
        If there are not two parts with sequences.
    """
    filled = {part: rows for part, rows in parts.items() if rows}
    if len(filled) < 2:
        raise InputError("leakage is between parts: sequences of two at least were expected, such as train and test.")
    names = [(part, name) for part, rows in filled.items() for name in rows]
    comparison = Comparison((letters for rows in filled.values() for letters in rows.values()), engine=engine,
                            progress=progress)  # fmt: skip
    part_row = {part: number for number, part in enumerate(filled)}
    part_number = np.array([part_row[part] for part, _ in names])
    holders: list[list[int]] = [[] for _ in comparison.letters]
    for place, row in enumerate(comparison.row.tolist()):
        holders[row].append(place)
    pairs = {(a, b) for a, b in comparison.pairs.tolist()} | {(row, row) for row in range(len(holders))}
    shares = shared_words(comparison.letters)
    found: list[Leak] = []
    for number, (a, b) in enumerate(sorted(pairs | set(shares))):
        if progress is not None and number % 1000 == 0:
            progress("pairs across parts aligned", number, len(pairs))
        meeting = {
            (p, q) if part_number[p] < part_number[q] else (q, p)
            for p in holders[a] for q in holders[b] if part_number[p] != part_number[q]
        }  # fmt: skip
        if not meeting:
            continue
        same, least = comparison.judge(a, b)
        common = 1.0 if a == b else shares.get((a, b), 0.0)
        leaked = same >= max(identity, least) or common >= share
        found += [
            Leak((names[p][0], names[q][0]), (names[p][1], names[q][1]), same if same >= least else 0.0, common, leaked)
            for p, q in sorted(meeting)
        ]
    found.sort(key=lambda leak: (-max(leak.identity, leak.share), -leak.share, leak.names))
    leaks = tuple(leak for leak in found if leak.leaked)
    affected: dict[tuple[str, str], set[str]] = {}
    for leak in leaks:
        for first, second in ((0, 1), (1, 0)):
            affected.setdefault((leak.parts[first], leak.parts[second]), set()).add(leak.names[first])
    return LeakageReport(
        sizes={part: len(rows) for part, rows in filled.items()},
        leaks=leaks,
        next=next((leak for leak in found if not leak.leaked and max(leak.identity, leak.share) > 0.0), None),
        affected={key: len(value) for key, value in affected.items()},
        identity=identity,
        share=share,
        engine=comparison.engine,
    )


def shared_words(sequences: list[str]) -> dict[tuple[int, int], float]:
    """Share of words of five letters that two different sequences have in common, where it is 2 % at least.

    Parameters
    ----------
    sequences
        Different ones.

    Returns
    -------
    dict
        By the two rows, the lower first, a share of the words of the sequence with fewer of them.
    """
    words = [_words(letters) for letters in sequences]
    n_words = np.array([len(one) for one in words], dtype=np.int64)
    pointers = np.concatenate([[0], np.cumsum(n_words)])
    used, columns = np.unique(np.concatenate([*words, np.empty(0, dtype=np.int64)]), return_inverse=True)
    shape = (len(sequences), max(len(used), 1))
    table = sparse.csr_array((np.ones(len(columns), dtype=np.int32), columns, pointers), shape=shape)
    transposed = table.T.tocsr()
    found: dict[tuple[int, int], float] = {}
    for start in range(0, len(sequences), _BLOCK):
        common = (table[start : start + _BLOCK] @ transposed).tocoo()
        rows, others = common.row.astype(np.int64) + start, common.col.astype(np.int64)
        share = common.data / np.minimum(n_words[rows], n_words[others])
        keep = (rows < others) & (share >= _LEAST_SHARE)
        found |= dict(
            zip(zip(rows[keep].tolist(), others[keep].tolist(), strict=True), share[keep].tolist(), strict=True)
        )
    return found


def _words(letters: str) -> NDArray[np.int64]:
    codes = np.frombuffer(letters.encode("latin-1", "replace"), dtype=np.uint8).astype(np.int64)
    if len(codes) < _LETTERS:
        return np.empty(0, dtype=np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(codes, _LETTERS)
    return np.unique(windows @ (256 ** np.arange(_LETTERS)))
