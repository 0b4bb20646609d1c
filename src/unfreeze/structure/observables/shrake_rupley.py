"""Solvent-accessible surface of atoms, and which groups of atoms are exposed (Shrake & Rupley 1973).

The numbers are those of ``mdtraj.shrake_rupley`` to the last point, some twenty times faster; `exposed_groups` stops
as soon as a group is decided. What surfaces mean (buried area, exposed residues) is said by the modules that call.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "PROBE_NM",
    "SPHERE_POINTS",
    "atom_areas_nm2",
    "carried_areas_nm2",
    "exposed_groups",
    "mdtraj_radii_nm",
    "sphere_points",
]

PROBE_NM = 0.14
"""Radius of a water molecule, nm."""

SPHERE_POINTS = 960
"""Points on the sphere of every atom, as many as mdtraj takes."""

_POINTS_PER_PATCH = 12
_BLOCK_ATOMS = 500_000  # atoms of the frames that are copied at a time


def mdtraj_radii_nm(element: NDArray[np.str_]) -> NDArray[np.float32]:
    """Van der Waals (ions: ionic) radii by element, of mdtraj's table; an element that it lacks counts as carbon.

    Parameters
    ----------
    element
        [n_atoms] symbols in any case.

    Returns
    -------
    float32 [n_atoms]
        Radii, nm (Bondi 1964; Mantina et al. 2009; Shannon 1976, see ``mdtraj.geometry.sasa``).
    """
    from mdtraj.geometry.sasa import _ATOMIC_RADII

    symbols, symbol_of_atom = np.unique(element, return_inverse=True)
    known = [_ATOMIC_RADII.get(str(symbol).strip().capitalize(), _ATOMIC_RADII["C"]) for symbol in symbols]
    return np.array(known, dtype=np.float32)[symbol_of_atom]


def sphere_points(n: int) -> NDArray[np.float32]:
    """Points of a golden-section spiral on the unit sphere, rounded as mdtraj rounds them: float32 [n, 3].

    Point i has y = (i + ½)·2/n − 1 and azimuth i·π(3 − √5).
    """
    single = np.float32
    number = np.arange(n).astype(single)
    turn, height = single(np.pi * (3.0 - np.sqrt(5.0))), single(2.0 / n)
    y = ((number * height).astype(np.float64) - 1.0 + np.float64(height) / 2.0).astype(single)
    r = np.sqrt(1.0 - (y * y).astype(np.float64)).astype(single)
    azimuth = (number * turn).astype(np.float64)
    return np.stack([np.cos(azimuth) * r, y.astype(np.float64), np.sin(azimuth) * r], axis=1).astype(single)


def atom_areas_nm2(
    frames_nm: NDArray[np.floating],
    radii_nm: NDArray[np.floating],
    *,
    probe_nm: float = PROBE_NM,
    n_points: int = SPHERE_POINTS,
    measured: NDArray[np.bool_] | None = None,
    n_threads: int = 1,
) -> NDArray[np.float32]:
    """Solvent-accessible surface of every measured atom in every frame.

    The surface of atom i is 4π(r_i + probe)² times the share of the points on the sphere of that radius around it
    that lie in no other atom's such sphere.

    Parameters
    ----------
    frames_nm
        [n_frames, n_atoms, 3], nm; memory maps are read in blocks.
    radii_nm
        [n_atoms] radii without the probe, nm.
    probe_nm
        Radius of the probe, nm.
    n_points
        Points a sphere.
    measured
        [n_atoms] which atoms to measure; all atoms shade, whether measured or not. None: all.
    n_threads
        Threads, over frames.

    Returns
    -------
    float32 [n_frames, n_measured]
        Areas, nm²; bit for bit those of ``mdtraj.shrake_rupley`` on x86-64, called on one frame at a time (see
        :func:`carried_areas_nm2`). Compilers that fuse multiplication and addition (mdtraj on arm64) round points
        differently, which changes about one point in a million.

    Raises
    ------
    ValueError
        If shapes disagree or a coordinate or radius is not finite.
    """
    from unfreeze.structure.observables.surface_kernels import count_accessible

    radius = _with_probe(frames_nm, radii_nm, probe_nm)
    atoms = np.flatnonzero(np.ones(len(radius), dtype=bool) if measured is None else measured)
    counts = np.zeros((len(frames_nm), len(atoms)), dtype=np.int32)
    if not len(atoms) or not len(frames_nm):
        return counts.astype(np.float32)
    patches, reach = _patches(n_points), _reach(radius, atoms)

    def work(block: NDArray[np.float32], span: slice) -> None:
        count_accessible(block, radius, atoms, reach, *patches, counts[span])

    _over_blocks(frames_nm, work, n_threads)
    return counts.astype(np.float32) * _area_of_point(radius, n_points)[atoms]


def exposed_groups(
    frames_nm: NDArray[np.floating],
    radii_nm: NDArray[np.floating],
    group: NDArray[np.integer],
    n_groups: int,
    *,
    probe_nm: float = 0.28,
    n_points: int = SPHERE_POINTS,
    threshold_nm2: float = 0.02,
    n_threads: int = 1,
) -> NDArray[np.bool_]:
    """Whether the atoms of a group together expose more surface than a threshold, in every frame.

    The same as summing :func:`atom_areas_nm2` over groups, in single precision and in the order of atoms, and
    comparing; but a group is not looked at any further once it is decided.

    Parameters
    ----------
    frames_nm
        [n_frames, n_atoms, 3], nm; memory maps are read in blocks.
    radii_nm
        [n_atoms] radii without the probe, nm.
    group
        [n_atoms] group of every atom, 0 … n_groups − 1; −1: only shades.
    n_groups
        Number of groups; one without atoms is never exposed.
    probe_nm
        Radius of the probe, nm.
    n_points
        Points a sphere.
    threshold_nm2
        What a group must exceed, nm², not negative.
    n_threads
        Threads, over frames.

    Returns
    -------
    bool [n_frames, n_groups]

    Raises
    ------
    ValueError
        If shapes disagree, a group is out of range, or a coordinate or radius is not finite.
    """
    from unfreeze.structure.observables.surface_kernels import decide_groups

    radius = _with_probe(frames_nm, radii_nm, probe_nm)
    group = np.asarray(group, dtype=np.int64)
    if group.shape != radius.shape or group.max(initial=-1) >= n_groups:
        raise ValueError(f"group must have {len(radius)} numbers below {n_groups}")
    exposed = np.zeros((len(frames_nm), n_groups), dtype=np.bool_)
    atoms = np.flatnonzero(group >= 0)
    if not len(atoms) or not len(frames_nm):
        return exposed
    atoms = atoms[np.argsort(group[atoms], kind="stable")]
    start = np.searchsorted(group[atoms], np.arange(n_groups + 1)).astype(np.int64)
    patches, reach, unit = _patches(n_points), _reach(radius, atoms), _area_of_point(radius, n_points)

    def work(block: NDArray[np.float32], span: slice) -> None:
        decide_groups(block, radius, atoms, start, unit, float(threshold_nm2), reach, *patches, exposed[span])

    _over_blocks(frames_nm, work, n_threads)
    return exposed


def carried_areas_nm2(
    areas_nm2: NDArray[np.float32],
    radii_nm: NDArray[np.floating],
    *,
    probe_nm: float = PROBE_NM,
    n_points: int = SPHERE_POINTS,
    order: NDArray[np.integer] | None = None,
) -> NDArray[np.float32]:
    """What mdtraj (to 1.11 at least) makes of these areas when it is given the frames together, in one thread.

    It does not clear an atom's counter between frames: a frame's points are counted on top of the atom's area, in
    nm², in the frame before. A frame is out by less than half a point an atom, and depends on its predecessor.
    Needed only to repeat published numbers to the last digit.

    Parameters
    ----------
    areas_nm2
        float32 [n_frames, n_measured], as :func:`atom_areas_nm2` gives them.
    radii_nm
        [n_measured] radii of these atoms without the probe, nm.
    probe_nm, n_points
        What the areas were measured with.
    order
        [n] frames in the order of the call, possibly repeated; None: as they stand.

    Returns
    -------
    float32 [n, n_measured]
        Areas, nm².
    """
    from unfreeze.structure.observables.surface_kernels import carry_over

    unit = _area_of_point(np.asarray(radii_nm, dtype=np.float32) + np.float32(probe_nm), n_points)
    counts = np.ascontiguousarray(np.rint(areas_nm2 / unit), dtype=np.int32)
    frames = np.arange(len(counts)) if order is None else np.array(order, dtype=np.int64)
    areas = np.empty((len(frames), counts.shape[1]), dtype=np.float32)
    carry_over(counts, frames, unit, areas)
    return areas


class _Patches(NamedTuple):
    """Sphere points sorted into patches; every point is within the cap around the centre of its patch."""

    points: NDArray[np.float32]
    start: NDArray[np.int64]
    centre: NDArray[np.float32]
    cos_cap: float
    sin_cap: float


@cache
def _patches(n_points: int) -> _Patches:
    if n_points < 1:
        raise ValueError(f"n_points is {n_points}, expected at least 1")
    points = sphere_points(n_points)
    centre = _walk(sphere_points(max(1, n_points // _POINTS_PER_PATCH)))
    cosine = points.astype(np.float64) @ centre.T.astype(np.float64)
    patch = cosine.argmax(axis=1)
    order = np.argsort(patch, kind="stable")
    start = np.searchsorted(patch[order], np.arange(len(centre) + 1)).astype(np.int64)
    cap = float(np.arccos(np.clip(cosine.max(axis=1).min(), -1.0, 1.0))) + 1e-5
    return _Patches(np.ascontiguousarray(points[order]), start, centre, float(np.cos(cap)), float(np.sin(cap)))


def _walk(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same points, each followed by the nearest that is left: what covers one often covers the next."""
    left = points[1:]
    path = [points[0]]
    while len(left):
        nearest = int((left @ path[-1]).argmax())
        path.append(left[nearest])
        left = np.delete(left, nearest, axis=0)
    return np.stack(path)


