"""Write a :class:`Complex` as a topology for trajectories, and trajectories as XTC.

The text formats have modules of their own, whose writers are offered here too. Every file appears whole or not
at all.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.files.atomic import atomic_path
from unfreeze.files.xtc import open_xtc
from unfreeze.structure.complex import Complex
from unfreeze.structure.writing.write_cif import write_cif
from unfreeze.structure.writing.write_pdb import pdb_obstacle, write_pdb

__all__ = ["read_xtc", "write_cif", "write_pdb", "write_topology", "write_xtc"]

_XTC_LIMIT_NM = 2e6  # the format stores thousandths of a nanometre as 32-bit integers


def write_topology(directory: str | os.PathLike[str], complex: Complex) -> Path:
    """Write ``topology.pdb``, or ``topology.cif`` where the PDB format cannot hold the complex.

    Parameters
    ----------
    directory
        An existing folder. A topology of the other format in it is removed.
    complex
        What to write.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If the folder cannot be written to.
    """
    pdb, cif = Path(directory) / "topology.pdb", Path(directory) / "topology.cif"
    if pdb_obstacle(complex, complex.coordinates_nm[None]):
        write_cif(cif, complex)
        pdb.unlink(missing_ok=True)
        return cif
    write_pdb(pdb, complex)
    cif.unlink(missing_ok=True)
    return pdb


def write_xtc(path: str | os.PathLike[str], coordinates_nm: NDArray[np.floating], time_step_ps: float = 1.0) -> None:
    """Write frames as a GROMACS XTC trajectory, rounded to 0.001 nm.

    Parameters
    ----------
    path
        File to write.
    coordinates_nm : [n_frames, n_atoms, 3] or [n_atoms, 3]
        Coordinates in nm.
    time_step_ps
        Time between frames; the first is at 0.

    Raises
    ------
    InputError
        If there are no frames or atoms, or coordinates that are not finite or too large for the format.
    """
    frames = np.asarray(coordinates_nm, dtype=np.float32)
    frames = frames[None] if frames.ndim == 2 else frames
    if frames.ndim != 3 or frames.shape[2] != 3 or 0 in frames.shape:
        raise InputError(f"{path}: coordinates of the shape [n_frames, n_atoms, 3] were expected, not {frames.shape}.")
    wrong = ~(np.abs(frames) < _XTC_LIMIT_NM).all(axis=(1, 2))
    if wrong.any():
        raise InputError(
            f"{path}: frame {int(np.flatnonzero(wrong)[0])} has coordinates that are not finite or too large for XTC."
        )
    time = np.arange(len(frames), dtype=np.float32) * np.float32(time_step_ps)
    step = np.arange(len(frames), dtype=np.int32)
    box = np.zeros((len(frames), 3, 3), dtype=np.float32)
    with atomic_path(path) as temporary, open_xtc(temporary, "w") as handle:
        handle.write(np.ascontiguousarray(frames), time=time, step=step, box=box)


def read_xtc(path: str | os.PathLike[str], n_atoms: int) -> NDArray[np.float32]:
    """Read all frames of an XTC trajectory.

    Parameters
    ----------
    path
        The file.
    n_atoms
        Number of atoms that it must have.

    Returns
    -------
    float32 [n_frames, n_atoms, 3]
        Coordinates in nm.

    Raises
    ------
    InputError
        If the file is absent, damaged or has other atoms.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file. Check the spelling and the folder.")
    try:
        with open_xtc(path) as handle:
            frames = handle.read()[0]
    except Exception as error:  # mdtraj raises RuntimeError, IOError, ValueError, MemoryError and its own
        text = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: not a readable XTC trajectory ({text}). Copy or write it again.") from None
    if frames.ndim != 3 or len(frames) == 0:
        raise InputError(f"{path}: the XTC trajectory has no frames.")
    if frames.shape[1] != n_atoms:
        raise InputError(
            f"{path}: the trajectory has {frames.shape[1]} atoms and its topology {n_atoms}; "
            "they do not belong together."
        )
    return np.asarray(frames, dtype=np.float32)
