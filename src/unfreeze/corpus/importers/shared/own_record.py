"""What an export of a corpus says of a trajectory in a container, where the layout has no place for it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from unfreeze.corpus.schema import Conditions, Source
from unfreeze.errors import InputError

__all__ = ["OwnRecord", "own_record"]

_MOST_LETTERS = 1 << 20


@dataclass(frozen=True)
class OwnRecord:
    """Conditions, source and time step, as they were in the corpus that was exported."""

    conditions: Conditions
    source: Source
    time_step_ps: float | None


def own_record(text: Any, where: str) -> OwnRecord | None:
    """The record in an attribute ``unfreeze``; None if there is none.

    Parameters
    ----------
    text
        Value of the attribute.
    where
        What messages call the place.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    if text is None:
        return None
    try:
        if not isinstance(text, str) or len(text) > _MOST_LETTERS:
            raise ValueError("no short text")
        document = json.loads(text)
        source = {key: value for key, value in document["source"].items() if key in Source.model_fields}
        step = document["time_step_ps"]
        return OwnRecord(
            Conditions.model_validate(document["conditions"]),
            Source.model_validate(source | {"files": {}}),
            None if step is None else float(step),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ValidationError) as error:
        words = " ".join(str(error).split())[:120]
        raise InputError(
            f"{where}: the attribute 'unfreeze' cannot be read ({words}). Export the file again."
        ) from None
