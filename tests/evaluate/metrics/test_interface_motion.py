"""Cross-correlations across chains: constructed ones, agreement with the whole matrix, weights."""

from __future__ import annotations

import numpy as np
import pytest

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import NotMeasurableError
from unfreeze.evaluate.metrics import interface_motion
from unfreeze.evaluate.metrics.interface_motion import (
    INTERCHAIN_DCCM_R,
    INTERFACE_DCCM_R,
    correlations,
    interchain_moments,
    near_moments,
)
from unfreeze.structure.observables.motion import dccm


def _statistic(metric, ensemble, reference):
    found = metric.measure(ensemble, reference)
    return found.statistic(found.ensemble.at(), found.reference.at())


def _coupled(molecule, signs, n_frames=400, seed=0):
    """Frames in which residue k of chain B follows residue k of chain A, with or against it."""
    rng = np.random.default_rng(seed)
    n = molecule.n_residues // 2
    own = rng.normal(scale=0.05, size=(n_frames, n, 3))
    return np.concatenate([own, own * np.asarray(signs)[:, None]], axis=1) + molecule.coordinates_nm


def test_coupled_chains_are_found_and_mirrored_ones_oppose(cases):
    molecule = cases.two_rows(last_apart=False)
    signs = np.array([1.0, 1.0, -1.0, 1.0, -1.0, 1.0])
    with_it, against = Side.of(molecule, _coupled(molecule, signs)), Side.of(molecule, _coupled(molecule, -signs))
    for metric in (INTERCHAIN_DCCM_R, INTERFACE_DCCM_R):
        assert _statistic(metric, with_it, with_it) == pytest.approx(1.0)
        assert _statistic(metric, against, with_it) < -0.95
    pairs = np.array([[k, 6 + k] for k in range(6)])
    _, far, _ = with_it.once(interface_motion._pairs)
    values = correlations(interchain_moments(with_it).at(), far)
    direct = [values[(far == pair).all(axis=1)][0] for pair in pairs]
    assert np.allclose(direct, signs, atol=1e-6)


def test_pairs_of_the_whole_matrix_with_weights(make, cases):
    molecule = cases.dimer()
    rng = np.random.default_rng(2)
    swing = rng.normal(size=(60, 1, 1)) * rng.normal(size=(1, molecule.n_atoms, 3)) * 0.05
    frames = molecule.coordinates_nm + swing + rng.normal(scale=0.03, size=(60, molecule.n_atoms, 3))
    weights = rng.uniform(0.1, 1.0, size=60)
    side = Side.of(molecule, frames, weights)
    atoms, far, near = side.once(interface_motion._pairs)
    whole = dccm(side.frames_nm[:, atoms], weights)
    assert len(far) == 12 * 12
    assert np.allclose(correlations(interchain_moments(side).at(), far), whole[far[:, 0], far[:, 1]], atol=1e-6)
    assert np.allclose(correlations(near_moments(side).at(), near), whole[near[:, 0], near[:, 1]], atol=1e-6)
    points = molecule.coordinates_nm[atoms]
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    chain = molecule.atom_chain_index[atoms]
    expected = np.argwhere((distance < 1.5) & (chain[:, None] < chain[None]))
    assert sorted(map(tuple, near.tolist())) == sorted(map(tuple, expected.tolist()))


def test_many_pairs_are_thinned_evenly(cases, monkeypatch):
    molecule = cases.two_rows(n=12)
    monkeypatch.setattr(interface_motion, "_MAX_PAIRS", 40)
    side = Side.of(molecule, _coupled(molecule, np.ones(12)))
    _, far, near = side.once(interface_motion._pairs)
    assert far.tolist() == [[a, b] for a in range(0, 12, 2) for b in range(12, 24, 2)]
    assert {23, 11} <= set(near.ravel().tolist())


def test_what_cannot_be_measured_says_why(make, cases):
    single = make.peptide(6)
    side = Side.of(single, np.repeat(single.coordinates_nm[None], 4, axis=0))
    with pytest.raises(NotMeasurableError, match="one chain"):
        INTERCHAIN_DCCM_R.measure(side, side)
    molecule = cases.two_rows()
    side = Side.of(molecule, molecule.coordinates_nm[None])
    with pytest.raises(NotMeasurableError, match="at least 3 frames"):
        INTERFACE_DCCM_R.measure(side, side)
    still = Side.of(molecule, np.repeat(molecule.coordinates_nm[None], 5, axis=0))
    assert np.isnan(_statistic(INTERCHAIN_DCCM_R, still, still))
