"""Pydantic's complaints as errors for people: with the place in the document, what was found and what was expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from unfreeze.errors import InputError

__all__ = ["Document", "validated"]

Model = TypeVar("Model", bound=BaseModel)


class Document(Protocol):
    """Something that can say where a value of it stands."""

    def at(self, *keys: str | int) -> str:
        """Words for the place of a value."""
        ...


def validated(model: type[Model], data: Any, document: Document, place: tuple[str | int, ...]) -> Model:
    """A model of what stands at some place of a document.

    Raises
    ------
    InputError
        If it does not fit; the message names the place, what was found and what was expected.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise InputError(_words(error, model, data, document, place)) from None


def _words(
    error: ValidationError, model: type[BaseModel], data: Any, document: Document, place: tuple[str | int, ...]
) -> str:
    errors = error.errors()
    first = errors[0]
    if first["type"] == "missing":  # a key that is misspelt is told before the one that is then missing
        beside = [
            item for item in errors if item["type"] == "extra_forbidden" and item["loc"][:-1] == first["loc"][:-1]
        ]
        first = next(iter(beside), first)
    keys = _keys(data, first["loc"])
    text = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        text = f"unknown key; known are: {', '.join(_known_keys(model, first['loc']))}"
    elif first["type"] == "string_type":
        text = f"expected text, found {first['input']!r}; put it in quotes"
    elif first["type"] in ("tuple_type", "list_type"):
        text = f"expected a list, such as [{first['input']}], found {first['input']!r}"[:300]
    elif first["type"] == "missing":
        text = "is missing"
    elif first["type"] != "value_error":
        text = f"{text[:1].lower()}{text[1:]}, found {first['input']!r}"[:300]
    places = {_keys(data, item["loc"]) for item in errors}
    n_places = sum(keys[: len(place)] != place or place == keys for place in places)  # a union is wrong in many ways
    more = f" ({n_places - 1} more such errors)" if n_places > 1 else ""
    return f"{document.at(*place, *keys)}: {text}{more}"


def _keys(data: Any, location: Sequence[str | int]) -> tuple[str | int, ...]:
    """A location without pydantic's words for the members of a union."""
    keys: list[str | int] = []
    for number, key in enumerate(location):
        if isinstance(data, list | tuple) and isinstance(key, int) and key < len(data):
            keys.append(key)
            data = data[key]
        elif isinstance(data, Mapping) and (key in data or number == len(location) - 1):
            keys.append(key)
            data = data.get(key)
    return tuple(keys)


def _known_keys(model: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    for key in location[:-1]:
        field = model.model_fields.get(str(key))
        if field is None:
            continue
        inner = [field.annotation, *get_args(field.annotation)]
        model = next((kind for kind in inner if isinstance(kind, type) and issubclass(kind, BaseModel)), model)
    return list(model.model_fields)
