import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from unfreeze.cli.main import app
from unfreeze.simulate.campaign.settings import read_campaign
from unfreeze.structure.write import write_pdb

PROTEASE = Path(__file__).parents[2] / "examples" / "data" / "1hvr.cif"


def run(*arguments):
    return CliRunner().invoke(app, ["simulate", "choose", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path, make):
    structures = tmp_path / "structures"
    structures.mkdir()
    write_pdb(structures / "helix.pdb", make.peptide(30, phi=-60.0, psi=-45.0))
    (structures / "broken.pdb").write_text("ATOM broken\n")
    return structures


def test_a_table_with_reasons_and_what_was_left_out(folder):
    result = run(PROTEASE, folder, "--count", 2)
    assert result.exit_code == 0, result.output
    assert "new sequence A=B; new pair of partners A–B" in result.stdout
    assert "interface families: 0 of 1 covered, 1 with these" in result.stdout
    assert "A heuristic" in result.stdout
    assert "Left out 1:" in result.stderr and "broken.pdb" in result.stderr


def test_json_and_a_campaign_that_can_be_read(folder, tmp_path):
    file = tmp_path / "next.yaml"
    result = run(PROTEASE, folder, "--json", "--write", file, "--length", "3ns")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert [one["name"] for one in document["suggestions"]] == ["helix", "1hvr"]
    assert document["coverage"]["sequence clusters"] == {"all": 2, "covered": 0, "with suggestions": 2}
    assert document["settings"]["identity"] == 0.4
    assert "heuristic" in document["note"]
    campaign = read_campaign(file)
    assert [system.name for system in campaign.systems] == ["helix", "1hvr"]
    assert campaign.systems[0].length_ps == 3000.0
    assert run(PROTEASE, "--write", file).exit_code == 2
    assert run(PROTEASE, "--write", file, "--force").exit_code == 0


def test_what_is_there_already_comes_last(folder):
    result = run(PROTEASE, folder, "--have", PROTEASE.parent, "--json")
    document = json.loads(result.stdout)
    assert [one["name"] for one in document["suggestions"]] == ["helix", "1hvr"]
    assert document["suggestions"][1]["reason"].startswith("nothing new: its site A–B is there once, as in 1hvr")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give candidates"),
        (["nothing.pdb"], "no such file or folder, and not a PDB id"),
        ([PROTEASE, "--have", "nowhere"], "no such folder"),
        ([PROTEASE, "--max-atoms", 10], "no candidate has at most 10 atoms"),
        ([PROTEASE, "--length", "long"], "expected a time with its unit"),
    ],
)
def test_mistakes_are_named(arguments, words):
    result = run(*arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.output.replace("│", " ").split())
    assert "Traceback" not in result.output
