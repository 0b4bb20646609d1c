"""RMSF against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metrics.fluctuations import (
    RMSF_CA_LOG_R,
    RMSF_CA_MAE_A,
    RMSF_CA_MEAN_A,
    RMSF_CA_R,
    RMSF_CA_SPEARMAN,
    RMSF_HEAVY_R,
    rmsf_A,
    rmsf_of_moments_nm,
)
from unfreeze.evaluate.metrics.moments import covariances, displacement_moments
from unfreeze.structure.observables.motion import rmsf_nm


def _value(metric, ensemble, reference):
    found = metric.measure(ensemble, reference)
    return found.statistic(found.ensemble.at(), found.reference.at())


def _jumping(molecule, step_nm, shift_nm=0.0):
    """Atoms jump between x₀ ± step: an RMSF of exactly `step_nm`, [n_atoms]."""
    moves = np.zeros((2, molecule.n_atoms, 3))
    moves[0, :, 1], moves[1, :, 1] = step_nm, -np.asarray(step_nm)
    return Side.of(molecule, molecule.coordinates_nm + moves + shift_nm)


def test_rmsf_of_known_jumps_is_about_the_own_mean(make):
    molecule = make.peptide(6)
    step = 0.01 * (1.0 + np.arange(molecule.n_atoms))
    for shift in (0.0, 0.5):
        side = _jumping(molecule, step, shift)
        assert rmsf_A(side, "all") == pytest.approx(10.0 * step, rel=1e-4)
        assert rmsf_A(side) == pytest.approx(10.0 * step[molecule.representative_atoms()], rel=1e-4)


def test_gaussian_rmsf(make):
    molecule = make.peptide(4)
    sigma = np.linspace(0.02, 0.2, molecule.n_atoms)
    noise = np.random.default_rng(0).normal(size=(8000, molecule.n_atoms, 3))
    side = Side.of(molecule, molecule.coordinates_nm + sigma[:, None] * noise)
    assert rmsf_A(side, "all") == pytest.approx(10.0 * np.sqrt(3.0) * sigma, rel=0.03)


def test_agrees_with_the_plain_rmsf_for_weighted_frames(make):
    molecule = make.peptide(5)
    generator = np.random.default_rng(1)
    frames = (molecule.coordinates_nm + 0.1 * generator.normal(size=(50, molecule.n_atoms, 3))).astype(np.float32)
    weights = generator.random(50)
    side = Side.of(molecule, frames, weights)
    assert rmsf_A(side, "all") == pytest.approx(10.0 * rmsf_nm(frames, weights), rel=1e-9)
    moments = side.once(displacement_moments).at()
    expected = np.cov(frames[:, 7].T.astype(float), aweights=weights, bias=True)
    assert covariances(*moments)[7] == pytest.approx(expected, rel=1e-9)


def test_metrics_of_known_profiles(make):
    molecule = make.peptide(8)
    atoms = molecule.representative_atoms()
    step = np.linspace(0.05, 0.3, molecule.n_atoms)
    one, double = _jumping(molecule, step), _jumping(molecule, 2.0 * step)
    power = _jumping(molecule, step**2)
    assert _value(RMSF_CA_R, double, one) == pytest.approx(1.0, abs=1e-6)
    assert _value(RMSF_CA_MAE_A, double, one) == pytest.approx(10.0 * step[atoms].mean(), rel=1e-5)
    assert _value(RMSF_CA_MEAN_A, double, one) == pytest.approx(20.0 * step[atoms].mean(), rel=1e-5)
    # any power law is straight on a logarithmic scale and keeps ranks, but is not linear
    assert _value(RMSF_CA_LOG_R, power, one) == pytest.approx(1.0, abs=1e-6)
    assert _value(RMSF_CA_SPEARMAN, power, one) == pytest.approx(1.0, abs=1e-12)
    expected = np.corrcoef(step[atoms] ** 2, step[atoms])[0, 1]
    assert _value(RMSF_CA_R, power, one) == pytest.approx(expected, abs=1e-6)
    assert _value(RMSF_HEAVY_R, power, one) == pytest.approx(np.corrcoef(step**2, step)[0, 1], abs=1e-6)


def test_atoms_that_stand_still_have_no_logarithm(make):
    molecule = make.peptide(8)
    step = np.linspace(0.05, 0.3, molecule.n_atoms)
    stopped = step.copy()
    stopped[molecule.representative_atoms()[:2]] = 0.0
    assert _value(RMSF_CA_LOG_R, _jumping(molecule, stopped), _jumping(molecule, step)) == pytest.approx(1.0, abs=1e-6)


def test_rounding_never_makes_a_root_of_a_negative_number():
    assert rmsf_of_moments_nm(np.array([[1.0, 0.0, 0.0]]), np.array([1.0 - 1e-12])) == 0.0
