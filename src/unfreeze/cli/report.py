"""`unfreeze report`: the page on an ensemble, an evaluation or a simulation, made again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from unfreeze.cli.errors import ErrorReporter
from unfreeze.cli.progress import Stages

__all__ = ["report"]


def report(
    context: typer.Context,
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder of `sample`, `evaluate`, `predict` or `simulate run`.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary for programs, and nothing else.")] = False,
) -> None:
    """Make report.html of a folder of sample, evaluate, predict or simulate; it opens in any browser, also offline."""
    with ErrorReporter(debug=context.obj["debug"]):
        with Stages(show=not as_json) as stages:
            stages("Report")
            if (directory / "evaluation.json").is_file():
                from unfreeze.report.evaluation import write_evaluation_page

                page = write_evaluation_page(directory)
            elif any((directory / name).is_file() for name in ("campaign.yaml", "manifest.json")):
                from unfreeze.report.simulation import write_simulation_report

                page = write_simulation_report(directory)
            elif (directory / "prediction.json").is_file():
                from unfreeze.report.prediction import write_prediction_page

                page = write_prediction_page(directory)
            else:
                from unfreeze.report.page import write_report

                page = write_report(directory)
        if as_json:
            print(json.dumps({"report": str(page), "seconds": {k: round(v, 3) for k, v in stages.seconds.items()}}))
        else:
            print(page)
