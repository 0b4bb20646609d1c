"""Options of importers, which come as text: lists, numbers with a unit, folders. What is wrong is said by its name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from unfreeze.errors import InputError

__all__ = ["ATOMS", "atoms_of", "chosen", "existing_path", "number", "time_ps"]

ATOMS = {"atoms": "heavy (the default) or all, which keeps hydrogens"}
"""The option that every importer of trajectories has."""

_PS_PER_UNIT = {"fs": 1e-3, "ps": 1.0, "ns": 1e3, "us": 1e6, "µs": 1e6}


def atoms_of(options: Mapping[str, str]) -> str:
    """``heavy`` or ``all``.

    Raises
    ------
    InputError
        If it is anything else.
    """
    atoms = options.get("atoms", "heavy")
    if atoms not in ("heavy", "all"):
        raise InputError(f"atoms={atoms!r}: heavy or all was expected.")
    return atoms


def chosen(options: Mapping[str, str], name: str) -> frozenset[str] | None:
    """What a list separated by commas names; None for no such option, which means everything."""
    if name not in options:
        return None
    return frozenset(part.strip() for part in options[name].split(",") if part.strip())


def number(options: Mapping[str, str], name: str) -> float | None:
    """A positive number, or None if the option is not given.

    Raises
    ------
    InputError
        If it is none.
    """
    if name not in options:
        return None
    try:
        value = float(options[name])
    except ValueError:
        value = float("nan")
    if not 0 < value < 1e12:
        raise InputError(f"{name}={options[name]!r}: a positive number was expected.")
    return value


def time_ps(options: Mapping[str, str], name: str) -> float | None:
    """A time with its unit (``10ps``, ``0.1 ns``) in ps, or None if the option is not given.

    Raises
    ------
    InputError
        If it is none, or has no unit.
    """
    if name not in options:
        return None
    text = options[name].strip()
    for unit in sorted(_PS_PER_UNIT, key=len, reverse=True):
        if text.endswith(unit):
            return _PS_PER_UNIT[unit] * (number({name: text[: -len(unit)]}, name) or 0.0)
    raise InputError(f"{name}={text!r}: a time with its unit was expected, such as 10ps or 0.1ns.")


def existing_path(options: Mapping[str, str], name: str) -> Path | None:
    """A file or folder that is there, or None if the option is not given.

    Raises
    ------
    InputError
        If there is no such thing.
    """
    if name not in options:
        return None
    path = Path(options[name]).expanduser()
    if not path.exists():
        raise InputError(f"{name}={options[name]}: no such file or folder. Check the spelling.")
    return path
