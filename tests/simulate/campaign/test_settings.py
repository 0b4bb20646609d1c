"""campaign.yaml: what it may say, and errors that name the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from unfreeze.errors import InputError
from unfreeze.simulate.campaign.settings import Campaign, read_campaign


def read(folder: Path, text: str, **options: object) -> Campaign:
    path = folder / "campaign.yaml"
    path.write_text(text, encoding="utf-8")
    return read_campaign(path, **options)  # type: ignore[arg-type]


def test_systems_have_what_holds_for_all_and_their_own(tmp_path: Path) -> None:
    campaign = read(
        tmp_path,
        """
systems:
  - {name: one, sequence: GYG}
  - name: two
    structure: 1abc
    length: 500ps
    replicas: 4
    preparation: {pH: 6}
    simulation:
      system: {solvent: tip3p}
      conditions: {temperature_K: 310}
sequences: ["AA:GG"]
structures: list.txt
length: 2ns
replicas: 2
seed: 7
preparation: {ions: keep}
simulation:
  system: {force_field: amber19}
  save: {every_ps: 5}
""".replace("list.txt", "[x.pdb, y/x.cif.gz]"),
    )
    one, two, *listed = campaign.systems
    assert [system.name for system in campaign.systems] == ["one", "two", "x", "x-2", "AA-GG"]
    assert (one.length_ps, one.replicas, one.simulation.system.solvent) == (2000.0, 2, "obc2")
    assert (two.length_ps, two.replicas, two.simulation.system.solvent) == (500.0, 4, "tip3p")
    assert two.simulation.system.force_field == "amber19" and two.simulation.save.every_ps == 5.0
    assert two.simulation.conditions.temperature_K == 310.0 and one.simulation.conditions.temperature_K == 300.0
    assert (two.preparation.pH, two.preparation.ions, one.preparation.pH) == (6.0, "keep", 7.0)
    assert [(system.structure, system.sequence) for system in listed] == [
        ("x.pdb", None),
        ("y/x.cif.gz", None),
        (None, "AA:GG"),
    ]
    assert campaign.seed == 7


def test_lists_in_files(tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text("1abc  # a comment\n\n2def\n", encoding="utf-8")
    campaign = read(tmp_path, "structures: ids.txt\nlength: 1ns\n")
    assert [system.structure for system in campaign.systems] == ["1abc", "2def"]


def test_changes_go_before_the_file(tmp_path: Path) -> None:
    text = "systems: [{sequence: AA, length: 3ns}, {sequence: GG}]\nlength: 1ns\nsimulation: {save: {every_ps: 2}}\n"
    changes = {"length": "2ns", "simulation": {"conditions": {"temperature_K": 320.0}}}
    campaign = read(tmp_path, text, changes=changes)
    assert [system.length_ps for system in campaign.systems] == [3000.0, 2000.0]
    assert {system.simulation.conditions.temperature_K for system in campaign.systems} == {320.0}
    assert {system.simulation.save.every_ps for system in campaign.systems} == {2.0}
    campaign = read(tmp_path, text, changes=changes, for_all=("length",))
    assert [system.length_ps for system in campaign.systems] == [2000.0, 2000.0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected a campaign"),
        ("- a", "expected a campaign"),
        ("length: 1ns", "nothing to simulate"),
        ("sequences: [AA]", "length: is missing"),
        ("sequences: [AA]\nlength: 2", "line 2, length: found 2, expected a time with its unit"),
        ("sequences: [AA]\nlength: 2ns\nreplica: 3", "line 3, replica: unknown key; known are: systems, "),
        ("sequences: [AA]\nlength: 2ns\nreplicas: 0", "line 3, replicas: input should be greater than or equal to 1"),
        ("sequences: [NO]\nlength: 2ns", "line 1, sequences.1: expected text, found False; put it in quotes"),
        ("sequences: [ABC]\nlength: 2ns", "line 1, sequences.1: sequence 'ABC': 'B' at position 2"),
        ("structures: [1914]\nlength: 2ns", "expected text, found 1914; put it in quotes"),
        ("structures: no.txt\nlength: 2ns", "line 1, structures: {folder}/no.txt is no text file with one structure"),
        ("systems: [{name: a}]\nlength: 2ns", "systems.1: a system has either a 'structure'"),
        ("systems: [{sequence: A, structure: b}]\nlength: 2ns", "systems.1: a system has either a 'structure'"),
        ("systems: [{name: a/b, sequence: AA}]\nlength: 2ns", "systems.1.name: 'a/b' cannot name a file"),
        (
            "systems:\n- {name: a, sequence: AA}\n- {name: a, sequence: GG}\nlength: 2ns",
            "line 3, systems.2: the name 'a' is there twice",
        ),
        (
            "sequences: [AA]\nlength: 2ns\nsimulation:\n  system:\n    solvnt: opc",
            "line 5, simulation.system.solvnt: unknown key; known are: force_field, ",
        ),
        (
            "sequences: [AA]\nlength: 2ns\nsimulation:\n  replica_exchange: {temperature_K: [300, 350]}",
            "line 4, simulation.replica_exchange.temperature_K: unknown key; known are: temperatures_K, ",
        ),
        (
            "sequences: [AA]\nlength: 2ns\nsimulation:\n  conditions: {temperature_K: 1e9}",
            "line 4, simulation.conditions.temperature_K: input should be less than or equal to 1000",
        ),
        (
            "systems:\n- sequence: AA\n  simulation:\n    conditions:\n      pressure_bar: 1\nlength: 2ns",
            "line 3, systems.1.simulation: pressure_bar needs explicit solvent",
        ),
        (
            "sequences: [AA]\nlength: 2ns\npreparation: {pH: acid}",
            "line 3, preparation.pH: input should be a valid number",
        ),
        (
            "sequences: [AA]\nlength: 2ns\nsimulation: {system: {force_field: charmm36, solvent: opc}}",
            "force_field charmm36 has no parameters for solvent opc",
        ),
        ("sequences: [AA]\nlength: 5ps", "line 2, length: a length of 5 ps has no frame when one is saved every 10 ps"),
    ],
)
def test_errors_name_line_and_key(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path, text)
    assert words.replace("{folder}", str(tmp_path)) in str(error.value)
    assert str(tmp_path / "campaign.yaml") in str(error.value)
