"""`unfreeze simulate status`, `cancel`, `retry` and `force-fields`."""

from __future__ import annotations

import json
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unfreeze.cli.errors import ErrorReporter

if TYPE_CHECKING:
    from unfreeze.simulate.campaign.directory import CampaignDirectory

__all__ = ["cancel", "force_fields", "retry", "status"]

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a campaign.")]
Tasks = Annotated[
    list[str] | None,
    typer.Argument(metavar="[RUN]...", help="Runs by id, name/replica or system name.", show_default=False),
]


def status(
    context: typer.Context,
    folder: Folder,
    watch: Annotated[bool, typer.Option("--watch", help="Show it again and again until all is done.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print it for programs, and nothing else.")] = False,
) -> None:
    """Show how far a campaign is, how fast, when it will be done, and what has gone wrong."""
    with ErrorReporter(debug=context.obj["debug"]) as reporter:
        reporter.kept = "the campaign goes on."
        from unfreeze.cli.simulate_tables import standard_output, status_view
        from unfreeze.simulate.campaign.directory import CampaignDirectory
        from unfreeze.simulate.campaign.status import read_status

        directory = CampaignDirectory(folder)
        found = read_status(directory)
        if as_json:
            print(json.dumps(found.to_dict(), indent=1, ensure_ascii=False))
            return
        console = standard_output()
        if watch and sys.stdout.isatty():
            from rich.live import Live

            with Live(console=console, refresh_per_second=4) as live:
                while True:
                    live.update(status_view(found, most=console.height - 6))
                    if found.is_complete:
                        return
                    time.sleep(1.0)
                    found = read_status(directory)
        console.print(status_view(found))
        if not found.is_complete and not found.n_workers:
            print(f"Go on with: unfreeze simulate resume {shlex.quote(str(folder))}")


def cancel(context: typer.Context, folder: Folder, tasks: Tasks = None) -> None:
    """Take runs out of a campaign, all that are not done by default; what is committed is kept."""
    with ErrorReporter(debug=context.obj["debug"]) as reporter:
        reporter.kept = "some runs may be cancelled already; see `unfreeze simulate status`."
        from unfreeze.simulate.campaign.directory import CampaignDirectory
        from unfreeze.simulate.campaign.manage import cancel_tasks

        _report(CampaignDirectory(folder), "cancelled", cancel_tasks(CampaignDirectory(folder), tasks or []))


def retry(context: typer.Context, folder: Folder, tasks: Tasks = None) -> None:
    """Let failed runs be tried again, all of them by default; `resume` then does it. Cancelled runs must be named."""
    with ErrorReporter(debug=context.obj["debug"]) as reporter:
        reporter.kept = "some runs may wait for another attempt already; see `unfreeze simulate status`."
        from unfreeze.simulate.campaign.directory import CampaignDirectory
        from unfreeze.simulate.campaign.manage import retry_tasks

        directory = CampaignDirectory(folder)
        labels = retry_tasks(directory, tasks or [])
        _report(directory, "waiting for another attempt", labels)
        if labels:
            print(f"Go on with: unfreeze simulate resume {shlex.quote(str(directory.root))}")


def force_fields(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print it for programs, and nothing else.")] = False,
) -> None:
    """List force fields and solvents: what each is good for, and what to know before using it."""
    with ErrorReporter(debug=context.obj["debug"]):
        from dataclasses import asdict

        from unfreeze.simulate.force_fields import FORCE_FIELDS, SOLVENTS

        if as_json:
            document = {
                "force_fields": [asdict(item) for item in FORCE_FIELDS.values()],
                "solvents": [asdict(item) for item in SOLVENTS.values()],
            }
            print(json.dumps(document, indent=1, ensure_ascii=False, default=dict))
            return
        width = max(len(name) for name in (*FORCE_FIELDS, *SOLVENTS))
        print("Force fields")
        for name, item in FORCE_FIELDS.items():
            print(f"  {name:<{width}}  {item.title}: {item.good_for}")
            print(f"  {'':<{width}}  solvents: {', '.join(item.solvent_files)}")
            for caveat in (*item.caveats, *(f"{key}: {text}" for key, text in item.solvent_caveats.items())):
                print(f"  {'':<{width}}  - {caveat}")
        print("Solvents")
        for name, item in SOLVENTS.items():
            print(f"  {name:<{width}}  {item.good_for}")


def _report(directory: CampaignDirectory, what: str, labels: list[str]) -> None:
    shown = ", ".join(labels[:10]) + (f" and {len(labels) - 10} more" if len(labels) > 10 else "")
    print(f"{len(labels)} run{'' if len(labels) == 1 else 's'} {what}{': ' if labels else ''}{shown}")
