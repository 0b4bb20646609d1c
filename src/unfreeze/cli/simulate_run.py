"""`unfreeze simulate run` and `resume`: a campaign carried on from wherever it is, to its end and its page."""

from __future__ import annotations

import json
import shlex
import signal
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unfreeze.cli.errors import ErrorReporter
from unfreeze.cli.simulate_options import (
    ChainsOption,
    DevicesOption,
    ForceFieldOption,
    LengthOption,
    OutputOption,
    PerDeviceOption,
    PlatformOption,
    ReplicasOption,
    SaveOption,
    SeedOption,
    SequenceOption,
    SetOption,
    SolventOption,
    Source,
    TemperatureOption,
    WorkersOption,
    campaign_of_options,
    changes_of_options,
    directory_of,
    pool_settings,
)

if TYPE_CHECKING:
    from unfreeze.corpus.store import Corpus
    from unfreeze.simulate.campaign.directory import CampaignDirectory
    from unfreeze.simulate.campaign.pool import Pool, PoolSettings
    from unfreeze.simulate.campaign.settings import Campaign
    from unfreeze.simulate.campaign.status import Status
    from unfreeze.simulate.delivery import Delivery

__all__ = ["resume", "run"]

SMALLER = "Run fewer at a time (--workers, --per-device)."
_MOST_SHOWN = 10
_REFRESH_SECONDS = 1.0

