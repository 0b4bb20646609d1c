"""The index of a corpus: a summary of every entry in one file, so that opening reads only manifests that changed."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import time_ns
from typing import Any, NamedTuple, overload

from unfreeze.corpus.schema import Conditions, EntryManifest
from unfreeze.corpus.store.entry import manifest_of
from unfreeze.corpus.store.sealed import DamagedCorpusError, read_bytes, read_sealed, write_sealed

__all__ = ["EntrySummary", "Index", "IndexView", "TrajectorySummary"]

_VERSION = 1
_RACY_NS = 2_000_000_000  # a manifest as young as this may have been written twice without a change of its time


class TrajectorySummary(NamedTuple):
    """What the index says of a trajectory."""

    name: str
    conditions: Conditions
    n_frames: int
    time_step_ps: float | None
    dataset: str
    licence: str
    is_complete: bool = True


@dataclass(frozen=True)
class EntrySummary:
    """What the index says of an entry.

    Attributes
    ----------
    chains, sequences
        Author names and one-letter sequences of the polymer chains.
    trajectories
        One summary each.
    n_labels
        Number of labels by kind.
    """

    identifier: str
    title: str
    n_atoms: int
    n_residues: int
    chains: tuple[str, ...]
    sequences: tuple[str, ...]
    trajectories: tuple[TrajectorySummary, ...]
    n_labels: Mapping[str, int]

    @property
    def n_frames(self) -> int:
        """Frames of all trajectories."""
        return sum(trajectory.n_frames for trajectory in self.trajectories)


class Index:
    """Summaries by identifier, and the state of the manifests that they were made from."""

    def __init__(self) -> None:
        self.written_ns = 0
        self.entries: dict[str, list[Any]] = {}  # identifier: [mtime_ns, size, packed summary]
        self.damaged: dict[str, str] = {}
        self._folded: dict[str, str] | None = None
        self._conditions: dict[str, Conditions] = {}

    @classmethod
    def load(cls, path: Path) -> Index:
        """Read an index; an empty one if there is none, or if it is not as it was written."""
        index = cls()
        try:
            document = read_sealed(path, "index")
            if document["version"] == _VERSION:
                index.entries, index.written_ns = document["entries"], document["written_ns"]
        except (DamagedCorpusError, ValueError, KeyError, TypeError):
            pass
        return index

    def save(self, path: Path) -> None:
        """Write the index."""
        self.written_ns = time_ns()
        document = {"version": _VERSION, "written_ns": self.written_ns, "entries": self.entries}
        write_sealed(path, "index", document)

    def refresh(self, folder: Path, only: Iterable[str] | None = None) -> bool:
        """Read the manifests that changed since; whether there were any.

        Parameters
        ----------
        folder
            The folder of entries.
        only
            Entries to look at, by default all.
        """
        found = set(_folders(folder)) if only is None else set(only)
        changed = False
        for identifier in [name for name in self.entries if only is None and name not in found]:
            del self.entries[identifier]
            changed = True
        if only is None:
            self.damaged = {}
        for identifier in found:
            path = folder / identifier / "manifest.json"
            known = self.entries.get(identifier)
            try:
                state = os.stat(path)
            except OSError:
                if (folder / identifier / "manifest.copy.json").exists():
                    self.damaged[identifier] = f"{path}: is not there. Run `unfreeze corpus repair`."
                changed |= self.entries.pop(identifier, None) is not None
                continue
            stamp = [state.st_mtime_ns, state.st_size]
            if known is not None and known[:2] == stamp and state.st_mtime_ns < self.written_ns - _RACY_NS:
                continue
            try:
                manifest = manifest_of(read_bytes(path), path)
                if manifest.identifier != identifier:
                    raise DamagedCorpusError(f"{path}: the manifest of {manifest.identifier}, not of {identifier}.")
            except DamagedCorpusError as error:
                self.damaged[identifier] = str(error)
                changed |= self.entries.pop(identifier, None) is not None
                continue
            self.damaged.pop(identifier, None)
            entry = [*stamp, _packed(manifest)]
            changed |= entry != known or state.st_mtime_ns >= self.written_ns - _RACY_NS
            self.entries[identifier] = entry
            if self._folded is not None:
                self._folded[identifier.casefold()] = identifier
        return changed

    def alike(self, identifier: str) -> str:
        """Name of an entry that differs in upper and lower case at most; empty if there is none."""
        if self._folded is None:
            self._folded = {name.casefold(): name for name in self.entries}
        name = self._folded.get(identifier.casefold(), "")
        if name in self.entries:
            return name
        return next((name for name in self.damaged if name.casefold() == identifier.casefold()), "")

    def summary(self, identifier: str) -> EntrySummary:
        """Summary of an entry."""
        title, n_atoms, n_residues, chains, sequences, trajectories, n_labels = self.entries[identifier][2]
        return EntrySummary(
            identifier=identifier,
            title=title,
            n_atoms=n_atoms,
            n_residues=n_residues,
            chains=tuple(chains),
            sequences=tuple(sequences),
            trajectories=tuple(
                TrajectorySummary(name, self._condition(conditions), *rest) for name, conditions, *rest in trajectories
            ),
            n_labels=n_labels,
        )

    def _condition(self, text: str) -> Conditions:
        if text not in self._conditions:
            self._conditions[text] = Conditions.model_validate_json(text)
        return self._conditions[text]


class IndexView(Sequence[EntrySummary]):
    """Summaries of all entries, in the order of their identifiers; each is made when it is asked for."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self.identifiers = tuple(sorted(index.entries))
        self._known: dict[str, EntrySummary] = {}

    def __len__(self) -> int:
        return len(self.identifiers)

    @overload
    def __getitem__(self, place: int) -> EntrySummary: ...
    @overload
    def __getitem__(self, place: slice) -> list[EntrySummary]: ...
    def __getitem__(self, place: int | slice) -> EntrySummary | list[EntrySummary]:
        if isinstance(place, slice):
            return [self.of(identifier) for identifier in self.identifiers[place]]
        return self.of(self.identifiers[place])

    def __iter__(self) -> Iterator[EntrySummary]:
        return map(self.of, self.identifiers)

    def of(self, identifier: str) -> EntrySummary:
        """Summary of the entry of this name; KeyError if there is none."""
        if identifier not in self._known:
            self._known[identifier] = self._index.summary(identifier)
        return self._known[identifier]


def _folders(folder: Path) -> Iterator[str]:
    try:
        with os.scandir(folder) as found:
            yield from (item.name for item in found if not item.name.startswith(".") and item.is_dir())
    except FileNotFoundError:
        return


def _packed(manifest: EntryManifest) -> list[Any]:
    return [
        manifest.title,
        manifest.n_atoms,
        manifest.n_residues,
        list(manifest.chains),
        list(manifest.sequences),
        [
            [
                record.name,
                record.conditions.model_dump_json(exclude_defaults=True),
                record.n_frames,
                record.time_step_ps,
                record.source.dataset,
                record.source.licence,
                record.is_complete,
            ]
            for record in manifest.trajectories
        ],
        dict(Counter(label.kind for label in manifest.labels)),
    ]
