"""`load_frames`: frames from whatever somebody has, told apart by what it is rather than by what it is called."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from unfreeze.errors import InputError
from unfreeze.evaluate.frames import Frames
from unfreeze.evaluate.inputs.in_memory import checked, frames_of_ensemble, frames_of_mdtraj, thinned
from unfreeze.evaluate.inputs.trajectories import read_trajectories
from unfreeze.structure.ensemble import Ensemble
from unfreeze.structure.read import read_models
from unfreeze.trajectories.folders import look_into
from unfreeze.trajectories.formats import STRUCTURES, TRAJECTORIES, file_format

if TYPE_CHECKING:
    import mdtraj

__all__ = ["load_frames"]

PathLike = str | os.PathLike[str]


def load_frames(
    path: PathLike | Sequence[PathLike] | Ensemble | mdtraj.Trajectory | Frames,
    *,
    topology: PathLike | None = None,
    replicas: Literal["concatenate", "separate"] = "concatenate",
    stride: int = 1,
    max_frames: int | None = None,
    time_step_ps: float | None = None,
) -> Frames:
    """Read an ensemble or trajectory.

    Parameters
    ----------
    path
        One of: an ensemble folder of ``unfreeze sample``; a folder with one topology and one trajectory or several
        (BioEmu's ``topology.pdb`` and ``samples.xtc``, ATLAS' ``ID.pdb`` and ``ID_R1.xtc``); the folder of a campaign
        of ``unfreeze simulate`` with one system; a PDB or mmCIF file with one model or several, plain or gzip; a
        folder of such files, at most one level down (Boltz, AlphaFold 3); an XTC, TRR, DCD, HDF5 (mdtraj), NetCDF
        (AMBER) or GRO file; several trajectory files, which are replicas of one system, or several structure files,
        which are models; or what is in memory already.
    topology
        What the atoms of trajectories are: PDB, mmCIF, GRO, PSF, PRMTOP or mdtraj's HDF5. By default a file beside
        the trajectory of the same stem, or called ``topology``. It may have waters and hydrogens that the trajectory
        lacks.
    replicas
        ``separate`` keeps where every file begins, and with it the clock. ``concatenate`` makes one row of frames
        of several files; it has a clock only if every file goes on where the one before ends.
    stride
        Take every such frame, counted anew in every file.
    max_frames
        Then take at most this many, evenly spaced over the frames of all files. If they come out unequally spaced
        they have no clock.
    time_step_ps
        Time between frames of the files, ps, where the files do not tell it or tell it wrongly. By default the
        commonest positive step of their times; none where these are frame numbers.

    Returns
    -------
    Frames
        Heavy atoms without waters, nm. Beyond 1.5 GB the coordinates are a memory map of a temporary file.

    Raises
    ------
    InputError
        If something cannot be read, is cut short, or does not belong together.
    """
    _check_options(replicas, stride, max_frames, time_step_ps)
    if isinstance(path, Frames):
        return thinned(path, stride, max_frames)
    if isinstance(path, Ensemble):
        return thinned(frames_of_ensemble(path, "ensemble in memory", ()), stride, max_frames)
    if not isinstance(path, str | os.PathLike | Sequence):
        return thinned(frames_of_mdtraj(path, time_step_ps), stride, max_frames)
    if not isinstance(path, str | os.PathLike) and not all(isinstance(one, str | os.PathLike) for one in path):
        raise InputError("several trajectories must be files; join those in memory first, with mdtraj.join.")
    paths = [Path(path)] if isinstance(path, str | os.PathLike) else [Path(one) for one in path]
    if not paths:
        raise InputError("no file was given; an ensemble, a trajectory or models were expected.")
    name = ", ".join(map(str, paths[:3])) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
    options: dict[str, Any] = {
        "name": name, "replicas": replicas, "stride": stride, "max_frames": max_frames, "time_step_ps": time_step_ps,
    }  # fmt: skip
    given = None if topology is None else Path(topology)
    paths = [one.expanduser() for one in paths]
    given = None if given is None else given.expanduser()
    folder = _ensemble_folder(paths, given)
    if folder is not None:
        return thinned(frames_of_ensemble(Ensemble.load(folder), name, _ensemble_files(folder)), stride, max_frames)
    if len(paths) == 1 and paths[0].is_dir():
        return _of_folder(paths[0], given, options)
    return _of_files(paths, given, options)


def _check_options(replicas: str, stride: int, max_frames: int | None, time_step_ps: float | None) -> None:
    if replicas not in ("concatenate", "separate"):
        raise InputError(f"replicas is {replicas!r}; 'concatenate' or 'separate' was expected.")
    if stride < 1:
        raise InputError(f"stride is {stride}; a whole number of 1 or more was expected.")
    if max_frames is not None and max_frames < 1:
        raise InputError(f"max_frames is {max_frames}; a whole number of 1 or more was expected.")
    if time_step_ps is not None and not 0 < time_step_ps < np.inf:
        raise InputError(f"time_step_ps is {time_step_ps}; a positive number was expected.")


def _ensemble_folder(paths: Sequence[Path], topology: Path | None) -> Path | None:
    """The ensemble folder that is meant: it, or the samples in it."""
    if len(paths) != 1 or topology is not None:
        return None
    path = paths[0]
    if path.is_dir():
        return path if (path / "ensemble.json").is_file() else None
    beside = path.parent / "ensemble.json"
    if path.stem != "samples" or not path.is_file() or not beside.is_file():
        return None
    return path.parent if path.name in {Path(one).name for one in _ensemble_files(path.parent)} else None


def _ensemble_files(folder: Path) -> tuple[str, ...]:
    names = ("topology.pdb", "topology.cif", "samples.xtc", "samples.pdb", "samples.cif")
    return tuple(str(folder / name) for name in names if (folder / name).is_file())


def _of_folder(folder: Path, topology: Path | None, options: dict[str, Any]) -> Frames:
    content = look_into(folder)
    if content.trajectories:
        frames = read_trajectories(
            content.trajectories, topology or content.topology, is_samples=content.is_samples, **options
        )
    else:
        frames = _of_models(content.models, options)
    return replace(frames, notes=(*frames.notes, *content.notes))


def _of_files(paths: Sequence[Path], topology: Path | None, options: dict[str, Any]) -> Frames:
    for path in paths:
        if path.is_dir():
            raise InputError(f"{path} is a folder; of several paths each must be a file of one system.")
    kinds = [file_format(path) for path in paths]
    structures = [kind in STRUCTURES for kind in kinds]
    trajectories = [kind in TRAJECTORIES or kind == "gro" for kind in kinds]
    if all(structures):
        frames = _of_models(paths, options)
        if topology is not None:
            note = f"The topology {topology.name} was not used: structure files name their atoms."
            frames = replace(frames, notes=(*frames.notes, note))
        return frames
    if all(trajectories):
        return read_trajectories(paths, topology, **options)
    if len(paths) > 1 and any(structures) and any(trajectories):
        raise InputError(
            f"{options['name']}: structures and trajectories together. Give the trajectories only, and the structure "
            "with --topology."
        )
    wrong = next(path for path, one, other in zip(paths, structures, trajectories, strict=True) if not (one or other))
    what = {"psf": "a PSF topology without frames", "prmtop": "a PRMTOP topology without frames"}.get(
        kinds[paths.index(wrong)], "of a kind that is not read"
    )
    raise InputError(
        f"{wrong} is {what}; an ensemble folder, models (PDB, mmCIF) or a trajectory (XTC, TRR, DCD, HDF5 of mdtraj, "
        "NetCDF of AMBER, GRO) was expected. Convert it, for example with mdconvert or gmx trjconv."
    )


def _of_models(paths: Sequence[Path], options: dict[str, Any]) -> Frames:
    """Models of structure files: an ensemble without order."""
    molecule, coordinates = read_models([str(path) for path in paths])
    if len(paths) > 1:
        source = replace(molecule.source, n_models=len(coordinates))
        molecule = replace(molecule, source=source)
    frames = Frames(
        molecule=molecule,
        coordinates_nm=coordinates.astype(np.float32),
        name=options["name"],
        files=tuple(map(str, paths)),
        notes=molecule.source.notes,
    )
    return thinned(checked(frames), options["stride"], options["max_frames"])
