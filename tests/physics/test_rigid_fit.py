"""Best rotations without a singular value decomposition, against one with it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unfreeze.physics.rigid_fit import best_rotations, turn_lines
from unfreeze.structure.geometry import kabsch_rotations, rotation_matrices


def _fit(template, targets):
    """Rotations of centred points [n, k, 3] as [n, 3, 3]."""
    covariances = np.einsum("nki,nkj->ijn", template, targets)
    sizes = 0.5 * ((template**2).sum(axis=(1, 2)) + (targets**2).sum(axis=(1, 2)))
    return best_rotations(covariances, sizes).transpose(2, 0, 1)


def _misfit(rotations, template, targets):
    return ((template @ rotations.transpose(0, 2, 1) - targets) ** 2).sum(axis=(1, 2))


def _kabsch(template, targets):
    return kabsch_rotations(np.einsum("nki,nkj->nij", targets, template))


def _centred(points):
    return points - points.mean(axis=-2, keepdims=True)


def _assert_best(template, targets, tolerance=1e-9):
    found = _fit(template, targets)
    assert np.isfinite(found).all()
    assert np.abs(found @ found.transpose(0, 2, 1) - np.eye(3)).max() < 1e-9
    assert np.allclose(np.linalg.det(found), 1.0)
    best = _misfit(_kabsch(template, targets), template, targets)
    scale = (template**2).sum(axis=(1, 2)) + (targets**2).sum(axis=(1, 2))
    assert ((_misfit(found, template, targets) - best) / scale).max() < tolerance
    return found


def _shapes(kind, generator, n, size):
    points = generator.normal(size=(n, size, 3)) * 0.15
    if kind == "planar":
        points[..., 2] = 0.0
    elif kind == "nearly planar":
        points[..., 2] *= 1e-4
    elif kind == "nearly straight":
        points[..., 1:] *= 0.02
    elif kind == "symmetric":
        corners = np.array([[1, 1, 1], [-1, -1, 1], [-1, 1, -1], [1, -1, -1]]) * 0.1
        points = np.repeat(corners[None].astype(float), n, axis=0)
    return _centred(points)


KINDS = ("full", "planar", "nearly planar", "nearly straight", "symmetric")


@pytest.mark.parametrize("kind", KINDS)
def test_a_turned_shape_is_turned_back(kind):
    generator = np.random.default_rng(1)
    template = _shapes(kind, generator, 500, 6)
    turns = rotation_matrices(generator.normal(size=(500, 3)) * 2.0)
    targets = template @ turns.transpose(0, 2, 1)
    found = _assert_best(template, targets, 1e-12)
    assert np.abs(template @ found.transpose(0, 2, 1) - targets).max() < 2e-6
    if kind not in ("nearly straight",):
        assert np.abs(found - turns).max() < 1e-4


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("noise", (1e-3, 0.03, 0.3))
def test_noisy_shapes_fit_as_well_as_by_svd(kind, noise):
    generator = np.random.default_rng(2)
    template = _shapes(kind, generator, 500, 5)
    turns = rotation_matrices(generator.normal(size=(500, 3)) * 2.0)
    targets = template @ turns.transpose(0, 2, 1)
    # noise that swamps the shape leaves two rotations nearly as good, between which it hardly matters
    _assert_best(
        template, _centred(targets + noise * generator.normal(size=targets.shape)), 1e-9 if noise < 0.1 else 1e-5
    )


@pytest.mark.parametrize("size", (3, 5, 12))
def test_the_fit_to_a_mirror_image_is_a_rotation_and_as_good_as_by_svd(size):
    generator = np.random.default_rng(3)
    template = _shapes("full", generator, 500, size)
    _assert_best(template, template * [1.0, 1.0, -1.0])
    _assert_best(template, _centred(-template + 0.02 * generator.normal(size=template.shape)))


@given(st.integers(0, 10_000), st.floats(-4.0, 3.0))
@settings(max_examples=40, deadline=None)
def test_units_do_not_matter(seed, exponent):
    generator = np.random.default_rng(seed)
    template = _shapes("full", generator, 20, 5)
    targets = _centred(generator.normal(size=template.shape) * 0.1)
    scale = 10.0**exponent
    assert np.abs(_fit(template * scale, targets * scale) - _fit(template, targets)).max() < 1e-6


@pytest.mark.parametrize("factor", (1e-3, 0.1, 30.0, 1e3))
def test_shapes_torn_apart_or_collapsed_are_fitted_too(factor):
    """A first draw can tear a group's atoms nanometres apart: the target is then far larger than the template."""
    generator = np.random.default_rng(8)
    template = _shapes("full", generator, 500, 5)
    targets = factor * _centred(generator.normal(size=template.shape) * 0.15)
    found = _assert_best(template, targets, np.inf)
    best = _misfit(_kabsch(template, targets), template, targets)
    # what the fit can change is the product of the two sizes, not the larger of them
    scale = np.sqrt((template**2).sum(axis=(1, 2)) * (targets**2).sum(axis=(1, 2)))
    assert ((_misfit(found, template, targets) - best) / scale).max() < 1e-6


def test_half_turns_are_found():
    template = _shapes("full", np.random.default_rng(4), 3, 6)
    turns = np.array([np.diag([1.0, -1, -1]), np.diag([-1.0, 1, -1]), np.diag([-1.0, -1, 1])])
    found = _assert_best(template, template @ turns.transpose(0, 2, 1), 1e-12)
    assert np.abs(found - turns).max() < 1e-6


def test_points_that_decide_nothing_give_the_identity():
    nothing = np.zeros((4, 3, 3))
    assert np.array_equal(_fit(nothing, nothing), np.tile(np.eye(3), (4, 1, 1)))
    template = _shapes("full", np.random.default_rng(5), 4, 3)
    assert np.isfinite(_fit(template, nothing)).all()


def test_a_fit_does_not_depend_on_its_neighbours_or_their_number():
    generator = np.random.default_rng(6)
    template = _shapes("full", generator, 20_000, 4)
    targets = _centred(template + 0.02 * generator.normal(size=template.shape))
    many = _fit(template, targets)
    assert np.array_equal(_fit(template[:7], targets[:7]), many[:7])
    assert all(np.array_equal(_fit(template[k : k + 1], targets[k : k + 1])[0], many[k]) for k in range(100))
    assert np.array_equal(_fit(template[9000:9003], targets[9000:9003]), many[9000:9003])
    assert best_rotations(np.zeros((3, 3, 0)), np.zeros(0)).shape == (3, 3, 0)


@given(seed=st.integers(0, 2**32 - 1))
def test_lines_turn_onto_their_directions_by_the_smallest_rotation(seed):
    rng = np.random.default_rng(seed)
    axes = rng.normal(size=(6, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    directions = rng.normal(size=(6, 3))
    directions[0], directions[1], directions[2] = -axes[0], axes[1], 0.0
    turns = turn_lines(axes, directions)
    goal = directions / np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-12)
    goal[2] = axes[2]
    assert np.allclose(np.einsum("nij,nj->ni", turns, axes), goal, atol=1e-7)
    assert np.allclose(np.linalg.det(turns), 1.0)
    assert np.allclose(np.einsum("nij,nkj->nik", turns, turns), np.eye(3), atol=1e-9)
    angle = np.arccos(np.clip((np.trace(turns, axis1=1, axis2=2) - 1.0) / 2.0, -1.0, 1.0))
    assert np.allclose(angle, np.arccos(np.clip((axes * goal).sum(axis=1), -1.0, 1.0)), atol=1e-5)
