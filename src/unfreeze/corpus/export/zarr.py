"""Entries as zarr groups: one array a column, in pieces of about a megabyte, with all that is known as attributes.

``NAME.zarr`` has the topology as mmCIF text (``topology_cif``, bytes) and as numbers, and a group a trajectory:
``coordinates`` (float32, nm), ``times`` (ps), ``forces`` (kJ/mol/nm), ``energies`` (kJ/mol), ``box`` (nm), ``weights``.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from unfreeze.corpus.export.formats import EntryJob, TrajectoryJob
from unfreeze.errors import InputError
from unfreeze.files.atomic import plain

__all__ = ["write_entry"]

_CHUNK_BYTES = 1 << 20


def write_entry(job: EntryJob, folder: Path) -> list[str]:
    """Write an entry as ``folder/NAME.zarr``.

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
        If zarr is not installed.
    """
    zarr = _zarr()
    name = f"{job.name}.zarr"
    root = zarr.create_group(str(folder / name))
    _write_topology(root.create_group("topology"), job)
    described = []
    for trajectory in job.trajectories:
        group = root.create_group(f"trajectories/{trajectory.stem}")
        _write_trajectory(group, trajectory)
        shown = trajectory.shown | {"n_frames": trajectory.n_frames, "time_step_ps": trajectory.time_step_ps}
        group.attrs.update(plain(shown))
        described.append({"name": trajectory.name, "group": f"trajectories/{trajectory.stem}"})
    root.attrs.update(plain(job.described(described)))
    return [name]


def _zarr() -> Any:
    try:
        import zarr
    except ImportError:
        raise InputError("export to zarr needs zarr: pip install 'unfreeze[zarr]'") from None
    return zarr


def _write_topology(group: Any, job: EntryJob) -> None:
    from unfreeze.structure.write import write_cif

    complex = job.complex
    with tempfile.TemporaryDirectory(prefix="unfreeze-") as folder:
        path = Path(folder) / "topology.cif"
        write_cif(path, complex)
        text = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    arrays = {
        "topology_cif": text,
        "residue_index": complex.residue_index,
        "chain_index": complex.chain_index,
        "residue_number": complex.residue_number,
        "links": complex.links,
        "reference_nm": complex.coordinates_nm,
    }
    for name, values in arrays.items():
        values = np.ascontiguousarray(values)
        array = group.create_array(name, shape=values.shape, dtype=values.dtype)
        if values.size:
            array[...] = values


def _write_trajectory(group: Any, trajectory: TrajectoryJob) -> None:
    arrays: dict[str, Any] = {}
    done = 0
    for block in trajectory.blocks():
        columns = {"coordinates": block.coordinates_nm, **block.columns}
        if block.times_ps is not None:
            columns["times"] = block.times_ps
        for name, values in columns.items():
            if name not in arrays:
                per_frame = max(1, values[:1].nbytes)
                chunk = min(trajectory.n_frames, max(1, _CHUNK_BYTES // per_frame))
                arrays[name] = group.create_array(
                    name,
                    shape=(trajectory.n_frames, *values.shape[1:]),
                    chunks=(chunk, *values.shape[1:]),
                    dtype=values.dtype,
                )
            arrays[name][done : done + len(values)] = values
        done += len(block.coordinates_nm)
