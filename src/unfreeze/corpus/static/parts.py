"""Structure files as parts of a candidate: one file whole, or several of one molecule in the atoms that all have."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.importing.source import FrameStream, Part
from unfreeze.corpus.importing.streams import ArrayStream
from unfreeze.corpus.schema import Source
from unfreeze.corpus.static.states import StateMatch, common_atoms, match_states
from unfreeze.corpus.static.structures import read_structure, static_conditions
from unfreeze.errors import InputError

__all__ = ["state_parts", "whole_part"]


def whole_part(name: str, path: Path, source: Source, *, keep_hydrogens: bool = False) -> Part:
    """A part of all models of a file.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    structure = read_structure(path, keep_hydrogens=keep_hydrogens)
    return Part(name, static_conditions(structure), source, (path,), partial(_whole, path, keep_hydrogens))


def state_parts(
    paths: Mapping[str, Path],
    sources: Mapping[str, Source],
    *,
    keep_hydrogens: bool = False,
    least_identity: float = 1.0,
) -> tuple[Part, ...]:
    """Parts of one entry from files of one molecule: the polymer atoms of the first that all others have.

    Parameters
    ----------
    paths
        Name of the part and its file; names, numbers and B-factors are those of the first.
    sources
        By name of the part.
    least_identity
        As for :func:`unfreeze.corpus.static.states.match_states`.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    files = tuple(paths.values())
    return tuple(
        Part(
            name,
            static_conditions(read_structure(path, keep_hydrogens=keep_hydrogens)),
            sources[name],
            (path,),
            partial(_state, files, row, keep_hydrogens, least_identity),
        )
        for row, (name, path) in enumerate(paths.items())
    )


def _whole(path: Path, keep_hydrogens: bool) -> FrameStream:
    structure = read_structure(path, keep_hydrogens=keep_hydrogens)
    return ArrayStream(structure.complex, structure.coordinates_nm, notes=structure.notes)


@lru_cache(maxsize=2)
def _matched(
    files: tuple[Path, ...], keep_hydrogens: bool, least_identity: float, stamps: tuple[tuple[int, int], ...]
) -> tuple[list[StateMatch], NDArray[np.int64], list[NDArray[np.int64]]]:  # fmt: skip
    """Matches of all files with the first, the atoms common to all, and their rows in each."""
    reference = read_structure(files[0], keep_hydrogens=keep_hydrogens).complex
    matches = []
    for path in files:
        state = read_structure(path, keep_hydrogens=keep_hydrogens).complex
        match = match_states(reference, state, least_identity=least_identity)
        if match is None:
            raise InputError(f"{path}: no chain of it corresponds to one of {files[0].name}. Import it alone.")
        matches.append(match)
    return matches, *common_atoms(matches)


def _state(files: tuple[Path, ...], row: int, keep_hydrogens: bool, least_identity: float) -> FrameStream:
    try:
        stamps = tuple((found.st_mtime_ns, found.st_size) for found in (path.stat() for path in files))
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be read ({error.strerror}).") from None
    matches, common, rows = _matched(files, keep_hydrogens, least_identity, stamps)
    reference = read_structure(files[0], keep_hydrogens=keep_hydrogens).complex
    structure = read_structure(files[row], keep_hydrogens=keep_hydrogens)
    notes = []
    if len(common) < reference.n_atoms:
        n_less = reference.n_atoms - len(common)
        notes.append(f"{n_less} atoms of {files[0].name} are not in every state, or no polymer, and were left out.")
    if matches[row].n_different:
        notes.append(
            f"{files[row].name} has {matches[row].n_different} residues of another type than {files[0].name}; "
            "of these there are backbone and Cβ only."
        )
    moved = {old: new for old, new in matches[row].chains.items() if old != new}
    if moved:
        named = ", ".join(f"{new} is {old} here" for old, new in moved.items())
        notes.append(f"Chains of {files[row].name} are called otherwise: {named}.")
    notes += [f"{files[row].name}: {note}" for note in structure.notes]
    frames = structure.coordinates_nm[:, rows[row]]
    return ArrayStream(reference.take_atoms(common), frames, notes=tuple(notes))
