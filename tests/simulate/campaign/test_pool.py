"""The manager with real processes: work is done once, survives what befalls it, and is shared between managers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from unfreeze.simulate.campaign.directory import CampaignDirectory
from unfreeze.simulate.campaign.ledger import Ledger, TaskState
from unfreeze.simulate.campaign.pool import Pool
from unfreeze.simulate.campaign.recovery import open_ledger, read_verdicts
from unfreeze.simulate.engine.run_store import RunStore

MANAGER = """
import sys
from pathlib import Path
from unfreeze.simulate.campaign.directory import CampaignDirectory
from unfreeze.simulate.campaign.pool import Pool, PoolSettings
settings = PoolSettings(workers=int(sys.argv[2]), function="fake_work:run", backoff_s=0.05)
sys.exit(0 if Pool(CampaignDirectory(Path(sys.argv[1])), settings, print).run() else 130)
"""


def manager(directory: CampaignDirectory, workers: int = 1) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", MANAGER, str(directory.root), str(workers)])


def states(directory: CampaignDirectory) -> dict[str, TaskState]:
    return {task.label: task for task in Ledger(directory.ledger_file).tasks()}


def check_done_once(directory: CampaignDirectory, n_frames: int) -> None:
    """Every task has each frame once, in order; no frame that was committed was made again."""
    for task in Ledger(directory.ledger_file).tasks():
        store = RunStore.open(directory.run(task.id), read_only=True)
        assert store.read("x")[:, 0].tolist() == list(range(n_frames))
        assert store.verify() == []
        assert task.state == "done" and task.progress_ps == n_frames


def wait_for(condition: Any, seconds: float = 120.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def pids_of(directory: CampaignDirectory) -> set[int]:
    found = set()
    for log in directory.log.glob("*.log"):
        for line in log.read_text().splitlines():
            if " process " in line:
                found.add(int(line.split(" process ")[1].split()[0]))
    return found


def test_all_tasks_are_done_once(fake: SimpleNamespace) -> None:
    directory = fake.make(sequences=("GA", "GGG"), replicas=2)
    ticks = []
    assert Pool(directory, fake.settings()).run(lambda: ticks.append(1))
    check_done_once(directory, 5)
    assert {task.n_atoms for task in states(directory).values()} == {10}
    assert ticks and not Ledger(directory.ledger_file).leases()
    for task in Ledger(directory.ledger_file).tasks():
        done = [line.split()[0] for line in (directory.run(task.id) / "done.txt").read_text().splitlines()]
        assert done == [str(number) for number in range(5)]


def test_extending_reuses_what_is_there(fake: SimpleNamespace) -> None:
    directory = fake.make()
    assert Pool(directory, fake.settings()).run()
    directory = fake.make("8ps", sequences=("GA", "GV"))
    before = states(directory)
    assert before["GA/1"].state == "pending" and before["GA/1"].progress_ps == 5.0
    assert Pool(directory, fake.settings()).run()
    check_done_once(directory, 8)
    done = (directory.run(before["GA/1"].id) / "done.txt").read_text().splitlines()
    assert [line.split()[0] for line in done] == [str(number) for number in range(8)]


def test_worker_that_dies_goes_on_as_long_as_there_is_progress(fake: SimpleNamespace) -> None:
    directory = fake.make("14ps")
    said: list[str] = []
    assert Pool(directory, fake.settings("die_after_every_third"), said.append).run()
    check_done_once(directory, 14)
    assert sum("ended before its time (SIGKILL" in text for text in said) == 4  # at 3, 6, 9 and 12


@pytest.mark.parametrize(
    ("function", "words", "attempts"),
    [
        ("die", "3 attempts without progress; the last: the process ended before its time (SIGKILL", 3),
        ("raise_bug", "KeyError: 'a bug'", 1),
        ("fail", "blew up 5 times", 1),
    ],
)
def test_task_that_cannot_be_done_fails_with_the_reason(
    fake: SimpleNamespace, function: str, words: str, attempts: int
) -> None:
    directory = fake.make()
    assert Pool(directory, fake.settings(function)).run()
    task = states(directory)["GA/1"]
    assert task.state == "failed" and words in task.reason and task.attempts == attempts
    assert read_verdicts(directory)[task.id]["reason"] == task.reason
    assert task.id in [event["task"] for event in Ledger(directory.ledger_file).events() if event["kind"] == "failed"]


def test_system_that_cannot_be_made_fails_all_its_replicas(fake: SimpleNamespace) -> None:
    directory = fake.make(replicas=4)
    assert Pool(directory, fake.settings("refuse", workers=1)).run()
    assert {task.state for task in states(directory).values()} == {"failed"}
    assert len(pids_of(directory)) == 1  # it was tried once
    assert {task.reason for task in states(directory).values()} == {"residue A:7 XYZ is not known"}


def test_suspect_frames_quarantine_the_task(fake: SimpleNamespace) -> None:
    directory = fake.make()
    assert Pool(directory, fake.settings("suspect")).run()
    task = states(directory)["GA/1"]
    assert (task.state, task.n_suspect, task.reason) == ("quarantined", 5, "suspect frames")
    directory.ledger_file.unlink()
    with directory.locked():
        ledger, _ = open_ledger(directory, directory.tasks())
    again = ledger.tasks()[0]
    assert (again.state, again.n_suspect, again.reason) == ("quarantined", 5, "RMSD jump of 12 SD at 3 ps")


def test_full_disk_pauses_and_goes_on(fake: SimpleNamespace, tmp_path: Path) -> None:
    directory = fake.make(sequences=("GA", "GV"))
    said: list[str] = []

    def make_room() -> None:
        if any("paused: No space left on device (somewhere)" in text for text in said):
            (tmp_path / "room").touch()

    assert Pool(directory, fake.settings("full_disk", workers=1), said.append).run(make_room)
    check_done_once(directory, 5)
    assert {task.attempts for task in states(directory).values()} == {0}  # it was not the tasks' fault


def test_stopping_keeps_what_is_committed(fake: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_PAUSE", "0.1")
    directory = fake.make("30ps")
    pool = Pool(directory, fake.settings())

    def stop_soon() -> None:
        if states(directory)["GA/1"].progress_ps >= 3:
            pool.stop()

    assert not pool.run(stop_soon)
    task = states(directory)["GA/1"]
    assert task.state == "pending" and task.attempts == 0 and 3 <= task.progress_ps < 30
    assert not Ledger(directory.ledger_file).leases()
    assert all(not alive(pid) for pid in pids_of(directory))


def test_stopping_twice_ends_workers_at_once(fake: SimpleNamespace) -> None:
    directory = fake.make()
    pool = Pool(directory, fake.settings("hang"))
    began = time.monotonic()

    def stop() -> None:
        if pids_of(directory):
            pool.stop()

    assert not pool.run(stop)
    assert time.monotonic() - began < 15
    assert states(directory)["GA/1"].state == "pending"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_wind_down(fake: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setenv("FAKE_PAUSE", "0.1")
    directory = fake.make("100ps")
    process = manager(directory)
    wait_for(lambda: states(directory)["GA/1"].progress_ps >= 2)
    process.send_signal(number)
    assert process.wait(timeout=30) == 130
    assert states(directory)["GA/1"].state == "pending"
    assert all(not alive(pid) for pid in pids_of(directory))


def test_manager_killed_again_and_again(fake: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_PAUSE", "0.02")
    total = 2 * 200  # more than workers do while nobody looks, also on a fast machine
    directory = fake.make("200ps", sequences=("GA", "GV"))
    for _ in range(3):
        process = manager(directory, workers=2)
        before = sum(task.progress_ps for task in states(directory).values())
        enough = min(before + 10, total)
        wait_for(lambda enough=enough: sum(task.progress_ps for task in states(directory).values()) >= enough)
        process.kill()
        process.wait()
    workers = pids_of(directory)
    wait_for(lambda: not any(alive(pid) for pid in workers), 10)  # they notice by themselves
    assert Pool(directory, fake.settings()).run()
    check_done_once(directory, 200)
    assert {task.attempts for task in states(directory).values()} == {0}


def test_two_managers_share_the_work(fake: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_PAUSE", "0.05")
    directory = fake.make("10ps", sequences=("GA", "GV", "GL", "GI", "GF", "GS"))
    managers = [manager(directory, workers=1) for _ in range(2)]
    assert [process.wait(timeout=60) for process in managers] == [0, 0]
    check_done_once(directory, 10)
    for task in Ledger(directory.ledger_file).tasks():
        lines = (directory.run(task.id) / "done.txt").read_text().splitlines()
        assert Counter(line.split()[0] for line in lines) == {str(number): 1 for number in range(10)}
    assert len(pids_of(directory)) == 6


def test_task_of_a_silent_machine_is_taken_over(fake: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    from unfreeze.simulate.campaign.processes import ProcessIdentity

    directory = fake.make("3ps", sequences=("GA", "GV"))
    ledger = Ledger(directory.ledger_file)
    far = ProcessIdentity("another-machine 1234abcd", 17, "42")
    claims = [ledger.claim(far) for _ in range(2)]
    assert all(claims)
    # A jump of the time of day moves nothing.
    monkeypatch.setattr(time, "time", lambda: 4e9)
    first, token = claims[0] or (None, "")
    assert first is not None
    beats = []

    def beat() -> None:
        """The first of the two still lives, for a while."""
        if len(beats) < 20:
            beats.append(ledger.beat(first.id, token, far))

    said: list[str] = []
    assert Pool(directory, fake.settings(lease_seconds=1.0), said.append).run(beat)
    check_done_once(directory, 3)
    assert all(beats)
    taken = [text.split(":")[0] for text in said if "taken over from another-machine" in text]
    assert len(taken) == 2 and taken[-1] == first.label


def test_dead_manager_on_this_machine_is_taken_over_at_once(fake: SimpleNamespace) -> None:
    from dataclasses import replace

    from unfreeze.simulate.campaign.processes import ProcessIdentity

    directory = fake.make("3ps")
    ledger = Ledger(directory.ledger_file)
    own = ProcessIdentity.own()
    # The same number, used again by another process since.
    assert ledger.claim(replace(own, started=str(int(own.started) - 1)))
    began = time.monotonic()
    assert Pool(directory, fake.settings(lease_seconds=3600.0)).run()
    assert time.monotonic() - began < 60
    check_done_once(directory, 3)


@pytest.mark.parametrize("damage", ["remove", "empty", "garbage", "truncate"])
def test_ledger_damaged_while_running(fake: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    monkeypatch.setenv("FAKE_PAUSE", "0.05")
    directory = fake.make("25ps")
    damaged: list[bool] = []

    def spoil() -> None:
        if not damaged and states(directory)["GA/1"].progress_ps >= 5:
            damaged.append(True)
            path = directory.ledger_file
            if damage == "remove":
                path.unlink()
            elif damage == "empty":
                path.write_bytes(b"")
            elif damage == "garbage":
                path.write_bytes(os.urandom(8000))
            else:
                os.truncate(path, 5000)

    assert Pool(directory, fake.settings(backoff_s=0.3)).run(spoil)
    assert damaged
    check_done_once(directory, 25)
    if damage != "remove":
        assert list(directory.root.glob("ledger.sqlite.damaged-1"))
    done = (directory.run(Ledger(directory.ledger_file).tasks()[0].id) / "done.txt").read_text().splitlines()
    assert [line.split()[0] for line in done] == [str(number) for number in range(25)]


def test_cancelled_task_stops(fake: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_PAUSE", "0.05")
    directory = fake.make("200ps", sequences=("GA",))
    cancelled: list[bool] = []

    def cancel() -> None:
        task = states(directory)["GA/1"]
        if not cancelled and task.progress_ps >= 2:
            cancelled.append(True)
            Ledger(directory.ledger_file).set_state([task.id], "cancelled", reason="by hand")

    assert Pool(directory, fake.settings(lease_seconds=6.0)).run(cancel)
    assert states(directory)["GA/1"].state == "cancelled"
    assert RunStore.open(directory.run(states(directory)["GA/1"].id), read_only=True).n_frames < 100
