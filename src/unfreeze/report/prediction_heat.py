"""The heat map of a scan: residues along it, the 20 amino acids down, one colour an effect.

Blue and red lie on both sides of white, which is zero; red is always worse (a weaker binding, a less stable fold).
People who do not see red from green tell these two apart. Cells of one colour are one path, so that a scan of a whole
complex stays a small picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from unfreeze.report.svg import tag

__all__ = ["ORDER", "STOPS", "HeatMap", "colour_of", "heat_map"]

ORDER = "GAVLIMCPFYWHSTNQDEKR"
STOPS = ("#2c5d9e", "#7fa6cf", "#f3f2ee", "#e08f6d", "#b2301f")
"""Colours from better to worse."""

_LEVELS = 25
_LEFT, _TOP, _WIDE, _HIGH = 24, 46, 17, 15
_PER_PANEL = 60
_LEAST_LIMIT = 4.184  # kJ/mol: a scan of nothing but small effects is not painted in strong colours


@dataclass(frozen=True, eq=False)
class HeatMap:
    """Single mutations as a table.

    Attributes
    ----------
    sites
        (chain, number with insertion code, wild type) of every residue, in the order of the structure.
    values, errors : float64 [n_sites, 20]
        ΔΔG and its standard deviation in kJ/mol, NaN where nothing was asked; zero in the wild type.
    words
        What is said of each, empty where nothing was asked.
    worse
        +1 where positive values are worse, −1 where negative ones are.
    limit
        Where the colours end, kJ/mol.
    """

    sites: list[tuple[str, str, str]]
    values: NDArray[np.float64]
    errors: NDArray[np.float64]
    words: list[list[str]]
    worse: int
    limit: float

    @classmethod
    def of(cls, effects: Sequence[Mapping[str, Any]], worse: int) -> HeatMap | None:
        """Collect the single mutations; None where no residue has three or more."""
        rows: dict[tuple[str, int, str, str], int] = {}
        singles = [(effect["sites"][0], effect) for effect in effects if len(effect["sites"]) == 1]
        for site, _ in singles:
            rows.setdefault(_key(site), len(rows))
        values = np.full((len(rows), 20), np.nan)
        errors = values.copy()
        words = [[""] * 20 for _ in rows]
        for site, effect in singles:
            row, column = rows[_key(site)], ORDER.index(site["mutant"])
            values[row, column] = effect["delta_delta_g_kJ_mol"]
            errors[row, column] = effect["error_kJ_mol"]
            words[row][column] = effect["words"] + (", outside what the model knows" if effect["outside"] else "")
        if not rows or np.isfinite(values).sum(axis=1).max() < 3:
            return None
        limit = max(_LEAST_LIMIT, float(np.nanpercentile(np.abs(values), 98)))
        sites = []
        for (chain, number, code, letter), row in rows.items():
            values[row, ORDER.index(letter)] = errors[row, ORDER.index(letter)] = 0.0
            sites.append((chain, f"{number}{code}", letter))
        return cls(sites, values, errors, words, worse, round(limit, 1))

    def payload(self) -> dict[str, Any]:
        """What the page needs to tell the value under the pointer."""

        def cells(table: NDArray[np.float64]) -> list[list[float | None]]:
            return [[None if np.isnan(v) else round(float(v), 2) for v in row] for row in table]

        said = sorted({word for row in self.words for word in row})
        return {
            "order": ORDER,
            "sites": [list(site) for site in self.sites],
            "values": cells(self.values),
            "errors": cells(self.errors),
            "said": said,
            "words": [[said.index(word) for word in row] for row in self.words],
            "cell": [_LEFT, _TOP, _WIDE, _HIGH],
        }


def colour_of(value: float, limit: float, worse: int) -> str:
    """The colour of an effect; grey of no effect (NaN)."""
    if np.isnan(value):
        return "#c9ced3"
    return _mix(0.5 + 0.5 * float(np.clip(worse * value / limit, -1.0, 1.0)))


def heat_map(heat: HeatMap) -> list[dict[str, Any]]:
    """The pictures of a heat map, each of one chain and at most 60 residues: title, first row, and SVG."""
    starts = [0]
    for row in range(1, len(heat.sites)):
        if heat.sites[row][0] != heat.sites[starts[-1]][0] or row - starts[-1] == _PER_PANEL:
            starts.append(row)
    panels = []
    for start, stop in zip(starts, [*starts[1:], len(heat.sites)], strict=True):
        chain, first, last = heat.sites[start][0], heat.sites[start], heat.sites[stop - 1]
        span = f"{first[2]}{first[1]} to {last[2]}{last[1]}"
        title = f"Chain {chain}, {span}" if chain else span
        panels.append({"title": title, "start": start, "svg": _panel(heat, start, stop, title)})
    return panels


def _panel(heat: HeatMap, start: int, stop: int, title: str) -> Markup:
    n = stop - start
    width, height = _LEFT + n * _WIDE + 2, _TOP + 20 * _HIGH + 2
    parts = [tag("title", None, f"Effects of mutations of {title}: residues along, amino acids down")]
    for k, letter in enumerate(ORDER):
        y = _TOP + (k + 0.72) * _HIGH
        parts.append(tag("text", {"x": _LEFT - 7, "y": f"{y:.1f}", "text-anchor": "end"}, letter))
    for k, (_, number, letter) in enumerate(heat.sites[start:stop]):
        x = _LEFT + (k + 0.72) * _WIDE
        turn = f"rotate(-90 {x:.1f} {_TOP - 5})"
        parts.append(tag("text", {"x": f"{x:.1f}", "y": _TOP - 5, "transform": turn}, f"{letter}{number}"))
    share = 0.5 + 0.5 * np.clip(heat.worse * heat.values[start:stop] / heat.limit, -1.0, 1.0)
    level = np.where(np.isnan(share), -1, np.round(np.nan_to_num(share) * (_LEVELS - 1))).astype(int)
    own = np.array([[letter == other for other in ORDER] for _, _, letter in heat.sites[start:stop]])
    level[own] = -1
    for step in np.unique(level[level >= 0]):
        cells = np.argwhere(level == step)
        marks = "".join(
            f"M{_LEFT + x * _WIDE} {_TOP + y * _HIGH}h{_WIDE - 1}v{_HIGH - 1}h-{_WIDE - 1}z" for x, y in cells
        )
        parts.append(tag("path", {"fill": _mix(step / (_LEVELS - 1)), "d": marks}))
    dots = "".join(f"M{_LEFT + (x + 0.47) * _WIDE:.1f} {_TOP + (y + 0.47) * _HIGH:.1f}h0" for x, y in np.argwhere(own))
    parts.append(tag("path", {"class": "wild", "d": dots}))
    size = {"width": width, "height": height, "viewBox": f"0 0 {width} {height}", "data-start": start}
    return tag("svg", {"class": "heat", "role": "img", **size}, *parts)


def _key(site: Mapping[str, Any]) -> tuple[str, int, str, str]:
    return str(site["chain"]), int(site["number"]), str(site["insertion_code"]), str(site["wild_type"])


def _mix(share: float) -> str:
    place = min(max(share, 0.0), 1.0) * (len(STOPS) - 1)
    low = min(int(place), len(STOPS) - 2)
    ends = [[int(STOPS[k][i : i + 2], 16) for i in (1, 3, 5)] for k in (low, low + 1)]
    return "#" + "".join(f"{round(a + (b - a) * (place - low)):02x}" for a, b in zip(*ends, strict=True))
