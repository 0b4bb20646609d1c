"""What is true of a campaign, from its folder: the ledger brought in line with the runs, or made again from them.

A run's manifest says how far it is, a verdict in ``verdicts/`` that a task failed or was taken out. Everything else in
the ledger follows.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unfreeze.files.atomic import sync_directory, write_json
from unfreeze.simulate.campaign.database import LedgerDamagedError
from unfreeze.simulate.campaign.directory import CampaignDirectory
from unfreeze.simulate.campaign.estimates import rough_cost
from unfreeze.simulate.campaign.ledger import Ledger, TaskState
from unfreeze.simulate.campaign.tasks import Task
from unfreeze.simulate.engine.commit import DamagedManifestError, Manifest

__all__ = ["RunFacts", "open_ledger", "read_run", "read_verdicts", "remove_verdict", "state_of", "write_verdict"]

_SMALL_PS = 1e-6


@dataclass(frozen=True)
class RunFacts:
    """How far a run directory is.

    Attributes
    ----------
    progress_ps
        Committed production.
    stage
        Last stage that was committed.
    ns_per_day
        Speed of the last segment of production; None before.
    n_suspect
        Frames that did not pass.
    reason
        Why they did not.
    exported
        Whether what is written at the end is there, and as new as the manifest.
    """

    progress_ps: float
    stage: str
    ns_per_day: float | None
    n_suspect: int
    reason: str
    exported: bool


def read_run(directory: Path, products: Sequence[str] = ("trajectory.xtc",)) -> RunFacts | None:
    """What a run directory holds; None where nothing that can be read is committed.

    Parameters
    ----------
    directory
        The run.
    products
        Files that are written when it has reached its end.
    """
    for name in ("manifest.json", "manifest.previous.json"):
        try:
            manifest = Manifest.read(directory / name)
        except DamagedManifestError:
            continue
        commits = manifest.commits
        if not commits:
            return None
        last, before, n_suspect, reasons = commits[-1], 0, 0, []
        for commit in commits:
            if not commit.passed:
                n_suspect += commit.n_frames - before
                reasons += [str(reason) for reason in commit.quality.get("reasons", [])]
            before = commit.n_frames
        gained = last.time_ps - (commits[-2].time_ps if len(commits) > 1 else 0.0)
        speed = 86.4 * gained / last.wall_s if last.wall_s > 0 and gained > 0 else None
        return RunFacts(
            last.time_ps, last.stage, speed, n_suspect, _summary(reasons), _exported(directory, name, products)
        )
    return None


def open_ledger(directory: CampaignDirectory, tasks: Sequence[Task]) -> tuple[Ledger, str]:
    """The ledger of a campaign, in line with its runs; the caller holds :meth:`CampaignDirectory.locked`.

    Returns
    -------
    tuple
        The ledger, and why it was made again, or empty.
    """
    ledger, why = Ledger(directory.ledger_file), ""
    try:
        ledger.check()
        before = {task.id: task for task in ledger.tasks()}
    except LedgerDamagedError as error:
        before = {}
        moved = _move_aside(directory.ledger_file)
        if moved is not None:
            why = f"{error}; it was moved to {moved.name} and made again from the runs"
        elif (directory.root / "runs").exists():
            why = f"{error}; it was made again from the runs"
        ledger.create()
        if why:
            ledger.note("ledger", why)
    verdicts = read_verdicts(directory)
    ledger.set_tasks([state_of(directory, task, verdicts, before.get(task.id)) for task in tasks])
    return ledger, why


def state_of(
    directory: CampaignDirectory, task: Task, verdicts: dict[str, dict[str, Any]], before: TaskState | None = None
) -> TaskState:
    """The state of a task at which nobody works, from the folder alone.

    Parameters
    ----------
    directory
        The campaign.
    task
        The task.
    verdicts
        From :func:`read_verdicts`.
    before
        What the ledger knew, for what the folder does not tell: atoms and attempts.
    """
    exchanges = task.build.simulation.replica_exchange is not None
    products = ("trajectory.xtc", "replica_exchange.json") if exchanges else ("trajectory.xtc",)
    facts = read_run(directory.run(task.id), products)
    state, reason, attempts = "pending", "", before.attempts if before else 0
    if task.id in verdicts:
        verdict = verdicts[task.id]
        state, reason, attempts = verdict["state"], str(verdict.get("reason", "")), int(verdict.get("attempts", 0))
    elif facts is not None and facts.exported and facts.progress_ps >= task.target_ps - _SMALL_PS:
        state, reason = ("quarantined", facts.reason) if facts.n_suspect else ("done", "")
    return TaskState(
        id=task.id,
        name=task.name,
        replica=task.replica,
        system=task.build.id,
        document=task.to_text(),
        target_ps=task.target_ps,
        cost=before.cost if before else rough_cost(task.build, directory.root),
        state=state,
        attempts=attempts,
        stage=facts.stage if facts else "",
        progress_ps=facts.progress_ps if facts else 0.0,
        ns_per_day=facts.ns_per_day if facts else None,
        n_atoms=(before.n_atoms if before else None) or _n_atoms(directory.system(task.build.id)),
        n_suspect=facts.n_suspect if facts else 0,
        reason=reason,
    )


def read_verdicts(directory: CampaignDirectory) -> dict[str, dict[str, Any]]:
    """Tasks that failed or were taken out: ``state``, ``reason``, ``attempts`` by id."""
    verdicts = {}
    for path in (directory.root / "verdicts").glob("*.json"):
        with suppress(OSError, ValueError, TypeError):
            verdict = json.loads(path.read_text(encoding="utf-8"))
            if verdict["state"] in ("failed", "cancelled"):
                verdicts[path.stem] = verdict
    return verdicts


def write_verdict(directory: CampaignDirectory, task: str, state: str, reason: str, attempts: int = 0) -> None:
    """Make it last that a task failed or was taken out."""
    write_json(directory.verdict(task), {"state": state, "reason": reason, "attempts": attempts})


def remove_verdict(directory: CampaignDirectory, task: str) -> None:
    """Let a task be tried again."""
    path = directory.verdict(task)
    if path.exists():
        path.unlink()
        sync_directory(path.parent)


def _summary(reasons: list[str]) -> str:
    different = list(dict.fromkeys(reasons))
    more = f" (and {len(different) - 2} more reasons)" if len(different) > 2 else ""
    return "; ".join(different[:2]) + more


def _exported(directory: Path, manifest: str, products: Sequence[str]) -> bool:
    with suppress(OSError):
        written = (directory / manifest).stat().st_mtime_ns
        return all((directory / name).stat().st_mtime_ns >= written for name in products)
    return False


def _n_atoms(system: Path) -> int | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        return int(json.loads((system / "system.json").read_text(encoding="utf-8"))["record"]["n_particles"])
    return None


def _move_aside(path: Path) -> Path | None:
    """Move a damaged ledger and its companions to names that are free."""
    if not path.exists():
        for companion in ("-wal", "-shm", "-journal"):  # of a ledger that is gone; they would spoil the next
            path.with_name(path.name + companion).unlink(missing_ok=True)
        return None
    number = 1
    while (target := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for companion in ("-wal", "-shm", "-journal"):
        with suppress(FileNotFoundError):
            os.replace(path.with_name(path.name + companion), target.with_name(target.name + companion))
    os.replace(path, target)
    sync_directory(path.parent)
    return target
