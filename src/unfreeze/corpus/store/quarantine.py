"""What a repair takes out of an entry: moved to its folder ``quarantine``, with the reason, never deleted."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from unfreeze.corpus.store.disk import file_sha256, make_folder, move
from unfreeze.corpus.store.sealed import DamagedCorpusError, read_sealed, write_sealed

__all__ = ["quarantine_files", "read_reasons"]


def quarantine_files(folder: Path, files: Iterable[tuple[Path, str]]) -> list[str]:
    """Move files of an entry out of use.

    Parameters
    ----------
    folder
        Of the entry.
    files
        Paths and reasons; those that are not there are passed over.

    Returns
    -------
    list of str
        Names of the files within the folder ``quarantine``.
    """
    files = [(path, reason) for path, reason in files if path.is_file()]
    if not files:
        return []
    place = folder / "quarantine"
    make_folder(place)
    reasons = read_reasons(place)
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    moves: list[tuple[Path, str]] = []
    taken = {str(item["file"]) for item in reasons} | set(os.listdir(place))
    for path, reason in files:
        name, number = path.name, 1
        while name in taken:
            number += 1
            name = f"{path.name}.{number}"
        taken.add(name)
        moves.append((path, name))
        reasons.append({"file": name, "sha256": file_sha256(path), "reason": reason, "time": now})
    # moved first: a reason for a file that is not there would be a fault, a file without a reason is a leftover
    for path, name in moves:
        move(path, place / name)
    write_sealed(place / "reasons.json", "quarantine", reasons)
    return [name for _, name in moves]


def read_reasons(place: Path) -> list[dict[str, str]]:
    """What is in quarantine and why; empty if that cannot be read."""
    try:
        return read_sealed(place / "reasons.json", "quarantine") if (place / "reasons.json").is_file() else []
    except DamagedCorpusError:
        return []
