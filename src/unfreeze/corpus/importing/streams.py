"""Streams that most importers need: frames of trajectory files with a topology, and frames that are in memory already.

What a file says is given on as it is; units, clocks and molecules are looked at by the driver.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.importing.source import FrameBlock, FrameStream
from unfreeze.errors import InputError
from unfreeze.structure.complex import Complex

if TYPE_CHECKING:
    from unfreeze.structure.topology import Topology
    from unfreeze.trajectories.readers import TrajectoryReader

__all__ = ["ArrayStream", "FileStream", "open_stream"]


class ArrayStream:
    """Frames in memory, or in a memory map, as a :class:`~unfreeze.corpus.importing.source.FrameStream`.

    Parameters
    ----------
    molecule
        The atoms; its coordinates are the reference.
    coordinates_nm : [n_frames, n_atoms, 3]
    times_ps, box_nm, forces_kJ_mol_nm, energies_kJ_mol, weights
        As in :class:`~unfreeze.corpus.importing.source.FrameBlock`, of all frames.
    steps, notes
        As in the stream.
    """

    def __init__(
        self,
        molecule: Complex,
        coordinates_nm: NDArray[np.floating],
        *,
        times_ps: NDArray[np.floating] | None = None,
        box_nm: NDArray[np.floating] | None = None,
        forces_kJ_mol_nm: NDArray[np.floating] | None = None,
        energies_kJ_mol: NDArray[np.floating] | None = None,
        weights: NDArray[np.floating] | None = None,
        steps: NDArray[np.int64] | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.complex = molecule
        self.n_frames: int | None = len(coordinates_nm)
        self.steps = steps
        self.notes = notes
        self.times_ps = None if times_ps is None else np.asarray(times_ps, dtype=np.float64)
        self._coordinates = coordinates_nm
        self._rest = (box_nm, forces_kJ_mol_nm, energies_kJ_mol, weights)

    def blocks(self, first: int = 0, stride: int = 1, *, most_bytes: int = 2**25) -> Iterator[FrameBlock]:
        """Frames ``first``, ``first + stride``... in blocks."""
        most = max(1, most_bytes // (12 * max(1, self.complex.n_atoms)))
        for begin in range(first, len(self._coordinates), most * stride):
            rows = slice(begin, begin + most * stride, stride)
            box, forces, energies, weights = (None if column is None else column[rows] for column in self._rest)
            yield FrameBlock(
                coordinates_nm=np.ascontiguousarray(self._coordinates[rows], dtype=np.float32),
                times_ps=None if self.times_ps is None else self.times_ps[rows],
                box_nm=None if box is None else np.asarray(box, dtype=np.float32),
                forces_kJ_mol_nm=None if forces is None else np.ascontiguousarray(forces, dtype=np.float32),
                energies_kJ_mol=None if energies is None else np.asarray(energies, dtype=np.float64),
                weights=None if weights is None else np.asarray(weights, dtype=np.float64),
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


def open_stream(topology: Path | None, trajectories: Sequence[Path], *, atoms: str = "heavy") -> FrameStream:
    """A stream of trajectory files, or of PDB and mmCIF files with a model a frame; as :class:`FileStream`.

    Raises
    ------
    InputError
        If a file cannot be read, is cut short, or does not fit the topology.
    """
    from unfreeze.corpus.importing.text_formats import SUFFIXES
    from unfreeze.trajectories.formats import STRUCTURES, file_format

    if any(path.suffix.lower() in SUFFIXES or file_format(path) not in STRUCTURES for path in trajectories):
        return FileStream(topology, trajectories, atoms=atoms)
    from unfreeze.structure.read import read_models

    molecule, frames = read_models(list(trajectories), keep_hydrogens=atoms == "all")
    if topology is not None and file_format(topology) in STRUCTURES:
        from unfreeze.structure.read import read_complex

        reference = read_complex(topology, keep_hydrogens=atoms == "all")
        if not np.array_equal(reference.atom_name, molecule.atom_name):
            raise InputError(
                f"{trajectories[0]}: the models have other atoms ({molecule.n_atoms}) than the topology "
                f"{topology.name} ({reference.n_atoms}), or another order. Leave the topology out: "
                "models have their own names."
            )
        molecule = reference
    return ArrayStream(molecule, frames, notes=molecule.source.notes)


class FileStream:
    """Frames of one or several trajectory files that follow each other, with their topology.

    Parameters
    ----------
    topology
        PDB, mmCIF, GRO, PSF, PRMTOP or mdtraj's HDF5; None to take what the trajectory itself has (HDF5, GRO), or the
        file beside it that fits by name.
    trajectories
        XTC, TRR, DCD, HDF5, NetCDF or GRO; several are parts of one run, in order.
    atoms
        ``heavy`` (without waters) or ``all`` (with hydrogens, without waters).

    Raises
    ------
    InputError
        If a file cannot be read, is cut short, or does not fit the topology.
    """

    def __init__(self, topology: Path | None, trajectories: Sequence[Path], *, atoms: str = "heavy") -> None:
        from unfreeze.trajectories.topologies import rows_in_trajectory

        with ExitStack() as stack:
            self._readers = [stack.enter_context(_reader(path, topology)) for path in trajectories]
            reader = self._readers[0]
            for other in self._readers[1:]:
                if other.n_atoms != reader.n_atoms:
                    raise InputError(
                        f"{other.path}: the trajectory has {other.n_atoms} atoms and {reader.path.name} has "
                        f"{reader.n_atoms}; parts of one run have the same atoms. Import them one by one."
                    )
            read = _topology(topology, trajectories[0], reader, atoms)
            rows, note = rows_in_trajectory(read, reader.n_atoms, str(reader.path))
            self._close = stack.pop_all()
        self.complex = read.complex
        self._rows = None if np.array_equal(rows, np.arange(reader.n_atoms)) else rows
        self.n_frames: int | None = sum(reader.n_frames for reader in self._readers)
        self.steps = _joined([reader.steps for reader in self._readers])
        self.times_ps = _joined([reader.times_ps for reader in self._readers])
        notes = [*read.complex.source.notes, note, *(text for reader in self._readers for text in reader.notes)]
        self.notes = tuple(dict.fromkeys(text for text in notes if text))

    def blocks(self, first: int = 0, stride: int = 1, *, most_bytes: int = 2**25) -> Iterator[FrameBlock]:
        """Frames ``first``, ``first + stride``... in blocks."""
        most = max(1, most_bytes // (12 * self._readers[0].n_atoms))
        begin = 0
        for reader in self._readers:
            end = begin + reader.n_frames
            while first < end:
                count = min(most, -(-(end - first) // stride))
                at = first - begin
                frames, boxes = self._read(reader, at, count, stride)
                yield FrameBlock(
                    coordinates_nm=frames,
                    times_ps=None if self.times_ps is None else self.times_ps[first : first + count * stride : stride],
                    box_nm=boxes,
                )
                first += count * stride
            begin = end

    def _read(
        self, reader: TrajectoryReader, at: int, count: int, stride: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        from unfreeze.trajectories.readers.boxes import boxes_of
        from unfreeze.trajectories.readers.xtc import XtcFile

        if isinstance(reader, XtcFile):
            frames, boxes = reader.read_with_boxes(at, count, stride)
        else:
            if stride == 1:
                frames = reader.read(at, count)
            else:
                frames = np.concatenate([reader.read(at + k * stride, 1) for k in range(count)])
            boxes = boxes_of(reader, at, count, stride)
        return (frames if self._rows is None else frames[:, self._rows]), boxes

    def close(self) -> None:
        """Close the files."""
        self._close.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _reader(path: Path, topology: Path | None) -> TrajectoryReader:
    """A reader of the file; XTC is unpacked by our own code, which leaves the interpreter to others meanwhile."""
    from unfreeze.corpus.importing.text_formats import SUFFIXES, MdtrajReader
    from unfreeze.structure.topology import read_topology
    from unfreeze.trajectories.formats import TRAJECTORIES, file_format
    from unfreeze.trajectories.readers import open_trajectory
    from unfreeze.trajectories.topologies import find_topology

    kind = file_format(path)
    if path.suffix.lower() in SUFFIXES and kind not in TRAJECTORIES:
        topology = topology or find_topology(path)
        if file_format(topology) not in ("pdb", "cif"):
            raise InputError(f"{topology}: trajectories in {path.suffix} need a PDB or mmCIF topology. Give one.")
        return MdtrajReader(path, read_topology(topology).n_atoms_in_file)
    if kind == "xtc":
        from unfreeze.trajectories.readers.xtc import XtcFile

        return XtcFile(path)
    return open_trajectory(path)


def _topology(topology: Path | None, trajectory: Path, reader: TrajectoryReader, atoms: str) -> Topology:
    from unfreeze.trajectories.formats import file_format
    from unfreeze.trajectories.topologies import find_topology, load_topology

    if topology is None:
        topology = trajectory if _holds_topology(trajectory) else find_topology(trajectory)
    if atoms == "all" and file_format(topology) in ("pdb", "cif"):
        return _with_hydrogens(topology)
    if atoms == "all":
        raise InputError(
            f"{topology}: hydrogens are kept with a PDB or mmCIF topology only. Write the first frame as PDB, or "
            "import heavy atoms (--atoms heavy)."
        )

    def first_frame(n_atoms: int) -> NDArray[np.float32]:
        if reader.n_atoms != n_atoms:
            raise InputError(
                f"{reader.path}: the trajectory has {reader.n_atoms} atoms and the topology {topology.name} {n_atoms}; "
                "they do not belong together. Give the topology of exactly these atoms with --topology."
            )
        return reader.read(0, 1)[0]

    return load_topology(topology, first_frame)


def _holds_topology(trajectory: Path) -> bool:
    from unfreeze.trajectories.formats import file_format

    kind = file_format(trajectory)
    if kind != "hdf5":
        return kind == "gro"
    from unfreeze.trajectories.readers.hdf5 import Hdf5Reader

    with Hdf5Reader(trajectory) as reader:
        return reader.topology() is not None


def _with_hydrogens(path: Path) -> Topology:
    """The first model of a PDB or mmCIF file as a topology, hydrogens kept."""
    from unfreeze.structure.chemistry.polymers import is_water
    from unfreeze.structure.reading.one_model import build_model, parse_structure, with_missing
    from unfreeze.structure.topology import Topology

    content, table, header = parse_structure(path)
    table = table.take(table.model == 0)
    options = {"keep_hydrogens": True, "keep_waters": False}
    complex, selection, copies = build_model(content, table, header, 1, None, options)
    rows = np.searchsorted(table.row, selection.table.row[copies.selected]).astype(np.int64)
    water = np.array([is_water(str(name)) for name in table.residue_name.tolist()], dtype=bool)
    hydrogen = np.isin(table.element, ["H", "D"])
    return Topology(with_missing(complex, header, copies), rows, water, hydrogen)


def _joined(columns: list[NDArray[Any] | None]) -> NDArray[Any] | None:
    known = [column for column in columns if column is not None]
    return np.concatenate(known) if known and len(known) == len(columns) else None
