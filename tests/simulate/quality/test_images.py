"""Distances between periodic images against brute force over 125 cells."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from unfreeze.simulate.quality.images import image_distances

CELLS = np.array([s for s in itertools.product(range(-2, 3), repeat=3) if any(s)], dtype=float)
SHAPES = {
    "cube": np.eye(3),
    "dodecahedron": np.array([[1, 0, 0], [0, 1, 0], [0.5, 0.5, np.sqrt(0.5)]]),
    "octahedron": np.array([[1, 0, 0], [1 / 3, 2 * np.sqrt(2) / 3, 0], [-1 / 3, np.sqrt(2) / 3, np.sqrt(6) / 3]]),
    "brick": np.diag([1.0, 1.3, 0.8]),
}


def brute_force(points, box):
    shifted = points[None] + (CELLS @ box)[:, None]
    return np.sqrt(((points[:, None] - shifted.reshape(-1, 3)[None]) ** 2).sum(axis=-1)).min()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("edge", [2.0, 3.0, 4.0])
def test_distances_below_the_limit_are_exact(shape, edge):
    rng = np.random.default_rng(1)
    # long clouds that point anywhere
    frames = rng.normal(size=(20, 30, 3)) * 0.15
    frames += rng.normal(size=(20, 1, 3)) * rng.uniform(-0.5, 0.5, size=(20, 30, 1))
    box = np.repeat((edge * SHAPES[shape])[None], 20, axis=0)
    found, pair = image_distances(frames, box, 1.0)
    for k in range(20):
        exact = brute_force(frames[k], box[k])
        if exact < 1.0:
            assert found[k] == pytest.approx(exact)
            first, second = frames[k][pair[k]]
            assert np.linalg.norm(first - second - CELLS @ box[k], axis=1).min() == pytest.approx(exact)
        else:
            assert 1.0 <= found[k] <= exact + 1e-9
            assert (pair[k] == -1).all()


def test_a_lone_atom_sees_its_image_a_box_away():
    found, _ = image_distances(np.zeros((1, 1, 3)), 0.7 * np.eye(3)[None], 1.0)
    assert found[0] == pytest.approx(0.7)
