"""Charts of a simulation: quantities over time, all replicas in one picture, with what is quarantined marked.

However long a run is, a curve has 150 points: each is the mean of as many frames, and a band shows the range of these
frames where there is one curve only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from unfreeze.report.evaluation_charts import Domain
from unfreeze.report.evaluation_curves import left_axis
from unfreeze.report.evaluation_numbers import nice_ticks, places_for, show, tick
from unfreeze.report.svg import RESOLUTION, axis, chart, percent, polyline, stretched, tag

__all__ = ["TimeCurve", "time_chart", "time_unit"]

_POINTS = 150
_HEIGHT = 120
_MOST_MARKS = 60


@dataclass(frozen=True, eq=False)
class TimeCurve:
    """One quantity of one replica.

    Attributes
    ----------
    name, colour
        Of the replica; the colour is a class.
    time_ps, values : float64 [n]
        Finite values, in order of time.
    passed : bool [n]
        Whether the frame passed the checks.
    """

    name: str
    colour: str
    time_ps: NDArray[np.float64]
    values: NDArray[np.float64]
    passed: NDArray[np.bool_]


def time_unit(longest_ps: float) -> tuple[float, str]:
    """The unit in which a time axis reads best: ps in it, and its name."""
    for size, name in ((1e6, "µs"), (1e3, "ns"), (1.0, "ps")):
        if longest_ps >= 2.0 * size:
            return size, name
    return (1.0, "ps") if longest_ps >= 0.1 else (1e-3, "fs")


def time_chart(title: str, curves: Sequence[TimeCurve], level: float | None = None) -> tuple[Markup, Markup] | None:
    """A quantity over time.

    Parameters
    ----------
    title
        What it is, with its unit.
    curves
        One a replica.
    level
        A value to mark: that which was asked for.

    Returns
    -------
    tuple or None
        The numbers of the upright axis, and the chart; None without a value.
    """
    seen = [curve for curve in curves if len(curve.values)]
    if not seen:
        return None
    reduced = [_reduce(curve) for curve in seen]
    single = len(seen) == 1
    ends = [end for _, mean, low, high in reduced for part in ((low, high) if single else (mean,)) for end in part]
    domain = Domain.of([*(float(value) for value in ends), level])
    assert domain is not None
    longest = max(float(curve.time_ps[-1]) for curve in seen)
    across = Domain(0.0, longest or 1.0)
    lines = []
    for curve, (time, mean, low, high) in zip(seen, reduced, strict=True):
        x = RESOLUTION * np.clip(time / across.high, 0.0, 1.0)
        if single and len(x) > 1:
            outline = np.concatenate([_points(x, high, domain), _points(x, low, domain)[::-1]])
            lines.append(tag("path", {"class": f"band {curve.colour}", "d": _path(outline) + "z"}))
        points = _points(x, mean, domain)
        if len(points) == 1:  # one frame is a short dash
            points = points + np.array([[-2.0, 0.0], [2.0, 0.0]])
        lines.append(polyline([(float(a), float(b)) for a, b in points], curve.colour))
    marks = [mark for curve in seen for mark in _quarantined(curve, across)]
    if level is not None:
        y = f"{_HEIGHT * (1.0 - domain.share(level)):.1f}"
        marks.append(tag("line", {"class": "mark perfect", "x1": 0, "x2": "100%", "y1": y, "y2": y}))
    size, unit = time_unit(longest)
    below = [(value * size / across.high, f"{tick(value)} {unit}") for value in nice_ticks(0.0, longest / size, 5)]
    beside = [(domain.share(value), tick(value)) for value in nice_ticks(domain.low, domain.high, 3)]
    grid = [tag("line", {"class": "grid", "x1": 0, "x2": "100%", "y1": _HEIGHT * (1 - at), "y2": _HEIGHT * (1 - at)})
            for at, _ in beside]  # fmt: skip
    places = places_for([domain.high - domain.low])
    tell = "; ".join(
        f"{curve.name}: mean {show(float(curve.values.mean()), places)}, from {show(float(curve.values.min()), places)}"
        f" to {show(float(curve.values.max()), places)} in {len(curve.values)} frames"
        for curve in seen
    )
    picture = chart(
        title, tell, _HEIGHT + 20, *grid, axis(below, _HEIGHT, thin_out=True), *marks, stretched(0, _HEIGHT, *lines)
    )
    return left_axis(beside, _HEIGHT, wide=True), picture


def _reduce(curve: TimeCurve) -> tuple[NDArray[np.float64], ...]:
    """Time, mean, least and largest value of each group of frames: 150 groups at most."""
    n = len(curve.values)
    starts = np.unique(np.linspace(0, n, min(n, _POINTS), endpoint=False).astype(np.int64))
    sizes = np.diff(np.append(starts, n))
    time, mean = (np.add.reduceat(values, starts) / sizes for values in (curve.time_ps, curve.values))
    return time, mean, np.minimum.reduceat(curve.values, starts), np.maximum.reduceat(curve.values, starts)


def _points(x: NDArray[np.float64], values: NDArray[np.float64], domain: Domain) -> NDArray[np.float64]:
    shares = (values - domain.low) / (domain.high - domain.low)
    return np.stack([x, _HEIGHT * (1.0 - np.clip(shares, 0.0, 1.0))], axis=1)


def _path(points: NDArray[np.float64]) -> str:
    return "M" + "L".join(f"{x:.0f} {y:.1f}" for x, y in points.tolist())


def _quarantined(curve: TimeCurve, across: Domain) -> list[Markup]:
    """Stripes over the times of which frames did not pass."""
    bad = np.concatenate([[False], ~curve.passed, [False]])
    edges = np.flatnonzero(np.diff(bad.astype(np.int8)))
    spans = list(zip(edges[::2].tolist(), (edges[1::2] - 1).tolist(), strict=True))
    if len(spans) > _MOST_MARKS:
        spans = [(spans[0][0], spans[-1][1])]
    parts = []
    for first, last in spans:
        start, end = (across.share(float(curve.time_ps[row])) for row in (first, last))
        width = percent(max(end - start, 0.004))
        parts.append(
            tag("rect", {"class": "quarantine", "x": percent(start), "width": width, "y": 0, "height": _HEIGHT})
        )
    return parts
