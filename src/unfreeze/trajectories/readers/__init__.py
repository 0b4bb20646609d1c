"""Readers of binary trajectories, one module a format; `open_trajectory` finds the right one."""

from __future__ import annotations

from pathlib import Path

from unfreeze.errors import InputError
from unfreeze.trajectories.formats import file_format
from unfreeze.trajectories.readers.base import TrajectoryReader

__all__ = ["TrajectoryReader", "open_trajectory"]


def open_trajectory(path: Path) -> TrajectoryReader:
    """A reader of the file, which was looked through and is whole.

    Raises
    ------
    InputError
        If it is no trajectory, cut short or damaged.
    """
    from unfreeze.trajectories.readers.dcd import DcdReader
    from unfreeze.trajectories.readers.gro import GroReader
    from unfreeze.trajectories.readers.hdf5 import Hdf5Reader
    from unfreeze.trajectories.readers.netcdf import NetcdfReader
    from unfreeze.trajectories.readers.xdr import TrrReader, XtcReader

    readers: dict[str, type[TrajectoryReader]] = {
        "xtc": XtcReader, "trr": TrrReader, "dcd": DcdReader, "hdf5": Hdf5Reader, "netcdf": NetcdfReader,
        "gro": GroReader,
    }  # fmt: skip
    kind = file_format(path)
    if kind not in readers:
        raise InputError(
            f"{path}: not a trajectory that is read; XTC, TRR, DCD, HDF5 (mdtraj), NetCDF (AMBER) or GRO was expected. "
            "Convert it, for example with mdconvert."
        )
    return readers[kind](path)  # type: ignore[call-arg]
