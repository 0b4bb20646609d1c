"""Absolute affinity: physics that must hold whatever was learned, and refusals."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from unfreeze.errors import InputError
from unfreeze.physics.harmonic import GAS_CONSTANT
from unfreeze.properties.binding import predict_delta_g
from unfreeze.properties.binding.dynamics import binding_entropy
from unfreeze.properties.binding.model_file import SHIPPED, load_binding_model, save_binding_model
from unfreeze.properties.binding.partners import PartnerPair
from unfreeze.properties.binding.potential import N_TYPES, count_pairs, potential_of
from unfreeze.properties.binding.regression import Settings, Standard, Surrogate
from unfreeze.properties.binding.thermodynamics import ENTHALPY_KJ_MOL, at_temperature
from unfreeze.properties.binding.validation import bootstrap, folds_of, out_of_fold
from unfreeze.structure.complex import Complex

PARTNERS = ("A", "B")


@pytest.fixture(scope="module")
def dimer(make) -> Complex:
    return make.read("1hvr")


@pytest.fixture(scope="module")
def predicted(dimer: Complex) -> tuple[float, float, str]:
    return predict_delta_g(dimer, PARTNERS)


def test_a_dimer_binds_with_a_finite_error(predicted):
    value, error, outside = predicted
    assert -90.0 < value < -10.0
    assert 4.0 < error < 25.0
    assert isinstance(outside, str)


def test_turning_moving_and_swapping_change_nothing(dimer, predicted):
    turn, _ = np.linalg.qr(np.random.default_rng(3).standard_normal((3, 3)))
    turn[:, 0] *= np.sign(np.linalg.det(turn))
    moved = dimer.with_coordinates(dimer.coordinates_nm @ turn + np.array([3.0, -7.0, 11.0]))
    assert predict_delta_g(moved, PARTNERS)[0] == pytest.approx(predicted[0], abs=0.05)
    assert predict_delta_g(dimer, ("B", "A"))[:2] == pytest.approx(predicted[:2], abs=1e-6)


def test_names_of_chains_do_not_matter(dimer, predicted):
    renamed = replace(dimer, chain_name=np.array([f"X{name}" for name in dimer.chain_name]))
    assert predict_delta_g(renamed, ("XA", "XB"))[:2] == pytest.approx(predicted[:2], abs=1e-6)


def test_partners_pulled_apart_do_not_bind(dimer):
    shift = np.where((dimer.chain_name[dimer.atom_chain_index] == "B")[:, None], 8.0, 0.0)
    value, error, outside = predict_delta_g(dimer.with_coordinates(dimer.coordinates_nm + shift), PARTNERS)
    assert value == 0.0 and math.isinf(error)
    assert "do not touch" in outside


def test_temperature_follows_gibbs_and_helmholtz(dimer, predicted):
    warmer, error, _ = predict_delta_g(dimer, PARTNERS, temperature_K=310.0)
    assert error > predicted[1]
    assert warmer != pytest.approx(predicted[0], abs=1e-6)
    # d(ΔG/T)/d(1/T) = ΔH
    step = 0.01
    high, low = (at_temperature(-50.0, 5.0, 298.15 + one, -1.5)[0] / (298.15 + one) for one in (step, -step))
    slope = (high - low) / (1.0 / (298.15 + step) - 1.0 / (298.15 - step))
    assert slope == pytest.approx(ENTHALPY_KJ_MOL, abs=0.01)
    there = at_temperature(-50.0, 0.0, 310.0, -1.5)[0]
    assert at_temperature(there, 0.0, 298.15, -1.5, from_K=310.0)[0] == pytest.approx(-50.0, abs=0.02)


@pytest.mark.parametrize(
    ("partners", "temperature", "message"),
    [(("A", "Q"), 298.0, "no chain"), (("A", "AB"), 298.0, "both partners"), (("A", "B"), 500.0, "temperature")],
)
def test_bad_requests_are_refused_by_name(dimer, partners, temperature, message):
    with pytest.raises(InputError, match=message):
        predict_delta_g(dimer, partners, temperature_K=temperature)


def test_a_partner_without_protein_is_outside(dimer):
    ligand = dimer.residue_kind == "ligand"
    first = int(np.flatnonzero(ligand)[0])
    alone = dimer.take_residues((dimer.chain_name[dimer.chain_index] == "A") & ~ligand)
    other = dimer.take_residues(np.array([first]))
    joined = replace(dimer.take_residues(np.concatenate([np.arange(alone.n_residues), [first]])))
    if joined.n_chains < 2:
        joined = replace(
            joined,
            chain_index=np.append(np.zeros(joined.n_residues - 1, dtype=np.int64), 1),
            chain_name=np.array(["A", "L"]),
        )
    assert other.n_residues == 1
    value, error, outside = predict_delta_g(joined, (str(joined.chain_name[0]), str(joined.chain_name[1])))
    assert value == 0.0 and math.isinf(error) and "no protein" in outside


def test_a_scrap_of_a_partner_is_said_to_be_outside(dimer):
    chain = np.flatnonzero(dimer.chain_name[dimer.chain_index] == "B")
    scrap = dimer.take_residues(np.concatenate([np.flatnonzero(dimer.chain_index == 0), chain[:3]]))
    assert "Outside" in predict_delta_g(scrap, PARTNERS)[2] or "do not touch" in predict_delta_g(scrap, PARTNERS)[2]


def test_entropy_of_binding_opposes_and_grows_with_stiffness(dimer):
    pair = PartnerPair.of(dimer, PARTNERS)
    soft = binding_entropy(pair, np.full(pair.molecule.n_residues, 0.5))
    stiff = binding_entropy(pair, np.full(pair.molecule.n_residues, -0.5))
    assert stiff["entropy_rigid"] > soft["entropy_rigid"] > 0.0
    assert soft["entropy_inner"] > 0.0
    assert soft["entropy_total"] == pytest.approx(soft["entropy_rigid"] + soft["entropy_inner"])
    # every spring e² times stiffer: the covariance of six motions falls by as much
    assert stiff["entropy_rigid"] - soft["entropy_rigid"] == pytest.approx(6.0, abs=1.5)


def test_potential_of_what_is_near_more_often_is_negative():
    counts = np.ones((N_TYPES, N_TYPES, 13)) * 200.0
    counts[3, 5] = counts[5, 3] = np.r_[np.full(6, 2000.0), np.full(7, 200.0)]
    potential = potential_of(counts)
    assert potential[3, 5, 5] < potential[3, 6, 5]
    assert np.abs(potential[..., -1]).max() < 1e-5
    assert count_pairs([]).sum() == 0.0


def test_the_process_learns_and_knows_what_it_has_not_seen():
    random = np.random.default_rng(0)
    features = random.standard_normal((80, 3))
    y = -40.0 + 5.0 * features[:, 0]
    standard = Standard.of(features)
    model = Surrogate.fit(standard, standard.apply(features), y, np.arange(80), Settings(1.0, 0.3, 0.1, 0.0))
    value, error = model.predict(features)
    assert np.corrcoef(value, y)[0, 1] > 0.95
    assert model.predict(np.full((1, 3), np.nan))[0][0] == pytest.approx(-40.0, abs=3.0)
    assert model.predict(np.array([[2.5, -2.5, 2.5]]))[1][0] > np.median(error)


def test_folds_keep_groups_whole_and_noise_is_not_predicted():
    random = np.random.default_rng(1)
    groups = np.repeat(np.arange(20), 3)
    fold = folds_of(groups, 5, 0)
    assert all(len(set(fold[groups == one])) == 1 for one in range(20))
    # what is the same within a group only must not be found again in another
    features, y = random.standard_normal((20, 4))[groups], random.standard_normal(20)[groups]
    found = out_of_fold(features, y, groups, groups)
    low, high = np.percentile(bootstrap(y, [found.value], groups, 200)[0], [2.5, 97.5])
    assert low < 0.4 and high - low > 0.2


def test_model_file_is_small_repeatable_and_checked(tmp_path):
    model = load_binding_model()
    assert SHIPPED.stat().st_size < 2**20
    path = save_binding_model(tmp_path / "model.safetensors", model)
    content = path.read_bytes()
    assert save_binding_model(tmp_path / "again.safetensors", load_binding_model(path)).read_bytes() == content
    for broken in (
        b"",
        b"PK\x03\x04",
        content[: len(content) // 2],
        content.replace(b"unfreeze-binding/1", b"unfreeze-binding/9"),
    ):
        path.write_bytes(broken)
        with pytest.raises(InputError, match=r"model\.safetensors"):
            load_binding_model(path)
    with pytest.raises(InputError, match="no such file"):
        load_binding_model(tmp_path / "absent.safetensors")


def test_constant_of_gases_is_that_of_kd():
    assert GAS_CONSTANT * 298.15 * math.log(1e-9) == pytest.approx(-51.37, abs=0.01)
