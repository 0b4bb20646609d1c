"""Bounded reading of plain and gzip text files.

Nothing here knows what a structure is; see :mod:`unfreeze.structure.read` for that.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

from unfreeze.errors import InputError

__all__ = ["MAX_BYTES", "FileContent", "read_content"]

MAX_BYTES = 1_000_000_000
_STEP = 1 << 22
_OTHER_FORMATS = (
    (b"BZh", "a bzip2 file; decompress it first (bunzip2)"),
    (b"\xfd7zXZ", "an xz file; decompress it first (unxz)"),
    (b"\x28\xb5\x2f\xfd", "a zstandard file; decompress it first (unzstd)"),
    (b"PK\x03\x04", "a zip archive; unpack it first"),
    (b"%PDF", "a PDF document"),
)


@dataclass(frozen=True)
class FileContent:
    """What a file holds.

    Attributes
    ----------
    name
        File name without its folder.
    data
        The bytes, decompressed.
    sha256
        Checksum of the bytes on disk, that is, before decompression.
    """

    name: str
    data: bytes
    sha256: str


def read_content(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> FileContent:
    """Read a plain or gzip text file, refusing what is too large, damaged or not text.

    Parameters
    ----------
    path
        The file; gzip is recognised by its content, not its name.
    max_bytes
        Largest size on disk and after decompression.

    Raises
    ------
    InputError
        If the file is absent, unreadable, empty, too large, a damaged gzip file or not text.
    """
    path = Path(path)
    name = path.name
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder; give one structure file (.pdb, .cif, .pdb.gz or .cif.gz).")
        with path.open("rb") as handle:
            raw = handle.read(max_bytes + 1)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file. Check the spelling and the folder.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error}).") from None
    _check_size(name, len(raw), max_bytes)
    data = _gunzip(name, raw, max_bytes) if raw[:2] == b"\x1f\x8b" else raw
    if not data.strip():
        raise InputError(f"{name} is empty; a PDB or mmCIF file was expected.")
    for magic, what in _OTHER_FORMATS:
        if data.startswith(magic):
            raise InputError(f"{name} is {what}; a PDB or mmCIF file, plain or gzip, was expected.")
    if data[257:262] == b"ustar":
        raise InputError(f"{name} is a tar archive; unpack it and give one structure file.")
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise InputError(
            f"{name}: line {line} holds a zero byte, so this is binary data or a damaged file; "
            "a PDB or mmCIF text file, plain or gzip, was expected. Fetch or export it again."
        )
    return FileContent(name, data, hashlib.sha256(raw).hexdigest())


def _check_size(name: str, n_bytes: int, max_bytes: int) -> None:
    if n_bytes > max_bytes:
        raise InputError(
            f"{name} is larger than {max_bytes / 1e6:,.0f} MB, the most that is read; "
            "cut it down to the chains and models you need."
        )


def _gunzip(name: str, raw: bytes, max_bytes: int) -> bytes:
    """Decompress step by step, so that a small file cannot fill the memory."""
    pieces: list[bytes] = []
    size, rest = 0, raw
    try:
        while rest[:2] == b"\x1f\x8b":
            member = zlib.decompressobj(wbits=31)
            pending = rest
            while not member.eof:
                piece = member.decompress(pending, _STEP)
                pending = member.unconsumed_tail
                if not piece and not pending and not member.eof:
                    raise InputError(
                        f"{name}: the gzip data end too early, so the file is cut short. Fetch or copy it again."
                    )
                size += len(piece)
                _check_size(f"{name} (decompressed)", size, max_bytes)
                pieces.append(piece)
            rest = member.unused_data
    except zlib.error as error:
        raise InputError(f"{name}: damaged gzip data ({error}). Fetch or copy the file again.") from None
    return b"".join(pieces)
