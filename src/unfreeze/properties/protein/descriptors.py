"""What is known of a chain as a whole without a network: composition, words, windows at the ends, segments.

Numbers of residues of every kind, pairs of residues at distances of one to three, words of three letters of a reduced
alphabet (Murphy, Wallqvist and Levy 2000, Protein Eng. 13, 149), composition of windows at both ends, charge,
hydrophobic segments (Kyte and Doolittle 1982, J. Mol. Biol. 157, 105) and moments (Eisenberg, Weiss and Terwilliger
1984, PNAS 81, 140), stretches of low complexity, and the letters at the very ends.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.properties.protein.letters import AMINO_ACIDS

__all__ = ["DESCRIPTORS_VERSION", "N_DESCRIPTORS", "describe"]

DESCRIPTORS_VERSION = 1
_KYTE_DOOLITTLE = dict(
    zip(
        AMINO_ACIDS,
        (
            1.8,
            2.5,
            -3.5,
            -3.5,
            2.8,
            -0.4,
            -3.2,
            4.5,
            -3.9,
            3.8,
            1.9,
            -3.5,
            -1.6,
            -3.5,
            -4.5,
            -0.8,
            -0.7,
            4.2,
            -0.9,
            -1.3,
        ),
        strict=True,
    )
)
_EISENBERG = dict(
    zip(
        AMINO_ACIDS,
        (0.62, 0.29, -0.90, -0.74, 1.19, 0.48, -0.40, 1.38, -1.50, 1.06, 0.64, -0.78, 0.12, -0.85, -2.53, -0.18, -0.05,
         1.08, 0.81, 0.26),
        strict=True,
    )
)  # fmt: skip
_HYDROPATHY = np.array([*_KYTE_DOOLITTLE.values(), 0.0], dtype=np.float32)
_MOMENT = np.array([*_EISENBERG.values(), 0.0], dtype=np.float32)
_CHARGE = np.array(
    [{"D": -1, "E": -1, "K": 1, "R": 1}.get(letter, 0) for letter in AMINO_ACIDS] + [0], dtype=np.float32
)
_GROUPS = ("LVIM", "C", "A", "G", "ST", "P", "FYW", "EDNQ", "KR", "H")
_GROUP = np.array([[letter in group for group in _GROUPS].index(True) for letter in AMINO_ACIDS] + [-1])
_FIRST, _LAST = (15, 30, 60), (15, 30)  # residues of the windows at the ends
_N_LETTERS_FIRST, _N_LETTERS_LAST = 3, 6
_BINS = 10  # of the chain, for charge and hydropathy along it
N_DESCRIPTORS = (
    21 + 3 * 400 + 1000 + (len(_FIRST) + len(_LAST)) * 23 + (_N_LETTERS_FIRST + _N_LETTERS_LAST) * 20 + 2 * _BINS + 16
)


def describe(codes: NDArray[np.int8]) -> NDArray[np.float32]:
    """The descriptors of one chain: float32 [N_DESCRIPTORS], before they are brought to one scale.

    Parameters
    ----------
    codes
        Numbers of letters (`protein.letters.letter_codes`); 20 for what has no letter.
    """
    kinds = codes.astype(np.int64)
    n = len(kinds)
    known = kinds < 20
    parts: list[NDArray[np.floating]] = [np.bincount(kinds, minlength=21)[:21] / n]
    for gap in (1, 2, 3):
        first, second = kinds[:-gap], kinds[gap:]
        both = known[:-gap] & known[gap:]
        counts = np.bincount((first * 20 + second)[both], minlength=400)
        parts.append(np.sqrt(counts / max(n - gap, 1)))
    groups = _GROUP[kinds]
    words = groups[:-2] * 100 + groups[1:-1] * 10 + groups[2:]
    whole = known[:-2] & known[1:-1] & known[2:]
    parts.append(np.sqrt(np.bincount(words[whole], minlength=1000) / max(n - 2, 1)))
    hydropathy, charge = _HYDROPATHY[kinds], _CHARGE[kinds]
    for size, from_end in [(size, False) for size in _FIRST] + [(size, True) for size in _LAST]:
        window = slice(max(n - size, 0), None) if from_end else slice(None, size)
        here = np.bincount(kinds[window], minlength=21)[:20] / min(size, n)
        parts.append(np.append(here, [charge[window].mean(), hydropathy[window].mean(), hydropathy[window].std()]))
    parts.append(_letters_at(kinds[:_N_LETTERS_FIRST], _N_LETTERS_FIRST))
    parts.append(_letters_at(kinds[::-1][:_N_LETTERS_LAST], _N_LETTERS_LAST))
    bins = np.minimum(np.arange(n) * _BINS // n, _BINS - 1)
    size = np.maximum(np.bincount(bins, minlength=_BINS), 1)
    parts.append(np.bincount(bins, charge, _BINS) / size)
    parts.append(np.bincount(bins, hydropathy, _BINS) / size)
    parts.append(_segments(kinds, hydropathy, charge))
    return np.concatenate(parts).astype(np.float32)


def _letters_at(kinds: NDArray[np.int64], n_places: int) -> NDArray[np.float32]:
    found = np.zeros((n_places, 21), dtype=np.float32)
    found[np.arange(len(kinds)), kinds] = 1.0
    return found[:, :20].ravel()


def _segments(
    kinds: NDArray[np.int64], hydropathy: NDArray[np.float32], charge: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Sixteen numbers of the chain: its length, segments in membranes, signal-like beginnings, moments, complexity."""
    n = len(kinds)
    window = _means(hydropathy, 19)
    crossing = window > 1.6
    n_segments = int(np.count_nonzero(np.diff(crossing.astype(np.int8), prepend=0) == 1))
    early = _means(hydropathy[:40], 8)
    where = int(early.argmax())
    helix = _moments(_MOMENT[kinds[:60]], 18, 100.0)
    strand = _moments(_MOMENT[kinds[:60]], 10, 170.0)
    local = _means(np.abs(charge), 20)
    runs = np.flatnonzero(np.diff(kinds, prepend=-1, append=-1))
    longest = float(np.diff(runs).max())
    present = np.bincount(kinds, minlength=21) / n
    entropy = -(present[present > 0] * np.log(present[present > 0])).sum()
    basic = _means((charge > 0).astype(np.float32), 8)
    return np.array(
        [
            np.log(n), n / 1000.0 if n < 3000 else 3.0, n_segments, min(n_segments, 4), crossing.mean(),
            window.max(), early.max(), where / 40.0, charge[:where + 1].sum(), helix, strand, local.max(),
            np.log(longest), entropy, basic.max(), charge.mean(),
        ]
    )  # fmt: skip


def _means(values: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Of every window of so many residues; of all there is, if that is less."""
    size = min(size, len(values))
    total = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    return ((total[size:] - total[:-size]) / size).astype(np.float32)


def _moments(values: NDArray[np.float32], size: int, degrees: float) -> float:
    """The largest hydrophobic moment of a window, a residue."""
    turn = np.exp(1j * np.deg2rad(degrees) * np.arange(len(values)))
    size = min(size, len(values))
    total = np.concatenate([[0.0], np.cumsum(values * turn)])
    return float(np.abs(total[size:] - total[:-size]).max() / size)
