"""A file of a set as it lies on a server, what its first bytes must look like, and small answers such as listings.

What servers say (names, lengths, digests) is used only after it was checked: names become paths inside the destination
or are refused, and addresses that they give are never followed; addresses come from the templates of the set.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, urlencode

from unfreeze.errors import InputError
from unfreeze.files.download import Patience, Terms, download, open_session

__all__ = ["CONTENTS", "Client", "RemoteFile", "accept", "content_of_name", "quoted", "safe_path"]

LISTING_BYTES = 64_000_000
"""Largest listing or record that is read."""

CONTENTS: dict[str, tuple[bytes, ...]] = {
    "zip": (b"PK\x03\x04", b"PK\x05\x06"),
    "gzip": (b"\x1f\x8b",),
    "hdf5": (b"\x89HDF\r\n\x1a\n",),
    "xtc": (b"\x00\x00\x07\xcb", b"\x00\x00\x07\xe7"),
    "npy": (b"\x93NUMPY",),
    "json": (b"{", b"["),
    "pdb": (),
    "text": (),
    "any": (),
}
"""What files of each kind begin with; nothing for those that have no such mark."""

_KINDS = {
    ".zip": "zip",
    ".npz": "zip",
    ".gz": "gzip",
    ".tgz": "gzip",
    ".h5": "hdf5",
    ".hdf5": "hdf5",
    ".xtc": "xtc",
    ".npy": "npy",
    ".json": "json",
    ".pdb": "pdb",
    ".txt": "text",
    ".csv": "text",
    ".tsv": "text",
    ".md": "text",
}
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


@dataclass(frozen=True)
class RemoteFile:
    """One file to fetch.

    Attributes
    ----------
    url
        Its address.
    path
        Where it goes, relative to the destination, with ``/`` between folders.
    identifier
        Of the entry of the set that it belongs to; empty for files of the whole set.
    n_bytes, checksums
        As published; None and empty where they are not.
    content
        A key of :data:`CONTENTS`.
    unpack_to
        Folder, relative to the destination, that an archive is unpacked into; None for files that stay as they are.
    licence
        Of this file, where it is told with the listing.
    join
        Path of the file that this one is a piece of; pieces are put together in their order.
    """

    url: str
    path: str
    identifier: str = ""
    n_bytes: int | None = None
    checksums: Mapping[str, str] = field(default_factory=dict)
    content: str = "any"
    unpack_to: str | None = None
    licence: str = ""
    join: str | None = None


def safe_path(name: str) -> PurePosixPath:
    """A name from outside as a path that stays inside the folder it is joined to.

    Raises
    ------
    InputError
        If it is absolute, climbs, or has characters or lengths that some system does not take.
    """
    parts = name.split("/")
    bad = (
        not name
        or "\\" in name
        or ":" in name
        or len(name.encode("utf-8", "replace")) > 1000
        or any(part in ("", ".", "..") or len(part.encode("utf-8", "replace")) > 255 for part in parts)
        or any(part != part.strip() or part.endswith(".") or _RESERVED.fullmatch(part) for part in parts)
        or any(ord(letter) < 32 or ord(letter) == 127 for letter in name)
    )
    if bad:
        raise InputError(f"the name {name!r} is no path inside a folder; refused")
    return PurePosixPath(name)


def quoted(name: str) -> str:
    """A path as it stands in an address."""
    return quote(name, safe="/-._~+")


def content_of_name(name: str) -> str:
    """Kind of a file by the ending of its name: a key of :data:`CONTENTS`."""
    return _KINDS.get(PurePosixPath(name.lower()).suffix, "any")


def accept(content: str) -> Callable[[bytes, Mapping[str, str]], str | None]:
    """A look at the beginning of an answer: what it is instead of `content`, or None.

    Pages of HTML (log-ins, errors with status 200) are refused for every kind, and messages in JSON for all but JSON.
    """
    marks = CONTENTS[content]

    def look(head: bytes, headers: Mapping[str, str]) -> str | None:
        kind = headers.get("Content-Type", "").lower()
        start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:15].lower()
        if start.startswith((b"<!doctype html", b"<html", b"<head")) or kind.startswith("text/html"):
            return "an HTML page"
        if content == "json":
            return None if start[:1] in (b"{", b"[") else f"something that begins with {head[:8]!r}"
        if kind.startswith("application/json"):
            return f"a message in JSON: {head[:120]!r}"
        if content == "pdb" and start[:1] in (b"<", b"{"):
            return f"something that begins with {head[:8]!r}"
        # a first piece may be shorter than the mark
        if marks and not any(head.startswith(mark) or (head and mark.startswith(head)) for mark in marks):
            return f"something that begins with {head[:8]!r}"
        return None

    return look


class Client:
    """Fetches listings and records: small, whole, never kept.

    Parameters
    ----------
    base_url
        What addresses begin with.
    timeout_s, backoff_s
        As in :class:`unfreeze.files.download.Terms`.
    patience
        The pause shared with the downloads.
    should_stop
        Asked now and then.
    """

    def __init__(
        self,
        base_url: str,
        *,
        timeout_s: float = 30.0,
        backoff_s: float = 0.5,
        patience: Patience | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.timeout_s = timeout_s
        self.backoff_s = backoff_s
        self.patience = patience or Patience()
        self.should_stop = should_stop

    def url(self, path: str, **parameters: str | int) -> str:
        """Address of a path below the base, with a query."""
        return f"{self.base_url}/{path.lstrip('/')}" + (f"?{urlencode(parameters)}" if parameters else "")

    def read(self, url: str, name: str, *, content: str = "any") -> tuple[bytes, dict[str, str]]:
        """An answer and its headers.

        Raises
        ------
        InputError
            If it does not come, or is not what was expected.
        """
        terms = Terms(
            name=name,
            max_bytes=LISTING_BYTES,
            absent=f"there is no {name}",
            if_absent="check the id, and the options of the set",
            by_hand="Check the address (--url) and the id in a browser.",
            accept=accept(content),
            should_stop=self.should_stop,
            timeout_s=self.timeout_s,
            backoff_s=self.backoff_s,
        )
        with tempfile.TemporaryDirectory(prefix="unfreeze-") as folder, open_session() as session:
            target = Path(folder) / "answer"
            got = download(url, target, terms, session=session, patience=self.patience)
            return target.read_bytes(), got.headers

    def json(self, url: str, name: str) -> tuple[Any, dict[str, str]]:
        """An answer in JSON and its headers.

        Raises
        ------
        InputError
            If it does not come, or is not JSON.
        """
        text, headers = self.read(url, name, content="json")
        try:
            return json.loads(text), headers
        except (ValueError, RecursionError) as error:
            raise InputError(f"{url}: expected {name} in JSON, but it cannot be read ({error})") from None
