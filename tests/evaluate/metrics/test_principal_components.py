"""Principal axes against singular vectors, and the exact assignment against all permutations."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metrics import principal_axes as axes_module
from unfreeze.evaluate.metrics import principal_components as components_module
from unfreeze.evaluate.metrics.principal_axes import principal_axes
from unfreeze.evaluate.metrics.principal_components import (
    PC1_COSINE,
    PCA_W2_JOINT_A,
    PCA_W2_MD_A,
    equally_weighted,
    pca_points,
    side_axes,
    w2_assignment,
)
from unfreeze.structure.observables.motion import principal_components


def _value(metric, ensemble, reference):
    found = metric.measure(ensemble, reference)
    return found.statistic(found.ensemble.at(), found.reference.at())


def _modes(molecule, n=2):
    """Orthonormal motions of the representative atoms, [n, n_atoms, 3], zero for others."""
    atoms = molecule.representative_atoms()
    flat = np.linalg.qr(np.random.default_rng(0).normal(size=(3 * len(atoms), n)))[0].T
    modes = np.zeros((n, molecule.n_atoms, 3))
    modes[:, atoms] = flat.reshape(n, -1, 3)
    return modes


def _along(molecule, scores):
    """Frames that move along the modes by `scores` [n_frames, n_modes], nm."""
    return Side.of(molecule, molecule.coordinates_nm + np.tensordot(scores, _modes(molecule, scores.shape[1]), axes=1))


def test_w2_is_the_best_of_all_permutations():
    generator = np.random.default_rng(0)
    for n in (1, 3, 6):
        a, b = generator.normal(size=(2, n, 2))
        best = min(((a - b[list(order)]) ** 2).sum(axis=1).mean() for order in itertools.permutations(range(n)))
        assert w2_assignment(a, b) == pytest.approx(np.sqrt(best))
        assert w2_assignment(a, a[::-1]) == 0.0
    with pytest.raises(ValueError, match="expected the same"):
        w2_assignment(np.zeros((2, 2)), np.zeros((3, 2)))


def test_w2_in_one_dimension_matches_sorted_points():
    a, b = np.random.default_rng(1).normal(size=(2, 200, 1))
    expected = np.sqrt(((np.sort(a, axis=0) - np.sort(b, axis=0)) ** 2).mean())
    assert w2_assignment(a, b) == pytest.approx(expected)


def test_equal_weights_take_each_value_once_and_others_as_often_as_they_ask():
    for n in (1, 7, 250, 1000):
        values = np.arange(float(n))
        assert np.array_equal(equally_weighted(values, np.full(n, 1.0 / n), n), values)
    weighted = equally_weighted(np.array([5.0, 6.0, 7.0, 8.0]), np.array([0.5, 0.0, 0.3, 0.2]), 10)
    assert np.array_equal(weighted, [5.0] * 5 + [7.0] * 3 + [8.0] * 2)


@pytest.mark.parametrize("route", ["coordinates", "frames", "lanczos"])
def test_every_route_finds_the_singular_vectors(monkeypatch, route):
    generator = np.random.default_rng(2)
    n_frames = 20 if route == "frames" else 90
    scale = np.linspace(1.0, 0.1, 36)
    frames = (3.0 + generator.normal(size=(n_frames, 36)) * scale).reshape(n_frames, 12, 3)
    weights = generator.random(n_frames)
    weights /= weights.sum()
    monkeypatch.setattr(axes_module, "DENSE_LIMIT", 3 if route == "lanczos" else 1000)
    monkeypatch.setattr(axes_module, "_ROWS_BYTES", 8 * 36 * 7)
    used = []
    for name in ("_by_coordinates", "_by_frames", "_by_lanczos"):
        original = getattr(axes_module, name)
        monkeypatch.setattr(axes_module, name, lambda *a, o=original, n=name: (used.append(n), o(*a))[1])
    found = principal_axes(frames, weights, 4)
    assert used == [f"_by_{route}"]
    flat = frames.reshape(n_frames, -1)
    mean = weights @ flat
    _, singular, directions = np.linalg.svd(np.sqrt(weights)[:, None] * (flat - mean), full_matrices=False)
    assert found.mean_nm == pytest.approx(mean)
    assert found.variances_nm2 == pytest.approx(singular[:4] ** 2, rel=1e-9)
    assert np.abs((found.axes * directions[:4]).sum(axis=1)) == pytest.approx(np.ones(4), abs=1e-9)
    assert found.project(frames) == pytest.approx((flat - mean) @ found.axes.T)


def test_axes_along_which_nothing_varies_are_left_out():
    frames = np.zeros((10, 5, 3))
    frames[:, 2, 1] = np.arange(10)
    found = principal_axes(frames, np.full(10, 0.1), 4)
    assert found.axes.shape == (1, 15) and abs(found.axes[0, 7]) == pytest.approx(1.0)
    assert principal_axes(frames[:1], np.ones(1), 2).axes.shape == (0, 15)
    assert principal_axes(np.zeros((4, 5, 3)), np.full(4, 0.25), 2).axes.shape == (0, 15)


def test_a_shift_along_the_first_component_is_the_distance(make):
    molecule = make.peptide(9)
    scores = np.random.default_rng(3).normal(size=(60, 2)) * [0.5, 0.2]
    reference, shifted = _along(molecule, scores), _along(molecule, scores + np.array([0.3, 0.4]))
    # the whole shift of 0.5 nm lies in the plane; distances are per square root of the number of atoms
    assert _value(PCA_W2_MD_A, shifted, reference) == pytest.approx(10.0 * 0.5 / 3.0, rel=1e-4)
    assert _value(PCA_W2_JOINT_A, shifted, reference) == pytest.approx(10.0 * 0.5 / 3.0, rel=1e-4)


def test_only_the_joint_basis_sees_motion_that_the_reference_lacks(make):
    molecule = make.peptide(9)
    generator = np.random.default_rng(4)
    scores = generator.normal(size=(40, 3)) * [0.5, 0.2, 0.0]
    moved = scores + np.array([0.0, 0.0, 3.0])
    assert _value(PCA_W2_MD_A, _along(molecule, moved), _along(molecule, scores)) == pytest.approx(0.0, abs=1e-3)
    assert _value(PCA_W2_JOINT_A, _along(molecule, moved), _along(molecule, scores)) == pytest.approx(10.0, rel=0.01)


def test_weights_are_honoured(make):
    molecule = make.peptide(9)
    scores = np.random.default_rng(5).normal(size=(6, 2)) * [0.5, 0.2]
    twelve = np.repeat(scores, [4, 2, 0, 3, 1, 2], axis=0)
    reference = _along(molecule, np.random.default_rng(6).normal(size=(12, 2)) * [0.5, 0.2])
    weights = np.repeat([4, 2, 0, 3, 1, 2], 2) / 24.0
    weighted = Side.of(molecule, np.repeat(_along(molecule, scores).frames_nm, 2, axis=0), weights)
    assert _value(PCA_W2_MD_A, weighted, reference) == pytest.approx(
        _value(PCA_W2_MD_A, _along(molecule, twelve), reference), abs=1e-6
    )


def test_the_joint_basis_counts_both_sides_alike_and_honours_weights(make):
    molecule = make.peptide(9)
    frames = molecule.coordinates_nm + 0.1 * np.random.default_rng(11).normal(size=(40, molecule.n_atoms, 3))
    weights = np.random.default_rng(12).random(20)
    one, other = Side.of(molecule, frames[:20], weights), Side.of(molecule, frames[20:])
    found = PCA_W2_JOINT_A.measure(one, other)
    both = np.concatenate([one.frames_nm, other.frames_nm])[:, molecule.representative_atoms()]
    plain = principal_components(both, 2, np.concatenate([one.weights, other.weights]))
    points = plain.projections_nm / 3.0
    sign = np.sign((points[:20] * found.ensemble.at()[0]).sum(axis=0))
    assert found.ensemble.at()[0] * sign == pytest.approx(points[:20], abs=1e-6)
    assert found.reference.at()[0] * sign == pytest.approx(points[20:], abs=1e-6)


def test_first_components_compare_by_their_angle(make):
    molecule = make.peptide(9)
    generator = np.random.default_rng(7)
    scores = generator.normal(size=(400, 2))
    scores = (scores - scores.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(scores.T))).T  # exactly isotropic
    angle = np.radians(35.0)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    one, other = _along(molecule, scores * [1.0, 0.3]), _along(molecule, (scores * [1.0, 0.3]) @ turn)
    assert _value(PC1_COSINE, other, one) == pytest.approx(np.cos(angle), abs=1e-4)
    swapped = _along(molecule, scores * [0.3, 1.0])
    assert _value(PC1_COSINE, swapped, one) == pytest.approx(0.0, abs=1e-4)


def test_first_component_is_that_of_the_plain_decomposition(make):
    molecule = make.peptide(9)
    frames = [
        molecule.coordinates_nm + 0.1 * np.random.default_rng(k).normal(size=(30, molecule.n_atoms, 3)) for k in (8, 9)
    ]
    sides = [Side.of(molecule, part) for part in frames]
    first = []
    for side in sides:
        flat = side.frames_nm[:, molecule.representative_atoms()].reshape(30, -1).astype(float)
        first.append(np.linalg.svd(flat - flat.mean(axis=0))[2][0])
    assert _value(PC1_COSINE, *sides) == pytest.approx(abs(first[0] @ first[1]), abs=1e-7)
    assert side_axes(sides[0])[0].axes.shape == (10, 27)  # resamples look for theirs among so many


def test_points_for_pages_give_the_distance(make, monkeypatch):
    monkeypatch.setattr(components_module, "MAX_POINTS", 20)
    molecule = make.peptide(9)
    generator = np.random.default_rng(10)
    one, other = (_along(molecule, generator.normal(size=(n, 2)) * [0.5, 0.2]) for n in (30, 70))
    points = pca_points(one, other)
    assert {key: len(value) for key, value in points.items()} == {"pca_ensemble": 20, "pca_reference": 20}
    distance = w2_assignment(np.array(points["pca_ensemble"]), np.array(points["pca_reference"]))
    assert distance == pytest.approx(_value(PCA_W2_MD_A, one, other), abs=1e-3)
