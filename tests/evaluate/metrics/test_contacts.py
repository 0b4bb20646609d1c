"""Weak and transient contacts against plain loops and known probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import NotMeasurableError
from unfreeze.evaluate.metrics.contacts import (
    TRANSIENT_CONTACTS_JACCARD,
    WEAK_CONTACTS_JACCARD,
    contact_shares,
    contacts_of_structure,
    transient_contacts,
    weak_contacts,
)


def _value(metric, ensemble, reference):
    found = metric.measure(ensemble, reference)
    return found.statistic(found.ensemble.at(), found.reference.at())


def _trace(make, points):
    return make.assemble([("A", "GLY", "protein", ("CA",), point) for point in points])


def test_shares_against_loops(make):
    generator = np.random.default_rng(0)
    points = 1.2 * generator.random((14, 3))
    molecule = _trace(make, points)
    frames = (points + 0.15 * generator.normal(size=(50, 14, 3))).astype(np.float32)
    side = Side.of(molecule, frames, generator.random(50), replica_start=np.array([0, 30]))
    found = contact_shares(side).toarray()
    pair = 0
    for i in range(14):
        for j in range(i + 1, 14):
            close = np.linalg.norm(frames[:, i].astype(float) - frames[:, j], axis=1) < 0.8
            expected = [side.weights[(side.block == block) & close].sum() for block in range(len(found))]
            assert found[:, pair] == pytest.approx(np.array(expected), abs=1e-12)
            assert contacts_of_structure(side)[pair] == (np.linalg.norm(points[i] - points[j]) < 0.8)
            pair += 1
    assert pair == found.shape[1]
    assert 0.1 < found.sum() / found.shape[1] < 0.9


def test_far_pairs_that_meet_only_sometimes_are_not_passed_over(make):
    molecule = _trace(make, [[0, 0, 0], [5, 0, 0], [0, 9, 0]])
    frames = np.repeat(molecule.coordinates_nm[None], 300, axis=0)
    frames[137, 1] = [0.5, 0.0, 0.0]
    frames[299, 2] = [0.0, 0.79, 0.0]
    assert contact_shares(Side.of(molecule, frames)).toarray().sum(axis=0) == pytest.approx([1 / 300, 1 / 300, 0.0])


def _opening(make, n_open, n_frames=10):
    """Four pairs, far from each other, 0.6 nm apart and 1 nm in `n_open` frames."""
    left = np.stack([np.zeros(4), 3.0 * np.arange(4), np.zeros(4)], axis=1)
    points = np.stack([left, left + np.array([0.6, 0.0, 0.0])], axis=1).reshape(-1, 3)
    frames = np.repeat(points[None], n_frames, axis=0)
    for pair, count in enumerate(n_open):
        frames[:count, 2 * pair + 1, 0] = 1.0
    return _trace(make, points), frames


def test_a_contact_is_weak_below_nine_in_ten(make):
    molecule, frames = _opening(make, [0, 1, 2, 9])
    _, other = _opening(make, [0, 2, 0, 5])
    # the structure has four contacts: weak are 2, 3 on the one side (a tenth open is not enough), 1, 3 on the other
    assert _value(WEAK_CONTACTS_JACCARD, Side.of(molecule, frames), Side.of(molecule, other)) == pytest.approx(1 / 3)
    with pytest.raises(NotMeasurableError, match="neither side has transient contacts"):
        TRANSIENT_CONTACTS_JACCARD.measure(Side.of(molecule, frames), Side.of(molecule, other))


def test_a_contact_is_transient_above_one_in_ten(make):
    molecule, frames = _opening(make, [0, 9, 8, 0])
    _, other = _opening(make, [10, 8, 10, 0])
    apart = molecule.with_coordinates(_opening(make, [1, 1, 1, 0])[1][0])
    assert contacts_of_structure(Side.of(apart, frames)).sum() == 1
    # closed in 10, 1 and 2 frames of ten (1 is not enough), and in 0, 2 and 0: nothing in common
    assert _value(TRANSIENT_CONTACTS_JACCARD, Side.of(apart, frames), Side.of(apart, other)) == 0.0
    _, third = _opening(make, [5, 5, 5, 0])
    assert _value(TRANSIENT_CONTACTS_JACCARD, Side.of(apart, frames), Side.of(apart, third)) == pytest.approx(2 / 3)


@pytest.mark.parametrize("n_frames", [10, 250, 1000, 30000])
def test_thresholds_do_not_hang_on_rounding(n_frames):
    in_structure = np.array([True, False])
    probability = np.cumsum(np.full(n_frames, 1.0 / n_frames))[[n_frames * 9 // 10 - 1, n_frames // 10 - 1]]
    assert not weak_contacts(probability, in_structure)[0]
    assert not transient_contacts(probability, in_structure)[1]
    beyond = probability + np.array([-1.0, 1.0]) / n_frames
    assert weak_contacts(beyond, in_structure)[0] and transient_contacts(beyond, in_structure)[1]


def test_contacts_between_chains_count(make):
    molecule = make.assemble([(name, "GLY", "protein", ("CA",), [x, 0, 0])
                              for name, x in (("A", 0.0), ("A", 3.0), ("B", 0.6))])  # fmt: skip
    frames = np.repeat(molecule.coordinates_nm[None], 4, axis=0)
    frames[:2, 2, 0] = 1.5
    side = Side.of(molecule, frames)
    assert _value(WEAK_CONTACTS_JACCARD, side, side) == 1.0
