"""Charges in the field of the other partner, and the end of what can be lost."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unfreeze.corpus.mutations import Mutation
from unfreeze.properties.affinity import predict_affinity
from unfreeze.properties.electrostatics import bounded, charge_effects

SIDES = ("A", "B")


@given(effect=st.floats(-30.0, 60.0), delta_g=st.floats(-70.0, -40.0))
def test_the_way_back_from_the_mutant_s_own_affinity_cancels(effect: float, delta_g: float) -> None:
    there = float(bounded(np.array(effect), delta_g))
    mutant = delta_g + there
    if -100.0 <= mutant <= -15.0:
        assert float(bounded(np.array(-effect), mutant)) == pytest.approx(-there, abs=1e-9)
    assert there < -delta_g
    assert float(bounded(np.array(0.0), delta_g)) == 0.0


def test_what_is_left_bounds_the_loss() -> None:
    effects = np.array([-20.0, 0.0, 5.0, 10.0, 20.0, 1000.0])
    strong, weak = bounded(effects, -60.0), bounded(effects, -20.0)
    assert (np.diff(strong) > 0).all() and strong[-1] == pytest.approx(60.0)
    assert (np.abs(weak) <= np.abs(strong)).all()
    # no free energy, however strange, makes something that is not finite
    assert np.isfinite(bounded(np.array([-1e6, 1e6]), 25.0)).all()


def test_charges_across_the_interface(make: SimpleNamespace) -> None:
    molecule = make.read("1hvr")
    bridge, repelled = Mutation("A", 8, "", "R", "A"), Mutation("A", 8, "", "R", "D")
    found = charge_effects(molecule, SIDES, [bridge, repelled])
    assert 0.0 < found[0] < found[1] < 10.0  # arginine 8 meets aspartate 29 of the other chain
    assert found[1] == pytest.approx(2.0 * found[0])
    back = charge_effects(molecule, SIDES, [Mutation("A", 8, "", "A", "R"), Mutation("A", 8, "", "R", "K")])
    assert back == pytest.approx([-found[0], 0.0])


def test_charges_are_not_felt_far_away(make: SimpleNamespace) -> None:
    molecule = make.read("1hvr")
    of_other = (molecule.chain_name[molecule.atom_chain_index] == "B")[:, None]
    away = molecule.with_coordinates(molecule.coordinates_nm + np.where(of_other, 8.0, 0.0))
    charged = [Mutation("A", 8, "", "R", "D"), Mutation("A", 60, "", "D", "K")]
    assert charge_effects(away, SIDES, charged).tolist() == [0.0, 0.0]
    apart = predict_affinity(away, SIDES, [[one] for one in charged], with_reasons=False)
    assert [effect.delta_delta_g_kJ_mol for effect in apart.effects] == pytest.approx([0.0, 0.0], abs=1e-3)


def test_a_measured_affinity_is_the_most_that_can_be_lost(make: SimpleNamespace) -> None:
    molecule = make.read("1hvr")
    asked = [[Mutation("A", 97, "", "L", "G"), Mutation("A", 5, "", "L", "G"), Mutation("A", 87, "", "R", "E")]]
    told = {}
    for value in (-20.0, -60.0):
        found = predict_affinity(molecule, SIDES, asked, measured_delta_g_kJ_mol=value, with_reasons=False)
        told[value] = found.effects[0].delta_delta_g_kJ_mol
    assert 5.0 < told[-20.0] < 20.0 and told[-60.0] == pytest.approx(3.0 * told[-20.0], rel=1e-6)
