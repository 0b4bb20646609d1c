"""`Corpus`: a folder of entries, each of them one complex with its trajectories and labels, and an index of them all.

Opening reads ``corpus.json`` and the index; manifests are read entry by entry when they are asked for.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from pydantic import ValidationError

from unfreeze.corpus.schema import CorpusRecord, EntryManifest
from unfreeze.corpus.store.disk import make_folder
from unfreeze.corpus.store.entry import Entry, Files, LocalFiles
from unfreeze.corpus.store.entry_writer import EntryWriter
from unfreeze.corpus.store.index import EntrySummary, Index, IndexView
from unfreeze.corpus.store.sealed import DamagedCorpusError, read_sealed, write_sealed
from unfreeze.errors import InputError
from unfreeze.structure.complex import Complex

__all__ = ["Corpus", "safe_identifier"]

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+ -]{0,63}")
_FOLDERS = ("entries", "splits", "labels", "imports")


class Corpus:
    """A corpus on disk. Make one with :meth:`create`, open one with :meth:`open`.

    Attributes
    ----------
    path
        Its folder.
    record
        Name, and whether it is private.
    files
        Where its files are.
    """

    def __init__(self, path: Path, record: CorpusRecord, index: Index, files: Files | None = None) -> None:
        self.path = path
        self.record = record
        self.files = files or LocalFiles(path)
        self._index = index
        self._view: IndexView | None = None
        self._changed: set[str] = set()

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        *,
        name: str = "",
        private: bool = False,
        alias: str = "",
        description: str = "",
    ) -> Corpus:
        """Make an empty corpus.

        Parameters
        ----------
        path
            A folder that does not exist yet or is empty.
        name
            For people; by default the name of the folder.
        private, alias
            A private corpus is named in exports, model cards and reports by its alias only, which it must have.
        description
            Free words.

        Raises
        ------
        InputError
            If the folder is not empty or cannot be written to, or if a private corpus has no usable alias.
        """
        path = Path(path)
        _check_alias(path, private, alias)
        try:
            if (path / "corpus.json").exists():
                raise InputError(f"{path}: there is a corpus already. Open it, or choose another folder.")
            begun = {"entries", "corpus.copy.json"}
            if path.is_dir() and any(item.name not in begun and item.name[0] != "." for item in path.iterdir()):
                raise InputError(f"{path}: the folder is not empty. Choose a new one for the corpus.")
            path.mkdir(parents=True, exist_ok=True)
            make_folder(path / "entries")
            created = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
            record = CorpusRecord(
                name=name or path.resolve().name,
                private=private,
                alias=alias,
                created=created,
                description=description,
            )
            _write_record(path, record)
        except OSError as error:
            raise InputError(f"{path}: cannot be written to ({error.strerror or error}). Choose another.") from None
        return cls(path, record, Index())

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Corpus:
        """Open a corpus.

        Parameters
        ----------
        path
            Its folder, or the URL of one (``https://``, ``s3://``...), which is read through a local cache.

        Raises
        ------
        InputError
            If there is none, or ``corpus.json`` is damaged.
        """
        if "://" in str(path):
            return import_module("unfreeze.corpus.loader.remote").open_remote(str(path))
        path = Path(path)
        if not (path / "corpus.json").is_file():
            raise InputError(f"{path}: no corpus (there is no corpus.json in it). Make one, or check the path.")
        corpus = cls(path, read_record(path / "corpus.json"), Index.load(path / "index.json"))
        corpus.refresh()
        return corpus

    def __repr__(self) -> str:
        return f"<Corpus {self.public_name!r}: {len(self)} entries>"

    def __len__(self) -> int:
        return len(self.index)

    def __contains__(self, identifier: object) -> bool:
        return isinstance(identifier, str) and identifier in self._fresh().entries

    @property
    def public_name(self) -> str:
        """What others may know it as: the alias of a private corpus, the name of another."""
        return self.record.alias if self.record.private else self.record.name

    @property
    def index(self) -> IndexView:
        """Summaries of all entries, by identifier; no manifest is opened."""
        index = self._fresh()
        if self._view is None:
            self._view = IndexView(index)
        return self._view

    @property
    def identifiers(self) -> tuple[str, ...]:
        """Names of all entries, sorted."""
        return self.index.identifiers

    @property
    def damaged(self) -> Mapping[str, str]:
        """Entries whose manifests cannot be read, and why; they are not in the index."""
        return dict(self._fresh().damaged)

    def summary(self, identifier: str) -> EntrySummary:
        """What the index says of an entry.

        Raises
        ------
        InputError
            If there is no such entry.
        """
        if identifier not in self:
            raise self._missing(identifier)
        return self.index.of(identifier)

    def entry(self, identifier: str) -> Entry:
        """Open an entry as it is now.

        Raises
        ------
        InputError
            If there is no such entry, or its manifest is damaged.
        """
        if not _IDENTIFIER.fullmatch(identifier):
            raise self._missing(identifier)
        try:
            return Entry.read(identifier, self.files)
        except DamagedCorpusError:
            if identifier not in self and identifier not in self._index.damaged:
                raise self._missing(identifier) from None
            raise

    def new_entry(
        self, identifier: str, complex: Complex, *, title: str = "", notes: Iterable[str] = ()
    ) -> EntryWriter:
        """A writer of a new entry, to be used as a context; the entry is there with its first commit.

        Parameters
        ----------
        identifier
            Letters, digits and ``._+-``, 100 at most; see :meth:`free_identifier`.
        complex
            The topology, with the coordinates of the reference.
        title, notes
            For people.

        Raises
        ------
        InputError
            If the name is not possible or taken, or differs from another in upper and lower case only.
        """
        if not _IDENTIFIER.fullmatch(identifier):
            raise InputError(
                f"{identifier!r} cannot be the name of an entry: 1 to 100 letters, digits and ._+- were expected, "
                f"a letter or digit first. Try {safe_identifier(identifier)!r}."
            )
        taken = self._fresh().alike(identifier)
        if taken:
            raise InputError(f"{identifier}: there is an entry {taken} already. Choose another name.")
        manifest = EntryManifest(
            identifier=identifier, title=title, n_atoms=0, n_residues=0, chains=(), sequences=(), topology={},
            notes=tuple(notes),
        )  # fmt: skip
        return EntryWriter(self._local / "entries" / identifier, (manifest, complex), self._changed.add)

    def edit_entry(self, identifier: str) -> EntryWriter:
        """A writer of an entry that is there, to be used as a context.

        Raises
        ------
        InputError
            If there is no such entry.
        """
        if not _IDENTIFIER.fullmatch(identifier):
            raise self._missing(identifier)
        folder = self._local / "entries" / identifier
        if not (folder / "manifest.json").is_file():
            raise self._missing(identifier)
        return EntryWriter(folder, None, self._changed.add)

    def free_identifier(self, wanted: str) -> str:
        """A name for a new entry that is possible and not taken, as close to `wanted` as can be."""
        stem = safe_identifier(wanted)
        name, number = stem, 2
        while self._fresh().alike(name):
            name, number = f"{stem[:94]}-{number}", number + 1
        return name

    def change(
        self,
        *,
        name: str | None = None,
        private: bool | None = None,
        alias: str | None = None,
        description: str | None = None,
    ) -> None:
        """Change what ``corpus.json`` says; what is None stays.

        Raises
        ------
        InputError
            If a private corpus would have no usable alias, or the file cannot be written.
        """
        given = {"name": name, "private": private, "alias": alias, "description": description}
        record = self.record.model_copy(update={key: value for key, value in given.items() if value is not None})
        _check_alias(self._local, record.private, record.alias)
        try:
            _write_record(self._local, record)
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written to ({error.strerror or error}).") from None
        self.record = record

    def refresh(self) -> None:
        """Look for what others wrote, and bring the index up to date on disk where that is possible.

        Raises
        ------
        InputError
            If the folder cannot be read.
        """
        self._changed.clear()
        self._view = None
        try:
            is_new = self._index.refresh(self._local / "entries")
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read ({error.strerror or error}).") from None
        if is_new:
            with suppress(OSError):  # a corpus that may only be read
                self._index.save(self._local / "index.json")

    @property
    def _local(self) -> Path:
        return self.path

    def _fresh(self) -> Index:
        if self._changed:
            changed, self._changed = self._changed, set()
            self._index.refresh(self._local / "entries", changed)
            self._view = None
        return self._index

    def _missing(self, identifier: str) -> InputError:
        few = ", ".join(self.identifiers[:5])
        return InputError(
            f"{self.path}: no entry {identifier!r}; it has {len(self)} entries{': ' + few if few else ''}."
        )


def safe_identifier(text: str) -> str:
    """The text as a name of an entry: everything but letters, digits and ``._+-`` becomes a hyphen."""
    name = re.sub(r"[^A-Za-z0-9._+-]+", "-", text).lstrip("._+-").rstrip(".-")[:100].rstrip(".-")
    return name or "entry"


def read_record(path: Path) -> CorpusRecord:
    """Read ``corpus.json``.

    Raises
    ------
    DamagedCorpusError
        If it is not as it was written, or was written by a later version.
    """
    try:
        return CorpusRecord.model_validate(read_sealed(path, "corpus"))
    except ValidationError as error:
        raise DamagedCorpusError(f"{path}: {error.errors()[0]['msg']}. A later version may have written it.") from None


def _write_record(path: Path, record: CorpusRecord) -> None:
    for file in ("corpus.copy.json", "corpus.json"):  # the copy is for repairs: not to forget what is private
        write_sealed(path / file, "corpus", record.model_dump())


def _check_alias(path: Path, private: bool, alias: str) -> None:
    if private and not alias:
        raise InputError(f"{path}: a private corpus needs an alias, by which others will know it. Give one.")
    if alias and not _ALIAS.fullmatch(alias):
        raise InputError(f"{alias!r} cannot be an alias: 1 to 64 letters, digits, spaces and ._+- were expected.")
