"""One attempt to bring a file over HTTP into a partial file, within given terms.

It goes on where an earlier attempt ended if the server's file is still the same, and tells what another attempt may
mend from what it will not. Attempts, checks of the whole file and its place are for :mod:`unfreeze.files.download`.
"""

from __future__ import annotations

import email.utils
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from unfreeze.errors import InputError

__all__ = [
    "CHUNK_BYTES",
    "BrokenTransferError",
    "StoppedError",
    "Terms",
    "forget_part",
    "part_of",
    "read_memo",
    "retry_after_s",
    "stop_if_asked",
    "transfer",
]

CHUNK_BYTES = 1 << 16
RETRIED_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
SPARE_BYTES = 100_000_000
"""Left free on the disk, whatever is downloaded."""


class BrokenTransferError(Exception):
    """Something that another attempt may mend; `wait_s` is how long the server asked to wait."""

    def __init__(self, message: str, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.wait_s = wait_s


@dataclass(frozen=True)
class Terms:
    """What a download must keep to.

    Attributes
    ----------
    name
        Of the thing, for messages: ``PDB entry 1HVR``.
    max_bytes
        Largest file accepted.
    expected_bytes
        Its exact length, where the source publishes it.
    checksums
        Published digests in hexadecimal by the name of the algorithm: ``{"md5": "..."}``.
    checksums_of
        Finds published digests in the headers of the first answer, before any redirection.
    record
        Algorithms whose digests of the file the caller wants to know.
    absent, if_absent
        What to say when the server has no such file, and what the user can do then; the address is put between.
    by_hand
        What the user can do instead.
    accept
        Looks at the first bytes and the headers of an answer; gives what it found instead of the file
        (``an HTML page``), or None if all is well.
    check
        Looks at the whole file before it is moved; raises `BrokenTransferError` for damage in transit, `InputError`
        where another attempt is of no use.
    on_bytes
        Told how many further bytes have arrived; may raise to end the transfer.
    should_stop
        Asked between blocks; True ends the transfer and keeps what there is.
    timeout_s
        Seconds of silence from the server after which an attempt is given up.
    backoff_s
        Seconds to wait before the second attempt; doubled before each further one.
    n_attempts
        Attempts in a row that bring nothing new, before it is given up.
    """

    name: str
    max_bytes: int
    expected_bytes: int | None = None
    checksums: Mapping[str, str] = field(default_factory=dict)
    checksums_of: Callable[[Mapping[str, str]], Mapping[str, str]] | None = None
    record: tuple[str, ...] = ()
    absent: str = "there is no such file"
    if_absent: str = "check the id, or give a file"
    by_hand: str = "Download it yourself and give the file."
    accept: Callable[[bytes, Mapping[str, str]], str | None] | None = None
    check: Callable[[Path], None] | None = None
    on_bytes: Callable[[int], None] | None = None
    should_stop: Callable[[], bool] | None = None
    timeout_s: float = 30.0
    backoff_s: float = 0.5
    n_attempts: int = 4


class StoppedError(InputError):
    """The caller asked to stop; what has arrived is kept."""


def stop_if_asked(terms: Terms) -> None:
    """Raise if the caller wants no more."""
    if terms.should_stop and terms.should_stop():
        raise StoppedError(f"{terms.name}: stopped; what has arrived is kept, and the same command goes on there.")


def part_of(target: Path) -> Path:
    """Where a transfer to `target` is kept while it is under way."""
    return target.with_name(f"{target.name}.part")


def forget_part(part: Path) -> None:
    """Remove what a transfer has left."""
    part.unlink(missing_ok=True)
    _memo_of(part).unlink(missing_ok=True)


def transfer(session: requests.Session, address: str, part: Path, terms: Terms) -> dict[str, str]:
    """Bring `part` to the full length, from where an earlier attempt left it if the server's file is still the same.

    Returns
    -------
    dict
        The headers of the answer; empty if nothing was to be asked.

    Raises
    ------
    BrokenTransferError
        If another attempt may help.
    InputError
        If none will.
    requests.RequestException
        If there is no connection.
    """
    validator = read_memo(part, address).get("validator")
    have = part.stat().st_size if validator and part.is_file() else 0
    if have and have == terms.expected_bytes:
        return {}
    headers = {"Range": f"bytes={have}-", "If-Range": validator} if have and validator else {}
    with session.get(address, headers=headers, stream=True, timeout=terms.timeout_s) as answer:
        if urlsplit(address).scheme == "https" and urlsplit(answer.url).scheme != "https":
            raise InputError(f"{address} redirects to {answer.url}, which is not encrypted; not followed.")
        if answer.status_code in (404, 410):
            raise InputError(f"{terms.absent} at {address}; {terms.if_absent}.")
        if answer.status_code == 416:
            if have and answer.headers.get("Content-Range", "").replace(" ", "") == f"bytes*/{have}":
                return {}  # it was all there
            forget_part(part)
            raise BrokenTransferError("the server refused to resume")
        if answer.status_code in RETRIED_STATUS:
            raise BrokenTransferError(
                f"the server answered {answer.status_code} {answer.reason}", retry_after_s(answer.headers)
            )
        if answer.status_code not in (200, 206):
            raise InputError(
                f"{address}: the server answered {answer.status_code} {answer.reason}; expected the file. "
                f"{terms.by_hand}"
            )
        start, total = _extent(answer, have)
        _check_length(part, start, total, address, terms)
        if start == 0:
            _write_memo(part, address, answer, terms)
        _receive(answer, part, start, total, address, terms)
        return dict(answer.headers)


def retry_after_s(headers: Mapping[str, str]) -> float:
    """Seconds that a server asks to wait, from a number or a date; 0 if it does not say."""
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}", value):
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return 0.0


