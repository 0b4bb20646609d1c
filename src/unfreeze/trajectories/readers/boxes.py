"""Periodic boxes of the frames of a trajectory file: three vectors a frame, whatever the format calls them.

Beside the readers, which give coordinates only. A box that is absent, zero or no number is none.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unfreeze.trajectories.readers.base import TrajectoryReader

__all__ = ["box_vectors", "boxes_of"]

_XTC_BOX = 16  # bytes from the beginning of a frame
_XTC_BOX_BYTES = 36
_LARGEST_NM = 1e5


def boxes_of(reader: TrajectoryReader, first: int, count: int, step: int = 1) -> NDArray[np.float32] | None:
    """Boxes of some frames.

    Parameters
    ----------
    reader
        An open reader.
    first, count, step
        Frames ``first``, ``first + step``... , `count` of them.

    Returns
    -------
    float32 [count, 3, 3] or None
        Rows are the box vectors, nm; None if the file has none for any of them.
    """
    from unfreeze.trajectories.readers.dcd import DcdReader
    from unfreeze.trajectories.readers.hdf5 import Hdf5Reader
    from unfreeze.trajectories.readers.netcdf import NetcdfReader
    from unfreeze.trajectories.readers.xdr import TrrReader, XtcReader

    frames = range(first, first + count * step, step)
    boxes: NDArray[np.float64] | None = None
    if isinstance(reader, XtcReader):
        boxes = _xtc(reader.path, [reader._offsets[frame] for frame in frames])
    elif isinstance(reader, TrrReader):
        boxes = _trr(reader, frames)
    elif isinstance(reader, DcdReader):
        boxes = _dcd(reader, frames)
    elif isinstance(reader, (Hdf5Reader, NetcdfReader)):
        boxes = _lengths_and_angles(reader, slice(first, first + count * step, step))
    if boxes is None or len(boxes) != count or not np.isfinite(boxes).all():
        return None
    volume = np.abs(np.linalg.det(boxes))
    if (volume < 1e-6).any() or np.abs(boxes).max(initial=0) > _LARGEST_NM:
        return None
    return boxes.astype(np.float32)


def box_vectors(lengths_nm: NDArray[np.floating], angles_degrees: NDArray[np.floating]) -> NDArray[np.float64]:
    """Box vectors of lengths a, b, c and angles α, β, γ.

    Parameters
    ----------
    lengths_nm, angles_degrees : [n, 3]

    Returns
    -------
    float64 [n, 3, 3]
        a along x, b in the plane of x and y; not finite where the angles make no box.
    """
    a, b, c = np.asarray(lengths_nm, dtype=np.float64).T
    cosines = np.cos(np.radians(np.asarray(angles_degrees, dtype=np.float64)))
    cosines[np.abs(cosines) < 1e-9] = 0.0
    alpha, beta, gamma = cosines.T
    boxes = np.zeros((len(a), 3, 3))
    with np.errstate(invalid="ignore", divide="ignore"):
        sine = np.sqrt(1 - gamma**2)
        x, y = beta, (alpha - beta * gamma) / sine
        boxes[:, 0, 0] = a
        boxes[:, 1, 0], boxes[:, 1, 1] = b * gamma, b * sine
        boxes[:, 2, 0], boxes[:, 2, 1], boxes[:, 2, 2] = c * x, c * y, c * np.sqrt(1 - x**2 - y**2)
    return boxes


def _xtc(path: Path, offsets: list[int]) -> NDArray[np.float64]:
    parts = []
    with path.open("rb", buffering=0) as handle:
        for offset in offsets:
            handle.seek(offset + _XTC_BOX)
            parts.append(handle.read(_XTC_BOX_BYTES))
    data = b"".join(parts)
    if len(data) < len(offsets) * _XTC_BOX_BYTES:
        return np.full((len(offsets), 3, 3), np.nan)
    return np.frombuffer(data, dtype=">f4").reshape(-1, 3, 3).astype(np.float64)


def _trr(reader: TrajectoryReader, frames: range) -> NDArray[np.float64] | None:
    """The box stands before virial, pressure and coordinates; only files without the former two are understood."""
    from unfreeze.trajectories.readers.xdr import TrrReader

    assert isinstance(reader, TrrReader)
    number = reader._number
    n_bytes = 9 * int(number[-1])
    boxes = []
    with reader.path.open("rb") as handle:
        for frame in frames:
            begin = reader._offsets[frame] - n_bytes
            # the sizes in the header tell whether the box is what stands right before the coordinates
            header = begin - 2 * int(number[-1]) - 52
            if header < 0:
                return None
            handle.seek(header)
            sizes = struct.unpack(">13i", handle.read(52))
            if sizes[2] != n_bytes or sizes[3] or sizes[4] or sizes[7] == 0:
                return None
            handle.seek(begin)
            boxes.append(np.frombuffer(handle.read(n_bytes), dtype=number).reshape(3, 3))
    return np.array(boxes, dtype=np.float64)


def _dcd(reader: TrajectoryReader, frames: range) -> NDArray[np.float64] | None:
    """Six doubles: A, γ, B, β, α, C, angles as degrees or cosines (CHARMM, NAMD), lengths in Å."""
    from unfreeze.trajectories.readers.dcd import DcdReader

    assert isinstance(reader, DcdReader)
    if not reader._cell_bytes:
        return None
    cells = []
    with reader.path.open("rb") as handle:
        for frame in frames:
            at = reader._first + (reader._first_bytes + (frame - 1) * reader._frame_bytes if frame else 0)
            handle.seek(at + 4)
            cells.append(handle.read(48))
    if any(len(cell) < 48 for cell in cells):
        return None
    values = np.frombuffer(b"".join(cells), dtype=reader._order + "f8").reshape(-1, 6)
    angles = values[:, [4, 3, 1]]
    if (np.abs(angles) <= 1).all():
        angles = np.degrees(np.arccos(angles))
    return box_vectors(values[:, [0, 2, 5]] / 10, angles)


def _lengths_and_angles(reader: TrajectoryReader, rows: slice) -> NDArray[np.float64] | None:
    """AMBER's NetCDF (Å) and mdtraj's HDF5 (nm) have datasets ``cell_lengths`` and ``cell_angles``."""
    from unfreeze.trajectories.readers.hdf5 import Hdf5Reader
    from unfreeze.trajectories.readers.netcdf import NetcdfReader

    if isinstance(reader, NetcdfReader):
        lengths, angles = (reader._file.variables.get(name) for name in ("cell_lengths", "cell_angles"))
        scale = 0.1 * float(getattr(lengths, "scale_factor", 1.0)) if lengths is not None else math.nan
        found = [None if item is None else item.data for item in (lengths, angles)]
    else:
        assert isinstance(reader, Hdf5Reader)
        found, scale = [reader._dataset(name) for name in ("cell_lengths", "cell_angles")], 1.0
    if any(item is None or item.shape != (reader.n_frames, 3) for item in found):
        return None
    values = [np.asarray(item[rows], dtype=np.float64) for item in found if item is not None]
    return box_vectors(values[0] * scale, values[1])
