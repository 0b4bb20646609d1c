"""Tables of campaigns for people: how far one is, and what one will take."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from unfreeze.simulate.campaign.units import bytes_in_words, duration_in_words, time_in_words

if TYPE_CHECKING:
    from unfreeze.simulate.campaign.ledger import TaskState
    from unfreeze.simulate.campaign.plan import Plan
    from unfreeze.simulate.campaign.status import Status

__all__ = ["plan_table", "standard_output", "status_view"]

_COLOURS = {
    "pending": "dim",
    "preparing": "cyan",
    "running": "cyan",
    "done": "green",
    "quarantined": "yellow",
    "failed": "red",
    "cancelled": "dim",
}
_BAR = 12
_WIDE = 100


def standard_output() -> Console:
    """Standard output; a file or a pipe is wide enough for any table."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 140)


def status_view(status: Status, *, most: int = 40) -> RenderableType:
    """A campaign as a table of its runs with a line for all of them.

    Parameters
    ----------
    status
        The campaign.
    most
        Most runs to show; those at work and those with trouble come first.
    """
    shown = _chosen(status, most)
    parts: list[RenderableType] = [_Runs(status, shown)] if shown else []
    if len(shown) < len(status.tasks):
        parts.append(Text(f"… and {len(status.tasks) - len(shown)} more runs (--json has all)", style="dim"))
    parts.append(Text(_summary(status), style="bold"))
    if status.note:
        parts.append(Text(status.note, style="yellow"))
    return Group(*parts)


class _Runs:
    """Runs as a table, which leaves their ids out where there is no room: nothing is cut off."""

    def __init__(self, status: Status, tasks: list[TaskState]) -> None:
        self._status, self._tasks = status, tasks

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The table."""
        with_ids = options.max_width >= _WIDE
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in ("run", "state", "progress", "ns/day", "atoms", *(("id",) if with_ids else ()), ""):
            side = "right" if name in ("ns/day", "atoms") else "left"
            table.add_column(name, justify=side, no_wrap=name not in ("run", ""), overflow="fold")
        for task in self._tasks:
            table.add_row(
                escape(task.label),
                f"[{_COLOURS[task.state]}]{task.state}[/]",
                _progress(task),
                _speed(task.ns_per_day),
                "" if task.n_atoms is None else f"{task.n_atoms:,}",
                *((f"[dim]{task.id}[/]",) if with_ids else ()),
                self._words(task),
            )
        yield table

    def _words(self, task: TaskState) -> Text:
        """What is to be said of a run besides its state."""
        if task.state == "preparing":
            return Text("builds the system")
        if task.id in self._status.waits_for:
            return Text(f"while {self._status.waits_for[task.id]} builds the system")
        if task.state == "running" and task.stage != "production" and not task.reason:
            return Text(task.stage)
        return Text(task.reason, style="red" if task.state == "failed" else "yellow" if task.reason else "")


def _chosen(status: Status, most: int) -> list[TaskState]:
    """Runs to show, in the order of the campaign."""
    if len(status.tasks) <= most:
        return list(status.tasks)
    rank = {state: number for number, state in enumerate(("preparing", "running", "failed", "quarantined", "pending"))}
    ordered = sorted(range(len(status.tasks)), key=lambda row: (rank.get(status.tasks[row].state, 9), row))
    return [status.tasks[row] for row in sorted(ordered[:most])]


def _progress(task: TaskState) -> str:
    share = min(1.0, task.progress_ps / task.target_ps) if task.target_ps else 1.0
    full = int(share * _BAR)
    bar = f"[green]{'━' * full}[/][dim]{'─' * (_BAR - full)}[/]"
    return f"{bar} {time_in_words(task.progress_ps)} of {time_in_words(task.target_ps)}"


def _speed(ns_per_day: float | None) -> str:
    if ns_per_day is None:
        return ""
    return f"{ns_per_day:,.0f}" if ns_per_day >= 100 else f"{ns_per_day:.3g}"


def _summary(status: Status) -> str:
    counts = ", ".join(f"{number} {state}" for state, number in status.counts.items())
    words = f"{_number(len(status.tasks), 'run')}: {counts}; {status.done_ns:.6g} of {status.target_ns:.6g} ns"
    if not status.is_complete:
        words += f"; {status.n_workers} at work" if status.n_workers else "; nobody at work"
        if status.seconds_left is not None:
            words += f"; about {duration_in_words(status.seconds_left)} left"
            words += "" if status.n_workers else " for one worker"
        elif status.n_workers:
            words += "; the time left is known after the first segment of production"
    return words


def plan_table(plan: Plan, *, most: int = 60) -> RenderableType:
    """What a campaign takes, a system a row."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("system", "runs", "atoms", "ns/day", "ns left", "hours", "disk", ""):
        table.add_column(name, justify="left" if name in ("system", "") else "right", no_wrap=name != "")
    for system in plan.systems[:most]:
        if system.reason:
            table.add_row(escape(system.name), "", "", "", "", "", "", Text(system.reason, style="red"))
            continue
        table.add_row(
            escape(system.name),
            str(system.n_tasks - system.n_done),
            f"{system.n_atoms:,}" if system.n_atoms_known else f"~{system.n_atoms:,}",
            _speed(system.ns_per_day) if system.measured else f"~{_speed(system.ns_per_day)}",
            f"{system.left_ns:.6g}",
            f"{system.hours:.3g}",
            bytes_in_words(system.disk_bytes),
            "",
        )
    parts: list[RenderableType] = [table]
    if len(plan.systems) > most:
        parts.append(Text(f"… and {len(plan.systems) - most} more systems (--json has all)", style="dim"))
    if any(not system.measured and not system.reason for system in plan.systems):
        parts.append(Text("~ is scaled from what was measured, or estimated; --measure N measures more", style="dim"))
    parts += [Text(line, style=style) for line, style in _totals(plan)]
    return Group(*parts)


def _totals(plan: Plan) -> list[tuple[str, str]]:
    workers = f"{_number(plan.workers, 'worker')} on {plan.platform}"
    n_left = plan.n_tasks - plan.n_done - sum(system.n_tasks for system in plan.systems if system.reason)
    lines = [
        (
            f"{_number(n_left, 'run')}, {plan.left_ns:.6g} ns: about {duration_in_words(3600 * plan.hours)} "
            f"with {workers} ({plan.worker_hours:.3g} worker-hours)",
            "bold",
        ),
        (f"Measured on {plan.machine}", "dim"),
    ]
    if plan.n_done:
        lines.insert(1, (f"{plan.n_done} of {plan.n_tasks} runs are done already", ""))
    if plan.cost is not None:
        lines.insert(1, (f"Cost at the given price: {plan.cost:,.2f}", "bold"))
    short = plan.disk_bytes > plan.free_bytes
    disk = f"Disk: {bytes_in_words(plan.disk_bytes)} when done; {bytes_in_words(plan.free_bytes)} are free"
    lines.insert(-1, (disk + (": not enough" if short else ""), "red" if short else ""))
    refused = [system.name for system in plan.systems if system.reason]
    if refused:
        lines.append((f"{_number(len(refused), 'system')} cannot be made and would fail", "red"))
    return lines


def _number(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
