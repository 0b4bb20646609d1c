"""Memory maps of columns, a bounded number of them open at a time, the longest unused closed first.

A map holds a file open, and a process may have only so many. Sizes are checked before a file is mapped: reading past
the end of a map would end the program without a word.
"""

from __future__ import annotations

import errno
import mmap
import os
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.store.sealed import DamagedCorpusError

__all__ = ["close_maps", "open_map"]


def _most_maps() -> int:
    try:
        import resource

        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    except (ImportError, OSError):
        return 64
    return 1024 if soft == -1 else min(1024, max(16, soft // 4))


@lru_cache(maxsize=_most_maps())
def open_map(path: str, sha256: str, dtype: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """A column as a read-only array.

    Parameters
    ----------
    path
        File of the column.
    sha256
        Of the file, from the manifest; not checked here, it tells apart files that had the same name one after another.
    dtype, shape
        Of all of it.

    Raises
    ------
    DamagedCorpusError
        If the file is absent or not of the size that it should have.
    """
    size = int(np.prod(shape, dtype=object)) * np.dtype(dtype).itemsize
    try:
        data = _mapped(path, size)
    except OSError as error:
        if error.errno not in (errno.EMFILE, errno.ENFILE):
            raise DamagedCorpusError(f"{path}: cannot be read ({error.strerror or error}). {_CURE}") from None
        close_maps()
        data = _mapped(path, size)
    return np.frombuffer(data, dtype=dtype, count=size // np.dtype(dtype).itemsize).reshape(shape)


def close_maps() -> None:
    """Let go of all maps; those that arrays still use stay until the arrays go."""
    open_map.cache_clear()


_CURE = "Run `unfreeze corpus verify` and `unfreeze corpus repair`, or copy the entry again."


def _mapped(path: str, size: int) -> mmap.mmap | bytes:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        found = os.fstat(descriptor).st_size
        if found != size:
            raise DamagedCorpusError(f"{path}: {found} bytes, {size} were expected. {_CURE}")
        return mmap.mmap(descriptor, size, access=mmap.ACCESS_READ) if size else b""
    finally:
        os.close(descriptor)
