"""Rows of the tables of an evaluation page: scores, paired tests, targets from the worst on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from markupsafe import Markup

from unfreeze.evaluate.metric import Estimate
from unfreeze.report.evaluation_charts import Mark, interval_chart
from unfreeze.report.evaluation_folder import EvaluationFolder, MetricInfo, PairedTest
from unfreeze.report.evaluation_numbers import NONE, interval, places_for, probability, show

__all__ = [
    "READ_BETTER",
    "Cell",
    "ScoreRow",
    "badness",
    "key_metrics",
    "pair_rows",
    "score_rows",
    "worst_rows",
    "worst_targets",
]

READ_BETTER = {
    "higher": "higher is better",
    "lower": "lower is better",
    "equal": "closer to the reference is better",
}
_SIGNIFICANT = 0.05


class Scored(Protocol):
    """An estimate, or an aggregate of many."""

    @property
    def value(self) -> float | None: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...
    @property
    def floor(self) -> float | None: ...
    @property
    def baseline(self) -> float | None: ...


@dataclass(frozen=True)
class Cell:
    """A generator's score in a row."""

    value: str
    interval: str = ""
    notes: tuple[str, ...] = ()
    reason: str = ""
    best: bool = False


@dataclass(frozen=True)
class ScoreRow:
    """One metric for all generators; `reason` stands for all cells where none has a value, for the same reason."""

    title: str
    name: str
    better: str
    group: str
    plot: Markup
    cells: tuple[Cell, ...]
    floor: str
    baseline: str
    reference: str
    reason: str = ""


def score_rows(
    infos: Iterable[MetricInfo],
    generators: Sequence[str],
    find: Callable[[str, str], Any],
    pairs: Sequence[PairedTest] = (),
    colours: Sequence[int] | None = None,
) -> list[ScoreRow]:
    """Rows of a table of scores.

    Parameters
    ----------
    infos
        What to show, in order.
    generators
        Columns.
    find
        (generator, metric name) to its score, or None.
    pairs
        Paired tests, to mark the best.
    colours
        Number of the colour of every generator; in order when None.
    """
    rows = []
    for info in infos:
        found = [find(generator, info.name) for generator in generators]
        if any(found):
            rows.append(_score_row(info, generators, found, pairs, colours or range(len(generators))))
    return rows


def _score_row(
    info: MetricInfo,
    generators: Sequence[str],
    found: Sequence[Any],
    pairs: Sequence[PairedTest],
    colours: Sequence[int],
) -> ScoreRow:
    there = [item for item in found if item is not None]
    places = places_for(
        (v for item in there for v in (item.value, item.floor, item.baseline, getattr(item, "reference", None))),
        max((i.high - i.low for i in there if i.low is not None and i.high is not None), default=None),
    )
    floors, baselines, references = (
        [getattr(item, key, None) for item in there if item.value is not None]
        for key in ("floor", "baseline", "reference")
    )
    best = _best(info, generators, pairs)
    cells = tuple(
        _cell(item, places, _differ(floors), _differ(baselines), generator == best)
        for generator, item in zip(generators, found, strict=True)
    )
    reasons = {cell.reason for cell in cells}
    marks = [
        Mark(generator, colour, item.value, item.low, item.high, item.floor, item.baseline)
        for colour, generator, item in zip(colours, generators, found, strict=True)
        if item is not None
    ]
    perfect = info.perfect if info.better != "equal" else next((v for v in references if v is not None), None)
    return ScoreRow(
        title=info.title + (f" ({info.unit})" if info.unit and f"({info.unit})" not in info.title else ""),
        name=info.name,
        better=READ_BETTER.get(info.better, ""),
        group=info.group,
        plot=interval_chart(info.title, marks, perfect),
        cells=cells,
        floor=_range(floors, places),
        baseline=_range(baselines, places),
        reference=_range(references, places),
        reason=reasons.pop() if len(reasons) == 1 and all(cell.value == NONE for cell in cells) else "",
    )


def _cell(item: Scored | None, places: int | None, own_floor: bool, own_baseline: bool, best: bool) -> Cell:
    if item is None:
        return Cell(NONE, reason="not scored")
    if item.value is None:
        return Cell(NONE, reason=getattr(item, "reason", "") or "no target has it")
    notes = []
    if own_floor and item.floor is not None:
        notes.append(f"floor {show(item.floor, places)}")
    if own_baseline and item.baseline is not None:
        notes.append(f"baseline {show(item.baseline, places)}")
    missing = getattr(item, "n_missing", None)
    if missing:
        notes.append(f"{missing} target{'s' if missing > 1 else ''} without it")
    return Cell(show(item.value, places), interval(item.low, item.high, places), tuple(notes), best=best)


def _differ(values: Sequence[float | None]) -> bool:
    """Whether values are so different that each generator needs its own."""
    found = [value for value in values if value is not None]
    return bool(found) and max(found) - min(found) > 0.1 * max(abs(value) for value in found)


def _range(values: Sequence[float | None], places: int | None) -> str:
    """The one value that all have, or the least and the greatest."""
    found = [value for value in values if value is not None]
    if not found:
        return ""
    low, high = show(min(found), places), show(max(found), places)
    return low if low == high else interval(min(found), max(found), places)


