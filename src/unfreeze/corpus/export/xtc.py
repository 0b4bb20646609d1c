"""Entries as folders with a topology, one XTC file a trajectory, and records that programs and people can read.

Coordinates are rounded to 1 pm by the format. What XTC cannot hold (forces, energies, weights, times that are not even)
goes into ``.npy`` files beside. ``metadata.yaml`` lets :mod:`unfreeze.corpus.importers.generic` take it all back in.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from unfreeze.corpus.export.formats import EntryJob, TrajectoryJob
from unfreeze.errors import InputError
from unfreeze.files.atomic import write_atomically, write_json

__all__ = ["write_entry"]

_MOST_NM = 2e6
_CONDITIONS = ("force_field", "solvent", "temperature_K", "pressure_bar", "ionic_strength_M", "pH", "method")


def write_entry(job: EntryJob, folder: Path) -> list[str]:
    """Write an entry into ``folder/NAME/``.

    Parameters
    ----------
    job
        The entry.
    folder
        An existing folder.

    Returns
    -------
    list of str
        Names of what was made in `folder`.

    Raises
    ------
    InputError
        If a frame does not fit the format.
    """
    from unfreeze.structure.write import write_topology

    place = folder / job.name
    place.mkdir()
    topology = write_topology(place, job.complex)
    described, noted = [], []
    for trajectory in job.trajectories:
        columns = _write_trajectory(job, trajectory, place)
        file = f"{trajectory.stem}.xtc"
        described.append(
            trajectory.shown
            | {
                "n_frames": trajectory.n_frames,
                "time_step_ps": trajectory.time_step_ps,
                "file": file,
                "columns": columns,
            }
        )
        noted.append(_note(trajectory, file))
    write_json(place / "record.json", {**job.described(described), "topology": topology.name})
    _write_metadata(place / "metadata.yaml", job, topology.name, noted)
    return [job.name]


def _write_trajectory(job: EntryJob, trajectory: TrajectoryJob, place: Path) -> dict[str, str]:
    """Write ``STEM.xtc`` and the columns beside it; names of the files by column."""
    from unfreeze.files.xtc import open_xtc

    n_atoms, done = job.complex.n_atoms, 0
    beside = [name for name in trajectory.columns if name != "box"]
    if trajectory.record.time_step_ps is None and trajectory.view.times_ps is not None:
        beside.append("times")
    files = {name: f"{trajectory.stem}.{name}.npy" for name in beside}
    arrays: dict[str, Any] = {}
    with open_xtc(place / f"{trajectory.stem}.xtc", "w") as handle:
        for block in trajectory.blocks():
            n = len(block.coordinates_nm)
            if not np.abs(block.coordinates_nm).max(initial=0) < _MOST_NM:
                raise InputError(f"{job.name}/{trajectory.name}: a frame lies too far out for XTC; export it as zarr.")
            times = np.arange(done, done + n) if block.times_ps is None else block.times_ps
            box = block.columns.get("box")
            handle.write(
                block.coordinates_nm,
                time=np.asarray(times, np.float32),
                step=np.arange(done, done + n, dtype=np.int32),
                box=np.zeros((n, 3, 3), np.float32) if box is None else np.asarray(box, np.float32),
            )
            for name in beside:
                values = block.times_ps if name == "times" else block.columns[name]
                assert values is not None
                if name not in arrays:
                    arrays[name] = np.lib.format.open_memmap(
                        place / files[name], "w+", values.dtype, (trajectory.n_frames, *values.shape[1:])
                    )
                arrays[name][done : done + n] = values
            done += n
    for array in arrays.values():
        array.flush()
    assert done == trajectory.n_frames, f"{done} of {trajectory.n_frames} frames of {n_atoms} atoms"
    return files


def _note(trajectory: TrajectoryJob, file: str) -> dict[str, Any]:
    conditions, source = trajectory.shown["conditions"], trajectory.shown["source"]
    note: dict[str, Any] = {"name": trajectory.name, "file": file}
    note |= {name: conditions[name] for name in _CONDITIONS if conditions.get(name) not in (None, "")}
    note |= {name: source[name] for name in ("dataset", "licence", "citation", "url") if source.get(name)}
    if trajectory.time_step_ps is not None:
        note["time_step_ps"] = trajectory.time_step_ps
    return note


def _write_metadata(path: Path, job: EntryJob, topology: str, notes: list[dict[str, Any]]) -> None:
    import yaml

    document = {"name": job.name, "topology": topology, "trajectories": notes}
    if job.shown["title"]:
        document["title"] = job.shown["title"]
    if job.shown["notes"]:
        document["notes"] = job.shown["notes"]
    write_atomically(path, yaml.safe_dump(document, allow_unicode=True, sort_keys=False))
