"""Surface of the partners apart and together: what is buried, of what kind, and what the rest of the surface is.

Core, rim and support of an interface are those of Levy 2010, J. Mol. Biol. 403, 660; the share of the surface that
is charged, polar and apolar follows Kastritis et al. 2014, J. Mol. Biol. 426, 2632.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unfreeze.properties.binding.partners import ORDER, PartnerPair
from unfreeze.structure.observables.shrake_rupley import atom_areas_nm2, mdtraj_radii_nm

__all__ = ["PartnerAreas", "area_features", "surface_classes"]

_POINTS = 240
# Largest surface of a residue X in Gly-X-Gly, nm²: Tien et al. 2013, PLoS ONE 8, e80635 (theoretical)
_LARGEST = {
    **{"ALA": 1.29, "ARG": 2.74, "ASN": 1.95, "ASP": 1.93, "CYS": 1.67, "GLN": 2.25, "GLU": 2.23, "GLY": 1.04},
    **{"HIS": 2.24, "ILE": 1.97, "LEU": 2.01, "LYS": 2.36, "MET": 2.24, "PHE": 2.40, "PRO": 1.59, "SER": 1.55},
    **{"THR": 1.72, "TRP": 2.85, "TYR": 2.63, "VAL": 1.74},
}
# TΔS of fixing a side chain at 300 K, kcal/mol: Pickett & Sternberg 1993, J. Mol. Biol. 231, 825
_SIDE_CHAIN = {
    **{"ALA": 0.0, "ARG": 2.03, "ASN": 1.57, "ASP": 1.25, "CYS": 0.55, "GLN": 2.11, "GLU": 1.81, "GLY": 0.0},
    **{"HIS": 0.96, "ILE": 0.89, "LEU": 0.78, "LYS": 1.94, "MET": 1.61, "PHE": 0.58, "PRO": 0.0, "SER": 1.71},
    **{"THR": 1.63, "TRP": 0.97, "TYR": 0.98, "VAL": 0.51},
}
_KJ = 4.184
_SURFACE = {
    **dict.fromkeys("ALA GLY PHE ILE MET LEU PRO VAL".split(), "apolar"),
    **dict.fromkeys("CYS HIS ASN GLN SER THR TRP TYR".split(), "polar"),
    **dict.fromkeys("GLU ASP LYS ARG".split(), "charged"),
}
_EXPOSED, _CORE = 0.05, 0.25  # relative surface
_BURIED_NM2 = 0.01
_GROUPS = {
    "aliphatic": "ALA ILE LEU MET VAL PRO GLY CYS",
    "aromatic": "PHE TRP TYR HIS",
    "uncharged": "ASN GLN SER THR",
    "positive": "ARG LYS",
    "negative": "ASP GLU",
}


@dataclass(frozen=True, eq=False)
class PartnerAreas:
    """Surface of every atom with its partner away and with it there.

    Attributes
    ----------
    apart, together : float64 [n_atoms]
        Solvent-accessible surface, nm².
    """

    apart: NDArray[np.float64]
    together: NDArray[np.float64]

    @classmethod
    def of(cls, pair: PartnerPair) -> PartnerAreas:
        """Measure (Shrake & Rupley, probe 0.14 nm)."""
        points, radii = pair.molecule.coordinates_nm, mdtraj_radii_nm(pair.molecule.element)
        apart = np.zeros(len(points))
        for side in (0, 1):
            atoms = np.flatnonzero(pair.atom_side == side)
            if len(atoms):
                apart[atoms] = atom_areas_nm2(points[None, atoms], radii[atoms], n_points=_POINTS)[0]
        together = atom_areas_nm2(points[None], radii, n_points=_POINTS)[0].astype(np.float64)
        return cls(apart, np.minimum(together, apart))


def surface_classes(pair: PartnerPair, areas: PartnerAreas) -> dict[str, float]:
    """Per cent of exposed residues of the complex that are apolar, polar and charged."""
    exposed = _relative(pair, areas.together) >= _EXPOSED
    names = [_SURFACE.get(str(name), "") for name in pair.molecule.residue_parent_name[exposed]]
    total = max(sum(name != "" for name in names), 1)
    return {kind: 100.0 * names.count(kind) / total for kind in ("apolar", "polar", "charged")}


def area_features(pair: PartnerPair, areas: PartnerAreas) -> dict[str, float]:
    """Buried area by element and by kind of residue, core and rim, side-chain entropy, and the rest of the surface."""
    molecule = pair.molecule
    buried = 0.5 * (areas.apart - areas.together)
    total = float(buried.sum())
    polar = np.isin(molecule.element, ("N", "O"))
    found = {
        "buried_nm2": total,
        "log_buried": float(np.log(max(total, 0.05))),
        "buried_polar_nm2": float(buried[polar].sum()),
        "buried_apolar_nm2": float(buried[~polar].sum()),
        "buried_polar_share": float(buried[polar].sum() / max(total, 1e-6)),
    }
    names = molecule.residue_parent_name
    of_residue = np.bincount(molecule.residue_index, buried, molecule.n_residues)
    for group, members in _GROUPS.items():
        found[f"buried_{group}_share"] = float(of_residue[np.isin(names, members.split())].sum() / max(total, 1e-6))
    apart, together = (_relative(pair, one) for one in (areas.apart, areas.together))
    interface = of_residue > _BURIED_NM2
    core = interface & (together < _CORE) & (apart >= _CORE)
    found["core_residues"] = float(core.sum())
    found["rim_residues"] = float((interface & (together >= _CORE)).sum())
    found["support_residues"] = float((interface & (apart < _CORE)).sum())
    found["core_share"] = float(core.sum() / max(interface.sum(), 1))
    found["wholly_buried_atoms"] = float(((buried > 0.005) & (areas.together < 0.005)).sum())
    weight = np.array([_SIDE_CHAIN.get(str(name), 0.0) for name in names]) * _KJ
    found["side_chain_entropy"] = float((weight * np.clip(apart - together, 0.0, 1.0)).sum())
    shares = []
    for side in (0, 1):
        mine = pair.side[molecule.residue_index] == side
        shares.append(float(2.0 * buried[mine].sum() / max(areas.apart[mine].sum(), 1e-6)))
    found["buried_share_most"], found["buried_share_least"] = max(shares), min(shares)
    found |= {f"surface_{kind}": share for kind, share in surface_classes(pair, areas).items()}
    hydrophobic = np.array([0.0, 0.0])
    for side in (0, 1):
        mine = interface & (pair.side == side)
        hydrophobic[side] = np.mean(np.isin(names[mine], _GROUPS["aliphatic"].split()[:5])) if mine.any() else 0.0
    found["aliphatic_least"], found["aliphatic_most"] = float(hydrophobic.min()), float(hydrophobic.max())
    return found


def _relative(pair: PartnerPair, area: NDArray[np.float64]) -> NDArray[np.float64]:
    """Surface of every residue as a share of the largest it can have."""
    molecule = pair.molecule
    total = np.bincount(molecule.residue_index, area, molecule.n_residues)
    largest = np.array([_LARGEST.get(ORDER[kind], 2.0) if kind >= 0 else 2.0 for kind in pair.kind])
    return total / largest
