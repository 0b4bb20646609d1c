"""Errors of means against series whose correlation is known exactly."""

from __future__ import annotations

import numpy as np
import pytest

from unfreeze.simulate.quality.series import (
    block_average,
    effective_sample_size,
    equilibration_start,
    langevin_inefficiency,
    statistical_inefficiency,
)


def autoregressive(n, rho, seed=0):
    """x_t = ρ x_(t-1) + noise with unit variance: correlation ρ^t, g = (1 + ρ)/(1 - ρ)."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=n) * np.sqrt(1.0 - rho**2)
    values = np.empty(n)
    values[0] = rng.normal()
    for k in range(1, n):
        values[k] = rho * values[k - 1] + noise[k]
    return values


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_inefficiency_of_an_autoregressive_series(rho):
    expected = (1.0 + rho) / (1.0 - rho)
    found = np.mean([statistical_inefficiency(autoregressive(20_000, rho, seed)) for seed in range(5)])
    assert found == pytest.approx(expected, rel=0.15)
    assert effective_sample_size(autoregressive(20_000, rho)) == pytest.approx(20_000 / expected, rel=0.25)


def test_an_angle_is_followed_on_the_circle():
    walk = np.pi + 0.3 * autoregressive(5000, 0.8)
    wrapped = np.angle(np.exp(1j * walk))
    circle = np.stack([np.cos(wrapped), np.sin(wrapped)], axis=1)
    assert statistical_inefficiency(circle) == pytest.approx(9.0, rel=0.25)


@pytest.mark.parametrize("values", [np.ones(100), np.zeros(2), np.array([3.0]), np.arange(4.0)])
def test_series_that_say_nothing_have_one(values):
    assert statistical_inefficiency(values) == 1.0


@pytest.mark.parametrize("rho", [0.0, 0.9])
def test_block_average_finds_the_error_of_the_mean(rho):
    n = 2**14
    expected = np.sqrt((1.0 + rho) / (1.0 - rho) / n)
    found = [block_average(autoregressive(n, rho, seed)) for seed in range(8)]
    assert np.mean([item.sem for item in found]) == pytest.approx(expected, rel=0.25)
    assert np.mean([item.plateau for item in found]) > 0.5
    assert found[0].block_sizes.tolist() == [2**k for k in range(len(found[0].sems))]
    assert n / found[0].block_sizes[-1] >= 16


def test_a_series_shorter_than_its_memory_has_no_plateau():
    assert not block_average(np.linspace(0.0, 1.0, 512)).plateau
    assert not block_average(np.random.default_rng(0).normal(size=20)).plateau
    with pytest.raises(ValueError, match="at least two"):
        block_average(np.ones(1))


def test_equilibration_ends_where_the_series_levels_off():
    values = autoregressive(2000, 0.5) + 20.0 * np.exp(-np.arange(2000) / 60.0)
    assert 150 <= equilibration_start(values) <= 500
    assert equilibration_start(autoregressive(2000, 0.5)) < 500


def test_langevin_bound_holds_for_a_free_particle():
    # kinetic energy of free velocities forgets as exp(-2γt)
    for interval in (0.01, 0.1, 1.0, 10.0):
        exact = 1.0 / np.tanh(interval)
        assert exact <= langevin_inefficiency(interval, 1.0) < 2.0 * exact + 1e-12
