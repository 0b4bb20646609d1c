"""The ledger: claims are given once, leases end, damage is noticed and mended, and nothing of the runs is needed."""

from __future__ import annotations

import errno
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from unfreeze.errors import InputError
from unfreeze.simulate.campaign import database
from unfreeze.simulate.campaign.database import LedgerDamagedError
from unfreeze.simulate.campaign.ledger import Ledger, TaskState
from unfreeze.simulate.campaign.manage import cancel_tasks, choose_tasks, retry_tasks
from unfreeze.simulate.campaign.processes import ProcessIdentity, visible_devices
from unfreeze.simulate.campaign.recovery import open_ledger, read_verdicts, write_verdict
from unfreeze.simulate.campaign.status import read_status, seconds_left

HERE = ProcessIdentity("here", 1, "1")
THERE = ProcessIdentity("there", 2, "2")


def task(id: str, *, system: str = "s", cost: float = 1.0, **more: object) -> TaskState:
    return replace(TaskState(id, id, 1, system, "{}", 100.0, cost), **more)  # type: ignore[arg-type]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.create()
    return ledger


def test_biggest_first_and_each_once(ledger: Ledger) -> None:
    ledger.set_tasks([task("small"), task("big", cost=5.0), task("half", cost=4.0, progress_ps=50.0)])
    claimed = [ledger.claim(HERE) for _ in range(4)]
    assert [found[0].id for found in claimed if found] == ["big", "half", "small"] and claimed[3] is None
    assert {found.state for found in ledger.tasks()} == {"running"}


def test_claims_of_many_threads_never_meet(ledger: Ledger) -> None:
    ledger.set_tasks([task(f"t{number}") for number in range(40)])
    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(lambda _: ledger.claim(HERE), range(60)))
    found = [claim[0].id for claim in claimed if claim]
    assert len(found) == len(set(found)) == 40


def test_a_system_is_made_by_one_task(ledger: Ledger) -> None:
    ledger.set_tasks([task("a1", system="a"), task("a2", system="a"), task("b1", system="b", cost=0.1)])
    built: set[str] = set()
    first = ledger.claim(HERE, is_built=built.__contains__)
    second = ledger.claim(HERE, is_built=built.__contains__)
    assert first and first[0].id == "a1" and second and second[0].id == "b1"
    assert ledger.claim(HERE, is_built=built.__contains__) is None
    built.add("a")
    third = ledger.claim(HERE, is_built=built.__contains__)
    assert third and third[0].id == "a2"
    assert {found.id: found.state for found in ledger.tasks()}["a1"] == "preparing"


def test_beat_says_whether_the_work_is_wanted(ledger: Ledger) -> None:
    ledger.set_tasks([task("a"), task("b")])
    claimed = ledger.claim(HERE)
    assert claimed
    found, token = claimed
    assert ledger.beat(found.id, token, HERE, progress_ps=3.0, stage="heat")
    assert ledger.leases()[0].counter == 1 and ledger.tasks()[0].progress_ps == 3.0
    assert not ledger.beat(found.id, "another", THERE)
    assert not ledger.beat("unknown", token, HERE)
    ledger.set_state([found.id], "cancelled")
    assert not ledger.beat(found.id, token, HERE) and not ledger.leases()


def test_lease_that_moved_is_not_taken_over(ledger: Ledger) -> None:
    ledger.set_tasks([task("a")])
    claimed = ledger.claim(HERE)
    assert claimed
    lease = ledger.leases()[0]
    ledger.beat("a", claimed[1], HERE)
    assert not ledger.take_over(lease, "silent")
    assert ledger.take_over(ledger.leases()[0], "silent")
    assert ledger.tasks()[0].state == "pending"
    assert not ledger.release("a", claimed[1], state="done")  # too late
    assert ledger.tasks()[0].state == "pending"
    # Who comes back before anybody else has it goes on.
    assert ledger.beat("a", claimed[1], HERE) and ledger.tasks()[0].state == "running"


def test_new_tasks_leave_those_at_work_alone(ledger: Ledger) -> None:
    ledger.set_tasks([task("a"), task("b")])
    claimed = ledger.claim(HERE)
    assert claimed
    ledger.beat(claimed[0].id, claimed[1], HERE, progress_ps=7.0)
    ledger.set_tasks([task("c"), task("a", target_ps=900.0)])
    found = {item.id: item for item in ledger.tasks()}
    assert list(found) == ["c", "a"]
    assert (found["a"].state, found["a"].progress_ps, found["a"].target_ps) == ("running", 7.0, 900.0)


def test_process_identity() -> None:
    own = ProcessIdentity.own()
    assert own.is_here and not own.is_known_dead
    assert replace(own, started="0").is_known_dead  # its number is used again
    assert replace(own, pid=2**22 + 1).is_known_dead
    assert not replace(own, host="elsewhere", pid=2**22 + 1).is_known_dead  # cannot be known from here


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    assert visible_devices() == (0, 1)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert visible_devices() == ()


