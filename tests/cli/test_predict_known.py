"""`unfreeze predict --known` from the command line: measured values in, everything told with them, faults by name."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from unfreeze.cli.main import app
from unfreeze.properties import trunk
from unfreeze.properties.effect_model import EffectModel, ErrorLaw, save_effect_model

EXAMPLE = Path(__file__).parents[2] / "examples" / "data" / "1hvr.cif"
SEQUENCE = "PQITLWQRPLVTIKIGGQLKEALLDTGADDTVLEE"
TABLE = "mutations,ddg_kcal_mol,error_kcal_mol\nA:L97A,3.1,0.2\nA:I50A,2.2,\nA:L97A+B:L97A,5.0,\nA:T26A,1.0,\n"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model of random numbers."""
    laws = {task: ErrorLaw(4.0, 0.1, 0.5, 1e9) for task in ("affinity", "stability", "melting")}
    members = tuple(trunk.initial_parameters(8, seed) for seed in range(2))
    return save_effect_model(tmp_path_factory.mktemp("w") / "w.safetensors", EffectModel(members, errors=laws))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("unfreeze.properties.affinity.predict_delta_g", lambda *_, **__: (-40.0, 6.0, ""))
    Path("m.csv").write_text(TABLE, encoding="utf-8")
    return tmp_path


def run(weights: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["predict", *arguments, "--model", str(weights), "-o", "out", "--force"])


def record_of(weights: Path, *arguments: str) -> dict[str, Any]:
    result = run(weights, *arguments)
    assert result.exit_code == 0, result.stderr
    return json.loads(Path("out", "prediction.json").read_text(encoding="utf-8"))


def test_measured_values_move_the_rest(here, weights):
    wanted = ("--mutations", "A:L97A A:L97G B:L97A A:I50V", "--no-reasons")
    alone = record_of(weights, "affinity", str(EXAMPLE), *wanted, "--no-report")
    record = record_of(weights, "affinity", str(EXAMPLE), *wanted, "--known", "m.csv", "--known-kd", "5nM")
    assert "known" not in alone and [one["mutations"] for one in record["effects"]] == [
        one["mutations"] for one in alone["effects"]
    ]
    # a share of what there is to lose: of 5 nM where that was given, else of the predicted free energy
    more = math.log(5e-9) * 8.314462618e-3 * 298.15 / -40.0
    for effect, before in zip(record["effects"], alone["effects"], strict=True):
        assert effect["model_alone_kJ_mol"] == pytest.approx(more * before["delta_delta_g_kJ_mol"], abs=1e-3)
        assert effect["delta_delta_g_kJ_mol"] > before["delta_delta_g_kJ_mol"]
    known, first = record["known"], record["effects"][0]
    assert first["measured_kJ_mol"] == pytest.approx(12.97, abs=0.01)
    assert first["delta_delta_g_kJ_mol"] == pytest.approx(12.97, abs=1.5) and first["error_kJ_mol"] < 1.5
    assert known["n_values"] == 5 and known["values"][-1]["mutations"] == "WT"
    assert known["left_out_in_turn"]["ddg"]["n"] == 4 and known["source"] == "m.csv"
    assert record["affinity"]["dissociation_constant_M"] == pytest.approx(5e-9, rel=0.3)
    assert first["dissociation_constant_M"] > 100 * record["affinity"]["dissociation_constant_M"]
    rows = list(csv.DictReader(Path("out", "predictions.csv").read_text(encoding="utf-8").splitlines()))
    assert float(rows[0]["measured_kJ_mol"]) == pytest.approx(12.97, abs=0.01) and rows[1]["measured_kJ_mol"] == ""
    page = Path("out", "report.html").read_text(encoding="utf-8")
    assert "Measured values that were given" in page and "5 measured values were given" in page


def test_measured_mutants_are_asked_for_where_nothing_else_is(here, weights):
    result = run(weights, "affinity", str(EXAMPLE), "--known", "m.csv", "--no-report")
    assert result.exit_code == 0 and "4 measured values of m.csv" in result.stdout and "model alone" in result.stdout
    record = json.loads(Path("out", "prediction.json").read_text(encoding="utf-8"))
    assert len(record["effects"]) == 4 and "delta_g_kJ_mol" not in record["effects"][0]
    only = record_of(weights, "affinity", str(EXAMPLE), "--known-kd", "-50kJ/mol", "--no-report")
    assert only["effects"] == [] and only["affinity"]["delta_g_kJ_mol"] == pytest.approx(-50.0, abs=1.0)


def test_stability_of_a_sequence_with_melting_points(here, weights):
    Path("t.csv").write_text("mutations,Tm (°C)\nWT,60\nI3A,52\nW6A,45\nL5A,51\n", encoding="utf-8")
    record = record_of(weights, "stability", SEQUENCE, "--known", "t.csv", "--to", "AV", "--scan", "all", "--no-report")
    by_name = {one["mutations"]: one for one in record["effects"]}
    assert by_name["W6A"]["tm_K"] == pytest.approx(318.15, abs=2.0) and by_name["W6A"]["measured_K"] < -10.0
    assert by_name["W6V"]["delta_tm_K"] < by_name["W6V"]["model_alone_K"]
    assert record["known"]["wild_type"][0] == pytest.approx(333.15, abs=1.5)


@pytest.mark.parametrize(
    ("table", "options", "said"),
    [
        ("mutations,kd_nM\nA:K97A,3\n", (), "m.csv, row 2: A:K97A: chain A has L at 97, not K"),
        ("mutations,ddg\nA:L97A,3\n", (), "it has no unit"),
        ("mutations,kd_nM\nA:L97A,n.b.\n", (), "is a bound"),
        ("mutations,kd_nM\nWT,3\n", ("--known-kd", "3nM"), "row 2 gives the wild type too"),
        ("mutations,kd_nM\nA:L97A,3\n", ("--known-kd", "three"), "no number with a unit"),
    ],
)
def test_what_cannot_be_used_is_refused(here, weights, table, options, said):
    Path("m.csv").write_text(table, encoding="utf-8")
    result = run(weights, "affinity", str(EXAMPLE), "--known", "m.csv", *options)
    assert result.exit_code == 2 and said in result.stderr.replace("\n", " ") and not Path("out").exists()
