"""Sequences as numbers: letters, how near every residue is to the ends, and what is left out of a long chain.

Letters have the numbers of their places in ``AMINO_ACIDS``; 20 is what has no letter there, 21 no residue.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.mutations import AMINO_ACIDS
from unfreeze.errors import InputError

__all__ = ["AMINO_ACIDS", "LONGEST", "LONGEST_SEQUENCE", "batch", "checked_sequence", "letter_codes", "shortened"]

LONGEST = 2000
"""Residues of a chain that are read; of longer chains the middle is left out."""

LONGEST_SEQUENCE = 100_000
_OTHER, _NONE = 20, 21
_SCALES = np.array([4.0, 16.0, 64.0, 256.0], dtype=np.float32)  # residues
_CODE = np.full(256, _OTHER, dtype=np.int8)
_CODE[[ord(letter) for letter in AMINO_ACIDS]] = np.arange(20)


def checked_sequence(sequence: str) -> str:
    """The sequence in upper case, without blanks and a closing ``*``.

    Raises
    ------
    InputError
        If it is empty, far too long, or has other signs than letters.
    """
    if not isinstance(sequence, str):
        raise InputError(f"the sequence is {type(sequence).__name__}, expected text of one letter a residue")
    letters = "".join(sequence.split()).upper().removesuffix("*")
    if not letters:
        raise InputError("the sequence is empty; expected one letter a residue")
    if len(letters) > LONGEST_SEQUENCE:
        raise InputError(f"the sequence has {len(letters):,} letters, expected at most {LONGEST_SEQUENCE:,}")
    for place, letter in enumerate(letters):
        if not ("A" <= letter <= "Z"):
            raise InputError(
                f"the sequence has {letter!r} at place {place + 1}, expected letters of amino acids; gaps and numbers "
                "of an alignment have to be taken out"
            )
    return letters


def letter_codes(sequence: str) -> NDArray[np.int8]:
    """Number of every letter: int8 [n_residues]."""
    return _CODE[np.frombuffer(sequence.encode("latin-1", "replace"), dtype=np.uint8)]


def shortened(n_residues: int, longest: int = LONGEST) -> NDArray[np.int64]:
    """Places that are read of a chain: all, or of a longer one two thirds at the amino end, the rest at the other."""
    if n_residues <= longest:
        return np.arange(n_residues)
    first = -(-2 * longest // 3)
    return np.concatenate([np.arange(first), np.arange(n_residues - (longest - first), n_residues)])


def batch(
    sequences: Sequence[NDArray[np.int8]], longest: int = LONGEST
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Several chains as one array.

    Parameters
    ----------
    sequences
        Of :func:`letter_codes`.
    longest
        Residues of a chain that are read.

    Returns
    -------
    letters : int64 [n_chains, n_places]
        Places divide by 4; 21 where there is no residue.
    ends : float32 [n_chains, n_places, 8]
        How near either end is: exp(−residues to it / scale), amino end first.
    """
    places = [shortened(len(codes), longest) for codes in sequences]
    n_places = -(-max(len(one) for one in places) // 4) * 4
    letters = np.full((len(sequences), n_places), _NONE, dtype=np.int64)
    ends = np.zeros((len(sequences), n_places, 2 * len(_SCALES)), dtype=np.float32)
    for row, (codes, kept) in enumerate(zip(sequences, places, strict=True)):
        letters[row, : len(kept)] = codes[kept]
        distance = np.stack([kept, len(codes) - 1 - kept], axis=-1)
        near = np.exp(-distance[:, :, None].astype(np.float32) / _SCALES)
        ends[row, : len(kept)] = near.reshape(len(kept), -1)
    return letters, ends
