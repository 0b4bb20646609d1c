"""A corpus that lies elsewhere, read through a local cache; opened by ``Corpus.open(URL)``.

It can be read like any other, given that its index is up to date; writing, verifying and repairing is done where it
lies.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

from unfreeze.corpus.loader.file_cache import DEFAULT_BYTES, RemoteFiles, cache_folder, shown
from unfreeze.corpus.schema import CorpusRecord
from unfreeze.corpus.store import Corpus, DamagedCorpusError, EntryWriter
from unfreeze.corpus.store.index import Index
from unfreeze.corpus.store.store import read_record
from unfreeze.errors import InputError

__all__ = ["RemoteCorpus", "open_remote"]


class RemoteCorpus(Corpus):
    """A corpus below a URL, for reading.

    Attributes
    ----------
    url
        Where it lies.
    path
        Local folder of what was fetched.
    """

    def __init__(self, url: str, record: CorpusRecord, index: Index, files: RemoteFiles) -> None:
        super().__init__(files.folder, record, index, files)
        self.url = url
        self._remote = files

    def refresh(self) -> None:
        """Fetch the index again, to see what was added."""
        opened = open_remote(self.url, self._remote.folder.parent, self._remote.most_bytes)
        self.record, self.files, self._index = opened.record, opened.files, opened._index
        self._remote = opened._remote
        self._view = None

    @property
    def _local(self) -> NoReturn:
        raise InputError(
            f"{shown(self.url)}: a corpus that lies elsewhere can be read only; write to it where it lies, or copy it."
        )

    def edit_entry(self, identifier: str) -> EntryWriter:
        """Refused: a corpus that lies elsewhere can be read only."""
        return self._local


def open_remote(url: str, folder: Path | None = None, most_bytes: int | None = None) -> RemoteCorpus:
    """Open a corpus by its URL.

    Parameters
    ----------
    url
        In any protocol that fsspec knows.
    folder
        Local cache; ``corpora`` in ``UNFREEZE_CACHE`` or in the platform's cache folder by default.
    most_bytes
        Bound on the cache; ``UNFREEZE_CORPUS_CACHE_BYTES`` or 50 GB by default.

    Raises
    ------
    InputError
        If there is no corpus, it has no index, or it cannot be fetched.
    """
    files = RemoteFiles(url, cache_folder() if folder is None else folder, most_bytes or _bound())
    try:
        record = read_record(files.local("corpus.json"))
    except InputError as error:
        raise InputError(f"{shown(url)}: no corpus can be read there. {error}") from None
    try:
        index = Index.load(files.local("index.json"))
    except InputError as error:
        if isinstance(error, DamagedCorpusError):
            raise
        raise InputError(
            f"{shown(url)}: the corpus has no index, without which it cannot be read from afar. Open it once where it "
            f"lies (`unfreeze corpus list`), which writes index.json. ({error})"
        ) from None
    if index.written_ns == 0:
        raise InputError(f"{shown(url)}: another version of unfreeze wrote the index; open the corpus where it lies.")
    try:
        files.stamps = {name: f"{int(entry[0])}-{int(entry[1])}" for name, entry in index.entries.items()}
    except (TypeError, ValueError, LookupError, AttributeError, OverflowError):
        raise DamagedCorpusError(f"{shown(url)}: its index.json is not one; open the corpus where it lies.") from None
    return RemoteCorpus(url, record, index, files)


def _bound() -> int:
    text = os.environ.get("UNFREEZE_CORPUS_CACHE_BYTES", "")
    try:
        bound = int(float(text)) if text else DEFAULT_BYTES
    except (ValueError, OverflowError):
        bound = 0
    if bound <= 0:
        raise InputError(f"UNFREEZE_CORPUS_CACHE_BYTES is {text!r}; expected a number of bytes such as 5e10.")
    return bound
