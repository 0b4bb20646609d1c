"""safetensors files with a JSON header of ours: read after size, header and shapes were checked, written whole.

The header's metadata has one key, ``unfreeze``, with JSON that names its ``schema``. Nothing in a file is executed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from unfreeze.errors import InputError
from unfreeze.files.atomic import atomic_path

__all__ = ["TensorFile", "TensorShape", "damaged", "read_tensor_file", "write_tensor_file"]

_MAX_HEADER_BYTES = 4 * 2**20

TensorShape = tuple[str, tuple[int, ...]]
"""Data type as safetensors writes it (``F32``, ``I8``) and sizes."""


@dataclass(frozen=True, eq=False)
class TensorFile:
    """What a file holds.

    Attributes
    ----------
    path
        Where it was read.
    sha256
        Of its bytes.
    header
        JSON of the metadata, with at least ``schema``.
    shapes
        Data type and shape of every tensor, before any is read.
    content
        The bytes.
    """

    path: Path
    sha256: str
    header: Mapping[str, Any]
    shapes: Mapping[str, TensorShape]
    content: bytes

    def expect_version(self, key: str, version: int, what: str) -> None:
        """Refuse weights that were trained on other input than this program computes.

        Parameters
        ----------
        key
            Of the header.
        version
            What it must be.
        what
            Name of the input in the message, such as ``features``.

        Raises
        ------
        InputError
            If it is another.
        """
        if self.header.get(key) != version:
            raise InputError(
                f"{self.path}: was trained on version {self.header.get(key)!r} of the {what}, this unfreeze computes "
                f"version {version}; use weights and program of one release"
            )

    def expect(self, wanted: Mapping[str, TensorShape]) -> None:
        """Refuse tensors other than these.

        Raises
        ------
        InputError
            If one is missing, of another shape or type, or one too many.
        """
        for name, one in wanted.items():
            if self.shapes.get(name) != one:
                raise damaged(self.path, f"tensor {name} is {self.shapes.get(name, 'absent')}, expected {one}")
        if more := sorted(set(self.shapes) - set(wanted)):
            raise damaged(self.path, f"tensor {more[0]} is not expected")

    def tensors(self) -> dict[str, NDArray[Any]]:
        """All tensors; every number is finite."""
        try:
            found = safetensors.numpy.load(self.content)
        except (SafetensorError, ValueError, KeyError, TypeError) as error:
            raise damaged(self.path, str(error)) from None
        for name, array in found.items():
            if not np.isfinite(array).all():
                raise damaged(self.path, f"{name} has numbers that are not finite")
        return found


def write_tensor_file(path: str | Path, tensors: Mapping[str, NDArray[Any]], header: Mapping[str, Any]) -> Path:
    """Write tensors with their header; the file is whole or absent, the same content gives the same bytes.

    Parameters
    ----------
    path
        File to write.
    tensors, header
        Content; the header as JSON.
    """
    target = Path(path)
    text = json.dumps(header, sort_keys=True, ensure_ascii=False, allow_nan=False)
    arrays = {name: np.ascontiguousarray(tensors[name]) for name in sorted(tensors)}
    with atomic_path(target) as building:
        building.write_bytes(safetensors.numpy.save(arrays, metadata={"unfreeze": text}))
    return target


def read_tensor_file(
    path: str | Path, *, schema: str, kind: str | None = None, max_bytes: int = 64 * 2**20
) -> TensorFile:
    """Read a file and check what it says of itself.

    Parameters
    ----------
    path
        File to read.
    schema, kind
        What it must be; schemas with one kind of model name none.
    max_bytes
        Larger files are refused unread.

    Raises
    ------
    InputError
        If it is absent, no such file, too large, damaged, or of another schema or kind.
    """
    source = Path(path)
    try:
        if not source.is_file():
            raise InputError(f"{source}: there is no such file; expected weights that unfreeze wrote (….safetensors)")
        size = source.stat().st_size
        if size > max_bytes:
            raise InputError(
                f"{source}: is {size / 2**20:,.1f} MiB large, expected weights of at most {max_bytes / 2**20:,.0f} MiB"
            )
        with source.open("rb") as stream:
            content = stream.read(max_bytes + 1)
    except OSError as error:
        raise InputError(f"{source}: cannot be read ({error.strerror or error})") from None
    length = int.from_bytes(content[:8], "little")
    if len(content) < 10 or content[8:9] != b"{" or length > _MAX_HEADER_BYTES:
        raise InputError(f"{source}: is not a safetensors file; expected weights that unfreeze wrote")
    if 8 + length > len(content):
        raise damaged(source, "it ends within its header")
    try:
        entries = json.loads(content[8 : 8 + length])
        text = entries.pop("__metadata__", {}).get("unfreeze")
        header = json.loads(text) if isinstance(text, str) else None
        shapes = {name: (str(one["dtype"]), tuple(int(n) for n in one["shape"])) for name, one in entries.items()}
    except (ValueError, AttributeError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise damaged(source, f"its header cannot be read, {error}") from None
    if not isinstance(header, dict) or not str(header.get("schema", "")).startswith("unfreeze-"):
        raise InputError(f"{source}: holds tensors, but not weights of unfreeze; expected a file that unfreeze wrote")
    if header["schema"] != schema:
        raise InputError(
            f"{source}: is of schema {header['schema']!r}, expected {schema!r}; use weights and program of one release"
        )
    if header.get("kind") != kind:
        raise InputError(f"{source}: holds a model of kind {header.get('kind')!r}, expected {kind!r}")
    return TensorFile(source, hashlib.sha256(content).hexdigest(), header, shapes, content)


def damaged(source: Path, what: str) -> InputError:
    """The error for a file of weights that is not whole."""
    return InputError(f"{source}: the file of weights is damaged: {what}; copy or download it again")
