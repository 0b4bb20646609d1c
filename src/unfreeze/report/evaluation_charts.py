"""Charts of scores: a row of intervals for a table, and the spread of a metric over targets.

The same marks mean the same everywhere: a dot with a bar is a value with its interval, a solid upright the floor, a
dashed one the baseline. A generator keeps its colour (class ``g0``, ``g1`` …) on the whole page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from unfreeze.report.evaluation_numbers import interval, nice_ticks, places_for, show, tick
from unfreeze.report.svg import RESOLUTION, axis, chart, dots, percent, stretched, tag

__all__ = ["COLOURS", "Domain", "Mark", "Strip", "interval_chart", "strip_chart"]

COLOURS = 8
STRIP_HEIGHT = 34
_MOST_DOTS = 150
_BINS = 60


@dataclass(frozen=True)
class Domain:
    """The range of an axis."""

    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Domain | None:
        """The range of the values with a margin; None without a value."""
        found = [value for value in values if value is not None]
        if not found:
            return None
        low, high = min(found), max(found)
        margin = 0.04 * (high - low) or 0.5 * abs(low) or 0.5
        return cls(low - margin, high + margin)

    def share(self, value: float) -> float:
        """Where a value is, between 0 and 1."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))

    def ticks(self, count: int = 4) -> list[tuple[float, str]]:
        """Round numbers and where they are."""
        return [(self.share(value), tick(value)) for value in nice_ticks(self.low, self.high, count)]


@dataclass(frozen=True)
class Mark:
    """One generator in a row of a table."""

    name: str
    colour: int
    value: float | None
    low: float | None = None
    high: float | None = None
    floor: float | None = None
    baseline: float | None = None


def interval_chart(title: str, marks: Sequence[Mark], perfect: float | None = None) -> Markup:
    """Values with intervals, floors and baselines on one scale: a small picture for a table; empty without values."""
    seen = [m for m in marks if m.value is not None]
    ends = [v for m in seen for v in (m.value, m.low, m.high, m.floor, m.baseline)]
    domain = Domain.of([*ends, perfect])
    if not seen or domain is None:
        return Markup("")
    step = 14 if len(seen) > 1 else 20
    height = step * len(seen) + 4
    places = places_for(ends)
    parts = []
    if perfect is not None:
        parts.append(_upright(domain, perfect, 0, height, "perfect"))
    texts = []
    for row, mark in enumerate(seen):
        middle = 2 + step * (row + 0.5)
        for value, kind in ((mark.floor, "floor"), (mark.baseline, "baseline")):
            if value is not None:
                parts.append(_upright(domain, value, middle - 0.5 * step, middle + 0.5 * step, kind))
        colour = f"g{mark.colour % COLOURS}"
        if mark.low is not None and mark.high is not None:
            x1, x2 = (percent(domain.share(end)) for end in (mark.low, mark.high))
            parts.append(tag("line", {"class": f"bar {colour}", "x1": x1, "x2": x2, "y1": middle, "y2": middle}))
        x = percent(domain.share(mark.value or 0.0))
        parts.append(tag("circle", {"class": f"value {colour}", "cx": x, "cy": middle, "r": 4}))
        bounds = interval(mark.low, mark.high, places)
        floor, baseline = show(mark.floor, places), show(mark.baseline, places)
        texts.append(
            f"{mark.name}: {show(mark.value, places)}{f' ({bounds})' if bounds else ''}, floor {floor}, "
            f"baseline {baseline}"
        )
    return chart(title, "; ".join(texts), height, *parts, classes="chart small")


@dataclass(frozen=True)
class Strip:
    """Values of one generator over its targets, with the medians of its floors and baselines."""

    name: str
    colour: int
    values: NDArray[np.float64]
    floor: float | None = None
    baseline: float | None = None


