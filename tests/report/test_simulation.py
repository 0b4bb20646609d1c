"""The page of a simulation: what it says of runs, that nothing can break out of it, and that it stays small."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from unfreeze.cli.main import app
from unfreeze.errors import InputError
from unfreeze.report.simulation import write_simulation_report
from unfreeze.simulate.campaign.ledger import Ledger, TaskState
from unfreeze.simulate.engine.commit import Column
from unfreeze.simulate.engine.run_store import RunStore
from unfreeze.simulate.settings import SimulationSettings
from unfreeze.structure.write import write_topology

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>'\"&"
REASON = "the interface of chains A and B is lost: 4 % of its 212 atom contacts are left"


def make_run(
    folder: Path, molecule, *, name="pair/1", n_segments=5, n_frames=20, seed=1, bad=(), explicit=False, **record: Any
) -> Path:
    """A run of helices that shake and drift, committed in segments; those in `bad` did not pass."""
    rng = np.random.default_rng(seed)
    n_atoms = molecule.n_atoms
    columns = {"coordinates": Column("<f4", (n_atoms, 3)), "observables": Column("<f8", (5,))}
    if explicit:
        columns["box"] = Column("<f8", (3, 3))
    settings = SimulationSettings().model_dump(mode="json")
    system = {"force_field_title": "ff14SB", "caveats": ["no caveat"], "total_mass_amu": 60000.0, "n_particles": 6000,
              "settings": settings["system"], "versions": {"openmm": "8.6.1"}}  # fmt: skip
    store = RunStore.create(
        folder, columns,
        {"name": name, "seed": seed, "settings": settings, "system": system, "n_atoms": 6000, "n_saved": n_atoms,
         "platform": "CPU", "bitwise": True, "unfreeze": "0.1.0", "openmm": "8.6.1", **record},
    )  # fmt: skip
    write_topology(folder, molecule)
    store.commit({}, checkpoint=b"c", state={"x": np.zeros(1)}, stage="minimise", time_ps=0.0, n_steps=100, step_fs=2.0)
    tilt = 0.02 * np.sin(molecule.coordinates_nm[:, ::-1])
    for k in range(n_segments):
        time = 10.0 * (k * n_frames + np.arange(1, n_frames + 1))
        noise = 0.02 * rng.normal(size=(n_frames, n_atoms, 3))
        swing = np.sin(0.01 * time + seed)[:, None, None] * tilt
        observables = np.stack(
            [time, -500.0 + 20.0 * rng.normal(size=n_frames), np.full(n_frames, 400.0),
             300.0 + 15.0 * rng.normal(size=n_frames), np.full(n_frames, 100.0 if explicit else np.nan)], axis=1,
        )  # fmt: skip
        frames = {"coordinates": (molecule.coordinates_nm + noise + swing).astype("<f4"), "observables": observables}
        if explicit:
            frames["box"] = np.repeat(5.0 * np.eye(3)[None], n_frames, axis=0)
        verdict = "suspect" if k in bad else "pass"
        measures = {"temperature_run_mean_K": 300.25, "largest_bond_error_nm": 0.0123 + 0.001 * k}
        store.commit(
            frames, checkpoint=b"c", state={"x": np.zeros(1)}, stage="production", time_ps=float(time[-1]),
            n_steps=1000, step_fs=4.0, wall_s=2.0,
            quality={"verdict": verdict, "reasons": [REASON] if k in bad else [], "measures": measures},
        )  # fmt: skip
    return folder


def text_of(page: Path) -> str:
    """Words of the page without its style and script."""
    found = page.read_text(encoding="utf-8")
    found = re.sub(r"<(style|script)>.*?</\1>", "", found, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", found))


@pytest.fixture
def pair(make_complex):
    return make_complex([12, 12], spacing=0.8)


@pytest.fixture
def campaign(tmp_path, pair) -> Path:
    root = tmp_path / "barnase"
    root.mkdir()
    (root / "campaign.yaml").write_text("systems: []\n")
    make_run(root / "runs" / "aa", pair, name="pair/1", seed=1)
    make_run(root / "runs" / "bb", pair, name="pair/2", seed=2, bad=(3,))
    ledger = Ledger(root / "ledger.sqlite")
    ledger.create()
    ledger.set_tasks(
        [
            TaskState("aa", "pair", 1, "s", "{}", 1000.0, 1.0, "done", progress_ps=1000.0),
            TaskState("bb", "pair", 2, "s", "{}", 1000.0, 1.0, "quarantined", progress_ps=1000.0, n_suspect=20),
            TaskState("cc", "heme", 1, "t", "{}", 500.0, 1.0, "failed", reason="no parameters for HEM"),
            TaskState("dd", "late", 1, "u", "{}", 2500.0, 1.0, "pending"),
        ]
    )
    return root


def test_a_campaign_lists_every_task_with_its_verdict(campaign):
    said = text_of(write_simulation_report(campaign))
    assert "Simulation campaign barnase" in said
    assert "3 systems" in said and "4 runs" in said and "2 ns simulated" in said
    assert "200 frames" in said and "20 quarantined" in said and "1 failed" in said
    assert "pair/1 done 1,000 ps of 1,000 ps 100 100 all frames passed" in said
    assert "pair/2 quarantined 1,000 ps of 1,000 ps 100 80 some frames quarantined" in said
    assert "heme/1 failed 0 of 500 ps 0 0 no frames yet" in said and "no parameters for HEM" in said
    assert "late/1 pending 0 of 2.5 ns" in said


def test_a_system_shows_its_replicas_together(campaign):
    page = write_simulation_report(campaign)
    html, said = page.read_text(encoding="utf-8"), text_of(page)
    for title in ("RMSD from the start (Å)", "Potential energy (kJ/mol)", "Temperature (K)",
                  "Share of the contacts of chains A and B kept", "Fluctuation of each residue (RMSF, Å)"):  # fmt: skip
        assert html.count(f"<h4>{title}</h4>") == 1
    assert "replica 1 replica 2 did not pass" in said
    assert "Replicas agree" in said or "Replicas differ" in said
    assert 'class="quarantine"' in html
    assert "pair/2: 20 of 100 frames did not pass the checks and are not used." in said
    assert f"replica 2 60 to 79 suspect {REASON}" in said
    # the worst of all segments, in Å
    assert "Largest error of a bond length (Å) at most 0.5 0.163 0.163" in said
    assert "Segments that did not 0 1" in said
    for words in ("ff14SB", "no caveat", "Time step 4 fs", "Temperature 300 K", "Seed 1, 2", "openmm 8.6.1"):
        assert words in said


def test_numbers_of_the_charts_are_those_of_the_frames(tmp_path, pair):
    folder = make_run(tmp_path / "run", pair)
    html = write_simulation_report(folder).read_text(encoding="utf-8")
    temperature = np.array(RunStore.open(folder, read_only=True).read("observables"))[:, 3]
    found = re.search(r"<title>Temperature \(K\)</title><desc>pair/1: mean ([\d.]+), from ([\d.]+) to ([\d.]+)", html)
    assert found is not None
    shown = [float(value) for value in found.groups()]
    assert shown == pytest.approx([temperature.mean(), temperature.min(), temperature.max()], abs=0.06)


def test_frames_that_did_not_pass_are_not_in_means(tmp_path, pair):
    def rmsf(folder):
        html = write_simulation_report(folder).read_text(encoding="utf-8")
        found = re.search(r"RMSF of 24 residues[^<]*</title><desc>pair/1: largest ([\d.]+) Å", html)
        assert found is not None
        return float(found.group(1))

    sound = make_run(tmp_path / "sound", pair)
    torn = make_run(tmp_path / "torn", pair, bad=(2,))
    path = torn / "coordinates.f32"
    coordinates = np.fromfile(path, dtype="<f4").reshape(100, pair.n_atoms, 3)
    coordinates[40:60, 60:] += 7.0
    coordinates.tofile(path)
    assert rmsf(torn) == pytest.approx(rmsf(sound), rel=0.2)
    said = text_of(torn / "report.html")
    assert "20 quarantined" in said


def test_one_run_has_a_page_of_its_own(tmp_path, pair):
    folder = make_run(tmp_path / "run", pair, name="", explicit=True)
    page = write_simulation_report(folder)
    assert page == folder / "report.html"
    said = text_of(page)
    assert "Simulation run " in said and "There is one replica" in said
    assert "Density (g/ml)" in said
    again = page.read_text(encoding="utf-8")
    assert write_simulation_report(folder).read_text(encoding="utf-8") == again
    assert [path.name for path in folder.glob(".*")] == []


def test_a_run_without_frames_says_so(tmp_path, pair):
    folder = make_run(tmp_path / "run", pair, n_segments=0)
    said = text_of(write_simulation_report(folder))
    assert "There are no frames yet." in said and "minimise" in said


def test_a_single_frame_is_drawn(tmp_path, pair):
    folder = make_run(tmp_path / "run", pair, n_segments=1, n_frames=1)
    said = text_of(write_simulation_report(folder))
    assert "RMSD from the start" in said and "There are too few frames to tell." in said


def test_damage_to_one_run_hides_no_other(campaign):
    for name in ("manifest.json", "manifest.previous.json"):
        (campaign / "runs" / "aa" / name).write_text("{}")
    (campaign / "runs" / "bb" / "coordinates.f32").write_bytes(b"")
    said = text_of(write_simulation_report(campaign))
    assert "both manifests are unreadable" in said
    assert "pair/2: its frames cannot be read." in said
    assert "Temperature (K)" in said


def test_a_damaged_ledger_leaves_the_runs(campaign):
    (campaign / "ledger.sqlite").write_bytes(b"no database" * 1000)
    said = text_of(write_simulation_report(campaign))
    assert "The ledger cannot be read" in said
    assert "pair/1 production 1,000 ps 100 100 all frames passed" in said


def test_hostile_text_cannot_break_out(tmp_path, make_complex):
    molecule = make_complex([12, 12], names=["A", "B"], title=HOSTILE)
    clean = write_simulation_report(make_run(tmp_path / "clean", molecule)).read_text(encoding="utf-8")
    folder = make_run(tmp_path / "run", molecule, name=HOSTILE, bad=(1,), platform=HOSTILE, unfreeze=HOSTILE)
    manifest = folder / "manifest.json"
    store = RunStore.open(folder)
    store.note(HOSTILE, HOSTILE)
    store.quarantine("attempt", HOSTILE, {})
    store.commit({}, checkpoint=b"", state={"x": np.zeros(1)}, stage=HOSTILE, time_ps=1000.0, n_steps=1, step_fs=1.0,
                 quality={"verdict": HOSTILE, "reasons": [HOSTILE], "measures": {HOSTILE: 1.0}})  # fmt: skip
    assert HOSTILE[:8] in manifest.read_text(encoding="utf-8")
    html = write_simulation_report(folder).read_text(encoding="utf-8")
    assert "<img" not in html and "alert(1)</script>" not in html
    assert html.count("<script") == clean.count("<script") == html.count("</script>")
    assert html.count("alert(2)") >= 5


def test_the_page_loads_nothing(campaign):
    html = write_simulation_report(campaign).read_text(encoding="utf-8")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None and "default-src 'none'" in policy.group(1) and "http" not in policy.group(1)
    assert not re.search(r'(?:src|href)="(?!data:|#)', html)
    assert "{{" not in html and "{%" not in html


def test_the_size_does_not_follow_the_length(tmp_path, pair):
    short = write_simulation_report(make_run(tmp_path / "short", pair, n_segments=5, n_frames=100))
    long = write_simulation_report(make_run(tmp_path / "long", pair, n_segments=10, n_frames=1500, bad=(4,)))
    assert long.stat().st_size < 1.2 * short.stat().st_size < 200_000
    assert "500 evenly spaced frames of up to 15,000" in text_of(long)


def test_the_page_is_made_again_from_the_command_line(campaign):
    found = CliRunner().invoke(app, ["report", str(campaign)])
    assert found.exit_code == 0
    assert found.stdout.replace("\n", "").endswith("report.html")
    assert CliRunner().invoke(app, ["report", str(campaign / "runs" / "aa")]).exit_code == 0


def test_a_page_that_cannot_be_written_is_said(tmp_path, pair):
    folder = make_run(tmp_path / "run", pair)
    (folder / "report.html").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        write_simulation_report(folder)


def test_a_folder_without_a_simulation_is_refused(tmp_path):
    with pytest.raises(InputError, match="no simulation is here"):
        write_simulation_report(tmp_path)
