"""MISATO: one HDF5 file of 16,972 protein–ligand complexes, 100 frames each in Å, without names, boxes or times.

Atoms are numbers in that file, so where their names come from must be said: the Amber topologies of the same release, a
folder of PDB files, or the release's name maps as JSON (they are published as pickles, which are never read). The last
molecule is the ligand.

Source: Siebenmorgen et al., Nat. Comput. Sci. 4, 367 (2024), and the repository's ``h5_to_pdb.py``. What the file does
not hold is not taken for granted: it has no clock (10 ns of simulation in 100 frames; the paper leaves out the first
2 ns), and no licence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.importers.registry import check_options
from unfreeze.corpus.importers.shared.options import ATOMS, atoms_of, chosen, time_ps
from unfreeze.corpus.importing.source import Candidate, FrameBlock, FrameStream, Part
from unfreeze.corpus.schema import Conditions, Source
from unfreeze.errors import InputError

if TYPE_CHECKING:
    from unfreeze.corpus.importers.misato_names import Namer
    from unfreeze.corpus.importers.shared.hdf5 import Container

__all__ = ["IMPORTER", "AtomNumbers", "Misato"]

_CITATION = "Siebenmorgen et al. MISATO. Nat. Comput. Sci. 4, 367 (2024). doi:10.1038/s43588-024-00627-2"
_URL = "https://zenodo.org/records/7711953"
_NEEDED = ("trajectory_coordinates", "atoms_number", "molecules_begin_atom_index")
_NO_CLOCK = (
    "The set gives no times: 10 ns in 100 frames, or 80 ps a frame if the first 2 ns were left out as its paper says; "
    "say which with time_step if motion in time is wanted."
)


class Misato:
    """The importer of MISATO's MD."""

    name = "misato"
    summary = "16,972 protein–ligand complexes, 10 ns in 100 frames (one HDF5 file of 133 GB)"
    licence = "unknown"
    citation = _CITATION
    options: Mapping[str, str] = {
        **ATOMS,
        "ids": "PDB ids to take, separated by commas",
        "topologies": "folder of the release's Amber topologies, PDBID/production.top.gz",
        "structures": "folder of PDB files, PDBID.pdb, with all atoms in the order of the set",
        "maps": "JSON file with the release's name maps: residues, types, names",
        "time_step": "time between frames, such as 80ps; the set does not give it",
        "licence": "licence, which the set does not give",
    }

    def candidates(self, source: Path, options: Mapping[str, str]) -> Iterator[Candidate]:
        """Every complex of the file.

        Raises
        ------
        InputError
            If the source is not MISATO, or nothing says what its atoms are called.
        """
        from unfreeze.corpus.importers.misato_names import namer
        from unfreeze.corpus.importers.shared.hdf5 import Container

        check_options(self, options, source)
        atoms_of(options)
        time_ps(options, "time_step")
        path = _file(source)
        names = namer(path, options)
        wanted = chosen(options, "ids")
        wanted = None if wanted is None else frozenset(one.upper() for one in wanted)
        with Container(path, "misato") as container:
            identifiers = container.groups()
            if not any("trajectory_coordinates" in container.members(name) for name in identifiers[:100]):
                raise InputError(f"{path}: no PDBID/trajectory_coordinates in it; MISATO's MD.hdf5 was expected.")
            absent = sorted((wanted or frozenset()) - {name.upper() for name in identifiers})
            for identifier in identifiers:
                if wanted is None or identifier.upper() in wanted:
                    try:
                        candidate = _candidate(container, identifier, names, options)
                    except InputError as error:  # of one among thousands
                        candidate = Candidate(identifier, refusal=str(error))
                    yield candidate
            for identifier in absent:
                yield Candidate(identifier, refusal=f"{path}: there is no complex {identifier} in the file.")


IMPORTER = Misato()


@dataclass(frozen=True, eq=False)
class AtomNumbers:
    """What the file says of the atoms of one complex.

    Attributes
    ----------
    identifier
        PDB id, in capitals.
    atomic_number, type, residue : int64 [n_atoms]
        Atomic numbers, and the set's own numbers of Amber types and of residue names; the latter two are 0 where the
        file has none.
    begin : int64 [n_molecules]
        First atom of every molecule; the last molecule is the ligand.
    first_frame_nm : float64 [n_atoms, 3]
    """

    identifier: str
    atomic_number: NDArray[np.int64]
    type: NDArray[np.int64]
    residue: NDArray[np.int64]
    begin: NDArray[np.int64]
    first_frame_nm: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.atomic_number)

    @property
    def molecule(self) -> NDArray[np.int64]:
        """Molecule of every atom, counted from 0: [n_atoms]."""
        return np.searchsorted(self.begin, np.arange(len(self)), side="right") - 1


