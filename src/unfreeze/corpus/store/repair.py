"""`repair`: make a damaged corpus whole again with what is left of it.

A single flipped bit is put right where a checksum can tell which. Otherwise a manifest is restored from its copy, a
topology from its other file, and of a damaged shard the runs of frames that are whole are kept. What cannot be used is
moved to a folder ``quarantine``, nothing is deleted, and all that is lost is said.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from unfreeze.corpus.schema import CorpusRecord
from unfreeze.corpus.store.disk import make_folder, move, replace_file
from unfreeze.corpus.store.entry import Entry
from unfreeze.corpus.store.flipped_bit import mend_sealed
from unfreeze.corpus.store.index import Index
from unfreeze.corpus.store.lock import BusyError
from unfreeze.corpus.store.repair_entry import EntryRepair
from unfreeze.corpus.store.sealed import DamagedCorpusError, check_sealed, read_bytes, read_sealed, write_sealed
from unfreeze.corpus.store.store import Corpus, read_record
from unfreeze.corpus.store.verify import is_leftover_name, verify
from unfreeze.errors import InputError

__all__ = ["Mending", "RepairReport", "repair"]


@dataclass(frozen=True)
class Mending:
    """One thing that was done.

    Attributes
    ----------
    path
        File or folder, relative to the corpus.
    kind
        ``restored`` without a loss, ``lost`` in part or whole, ``removed`` (leftovers, moved to quarantine), or
        ``left`` as it was, because it is beyond repair or in use.
    text
        For people.
    entry
        Concerned; empty for none.
    n_frames_lost
        That were committed.
    """

    path: str
    kind: Literal["restored", "lost", "removed", "left"]
    text: str
    entry: str = ""
    n_frames_lost: int = 0

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"


@dataclass(frozen=True)
class RepairReport:
    """What a repair did.

    Attributes
    ----------
    done
        In order.
    is_whole
        Whether all of the corpus that is left is as it was written.
    """

    done: tuple[Mending, ...]
    is_whole: bool

    @property
    def n_frames_lost(self) -> int:
        """Of all entries."""
        return sum(item.n_frames_lost for item in self.done)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"n_frames_lost": self.n_frames_lost}


def repair(
    target: Corpus | Entry | str | os.PathLike[str],
    *,
    entries: tuple[str, ...] | None = None,
    on_progress: Callable[[str], None] = lambda entry: None,
) -> RepairReport:
    """Repair a corpus, or some of its entries.

    Parameters
    ----------
    target
        A corpus, its folder (which works where damage keeps it from being opened, too), or one entry.
    entries
        Only these; by default all, and the files of the corpus itself.
    on_progress
        Called with the name of every entry that is begun with.

    Raises
    ------
    InputError
        If there is no corpus or no such entry, or it cannot be written to.
    """
    if isinstance(target, Entry):
        folder = target.files.local(f"entries/{target.identifier}/manifest.json").parent
        path, entries = folder.parent.parent, (target.identifier,)
    else:
        path = target.path if isinstance(target, Corpus) else Path(target)
    found = verify(path, entries=entries)
    done: list[Mending] = []
    try:
        if entries is None:
            _corpus_files(path, done)
        for name in dict.fromkeys(fault.entry for fault in found.faults if fault.entry):
            on_progress(name)
            try:
                done += [
                    Mending(str(item.relative_to(path)), kind, text, name, n_lost)
                    for item, kind, text, n_lost in EntryRepair(path / "entries" / name).run()
                ]
            except BusyError as error:
                done.append(Mending(f"entries/{name}", "left", str(error), name))
    except OSError as error:
        raise InputError(f"{path}: cannot be written to ({error.strerror or error}).") from None
    if done and entries is None:
        index = Index()
        index.refresh(path / "entries")
        index.save(path / "index.json")
    if isinstance(target, Corpus):
        target.refresh()
    present = tuple(name for name in entries or () if (path / "entries" / name).is_dir())
    return RepairReport(tuple(done), verify(path, entries=None if entries is None else present).is_whole)


def _corpus_files(path: Path, done: list[Mending]) -> None:
    _records(path, done)
    if (path / "index.json").is_file():
        try:
            read_sealed(path / "index.json", "index")
        except DamagedCorpusError:
            (path / "index.json").unlink()
            done.append(Mending("index.json", "restored", "made again from the manifests"))
    for folder in ("splits", "imports", "labels"):
        for item in sorted((path / folder).rglob("*")):
            name = str(item.relative_to(path))
            if not item.is_file():
                continue
            if is_leftover_name(item.name):
                _take_out(path, item)
                done.append(Mending(name, "removed", "left over from a program that was ended; now in quarantine"))
            elif item.suffix == ".json":
                _sealed_file(path, item, done)
    for item in sorted(path.iterdir()):
        if item.is_file() and is_leftover_name(item.name):
            _take_out(path, item)
            done.append(Mending(item.name, "removed", "left over from a program that was ended; now in quarantine"))


def _records(path: Path, done: list[Mending]) -> None:
    """``corpus.json`` from its copy, or the other way round; without both, what is safe."""
    names = ("corpus.json", "corpus.copy.json")
    records: dict[str, CorpusRecord | None] = {}
    for name in names:
        try:
            records[name] = read_record(path / name)
        except DamagedCorpusError:
            records[name] = None
    for name, other in (names, names[::-1]):
        record = records[name]
        if record is not None:
            continue
        from_other = records[other]
        if from_other is not None:
            write_sealed(path / name, "corpus", from_other.model_dump())
            done.append(Mending(name, "restored", f"restored from {other}"))
        else:
            record = CorpusRecord(name=path.resolve().name, private=True, alias="private corpus")
            for each in names:
                if (path / each).is_file():
                    _take_out(path, path / each)
                write_sealed(path / each, "corpus", record.model_dump())
            text = (
                "neither it nor its copy could be read: the name is now that of the folder, and the corpus is taken "
                "to be private; change that if it is not"
            )
            done.append(Mending(name, "lost", text))
            return


def _sealed_file(path: Path, item: Path, done: list[Mending]) -> None:
    name = str(item.relative_to(path))
    data = read_bytes(item)
    try:
        check_sealed(data, item)
        return
    except DamagedCorpusError:
        pass
    for key in ("split", "import", "label_set", "statistics"):
        mended = mend_sealed(data, key)
        if mended is not None:
            replace_file(item, mended)
            done.append(Mending(name, "restored", "one bit had flipped; it was put right"))
            return
    if item.parent.parent.name == "labels":
        done.append(Mending(name, "left", "beyond repair; import the label set again"))
        return
    _take_out(path, item)
    again = "make the split again" if item.parent.name == "splits" else "it was a report only"
    done.append(Mending(name, "lost", f"beyond repair and now in quarantine; {again}"))


def _take_out(path: Path, item: Path) -> None:
    """Move a file of the corpus to its folder ``quarantine``, under a name that is free."""
    place = path / "quarantine"
    make_folder(place)
    name, number = item.name, 1
    while (place / name).exists():
        number += 1
        name = f"{item.name}.{number}"
    move(item, place / name)
