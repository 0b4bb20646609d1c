"""Read AMBER NetCDF trajectories (classic format, conventions 1.0: Å and ps)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import netcdf_file

from unfreeze.errors import InputError
from unfreeze.trajectories.readers.base import TrajectoryReader, cut_short

__all__ = ["NetcdfReader"]


class NetcdfReader(TrajectoryReader):
    """An AMBER NetCDF trajectory.

    Raises
    ------
    InputError
        If the file is cut short, damaged, or no trajectory.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        coordinates, shape = None, np.empty(0, dtype=np.int64)
        try:
            self._file = netcdf_file(str(path), mmap=True)
            coordinates = self._file.variables.get("coordinates")
            if coordinates is not None:
                shape = np.array(coordinates.data.shape, dtype=np.int64)
        except Exception as error:  # scipy raises TypeError, ValueError, KeyError, IndexError and others
            text = " ".join(str(error).split())[:100]
            raise cut_short(path, 0, f"the file is cut short or damaged ({text})") from None
        if coordinates is None or len(shape) not in (2, 3) or shape[-1] != 3:
            raise InputError(f"{path}: the NetCDF file has no coordinates of frames; an AMBER trajectory was expected.")
        self._data = coordinates.data[None] if len(shape) == 2 else coordinates.data
        self._scale = float(getattr(coordinates, "scale_factor", 1.0)) / 10
        self.n_frames, self.n_atoms = len(self._data), int(shape[-2])
        time = self._file.variables.get("time")
        if time is not None and time.shape[:1] == (self.n_frames,):
            self.times_ps = np.array(time.data, dtype=np.float64)
        self.check_size()

    def read(self, first: int, count: int) -> NDArray[np.float32]:
        """`count` frames from `first` on: [count, n_atoms, 3], nm."""
        block = np.array(self._data[first : first + count], dtype=np.float32)
        block *= np.float32(self._scale)
        return block

    def close(self) -> None:
        """Let the map go; the file is closed with it."""
        del self._data
        self._file.variables.clear()
        self._file.close()
