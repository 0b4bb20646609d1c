"""`EntryWriter`: the one writer of an entry, which makes a new manifest with every commit.

Files that a commit names are whole and on the disk before the manifest that names them is renamed into place. What a
crash leaves behind is named by no manifest, and goes when the entry is next written to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import ValidationError

from unfreeze.corpus.labels import Label
from unfreeze.corpus.schema import EntryManifest, Shard, TrajectoryRecord
from unfreeze.corpus.store.disk import make_folder, raw, remove_file, replace_file, sync_directory, write_file
from unfreeze.corpus.store.entry import manifest_of
from unfreeze.corpus.store.lock import lock_entry
from unfreeze.corpus.store.sealed import read_bytes, seal_text
from unfreeze.corpus.store.topology_file import read_topology_npz, topology_files
from unfreeze.corpus.store.trajectory_writer import TrajectoryWriter
from unfreeze.errors import InputError
from unfreeze.structure.complex import Complex
from unfreeze.structure.similarity.sequences import chain_sequences

__all__ = ["EntryWriter"]


class EntryWriter:
    """Writes to one entry while it is entered as a context; made by a :class:`Corpus`.

    Leaving the context commits what trajectories have buffered; leaving it with an error drops that, and keeps what
    was committed before.

    Attributes
    ----------
    identifier, folder
        Of the entry.
    manifest
        As last committed; of a new entry, as it will be.
    """

    def __init__(
        self,
        folder: Path,
        new: tuple[EntryManifest, Complex] | None = None,
        on_commit: Callable[[str], None] = lambda identifier: None,
    ) -> None:
        self.folder = folder
        self.identifier = folder.name
        self.manifest: EntryManifest
        self._new = new
        self._is_visible = False
        self._complex: Complex | None = None if new is None else new[1]
        self._on_commit = on_commit
        self._writers: dict[str, TrajectoryWriter] = {}
        self._stack = ExitStack()
        self._next_shard = 0
        self._executor: ThreadPoolExecutor | None = None

    def __enter__(self) -> Self:
        path = self.folder / "manifest.json"
        if self._new is None and not path.is_file():
            raise InputError(f"{self.folder}: no such entry; make it with new_entry.")
        try:
            if self._new is not None:
                make_folder(self.folder)
            self._stack.enter_context(lock_entry(self.folder))
            if self._new is None:
                self.manifest = manifest_of(read_bytes(path), path)
                self._is_visible = True
                self._next_shard = self._free_number()
                self._remove_strays()
            else:
                if path.exists():
                    raise InputError(f"{self.identifier}: {self.folder.parent.parent} has such an entry already.")
                self._begin(*self._new)
        except OSError as error:
            self._stack.close()
            raise self._unwritable(error) from None
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stack:
            if kind is None:
                for writer in list(self._writers.values()):
                    writer.commit()
                if not self._is_visible:
                    self._commit(self.manifest)

    @property
    def complex(self) -> Complex:
        """The topology."""
        if self._complex is None:
            path = self.folder / "topology.npz"
            self._complex = read_topology_npz(path, self.manifest.topology.get(path.name))
        return self._complex

    def begin_trajectory(self, record: TrajectoryRecord) -> TrajectoryWriter:
        """Begin a trajectory, or go on with one of this name that is not complete.

        Parameters
        ----------
        record
            Without shards. Of a trajectory that is gone on with, it must have the conditions.

        Raises
        ------
        InputError
            If there is a complete one of this name, or one in other conditions.
        """
        name = record.name
        if record.shards:
            raise ValueError("the record of a new trajectory has no shards yet")
        found = self.trajectory(name)
        if found is not None and found.is_complete:
            raise InputError(f"{self.identifier}: the trajectory {name!r} is complete; give another name.")
        if found is not None and found.conditions != record.conditions:
            raise InputError(
                f"{self.identifier}: the trajectory {name!r} was begun in other conditions "
                f"({found.conditions.model_dump(exclude_defaults=True)}); give another name."
            )
        if name in self._writers:
            raise ValueError(f"{name!r} is being written already")
        begun = record.model_copy(update={"is_complete": False, "shards": () if found is None else found.shards})
        self._writers[name] = TrajectoryWriter(self, begun)
        return self._writers[name]

    def trajectory(self, name: str) -> TrajectoryRecord | None:
        """What was committed of a trajectory; None if nothing was."""
        return next((item for item in self.manifest.trajectories if item.name == name), None)

    def update_trajectory(self, name: str, **changes: Any) -> None:
        """Change facts of a trajectory (not its shards) and commit.

        Raises
        ------
        InputError
            If there is none of this name, or a fact is not possible.
        """
        record = self.trajectory(name)
        if record is None:
            raise InputError(f"{self.identifier}: no trajectory {name!r}.")
        if "shards" in changes or changes.get("name", name) != name:
            raise ValueError("neither shards nor name of a trajectory can be changed")
        self._put(_changed(record, changes))

    def drop_trajectory(self, name: str) -> None:
        """Take a trajectory out of the entry and remove its files; nothing happens if there is none of this name."""
        writer = self._writers.pop(name, None)
        dropped = [] if writer is None else writer._abandon()
        record = self.trajectory(name)
        if record is not None:
            kept = tuple(item for item in self.manifest.trajectories if item.name != name)
            self._commit(self.manifest.model_copy(update={"trajectories": kept}))
            dropped += record.shards
        for shard in dropped:
            for file, _ in shard.columns.values():
                remove_file(self.folder / "shards" / file)

    def set_labels(self, labels: Iterable[Label]) -> None:
        """Replace all labels and commit."""
        self._commit(_checked(self.manifest.model_copy(update={"labels": tuple(labels)})))

    def add_labels(self, labels: Iterable[Label]) -> None:
        """Add labels and commit; one that is there already is not added again."""
        present = set(self.manifest.labels)
        new = [label for label in dict.fromkeys(labels) if label not in present]
        if new:
            self.set_labels((*self.manifest.labels, *new))

    def set_notes(self, notes: Iterable[str], *, title: str | None = None) -> None:
        """Replace the notes, and the title if one is given, and commit."""
        changes: dict[str, Any] = {"notes": tuple(notes)} | ({} if title is None else {"title": title})
        self._commit(_checked(self.manifest.model_copy(update=changes)))

    def _begin(self, manifest: EntryManifest, complex: Complex) -> None:
        sequences = chain_sequences(complex)
        contents = topology_files(complex)
        self.manifest = _checked(
            manifest.model_copy(
                update={
                    "n_atoms": complex.n_atoms,
                    "n_residues": complex.n_residues,
                    "chains": tuple(item.chain for item in sequences),
                    "sequences": tuple(item.letters for item in sequences),
                    "topology": {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()},
                }
            )
        )
        make_folder(self.folder / "shards")
        self._next_shard = self._free_number()
        for name, data in contents.items():
            write_file(self.folder / name, [data])
        sync_directory(self.folder)
        self._remove_strays()

    def _take_number(self) -> int:
        self._next_shard += 1
        return self._next_shard - 1

    def _put(self, record: TrajectoryRecord) -> None:
        """Commit a trajectory."""
        names = [item.name for item in self.manifest.trajectories]
        records = list(self.manifest.trajectories)
        if record.name in names:
            records[names.index(record.name)] = record
        else:
            records.append(record)
        self._commit(self.manifest.model_copy(update={"trajectories": tuple(records)}))

    def _commit(self, manifest: EntryManifest) -> None:
        manifest = manifest.model_copy(update={"next_shard": self._next_shard})
        data = seal_text("manifest", manifest.model_dump_json())
        try:
            replace_file(self.folder / "manifest.json", data)
            self.manifest = manifest
            self._is_visible = True
            self._on_commit(self.identifier)
            # until here the copy is that of the commit before; one of the two is whole at any time
            replace_file(self.folder / "manifest.copy.json", data)
        except OSError as error:
            raise self._unwritable(error) from None

    def _free_number(self) -> int:
        """A number that no shard has or had."""
        used = [self.manifest.next_shard - 1]
        used += [shard.number for record in self.manifest.trajectories for shard in record.shards]
        for folder in (self.folder / "shards", self.folder / "quarantine"):
            if folder.is_dir():
                used += [int(path.name[:6]) for path in folder.iterdir() if path.name[:6].isdecimal()]
        return max(used, default=-1) + 1

    def _remove_strays(self) -> None:
        """Remove what a writer left behind that died before its commit."""
        named = {
            file for item in self.manifest.trajectories for shard in item.shards for file, _ in shard.columns.values()
        }
        shards = self.folder / "shards"
        make_folder(shards)
        for path in shards.iterdir():
            if path.name not in named:
                remove_file(path)
        for path in self.folder.glob(".*.new"):
            remove_file(path)

    def _in_background(self, work: Callable[..., Shard], *arguments: Any) -> Future[Shard]:
        """Do some work in the one thread that writes."""
        if self._executor is None:
            self._executor = self._stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="corpus"))
        return self._executor.submit(work, *arguments)

    def _write_columns(self, columns: dict[str, tuple[str, Any]]) -> dict[str, tuple[str, str]]:
        """Write the files of a shard durably: names and checksums by column."""
        written: dict[str, tuple[str, str]] = {}
        try:
            for column, (name, array) in columns.items():
                write_file(self.folder / "shards" / name, [array])
                written[column] = (name, hashlib.sha256(raw(array)).hexdigest())
            sync_directory(self.folder / "shards")
        except OSError as error:
            raise self._unwritable(error) from None
        return written

    def _unwritable(self, error: OSError) -> InputError:
        why = error.strerror or error
        return InputError(f"{self.folder}: cannot be written to ({why}). What was committed is whole; try again.")


def _changed(record: TrajectoryRecord, changes: dict[str, Any]) -> TrajectoryRecord:
    try:
        values = {name: getattr(record, name) for name in TrajectoryRecord.model_fields} | changes
        shards: tuple[Shard, ...] = values.pop("shards")
        return TrajectoryRecord(**values).model_copy(update={"shards": shards})
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"{record.name}: {'.'.join(map(str, first['loc']))}: {first['msg']}.") from None


def _checked(manifest: EntryManifest) -> EntryManifest:
    """The same, after the checks that copies are made without."""
    return EntryManifest.model_validate(manifest.model_dump())
