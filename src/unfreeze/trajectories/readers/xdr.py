"""Read GROMACS' XTC and TRR: the frames are found and checked here, compressed coordinates left to mdtraj.

The headers of all frames are walked before anything is decompressed, so that a file that is cut short or damaged is
refused by the number of its frame, and no length in it is trusted.

Sources: GROMACS, ``libxdrf.cpp`` and ``trrio.cpp``.
"""

from __future__ import annotations

import math
import struct
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.files.xtc import open_xtc
from unfreeze.trajectories.readers.base import MAX_ATOMS, TrajectoryReader, cut_short

__all__ = ["TrrReader", "XtcReader"]

_XTC_MAGIC, _XTC_MAGIC_LARGE, _TRR_MAGIC = 1995, 2023, 1993
_FEWEST_COMPRESSED = 10  # atoms; fewer are written as plain numbers
_SMALL_INDEX = range(9, 73)
_MAX_VERSION = 128  # bytes of the name of the format's version


@dataclass
class _Index:
    """Where frames begin, and what their headers say."""

    n_atoms: int = 0
    offsets: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)


class XtcReader(TrajectoryReader):
    """An XTC trajectory.

    Raises
    ------
    InputError
        If the file is cut short, damaged, or changes its number of atoms.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        size = path.stat().st_size
        with path.open("rb") as handle:
            index = _index_xtc(path, handle, size)
        self.n_frames, self.n_atoms = len(index.offsets), index.n_atoms
        self.times_ps, self.steps = np.array(index.times), np.array(index.steps, dtype=np.int64)
        self._offsets = index.offsets
        self.check_size()
        self._open = ExitStack()
        self._handle = None if self.n_atoms < _FEWEST_COMPRESSED else self._open.enter_context(open_xtc(path))

    def read(self, first: int, count: int) -> NDArray[np.float32]:
        """`count` frames from `first` on: [count, n_atoms, 3], nm."""
        if self._handle is None:
            return _plain_frames(self.path, self._offsets[first : first + count], 56, self.n_atoms, ">f4")
        try:
            self._handle.seek(first)
            frames = self._handle.read(n_frames=count)[0]
        except Exception as error:  # mdtraj raises RuntimeError, IOError, ValueError and its own
            raise cut_short(self.path, first, " ".join(str(error).split())[:200]) from None
        if frames.shape != (count, self.n_atoms, 3):
            raise cut_short(self.path, first + len(frames), "its compressed coordinates are damaged")
        return frames

    def close(self) -> None:
        """Close the file."""
        self._open.close()


def _index_xtc(path: Path, handle: BinaryIO, size: int) -> _Index:
    index = _Index()
    at = 0
    while at < size:
        handle.seek(at)
        head = handle.read(92)
        done = len(index.offsets)
        if len(head) < 56:
            raise cut_short(path, done)
        magic, n_atoms, step, time = struct.unpack(">iiif", head[:16])
        if magic == _XTC_MAGIC_LARGE:
            raise InputError(
                f"{path}: XTC of the kind that GROMACS writes since 2023 for systems beyond 298 million atoms; "
                "write the protein only (gmx trjconv)."
            )
        if magic != _XTC_MAGIC or not 0 < n_atoms <= MAX_ATOMS or struct.unpack(">i", head[52:56])[0] != n_atoms:
            raise cut_short(path, done, "the data are damaged")
        if index.n_atoms and n_atoms != index.n_atoms:
            raise cut_short(path, done, f"it has {n_atoms} atoms and the frames before have {index.n_atoms}")
        index.n_atoms = n_atoms
        if n_atoms < _FEWEST_COMPRESSED:
            end = at + 56 + 12 * n_atoms
        else:
            if len(head) < 92:
                raise cut_short(path, done)
            end = at + 92 + _compressed_bytes(path, head, n_atoms, done)
        if end > size:
            raise cut_short(path, done)
        index.offsets.append(at)
        index.times.append(time)
        index.steps.append(step)
        at = end
    return index


def _compressed_bytes(path: Path, head: bytes, n_atoms: int, done: int) -> int:
    """Length of a frame's compressed coordinates; what the decompressor does not check is checked here."""
    precision, *low, x, y, z, small, n_bytes = struct.unpack(">f8i", head[56:92])
    room = 4 * int(1.2 * 3 * n_atoms) - 12
    sane = math.isfinite(precision) and precision > 0 and small in _SMALL_INDEX and 0 < n_bytes <= room
    if not sane or any(high < least for high, least in zip((x, y, z), low, strict=True)):
        raise cut_short(path, done, "the data are damaged")
    return n_bytes + -n_bytes % 4


