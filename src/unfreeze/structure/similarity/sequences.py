"""Sequences of the polymer chains of a complex, and how much of one sequence is found again in another.

Only residues with coordinates are in a sequence. Matching the residues of an ensemble and its reference, where numbers
and breaks of the chain help, is done in :mod:`unfreeze.evaluate.matching`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import gemmi
import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.chemistry.residues import AMINO_ACIDS
from unfreeze.structure.complex import Complex

__all__ = ["Alignment", "ChainSequence", "align", "chain_sequences"]

_BLOCK = 8  # columns without a gap; shorter blocks of an alignment match by chance
_LETTER = {name: acid.letter for name, acid in AMINO_ACIDS.items()} | {
    **{"A": "a", "C": "c", "G": "g", "U": "u"},
    **{"DA": "a", "DC": "c", "DG": "g", "DT": "t"},
}
_NAME = {acid.letter: name for name, acid in AMINO_ACIDS.items()}


@dataclass(frozen=True, eq=False)
class ChainSequence:
    """The sequence of one chain.

    Attributes
    ----------
    chain
        Author name of the chain.
    letters
        One letter a residue: upper case for amino acids (``X`` for what has no letter), lower case for nucleotides.
    residues : int64 [len(letters)]
        Rows of the residue table.
    """

    chain: str
    letters: str
    residues: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Alignment:
    """Where two sequences correspond.

    Attributes
    ----------
    identity
        Identical residues as a share of the shorter sequence, in blocks of at least eight columns without a gap.
    first, second : int64 [n]
        Positions in each sequence that stand opposite each other, increasing.
    """

    identity: float
    first: NDArray[np.int64]
    second: NDArray[np.int64]


def chain_sequences(molecule: Complex) -> list[ChainSequence]:
    """The protein and nucleic chains of a complex, in order; ligands, ions and waters are not part of them."""
    polymer = np.isin(molecule.residue_kind, ("protein", "nucleic"))
    found = []
    for row, name in enumerate(molecule.chain_name.tolist()):
        residues = np.flatnonzero(polymer & (molecule.chain_index == row))
        if len(residues):
            parents = molecule.residue_parent_name[residues].tolist()
            found.append(ChainSequence(name, "".join(_LETTER.get(parent, "X") for parent in parents), residues))
    return found


def align(first: str, second: str) -> Alignment:
    """Align two sequences over their whole length (BLOSUM62, gaps of 10 + 1 a residue).

    Parameters
    ----------
    first, second
        Letters as in :class:`ChainSequence`.
    """
    found = gemmi.align_string_sequences(_names(first), _names(second), [], _scoring())
    blocks, place = [], [0, 0]
    for length, operation in _operations(found.cigar_str()):
        if operation == "M":
            blocks.append((place[0], place[1], length))
        place[0] += length if operation in "MI" else 0
        place[1] += length if operation in "MD" else 0
    shorter = min(len(first), len(second))
    n_identical = 0
    pairs = [np.empty((0, 2), dtype=np.int64)]
    for a, b, length in blocks:
        pairs.append(np.arange(length)[:, None] + (a, b))
        if length >= min(_BLOCK, shorter):
            same = zip(first[a : a + length], second[b : b + length], strict=True)
            n_identical += sum(x == y for x, y in same)
    columns = np.concatenate(pairs)
    return Alignment(n_identical / max(shorter, 1), columns[:, 0], columns[:, 1])


@lru_cache(maxsize=4096)
def _names(letters: str) -> list[str]:
    return [_NAME.get(letter, letter) for letter in letters]


def _operations(cigar: str) -> list[tuple[int, str]]:
    operations, length = [], ""
    for character in cigar:
        if character.isdigit():
            length += character
        else:
            operations.append((int(length), character))
            length = ""
    return operations


@lru_cache(maxsize=1)
def _scoring() -> gemmi.AlignmentScoring:
    return gemmi.AlignmentScoring("b")
