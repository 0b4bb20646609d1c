"""Read XTC with compiled code that leaves the interpreter to others, so that frames can be worked on meanwhile.

The numbers are those that mdtraj gives, to the last bit.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.trajectories.readers.base import MAX_ATOMS, TrajectoryReader, cut_short
from unfreeze.trajectories.readers.xtc_kernels import HEADER_BYTES, decode_frames, walk_headers

__all__ = ["XtcFile"]

_PIECE = 1 << 22
_MOST_WALKED = 1 << 16
_PADDING = 16
_READ_THROUGH = 1 << 16  # bytes a frame beyond which headers are fetched one by one


class XtcFile(TrajectoryReader):
    """An XTC trajectory.

    Raises
    ------
    InputError
        If the file is cut short, damaged, or changes its number of atoms.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._size = path.stat().st_size
        self._handle = path.open("rb", buffering=0)
        try:
            self._walk()
        except BaseException:
            self._handle.close()
            raise

    def _walk(self) -> None:
        """Find where every frame begins."""
        offsets: list[NDArray[np.int64]] = [np.empty(0, dtype=np.int64)]
        times: list[NDArray[np.float64]] = [np.empty(0)]
        steps: list[NDArray[np.int64]] = [np.empty(0, dtype=np.int64)]
        room = (
            np.empty(_MOST_WALKED, dtype=np.int64),
            np.empty(_MOST_WALKED, dtype=np.float64),
            np.empty(_MOST_WALKED, dtype=np.int64),
        )
        at = n_atoms = done = 0
        length = _PIECE
        while at < self._size:
            data = self._bytes(at, min(length, self._size - at))
            found = walk_headers(data, self._size - at, n_atoms, MAX_ATOMS, *room)
            n, end, n_atoms_found, wrong = (int(value) for value in found)
            offsets.append(room[0][:n] + at)
            times.append(room[1][:n].copy())
            steps.append(room[2][:n].copy())
            done += n
            if wrong:
                self._refuse(wrong, done, n_atoms_found, n_atoms)
            n_atoms = n_atoms_found
            if n and end > _READ_THROUGH * n:  # frames so large that reading all of them would double the work
                length = HEADER_BYTES
            at += end
        self.n_atoms, self.n_frames = n_atoms, done
        self._offsets = np.concatenate([*offsets, np.array([at], dtype=np.int64)])
        self.times_ps = np.concatenate(times)
        self.steps = np.concatenate(steps)
        self.check_size()

    def _refuse(self, wrong: int, done: int, found: int, n_atoms: int) -> None:
        if wrong == 4:
            raise InputError(
                f"{self.path}: XTC of the kind that GROMACS writes since 2023 for systems beyond 298 million atoms; "
                "write the protein only (gmx trjconv)."
            )
        if wrong == 3:
            raise cut_short(self.path, done, f"it has {found} atoms and the frames before have {n_atoms}")
        raise cut_short(self.path, done, "the data are damaged" if wrong == 2 else "the file is cut short")

    def _bytes(self, at: int, length: int) -> NDArray[np.uint8]:
        data = np.zeros(length + _PADDING + -length % 8, dtype=np.uint8)
        view = data.data[:length]
        self._handle.seek(at)
        filled = 0
        while filled < length:
            n = self._handle.readinto(view[filled:])
            if not n:
                raise InputError(f"{self.path}: the file became shorter while it was read. Copy it again.")
            filled += n
        return data

    def read(self, first: int, count: int) -> NDArray[np.float32]:
        """`count` frames from `first` on: [count, n_atoms, 3], nm."""
        return self.read_with_boxes(first, count)[0]

    def read_with_boxes(
        self, first: int, count: int, step: int = 1
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Frames ``first``, ``first + step``..., `count` of them, and their boxes, [count, 3, 3] nm, or None."""
        frames = np.empty((count, self.n_atoms, 3), dtype=np.float32)
        boxes = np.empty((count, 3, 3), dtype=np.float32)
        runs = [(0, count)] if step == 1 else [(k, k + 1) for k in range(count)]
        for begin, end in runs:
            chosen = first + begin * step
            offsets = self._offsets[chosen : chosen + (end - begin) + 1]
            data = self._bytes(int(offsets[0]), int(offsets[-1] - offsets[0]))
            words = data.view(">u8").astype(np.uint64)
            n = decode_frames(data, words, offsets[:-1] - offsets[0], self.n_atoms, frames[begin:end], boxes[begin:end])
            if n < end - begin:
                raise cut_short(self.path, chosen + n, "its compressed coordinates are damaged")
        good = np.isfinite(boxes).all() and (np.abs(np.linalg.det(boxes.astype(np.float64))) > 1e-6).all()
        return frames, boxes if good else None

    def close(self) -> None:
        """Close the file."""
        self._handle.close()