def _extent(answer: requests.Response, have: int) -> tuple[int, int | None]:
    """First byte of an answer and the length of the whole file, as far as the server says."""
    if answer.status_code == 206:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
        if not found or int(found[1]) != have:
            raise BrokenTransferError(
                f"the server resumed at {answer.headers.get('Content-Range')!r}, not at byte {have}"
            )
        return have, None if found[2] == "*" else int(found[2])
    length = answer.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else None


def _check_length(part: Path, start: int, total: int | None, address: str, terms: Terms) -> None:
    """Refuse what is too large for the terms or for the disk before a byte of it is fetched."""
    if total is not None and total > terms.max_bytes:
        forget_part(part)
        raise InputError(_too_large(address, total, terms))
    if total is not None and terms.expected_bytes is not None and total != terms.expected_bytes:
        forget_part(part)
        raise BrokenTransferError(f"the server announced {total} bytes, {terms.expected_bytes} are published")
    free = shutil.disk_usage(part.parent).free
    if total is not None and total - start > free - SPARE_BYTES:
        raise InputError(
            f"{address}: {(total - start) / 1e6:.0f} MB are to come, but {part.parent} has only {free / 1e6:.0f} MB "
            f"free; make room or choose another folder."
        )


def _receive(answer: requests.Response, part: Path, start: int, total: int | None, address: str, terms: Terms) -> None:
    written = start
    with open(part, "r+b" if start else "wb") as stream:
        stream.seek(start)
        stream.truncate()
        try:
            # Undecoded: some mirrors call the .gz file a plain file in gzip encoding.
            for chunk in answer.raw.stream(CHUNK_BYTES, decode_content=False):
                if written == 0 and terms.accept and (found := terms.accept(chunk, answer.headers)):
                    raise InputError(
                        f"{address}: expected {terms.name}, got {found}. A proxy or a login page may stand between. "
                        f"{terms.by_hand}"
                    )
                written += len(chunk)
                if written > terms.max_bytes:
                    raise InputError(_too_large(address, written, terms))
                stream.write(chunk)
                if terms.on_bytes:
                    terms.on_bytes(len(chunk))
                stop_if_asked(terms)
        except urllib3.exceptions.HTTPError as error:
            raise BrokenTransferError(f"the connection broke after {written} bytes") from error
        except StoppedError:
            raise
        except InputError:
            stream.truncate(0)
            raise
        stream.flush()
        os.fsync(stream.fileno())
    if total is not None and written != total:
        if written > total:
            forget_part(part)
        raise BrokenTransferError(f"{written} bytes arrived, {total} were announced")


def _memo_of(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def read_memo(part: Path, address: str) -> dict[str, Any]:
    """What is known of the server's file that `part` is the beginning of; empty if it came from another address."""
    try:
        memo = json.loads(_memo_of(part).read_text(encoding="utf-8"))
        return memo if memo["address"] == address else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _write_memo(part: Path, address: str, answer: requests.Response, terms: Terms) -> None:
    etag = answer.headers.get("ETag", "")
    # A weak ETag may stand for different bytes and is no ground to splice two transfers.
    validator = etag if etag and not etag.startswith("W/") else answer.headers.get("Last-Modified")
    first = answer.history[0] if answer.history else answer
    published = dict(terms.checksums_of(first.headers)) if terms.checksums_of else {}
    memo = {"address": address, "validator": validator, "checksums": published}
    _memo_of(part).write_text(json.dumps(memo), encoding="utf-8")


def _too_large(address: str, found: int, terms: Terms) -> str:
    return (
        f"{address} is larger than allowed ({found / 1e6:.1f} MB or more, at most {terms.max_bytes / 1e6:.1f} MB). "
        f"{terms.by_hand}"
    )
