"""Files of a Zenodo record: their addresses, lengths, MD5 digests and the licence of the record.

The record is ``/api/records/NUMBER`` (``files``: ``key``, ``size``, ``checksum`` as ``md5:...``;
``metadata.license.id``), a file ``/api/records/NUMBER/files/KEY/content``. Deposits and searches are not dealt with.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from unfreeze.corpus.fetch.remote import Client, RemoteFile, content_of_name, quoted, safe_path
from unfreeze.errors import InputError

__all__ = ["BASE_URL", "zenodo_files"]

BASE_URL = "https://zenodo.org"


def zenodo_files(client: Client, record: str, keys: Sequence[str], *, unpack: bool = False) -> list[RemoteFile]:
    """The named files of a record.

    Parameters
    ----------
    client
        Of Zenodo, or of a mirror with the same addresses.
    record
        Number of the record.
    keys
        Names of files in it; all of them if empty.
    unpack
        Whether archives are unpacked into the destination.

    Raises
    ------
    InputError
        If the record has no such files; the message names those it has.
    """
    url = client.url(f"api/records/{quoted(record)}")
    document, _ = client.json(url, f"Zenodo record {record}")
    items: dict[str, dict[str, Any]] = {}
    files = document.get("files") if isinstance(document, dict) else None
    for item in files if isinstance(files, list) else []:
        name = item.get("key", item.get("filename")) if isinstance(item, dict) else None
        if isinstance(name, str):
            items[str(safe_path(name))] = item
    if not items:
        raise InputError(f"{url}: expected a record with a list of files, found none; the files may be restricted")
    missing = [key for key in keys if key not in items]
    if missing:
        raise InputError(f"{url}: the record has no file {missing[0]!r}; it has {', '.join(sorted(items))}")
    metadata = document.get("metadata", {})
    licence = metadata.get("license", {}) if isinstance(metadata, dict) else {}
    licence = licence.get("id", "") if isinstance(licence, dict) else licence
    return [_file(client, record, key, items[key], str(licence), unpack) for key in (keys or sorted(items))]


def _file(client: Client, record: str, key: str, item: dict[str, Any], licence: str, unpack: bool) -> RemoteFile:
    size = item.get("size", item.get("filesize"))
    found = re.fullmatch(r"(?:(md5|sha1|sha256|sha512):)?([0-9a-fA-F]{32,128})", str(item.get("checksum", "")))
    content = content_of_name(key)
    is_archive = key.lower().endswith((".zip", ".tgz", ".tar.gz"))
    return RemoteFile(
        url=client.url(f"api/records/{quoted(record)}/files/{quoted(key)}/content"),
        path=key,
        n_bytes=size if isinstance(size, int) and size >= 0 else None,
        checksums={found[1] or "md5": found[2].lower()} if found else {},
        content=content,
        unpack_to="" if unpack and is_archive else None,
        licence=licence,
    )
