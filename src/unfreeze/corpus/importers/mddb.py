"""Simulations of the Molecular Dynamics Data Bank (MDposit, DynaRepo), as :mod:`unfreeze.corpus.fetch` saved them.

A folder a replica, ``ACCESSION.N``, with the project's description (``project.json``), its structure
(``structure.pdb``) and the frames (``trajectory.bin``): headerless little-endian float32, x y z of every atom in Å,
whose number nothing but the structure tells. ``trajectory.json`` has which frames were asked for. Replicas of one
project become one entry.

Fields of the description (``FF``, ``TEMP``, ``FRAMESTEP`` in ns) are explained in the data bank's own workflow.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from unfreeze.corpus.conditions import force_field_name, solvent_name
from unfreeze.corpus.importers.registry import check_options
from unfreeze.corpus.importers.shared.folders import files_below, read_json_object
from unfreeze.corpus.importers.shared.options import ATOMS, atoms_of, chosen, time_ps
from unfreeze.corpus.importing.source import Candidate, FrameBlock, FrameStream, Part
from unfreeze.corpus.schema import Conditions, Source
from unfreeze.errors import InputError

__all__ = ["IMPORTER", "Mddb"]

_REPLICA = re.compile(r"(?P<accession>.+?)\.(?P<number>\d{1,4})", re.ASCII)
_LICENCES = (  # of the text or the link, in this order: the longer names hold the shorter
    ("by-nc-nd", "CC-BY-NC-ND-4.0"),
    ("by-nc-sa", "CC-BY-NC-SA-4.0"),
    ("by-nc", "CC-BY-NC-4.0"),
    ("by-nd", "CC-BY-ND-4.0"),
    ("by-sa", "CC-BY-SA-4.0"),
    ("licenses/by/4", "CC-BY-4.0"),
    ("cc-by-4", "CC-BY-4.0"),
    ("cc by 4", "CC-BY-4.0"),
    ("attribution 4.0 international", "CC-BY-4.0"),
    ("zero/1.0", "CC0-1.0"),
    ("cc0", "CC0-1.0"),
)
_NOT_MD = ("ensemble",)
_HEAD = 64  # bytes; so many printable letters are no coordinates


class Mddb:
    """The importer of what was fetched from a node of the data bank."""

    name = "mddb"
    summary = "projects of MDDB nodes (MDposit, DynaRepo) that were fetched: JSON, PDB and raw float32 a replica"
    licence = "a project's own"
    citation = "Hospital et al. The Molecular Dynamics Data Bank, mddbr.eu; and the project's own"
    options: Mapping[str, str] = {
        **ATOMS,
        "ids": "accessions to take, separated by commas, with or without the number of a replica",
        "time_step": "time between frames as fetched, such as 10ps, where the project does not say it",
        "licence": "licence, where the project does not say it",
    }

    def candidates(self, source: Path, options: Mapping[str, str]) -> Iterator[Candidate]:
        """Every project of a folder.

        Raises
        ------
        InputError
            If there is none.
        """
        check_options(self, options, source)
        atoms_of(options)
        projects: defaultdict[str, dict[int, Path]] = defaultdict(dict)
        for path in files_below(source, ("project.json",), deepest=2):
            match = _REPLICA.fullmatch(path.parent.resolve().name)
            if path.name == "project.json":
                name = match["accession"] if match else path.parent.resolve().name
                projects[name][int(match["number"]) if match else 1] = path.parent
        if not projects:
            raise InputError(
                f"{source}: no ACCESSION.N/project.json in it; a folder that `unfreeze corpus fetch mddb` wrote was "
                "expected."
            )
        wanted = chosen(options, "ids")
        for accession, folders in sorted(projects.items()):
            numbers = [
                number
                for number in sorted(folders)
                if wanted is None or accession in wanted or f"{accession}.{number}" in wanted
            ]
            if numbers:
                yield _candidate(accession, {number: folders[number] for number in numbers}, options)


IMPORTER = Mddb()


def _candidate(accession: str, folders: Mapping[int, Path], options: Mapping[str, str]) -> Candidate:
    parts, titles, notes = [], [], []
    for number, folder in folders.items():
        part, title, note = _part(accession, number, folder, options)
        parts.append(part)
        titles.append(title)
        notes.append(note)
    return Candidate(
        accession,
        tuple(parts),
        title=next((title for title in titles if title), accession),
        notes=tuple(dict.fromkeys(note for note in notes if note)),
    )


def _part(accession: str, number: int, folder: Path, options: Mapping[str, str]) -> tuple[Part, str, str]:
    paths = tuple(folder / name for name in ("trajectory.bin", "structure.pdb", "project.json"))
    source = Source(dataset="mddb", identifier=f"{accession}.{number}")
    conditions, step, refusal, title, note = Conditions(), None, None, "", ""
    try:
        missing = [path.name for path in paths if not path.is_file()]
        if missing:
            raise InputError(f"{folder}: {' and '.join(missing)} missing. Fetch {accession}.{number} again.")
        project = read_json_object(paths[2])
        metadata = _metadata(project, number)
        title = str(metadata.get("NAME") or "").strip()[:200]
        note = _interactions(metadata)
        licence = options.get("licence") or _licence(metadata)
        source = source.model_copy(
            update={
                "licence": licence,
                "citation": " ".join(str(metadata.get("CITATION") or "").replace("(br)", " ").split())[:1000],
                "url": str(metadata.get("LINKCENSE") or "")[:300],
            }
        )
        conditions = _conditions(metadata)
        step = time_ps(options, "time_step") or _time_step_ps(metadata, folder)
        if str(metadata.get("TYPE") or "").lower() in _NOT_MD:
            step = None
    except InputError as error:
        refusal = str(error)
    part = Part(
        name=f"replica{number}",
        conditions=conditions,
        source=source,
        paths=tuple(path for path in paths if path.is_file()),
        open=partial(_open, folder, atoms_of(options)),
        time_step_ps=step,
        refusal=refusal,
    )
    return part, title, note


def _metadata(project: Mapping[str, Any], number: int) -> dict[str, Any]:
    """What holds for this replica: the project's fields, and over them what it says of the replica alone."""
    whole = project.get("metadata")
    if not isinstance(whole, dict):
        raise InputError(f"project.json of {project.get('accession')}: there is no metadata; fetch the project again.")
    metadata = dict(whole)
    replicas = project.get("mds")
    if isinstance(replicas, list) and 0 < number <= len(replicas) and isinstance(replicas[number - 1], dict):
        own = replicas[number - 1].get("metadata")
        if isinstance(own, dict):
            metadata |= {name: value for name, value in own.items() if value is not None}
    return metadata


