"""Charts of one target: fluctuations along its residues, frames on principal components, distributions of a quantity.

Each is drawn from the arrays of a result (untrusted lists) and is absent when they do not fit together.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from unfreeze.report.evaluation_charts import Domain
from unfreeze.report.evaluation_folder import number, text
from unfreeze.report.evaluation_numbers import nice_ticks, tick
from unfreeze.report.svg import RESOLUTION, axis, chart, dots, percent, polyline, stretched, tag

__all__ = ["Curve", "histogram_chart", "left_axis", "numbers", "points", "rmsf_chart", "scatter_chart", "square_chart"]

_MOST_RESIDUES = 400
_MOST_POINTS = 200
_BINS = 40
_SIDE = 320
_MARGIN = 34

Curve = tuple[str, str, NDArray[np.float64]]
"""Name, class of its colour, values."""


def numbers(values: Any) -> NDArray[np.float64] | None:
    """A list of finite numbers as an array; None if it is anything else or empty."""
    if not isinstance(values, list) or not values:
        return None
    found = [number(value) for value in values]
    return None if any(value is None for value in found) else np.array(found, dtype=np.float64)


def points(values: Any) -> NDArray[np.float64] | None:
    """A list of pairs of finite numbers as [n, 2]; None if it is anything else or empty."""
    if not isinstance(values, list) or not all(isinstance(row, list) and len(row) >= 2 for row in values):
        return None
    flat = numbers([value for row in values for value in row[:2]])
    return None if flat is None else flat.reshape(-1, 2)


def rmsf_chart(residues: Sequence[Any], curves: Sequence[Curve]) -> tuple[Markup, Markup, str]:
    """RMSF along the residues of all chains.

    Parameters
    ----------
    residues
        Labels such as ``A:GLY12``; chains are told apart by what is before the colon.
    curves
        Curves in Å, all of one length; the reference first, if there is one.

    Returns
    -------
    tuple
        The numbers of the upright axis, the chart, and a sentence on residues that share a point (empty if none do).
    """
    n = len(curves[0][2])
    labels = [text(label) for label in residues] if len(residues) == n else [str(k + 1) for k in range(n)]
    chains = [label.partition(":")[0] if ":" in label else "" for label in labels]
    group = -(-n // _MOST_RESIDUES)
    runs = [list(run) for _, run in itertools.groupby(range(n), key=chains.__getitem__)]
    domain = Domain(0.0, 1.06 * max(1e-3, *(float(values.max()) for *_, values in curves)))
    height, gap = 150, min(12.0, 0.3 * RESOLUTION / len(runs))
    scale = (RESOLUTION - gap * (len(runs) - 1)) / max(n - len(runs), 1)
    lines, marks, start = [], [], 0.0
    for k, run in enumerate(runs):
        x = start + scale * np.arange(len(run))
        for _, colour, values in reversed(curves):
            lines.append(polyline(_grouped(x, values[run], group, domain, height), colour))
        if k:
            where = percent((start - 0.5 * gap) / RESOLUTION)
            marks.append(tag("line", {"class": "chain", "x1": where, "x2": where, "y1": 0, "y2": height}))
        start = float(x[-1]) + gap
    peak = int(curves[0][2].argmax())
    tell = "; ".join(
        f"{name}: largest {values.max():.2f} Å at {labels[int(values.argmax())]}" for name, _, values in curves
    )
    ticks = [(domain.share(value), label) for value, label in _levels(domain)]
    grid = [tag("line", {"class": "grid", "x1": 0, "x2": "100%", "y1": height * (1 - at), "y2": height * (1 - at)})
            for at, _ in ticks]  # fmt: skip
    words = axis(_residue_ticks(labels, runs, scale, gap), height, thin_out=True)
    picture = chart(
        f"RMSF of {n} residues, peak of {curves[0][0]} at {labels[peak]}", tell, height + 20,
        *grid, words, *marks, stretched(0, height, *lines),
    )  # fmt: skip
    note = f"Each point of a curve is the largest of {group} residues." if group > 1 else ""
    return left_axis(ticks, height), picture, note


def scatter_chart(clouds: Sequence[Curve]) -> Markup:
    """Frames on two principal components, the reference first: (name, class, [n, 2] in Å), equal scales."""
    every = np.concatenate([cloud for *_, cloud in clouds])
    low, high = every.min(axis=0), every.max(axis=0)
    size = 1.06 * max(float((high - low).max()), 1e-6)
    corner = 0.5 * (low + high - size)
    tell = "; ".join(f"{name}: {len(cloud)} frames" for name, _, cloud in clouds)
    title = "Frames on the first two principal components, Å"
    return square_chart(title, tell, clouds, (float(corner[0]), float(corner[1])), size)


def square_chart(
    title: str, tell: str, clouds: Sequence[Curve], corner: tuple[float, float], size: float, *, diagonal: bool = False
) -> Markup:
    """Dots in a square of the plane of given corner and size, with the line of equality if wanted."""
    inner = _SIDE - _MARGIN - 8
    right, bottom = _MARGIN + inner, 8 + inner
    across, up = (Domain(start, start + size) for start in corner)
    parts = []
    for at, label in across.ticks(4):
        x = f"{_MARGIN + inner * at:.1f}"
        parts.append(tag("line", {"class": "grid", "x1": x, "x2": x, "y1": 8, "y2": bottom}))
        parts.append(tag("text", {"x": x, "y": bottom + 14, "text-anchor": "middle"}, label))
    for at, label in up.ticks(4):
        y = bottom - inner * at
        parts.append(tag("line", {"class": "grid", "x1": _MARGIN, "x2": right, "y1": f"{y:.1f}", "y2": f"{y:.1f}"}))
        parts.append(tag("text", {"x": _MARGIN - 5, "y": f"{y + 4:.1f}", "text-anchor": "end"}, label))
    if diagonal:
        parts.append(tag("line", {"class": "mark perfect", "x1": _MARGIN, "x2": right, "y1": bottom, "y2": 8}))
    for _, colour, cloud in clouds:
        at = (_spread(cloud) - np.array(corner)) / size
        xy = np.stack([_MARGIN + inner * at[:, 0], bottom - inner * at[:, 1]], axis=1)
        parts.append(dots(xy, f"frame {colour}", places=1))
    box = {"class": "chart square", "role": "img", "viewBox": f"0 0 {_SIDE} {_SIDE}"}
    return tag("svg", box, tag("title", None, title), tag("desc", None, tell), *parts)


def histogram_chart(title: str, curves: Sequence[Curve]) -> Markup:
    """Distributions of a quantity over frames as outlines of equal area; a single value is an upright."""
    domain = Domain.of([float(end) for *_, values in curves for end in (values.min(), values.max())])
    assert domain is not None  # curves are never empty
    height = 96
    edges = np.linspace(domain.low, domain.high, _BINS + 1)
    shares = {
        k: np.histogram(curve[2], bins=edges)[0] / len(curve[2]) for k, curve in enumerate(curves) if len(curve[2]) > 1
    }
    top = max((float(share.max()) for share in shares.values()), default=1.0)
    x = np.repeat(np.arange(_BINS + 1) * RESOLUTION / _BINS, 2)
    lines = []
    for k, (_, colour, values) in reversed(list(enumerate(curves))):
        if k in shares:
            y = np.concatenate([[0.0], np.repeat(shares[k], 2), [0.0]]) / top
            outline = list(zip(x.tolist(), (height - 1 - (height - 6) * y).tolist(), strict=True))
        else:  # one value is an upright
            at = RESOLUTION * domain.share(float(values[0]))
            outline = [(at, height - 1.0), (at, 5.0)]
        lines.append(polyline(outline, colour))
    tell = "; ".join(f"{name}: median {np.median(values):.3g} of {len(values)} frames" for name, _, values in curves)
    return chart(title, tell, height + 20, axis(domain.ticks(), height), stretched(0, height, *lines))


def _grouped(
    x: NDArray[np.floating], values: NDArray[np.floating], group: int, domain: Domain, height: float
) -> list[tuple[float, float]]:
    starts = np.arange(0, len(x), group)
    largest = np.maximum.reduceat(values, starts)
    where = x[starts]
    if len(starts) == 1:  # a chain of one residue is a short dash
        where, largest = np.array([where[0] - 1.0, where[0] + 1.0]), np.repeat(largest, 2)
    return list(zip(where.tolist(), (height * (1.0 - largest / domain.high)).tolist(), strict=True))


def _spread(cloud: NDArray[np.float64]) -> NDArray[np.float64]:
    """At most so many rows, evenly spaced."""
    if len(cloud) <= _MOST_POINTS:
        return cloud
    return cloud[np.linspace(0, len(cloud) - 1, _MOST_POINTS).round().astype(int)]


def _levels(domain: Domain) -> list[tuple[float, str]]:
    return [(value, tick(value)) for value in nice_ticks(domain.low, domain.high, 3)]


def left_axis(ticks: Sequence[tuple[float, str]], height: float, *, wide: bool = False) -> Markup:
    """The numbers of an upright axis, to stand left of a chart of this height: (share upwards, label)."""
    parts = [tag("text", {"x": "100%", "y": f"{height * (1 - at) + 4:.1f}", "text-anchor": "end"}, label)
             for at, label in ticks]  # fmt: skip
    classes, width = ("chart wide", 52) if wide else ("chart", 26)
    return tag("svg", {"class": classes, "aria-hidden": "true", "width": width, "height": height + 20}, *parts)


def _residue_ticks(
    labels: Sequence[str], runs: Sequence[Sequence[int]], scale: float, gap: float
) -> list[tuple[float, str]]:
    """A few residue labels across, without crowding: the first of every chain and some between."""
    ticks, start, last = [], 0.0, -1.0
    every = max(1, round(RESOLUTION / 6 / max(scale, 1e-9)))
    for run in runs:
        for k in range(0, len(run), every):
            at = (start + scale * k) / RESOLUTION
            if at - last > 0.12 and at < 0.97:
                ticks.append((at, labels[run[k]]))
                last = at
        start += scale * (len(run) - 1) + gap
    return ticks
