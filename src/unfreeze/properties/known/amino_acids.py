"""How alike amino acids are, for errors of predictions: by size, hydropathy, charge and kind of side chain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.mutations import AMINO_ACIDS

__all__ = ["ALIKE"]

_HYDROPATHY = dict(
    A=1.8, C=2.5, D=-3.5, E=-3.5, F=2.8, G=-0.4, H=-3.2, I=4.5, K=-3.9, L=3.8,
    M=1.9, N=-3.5, P=-1.6, Q=-3.5, R=-4.5, S=-0.8, T=-0.7, V=4.2, W=-0.9, Y=-1.3,
)  # fmt: skip  # Kyte & Doolittle 1982, J. Mol. Biol. 157, 105
_VOLUME_A3 = dict(
    A=88.6, C=108.5, D=111.1, E=138.4, F=189.9, G=60.1, H=153.2, I=166.7, K=168.6, L=166.7,
    M=162.9, N=114.1, P=112.7, Q=143.8, R=173.4, S=89.0, T=116.1, V=140.0, W=227.8, Y=193.6,
)  # fmt: skip  # Zamyatnin 1972, Prog. Biophys. Mol. Biol. 24, 107
_CHARGE = dict(D=-1.0, E=-1.0, H=0.3, K=1.0, R=1.0)


def _alike() -> NDArray[np.float64]:
    points = np.array(
        [
            [
                _HYDROPATHY[one] / 3.0,
                _VOLUME_A3[one] / 42.0,
                1.5 * _CHARGE.get(one, 0.0),
                one in "FHWY",
                1.5 * (one == "P"),
                one == "G",
                0.7 * (one in "ITV"),
            ]
            for one in AMINO_ACIDS
        ],
        dtype=np.float64,
    )
    return np.exp(-((points[:, None] - points[None]) ** 2).sum(-1) / 3.0)


ALIKE = _alike()
"""Likeness of amino acids, in the order of `AMINO_ACIDS`: 1 on the diagonal, positive definite [20, 20]."""
