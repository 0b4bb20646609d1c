"""The trunk and its decoders: what holds whatever was learned, and files of weights."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unfreeze.corpus.mutations import Mutation
from unfreeze.errors import InputError
from unfreeze.properties import trunk
from unfreeze.properties.affinity import predict_affinity
from unfreeze.properties.effect_model import EffectModel, ErrorLaw, load_effect_model, save_effect_model
from unfreeze.properties.effect_prediction import Surrounding
from unfreeze.properties.modalities import mutation, structure
from unfreeze.properties.mutants.columns import COLUMNS
from unfreeze.properties.places import partner_atoms
from unfreeze.properties.sites import columns_of_sequence, columns_of_structure, joined
from unfreeze.properties.stability import predict_stability
from unfreeze.structure.complex import Complex

LAWS = {task: ErrorLaw(2.0, 0.2, 1.0, 50.0) for task in mutation.TASKS}


@pytest.fixture(scope="module")
def model() -> EffectModel:
    """Two members with random numbers, nothing of which is zero."""
    random = np.random.default_rng(1)
    members = []
    for seed in range(2):
        members.append(
            {
                name: (one + 0.05 * random.standard_normal(one.shape)).astype(np.float32)
                for name, one in trunk.initial_parameters(16, seed).items()
            }
        )
        members[-1]["columns.spread"] = np.ones(len(COLUMNS), dtype=np.float32)
    return EffectModel(tuple(members), given=("sequence", "structure"), errors=LAWS, card={"name": "random"})


@given(seed=st.integers(0, 1000), task=st.sampled_from(mutation.TASKS))
@settings(max_examples=20, deadline=None)
def test_no_mutation_is_worth_nothing_and_the_reverse_the_negative(model: EffectModel, seed: int, task: str) -> None:
    random = np.random.default_rng(seed)
    hidden = [random.standard_normal((5, 16)).astype(np.float32) for _ in model.members]
    kinds = random.integers(0, 20, (2, 5))
    columns = random.standard_normal((2, 5, len(COLUMNS))).astype(np.float32)
    known = random.integers(0, 2, 5) > 0
    wild, mutant = ((kinds[k], columns[k]) for k in (0, 1))
    there = model.exchange(task, hidden, wild, mutant, known)
    back = model.exchange(task, hidden, mutant, wild, known)
    np.testing.assert_allclose(there, -back, atol=2e-4)
    assert np.abs(there).max() > 1e-3
    np.testing.assert_array_equal(model.exchange(task, hidden, wild, wild, known), 0.0)


def test_torch_and_numpy_agree(model: EffectModel, make: SimpleNamespace) -> None:
    molecule = make.read("1hvr")
    sites = structure.protein_sites(molecule)[:20]
    columns = trunk.as_numpy(columns_of_structure(molecule, sites, with_motion=True))
    expected = trunk.encode(model.members[0], columns)
    parameters = {name: torch.as_tensor(one) for name, one in model.members[0].items()}
    found = trunk.encode(parameters, {name: torch.as_tensor(one) for name, one in columns.items()})
    np.testing.assert_allclose(found.numpy(), expected, atol=2e-4)


def test_surroundings_turn_with_the_molecule_and_do_not_see_the_own_side_chain(make: SimpleNamespace) -> None:
    molecule = make.read("1hvr")
    sites = structure.protein_sites(molecule)[10:14]
    expected = structure.surroundings(molecule, sites)
    turn = np.array([[0.0, -1.0, 0.0], [0.36, 0.0, -0.93294], [0.93294, 0.0, 0.36]])
    moved = molecule.with_coordinates(molecule.coordinates_nm @ turn.T + 3.0)
    found = structure.surroundings(moved, sites)
    np.testing.assert_allclose(found.nodes, expected.nodes, atol=1e-3)
    np.testing.assert_allclose(found.pairs, expected.pairs, atol=1e-3)
    own = (molecule.residue_index == sites[0]) & ~np.isin(molecule.atom_name, ("N", "CA", "C", "O", "CB"))
    bare = structure.surroundings(molecule.take_atoms(~own), sites[:1])
    np.testing.assert_allclose(bare.nodes, expected.nodes[:1], atol=1e-6)
    np.testing.assert_allclose(bare.pairs, expected.pairs[:1], atol=1e-6)


def test_a_missing_modality_adds_nothing(model: EffectModel) -> None:
    alone = columns_of_sequence("MKTAYIAKQR", np.array([0, 4, 9]))
    columns = trunk.as_numpy(alone)
    every, sequence_only = (trunk.encode(model.members[0], columns, one) for one in (trunk.MODALITIES, ("sequence",)))
    np.testing.assert_array_equal(every, sequence_only)
    assert len(joined([alone, alone.take(np.array([1]))])) == 4


def test_affinity_far_from_the_interface_does_not_change(model: EffectModel, make: SimpleNamespace) -> None:
    molecule = make.read("1hvr")
    first = partner_atoms(molecule, ("A", "B"), "first")
    away = molecule.with_coordinates(molecule.coordinates_nm + np.where(_of_chain(molecule, "B"), 6.0, 0.0))
    one = Mutation("A", 12, "", _letter(molecule, "A", 12), "A")
    near = Mutation("A", 97, "", _letter(molecule, "A", 97), "A")
    apart = predict_affinity(away, ("A", "B"), [[one], [near]], model=model, with_reasons=False)
    assert apart.delta_g_kJ_mol is None
    assert [effect.delta_delta_g_kJ_mol for effect in apart.effects] == pytest.approx([0.0, 0.0], abs=1e-3)
    bound = predict_affinity(molecule, ("A", "B"), [[near], [near, one]], model=model, with_reasons=False)
    assert abs(bound.effects[0].delta_delta_g_kJ_mol) > 0.01
    assert first.n_chains >= 1


def test_a_copy_of_a_mutated_chain_is_told(model: EffectModel, make: SimpleNamespace) -> None:
    molecule = make.read("1hvr")
    letter = _letter(molecule, "A", 97)
    one, other = (Mutation(chain, 97, "", letter, "A") for chain in "AB")
    (note,) = predict_affinity(molecule, ("A", "B"), [[one]], model=model, with_reasons=False).notes
    assert f"A:{letter}97A+B:{letter}97A" in note
    assert predict_affinity(molecule, ("A", "B"), [[one, other]], model=model, with_reasons=False).notes == ()


def test_stability_of_several_is_the_sum(model: EffectModel, make: SimpleNamespace) -> None:
    molecule = make.read("1hvr")
    one = Mutation("A", 12, "", _letter(molecule, "A", 12), "G")
    other = Mutation("A", 85, "", _letter(molecule, "A", 85), "V")
    found = predict_stability(molecule, [[one], [other], [one, other]], model=model, with_reasons=False).effects
    values = [effect.delta_delta_g_kJ_mol for effect in found]
    assert values[2] == pytest.approx(values[0] + values[1], abs=1e-4)
    assert all(effect.error_kJ_mol > 2.0 and effect.delta_tm_K is not None for effect in found)


def test_long_chains_melt_over_a_smaller_range(model: EffectModel, make: SimpleNamespace) -> None:
    scaled = replace(model, melting_power=0.5)
    molecule = make.read("1hvr")  # two chains of 99
    one = Mutation("A", 85, "", _letter(molecule, "A", 85), "V")
    text = Mutation("", 3, "", "T", "V")
    for source, asked, length in ((molecule, one, 99), ("MKTAYIAKQR" * 40, text, 400), ("MKTAYIAKQR", text, 40)):
        plain, found = (Surrounding(which, source, [asked], "stability") for which in (model, scaled))
        np.testing.assert_array_equal(found.exchange("stability"), plain.exchange("stability"))
        np.testing.assert_allclose(found.exchange("melting"), plain.exchange("melting") * (100 / length) ** 0.5)


def test_a_residue_that_is_not_there_is_refused_by_name(model: EffectModel, make: SimpleNamespace) -> None:
    molecule = make.read("1hvr")
    with pytest.raises(InputError, match="A:500 is not in the structure"):
        predict_stability(molecule, [[Mutation("A", 500, "", "A", "G")]], model=model, with_reasons=False)


def test_weights_come_back_from_their_file(model: EffectModel, tmp_path: Path) -> None:
    model = replace(model, melting_power=0.5)
    path = save_effect_model(tmp_path / "one.safetensors", model)
    found = load_effect_model(path)
    assert found.melting_power == 0.5
    assert found.given == model.given and found.errors == LAWS and found.card == {"name": "random"}
    for one, other in zip(found.members, model.members, strict=True):
        assert one.keys() == other.keys()
        assert all(np.array_equal(one[name], other[name]) for name in one)
    assert save_effect_model(tmp_path / "two.safetensors", model).read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features_version": 99}, "version 99 of the columns"),
        ({"width": 17}, "is damaged"),
        ({"given": ["structure"]}, "given is"),
        ({"melting_power": -1.0}, "melting_power is -1"),
        ({"melting_power": "much"}, "melting_power is 'much'"),
        ({"kind": "motion"}, "of kind 'motion', expected"),
        ({"errors": {}}, "for each task"),
        ({"errors": {task: {"floor": -1.0} for task in mutation.TASKS}}, "is damaged"),
    ],
)
def test_other_files_are_refused_by_name(model: EffectModel, tmp_path: Path, change: dict, message: str) -> None:
    path = save_effect_model(tmp_path / "weights.safetensors", model)
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    head = json.loads(content[8 : 8 + length])
    head["__metadata__"]["unfreeze"] = json.dumps(json.loads(head["__metadata__"]["unfreeze"]) | change)
    text = json.dumps(head).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])
    with pytest.raises(InputError, match=message):
        load_effect_model(path)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"weights\.safetensors"):
        load_effect_model(path)


def _of_chain(molecule: Complex, name: str) -> np.ndarray:
    return (molecule.chain_name[molecule.atom_chain_index] == name)[:, None]


def _letter(molecule: Complex, chain: str, number: int) -> str:
    from unfreeze.structure.chemistry.residues import AMINO_ACIDS

    own = (molecule.chain_name[molecule.chain_index] == chain) & (molecule.residue_number == number)
    return AMINO_ACIDS[str(molecule.residue_parent_name[np.flatnonzero(own)[0]])].letter
