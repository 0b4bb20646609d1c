"""Trajectories that only mdtraj reads: AMBER's text, XYZ, LAMMPS, TINKER and Desmond. Slow, one way, bounded.

The file is read through once to count its frames, so that one that is cut short is refused by the number of its frame.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.trajectories.readers.base import TrajectoryReader, cut_short

__all__ = ["SUFFIXES", "MdtrajReader"]

SUFFIXES = (".mdcrd", ".crd", ".xyz", ".lammpstrj", ".arc", ".dtr")
_CHUNK_BYTES = 1 << 24
_NM = {"angstroms": 0.1, "nanometers": 1.0}


class MdtrajReader(TrajectoryReader):
    """A trajectory that mdtraj reads from its begin on.

    Parameters
    ----------
    path
        The file.
    n_atoms
        Of the topology; AMBER's text does not say.

    Raises
    ------
    InputError
        If the file cannot be read, or a frame is cut short.
    """

    def __init__(self, path: Path, n_atoms: int) -> None:
        self.path = path
        self.n_atoms = n_atoms
        self._chunk = max(1, _CHUNK_BYTES // (12 * n_atoms))
        self._file: Any = None
        self._at = 0
        self._open()
        count = 0
        while n := len(self._next(self._chunk, count)):
            count += n
        self.n_frames = count
        self.notes = (f"{path.name}: this format has no clock that can be relied on; none was taken.",)
        self.check_size()
        self._open()

    def _open(self) -> None:
        import mdtraj

        self.close()
        needed: dict[str, Any] = {"n_atoms": self.n_atoms} if self.path.suffix.lower() in (".mdcrd", ".crd") else {}
        try:
            self._file = mdtraj.open(str(self.path), **needed)
        except Exception as error:  # mdtraj raises OSError, ValueError, TypeError and its own
            raise cut_short(self.path, 0, _words(error)) from None
        self._scale = np.float32(_NM[getattr(self._file, "distance_unit", "angstroms")])
        self._at = 0

    def _next(self, count: int, done: int) -> NDArray[np.float32]:
        try:
            found = self._file.read(n_frames=count)
        except Exception as error:
            raise cut_short(self.path, done, _words(error)) from None
        frames = np.asarray(found[0] if isinstance(found, tuple) else found, dtype=np.float32)
        if frames.ndim != 3 or len(frames) == 0:
            return np.empty((0, self.n_atoms, 3), dtype=np.float32)
        if frames.shape[1] != self.n_atoms:
            raise InputError(
                f"{self.path}: the trajectory has {frames.shape[1]} atoms and the topology {self.n_atoms}; they do not "
                "belong together. Give the topology of exactly these atoms."
            )
        self._at += len(frames)
        return frames * self._scale

    def read(self, first: int, count: int) -> NDArray[np.float32]:
        """`count` frames from `first` on: [count, n_atoms, 3], nm."""
        if first < self._at:
            self._open()
        while self._at < first:
            if not len(self._next(min(self._chunk, first - self._at), self._at)):
                raise cut_short(self.path, self._at)
        frames = self._next(count, first)
        if len(frames) < count:
            raise cut_short(self.path, first + len(frames))
        return frames

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
