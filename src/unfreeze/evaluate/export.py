"""Files of an evaluation for programs and for publications: JSON, tidy CSV, Markdown.

One row a number in the CSV files, so that any program can pivot them; an empty field is a number that is not there.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from unfreeze.evaluate.result import TargetResult
from unfreeze.evaluate.tables import markdown_summary
from unfreeze.files.atomic import write_atomically, write_json

__all__ = ["SCORES_COLUMNS", "SUMMARY_COLUMNS", "scores_csv", "summary_csv", "write_tables"]

SCORES_COLUMNS = (
    *("generator", "target", "metric", "value", "low", "high", "floor", "baseline", "reference", "unit", "reason"),
)
SUMMARY_COLUMNS = (
    *("generator", "metric", "title", "value", "low", "high", "floor", "baseline", "n", "n_missing", "unit", "better"),
)


def write_tables(directory: Path, document: Mapping[str, Any], results: Sequence[TargetResult]) -> None:
    """Write ``scores.csv``, ``summary.csv``, ``summary.md`` and, at last, ``evaluation.json``."""
    write_atomically(directory / "scores.csv", scores_csv(document, results))
    write_atomically(directory / "summary.csv", summary_csv(document))
    write_atomically(directory / "summary.md", markdown_summary(document))
    write_json(directory / "evaluation.json", document)


def scores_csv(document: Mapping[str, Any], results: Sequence[TargetResult]) -> str:
    """Every number of every target; a target that failed has one row with the reason and no metric."""
    units = {metric["name"]: metric["unit"] for metric in document["metrics"]}
    rows: list[dict[str, Any]] = []
    for result in results:
        head = {"generator": result.generator, "target": result.target}
        if result.status != "ok":
            rows.append({**head, "reason": f"failed: {result.error}"})
        rows += [
            {**head, "metric": name, "unit": units.get(name, ""), **item.to_dict()}
            for name, item in result.estimates.items()
        ]
    return _csv(SCORES_COLUMNS, rows)


def summary_csv(document: Mapping[str, Any]) -> str:
    """Every aggregate of every generator."""
    return _csv(
        SUMMARY_COLUMNS,
        (
            {
                "generator": generator,
                "metric": aggregate["name"],
                **{key: aggregate[key] for key in ("title", "unit", "better")},
                **document["summary"][generator][aggregate["name"]],
            }
            for generator in document["generators"]
            for aggregate in document["aggregates"]
        ),
    )


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows({key: "" if value is None else value for key, value in row.items()} for row in rows)
    return stream.getvalue()
