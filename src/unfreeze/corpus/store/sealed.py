r"""Sealed JSON: a document with the SHA-256 of its own text, of which not one bit can change unnoticed.

``{"sha256": "<of the text of the document>",\n"<key>": <document>}\n``: whatever is not exactly of this form, spaces
included, is damaged. Manifests, the index, ``corpus.json`` and split files are written so.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from unfreeze.corpus.store.disk import replace_file
from unfreeze.errors import InputError
from unfreeze.files.atomic import plain

__all__ = [
    "KEYS",
    "DamagedCorpusError",
    "check_sealed",
    "read_bytes",
    "read_sealed",
    "seal",
    "seal_text",
    "unseal",
    "unseal_text",
    "write_sealed",
]

KEYS = ("corpus", "import", "index", "label_set", "manifest", "quarantine", "split", "statistics")
"""Kinds of documents."""

_MOST_BYTES = 2**31


class DamagedCorpusError(InputError):
    """A file of a corpus is absent, cut short or not as it was written."""


def seal(key: str, document: Any) -> bytes:
    """JSON of a document under `key`, after its checksum; numbers that are not finite become null."""
    return seal_text(key, json.dumps(plain(document), ensure_ascii=False, allow_nan=False, separators=(",", ":")))


def seal_text(key: str, body: str) -> bytes:
    """The same for a document that is JSON text already."""
    data = body.encode()
    return b'{"sha256": "%s",\n"%s": %s}\n' % (hashlib.sha256(data).hexdigest().encode(), key.encode(), data)


def unseal_text(data: bytes, key: str, path: Path | str) -> str:
    """The text of the document in sealed JSON.

    Raises
    ------
    DamagedCorpusError
        If a single bit is not as it was written.
    """
    start = data.find(b"\n") + 1 + len(key) + 4
    body = data[start:-2]
    expected = b'{"sha256": "%s",\n"%s": %s}\n' % (hashlib.sha256(body).hexdigest().encode(), key.encode(), body)
    if data != expected:
        raise DamagedCorpusError(
            f"{path}: its checksum does not fit: it was changed or damaged after it was written. "
            "Try `unfreeze corpus repair`, or copy the file again."
        )
    return body.decode()


def unseal(data: bytes, key: str, path: Path | str) -> Any:
    """The document in sealed JSON; errors as in :func:`unseal_text`."""
    return json.loads(unseal_text(data, key, path))


def check_sealed(data: bytes, path: Path | str) -> None:
    """Check sealed JSON under any of the keys in use.

    Raises
    ------
    DamagedCorpusError
        If it is not as it was written, or was never sealed.
    """
    line = data[: data.find(b"\n", 0, 200) + 1]
    key = data[len(line) + 1 : len(line) + 41].partition(b'"')[0].decode(errors="replace")
    if key not in KEYS:
        raise DamagedCorpusError(f"{path}: not a file with a checksum of its own: it was changed, or others wrote it.")
    unseal_text(data, key, path)


def write_sealed(path: Path, key: str, document: Any) -> None:
    """Write sealed JSON, whole or not at all and durably."""
    replace_file(path, seal(key, document))


def read_sealed(path: Path, key: str) -> Any:
    """Read sealed JSON.

    Raises
    ------
    DamagedCorpusError
        If it cannot be read or is not as it was written.
    """
    return unseal(read_bytes(path), key, path)


def read_bytes(path: Path) -> bytes:
    """A small file as a whole.

    Raises
    ------
    DamagedCorpusError
        If it is absent, cannot be read, or is of no sensible size.
    """
    try:
        size = path.stat().st_size
        if size > _MOST_BYTES:
            raise DamagedCorpusError(f"{path}: {size} bytes, which no such file has; it is not one of ours.")
        return path.read_bytes()
    except OSError as error:
        raise DamagedCorpusError(f"{path}: cannot be read ({error.strerror or error}).") from None
