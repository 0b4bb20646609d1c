"""`unfreeze corpus export`: a corpus as files that other programs read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from unfreeze.cli.corpus_options import SMALLER, CorpusArgument, EntriesOption, JsonOption
from unfreeze.cli.errors import ErrorReporter, refuse
from unfreeze.cli.progress import Counter
from unfreeze.cli.stopping import stop_wish

__all__ = ["export"]

_FORMATS = ("xtc", "mdcath", "zarr")
_MOST_SHOWN = 20


def export(
    context: typer.Context,
    corpus: CorpusArgument,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder to make.")],
    format_: Annotated[
        str, typer.Option("--format", "-f", metavar="FORMAT", help="xtc (with PDB), mdcath (HDF5) or zarr.")
    ] = "xtc",
    entry: EntriesOption = None,
    split: Annotated[
        str | None, typer.Option(metavar="NAME", help="A split of the corpus: a folder for each part.")
    ] = None,
    stride: Annotated[int, typer.Option(min=1, metavar="N", help="Write every N-th frame.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Write a corpus, or some of it, for other programs; a private one is named by its alias only.

    Example:  unfreeze corpus export my-corpus -o shared --format xtc
    """
    with ErrorReporter(debug=context.obj["debug"], smaller=SMALLER) as reporter:
        if format_ not in _FORMATS:
            raise refuse("--format", format_, "xtc, mdcath or zarr")
        from unfreeze.corpus.export import exporting
        from unfreeze.corpus.store import Corpus
        from unfreeze.simulate.campaign.units import bytes_in_words

        opened = Corpus.open(corpus)
        parts = None
        if split is not None:
            from unfreeze.corpus.split import Split

            parts = Split.load(opened, split).parts
        reporter.kept = "the same command goes on after the last whole entry."
        with stop_wish() as wish, Counter("Exporting", show=not as_json) as counter:
            report = exporting.export(
                opened, output, format=format_, entries=entry, split=parts, stride=stride,
                on_progress=lambda one: counter(one.n_entries, one.n_entries_total), should_stop=wish,
            )  # fmt: skip
        licences = report.licences
        if as_json:
            document = {
                "destination": str(report.destination), "entries": report.entries, "left_out": report.left_out,
                "n_frames": report.n_frames, "n_bytes": report.n_bytes,
                "licences": {name: list(sets) for name, sets in licences.datasets.items()},
                "may_pass_on": licences.may_pass_on, "may_combine": licences.may_combine,
                "findings": list(licences.findings),
            }  # fmt: skip
            print(json.dumps(document, ensure_ascii=False, indent=1))
            return
        print(
            f"{output}: {len(report.entries):,} entries, {report.n_frames:,} frames, {bytes_in_words(report.n_bytes)}"
        )
        for name, reason in list(report.left_out.items())[:_MOST_SHOWN]:
            print(f"  left out: {name}: {reason}")
        for name, sets in licences.datasets.items():
            print(f"  licence {name}: {', '.join(sets)}")
        for finding in licences.findings:
            print(f"  {finding}")
