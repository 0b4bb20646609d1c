"""One file over HTTP, with nothing taken on trust: bounded, resumed, checked, and only then moved into its place.

What is under way lies beside the target as ``NAME.part`` with a note of where it came from; a later run goes on there
if the server's file is still the same. What to download, and what is inside, is for the callers.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import requests

import unfreeze
from unfreeze.errors import InputError
from unfreeze.files.transfer import (
    BrokenTransferError,
    StoppedError,
    Terms,
    forget_part,
    part_of,
    read_memo,
    stop_if_asked,
    transfer,
)

__all__ = [
    "BrokenTransferError",
    "Downloaded",
    "Patience",
    "StoppedError",
    "Terms",
    "checksum",
    "download",
    "open_session",
]

N_REDIRECTS = 5


class Patience:
    """A pause that all transfers from one server share: when it asks one of them to wait, all wait.

    Parameters
    ----------
    most_s
        Longest wait that a server may ask for, in seconds.
    """

    def __init__(self, most_s: float = 300.0) -> None:
        self.most_s = most_s
        self._until = 0.0
        self._lock = threading.Lock()

    def ask(self, seconds: float) -> None:
        """Let nobody start before so many seconds are over."""
        with self._lock:
            self._until = max(self._until, time.monotonic() + min(seconds, self.most_s))

    def wait(self, should_stop: Callable[[], bool] | None = None) -> None:
        """Return when the pause is over, or when told to stop."""
        while not (should_stop and should_stop()):
            with self._lock:
                left = self._until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, 0.1))


@dataclass(frozen=True)
class Downloaded:
    """A file that has arrived.

    Attributes
    ----------
    n_bytes
        Its length.
    checksums
        Its digests, of the algorithms that were published or asked for.
    headers
        Of the last answer; empty if an earlier run had brought all of it.
    """

    n_bytes: int
    checksums: dict[str, str]
    headers: dict[str, str]


def open_session() -> requests.Session:
    """A session that says who it is, asks for files as they are, and follows few redirections."""
    session = requests.Session()
    session.max_redirects = N_REDIRECTS
    session.headers.update({"User-Agent": f"unfreeze/{unfreeze.__version__}", "Accept-Encoding": "identity"})
    return session


def download(
    address: str,
    target: Path,
    terms: Terms,
    *,
    session: requests.Session | None = None,
    patience: Patience | None = None,
) -> Downloaded:
    """Bring a file to `target`, whole and checked, or raise.

    Parameters
    ----------
    address
        Where it is.
    target
        Where it goes; the folder exists. Nobody else downloads to it at the same time.
    terms
        What it must keep to.
    session
        One for this thread; a new one by default.
    patience
        The pause shared with other transfers from this server.

    Returns
    -------
    Downloaded
        What is known of it.

    Raises
    ------
    InputError
        If there is no such file, no network, no room, or what arrives is not the file. The message says what to do.
    """
    part = part_of(target)
    patience, backoff = patience or Patience(), Patience()
    reason, failures, best = "", 0, 0
    owned: AbstractContextManager[requests.Session] = open_session() if session is None else nullcontext(session)
    with owned as session:
        while failures < terms.n_attempts:
            if failures:
                backoff.ask(terms.backoff_s * 2 ** (failures - 1))
                backoff.wait(terms.should_stop)
            patience.wait(terms.should_stop)
            stop_if_asked(terms)
            try:
                headers = transfer(session, address, part, terms)
                found = _check_whole(part, address, terms)
            except requests.TooManyRedirects as error:
                raise InputError(f"{address} redirects without end. {terms.by_hand}") from error
            except (requests.ConnectionError, requests.Timeout) as error:
                reason = f"no network, or the server does not answer ({_innermost(error)})"
            except BrokenTransferError as error:
                reason = str(error)
                patience.ask(error.wait_s)
            except requests.RequestException as error:
                raise InputError(f"{address} cannot be used ({_innermost(error)}). {terms.by_hand}") from error
            else:
                n_bytes = part.stat().st_size
                os.replace(part, target)
                forget_part(part)
                return Downloaded(n_bytes, found, headers)
            have = part.stat().st_size if part.is_file() else 0
            failures = 1 if have > best else failures + 1
            best = max(best, have)
    raise InputError(
        f"{terms.name} could not be downloaded after {terms.n_attempts} attempts: {reason}. {terms.by_hand}"
    )


def checksum(path: Path, algorithms: tuple[str, ...] = ("sha256",)) -> dict[str, str]:
    """Digests of a file in hexadecimal, read once.

    Raises
    ------
    InputError
        If an algorithm is not known.
    """
    try:
        digests = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
    except ValueError as error:
        raise InputError(f"{path}: {error}; expected md5, sha1, sha256 or sha512") from None
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            for digest in digests.values():
                digest.update(block)
    return {name: digest.hexdigest() for name, digest in digests.items()}


def _check_whole(part: Path, address: str, terms: Terms) -> dict[str, str]:
    """Length, digests, and what the caller wants to see."""
    length = part.stat().st_size
    if terms.expected_bytes is not None and length != terms.expected_bytes:
        if length > terms.expected_bytes:
            forget_part(part)
        raise BrokenTransferError(f"{length} bytes arrived, {terms.expected_bytes} are published")
    published = {**read_memo(part, address).get("checksums", {}), **terms.checksums}
    wanted = tuple(dict.fromkeys((*published, *terms.record)))
    found = checksum(part, wanted) if wanted else {}
    for name, expected in published.items():
        if found[name] != expected.lower():
            forget_part(part)
            raise BrokenTransferError(f"the file is damaged: its {name} is {found[name]}, {expected} is published")
    if terms.check:
        try:
            terms.check(part)
        except (BrokenTransferError, InputError):
            forget_part(part)
            raise
    return found


def _innermost(error: BaseException) -> str:
    """Shortest useful text of a nested network error."""
    while isinstance(error.__context__, Exception):
        error = error.__context__
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
