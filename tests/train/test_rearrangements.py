"""Displacements between structures: what moved is found, what did not is not, and chain ends are left out."""

import numpy as np

from unfreeze.structure.geometry import rotation_matrices
from unfreeze.train.rearrangements import _near_ends, displacement_nm


def _helix(n: int) -> np.ndarray:
    angle = np.radians(100.0) * np.arange(n)
    return np.stack([0.23 * np.cos(angle), 0.23 * np.sin(angle), 0.15 * np.arange(n)], axis=1)


def test_a_moved_loop_is_found_whatever_the_place_of_the_rest():
    one = _helix(60)
    other = one.copy()
    other[25:30] += [0.4, 0.0, 0.0]
    turned = other @ rotation_matrices(np.array([0.3, -1.0, 2.0])).T + [5.0, -2.0, 1.0]
    moved = displacement_nm(one, turned)
    assert np.allclose(moved[25:30], 0.4, atol=1e-6)
    assert np.delete(moved, np.arange(25, 30)).max() < 1e-6


def test_residues_at_ends_and_gaps_are_known():
    points = _helix(30)
    points[15:] += [0.0, 0.0, 3.0]
    near = _near_ends(points)
    assert np.flatnonzero(~near).tolist() == [*range(4, 11), *range(19, 26)]
