"""Numbers of an evaluation as people read them: with as many decimals as the row needs."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

__all__ = ["NONE", "interval", "nice_ticks", "places_for", "probability", "share", "show", "tick"]

NONE = "n/a"
_MOST_PLACES = 4


def places_for(values: Iterable[float | None], width: float | None = None) -> int | None:
    """Decimals that give the largest value three digits and an interval of this width two, at most four.

    None for the very small and the very large.
    """
    largest = max((abs(value) for value in values if value is not None), default=0.0)
    if largest == 0.0:
        return 3
    # 1 counts as 0.999 …, so that correlations have three decimals whether or not one of them is perfect
    digits = 2 - math.floor(math.log10(largest * 0.9999))
    if width and 1e-6 * largest < width < 0.1 * largest:
        digits = max(digits, min(1 - math.floor(math.log10(width)), _MOST_PLACES))
    return int(np.clip(digits, 0, _MOST_PLACES)) if -4 <= digits <= _MOST_PLACES + 1 else None


def show(value: float | None, places: int | None = 3, *, sign: bool = False) -> str:
    """The number with a true minus sign and thousands apart; ``n/a`` for None."""
    if value is None:
        return NONE
    if places is None:
        text = f"{value:.3g}"
    else:
        text = f"{value:,.{places}f}"
        if float(text.replace(",", "")) == 0.0:
            text = text.removeprefix("-")
    if sign and value > 0.0 and not text.startswith("-"):
        text = "+" + text
    return text.replace("-", "−")


def interval(low: float | None, high: float | None, places: int | None, *, sign: bool = False) -> str:
    """``0.81–0.87``, or with ``to`` between signed numbers; empty without both ends."""
    if low is None or high is None:
        return ""
    ends = show(low, places, sign=sign), show(high, places, sign=sign)
    return (" to " if low < 0.0 or sign else "–").join(ends)


def probability(value: float | None) -> str:
    """A p value; never zero, because resampling cannot show that."""
    if value is None:
        return NONE
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def share(value: float | None) -> str:
    """A share as percent that never rounds up to a hundred."""
    if value is None:
        return NONE
    if value >= 1.0:
        return "100 %"
    return f"{min(100.0 * value, 99.999):.3f} %" if value > 0.99 else f"{100.0 * value:.1f} %"


def nice_ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round numbers between two bounds, about `count` of them."""
    span = high - low
    if not span > 0.0:
        return [low]
    raw = span / max(count, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = min((m * power for m in (1.0, 2.0, 5.0, 10.0)), key=lambda candidate: abs(math.log(candidate / raw)))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [k * step for k in range(first, last + 1)]


def tick(value: float) -> str:
    """A round number at an axis."""
    return f"{value:.6g}".replace("-", "−") if abs(value) > 1e-12 else "0"
