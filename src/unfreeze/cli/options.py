"""Options as people type them, turned into numbers in the units of the package."""

from __future__ import annotations

import math
import re

from unfreeze.cli.errors import refuse

__all__ = ["parse_chains", "parse_temperature", "parse_time_step_ps", "parse_timescale"]

_NS_IN = {"fs": 1e-6, "ps": 1e-3, "ns": 1.0, "us": 1e3, "μs": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9}
_TIMESCALE = re.compile(r"\s*([0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?)\s*([a-zμµ]+)\s*")

SHORTEST_NS, LONGEST_NS = 1e-3, 1e6
LOWEST_K, HIGHEST_K = 50.0, 1000.0


def parse_timescale(text: str) -> float:
    """``100ns``, ``1us`` or ``50 ps`` in ns.

    Raises
    ------
    typer.BadParameter
        If there is no unit, or it is out of range.
    """
    found = _TIMESCALE.fullmatch(text)
    if not found or found[2] not in _NS_IN:
        raise refuse("--timescale", text, "a number with a unit of ps, ns, us or ms, such as 100ns")
    timescale_ns = float(found[1]) * _NS_IN[found[2]]
    if not SHORTEST_NS * (1 - 1e-9) <= timescale_ns <= LONGEST_NS:
        raise refuse("--timescale", text, "between 1ps and 1ms")
    return timescale_ns


def parse_time_step_ps(text: str | None) -> float | None:
    """``10ps`` or ``0.2 ns`` in ps; None for none.

    Raises
    ------
    typer.BadParameter
        If there is no unit, or it is not positive.
    """
    if text is None:
        return None
    found = _TIMESCALE.fullmatch(text)
    if not found or found[2] not in _NS_IN or not float(found[1]) > 0.0:
        raise refuse("--time-step", text, "a positive number with a unit of fs, ps or ns, such as 10ps")
    return 1e3 * float(found[1]) * _NS_IN[found[2]]


def parse_temperature(temperature_K: float) -> float:
    """The temperature in K if it makes sense for a molecule.

    Raises
    ------
    typer.BadParameter
        If it does not.
    """
    if not math.isfinite(temperature_K) or not LOWEST_K <= temperature_K <= HIGHEST_K:
        raise refuse("--temperature", temperature_K, f"kelvin, between {LOWEST_K:g} and {HIGHEST_K:g} (300 is 27 °C)")
    return temperature_K


def parse_chains(text: str | None) -> list[str] | None:
    """``A,B`` as a list of chain names; None for all.

    Raises
    ------
    typer.BadParameter
        If a name is empty or given twice.
    """
    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    if not all(names) or len(set(names)) != len(names):
        raise refuse("--chains", text, "different chain names with commas between, such as A,B")
    return names
