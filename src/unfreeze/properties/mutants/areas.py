"""Surface that a mutation buries or lays bare, measured near the mutated residues only, where alone it can change."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from unfreeze.structure.complex import Complex
from unfreeze.structure.observables.shrake_rupley import atom_areas_nm2, mdtraj_radii_nm
from unfreeze.structure.observables.surface import buried_area_nm2

__all__ = ["interface_area_change_nm2", "residue_burial", "residue_burial_change_nm2"]

_NEAR_NM = 1.6
_SPHERE_POINTS = 240


def interface_area_change_nm2(
    wild: Complex, mutant: Complex, residues: Sequence[int], side: NDArray[np.int64]
) -> float:
    """Change of the area that two partners bury, mutant − wild type, nm².

    Parameters
    ----------
    wild, mutant
        Complexes with the same residues.
    residues
        Rows of residues whose atoms differ.
    side
        Partner of every residue, 0 or 1, −1 for neither (`places.sides_of`).
    """
    near = _near(wild, mutant, residues)
    areas = []
    for molecule in (wild, mutant):
        heavy = ~np.isin(molecule.element, ("H", "D")) & near[molecule.residue_index]
        first, second = (np.flatnonzero(heavy & (side[molecule.residue_index] == k)) for k in (0, 1))
        areas.append(float(buried_area_nm2(molecule.coordinates_nm[None], molecule.element, first, second)[0]))
    return areas[1] - areas[0]


def residue_burial_change_nm2(wild: Complex, mutant: Complex, residues: Sequence[int]) -> float:
    """Change of the surface of the residues that the rest of the complex covers, mutant − wild type, nm²."""
    near = _near(wild, mutant, residues)
    return sum(residue_burial(mutant, row, near)[0] - residue_burial(wild, row, near)[0] for row in residues)


def residue_burial(molecule: Complex, residue: int, near: NDArray[np.bool_] | None = None) -> tuple[float, float]:
    """Area of a residue that others cover, nm², and the share of its own surface that this is.

    Parameters
    ----------
    molecule, residue
        The complex and the row of the residue.
    near
        [n_residues], residues to take into account; those within 1.6 nm when None.
    """
    near = _near(molecule, molecule, [residue]) if near is None else near
    heavy = ~np.isin(molecule.element, ("H", "D"))
    atoms = np.flatnonzero(heavy & near[molecule.residue_index])
    own = molecule.residue_index[atoms] == residue
    radii = mdtraj_radii_nm(molecule.element[atoms])
    points = molecule.coordinates_nm[atoms]
    inside = atom_areas_nm2(points[None], radii, n_points=_SPHERE_POINTS, measured=own)[0].sum(dtype=np.float64)
    alone = atom_areas_nm2(points[None, own], radii[own], n_points=_SPHERE_POINTS)[0].sum(dtype=np.float64)
    return float(alone - inside), float(1.0 - inside / alone)


def _near(wild: Complex, mutant: Complex, residues: Sequence[int]) -> NDArray[np.bool_]:
    """Residues near some in either of two complexes: [n_residues]."""
    near = np.zeros(wild.n_residues, dtype=bool)
    for molecule in (wild, mutant):
        tree = KDTree(molecule.coordinates_nm)
        mine = molecule.coordinates_nm[np.isin(molecule.residue_index, residues)]
        found = tree.query_ball_point(mine, _NEAR_NM)
        atoms = np.unique(np.concatenate([np.array(rows, dtype=np.int64) for rows in found]))
        near[molecule.residue_index[atoms]] = True
        if wild is mutant:
            break
    return near
