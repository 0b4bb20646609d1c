"""Stretches of frames, evenly spaced frames, and what series are compared by."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import NotMeasurableError
from unfreeze.evaluate.metrics import walking
from unfreeze.evaluate.metrics.selection import representatives, require_frames
from unfreeze.evaluate.metrics.similarity import jaccard, pearson, spearman
from unfreeze.evaluate.metrics.walking import block_weights, evenly_spaced, stretches


@pytest.mark.parametrize("bytes_each", [1, 24 * 5 * 4, 2**30])
@pytest.mark.parametrize("max_frames", [None, 3])
def test_stretches_go_through_all_frames_in_order_and_stay_in_a_block(make, monkeypatch, bytes_each, max_frames):
    monkeypatch.setattr(walking, "STRETCH_BYTES", bytes_each)
    molecule = make.peptide(4)
    frames = np.random.default_rng(0).normal(size=(57, molecule.n_atoms, 3)).astype(np.float32)
    side = Side.of(molecule, frames, np.arange(57.0), replica_start=np.array([0, 23]))
    atoms = molecule.representative_atoms()
    found = list(stretches(side, atoms, max_frames))
    assert np.array_equal(np.concatenate([part for *_, part in found]), frames[:, atoms])
    assert np.array_equal(np.concatenate([weights for _, weights, _ in found]), side.weights)
    assert np.array_equal(np.concatenate([[block] * len(part) for block, _, part in found]), side.block)
    longest = max(len(part) for *_, part in found)
    assert longest <= min(max(1, bytes_each // (24 * len(atoms))), max_frames or 57)
    assert np.allclose(block_weights(side), [side.weights[side.block == b].sum() for b in range(side.block[-1] + 1)])


@pytest.mark.parametrize(("n", "k"), [(10, 3), (10, 10), (7, 20), (1000, 999), (30003, 250)])
def test_evenly_spaced_frames(n, k):
    rows = evenly_spaced(n, k)
    assert len(rows) == min(n, k) and len(np.unique(rows)) == len(rows)
    assert rows[0] >= 0 and rows[-1] < n
    assert np.ptp(np.diff(rows)) <= 1
    assert abs((rows[0] + 1) - (n - rows[-1])) <= 1  # as far from the beginning as from the end


def test_correlations_agree_with_scipy_and_are_nan_of_constants():
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=30), generator.integers(0, 5, 30).astype(float)
    assert pearson(x, y) == pytest.approx(stats.pearsonr(x, y)[0])
    assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y)[0])
    assert pearson(x, 3.0 * x + 1.0) == pytest.approx(1.0, abs=1e-12)
    assert pearson(x, -x) == pytest.approx(-1.0, abs=1e-12)
    assert np.isnan(pearson(x, np.full(30, 0.1)))
    assert np.isnan(pearson(np.zeros(30), x))
    assert np.isnan(pearson(x[:1], y[:1]))


def test_jaccard_counts_and_is_nan_of_two_empty_sets():
    one, other = np.array([True, True, False, False]), np.array([True, False, True, False])
    assert jaccard(one, other) == pytest.approx(1 / 3)
    assert jaccard(one, one) == 1.0
    assert np.isnan(jaccard(one & False, other & False))


def test_representatives_are_thinned_evenly_and_refused_when_too_few(make):
    molecule = make.peptide(10)
    side = Side.of(molecule, molecule.coordinates_nm[None])
    assert np.array_equal(representatives(side), molecule.representative_atoms())
    assert np.array_equal(representatives(side, 3, 5), molecule.representative_atoms()[1::2])
    with pytest.raises(NotMeasurableError, match="at least 11 representative"):
        representatives(side, 11)


def test_frames_without_weight_do_not_count(make):
    molecule = make.peptide(3)
    two = Side.of(molecule, np.repeat(molecule.coordinates_nm[None], 2, axis=0))
    one = Side.of(molecule, two.frames_nm, np.array([0.0, 1.0]))
    require_frames(two, two)
    with pytest.raises(NotMeasurableError, match="the reference has 1 frame"):
        require_frames(two, one)
