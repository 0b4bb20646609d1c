"""`verify`: hold every byte of a corpus against the checksum it was written with.

Nothing is changed. Manifests, records and split files carry their own checksum; all other files are named with theirs
in a manifest, and every run of frames has one besides, so that the damage is known to the frame. Mending is done in
:mod:`unfreeze.corpus.store.repair`.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from unfreeze.corpus.schema import EntryManifest, Shard
from unfreeze.corpus.store.columns import column_dtype, column_shape
from unfreeze.corpus.store.disk import file_sha256
from unfreeze.corpus.store.entry import Entry, manifest_of
from unfreeze.corpus.store.sealed import DamagedCorpusError, check_sealed, read_bytes, read_sealed
from unfreeze.corpus.store.store import Corpus, read_record
from unfreeze.errors import InputError

__all__ = ["Fault", "VerifyReport", "bad_blocks", "frame_bytes_of", "is_leftover_name", "shard_faults", "verify"]

_SEALED_FOLDERS = ("splits", "imports")
_CORPUS_FILES = {"corpus.json", "corpus.copy.json", "index.json"}


@dataclass(frozen=True)
class Fault:
    """One file that is not as it was written.

    Attributes
    ----------
    path
        Relative to the corpus.
    kind
        ``changed``, ``missing``, ``size``, ``unreadable``; ``leftover`` for what a writer left behind that was ended,
        which does no harm; ``unchecked`` for a file without a checksum.
    text
        For people.
    entry, trajectory
        Concerned; empty for none.
    frames
        Numbers of the frames of the trajectory that are lost, as first and last of every run.
    """

    path: str
    kind: Literal["changed", "missing", "size", "unreadable", "leftover", "unchecked"]
    text: str
    entry: str = ""
    trajectory: str = ""
    frames: tuple[tuple[int, int], ...] = ()

    @property
    def is_leftover(self) -> bool:
        """Whether it does no harm."""
        return self.kind == "leftover"

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"


@dataclass(frozen=True)
class VerifyReport:
    """What was looked at and found.

    Attributes
    ----------
    faults
        One a file, in the order of the files.
    n_files, n_bytes
        Looked at.
    n_entries, n_frames
        Of which manifests could be read.
    """

    faults: tuple[Fault, ...]
    n_files: int
    n_bytes: int
    n_entries: int
    n_frames: int

    @property
    def is_whole(self) -> bool:
        """Whether every file is as it was written; leftovers of writers that were ended do no harm."""
        return all(fault.is_leftover for fault in self.faults)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"is_whole": self.is_whole}


def verify(
    target: Corpus | Entry | str | os.PathLike[str],
    *,
    entries: tuple[str, ...] | None = None,
    is_quick: bool = False,
    on_progress: Callable[[int, int], None] = lambda n_entries, n_bytes: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> VerifyReport:
    """Check every file of a corpus, or of some of its entries.

    Parameters
    ----------
    target
        A corpus, its folder (which finds damage that would keep it from being opened, too), or one entry.
    entries
        Only these; by default all, and the files of the corpus itself.
    is_quick
        Look at sizes only where shards are concerned.
    on_progress
        Called with the numbers of entries and bytes that are done with.
    should_stop
        Asked after every entry; what was found by then is reported.

    Raises
    ------
    InputError
        If there is no corpus, or no such entry.
    """
    if isinstance(target, Entry):
        folder = target.files.local(f"entries/{target.identifier}/manifest.json").parent
        path, entries = folder.parent.parent, (target.identifier,)
    else:
        path = target.path if isinstance(target, Corpus) else Path(target)
    if not (path / "entries").is_dir():
        raise InputError(f"{path}: no corpus (there is no folder `entries` in it). Check the path.")
    check = _Check(path, is_quick)
    if entries is None:
        check.corpus_files()
    present = sorted(item.name for item in (path / "entries").iterdir() if item.is_dir())
    for name in entries if entries is not None else present:
        if name not in present:
            raise InputError(f"{path}: no entry {name!r}.")
        check.entry(name)
        on_progress(check.n_entries, check.n_bytes)
        if should_stop():
            break
    return VerifyReport(tuple(check.faults), check.n_files, check.n_bytes, check.n_entries, check.n_frames)


class _Check:
    def __init__(self, path: Path, is_quick: bool) -> None:
        self.path = path
        self.is_quick = is_quick
        self.faults: list[Fault] = []
        self.n_files = self.n_bytes = self.n_entries = self.n_frames = 0

    def add(self, path: Path, kind: Any, text: str, **more: Any) -> None:
        self.faults.append(Fault(str(path.relative_to(self.path)), kind, text, **more))

    def count(self, path: Path) -> None:
        self.n_files += 1
        self.n_bytes += path.stat().st_size if path.is_file() else 0

    def sealed(self, path: Path, check: Callable[[Path], Any], **more: Any) -> Any:
        """Check a file that carries its own checksum."""
        self.count(path)
        if not path.is_file():
            self.add(path, "missing", "is not there", **more)
            return None
        try:
            return check(path)
        except DamagedCorpusError as error:
            self.add(path, "changed", _without_path(error, path), **more)
            return None

    def corpus_files(self) -> None:
        for name in ("corpus.json", "corpus.copy.json"):
            self.sealed(self.path / name, read_record)
        if (self.path / "index.json").is_file():
            self.sealed(self.path / "index.json", lambda path: read_sealed(path, "index"))
        for item in sorted(self.path.iterdir()):
            if item.is_file() and item.name not in _CORPUS_FILES and is_leftover_name(item.name):
                self.add(item, "leftover", "was being written when a program was ended")
        for folder in _SEALED_FOLDERS:
            for item in sorted((self.path / folder).glob("*")):
                if item.is_dir():
                    continue
                if is_leftover_name(item.name):
                    self.add(item, "leftover", "was being written when a program was ended")
                else:
                    self.sealed(item, lambda path: check_sealed(read_bytes(path), path))
        self.label_sets()

    def label_sets(self) -> None:
        if not (self.path / "labels").is_dir():
            return
        from unfreeze.corpus.label_sets import LabelSet, label_set_names

        for name in label_set_names(self.path):
            folder = self.path / "labels" / name
            for item in folder.iterdir():
                self.count(item)
            try:
                for text in LabelSet.open(self.path, name).verify():
                    self.add(folder, "changed", text.removeprefix(f"{self.path}/"))
            except (InputError, ValidationError) as error:
                self.add(folder, "changed", _without_path(error, folder / "set.json"))

    def entry(self, name: str) -> None:
        folder = self.path / "entries" / name
        current, copy = folder / "manifest.json", folder / "manifest.copy.json"
        found = {item for item in folder.rglob("*") if item.is_file() and item != folder / ".lock"}
        if not current.is_file() and not copy.is_file():
            for item in sorted(found):
                self.add(item, "leftover", "belongs to an entry that was begun and never committed", entry=name)
            return
        manifest: EntryManifest | None = self.sealed(current, _manifest_of(name), entry=name)
        if copy.is_file():
            other = self.sealed(copy, _manifest_of(name), entry=name)
            if manifest is not None and other is not None and other != manifest:
                self.add(copy, "leftover", "is of an earlier commit: a writer was ended", entry=name)
        else:
            self.add(copy, "leftover", "is not there: a writer was ended before it could write it", entry=name)
        found -= {current, copy}
        self.n_entries += 1
        if manifest is None:
            return
        self.n_frames += manifest.n_frames
        for file, sha256 in manifest.topology.items():
            path = folder / file
            found.discard(path)
            self.count(path)
            if not path.is_file():
                self.add(path, "missing", "is not there", entry=name)
            elif file_sha256(path) != sha256:
                self.add(path, "changed", "its checksum is not the one in the manifest", entry=name)
        for record in manifest.trajectories:
            before = 0
            for shard in record.shards:
                for file, _ in shard.columns.values():
                    found.discard(folder / "shards" / file)
                    self.count(folder / "shards" / file)
                for path, kind, text, runs in shard_faults(folder / "shards", shard, manifest.n_atoms, self.is_quick):
                    frames = tuple((before + first, before + last) for first, last in runs)
                    lost = f" (frames {', '.join(f'{a} to {b}' for a, b in frames)} of {record.name})" if frames else ""
                    self.add(path, kind, text + lost, entry=name, trajectory=record.name, frames=frames)
                before += shard.n_frames
        found -= self.quarantined(folder / "quarantine", name)
        for path in sorted(found):
            self.add(path, "leftover", "is named by no manifest", entry=name)

    def quarantined(self, folder: Path, entry: str) -> set[Path]:
        """Check what a repair took out, as it was then; it is in no use."""
        if not (folder / "reasons.json").is_file():
            return set()
        reasons = self.sealed(folder / "reasons.json", lambda path: read_sealed(path, "quarantine"), entry=entry)
        known = {folder / "reasons.json"}
        for item in reasons or ():
            path = folder / item["file"]
            known.add(path)
            self.count(path)
            if not path.is_file():
                self.add(path, "missing", "was taken out by a repair and is not there any more", entry=entry)
            elif not self.is_quick and file_sha256(path) != item["sha256"]:
                self.add(path, "changed", "was taken out by a repair and has changed since", entry=entry)
        return known if reasons is not None else set(folder.iterdir())


def shard_faults(
    folder: Path, shard: Shard, n_atoms: int, is_quick: bool = False
) -> Iterator[tuple[Path, Literal["changed", "missing", "size"], str, list[tuple[int, int]]]]:
    """Files of a shard that are not as they were written, and the frames (first and last, within the shard) lost.

    Parameters
    ----------
    folder
        Of the shards.
    shard
        As the manifest has it.
    n_atoms
        Of the entry.
    is_quick
        Look at sizes only.
    """
    for column, (name, sha256) in shard.columns.items():
        path = folder / name
        frame = frame_bytes_of(column, shard, n_atoms)
        size = frame * shard.n_frames
        if not path.is_file():
            yield path, "missing", "is not there", [(0, shard.n_frames - 1)]
            continue
        found = path.stat().st_size
        if found == size and (is_quick or file_sha256(path) == sha256):
            continue
        bad = bad_blocks(path, column, shard, frame)
        if found != size:
            yield path, "size", f"{found} bytes, {size} were expected", bad
        else:
            yield path, "changed", "its checksum is not the one in the manifest", bad


def bad_blocks(path: Path, column: str, shard: Shard, frame_bytes: int) -> list[tuple[int, int]]:
    """Runs of frames (first and last) of which the checksum does not fit, or which are not there."""
    length = shard.block_frames or shard.n_frames
    sums = shard.blocks.get(column, ())
    bad: list[tuple[int, int]] = []
    with path.open("rb") as stream:
        for number, first in enumerate(range(0, shard.n_frames, length)):
            last = min(first + length, shard.n_frames) - 1
            data = stream.read((last - first + 1) * frame_bytes)
            whole = len(data) == (last - first + 1) * frame_bytes
            if whole and number < len(sums) and zlib.crc32(data) == sums[number]:
                continue
            if bad and bad[-1][1] == first - 1:
                bad[-1] = (bad[-1][0], last)
            else:
                bad.append((first, last))
    return bad


def is_leftover_name(name: str) -> bool:
    """Whether a file is one that a writer renames when it is done."""
    return name.startswith(".") and name != ".lock"


def frame_bytes_of(column: str, shard: Shard, n_atoms: int) -> int:
    """Bytes of one frame of a column."""
    shape = column_shape(column, n_atoms, shard.n_energies)
    count = 1
    for edge in shape:
        count *= edge
    return count * column_dtype(column, shard.coordinate_unit_nm).itemsize


def _manifest_of(name: str) -> Callable[[Path], EntryManifest]:
    def check(path: Path) -> EntryManifest:
        manifest = manifest_of(read_bytes(path), path)
        if manifest.identifier != name:
            raise DamagedCorpusError(f"{path}: it is the manifest of {manifest.identifier}.")
        return manifest

    return check


def _without_path(error: Exception, path: Path) -> str:
    return str(error).removeprefix(f"{path}: ")
