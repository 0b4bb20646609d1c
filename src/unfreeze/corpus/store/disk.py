"""The few operations on a disk that a commit consists of, each durable when it returns.

All writing of the store goes through here, so that a test can end the program at any one of them. A file is written
under a name that no reader looks at, and becomes visible by a rename.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from threading import get_ident
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["file_sha256", "make_folder", "move", "raw", "remove_file", "replace_file", "sync_directory", "write_file"]

_PIECE = 2**22


def file_sha256(path: Path) -> str:
    """Checksum of a file, in hexadecimal."""
    total = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            total.update(piece)
    return total.hexdigest()


def raw(piece: bytes | NDArray[Any]) -> memoryview:
    """The bytes of a C-contiguous array, not copied."""
    return memoryview(piece) if isinstance(piece, bytes) else piece.reshape(-1).view(np.uint8).data


def write_file(path: Path, pieces: Iterable[bytes | NDArray[Any]]) -> None:
    """Write a new file and flush it to the disk; what is there under this name is replaced.

    Parameters
    ----------
    path
        Name that no reader looks at yet.
    pieces
        Bytes, or C-contiguous arrays.
    """
    with suppress(FileNotFoundError):
        os.unlink(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        for piece in pieces:
            view = raw(piece)
            for start in range(0, len(view), _PIECE):
                rest = view[start : start + _PIECE]
                while len(rest):
                    rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_directory(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(path: Path, data: bytes) -> None:
    """Put `data` in the place of a file, whole or not at all and durably."""
    # two programs may be writing the same index
    new = path.with_name(f".{path.name}.{os.getpid()}-{get_ident()}.new")
    write_file(new, [data])
    os.replace(new, path)
    sync_directory(path.parent)


def remove_file(path: Path) -> None:
    """Remove a file, if it is there."""
    with suppress(FileNotFoundError):
        os.unlink(path)


def move(path: Path, target: Path) -> None:
    """Give a file or folder another place, durably."""
    os.replace(path, target)
    sync_directory(target.parent)
    sync_directory(path.parent)


def make_folder(path: Path) -> None:
    """Make a folder whose name is durable; its parent is there already."""
    with suppress(FileExistsError):
        os.mkdir(path)
        sync_directory(path.parent)
