"""The reference is halved by replicas where it has them, in time where not, and thinned to the ensemble's frames."""

from __future__ import annotations

import numpy as np
import pytest

from unfreeze.evaluate.floor import floor_pair, why_no_floor
from unfreeze.evaluate.frames import AlignedPair, Side


@pytest.fixture(scope="module")
def molecule(make):
    return make.peptide(2)


def _numbered(molecule, n_frames, starts=(0,), weights=None, clock=None):
    """Frames that carry their own number as coordinate."""
    frames = np.broadcast_to(np.arange(float(n_frames))[:, None, None], (n_frames, molecule.n_atoms, 3))
    return Side.of(molecule, frames, weights, replica_start=np.array(starts), time_step_ps=clock)


def _numbers(side):
    return side.frames_nm[:, 0, 0].astype(int)


@pytest.mark.parametrize(
    ("n_frames", "starts", "middle"),
    [
        (10, (0,), 5),
        (11, (0,), 5),
        (30, (0, 10, 20), 10),  # 10 against 20 and 20 against 10 are as uneven
        (40, (0, 10, 20, 30), 20),
        (30, (0, 5, 12, 18), 12),
        (30, (0, 4), 4),  # whole replicas, uneven as they are
    ],
)
def test_halves(molecule, n_frames, starts, middle):
    pair = AlignedPair(_numbered(molecule, 100), _numbered(molecule, n_frames, starts, clock=5.0))
    found = floor_pair(pair, 0)
    assert found is not None and why_no_floor(pair) is None
    assert np.array_equal(_numbers(found.ensemble), np.arange(middle))
    assert np.array_equal(_numbers(found.reference), np.arange(middle, n_frames))
    assert np.array_equal(found.ensemble.replica_start, [s for s in starts if s < middle])
    rest = sorted({0, *(s - middle for s in starts if s > middle)})
    assert np.array_equal(found.reference.replica_start, rest)
    assert found.reference.time_step_ps == 5.0


def test_the_first_half_has_as_many_frames_as_the_ensemble(molecule):
    pair = AlignedPair(_numbered(molecule, 25), _numbered(molecule, 1000))
    found = floor_pair(pair, 3)
    assert found is not None
    rows = _numbers(found.ensemble)
    # one frame from each stretch of twenty
    assert np.array_equal(rows // 20, np.arange(25))
    assert found.ensemble.time_step_ps is None
    assert found.reference.n_frames == 500
    again, other = floor_pair(pair, 3), floor_pair(pair, 4)
    assert again is not None and other is not None
    assert np.array_equal(_numbers(again.ensemble), rows)
    assert not np.array_equal(_numbers(other.ensemble), rows)


def test_weights_go_with_their_frames(molecule):
    weights = np.tile([0.0, 1.0, 0.0, 3.0], 10)
    pair = AlignedPair(_numbered(molecule, 5), _numbered(molecule, 40, weights=weights))
    found = floor_pair(pair, 0)
    assert found is not None
    rows = _numbers(found.ensemble)
    assert len(rows) == 5 and (rows % 2 == 1).all()  # frames without weight are not drawn
    assert found.ensemble.weights == pytest.approx(weights[rows] / weights[rows].sum())
    assert found.reference.weights == pytest.approx(weights[20:] / 20.0)


def test_what_has_no_floor_says_why(molecule):
    ensemble = _numbered(molecule, 10)
    few = AlignedPair(ensemble, _numbered(molecule, 3))
    assert floor_pair(few, 0) is None
    assert why_no_floor(few) == "the reference has 3 frames, and halving it takes at least 4"
    lopsided = AlignedPair(ensemble, _numbered(molecule, 8, weights=np.repeat([1.0, 0.0], 4)))
    assert floor_pair(lopsided, 0) is None
    assert why_no_floor(lopsided) == "one half of the reference has no weight"


def test_frames_are_not_copied_where_they_need_not_be(molecule):
    reference = _numbered(molecule, 40)
    found = floor_pair(AlignedPair(_numbered(molecule, 30), reference), 0)
    assert found is not None
    assert np.shares_memory(found.reference.frames_nm, reference.frames_nm)
    assert np.shares_memory(found.ensemble.frames_nm, reference.frames_nm)
