"""Arrays in NPZ archives, read in blocks as they are decompressed, and never unpickled.

``numpy.load`` reads a whole array into memory; here a member is followed from its beginning to its end, so that arrays
larger than memory pass through.
"""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError

__all__ = ["ArrayHeader", "Npz"]

_MOST_SMALL_BYTES = 1 << 29
_STEP = 1 << 24
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)


@dataclass(frozen=True)
class ArrayHeader:
    """What the head of an array says.

    Attributes
    ----------
    shape, dtype
        Of the array.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return self.dtype.itemsize * math.prod(self.shape[1:])


class Npz:
    """An NPZ archive; a context.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    InputError
        If it is absent, no zip archive, or cut short.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stack = ExitStack()
        try:
            self._zip = self._stack.enter_context(zipfile.ZipFile(path))
            self._members = {info.filename.removesuffix(".npy"): info for info in self._zip.infolist()}
        except FileNotFoundError:
            raise InputError(f"{path}: no such file. Check the spelling and the folder.") from None
        except _DAMAGED as error:
            raise self._damaged(error) from None

    def __enter__(self) -> Npz:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._stack.close()

    def __contains__(self, name: str) -> bool:
        return name in self._members

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the arrays."""
        return tuple(self._members)

    def header(self, name: str) -> ArrayHeader:
        """What an array is.

        Raises
        ------
        InputError
            If there is none of that name, it holds Python objects, or less than it says.
        """
        with self._open(name) as handle:
            return self._header(name, handle)

    def small(self, name: str) -> NDArray[Any]:
        """A whole array of bounded size.

        Raises
        ------
        InputError
            If it is too large or damaged.
        """
        header = self.header(name)
        if header.row_bytes * max(1, math.prod(header.shape[:1])) > _MOST_SMALL_BYTES:
            raise InputError(f"{self.path}: the array {name} of shape {header.shape} is too large for what it is.")
        n_rows = header.shape[0] if header.shape else 1
        return next(self.rows(name, 0, max(1, n_rows)), np.empty(header.shape, dtype=header.dtype))

    def rows(self, name: str, first: int, count: int) -> Iterator[NDArray[Any]]:
        """Blocks of `count` rows from row `first` on; the last may be shorter.

        Raises
        ------
        InputError
            If the data are damaged.
        """
        with self._open(name) as handle:
            header = self._header(name, handle)
            n_rows = header.shape[0] if header.shape else 1
            self._skip(name, handle, first * header.row_bytes)
            for begin in range(first, n_rows, count):
                n = min(count, n_rows - begin)
                content = self._read(name, handle, n * header.row_bytes)
                shape = (n, *header.shape[1:]) if header.shape else ()
                yield np.frombuffer(content, dtype=header.dtype).reshape(shape)

    def _open(self, name: str) -> IO[bytes]:
        if name not in self._members:
            raise InputError(f"{self.path}: there is no array {name} (there are {', '.join(self._members) or 'none'}).")
        if self._members[name].flag_bits & 1:
            raise InputError(f"{self.path}: the array {name} is encrypted. Write the file without a password.")
        try:
            return self._zip.open(self._members[name])
        except _DAMAGED as error:
            raise self._damaged(error) from None

    def _header(self, name: str, handle: IO[bytes]) -> ArrayHeader:
        try:
            version = np.lib.format.read_magic(handle)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, fortran, dtype = read(handle)
        except _DAMAGED as error:
            raise self._damaged(error) from None
        if dtype.hasobject:
            raise InputError(
                f"{self.path}: the array {name} holds pickled Python objects, which can run any code and are not read. "
                "Ask for plain numbers."
            )
        if fortran and len(shape) > 1:
            raise InputError(f"{self.path}: the array {name} is in Fortran order, which cannot be read row by row.")
        held = self._members[name].file_size - handle.tell()
        if math.prod(shape) * dtype.itemsize != held:
            raise InputError(
                f"{self.path}: the array {name} of shape {shape} needs {math.prod(shape) * dtype.itemsize:,} bytes and "
                f"has {held:,}; the file is cut short or damaged. Download it again."
            )
        return ArrayHeader(tuple(int(n) for n in shape), dtype)

    def _skip(self, name: str, handle: IO[bytes], n_bytes: int) -> None:
        while n_bytes > 0:
            n_bytes -= len(self._read(name, handle, min(n_bytes, _STEP)))

    def _read(self, name: str, handle: IO[bytes], n_bytes: int) -> bytes:
        try:
            content = handle.read(n_bytes)
        except _DAMAGED as error:
            raise self._damaged(error) from None
        if len(content) < n_bytes:
            raise InputError(f"{self.path}: the array {name} ends too early; the file is cut short. Download it again.")
        return content

    def _damaged(self, error: BaseException) -> InputError:
        if isinstance(error, OSError) and error.errno is not None:  # the disk or the permission, not the file
            return InputError(f"{self.path}: cannot be read ({error.strerror}).")
        return InputError(
            f"{self.path}: not a whole NPZ archive ({' '.join(str(error).split())[:120]}). Download or copy it again."
        )
