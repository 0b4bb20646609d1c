"""Read DCD trajectories (CHARMM, NAMD, OpenMM): fixed records, so every frame is where arithmetic says it is.

Source of the layout: VMD molfile plugin, ``dcdplugin.c``. The unit is Å. The times that a DCD file can tell are
in units that programs disagree about, so none are given.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.trajectories.readers.base import MAX_ATOMS, TrajectoryReader, cut_short

__all__ = ["DcdReader"]

_HEADER = 84
_MAX_TITLE = 1 << 20


class DcdReader(TrajectoryReader):
    """A DCD trajectory of either byte order, with or without unit cells, a fourth dimension or fixed atoms.

    Raises
    ------
    InputError
        If the file is cut short or damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes = (f"{path.name}: DCD files have no clock that can be relied on; none was taken.",)
        size = path.stat().st_size
        with path.open("rb") as handle:
            self._read_header(handle)
            self._first = handle.tell()
        free = self.n_atoms if self._free is None else len(self._free)
        columns = 4 if self._has_fourth else 3
        cell = 56 if self._has_cell else 0
        # With fixed atoms, the first frame has all atoms and the others the free ones.
        self._first_bytes = cell + columns * (4 * self.n_atoms + 8)
        self._frame_bytes = cell + columns * (4 * free + 8)
        self._cell_bytes = cell
        rest = size - self._first
        n_whole = 0 if rest < self._first_bytes else 1 + (rest - self._first_bytes) // self._frame_bytes
        used = self._first_bytes + (n_whole - 1) * self._frame_bytes if n_whole else 0
        if used < rest:
            raise cut_short(path, n_whole)
        if n_whole < self._declared:  # a run that stopped early leaves the number that it meant to write
            self.notes += (f"{path.name}: the header announces {self._declared} frames, the file has {n_whole}.",)
        self.n_frames = n_whole
        self.check_size()
        self._fixed = self._coordinates(0, 1, self.n_atoms)[0] if self._free is not None else None

    def _read_header(self, handle: BinaryIO) -> None:
        head = handle.read(8 + _HEADER)
        self._order = next((order for order in "<>" if head[:4] == struct.pack(order + "i", _HEADER)), "")
        if not self._order or head[4:8] != b"CORD":
            raise InputError(
                f"{self.path}: a DCD file with record marks of eight bytes or another header than CHARMM's; "
                "write it again with mdtraj, MDAnalysis or VMD."
            )
        if len(head) < 8 + _HEADER:
            raise cut_short(self.path, 0)
        control = struct.unpack(self._order + "20i", head[8:88])
        is_charmm = control[19] != 0
        self._declared, n_fixed = control[0], control[8]
        self._has_cell, self._has_fourth = is_charmm and control[10] != 0, is_charmm and control[11] == 1
        self._record(handle, _MAX_TITLE)
        counts = self._record(handle, 4)
        self.n_atoms = struct.unpack(self._order + "i", counts)[0] if len(counts) == 4 else 0
        if not 0 < self.n_atoms <= MAX_ATOMS or not 0 <= n_fixed < self.n_atoms:
            raise cut_short(self.path, 0, "the header is damaged")
        self._free: NDArray[np.int64] | None = None
        if n_fixed:
            rows = np.frombuffer(self._record(handle, 4 * self.n_atoms), dtype=self._order + "i4").astype(np.int64) - 1
            if len(rows) != self.n_atoms - n_fixed or rows.min() < 0 or rows.max() >= self.n_atoms:
                raise cut_short(self.path, 0, "the list of free atoms is damaged")
            self._free = rows

    def _record(self, handle: BinaryIO, most: int) -> bytes:
        mark = handle.read(4)
        length = struct.unpack(self._order + "i", mark)[0] if len(mark) == 4 else -1
        if not 0 <= length <= most:
            raise cut_short(self.path, 0, "the header is damaged or cut short")
        data = handle.read(length)
        if len(data) < length or handle.read(4) != mark:
            raise cut_short(self.path, 0, "the header is damaged or cut short")
        return data

    def read(self, first: int, count: int) -> NDArray[np.float32]:
        """`count` frames from `first` on: [count, n_atoms, 3], nm."""
        if self._free is None:
            return self._coordinates(first, count, self.n_atoms)
        assert self._fixed is not None
        frames = np.repeat(self._fixed[None], count, axis=0)
        skip = 1 if first == 0 else 0
        if count > skip:
            frames[skip:, self._free] = self._coordinates(first + skip, count - skip, len(self._free))
        return frames

    def _coordinates(self, first: int, count: int, n_atoms: int) -> NDArray[np.float32]:
        offset = self._first + (self._first_bytes + (first - 1) * self._frame_bytes if first else 0)
        length = self._first_bytes if first == 0 and count == 1 else self._frame_bytes
        with self.path.open("rb") as handle:
            handle.seek(offset)
            data = np.fromfile(handle, dtype=np.uint8, count=count * length)
        if len(data) < count * length:
            raise cut_short(self.path, first, "the file became shorter while it was read")
        data = data.reshape(count, length)[:, self._cell_bytes :]
        axes = data[:, : 3 * (4 * n_atoms + 8)].reshape(count, 3, 4 * n_atoms + 8)
        marks = np.ascontiguousarray(axes[:, :, :4]).view(self._order + "i4")
        if (marks != 4 * n_atoms).any():
            bad = int(np.flatnonzero((marks != 4 * n_atoms).any(axis=(1, 2)))[0])
            raise cut_short(self.path, first + bad, "the data are damaged")
        values = np.ascontiguousarray(axes[:, :, 4:-4]).view(self._order + "f4")
        return (values.transpose(0, 2, 1) / np.float32(10)).astype(np.float32)
