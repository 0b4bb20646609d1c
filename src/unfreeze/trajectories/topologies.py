"""The topology of a trajectory: reading it from any format, finding it beside the trajectory, and matching rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.structure.complex import Source
from unfreeze.structure.reading.files import MAX_BYTES
from unfreeze.structure.topology import Topology, read_topology, topology_of_table
from unfreeze.trajectories.atom_tables import AtomNames, names_of_json, names_of_mdtraj
from unfreeze.trajectories.formats import TOPOLOGIES, file_format

__all__ = ["TOPOLOGY_SUFFIXES", "find_topology", "load_topology", "rows_in_trajectory", "topology_of_names"]

TOPOLOGY_SUFFIXES = (".pdb", ".ent", ".cif", ".mmcif", ".pdb.gz", ".cif.gz", ".gro", ".psf", ".prmtop", ".parm7")


def load_topology(path: Path, first_frame: Callable[[int], NDArray[np.float32]]) -> Topology:
    """Read a topology in any of the formats.

    Parameters
    ----------
    path
        PDB, mmCIF, GRO, PSF, PRMTOP, or mdtraj's HDF5.
    first_frame
        Gives the first frame of the trajectory, [n_atoms, 3] in nm, for formats without coordinates; it is told how
        many atoms there must be.

    Raises
    ------
    InputError
        If the file cannot be read or is no topology.
    """
    kind = file_format(path)
    if kind in ("pdb", "cif"):
        return read_topology(path)
    if kind == "gro":
        from unfreeze.trajectories.readers.gro import GroReader

        gro = GroReader(path)
        return topology_of_names(names_of_gro(gro), gro.read(0, 1)[0], path.name, own_coordinates=True)
    if kind == "hdf5":
        from unfreeze.trajectories.readers.hdf5 import Hdf5Reader

        with Hdf5Reader(path) as reader:
            value = reader.topology()
        if value is None:
            raise InputError(f"{path}: the HDF5 file has no topology. Give one with --topology.")
        names = names_of_json(str(path), value)
        return topology_of_names(names, first_frame(len(names)), path.name)
    if kind in ("psf", "prmtop"):
        names = _names_through_mdtraj(path, kind)
        return topology_of_names(names, first_frame(len(names)), path.name)
    raise InputError(
        f"{path}: not a topology; a PDB, mmCIF, GRO, PSF, PRMTOP or mdtraj HDF5 file was expected. "
        "Give the structure that the simulation began from."
    )


def names_of_gro(gro: Any) -> AtomNames:
    """Names of the atoms of a GRO file (:class:`~unfreeze.trajectories.readers.gro.GroReader`)."""
    number, name = gro.residue_number, gro.residue_name
    new = (number[1:] != number[:-1]) | (name[1:] != name[:-1])
    residue = np.concatenate([[0], np.cumsum(new)]).astype(np.int64)
    blank = np.full(len(number), "")
    return AtomNames(residue, number, name, gro.atom_name, blank, blank)


def _names_through_mdtraj(path: Path, kind: str) -> AtomNames:
    from mdtraj.formats.prmtop import load_prmtop
    from mdtraj.formats.psf import load_psf

    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path}: larger than {MAX_BYTES / 1e6:,.0f} MB, the most that is read of a topology.")
    try:
        topology = load_psf(str(path)) if kind == "psf" else load_prmtop(str(path))
    except Exception as error:  # mdtraj raises PSFError, KeyError, IndexError, ValueError, Exception and others
        text = " ".join(str(error).split())[:200]
        raise InputError(
            f"{path}: cannot be read as {kind.upper()} ({type(error).__name__}: {text}). Give a PDB or mmCIF topology."
        ) from None
    if topology.n_atoms == 0:
        raise InputError(f"{path}: the topology has no atoms.")
    return names_of_mdtraj(topology, number_residues=kind == "prmtop")


def topology_of_names(
    names: AtomNames, position_nm: NDArray[np.floating], name: str, *, own_coordinates: bool = False
) -> Topology:
    """The topology of named atoms in some places.

    Parameters
    ----------
    names
        The atoms.
    position_nm : [n_atoms, 3]
        Where they are, nm.
    name
        File name for messages.
    own_coordinates
        Whether the topology came with these coordinates; a note says so if they are the first frame's.

    Raises
    ------
    InputError
        If a coordinate is no number, or nothing but water is there.
    """
    notes: list[str] = []
    wrong = ~(np.abs(position_nm) < 1e4).all(axis=1)
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        atom = f"{names.residue_name[at]}{names.number[at]}/{names.atom_name[at]}"
        raise InputError(
            f"{name}: frame 1: atom {atom} (number {at + 1}) has the coordinates "
            f"({', '.join(f'{value:g}' for value in position_nm[at])}) nm; finite numbers below 10000 nm were "
            "expected. Leave out this frame or write the file again."
        )
    if not own_coordinates:
        notes.append(f"The topology {name} has no coordinates; the first frame is taken as the structure.")
    return topology_of_table(names.table(position_nm, notes), Source(name=name, notes=tuple(notes)))


def find_topology(trajectory: Path) -> Path:
    """The topology beside a trajectory: of the same stem, called topology, or of a stem that the other begins with.

    Raises
    ------
    InputError
        If there is none, or several would do.
    """
    folder, stem = trajectory.parent, trajectory.name.rsplit(".", 1)[0]
    try:
        files = [path for path in sorted(folder.iterdir()) if path.name.lower().endswith(TOPOLOGY_SUFFIXES)]
    except OSError:
        files = []
    stems = {path: _stem(path) for path in files if path.is_file() and path != trajectory}
    candidates: list[Path] = []
    for fits in (lambda one: one == stem, lambda one: one == "topology", lambda one: one and stem.startswith(one)):
        candidates = [path for path, one in stems.items() if fits(one) and file_format(path) in TOPOLOGIES]
        if len({stems[path] for path in candidates}) == 1:
            # Of one stem they are of one system; PDB and mmCIF name chains as well.
            return min(candidates, key=lambda path: TOPOLOGIES.index(file_format(path)))
        if candidates:
            break
    found = ", ".join(path.name for path in candidates or list(stems)[:6]) or "none"
    raise InputError(
        f"{trajectory}: a topology is needed to know its atoms. One called {stem}.pdb (.cif, .gro) or topology.pdb was "
        f"looked for beside it; there {'are several' if candidates else 'is'}: {found}. Give it with --topology FILE."
    )


def _stem(path: Path) -> str:
    name = path.name.lower()
    suffix = max((suffix for suffix in TOPOLOGY_SUFFIXES if name.endswith(suffix)), key=len)
    return path.name[: -len(suffix)]


def rows_in_trajectory(topology: Topology, n_atoms: int, name: str) -> tuple[NDArray[np.int64], str]:
    """Row in a trajectory of every atom of the complex.

    Parameters
    ----------
    topology
        The topology; the trajectory may lack its waters, its hydrogens or both.
    n_atoms
        Number of atoms of the trajectory.
    name
        What messages call the trajectory.

    Returns
    -------
    rows : int64 [topology.complex.n_atoms]
    note
        Which atoms the trajectory lacks; empty if none.

    Raises
    ------
    InputError
        If the numbers of atoms do not go together.
    """
    if n_atoms == topology.n_atoms_in_file:
        return topology.rows, ""
    kept = np.zeros(topology.n_atoms_in_file, dtype=bool)
    kept[topology.rows] = True
    without = {
        "waters": ~topology.is_water,
        "hydrogens": ~topology.is_hydrogen,
        "waters and hydrogens": ~(topology.is_water | topology.is_hydrogen),
        "waters, hydrogens and alternate locations": kept,
    }
    masks = {word: mask for word, mask in without.items() if mask.sum() == n_atoms}
    unlike = [mask for mask in masks.values() if not np.array_equal(mask, next(iter(masks.values())))]
    if masks and not unlike:
        word, mask = next(iter(masks.items()))
        note = (
            f"The trajectory has {n_atoms} atoms and its topology {topology.n_atoms_in_file}: it was taken to lack the "
            f"topology's {word}."
        )
        return (np.cumsum(mask) - 1)[topology.rows], note
    counts = ", ".join(f"{int(mask.sum())} without {word}" for word, mask in list(without.items())[:3])
    raise InputError(
        f"{name}: the trajectory has {n_atoms} atoms and the topology {topology.complex.source.name} "
        f"{topology.n_atoms_in_file} ({counts}); they do not belong together. Give the topology of exactly these atoms "
        "with --topology, for example the first frame written as PDB."
    )
