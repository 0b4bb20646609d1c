"""Bures distance and RMWD against closed forms and matrix square roots."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import sqrtm

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metrics.gaussians import RMWD_A, RMWD_TRANSLATION_A, RMWD_VARIANCE_A, bures_squared


def _value(metric, ensemble, reference):
    found = metric.measure(ensemble, reference)
    return found.statistic(found.ensemble.at(), found.reference.at())


def _random_covariances(seed, n=50):
    roots = np.random.default_rng(seed).normal(size=(n, 3, 3))
    return roots @ roots.swapaxes(1, 2)


def test_commuting_covariances_have_a_closed_form():
    one, other = np.diag([4.0, 9.0, 0.25]), np.diag([1.0, 16.0, 0.0])
    assert bures_squared(one, other) == pytest.approx(1.0 + 1.0 + 0.25)


def test_general_covariances_against_matrix_square_roots():
    one, other = _random_covariances(0), _random_covariances(1)
    expected = [np.trace(a + b - 2.0 * sqrtm(sqrtm(a) @ b @ sqrtm(a))).real for a, b in zip(one, other, strict=True)]
    assert bures_squared(one, other) == pytest.approx(expected, rel=1e-9, abs=1e-10)
    assert bures_squared(other, one) == pytest.approx(expected, rel=1e-9, abs=1e-10)


def test_singular_covariances_are_exact():
    # rank one each, at an angle: tr(A + B) − 2 |a·b|
    generator = np.random.default_rng(2)
    a, b = generator.normal(size=(2, 40, 3))
    one, other = a[:, :, None] * a[:, None, :], b[:, :, None] * b[:, None, :]
    expected = (a**2).sum(axis=1) + (b**2).sum(axis=1) - 2.0 * np.abs((a * b).sum(axis=1))
    assert bures_squared(one, other) == pytest.approx(expected, rel=1e-6, abs=1e-6)
    zero = np.zeros((3, 3))
    assert bures_squared(one[0], zero) == pytest.approx(np.trace(one[0]))
    assert bures_squared(zero, zero) == 0.0


def test_identical_covariances_are_not_apart_however_they_are_conditioned():
    scale = np.array([1.0, 1e-4, 1e-8])
    turns = np.linalg.qr(np.random.default_rng(3).normal(size=(30, 3, 3)))[0]
    matrices = turns @ (scale[:, None] * turns.swapaxes(1, 2))
    assert np.sqrt(bures_squared(matrices, matrices)).max() < 1e-7


def test_slightly_indefinite_matrices_do_not_fail():
    assert np.isfinite(bures_squared(np.diag([1.0, 0.0, -1e-15]), np.diag([1.0, -1e-15, 0.0])))


def test_a_shift_is_all_translation_and_a_stretch_all_variance(make):
    molecule = make.peptide(6)
    moves = np.random.default_rng(4).normal(size=(200, molecule.n_atoms, 3))
    moves -= moves.mean(axis=0)
    reference = Side.of(molecule, molecule.coordinates_nm + 0.05 * moves)
    shifted = Side.of(molecule, molecule.coordinates_nm + 0.05 * moves + np.array([0.03, 0.0, 0.04]))
    assert _value(RMWD_TRANSLATION_A, shifted, reference) == pytest.approx(0.5, rel=1e-4)
    assert _value(RMWD_VARIANCE_A, shifted, reference) == pytest.approx(0.0, abs=1e-4)
    assert _value(RMWD_A, shifted, reference) == pytest.approx(0.5, rel=1e-4)
    stretched = Side.of(molecule, molecule.coordinates_nm + 0.10 * moves)
    # covariances A and 4 A: the distance is the root of tr A
    expected = 10.0 * 0.05 * np.sqrt(moves.var(axis=0).sum(axis=1).mean())
    assert _value(RMWD_VARIANCE_A, stretched, reference) == pytest.approx(expected, rel=1e-4)
    assert _value(RMWD_TRANSLATION_A, stretched, reference) == pytest.approx(0.0, abs=1e-4)


def test_parts_add_in_squares(make):
    molecule = make.peptide(6)
    sides = [
        Side.of(
            molecule, molecule.coordinates_nm + 0.1 * np.random.default_rng(k).normal(size=(9, molecule.n_atoms, 3))
        )
        for k in range(2)
    ]
    whole, shift, spread = (_value(metric, *sides) for metric in (RMWD_A, RMWD_TRANSLATION_A, RMWD_VARIANCE_A))
    assert whole**2 == pytest.approx(shift**2 + spread**2)
    assert min(shift, spread) > 0.1
