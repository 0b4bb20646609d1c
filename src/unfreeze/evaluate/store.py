"""The folder of an evaluation: one JSON file a result, whole or absent, and known again when nothing has changed.

``OUT/results/GENERATOR/TARGET.json`` is :meth:`TargetResult.to_dict` with two keys more: ``key``, a fingerprint of all
that decides the result, and ``read``, the files that were read, with their sizes and times.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from unfreeze.errors import InputError
from unfreeze.evaluate.result import TargetResult
from unfreeze.files.atomic import plain, write_json

__all__ = ["ResultStore", "fingerprint", "stamps"]

_OURS = {"evaluation.json", "results", "inputs", "scores.csv", "summary.csv", "summary.md", "report.html", ".lock"}


class ResultStore:
    """The results of an evaluation folder.

    Parameters
    ----------
    directory
        The folder; it is made when something is written.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def check(self) -> None:
        """Refuse a folder that holds anything else, and a place where none can be made.

        Raises
        ------
        InputError
            If it must not or cannot be written to.
        """
        folder = self.directory
        if folder.exists():
            strange = sorted(p.name for p in folder.iterdir() if p.name not in _OURS) if folder.is_dir() else [""]
            strange = [name for name in strange if not name.startswith(".")]
            if strange:
                what = f"it holds {strange[0]!r}" if strange[0] else "it is a file"
                raise InputError(f"{folder}: is not an evaluation folder ({what}); choose another -o")
        nearest = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
        if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
            raise InputError(f"{folder}: cannot be made, {nearest} cannot be written to; choose another -o")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep a second run out of the folder.

        Raises
        ------
        InputError
            If another run has it.
        """
        import filelock

        self.check()
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{self.directory}: cannot be made ({error.strerror}); choose another -o") from error
        lock = filelock.FileLock(self.directory / ".lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            raise InputError(f"{self.directory}: another `unfreeze evaluate` is writing there; wait for it") from None
        try:
            yield
        finally:
            lock.release()

    def path(self, generator: str, target: str) -> Path:
        """Where a result is kept."""
        return self.directory / "results" / generator / f"{target}.json"

    def take(self, generator: str, target: str, key: str) -> TargetResult | None:
        """The result that is kept, if it did not fail and nothing that decides it has changed since."""
        try:
            document = json.loads(self.path(generator, target).read_text(encoding="utf-8"))
            if document["key"] != key or document["status"] != "ok":
                return None
            read = [[str(name), int(size), int(time)] for name, size, time in document["read"]]
            if read != stamps(name for name, *_ in read):
                return None
            result = TargetResult.from_dict(document)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None  # absent, cut off or written by another version: it is measured again
        return replace(result, target=target, generator=generator)

    def put(self, result: TargetResult, key: str, **more: Any) -> None:
        """Keep a result."""
        read = [name for side in result.inputs.values() for name in side.get("files", ())]
        document = {**result.to_dict(), "key": key, "read": stamps(read), **more}
        write_json(self.path(result.generator, result.target), document)


def fingerprint(facts: Any, sources: Iterable[str]) -> str:
    """SHA-256 over facts and over names, sizes and times of files; of a folder, those of the files in it."""
    document = json.dumps([plain(facts), stamps(sources)], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(document.encode()).hexdigest()


def stamps(paths: Iterable[str]) -> list[list[Any]]:
    """``[name, size, time of change in ns]`` of every file, −1 where there is none."""
    found: list[list[Any]] = []
    for name in sorted(set(paths)):
        path = Path(name)
        try:
            for item in sorted(path.iterdir()) if path.is_dir() else [path]:
                status = item.stat()
                found.append([str(item), status.st_size, status.st_mtime_ns])
        except OSError:
            found.append([name, -1, -1])
    return found
