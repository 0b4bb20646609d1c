"""`unfreeze corpus stats`: what a corpus covers, as tables and as a page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from unfreeze.cli.corpus_options import SMALLER, CorpusArgument, JsonOption
from unfreeze.cli.errors import ErrorReporter
from unfreeze.cli.progress import Stages

__all__ = ["stats"]


def stats(
    context: typer.Context,
    corpus: CorpusArgument,
    report: Annotated[Path | None, typer.Option("--report", metavar="HTML", help="Write a page, too.")] = None,
    identity: Annotated[
        float, typer.Option(min=0.2, max=1.0, metavar="X", help="Sequences of one cluster are alike from this.")
    ] = 0.4,
    frames: Annotated[
        int, typer.Option(min=2, metavar="N", help="Frames of each trajectory that are looked at for its motion.")
    ] = 64,
    motion: Annotated[bool, typer.Option("--motion/--no-motion", help="Look at frames, or at the index only.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Count what a corpus holds: conditions, coverage, motion, convergence, duplicates, licences, labels.

    Example:  unfreeze corpus stats my-corpus --report stats.html
    """
    with ErrorReporter(debug=context.obj["debug"], smaller=SMALLER):
        from unfreeze.corpus.statistics import corpus_statistics, statistics_tables
        from unfreeze.corpus.store import Corpus

        opened = Corpus.open(corpus)
        with Stages(show=not as_json) as stages:
            found = corpus_statistics(
                opened,
                n_frames=frames,
                identity=identity,
                motion=motion,
                progress=lambda what, done, total: stages(what.capitalize(), done / max(total, 1)),
            )
        if report is not None:
            from unfreeze.report.corpus import write_corpus_report

            write_corpus_report(found, report)
        if as_json:
            print(json.dumps(found, ensure_ascii=False, indent=1))
            return
        from rich.markup import escape
        from rich.table import Table

        from unfreeze.cli.simulate_tables import standard_output

        out = standard_output()
        for one in statistics_tables(found):
            table = Table(title=escape(one.title), title_justify="left", title_style="bold", box=None, pad_edge=False,
                          header_style="dim")  # fmt: skip
            for number, head in enumerate(one.columns):
                table.add_column(escape(head), justify="left" if number == 0 else "right", overflow="fold")
            for row in one.rows:
                table.add_row(*(escape(cell) for cell in row))
            out.print(table)
            if one.note:
                out.print(one.note, style="dim", markup=False)
            out.print()
        if report is not None:
            print(report)
