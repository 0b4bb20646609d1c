"""What a folder holds: trajectories with their topology, or models. What is not clear is said, not guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from unfreeze.errors import InputError
from unfreeze.trajectories.formats import STRUCTURES, TOPOLOGIES, TRAJECTORIES, file_format
from unfreeze.trajectories.topologies import TOPOLOGY_SUFFIXES

__all__ = ["FolderContent", "look_into", "natural_key"]

_SUFFIXES = (
    *(*TOPOLOGY_SUFFIXES, ".mmcif.gz", ".ent.gz"),
    *(".xtc", ".trr", ".dcd", ".h5", ".hdf5", ".lh5", ".nc", ".ncdf", ".netcdf"),
)
_MOST_FILES = 200_000
_LISTED = 8
_OF_TEMPERATURE = re.compile(r"trajectory-[0-9.]+K")


@dataclass(frozen=True)
class FolderContent:
    """What to read from a folder.

    Attributes
    ----------
    trajectories
        Replicas, in natural order; empty for models.
    topology
        Of the trajectories; None if they hold their own.
    models
        Structure files, in natural order; empty for trajectories.
    is_samples
        Whether the frames are samples of a generator, without order in time.
    notes
        Remarks.
    """

    trajectories: tuple[Path, ...] = ()
    topology: Path | None = None
    models: tuple[Path, ...] = ()
    is_samples: bool = False
    notes: tuple[str, ...] = ()


def natural_key(path: Path) -> tuple:
    """Sort ``model_2`` before ``model_10``."""
    return tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, part)
        for part in re.split(r"([0-9]+)", str(path))
        if part
    )  # fmt: skip


_DATA = {".pdb", ".ent", ".cif", ".mmcif", ".xtc", ".trr", ".dcd", ".h5", ".hdf5", ".nc", ".gro"}


def _is_data(path: Path) -> bool:
    """Whether a file is meant to hold atoms by its name; an empty one of these must not pass unseen."""
    return bool(_DATA & {suffix.lower() for suffix in path.suffixes})


def look_into(folder: Path) -> FolderContent:
    """Find the trajectories and their topology, or the models, in a folder or one level below.

    The folder of a campaign of ``unfreeze simulate`` stands for its runs, if they are of one system.

    Raises
    ------
    InputError
        If nothing is there, or it is not clear what belongs together.
    """
    if (folder / "campaign.yaml").is_file() and (folder / "runs").is_dir():
        return _campaign(folder)
    here = _files(folder)
    below = [path for child in _children(folder) if child.is_dir() for path in _files(child)]
    kinds = {path: file_format(path) for path in [*here, *below] if path.stat().st_size > 0 or _is_data(path)}
    for group in (here, below):
        trajectories = [path for path in group if kinds.get(path) in TRAJECTORIES]
        topologies = [path for path in here if kinds.get(path) in TOPOLOGIES]
        if trajectories and (group is here or topologies):
            return _trajectories(folder, trajectories, topologies, kinds)
    models = [path for path in here if kinds.get(path) in STRUCTURES]
    deeper = [path for path in below if kinds.get(path) in STRUCTURES]
    notes: tuple[str, ...] = ()
    if len(models) < 2 and deeper:
        if models:  # AlphaFold 3 copies its best model to the top
            notes = (f"{models[0].name} beside the folders of models was left out, as a copy of one of them.",)
        models = deeper
    if not models:
        empty = [path.name for path in here if path not in kinds]
        raise InputError(
            f"{folder}: no trajectory and no PDB or mmCIF file in it"
            + (f" (empty files: {', '.join(empty[:_LISTED])})" if empty else "")
            + ". Give an ensemble folder, a trajectory with its topology, or the folder that holds the models."
        )
    stems = [(path.parent, path.name.split(".")[0]) for path in models]
    twice = sorted({path.name for path, stem in zip(models, stems, strict=True) if stems.count(stem) > 1})
    if twice and len({kinds[path] for path in models}) > 1:
        raise InputError(
            f"{folder}: the models are there in two formats ({_listing(twice)}). Give the files of one of them."
        )
    return FolderContent(models=tuple(models), notes=notes)


def _children(folder: Path) -> list[Path]:
    try:
        children = [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError as error:
        raise InputError(f"{folder}: the folder cannot be read ({error.strerror or error}).") from None
    if len(children) > _MOST_FILES:
        raise InputError(f"{folder}: more than {_MOST_FILES:,} files. Give the files to read by name.")
    return sorted(children, key=natural_key)


def _files(folder: Path) -> list[Path]:
    return [path for path in _children(folder) if path.name.lower().endswith(_SUFFIXES) and path.is_file()]


def _trajectories(
    folder: Path, trajectories: list[Path], topologies: list[Path], kinds: dict[Path, str]
) -> FolderContent:
    notes: tuple[str, ...] = ()
    named = [path for path in topologies if path.name.split(".")[0] == "topology"]
    samples = [path for path in trajectories if path.stem == "samples"]
    is_samples = len(samples) == 1 and len(named) == 1
    if is_samples and len(trajectories) > 1:
        notes = (f"{len(trajectories) - 1} other trajectories beside {samples[0].name} were left out.",)
        trajectories = samples
    # a run with replica exchange: only the lowest temperature's file has a plain name, others are not replicas of it
    warmer = [path for path in trajectories if _OF_TEMPERATURE.fullmatch(path.stem)]
    if warmer and {path.stem for path in trajectories if path not in warmer} == {"trajectory"}:
        notes = (*notes, f"{len(warmer)} trajectories of higher temperatures of a replica exchange were left out.")
        trajectories = [path for path in trajectories if path not in warmer]
    if len({kinds[path] for path in trajectories}) > 1:
        raise InputError(
            f"{folder}: trajectories of several formats ({_listing([path.name for path in trajectories])}), perhaps of "
            "one run. Give the files that are replicas of one system by name, and --topology."
        )
    fitting = [topologies, named, [path for path in topologies if _begins(path, trajectories)]]
    topology = next((group[0] for group in fitting if len(group) == 1), None)
    if topology is None and (topologies or {kinds[path] for path in trajectories} != {"hdf5"}):
        found = _listing([path.name for path in topologies])
        raise InputError(
            f"{folder}: {len(trajectories)} trajectories ({_listing([path.name for path in trajectories])}) and "
            f"{len(topologies)} files that may be their topology ({found}); exactly one was expected. Give the "
            "trajectories by name, and the topology with --topology FILE."
        )
    return FolderContent(tuple(trajectories), topology, is_samples=is_samples, notes=notes)


def _campaign(folder: Path) -> FolderContent:
    """The finished runs of a campaign, which are replicas of one system if their topologies are the same."""
    runs = [child for child in _children(folder / "runs") if (child / "trajectory.xtc").is_file()]
    if not runs:
        raise InputError(f"{folder}: a campaign without a finished run. See `unfreeze simulate status {folder}`.")
    found = [look_into(run) for run in runs]
    topologies = [content.topology for content in found]
    if len({path.read_bytes() for path in topologies if path is not None}) > 1:
        raise InputError(
            f"{folder}: a campaign with runs of several systems, where one was expected. "
            f"Give a run's folder: {_listing([str(run) for run in runs])}."
        )
    trajectories = tuple(path for content in found for path in content.trajectories)
    notes = tuple(dict.fromkeys(note for content in found for note in content.notes))
    return FolderContent(trajectories, topologies[0], notes=notes)


def _begins(topology: Path, trajectories: list[Path]) -> bool:
    stem = topology.name.split(".")[0]
    return all(path.name.startswith(stem) for path in trajectories)


def _listing(names: list[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return (", ".join(names[:_LISTED]) or "none") + more