@pytest.mark.parametrize("damage", ["gone", "empty", "garbage", "hole"])
def test_damage_is_noticed_and_mended(fake: SimpleNamespace, damage: str) -> None:
    directory = fake.make(sequences=("GA", "GV", "GL"))
    ledger = Ledger(directory.ledger_file)
    before = ledger.tasks()
    write_verdict(directory, before[1].id, "failed", "no good", 3)
    path = directory.ledger_file
    sqlite3.connect(path).execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
    if damage == "gone":
        path.unlink()
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "garbage":
        path.write_bytes(b"not a database" * 999)
    else:
        data = bytearray(path.read_bytes())
        data[4096:12288] = os.urandom(8192)
        path.write_bytes(data)
    with pytest.raises(LedgerDamagedError):
        ledger.check()
    status = read_status(directory)
    assert [item.id for item in status.tasks] == [item.id for item in before]
    with directory.locked():
        mended, why = open_ledger(directory, directory.tasks())
    assert [item.state for item in mended.tasks()] == ["pending", "failed", "pending"]
    assert mended.tasks()[1].reason == "no good"
    if damage not in ("gone",):
        assert "moved to ledger.sqlite.damaged-1" in why and (directory.root / "ledger.sqlite.damaged-1").exists()
        assert mended.events()[0]["kind"] == "ledger"
    with directory.locked():
        assert open_ledger(directory, directory.tasks())[1] == ""


def test_other_versions_are_refused_by_name(ledger: Ledger) -> None:
    connection = sqlite3.connect(ledger.path)
    connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(InputError, match="has version 99"):
        ledger.tasks()


def test_full_disk_is_a_full_disk(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.set_tasks([task("a")])
    opened = database._open

    def small(path: Path, *, read_only: bool) -> sqlite3.Connection:
        connection = opened(path, read_only=read_only)
        connection.execute(f"PRAGMA max_page_count={connection.execute('PRAGMA page_count').fetchone()[0]}")
        return connection

    monkeypatch.setattr(database, "_open", small)
    with pytest.raises(OSError, match="No space left") as error:
        ledger.set_tasks([task(f"t{number}") for number in range(500)])
    assert error.value.errno == errno.ENOSPC
    monkeypatch.undo()
    assert [item.id for item in ledger.tasks()] == ["a"]


def test_busy_ledger_is_waited_for_and_named(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.1)
    other = sqlite3.connect(ledger.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(database.LedgerBusyError, match="kept it locked"):
        ledger.set_tasks([task("a")])
    other.execute("COMMIT")
    other.close()
    ledger.set_tasks([task("a")])


def test_network_file_systems_get_no_wal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_is_on_network", lambda path: True)
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.create()
    ledger.set_tasks([task("a")])
    assert sqlite3.connect(ledger.path).execute("PRAGMA journal_mode").fetchone()[0] == "delete"
    assert ledger.claim(HERE)


def test_cancel_and_retry_last(fake: SimpleNamespace) -> None:
    directory = fake.make(sequences=("GA", "GV"), replicas=2)
    assert cancel_tasks(directory, ["GA"]) == ["GA/1", "GA/2"]
    assert cancel_tasks(directory, []) == ["GV/1", "GV/2"]
    assert retry_tasks(directory, []) == []  # cancelled runs must be named
    directory.ledger_file.unlink()
    assert retry_tasks(directory, ["GV/2"]) == ["GV/2"]
    states = {item.label: item.state for item in Ledger(directory.ledger_file).tasks()}
    assert states == {"GA/1": "cancelled", "GA/2": "cancelled", "GV/1": "cancelled", "GV/2": "pending"}
    assert len(read_verdicts(directory)) == 3
    tasks = Ledger(directory.ledger_file).tasks()
    assert choose_tasks(tasks, [tasks[0].id[:6]]) == [tasks[0]]
    with pytest.raises(InputError, match="no run is called 'GX'"):
        choose_tasks(tasks, ["GX"])


def test_time_that_is_left(fake: SimpleNamespace) -> None:
    directory = fake.make("100ps", sequences=("GA",), replicas=3,
                          simulation={"save": {"every_ps": 1.0}, "protocol": {"minimise_iterations": 1, "heat_ps": 0,
                                      "restrained_ps": 0, "release_ps": 0, "equilibrate_ps": 0}})  # fmt: skip
    tasks = Ledger(directory.ledger_file).tasks()
    assert seconds_left(tasks, 2) is None
    known = [replace(tasks[0], state="running", progress_ps=50.0, ns_per_day=8.64), *tasks[1:]]
    # 50 ps at 10 s a ps, and two times 100 ps at the same speed.
    assert seconds_left(known, 1) == pytest.approx(2500, rel=0.01)
    assert seconds_left(known, 2) == pytest.approx(1500, rel=0.01)
    assert seconds_left([replace(item, state="done") for item in known], 1) == 0.0