def _words(value: Any) -> list[str]:
    """Texts of a field that may be a text, a list of them, or nothing."""
    values = value if isinstance(value, list) else [value]
    return [" ".join(one.split()) for one in values if isinstance(one, str) and one.strip()]


def _conditions(metadata: Mapping[str, Any]) -> Conditions:
    temperature = metadata.get("TEMP")
    number = re.match(r"\s*(\d+(?:\.\d+)?)", str(temperature)) if temperature is not None else None
    value = float(number[1]) if number else None
    names = [force_field_name(name) for name in _words(metadata.get("FF"))]
    waters = _words(metadata.get("WAT"))
    solvent = solvent_name(waters[0]) if waters else None
    if solvent and ":" not in solvent:
        solvent = f"explicit:{solvent.lower()}"
    words = [str(metadata[name]) for name in ("PROGRAM", "VERSION", "ENSEMBLE", "METHOD") if metadata.get(name)]
    return Conditions(
        force_field=" + ".join(dict.fromkeys(name for name in names if name)) or None,
        solvent=solvent,
        temperature_K=value if value is not None and 0 < value < 5000 else None,
        method=", ".join(words)[:300],
    )


def _time_step_ps(metadata: Mapping[str, Any], folder: Path) -> float | None:
    """Time between the frames that were fetched: FRAMESTEP is in ns and of all frames."""
    step = metadata.get("FRAMESTEP")
    if isinstance(step, bool) or not isinstance(step, int | float) or not 0 < step < 1e6:
        return None
    return 1e3 * float(step) * _fetched(folder).stride


def _licence(metadata: Mapping[str, Any]) -> str:
    text = f"{metadata.get('LINKCENSE') or ''} {metadata.get('LICENSE') or ''}".lower()
    for words, name in _LICENCES:
        if words in text:
            return name
    return " ".join(str(metadata.get("LICENSE") or "unknown").split())[:200]


