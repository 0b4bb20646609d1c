"""`RunStore`: the frames of one run, appended in commits that are whole or absent.

A commit appends to flat column files, writes checkpoint and portable state beside them, flushes all to the disk, and
only then renames a new manifest into place. What a crash leaves behind the last manifest is cut off when the run is
opened again. Nothing here knows molecules or OpenMM.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError, UnfreezeError
from unfreeze.files.atomic import atomic_path, sync_directory, write_atomically, write_json
from unfreeze.simulate.engine.commit import Column, Commit, DamagedManifestError, Manifest, sha256

__all__ = ["DamagedRunError", "RunStore"]

_SUFFIX = {"<f4": "f32", "<f8": "f64", "<i4": "i32", "<i8": "i64"}
_KEPT_CHECKPOINTS = 2
_STRAYS = ("checkpoint-*.chk", "state-*.npz", ".*-checkpoint-*.chk", ".*-state-*.npz", ".manifest*")


class DamagedRunError(UnfreezeError):
    """Files of the run are damaged beyond what can be recovered."""


class RunStore:
    """A run directory.

    Attributes
    ----------
    directory
        The folder.
    manifest
        Its commits; the truth about what is there.
    record
        What decided the run (``run.json``).
    """

    def __init__(self, directory: Path, manifest: Manifest, record: dict[str, Any]) -> None:
        self.directory = directory
        self.manifest = manifest
        self.record = record

    @classmethod
    def create(cls, directory: Path, columns: Mapping[str, Column], record: Mapping[str, Any]) -> RunStore:
        """Make an empty run; ``run.json`` is written first and the manifest last, which makes it one.

        Raises
        ------
        InputError
            If the folder cannot be written to.
        """
        directory = Path(directory)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            write_json(directory / "run.json", dict(record))
            for name, column in columns.items():
                (directory / _file_name(name, column)).write_bytes(b"")
            store = cls(directory, Manifest(dict(columns)), dict(record))
            store._write_manifest(store.manifest)
        except OSError as error:
            raise InputError(f"{directory}: cannot be written to ({error.strerror}); choose another folder") from error
        return store

    @classmethod
    def exists(cls, directory: Path) -> bool:
        """Whether there is a run in this folder."""
        return any((Path(directory) / name).exists() for name in ("manifest.json", "manifest.previous.json"))

    @classmethod
    def open(cls, directory: Path, *, read_only: bool = False) -> RunStore:
        """Open a run; unless `read_only`, cut off what was not committed (the caller holds the lock).

        Raises
        ------
        DamagedRunError
            If neither manifest nor its predecessor can be read, or there is no ``run.json``.
        """
        directory = Path(directory)
        events: list[dict[str, Any]] = []
        try:
            manifest = Manifest.read(directory / "manifest.json")
        except DamagedManifestError as damage:
            try:
                manifest = Manifest.read(directory / "manifest.previous.json")
            except DamagedManifestError as other:
                raise DamagedRunError(f"{directory}: both manifests are unreadable: {damage}; {other}") from None
            events.append(_event("manifest", f"{damage}; the one before it was taken"))
        try:
            record = json.loads((directory / "run.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DamagedRunError(f"{directory / 'run.json'}: cannot be read ({error})") from None
        store = cls(directory, replace(manifest, events=(*manifest.events, *events)), record)
        if not read_only:
            store._recover()
        return store

    @property
    def commits(self) -> tuple[Commit, ...]:
        """All commits, in order."""
        return self.manifest.commits

    @property
    def n_frames(self) -> int:
        """Committed frames."""
        return self.manifest.n_frames

    def path(self, name: str) -> Path:
        """File of a column."""
        return self.directory / _file_name(name, self.manifest.columns[name])

    def read(self, name: str, start: int = 0, stop: int | None = None) -> NDArray[Any]:
        """Committed frames of a column as a read-only memory map: [n_frames, *shape].

        Raises
        ------
        DamagedRunError
            If the file is shorter than the manifest says.
        """
        column = self.manifest.columns[name]
        stop = self.n_frames if stop is None else min(stop, self.n_frames)
        n_frames = max(0, stop - start)
        if n_frames == 0 or column.frame_bytes == 0:
            return np.empty((n_frames, *column.shape), dtype=column.dtype)
        path = self.path(name)
        if not path.is_file() or path.stat().st_size < stop * column.frame_bytes:
            raise DamagedRunError(f"{path}: shorter than the {stop} frames that the manifest lists; copy the run again")
        offset = start * column.frame_bytes
        return np.memmap(path, dtype=column.dtype, mode="r", offset=offset, shape=(n_frames, *column.shape))

    def passed_frames(self) -> NDArray[np.bool_]:
        """Which committed frames passed the checks: [n_frames]."""
        passed = np.zeros(self.n_frames, dtype=bool)
        before = 0
        for commit in self.commits:
            passed[before : commit.n_frames] = commit.passed
            before = commit.n_frames
        return passed

    def commit(
        self,
        frames: Mapping[str, NDArray[Any]],
        *,
        checkpoint: bytes,
        state: Mapping[str, NDArray[Any]],
        **facts: Any,
    ) -> Commit:
        """Append frames and make everything durable.

        Parameters
        ----------
        frames
            One array a column, [n_new, *shape]; none for a segment without frames.
        checkpoint
            What continues the run bit for bit on the same machine.
        state
            What continues it anywhere: plain arrays.
        **facts
            Fields of :class:`Commit` besides those that follow from the data.

        Raises
        ------
        OSError
            If the disk is full or gone; the store is then as it was before.
        """
        number = len(self.commits)
        n_new = self._check_frames(frames)
        sums: dict[str, str] = {}
        names = {f"checkpoint-{number}.chk": checkpoint, f"state-{number}.npz": _npz(state)}
        try:
            for name, column in self.manifest.columns.items():
                block = np.ascontiguousarray(frames.get(name, np.empty((0, *column.shape))), dtype=column.dtype)
                data = block.tobytes()
                sums[name] = sha256(data)
                with open(self.path(name), "r+b") as stream:
                    stream.seek(self.n_frames * column.frame_bytes)
                    stream.truncate()
                    stream.write(data)
                    stream.flush()
                    os.fsync(stream.fileno())
            for name, data in names.items():
                with atomic_path(self.directory / name) as temporary:
                    temporary.write_bytes(data)
            commit = Commit(
                number=number,
                n_frames=self.n_frames + n_new,
                sha256=sums,
                files={name: sha256(data) for name, data in names.items()},
                **facts,
            )
            manifest = replace(self.manifest, commits=(*self.commits, commit))
            self._write_manifest(manifest)
        except (OSError, InputError):
            with suppress(OSError, DamagedManifestError):
                # The rename may have gone well and only its flush to the disk failed.
                self.manifest = Manifest.read(self.directory / "manifest.json")
                self._cut_columns()
                self._remove_strays()
            raise
        self.manifest = manifest
        self._remove_strays()
        return commit

    def note(self, kind: str, text: str) -> None:
        """Remember an event with the next manifest."""
        self.manifest = replace(self.manifest, events=(*self.manifest.events, _event(kind, text)))

    def checkpoint(self) -> bytes | None:
        """Checkpoint of the last commit, or None if it is gone or damaged."""
        return self._file_of_last_commit("checkpoint-")

    def state(self) -> dict[str, NDArray[Any]] | None:
        """Portable state of the last commit, or None if it is gone or damaged."""
        data = self._file_of_last_commit("state-")
        if data is None:
            return None
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}

    def roll_back(self, reason: str) -> None:
        """Take back the last commit; its frames go to ``quarantine/``."""
        last = self.commits[-1]
        before = self.commits[-2].n_frames if len(self.commits) > 1 else 0
        frames: dict[str, NDArray[Any]] = {}
        with suppress(DamagedRunError):
            frames = {name: np.array(self.read(name, before)) for name in self.manifest.columns}
        self.quarantine(f"commit-{last.number}", reason, frames)
        self.manifest = replace(self.manifest, commits=self.commits[:-1])
        self.note("roll back", f"commit {last.number} ({last.stage}): {reason}")
        self._write_manifest(self.manifest)
        self._cut_columns()

    def quarantine(self, name: str, reason: str, frames: Mapping[str, NDArray[Any]]) -> None:
        """Keep data that must not be used, with the reason."""
        folder = self.directory / "quarantine"
        folder.mkdir(exist_ok=True)
        number = sum(1 for _ in folder.glob("*.json"))
        stem = f"{number:04d}-{name}"
        with atomic_path(folder / f"{stem}.npz") as temporary:
            temporary.write_bytes(_npz(frames))
        write_json(folder / f"{stem}.json", {"reason": reason, "at": _now()})

    def verify(self) -> list[str]:
        """Compare every committed byte with its checksum; one sentence for each that does not fit."""
        faults: list[str] = []
        before = 0
        for commit in self.commits:
            for name in self.manifest.columns:
                try:
                    data = np.ascontiguousarray(self.read(name, before, commit.n_frames)).tobytes()
                except DamagedRunError as error:
                    faults.append(str(error))
                    continue
                if sha256(data) != commit.sha256.get(name):
                    faults.append(
                        f"{self.path(name)}: frames {before} to {commit.n_frames - 1} (commit {commit.number}) "
                        "have another checksum than when they were written"
                    )
            before = commit.n_frames
        return faults

    def _check_frames(self, frames: Mapping[str, NDArray[Any]]) -> int:
        counts = {len(block) for block in frames.values()}
        if frames and (len(counts) != 1 or set(frames) != set(self.manifest.columns)):
            raise ValueError(f"expected equally many frames of {', '.join(self.manifest.columns)}")
        for name, block in frames.items():
            if block.shape[1:] != self.manifest.columns[name].shape:
                raise ValueError(f"{name} has frames of {block.shape[1:]}, not {self.manifest.columns[name].shape}")
        return counts.pop() if counts else 0

    def _write_manifest(self, manifest: Manifest) -> None:
        current, previous = self.directory / "manifest.json", self.directory / "manifest.previous.json"
        if current.exists():
            spare = self.directory / ".manifest.link"
            spare.unlink(missing_ok=True)
            try:
                os.link(current, spare)
                os.replace(spare, previous)
            except OSError:  # a file system without hard links
                with suppress(OSError):
                    write_atomically(previous, current.read_text(encoding="utf-8"))
        write_atomically(current, manifest.to_text())
        sync_directory(self.directory)

    def _recover(self) -> None:
        """Cut off what was not committed, and take back commits whose data are not all there."""
        while self.commits and (missing := self._missing_data()):
            self.roll_back(missing)
        self._cut_columns()
        self._remove_strays()

    def _missing_data(self) -> str:
        last = self.commits[-1]
        before = self.commits[-2].n_frames if len(self.commits) > 1 else 0
        for name in self.manifest.columns:
            try:
                data = np.ascontiguousarray(self.read(name, before)).tobytes()
            except DamagedRunError:
                return f"{self.path(name).name} is shorter than committed"
            if sha256(data) != last.sha256.get(name):
                return f"{self.path(name).name} has another checksum than when it was written"
        return ""

    def _cut_columns(self) -> None:
        for name, column in self.manifest.columns.items():
            path, size = self.path(name), self.n_frames * column.frame_bytes
            if not path.exists():
                path.write_bytes(b"")
            if path.stat().st_size > size:
                os.truncate(path, size)

    def _remove_strays(self) -> None:
        kept = {name for commit in self.commits[-_KEPT_CHECKPOINTS:] for name in commit.files}
        for pattern in (
            "checkpoint-*.chk",
            "state-*.npz",
            ".*-checkpoint-*.chk",
            ".*-state-*.npz",
            ".manifest*.json.*",
        ):
            for path in self.directory.glob(pattern):
                if path.name not in kept:
                    path.unlink(missing_ok=True)

    def _file_of_last_commit(self, start: str) -> bytes | None:
        for name, expected in self.commits[-1].files.items() if self.commits else ():
            if name.startswith(start):
                try:
                    data = (self.directory / name).read_bytes()
                except OSError:
                    return None
                return data if sha256(data) == expected else None
        return None


def _file_name(name: str, column: Column) -> str:
    return f"{name}.{_SUFFIX[column.dtype]}"


def _npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **{name: np.asarray(value) for name, value in arrays.items()})
    return buffer.getvalue()


def _event(kind: str, text: str) -> dict[str, Any]:
    return {"kind": kind, "text": text, "at": _now()}


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
