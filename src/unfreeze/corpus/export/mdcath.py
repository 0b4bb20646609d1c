"""Entries as HDF5 files in the layout of mdCATH: ``mdcath_dataset_NAME.h5``, a group a temperature, a group a replica.

Units are those of mdCATH (coordinates in Å, forces in kcal/mol/Å, box in nm). The layout has a place for the
temperature and for nothing else, so trajectories that differ in other conditions go to files of their own, and what
mdCATH leaves to its paper (force field, solvent, time step) stands in an attribute ``unfreeze`` of every replica, in
JSON.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.export.formats import EntryJob, TrajectoryJob
from unfreeze.errors import InputError
from unfreeze.files.atomic import plain
from unfreeze.structure.complex import Complex

__all__ = ["LAYOUT", "write_entry"]

LAYOUT = "mdcath-like-unfreeze-v1"
"""Attribute ``layout`` of the file; that of mdCATH itself is ``mdcath-only-protein-v1.0``."""

_ANGSTROM = 10.0
_KCAL_MOL_A = 1 / 41.84
_PER_CHUNK = 1 << 20


def write_entry(job: EntryJob, folder: Path) -> list[str]:
    """Write an entry as one file, or as several where conditions other than the temperature differ.

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
        If h5py is not installed, a temperature is not known, or the PDB format cannot hold the atoms.
    """
    try:
        import h5py
    except ImportError:
        raise InputError("export in the layout of mdCATH needs h5py: pip install 'unfreeze[mdcath]'") from None
    text = _pdb(job)
    made = []
    for number, trajectories in enumerate(_alike(job), 1):
        domain = job.name if number == 1 else f"{job.name}-{number}"
        name = f"mdcath_dataset_{domain}.h5"
        with h5py.File(folder / name, "w") as file:
            file.attrs["layout"] = LAYOUT
            group = file.create_group(domain)
            _write_atoms(group, job.complex, text)
            described = _write_trajectories(group, trajectories)
            group.attrs["unfreeze"] = json.dumps(plain(job.described(described)), allow_nan=False)
        made.append(name)
    return made


def _alike(job: EntryJob) -> list[list[TrajectoryJob]]:
    """Trajectories whose conditions differ in the temperature alone."""
    groups: dict[str, list[TrajectoryJob]] = {}
    for trajectory in job.trajectories:
        conditions = dict(trajectory.shown["conditions"])
        if conditions.pop("temperature_K") is None:
            raise InputError(
                f"{job.name}/{trajectory.name}: no temperature is known, and mdCATH sorts by it; export as xtc or zarr."
            )
        groups.setdefault(json.dumps(conditions, sort_keys=True), []).append(trajectory)
    return list(groups.values())


def _pdb(job: EntryJob) -> bytes:
    from unfreeze.structure.write import write_pdb

    with tempfile.TemporaryDirectory(prefix="unfreeze-") as folder:
        path = Path(folder) / "topology.pdb"
        try:
            write_pdb(path, job.complex)
        except InputError as error:
            reason = str(error).removeprefix(f"{path}: ")
            raise InputError(f"{job.name}: mdCATH keeps atoms as a PDB file. {reason}") from None
        return path.read_bytes()


def _write_atoms(group: Any, complex: Complex, pdb: bytes) -> None:
    import gemmi
    import h5py

    residues, chains = complex.residue_index, complex.chain_index[complex.residue_index]
    text = h5py.string_dtype()
    numbers = {symbol: gemmi.Element(symbol).atomic_number for symbol in np.unique(complex.element).tolist()}
    group.create_dataset("chain", data=complex.chain_name[chains].tolist(), dtype=text)
    group.create_dataset("element", data=complex.element.tolist(), dtype=text)
    group.create_dataset("resname", data=complex.residue_name[residues].tolist(), dtype=text)
    group.create_dataset("resid", data=complex.residue_number[residues])
    group.create_dataset("z", data=np.array([numbers[symbol] for symbol in complex.element.tolist()], dtype=np.int64))
    for name in ("pdb", "pdbProteinAtoms"):
        group.create_dataset(name, data=pdb.decode("ascii"), dtype=text)
    group.attrs["numChains"] = complex.n_chains
    group.attrs["numProteinAtoms"] = complex.n_atoms
    group.attrs["numResidues"] = complex.n_residues


def _write_trajectories(group: Any, trajectories: list[TrajectoryJob]) -> list[dict[str, Any]]:
    described = []
    for trajectory in trajectories:
        temperature = f"{trajectory.shown['conditions']['temperature_K']:g}"
        replicas = group.require_group(temperature)
        replica = str(len(replicas))
        place = replicas.create_group(replica)
        shown = trajectory.shown | {
            "n_frames": trajectory.n_frames,
            "time_step_ps": trajectory.time_step_ps,
        }
        place.attrs["numFrames"] = trajectory.n_frames
        place.attrs["unfreeze"] = json.dumps(plain(shown), allow_nan=False)
        _write_frames(place, trajectory)
        described.append({"name": trajectory.name, "group": f"{temperature}/{replica}"})
    return described


def _write_frames(place: Any, trajectory: TrajectoryJob) -> None:
    arrays: dict[str, Any] = {}
    boxes: list[NDArray[Any]] = []
    done = 0
    for block in trajectory.blocks():
        columns = {"coords": block.coordinates_nm * np.float32(_ANGSTROM)}
        if "forces" in block.columns:
            columns["forces"] = block.columns["forces"] * np.float32(_KCAL_MOL_A)
        if block.times_ps is not None:
            columns["times_ps"] = block.times_ps
        columns |= {name: block.columns[name] for name in ("energies", "weights") if name in block.columns}
        for name, values in columns.items():
            if name not in arrays:
                chunk = min(trajectory.n_frames, max(1, _PER_CHUNK // max(1, values[:1].nbytes)))
                arrays[name] = place.create_dataset(
                    name,
                    shape=(trajectory.n_frames, *values.shape[1:]),
                    chunks=(chunk, *values.shape[1:]),
                    dtype=values.dtype,
                )
            arrays[name][done : done + len(values)] = values
        if "box" in block.columns:
            boxes.append(block.columns["box"])
        done += len(block.coordinates_nm)
    units = {"coords": "Angstrom", "forces": "kcal/mol/Angstrom", "energies": "kJ/mol", "times_ps": "ps"}
    for name, array in arrays.items():
        if name in units:
            array.attrs["unit"] = units[name]
    if boxes:
        box = np.concatenate(boxes)
        # mdCATH has one box a trajectory; where it changes, that would be wrong for all frames but one
        is_constant = bool(np.abs(box - box[:1]).max() < 1e-4)
        place.create_dataset("box" if is_constant else "boxes", data=box[0] if is_constant else box)
        place["box" if is_constant else "boxes"].attrs["unit"] = "nm"
