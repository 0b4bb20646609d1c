"""Any topology with its trajectories: files given one by one, or folders with ``metadata.yaml``, as of GPCRmd.

Nothing is known here of a set; what files do not say, the user does, in options or in that file. Pickles are never
read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from unfreeze.corpus.importers.registry import check_options
from unfreeze.corpus.importers.shared.options import ATOMS, atoms_of, existing_path, time_ps
from unfreeze.corpus.importing.metadata import FILE_NAME, Facts, SystemNote, TrajectoryNote, read_metadata
from unfreeze.corpus.importing.source import Candidate, FrameStream, Part
from unfreeze.errors import InputError
from unfreeze.trajectories.folders import natural_key
from unfreeze.trajectories.topologies import TOPOLOGY_SUFFIXES

__all__ = ["IMPORTER", "Generic", "candidate_of_files", "pickle_refusal"]

_TRAJECTORY_SUFFIXES = (
    *(
        ".xtc",
        ".trr",
        ".dcd",
        ".h5",
        ".hdf5",
        ".nc",
        ".ncdf",
        ".netcdf",
        ".mdcrd",
        ".crd",
        ".lammpstrj",
        ".xyz",
        ".arc",
        ".dtr",
    ),
    *(".pkl", ".pickle", ".joblib", ".lh5"),
)
_PICKLES = (".pkl", ".pickle", ".joblib", ".pt", ".pth")
_MOST_FILES = 200_000


class Generic:
    """The importer of topologies and trajectories in the usual formats."""

    name = "generic"
    summary = "any topology with trajectories (XTC, TRR, DCD, HDF5, NetCDF, GRO, PDB...), or folders with metadata.yaml"
    licence = "as given"
    citation = ""
    options: Mapping[str, str] = {
        **ATOMS,
        "topology": "topology of the trajectories, where it is not beside them",
        "time_step": "time between frames with its unit, such as 10ps",
        "clock": "ignore, where the times of the files are wrong and time_step is right",
        "name": "name of the entry; by default that of the folder or the topology",
        "dataset": "name of the set, for the record; own by default",
        "licence": "SPDX identifier of the licence",
        "citation": "what to cite",
        "url": "where it is from",
        "join": "yes, where the trajectories are parts of one run and not replicas",
    }

    def candidates(self, source: Path, options: Mapping[str, str]) -> Iterator[Candidate]:
        """Systems of a folder or of its subfolders, or one trajectory.

        Raises
        ------
        InputError
            If there is nothing that could be a trajectory, or ``metadata.yaml`` cannot be understood.
        """
        check_options(self, options, source)
        atoms_of(options)
        facts = _given(options)
        if not source.exists():
            raise InputError(f"{source}: no such file or folder. Check the spelling.")
        if source.is_file():
            refusal = pickle_refusal(source)
            if refusal:
                raise InputError(refusal)
            yield self._of_files(source.parent, [source], facts, options, options.get("name") or source.stem)
            return
        found = list(self._of_folder(source, facts, options, options.get("name", "")))
        if not found:
            raise InputError(
                f"{source}: no trajectories in it or in its subfolders. Give the folder that holds them, or write "
                f"{FILE_NAME} that names them."
            )
        yield from found

    def _of_folder(self, folder: Path, facts: Facts, options: Mapping[str, str], name: str) -> Iterator[Candidate]:
        """A folder with its ``metadata.yaml``, if it has one, and its subfolders under the same facts."""
        systems: tuple[SystemNote, ...] = ()
        if (folder / FILE_NAME).is_file():
            own, systems = read_metadata(folder / FILE_NAME)
            facts = facts.under(own)
        if systems:
            for system in systems:
                yield self._of_system(folder, system, facts, options, name if len(systems) == 1 else "")
            return
        trajectories = _trajectories(folder)
        if trajectories:
            yield from self._by_topology(folder, trajectories, facts, options, name)
        for child in _subfolders(folder):
            if trajectories and not (child / FILE_NAME).is_file():  # scratch, for all one knows
                continue
            try:
                yield from self._of_folder(child, facts, options, "")
            except InputError as error:  # one system that is not clear does not stop the others
                yield Candidate(child.name, refusal=str(error))

    def _by_topology(
        self, folder: Path, trajectories: Sequence[Path], facts: Facts, options: Mapping[str, str], name: str
    ) -> Iterator[Candidate]:
        """One system, or one for every topology where trajectories have topologies of their own names."""
        groups: dict[Path | None, list[Path]] = {}
        for path in trajectories:
            groups.setdefault(_topology(folder, folder, facts, options, [path])[0], []).append(path)
        topologies = [one for one in groups if one is not None]
        if len(topologies) < 2:
            yield self._of_files(folder, trajectories, facts, options, name or folder.resolve().name)
            return
        for topology in topologies:
            stem = topology.name.partition(".")[0]
            yield self._of_files(folder, groups[topology], facts, options, f"{name}-{stem}" if name else stem)
        for path in groups.get(None, ()):  # without a topology, or with its own inside
            yield self._of_files(folder, [path], facts, options, f"{name}-{path.stem}" if name else path.stem)

    def _of_system(
        self, folder: Path, system: SystemNote, facts: Facts, options: Mapping[str, str], name: str
    ) -> Candidate:
        """A system that ``metadata.yaml`` names."""
        facts = facts.under(system.facts)
        if not system.trajectories:
            inside = folder / system.name
            where = inside if system.name and inside.is_dir() else folder
            trajectories = _trajectories(where)
            name = name or system.name or folder.resolve().name
            if not trajectories:
                return Candidate(name, refusal=f"{where}: no trajectories of {name} in it. Name them in {FILE_NAME}.")
            candidate = self._of_files(where, trajectories, facts, options, name, topology_folder=folder)
        else:
            name = name or system.name or folder.resolve().name
            candidate = self._of_notes(folder, system.trajectories, facts, options, name)
        return replace(candidate, notes=(*candidate.notes, *system.notes))

    def _of_notes(
        self, folder: Path, notes: Sequence[TrajectoryNote], facts: Facts, options: Mapping[str, str], name: str
    ) -> Candidate:
        runs: list[tuple[str, tuple[Path, ...], Facts, str | None]] = []
        for note in notes:
            paths = [path for file in note.files for path in _matching(folder, file)]
            own = facts.under(note.facts)
            missing = [file for file in note.files if not _matching(folder, file)]
            if missing:
                runs.append((note.name or Path(missing[0]).stem, (), own, f"{folder / missing[0]}: no such file."))
            elif len(paths) > len(note.files) and not note.name:  # a pattern: every file is a trajectory
                runs += [(path.stem, (path,), own, None) for path in paths]
            else:
                runs.append((note.name or paths[0].stem, tuple(paths), own, None))
        return self._candidate(folder, runs, facts, options, name)

    def _of_files(
        self,
        folder: Path,
        trajectories: Sequence[Path],
        facts: Facts,
        options: Mapping[str, str],
        name: str,
        topology_folder: Path | None = None,
    ) -> Candidate:
        if options.get("join", "").lower() in ("yes", "true", "1"):
            runs = [(trajectories[0].stem, tuple(trajectories), facts, None)]
        else:
            runs = [(path.stem, (path,), facts, None) for path in trajectories]
        return self._candidate(topology_folder or folder, runs, facts, options, name, beside=folder)

    def _candidate(
        self,
        folder: Path,
        runs: Sequence[tuple[str, tuple[Path, ...], Facts, str | None]],
        facts: Facts,
        options: Mapping[str, str],
        name: str,
        beside: Path | None = None,
    ) -> Candidate:
        atoms = atoms_of(options)
        names = _unique([run[0] for run in runs])
        parts = []
        for trajectory, (_, paths, own, refusal) in zip(names, runs, strict=True):
            topology, problem = _topology(folder, beside, own, options, paths)
            refusal = refusal or next(filter(None, map(pickle_refusal, paths)), None) or problem
            parts.append(
                Part(
                    name=trajectory,
                    conditions=own.conditions(),
                    source=own.source(f"{name}/{trajectory}"),
                    paths=tuple(dict.fromkeys([*([topology] if topology else []), *paths])),
                    open=partial(_open, topology, paths, atoms),
                    time_step_ps=own.number("time_step_ps"),
                    ignores_clock=own.text("clock") == "ignore",
                    refusal=refusal,
                )
            )
        pickles = _pickles_beside(beside or folder)
        notes = (
            (f"{len(pickles)} pickled files ({pickles[0].name}...) beside the data were not read.",) if pickles else ()
        )
        return Candidate(name, tuple(parts), notes=notes, title=facts.text("title"))


IMPORTER = Generic()


def candidate_of_files(
    topology: Path | None,
    trajectories: Sequence[Path],
    *,
    name: str = "",
    options: Mapping[str, str] | None = None,
    title: str = "",
) -> Candidate:
    """One entry of files that are given one by one, as ``unfreeze corpus add`` has them.

    Parameters
    ----------
    topology
        None to take what the trajectories hold, or what is beside the first.
    trajectories
        Replicas, or with ``join=yes`` parts of one run.
    name
        Of the entry; by default that of the topology.
    options
        As of the importer.
    title
        For people.

    Raises
    ------
    InputError
        If a file is absent, or an option is not possible.
    """
    options = dict(options or {})
    check_options(IMPORTER, options, trajectories[0])
    for path in trajectories:
        if not path.is_file():
            raise InputError(f"{path}: no such file. Check the spelling and the folder.")
    if topology is not None:
        options["topology"] = str(topology)
    stem = (topology or trajectories[0]).name.partition(".")[0]
    candidate = IMPORTER._of_files(
        trajectories[0].parent, list(trajectories), _given(options), options, name or options.get("name") or stem
    )
    return replace(candidate, title=title, notes=())


def pickle_refusal(path: Path) -> str | None:
    """Why a file is not read, if it is a pickle; None otherwise."""
    if path.suffix.lower() in _PICKLES:
        return (
            f"{path}: a pickle, which is never read, as reading it may run any program. Write the frames as XTC or "
            "HDF5 where you trust it."
        )
    if path.suffix.lower() == ".lh5":
        return f"{path}: an old HDF5 format that is read by unpickling; it is never read. Write it as HDF5 or XTC."
    return None


def _given(options: Mapping[str, str]) -> Facts:
    """What options say; ``metadata.yaml`` is closer to the data and counts before it."""
    values: dict[str, object] = {name: options.get(name) for name in ("dataset", "licence", "citation", "url", "clock")}
    if values["clock"] not in (None, "file", "ignore"):
        raise InputError(f"clock={values['clock']!r}: 'file' or 'ignore' was expected.")
    values["time_step_ps"] = time_ps(options, "time_step")
    return Facts({name: value for name, value in values.items() if value})


def _open(topology: Path | None, paths: tuple[Path, ...], atoms: str) -> FrameStream:
    from unfreeze.corpus.importing.streams import open_stream

    return open_stream(topology, paths, atoms=atoms)


def _topology(
    folder: Path, beside: Path | None, facts: Facts, options: Mapping[str, str], paths: Sequence[Path]
) -> tuple[Path | None, str | None]:
    """The topology of a trajectory, and why there is none."""
    given = existing_path(options, "topology")
    if given is not None:
        return given, pickle_refusal(given)
    named = facts.text("topology")
    if named:
        for place in filter(None, (beside, folder)):
            if (place / named).is_file():
                return place / named, None
        return None, f"{folder / named}: no such file; {FILE_NAME} names it as the topology."
    if not paths:
        return None, None
    from unfreeze.trajectories.topologies import find_topology

    try:
        if paths[0].suffix.lower() in (".h5", ".hdf5", ".gro", ".pdb", ".cif"):
            return None, None
        return find_topology(paths[0]), None
    except InputError as error:
        others = [path for path in _children(paths[0].parent) if path.name.lower().endswith(TOPOLOGY_SUFFIXES)]
        return (others[0], None) if len(others) == 1 else (None, str(error))


def _matching(folder: Path, name: str) -> list[Path]:
    """Files of a name or a pattern, in natural order, none of them outside the folder."""
    if not any(letter in name for letter in "*?["):
        return [folder / name] if (folder / name).is_file() else []
    root = folder.resolve()
    found = [path for path in folder.glob(name) if path.is_file() and path.resolve().is_relative_to(root)]
    return sorted(found, key=natural_key)


def _children(folder: Path) -> list[Path]:
    try:
        found = [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror or error}).") from None
    if len(found) > _MOST_FILES:
        raise InputError(f"{folder}: more than {_MOST_FILES:,} files. Import parts of it one by one.")
    return sorted(found, key=natural_key)


def _trajectories(folder: Path) -> list[Path]:
    found = [path for path in _children(folder) if path.name.lower().endswith(_TRAJECTORY_SUFFIXES) and path.is_file()]
    plain = [path for path in found if pickle_refusal(path) is None]
    return plain or found  # where there is nothing but pickles, they are refused by name


def _subfolders(folder: Path) -> list[Path]:
    return [path for path in _children(folder) if path.is_dir() and not path.is_symlink()]


def _pickles_beside(folder: Path) -> list[Path]:
    return [path for path in _children(folder) if pickle_refusal(path)] if folder.is_dir() else []


def _unique(names: Sequence[str]) -> list[str]:
    found: list[str] = []
    for name in names:
        number, candidate = 2, name
        while candidate in found:
            candidate, number = f"{name}-{number}", number + 1
        found.append(candidate)
    return found
