"""Files in a folder and its subfolders, and short JSON files: both within bounds, and followed nowhere outside."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unfreeze.errors import InputError
from unfreeze.files.yaml_file import read_text

__all__ = ["files_below", "read_json_object"]

_DEEPEST = 6
_MOST_FILES = 2_000_000
_NOT_DATA = ("__MACOSX",)


def files_below(source: Path, suffixes: Sequence[str], *, deepest: int = _DEEPEST) -> list[Path]:
    """Files of some endings in a folder and its subfolders, by name; the file itself if the source is one.

    Hidden files (such as the ``._`` files that some archives hold) and links to folders are passed over.

    Parameters
    ----------
    source
        A folder, or one file: then everything beside it.
    suffixes
        Endings, lower-case, with their dot.
    deepest
        Levels of subfolders that are looked into.

    Raises
    ------
    InputError
        If there is no such folder, or it holds more files than a set can have.
    """
    if not source.exists():
        raise InputError(f"{source}: no such file or folder. Check the spelling.")
    if source.is_file():
        raise InputError(
            f"{source} is a file; the folder with the files of the set was expected. Unpack archives first."
        )
    found: list[Path] = []
    level = len(source.parts)
    for folder, below, names in os.walk(source):
        here = Path(folder)
        below[:] = sorted(name for name in below if not name.startswith(".") and name not in _NOT_DATA)
        if len(here.parts) - level >= deepest:
            below.clear()
        found += [here / name for name in sorted(names) if name.lower().endswith(tuple(suffixes)) and name[:1] != "."]
        if len(found) > _MOST_FILES:
            raise InputError(f"{source}: more than {_MOST_FILES:,} files. Import parts of it one by one.")
    return found


def read_json_object(path: Path) -> dict[str, Any]:
    """A JSON file that holds one object.

    Raises
    ------
    InputError
        If it cannot be read, is too large or is no JSON object.
    """
    text = read_text(path)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        kind = "an HTML page" if text.lstrip()[:1] == "<" else str(error)
        raise InputError(f"{path}: not JSON ({kind}). Download or write the file again.") from None
    if not isinstance(value, dict):
        raise InputError(f"{path}: a JSON object was expected, and a {type(value).__name__} was found.")
    return value
