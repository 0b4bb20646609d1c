"""Mutations, states and disulfides as people write them, and what is said when they do not fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from unfreeze.errors import InputError
from unfreeze.structure.prepare.preparation import Prepared, prepare
from unfreeze.structure.prepare.settings import PreparationSettings

SEQUENCE = "AKHCDCG"


@pytest.fixture(scope="module")
def start(peptide: Callable[..., Prepared]) -> Prepared:
    return peptide(SEQUENCE)


@pytest.mark.parametrize(
    ("mutation", "words"),
    [
        ("K2A", ["not understood", "A:K15A"]),
        ("A:K2X", ["X is none of the 20"]),
        ("A:R2A", ["found A:LYS2 there, not R"]),
        ("B:K2A", ["no chain B", "there are A"]),
        ("A:K20A", ["no residue 20", "1 to 7"]),
        ("A:K2aA", ["insertion codes"]),
    ],
)
def test_mutations_that_do_not_fit(start: Prepared, mutation: str, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        prepare(start.complex, PreparationSettings(mutations=(mutation,)))
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_residue_is_mutated_once(start: Prepared) -> None:
    with pytest.raises(InputError, match="mutated twice"):
        prepare(start.complex, PreparationSettings(mutations=("A:K2A", "A:LYS2GLY")))


def test_insertion_codes(heavy_lines: Callable[..., list[str]], write: Callable[..., Path]) -> None:
    names = {1: "  10 ", 2: "  10A", 3: "  10B", 4: "  11 "}
    path = write([line[:22] + names[int(line[22:26])] + line[27:] for line in heavy_lines("AKTG")])
    for text in ("A:K10AW", "A:K10aW"):
        prepared = prepare(path, PreparationSettings(mutations=(text,)))
        assert [prepared.complex.residue_label(row) for row in range(4)][1] == "A:TRP10A"
    with pytest.raises(InputError, match="found A:ALA10 there, not K"):
        prepare(path, PreparationSettings(mutations=("A:K10W",)))


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("A:3", ["not understood", "A:57=HIP"]),
        ("A3=HIP", ["is no residue"]),
        ("A:3=ASH", ["A:HIS3 can be HID, HIE, HIP"]),
        ("A:4=CYX", ["A:CYS4 can be CYS, CYM", "--disulfides"]),
        ("A:7=HIP", ["one state only"]),
        ("A:30=HIP", ["no residue 30"]),
    ],
)
def test_states_that_do_not_fit(start: Prepared, state: str, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        prepare(start.complex, PreparationSettings(states=(state,)))
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_state_that_force_fields_lack_at_an_end(peptide: Callable[..., Prepared]) -> None:
    complex = peptide("DAK").complex
    for state in ("A:1=ASH", "A:3=LYN"):
        with pytest.raises(InputError, match="end of a chain"):
            prepare(complex, PreparationSettings(states=(state,)))
    assert prepare(complex, PreparationSettings(states=("A:1=ASH",), termini="capped")).complex.n_residues == 5


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ("A:4", ["not understood", "A:5-A:55"]),
        ("A:4-A:2", ["A:LYS2 is no cysteine"]),
        ("A:4-A:6", ["nm apart"]),
        ("A:4-A:4", ["two disulfides"]),
    ],
)
def test_disulfides_that_do_not_fit(start: Prepared, pair: str, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        prepare(start.complex, PreparationSettings(disulfides=(pair,)))
    assert all(word in str(caught.value) for word in words), str(caught.value)
