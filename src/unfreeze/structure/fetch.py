"""Download of one structure from the Protein Data Bank into a cache, with nothing taken on trust.

The transfer is bounded in size, resumed after a broken connection, checked (length, gzip checksum, mmCIF inside)
and only then renamed into its place, so a cached file is always whole. Not a client for searching the PDB.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import time
import zlib
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs
import requests
import urllib3
from filelock import FileLock
from filelock import Timeout as LockTimeout

import unfreeze
from unfreeze.errors import InputError

__all__ = ["DEFAULT_URL", "cache_directory_or_default", "fetch_structure", "is_pdb_id", "normalise_pdb_id"]

DEFAULT_URL = "https://files.rcsb.org/download"
"""Where files come from unless ``UNFREEZE_RCSB_URL`` or `base_url` says otherwise."""

MAX_BYTES = 300_000_000
"""Largest compressed file that is downloaded; the largest entry of the PDB is well below it."""

MAX_EXPANDED_RATIO = 60
"""A gzip file that expands beyond this many times `max_bytes` is refused; mmCIF compresses about fivefold."""

_CLASSIC_ID = re.compile(r"[1-9][0-9A-Za-z]{3}")
_EXTENDED_ID = re.compile(r"pdb_[0-9a-z]{8}", re.IGNORECASE)
_CHUNK = 1 << 16
_N_ATTEMPTS = 4
_N_REDIRECTS = 5
_RETRIED_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})


class _BrokenTransferError(Exception):
    """Something that another attempt may mend."""


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
    by_hand = f"Download {address} yourself and give the file."
    part = target.with_name(f"{target.name}.part")
    reason = ""
    with requests.Session() as session:
        session.max_redirects = _N_REDIRECTS
        session.headers.update({"User-Agent": f"unfreeze/{unfreeze.__version__}", "Accept-Encoding": "identity"})
        for attempt in range(_N_ATTEMPTS):
            if attempt:
                time.sleep(backoff_s * 2 ** (attempt - 1))
            try:
                _transfer(session, address, name, part, max_bytes, timeout_s)
                _check_content(part, max_bytes)
            except requests.TooManyRedirects as error:
                raise InputError(f"{address} redirects without end. {by_hand}") from error
            except (requests.ConnectionError, requests.Timeout) as error:
                reason = f"no network, or the server does not answer ({_innermost(error)})"
            except _BrokenTransferError as error:
                reason = str(error)
            except requests.RequestException as error:
                raise InputError(f"{address} cannot be used ({_innermost(error)}). {by_hand}") from error
            else:
                os.replace(part, target)
                _memo_of(part).unlink(missing_ok=True)
                return target
    raise InputError(f"PDB entry {name} could not be downloaded after {_N_ATTEMPTS} attempts: {reason}. {by_hand}")


def _transfer(session: requests.Session, address: str, name: str, part: Path, max_bytes: int, timeout_s: float) -> None:
    """Bring `part` to the full length, from where an earlier attempt left it if the server's file is still the same."""
    validator = _read_validator(part, address)
    have = part.stat().st_size if validator and part.is_file() else 0
    headers = {"Range": f"bytes={have}-", "If-Range": validator} if have and validator else {}
    with session.get(address, headers=headers, stream=True, timeout=timeout_s) as answer:
        if urlsplit(address).scheme == "https" and urlsplit(answer.url).scheme != "https":
            raise InputError(f"{address} redirects to {answer.url}, which is not encrypted; not followed.")
        if answer.status_code in (404, 410):
            raise InputError(f"there is no PDB entry {name} at {address}; check the id, or give a file.")
        if answer.status_code == 416:
            _forget(part)
            raise _BrokenTransferError("the server refused to resume")
        if answer.status_code in _RETRIED_STATUS:
            raise _BrokenTransferError(f"the server answered {answer.status_code} {answer.reason}")
        if answer.status_code not in (200, 206):
            raise InputError(
                f"{address}: the server answered {answer.status_code} {answer.reason}; expected the file. "
                f"Download it yourself and give the file."
            )
        start, total = _extent(answer, have)
        if total is not None and total > max_bytes:
            _forget(part)
            raise InputError(_too_large(address, total, max_bytes))
        if start == 0:
            _write_validator(part, address, answer)
        _receive(answer, part, start, total, max_bytes, address)


