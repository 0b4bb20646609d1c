"""`write_corpus_report`: the one HTML page that a person opens to look at what is in a corpus.

It is made of statistics alone, so that it shows of a private corpus what others may see and no more. The page is a
single file that loads nothing; all text is escaped.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

import unfreeze
from unfreeze.corpus.statistics.motion import RMSF_EDGES_A
from unfreeze.corpus.statistics.tables import Table, statistics_tables, time_words
from unfreeze.errors import InputError
from unfreeze.files.atomic import write_atomically
from unfreeze.report.layout import assets, page_environment
from unfreeze.report.svg import axis, chart, percent, tag

__all__ = ["corpus_html", "write_corpus_report"]

SCRIPTS = ("base.js", "evaluation.js")
STYLES = ("report.css", "evaluation.css", "simulation.css", "corpus.css")
_SECTIONS = {
    "Contents": ("conditions", "datasets", "labels", "sizes"),
    "Coverage": ("folds", "interfaces", "clusters"),
    "Motion": ("rmsf", "convergence", "worst"),
    "To look at": ("same_frames", "same_sequences", "quality"),
}
_BAR, _ROW = 22, 30
_MOST_BARS = 12
_MOST_COLOURS = 8


def write_corpus_report(statistics: Mapping[str, Any], target: str | os.PathLike[str]) -> Path:
    """Write the page of a corpus.

    Parameters
    ----------
    statistics
        From :func:`unfreeze.corpus.statistics.collect.corpus_statistics`.
    target
        The file to write, such as ``corpus.html``. It is replaced as a whole; nobody ever sees half of it.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    path = Path(target)
    try:
        write_atomically(path, corpus_html(statistics))
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); give another place.") from None
    return path


def corpus_html(statistics: Mapping[str, Any]) -> str:
    """The page as text."""
    shared = assets(STYLES, SCRIPTS)
    environment = page_environment()
    tables = {table.name: table for table in statistics_tables(statistics)}
    charts = _charts(statistics, tables)
    sections = [
        {
            "title": title,
            "id": title.lower().replace(" ", "-"),
            "panels": [{"table": tables[name], "chart": charts.get(name)} for name in names if name in tables],
        }
        for title, names in _SECTIONS.items()
        if any(name in tables for name in names)
    ]
    totals, licences = statistics["totals"], statistics["licences"]
    return environment.get_template("corpus.html").render(
        name=statistics["name"],
        private=statistics["private"],
        totals=totals,
        time=time_words(totals["time_ns"]),
        n_sequences=statistics["coverage"]["sequences"],
        n_clusters=statistics["coverage"]["clusters"],
        n_damaged=statistics["quality"]["n_damaged"],
        licences=licences,
        sections=sections,
        version=unfreeze.__version__,
        style=shared.style,
        script=shared.script,
        script_sources=shared.script_sources,
    )


def _charts(statistics: Mapping[str, Any], tables: Mapping[str, Table]) -> dict[str, Markup]:
    made: dict[str, Markup] = {}
    if len(statistics["conditions"]) > 1:
        bars = [(str(row["key"]), float(row["frames"])) for row in statistics["conditions"]]
        made["conditions"] = _bars("Frames under each of the conditions", bars, "frames")
    coverage = statistics["coverage"]
    if len(coverage["folds"]) > 1:
        bars = [(row["fold"], float(row["entries"])) for row in coverage["folds"]]
        made["folds"] = _bars("Entries of each class of folds", bars, "entries")
    if len(coverage["interface_types"]) > 1:
        bars = [(row["type"], float(row["n"])) for row in coverage["interface_types"]]
        made["interfaces"] = _bars("Interfaces of each type", bars, "interfaces")
    if "rmsf" in tables:
        made["rmsf"] = _rmsf(statistics["rmsf"])
    return made


def _bars(title: str, rows: list[tuple[str, float]], unit: str) -> Markup:
    """Horizontal bars from nothing, each with its name above it."""
    shown = rows[:_MOST_BARS]
    most = max((value for _, value in shown), default=0.0) or 1.0
    parts = []
    for k, (name, value) in enumerate(shown):
        y = k * (_ROW + 8)
        parts.append(tag("text", {"x": 0, "y": y + 11}, f"{name}: {value:,.0f}"))
        parts.append(
            tag("rect", {"class": "amount", "x": 0, "y": y + 16, "width": percent(value / most), "height": _BAR - 8})
        )
    tell = "; ".join(f"{name}: {value:,.0f} {unit}" for name, value in shown)
    return chart(title, tell, len(shown) * (_ROW + 8), *parts)


def _rmsf(rows: list[Mapping[str, Any]]) -> Markup:
    """Share of residues by RMSF, one row of bars for each of the conditions."""
    names = [f"{low:g}" for low in RMSF_EDGES_A]
    height, parts, tell = 44, [], []
    shown = rows[:_MOST_COLOURS]
    for k, row in enumerate(shown):
        counts = np.asarray(row["counts"], dtype=np.float64)
        shares = counts / max(counts.sum(), 1.0)
        top = k * (height + 26)
        parts.append(tag("text", {"x": 0, "y": top + 12}, f"{row['conditions']} ({row['trajectories']:,})"))
        for place, share in enumerate(shares.tolist()):
            tall = max(share / max(shares.max(), 1e-9) * height, 0.5 if share else 0.0)
            parts.append(
                tag(
                    "rect",
                    {
                        "class": "amount", "x": percent(place / len(shares)), "width": percent(0.94 / len(shares)),
                        "y": f"{top + 18 + height - tall:.1f}", "height": f"{tall:.1f}",
                    },
                )
            )  # fmt: skip
        tell.append(
            f"{row['conditions']}: half of the trajectories have a median below {row['median_A']['median']:.2f} Å"
        )
    bottom = len(shown) * (height + 26)
    ticks = axis([(k / len(names), f"{name} Å" if k == 0 else name) for k, name in enumerate(names)], 0)
    parts.append(tag("svg", {"y": bottom - 6, "width": "100%", "height": 20, "overflow": "visible"}, ticks))
    return chart("Residues by RMSF", "; ".join(tell), bottom + 18, *parts)
