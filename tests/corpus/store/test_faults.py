"""The program ends at any point of writing: what was committed is there, and half a commit never is.

It ends as `kill -9` does, after which what was written stays, or as a loss of power does: of the renames, links and new
names that were not followed by a flush of their folder only the first few last, and files that were not flushed are
cut short or filled with zeros.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from unfreeze.corpus.labels import LocationLabel
from unfreeze.corpus.schema import Conditions, Source, TrajectoryRecord
from unfreeze.corpus.store import BusyError, Corpus, disk, repair, verify
from unfreeze.corpus.store import trajectory_writer as writer_module
from unfreeze.corpus.store.maps import close_maps
from unfreeze.structure.complex import Complex
from unfreeze.structure.read import read_complex


class Killed(BaseException):
    """The program ends here; nothing may catch this."""


class FaultyDisk:
    """Stands in for the module ``os`` in the module that writes."""

    def __init__(self, end_at: int | None, mode: str = "kill", seed: int = 0) -> None:
        self.count = 0
        self.end_at = end_at
        self.mode = mode
        self.is_dead = False
        self.names: list[str] = []
        self._random = random.Random(seed)
        self._paths: dict[int, Path] = {}
        self._unflushed: set[Path] = set()
        self._undo: list[tuple[Path, Callable[[], None]]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    @contextmanager
    def installed(self) -> Iterator[FaultyDisk]:
        disk.os = self  # type: ignore[assignment]
        try:
            yield self
        finally:
            disk.os = os
            if self.is_dead and self.mode == "power":
                self._lose()

    def _step(self, name: str) -> None:
        if self.is_dead:
            raise Killed
        self.names.append(name)
        self.count += 1
        if self.end_at is not None and self.count > self.end_at:
            self.is_dead = True
            raise Killed

    def open(self, path: Path, flags: int, mode: int = 0o777) -> int:
        path = Path(path)
        if flags & os.O_CREAT:
            self._step(f"open {path.name}")
            self._note(path.parent, path)
            self._unflushed.add(path)
        descriptor = os.open(path, flags, mode)
        self._paths[descriptor] = path
        return descriptor

    def close(self, descriptor: int) -> None:
        self._paths.pop(descriptor, None)
        os.close(descriptor)

    def write(self, descriptor: int, data: memoryview) -> int:
        try:
            self._step(f"write {self._paths[descriptor].name}")
        except Killed:
            if len(data):
                os.write(descriptor, data[: self._random.randrange(len(data))])
            raise
        return os.write(descriptor, data[: 1 + self._random.randrange(len(data))])

    def fsync(self, descriptor: int) -> None:
        path = self._paths[descriptor]
        self._step(f"fsync {path.name}")
        self._unflushed.discard(path)
        if path.is_dir():
            self._undo = [item for item in self._undo if item[0] != path]

    def replace(self, old: Path, new: Path) -> None:
        self._step(f"rename {new.name}")
        self._note(new.parent, new, old)
        os.replace(old, new)
        if old in self._unflushed:
            self._unflushed.discard(old)
            self._unflushed.add(new)

    def link(self, old: Path, new: Path) -> None:
        self._step(f"link {new.name}")
        self._note(new.parent, new)
        os.link(old, new)

    def unlink(self, path: Path) -> None:
        if os.path.lexists(path):
            self._step(f"unlink {Path(path).name}")
            self._note(Path(path).parent, Path(path))
        os.unlink(path)

    def mkdir(self, path: Path) -> None:
        self._step(f"mkdir {Path(path).name}")
        os.mkdir(path)

    def _note(self, folder: Path, *paths: Path) -> None:
        """Remember what these names stood for."""
        before = {path: path.read_bytes() if path.is_file() else None for path in paths}

        def undo() -> None:
            for path, content in before.items():
                if content is None:
                    path.unlink(missing_ok=True)
                else:
                    path.unlink(missing_ok=True)
                    path.write_bytes(content)

        self._undo.append((folder, undo))

    def _lose(self) -> None:
        for path in self._unflushed:
            if path.is_file():
                content = path.read_bytes()
                kept = self._random.randrange(len(content) + 1)
                path.write_bytes(content[:kept] + bytes(self._random.choice([0, len(content) - kept])))
        for _, undo in reversed(self._undo[self._random.randrange(len(self._undo) + 1) :]):
            undo()


RECORD = TrajectoryRecord(name="R1", conditions=Conditions(), source=Source(dataset="own"))


def _alanine() -> Complex:
    atoms = [("N", 0.0, 0.0), ("CA", 1.46, 0.0), ("C", 2.0, 1.42), ("O", 1.3, 2.4)]
    lines = [
        f"ATOM  {i:5d}  {name:<3} ALA A   1    {x:8.3f}{y:8.3f}{0.0:8.3f}  1.00  0.00           {name[0]}\n"
        for i, (name, x, y) in enumerate(atoms, start=1)
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "alanine.pdb"
        path.write_text("".join(lines) + "END\n")
        return read_complex(path)


COMPLEX = _alanine()


def numbered(n_atoms: int, first: int, n: int) -> np.ndarray:
    """Frames that tell their number."""
    frames = np.zeros((n, n_atoms, 3))
    frames[:, 1] = 1.0
    frames[:, 2, 0] = 0.001 * np.arange(first, first + n)
    return frames


def number_of(frame: np.ndarray) -> int:
    return round(float(frame[2, 0] - frame[0, 0]) * 1000)


def look(path: Path, identifier: str = "pep") -> tuple[int, int] | None:
    """Committed frames and labels as a reader sees them, after checks that they are whole."""
    corpus = Corpus.open(path)
    assert not corpus.damaged
    if identifier not in corpus:
        return None
    entry = corpus.entry(identifier)
    assert entry.complex.n_atoms == entry.manifest.n_atoms
    n_frames = 0
    if entry.trajectories:
        view = entry.trajectory("R1")
        n_frames = view.n_frames
        assert [number_of(frame) for frame in view.frames()] == list(range(n_frames))
        assert np.array_equal(view.grid, np.arange(n_frames))
    assert corpus.summary(identifier).n_frames == n_frames
    assert not [fault for fault in verify(path).faults if not fault.is_leftover]
    return n_frames, len(entry.labels)


@pytest.mark.parametrize("mode", ["kill", "power"])
def test_every_point_of_a_first_import(mode: str, tmp_path: Path) -> None:
    """Two commits in a new entry, ended at every operation; then it is done again to the end."""

    def work(corpus: Corpus, done: list[int]) -> None:
        writer = corpus.edit_entry("pep") if "pep" in corpus else corpus.new_entry("pep", COMPLEX)
        with writer as entry:
            trajectory = entry.begin_trajectory(RECORD)
            while trajectory.n_frames < 8:
                trajectory.append(numbered(COMPLEX.n_atoms, trajectory.n_frames, 4))
                trajectory.commit()
                done.append(trajectory.n_frames)
            trajectory.finish()
            done.append(9)

    end_at = 0
    while True:
        path = tmp_path / str(end_at)
        corpus = Corpus.create(path)
        done: list[int] = []
        disk = FaultyDisk(end_at, mode, seed=end_at)
        try:
            with disk.installed():
                work(corpus, done)
        except Killed:
            pass
        found = look(path)
        least = 0 if not done else min(done[-1], 8)
        assert least <= (found[0] if found else 0) <= least + 4, disk.names
        if not disk.is_dead:
            break
        corpus = Corpus.open(path)
        if found is None or found[0] < 8 or not corpus.entry("pep").manifest.trajectories[0].is_complete:
            with FaultyDisk(None).installed():
                work(corpus, done)
        assert look(path) == (8, 0)
        assert verify(path).is_whole
        end_at += 1
    assert end_at > 40


def test_every_point_of_a_repair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repair that was ended can be repeated; whatever is lost is the damaged block."""
    monkeypatch.setattr(writer_module, "block_frames", lambda n_atoms: 2)
    damaged = tmp_path / "damaged"
    corpus = Corpus.create(damaged)
    with corpus.new_entry("pep", COMPLEX) as entry:
        trajectory = entry.begin_trajectory(RECORD)
        trajectory.append(numbered(COMPLEX.n_atoms, 0, 8))
        trajectory.finish()
    folder = damaged / "entries" / "pep"
    shard = folder / "shards" / "000000-coordinates.i16"
    data = bytearray(shard.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 8] = bytes([255] * 8)  # frames 4 and 5
    shard.write_bytes(data)
    (folder / "topology.npz").write_bytes(b"no")
    (folder / "manifest.copy.json").write_bytes(b"no")
    end_at = 0
    while True:
        path = tmp_path / str(end_at)
        shutil.copytree(damaged, path)
        ending = FaultyDisk(end_at, "power" if end_at % 2 else "kill", seed=end_at)
        try:
            with ending.installed():
                repair(path)
        except Killed:
            pass
        report = repair(path)
        assert report.is_whole, ending.names
        close_maps()
        entry = Corpus.open(path).entry("pep")
        view = entry.trajectory("R1")
        assert [number_of(frame) for frame in view.frames()] == [0, 1, 2, 3, 6, 7] == view.grid.tolist(), ending.names
        assert entry.complex.n_atoms == COMPLEX.n_atoms
        if not ending.is_dead:
            break
        end_at += 1
    assert end_at > 20


