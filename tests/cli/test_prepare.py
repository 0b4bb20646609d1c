"""`unfreeze prepare` from end to end, and what it says to inputs that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gemmi
import pytest
from typer.testing import CliRunner, Result

from unfreeze.cli.main import app
from unfreeze.structure.prepare.folder import read_prepared

EXAMPLE = Path(__file__).parents[2] / "examples" / "data" / "1hvr.cif"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["prepare", *arguments])


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def summary_of(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_a_peptide_becomes_a_folder(here: Path) -> None:
    result = run("--sequence", "GYDPETGTWG", "-o", "deep/out")
    assert result.exit_code == 0, result.stderr
    assert "138 atoms (61 hydrogens) of 10 residues in 1 chain, net charge -2 e" in result.stdout
    assert "A:GLY10: OXT was built." in result.stdout
    folder = here / "deep" / "out"
    assert {path.name for path in folder.iterdir()} == {"prepared.cif", "prepared.pdb", "preparation.json"}
    assert read_prepared(folder).complex.n_atoms == 138
    assert gemmi.read_structure(str(folder / "prepared.pdb"))[0].count_atom_sites() == 138
    assert json.loads((folder / "preparation.json").read_text())["command"].startswith("unfreeze")


def test_json_is_all_that_is_printed(here: Path) -> None:
    result = run("--sequence", "AHA:GG", "--termini", "capped", "--state", "A:2=HIP", "--ph", "6", "--json")
    summary = summary_of(result)
    assert result.stderr == ""
    assert set(summary) == {"directory", "files", "input", "counts", "changes", "summary", "warnings", "seconds"}
    assert summary["directory"] == "AHA-GG-prepared"
    assert summary["counts"]["net_charge_e"] == 1
    assert Path(summary["files"]["structure"]).is_file()
    assert {change["kind"] for change in summary["changes"]} == {"built", "capped", "state"}


def test_a_structure_with_choices(here: Path) -> None:
    result = run(
        *(str(EXAMPLE), "--chains", "A", "--ligands", "drop", "--mutate", "A:V3A,A:Q7A", "--mutate", "A:R8K"),
        *("--keep-waters", "0.4", "--nonstandard", "replace", "--disulfides", "none", "--json"),
    )
    summary = summary_of(result)
    assert summary["directory"] == "1hvr-prepared"
    assert summary["summary"]["mutated"] == 3
    assert summary["counts"]["chains"] == 1
    report = json.loads((here / "1hvr-prepared" / "preparation.json").read_text())
    assert report["settings"]["keep_waters"] == "interface"
    assert report["settings"]["water_distance_nm"] == 0.4


def test_a_folder_that_is_there_is_only_replaced_if_asked(here: Path) -> None:
    assert run("--sequence", "GG", "-o", "out").exit_code == 0
    again = run("--sequence", "GGG", "-o", "out")
    assert again.exit_code == 2
    assert "--force" in again.stderr
    assert read_prepared(here / "out").complex.n_residues == 2
    assert run("--sequence", "GGG", "-o", "out", "--force").exit_code == 0
    assert read_prepared(here / "out").complex.n_residues == 3
    (here / "out" / "notes.txt").write_text("mine")
    kept = run("--sequence", "GG", "-o", "out", "--force")
    assert kept.exit_code == 2
    assert "not a prepared folder" in kept.stderr
    (here / "file").write_text("x")
    assert run("--sequence", "GG", "-o", "file").exit_code == 2
    assert run("--sequence", "GG", "-o", "file/deep").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give INPUT or --sequence"),
        ([str(EXAMPLE), "--sequence", "GG"], "not both"),
        (["--sequence", "GYdP"], "'d' at position 3"),
        (["absent.pdb"], "no such file"),
        ([str(EXAMPLE)], "no force field for A:XK2263"),
        ([str(EXAMPLE), "--ligands", "drop", "--mutate", "A:K1A"], "found A:PRO1 there, not K"),
        (["--sequence", "GG", "--keep-waters", "near"], "a distance in nm"),
        (["--sequence", "GG", "--keep-waters", "9"], "a distance in nm"),
        (["--sequence", "GG", "--chains", "A,A"], "different chain names"),
        (["--sequence", "GG", "--state", "A:1=HIP"], "one state only"),
        (["--sequence", "A"], "--termini capped"),
    ],
)
def test_what_cannot_be_used_ends_with_one_message(here: Path, arguments: list[str], words: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.replace("│", " ").split())
    assert "Traceback" not in result.stderr
    assert not any(path.name.endswith("-prepared") for path in here.iterdir())
