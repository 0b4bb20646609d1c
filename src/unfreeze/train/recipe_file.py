"""Recipes as files: read, changed from the command line, checked with errors that name line and key, compared."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from unfreeze.errors import InputError
from unfreeze.files.validation import validated
from unfreeze.files.yaml_file import LinedDocument, read_yaml
from unfreeze.train.recipe import Recipe

__all__ = ["FINE_TUNING", "changed_keys", "parse_change", "read_recipe", "recipe_text"]

FINE_TUNING = Path(__file__).with_name("finetune.yaml")
"""The recipe of ``unfreeze train --from``."""

_MAY_CHANGE = ("devices", "precision", "checkpoint_every", "description", "model.members")
"""Keys that a run may go on with when they are others than before; they decide rounding, or add to what
is there."""


class _Document:
    """Says where a value stands, also when it came from the command line."""

    def __init__(self, document: LinedDocument, changes: Mapping[tuple[str | int, ...], Any]) -> None:
        self._document = document
        self._changes = changes

    def at(self, *keys: str | int) -> str:
        for changed in self._changes:
            if keys[: len(changed)] == changed:
                return f"--set {'.'.join(map(str, keys))}"
        return self._document.at(*keys)


def parse_change(text: str) -> tuple[tuple[str | int, ...], Any]:
    """``stages.0.learning_rate=1e-3`` as keys and a value; places in a list are counted from 0.

    Raises
    ------
    ValueError
        If that is not KEY=VALUE.
    """
    key, equals, value = text.partition("=")
    keys = tuple(int(part) if part.isdigit() else part for part in key.strip().split("."))
    if not equals or not all(part != "" for part in keys):
        raise ValueError(text)
    try:
        return keys, yaml.safe_load(value)
    except yaml.YAMLError:
        raise ValueError(text) from None


def read_recipe(path: Path, changes: Mapping[tuple[str | int, ...], Any] | None = None) -> Recipe:
    """Read a recipe.

    Parameters
    ----------
    path
        YAML file. Paths in it are relative to its folder and come out whole.
    changes
        Values in the place of those in the file, by keys.

    Raises
    ------
    InputError
        If it cannot be read or does not fit; the message has the line and the key.
    """
    document = read_yaml(path)
    changes = changes or {}
    if not isinstance(document.data, Mapping):
        raise InputError(f"{path}: expected a recipe, a mapping with the key stages and others; see docs/train.md")
    data: Any = document.data
    for keys, value in changes.items():
        data = _with(data, keys, value, ".".join(map(str, keys)))
    recipe = validated(Recipe, data, _Document(document, changes), ())
    given = {keys[:2] for keys in changes}
    folder, model, corpora = path.resolve().parent, recipe.model, recipe.data.corpora
    if ("data", "corpora") not in given:
        corpora = tuple(_whole(one, folder) for one in corpora)
    if model.start not in (None, "base") and ("model", "start") not in given:
        model = model.model_copy(update={"start": _whole(model.start, folder)})
    settings = recipe.data.model_copy(update={"corpora": corpora})
    return recipe.model_copy(update={"model": model, "data": settings})


def recipe_text(recipe: Recipe) -> str:
    """A recipe as YAML, with all that was left to defaults."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=120)


def changed_keys(one: Recipe, other: Recipe) -> list[str]:
    """Keys in which two recipes differ so that they would give different weights."""
    first, second = _flat(one.model_dump(mode="json")), _flat(other.model_dump(mode="json"))
    keys = [key for key in {**first, **second} if first.get(key) != second.get(key)]
    return [key for key in keys if key not in _MAY_CHANGE]


def _whole(text: str, folder: Path) -> str:
    return text if "://" in text else str(folder / Path(text).expanduser())


def _with(data: Any, keys: tuple[str | int, ...], value: Any, place: str) -> Any:
    if not keys:
        return value
    key = keys[0]
    if isinstance(data, list):
        if not isinstance(key, int) or key >= len(data):
            raise InputError(f"--set {place}: there is no {key!r} in a list of {len(data)}; places count from 0")
        return [_with(one, keys[1:], value, place) if number == key else one for number, one in enumerate(data)]
    if data is not None and not isinstance(data, Mapping):
        raise InputError(f"--set {place}: {data!r} has no key {key!r}")
    found = dict(data or {})
    found[str(key)] = _with(found.get(str(key)), keys[1:], value, place)
    return found


def _flat(value: Any, place: str = "") -> dict[str, Any]:
    if isinstance(value, Mapping) and value:
        return {key: one for name, inner in value.items() for key, one in _flat(inner, f"{place}{name}.").items()}
    if isinstance(value, list) and value:
        return {key: one for k, inner in enumerate(value) for key, one in _flat(inner, f"{place}{k}.").items()}
    return {place.rstrip("."): value}
