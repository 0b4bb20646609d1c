"""Solvent-accessible surface that two sets of atoms bury between them.

The surface itself is measured in :mod:`unfreeze.structure.observables.shrake_rupley`; only atoms whose exposure can
change are measured, which leaves the difference exact and makes it cheap in large complexes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from unfreeze.structure.observables.shrake_rupley import PROBE_NM, atom_areas_nm2, mdtraj_radii_nm

__all__ = ["PROBE_NM", "buried_area_nm2"]

_SPHERE_POINTS = 240  # over an interface the difference to 960 is below 0.5 %


def buried_area_nm2(
    coordinates_nm: NDArray[np.floating],
    element: NDArray[np.str_],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Half of what the surfaces of two parties apart exceed that of the two together, in every frame.

    Parameters
    ----------
    coordinates_nm
        [n_frames, n_atoms, 3], nm.
    element
        [n_atoms] element symbols.
    first, second
        Atom indices of the two parties, heavy atoms only.

    Returns
    -------
    float64 [n_frames]
        ½(SASA_A + SASA_B − SASA_AB), nm²; Shrake & Rupley 1973, J. Mol. Biol. 79, 351, with a probe of 0.14 nm.
    """
    frames = np.asarray(coordinates_nm)
    if len(first) == 0 or len(second) == 0 or len(frames) == 0:
        return np.zeros(len(frames))
    parties = [np.asarray(first), np.asarray(second)]
    radii = [mdtraj_radii_nm(element[atoms]) for atoms in parties]
    # atoms farther apart than this do not shade each other
    reach = 2.0 * (PROBE_NM + max(float(radius.max()) for radius in radii))
    shaded = [np.zeros(len(atoms), dtype=bool) for atoms in parties]
    # One choice of atoms for all frames: whoever the other party shades in any of them. In a frame where it does not,
    # an atom has the same surface apart and together.
    for frame in frames:
        trees = [KDTree(frame[atoms]) for atoms in parties]
        for k, atoms in enumerate(parties):
            shaded[k] |= np.isfinite(trees[1 - k].query(frame[atoms], distance_upper_bound=reach)[0])
    if not shaded[0].any():
        return np.zeros(len(frames))

    def area(atoms: NDArray[np.int64], radius: NDArray[np.float32], measured: NDArray[np.bool_]) -> NDArray[np.float64]:
        found = atom_areas_nm2(frames[:, atoms], radius, n_points=_SPHERE_POINTS, measured=measured)
        return found.sum(axis=1, dtype=np.float64)

    apart = sum(area(*party) for party in zip(parties, radii, shaded, strict=True))
    together = area(np.concatenate(parties), np.concatenate(radii), np.concatenate(shaded))
    return np.maximum(0.5 * (apart - together), 0.0)
