"""The ledger: how far every task of a campaign is, and who works at it.

It is an index in SQLite. What has been done stands in the run directories, so that a ledger that is lost or damaged can
be made again (:mod:`unfreeze.simulate.campaign.recovery`).
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unfreeze.simulate.campaign.database import LedgerDamagedError, connect, create_database, transaction
from unfreeze.simulate.campaign.processes import ProcessIdentity

__all__ = ["STATES", "Lease", "Ledger", "LedgerDamagedError", "TaskState"]

STATES = ("pending", "preparing", "running", "done", "quarantined", "failed", "cancelled")
"""Waiting; its system being made; running; finished; finished, but some frames did not pass; given up; taken out."""

_SCHEMA = """
CREATE TABLE tasks (
    id TEXT PRIMARY KEY, position INTEGER NOT NULL, system TEXT NOT NULL, name TEXT NOT NULL, replica INTEGER NOT NULL,
    document TEXT NOT NULL, target_ps REAL NOT NULL, cost REAL NOT NULL, state TEXT NOT NULL DEFAULT 'pending',
    attempts INTEGER NOT NULL DEFAULT 0, stage TEXT NOT NULL DEFAULT '', progress_ps REAL NOT NULL DEFAULT 0,
    ns_per_day REAL, n_atoms INTEGER, n_suspect INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '',
    updated TEXT NOT NULL DEFAULT '');
CREATE TABLE leases (
    task TEXT PRIMARY KEY, token TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL, started TEXT NOT NULL,
    counter INTEGER NOT NULL DEFAULT 0, taken TEXT NOT NULL);
CREATE TABLE events (
    number INTEGER PRIMARY KEY, at TEXT NOT NULL, task TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL);