class TrrReader(TrajectoryReader):
    """A TRR trajectory of single or double precision; frames with velocities or forces only are passed over.

    Raises
    ------
    InputError
        If the file is cut short, damaged, or changes its number of atoms.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        size = path.stat().st_size
        index, number, n_without, at = _Index(), "", 0, 0
        with path.open("rb") as handle:
            while at < size:
                done = len(index.offsets) + n_without
                frame = _trr_frame(path, handle, at, size, done)
                at = frame.end
                if not frame.has_positions:
                    n_without += 1
                    continue
                if index.offsets and (frame.n_atoms, frame.number) != (index.n_atoms, number):
                    what = f"it has {frame.n_atoms} atoms and the frames before have {index.n_atoms}"
                    raise cut_short(path, done, what)
                index.n_atoms, number = frame.n_atoms, frame.number
                index.offsets.append(frame.begin)
                index.times.append(frame.time)
                index.steps.append(frame.step)
        self.n_frames, self.n_atoms, self._number = len(index.offsets), index.n_atoms, number
        self.times_ps, self.steps = np.array(index.times), np.array(index.steps, dtype=np.int64)
        self._offsets = index.offsets
        if n_without:
            self.notes = (f"{path.name}: {n_without} frames without coordinates were passed over.",)
            self.n_atoms = self.n_atoms or 1  # nothing but such frames: the message is about frames
        self.check_size()

    def read(self, first: int, count: int) -> NDArray[np.float32]:
        """`count` frames from `first` on: [count, n_atoms, 3], nm."""
        return _plain_frames(self.path, self._offsets[first : first + count], 0, self.n_atoms, self._number)


@dataclass(frozen=True)
class _TrrFrame:
    """Where the coordinates of a frame begin, where it ends, and its header."""

    begin: int
    end: int
    has_positions: bool
    n_atoms: int
    step: int
    time: float
    number: str


def _trr_frame(path: Path, handle: BinaryIO, at: int, size: int, done: int) -> _TrrFrame:
    handle.seek(at)
    head = handle.read(12)
    if len(head) < 12:
        raise cut_short(path, done)
    magic, _, length = struct.unpack(">3i", head)
    if magic != _TRR_MAGIC or not 0 <= length <= _MAX_VERSION:
        raise cut_short(path, done, "the data are damaged")
    handle.seek(length + -length % 4, 1)
    head = handle.read(52)
    if len(head) < 52:
        raise cut_short(path, done)
    *sizes, n_atoms, step, _ = struct.unpack(">13i", head)
    small, vectors = sizes[2:5], sizes[7:10]  # box, virial, pressure; positions, velocities, forces
    if not 0 < n_atoms <= MAX_ATOMS:
        raise cut_short(path, done, "the data are damaged")
    n_bytes = next((sum_ // n for sum_, n in ((sizes[2], 9), *((one, 3 * n_atoms) for one in vectors)) if sum_), 4)
    allowed = ({0, 9 * n_bytes}, {0, 3 * n_atoms * n_bytes})
    others = [sizes[0], sizes[1], sizes[5], sizes[6]]
    if n_bytes not in (4, 8) or any(others) or not allowed[0].issuperset(small) or not allowed[1].issuperset(vectors):
        raise cut_short(path, done, "the data are damaged")
    number = ">f4" if n_bytes == 4 else ">f8"
    reals = handle.read(2 * n_bytes)
    begin = handle.tell() + sum(small)
    end = begin + sum(vectors)
    if len(reals) < 2 * n_bytes or end > size:
        raise cut_short(path, done)
    time = float(np.frombuffer(reals[:n_bytes], dtype=number)[0])
    return _TrrFrame(begin, end, vectors[0] > 0, n_atoms, step, time, number)


def _plain_frames(path: Path, offsets: list[int], skip: int, n_atoms: int, number: str) -> NDArray[np.float32]:
    frames = np.empty((len(offsets), n_atoms, 3), dtype=np.float32)
    with path.open("rb") as handle:
        for at, offset in enumerate(offsets):
            handle.seek(offset + skip)
            values = np.fromfile(handle, dtype=number, count=3 * n_atoms)
            if len(values) < 3 * n_atoms:
                raise cut_short(path, at, "the file became shorter while it was read")
            frames[at] = values.reshape(n_atoms, 3)
    return frames
