"""Take runs out of a campaign, and let them be tried again."""

from __future__ import annotations

from collections.abc import Sequence

from unfreeze.errors import InputError
from unfreeze.simulate.campaign.directory import CampaignDirectory
from unfreeze.simulate.campaign.ledger import TaskState
from unfreeze.simulate.campaign.recovery import open_ledger, remove_verdict, write_verdict

__all__ = ["cancel_tasks", "choose_tasks", "retry_tasks"]

_LEAST_ID = 4


def cancel_tasks(directory: CampaignDirectory, names: Sequence[str]) -> list[str]:
    """Take runs out; workers that are at them stop.

    Parameters
    ----------
    directory
        The campaign.
    names
        Ids, labels or names of systems; none for all that are not done.

    Returns
    -------
    list of str
        Labels of the runs that were taken out.

    Raises
    ------
    InputError
        If there is no such run, or one that is named is done.
    """
    directory.require()
    with directory.locked():
        ledger, _ = open_ledger(directory, directory.tasks())
        tasks = ledger.tasks()
        chosen = choose_tasks(tasks, names) if names else tasks
        done = [task.label for task in chosen if task.state in ("done", "quarantined")]
        chosen = [task for task in chosen if task.is_open or task.state == "failed"]
        if done and names and not chosen:
            raise InputError(f"{directory.root}: {done[0]} is done; there is nothing to cancel")
        for task in chosen:
            write_verdict(directory, task.id, "cancelled", "cancelled by hand", task.attempts)
        ledger.set_state([task.id for task in chosen], "cancelled", reason="cancelled by hand")
    return [task.label for task in chosen]


def retry_tasks(directory: CampaignDirectory, names: Sequence[str]) -> list[str]:
    """Let failed runs, and cancelled ones that are named, be done again from what they have committed.

    Parameters
    ----------
    directory
        The campaign.
    names
        Ids, labels or names of systems; none for all that failed.

    Returns
    -------
    list of str
        Labels of the runs that wait now.

    Raises
    ------
    InputError
        If there is no such run.
    """
    directory.require()
    with directory.locked():
        ledger, _ = open_ledger(directory, directory.tasks())
        tasks = ledger.tasks()
        states = ("failed", "cancelled") if names else ("failed",)
        chosen = [task for task in (choose_tasks(tasks, names) if names else tasks) if task.state in states]
        for task in chosen:
            remove_verdict(directory, task.id)
        ledger.set_state([task.id for task in chosen], "pending", reason="", attempts=0)
    return [task.label for task in chosen]


def choose_tasks(tasks: Sequence[TaskState], names: Sequence[str]) -> list[TaskState]:
    """The tasks of some names, in the order of the campaign.

    Raises
    ------
    InputError
        If a name means none.
    """
    chosen: set[str] = set()
    for name in names:
        found = {
            task.id
            for task in tasks
            if name in (task.label, task.name) or (len(name) >= _LEAST_ID and task.id.startswith(name))
        }
        if not found:
            some = ", ".join(task.label for task in tasks[:5]) + (", ..." if len(tasks) > 5 else "")
            raise InputError(f"no run is called {name!r}; give an id, name/replica or system name, such as {some}")
        chosen |= found
    return [task for task in tasks if task.id in chosen]
