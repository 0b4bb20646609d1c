"""Shape of the interface: how flat, how long, how well the partners fit, in how many pieces of chain.

After Jones & Thornton 1996, PNAS 93, 13, with distances between atoms in the place of gap volumes.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from unfreeze.properties.binding.areas import PartnerAreas
from unfreeze.properties.binding.partners import PartnerPair

__all__ = ["shape_features"]

_BURIED_NM2 = 0.005
_SEGMENT = 5  # residues of the chain between two pieces


def shape_features(pair: PartnerPair, areas: PartnerAreas) -> dict[str, float]:
    """Planarity, elongation, gaps between the partners, pieces of chain, and sizes of the partners.

    Lengths are in nm. Without an interface all are zero.
    """
    molecule = pair.molecule
    atoms = np.flatnonzero(areas.apart - areas.together > _BURIED_NM2)
    points, side = molecule.coordinates_nm[atoms], pair.atom_side[atoms]
    names = ("planarity_nm", "width_nm", "elongation", "gap_nm", "gap_spread_nm", "fit", "pieces", "bend")
    if min((side == 0).sum(), (side == 1).sum()) < 3:
        return dict.fromkeys(names, 0.0)
    centred = points - points.mean(axis=0)
    spread = np.sqrt(np.maximum(np.linalg.eigvalsh(centred.T @ centred / len(points)), 1e-9))
    trees = [KDTree(points[side == one]) for one in (0, 1)]
    gaps = np.concatenate([trees[1 - one].query(points[side == one])[0] for one in (0, 1)])
    normals = []
    for one in (0, 1):
        mine = points[side == one] - points[side == one].mean(axis=0)
        normals.append(np.linalg.eigh(mine.T @ mine)[1][:, 0])
    residues = np.unique(molecule.residue_index[atoms])
    breaks = (np.diff(residues) > _SEGMENT) | (np.diff(molecule.chain_index[residues]) != 0)
    return {
        "planarity_nm": float(spread[0]),
        "width_nm": float(spread[2]),
        "elongation": float(spread[1] / spread[2]),
        "gap_nm": float(gaps.mean()),
        "gap_spread_nm": float(gaps.std()),
        "fit": float((gaps < 0.4).mean()),
        "pieces": float(breaks.sum() + 1),
        "bend": float(abs(normals[0] @ normals[1])),
    }
