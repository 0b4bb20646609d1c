"""One writer a run directory: a file lock that the kernel frees when its holder dies, however it dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unfreeze.errors import InputError, UnfreezeError

__all__ = ["BusyError", "lock_run"]


class BusyError(UnfreezeError):
    """Another process is writing to the run."""


@contextmanager
def lock_run(directory: Path) -> Iterator[None]:
    """Hold the lock of a run directory, making the folder.

    Raises
    ------
    BusyError
        If another process has it.
    InputError
        If the folder cannot be written to.
    """
    import filelock

    try:
        Path(directory).mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(Path(directory) / "run.lock")
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise BusyError(f"{directory}: another process is running this simulation") from None
    except OSError as error:
        raise InputError(f"{directory}: cannot be written to ({error.strerror}); choose another folder") from error
    try:
        yield
    finally:
        lock.release()