def _best(info: MetricInfo, generators: Sequence[str], pairs: Sequence[PairedTest]) -> str | None:
    """The generator that is better than each of the others in the paired test, if there is one."""
    wins: dict[str, set[str]] = {generator: set() for generator in generators}
    for pair in pairs:
        winner = _winner(pair, info)
        if pair.metric == info.name and winner in wins:
            wins[winner].add(pair.second if winner == pair.first else pair.first)
    beaten = {name: set(generators) - {name} for name in generators}
    return next((name for name in generators if beaten[name] and beaten[name] <= wins[name]), None)


def _winner(pair: PairedTest, info: MetricInfo) -> str | None:
    """Who is better beyond chance; None if nobody, or if it is not known what better is."""
    if pair.low is None or pair.high is None or pair.low <= 0.0 <= pair.high:
        return None
    p_value = pair.p_value if pair.p_holm is None else pair.p_holm
    # of an observable, a larger value is neither better nor worse
    if p_value is None or p_value >= _SIGNIFICANT or info.better not in ("higher", "lower"):
        return None
    return pair.first if (pair.low > 0.0) == (info.better == "higher") else pair.second


def pair_rows(data: EvaluationFolder) -> list[dict[str, str]]:
    """Rows of the table of paired tests, in the order of the summary."""
    infos = {info.name: info for info in (*data.metrics, *data.aggregates)}
    order = {name: k for k, name in enumerate([*(i.name for i in data.aggregates), *(i.name for i in data.metrics)])}
    rows = []
    for pair in sorted(data.pairs, key=lambda p: order.get(p.metric, len(order))):
        info = infos.get(pair.metric, MetricInfo(pair.metric, pair.metric))
        places = places_for((pair.difference, pair.low, pair.high))
        winner = _winner(pair, info)
        rows.append(
            {
                "metric": info.title + (f" ({info.unit})" if info.unit else ""),
                "first": pair.first,
                "second": pair.second,
                "difference": show(pair.difference, places, sign=True),
                "interval": interval(pair.low, pair.high, places, sign=True) or NONE,
                "p": probability(pair.p_value),
                "p_holm": probability(pair.p_holm),
                "n": NONE if pair.n is None else f"{pair.n:,}",
                "winner": winner or "",
            }
        )
    return rows


def badness(info: MetricInfo, estimate: Estimate | None) -> float | None:
    """How far an estimate is from good, larger is worse; None without a value."""
    if estimate is None or estimate.value is None:
        return None
    if info.better == "equal":
        return None if estimate.reference is None else abs(estimate.value - estimate.reference)
    return estimate.value if info.better == "lower" else -estimate.value


def key_metrics(data: EvaluationFolder, most: int) -> list[MetricInfo]:
    """The metrics that the summary is made of and that some target has, at most so many; any metrics if it is not."""
    infos = {info.name: info for info in data.metrics}
    present = {
        name
        for scores in data.results.values()
        for result in scores.values()
        for name, estimate in result.estimates.items()
        if estimate.value is not None
    }
    named = [infos[item.name] for item in data.aggregates if item.name in infos and item.name in present]
    return (named or [info for info in data.metrics if info.name in present])[:most]


def worst_targets(data: EvaluationFolder, infos: Sequence[MetricInfo]) -> list[str]:
    """All scored targets, the worst of any generator by the first metric first; those without a value last."""

    def key(target: str) -> tuple[float, str]:
        found = [badness(infos[0], r.estimates.get(infos[0].name)) for r in data.results[target].values()]
        return -max((value for value in found if value is not None), default=float("-inf")), target

    return sorted(data.results, key=key) if infos else sorted(data.results)


def worst_rows(data: EvaluationFolder, infos: Sequence[MetricInfo], most: int) -> list[dict[str, Any]]:
    """Target and generator with their key metrics, the worst by the first metric first.

    Where there are more than `most`, the worst by each metric are kept, so that sorting by any of them is right at
    its top.
    """
    kept = [(target, generator) for target, scores in data.results.items() for generator in scores]
    orders = [
        sorted(
            kept, key=lambda row: _last_without(badness(info, data.results[row[0]][row[1]].estimates.get(info.name)))
        )
        for info in infos
    ]
    if len(kept) > most:
        rank = dict.fromkeys(kept, len(kept))
        for order in orders:
            rank.update((row, min(place, rank[row])) for place, row in enumerate(order))
        kept = sorted(kept, key=rank.__getitem__)[:most]
    if orders:
        chosen = set(kept)
        kept = [row for row in orders[0] if row in chosen]
    places = {info.name: places_for(_values(data.results, kept, info.name)) for info in infos}
    return [
        {
            "target": target,
            "generator": generator,
            "cells": [
                _worst_cell(info, data.results[target][generator].estimates.get(info.name), places[info.name])
                for info in infos
            ],
        }
        for target, generator in kept
    ]


def _last_without(value: float | None) -> float:
    return float("inf") if value is None else -value


def _values(
    results: Mapping[str, Mapping[str, Any]], rows: Iterable[tuple[str, str]], name: str
) -> Iterable[float | None]:
    for target, generator in rows:
        estimate = results[target][generator].estimates.get(name)
        if estimate is not None:
            yield from (estimate.value, estimate.reference)


def _worst_cell(info: MetricInfo, estimate: Estimate | None, places: int | None) -> dict[str, Any]:
    bad = badness(info, estimate)
    return {
        "text": show(estimate.value, places) if estimate else NONE,
        "note": f"reference {show(estimate.reference, places)}"
        if estimate and info.better == "equal" and estimate.reference is not None
        else "",
        "reason": "" if estimate and estimate.value is not None else (estimate.reason if estimate else "not scored"),
        "sort": "" if bad is None else f"{bad:.9g}",
    }