class Writing(RuleBasedStateMachine):
    """An entry is made and written to; every action may be the last of its process."""

    end_at = st.integers(0, 40)
    mode = st.sampled_from(["kill", "power"])

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "corpus"
        Corpus.create(self.path)
        self.least: tuple[int, int] | None = None  # what was committed for certain
        self.most: tuple[int, int] | None = None  # what may have been, if the end came late
        self.bytes = writer_module.SHARD_BYTES
        writer_module.SHARD_BYTES = COMPLEX.n_atoms * 6 * 5  # five frames a shard

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            writer_module.SHARD_BYTES = self.bytes
            self.folder.cleanup()

    def act(self, end_at: int | None, mode: str, seed: int, work: Any) -> None:
        disk = FaultyDisk(end_at, mode, seed)
        try:
            with disk.installed():
                work()
        except Killed:
            return
        self.least = self.most

    @rule(end_at=end_at, mode=mode, seed=st.integers(0, 99), n=st.integers(0, 12))
    def append(self, end_at: int | None, mode: str, seed: int, n: int) -> None:
        corpus = Corpus.open(self.path)
        frames, labels = self.least or (0, 0)
        self.most = (frames + n, labels)

        def work() -> None:
            writer = corpus.edit_entry("pep") if "pep" in corpus else corpus.new_entry("pep", COMPLEX)
            with writer as entry:
                trajectory = entry.begin_trajectory(RECORD)
                assert trajectory.n_frames == frames
                for first in range(frames, frames + n, 3):
                    trajectory.append(numbered(COMPLEX.n_atoms, first, min(3, frames + n - first)))

        self.act(end_at, mode, seed, work)

    @precondition(lambda self: self.least is not None)
    @rule(end_at=end_at, mode=mode, seed=st.integers(0, 99))
    def label(self, end_at: int | None, mode: str, seed: int) -> None:
        assert self.least is not None
        frames, labels = self.least
        self.most = (frames, labels + 1)
        corpus = Corpus.open(self.path)

        def work() -> None:
            with corpus.edit_entry("pep") as entry:
                entry.add_labels([LocationLabel(source=f"s:{labels}", locations=("nucleus",))])

        self.act(end_at, mode, seed, work)

    @precondition(lambda self: self.least is not None)
    @rule(end_at=end_at, mode=mode, seed=st.integers(0, 99))
    def drop(self, end_at: int | None, mode: str, seed: int) -> None:
        assert self.least is not None
        frames, labels = self.least
        self.most = (0, labels)
        corpus = Corpus.open(self.path)

        def work() -> None:
            with corpus.edit_entry("pep") as entry:
                entry.drop_trajectory("R1")

        self.act(end_at, mode, seed, work)
        found = look(self.path)
        assert found in ((frames, labels), (0, labels))
        self.least = self.most = found

    @invariant()
    def nothing_is_lost_or_half_there(self) -> None:
        if not hasattr(self, "folder"):
            return
        found = look(self.path)
        least, most = self.least or (0, 0), self.most or (0, 0)
        assert least[0] <= (found or (0, 0))[0] <= most[0]
        assert (found or (0, 0))[1] in (least[1], most[1])
        if self.least is not None:
            assert found is not None
        self.least = self.most = found