def _with_probe(
    frames_nm: NDArray[np.floating], radii_nm: NDArray[np.floating], probe_nm: float
) -> NDArray[np.float32]:
    radius = np.asarray(radii_nm, dtype=np.float32) + np.float32(probe_nm)
    if frames_nm.ndim != 3 or frames_nm.shape[1:] != (len(radius), 3):
        raise ValueError(f"frames_nm has shape {frames_nm.shape}, expected [n_frames, {len(radius)}, 3]")
    if not np.isfinite(radius).all() or (radius <= 0.0).any():
        raise ValueError("radii with the probe must be finite and positive")
    return radius


def _reach(radius: NDArray[np.float32], atoms: NDArray[np.int64]) -> float:
    """Distance, nm, beyond which no atom can shade a measured one; a little more, for rounding."""
    return float(radius[atoms].max() + radius.max()) * 1.00001


def _area_of_point(radius: NDArray[np.float32], n_points: int) -> NDArray[np.float32]:
    return np.float32(4.0 * np.pi / n_points) * radius * radius


def _over_blocks(
    frames_nm: NDArray[np.floating], work: Callable[[NDArray[np.float32], slice], None], n_threads: int
) -> None:
    """Call `work` on copies of blocks of frames (float32, contiguous, in memory), in threads."""
    n_frames, n_atoms, _ = frames_nm.shape
    size = max(1, min(_BLOCK_ATOMS // max(n_atoms, 1), -(-n_frames // n_threads)))

    def one(begin: int) -> None:
        span = slice(begin, min(begin + size, n_frames))
        block = np.array(frames_nm[span], dtype=np.float32, order="C")
        if not np.isfinite(block).all():
            raise ValueError(f"frames {span.start + 1}-{span.stop} have coordinates that are not finite")
        work(block, span)

    begins = range(0, n_frames, size)
    if n_threads <= 1:
        for begin in begins:
            one(begin)
        return
    with ThreadPoolExecutor(n_threads) as pool:
        list(pool.map(one, begins))
