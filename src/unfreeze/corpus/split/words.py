"""Pairs of sequences worth aligning: those that share words of a reduced alphabet along a band of diagonals.

Looking along bands, and not at whole sequences, leaves some hundred times fewer pairs by chance than counting shared
words does, so that tens of thousands of sequences are compared in minutes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

__all__ = ["propose"]

# Murphy, Wallqvist and Levy 2000, Protein Eng. 13, 149: ten groups of amino acids. What has no letter is in no word.
_GROUPS = ("LVIM", "C", "A", "G", "ST", "P", "FYW", "EDNQ", "KR", "H")
# Spaced seeds, as in PatternHunter (Ma, Tromp and Li 2002, Bioinformatics 18, 440): four letters of four to six.
_PATTERNS = ((0, 1, 2, 3), (0, 1, 3, 4), (0, 1, 3, 5))
_NUCLEOTIDES, _NUCLEOTIDE_WORD = "acgu", 8
_BAND = 32  # diagonals
_CHANCE = 0.0016  # words that a cell of the matrix of two unrelated proteins has in common (measured on 3,000 proteins)
_QUERIES = 64
_MOST_FOUND = 500_000
_LEAST_SHARE = 0.1  # words beyond chance a residue: 0.125 at 40 % identity if all that differs differs at random
_HALF_WIDTH, _GAPS, _LEAST_SCORE = 20, (11, 1), 0.8
_LETTERS = "ARNDCQEGHILKMFPSTWYV" + _NUCLEOTIDES + "X"
_BLOSUM62 = """
4
-1 5
-2 0 6
-2 -2 1 6
0 -3 -3 -3 9
-1 1 0 0 -3 5
-1 0 0 2 -4 2 5
0 -2 0 -1 -3 -2 -2 6
-2 0 1 -1 -3 0 0 -2 8
-1 -3 -3 -3 -1 -3 -3 -4 -3 4
-1 -2 -3 -4 -1 -2 -3 -4 -3 2 4
-1 2 0 -1 -3 1 1 -2 -1 -3 -2 5
-1 -1 -2 -3 -1 0 -2 -3 -2 1 2 -1 5
-2 -3 -3 -3 -2 -3 -3 -3 -1 0 0 -3 0 6
-1 -2 -2 -1 -3 -1 -1 -2 -2 -3 -3 -1 -2 -4 7
1 -1 1 0 -1 0 0 0 -1 -2 -2 0 -1 -2 -1 4
0 -1 0 -1 -1 -1 -1 -2 -2 -1 -1 -1 -1 -2 -1 1 5
-3 -3 -4 -4 -2 -2 -3 -2 -2 -3 -2 -3 -1 1 -4 -3 -2 11
-2 -2 -2 -3 -2 -1 -2 -3 2 -1 -1 -2 -1 3 -3 -2 -2 2 7
0 -3 -3 -3 -1 -2 -2 -3 -3 3 1 -2 1 -1 -2 -2 0 -3 -1 4
"""

_Kind = tuple[NDArray[np.int64], tuple[int, ...], int, int]  # codes, pattern, letters, first number of a word

_PROTEIN = np.full(256, -1, dtype=np.int64)
for _number, _group in enumerate(_GROUPS):
    _PROTEIN[[ord(letter) for letter in _group]] = _number
_NUCLEIC = np.full(256, -1, dtype=np.int64)
_NUCLEIC[[ord(letter) for letter in _NUCLEOTIDES]] = np.arange(4)
_ROW = np.full(256, len(_LETTERS) - 1, dtype=np.uint8)
_ROW[[ord(letter) for letter in _LETTERS]] = np.arange(len(_LETTERS))


def propose(
    sequences: Sequence[str], progress: Callable[[int, int], None] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Pairs of sequences with a common band of diagonals: first by shared words, then by the score along it.

    Parameters
    ----------
    sequences
        Different ones; amino acids in upper case, nucleotides in lower case.
    progress
        Told how many of how many are done.

    Returns
    -------
    pairs : int64 [n_pairs, 2]
        Rows, the lower first.
    score : float64 [n_pairs]
        Of the best local alignment along the band, a residue of the shorter: some 5 for equal ones, 1.7 at 40 %
        identity.
    """
    from unfreeze.corpus.split.kernels import band_scores, scan

    n = len(sequences)
    if n < 2:
        return np.empty((0, 2), dtype=np.int64), np.empty(0)
    words, places, counts = _words(sequences)
    length = np.array([len(letters) for letters in sequences], dtype=np.int64)
    order = np.argsort(words, kind="stable")
    used, inverse = np.unique(words, return_inverse=True)
    words = inverse.astype(np.int32)
    first = np.concatenate([[0], np.cumsum(np.bincount(words, minlength=len(used)))]).astype(np.int64)
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    row = np.repeat(np.arange(n), counts).astype(np.int32)
    room = int(((length + length.max()) >> 4).sum() + 2 * n)
    listed, listed_places, least = row[order], places[order], np.full(1, _LEAST_SHARE)
    codes, begin, scores = _codes(sequences), np.cumsum(length) - length, _scores()
    blocks = [(low, min(low + _QUERIES, n)) for low in range(0, n, _QUERIES)]
    n_threads = max(1, min(len(blocks), len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1, 8))
    n_done = [0] * n_threads

    def work(thread: int) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Every so many blocks, in order: the cursors only ever move on."""
        found = np.empty((max(_MOST_FOUND, n), 3), dtype=np.int32)
        cursor, bins = first[:-1].copy(), np.zeros(max(room, 1), dtype=np.uint16)
        parts = [(np.empty((0, 2), dtype=np.int64), np.empty(0))]
        for low, high in blocks[thread::n_threads]:
            queries = np.array([low, high], dtype=np.int64)
            while queries[0] < high:
                n_found = scan(
                    words, places, start, first, listed, listed_places, length, cursor, bins, queries,
                    _BAND * _CHANCE, least, found,
                )  # fmt: skip
                near = found[:n_found]
                shorter = np.minimum(length[near[:, 0]], length[near[:, 1]])
                share = band_scores(near, codes, begin, length, scores, _HALF_WIDTH, *_GAPS) / shorter
                keep = share >= _LEAST_SCORE
                parts.append((near[keep, :2].astype(np.int64), share[keep]))
            n_done[thread] += high - low
            if progress is not None:
                progress(sum(n_done), n)
        return parts

    if n_threads == 1:
        made = work(0)
    else:
        with ThreadPoolExecutor(n_threads) as pool:
            made = [part for parts in pool.map(work, range(n_threads)) for part in parts]
    pairs, shares = np.concatenate([one for one, _ in made]), np.concatenate([one for _, one in made])
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    return pairs[order], shares[order]


def _codes(sequences: Sequence[str]) -> NDArray[np.uint8]:
    data = np.frombuffer("".join(sequences).encode("latin-1", "replace"), dtype=np.uint8)
    return _ROW[data]


def _scores() -> NDArray[np.int32]:
    """BLOSUM62 (Henikoff and Henikoff 1992, PNAS 89, 10915); 5 and -4 for nucleotides; 0 for what has no letter."""
    half = [[int(value) for value in line.split()] for line in _BLOSUM62.strip().splitlines()]
    scores = np.zeros((len(_LETTERS), len(_LETTERS)), dtype=np.int32)
    for i, line in enumerate(half):
        for j, value in enumerate(line):
            scores[i, j] = scores[j, i] = value
    nucleic = slice(len(half), len(half) + len(_NUCLEOTIDES))
    scores[nucleic, nucleic] = np.where(np.eye(len(_NUCLEOTIDES), dtype=bool), 5, -4)
    return scores


def _words(sequences: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """Words as numbers, where they begin, and how many every sequence has."""
    base = len(_GROUPS)
    words: list[NDArray[np.int64]] = [np.empty(0, dtype=np.int64)]
    places: list[NDArray[np.int32]] = [np.empty(0, dtype=np.int32)]
    counts = np.zeros(len(sequences), dtype=np.int64)
    for row, letters in enumerate(sequences):
        data = np.frombuffer(letters.encode("latin-1", "replace"), dtype=np.uint8)
        kinds: list[_Kind] = [
            (_PROTEIN[data], pattern, base, number * base**4) for number, pattern in enumerate(_PATTERNS)
        ]
        nucleic = _NUCLEIC[data]
        if (nucleic >= 0).any():
            kinds.append((nucleic, tuple(range(_NUCLEOTIDE_WORD)), 4, len(_PATTERNS) * base**4))
        for codes, pattern, size, offset in kinds:
            if len(codes) <= pattern[-1]:
                continue
            windows = np.lib.stride_tricks.sliding_window_view(codes, pattern[-1] + 1)[:, pattern]
            at = np.flatnonzero((windows >= 0).all(axis=1))
            words.append(windows[at] @ (size ** np.arange(len(pattern))) + offset)
            places.append(at.astype(np.int32))
            counts[row] += len(at)
    return np.concatenate(words), np.concatenate(places), counts