TestWriting = Writing.TestCase
TestWriting.settings = settings(
    max_examples=40, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck)
)

_PROGRAM = """
import sys
sys.path.insert(0, sys.argv[2])
import test_faults as t
from unfreeze.corpus.store import Corpus, trajectory_writer
corpus = Corpus.open(sys.argv[1])
trajectory_writer.SHARD_BYTES = t.COMPLEX.n_atoms * 6 * 7
with corpus.edit_entry("pep") if "pep" in corpus else corpus.new_entry("pep", t.COMPLEX) as entry:
    trajectory = entry.begin_trajectory(t.RECORD)
    while True:
        n = trajectory.n_frames + trajectory.n_buffered
        trajectory.append(t.numbered(t.COMPLEX.n_atoms, n, 3))
        print(trajectory.n_frames, flush=True)
"""


def test_processes_are_killed(tmp_path: Path) -> None:
    """Real processes are ended by the kernel, one after the other; each goes on where the last one was."""
    path = tmp_path / "corpus"
    Corpus.create(path)
    before = 0
    for wait in (0.0, 0.01, 0.03):
        program = [sys.executable, "-c", _PROGRAM, str(path), str(Path(__file__).parent)]
        with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            told = [int(process.stdout.readline())]
            while told[-1] < before + 20:
                told.append(int(process.stdout.readline()))
            with pytest.raises(BusyError), Corpus.open(path).edit_entry("pep"):
                pass
            time.sleep(wait)
            os.kill(process.pid, signal.SIGKILL)
            told += [int(line) for line in process.stdout.read().split("\n")[:-1]]
        found = look(path)
        assert found is not None and found[0] >= max(told)
        before = found[0]
