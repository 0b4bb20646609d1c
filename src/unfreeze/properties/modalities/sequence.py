"""The modality *sequence*: kinds of the residues before and after a site along its chain, without its own.

A site's own kind is left out everywhere in this room, because what is asked is which kind would suit it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.mutations import AMINO_ACIDS
from unfreeze.model.network import Array, linear, silu

__all__ = ["LETTERS", "N_ENDS", "N_KINDS", "N_WINDOW", "encode", "kinds_of", "layers", "windows"]

LETTERS = AMINO_ACIDS
"""One-letter codes in the order of all columns by kind of amino acid."""
N_KINDS = len(LETTERS) + 2
"""Twenty amino acids, any other residue, and no residue (beyond an end)."""
_OTHER, _NONE = len(LETTERS), len(LETTERS) + 1
_REACH = 10
_END_SCALES = (3.0, 12.0, 50.0)
N_WINDOW = 2 * _REACH
N_ENDS = 2 * len(_END_SCALES)


def kinds_of(letters: str) -> NDArray[np.int64]:
    """Numbers of the kinds of residues: 0 to 19 in the order of :data:`LETTERS`, 20 for any other: [n]."""
    place = {letter: k for k, letter in enumerate(LETTERS)}
    return np.array([place.get(letter, _OTHER) for letter in letters], dtype=np.int64)


def windows(kinds: NDArray[np.int64]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """What stands before and after every residue of one chain.

    Parameters
    ----------
    kinds : int64 [n]
        Of the residues of the chain, in order.

    Returns
    -------
    int8 [n, N_WINDOW]
        Kinds at offsets −10 … −1, 1 … 10; 21 beyond the ends.
    float32 [n, 6]
        exp(−distance/scale) from the first and from the last residue.
    """
    n = len(kinds)
    padded = np.full(n + 2 * _REACH, _NONE, dtype=np.int8)
    padded[_REACH : _REACH + n] = kinds
    offsets = np.array([k for k in range(-_REACH, _REACH + 1) if k])
    place = np.arange(n)
    ends = [np.exp(-distance / scale) for distance in (place, place[::-1]) for scale in _END_SCALES]
    return padded[place[:, None] + _REACH + offsets], np.stack(ends, axis=1).astype(np.float32)


def layers(width: int) -> dict[str, tuple[int, int]]:
    """Names of the linear maps of the encoder, with numbers in and out."""
    return {
        "sequence.window": (N_WINDOW * N_KINDS, width),
        "sequence.ends": (N_ENDS, width),
        "sequence.out": (width, width),
    }


def encode(parameters: Mapping[str, Array], window: Array, ends: Array) -> Array:
    """Encode sites.

    Parameters
    ----------
    parameters
        Weights by name.
    window : [n_sites, N_WINDOW * N_KINDS]
        One-hot kinds of the window.
    ends : [n_sites, 6]
        Distances from the ends.

    Returns
    -------
    [n_sites, width]
    """
    hidden = silu(linear(parameters, "sequence.window", window) + linear(parameters, "sequence.ends", ends))
    return linear(parameters, "sequence.out", hidden)
