"""Times, sizes and lengths as people write and read them."""

from __future__ import annotations

import math
import re

__all__ = ["bytes_in_words", "duration_in_words", "parse_time_ps", "time_in_words"]

_PS_IN = {"fs": 1e-3, "ps": 1.0, "ns": 1e3, "us": 1e6, "μs": 1e6, "µs": 1e6, "ms": 1e9}
_TIME = re.compile(r"\s*([-+]?[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?)\s*([a-zμµ]+)\s*")
_LONGEST_PS = 1e9


def parse_time_ps(text: object) -> float:
    """``2ns``, ``500 ps`` or ``0.1us`` in ps.

    Raises
    ------
    ValueError
        If there is no unit, or it is not positive or beyond a millisecond.
    """
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    if not found or found[2] not in _PS_IN:
        raise ValueError(f"found {text!r}, expected a time with its unit, such as 2ns or 10ps")
    time_ps = float(found[1]) * _PS_IN[found[2]]
    if not 0.0 < time_ps <= _LONGEST_PS or not math.isfinite(time_ps):
        raise ValueError(f"found {text!r}, expected more than nothing and at most 1ms")
    return float(f"{time_ps:.12g}")


def time_in_words(time_ps: float) -> str:
    """Simulated time with the unit that suits it: ``2 ns``; without a space it can be read again."""
    for unit in ("ms", "us", "ns", "ps"):
        if abs(time_ps) >= _PS_IN[unit] * (1 - 1e-9):
            return f"{time_ps / _PS_IN[unit]:.6g} {unit}"
    return f"{time_ps:.6g} ps"


def duration_in_words(seconds: float | None) -> str:
    """Time on a clock, to two units: ``3 h 20 min``."""
    if seconds is None or not math.isfinite(seconds):
        return "unknown"
    total = round(seconds)
    if total < 60:
        return f"{total} s"
    days, rest = divmod(total, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, left = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (left, "s")]
    first = next(index for index, (value, _) in enumerate(parts) if value)
    return " ".join(f"{value} {unit}" for value, unit in parts[first : first + 2] if value)


def bytes_in_words(n_bytes: float) -> str:
    """A size with the unit that suits it, in powers of 1,000."""
    value, units = float(n_bytes), ["B", "kB", "MB", "GB", "TB"]
    while value >= 999.5 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return f"{value:.3g} {units[0]}"
