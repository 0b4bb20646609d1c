from __future__ import annotations

import json

import numpy as np
import pytest

from unfreeze.evaluate.frames import Frames
from unfreeze.evaluate.protocol import Options
from unfreeze.evaluate.protocols.bioemu import BIOEMU, NONE_LEFT

PLAIN = Options(floor=False, baseline=False, n_bootstrap=0)


@pytest.fixture(scope="module")
def both(make):
    """A helix and the same chain stretched out."""
    return make.peptide(16, phi=-60.0, psi=-45.0), make.peptide(16).coordinates_nm


def frames_of(both, n_folded, n_unfolded, n_torn=0, shake_nm=0.005):
    helix, stretched = both
    torn = helix.coordinates_nm + np.where(helix.residue_index > 7, 3.0, 0.0)[:, None]
    frames = np.repeat([helix.coordinates_nm, stretched, torn], [n_folded, n_unfolded, n_torn], axis=0)
    order = np.random.default_rng(0).permutation(len(frames))
    shake = np.random.default_rng(1).normal(scale=shake_nm, size=frames.shape)
    return Frames(helix, (frames + shake)[order].astype(np.float32))


def test_every_metric_with_floor_and_baseline(both):
    outcome = BIOEMU.run(frames_of(both, 40, 10), frames_of(both, 30, 30), Options(n_bootstrap=20))
    assert list(outcome.estimates) == [metric.name for metric in BIOEMU.metrics]
    for metric in BIOEMU.metrics:
        estimate = outcome.estimates[metric.name]
        assert estimate.reason == ""
        assert estimate.floor is not None
        assert metric.bounds[0] <= estimate.low <= estimate.value <= estimate.high <= metric.bounds[1]
    found = outcome.estimates
    assert found["folded_share"].value == pytest.approx(0.8, abs=1e-2)
    assert found["folded_share"].reference == pytest.approx(0.5, abs=1e-2)
    expected = -8.31446e-3 * 295.0 * np.log(4.0)
    assert found["folding_free_energy_kJ_mol"].value == pytest.approx(expected, rel=0.02)
    assert found["folding_free_energy_error_kJ_mol"].value == pytest.approx(abs(expected), rel=0.05)
    assert found["coverage"].value == 1.0
    json.dumps([BIOEMU.describe(), outcome.matching, outcome.notes])


def test_frames_that_are_no_protein_are_left_out_first(both):
    outcome = BIOEMU.run(frames_of(both, 30, 10, n_torn=10), frames_of(both, 30, 10), PLAIN)
    assert outcome.estimates["physical_share"].value == pytest.approx(0.8)
    assert outcome.estimates["physical_clash_share"].value == 1.0
    assert outcome.estimates["folded_share"].value == pytest.approx(0.75, abs=1e-2)
    assert "10 of 50 frames do not pass the physicality filter and are left out." in outcome.notes


def test_reason_where_no_frame_is_left(both):
    outcome = BIOEMU.run(frames_of(both, 0, 0, n_torn=5), frames_of(both, 10, 10), PLAIN)
    assert outcome.estimates["physical_share"].value == 0.0
    assert outcome.estimates["coverage"].reason == NONE_LEFT
    assert outcome.estimates["native_contacts"].value is None
    assert list(outcome.estimates) == [metric.name for metric in BIOEMU.metrics]


def test_a_reference_of_one_structure(both):
    outcome = BIOEMU.run(frames_of(both, 20, 20), frames_of(both, 1, 0), Options(n_bootstrap=0))
    assert outcome.estimates["coverage"].value == 1.0
    assert outcome.estimates["folding_free_energy_error_kJ_mol"].reason.startswith("the reference is one structure")
    assert outcome.estimates["folding_free_energy_kJ_mol"].value == pytest.approx(0.0, abs=0.2)
    assert any(note.startswith("No floor: the reference has 1 frames") for note in outcome.notes)
    assert any(note.startswith("No baseline: ") for note in outcome.notes)
