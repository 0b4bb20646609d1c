"""Checks of splits, remembered on this machine: the same sequences in the same parts are compared once."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import platformdirs
from pydantic import BaseModel, ValidationError

from unfreeze.corpus.split.check import Crossing, Meeting, cross
from unfreeze.corpus.split.entries import SplitInput, fingerprint
from unfreeze.corpus.split.groups import By
from unfreeze.corpus.split.likeness import Comparison, Engine, Progress, usable_engine
from unfreeze.errors import InputError
from unfreeze.files.atomic import write_json

__all__ = ["crossing_of", "remember"]

_VERSION = 1  # of the comparison: what was found by an earlier one is not believed


class _Found(BaseModel):
    largest: Meeting | None
    leaks: tuple[Meeting, ...]
    n_aligned: int
    complete: bool


def crossing_of(
    entries: SplitInput,
    part_of: Mapping[str, str],
    *,
    by: By,
    identity: float,
    engine: Engine | None = None,
    made_with: Engine | None = None,
    progress: Progress | None = None,
) -> Crossing:
    """Compare the parts of a split, or remember what was found before.

    Parameters
    ----------
    entries, part_of, by, identity, progress
        As in :func:`unfreeze.corpus.split.check.cross`.
    engine
        What proposes pairs; None for `made_with` as far as it is installed.
    made_with
        What proposed them when the split was made.

    Raises
    ------
    InputError
        If `engine` needs what is not installed.
    """
    if engine is None:
        try:
            engine = usable_engine(made_with)
        except InputError:
            engine = "words"
    path = _path(entries, part_of, by=by, identity=identity, engine=engine)
    with suppress(OSError, ValidationError):
        found = _Found.model_validate_json(path.read_bytes())
        return Crossing(found.largest, found.leaks, found.n_aligned, found.complete)
    comparison = Comparison(
        (letters for sequences in entries.sequences for letters in sequences), engine=engine, progress=progress
    )
    crossing = cross(entries, part_of, comparison, by=by, identity=identity, progress=progress)
    remember(crossing, entries, part_of, by=by, identity=identity, engine=engine)
    return crossing


def remember(
    crossing: Crossing, entries: SplitInput, part_of: Mapping[str, str], *, by: By, identity: float, engine: Engine
) -> None:
    """Keep what a comparison found, where that is possible."""
    path = _path(entries, part_of, by=by, identity=identity, engine=engine)
    found = _Found(
        largest=crossing.largest, leaks=crossing.leaks, n_aligned=crossing.n_aligned, complete=crossing.complete
    )
    with suppress(OSError, InputError):
        write_json(path, found.model_dump(mode="json"))


def _path(entries: SplitInput, part_of: Mapping[str, str], *, by: By, identity: float, engine: Engine) -> Path:
    rows = sorted(
        (part_of[name], name, fingerprint(sequences), interfaces if by == "interface" else ())
        for name, sequences, interfaces in zip(entries.identifiers, entries.sequences, entries.interfaces, strict=True)
        if name in part_of
    )
    text = json.dumps([_VERSION, by, identity, engine, rows])
    folder = os.environ.get("UNFREEZE_CACHE") or platformdirs.user_cache_dir("unfreeze")
    return Path(folder) / "splits" / f"{hashlib.sha256(text.encode()).hexdigest()}.json"
