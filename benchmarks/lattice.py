"""Large assemblies for measurements: translated copies of one structure that touch and do not overlap.

No biology: only the density of contacts is that of a protein crystal or a capsid. Each copy is shifted along three
directions as far as it takes for heavy atoms to be no closer than a gap; rows and layers are staggered so that they
interlock as deeply as possible; the copies nearest to the middle are taken, so that the assembly is round.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from unfreeze.structure.complex import Complex

__all__ = ["packed_copies"]

GAP_NM = 0.33
_OFFSETS = np.linspace(0.0, 1.0, 6, endpoint=False)


def packed_copies(molecule: Complex, n_copies: int) -> Complex:
    """Join copies of a molecule, all chains named anew (A1, B1, A2, ...).

    Parameters
    ----------
    molecule
        The structure to copy.
    n_copies
        How many copies, the original included.
    """
    centred = molecule.coordinates_nm - molecule.coordinates_nm.mean(axis=0)
    # longest axis of the molecule along z: layers of short columns pack best
    axes = np.linalg.svd(centred, full_matrices=False)[2][::-1]
    axes[2] *= np.sign(np.linalg.det(axes))
    points = centred @ axes.T
    cell = _cell(points)
    reach = int(np.ceil(n_copies ** (1 / 3))) + 2
    steps = np.array(list(product(range(-reach, reach + 1), repeat=3)))
    shifts = steps @ cell
    nearest = np.argsort(np.linalg.norm(shifts, axis=1), kind="stable")[:n_copies]
    return _join(molecule, [points + shift for shift in shifts[nearest]])


def _cell(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Three vectors of translation, as rows."""
    tree = KDTree(points)
    along = np.array([_contact(tree, points, np.zeros((1, 3)), axis=0), 0.0, 0.0])
    row = np.array([k * along for k in range(-4, 5)])
    staggered = [(share * along, row) for share in _OFFSETS]
    across = _closest(tree, points, staggered, axis=1)
    layer = np.array([i * along + j * across for i, j in product(range(-4, 5), repeat=2)])
    staggered = [(a * along + b * across, layer) for a, b in product(_OFFSETS, repeat=2)]
    return np.stack([along, across, _closest(tree, points, staggered, axis=2)])


def _closest(
    tree: KDTree,
    points: NDArray[np.float64],
    places: Iterable[tuple[NDArray[np.float64], NDArray[np.float64]]],
    axis: int,
) -> NDArray[np.float64]:
    """The shift, over staggered places, that brings the next row or layer nearest."""
    options = []
    for offset, lattice in places:
        shift = offset.copy()
        shift[axis] += _contact(tree, points, lattice - offset, axis)
        options.append(shift)
    return min(options, key=lambda shift: float(shift[axis]))


def _contact(tree: KDTree, points: NDArray[np.float64], lattice: NDArray[np.float64], axis: int) -> float:
    """Shift along an axis beyond which a copy is nowhere nearer than the gap to copies at the lattice points."""
    direction = np.eye(3)[axis]
    span = float(np.ptp(points[:, axis]))
    radius = float(np.linalg.norm(points, axis=1).max())
    low, high = 0.2 * span, span + 2 * GAP_NM
    # from outside inwards, so that hollows which cannot be reached are not entered
    step = 0.2
    shift = high
    while shift > low and not _overlap(tree, points, shift * direction - lattice, radius):
        shift -= step
    low, high = shift, shift + step
    while high - low > 0.002:
        middle = 0.5 * (low + high)
        if _overlap(tree, points, middle * direction - lattice, radius):
            low = middle
        else:
            high = middle
    return high


def _overlap(tree: KDTree, points: NDArray[np.float64], shifts: NDArray[np.float64], radius: float) -> bool:
    """Whether a copy at any of these shifts comes nearer than the gap."""
    for shift in shifts[np.linalg.norm(shifts, axis=1) < 2 * radius + GAP_NM]:
        distance, _ = tree.query(points + shift, distance_upper_bound=GAP_NM)
        if np.isfinite(distance).any():
            return True
    return False


def _join(molecule: Complex, places: list[NDArray[np.float64]]) -> Complex:
    n_copies = len(places)
    copy = np.arange(n_copies)

    def shifted(pointer: NDArray[np.int64], size: int) -> NDArray[np.int64]:
        return (pointer[None] + (copy * size).reshape(-1, *(1,) * pointer.ndim)).reshape(-1, *pointer.shape[1:])

    values: dict[str, Any] = {}
    for item in fields(Complex):
        value = getattr(molecule, item.name)
        if item.name == "coordinates_nm":
            value = np.concatenate(places)
        elif item.name == "residue_index":
            value = shifted(value, molecule.n_residues)
        elif item.name == "chain_index":
            value = shifted(value, molecule.n_chains)
        elif item.name == "links":
            value = shifted(value, molecule.n_atoms)
        elif item.name == "chain_name":
            value = np.array([f"{name}{number + 1}" for number in copy for name in value.tolist()])
        elif item.name == "residue_label_chain":
            # label chains have to be unique, too: let the writer make them up
            value = np.full(n_copies * molecule.n_residues, "")
        elif isinstance(value, np.ndarray):
            value = np.tile(value, n_copies)
        values[item.name] = value
    return Complex(**values)
