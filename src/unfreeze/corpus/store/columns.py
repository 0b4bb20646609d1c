"""The columns of a shard: type, shape of one frame, and name of the file of each."""

from __future__ import annotations

import numpy as np

__all__ = ["COLUMNS", "SHARD_BYTES", "UNIT_NM", "block_frames", "column_dtype", "column_shape", "file_name"]

COLUMNS = {
    "coordinates": "<i2",  # or <f4, where they do not fit
    "centre": "<f8",
    "forces": "<f4",
    "energies": "<f8",
    "box": "<f4",
    "times": "<f8",
    "weights": "<f8",
}
"""Little-endian numpy types, by name."""

UNIT_NM = 0.001
"""Of an integer step of coordinates."""

SHARD_BYTES = 2**26
"""Most bytes of coordinates in a shard, unless a single frame has more."""

_BLOCK_BYTES = 2**16
_SUFFIX = {"<i2": "i16", "<f4": "f32", "<f8": "f64"}


def column_dtype(column: str, coordinate_unit_nm: float | None) -> np.dtype:
    """Type of a column, given the unit of its shard's coordinates."""
    return np.dtype("<f4" if column == "coordinates" and coordinate_unit_nm is None else COLUMNS[column])


def column_shape(column: str, n_atoms: int, n_energies: int) -> tuple[int, ...]:
    """Shape of one frame of a column."""
    return {
        "coordinates": (n_atoms, 3),
        "centre": (3,),
        "forces": (n_atoms, 3),
        "energies": (n_energies,),
        "box": (3, 3),
    }.get(column, ())


def block_frames(n_atoms: int) -> int:
    """Frames of a block, which is the least that a repair can keep or lose."""
    return max(1, _BLOCK_BYTES // (6 * max(n_atoms, 1)))


def file_name(number: int, column: str, dtype: np.dtype) -> str:
    """Name of the file of a column of shard `number`."""
    return f"{number:06d}-{column}.{_SUFFIX[dtype.newbyteorder('<').str]}"
