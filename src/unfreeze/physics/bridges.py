"""Springs for parts that nothing else joins, so that no part of a complex floats away.

A ligand far from its protein, an ion alone, two chains that do not touch: each is braced to the part nearest to it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from unfreeze.structure.blocks import Blocks
from unfreeze.structure.complex import Complex

__all__ = ["bridge_pairs"]


def bridge_pairs(molecule: Complex, blocks: Blocks, joined: NDArray[np.int64]) -> NDArray[np.int64]:
    """Springs from every part that stands alone to the part nearest to it: [n, 2].

    In each round every part but the largest joins its nearest neighbour, so that the number of parts at least
    halves (Borůvka's algorithm). Up to four far-apart atoms of the one are joined to up to four of the other:
    a bundle of parallel springs would let it swing freely.
    """
    bridges: list[NDArray[np.int64]] = [np.empty((0, 2), dtype=np.int64)]
    ends = blocks.atom_block[joined]
    whole = KDTree(molecule.coordinates_nm)
    while True:
        graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(blocks.n_blocks,) * 2)
        n_parts, part = connected_components(graph, directed=False)
        if n_parts <= 1:
            return np.unique(np.sort(np.concatenate(bridges), axis=1), axis=0)
        atom_part = part[blocks.atom_block]
        sizes = np.bincount(atom_part, minlength=n_parts)
        members = np.split(np.argsort(atom_part, kind="stable"), np.cumsum(sizes)[:-1])
        for number in np.argsort(sizes, kind="stable")[:-1]:
            pair = _brace(molecule.coordinates_nm, members[number], atom_part, whole)
            bridges.append(pair)
            ends = np.concatenate([ends, blocks.atom_block[pair]])


def _brace(
    points: NDArray[np.float64], inside: NDArray[np.int64], atom_part: NDArray[np.int64], whole: KDTree
) -> NDArray[np.int64]:
    """Pairs that hold the atoms `inside` to the nearest other part from several sides: [n ≤ 16, 2]."""
    own = atom_part[inside[0]]
    if len(inside) <= 200:
        # among this many nearest neighbours one must be outside; cheaper than a tree a part when parts are many
        distance, nearest = map(np.asarray, whole.query(points[inside], k=len(inside) + 1))
        distance = np.where(atom_part[nearest] == own, np.inf, distance)
        row, column = np.unravel_index(np.argmin(distance), distance.shape)
        contact, gap = int(nearest[row, column]), float(distance[row, column])
    else:
        others = np.flatnonzero(atom_part != own)
        distance, found = map(np.asarray, KDTree(points[others]).query(points[inside]))
        contact, gap = int(others[found[np.argmin(distance)]]), float(distance.min())
    near = np.array(whole.query_ball_point(points[contact], r=min(1.0 + 0.5 * gap, 2.0)), dtype=np.int64)
    near = np.sort(near[atom_part[near] == atom_part[contact]])
    here, there = _far_apart(points, inside), _far_apart(points, near)
    return np.stack([np.repeat(here, len(there)), np.tile(there, len(here))], axis=1)


def _far_apart(points: NDArray[np.float64], atoms: NDArray[np.int64], n_wanted: int = 4) -> NDArray[np.int64]:
    """Up to four of the atoms, each as far as possible from those already taken."""
    taken = [int(np.argmax(np.linalg.norm(points[atoms] - points[atoms].mean(axis=0), axis=1)))]
    gap = np.full(len(atoms), np.inf)
    while len(taken) < min(n_wanted, len(atoms)):
        gap = np.minimum(gap, np.linalg.norm(points[atoms] - points[atoms[taken[-1]]], axis=1))
        taken.append(int(np.argmax(gap)))
    return atoms[taken]