"""
_MOST_EVENTS = 10_000


@dataclass(frozen=True)
class TaskState:
    """A task and how far it is.

    Attributes
    ----------
    id, name, replica, system
        See :class:`unfreeze.simulate.campaign.tasks.Task`.
    document
        The task as JSON.
    target_ps, progress_ps
        Production time that it is to have, and has.
    cost
        Estimated seconds a ps, by which the biggest come first.
    state
        One of :data:`STATES`.
    attempts
        How often in a row it ended before its time, without progress.
    stage
        Last stage that was committed.
    ns_per_day
        Speed of the last segment.
    n_atoms
        Particles, water included.
    n_suspect
        Frames that did not pass the checks.
    reason
        Why it failed, is quarantined or waits.
    """

    id: str
    name: str
    replica: int
    system: str
    document: str
    target_ps: float
    cost: float
    state: str = "pending"
    attempts: int = 0
    stage: str = ""
    progress_ps: float = 0.0
    ns_per_day: float | None = None
    n_atoms: int | None = None
    n_suspect: int = 0
    reason: str = ""

    @property
    def label(self) -> str:
        """What people call it."""
        return f"{self.name}/{self.replica}"

    @property
    def is_open(self) -> bool:
        """Whether there is work left to do."""
        return self.state in ("pending", "preparing", "running")


@dataclass(frozen=True)
class Lease:
    """The right of one manager to work at a task.

    Attributes
    ----------
    task
        Its id.
    token
        Unlike that of any other lease.
    owner
        The manager's process.
    counter
        Counts on as long as somebody works.
    """

    task: str
    token: str
    owner: ProcessIdentity
    counter: int


_COLUMNS = tuple(item.name for item in fields(TaskState))


class Ledger:
    """The ledger file of a campaign.

    Parameters
    ----------
    path
        The file.
    read_only
        Whether nothing is to be written, not even by SQLite itself.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._read_only = read_only

    def create(self) -> None:
        """Make an empty ledger."""
        create_database(self.path, _SCHEMA)

    def check(self) -> None:
        """Read it all once.

        Raises
        ------
        LedgerDamagedError
            If it is lost or damaged.
        """
        with connect(self.path, read_only=self._read_only) as connection:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                raise LedgerDamagedError(f"{self.path}: is damaged ({found})")
            for table in ("tasks", "leases", "events"):
                connection.execute(f"SELECT * FROM {table} LIMIT 1").fetchone()

    def tasks(self) -> list[TaskState]:
        """All tasks in the order of the campaign."""
        with connect(self.path, read_only=self._read_only) as connection:
            return _rows(connection, "ORDER BY position")

    def leases(self) -> list[Lease]:
        """All leases."""
        with connect(self.path, read_only=self._read_only) as connection:
            rows = connection.execute("SELECT * FROM leases").fetchall()
        return [
            Lease(row["task"], row["token"], ProcessIdentity(row["host"], row["pid"], row["started"]), row["counter"])
            for row in rows
        ]

    def events(self, most: int = 100) -> list[dict[str, str]]:
        """The last events, oldest first: ``at``, ``task``, ``kind``, ``text``."""
        with connect(self.path, read_only=self._read_only) as connection:
            found = connection.execute("SELECT * FROM events ORDER BY number DESC LIMIT ?", (most,)).fetchall()
        return [{key: row[key] for key in ("at", "task", "kind", "text")} for row in reversed(found)]

    def set_tasks(self, tasks: Sequence[TaskState]) -> None:
        """Make these the tasks of the campaign; states of those at which somebody works stay as they are."""
        with transaction(self.path) as connection:
            leased = {row["task"] for row in connection.execute("SELECT task FROM leases")}
            known = {row["id"] for row in connection.execute("SELECT id FROM tasks")}
            for position, task in enumerate(tasks):
                values = {name: getattr(task, name) for name in _COLUMNS} | {"position": position}
                if task.id in leased and task.id in known:
                    values = {key: values[key] for key in ("id", "name", "document", "target_ps", "position")}
                if task.id in known:
                    del values["id"]
                    changes = ", ".join(f"{key}=:{key}" for key in values)
                    connection.execute(f"UPDATE tasks SET {changes} WHERE id=:id", values | {"id": task.id})
                else:
                    names = ", ".join(values)
                    places = ", ".join(f":{key}" for key in values)
                    connection.execute(f"INSERT INTO tasks ({names}) VALUES ({places})", values)
            gone = known - {task.id for task in tasks}
            connection.executemany("DELETE FROM tasks WHERE id=?", [(id,) for id in gone])

    def claim(
        self,
        owner: ProcessIdentity,
        *,
        skip: Collection[str] = (),
        is_built: Callable[[str], bool] = lambda system: True,
    ) -> tuple[TaskState, str] | None:
        """Take the biggest task that waits.

        Parameters
        ----------
        owner
            Who takes it.
        skip
            Tasks that are not to be taken now.
        is_built
            Whether a system is made. One that is not is made by one task, and the others wait for that.

        Returns
        -------
        tuple or None
            The task and the token of its lease; None if there is none.
        """
        with transaction(self.path) as connection:
            rows = _rows(connection, "WHERE state='pending' ORDER BY cost * (target_ps - progress_ps) DESC, position")
            if not rows:
                return None
            busy = {row["system"] for row in connection.execute("SELECT system FROM tasks WHERE state='preparing'")}
            for task in rows:
                built = is_built(task.system)
                if task.id in skip or (task.system in busy and not built):
                    continue
                token, state = secrets.token_hex(8), "running" if built else "preparing"
                connection.execute("DELETE FROM leases WHERE task=?", (task.id,))
                _insert_lease(connection, task.id, token, owner)
                connection.execute("UPDATE tasks SET state=?, updated=? WHERE id=?", (state, _now(), task.id))
                return task, token
        return None

    def beat(self, task: str, token: str, owner: ProcessIdentity, **facts: Any) -> bool:
        """Say that somebody works at a task, and how far it is.

        Parameters
        ----------
        task, token
            The lease.
        owner
            Who holds it; a ledger that was made again does not know.
        **facts
            New values of columns of the task.

        Returns
        -------
        bool
            Whether the work is still wanted: False when the task was taken out, or given to somebody else.
        """
        with transaction(self.path) as connection:
            held = connection.execute("SELECT token FROM leases WHERE task=?", (task,)).fetchone()
            row = connection.execute("SELECT state FROM tasks WHERE id=?", (task,)).fetchone()
            if row is None or row["state"] not in ("pending", "preparing", "running"):
                return False
            if held is None:
                _insert_lease(connection, task, token, owner)
                connection.execute("UPDATE tasks SET state='running' WHERE id=?", (task,))
            elif held["token"] != token:
                return False
            connection.execute("UPDATE leases SET counter=counter+1 WHERE task=?", (task,))
            if facts:
                _update(connection, task, facts)
        return True

    def release(self, task: str, token: str, *, event: tuple[str, str] | None = None, **facts: Any) -> bool:
        """Give a lease back with what became of the task.

        Parameters
        ----------
        task, token
            The lease.
        event
            Kind and text of an event to note.
        **facts
            New values of columns, `state` among them.

        Returns
        -------
        bool
            Whether the lease was still held; nothing is changed if not.
        """
        with transaction(self.path) as connection:
            held = connection.execute("SELECT token FROM leases WHERE task=?", (task,)).fetchone()
            if held is None or held["token"] != token:
                return False
            connection.execute("DELETE FROM leases WHERE task=?", (task,))
            _update(connection, task, facts)
            if event is not None:
                _note(connection, task, *event)
        return True

    def take_over(self, lease: Lease, why: str) -> bool:
        """Put back a task whose holder is gone, unless it has shown itself since."""
        with transaction(self.path) as connection:
            where = "task=? AND token=? AND counter=?"
            values = (lease.task, lease.token, lease.counter)
            if connection.execute(f"DELETE FROM leases WHERE {where}", values).rowcount != 1:
                return False
            connection.execute(
                "UPDATE tasks SET state='pending', updated=? WHERE id=? AND state IN ('preparing', 'running')",
                (_now(), lease.task),
            )
            _note(connection, lease.task, "taken over", why)
        return True

    def set_state(self, ids: Iterable[str], state: str, **facts: Any) -> None:
        """Give tasks another state and end their leases, whoever holds them."""
        with transaction(self.path) as connection:
            for id in ids:
                connection.execute("DELETE FROM leases WHERE task=?", (id,))
                _update(connection, id, {"state": state, **facts})
                _note(connection, id, state, str(facts.get("reason", "")))

    def note(self, kind: str, text: str, task: str = "") -> None:
        """Write down an event."""
        with transaction(self.path) as connection:
            _note(connection, task, kind, text)


