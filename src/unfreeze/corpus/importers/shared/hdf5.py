"""HDF5 containers of strangers: opened for reading, followed nowhere outside themselves, and never unpickled.

Links to other files, data that lie outside the file, types that are no numbers and pieces beyond all measure are
refused by name.
"""

from __future__ import annotations

from collections.abc import Iterator
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

    def groups(self, *names: str) -> Iterator[str]:
        """Names of the groups in a group, in the file's order."""
        group = self.group(*names)
        for name in group:
            link = group.get(name, getlink=True)
            if isinstance(link, self._h5py.HardLink) and group.get(name, getclass=True) is self._h5py.Group:
                yield name

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
        fits = len(found.shape) == len(shape) and all(
            want is None or want == have for want, have in zip(shape, found.shape, strict=True)
        )
        if not fits:
            expected = " × ".join("any" if want is None else str(want) for want in shape)
            raise InputError(f"{where} has the shape {found.shape}; {expected} was expected.")
        if found.dtype.kind not in kinds:
            raise InputError(f"{where} holds {found.dtype}, and numbers were expected; such data are not read.")
        chunk = found.chunks or (1,)
        if int(np.prod(chunk, dtype=np.float64)) * found.dtype.itemsize > _MOST_CHUNK_BYTES:
            raise InputError(f"{where} is in pieces of {chunk} numbers, too large to read. Write the file again.")
        return found

    def find(self, *names: str) -> Any:
        """A dataset, or None if there is none of that name.

        Raises
        ------
        InputError
            If it is a link, lies in another file, or is no dataset.
        """
        group = self.group(*names[:-1])
        if names[-1] not in list(group):  # `in` of a group would follow links
            return None
        found = self._member(group, names[-1])
        where = f"{self.path}: /{'/'.join(names)}"
        if not isinstance(found, self._h5py.Dataset):
            raise InputError(f"{where} is no dataset; the layout is another.")
        if found.external or found.is_virtual:
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
        if found.size != 1 or found.dtype.kind not in "SOU" or found.dtype.itemsize > _MOST_TEXT_BYTES:
            raise InputError(f"{self.path}: /{'/'.join(names)} is no text; the layout is another.")
        value = self.read(found, ...).ravel()[0] if found.shape else self.read(found, ())
        value = value.encode("utf-8") if isinstance(value, str) else bytes(value)
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
        try:
            return data[where]
        except (OSError, RuntimeError, ValueError) as error:
            raise InputError(
                f"{self.path}: {data.name} cannot be read there ({_words(error)}); the data are damaged. Download or "
                "copy the file again."
            ) from None

    def attribute(self, name: str, *names: str) -> Any:
        """An attribute of a group (or of the file), or None."""
        try:
            value = self.group(*names).attrs.get(name)
        except (OSError, RuntimeError, KeyError):
            return None
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else value

    def unit(self, data: Any) -> str:
        """What a dataset's attribute ``unit`` says; empty if there is none."""
        try:
            value = data.attrs.get("unit", data.attrs.get("units", ""))
        except (OSError, RuntimeError, KeyError):
            return ""
        return (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)).strip()

    def _member(self, group: Any, name: str) -> Any:
        link = group.get(name, getlink=True)
        if link is None:
            raise InputError(f"{self.path}: {group.name.rstrip('/')}/{name} is missing; the layout is another.")
        if not isinstance(link, self._h5py.HardLink):
            raise InputError(
                f"{self.path}: {group.name.rstrip('/')}/{name} is a link; only data inside the file are read."
            )
        try:
            return group[name]
        except (OSError, RuntimeError, KeyError) as error:
            raise InputError(
                f"{self.path}: {group.name.rstrip('/')}/{name} is damaged ({_words(error)}). Copy the file again."
            ) from None


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[:120]
