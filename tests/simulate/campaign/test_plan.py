"""Plans: what is measured, what is scaled from it, and what it adds up to."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from unfreeze.cli.simulate_tables import plan_table, status_view
from unfreeze.simulate.campaign import plan as plan_module
from unfreeze.simulate.campaign.directory import CampaignDirectory
from unfreeze.simulate.campaign.estimates import makespan, rough_atoms, rough_ns_per_day
from unfreeze.simulate.campaign.ledger import Ledger
from unfreeze.simulate.campaign.plan import Plan, make_plan
from unfreeze.simulate.campaign.pool import PoolSettings
from unfreeze.simulate.campaign.processes import ProcessIdentity
from unfreeze.simulate.campaign.settings import read_campaign
from unfreeze.simulate.campaign.speeds import Speed, Speeds
from unfreeze.simulate.campaign.status import read_status
from unfreeze.simulate.campaign.tasks import Task

MEASURE = """

def measure(context):
    sequence = Task.from_text(context.order.document).build.sequence
    if sequence == "WW":
        return Outcome("refused", "W:1 is in the way")
    with open(context.root / "log" / "measured.txt", "a") as log:
        log.write(f"{sequence} {context.order.options['seconds']}\\n")
    n_atoms = 20 * len(sequence)
    facts = {"n_atoms": n_atoms, "n_saved": n_atoms // 2}
    if context.order.options["seconds"]:
        facts["steps_per_s"] = 1000.0
    return Outcome("finished", facts=facts)
"""
QUIET = {"minimise_iterations": 1, "heat_ps": 0, "restrained_ps": 0, "release_ps": 0, "equilibrate_ps": 0}


@pytest.fixture
def planned(fake: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SimpleNamespace:
    """Plans with made-up measurements."""
    with open(fake.modules / "fake_work.py", "a", encoding="utf-8") as stream:
        stream.write(MEASURE)
    monkeypatch.setattr(plan_module, "_MEASURE", "fake_work:measure")
    directory = CampaignDirectory(tmp_path / "planned")

    def make(*sequences: str, most: int = 8, workers: int = 2, length: str = "1000ps", **more: object) -> Plan:
        campaign = fake.campaign(length, sequences, **more)
        settings = PoolSettings(workers=workers)
        return make_plan(
            directory, directory.resolve(campaign), settings, most_measured=most, price_per_hour=3.0, free_bytes=10**9
        )

    return SimpleNamespace(make=make, log=directory.log / "measured.txt")


def text(renderable: object) -> str:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(renderable)
    return console.export_text()


def test_hours_follow_from_what_was_measured(planned: SimpleNamespace) -> None:
    plan = planned.make("GGGG", replicas=4, simulation={"protocol": QUIET, "save": {"every_ps": 1.0}})
    (system,) = plan.systems
    # 1000 steps of 4 fs a second; 250,000 steps a run and 3 seconds to start.
    assert system.measured and system.ns_per_day == pytest.approx(345.6) and system.n_atoms == 80
    assert system.hours == pytest.approx(4 * 253 / 3600, rel=0.001)
    assert plan.hours == pytest.approx(2 * 253 / 3600, rel=0.001)  # two workers
    assert plan.cost == pytest.approx(3 * plan.hours) and plan.left_ns == 4.0
    assert 4 * 1000 * 40 * 12 < plan.disk_bytes < 4 * 1000 * 40 * 20
    assert planned.log.read_text().splitlines() == ["GGGG 0.0", "GGGG 4.0", "GGGG 4.0"]  # on two workers at once
    planned.make("GGGG", replicas=4, simulation={"protocol": QUIET, "save": {"every_ps": 1.0}})
    assert len(planned.log.read_text().splitlines()) == 3  # not again


def test_equilibration_counts(planned: SimpleNamespace) -> None:
    plan = planned.make("GGGG", simulation={"protocol": {**QUIET, "equilibrate_ps": 100}})
    assert plan.hours == pytest.approx((3 + 50_000 / 1000 + 250) / 3600, rel=0.001)


def test_some_are_measured_and_the_others_scaled(planned: SimpleNamespace) -> None:
    sequences = ["G" * n for n in (2, 4, 6, 8, 10, 12)]
    plan = planned.make(*sequences, most=3)
    assert [system.measured for system in plan.systems] == [True, False, False, True, False, True]
    assert [system.n_atoms_known for system in plan.systems] == [system.measured for system in plan.systems]
    assert [system.n_atoms for system in plan.systems] == pytest.approx([40, 80, 120, 160, 200, 240], rel=0.03)
    assert all(250 < system.ns_per_day < 450 for system in plan.systems)
    shown = text(plan_table(plan))
    assert (
        f"~{plan.systems[1].n_atoms}" in shown
        and "is scaled from what was measured" in shown
        and "Cost at the given price" in shown
    )


def test_nothing_measured_is_an_estimate(planned: SimpleNamespace) -> None:
    plan = planned.make("GGGG", most=0)
    assert not plan.systems[0].measured and plan.hours > 0 and not planned.log.exists()


def test_systems_that_cannot_be_made_are_named(planned: SimpleNamespace) -> None:
    plan = planned.make("GG", "WW", replicas=2)
    assert [system.reason for system in plan.systems] == ["", "W:1 is in the way"]
    assert plan.left_ns == 2.0 and plan.n_done == 0 and plan.n_tasks == 4
    shown = text(plan_table(plan))
    assert (
        "W:1 is in the way" in shown and "1 system cannot be made and would fail" in shown and "2 runs, 2 ns" in shown
    )


def test_makespan() -> None:
    assert makespan([3.0, 3.0, 2.0, 2.0, 2.0], 2) == 7.0  # the longest first; not the best, but near
    assert makespan([1.0], 64) == 1.0 and makespan([], 4) == 0.0


def test_rough_sizes(fake: SimpleNamespace, tmp_path: Path) -> None:
    directory = CampaignDirectory(tmp_path / "none")

    def order(sequence: str, **system: object) -> Task:
        return directory.resolve(fake.campaign("10ps", (sequence,), simulation={"system": system}))[0]

    chignolin = order("GYDPETGTWG")
    assert rough_atoms(chignolin.build, tmp_path) == pytest.approx(138, rel=0.2)  # of OpenMM's topology
    wet = rough_atoms(order("GYDPETGTWG", solvent="tip3p").build, tmp_path)
    assert 1500 < wet < 15_000
    settings = chignolin.build.simulation
    # One core of two measured together, OBC2, 4 fs: 63 atoms 1,081; 1,231 atoms 7.85 ns/day.
    assert 500 < rough_ns_per_day(63, settings) < 2200
    assert 3 < rough_ns_per_day(1231, settings) < 16


def test_speeds_are_kept_by_machine_and_platform(fake: SimpleNamespace, tmp_path: Path) -> None:
    build = CampaignDirectory(tmp_path).resolve(fake.campaign())[0].build
    path = tmp_path / "speeds.json"
    Speeds(path, "CPU", 2).put(build, Speed(100, 50, 123.4))
    assert Speeds(path, "CPU", 2).get(build) == Speed(100, 50, 123.4)
    assert Speeds(path, "CUDA", 2).get(build) == Speed(100, 50, None)
    path.write_text("spoiled", encoding="utf-8")
    assert Speeds(path, "CPU", 2).get(build) is None


def test_slots_use_all_devices_first() -> None:
    assert PoolSettings(workers=3).slots == (None, None, None)
    assert PoolSettings(devices=(0, 2), per_device=2, workers=9).slots == (0, 2, 0, 2)


def test_view_of_many_runs_shows_those_that_matter(fake: SimpleNamespace) -> None:
    directory = fake.make(sequences=("GA",), replicas=60)
    ledger = Ledger(directory.ledger_file)
    tasks = ledger.tasks()
    ledger.set_state([tasks[50].id], "failed", reason="blew up at A:7 [ALA]")
    ledger.set_state([tasks[51].id], "quarantined", n_suspect=3, reason="RMSD jump")
    ledger.set_state([tasks[0].id], "done", progress_ps=5.0, ns_per_day=100.0)
    status = read_status(directory)
    shown = text(status_view(status, most=10))
    assert "GA/51" in shown and "blew up at A:7 [ALA]" in shown and "GA/52" in shown and "GA/1 " not in shown
    assert "and 50 more runs" in shown and "60 runs: 57 pending, 1 done, 1 quarantined, 1 failed" in shown
    ledger.set_state([tasks[1].id], "done", progress_ps=9.0)  # of a campaign that was made shorter since
    longer = read_status(directory)
    assert longer.done_ns == pytest.approx(0.01) and longer.target_ns == pytest.approx(status.target_ns)
    assert status.done_ns == pytest.approx(0.005) and not status.is_complete and math.isfinite(status.seconds_left or 0)
    assert [task.label for task in status.wants_attention] == ["GA/51", "GA/52"]


def test_status_tells_who_builds_the_system_and_what_was_interrupted(fake: SimpleNamespace) -> None:
    directory = fake.make(sequences=("GA",), replicas=2)
    ledger, own = Ledger(directory.ledger_file), ProcessIdentity.own()
    claimed = ledger.claim(own, is_built=lambda system: False)
    assert claimed and claimed[0].label == "GA/1"
    status = read_status(directory)
    shown = text(status_view(status))
    assert "preparing" in shown and "pending" in shown and shown.count("builds the system") == 2
    assert "while GA/1 builds the system" in shown
    assert [task["waits_for"] for task in status.to_dict()["tasks"]] == ["", "GA/1"]
    assert "1 at work; the time left is known after the first segment" in shown
    ledger.release(claimed[0].id, claimed[1], state="pending")
    # The same number, used again by another process since.
    assert ledger.claim(replace(own, started=str(int(own.started) - 1)))
    status = read_status(directory)
    assert [task.state for task in status.tasks] == ["pending", "pending"] and not status.waits_for
    assert "interrupted; what was committed is kept" in text(status_view(status)) and status.n_workers == 0


def test_prepared_folders_are_inputs(tmp_path: Path, fake: SimpleNamespace) -> None:
    folder = tmp_path / "ready"
    folder.mkdir()
    for name in ("prepared.cif", "preparation.json", "notes.txt"):
        (folder / name).write_text(name, encoding="utf-8")
    (tmp_path / "campaign.yaml").write_text("structures: [ready]\nlength: 1ns\n", encoding="utf-8")
    directory = CampaignDirectory(tmp_path / "c")
    with directory.locked():
        (task,) = directory.establish(read_campaign(tmp_path / "campaign.yaml"), {})
    copied = directory.root / task.build.path
    assert task.build.kind == "prepared" and task.name == "ready"
    assert sorted(path.name for path in copied.iterdir()) == ["preparation.json", "prepared.cif"]
