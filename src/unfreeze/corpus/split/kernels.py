"""The inner loop over shared words, compiled. Import it only where it is called."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.compiled import compiled

__all__ = ["scan"]


@compiled
def scan(
    word: NDArray[np.int32],
    place: NDArray[np.int32],
    start: NDArray[np.int64],
    first_of_word: NDArray[np.int64],
    listed_sequence: NDArray[np.int32],
    listed_place: NDArray[np.int32],
    length: NDArray[np.int64],
    cursor: NDArray[np.int64],
    counts: NDArray[np.uint16],
    queries: NDArray[np.int64],
    chance: float,
    least_share: NDArray[np.float64],
    found: NDArray[np.int32],
) -> int:
    """Pairs of sequences with more words in common along a band of diagonals than chance would have it.

    Parameters
    ----------
    word, place : [n_words]
        Words of all sequences and where in their sequence they begin, sequence by sequence.
    start : [n_sequences + 1]
        First word of every sequence.
    first_of_word : [n_different + 1]
        Where the list of every word begins.
    listed_sequence, listed_place : [n_words]
        Sequences and places of every word, by word and then by sequence.
    length : [n_sequences]
        Residues.
    cursor : [n_different]
        Changed: where in its list the sequences after the query begin.
    counts
        Changed: room for the diagonals of one query against all.
    queries : [2]
        Changed: the first query to do and the one after the last; on return the first that is left.
    chance
        Words that unrelated sequences share on a band, per residue of the shorter.
    least_share : [n]
        Excess over chance that is asked for, per residue, by the length of the shorter; the last holds beyond.
    found : [most, 3]
        Filled with pairs, and the diagonal in the middle of their best band: places in the second less in the first.

    Returns
    -------
    int
        How many were found; a query whose pairs might not fit is left for the next call.
    """
    n = len(length)
    base = np.empty(n + 1, dtype=np.int64)
    n_found = 0
    for query in range(queries[0], queries[1]):
        if n_found + n - query > len(found):
            queries[0] = query
            return n_found
        own = length[query]
        place_of_base = 0
        for other in range(query + 1, n):
            base[other] = place_of_base
            place_of_base += ((length[other] + own) >> 4) + 2
        base[n] = place_of_base
        counts[:place_of_base] = 0
        for k in range(start[query], start[query + 1]):
            low, high = cursor[word[k]], first_of_word[word[k] + 1]
            while low < high and listed_sequence[low] <= query:
                low += 1
            cursor[word[k]] = low
            shift = own - place[k]
            for m in range(low, high):
                bin_ = base[listed_sequence[m]] + ((listed_place[m] + shift) >> 4)
                if counts[bin_] < 65535:
                    counts[bin_] += 1
        for other in range(query + 1, n):
            best, before, total, at = 0, 0, 0, 0
            for bin_ in range(base[other], base[other + 1]):
                here = np.int64(counts[bin_])
                total += here
                if here + before > best:
                    best, at = here + before, bin_ - base[other]
                before = here
            if best < 2:
                continue
            shorter = min(own, length[other])
            band = 32.0 * shorter
            elsewhere = (total - best) / max(own * length[other] - band, band)
            share = best / shorter - min(max(chance, 32.0 * elsewhere), 4.0 * chance)
            if share >= least_share[min(shorter, len(least_share) - 1)]:
                found[n_found, 0], found[n_found, 1], found[n_found, 2] = query, other, 16 * at - own
                n_found += 1
    queries[0] = queries[1]
    return n_found


@compiled
def band_scores(
    pairs: NDArray[np.int32],
    codes: NDArray[np.uint8],
    start: NDArray[np.int64],
    length: NDArray[np.int64],
    scores: NDArray[np.int32],
    half_width: int,
    gap_open: int,
    gap_extend: int,
) -> NDArray[np.int32]:
    """Score of the best local alignment along a band of diagonals (Smith and Waterman 1981; Gotoh 1982).

    Parameters
    ----------
    pairs : [n, 3]
        Two sequences and the diagonal in the middle of the band.
    codes : [n_residues]
        Residues of all sequences as rows of `scores`.
    start, length : [n_sequences]
        Where every sequence begins, and its residues.
    scores : [n_codes, n_codes]
        Of two residues that stand opposite each other.
    half_width
        Diagonals to either side.
    gap_open, gap_extend
        Cost of the first residue of a gap, and of each after it.

    Returns
    -------
    int32 [n]
    """
    width = 2 * half_width + 1
    best = np.zeros(len(pairs), dtype=np.int32)
    row_score = np.zeros(width + 2, dtype=np.int32)
    down = np.zeros(width + 2, dtype=np.int32)
    for number in range(len(pairs)):
        a, b, middle = pairs[number, 0], pairs[number, 1], pairs[number, 2]
        row_score[:] = 0
        down[:] = -1_000_000
        top = 0
        first = max(0, -middle - half_width)
        last = min(length[a], length[b] - middle + half_width)
        for i in range(first, last):
            # column k is the place i + middle + k - half_width of the second; the row above is shifted by one
            across = np.int32(-1_000_000)
            left = np.int32(0)
            own = scores[codes[start[a] + i]]
            for k in range(width):
                j = i + middle + k - half_width
                if j < 0 or j >= length[b]:
                    row_score[k], down[k], left = 0, -1_000_000, 0
                    across = -1_000_000
                    continue
                diagonal = row_score[k]  # of (i - 1, j - 1)
                above = row_score[k + 1] if k + 1 < width else 0
                down_here = max(down[k + 1] - gap_extend if k + 1 < width else -1_000_000, above - gap_open)
                across = max(across - gap_extend, left - gap_open)
                score = max(0, diagonal + own[codes[start[b] + j]], down_here, across)
                row_score[k], down[k], left = score, down_here, score
                top = max(top, score)
        best[number] = top
    return best