def _interactions(metadata: Mapping[str, Any]) -> str:
    found = metadata.get("INTERACTIONS")
    named = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    names = [str(one["name"]) for one in named if one.get("name")]
    return f"Interactions that the project names: {', '.join(names)[:300]}." if names else ""


@dataclass(frozen=True)
class _Fetched:
    """What ``trajectory.json`` says was asked for: every `stride`-th frame, `n_frames` of `n_atoms`."""

    stride: int = 1
    n_frames: int | None = None
    n_atoms: int | None = None
    unit: str = "angstrom"


def _is_text(head: bytes) -> bool:
    """Whether the beginning of a file is text, such as a page of a server, rather than float32 coordinates."""
    return bool(head) and all(32 <= letter < 127 or letter in b"\t\r\n" for letter in head)


def _fetched(folder: Path) -> _Fetched:
    path = folder / "trajectory.json"
    if not path.is_file():
        return _Fetched()
    note = read_json_object(path)
    stride = re.fullmatch(r"\d+:\d+(?::(\d+))?", str(note.get("frames", "")))
    n_frames, n_atoms = (
        note.get(name) if isinstance(note.get(name), int) else None for name in ("n_frames", "n_atoms")
    )
    unit = str(note.get("unit", "angstrom")).lower()
    return _Fetched(max(1, int(stride[1] or 1)) if stride else 1, n_frames, n_atoms, unit)


def _open(folder: Path, atoms: str) -> FrameStream:
    from unfreeze.corpus.importers.shared.streams import BlockStream
    from unfreeze.corpus.importers.shared.topology import topology_of_pdb
    from unfreeze.structure.reading.files import read_content

    path, structure = folder / "trajectory.bin", folder / "structure.pdb"
    topology, table = topology_of_pdb(str(structure), read_content(structure).data, atoms=atoms)
    n_atoms, fetched, size = len(table), _fetched(folder), path.stat().st_size
    with ExitStack() as stack:
        handle = stack.enter_context(path.open("rb"))
        if _is_text(handle.read(_HEAD)):
            raise InputError(f"{path}: a page or a message of the server in place of frames. Fetch it again.")
        if fetched.n_atoms is not None and fetched.n_atoms != n_atoms:
            raise InputError(
                f"{folder}: {fetched.n_atoms} atoms were fetched (trajectory.json) and structure.pdb has {n_atoms}; "
                "they do not belong together. Fetch the replica again."
            )
        n_frames, rest = divmod(size, 12 * n_atoms)
        expected = "" if fetched.n_frames is None else f" ({fetched.n_frames:,} were asked for)"
        if rest or n_frames == 0 or (fetched.n_frames is not None and fetched.n_frames != n_frames):
            raise InputError(
                f"{path}: {size:,} bytes are {size / (12 * n_atoms):,.2f} frames of {n_atoms} atoms{expected}: the "
                "file is cut short, or of other atoms than structure.pdb. Fetch the replica again."
            )
        if fetched.unit not in ("angstrom", "å", "nm"):
            raise InputError(f"{folder}/trajectory.json: the unit is {fetched.unit!r}; angstrom was expected.")
        scale = np.float32(1.0 if fetched.unit == "nm" else 0.1)
        keep = None if np.array_equal(topology.rows, np.arange(n_atoms)) else topology.rows
        closing = stack.pop_all()

    def read(begin: int, end: int) -> FrameBlock:
        handle.seek(12 * n_atoms * begin)
        values = np.fromfile(handle, dtype="<f4", count=3 * n_atoms * (end - begin))
        if len(values) < 3 * n_atoms * (end - begin):
            raise InputError(f"{path}: the file became shorter while it was read. Fetch it again.")
        frames = values.reshape(-1, n_atoms, 3)
        frames = frames if keep is None else frames[:, keep]
        return FrameBlock(np.ascontiguousarray(frames * scale, dtype=np.float32))

    notes = (*topology.complex.source.notes, "The data bank gives neither boxes nor times with the frames.")
    return BlockStream(topology.complex, n_frames, read, frame_bytes=12 * n_atoms, closing=closing, notes=notes)
