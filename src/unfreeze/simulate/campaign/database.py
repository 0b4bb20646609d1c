"""Connections to the ledger's SQLite file: durable, bounded in waiting, and with faults told apart.

Every transaction opens the file anew. That costs a millisecond and makes it safe to use from any thread, and to move a
damaged file aside while others are at work.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from unfreeze.errors import InputError, UnfreezeError

__all__ = ["LedgerBusyError", "LedgerDamagedError", "connect", "create_database", "transaction"]

VERSION = 1
_BUSY_SECONDS = 30.0
_LEAST_ROOM = 1 << 18
_NETWORK = (
    "nfs",
    "cifs",
    "smb",
    "lustre",
    "gpfs",
    "beegfs",
    "ceph",
    "afs",
    "9p",
    "fuse.",
    "glusterfs",
    "pvfs",
    "wekafs",
)


class LedgerDamagedError(UnfreezeError):
    """The ledger is lost, cut short, or not a ledger."""


class LedgerBusyError(UnfreezeError):
    """Others kept the ledger locked for long."""


def create_database(path: Path, schema: str) -> None:
    """Make an empty database with a schema.

    Raises
    ------
    InputError
        If the folder cannot be written to.
    OSError
        If the disk is full.
    """
    with _faults(path), closing(sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
        # Readers and a writer side by side; not where locks go over a network, on which it cannot work.
        connection.execute(f"PRAGMA journal_mode={'DELETE' if _is_on_network(path) else 'WAL'}")
        connection.execute("PRAGMA synchronous=FULL")
        connection.executescript(f"BEGIN IMMEDIATE;\n{schema}\nPRAGMA user_version={VERSION};\nCOMMIT;")


@contextmanager
def connect(path: Path, *, read_only: bool = False) -> Iterator[sqlite3.Connection]:
    """A connection to a ledger that is there.

    Raises
    ------
    LedgerDamagedError
        If it is absent or not a ledger.
    LedgerBusyError
        If it is locked for long.
    InputError
        If it must not be written to.
    OSError
        If the disk is full or fails.
    """
    if not path.is_file():
        raise LedgerDamagedError(f"{path}: is lost")
    with _faults(path), closing(_open(path, read_only=read_only)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous=FULL")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            raise LedgerDamagedError(f"{path}: is empty")
        if version != VERSION:
            raise InputError(
                f"{path}: has version {version}, this unfreeze reads version {VERSION}; use the one that wrote it, or "
                "move it away to have it made again from the runs"
            )
        yield connection


@contextmanager
def transaction(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection within a transaction that is written whole or not at all; errors as in :func:`connect`."""
    with connect(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _open(path: Path, *, read_only: bool) -> sqlite3.Connection:
    address = path.absolute().as_uri()
    if read_only:
        try:
            connection = sqlite3.connect(f"{address}?mode=ro", uri=True, timeout=_BUSY_SECONDS, isolation_level=None)
            connection.execute("PRAGMA user_version").fetchone()
        except sqlite3.OperationalError:  # a folder in which SQLite cannot make its lock files
            return sqlite3.connect(f"{address}?immutable=1", uri=True, isolation_level=None)
        return connection
    return sqlite3.connect(f"{address}?mode=rw", uri=True, timeout=_BUSY_SECONDS, isolation_level=None)


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    """SQLite's errors as those of this package and of the operating system."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
        # Where there is no room to make its index of the write-ahead log larger, SQLite speaks of a fault of the disk.
        if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and not _has_room(path.parent)):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error
        if code == sqlite3.SQLITE_IOERR:
            raise OSError(errno.EIO, f"{os.strerror(errno.EIO)} ({error})", str(path)) from error
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise LedgerBusyError(f"{path}: other processes kept it locked for {_BUSY_SECONDS:g} s") from error
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            raise InputError(f"{path}: cannot be written to ({error}); choose a folder that can") from error
        raise LedgerDamagedError(f"{path}: is damaged ({error})") from error


def _has_room(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free >= _LEAST_ROOM
    except OSError:
        return True


def _is_on_network(path: Path) -> bool:
    """Whether the folder of a file lies on a file system that other machines may share."""
    place = os.path.realpath(path.parent)
    best, kind = "", ""
    try:
        lines = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    for line in lines:
        _, mount, system, *_ = line.split(" ")
        mount = mount.replace("\\040", " ")
        if len(mount) >= len(best) and (place == mount or place.startswith(mount.rstrip("/") + "/")):
            best, kind = mount, system
    return kind.startswith(_NETWORK)
