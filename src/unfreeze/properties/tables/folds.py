"""Folds of complexes and proteins as small files, and how groups that must stay whole are dealt to them.

What a row belongs to is its *key*, ``skempi:1CSE_E_I`` or ``S8754:1A43_A``: the data set and what that calls the
complex or protein. A file names the part of every key, so that a fold can be read by eye and made again.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from unfreeze.errors import InputError
from unfreeze.files.atomic import write_atomically
from unfreeze.properties.tables.rows import AbsoluteAffinityRow, MutationRow

__all__ = ["Folds", "deal", "key_of", "linked"]

_FORM = "unfreeze folds 1"
Group = TypeVar("Group", bound=Hashable)


@dataclass(frozen=True)
class Folds:
    """Which part every complex or protein is in.

    Attributes
    ----------
    name
        Such as ``affinity``.
    description
        What is kept together, in words.
    command
        That made the file.
    parts
        Keys of every part: ``fold0``... or, for a test set, ``train``, ``alike``, ``test``.
    facts
        Numbers of rows, thresholds; whatever else a reader should know.
    lists
        Named lists of keys across the parts, such as types to be held out.
    """

    name: str
    description: str
    command: str
    parts: Mapping[str, tuple[str, ...]]
    facts: Mapping[str, Any] = field(default_factory=dict)
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def part_of(self) -> dict[str, str]:
        """Part of every key."""
        return {key: part for part, keys in self.parts.items() for key in keys}

    def of(self, row: MutationRow | AbsoluteAffinityRow) -> str:
        """Part of a row; empty where its complex or protein is in none."""
        return self.part_of.get(key_of(row), "")

    def save(self, path: Path) -> None:
        """Write as JSON, one line a list of keys."""
        head = {"form": _FORM, "name": self.name, "description": self.description, "command": self.command}
        sides = {"facts": self.facts, "parts": self.parts, "lists": self.lists}
        lines = [f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in head.items()]
        for name, side in sides.items():
            inside = [f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in side.items()]
            lines.append(f" {json.dumps(name)}: {{\n" + ",\n".join(inside) + "\n }")
        write_atomically(path, "{\n" + ",\n".join(lines) + "\n}\n")

    @classmethod
    def load(cls, path: Path) -> Folds:
        """Read a file.

        Raises
        ------
        InputError
            If it cannot be read or is no such file, or a key is in two parts.
        """
        path = Path(path)
        try:
            read = json.loads(path.read_text(encoding="utf-8"))
            if read.pop("form") != _FORM:
                raise ValueError
            for side in ("parts", "lists"):
                read[side] = {str(name): tuple(map(str, keys)) for name, keys in read[side].items()}
            folds = cls(**read)
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror or error}).") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InputError(
                f"{path}: no file of folds. Make it anew with recipes/properties/make_splits.py."
            ) from None
        keys = [key for part in folds.parts.values() for key in part]
        if len(set(keys)) < len(keys):
            twice = next(key for key in keys if keys.count(key) > 1)
            raise InputError(f"{path}: {twice} is in two parts; each complex or protein must be in one.")
        return folds


def key_of(row: MutationRow | AbsoluteAffinityRow) -> str:
    """Data set and complex or protein of a row."""
    return f"{row.dataset if isinstance(row, MutationRow) else 'skempi'}:{row.group}"


def linked(members: Sequence[Hashable], pairs: Iterable[tuple[Hashable, Hashable]]) -> list[int]:
    """Connected components: number of the group of every member, by first appearance; other ends are ignored."""
    parent = {member: member for member in members}

    def root(member: Hashable) -> Hashable:
        while parent[member] != member:
            parent[member] = parent[parent[member]]
            member = parent[member]
        return member

    for a, b in pairs:
        if a in parent and b in parent:
            parent[root(a)] = root(b)
    number: dict[Hashable, int] = {}
    return [number.setdefault(root(member), len(number)) for member in members]


def deal(weights: Mapping[Group, float], n_parts: int) -> dict[Group, int]:
    """Deal groups to parts of nearly equal weight: the heaviest first, each to the lightest part so far.

    Parameters
    ----------
    weights
        Of every group; equal ones keep their order.
    n_parts
        How many parts.
    """
    filled = [0.0] * n_parts
    chosen: dict[Group, int] = {}
    for group in sorted(weights, key=lambda one: -weights[one]):
        part = min(range(n_parts), key=lambda one: filled[one])
        chosen[group] = part
        filled[part] += weights[group]
    return chosen
