"""Mean pairwise RMSD against plain loops."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metrics import pairwise_rmsd
from unfreeze.evaluate.metrics.pairwise_rmsd import PAIRWISE_RMSD_A, mean_over_pairs, pairwise_rmsd_nm


def _value(metric, ensemble, reference):
    found = metric.measure(ensemble, reference)
    return found.statistic(found.ensemble.at(), found.reference.at())


def test_matrix_and_mean_against_loops(make, monkeypatch):
    monkeypatch.setattr(pairwise_rmsd, "_ATOMS_A_BLOCK", 3)
    generator = np.random.default_rng(0)
    frames = 50.0 + generator.normal(size=(9, 7, 3))
    weights = generator.random(9)
    weights /= weights.sum()
    found = pairwise_rmsd_nm(frames)
    total = pairs = 0.0
    for f, g in itertools.product(range(9), repeat=2):
        distance = np.sqrt(((frames[f] - frames[g]) ** 2).sum() / 7)
        assert found[f, g] == pytest.approx(distance, abs=1e-9)
        if f != g:
            total += weights[f] * weights[g] * distance
            pairs += weights[f] * weights[g]
    assert mean_over_pairs(found, weights) == pytest.approx(total / pairs)
    assert np.isnan(mean_over_pairs(np.zeros((1, 1)), np.ones(1)))


def test_the_mean_does_not_depend_on_the_number_of_frames(make):
    molecule = make.peptide(5)
    generator = np.random.default_rng(1)

    def side(n):
        return Side.of(molecule, molecule.coordinates_nm + 0.1 * generator.normal(size=(n, molecule.n_atoms, 3)))

    many = _value(PAIRWISE_RMSD_A, side(600), side(2))
    few = np.mean([_value(PAIRWISE_RMSD_A, side(3), side(2)) for _ in range(150)])
    assert few == pytest.approx(many, rel=0.03)  # with the diagonal it would be a third less
    assert many == pytest.approx(10.0 * 0.1 * np.sqrt(6.0), rel=0.05)


def test_a_long_side_is_thinned_evenly(make, monkeypatch):
    monkeypatch.setattr(pairwise_rmsd, "MAX_FRAMES", 5)
    molecule = make.peptide(4)
    frames = molecule.coordinates_nm + 0.1 * np.random.default_rng(2).normal(size=(15, molecule.n_atoms, 3))
    long, thinned = Side.of(molecule, frames), Side.of(molecule, frames[1::3])
    assert _value(PAIRWISE_RMSD_A, long, long) == pytest.approx(_value(PAIRWISE_RMSD_A, thinned, thinned))


def test_resampling_leaves_copies_of_one_frame_unpaired(make):
    molecule = make.peptide(4)
    frames = molecule.coordinates_nm + 0.1 * np.random.default_rng(3).normal(size=(4, molecule.n_atoms, 3))
    side = Side.of(molecule, frames)  # a block each
    found = PAIRWISE_RMSD_A.measure(side, side)
    twice = found.statistic(found.ensemble.at(np.array([2, 2, 0, 0])), None)
    assert twice == pytest.approx(_value(PAIRWISE_RMSD_A, Side.of(molecule, frames[:2]), side))
    assert np.isnan(found.statistic(found.ensemble.at(np.array([4, 0, 0, 0])), None))
