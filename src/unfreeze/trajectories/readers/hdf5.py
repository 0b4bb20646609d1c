"""Read mdtraj's HDF5 trajectories through h5py.

mdtraj's own reader goes through PyTables, which may unpickle what the file holds; a file must not be able to run code.
Links to other files and data that lie outside the file are refused.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.trajectories.readers.base import TrajectoryReader, cut_short

__all__ = ["Hdf5Reader"]

_NM_PER_UNIT = {"nanometers": 1.0, "nanometer": 1.0, "nm": 1.0, "angstroms": 0.1, "angstrom": 0.1}
_PS_PER_UNIT = {"picoseconds": 1.0, "picosecond": 1.0, "ps": 1.0, "nanoseconds": 1e3, "ns": 1e3}
_MAX_CHUNK_BYTES = 1 << 30
_MAX_TOPOLOGY_BYTES = 1 << 29


class Hdf5Reader(TrajectoryReader):
    """An HDF5 trajectory of mdtraj's layout.

    Raises
    ------
    InputError
        If h5py is not installed, or the file is damaged, or of another layout.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            import h5py
        except ImportError:
            raise InputError(
                f"{path}: HDF5 trajectories need h5py. Install it with: pip install 'unfreeze[hdf5]'"
            ) from None
        try:
            self._file = h5py.File(path, "r")
            data = self._dataset("coordinates")
        except InputError:
            raise
        except Exception as error:  # h5py raises OSError, RuntimeError, KeyError and others
            raise cut_short(
                path, 0, f"the file is cut short or damaged ({' '.join(str(error).split())[:100]})"
            ) from None
        if data is None or data.ndim != 3 or data.shape[2] != 3 or data.dtype.kind != "f":
            raise InputError(
                f"{path}: there is no dataset 'coordinates' [frames, atoms, 3]; mdtraj's HDF5 was expected."
            )
        chunk = data.chunks or (1, 1, 1)
        if int(np.prod(chunk, dtype=np.float64)) * data.dtype.itemsize > _MAX_CHUNK_BYTES:
            raise InputError(f"{path}: pieces of {chunk} numbers are too large to read. Write the file again.")
        self._data = data
        self._scale = self._unit(data, _NM_PER_UNIT, "nanometers")
        self.n_frames, self.n_atoms = int(data.shape[0]), int(data.shape[1])
        self.check_size()
        self._read_times()

    def _dataset(self, name: str) -> Any:
        """A dataset that lies in this file, or None."""
        import h5py

        link = self._file.get(name, getlink=True)
        if link is None:
            return None
        if not isinstance(link, h5py.HardLink):
            raise InputError(f"{self.path}: {name!r} is a link; only data inside the file are read. Write it again.")
        data = self._file[name]
        if not isinstance(data, h5py.Dataset):
            return None
        if data.external or data.is_virtual:
            raise InputError(f"{self.path}: {name!r} lies in other files; only data inside the file are read.")
        return data

    def _unit(self, data: Any, factors: dict[str, float], expected: str) -> float:
        unit = data.attrs.get("units", expected)
        text = (unit.decode("utf-8", "replace") if isinstance(unit, bytes) else str(unit)).strip().lower()
        if text not in factors:
            raise InputError(f"{self.path}: {data.name[1:]!r} is in {text[:40]!r}; {expected} were expected.")
        return factors[text]

    def _read_times(self) -> None:
        try:
            data = self._dataset("time")
            if data is not None and data.shape == (self.n_frames,) and data.dtype.kind in "fiu":
                self.times_ps = np.asarray(data[:], dtype=np.float64) * self._unit(data, _PS_PER_UNIT, "picoseconds")
        except (OSError, RuntimeError):
            self.notes = (f"{self.path.name}: the times cannot be read; no clock was taken.",)

    def topology(self) -> dict[str, Any] | None:
        """The topology in the file as mdtraj writes it, or None if it has none.

        Raises
        ------
        InputError
            If it is not JSON.
        """
        try:
            data = self._dataset("topology")
            if data is None or data.size != 1 or data.dtype.itemsize > _MAX_TOPOLOGY_BYTES:
                return None
            text = np.asarray(data[()]).ravel()[0]
            value = json.loads(text if isinstance(text, str) else bytes(text).decode("utf-8"))
        except (OSError, RuntimeError, ValueError, TypeError, RecursionError) as error:
            raise InputError(
                f"{self.path}: the topology in the file cannot be read ({str(error)[:100]}). Give --topology."
            ) from None
        return value if isinstance(value, dict) else None

    def read(self, first: int, count: int) -> NDArray[np.float32]:
        """`count` frames from `first` on: [count, n_atoms, 3], nm."""
        try:
            block = np.asarray(self._data[first : first + count], dtype=np.float32)
        except (OSError, RuntimeError) as error:
            raise cut_short(self.path, first, f"the data are damaged ({' '.join(str(error).split())[:100]})") from None
        if self._scale != 1:
            block *= np.float32(self._scale)
        return block

    def close(self) -> None:
        """Close the file."""
        self._file.close()
