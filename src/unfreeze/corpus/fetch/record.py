"""``fetched.jsonl``: what a folder of downloads holds, where it came from, and whether it is still as it came.

It is what makes a second run short: files that are recorded and have kept their length are not asked for again. The
first line names the set, every further one a file; of several the last counts, and a line torn by a crash is dropped.
"""

from __future__ import annotations

import datetime
import json
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unfreeze.errors import InputError
from unfreeze.files.atomic import write_atomically

__all__ = ["RECORD_NAME", "FetchRecord"]

RECORD_NAME = "fetched.jsonl"
_MOST_BYTES = 512_000_000


@dataclass
class FetchRecord:
    """The record of one folder; safe to use from several threads.

    Attributes
    ----------
    folder
        Where it lies.
    head
        Set, address, licence, citation.
    files
        By path: address, bytes, digests, when, and ``state`` while it is on its way; for an archive the folder it was
        unpacked to, with its number of files and bytes.
    """

    folder: Path
    head: dict[str, Any]
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    @classmethod
    def open(cls, folder: Path, head: dict[str, Any]) -> FetchRecord:
        """The record of a folder, made if there is none.

        Raises
        ------
        InputError
            If the folder holds another set, or its record cannot be read.
        """
        path = folder / RECORD_NAME
        record = cls(folder, head)
        if not path.exists():
            write_atomically(path, json.dumps(head) + "\n")
            return record
        try:
            if path.stat().st_size > _MOST_BYTES:
                raise ValueError("it is too large")
            whole, newline, _ = path.read_bytes().rpartition(b"\n")
            first, *lines = (json.loads(line) for line in whole.decode().splitlines())
            found = first["set"]
            for line in lines:
                record.files[line.pop("path")] = line
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InputError(
                f"{path}: cannot be read ({error}); delete it to have all fetched again, or choose another folder."
            ) from None
        if found != head["set"]:
            raise InputError(f"{folder} holds the set {found!r}, not {head['set']!r}; choose another folder.")
        os.truncate(path, len(whole) + len(newline))
        return record

    def is_there(self, path: str) -> bool:
        """Whether a file has been fetched and has kept its length, or its archive's folder its contents."""
        item = self.files.get(path)
        if item is None or "state" in item:
            return False
        if "unpacked" in item:
            return self.holds(item)
        target = self.folder / path
        return target.is_file() and target.stat().st_size == item.get("bytes")

    def holds(self, item: dict[str, Any]) -> bool:
        """Whether what was unpacked from an archive is there: as many files and bytes, or more."""
        unpacked = item["unpacked"]
        sizes = [file.stat().st_size for file in (self.folder / unpacked["folder"]).rglob("*") if file.is_file()]
        return len(sizes) >= unpacked["n_files"] and sum(sizes) >= unpacked["n_bytes"]

    def knows(self, path: str) -> bool:
        """Whether a file is recorded, in whatever state: what lies there is then ours."""
        return path in self.files

    def put(self, path: str, item: dict[str, Any]) -> None:
        """Record a file, durably."""
        item = {**item, "fetched": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")}
        line = json.dumps({"path": path, **item}, ensure_ascii=False) + "\n"
        with self._lock:
            self.files[path] = item
            with (self.folder / RECORD_NAME).open("ab") as stream:
                stream.write(line.encode())
                stream.flush()
                os.fsync(stream.fileno())
