"""Rotations, superposition and torsions, against scipy and against motions that are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from unfreeze.structure.geometry import (
    kabsch_rotations,
    rotation_matrices,
    superpose,
    superpose_on_mean,
    torsion_angles,
)

VECTORS = arrays(np.float64, (5, 3), elements=st.floats(-7.0, 7.0))


def _points(seed, n=12):
    return np.random.default_rng(seed).normal(size=(n, 3))


@given(VECTORS)
def test_rotation_matrices_are_those_of_scipy(vectors):
    assert np.abs(rotation_matrices(vectors) - Rotation.from_rotvec(vectors).as_matrix()).max() < 1e-12


@given(st.floats(-18.0, 0.0), st.integers(0, 1000))
def test_small_rotations_keep_their_digits(exponent, seed):
    axis = _points(seed, 1)[0]
    vector = 10.0**exponent * axis / np.linalg.norm(axis)
    expected = Rotation.from_rotvec(vector).as_matrix()
    # relative to the angle: what is off the diagonal must not be lost against the ones on it
    assert np.abs(rotation_matrices(vector) - expected).max() <= 1e-7 * np.linalg.norm(vector)


def test_a_quarter_turn_about_z_takes_x_to_y():
    turn = rotation_matrices(np.array([0.0, 0.0, np.pi / 2]))
    assert np.allclose(turn @ [1.0, 0.0, 0.0], [0.0, 1.0, 0.0])


def test_rotation_matrices_keep_leading_axes_and_take_single_precision():
    vectors = np.random.default_rng(0).normal(size=(2, 3, 4, 3)).astype(np.float32)
    turns = rotation_matrices(vectors)
    assert turns.shape == (2, 3, 4, 3, 3) and turns.dtype == np.float64
    assert np.allclose(turns[1, 2, 3], rotation_matrices(vectors[1, 2, 3]))
    assert np.array_equal(rotation_matrices(np.zeros((2, 3))), np.tile(np.eye(3), (2, 1, 1)))


@settings(max_examples=50)
@given(VECTORS, arrays(np.float64, (5, 1, 3), elements=st.floats(-50.0, 50.0)), st.integers(0, 1000))
def test_superposing_undoes_a_rigid_motion(vectors, shifts, seed):
    target = _points(seed)
    moved = target @ rotation_matrices(vectors).transpose(0, 2, 1) + shifts
    assert np.abs(superpose(moved, target) - target).max() < 1e-9


def test_only_the_chosen_atoms_decide_the_superposition_but_all_move():
    target = _points(1, 20)
    chosen = np.arange(3, 12)
    changed = target.copy()
    changed[15:] += 4.0
    moved = changed @ rotation_matrices(np.array([0.4, -2.0, 1.0])).T + 7.0
    found = superpose(moved[None], target, chosen)[0]
    assert np.abs(found - changed).max() < 1e-9
    assert np.abs(superpose(moved[None], target)[0, chosen] - target[chosen]).max() > 0.1


def test_superposing_never_reflects():
    target = _points(2)
    mirrored = target * [1.0, 1.0, -1.0]
    found = superpose(mirrored[None], target)[0]
    volume = np.linalg.det(found[:3] - found[3]) * np.linalg.det(mirrored[:3] - mirrored[3])
    assert volume > 0.0
    assert np.linalg.norm(found - target) > 0.1


@given(st.integers(0, 1000))
def test_no_other_rotation_fits_better(seed):
    target, mobile = _points(seed), _points(seed + 5000)
    best = np.linalg.norm(superpose(mobile[None], target)[0] - target)
    centred = mobile - mobile.mean(axis=0)
    others = rotation_matrices(np.random.default_rng(seed).normal(size=(50, 3)) * 2.0)
    worse = np.linalg.norm(centred @ others.transpose(0, 2, 1) + target.mean(axis=0) - target, axis=(1, 2))
    assert best <= worse.min() + 1e-9


def test_kabsch_gives_proper_rotations_even_for_mirror_images():
    points = _points(3)
    points -= points.mean(axis=0)
    turns = kabsch_rotations(np.stack([-points.T @ points, points.T @ points]))
    assert np.allclose(np.linalg.det(turns), 1.0)
    assert np.allclose(turns[1], np.eye(3))


def test_superposing_on_the_mean_takes_out_rigid_motion():
    shape = _points(4, 30)
    generator = np.random.default_rng(5)
    wobble = shape + 0.01 * generator.normal(size=(40, 30, 3))
    turns = rotation_matrices(generator.normal(size=(40, 3)))
    moved = wobble @ turns.transpose(0, 2, 1) + generator.normal(size=(40, 1, 3))
    spread = superpose_on_mean(moved).std(axis=0)
    assert 0.008 < np.sqrt((spread**2).mean()) < 0.0102


@pytest.mark.parametrize("degrees", (-179.0, -90.0, -60.0, -1.0, 0.0, 1.0, 60.0, 120.0, 179.0))
def test_torsions_have_the_sign_of_iupac(degrees):
    """Looking along 2→3, the far bond is clockwise of the near one when the torsion is positive."""
    angle = np.radians(degrees)
    near, start, end = np.array([1.0, 0.0, 0.0]), np.zeros(3), np.array([0.0, 0.0, 2.0])
    # the eye looks along +z, so clockwise is from x towards y
    far = end + 0.7 * np.array([np.cos(angle), np.sin(angle), 0.3])
    assert np.isclose(np.degrees(torsion_angles(near, start, end, far)), degrees)


@given(st.integers(0, 1000), arrays(np.float64, 3, elements=st.floats(-3.0, 3.0)))
def test_torsions_ignore_rigid_motion_and_flip_in_a_mirror(seed, vector):
    points = _points(seed, 4)
    turned = points @ rotation_matrices(vector).T + 2.0
    angle = torsion_angles(*points)
    assert np.isclose(np.exp(1j * torsion_angles(*turned)), np.exp(1j * angle), atol=1e-8)
    assert np.isclose(np.exp(1j * torsion_angles(*(points * [1, 1, -1]))), np.exp(-1j * angle), atol=1e-8)
    assert np.isclose(np.exp(1j * torsion_angles(*points[::-1])), np.exp(1j * angle), atol=1e-8)
