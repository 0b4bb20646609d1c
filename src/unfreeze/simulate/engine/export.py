"""Write the checked frames of a run as `trajectory.xtc`, for every program that reads XTC.

The column files of the run remain the data; this is a copy, without the frames that did not pass.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unfreeze.files.atomic import atomic_path
from unfreeze.files.xtc import open_xtc
from unfreeze.simulate.engine.run_store import RunStore

__all__ = ["export_trajectory", "ladder_name"]

_BYTES_AT_ONCE = 64e6
_STEPS_OF_XTC = 2**31  # its numbers of steps begin again at 0 here


def export_trajectory(store: RunStore, path: Path | None = None) -> Path:
    """Write ``trajectory.xtc``: all frames that passed, with time and box, rounded to 0.001 nm.

    Of a replica exchange that is the lowest temperature; the others go to ``trajectory-344.61K.xtc`` and the like
    beside it.

    Parameters
    ----------
    store
        The run.
    path
        Where to; by default in the run directory.

    Returns
    -------
    Path
        The file.
    """
    path = store.directory / "trajectory.xtc" if path is None else path
    _write(store, store.read("coordinates"), path)
    if "ladder_coordinates" in store.manifest.columns:
        higher = store.record["settings"]["replica_exchange"]["temperatures_K"][1:]
        coordinates = store.read("ladder_coordinates")
        for row, temperature_K in enumerate(higher):
            _write(store, coordinates[:, row], path.with_name(ladder_name(temperature_K, path.name)))
    return path


def ladder_name(temperature_K: float, lowest: str = "trajectory.xtc") -> str:
    """Name of the trajectory of a higher temperature, after that of the lowest."""
    stem, dot, ending = lowest.rpartition(".")
    return f"{stem}-{temperature_K:.6g}K{dot}{ending}"


def _write(store: RunStore, coordinates: NDArray[np.float32], path: Path) -> None:
    passed = np.flatnonzero(store.passed_frames())
    observables = store.read("observables")
    box = store.read("box") if "box" in store.manifest.columns else None
    step_ps = store.record["settings"]["protocol"]["time_step_fs"] / 1000
    step = max(1, int(_BYTES_AT_ONCE / max(1, 12 * coordinates.shape[1])))
    with atomic_path(path) as temporary, open_xtc(temporary, "w") as handle:
        for start in range(0, len(passed), step):
            rows = passed[start : start + step]
            times_ps = np.asarray(observables[rows, 0])
            boxes = np.zeros((len(rows), 3, 3)) if box is None else box[rows]
            handle.write(
                np.ascontiguousarray(coordinates[rows], dtype=np.float32),
                time=times_ps.astype(np.float32),
                step=(np.rint(times_ps / step_ps) % _STEPS_OF_XTC).astype(np.int32),
                box=boxes.astype(np.float32),
            )
