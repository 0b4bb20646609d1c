"""Checkpoints: everything that a training is at one step, in one file that is whole or absent, without pickles.

Tensors are in a safetensors file; a JSON file beside it, written after it, has the state in words and numbers and the
checksum of the tensors. A checkpoint is there when both fit together; the last two are kept, so that damage to one
costs the steps since the other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.files.atomic import atomic_path, sync_directory, write_atomically

__all__ = ["Checkpoints", "Tensors", "joined", "parted", "read_tensors", "write_tensors"]

Tensors = dict[str, NDArray[Any]]
_KEPT = 2
_MOST_BYTES = 2**33


class Checkpoints:
    """The checkpoints of one network.

    Parameters
    ----------
    folder
        Where they are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ignored: list[str] = []
        """Checkpoints that were not whole, and why, found by :meth:`latest`."""

    def save(self, number: int, tensors: Mapping[str, NDArray[Any]], state: Mapping[str, Any]) -> Path:
        """Write a checkpoint, durably, and remove those before the last but one.

        Parameters
        ----------
        number
            Its place among the others: the step.
        tensors, state
            What it holds; the state is JSON.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"step-{number:09d}.safetensors"
        # of a step that is saved again (as after a return) the words go first: tensors never have those of others
        path.with_suffix(".json").unlink(missing_ok=True)
        write_tensors(path, tensors, dict(state))
        for old in sorted(self.folder.glob("step-*.safetensors"))[:-_KEPT]:
            old.with_suffix(".json").unlink(missing_ok=True)
            old.unlink(missing_ok=True)
        return path

    def latest(self) -> tuple[Tensors, dict[str, Any]] | None:
        """Tensors and state of the last checkpoint that is whole; None if there is none."""
        self.ignored = []
        for path in sorted(self.folder.glob("step-*.safetensors"), reverse=True):
            try:
                return read_tensors(path)
            except InputError as error:
                self.ignored.append(str(error))
        return None

    def clear(self) -> None:
        """Remove all of them."""
        for path in self.folder.glob("step-*"):
            path.unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()


def joined(parts: Mapping[str, Mapping[str, NDArray[Any]]]) -> Tensors:
    """Tensors of several parts as ``part.name``."""
    return {f"{part}.{name}": value for part, tensors in parts.items() for name, value in tensors.items()}


def parted(tensors: Mapping[str, NDArray[Any]]) -> dict[str, Tensors]:
    """What :func:`joined` joined."""
    parts: dict[str, Tensors] = {}
    for key, value in tensors.items():
        part, _, name = key.partition(".")
        parts.setdefault(part, {})[name] = value
    return parts


def write_tensors(path: Path, tensors: Mapping[str, NDArray[Any]], state: dict[str, Any]) -> None:
    """Write tensors and, after them, the JSON file that makes them count."""
    from safetensors.numpy import save_file

    with atomic_path(path) as part:
        save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, str(part))
        digest = _digest(part)
    write_atomically(path.with_suffix(".json"), json.dumps({"sha256": digest, "state": state}, indent=1) + "\n")
    sync_directory(path.parent)


def read_tensors(path: Path) -> tuple[Tensors, dict[str, Any]]:
    """Tensors and state that :func:`write_tensors` wrote.

    Raises
    ------
    InputError
        If one of the files is absent, damaged, or does not belong to the other.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        document = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        if path.stat().st_size > _MOST_BYTES or document["sha256"] != _digest(path):
            raise InputError(f"{path}: is not as it was written; it is not used")
        return dict(load_file(str(path))), dict(document["state"])
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: is not whole ({type(error).__name__}); it is not used") from None


def _digest(path: Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
