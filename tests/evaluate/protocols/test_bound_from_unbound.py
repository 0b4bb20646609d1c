"""Protocol `bound-from-unbound`: known interface RMSDs, partners of several chains, the honest comparison."""

from __future__ import annotations

import numpy as np
import pytest

from unfreeze.errors import InputError
from unfreeze.evaluate.aimless import aimless_side, mean_square_deviation_nm2
from unfreeze.evaluate.frames import Frames, Side
from unfreeze.evaluate.metrics.interface_recovery import partner_irmsd_A, partners
from unfreeze.evaluate.metrics.interface_residues import Interfaces
from unfreeze.evaluate.protocol import Options
from unfreeze.evaluate.protocols.bound_from_unbound import BOUND_FROM_UNBOUND
from unfreeze.structure.geometry import rotation_matrices

QUICK = Options(n_bootstrap=0)


@pytest.fixture(scope="module")
def bound(make):
    return make.read("1hvr")


def _between(bound, unbound, shares, seed=0):
    """Frames that are these shares of the way from the unbound to the bound form, each turned at random."""
    shares = np.asarray(shares)[:, None, None]
    frames = (1.0 - shares) * unbound.coordinates_nm + shares * bound.coordinates_nm
    turns = rotation_matrices(np.random.default_rng(seed).normal(size=(len(frames), 3)))
    return Frames(unbound, np.matmul(frames, turns.transpose(0, 2, 1)).astype(np.float32))


def _unbound(bound, seed=1):
    """The bound form with each chain turned a little and its residues shifted."""
    rng = np.random.default_rng(seed)
    points = bound.coordinates_nm + rng.normal(scale=0.08, size=(bound.n_residues, 3))[bound.residue_index]
    second = bound.atom_chain_index == 1
    centre = points[second].mean(axis=0)
    points[second] = (points[second] - centre) @ rotation_matrices(np.array([0.1, 0.05, -0.1])).T + centre
    return bound.with_coordinates(points)


def test_best_and_percentile_against_the_input(bound):
    unbound = _unbound(bound)
    shares = np.concatenate([np.full(50, -0.2), np.full(46, 0.25), np.full(3, 0.5), [1.0]])
    found = BOUND_FROM_UNBOUND.run(_between(bound, unbound, shares), Frames(bound, bound.coordinates_nm[None]), QUICK)
    value = {name: estimate.value for name, estimate in found.estimates.items()}
    at_input = value["irmsd_input_A"]
    assert 1.0 < at_input < 4.0
    assert value["irmsd_best_A"] == pytest.approx(0.0, abs=1e-3)
    # the shares of the way hold for the RMSD but for the turn between the two, which is small
    assert value["irmsd_p5_A"] == pytest.approx(0.75 * at_input, rel=0.02)
    assert value["irmsd_median_A"] == pytest.approx(0.75 * at_input, rel=0.02)
    assert value["irmsd_gain_best_A"] == pytest.approx(at_input, abs=1e-3)
    assert value["irmsd_gain_p5_A"] == pytest.approx(at_input - value["irmsd_p5_A"])
    assert value["irmsd_share_better"] == pytest.approx(0.5)
    assert value["fnat_best"] == 1.0 and 0.2 < value["fnat_input"] < 1.0
    assert found.arrays["irmsd_input_A"] == [pytest.approx(at_input, rel=1e-4)]
    # what knows the goal beats what does not
    assert found.estimates["irmsd_best_A"].baseline > 0.2
    assert found.estimates["irmsd_input_A"].baseline == pytest.approx(at_input)
    assert any("aimless motion" in note for note in found.notes)


def test_weights_of_zero_hide_frames(bound):
    unbound = _unbound(bound)
    frames = _between(bound, unbound, [1.0, 0.3, 0.0])
    weighted = Frames(unbound, frames.coordinates_nm, np.array([0.0, 0.5, 0.5]))
    options = Options(n_bootstrap=0, baseline=False)
    value = BOUND_FROM_UNBOUND.run(weighted, Frames(bound, bound.coordinates_nm[None]), options).estimates
    plain = BOUND_FROM_UNBOUND.run(frames.take(np.array([1, 2])), Frames(bound, bound.coordinates_nm[None]), options)
    for name, estimate in plain.estimates.items():
        assert value[name].value == pytest.approx(estimate.value), name


def test_chains_named_alike_are_one_partner(make, bound):
    from dataclasses import replace

    assert partners(bound) == ["A", "B"]
    aside = bound.take_chains(["B"])
    three = make.merge(bound, make.moved(aside, [8.0, 0.0, 0.0]), chains=["rec_A", "lig_B", "rec_C"])
    assert partners(three) == ["rec", "lig", "rec"]
    assert Interfaces.of(three, partners(three)).names == ["rec–lig"]
    # the name of one partner only, or a name without a mark, joins nothing
    assert partners(replace(three, chain_name=np.array(["rec_A", "rec_B", "rec_C"]))) == ["rec_A", "rec_B", "rec_C"]
    assert partners(replace(three, chain_name=np.array(["rec_A", "B", "rec_C"]))) == ["rec_A", "B", "rec_C"]
    # how partners of several chains move within themselves does not count, as long as the interface stays
    side = Side.of(three, three.coordinates_nm + np.where(three.atom_chain_index == 2, 1.0, 0.0)[None, :, None])
    assert partner_irmsd_A(side).values[0] == pytest.approx(0.0, abs=1e-3)


def test_aimless_motion_is_as_large_and_of_its_own(bound):
    molecule = bound.take_atoms((bound.residue_kind == "protein")[bound.residue_index])
    rng = np.random.default_rng(0)
    frames = molecule.coordinates_nm + rng.normal(scale=0.1, size=(30, molecule.n_residues, 3))[
        :, molecule.residue_index
    ]  # fmt: skip
    side, start = Side.of(molecule, frames), np.array(molecule.coordinates_nm)
    aimless = aimless_side(side, start, seed=4)
    assert aimless.n_frames == 30
    goal = mean_square_deviation_nm2(side, start)
    assert mean_square_deviation_nm2(aimless, start) == pytest.approx(goal, rel=1e-3)
    assert np.array_equal(aimless.frames_nm, aimless_side(side, start, seed=4).frames_nm)
    still = Side.of(molecule, molecule.coordinates_nm[None])
    assert np.allclose(aimless_side(still, start, 0).frames_nm[0], molecule.coordinates_nm, atol=1e-4)


def test_what_is_no_complex_is_refused(bound):
    single = bound.take_chains(["A"])
    frames = Frames(single, single.coordinates_nm[None])
    with pytest.raises(InputError, match="one chain: there is no interface"):
        BOUND_FROM_UNBOUND.run(frames, frames, QUICK)
    with pytest.raises(InputError, match="one partner"):
        BOUND_FROM_UNBOUND.run(frames, Frames(bound, bound.coordinates_nm[None]), QUICK)
