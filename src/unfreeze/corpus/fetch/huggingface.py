"""Files of a data set on the Hugging Face Hub: their addresses, and listings with lengths and digests.

Addresses are ``/datasets/REPOSITORY/resolve/REVISION/PATH`` and listings
``/api/datasets/REPOSITORY/tree/REVISION/FOLDER``, a page of at most 1,000 files with the next page's cursor in the
header ``Link``. Files kept by Git LFS or Xet are listed with their sha256, which the header ``X-Linked-Etag`` of the
redirection carries as well. Everything else of the Hub (accounts, gated sets, commits) is not dealt with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from unfreeze.corpus.fetch.remote import Client, RemoteFile, content_of_name, quoted, safe_path
from unfreeze.errors import InputError

__all__ = ["BASE_URL", "HubFile", "digest_in_header", "hub_files", "hub_url"]

BASE_URL = "https://huggingface.co"
MOST_PAGES = 1000


@dataclass(frozen=True)
class HubFile:
    """A file in a listing: its path in the repository, length in bytes, and sha256 where it is known."""

    path: str
    n_bytes: int | None
    sha256: str | None

    def remote(self, client: Client, repository: str, revision: str, identifier: str, path: str) -> RemoteFile:
        """The same as a file to fetch to `path`."""
        return RemoteFile(
            url=hub_url(client, repository, revision, self.path),
            path=path,
            identifier=identifier,
            n_bytes=self.n_bytes,
            checksums={"sha256": self.sha256} if self.sha256 else {},
            content=content_of_name(path),
        )


def hub_url(client: Client, repository: str, revision: str, path: str) -> str:
    """Address of a file of a data set."""
    return client.url(f"datasets/{repository}/resolve/{quoted(revision)}/{quoted(path)}")


def hub_files(client: Client, repository: str, revision: str, folder: str, *, recursive: bool) -> Iterator[HubFile]:
    """All files below a folder of a data set.

    Raises
    ------
    InputError
        If the listing does not come or is not one.
    """
    address = f"api/datasets/{repository}/tree/{quoted(revision)}/{quoted(folder)}".rstrip("/")
    query: dict[str, str] = {"recursive": "true"} if recursive else {}
    for _ in range(MOST_PAGES):
        url = client.url(address, **query)
        page, headers = client.json(url, f"listing of {repository}")
        if not isinstance(page, list):
            raise InputError(f"{url}: expected a list of files, got {str(page)[:200]!r}")
        for item in page:
            found = _file(item)
            if found is not None:
                yield found
        cursor = _next_cursor(headers)
        if cursor is None:
            return
        query["cursor"] = cursor
    raise InputError(f"{client.base_url}: the listing of {repository} has more than {MOST_PAGES} pages; give ids")


def digest_in_header(headers: Mapping[str, str]) -> dict[str, str]:
    """The sha256 that the Hub gives with the redirection to a large file."""
    tag = headers.get("X-Linked-Etag", "").removeprefix("W/").strip('"')
    return {"sha256": tag} if re.fullmatch(r"[0-9a-f]{64}", tag) else {}


def _file(item: Any) -> HubFile | None:
    if not isinstance(item, dict) or item.get("type") != "file" or not isinstance(item.get("path"), str):
        return None
    path = str(safe_path(item["path"]))
    large = item.get("lfs") if isinstance(item.get("lfs"), dict) else {}
    assert isinstance(large, dict)
    size = large.get("size", item.get("size"))
    digest = str(large.get("oid", "")).removeprefix("sha256:")
    return HubFile(
        path=path,
        n_bytes=size if isinstance(size, int) and size >= 0 else None,
        sha256=digest if re.fullmatch(r"[0-9a-f]{64}", digest) else None,
    )


def _next_cursor(headers: Mapping[str, str]) -> str | None:
    """The cursor of the next page; the address around it is the server's and not used."""
    found = re.search(r'<([^<>]*)>\s*;\s*rel="?next"?', headers.get("Link", ""))
    if not found:
        return None
    return parse_qs(urlsplit(found[1]).query).get("cursor", [None])[0]
