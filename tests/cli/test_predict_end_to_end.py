"""`unfreeze predict` with nothing made up but the weights: example in, folder out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import unfreeze
from unfreeze.cli.main import app
from unfreeze.properties import trunk
from unfreeze.properties.effect_model import EffectModel, ErrorLaw, save_effect_model
from unfreeze.structure.write import write_cif

EXAMPLE = Path(__file__).parents[2] / "examples" / "data" / "1hvr.cif"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model of random numbers."""
    laws = {task: ErrorLaw(4.0, 0.1, 0.5, 1e9) for task in ("affinity", "stability", "melting")}
    members = tuple(trunk.initial_parameters(8, seed) for seed in range(2))
    return save_effect_model(tmp_path_factory.mktemp("w") / "w.safetensors", EffectModel(members, errors=laws))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def record_of(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["predict", *arguments, "-o", "out", "--json", "--force"])
    assert result.exit_code == 0, result.stderr
    return json.loads(Path("out", "prediction.json").read_text(encoding="utf-8"))


def test_affinity_with_reasons(here, weights, monkeypatch):
    monkeypatch.setattr("unfreeze.properties.affinity.predict_delta_g", lambda *_, **__: (-40.0, 6.0, ""))
    record = record_of("affinity", str(EXAMPLE), "--between", "A:B", "--mutations", "A:L97A", "--model", str(weights))
    (effect,) = record["effects"]
    assert effect["reasons"]["lost"] and any(contact["across"] for contact in effect["reasons"]["lost"])
    assert (here / "out" / effect["structure"]).is_file()
    assert record["weights"][0]["name"] == "w.safetensors" and record["affinity"]["delta_g_kJ_mol"] == -40.0
    page = (here / "out" / "report.html").read_text(encoding="utf-8")
    assert page.count('class="site"') == 2 and "Contacts lost" in page


def test_stability_from_structure_and_from_sequence(here, weights):
    options = ("--model", str(weights), "--no-report")
    record = record_of("stability", str(EXAMPLE), "--mutations", "A:L97* A:V3A+B:V3A", "--no-reasons", *options)
    assert len(record["effects"]) == 20 and record["stability"] == {"source": "structure"}
    assert all(effect["error_kJ_mol"] >= 4.0 and effect["delta_tm_K"] is not None for effect in record["effects"])
    record = record_of("stability", "PQITLWQRPLVTIKIGGQLKEALLDTGADDTVLEE", "--to", "ALA", "--scan", "all", *options)
    assert record["stability"] == {"source": "sequence"} and len(record["effects"]) == 33


def test_a_wrong_file_of_weights_is_refused_even_where_it_would_not_be_used(here, weights):
    (here / "w.safetensors").write_bytes(weights.read_bytes()[:-100])
    result = CliRunner().invoke(app, ["predict", "affinity", str(EXAMPLE), "--model", "w.safetensors"])
    assert result.exit_code == 2 and "w.safetensors" in result.stderr and not (here / "1hvr-affinity").exists()


def test_atoms_that_are_not_there_are_told(here, weights, monkeypatch):
    monkeypatch.setattr("unfreeze.properties.affinity.predict_delta_g", lambda *_, **__: (-40.0, 6.0, ""))
    whole = unfreeze.load(EXAMPLE)
    parts = {
        "side.cif": (whole.atom_name != "CD1") | (whole.residue_number[whole.residue_index] != 97),
        "alpha.cif": whole.atom_name == "CA",
    }
    for name, kept in parts.items():
        write_cif(here / name, whole.take_atoms(kept))
    notes = record_of("affinity", "side.cif")["notes"]
    assert any("2 residues lack heavy atoms (A:LEU97, B:LEU97)" in note for note in notes)
    assert any("no side chains" in note for note in record_of("affinity", "alpha.cif")["notes"])
