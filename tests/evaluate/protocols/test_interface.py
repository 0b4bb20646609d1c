"""Protocol `interface` end to end."""

from __future__ import annotations

import json

import numpy as np
import pytest

from unfreeze.errors import InputError
from unfreeze.evaluate.frames import Frames
from unfreeze.evaluate.protocol import Options
from unfreeze.evaluate.protocols.interface import INTERFACE, INTERFACE_METRICS
from unfreeze.structure.geometry import rotation_matrices


def _frames(molecule, scale_nm, n_frames, seed):
    rng = np.random.default_rng(seed)
    moved = molecule.coordinates_nm + rng.normal(scale=scale_nm, size=(n_frames, molecule.n_residues, 3))[
        :, molecule.residue_index
    ]  # fmt: skip
    turns = rotation_matrices(rng.normal(size=(n_frames, 3)))
    return Frames(molecule, np.matmul(moved, turns.transpose(0, 2, 1)).astype(np.float32))


@pytest.fixture(scope="module")
def protease(make):
    return make.read("1hvr")


def test_every_metric_has_value_interval_floor_and_baseline(protease):
    outcome = INTERFACE.run(
        _frames(protease, 0.06, 24, 0), _frames(protease, 0.05, 48, 1), Options(n_bootstrap=10)
    )  # fmt: skip
    assert list(outcome.estimates) == [metric.name for metric in INTERFACE_METRICS]
    assert outcome.estimates["interface_lost_jaccard"].reason  # so little motion loses no contact
    for name, estimate in outcome.estimates.items():
        if name == "interface_lost_jaccard":
            continue
        assert estimate.value is not None, (name, estimate.reason)
        assert None not in (estimate.low, estimate.high, estimate.floor, estimate.baseline), name
        assert estimate.low <= estimate.value <= estimate.high, name
    assert outcome.estimates["dockq_mean"].reference is not None
    assert outcome.estimates["fnat_w1"].floor < outcome.estimates["fnat_w1"].value
    arrays = json.loads(json.dumps(outcome.arrays))
    assert arrays["interface_names"] == ["A–B"]
    assert arrays["interface_contact_mae_each"] == [
        pytest.approx(outcome.estimates["interface_contact_mae"].value, 1e-4)
    ]
    assert len(arrays["irmsd_ensemble_A"]) == 24 and len(arrays["irmsd_reference_A"]) == 48
    assert len(arrays["interface_contact"]) == len(arrays["interface_contact_ensemble"])


def test_the_same_frames_turned_are_perfect(protease):
    reference = _frames(protease, 0.05, 20, 3)
    turn = rotation_matrices(np.array([0.4, -1.0, 2.0]))
    turned = Frames(protease, (reference.coordinates_nm @ turn.T + 4.0).astype(np.float32))
    outcome = INTERFACE.run(turned, reference, Options(floor=False, baseline=False, n_bootstrap=0))
    for metric in INTERFACE_METRICS:
        found = outcome.estimates[metric.name]
        goal = found.reference if metric.perfect is None else metric.perfect
        # an atom pair at 0.5 nm to seven digits may fall on either side after a rotation in single precision
        assert found.value is None or found.value == pytest.approx(goal, abs=2e-3), metric.name


def test_one_chain_is_refused_and_alpha_carbons_are_scored_as_far_as_they_go(make, protease):
    single = protease.take_chains(["A"])
    with pytest.raises(InputError, match="one chain: there is no interface"):
        INTERFACE.run(_frames(single, 0.05, 4, 0), _frames(single, 0.05, 4, 1), Options())
    alpha = protease.take_atoms((protease.atom_name == "CA") & (protease.element == "C"))
    outcome = INTERFACE.run(
        _frames(alpha, 0.05, 12, 0), _frames(protease, 0.05, 12, 1), Options(floor=False, baseline=False, n_bootstrap=0)
    )  # fmt: skip
    measured = {name for name, estimate in outcome.estimates.items() if estimate.value is not None}
    assert measured == {"interface_ca_contact_mae", "interchain_dccm_r", "interface_dccm_r"}
    assert "no side chains" in outcome.estimates["interface_contact_mae"].reason
    assert "no backbone" in outcome.estimates["lrmsd_w1_A"].reason


def test_an_ensemble_of_one_chain_says_so(protease):
    single = protease.take_chains(["A"])
    outcome = INTERFACE.run(_frames(single, 0.05, 8, 0), _frames(protease, 0.05, 8, 1), Options(n_bootstrap=0))
    assert all(estimate.value is None for estimate in outcome.estimates.values())
    assert any("Only chain A" in note for note in outcome.notes)
