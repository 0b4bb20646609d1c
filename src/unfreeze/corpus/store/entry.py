"""`Entry`: one complex of a corpus as a reader sees it, its topology and its committed trajectories.

An entry shows the manifest as it was when the entry was opened; open it again to see what was committed since.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from unfreeze.corpus.labels import Label
from unfreeze.corpus.schema import EntryManifest
from unfreeze.corpus.store.reader import TrajectoryView
from unfreeze.corpus.store.sealed import DamagedCorpusError, read_bytes, unseal_text
from unfreeze.corpus.store.topology_file import read_topology_npz
from unfreeze.errors import InputError
from unfreeze.structure.complex import Complex

__all__ = ["Entry", "Files", "LocalFiles", "manifest_of"]


class Files(Protocol):
    """Where the files of a corpus are; one that is far away is brought near first."""

    def local(self, relative: str, sha256: str | None = None) -> Path:
        """Path of a file on this machine.

        Parameters
        ----------
        relative
            Name within the corpus: ``entries/1abc/manifest.json``.
        sha256
            What the checksum of the file is, where a manifest says so.
        """
        ...


class LocalFiles:
    """Files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def local(self, relative: str, sha256: str | None = None) -> Path:
        """Path of a file of the corpus."""
        return self.folder / relative


class Entry:
    """One complex.

    Attributes
    ----------
    identifier
        Of the entry.
    manifest
        All that was committed.
    files
        Where its files are.
    """

    def __init__(self, identifier: str, manifest: EntryManifest, files: Files) -> None:
        self.identifier = identifier
        self.manifest = manifest
        self.files = files
        self._views: dict[str, TrajectoryView] = {}

    @classmethod
    def read(cls, identifier: str, files: Files) -> Entry:
        """Read the manifest of an entry.

        Raises
        ------
        DamagedCorpusError
            If it is absent or not as it was written.
        """
        path = files.local(f"entries/{identifier}/manifest.json")
        manifest = manifest_of(read_bytes(path), path)
        if manifest.identifier != identifier:
            raise DamagedCorpusError(f"{path}: the manifest of {manifest.identifier}, not of {identifier}.")
        return cls(identifier, manifest, files)

    def __repr__(self) -> str:
        return f"<Entry {self.identifier}: {self.manifest.n_atoms} atoms, {len(self.trajectories)} trajectories>"

    @cached_property
    def complex(self) -> Complex:
        """The topology, with the coordinates of the reference.

        Raises
        ------
        DamagedCorpusError
            If the file is damaged or does not fit the manifest.
        """
        sha256 = self.manifest.topology.get("topology.npz")
        path = self.files.local(f"entries/{self.identifier}/topology.npz", sha256)
        complex = read_topology_npz(path, sha256)
        if complex.n_atoms != self.manifest.n_atoms:
            raise DamagedCorpusError(f"{path}: {complex.n_atoms} atoms; the manifest says {self.manifest.n_atoms}.")
        return complex

    @property
    def trajectories(self) -> tuple[str, ...]:
        """Names of the trajectories, in the order in which they were begun."""
        return tuple(record.name for record in self.manifest.trajectories)

    @property
    def labels(self) -> tuple[Label, ...]:
        """What was measured."""
        return self.manifest.labels

    def trajectory(self, name: str) -> TrajectoryView:
        """The frames of a trajectory.

        Raises
        ------
        InputError
            If there is none of this name.
        """
        if name not in self._views:
            record = next((item for item in self.manifest.trajectories if item.name == name), None)
            if record is None:
                raise InputError(
                    f"{self.identifier}: no trajectory {name!r}; it has {', '.join(self.trajectories) or 'none'}."
                )
            folder = f"entries/{self.identifier}/shards/"
            self._views[name] = TrajectoryView(
                record, self.manifest.n_atoms, lambda file, sha256: self.files.local(folder + file, sha256)
            )
        return self._views[name]


def manifest_of(data: bytes, path: Path) -> EntryManifest:
    """The manifest in the bytes of its file.

    Raises
    ------
    DamagedCorpusError
        If they are not as they were written, or were written by a later version.
    """
    text = unseal_text(data, "manifest", path)
    try:
        manifest = EntryManifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise DamagedCorpusError(
            f"{path}: {where}: {first['msg']}. It may have been written by a later version of unfreeze."
        ) from None
    for record in manifest.trajectories:
        for shard in record.shards:
            for name, _ in shard.columns.values():
                if Path(name).name != name or name in ("", ".", "..") or "\\" in name:
                    raise DamagedCorpusError(f"{path}: {name!r} is no name of a file in the folder of shards.")
    return manifest