WatchOption = Annotated[
    bool, typer.Option("--watch/--no-watch", help="Show live progress on a terminal; else a line an event.")
]
ReportOption = Annotated[bool, typer.Option("--report/--no-report", help="Make report.html at the end.")]
CorpusOption = Annotated[
    Path | None,
    typer.Option(
        "--corpus", metavar="CORPUS", help="Bring the frames that passed into this corpus.", show_default=False
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print a summary for programs, and nothing else.")]


def run(
    context: typer.Context,
    source: Source = None,
    sequence: SequenceOption = None,
    length: LengthOption = None,
    output: OutputOption = None,
    replicas: ReplicasOption = None,
    temperature: TemperatureOption = None,
    force_field: ForceFieldOption = None,
    solvent: SolventOption = None,
    save_every: SaveOption = None,
    chains: ChainsOption = None,
    set_: SetOption = None,
    seed: SeedOption = None,
    workers: WorkersOption = None,
    platform: PlatformOption = "auto",
    per_device: PerDeviceOption = 1,
    devices: DevicesOption = None,
    watch: WatchOption = True,
    with_report: ReportOption = True,
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
) -> None:
    """Simulate a structure, a peptide or a whole campaign; killed at any time and given again, it goes on.

    One:   unfreeze simulate run 1ubq.pdb --length 2ns -o ubiquitin

    Many:  unfreeze simulate run campaign.yaml -o campaign

    Longer, or with more systems: give the command again with more. What is there is kept.
    """
    with ErrorReporter(debug=context.obj["debug"], smaller=SMALLER) as reporter:
        changes = changes_of_options(
            length=length, replicas=replicas, temperature=temperature, force_field=force_field, solvent=solvent,
            save_every=save_every, chains=chains, set_=set_, seed=seed,
        )  # fmt: skip
        campaign = campaign_of_options(source, sequence, changes)
        directory = directory_of(source, sequence, output)
        directory.check()
        settings = pool_settings(platform, workers, per_device, devices)
        _carry_out(reporter, directory, campaign, settings, watch=watch, with_report=with_report, corpus=corpus,
                   as_json=as_json)  # fmt: skip


def resume(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a campaign.")],
    workers: WorkersOption = None,
    platform: PlatformOption = "auto",
    per_device: PerDeviceOption = 1,
    devices: DevicesOption = None,
    watch: WatchOption = True,
    with_report: ReportOption = True,
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
) -> None:
    """Go on with a campaign from what is committed."""
    with ErrorReporter(debug=context.obj["debug"], smaller=SMALLER) as reporter:
        from unfreeze.simulate.campaign.directory import CampaignDirectory

        directory = CampaignDirectory(folder)
        directory.require()
        directory.check()
        settings = pool_settings(platform, workers, per_device, devices)
        _carry_out(reporter, directory, None, settings, watch=watch, with_report=with_report, corpus=corpus,
                   as_json=as_json)  # fmt: skip


def _carry_out(
    reporter: ErrorReporter,
    directory: CampaignDirectory,
    campaign: Campaign | None,
    settings: PoolSettings,
    *,
    watch: bool,
    with_report: bool,
    corpus: Path | None,
    as_json: bool,
) -> None:
    from unfreeze.simulate.campaign.pool import Pool
    from unfreeze.simulate.campaign.recovery import open_ledger, read_verdicts
    from unfreeze.simulate.campaign.status import read_status

    opened = None if corpus is None else _open_corpus(corpus)  # what is wrong with it is said before anything runs
    say: Callable[[str], None] = lambda text: print(text, file=sys.stderr, flush=True)  # noqa: E731
    if campaign is not None and not directory.exists:
        directory.resolve(campaign)  # what cannot be found is said before a folder is made
    with directory.locked():
        tasks = directory.tasks() if campaign is None else directory.establish(campaign, read_verdicts(directory))
        _, why = open_ledger(directory, tasks)
    if why:
        say(f"Note: {why}")
    reporter.kept = (
        f"what was committed is kept; `unfreeze simulate resume {shlex.quote(str(directory.root))}` goes on from there."
    )
    with _display(directory, watch=watch and not as_json) as display:
        say = display or say
        pool = Pool(directory, settings, say)
        finished = pool.run(display.tick if display else lambda: None)
    status = read_status(directory)
    if not finished:
        _end_by_signal(pool, status, as_json=as_json)
    page = _write_page(directory, say) if with_report else None
    delivery = None if opened is None else _deliver(opened, directory)
    if as_json:
        delivered = None if delivery is None else delivery.to_dict()
        print(json.dumps({**status.to_dict(), "report": page, "corpus": delivered}, indent=1, ensure_ascii=False))
    else:
        _print(status, page)
        if delivery is not None:
            print(
                f"  {corpus}: {sum(delivery.added.values()):,} frames added, {len(delivery.unchanged):,} runs unchanged"
            )
    failed = [task for task in status.tasks if task.state == "failed"]
    if failed:
        whole = "; the others are whole" if len(failed) < len(status.tasks) else ""
        print(f"Error: {len(failed)} of {len(status.tasks)} runs failed{whole}:", file=sys.stderr)
        for task in failed[:_MOST_SHOWN]:
            print(f"  {task.label}: {task.reason}", file=sys.stderr)
        folder = shlex.quote(str(directory.root))
        if any(option in task.reason for task in failed for option in _OPTIONS_OF_PREPARE):
            print(
                "What is an option of unfreeze prepare is a setting here: give the command again with, for example, "
                "--set preparation.ligands=drop, preparation.ions=drop or preparation.termini=capped; force fields of "
                "ligands are --set preparation.force_field_files=[FILE.xml] --set system.force_field_files=[FILE.xml]",
                file=sys.stderr,
            )
        print(f"After mending the cause: unfreeze simulate retry {folder}, and resume", file=sys.stderr)
        raise typer.Exit(2)


_OPTIONS_OF_PREPARE = ("--ligands", "--ions", "--termini", "--force-field-file")


class _Display:
    """Live progress on standard error; called with a sentence, it prints that above."""

    def __init__(self, directory: CampaignDirectory) -> None:
        from rich.console import Console
        from rich.live import Live

        self._directory = directory
        self._live = Live(console=Console(stderr=True, highlight=False), refresh_per_second=4, transient=True)
        self._shown_at = 0.0

    def __enter__(self) -> _Display:
        self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()

    def __call__(self, text: str) -> None:
        self._live.console.print(text, markup=False, soft_wrap=True)

    def tick(self) -> None:
        """Show how things are, at most once a second."""
        if time.monotonic() - self._shown_at < _REFRESH_SECONDS:
            return
        from unfreeze.cli.simulate_tables import status_view
        from unfreeze.errors import UnfreezeError
        from unfreeze.simulate.campaign.status import read_status

        try:
            self._live.update(status_view(read_status(self._directory), most=self._live.console.height - 8))
        except (OSError, UnfreezeError):  # the manager will find out, and say it better
            return
        self._shown_at = time.monotonic()


def _display(directory: CampaignDirectory, *, watch: bool) -> Any:
    return _Display(directory) if watch and sys.stderr.isatty() else nullcontext()


def _end_by_signal(pool: Pool, status: Status, *, as_json: bool) -> None:
    """End as a command does that was stopped by the signal that stopped the pool."""
    if as_json:
        print(json.dumps({**status.to_dict(), "report": None}, indent=1, ensure_ascii=False))
    if pool.signal_number == signal.SIGTERM:
        raise SystemExit(128 + signal.SIGTERM)
    raise KeyboardInterrupt


def _open_corpus(path: Path) -> Corpus:
    from unfreeze.corpus.store import Corpus

    return Corpus.open(path) if (path / "corpus.json").exists() else Corpus.create(path)


def _deliver(corpus: Corpus, directory: CampaignDirectory) -> Delivery:
    from unfreeze.errors import InputError
    from unfreeze.simulate.delivery import Delivery, deliver

    try:
        return deliver(corpus, [directory.root])
    except InputError as error:
        if "neither the folder" not in str(error):  # all runs failed before their first frame
            raise
        return Delivery()


def _write_page(directory: CampaignDirectory, say: Callable[[str], None]) -> str | None:
    """The page; a campaign is done without one, too."""
    from unfreeze.errors import UnfreezeError
    from unfreeze.report.simulation import write_simulation_report

    try:
        return str(write_simulation_report(directory.root))
    except (OSError, UnfreezeError) as error:
        say(f"Note: there is no page: {error}")
        return None


def _print(status: Status, page: str | None) -> None:
    from unfreeze.cli.simulate_tables import standard_output, status_view

    standard_output().print(status_view(status))
    done = [task for task in status.tasks if task.state in ("done", "quarantined")]
    for task in done[:_MOST_SHOWN]:
        print(f"  {status.directory.run(task.id) / 'trajectory.xtc'}")
    if len(done) > _MOST_SHOWN:
        print(f"  and {len(done) - _MOST_SHOWN} more in {status.directory.root / 'runs'}")
    if page:
        print(f"  {page}")
