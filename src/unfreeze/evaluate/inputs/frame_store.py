"""`frame_store`: one array for all frames, in memory or, beyond a limit, in a temporary file that has no name."""

from __future__ import annotations

import shutil
import tempfile

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError

__all__ = ["MAX_MEMORY_BYTES", "FrameStore"]

MAX_MEMORY_BYTES = 1_500_000_000
"""Frames larger than this lie in a temporary file, of which the system keeps in memory what it can."""
_SPARE_BYTES = 200_000_000  # left on the disk for others


class FrameStore:
    """Frames that arrive in blocks, in order, and are looked at once all are there.

    Parameters
    ----------
    n_frames, n_atoms
        Shape to make room for.
    name
        What messages call the frames.

    Raises
    ------
    InputError
        If neither memory nor the folder for temporary files has room.
    """

    def __init__(self, n_frames: int, n_atoms: int, name: str) -> None:
        self._shape = (n_frames, n_atoms, 3)
        self._filled = 0
        n_bytes = 12 * n_frames * n_atoms
        self._file = None
        self._memory = np.empty(0, dtype=np.float32)
        if n_bytes <= MAX_MEMORY_BYTES:
            self._memory = np.empty(self._shape, dtype=np.float32)
            return
        folder = tempfile.gettempdir()
        free = shutil.disk_usage(folder).free
        if n_bytes + _SPARE_BYTES > free:
            raise InputError(
                f"{name}: {n_frames:,} frames of {n_atoms:,} heavy atoms take {n_bytes / 1e9:.1f} GB, and {folder} has "
                f"{free / 1e9:.1f} GB free. Take fewer frames (stride, max_frames), or set TMPDIR to a roomier folder."
            )
        self._file = tempfile.TemporaryFile(prefix="unfreeze-frames-")  # noqa: SIM115  closed with the map

    def append(self, block_nm: NDArray[np.float32]) -> None:
        """The next frames: [n, n_atoms, 3], nm."""
        if self._file is None:
            self._memory[self._filled : self._filled + len(block_nm)] = block_nm
        else:
            # Written, not mapped: pages of a map would count as this program's memory until they are flushed.
            try:
                self._file.write(np.ascontiguousarray(block_nm, dtype=np.float32).data)
            except OSError as error:
                raise InputError(
                    f"{tempfile.gettempdir()}: the frames cannot be written there ({error.strerror or error}). "
                    "Take fewer frames (stride, max_frames), or set TMPDIR to a roomier folder."
                ) from None
        self._filled += len(block_nm)

    def frames(self) -> NDArray[np.float32]:
        """All frames: [n_frames, n_atoms, 3], nm; a memory map where they lie in a file.

        Raises
        ------
        ValueError
            If fewer or more frames arrived than there is room for.
        """
        if self._filled != self._shape[0]:
            raise ValueError(f"{self._filled} frames arrived, {self._shape[0]} were expected")
        if self._file is None:
            return self._memory
        self._file.flush()
        mapped = np.memmap(self._file, dtype=np.float32, mode="r+", shape=self._shape)
        self._file.close()  # the map keeps the data; the file has no name and goes with it
        return mapped

    @property
    def is_on_disk(self) -> bool:
        """Whether the frames lie in a file."""
        return self._file is not None
