"""HDF5 containers of strangers: opened for reading, followed nowhere outside themselves, and never unpickled.

Links to other files, data that lie outside the file, types that are no numbers and pieces beyond all measure are
refused by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError

__all__ = ["Container"]

_MOST_CHUNK_BYTES = 1 << 30
_MOST_TEXT_BYTES = 1 << 29
_MAGIC = b"\x89HDF\r\n\x1a\n"


class Container:
    """An HDF5 file open for reading; a context.

    Parameters
    ----------
    path
        The file.
    extra
        Name of the extra of this package that brings h5py.

    Raises
    ------
    InputError
        If h5py is not installed, or the file is absent, cut short or no HDF5 file.
    """

    def __init__(self, path: Path, extra: str) -> None:
        self.path = path
        try:
            import h5py
        except ImportError:
            raise InputError(f"{path}: reading it needs h5py: pip install 'unfreeze[{extra}]'") from None
        self._h5py = h5py
        try:
            with path.open("rb") as handle:
                head = handle.read(len(_MAGIC))
            if head != _MAGIC:
                what = "an HTML page" if head.lstrip()[:1] == b"<" else "something else"
                raise InputError(f"{path}: not an HDF5 file but {what}. Download or copy it again.")
            self._file = h5py.File(path, "r")
        except FileNotFoundError:
            raise InputError(f"{path}: no such file. Check the spelling and the folder.") from None
        except InputError:
            raise
        except Exception as error:  # h5py raises OSError, RuntimeError, KeyError and others
            raise InputError(
                f"{path}: the HDF5 file is cut short or damaged ({_words(error)}). Download or copy it again."
            ) from None

    def __enter__(self) -> Container:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def members(self, *names: str) -> tuple[str, ...]:
        """Names of all that is in a group, links too, which are not followed.

        Raises
        ------
        InputError
            If there is no such group, or it is damaged.
        """
        group = self.group(*names)
        with self._reading("/".join(names)):
            return tuple(group)

    def groups(self, *names: str) -> tuple[str, ...]:
        """Names of the groups in a group, in the file's order.

        Raises
        ------
        InputError
            If there is no such group, or it is damaged.
        """
        group, found = self.group(*names), []
        with self._reading("/".join(names)):
            for name in group:
                link = group.get(name, getlink=True)
                if isinstance(link, self._h5py.HardLink) and group.get(name, getclass=True) is self._h5py.Group:
                    found.append(name)
        return tuple(found)

    def group(self, *names: str) -> Any:
        """A group by the names on the way to it.

        Raises
        ------
        InputError
            If there is none, or one of them is a link.
        """
        found = self._file
        for name in names:
            found = self._member(found, name)
            if not isinstance(found, self._h5py.Group):
                raise InputError(f"{self.path}: /{'/'.join(names)} is no group in the file; the layout is another.")
        return found

    def data(self, *names: str, shape: tuple[int | None, ...], kinds: str = "fiu") -> Any:
        """A dataset, not yet read.

        Parameters
        ----------
        names
            On the way to it.
        shape
            What is expected; None for any length.
        kinds
            Kinds of numbers that are allowed, as numpy's letters.

        Raises
        ------
        InputError
            If there is none, or it is of another shape or kind, or lies in another file.
        """
        found = self.find(*names)
        where = f"{self.path}: /{'/'.join(names)}"
        if found is None:
            raise InputError(f"{where} is missing; the file is of another layout or was not finished.")
        with self._reading("/".join(names)):
            has, kind, chunk = tuple(found.shape), found.dtype, found.chunks or (1,)
        fits = len(has) == len(shape) and all(want is None or want == n for want, n in zip(shape, has, strict=True))
        if not fits:
            expected = " × ".join("any" if want is None else str(want) for want in shape)
            raise InputError(f"{where} has the shape {has}; {expected} was expected.")
        if kind.kind not in kinds:
            raise InputError(f"{where} holds {kind}, and numbers were expected; such data are not read.")
        if int(np.prod(chunk, dtype=np.float64)) * kind.itemsize > _MOST_CHUNK_BYTES:
            raise InputError(f"{where} is in pieces of {chunk} numbers, too large to read. Write the file again.")
        return found

    def find(self, *names: str) -> Any:
        """A dataset, or None if there is none of that name.

        Raises
        ------
        InputError
            If it is a link, lies in another file, or is no dataset.
        """
        if names[-1] not in self.members(*names[:-1]):
            return None
        found = self._member(self.group(*names[:-1]), names[-1])
        where = f"{self.path}: /{'/'.join(names)}"
        if not isinstance(found, self._h5py.Dataset):
            raise InputError(f"{where} is no dataset; the layout is another.")
        with self._reading("/".join(names)):
            is_elsewhere = bool(found.external) or found.is_virtual
        if is_elsewhere:
            raise InputError(f"{where} lies in other files; only data inside the file are read.")
        return found

    def text(self, *names: str) -> bytes | None:
        """A text, or None if there is none of that name.

        Raises
        ------
        InputError
            If it is something else, or too long.
        """
        found = self.find(*names)
        if found is None:
            return None
        with self._reading("/".join(names)):
            is_text = found.size == 1 and found.dtype.kind in "SOU" and found.dtype.itemsize <= _MOST_TEXT_BYTES
            value = found[()] if is_text else None
        if isinstance(value, np.ndarray):
            value = value.ravel()[0]
        if not isinstance(value, str | bytes):
            raise InputError(f"{self.path}: /{'/'.join(names)} is no text; the layout is another.")
        value = value.encode("utf-8", "replace") if isinstance(value, str) else bytes(value)
        if len(value) > _MOST_TEXT_BYTES:
            raise InputError(f"{self.path}: /{'/'.join(names)} is {len(value):,} bytes long, too long for a text.")
        return value

    def read(self, data: Any, where: Any) -> NDArray[Any]:
        """Part of a dataset.

        Raises
        ------
        InputError
            If the bytes are damaged.
        """
        with self._reading(data.name or "a dataset"):
            return data[where]

    def attribute(self, name: str, *names: str) -> Any:
        """An attribute of a group (or of the file), or None."""
        group = self.group(*names)
        try:
            value = group.attrs.get(name)
        except Exception:  # an attribute is not worth refusing a file for
            return None
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else value

    def unit(self, data: Any) -> str:
        """What a dataset's attribute ``unit`` says; empty if there is none."""
        try:
            value = data.attrs.get("unit", data.attrs.get("units", ""))
        except Exception:
            return ""
        return (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)).strip()

    def _member(self, group: Any, name: str) -> Any:
        with self._reading(name):
            link, place = group.get(name, getlink=True), f"{group.name.rstrip('/')}/{name}"
        if link is None:
            raise InputError(f"{self.path}: {place} is missing; the layout is another.")
        if not isinstance(link, self._h5py.HardLink):
            raise InputError(f"{self.path}: {place} is a link; only data inside the file are read.")
        with self._reading(name):
            return group[name]

    @contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        """What h5py raises on damaged files, of many kinds, as one that names the file."""
        try:
            yield
        except InputError:
            raise
        except Exception as error:
            raise InputError(
                f"{self.path}: /{name.strip('/')} cannot be read ({_words(error)}); the data are damaged. Download or "
                "copy the file again."
            ) from None


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[:120]
