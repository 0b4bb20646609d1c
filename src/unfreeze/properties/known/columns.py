"""Names and units of columns of measured values, and what a value in them is in kJ/mol or K."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unfreeze.errors import InputError

__all__ = ["Column", "converted", "plain_name", "unit_of_constant", "value_columns"]

_GAS_CONSTANT_KJ_MOL_K = 8.314462618e-3
_KILOCALORIE = 4.184
_MOLAR = {"M": 1.0, "mM": 1e-3, "uM": 1e-6, "µM": 1e-6, "μM": 1e-6, "nM": 1e-9, "pM": 1e-12, "fM": 1e-15}
_ENERGY = {"kjmol": 1.0, "kj": 1.0, "kcalmol": _KILOCALORIE, "kcal": _KILOCALORIE}
_DEGREES = {"k": 0.0, "c": 273.15, "°c": 273.15, "degc": 273.15}
_KINDS = {
    "ddg": ("ddg", "deltadeltag", "δδg"),
    "dg": ("dg", "deltag", "δg"),
    "kd": ("kd",),
    "dtm": ("dtm", "deltatm", "δtm"),
    "tm": ("tm",),
}
_OF_TASK = {"affinity": ("ddg", "dg", "kd"), "stability": ("ddg", "dtm", "tm")}
_ERRORS = ("error", "sd", "se", "sem", "stderr")
_EXAMPLES = {
    "affinity": "ddg_kJ_mol, ddg_kcal_mol, kd_nM or dg_kcal_mol",
    "stability": "ddg_kJ_mol, ddg_kcal_mol, dtm_K or tm_C",
}


@dataclass(frozen=True)
class Column:
    """One column of values."""

    title: str
    kind: str
    unit: str
    value: int
    error: int | None = None


def unit_of_constant(text: str) -> tuple[str, str] | None:
    """Kind and unit of ``nM`` or ``kJ/mol``; None for anything else."""
    if text in _MOLAR:
        return "kd", text
    plain = text.replace("/", "")
    return ("dg", plain) if plain.lower() in _ENERGY else None


def plain_name(title: str) -> str:
    """The name of a column without blanks, marks and capitals."""
    return re.sub(r"[\s_()\[\],]+", "", title).lower()


def _split(title: str) -> tuple[str, str]:
    """Name and unit of a column: ``ddg_kcal_mol``, ``Kd (nM)``, ``Tm [°C]``."""
    found = re.fullmatch(r"(?P<name>.*?)[\s_]*[(\[](?P<unit>[^)\]]*)[)\]]", title) or re.fullmatch(
        r"(?P<name>.+?)[\s_,]+(?P<unit>kJ[\s_/]*mol|kcal[\s_/]*mol|kJ|kcal|[munpfµμ]?M|K|°?C|degC)",
        title,
        re.IGNORECASE,
    )
    if found is None:
        return plain_name(title), ""
    return plain_name(found["name"]), re.sub(r"[\s_/]+", "", found["unit"])


def _unit_fits(kind: str, unit: str) -> bool:
    if kind == "kd":
        return unit in _MOLAR
    if kind in ("dtm", "tm"):
        return unit.lower() in _DEGREES
    return unit.lower() in _ENERGY


def value_columns(path: Path, row: int, head: Sequence[str], task: str) -> list[Column]:
    """Columns of measured values in a header.

    Parameters
    ----------
    path, row
        Where the header is, for messages.
    head
        Names of all columns.
    task
        ``affinity`` or ``stability``.

    Raises
    ------
    InputError
        If there are none, or one is of another task or has no unit that is known.
    """
    values: list[Column] = []
    errors: list[tuple[str, int]] = []
    for place, title in enumerate(head):
        name, unit = _split(title)
        if name in _ERRORS or name in ("errortm", "errorkd", "errorddg"):
            errors.append((unit, place))
            continue
        kind = next((kind for kind, names in _KINDS.items() if name in names), None)
        if kind is None:
            continue
        if kind not in _OF_TASK[task]:
            raise InputError(f"{path}, row {row}: column {title!r} is no value of {task}; it takes {_EXAMPLES[task]}")
        if not _unit_fits(kind, unit):
            what = f"unit {unit!r} is not known" if unit else "it has no unit"
            raise InputError(f"{path}, row {row}: column {title!r}: {what}; write {_EXAMPLES[task]}")
        values.append(Column(title, kind, unit, place))
    if not values:
        raise InputError(
            f"{path}, row {row}: no column of measured values (it has {', '.join(head)[:80]}); write {_EXAMPLES[task]}"
        )
    if len({one.kind for one in values}) < len(values):
        raise InputError(f"{path}, row {row}: two columns of one kind of value; leave one out")
    return [_with_error(path, row, one, errors, alone=len(values) == 1) for one in values]


def _with_error(path: Path, row: int, one: Column, errors: Sequence[tuple[str, int]], *, alone: bool) -> Column:
    degrees = one.unit.lower() in _DEGREES
    fitting = [
        place
        for unit, place in errors
        if unit.lower() == one.unit.lower() or (degrees and unit.lower() in _DEGREES) or (not unit and alone)
    ]
    if not fitting and alone and errors:
        raise InputError(
            f"{path}, row {row}: errors in {errors[0][0]!r} but values in {one.unit!r}; give both in one unit"
        )
    return Column(one.title, one.kind, one.unit, one.value, fitting[0] if fitting else None)


def converted(
    kind: str, unit: str, value: float, error: float | None, temperature_K: float, where: str
) -> tuple[float, float | None]:
    """A value in kJ/mol or K, and its error.

    Raises
    ------
    InputError
        If it is not physical, or far from anything that is measured.
    """
    if kind == "kd":
        molar = value * _MOLAR[unit]
        if not 1e-18 <= molar <= 10.0:
            raise InputError(f"{where}: a dissociation constant of {value:g} {unit}; 1e-18 to 10 M is expected")
        thermal = _GAS_CONSTANT_KJ_MOL_K * temperature_K
        return thermal * math.log(molar), None if error is None else thermal * error / value
    if kind == "tm":
        kelvin = value + _DEGREES[unit.lower()]
        if not 200.0 <= kelvin <= 450.0:
            raise InputError(f"{where}: a melting temperature of {value:g} {unit}; −70 to 170 °C is expected")
        return kelvin, error
    if kind == "dtm":
        if abs(value) > 150.0:
            raise InputError(f"{where}: a melting temperature changed by {value:g} {unit}; at most 150 is expected")
        return value, error
    factor = _ENERGY[unit.lower()]
    if abs(value * factor) > 250.0:
        raise InputError(f"{where}: {value:g} {unit}, more than any measured free energy; check the unit")
    if kind == "dg" and value > 0.0:
        raise InputError(f"{where}: a free energy of binding of {value:g} {unit}; it is negative where two bind")
    return value * factor, None if error is None else error * factor
