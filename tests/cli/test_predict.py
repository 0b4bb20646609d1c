"""`unfreeze predict` from the command line, with predictors that are made up: what is asked, written and refused."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from unfreeze.cli.main import app
from unfreeze.properties.effects import (
    AffinityPrediction,
    ClassPrediction,
    Contact,
    MutationEffect,
    Reasons,
    StabilityPrediction,
)

EXAMPLE = Path(__file__).parents[2] / "examples" / "data" / "1hvr.cif"
HOSTILE = "</script><img/src=x>"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def _size(mutations: Any) -> float:
    return sum("AGSTCPDNEQHRKVILMFYW".index(m.mutant) - 8.0 for m in mutations)


def _effect(mutations: Any, with_reasons: bool, *, tm: bool = False) -> MutationEffect:
    lost = (Contact("B:THR26", "hydrogen bond", True), Contact("A:LEU5", "hydrophobic", False))
    reasons = Reasons(lost, (), -0.21, 0.12, 1.5, ("It loses a hydrogen bond across the interface.",))
    value = _size(mutations)
    return MutationEffect(
        tuple(mutations), value, 2.0,
        delta_tm_K=value / 4 if tm else None, error_tm_K=1.0 if tm else None,
        outside="Buried glycines are rare in what it was trained on." if value > 10 else "",
        reasons=reasons if with_reasons else None,
    )  # fmt: skip


def predict_affinity(molecule, partners, mutations, *, temperature_K=298.15, measured_delta_g_kJ_mol=None,
                     model=None, with_reasons=True, progress=None):  # fmt: skip
    if progress is not None:
        progress("Predicting", 0.5)
    effects = tuple(_effect(each, with_reasons) for each in mutations)
    return AffinityPrediction(partners, -50.0, 6.0, "", temperature_K, effects, ("made up",))


def predict_stability(source, mutations, *, chains=None, model=None, with_reasons=True, progress=None):
    kind = "sequence" if isinstance(source, str) else "structure"
    return StabilityPrediction(kind, tuple(_effect(each, with_reasons, tm=True) for each in mutations), ())


def _classes(task):
    def predict(sequence, molecule=None, *, model=None):
        probabilities = {"Nucleus": 0.8, "Cytoplasm": 0.3, HOSTILE: 0.1}
        if task == "function":
            probabilities = {"3": 0.9, "3.4": 0.8, "3.4.23": 0.7, "2": 0.1}
            return ClassPrediction(task, probabilities, ("3", "3.4", "3.4.23"), dict.fromkeys(probabilities, 0.5))
        return ClassPrediction(task, probabilities, ("Nucleus",), dict.fromkeys(probabilities, 0.5), "", (sequence,))

    return predict


@pytest.fixture(autouse=True)
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, function in (
        ("affinity", predict_affinity),
        ("stability", predict_stability),
        ("location", _classes("location")),
        ("function", _classes("function")),
    ):
        module = ModuleType(name)
        setattr(module, f"predict_{name}", function)
        monkeypatch.setitem(sys.modules, f"unfreeze.properties.{name}", module)


@pytest.fixture(scope="module")
def summary_of():
    def read(result: Result) -> dict[str, Any]:
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    return read


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_affinity_of_listed_mutations(here, summary_of):
    result = run("predict", "affinity", str(EXAMPLE), "--between", "A:B", "--mutations", "A:I50V A:I50V+B:I50V",
                 "--mutations", "LA97A", "--json")  # fmt: skip
    summary = summary_of(result)
    folder = here / "1hvr-affinity"
    assert summary["directory"] == "1hvr-affinity" and summary["n_effects"] == 3 and result.stderr == ""
    assert {path.name for path in folder.iterdir()} == {
        "predictions.csv", "prediction.json", "structure.cif", "mutants", "report.html",
    }  # fmt: skip
    record = json.loads((folder / "prediction.json").read_text(encoding="utf-8"))
    assert record["schema"] == "unfreeze-prediction/1" and record["task"] == "affinity"
    assert record["input"]["sha256"] == hashlib.sha256(EXAMPLE.read_bytes()).hexdigest()
    assert record["request"]["between"] == "A:B" and record["conditions"]["temperature_K"] == 298.15
    assert record["affinity"]["dissociation_constant_M"] == pytest.approx(1.7e-9, rel=0.05)
    assert any("LA97A was read as A:L97A" in note for note in record["notes"]) and "made up" in record["notes"]
    for name, entry in record["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == entry["sha256"]
    with open(folder / "predictions.csv", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["mutations"] for row in rows] == ["A:I50V", "A:I50V+B:I50V", "A:L97A"]
    assert float(rows[0]["delta_delta_g_kJ_mol"]) == 5.0 and rows[0]["words"] == "weakens"
    from unfreeze.structure.read import read_complex

    mutant = read_complex(folder / "mutants" / "A_I50V+B_I50V.cif")
    assert mutant.residue_name[mutant.residue_number == 50].tolist() == ["VAL", "VAL"]


def test_a_scan_of_an_interface_writes_no_mutants(here, summary_of):
    result = run("predict", "affinity", str(EXAMPLE), "--scan", "interface", "--to", "ALA", "--json", "--no-report")
    summary = summary_of(result)
    assert summary["report"] is None and not (here / "1hvr-affinity" / "mutants").exists()
    record = json.loads((here / "1hvr-affinity" / "prediction.json").read_text(encoding="utf-8"))
    assert "The scan mutates" in record["notes"][0]
    assert len(record["effects"]) <= len(record["interface"]["first"]) + len(record["interface"]["second"])
    assert all(effect["reasons"] is None for effect in record["effects"])


def test_only_the_free_energy(here):
    result = run("predict", "affinity", str(EXAMPLE), "--no-report", "-o", "out")
    assert result.exit_code == 0, result.stderr
    assert (
        "at 298.15 K: -50.0 ± 6.0 kJ/mol (dissociation constant 1.7e-09" in result.stdout
        and "Note: made up" in result.stderr
    )
    assert (here / "out" / "predictions.csv").read_text(encoding="utf-8").startswith("partners,delta_g_kJ_mol")


def test_reasons_of_many_are_of_the_strongest(here, summary_of):
    arguments = ("predict", "stability", str(EXAMPLE), "--mutations", "A:I50* A:L5*", "--no-report", "--json")
    summary = summary_of(run(*arguments))
    with_reasons = [abs(e["delta_delta_g_kJ_mol"]) for e in summary["effects"] if e["reasons"]]
    without = [abs(e["delta_delta_g_kJ_mol"]) for e in summary["effects"] if not e["reasons"]]
    assert len(with_reasons) == 20 and len(without) == 18 and min(with_reasons) >= max(without)
    assert len(list((here / "1hvr-stability" / "mutants").iterdir())) == 20
    assert any("20 strongest of 38" in note for note in summary["notes"])


def test_stability_of_a_sequence_alone(here, summary_of):
    summary = summary_of(run("predict", "stability", "MKVLAAGIVGMKVLAAGIVG", "--json"))
    assert summary["stability"] == {"source": "sequence"} and summary["n_effects"] == 380
    assert {path.name for path in (here / "sequence-stability").iterdir()} == {
        "predictions.csv", "prediction.json", "report.html",
    }  # fmt: skip
    table = (here / "sequence-stability" / "predictions.csv").read_text(encoding="utf-8")
    assert "delta_tm_K" in table.splitlines()[0]


def test_location_and_function_of_many(here, summary_of):
    (here / "x.fasta").write_text(f">one\nMKVLAAGIVG\n>{HOSTILE}\nMKVLAAGIVGA\n>=2+3\nMKVLAAGIVGC\n", encoding="utf-8")
    for task in ("location", "function"):
        summary = summary_of(run("predict", task, "x.fasta", "--json"))
        specific = {"location": ["Nucleus"], "function": ["3.4.23"]}[task]
        assert summary["n_proteins"] == 3 and summary["proteins"][0]["specific"] == specific and not summary["notes"]
        page = (here / f"x-{task}" / "report.html").read_text(encoding="utf-8")
        assert HOSTILE not in page and "&lt;/script&gt;" in page
        with open(here / f"x-{task}" / "predictions.csv", encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        assert len(rows) in (9, 12) and rows[-1]["name"] == "'=2+3" and rows[0]["chosen"] == "1"
    summary = summary_of(run("predict", "location", str(EXAMPLE), "--json", "--no-report"))
    assert [protein["name"] for protein in summary["proteins"]] == ["chains A, B"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("affinity", str(EXAMPLE), "--between", "A:C"), "no chain 'C'"),
        (("affinity", str(EXAMPLE), "--mutations", "A:K50V"), "chain A has I at 50"),
        (("affinity", str(EXAMPLE), "--mutations", "A:C67A"), "modified"),
        (("affinity", str(EXAMPLE), "--mutations", "A:I50V", "--scan", "all"), "give one of them"),
        (("affinity", str(EXAMPLE), "--to", "ALA"), "give --scan"),
        (("affinity", str(EXAMPLE), "--scan", "surface"), "expected interface"),
        (("affinity", str(EXAMPLE), "--temperature", "25"), "kelvin"),
        (("affinity", "MKVLAAGIVGMKVLA"), "needs the structure"),
        (("affinity", "nowhere.pdb"), "no such file"),
        (("affinity", str(EXAMPLE), "--chains", "A"), "--between is needed"),
        (("stability", "MKVLAAGIVG", "--chains", "A"), "leave them out"),
        (("stability", str(EXAMPLE), "--scan", "interface"), "two partners"),
        (("stability", "two.fasta"), "more than 1 sequence"),
        (("location", "empty.fasta"), "holds no record"),
        (("location", "M" * 5000 + "1"), "neither a file"),
        (("location", "MKV"), "nor a sequence of ten"),
        (("stability", "MKVLAAGIVB"), "'B' (D or N) at position 10"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(here, arguments, said):
    (here / "two.fasta").write_text(">a\nMKVLAAGIVG\n>b\nMKVLAAGIVG\n", encoding="utf-8")
    (here / "empty.fasta").write_text("", encoding="utf-8")
    result = run("predict", *arguments)
    assert result.exit_code == 2, result.output
    assert said in " ".join(result.stderr.replace("│", " ").split())
    assert {path.name for path in here.iterdir()} == {"two.fasta", "empty.fasta"}


def test_a_folder_is_replaced_only_when_asked_and_only_if_it_is_one(here):
    arguments = ("predict", "location", "MKVLAAGIVG", "--no-report")
    assert run(*arguments).exit_code == 0
    again = run(*arguments)
    assert again.exit_code == 2 and "holds a prediction already" in again.stderr
    assert run(*arguments, "--force").exit_code == 0
    (here / "sequence-location" / "mine.txt").write_text("keep", encoding="utf-8")
    assert "is not a folder of predictions" in run(*arguments, "--force").stderr
    assert (here / "sequence-location" / "mine.txt").read_text(encoding="utf-8") == "keep"


def test_an_interrupted_run_leaves_nothing(here, monkeypatch):
    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("unfreeze.report.prediction.write_prediction_page", stopped)
    result = run("predict", "location", "MKVLAAGIVG")
    assert result.exit_code == 130 and "nothing was written" in result.stderr
    assert list(here.iterdir()) == []


def test_a_sequence_may_be_longer_than_a_file_name(here, summary_of):
    summary = summary_of(run("predict", "location", "MKVLAAGIVG" * 400, "--no-report", "--json"))
    assert summary["directory"] == "sequence-location" and len(summary["proteins"][0]["sequence"]) == 4000


def test_help_imports_little():
    code = (
        "import sys\nsys.argv = ['unfreeze', 'predict', 'affinity', '--help']\nfrom unfreeze.cli.main import app\n"
        "try: app()\nexcept SystemExit: pass\nprint(sorted({'numpy', 'scipy', 'gemmi'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.strip().endswith("[]") and "--between" in found.stdout
