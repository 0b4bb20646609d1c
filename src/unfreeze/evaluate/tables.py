"""Tables of scores for people: on the terminal and in Markdown. Files for programs are in :mod:`.export`.

A number that is not there is "n/a" with its reason, never nan.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from unfreeze.errors import UnfreezeError
from unfreeze.evaluate.result import TargetResult

if TYPE_CHECKING:
    from rich.table import Table

    from unfreeze.evaluate.metric import Metric

__all__ = [
    "markdown_summary",
    "number",
    "pairs_table",
    "result_remarks",
    "result_table",
    "result_text",
    "span",
    "summary_table",
]

_ARROWS = {"higher": "↑", "lower": "↓", "equal": "="}


def number(value: float | None) -> str:
    """A number as tables show it: three decimals below 10, fewer above, none for counts; "n/a" where there is none."""
    if value is None or not abs(value) < float("inf"):
        return "n/a"
    size = abs(float(value))
    if size == 0.0:
        return "0"
    if size < 5e-4:
        return f"{value:.1e}"
    if size >= 999.95 or (size >= 2.0 and size.is_integer()):
        return f"{value:,.0f}"
    return f"{value:.{3 if size < 9.9995 else 2 if size < 99.995 else 1}f}"


def span(value: float | None, low: float | None, high: float | None) -> str:
    """A value with its interval, as far as it has one: ``0.812 [0.790, 0.834]``."""
    return number(value) + (f" [{number(low)}, {number(high)}]" if None not in (value, low, high) else "")


def result_table(result: TargetResult) -> Table:
    """Every metric of one target: value with interval, floor, baseline, reference; why, where there is none."""
    metrics = _metrics(result)
    shows = {
        key: any(getattr(item, key) is not None for item in result.estimates.values())
        for key in ("floor", "baseline", "reference")
    }
    table = _table(f"{result.target}, {result.generator}: protocol {result.protocol.get('name', '')}, "
                   f"version {result.protocol.get('version', '')}")  # fmt: skip
    table.add_column("metric", overflow="fold")
    table.add_column("", no_wrap=True)
    has_intervals = any(item.low is not None for item in result.estimates.values())
    table.add_column("value [95 %]" if has_intervals else "value", overflow="fold")
    for key, shown in shows.items():
        if shown:
            table.add_column(key, justify="right", no_wrap=True)
    for name, item in result.estimates.items():
        metric = metrics.get(name)
        title = _titled(metric.title, metric.unit) if metric else name
        if item.value is None:
            table.add_row(title, "", f"n/a: {item.reason}" if item.reason else "n/a")
            continue
        beside = [number(getattr(item, key)) if getattr(item, key) is not None else "" for key in shows if shows[key]]
        table.add_row(title, _ARROWS.get(metric.better, "") if metric else "", span(item.value, item.low, item.high),
                      *beside)  # fmt: skip
    return table


def summary_table(document: Mapping[str, Any]) -> Table:
    """Aggregates of every generator, from ``evaluation.json``."""
    protocol, n_targets = document["protocol"], len(document["targets"])
    table = _table(f"{n_targets} target{'s' if n_targets != 1 else ''}: protocol {protocol['name']}, "
                   f"version {protocol['version']}")  # fmt: skip
    several = len(document["generators"]) > 1
    table.add_column("metric", overflow="fold", min_width=24)
    table.add_column("", no_wrap=True)
    table.add_column("value [95 %]" if _has_intervals(document) else "value", no_wrap=True)
    for heading in ("floor", "baseline", "n"):
        table.add_column(heading, justify="right", no_wrap=heading != "n")
    for title, arrow, generator, *numbers in _summary_rows(document):
        if several and title:
            table.add_row(title, arrow)
        table.add_row(f"  {generator}" if several else title, "" if several else arrow, *numbers)
    return table


_SUMMARY_COLUMNS = ("metric", "", "generator", "value [95 %]", "floor", "baseline", "n")


def pairs_table(document: Mapping[str, Any], *, most: int | None = None) -> Table | None:
    """Differences between generators, the surest first; None where none could be tested."""
    if all(pair["p_value"] is None for pair in document["pairs"]):
        return None
    rows = _pair_rows(document)
    table = _table("Differences between generators, paired over targets")
    for heading in _PAIR_COLUMNS:
        table.add_column(heading, overflow="fold")
    for row in rows[:most]:
        table.add_row(*row)
    return table


_PAIR_COLUMNS = ("metric", "first − second", "difference [95 %]", "p", "p (Holm)", "n")


def result_text(result: TargetResult, width: int = 120) -> str:
    """One target as plain text: the table, the soundness of the frames and the notes."""
    from rich.console import Console

    if result.status != "ok":
        return f"{result.target}, {result.generator}: failed: {result.error}"
    out = Console(file=io.StringIO(), width=width, color_system=None, force_jupyter=False, force_terminal=False)
    out.print(result_table(result))
    for line in result_remarks(result):
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    return out.file.getvalue().rstrip()  # type: ignore[attr-defined]


def result_remarks(result: TargetResult) -> list[str]:
    """What stands below the table of a target: frames, soundness, notes."""
    sides = [
        f"{role}: {facts['n_frames']:,} frames of {facts['n_atoms']:,} atoms"
        for role, facts in result.inputs.items()
        if "n_frames" in facts
    ]
    lines = ["; ".join(sides)] if sides else []
    if result.validity and "frames_valid_share" in result.validity:
        share = result.validity["frames_valid_share"]
        theirs = (result.validity.get("reference") or {}).get("frames_valid_share")
        lines.append(
            f"Sound frames: {100 * share:.1f} %"
            + (f" (reference, by the same limits: {100 * theirs:.1f} %)" if theirs is not None else "")
        )
    return [*lines, *(f"Note: {note}" for note in result.notes)]


def markdown_summary(document: Mapping[str, Any]) -> str:
    """The summary of an evaluation as Markdown."""
    protocol = document["protocol"]
    parts = [
        f"# {protocol.get('title') or protocol['name']}",
        f"Protocol `{protocol['name']}`, version {protocol['version']}; unfreeze {document['unfreeze_version']}; "
        f"{len(document['targets'])} targets. Intervals: 95 %, bootstrap over targets"
        f"{'' if _has_intervals(document) else ' (none: too few targets)'}. "
        "Floor: one half of the reference against the other. Baseline: a Cα elastic network. "
        "↑ higher is better, ↓ lower is better, = as near to the reference as can be.",
        _markdown(_SUMMARY_COLUMNS, _summary_rows(document)),
    ]
    if rows := _pair_rows(document):
        parts += [
            "## Differences between generators",
            "Paired over the targets that both have; two-sided p by bootstrap over targets.",
            _markdown(_PAIR_COLUMNS, rows),
        ]
    if failed := document["failed"]:
        parts += [
            "## Failed",
            _markdown(
                ("generator", "target", "why"), [(row["generator"], row["target"], row["error"]) for row in failed]
            ),
        ]
    return "\n\n".join(parts) + "\n"


def _summary_rows(document: Mapping[str, Any]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for aggregate in document["aggregates"]:
        title, arrow = _titled(aggregate["title"], aggregate["unit"]), _ARROWS.get(aggregate["better"], "")
        for index, generator in enumerate(document["generators"]):
            found = document["summary"][generator][aggregate["name"]]
            rows.append((
                "" if index else title,
                "" if index else arrow,
                generator,
                span(found["value"], found["low"], found["high"]),
                *(number(found[key]) if found[key] is not None else "" for key in ("floor", "baseline")),
                f"{found['n']}" + (f" ({found['n_missing']} missing)" if found["n_missing"] else ""),
            ))  # fmt: skip
    return rows


def _pair_rows(document: Mapping[str, Any]) -> list[tuple[str, ...]]:
    titles = {item["name"]: _titled(item["title"], item["unit"]) for item in document["aggregates"]}
    ordered = sorted(document["pairs"], key=lambda pair: 2.0 if pair["p_value"] is None else pair["p_value"])
    return [
        (
            str(titles.get(pair["metric"], pair["metric"])),
            f"{pair['first']} − {pair['second']}",
            span(pair["difference"], pair["low"], pair["high"]),
            *(number(pair[key]) for key in ("p_value", "p_holm")),
            str(pair["n"]),
        )
        for pair in ordered
    ]


def _has_intervals(document: Mapping[str, Any]) -> bool:
    return any(found["low"] is not None for own in document["summary"].values() for found in own.values())


def _metrics(result: TargetResult) -> dict[str, Metric]:
    from unfreeze.evaluate.protocols import find_protocol

    try:
        return {metric.name: metric for metric in find_protocol(result.protocol.get("name", "")).metrics}
    except UnfreezeError:
        return {}  # a protocol of the caller's own: names have to do


def _titled(title: str, unit: str) -> str:
    return f"{title} ({unit})" if unit else title


def _table(title: str) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    return Table(title=Text(title), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)


def _markdown(headings: Iterable[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"

    headings = list(headings)
    return "\n".join([line(headings), "|" + "---|" * len(headings), *(line(row) for row in rows)])
