"""What the sequences of two partners say without any structure: sizes, chains, composition."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.properties.binding.partners import ORDER, PartnerPair

__all__ = ["sequence_features"]

_CHARGE = {"ARG": 1.0, "LYS": 1.0, "ASP": -1.0, "GLU": -1.0}
# Kyte & Doolittle 1982, J. Mol. Biol. 157, 105
_HYDROPATHY = {
    **{"ALA": 1.8, "ARG": -4.5, "ASN": -3.5, "ASP": -3.5, "CYS": 2.5, "GLN": -3.5, "GLU": -3.5, "GLY": -0.4},
    **{"HIS": -3.2, "ILE": 4.5, "LEU": 3.8, "LYS": -3.9, "MET": 1.9, "PHE": 2.8, "PRO": -1.6, "SER": -0.8},
    **{"THR": -0.7, "TRP": -0.9, "TYR": -1.3, "VAL": 4.2},
}
_SHORT = 30  # residues; a chain below is a peptide rather than a domain


def sequence_features(pair: PartnerPair) -> dict[str, float]:
    """Features of the smaller and of the larger partner (by residues; equal ones by composition).

    Returns
    -------
    dict of str to float
        Logarithms of the sizes, numbers of chains, share of each amino acid, net charges, mean hydropathy.
    """
    sides = [_counts(pair, side) for side in (0, 1)]
    chains = pair.n_chains
    order = sorted((0, 1), key=lambda side: (sides[side].sum(), sides[side].tolist(), chains[side]))
    charge = np.array([_CHARGE.get(name, 0.0) for name in ORDER])
    hydropathy = np.array([_HYDROPATHY[name] for name in ORDER])
    found: dict[str, float] = {}
    net = []
    for name, side in zip(("small", "large"), order, strict=True):
        counts = sides[side]
        share = counts / max(counts.sum(), 1.0)
        found[f"log_residues_{name}"] = float(np.log(max(counts.sum(), 1.0)))
        found[f"chains_{name}"] = float(chains[side])
        found[f"peptide_{name}"] = float(counts.sum() < _SHORT)
        found |= {f"share_{name}_{acid}": float(one) for acid, one in zip(ORDER, share, strict=True)}
        net.append(float(counts @ charge))
        found[f"charge_{name}"] = net[-1] / np.sqrt(max(counts.sum(), 1.0))
        found[f"hydropathy_{name}"] = float(share @ hydropathy)
    found["charge_product"] = float(np.sign(net[0] * net[1]) * np.sqrt(abs(net[0] * net[1])))
    return found


def _counts(pair: PartnerPair, side: int) -> NDArray[np.float64]:
    kinds = pair.kind[(pair.side == side) & (pair.kind >= 0)]
    return np.bincount(kinds, minlength=len(ORDER)).astype(np.float64)
