"""`unfreeze corpus verify` and `repair`: whether every byte is as it was written, and saving what is."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from unfreeze.cli.corpus_options import SMALLER, EntriesOption, JsonOption, PlaceArgument, quoted
from unfreeze.cli.errors import ErrorReporter
from unfreeze.cli.progress import Counter
from unfreeze.cli.stopping import stop_wish

__all__ = ["repair", "verify"]

_MOST_SHOWN = 40


def verify(
    context: typer.Context,
    corpus: PlaceArgument,
    entry: EntriesOption = None,
    quick: Annotated[bool, typer.Option("--quick", help="Of shards, look at sizes only.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Hold every byte against its checksum; nothing is changed. Ends with 1 if anything is damaged."""
    with ErrorReporter(debug=context.obj["debug"], smaller=SMALLER):
        from unfreeze.corpus.store.verify import verify as check
        from unfreeze.simulate.campaign.units import bytes_in_words

        n_entries = sum(1 for path in (corpus / "entries").glob("*") if path.is_dir()) if entry is None else len(entry)
        with stop_wish() as wish, Counter("Verifying", show=not as_json) as counter:
            report = check(
                corpus,
                entries=None if entry is None else tuple(entry),
                is_quick=quick,
                on_progress=lambda done, n_bytes: counter(done, n_entries),
                should_stop=wish,
            )
        wish.raise_if_wished()
        if as_json:
            print(json.dumps(report.as_dict(), ensure_ascii=False, indent=1))
        else:
            size = f"{report.n_files:,} files, {bytes_in_words(report.n_bytes)}"
            verdict = "every byte is as it was written" if report.is_whole else "damaged"
            looked = " (shards by their sizes only)" if quick else ""
            print(f"{corpus}: {verdict}{looked}; {report.n_entries:,} entries, {report.n_frames:,} frames, {size}")
            for fault in report.faults[:_MOST_SHOWN]:
                print(f"  {fault}")
            if len(report.faults) > _MOST_SHOWN:
                print(f"  and {len(report.faults) - _MOST_SHOWN:,} more (--json)")
            if not report.is_whole:
                print(f"Next: unfreeze corpus repair {quoted(corpus)}  (keeps what is whole, says what is lost)")
        if not report.is_whole:
            raise typer.Exit(1)


def repair(
    context: typer.Context, corpus: PlaceArgument, entry: EntriesOption = None, as_json: JsonOption = False
) -> None:
    """Make a damaged corpus whole with what is left of it; what cannot be used is kept aside in `quarantine`."""
    with ErrorReporter(debug=context.obj["debug"], smaller=SMALLER):
        from unfreeze.corpus.store.repair import repair as mend

        report = mend(corpus, entries=None if entry is None else tuple(entry))
        if as_json:
            print(json.dumps(report.as_dict(), ensure_ascii=False, indent=1))
        else:
            for item in report.done[:_MOST_SHOWN]:
                print(f"  {item.kind}: {item}")
            if len(report.done) > _MOST_SHOWN:
                print(f"  and {len(report.done) - _MOST_SHOWN:,} more (--json)")
            lost = f"{report.n_frames_lost:,} frames lost" if report.n_frames_lost else "no frame lost"
            has_lost = any(item.kind == "lost" for item in report.done)
            state = ("whole again, with loss" if has_lost else "whole") if report.is_whole else "not whole yet"
            print(f"{corpus}: {state}; {len(report.done):,} things done, {lost}" if report.done else f"{corpus}: whole")
        if not report.is_whole:
            raise typer.Exit(1)
