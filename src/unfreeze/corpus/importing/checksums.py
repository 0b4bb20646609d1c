"""Checksums of source files, made in a thread while the frames are read, and what tells a file from another quickly."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Thread
from typing import Any

from unfreeze.errors import InputError

__all__ = ["FileChecksums", "file_names", "file_states"]

_PIECE = 2**20


def file_names(paths: Sequence[Path]) -> tuple[str, ...]:
    """Base names of files, with the folder before where two are alike."""
    names = [path.name for path in paths]
    twice = {name for name, n in Counter(names).items() if n > 1}
    return tuple(
        f"{path.parent.name}/{name}" if name in twice else name for path, name in zip(paths, names, strict=True)
    )


def file_states(paths: Sequence[Path], *, with_dates: bool = True) -> dict[str, Any]:
    """Size and date of every file, as goes into a record.

    Raises
    ------
    InputError
        If one is absent.
    """
    states: dict[str, Any] = {}
    for name, path in zip(file_names(paths), paths, strict=True):
        try:
            state = path.stat()
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror or error}).") from None
        states[name] = {"bytes": state.st_size} | ({"mtime_ns": state.st_mtime_ns} if with_dates else {})
    return states


class FileChecksums:
    """Makes the sha256 of files in a thread of its own, from the moment it is made.

    Parameters
    ----------
    paths
        Whole files.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = tuple(paths)
        self._stop = Event()
        self._error: OSError | None = None
        self._found: dict[str, str] = {}
        self._thread = Thread(target=self._run, name="import-checksums", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        piece = bytearray(_PIECE)
        view = memoryview(piece)
        try:
            for name, path in zip(file_names(self._paths), self._paths, strict=True):
                digest = hashlib.sha256()
                with path.open("rb", buffering=0) as handle:
                    while n := handle.readinto(piece):
                        if self._stop.is_set():
                            return
                        digest.update(view[:n])
                self._found[name] = digest.hexdigest()
        except OSError as error:
            self._error = error

    def result(self) -> dict[str, str]:
        """Checksums by name of file; waits for them.

        Raises
        ------
        InputError
            If a file could not be read.
        """
        self._thread.join()
        if self._error is not None:
            raise InputError(f"{self._error.filename}: cannot be read ({self._error.strerror}).")
        return dict(self._found)

    def cancel(self) -> None:
        """End early."""
        self._stop.set()
        self._thread.join()