def _rows(connection: sqlite3.Connection, rest: str) -> list[TaskState]:
    rows = connection.execute(f"SELECT {', '.join(_COLUMNS)} FROM tasks {rest}").fetchall()
    return [TaskState(**dict(row)) for row in rows]


def _insert_lease(connection: sqlite3.Connection, task: str, token: str, owner: ProcessIdentity) -> None:
    connection.execute(
        "INSERT INTO leases (task, token, host, pid, started, taken) VALUES (?, ?, ?, ?, ?, ?)",
        (task, token, owner.host, owner.pid, owner.started, _now()),
    )


def _update(connection: sqlite3.Connection, task: str, facts: dict[str, Any]) -> None:
    values = {**facts, "updated": _now()}
    changes = ", ".join(f"{key}=:{key}" for key in values)
    connection.execute(f"UPDATE tasks SET {changes} WHERE id=:id", values | {"id": task})


def _note(connection: sqlite3.Connection, task: str, kind: str, text: str) -> None:
    connection.execute("INSERT INTO events (at, task, kind, text) VALUES (?, ?, ?, ?)", (_now(), task, kind, text))
    connection.execute("DELETE FROM events WHERE number <= (SELECT MAX(number) FROM events) - ?", (_MOST_EVENTS,))


def _now() -> str:
    """For people; nothing is decided by it."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
