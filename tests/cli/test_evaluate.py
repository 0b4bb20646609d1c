"""`unfreeze evaluate` from end to end: one ensemble, many with faults among them, and what can be mistyped."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from unfreeze.cli.evaluate import _name_of, _say_unprepared
from unfreeze.cli.main import app
from unfreeze.evaluate.protocols import PROTOCOLS
from unfreeze.structure.ensemble import Ensemble


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["evaluate", *arguments])


@pytest.fixture(scope="module")
def material(make: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ensembles of a peptide: molecular dynamics, two sound generators, and four things that cannot be scored."""
    folder = tmp_path_factory.mktemp("material")
    molecule = make.peptide(12, phi=-65.0, psi=-40.0)
    generator = np.random.default_rng(4)
    spread = np.linspace(0.01, 0.04, molecule.n_residues)[molecule.residue_index, None]

    def frames(n_frames: int, scale: float = 1.0) -> Any:
        noise = scale * spread * generator.normal(size=(n_frames, molecule.n_atoms, 3))
        return (molecule.coordinates_nm + noise).astype(np.float32)

    Ensemble(molecule, frames(60)).save(folder / "md")
    Ensemble(molecule, frames(15)).save(folder / "good")
    Ensemble(molecule, frames(15, scale=0.5)).save(folder / "stiff")
    Ensemble(molecule, frames(1)).save(folder / "oneframe")
    for name in ("truncated", "mismatched", "nan"):
        (folder / name).mkdir()
        shutil.copy(folder / "good" / "topology.pdb", folder / name)
    whole = (folder / "good" / "samples.xtc").read_bytes()
    (folder / "truncated" / "samples.xtc").write_bytes(whole[: len(whole) * 2 // 3])
    short = molecule.take_residues(np.arange(9))
    Ensemble(short, frames(5)[:, : short.n_atoms]).save(folder / "short")
    shutil.copy(folder / "short" / "samples.xtc", folder / "mismatched")
    broken = Ensemble(molecule, frames(8)).to_mdtraj()
    broken.xyz[5, 3] = np.nan
    broken.save_dcd(str(folder / "nan" / "samples.dcd"))
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def targets_file(folder: Path, material: Path, generators: dict[str, str], targets: str, **settings: Any) -> Path:
    """A targets file in which every target has the same reference."""
    lines = [f"{key}: {json.dumps(value)}" for key, value in {"protocol": "alphaflow", **settings}.items()]
    lines.append("targets:")
    for name in targets.split():
        ensembles = {
            generator: str(material / path.replace("{target}", name)) for generator, path in generators.items()
        }
        lines.append(f"  - {json.dumps({'name': name, 'reference': str(material / 'md'), 'ensembles': ensembles})}")
    path = folder / "targets.yaml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_one_ensemble_is_a_table(material: Path, here: Path) -> None:
    done = run(str(material / "good"), "--reference", str(material / "md"), "--protocol", "alphaflow")
    assert done.exit_code == 0, done.stderr
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert lines[0].startswith("md, good: protocol alphaflow, version")
    assert any(line.startswith("RMSF, Pearson r ↑ 0.") for line in lines)
    assert any("n/a: " in line for line in lines)  # alanines have no side chain to be exposed
    assert "ensemble: 15 frames of 60 atoms; reference: 60 frames of 60 atoms" in lines
    assert "nan" not in done.stdout.lower().split()
    assert list(here.iterdir()) == []


def test_one_ensemble_as_a_folder(material: Path, here: Path) -> None:
    command = [str(material / "good"), "-r", str(material / "md"), "-p", "alphaflow", "-o", "deep/out", "--json"]
    done = run(*command)
    assert done.exit_code == 0, done.stderr
    summary = json.loads(done.stdout, parse_constant=pytest.fail)
    assert (summary["target"], summary["generator"], summary["status"]) == ("md", "good", "ok")
    assert (summary["directory"], summary["report"]) == ("deep/out", "deep/out/report.html")
    out = here / "deep" / "out"
    assert {path.name for path in out.iterdir() if not path.name.startswith(".")} == {
        *("evaluation.json", "results", "scores.csv", "summary.csv", "summary.md", "report.html")
    }
    kept = json.loads((out / "results" / "good" / "md.json").read_text(encoding="utf-8"))
    assert kept["estimates"] == summary["estimates"]
    assert json.loads((out / "evaluation.json").read_text(encoding="utf-8"))["targets"] == ["md"]

    stamp = (out / "results" / "good" / "md.json").stat().st_mtime_ns
    assert run(*command).exit_code == 0  # nothing has changed: the result is taken
    assert (out / "results" / "good" / "md.json").stat().st_mtime_ns == stamp
    assert run(*command, "--force").exit_code == 0
    assert (out / "results" / "good" / "md.json").stat().st_mtime_ns != stamp

    page = (out / "report.html").read_text(encoding="utf-8")
    (out / "report.html").unlink()
    assert CliRunner().invoke(app, ["report", str(out)]).exit_code == 0  # the page is made again from what is there
    assert (out / "report.html").read_text(encoding="utf-8") == page

    other = run(str(material / "stiff"), *command[1:])
    assert other.exit_code == 2
    assert "holds another evaluation" in other.stderr


def test_the_default_protocol_has_intervals_floor_and_baseline(material: Path, here: Path) -> None:
    done = run(str(material / "good"), "-r", str(material / "md"), "--bootstrap", "20", "--json")
    assert done.exit_code == 0, done.stderr
    summary = json.loads(done.stdout, parse_constant=pytest.fail)
    assert summary["protocol"]["name"] == "unfreeze"
    rmsf = summary["estimates"]["rmsf_ca_r"]
    assert 0.8 < rmsf["value"] <= 1.0
    assert rmsf["low"] <= rmsf["value"] <= rmsf["high"]
    assert None not in (rmsf["floor"], rmsf["baseline"])
    assert all(item["reason"] for item in summary["estimates"].values() if item["value"] is None)
    bare = run(
        str(material / "good"), "-r", str(material / "md"), "--bootstrap", "0", "--no-floor", "--no-baseline", "--json"
    )
    alone = json.loads(bare.stdout)["estimates"]["rmsf_ca_r"]
    assert alone["value"] == rmsf["value"]
    assert [alone[key] for key in ("low", "high", "floor", "baseline")] == [None] * 4


@pytest.fixture(scope="module")
def faulty(material: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Result]:
    """Folder, targets file and end of a run with four faulty targets, an absent one and a sound one."""
    folder = tmp_path_factory.mktemp("faulty")
    names = "good truncated mismatched oneframe nan absent"
    path = targets_file(folder, material, {"ours": "{target}", "stiff": "stiff"}, names)
    return folder, path, run("--targets", str(path), "-o", str(folder / "out"), "--jobs", "2", "--json")


def test_faulty_targets_are_named_and_the_others_scored(faulty: tuple[Path, Path, Result]) -> None:
    folder, _, done = faulty
    assert done.exit_code == 2
    summary = json.loads(done.stdout, parse_constant=pytest.fail)
    errors = {(row["target"], row["generator"]): row["error"] for row in summary["failed"]}
    assert set(errors) == {(name, "ours") for name in ("truncated", "mismatched", "oneframe", "nan", "absent")}
    assert not [text for text in errors.values() if "unforeseen" in text]
    words = {
        "truncated": ("truncated/samples.xtc", "cut"),
        "mismatched": ("mismatched", "45", "60"),
        "oneframe": ("oneframe", "one frame is no ensemble"),
        "nan": ("nan/samples.dcd", "frame"),
        "absent": ("absent",),
    }
    for name, wanted in words.items():
        for word in wanted:
            assert word in errors[name, "ours"], errors[name, "ours"]
        assert f"{name}, ours: {errors[name, 'ours']}" in done.stderr
    assert "5 of 12 could not be scored" in done.stderr
    assert summary["summary"]["stiff"]["rmsf_pearson"]["n"] == 6
    assert summary["summary"]["ours"]["rmsf_pearson"]["n_missing"] == 5
    assert summary["report"] == str(folder / "out" / "report.html")
    assert (folder / "out" / "report.html").stat().st_size > 0
    with open(folder / "out" / "scores.csv", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["target"] for row in rows if row["value"] and row["generator"] == "stiff"} == set(words) | {"good"}
    assert sum(row["reason"].startswith("failed: ") for row in rows) == 5


def test_the_same_command_tries_only_what_failed(faulty: tuple[Path, Path, Result]) -> None:
    folder, path, _ = faulty
    stamps = {file: file.stat().st_mtime_ns for file in (folder / "out" / "results").rglob("*.json")}
    again = run("--targets", str(path), "-o", str(folder / "out"), "--no-report", "--json")
    assert again.exit_code == 2
    assert json.loads(again.stdout)["n_kept"] == 7
    changed = {file.stem for file, stamp in stamps.items() if file.stat().st_mtime_ns != stamp}
    assert changed == {"truncated", "mismatched", "oneframe", "nan", "absent"}


def test_generators_are_compared_over_targets(material: Path, here: Path) -> None:
    path = targets_file(here, material, {"loose": "good", "stiff": "stiff"}, "a b c")
    done = run("--targets", str(path), "--no-report", "--no-floor")
    assert done.exit_code == 0, done.stderr
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert lines[0] == "3 targets: protocol alphaflow, version 1"
    assert any(line.startswith("loose 0.") for line in lines)
    assert "Differences between generators, paired over targets" in lines
    assert " targets-evaluation/evaluation.json" in done.stdout
    settings = json.loads((here / "targets-evaluation" / "evaluation.json").read_text(encoding="utf-8"))
    assert {row["p_value"] for row in settings["pairs"]} - {None}
    assert (here / "targets-evaluation" / "summary.md").read_text(encoding="utf-8").startswith("# ")


def test_an_interruption_says_what_is_kept_and_how_to_go_on(material: Path, here: Path) -> None:
    names = " ".join(f"t{index}" for index in range(80))
    path = targets_file(here, material, {"ours": "good"}, names)
    command = [sys.executable, "-m", "unfreeze", "evaluate", "--targets", str(path), "-o", "out", "-j", "1"]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        # jobs in the background inherit it ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    deadline = time.monotonic() + 60
    while not list((here / "out").glob("results/*/t2.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    kept = len(list((here / "out").glob("results/*/*.json")))
    assert 3 <= kept < 80
    assert "of 80 results are kept in out/results; the same command goes on from there." in errors
    assert "Traceback" not in errors
    assert not (here / "out" / "evaluation.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give one of ENSEMBLE, --targets"),
        (["x", "--targets", "t.yaml"], "found ENSEMBLE and --targets"),
        (["x"], "--reference"),
        (["x", "-r", "y", "--jobs", "2"], "--jobs does not go with ENSEMBLE"),
        (["x", "-r", "y", "--data", "d"], "--data does not go with ENSEMBLE"),
        (["--targets", "t.yaml", "-r", "y"], "--reference does not go with --targets"),
        (["--recipe", "db55"], "--data"),
        (["--recipe", "db55", "--data", "d"], "--output"),
        (["--recipe", "casp"], "--recipe"),
        (["x", "-r", "y", "--stride", "0"], "--stride"),
        (["x", "-r", "y", "--max-frames", "1"], "--max-frames"),
        (["x", "-r", "y", "--bootstrap", "100001"], "at most 100000"),
        (["x", "-r", "y", "--seed", "-1"], "--seed"),
        (["x", "-r", "y", "--protocol", "atlas"], "there is no protocol 'atlas'"),
        (["--targets", "absent.yaml"], "absent.yaml: cannot be read"),
        (["absent", "-r", "y", "-p", "alphaflow"], "absent"),
    ],
)
def test_what_is_mistyped_ends_with_2_and_writes_nothing(arguments: list[str], message: str, here: Path) -> None:
    done = run(*arguments)
    assert done.exit_code == 2, done.stderr
    assert message in " ".join(done.stderr.replace("│", " ").split())
    assert done.stdout == ""
    assert list(here.iterdir()) == []


def test_protocols_are_listed() -> None:
    done = run("--list-protocols")
    assert done.exit_code == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(PROTOCOLS)
    assert [item["name"] for item in json.loads(run("--list-protocols", "--json").stdout)] == list(PROTOCOLS)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/6o2v_A.pdb", "6o2v_A"),
        ("model.v2.cif.gz", "model.v2"),
        ("md_R1.xtc", "md_R1"),
        ("odd name (1).pdb", "odd_name__1_"),
        ("..", None),
        (".pdb", "unnamed"),
    ],
)
def test_names_come_from_paths(path: str, name: str | None, here: Path) -> None:
    found = _name_of(path)
    assert found == (name or here.parent.name)
    assert "/" not in found


def test_complexes_of_a_recipe_that_cannot_be_prepared_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "failed.json"
    path.write_text("{}", encoding="utf-8")
    assert not _say_unprepared(path)
    assert capsys.readouterr().err == ""
    path.write_text(json.dumps({f"9X{k:02d}": "has no atoms" for k in range(50)}), encoding="utf-8")
    assert _say_unprepared(path)
    said = capsys.readouterr().err
    assert "50 could not be prepared" in said
    assert "9X00: has no atoms" in said
    assert f"more, listed in {path}" in said
