"""Protocol `conformations`: known fractions of the way between open and closed adenylate kinase."""

from __future__ import annotations

import numpy as np
import pytest

from unfreeze.errors import InputError
from unfreeze.evaluate.frames import Frames
from unfreeze.evaluate.protocol import Options
from unfreeze.evaluate.protocols.conformations import CONFORMATIONS
from unfreeze.structure.geometry import rotation_matrices, superpose

QUICK = Options(n_bootstrap=0)


@pytest.fixture(scope="module")
def states(make):
    """Open and closed form with the same atoms, superposed over Cα."""
    opened, closed = make.read("adk_open.pdb"), make.read("adk_closed.pdb")
    key = [{closed_or_open.atom_label(a).split(":", 1)[1]: a for a in range(closed_or_open.n_atoms)}
           for closed_or_open in (opened, closed)]  # fmt: skip
    common = [name for name in key[0] if name in key[1]]
    opened = opened.take_atoms(np.array([key[0][name] for name in common]))
    closed = closed.take_atoms(np.array([key[1][name] for name in common]))
    moved = superpose(opened.coordinates_nm[None], closed.coordinates_nm, closed.representative_atoms())[0]
    return opened.with_coordinates(moved), closed


def _on_the_way(states, shares, seed=0):
    opened, closed = states
    shares = np.asarray(shares, dtype=np.float64)[:, None, None]
    frames = (1.0 - shares) * opened.coordinates_nm + shares * closed.coordinates_nm
    turns = rotation_matrices(np.random.default_rng(seed).normal(size=(len(frames), 3)))
    return Frames(opened, np.matmul(frames, turns.transpose(0, 2, 1)).astype(np.float32))


def _values(outcome):
    return {name: estimate.value for name, estimate in outcome.estimates.items()}


def test_interpolated_frames_are_their_share_of_the_way(states):
    shares = np.linspace(0.0, 0.8, 40)
    closed = Frames(states[1], states[1].coordinates_nm[None])
    found = CONFORMATIONS.run(_on_the_way(states, shares), closed, QUICK)
    value = _values(found)
    apart = value["rmsd_input_A"]
    assert 6.5 < apart < 8.0  # 7.1 Å between open (4AKE) and closed (1AKE) adenylate kinase
    assert np.allclose(found.arrays["progress"], shares, atol=1e-4)
    assert value["progress_max"] == pytest.approx(0.8, abs=1e-4)
    assert value["progress_p95"] == pytest.approx(shares[37], abs=1e-4)
    assert value["rmsd_best_A"] == pytest.approx(0.2 * apart, rel=1e-3)
    assert value["rmsd_p5_A"] == pytest.approx((1 - shares[38]) * apart, rel=1e-3)
    assert value["share_reached"] == pytest.approx(np.mean((1 - shares) * apart <= 3.0))
    assert value["share_kept"] == pytest.approx(np.mean(shares * apart <= 3.0))
    assert value["share_nearer_other"] == pytest.approx(np.mean(shares > 0.5))
    assert value["states_covered"] == 1.0
    # motion without an aim, as large, does not get there
    assert found.estimates["progress_max"].baseline < 0.8
    assert found.estimates["states_covered"].baseline <= 1.0


def test_an_ensemble_that_stays_covers_one_state(states):
    closed = Frames(states[1], states[1].coordinates_nm[None])
    value = _values(CONFORMATIONS.run(_on_the_way(states, np.full(10, 0.05)), closed, QUICK))
    assert value["states_covered"] == 0.5
    assert (value["share_reached"], value["share_kept"], value["share_nearer_other"]) == pytest.approx((0.0, 1.0, 0.0))


def test_the_nearest_of_several_structures_counts(states):
    half = _on_the_way(states, [0.5]).coordinates_nm
    both = Frames(states[1], np.concatenate([states[1].coordinates_nm[None].astype(np.float32), half]))
    value = _values(CONFORMATIONS.run(_on_the_way(states, [0.0, 0.5]), both, QUICK))
    assert value["rmsd_best_A"] == pytest.approx(0.0, abs=1e-3)
    assert value["rmsd_input_A"] < 4.0


def test_states_that_are_the_same_are_refused(states):
    closed = Frames(states[1], states[1].coordinates_nm[None])
    with pytest.raises(InputError, match="the input and the other state are the same"):
        CONFORMATIONS.run(closed, closed, QUICK)