def strip_chart(title: str, strips: Sequence[Strip], perfect: float | None, most_dots: int = _MOST_DOTS) -> Markup:
    """The spread of a metric over targets: a dot a target, or an outline where they are many; a row a generator."""
    seen = [strip for strip in strips if len(strip.values)]
    ends = [v for s in seen for v in (float(s.values.min()), float(s.values.max()), s.floor, s.baseline)]
    domain = Domain.of([*ends, perfect])
    if not seen or domain is None:
        return Markup("")
    bottom = STRIP_HEIGHT * len(strips)
    places = places_for(ends)
    parts, texts = [axis(domain.ticks(), bottom)], []
    if perfect is not None:
        parts.append(_upright(domain, perfect, 0, bottom, "perfect"))
    for row, strip in enumerate(strips):
        if not len(strip.values):
            continue
        top = STRIP_HEIGHT * row
        x = RESOLUTION * np.clip((strip.values - domain.low) / (domain.high - domain.low), 0.0, 1.0)
        shape = _swarm(x) if len(x) <= most_dots else None
        colour = f"g{strip.colour % COLOURS}"
        parts.append(stretched(top, STRIP_HEIGHT, _violin(x, colour) if shape is None else dots(shape, colour)))
        for value, kind in ((strip.floor, "floor"), (strip.baseline, "baseline")):
            if value is not None:
                parts.append(_upright(domain, value, top, top + STRIP_HEIGHT, kind))
        median = float(np.median(strip.values))
        parts.append(_upright(domain, median, top + 5, top + STRIP_HEIGHT - 5, f"median {colour}"))
        texts.append(
            f"{strip.name}: median {show(median, places)} of {len(strip.values)} targets, from "
            f"{show(float(strip.values.min()), places)} to {show(float(strip.values.max()), places)}, median floor "
            f"{show(strip.floor, places)}, median baseline {show(strip.baseline, places)}"
        )
    return chart(title, "; ".join(texts), bottom + 20, *parts)


def _upright(domain: Domain, value: float, top: float, bottom: float, kind: str) -> Markup:
    x = percent(domain.share(value))
    return tag("line", {"class": f"mark {kind}", "x1": x, "x2": x, "y1": top, "y2": bottom})


def _swarm(x: NDArray[np.floating]) -> NDArray[np.floating]:
    """Dots that share a bin are put above and below each other: [n, 2]."""
    cell = np.minimum((x * _BINS / RESOLUTION).astype(int), _BINS - 1)
    order = np.lexsort((x, cell))
    first = np.searchsorted(cell[order], cell[order])
    rank = np.arange(len(x)) - first
    offset = np.where(rank % 2 == 0, 1.0, -1.0) * ((rank + 1) // 2)
    crowd = np.bincount(cell, minlength=_BINS)[cell[order]]
    room = 0.5 * STRIP_HEIGHT - 4.0
    spacing = np.minimum(5.0, room / np.maximum(crowd // 2, 1))
    return np.stack([x[order], 0.5 * STRIP_HEIGHT + offset * spacing], axis=1)


def _violin(x: NDArray[np.floating], colour: str) -> Markup:
    """Outline of a smoothed histogram, mirrored, with dots for the four outermost targets."""
    counts = np.histogram(x, bins=_BINS, range=(0.0, RESOLUTION))[0].astype(float)
    smooth = np.convolve(counts, [0.05, 0.25, 0.4, 0.25, 0.05], mode="same")
    half = (0.5 * STRIP_HEIGHT - 3.0) * smooth / max(float(smooth.max()), 1e-12)
    centres = (np.arange(_BINS) + 0.5) * RESOLUTION / _BINS
    used = np.flatnonzero(half > 0.02)
    span = slice(used[0], used[-1] + 1)
    middle = 0.5 * STRIP_HEIGHT
    upper = [f"{a:.0f} {middle - h:.1f}" for a, h in zip(centres[span], half[span], strict=True)]
    lower = [f"{a:.0f} {middle + h:.1f}" for a, h in zip(centres[span], half[span], strict=True)][::-1]
    ends = np.sort(x)[[0, 1, -2, -1]]
    extremes = dots(np.stack([ends, np.full(4, middle)], axis=1), colour)
    return Markup("").join([tag("path", {"class": f"violin {colour}", "d": "M" + "L".join(upper + lower) + "z"}),
                            extremes])  # fmt: skip
