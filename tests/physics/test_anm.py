"""The anisotropic network model: its Hessian against finite differences, its draws against the pseudo-inverse."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.spatial.distance import pdist

from unfreeze.physics import anm
from unfreeze.physics.anm import LooseNetworkError, anm_displacements, anm_hessian
from unfreeze.physics.harmonic import rigid_motions

_POINTS = np.random.default_rng(0).random((14, 3)) * 1.6


def test_hessian_is_the_second_derivative_of_the_springs():
    rest = pdist(_POINTS)
    joined = rest < 1.2

    def energy(moved):
        return 0.5 * ((pdist(moved.reshape(-1, 3)) - rest)[joined] ** 2).sum()

    flat = _POINTS.ravel()
    numeric = np.array([
        approx_fprime(flat, lambda x, k=k: approx_fprime(x, energy, 1e-4)[k], 1e-4) for k in range(0, 42, 5)
    ])  # fmt: skip
    assert anm_hessian(_POINTS, 1.2).toarray()[::5] == pytest.approx(numeric, abs=2e-3)


def test_hessian_agrees_with_another_implementation():
    prody = pytest.importorskip("prody")
    other = prody.ANM()
    other.buildHessian(10.0 * _POINTS, cutoff=15.0)
    assert anm_hessian(_POINTS).toarray() == pytest.approx(other.getHessian(), abs=1e-9)


@pytest.mark.parametrize("dense", [True, False])
def test_draws_have_the_pseudo_inverse_as_covariance(monkeypatch, dense):
    monkeypatch.setattr(anm, "DENSE_NODES", 1_000 if dense else 1)
    draws = anm_displacements(_POINTS, 20_000, np.random.default_rng(1), cutoff_nm=1.2).reshape(20_000, -1)
    expected = np.linalg.pinv(anm_hessian(_POINTS, 1.2).toarray(), rcond=1e-9)
    found = draws.T.astype(float) @ draws / len(draws)
    assert np.abs(found - expected).max() < 0.03 * np.abs(expected).max()
    assert np.trace(found) == pytest.approx(np.trace(expected), rel=0.02)
    # no rigid motion of the whole is left
    assert np.abs(draws @ np.linalg.qr(rigid_motions(_POINTS))[0]).max() < 1e-3 * draws.std()


def test_a_draw_depends_on_the_seed_and_not_on_how_many_there_are(monkeypatch):
    many = anm_displacements(_POINTS, 300, np.random.default_rng(2))
    few = anm_displacements(_POINTS, 7, np.random.default_rng(2))
    assert few == pytest.approx(many[:7], rel=1e-4, abs=1e-6)
    assert np.abs(anm_displacements(_POINTS, 7, np.random.default_rng(3)) - few).max() > 0.1


@pytest.mark.parametrize("dense", [True, False])
def test_loose_networks_are_refused(monkeypatch, dense):
    monkeypatch.setattr(anm, "DENSE_NODES", 1_000 if dense else 1)
    generator = np.random.default_rng(4)
    with pytest.raises(LooseNetworkError, match="2 separate parts, the smallest of 14 of 28 nodes"):
        anm_displacements(np.concatenate([_POINTS, _POINTS + 20.0]), 2, generator)
    with pytest.raises(LooseNetworkError, match="at least 3 nodes, found 2"):
        anm_displacements(_POINTS[:2], 2, generator)
    rod = np.stack([0.38 * np.arange(12), np.zeros(12), np.zeros(12)], axis=1)
    with pytest.raises(LooseNetworkError, match="without bending a spring"):
        anm_displacements(rod, 2, generator)
    hinged = np.concatenate([_POINTS, [_POINTS[_POINTS[:, 0].argmax()] + [1.4, 0.0, 0.0]]])  # held by one spring or two
    with pytest.raises(LooseNetworkError, match="without bending a spring"):
        anm_displacements(hinged, 2, generator)
