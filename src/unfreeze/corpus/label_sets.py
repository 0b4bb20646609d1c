"""Label sets: labels of sequences that have no coordinates in the corpus, as checksummed lines of JSON.

A set is a folder ``labels/NAME`` of a corpus: ``set.json``, sealed, which names every part with its checksum, and parts
``rows-000000.jsonl`` of bounded size. It appears whole or not at all and is not changed afterwards. Labels of a complex
with coordinates are in the manifest of its entry.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from unfreeze.corpus.labels import Label
from unfreeze.corpus.store.disk import write_file
from unfreeze.corpus.store.sealed import DamagedCorpusError, read_sealed, write_sealed
from unfreeze.errors import InputError
from unfreeze.files.atomic import sync_directory

__all__ = ["LabelPart", "LabelRow", "LabelSet", "LabelSetRecord", "label_set_names", "verify_label_sets"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
_RECORD = "set.json"
_PART_BYTES = 2**24
_MOST_ROW_BYTES = 2**23
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class LabelRow(_Model):
    """One sequence and what is known of it.

    Attributes
    ----------
    identifier
        What the source calls it (an accession, ``1A43_A``); unique within a set.
    sequence
        One letter a residue, upper case.
    labels
        At least one.
    """

    identifier: Annotated[str, Field(min_length=1, max_length=200)]
    sequence: Annotated[str, Field(pattern=r"^[A-Z]+$", max_length=1_000_000)]
    labels: Annotated[tuple[Label, ...], Field(min_length=1)]


class LabelPart(_Model):
    """One file of rows."""

    file: Annotated[str, Field(pattern=r"^rows-[0-9]{6}\.jsonl$")]
    n_rows: Annotated[int, Field(gt=0)]
    n_bytes: Annotated[int, Field(gt=0)]
    sha256: Sha256


class LabelSetRecord(_Model):
    """``set.json``.

    Attributes
    ----------
    name
        Of the set, and of its folder.
    dataset, licence, citation, url
        Where it came from.
    source_files
        Base names of the files that were read, with their sha256.
    n_rows
        Of all parts.
    n_labels
        By kind.
    notes
        What was merged, mended or left out, one sentence each.
    """

    schema_version: Literal[1] = 1
    name: str
    dataset: str
    licence: str = "unknown"
    citation: str = ""
    url: str = ""
    source_files: dict[str, Sha256] = {}
    n_rows: int
    n_labels: dict[str, int]
    notes: tuple[str, ...] = ()
    parts: tuple[LabelPart, ...]


@dataclass(frozen=True)
class LabelSet:
    """A set of a corpus.

    Attributes
    ----------
    folder
        ``CORPUS/labels/NAME``.
    record
        What ``set.json`` says.
    """

    folder: Path
    record: LabelSetRecord

    def __len__(self) -> int:
        return self.record.n_rows

    @classmethod
    def open(cls, corpus: Any, name: str) -> LabelSet:
        """Open a set.

        Parameters
        ----------
        corpus
            A corpus or the path of one.
        name
            Of the set.

        Raises
        ------
        InputError
            If there is none of that name, or its record is damaged.
        """
        folder = _labels_folder(corpus) / _checked_name(name)
        if not folder.is_dir():
            there = ", ".join(label_set_names(corpus)) or "none"
            raise InputError(f"{folder.parent.parent}: no label set {name!r}; it has {there}.")
        try:
            record = LabelSetRecord.model_validate(read_sealed(folder / _RECORD, "label_set"))
        except ValidationError as error:
            raise InputError(f"{folder / _RECORD}: not a record of a label set ({_first(error)}).") from None
        return cls(folder, record)

    @classmethod
    def create(
        cls,
        corpus: Any,
        name: str,
        rows: Iterable[LabelRow],
        *,
        dataset: str,
        licence: str = "unknown",
        citation: str = "",
        url: str = "",
        source_files: Mapping[str, str] | None = None,
        notes: Iterable[str] = (),
        replace: bool = False,
    ) -> LabelSet:
        """Write a set; memory stays bounded however many rows there are.

        Parameters
        ----------
        corpus
            A corpus or the path of one.
        name
            Letters, digits and ``._+-``.
        rows
            With identifiers that are unique within the set.
        dataset, licence, citation, url, source_files
            For the record.
        notes
            For the record; read after the rows, so that a generator can tell what happened while they were made.
        replace
            Put it in the place of a set of that name; refused otherwise.

        Raises
        ------
        InputError
            If the name is taken, two rows have one identifier, or there are no rows.
        """
        folder = _labels_folder(corpus) / _checked_name(name)
        if folder.exists() and not replace:
            raise InputError(f"{folder}: there is a label set {name!r} already. Remove it first, or replace it.")
        folder.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=folder.parent))
        try:
            parts, n_labels = _write_parts(building, name, rows)
            record = LabelSetRecord(
                name=name,
                dataset=dataset,
                licence=licence,
                citation=citation,
                url=url,
                source_files=dict(source_files or {}),
                n_rows=sum(part.n_rows for part in parts),
                n_labels=dict(sorted(n_labels.items())),
                notes=tuple(notes),
                parts=tuple(parts),
            )
            write_sealed(building / _RECORD, "label_set", record.model_dump(mode="json"))
            building.chmod(0o755)
            _put(building, folder)
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)
            raise
        return cls(folder, record)

    def rows(self) -> Iterator[LabelRow]:
        """All rows in order; each part is checked before a row of it is given.

        Raises
        ------
        InputError
            If a part is absent or not as it was written.
        """
        for part in self.record.parts:
            for line in _part_lines(self.folder / part.file, part):
                yield LabelRow.model_validate_json(line)

    def verify(self) -> list[str]:
        """Every fault of every file of the set, in words; empty if it is whole."""
        faults = []
        for part in self.record.parts:
            try:
                _part_lines(self.folder / part.file, part)
            except InputError as error:
                faults.append(str(error))
        known = {_RECORD, *(part.file for part in self.record.parts)}
        faults += [
            f"{path}: does not belong to the set" for path in sorted(self.folder.iterdir()) if path.name not in known
        ]
        return faults


def label_set_names(corpus: Any) -> tuple[str, ...]:
    """Names of the label sets of a corpus, sorted; nothing is read."""
    folder = _labels_folder(corpus)
    if not folder.is_dir():
        return ()
    return tuple(sorted(path.name for path in folder.iterdir() if path.is_dir() and _NAME.fullmatch(path.name)))


def verify_label_sets(corpus: Any) -> list[str]:
    """Every fault of every label set of a corpus, in words."""
    faults = []
    for name in label_set_names(corpus):
        try:
            faults += LabelSet.open(corpus, name).verify()
        except InputError as error:
            faults.append(str(error))
    return faults


def _labels_folder(corpus: Any) -> Path:
    return Path(getattr(corpus, "path", corpus)) / "labels"


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise InputError(f"label set {name!r}: letters, digits and . _ + - are expected, a letter or digit first")
    return name


def _write_parts(folder: Path, name: str, rows: Iterable[LabelRow]) -> tuple[list[LabelPart], Counter[str]]:
    parts: list[LabelPart] = []
    n_labels: Counter[str] = Counter()
    seen: set[bytes] = set()
    lines: list[bytes] = []
    size = 0

    def flush() -> None:
        nonlocal size
        if lines:
            data = b"".join(lines)
            part = LabelPart(
                file=f"rows-{len(parts):06d}.jsonl",
                n_rows=len(lines),
                n_bytes=len(data),
                sha256=hashlib.sha256(data).hexdigest(),
            )
            write_file(folder / part.file, [data])
            parts.append(part)
            lines.clear()
            size = 0

    for row in rows:
        key = hashlib.blake2b(row.identifier.encode(), digest_size=16).digest()
        if key in seen:
            raise InputError(f"label set {name}: two rows are called {row.identifier!r}; merge or rename them.")
        seen.add(key)
        line = row.model_dump_json(exclude_defaults=False).encode() + b"\n"
        if len(line) > _MOST_ROW_BYTES:
            raise InputError(f"label set {name}: {row.identifier} has {len(row.labels)} labels; split it into several.")
        if size + len(line) > _PART_BYTES:
            flush()
        lines.append(line)
        size += len(line)
        n_labels.update(label.kind for label in row.labels)
    flush()
    if not parts:
        raise InputError(f"label set {name}: no rows; nothing was written.")
    return parts, n_labels


def _part_lines(path: Path, part: LabelPart) -> list[bytes]:
    """The lines of a part that is exactly as it was written.

    Raises
    ------
    DamagedCorpusError
        If it is not.
    """
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size == part.n_bytes else b""
    except OSError as error:
        raise DamagedCorpusError(f"{path}: cannot be read ({error.strerror or error}).") from None
    if size != part.n_bytes or hashlib.sha256(data).hexdigest() != part.sha256:
        raise DamagedCorpusError(
            f"{path}: not as it was written ({size} bytes, {part.n_bytes} were expected, or the checksum differs). "
            "Copy the file again, or import the set anew."
        )
    return data.splitlines()


def _put(building: Path, folder: Path) -> None:
    """Give the finished folder its name; what was there goes only when the new one stands."""
    sync_directory(building)
    if folder.exists():
        old = Path(tempfile.mkdtemp(prefix=f".{folder.name}.old.", dir=folder.parent))
        os.replace(folder, old / "was")
        os.replace(building, folder)
        shutil.rmtree(old, ignore_errors=True)
    else:
        os.replace(building, folder)
    sync_directory(folder.parent)


def _first(error: ValidationError) -> str:
    found = error.errors()[0]
    return f"{'.'.join(map(str, found['loc']))}: {found['msg']}"
