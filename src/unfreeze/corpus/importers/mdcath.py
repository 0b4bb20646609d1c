"""mdCATH: one HDF5 file a domain, with 25 trajectories of five temperatures, coordinates in Å and forces.

A domain becomes an entry; every temperature and replica is a trajectory of its own. What the dataset's own scripts got
wrong at times (``numFrames``, boxes in Å, forces of another length) is found and said.

Layout: Mirarchi, Giorgino and De Fabritiis, Sci. Data 11, 1299 (2024), and the dataset's ``builder``; physics from
there too (CHARMM22*, TIP3P, 0.15 M NaCl, NVT with a Langevin thermostat, 4 fs).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.importers.registry import check_options
from unfreeze.corpus.importers.shared.options import ATOMS, atoms_of, chosen
from unfreeze.corpus.importers.shared.own_record import own_record
from unfreeze.corpus.importing.source import Candidate, FrameBlock, FrameStream, Part
from unfreeze.corpus.schema import Conditions, Source
from unfreeze.errors import InputError

if TYPE_CHECKING:
    from unfreeze.corpus.importers.shared.hdf5 import Container
    from unfreeze.structure.reading.atom_table import AtomTable

__all__ = ["IMPORTER", "MdCath"]

_CITATION = "Mirarchi, Giorgino, De Fabritiis. mdCATH. Sci. Data 11, 1299 (2024). doi:10.1038/s41597-024-04140-z"
_URL = "https://huggingface.co/datasets/compsciencelab/mdCATH"
_PREFIX = "mdcath_dataset_"
_TIME_STEP_PS = 1000.0
_NM = {"angstrom": 0.1, "angstroms": 0.1, "å": 0.1, "nm": 1.0, "nanometer": 1.0, "nanometers": 1.0}
_KCAL_MOL_A = 41.84  # kJ/mol/nm in a kcal/mol/Å
_FORCES = {"kcal/mol/angstrom": _KCAL_MOL_A, "kcal/mol/å": _KCAL_MOL_A, "kj/mol/nm": 1.0}
_LARGEST_BOX_NM = 30.0  # boxes of single domains are 5–15 nm; larger numbers are Å
_HYDROGENS_LEFT_OUT = "Forces on hydrogens were left out with them, not added to the atoms they are bound to."


class MdCath:
    """The importer of mdCATH."""

    name = "mdcath"
    summary = "5,398 CATH domains, 5 temperatures × 5 replicas, 1 ns a frame, with forces (HDF5 a domain)"
    licence = "CC-BY-4.0"
    citation = _CITATION
    options: Mapping[str, str] = {
        **ATOMS,
        "domains": "domains to take, separated by commas, such as 1abcA00",
        "temperatures": "temperatures to take in K, such as 320,348",
        "replicas": "replicas to take, such as 0,1",
    }

    def candidates(self, source: Path, options: Mapping[str, str]) -> Iterator[Candidate]:
        """Every domain of a file, or of the ``mdcath_dataset_*.h5`` files of a folder.

        Raises
        ------
        InputError
            If the source is not mdCATH.
        """
        check_options(self, options, source)
        atoms_of(options)
        files = _files(source)
        wanted = chosen(options, "domains")
        for path in files:
            if wanted is None or len(files) == 1 or path.stem.removeprefix(_PREFIX) in wanted:
                yield from self._of_file(path, options, wanted, alone=len(files) == 1)

    def _of_file(
        self, path: Path, options: Mapping[str, str], wanted: frozenset[str] | None, *, alone: bool
    ) -> Iterator[Candidate]:
        from unfreeze.corpus.importers.shared.hdf5 import Container

        try:
            with Container(path, "mdcath") as container:
                layout = str(container.attribute("layout") or "")
                found = container.groups()
                domains = [name for name in found if wanted is None or name in wanted]
                candidates = [_candidate(container, name, layout, options) for name in domains]
        except InputError as error:
            if alone:
                raise
            yield Candidate(path.stem.removeprefix(_PREFIX), refusal=str(error))
            return
        if not found:
            yield Candidate(path.stem.removeprefix(_PREFIX), refusal=f"{path}: there is no domain in the file.")
        yield from candidates


IMPORTER = MdCath()


def _files(source: Path) -> list[Path]:
    if not source.exists():
        raise InputError(f"{source}: no such file or folder. Check the spelling.")
    if source.is_file():
        return [source]
    for folder in (source, source / "data"):
        files = sorted(folder.glob(f"{_PREFIX}*.h5"))
        if files:
            return files
    raise InputError(f"{source}: no {_PREFIX}*.h5 in it (or in its folder data); the files of mdCATH were expected.")


def _candidate(container: Container, domain: str, layout: str, options: Mapping[str, str]) -> Candidate:
    if "pdbProteinAtoms" not in container.members(domain):
        what = (
            "the variant without hydrogens, which has no names of atoms"
            if "noh" in layout
            else "it has no pdbProteinAtoms, so its atoms have no names"
        )
        return Candidate(
            domain, refusal=f"{container.path}: /{domain}: {what}. Take the file {_PREFIX}{domain}.h5 of mdCATH."
        )
    temperatures, replicas = chosen(options, "temperatures"), chosen(options, "replicas")
    parts, notes = [], []
    for temperature in sorted(container.groups(domain), key=_number):
        if _number(temperature)[0] != 0:
            notes.append(f"The group {temperature!r} is no temperature and was passed over.")
            continue
        if temperatures is not None and temperature not in temperatures:
            continue
        for replica in sorted(container.groups(domain, temperature), key=_number):
            if replicas is None or replica in replicas:
                parts.append(_part(container, domain, temperature, replica, atoms_of(options)))
    refusal = None if parts else f"{container.path}: /{domain} has none of the trajectories that were asked for."
    return Candidate(domain, tuple(parts), notes=tuple(notes), title=f"CATH domain {domain}", refusal=refusal)


def _number(text: str) -> tuple[int, float, str]:
    try:
        return (0, float(text), text)
    except ValueError:
        return (1, 0.0, text)


def _part(container: Container, domain: str, temperature: str, replica: str, atoms: str) -> Part:
    conditions = Conditions(
        force_field="charmm22-star",
        solvent="explicit:tip3p",
        temperature_K=float(temperature),
        ionic_strength_M=0.15,
        method="ACEMD, NVT, Langevin thermostat, 4 fs",
    )
    source = Source(
        dataset="mdcath",
        identifier=f"{domain}/{temperature}/{replica}",
        licence="CC-BY-4.0",
        citation=_CITATION,
        url=_URL,
    )
    step: float | None = _TIME_STEP_PS
    where = f"{container.path}: /{domain}/{temperature}/{replica}"
    own = own_record(container.attribute("unfreeze", domain, temperature, replica), where)
    if own is not None:  # an export of a corpus in this layout: its physics are its own
        conditions, source, step = own.conditions, own.source, own.time_step_ps
    members = container.members(domain, temperature, replica)
    refusal = None
    if "coords" not in members:
        refusal = f"{where} has no coords (it has {', '.join(members) or 'nothing'}); this trajectory was not finished."
    return Part(
        name=f"{temperature}K/{replica}",
        conditions=conditions,
        source=source,
        paths=(container.path,),
        open=partial(_open, container.path, domain, temperature, replica, atoms),
        time_step_ps=step,
        is_container=True,  # of 25 trajectories: the checksum of the whole would be made 25 times
        refusal=refusal,
    )


def _open(path: Path, domain: str, temperature: str, replica: str, atoms: str) -> FrameStream:
    from unfreeze.corpus.importers.shared.hdf5 import Container
    from unfreeze.corpus.importers.shared.streams import BlockStream
    from unfreeze.corpus.importers.shared.topology import topology_of_pdb

    with ExitStack() as stack:
        container = stack.enter_context(Container(path, "mdcath"))
        text = container.text(domain, "pdbProteinAtoms") or b""
        topology, table = topology_of_pdb(f"{path.name}:/{domain}/pdbProteinAtoms", text, atoms=atoms)
        place = (domain, temperature, replica)
        n_atoms = len(table)
        coordinates = container.data(*place, "coords", shape=(None, n_atoms, 3), kinds="f")
        _check_atoms(container, domain, table)
        notes = list(topology.complex.source.notes)
        n_frames = len(coordinates)
        if n_frames == 0:
            raise InputError(f"{path}: /{'/'.join(place)} has no frames. Leave this replica out.")
        stated = container.attribute("numFrames", *place)
        if isinstance(stated, int | np.integer) and stated != n_frames:
            notes.append(f"The file says {stated} frames (numFrames) and has {n_frames}; those were read.")
        scale = _scale(container, coordinates, _NM, "angstrom")
        forces, force_scale = _forces(container, place, coordinates, notes)
        if forces is not None and atoms == "heavy":
            notes.append(_HYDROGENS_LEFT_OUT)
        box = _box(container, place, notes)
        # mdCATH has no times; exports of a corpus do
        times = container.find(*place, "times_ps") and container.data(*place, "times_ps", shape=(n_frames,), kinds="f")
        rows = topology.rows
        keep = None if np.array_equal(rows, np.arange(n_atoms)) else rows
        closing = stack.pop_all()

    def read(begin: int, end: int) -> FrameBlock:
        return FrameBlock(
            coordinates_nm=_frames(container, coordinates, begin, end, keep, scale),
            times_ps=None if times is None else container.read(times, slice(begin, end)).astype(np.float64),
            box_nm=None if box is None else np.repeat(box[None], end - begin, axis=0),
            forces_kJ_mol_nm=None if forces is None else _frames(container, forces, begin, end, keep, force_scale),
        )

    frame_bytes = 12 * n_atoms * (1 if forces is None else 2)
    return BlockStream(
        topology.complex, n_frames, read, frame_bytes=frame_bytes, closing=closing, notes=tuple(notes)
    )  # fmt: skip


def _frames(
    container: Container, data: Any, begin: int, end: int, rows: NDArray[np.int64] | None, scale: float
) -> NDArray[np.float32]:
    frames = container.read(data, slice(begin, end))
    frames = frames if rows is None else frames[:, rows]
    return np.ascontiguousarray(frames * frames.dtype.type(scale), dtype=np.float32)


def _check_atoms(container: Container, domain: str, table: AtomTable) -> None:
    """Hold the text of the structure against the numbers beside it: they must be of the same atoms."""
    from unfreeze.corpus.importers.shared.topology import atomic_numbers

    n_atoms = len(table)
    charges = container.data(domain, "z", shape=(n_atoms,), kinds="iu")
    numbers, found = np.asarray(container.read(charges, ...)), atomic_numbers(table.element)
    if not np.array_equal(numbers, found):
        at = int(np.flatnonzero(numbers != found)[0])
        raise InputError(
            f"{container.path}: /{domain}: atom {at + 1} is {table.label(at)} in pdbProteinAtoms and has the atomic "
            f"number {numbers[at]} in z; the two must list the same atoms. Download the file again."
        )


def _scale(container: Container, data: Any, units: Mapping[str, float], expected: str) -> float:
    unit = container.unit(data).lower()
    if unit and unit not in units:
        raise InputError(f"{container.path}: {data.name} is in {unit[:40]!r}; {expected} was expected.")
    return units[unit or expected]


def _forces(
    container: Container, place: tuple[str, ...], coordinates: Any, notes: list[str]
) -> tuple[Any | None, float]:
    forces = container.find(*place, "forces")
    if forces is None:
        notes.append("There are no forces in the file.")
        return None, 1.0
    if forces.shape != coordinates.shape or forces.dtype.kind != "f":
        notes.append(
            f"The forces have the shape {forces.shape} and the coordinates {coordinates.shape}; which belong together "
            "is not known, so the forces were left out."
        )
        return None, 1.0
    return forces, _scale(container, forces, _FORCES, "kcal/mol/angstrom")


def _box(container: Container, place: tuple[str, ...], notes: list[str]) -> NDArray[np.float32] | None:
    data = container.find(*place, "box")
    if data is None or data.dtype.kind != "f" or data.shape not in ((3, 3), (3,)):
        notes.append("There is no box in the file that can be used.")
        return None
    box = np.asarray(container.read(data, ...), dtype=np.float32)
    box = np.diag(box) if box.ndim == 1 else box
    edges = np.linalg.norm(box, axis=1)
    if not np.isfinite(edges).all() or (edges <= 0).any():
        notes.append("The box has edges that are no lengths, so it was left out.")
        return None
    if edges.max() > _LARGEST_BOX_NM:
        notes.append(f"The box is {edges.max():g} wide, which can be no nm; it was taken to be in Å.")
        box = box / np.float32(10)
    return box
