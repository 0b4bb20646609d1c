"""Tables of mutation effects as one file of JSON lines: a head with the sequences, then a row a line."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from unfreeze.corpus.mutations import Mutation
from unfreeze.errors import InputError
from unfreeze.files.atomic import write_atomically
from unfreeze.properties.tables.rows import AbsoluteAffinityRow, EffectTables, MutationRow

__all__ = ["load_tables", "save_tables"]

_FORM = "unfreeze mutation effects 1"


def save_tables(path: Path, tables: EffectTables) -> None:
    """Write tables as JSON lines, whole or not at all.

    Parameters
    ----------
    path
        Such as ``mutation_effects.jsonl``.
    tables
        What to write.
    """
    sequences = list(dict.fromkeys(row.sequence for row in tables.mutations))
    number = {letters: place for place, letters in enumerate(sequences)}
    head = {"form": _FORM, "sequences": sequences, "left_out": dict(tables.left_out), "counts": tables.counts()}
    lines = [json.dumps(head)]
    for row in tables.mutations:
        one = _changed(row)
        one["mutations"] = ",".join(map(str, row.mutations))
        if row.sequence:
            one["sequence"] = number[row.sequence]
        lines.append(json.dumps({"mutation": one}))
    lines += [json.dumps({"absolute": _changed(row)}) for row in tables.absolute]
    write_atomically(path, "\n".join(lines) + "\n")


def load_tables(path: Path) -> EffectTables:
    """Read what :func:`save_tables` wrote.

    Raises
    ------
    InputError
        If there is no such file, or it is not one of these.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error}).") from None
    place = 1
    try:
        head = json.loads(lines[0])
        if head["form"] != _FORM:
            raise ValueError
        sequences: list[str] = head["sequences"]
        mutations: list[MutationRow] = []
        absolute: list[AbsoluteAffinityRow] = []
        for line in lines[1:]:
            place += 1
            item = json.loads(line)
            if "mutation" in item:
                mutations.append(_mutation_row(item["mutation"], sequences))
            else:
                one = item["absolute"]
                absolute.append(AbsoluteAffinityRow(**one | {"partners": tuple(one["partners"])}))
        return EffectTables(tuple(mutations), tuple(absolute), head["left_out"])
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, InputError):
        raise InputError(
            f"{path}, line {place}: no table of mutation effects as this version writes them. Build it anew."
        ) from None


def _mutation_row(one: dict[str, Any], sequences: list[str]) -> MutationRow:
    one["mutations"] = tuple(map(Mutation.read, one["mutations"].split(",")))
    if "sequence" in one:
        one["sequence"] = sequences[one["sequence"]]
    if "positions" in one:
        one["positions"] = tuple(one["positions"])
    if "partners" in one:
        one["partners"] = tuple(one["partners"])
    return MutationRow(**one)


def _changed(row: MutationRow | AbsoluteAffinityRow) -> dict[str, Any]:
    """The fields that are not what they are by default."""
    values = {item.name: (getattr(row, item.name), item.default) for item in fields(row)}
    return {name: value for name, (value, default) in values.items() if value != default}
