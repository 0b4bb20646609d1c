"""One writer an entry: a file lock that the kernel frees when its holder dies, however it dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unfreeze.errors import InputError

__all__ = ["BusyError", "lock_entry"]


class BusyError(InputError):
    """Another writer has the entry."""


@contextmanager
def lock_entry(folder: Path) -> Iterator[None]:
    """Hold the lock of an entry.

    Raises
    ------
    BusyError
        If another writer has it, in this process or in another.
    InputError
        If the folder cannot be written to.
    """
    import filelock

    lock = filelock.FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise BusyError(
            f"{folder.name}: another process is writing to this entry of {folder.parent.parent}. "
            "Wait until it has finished; different entries may be written at the same time."
        ) from None
    except OSError as error:
        raise InputError(f"{folder}: cannot be written to ({error.strerror or error}).") from None
    try:
        yield
    finally:
        lock.release()
