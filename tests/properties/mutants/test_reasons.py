"""Contacts, areas, springs and words of mutants."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from unfreeze.corpus.mutations import Mutation
from unfreeze.errors import InputError
from unfreeze.physics.harmonic import GAS_CONSTANT
from unfreeze.properties.mutants import (
    COLUMNS,
    Stiffness,
    WildType,
    build_mutant,
    explain,
    mutation_contacts,
    side_chain_contacts,
)
from unfreeze.properties.mutants.explain import differing_residues
from unfreeze.properties.mutants.words import Circumstances, words_of
from unfreeze.structure.complex import Complex
from unfreeze.structure.read import read_complex


@pytest.fixture(scope="module")
def protease() -> Complex:
    whole = read_complex(Path(__file__).parents[3] / "examples" / "data" / "1hvr.cif")
    return whole.take_residues(whole.residue_kind == "protein")


@pytest.fixture(scope="module")
def wild(protease: Complex) -> WildType:
    return WildType(protease, ("A", "B"))


def row_of(molecule: Complex, chain: str, number: int) -> int:
    rows = (molecule.chain_name[molecule.chain_index] == chain) & (molecule.residue_number == number)
    return int(np.flatnonzero(rows)[0])


@pytest.mark.parametrize("text", ["A:V32W", "A:G49K"])
def test_the_determinant_lemma_is_exact(wild: WildType, text: str) -> None:
    molecule, springs = wild.molecule, wild.stiffness
    mutant = wild.builder.build([Mutation.read(text)])
    changed = differing_residues(molecule, mutant)
    row = row_of(molecule, "A", int(text[3:-1]))
    effect = springs.effect(springs.mutant_change(mutant, changed), row)
    anew = Stiffness(mutant)
    log_dets = [np.linalg.slogdet(one.ensemble.precision.toarray())[1] for one in (springs, anew)]
    expected = 0.5 * GAS_CONSTANT * 300.0 * (log_dets[1] - log_dets[0])
    assert effect.free_energy_kJ_mol == pytest.approx(expected, rel=1e-6)
    # rigid motions are fitted to the wild type's centres in the one, to the mutant's in the other
    assert effect.rmsf_change == pytest.approx(anew.rmsf_nm(row) / springs.rmsf_nm(row) - 1.0, abs=0.01)


def test_the_quick_way_agrees_where_nothing_makes_room(wild: WildType) -> None:
    molecule, springs = wild.molecule, wild.stiffness
    mutant = wild.builder.build([Mutation.read("A:L24A")])
    row = row_of(molecule, "A", 24)
    beta = mutant.coordinates_nm[(mutant.residue_index == row) & (mutant.atom_name == "CB")]
    quick = springs.free_energy(springs.side_chain_change(row, beta))
    assert quick == pytest.approx(springs.free_energy(springs.mutant_change(mutant, [row])), rel=1e-3)
    own = molecule.coordinates_nm[
        (molecule.residue_index == row) & ~np.isin(molecule.atom_name, ("N", "CA", "C", "O", "OXT"))
    ]
    assert abs(springs.free_energy(springs.side_chain_change(row, own))) < 1e-8


def test_rmsf_is_that_of_the_draws(protease: Complex, wild: WildType) -> None:
    from unfreeze.model.base_motion import BaseMotion

    base = BaseMotion.of(protease, n_draws=300)
    rows = [10, 40, 90, 150]
    found = [wild.stiffness.rmsf_nm(row) for row in rows]
    assert np.allclose(found, base.rmsf_nm[[wild.stiffness.block_of(row) for row in rows]], rtol=0.12)


def test_contacts_are_found_by_kind_and_side(protease: Complex) -> None:
    # Arg 8 and Asp 29' bind across the dimer; Leu 24 is in the core
    found = side_chain_contacts(protease, row_of(protease, "A", 8), partners=("A", "B"))
    assert any(one.residue == "B:ASP29" and one.kind == "salt bridge" and one.across for one in found)
    assert not any(one.residue == "B:ASP29" and one.kind == "hydrogen bond" for one in found)
    core = side_chain_contacts(protease, row_of(protease, "A", 24))
    assert {one.kind for one in core} == {"hydrophobic"}
    assert not any(one.across for one in core)
    assert side_chain_contacts(protease, row_of(protease, "A", 49)) == ()
    with pytest.raises(InputError, match="no chain 'Q'"):
        side_chain_contacts(protease, 5, partners=("A", "Q"))


def test_reasons_of_a_lost_salt_bridge(wild: WildType, protease: Complex) -> None:
    reasons = explain(protease, [Mutation.read("A:R8A")], wild=wild)
    assert any(one.kind == "salt bridge" and one.across for one in reasons.lost)
    assert reasons.words[0] == "loses the salt bridge to B:ASP29 across the interface"
    assert reasons.buried_area_change_nm2 < -0.05
    same = explain(protease, [Mutation.read("A:R8R")], wild=wild)
    assert same.lost == same.gained == ()
    assert same.entropy_change_kJ_mol == same.buried_area_change_nm2 == 0.0


def test_far_from_the_interface_binding_is_not_touched(wild: WildType, protease: Complex) -> None:
    reasons = explain(protease, [Mutation.read("A:Q61A")], wild=wild)
    assert reasons.buried_area_change_nm2 == pytest.approx(0.0, abs=1e-6)
    assert abs(reasons.entropy_change_kJ_mol) < 0.2
    assert not any(one.across for one in (*reasons.lost, *reasons.gained))


def test_softer_when_the_core_is_hollowed(protease: Complex) -> None:
    reasons = explain(protease, [Mutation.read("A:L24A")])
    assert reasons.rmsf_change > 0.02
    assert reasons.entropy_change_kJ_mol < 0.0
    assert reasons.buried_area_change_nm2 < 0.0
    assert any("hole of 3 heavy atoms" in text for text in reasons.words)
    assert any("become softer: RMSF +" in text for text in reasons.words)


def test_words_say_one_thing_each_and_what_matters_first() -> None:
    quiet = Circumstances("A:LYS1", "LYS", "ARG", 0.2, 0.3, -1.0, False)
    assert words_of((), (), 0.0, 0.0, [quiet], [], True)[0].startswith("hardly anything changes")
    proline = Circumstances("A:LYS1", "LYS", "PRO", 0.2, 0.2, -1.0, True)
    said = words_of((), (), -0.35, 0.12, [proline], ["B:TYR33"], True)
    assert said[0].startswith("proline stiffens the backbone")
    assert "leaves 0.35 nm² less buried at the interface" in said
    assert "its surroundings become softer: RMSF +12 %" in said
    assert "B:TYR33 turns aside to make room" in said
    stiffer = words_of((), (), 0.0, -0.08, [quiet], [], False)
    assert stiffer == ("its surroundings become stiffer: RMSF −8 %",)


def test_numbers_for_learning_are_differences_of_states(protease: Complex) -> None:
    rows = [row_of(protease, "A", number) for number in (24, 8, 48)]
    letters = "ALWG"
    found = mutation_contacts(protease, np.repeat(rows, len(letters)), letters * len(rows))
    assert found.shape == (12, len(COLUMNS)) and found.dtype == np.float32
    assert np.isfinite(found).all()
    table = found.reshape(3, 4, -1)
    # the same again, in another order, alone
    again = mutation_contacts(protease, [rows[0]], "W")
    assert np.allclose(again[0], table[0, 2], rtol=1e-5, atol=1e-5)
    free, springs = COLUMNS.index("free_energy"), COLUMNS.index("spring_free_energy")
    assert table[0, 2, free] > table[0, 1, free]  # tryptophan does not fit where leucine is at home
    assert table[0, 0, springs] < table[0, 1, springs]
    assert (table[:, 3, : len(COLUMNS) - 1][:, :10] == 0.0).all()  # glycine touches nothing


def test_the_learned_motion_is_asked_again(protease: Complex) -> None:
    from unfreeze.properties.mutants.repredict import repredicted_motion

    short = protease.take_residues(np.arange(1, 40))
    mutant = build_mutant(short, [Mutation.read("A:L24A")])
    rows = [row_of(short, "A", 24), row_of(short, "A", 39)]
    change = repredicted_motion(short, mutant, rows)
    assert np.isfinite(change).all()
    assert change[0] != 0.0 and (np.abs(change) < 0.5).all()
