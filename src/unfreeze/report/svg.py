"""SVG as text that is safe to put into a page: names and numbers go in as attributes and text, always escaped.

Charts are as wide as their place: positions across are percentages, and curves are drawn in a nested picture that is
stretched to it while its lines keep their width. So text has the same size on a phone and on a wall.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

__all__ = ["RESOLUTION", "axis", "chart", "dots", "percent", "polyline", "stretched", "tag"]

RESOLUTION = 1000
"""Width of the nested picture in its own units."""


def tag(name: str, attributes: Mapping[str, object] | None = None, *children: str | Markup) -> Markup:
    """An element; attributes that are None are left out, and text children are escaped."""
    parts = [f' {key}="{escape(value)}"' for key, value in (attributes or {}).items() if value is not None]
    inner = "".join(escape(child) for child in children)
    return Markup(f"<{name}{''.join(parts)}>{inner}</{name}>" if inner else f"<{name}{''.join(parts)}/>")


def chart(title: str, description: str, height: int, *children: str | Markup, classes: str = "chart") -> Markup:
    """A picture of full width that tells its content to those who cannot see it."""
    head = [tag("title", None, title), *([tag("desc", None, description)] if description else [])]
    return tag("svg", {"class": classes, "role": "img", "width": "100%", "height": height}, *head, *children)


def percent(share: float) -> str:
    """A position across, of a share between 0 and 1."""
    return f"{100.0 * share:.2f}%"


def stretched(y: float, height: float, *children: Markup) -> Markup:
    """A nested picture of full width, in units of ``RESOLUTION`` across and pixels down."""
    box = f"0 0 {RESOLUTION} {height:g}"
    return tag(
        "svg", {"viewBox": box, "preserveAspectRatio": "none", "y": y, "width": "100%", "height": height}, *children
    )


def polyline(points: Iterable[tuple[float, float]], classes: str) -> Markup:
    """A line through points."""
    return tag("path", {"class": f"line {classes}", "d": "M" + "L".join(f"{x:.0f} {y:.1f}" for x, y in points)})


def dots(xy: NDArray[np.floating], classes: str, places: int = 0) -> Markup:
    """Round dots, [n, 2]: strokes of no length with round ends, which stretching does not deform."""
    marks = "".join(f"M{x:.{places}f} {y:.1f}h0" for x, y in xy.tolist())
    return tag("path", {"class": f"dots {classes}", "d": marks}) if marks else Markup("")


def axis(ticks: Iterable[tuple[float, str]], height: float, *, thin_out: bool = False) -> Markup:
    """Vertical grid lines with their labels below: (share across, label); every second label may go on a phone."""
    parts = []
    for k, (where, label) in enumerate(ticks):
        x = percent(where)
        anchor = "start" if where < 0.03 else "end" if where > 0.97 else "middle"
        parts.append(tag("line", {"class": "grid", "x1": x, "x2": x, "y1": 0, "y2": height}))
        classes = "extra" if thin_out and k % 2 else None
        parts.append(tag("text", {"class": classes, "x": x, "y": height + 14, "text-anchor": anchor}, label))
    return Markup("").join(parts)
