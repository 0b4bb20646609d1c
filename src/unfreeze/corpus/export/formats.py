"""What the writers of all formats share: the job of one entry, names of files, and frames in bounded pieces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.privacy import PublicView
from unfreeze.corpus.schema import EntryManifest, TrajectoryRecord
from unfreeze.corpus.store import Entry, TrajectoryView, safe_identifier
from unfreeze.errors import InputError
from unfreeze.structure.complex import Complex

__all__ = ["BLOCK_BYTES", "EntryJob", "Frames", "TrajectoryJob", "file_names"]

BLOCK_BYTES = 32_000_000
"""Coordinates held at once."""


@dataclass(frozen=True)
class Frames:
    """Consecutive frames to write: coordinates in nm, times in ps, and the further columns that there are."""

    coordinates_nm: NDArray[np.float32]
    times_ps: NDArray[np.float64] | None
    columns: dict[str, NDArray[Any]]


@dataclass(frozen=True)
class TrajectoryJob:
    """A trajectory to write.

    Attributes
    ----------
    view, record
        What is written.
    name
        As others may see it.
    stem
        The same as part of a name of a file, unique within the entry.
    shown
        What may be told of it.
    stride
        Every which frame.
    """

    view: TrajectoryView
    record: TrajectoryRecord
    name: str
    stem: str
    shown: dict[str, Any]
    stride: int

    @property
    def n_frames(self) -> int:
        """Frames that will be written."""
        return -(-self.view.n_frames // self.stride)

    @property
    def columns(self) -> tuple[str, ...]:
        """Further columns that every frame has."""
        return tuple(name for name in self.view.columns if name in ("forces", "energies", "box", "weights"))

    @property
    def time_step_ps(self) -> float | None:
        """Between the frames as they are written; None without an even clock."""
        step = self.record.time_step_ps
        return None if step is None else step * self.stride

    def blocks(self) -> Iterator[Frames]:
        """All frames, in order, where they were in the source."""
        per_block = max(1, BLOCK_BYTES // (12 * max(1, self.view.n_atoms)))
        times = self.view.times_ps
        for start in range(0, self.view.n_frames, per_block * self.stride):
            rows = slice(start, min(start + per_block * self.stride, self.view.n_frames), self.stride)
            columns = {}
            for name in self.columns:
                read = self.view.column(name)
                if read is not None:
                    columns[name] = read(rows)
            frames = self.view.frames(rows, centred=False)
            yield Frames(np.ascontiguousarray(frames, np.float32), None if times is None else times[rows], columns)


@dataclass(frozen=True)
class EntryJob:
    """An entry to write: what others may see of it.

    Attributes
    ----------
    name
        Of the entry, and of its files.
    complex
        The topology.
    shown
        What may be told of the entry, without trajectories.
    trajectories
        In the order of the manifest.
    """

    name: str
    complex: Complex
    shown: dict[str, Any]
    trajectories: tuple[TrajectoryJob, ...]

    @classmethod
    def of(cls, entry: Entry, public: PublicView, stride: int) -> EntryJob:
        """The job of an entry.

        Raises
        ------
        InputError
            If a trajectory is not complete: what is exported does not change any more.
        """
        manifest: EntryManifest = entry.manifest
        names = public.trajectory_names(manifest)
        stems = file_names(list(names.values()))
        jobs = []
        for record in manifest.trajectories:
            if not record.is_complete:
                raise InputError(
                    f"{public.entry_name(entry.identifier)}/{names[record.name]}: the import of this trajectory was "
                    f"not finished; run it again, or leave the entry out."
                )
            name = names[record.name]
            shown = public.trajectory(record, name)
            view = entry.trajectory(record.name)
            jobs.append(TrajectoryJob(view, record, name, stems[name], shown, stride))
        return cls(
            public.entry_name(entry.identifier), public.complex(entry.complex), public.entry(manifest), tuple(jobs)
        )

    def described(self, trajectories: list[dict[str, Any]]) -> dict[str, Any]:
        """The record of the entry as plain data, with what the writer says of each trajectory."""
        return {"schema_version": 1, **self.shown, "trajectories": trajectories}


def file_names(names: list[str]) -> dict[str, str]:
    """A name of a file for every name, without folders, and unique also where case does not count."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        stem = base = safe_identifier(name)
        number = 2
        while stem.casefold() in taken:
            stem, number = f"{base}-{number}", number + 1
        taken.add(stem.casefold())
        found[name] = stem
    return found
