"""How far a campaign is: counts, progress, speed, and when it will be done.

Nothing is changed, and nothing need be writable; in the place of a ledger that cannot be read stands what the runs say.
"""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from unfreeze.simulate.campaign.database import LedgerDamagedError
from unfreeze.simulate.campaign.directory import CampaignDirectory
from unfreeze.simulate.campaign.estimates import equilibration_steps, makespan, steps_per_ns
from unfreeze.simulate.campaign.ledger import STATES, Ledger, TaskState
from unfreeze.simulate.campaign.recovery import read_verdicts, state_of
from unfreeze.simulate.campaign.tasks import Task

__all__ = ["Status", "read_status", "seconds_left"]


@dataclass(frozen=True)
class Status:
    """A campaign at one moment.

    Attributes
    ----------
    directory
        Its folder.
    tasks
        In the order of the campaign.
    n_workers
        Tasks at which somebody works.
    seconds_left
        Until all is done with as many workers as now (one if there is none); None where no speed is known.
    events
        The last of them.
    note
        What is wrong with the ledger, or empty.
    waits_for
        By the id of a task that waits: the label of the one that makes the system of both.
    """

    directory: CampaignDirectory
    tasks: tuple[TaskState, ...]
    n_workers: int
    seconds_left: float | None
    events: tuple[dict[str, str], ...]
    note: str = ""
    waits_for: dict[str, str] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """How many tasks are in which state."""
        counts = Counter(task.state for task in self.tasks)
        return {state: counts[state] for state in STATES if counts[state]}

    @property
    def done_ns(self) -> float:
        """Production that is committed."""
        return sum(min(task.progress_ps, task.target_ps) for task in self.tasks) / 1000

    @property
    def target_ns(self) -> float:
        """Production that is asked for, without what was given up."""
        return (
            sum(
                min(task.progress_ps, task.target_ps) if task.state in ("failed", "cancelled") else task.target_ps
                for task in self.tasks
            )
            / 1000
        )

    @property
    def is_complete(self) -> bool:
        """Whether there is nothing left to do."""
        return not any(task.is_open for task in self.tasks)

    @property
    def wants_attention(self) -> list[TaskState]:
        """Tasks that failed or have frames in quarantine."""
        return [task for task in self.tasks if task.state in ("failed", "quarantined")]

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "directory": str(self.directory.root),
            "counts": self.counts,
            "complete": self.is_complete,
            "done_ns": self.done_ns,
            "target_ns": self.target_ns,
            "workers": self.n_workers,
            "seconds_left": self.seconds_left,
            "note": self.note,
            "tasks": [
                {
                    "id": task.id,
                    "name": task.name,
                    "replica": task.replica,
                    "state": task.state,
                    "waits_for": self.waits_for.get(task.id, ""),
                    "stage": task.stage,
                    "progress_ps": task.progress_ps,
                    "target_ps": task.target_ps,
                    "ns_per_day": task.ns_per_day,
                    "n_atoms": task.n_atoms,
                    "n_suspect_frames": task.n_suspect,
                    "attempts": task.attempts,
                    "reason": task.reason,
                    "directory": str(self.directory.run(task.id)),
                }
                for task in self.tasks
            ],
            "events": list(self.events),
        }


def read_status(directory: CampaignDirectory) -> Status:
    """The state of a campaign.

    Raises
    ------
    InputError
        If there is none in this folder.
    """
    directory.require()
    ledger = Ledger(directory.ledger_file, read_only=True)
    note, n_workers, events = "", 0, []
    try:
        tasks = ledger.tasks()
        leases = ledger.leases()
        gone = {lease.task for lease in leases if lease.owner.is_known_dead}
        tasks = [_interrupted(task) if task.id in gone else task for task in tasks]
        n_workers = len(leases) - len(gone)
        events = ledger.events(50)
    except LedgerDamagedError as error:
        verdicts = read_verdicts(directory)
        tasks = [state_of(directory, task, verdicts) for task in directory.tasks()]
        note = f"{error}; shown is what the runs say. The next run or resume makes it again"
    return Status(
        directory,
        tuple(tasks),
        n_workers,
        seconds_left(tasks, n_workers),
        tuple(events),
        note,
        _waits_for(directory, tasks),
    )


def _interrupted(task: TaskState) -> TaskState:
    """A task whose manager is dead, as whoever goes on will find it."""
    if task.state not in ("preparing", "running"):
        return task
    return replace(task, state="pending", reason="interrupted; what was committed is kept")


def _waits_for(directory: CampaignDirectory, tasks: list[TaskState]) -> dict[str, str]:
    """Tasks that wait for a system that another task makes."""
    makers = {task.system: task.label for task in tasks if task.state == "preparing"}
    makers = {system: label for system, label in makers.items() if not directory.system(system).exists()}
    return {task.id: makers[task.system] for task in tasks if task.state == "pending" and task.system in makers}


def seconds_left(tasks: list[TaskState], n_workers: int) -> float | None:
    """Time until all tasks are done, from the speeds of the last segments.

    Parameters
    ----------
    tasks
        All tasks. One without a speed has that of its system's other runs, or what its cost says beside the others.
    n_workers
        Workers; none counts as one.
    """
    known = [task for task in tasks if task.ns_per_day]
    if not any(task.is_open for task in tasks):
        return 0.0
    if not known:
        return None
    by_system: dict[str, list[float]] = {}
    for task in known:
        by_system.setdefault(task.system, []).append(task.ns_per_day or 0.0)
    # How much slower than estimated things are here.
    scale = statistics.median(86.4 / ((task.ns_per_day or 1.0) * task.cost) for task in known)
    durations = []
    for task in tasks:
        if not task.is_open:
            continue
        speeds = [task.ns_per_day] if task.ns_per_day else by_system.get(task.system, [])
        a_ps = 86.4 / statistics.mean(speeds) if speeds else scale * task.cost
        left_ps = max(0.0, task.target_ps - task.progress_ps)
        durations.append(a_ps * (left_ps + (_equilibration_ps(task.document) if task.progress_ps == 0 else 0.0)))
    return makespan(durations, max(1, n_workers))


@lru_cache(maxsize=100_000)
def _equilibration_ps(document: str) -> float:
    """Time before production, in ps of production that take as long."""
    settings = Task.from_text(document).build.simulation
    return 1000 * equilibration_steps(settings) / steps_per_ns(settings)
