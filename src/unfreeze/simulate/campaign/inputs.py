"""The files that a campaign starts from: found, downloaded where a PDB id is given, known by their content, copied.

A campaign's folder keeps a copy of each, so that it stands alone, goes on without a network, and notices when a file
has changed.
"""

from __future__ import annotations

import gzip
import hashlib
import shutil
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from unfreeze.errors import InputError
from unfreeze.files.atomic import atomic_path
from unfreeze.simulate.campaign.settings import SystemSpec

__all__ = ["PREPARED_NAME", "Input", "copy_file", "file_checksum", "find_input"]

PREPARED_NAME = "prepared.cif"
"""What a folder that `unfreeze prepare` made holds."""
_PREPARED_FILES = ("preparation.json", "prepared.pdb", PREPARED_NAME)


@dataclass(frozen=True)
class Input:
    """What a system is made from.

    Attributes
    ----------
    kind
        ``structure``, ``prepared`` (a folder of `unfreeze prepare`) or ``sequence``.
    path
        The file, or for ``prepared`` the folder; None for a sequence.
    sha256
        Of the content; of a compressed file that of what it holds.
    sequence
        One-letter codes, or empty.
    """

    kind: Literal["structure", "prepared", "sequence"]
    path: Path | None
    sha256: str
    sequence: str = ""

    @property
    def identity(self) -> dict[str, Any]:
        """What of it decides a trajectory."""
        return {"kind": self.kind, **({"sequence": self.sequence} if self.sequence else {"sha256": self.sha256})}

    @property
    def copy_name(self) -> str:
        """Name of its copy among the inputs of a campaign."""
        return "" if self.path is None else f"{self.sha256[:8]}/{self.path.name}"


def find_input(spec: SystemSpec, folder: Path, known: Mapping[str, Path] | None = None) -> Input:
    """The input of a system.

    Parameters
    ----------
    spec
        What is asked for.
    folder
        What its path is relative to.
    known
        PDB ids to files that a campaign has already; these are not downloaded again.

    Raises
    ------
    InputError
        If there is no such file or PDB entry, or its checksum is not the one that is expected.
    """
    if spec.sequence is not None:
        return Input("sequence", None, hashlib.sha256(spec.sequence.encode()).hexdigest(), spec.sequence)
    assert spec.structure is not None
    path = folder / Path(spec.structure).expanduser()
    kind: Literal["structure", "prepared"] = "structure"
    if (path / PREPARED_NAME).is_file():
        kind = "prepared"
    elif not path.is_file():
        path = (known or {}).get(spec.structure.lower()) or _located(spec, path)
    found = Input(kind, path, file_checksum(path / PREPARED_NAME if kind == "prepared" else path))
    if spec.sha256 is not None and spec.sha256 != found.sha256:
        raise InputError(
            f"{spec.where}: {path} has changed: its SHA-256 is {found.sha256[:16]}…, expected {spec.sha256[:16]}…; "
            "bring the file back, or start another campaign in another folder"
        )
    return found


def file_checksum(path: Path) -> str:
    """SHA-256 of what a file holds, uncompressed.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    try:
        data = path.read_bytes()
        return hashlib.sha256(gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data).hexdigest()
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read ({error}); give a whole file") from None


def copy_file(source: Path, target: Path) -> None:
    """Copy a file or a folder of `unfreeze prepare`, whole or not at all, unless the copy is there."""
    if source.is_dir():
        for name in _PREPARED_FILES:  # the one that counts is the last
            if (source / name).is_file():
                copy_file(source / name, target / name)
    elif not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(target) as temporary:
            shutil.copyfile(source, temporary)


def _located(spec: SystemSpec, path: Path) -> Path:
    from unfreeze.structure.fetch import fetch_structure, is_pdb_id

    assert spec.structure is not None
    if path.is_dir():
        raise InputError(f"{spec.where}: {path} is a folder without {PREPARED_NAME}; give a structure file or PDB id")
    if not is_pdb_id(spec.structure):
        raise InputError(f"{spec.where}: {path}: no such file, and {spec.structure!r} is not a PDB id either")
    try:
        return fetch_structure(spec.structure)
    except InputError as error:
        raise InputError(f"{spec.where}: {error}") from None