def _file(source: Path) -> Path:
    if not source.exists():
        raise InputError(f"{source}: no such file or folder. Check the spelling.")
    if source.is_file():
        return source
    found = [path for end in ("*.hdf5", "*.h5") for path in sorted(source.glob(end))]
    found = [path for path in found if path.name == "MD.hdf5"] or found
    if len(found) != 1:
        names = ", ".join(path.name for path in found[:6]) or "none"
        raise InputError(f"{source}: one HDF5 file was expected, MISATO's MD.hdf5 ({names} found). Give the file.")
    return found[0]


def _candidate(container: Container, identifier: str, names: Namer, options: Mapping[str, str]) -> Candidate:
    if not re.fullmatch(r"[0-9A-Za-z]{4}", identifier, re.ASCII):
        return Candidate(identifier, refusal=f"{container.path}: /{identifier} is no PDB id.")
    members = container.members(identifier)
    lacking = [name for name in _NEEDED if name not in members]
    refusal = f"{container.path}: /{identifier} lacks {', '.join(lacking)}." if lacking else names.refusal(identifier)
    conditions = Conditions(
        force_field="amber14",
        solvent="explicit:tip3p",
        temperature_K=300.0,
        pressure_bar=1.0,
        method="Amber 20; GAFF2 for the ligand",
    )
    part = Part(
        name="md",
        conditions=conditions,
        source=Source(
            dataset="misato",
            identifier=identifier,
            licence=options.get("licence") or "unknown",
            citation=_CITATION,
            url=_URL,
        ),
        paths=(container.path,),
        open=partial(_open, container.path, identifier, names, atoms_of(options)),
        time_step_ps=time_ps(options, "time_step"),
        is_container=True,
    )
    notes = () if "time_step" in options else (_NO_CLOCK,)
    if refusal:
        return Candidate(identifier, refusal=refusal)
    return Candidate(identifier, (part,), notes=notes, title=f"MISATO {identifier}")


def _open(path: Path, identifier: str, names: Namer, atoms: str) -> FrameStream:
    from unfreeze.corpus.importers.shared.hdf5 import Container
    from unfreeze.corpus.importers.shared.streams import BlockStream
    from unfreeze.corpus.importers.shared.topology import topology_of_atoms

    with ExitStack() as stack:
        container = stack.enter_context(Container(path, "misato"))
        coordinates = container.data(identifier, "trajectory_coordinates", shape=(None, None, 3), kinds="f")
        if 0 in coordinates.shape:
            raise InputError(f"{path}: /{identifier} has {coordinates.shape[0]} frames. Leave it out.")
        numbers = _numbers(container, identifier, coordinates)
        named = names.names(numbers)
        topology = topology_of_atoms(
            named.names, numbers.first_frame_nm, f"{path.name}:/{identifier}", atoms=atoms, note=named.note
        )
        keep = None if np.array_equal(topology.rows, np.arange(len(numbers))) else topology.rows
        closing = stack.pop_all()

    def read(begin: int, end: int) -> FrameBlock:
        frames = container.read(coordinates, slice(begin, end))
        frames = frames if keep is None else frames[:, keep]
        return FrameBlock(np.ascontiguousarray(frames * 0.1, dtype=np.float32))

    notes = [*topology.complex.source.notes]
    if len(coordinates) != 100:
        notes.append(f"The set has 100 frames of every complex; there are {len(coordinates)}.")
    # float64 as read, and float32 as given
    return BlockStream(
        topology.complex,
        len(coordinates),
        read,
        frame_bytes=36 * len(numbers),
        closing=closing,
        notes=tuple(notes),
    )


def _numbers(container: Container, identifier: str, coordinates: object) -> AtomNumbers:
    n_atoms = coordinates.shape[1]  # type: ignore[attr-defined]

    def column(name: str, needed: bool) -> NDArray[np.int64]:
        if not needed and container.find(identifier, name) is None:
            return np.zeros(n_atoms, dtype=np.int64)
        data = container.data(identifier, name, shape=(n_atoms,), kinds="iu")
        return np.asarray(container.read(data, ...), dtype=np.int64)

    where = f"{container.path}: /{identifier}"
    data = container.data(identifier, "molecules_begin_atom_index", shape=(None,), kinds="iu")
    begin = np.asarray(container.read(data, ...), dtype=np.int64)
    if len(begin) == 0 or begin[0] != 0 or (np.diff(begin) <= 0).any() or begin[-1] >= n_atoms:
        raise InputError(
            f"{where}: molecules begin at the atoms {begin[:10].tolist()} of {n_atoms}; rising numbers from 0 were "
            "expected, so what is the ligand is not known. Leave this complex out."
        )
    numbers = column("atoms_number", True)
    if (numbers < 1).any() or (numbers > 118).any():
        at = int(np.flatnonzero((numbers < 1) | (numbers > 118))[0])
        raise InputError(f"{where}: atom {at + 1} has the atomic number {numbers[at]}. Leave this complex out.")
    first = np.asarray(container.read(coordinates, 0), dtype=np.float64) * 0.1
    return AtomNumbers(
        identifier.upper(), numbers, column("atoms_type", False), column("atoms_residue", False), begin, first
    )
