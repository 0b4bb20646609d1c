"""`unfreeze sample` and `unfreeze report` from end to end, on the example and on inputs that cannot be used."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import gemmi
import mdtraj
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from unfreeze.cli.main import app
from unfreeze.structure.ensemble import Ensemble

EXAMPLE = Path(__file__).parents[2] / "examples" / "data" / "1hvr.cif"
UNTRAINED = ("--model", "harmonic")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """The folder of a whole run, and what it printed; not to be changed."""
    folder = tmp_path_factory.mktemp("made") / "deep" / "out"
    return folder, run("sample", str(EXAMPLE), "-n", "4", "-o", str(folder), "--json", *UNTRAINED)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def summary_of(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_the_folder_is_the_contract(made: tuple[Path, Result]) -> None:
    folder, result = made
    summary = summary_of(result)
    assert {path.name for path in folder.iterdir()} == {"topology.pdb", "samples.xtc", "ensemble.json", "report.html"}
    record = json.loads((folder / "ensemble.json").read_text(encoding="utf-8"))
    assert record["schema"] == "unfreeze-ensemble/1"
    assert record["n_frames"] == 4
    assert record["conditions"]["temperature_K"] == 300.0
    assert record["conditions"]["timescale_ns"] == 100.0
    assert record["input"]["sha256"] == hashlib.sha256(EXAMPLE.read_bytes()).hexdigest()
    for entry in record["files"].values():
        assert hashlib.sha256((folder / entry["name"]).read_bytes()).hexdigest() == entry["sha256"]
    frames = mdtraj.load(str(folder / "samples.xtc"), top=str(folder / "topology.pdb"))
    assert frames.xyz.shape == (4, summary["n_atoms"], 3)
    assert Ensemble.load(folder).coordinates_nm.shape == frames.xyz.shape


def test_json_is_all_that_is_printed(made: tuple[Path, Result]) -> None:
    folder, result = made
    summary = summary_of(result)
    assert result.stderr == ""
    assert summary["directory"] == str(folder)
    assert summary["report"] == str(folder / "report.html")
    assert summary["chains"][:2] == ["A", "B"]
    assert summary["checks"]["n_frames_drawn"] >= 4
    assert set(summary) == {
        *("directory", "report", "files", "n_frames", "n_atoms", "n_residues", "chains", "input", "conditions"),
        *("model", "seed", "checks", "warnings", "seconds"),
    }


def test_the_summary_for_people_names_the_files(here: Path) -> None:
    result = run("sample", str(EXAMPLE), "-n", "2", "--no-report", *UNTRAINED)
    assert result.exit_code == 0, result.stderr
    assert "2 frames" in result.stdout
    assert "1hvr-ensemble/samples.xtc" in result.stdout
    assert {path.name for path in (here / "1hvr-ensemble").iterdir()} == {
        "topology.pdb",
        "samples.xtc",
        "ensemble.json",
    }


def test_a_file_of_weights_is_the_model(here: Path, motion_model: Any) -> None:
    from unfreeze.model.weights import save_model

    save_model(here / "some.safetensors", motion_model(0.1, card={"name": "some", "version": "3"}))
    arguments = ("sample", str(EXAMPLE), "--chains", "A", "-n", "3", "--model", "some.safetensors", "-o", "out")
    summary = summary_of(run(*arguments, "--json"))
    assert (summary["model"]["name"], summary["model"]["version"]) == ("some", "3")
    assert summary["model"]["weights"]["sha256"] == hashlib.sha256((here / "some.safetensors").read_bytes()).hexdigest()
    assert summary["files"]["fluctuations"] == "out/fluctuations.csv"
    assert len((here / "out" / "fluctuations.csv").read_text(encoding="utf-8").splitlines()) == 100
    assert "The dashed line is what the model predicts" in (here / "out" / "report.html").read_text(encoding="utf-8")
    again = run(*arguments, "--no-report")
    assert again.exit_code == 2 and "--force" in again.stderr
    assert run(*arguments, "--no-report", "--force").exit_code == 0
    for wrong, said in (("absent.safetensors", "no such file of weights"), (str(EXAMPLE), "not a safetensors file")):
        refused = run("sample", str(EXAMPLE), "-n", "1", "--model", wrong, "-o", "none")
        assert refused.exit_code == 2 and said in " ".join(refused.stderr.split())
    assert not (here / "none").exists()


@pytest.mark.parametrize("format", ["pdb", "cif"])
def test_other_formats_hold_the_same_frames(made: tuple[Path, Result], here: Path, format: str) -> None:
    run("sample", str(EXAMPLE), "-n", "4", "--no-report", "--format", format, "-o", "out", *UNTRAINED)
    models = gemmi.read_structure(str(here / "out" / f"samples.{format}"))
    positions = [[atom.atom.pos.tolist() for atom in model.all()] for model in models]
    assert np.array(positions) / 10 == pytest.approx(Ensemble.load(made[0]).coordinates_nm, abs=2e-3)


def test_the_seed_decides(made: tuple[Path, Result], here: Path) -> None:
    for name, seed in (("same", "0"), ("other", "1")):
        run("sample", str(EXAMPLE), "-n", "4", "--no-report", "--seed", seed, "-o", name, *UNTRAINED)
    frames = (made[0] / "samples.xtc").read_bytes()
    assert (here / "same" / "samples.xtc").read_bytes() == frames
    assert (here / "other" / "samples.xtc").read_bytes() != frames


def test_chains(here: Path) -> None:
    summary = summary_of(run("sample", str(EXAMPLE), "-n", "1", "--no-report", "--chains", "B", "--json"))
    assert summary["chains"] == ["B"]
    assert summary["n_residues"] == 99


def test_a_pdb_id_comes_from_the_cache(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNFREEZE_CACHE", str(here / "cache"))
    monkeypatch.setenv("UNFREEZE_RCSB_URL", "http://127.0.0.1:9")
    (here / "cache" / "structures").mkdir(parents=True)
    (here / "cache" / "structures" / "1HVR.cif.gz").write_bytes(gzip.compress(EXAMPLE.read_bytes()))
    summary = summary_of(run("sample", "1hvr", "-n", "1", "--no-report", "--json"))
    assert summary["directory"] == "1hvr-ensemble"
    assert summary["input"]["name"] == "1HVR.cif.gz"


def test_an_existing_ensemble_is_replaced_only_by_force(made: tuple[Path, Result], here: Path) -> None:
    shutil.copytree(made[0], here / "out")
    before = (here / "out" / "ensemble.json").read_bytes()
    refused = run("sample", str(EXAMPLE), "-n", "1", "-o", "out", "--no-report")
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert (here / "out" / "ensemble.json").read_bytes() == before
    assert run("sample", str(EXAMPLE), "-n", "1", "-o", "out", "--no-report", "--force").exit_code == 0
    assert Ensemble.load(here / "out").n_frames == 1
    assert [path.name for path in here.iterdir()] == ["out"]


def test_a_folder_with_other_things_is_never_replaced(here: Path) -> None:
    (here / "thesis").mkdir()
    (here / "thesis" / "chapter.tex").write_text("words")
    refused = run("sample", str(EXAMPLE), "-n", "1", "-o", "thesis", "--force")
    assert refused.exit_code == 2
    assert "not an ensemble folder" in refused.stderr
    assert (here / "thesis" / "chapter.tex").read_text() == "words"


def test_a_place_that_cannot_be_written_to_is_refused_before_the_work(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unfreeze.structure.load.load", lambda *_, **__: pytest.fail("the work had begun"))
    (here / "file").write_text("in the way")
    refused = run("sample", str(EXAMPLE), "-n", "1", "-o", "file/deep/out")
    assert refused.exit_code == 2
    assert "choose another -o" in refused.stderr


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        (None, ["absent.pdb"], "absent.pdb: no such file"),
        (None, ["."], "is a folder"),
        (b"", ["input.pdb"], "input.pdb"),
        (b"\x00\xff\x01" * 1000, ["input.pdb"], "input.pdb"),
        (b"\x1f\x8b" + bytes(50), ["input.cif.gz"], "input.cif.gz"),
        (b"<html>Not found</html>", ["input.cif"], "input.cif"),
        (EXAMPLE, ["input.cif", "--chains", "A,Q"], "Q"),
        (EXAMPLE, ["input.cif", "--assembly", "17"], "17"),
        (EXAMPLE, ["input.cif", "--model-number", "5"], "5"),
    ],
)
def test_input_that_cannot_be_used_ends_with_2_and_writes_nothing(
    here: Path, content: bytes | Path | None, arguments: list[str], message: str
) -> None:
    if content is not None:
        (here / arguments[0]).write_bytes(content.read_bytes() if isinstance(content, Path) else content)
    before = list(here.iterdir())
    refused = run("sample", *arguments, "-n", "1")
    assert refused.exit_code == 2, refused.stderr
    assert message in refused.stderr
    assert "Traceback" not in refused.stderr
    assert "Sorry" not in refused.stderr
    assert refused.stdout == ""
    assert list(here.iterdir()) == before


def test_offline_says_what_to_do(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNFREEZE_CACHE", str(here / "cache"))
    monkeypatch.setenv("UNFREEZE_RCSB_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    refused = run("sample", "4hhb")
    assert refused.exit_code == 2
    assert "no network" in refused.stderr
    assert "http://127.0.0.1:9/4HHB.cif.gz yourself" in refused.stderr


# The report's place is taken by something that says when it is reached and then waits to be interrupted.
_WAIT_IN_REPORT = """
import signal, sys, time, unfreeze.report.page
# children of a shell that runs the tests in the background have SIGINT ignored
signal.signal(signal.SIGINT, signal.default_int_handler)
from unfreeze.cli.main import main
def wait(directory):
    print("reached", flush=True)
    time.sleep(120)
unfreeze.report.page.write_report = wait
main()
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_leaves_nothing(here: Path, number: signal.Signals, code: int) -> None:
    command = [sys.executable, "-c", _WAIT_IN_REPORT, "sample", str(EXAMPLE), "-n", "1", "-o", "out"]
    with subprocess.Popen(command, cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "reached\n"
        assert [path.name.startswith(".out.") for path in here.iterdir()] == [True]
        os.kill(process.pid, number)
        _rest, shown = process.communicate(timeout=60)
    assert process.returncode == code, shown
    assert "Traceback" not in shown
    assert list(here.iterdir()) == []


def test_report_makes_the_page_again(made: tuple[Path, Result], here: Path) -> None:
    shutil.copytree(made[0], here / "out")
    (here / "out" / "report.html").unlink()
    result = run("report", "out", "--json")
    assert json.loads(result.stdout)["report"] == "out/report.html"
    assert (here / "out" / "report.html").stat().st_size > 10_000


@pytest.mark.parametrize("name", ["absent", "empty"])
def test_report_of_something_else_ends_with_2(here: Path, name: str) -> None:
    (here / "empty").mkdir()
    refused = run("report", name)
    assert refused.exit_code == 2
    assert name in refused.stderr
