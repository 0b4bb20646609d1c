"""Observables of motion against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unfreeze.structure.geometry import rotation_matrices
from unfreeze.structure.observables.motion import (
    dccm,
    frame_rmsd_nm,
    normalised_weights,
    principal_components,
    rmsf_nm,
    weighted_mean_sd,
)


def _frames(seed: int, n_frames: int = 40, n_atoms: int = 12) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n_atoms, 3)) + 0.1 * rng.normal(size=(n_frames, n_atoms, 3))


def test_rmsf_of_a_known_oscillation():
    frames = np.zeros((4, 2, 3))
    frames[:, 0, 0] = [0.1, -0.1, 0.1, -0.1]
    assert np.allclose(rmsf_nm(frames), [0.1, 0.0])


def test_integer_weights_equal_repeated_frames():
    frames = _frames(1, n_frames=5)
    counts = np.array([1, 3, 0, 2, 4])
    repeated = np.repeat(frames, counts, axis=0)
    assert np.allclose(rmsf_nm(frames, counts), rmsf_nm(repeated))
    assert np.allclose(dccm(frames, counts), dccm(repeated))
    ours, theirs = principal_components(frames, 2, counts), principal_components(repeated, 2)
    assert np.allclose(ours.variances_nm2, theirs.variances_nm2)
    assert np.isclose(ours.total_variance_nm2, theirs.total_variance_nm2)


def test_dccm_of_atoms_moving_together_against_and_not():
    phase = np.linspace(0.0, 2.0 * np.pi, 32, endpoint=False)
    frames = np.zeros((32, 4, 3))
    frames[:, 0, 0] = np.sin(phase)
    frames[:, 1, 0] = 2.0 * np.sin(phase)
    frames[:, 2, 0] = -np.sin(phase)
    correlations = dccm(frames)
    assert np.isclose(correlations[0, 1], 1.0)
    assert np.isclose(correlations[0, 2], -1.0)
    assert np.allclose(correlations[3], [0.0, 0.0, 0.0, 1.0])


def test_dccm_of_groups_is_the_block_mean():
    frames = _frames(5, n_atoms=7)
    groups = np.array([0, 0, 1, 1, 1, 2, 2])
    full = dccm(frames)
    expected = [[full[np.ix_(groups == a, groups == b)].mean() for b in range(3)] for a in range(3)]
    assert np.allclose(dccm(frames, groups=groups), expected)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_principal_components_are_orthonormal_and_explain_the_variance(seed):
    frames = _frames(seed, n_frames=15, n_atoms=6)
    result = principal_components(frames, 14)
    flat = result.components.reshape(len(result.components), -1)
    assert np.allclose(flat @ flat.T, np.eye(len(flat)), atol=1e-8)
    assert np.isclose(result.total_variance_nm2, (rmsf_nm(frames) ** 2).sum())
    assert np.allclose(result.projections_nm.var(axis=0), result.variances_nm2)
    assert np.isclose(result.shares.sum(), 1.0)
    assert np.allclose(result.project(frames), result.projections_nm)


def test_superposing_removes_rigid_motion():
    rng = np.random.default_rng(3)
    shape = rng.normal(size=(10, 3))
    turns = rotation_matrices(rng.normal(size=(20, 3)))
    frames = shape @ turns.transpose(0, 2, 1) + rng.normal(size=(20, 1, 3))
    assert rmsf_nm(frames).min() > 0.1
    assert np.allclose(rmsf_nm(frames, superposed=False), 0.0, atol=1e-7)
    assert np.allclose(frame_rmsd_nm(frames, shape, superposed=False), 0.0, atol=1e-7)


def test_one_frame_does_not_move():
    frames = _frames(4, n_frames=1)
    assert np.allclose(rmsf_nm(frames), 0.0)
    assert np.allclose(dccm(frames), np.eye(12))
    assert np.allclose(principal_components(frames).shares, 0.0)


def test_weights_that_make_no_sense_are_refused():
    for weights in (np.ones(3), np.array([1.0, -1.0]), np.zeros(2), np.array([1.0, np.nan])):
        with pytest.raises(ValueError, match="weights"):
            normalised_weights(weights, 2)
    assert np.isnan(weighted_mean_sd(np.empty(0))[0])
    assert weighted_mean_sd(np.array([1.0, 3.0]), np.array([3.0, 1.0])) == pytest.approx((1.5, np.sqrt(0.75)))
