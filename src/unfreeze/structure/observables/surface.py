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
_SPHERE_POINTS = 240  # a quarter of mdtraj's default; over an interface the difference is below 0.5 %


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
    symbols, symbol_of_atom = np.unique(element, return_inverse=True)
    # an element without a radius in the table counts as carbon rather than stopping everything
    known = np.array([s if s in _ATOMIC_RADII else "C" for s in (str(symbol).capitalize() for symbol in symbols)])
    names = known[symbol_of_atom]
    used = np.unique(names[np.concatenate([first, second])])
    # atoms farther apart than this do not shade each other
    reach = 2.0 * (PROBE_NM + max(_ATOMIC_RADII[name] for name in used))
    trees = [KDTree(points[first]), KDTree(points[second])]
    total, subsets = 0.0, []
    for atoms, own, other in ((first, *trees), (second, *trees[::-1])):
        shaded = np.isfinite(other.query(points[atoms], distance_upper_bound=reach)[0])
        if not shaded.any():
            return 0.0
        around = np.unique(np.concatenate(own.query_ball_point(points[atoms[shaded]], reach)).astype(np.int64))
        subset, measured = atoms[around], shaded[around]
        total += _surface_nm2(points[subset], names[subset], measured)
        subsets.append((subset, measured))
    together = np.concatenate([subset for subset, _ in subsets])
    total -= _surface_nm2(points[together], names[together], np.concatenate([mask for _, mask in subsets]))
    return max(0.5 * total, 0.0)


def _surface_nm2(points: NDArray[np.float64], names: NDArray[np.str_], measured: NDArray[np.bool_]) -> float:
    """Exposed surface of the measured atoms among all that are given, nm²."""
    # measured atoms first: mdtraj looks every atom up in `atom_indices`, which is quick in a range only
    order = np.argsort(~measured, kind="stable")
    topology = mdtraj.Topology()
    residue = topology.add_residue("X", topology.add_chain())
    for name in names[order]:
        topology.add_atom(str(name), mdtraj.element.get_by_symbol(str(name)), residue)
    frame = mdtraj.Trajectory(points[None, order].astype(np.float32), topology)
    chosen = range(int(measured.sum()))
    area = np.asarray(
        mdtraj.shrake_rupley(frame, probe_radius=PROBE_NM, n_sphere_points=_SPHERE_POINTS, atom_indices=chosen)
    )
    return float(area[0, : len(chosen)].sum())
