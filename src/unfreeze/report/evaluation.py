"""`write_evaluation_page`: the one HTML page that a person opens to look at an evaluation.

The page is a single file that loads nothing. Tables and charts are in it as text, so that it can be read without
scripts and on paper; the script only sorts tables and switches the theme. All text from files is escaped.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

import unfreeze
from unfreeze.evaluate.metric import Estimate
from unfreeze.report.evaluation_charts import COLOURS, STRIP_HEIGHT, Strip, strip_chart
from unfreeze.report.evaluation_details import target_details
from unfreeze.report.evaluation_folder import EvaluationFolder, MetricInfo, load_evaluation, mapping, sequence, text
from unfreeze.report.evaluation_numbers import NONE
from unfreeze.report.evaluation_tables import (
    READ_BETTER,
    ScoreRow,
    key_metrics,
    pair_rows,
    score_rows,
    worst_rows,
    worst_targets,
)
from unfreeze.report.layout import assets, page_environment

__all__ = ["evaluation_html", "write_evaluation_page"]

SCRIPTS = ("base.js", "evaluation.js")
STYLES = ("report.css", "evaluation.css")
_MOST_WORST = 300
_MOST_COLUMNS = 8
_MOST_FAILED = 300
_MOST_PAIRS = 600
_MOST_DETAILED = 40
_MOST_DETAIL_TEXT = 3_000_000
_DOTS_IN_ALL = 30_000


def write_evaluation_page(folder: str | Path) -> Path:
    """Write ``report.html`` into an evaluation folder.

    Parameters
    ----------
    folder
        Folder with ``evaluation.json`` and ``results/``.

    Returns
    -------
    Path
        The page. It is replaced as a whole; nobody ever sees half of it.

    Raises
    ------
    InputError
        If there is no sound ``evaluation.json``.
    """
    root = Path(folder)
    page = evaluation_html(load_evaluation(root))
    target = root / "report.html"
    handle, name = tempfile.mkstemp(prefix=".report.", suffix=".html", dir=root)
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(page)
        os.chmod(name, 0o644)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return target


def evaluation_html(data: EvaluationFolder) -> str:
    """The page as text.

    Parameters
    ----------
    data
        What to show.
    """
    shared = assets(STYLES, SCRIPTS)
    environment = page_environment(groupby_in_order=_groups)
    scored = [(target, generator) for target, scores in data.results.items() for generator in scores]
    every = [e for scores in data.results.values() for result in scores.values() for e in result.estimates.values()]
    single = len(data.targets) == 1 and len(data.generators) == 1
    details, n_left_out = _details(environment, data)
    keys = key_metrics(data, _MOST_COLUMNS)
    tests = [row for row in pair_rows(data) if row["interval"] != NONE]
    return environment.get_template("evaluation.html").render(
        title=_title(data, single),
        protocol=_protocol(data),
        created=data.created.replace("T", " ").replace("Z", " UTC"),
        command=data.command,
        made_with=data.version,
        version=unfreeze.__version__,
        style=shared.style,
        script=shared.script,
        script_sources=shared.script_sources,
        single=single,
        generators=[{"name": name, "colour": f"g{k % COLOURS}"} for k, name in enumerate(data.generators)],
        n_targets=len(data.targets),
        n_scored=len(scored),
        failed=data.failed[:_MOST_FAILED],
        n_failed=len(data.failed),
        summary=score_rows(
            data.aggregates, data.generators, lambda g, name: mapping(data.summary.get(g)).get(name), data.pairs
        ),
        has_floor=any(estimate.floor is not None for estimate in every),
        has_baseline=any(estimate.baseline is not None for estimate in every),
        baseline=text(mapping(data.protocol.get("settings")).get("baseline")),
        has_intervals=any(found.low is not None for rows in data.summary.values() for found in rows.values()),
        pairs=tests[:_MOST_PAIRS],
        n_pairs=len(tests),
        strips=[] if single else _strips(data),
        strip_height=STRIP_HEIGHT,
        worst_metrics=[{"title": _with_unit(info), "better": READ_BETTER.get(info.better, "")} for info in keys],
        worst=[] if single else worst_rows(data, keys, _MOST_WORST),
        details=details,
        n_left_out=n_left_out,
        settings=[(str(key), _plain(value)) for key, value in mapping(data.protocol.get("settings")).items()],
    )


def _groups(rows: Iterable[ScoreRow], key: str) -> list[tuple[str, list[ScoreRow]]]:
    """Rows by group, groups in the order of their first row."""
    found: dict[str, list[ScoreRow]] = {}
    for row in rows:
        found.setdefault(getattr(row, key), []).append(row)
    return list(found.items())


def _title(data: EvaluationFolder, single: bool) -> str:
    if single:
        return f"{data.generators[0]} on {data.targets[0]}"
    n = len(data.generators)
    generators = data.generators[0] if n == 1 else f"{n} generators"
    return f"{generators} on {len(data.targets):,} target{'' if len(data.targets) == 1 else 's'}"


def _protocol(data: EvaluationFolder) -> dict[str, str]:
    return {key: text(data.protocol.get(key)) for key in ("name", "version", "title")}


def _details(environment: jinja2.Environment, data: EvaluationFolder) -> tuple[list[dict[str, Any]], int]:
    """Sections of the targets, worst first, as many as fit; and how many do not."""
    order = worst_targets(data, key_metrics(data, 1))
    draw: Any = environment.get_template("evaluation_target.html").module
    sections, used = [], 0
    for target in order[:_MOST_DETAILED]:
        section = {"target": target, "html": draw.details(target_details(data, target))}
        used += len(section["html"])
        if sections and used > _MOST_DETAIL_TEXT:
            break
        sections.append(section)
    return sections, len(order) - len(sections)


def _strips(data: EvaluationFolder) -> list[dict[str, Any]]:
    """A chart a metric that at least two targets have."""
    shown = []
    most_dots = int(np.clip(_DOTS_IN_ALL / max(len(data.metrics) * len(data.generators), 1), 30, 150))
    for info in data.metrics:
        found = [_values(data, info, generator, k) for k, generator in enumerate(data.generators)]
        if max((len(strip.values) for strip in found), default=0) < 2:
            continue
        about = info.better == "equal" and any(_reference_known(data, info))
        chart = strip_chart(info.title, found, 0.0 if about else info.perfect, most_dots)
        better = "0 is best: ensemble − reference" if about else READ_BETTER.get(info.better, "")
        shown.append({"title": _with_unit(info), "better": better, "group": info.group, "chart": chart})
    return shown


def _reference_known(data: EvaluationFolder, info: MetricInfo) -> list[bool]:
    return [estimate.reference is not None for estimate in _estimates(data, info.name)]


def _estimates(data: EvaluationFolder, metric: str, generator: str | None = None) -> list[Estimate]:
    return [
        estimate
        for scores in data.results.values()
        for name, result in scores.items()
        if generator in (None, name) and (estimate := result.estimates.get(metric)) and estimate.value is not None
    ]


def _values(data: EvaluationFolder, info: MetricInfo, generator: str, colour: int) -> Strip:
    """Values over targets; of an observable, less the reference's own."""
    found = _estimates(data, info.name, generator)
    about = info.better == "equal" and any(estimate.reference is not None for estimate in found)
    if about:
        found = [estimate for estimate in found if estimate.reference is not None]
    origin = [(estimate.reference or 0.0) if about else 0.0 for estimate in found]

    def median(key: str) -> float | None:
        known = [v - o for e, o in zip(found, origin, strict=True) if (v := getattr(e, key)) is not None]
        return float(np.median(known)) if known else None

    values = np.array([(e.value or 0.0) - o for e, o in zip(found, origin, strict=True)], dtype=np.float64)
    return Strip(generator, colour, values, median("floor"), median("baseline"))


def _with_unit(info: MetricInfo) -> str:
    return f"{info.title} ({info.unit})" if info.unit else info.title


def _plain(value: Any) -> str:
    """A setting as text."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(_plain(item) for item in sequence(value)[:40])
    return text(value)
