"""Solvent-accessible surface that two sets of atoms bury between them.

The surface itself is mdtraj's Shrake–Rupley; only the atoms whose exposure can change are handed to it, which
leaves the difference exact and makes it cheap in large complexes.
"""

from __future__ import annotations

import mdtraj
import numpy as np
from mdtraj.geometry.sasa import _ATOMIC_RADII
from numpy.typing import NDArray
from scipy.spatial import KDTree

__all__ = ["PROBE_NM", "buried_area_nm2"]

PROBE_NM = 0.14
_REACH_NM = 0.82  # two probe radii and two radii of 0.27 nm: atoms farther apart than this do not shade each other


def buried_area_nm2(
    coordinates_nm: NDArray[np.floating],
    element: NDArray[np.str_],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
) -> float:
    """Half of what the surfaces of two parties apart exceed that of the two together.

    Parameters
    ----------
    coordinates_nm
        [n_atoms, 3], nm.
    element
        [n_atoms] element symbols.
    first, second
        Atom indices of the two parties, heavy atoms only.

    Returns
    -------
    float
        ½(SASA_A + SASA_B − SASA_AB), nm²; Shrake & Rupley 1973, J. Mol. Biol. 79, 351, with a probe of 0.14 nm.
    """
    if len(first) == 0 or len(second) == 0:
        return 0.0
    points = np.asarray(coordinates_nm, dtype=np.float64)
    trees = [KDTree(points[first]), KDTree(points[second])]
    total, subsets = 0.0, []
    for atoms, own, other in ((first, *trees), (second, *trees[::-1])):
        shaded = np.isfinite(other.query(points[atoms], distance_upper_bound=_REACH_NM)[0])
        if not shaded.any():
            return 0.0
        around = np.unique(np.concatenate(own.query_ball_point(points[atoms[shaded]], _REACH_NM)).astype(np.int64))
        subset, measured = atoms[around], shaded[around]
        total += float(_surface(points[subset], element[subset])[measured].sum())
        subsets.append((subset, measured))
    together = np.concatenate([subset for subset, _ in subsets])
    measured = np.concatenate([mask for _, mask in subsets])
    total -= float(_surface(points[together], element[together])[measured].sum())
    return max(0.5 * total, 0.0)


def _surface(points: NDArray[np.float64], element: NDArray[np.str_]) -> NDArray[np.float64]:
    topology = mdtraj.Topology()
    residue = topology.add_residue("X", topology.add_chain())
    for symbol in element:
        name = str(symbol).capitalize()
        # an element without a radius in the table counts as carbon rather than stopping the report
        known = name if name in _ATOMIC_RADII else "C"
        topology.add_atom(name, mdtraj.element.get_by_symbol(known), residue)
    frame = mdtraj.Trajectory(points[None].astype(np.float32), topology)
    return mdtraj.shrake_rupley(frame, probe_radius=PROBE_NM, mode="atom")[0].astype(np.float64)
