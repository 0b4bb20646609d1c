"""`unfreeze simulate` from end to end with the real engine: run, repeat, extend, kill, and what can be mistyped."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import mdtraj
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from unfreeze.cli.main import app
from unfreeze.simulate.engine.run_store import RunStore

QUICK = [
    *("--sequence", "GG", "--save-every", "0.1ps", "--platform", "CPU"),
    *(item for setting in ("protocol.minimise_iterations=20", "protocol.heat_ps=0.1", "protocol.restrained_ps=0.1",
                           "protocol.release_ps=0.1", "protocol.equilibrate_ps=0.1", "save.commit_every_ps=0.5")
      for item in ("--set", setting)),
]  # fmt: skip


def simulate(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["simulate", *arguments])


def states(folder: Path) -> list[dict[str, Any]]:
    return json.loads(simulate("status", str(folder), "--json").stdout)["tasks"]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign of two replicas, 2 ps each, at its end."""
    folder = tmp_path_factory.mktemp("simulate") / "gg"
    result = simulate("run", *QUICK, "--length", "2ps", "--replicas", "2", "-o", str(folder))
    assert result.exit_code == 0, result.output
    assert "2 runs: 2 done; 0.004 of 0.004 ns" in result.stdout
    assert str(folder / "report.html") in result.stdout
    return folder


def test_a_run_leaves_trajectories_and_a_page(done: Path) -> None:
    first, second = states(done)
    assert (first["state"], first["progress_ps"], first["n_atoms"]) == ("done", 2.0, 17)
    frames = [
        mdtraj.load(Path(task["directory"]) / "trajectory.xtc", top=Path(task["directory"]) / "topology.pdb")
        for task in (first, second)
    ]
    assert [len(trajectory) for trajectory in frames] == [20, 20]
    assert np.allclose(frames[0].time, np.arange(1, 21) / 10)
    assert np.abs(frames[0].xyz - frames[1].xyz).max() > 0.01  # replicas differ
    assert "<html" in (done / "report.html").read_text(encoding="utf-8")


