"""The shipped weights on the bundled dimer: physics that any useful model must get right."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial import KDTree

from unfreeze.corpus.mutations import Mutation
from unfreeze.properties.affinity import predict_affinity
from unfreeze.properties.effect_model import EffectModel, load_effect_model
from unfreeze.properties.mutants import build_mutant
from unfreeze.properties.places import partner_atoms
from unfreeze.properties.stability import predict_stability
from unfreeze.structure.similarity.sequences import chain_sequences

LETTERS = "ACDEFGHIKLMNPQRSTVWY"


@pytest.fixture(scope="module")
def model() -> EffectModel:
    return load_effect_model()


def _of(molecule, number: int, to: str) -> Mutation:
    chain = next(one for one in chain_sequences(molecule) if one.chain == "A")
    at = int(np.flatnonzero(molecule.residue_number[chain.residues] == number)[0])
    return Mutation("A", number, "", chain.letters[at], to)


def test_the_interface_matters_and_what_is_far_from_it_does_not(make: SimpleNamespace, model: EffectModel) -> None:
    molecule = make.read("1hvr")
    one, other = (partner_atoms(molecule, ("A", "B"), part) for part in ("first", "second"))
    distance = KDTree(other.coordinates_nm).query(one.coordinates_nm)[0]
    nearest = np.minimum.reduceat(distance, one.residue_start[:-1])
    protein = one.residue_kind == "protein"
    far = [int(number) for number in one.residue_number[protein & (nearest > 1.5)]]
    near = [97, 5, 26, 87]  # the sheet of the ends, and what holds it
    asked = [
        [_of(molecule, number, "A")] for number in (*near, *far[:6]) if _of(molecule, number, "A").wild_type != "A"
    ]
    found = predict_affinity(molecule, ("A", "B"), asked, model=model, with_reasons=False).effects
    effects = [effect.delta_delta_g_kJ_mol for effect in found]
    assert min(effects[: len(near)]) > 0.0 and np.mean(effects[: len(near)]) > 4.0
    assert max(map(abs, effects[len(near) :])) < 0.1
    # where nothing is at stake the model is surer, too
    errors = [effect.error_kJ_mol for effect in found]
    assert np.mean(errors[len(near) :]) < np.mean(errors[: len(near)])


def test_a_charge_in_the_core_destabilises_more_than_one_outside(make: SimpleNamespace, model: EffectModel) -> None:
    molecule = make.read("1hvr")
    core, outside = [_of(molecule, 85, "D")], [_of(molecule, 43, "D")]
    inside, surface = predict_stability(molecule, [core, outside], model=model, with_reasons=False).effects
    assert inside.delta_delta_g_kJ_mol < -5.0
    assert surface.delta_delta_g_kJ_mol > inside.delta_delta_g_kJ_mol + 3.0
    assert inside.delta_tm_K is not None and inside.delta_tm_K < 0.0


def test_the_way_back_from_a_built_mutant(make: SimpleNamespace, model: EffectModel) -> None:
    molecule = make.read("1hvr")
    asked = [[_of(molecule, number, to)] for number, to in ((85, "A"), (64, "T"), (15, "L"))]
    there = predict_stability(molecule, asked, model=model, with_reasons=False).effects
    back = []
    for (one,) in asked:
        reverse = Mutation(one.chain, one.number, "", one.mutant, one.wild_type)
        mutant = build_mutant(molecule, [one])
        back.append(predict_stability(mutant, [[reverse]], model=model, with_reasons=False).effects[0])
    for one, other in zip(there, back, strict=True):
        assert other.delta_delta_g_kJ_mol == pytest.approx(-one.delta_delta_g_kJ_mol, abs=1.5)
