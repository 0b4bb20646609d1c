"""Download of one structure from the Protein Data Bank into a cache, with nothing taken on trust.

The transfer is bounded in size, resumed after a broken connection, checked (length, gzip checksum, mmCIF inside)
and only then renamed into its place, so a cached file is always whole. Not a client for searching the PDB.
"""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Mapping
from pathlib import Path

import platformdirs
from filelock import FileLock
from filelock import Timeout as LockTimeout

from unfreeze.errors import InputError
from unfreeze.files.download import BrokenTransferError, Terms, download
from unfreeze.files.transfer import CHUNK_BYTES

__all__ = ["DEFAULT_URL", "cache_directory_or_default", "fetch_structure", "is_pdb_id", "normalise_pdb_id"]

DEFAULT_URL = "https://files.rcsb.org/download"
"""Where files come from unless ``UNFREEZE_RCSB_URL`` or `base_url` says otherwise."""

MAX_BYTES = 300_000_000
"""Largest compressed file that is downloaded; the largest entry of the PDB is well below it."""

MAX_EXPANDED_RATIO = 60
"""A gzip file that expands beyond this many times `max_bytes` is refused; mmCIF compresses about fivefold."""

_CLASSIC_ID = re.compile(r"[1-9][0-9A-Za-z]{3}")
_EXTENDED_ID = re.compile(r"pdb_[0-9a-z]{8}", re.IGNORECASE)


def is_pdb_id(text: str) -> bool:
    """Whether a text looks like a PDB id: ``1hvr`` or ``pdb_00001hvr``."""
    return bool(_CLASSIC_ID.fullmatch(text) or _EXTENDED_ID.fullmatch(text))


def normalise_pdb_id(pdb_id: str) -> str:
    """The id as the archive names its files: ``1HVR``, and ``pdb_1000a001`` beyond the classic ids.

    Raises
    ------
    InputError
        If it is not a PDB id.
    """
    text = pdb_id.strip()
    if not is_pdb_id(text):
        raise InputError(f"{pdb_id!r} is not a PDB id; expected four characters such as 1hvr, or pdb_00001hvr.")
    if _CLASSIC_ID.fullmatch(text):
        return text.upper()
    text = text.lower()
    classic = text.removeprefix("pdb_0000")
    return classic.upper() if _CLASSIC_ID.fullmatch(classic) else text


def cache_directory_or_default(cache_directory: str | Path | None = None) -> Path:
    """The folder for downloads: the argument, else ``UNFREEZE_CACHE``, else the platform's cache folder."""
    chosen = cache_directory or os.environ.get("UNFREEZE_CACHE") or platformdirs.user_cache_dir("unfreeze")
    return Path(chosen).expanduser() / "structures"


def fetch_structure(
    pdb_id: str,
    *,
    cache_directory: str | Path | None = None,
    base_url: str | None = None,
    max_bytes: int = MAX_BYTES,
    timeout_s: float = 30.0,
    backoff_s: float = 0.5,
) -> Path:
    """Path of the mmCIF file of a PDB entry, downloaded unless the cache has it.

    Parameters
    ----------
    pdb_id
        ``1hvr`` or ``pdb_00001hvr``, in any case.
    cache_directory
        Folder to keep downloads in; ``UNFREEZE_CACHE`` or the platform's cache folder by default.
    base_url
        Address that ``/{ID}.cif.gz`` is appended to; ``UNFREEZE_RCSB_URL`` or :data:`DEFAULT_URL` by default.
    max_bytes
        Largest compressed file to accept, in bytes.
    timeout_s
        Seconds of silence from the server after which an attempt is given up.
    backoff_s
        Seconds to wait before the second attempt; doubled before each further one.

    Returns
    -------
    Path
        A ``.cif.gz`` file that has passed all checks.

    Raises
    ------
    InputError
        If there is no such entry, no network, or what arrives is not the file. The message says what to do.
    """
    name = normalise_pdb_id(pdb_id)
    address = f"{(base_url or os.environ.get('UNFREEZE_RCSB_URL') or DEFAULT_URL).rstrip('/')}/{name}.cif.gz"
    folder = cache_directory_or_default(cache_directory)
    target = folder / f"{name}.cif.gz"
    if target.is_file():
        return target
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{name}.lock", timeout=600):
            if target.is_file():
                return target
            return _download(address, name, target, max_bytes, timeout_s, backoff_s)
    except (OSError, LockTimeout) as error:
        raise InputError(
            f"cannot write to the download cache {folder} ({error}); set UNFREEZE_CACHE to a folder you can write to."
        ) from error


def _download(address: str, name: str, target: Path, max_bytes: int, timeout_s: float, backoff_s: float) -> Path:
    terms = Terms(
        name=f"PDB entry {name}",
        max_bytes=max_bytes,
        absent=f"there is no PDB entry {name}",
        by_hand=f"Download {address} yourself and give the file.",
        accept=_not_gzip,
        check=lambda part: _check_content(part, max_bytes),
        timeout_s=timeout_s,
        backoff_s=backoff_s,
    )
    download(address, target, terms)
    return target


def _not_gzip(head: bytes, headers: Mapping[str, str]) -> str | None:
    if head.startswith(b"\x1f\x8b"):
        return None
    if head.lstrip()[:1] == b"<" or "html" in headers.get("Content-Type", ""):
        return "an HTML page"
    return f"something that begins with {head[:8]!r} and is not gzip"


def _check_content(part: Path, max_bytes: int) -> None:
    """Read the whole file once: the gzip checksum must hold and the text must be mmCIF."""
    expanded = 0
    try:
        with gzip.open(part, "rb") as stream:
            head = stream.read(CHUNK_BYTES)
            chunk = head
            while chunk:
                expanded += len(chunk)
                if expanded > MAX_EXPANDED_RATIO * max_bytes:
                    raise InputError(f"{part.name}: the download expands beyond all measure; refused.")
                chunk = stream.read(1 << 20)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BrokenTransferError(f"the file is damaged ({error})") from error
    if not any(line.startswith(b"data_") for line in head.splitlines()):
        raise InputError(f"{part.name.removesuffix('.part')}: the download holds no mmCIF data block; refused.")