def test_repeating_does_nothing_and_extending_keeps_every_bit(done: Path, tmp_path: Path) -> None:
    folder = tmp_path / "gg"
    shutil.copytree(done, folder, copy_function=shutil.copy2)
    runs = [Path(task["directory"]) for task in states(folder)]
    manifests = [(run / "manifest.json").read_bytes() for run in runs]
    before = [(run / "coordinates.f32").read_bytes() for run in runs]
    logs = sorted((path.name, path.stat().st_size) for path in (folder / "log").iterdir())
    result = simulate("run", *QUICK, "--length", "2ps", "--replicas", "2", "-o", str(folder), "--no-report")
    assert result.exit_code == 0, result.output
    assert [(run / "manifest.json").read_bytes() for run in runs] == manifests
    assert logs == sorted((path.name, path.stat().st_size) for path in (folder / "log").iterdir())
    result = simulate("run", str(folder), "--length", "2.7ps", "--no-report", "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["complete"] and document["counts"] == {"done": 2} and document["report"] is None
    for run, bytes_before in zip(runs, before, strict=True):
        assert RunStore.open(run, read_only=True).n_frames == 27
        assert (run / "coordinates.f32").read_bytes().startswith(bytes_before)
        with mdtraj.open(str(run / "trajectory.xtc")) as handle:
            assert len(handle) == 27


def test_killed_and_given_again_it_goes_on_to_the_same_bits(done: Path, tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    command = [*QUICK, "--length", "2ps", "--replicas", "2", "-o", str(folder), "--no-report"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "unfreeze", "simulate", "run", *command],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 120
    while not list(folder.glob("runs/*/manifest.json")):
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    result = simulate("run", *command)
    assert result.exit_code == 0, result.output
    for run in (done / "runs").iterdir():
        for name in ("coordinates.f32", "observables.f64"):
            assert (folder / "runs" / run.name / name).read_bytes() == (run / name).read_bytes()


def test_ctrl_c_says_how_to_go_on(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "unfreeze", "simulate", "run", *QUICK, "--length", "100ns", "-o", "long"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 120
    while not list(tmp_path.glob("long/runs/*/manifest.json")):
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted; what was committed is kept; `unfreeze simulate resume long` goes on from there." in errors
    task = states(tmp_path / "long")[0]
    assert task["state"] == "pending" and task["attempts"] == 0
    assert "1 run cancelled: GG/1" in simulate("cancel", str(tmp_path / "long")).stdout
    result = simulate("resume", str(tmp_path / "long"), "--no-report")
    assert result.exit_code == 0 and "1 cancelled" in result.stdout
    assert "1 run waiting for another attempt: GG/1" in simulate("retry", str(tmp_path / "long"), "GG").stdout
    assert states(tmp_path / "long")[0]["state"] == "pending"


def test_system_that_cannot_be_made(tmp_path: Path) -> None:
    path = tmp_path / "campaign.yaml"
    path.write_text(
        "sequences: [A, GG]\nlength: 0.5ps\nsimulation:\n  save: {every_ps: 0.1}\n  protocol: "
        "{minimise_iterations: 10, heat_ps: 0.1, restrained_ps: 0, release_ps: 0, equilibrate_ps: 0}\n",
        encoding="utf-8",
    )
    plan = simulate("plan", str(path), "-o", str(tmp_path / "c"), "--seconds", "0.5", "--price-per-hour", "2", "--json")
    assert plan.exit_code == 0, plan.output
    document = json.loads(plan.stdout)
    one, two = document["systems"]
    assert "chain A is one residue" in one["reason"] and not two["reason"]
    assert (two["n_atoms"], two["n_atoms_known"], two["measured"], two["n_tasks"]) == (17, True, True, 1)
    assert two["ns_per_day"] > 0 and two["left_ns"] == 0.0005 and two["disk_bytes"] > 0
    assert document["cost"] == pytest.approx(2 * document["hours"])
    assert "cannot be made" in simulate("plan", str(path), "-o", str(tmp_path / "c"), "--measure", "1").stdout

    result = simulate("run", str(path), "-o", str(tmp_path / "c"))
    assert result.exit_code == 2
    assert "Error: 1 of 2 runs failed; the others are whole:" in result.stderr
    assert "chain A is one residue" in result.stderr and "unfreeze simulate retry" in result.stderr
    assert {task["name"]: task["state"] for task in states(tmp_path / "c")} == {"A": "failed", "GG": "done"}


def test_another_campaign_in_the_folder_is_refused(done: Path) -> None:
    result = simulate("run", *QUICK, "--length", "2ps", "--temperature", "310", "-o", str(done))
    assert result.exit_code == 2
    assert "simulation.conditions.temperature_K is 300.0 there and 310.0 in what you ask for" in result.stderr
    result = simulate("cancel", str(done), "GG/1")
    assert result.exit_code == 2 and "GG/1 is done; there is nothing to cancel" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run"], "give one of CAMPAIGN.yaml"),
        (["run", "x.pdb", "--sequence", "GG"], "give one of CAMPAIGN.yaml"),
        (["run", "nosuch.pdb"], "nosuch.pdb: no such file"),
        (["run", "nosuch.yaml"], "nosuch.yaml: cannot be read"),
        (["run", "--sequence", "GXG"], "--sequence: sequence 'GXG': 'X' at position 2"),
        (["run", "--sequence", "GG", "--length", "5"], "expected a time with its unit"),
        (["run", "--sequence", "GG", "--length", "5ps"], "--length: a length of 5 ps has no frame"),
        (["run", "--sequence", "GG", "--temperature", "5000"], "--temperature: input should be less than"),
        (["run", "--sequence", "GG", "--solvent", "gas"], "--solvent: input should be"),
        (["run", "--sequence", "GG", "--set", "x=1"], "expected a setting and its value"),
        (["run", "--sequence", "GG", "--set", "padding=3"], "system.padding_nm=3"),
        (["run", "--sequence", "GG", "--set", "system.x=1"], "--set system.x: unknown key; known are: force_field"),
        (["run", "--sequence", "GG", "--devices", "0", "--platform", "CPU"], "--devices and --per-device are for GPUs"),
        (["run", "--sequence", "GG", "-o", "."], "is not the folder of a campaign (it holds 'notes.txt')"),
        (["resume", "nowhere"], "no campaign is here"),
        (["status", "nowhere"], "no campaign is here"),
        (["cancel", "nowhere"], "no campaign is here"),
        (["plan", "--sequence", "GG", "--price-per-hour", "-1"], "--price-per-hour"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "notes.txt").touch()
    result = simulate(*arguments)
    assert result.exit_code == 2, result.output
    assert words in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt"]


def test_a_damaged_copy_of_the_campaign_says_what_to_do(done: Path, tmp_path: Path) -> None:
    folder = tmp_path / "gg"
    shutil.copytree(done, folder, copy_function=shutil.copy2)
    (folder / "campaign.yaml").write_text("simulation: [", encoding="utf-8")
    command = ("run", *QUICK, "--length", "2ps", "--replicas", "2", "-o", str(folder), "--no-report")
    for arguments in (("resume", str(folder)), command):
        result = simulate(*arguments)
        assert result.exit_code == 2 and "move it away" in result.stderr
    (folder / "campaign.yaml").rename(tmp_path / "damaged.yaml")
    before = [(Path(task["directory"]) / "manifest.json").read_bytes() for task in states(done)]
    assert simulate(*command).exit_code == 0
    assert [(Path(task["directory"]) / "manifest.json").read_bytes() for task in states(folder)] == before


def test_force_fields_are_listed() -> None:
    result = simulate("force-fields")
    assert result.exit_code == 0 and "Amber ff14SB" in result.stdout and "obc2" in result.stdout
    assert {item["name"] for item in json.loads(simulate("force-fields", "--json").stdout)["solvents"]} >= {"opc"}


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, unfreeze.cli.main\n"
        "heavy = [m for m in ('openmm', 'numpy', 'mdtraj', 'rich.table', 'pydantic', 'yaml') if m in sys.modules]\n"
        "print(heavy)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
