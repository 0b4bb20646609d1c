"""What a system was simulated with, as label and value: force field, conditions, protocol, seeds and versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from unfreeze.report.simulation_folder import Run
from unfreeze.simulate.settings import IMPLICIT_SOLVENTS

__all__ = ["record_rows"]

_MOST_ITEMS = 40
_MOST_LETTERS = 2000
_UNITS = {"_K": "K", "_ps": "ps", "_fs": "fs", "_nm": "nm", "_M": "M", "_bar": "bar", "_amu": "amu", "_nm3": "nm³",
          "_per_ps": "per ps", "_kJ_mol_nm2": "kJ/mol/nm²"}  # fmt: skip
_OF_WATER = ("padding_nm", "box_shape", "ionic_strength_M")
_LEFT_OUT = ("settings", "name", "versions", "seed")


def record_rows(runs: Sequence[Run]) -> list[tuple[str, str]]:
    """The record of the first replica, with the seeds and platforms of all."""
    records = [run.store.record for run in runs if run.store is not None]
    if not records:
        return []
    first = records[0]
    settings, system = _mapping(first.get("settings")), _mapping(first.get("system"))
    rows: list[tuple[str, str]] = []
    without_water = _mapping(settings.get("system")).get("solvent") in IMPLICIT_SOLVENTS
    for part in settings.values():
        if isinstance(part, Mapping):
            said = {key: value for key, value in part.items() if not (without_water and key in _OF_WATER)}
            rows += [(_label(str(key)), _text(value, str(key))) for key, value in said.items()]
    rows += [
        (_label(key), _text(value, key)) for key, value in system.items() if key not in (*_LEFT_OUT, *_known(settings))
    ]
    if "n_particles" not in system:
        rows.append(("Particles", _text(first.get("n_atoms"))))
    rows.append(("Saved atoms", _text(first.get("n_saved"))))
    for title, key in (("Seed", "seed"), ("Platform", "platform"), ("Repeatable to the last bit", "bitwise")):
        rows.append((title, ", ".join(dict.fromkeys(_text(record.get(key)) for record in records))))
    versions = dict(_mapping(system.get("versions")))
    versions |= {key: first[key] for key in ("openmm", "unfreeze") if key in first}
    rows += [(str(key), _text(value)) for key, value in versions.items()]
    return [(label, value) for label, value in rows if value]


def _known(settings: Mapping[str, Any]) -> set[str]:
    return {str(key) for part in settings.values() if isinstance(part, Mapping) for key in part}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _split(key: str) -> tuple[str, str]:
    """Name and unit of a key such as ``time_step_fs``."""
    for ending in sorted(_UNITS, key=len, reverse=True):
        if key.endswith(ending):
            return key.removesuffix(ending), _UNITS[ending]
    return key, ""


def _label(key: str) -> str:
    words = _split(key)[0].removeprefix("n_").replace("_", " ")
    return words[:1].upper() + words[1:]


def _text(value: Any, key: str = "") -> str:
    """A value with the unit of its key; empty for what says nothing."""
    unit = _split(key)[1]
    if value is None or value == "" or value == [] or value == () or value == {}:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g} {unit}".rstrip()
    if isinstance(value, int):
        return f"{value} {unit}".rstrip()
    if isinstance(value, Mapping):
        parts = [(_label(str(name)), _text(item, str(name))) for name, item in list(value.items())[:_MOST_ITEMS]]
        return ", ".join(f"{label}: {words}" for label, words in parts if words)[:_MOST_LETTERS]
    if isinstance(value, (list, tuple)):
        more = f" … and {len(value) - _MOST_ITEMS} more" if len(value) > _MOST_ITEMS else ""
        return ", ".join(_text(item, key) for item in value[:_MOST_ITEMS])[:_MOST_LETTERS] + more
    return str(value)[:_MOST_LETTERS]