def _extent(answer: requests.Response, have: int) -> tuple[int, int | None]:
    """First byte of an answer and the length of the whole file, as far as the server says."""
    if answer.status_code == 206:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
        if not found or int(found[1]) != have:
            raise _BrokenTransferError(
                f"the server resumed at {answer.headers.get('Content-Range')!r}, not at byte {have}"
            )
        return have, None if found[2] == "*" else int(found[2])
    length = answer.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else None


def _receive(
    answer: requests.Response, part: Path, start: int, total: int | None, max_bytes: int, address: str
) -> None:
    written = start
    with open(part, "r+b" if start else "wb") as stream:
        stream.seek(start)
        stream.truncate()
        try:
            # Undecoded: some mirrors call the .gz file a plain file in gzip encoding.
            for chunk in answer.raw.stream(_CHUNK, decode_content=False):
                if written == 0 and not chunk.startswith(b"\x1f\x8b"):
                    raise InputError(
                        f"{address}: expected a gzip file, got {_describe(answer, chunk)}. A proxy or a login page may "
                        f"stand between; download the file yourself and give it."
                    )
                written += len(chunk)
                if written > max_bytes:
                    raise InputError(_too_large(address, written, max_bytes))
                stream.write(chunk)
        except urllib3.exceptions.HTTPError as error:
            raise _BrokenTransferError(f"the connection broke after {written} bytes") from error
        except InputError:
            stream.truncate(0)
            raise
        stream.flush()
        os.fsync(stream.fileno())
    if total is not None and written != total:
        if written > total:
            _forget(part)
        raise _BrokenTransferError(f"{written} bytes arrived, {total} were announced")


def _check_content(part: Path, max_bytes: int) -> None:
    """Read the whole file once: the gzip checksum must hold and the text must be mmCIF."""
    expanded = 0
    try:
        with gzip.open(part, "rb") as stream:
            head = stream.read(_CHUNK)
            chunk = head
            while chunk:
                expanded += len(chunk)
                if expanded > MAX_EXPANDED_RATIO * max_bytes:
                    _forget(part)
                    raise InputError(f"{part.name}: the download expands beyond all measure; refused.")
                chunk = stream.read(1 << 20)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        _forget(part)
        raise _BrokenTransferError(f"the file is damaged ({error})") from error
    if not any(line.startswith(b"data_") for line in head.splitlines()):
        _forget(part)
        raise InputError(f"{part.name.removesuffix('.part')}: the download holds no mmCIF data block; refused.")


def _memo_of(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _read_validator(part: Path, address: str) -> str | None:
    """ETag or date that the partial file was downloaded under, if it came from this address."""
    try:
        memo = json.loads(_memo_of(part).read_text(encoding="utf-8"))
        return memo["validator"] if memo["address"] == address else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_validator(part: Path, address: str, answer: requests.Response) -> None:
    etag = answer.headers.get("ETag", "")
    # A weak ETag may stand for different bytes and is no ground to splice two transfers.
    validator = etag if etag and not etag.startswith("W/") else answer.headers.get("Last-Modified")
    _memo_of(part).write_text(json.dumps({"address": address, "validator": validator}), encoding="utf-8")


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _memo_of(part).unlink(missing_ok=True)


def _too_large(address: str, found: int, allowed: int) -> str:
    return (
        f"{address} is larger than allowed ({found / 1e6:.1f} MB or more, at most {allowed / 1e6:.1f} MB); "
        f"download it yourself and give the file."
    )


def _describe(answer: requests.Response, chunk: bytes) -> str:
    if chunk.lstrip()[:1] == b"<" or "html" in answer.headers.get("Content-Type", ""):
        return "an HTML page"
    return f"something that begins with {chunk[:8]!r}"


def _innermost(error: BaseException) -> str:
    """Shortest useful text of a nested network error."""
    while isinstance(error.__context__, Exception):
        error = error.__context__
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
