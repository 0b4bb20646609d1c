"""Which proteins are alike by the best local alignment of every pair, with its significance: nothing is prefiltered.

Over a global alignment two unrelated proteins of a hundred residues are often 25 % identical. So identity counts here
only over a local alignment (Smith and Waterman 1981, J. Mol. Biol. 147, 195) that chance does not explain (Karlin and
Altschul 1990, PNAS 87, 2264). A thousand sequences against a thousand take a minute; larger sets are for
:mod:`unfreeze.corpus.split`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.mutations import AMINO_ACIDS

__all__ = ["LocalAlignment", "alike_pairs", "local_alignment", "local_scores", "residue_numbers"]

# BLOSUM62 with gaps of 11 + 1 a residue: Altschul & Gish 1996, Methods Enzymol. 266, 460, as in NCBI BLAST.
_GAP_OPEN, _GAP_RESIDUE = 11, 1
_LAMBDA, _K = 0.267, 0.041
_LETTERS = AMINO_ACIDS + "X"


@dataclass(frozen=True)
class LocalAlignment:
    """The best local alignment of two sequences.

    Attributes
    ----------
    score
        BLOSUM62, gaps 11 + 1 a residue.
    expected
        How many alignments of at least this score two unrelated sequences of these lengths have: K m n exp(−λ S).
    identity
        Identical residues as a share of the columns without a gap.
    columns
        Residues that stand opposite each other.
    """

    score: int
    expected: float
    identity: float
    columns: int


def local_alignment(first: str, second: str) -> LocalAlignment:
    """Align two sequences of one-letter codes locally; what is no amino acid counts as X (score −1)."""
    from unfreeze.properties.tables.alignment_kernels import traced

    a, b = residue_numbers(first), residue_numbers(second)
    score, same, columns = traced(a, b, _matrix(), _GAP_OPEN, _GAP_RESIDUE)
    expected = _K * len(a) * len(b) * float(np.exp(-_LAMBDA * score))
    return LocalAlignment(int(score), expected, same / columns if columns else 0.0, int(columns))


def alike_pairs(
    first: Sequence[str],
    second: Sequence[str] | None = None,
    *,
    identity: float = 0.25,
    expected: float = 1e-4,
    least_columns: int = 30,
) -> NDArray[np.int64]:
    """Pairs of alike sequences, of one list or of two.

    Parameters
    ----------
    first, second
        Sequences; without `second`, pairs within `first`, each once.
    identity
        From which a pair is alike.
    expected
        Up to which chance does not explain the alignment, see :class:`LocalAlignment`.
    least_columns
        The least length of the alignment; of shorter sequences (peptides) all of the sequence less three residues.

    Returns
    -------
    int64 [n_pairs, 2]
        Rows of `first` and of `second` (of `first` again).
    """
    others = first if second is None else second
    codes = [residue_numbers(one) for one in first]
    other_codes = codes if second is None else [residue_numbers(one) for one in others]
    lengths = np.array([len(one) for one in other_codes], dtype=np.int64)
    joined = np.concatenate([*other_codes, np.empty(0, dtype=np.int64)])
    starts = np.concatenate([[0], np.cumsum(lengths)])
    found = []
    for row, query in enumerate(codes):
        begin = row + 1 if second is None else 0
        best = local_scores(query, joined, starts, begin)
        chance = _K * len(query) * lengths * np.exp(-_LAMBDA * best)
        for other in np.flatnonzero((chance <= expected) & (np.arange(len(lengths)) >= begin)).tolist():
            one = local_alignment(first[row], others[other])
            shorter = min(len(query), int(lengths[other]))
            if one.identity >= identity and one.columns >= min(least_columns, shorter - 3):
                found.append((row, other))
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def local_scores(
    query: NDArray[np.int64], joined: NDArray[np.int64], starts: NDArray[np.int64], begin: int = 0
) -> NDArray[np.int64]:
    """Scores of the best local alignments of one sequence with each of many: [n].

    Parameters
    ----------
    query
        Of :func:`residue_numbers`.
    joined, starts
        The others one after the other, and where each begins, with the end of the last.
    begin
        The first that is aligned; see :func:`unfreeze.properties.tables.alignment_kernels.scores`.
    """
    from unfreeze.properties.tables.alignment_kernels import scores

    return scores(query, joined, starts, begin, _matrix(), _GAP_OPEN, _GAP_RESIDUE)


def residue_numbers(letters: str) -> NDArray[np.int64]:
    """Places of letters among the 20 amino acids, 20 for any other: [n]."""
    table = np.full(128, _LETTERS.index("X"), dtype=np.int64)
    table[[ord(letter) for letter in _LETTERS]] = np.arange(len(_LETTERS))
    return table[np.frombuffer(letters.encode("ascii", "replace"), dtype=np.uint8)]


@lru_cache(maxsize=1)
def _matrix() -> NDArray[np.int64]:
    """BLOSUM62 in the order of the letters, as gemmi scores pairs of single residues."""
    import gemmi

    from unfreeze.structure.chemistry import residues

    name = {acid.letter: one for one, acid in residues.AMINO_ACIDS.items()}
    scoring = gemmi.AlignmentScoring("b")
    found = np.full((len(_LETTERS), len(_LETTERS)), -1, dtype=np.int64)
    for a, first in enumerate(_LETTERS[:-1]):
        for b, second in enumerate(_LETTERS[:-1]):
            found[a, b] = gemmi.align_string_sequences([name[first]], [name[second]], [], scoring).score
    return found
