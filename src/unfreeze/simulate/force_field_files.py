"""Files of force fields: found, loaded, and written down with their checksums. Which ones is for the registry to say.

CHARMM's patches are tried on few residues only, because OpenMM tries all combinations of all of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from openmm import app

from unfreeze.errors import InputError

__all__ = ["file_records", "load_files"]

_OURS = "unfreeze/"
_CHARMM_RESIDUES = (
    *("ALA ARG ASN ASP CYS GLN GLU GLY HSD HSE HSP ILE LEU LYS MET PHE PRO SER THR TRP TYR VAL".split()),
    *("ADE CYT GUA THY URA".split()),
)


def load_files(names: tuple[str, ...], present: Iterable[str] | None = None) -> app.ForceField:
    """OpenMM's force field of some XML files.

    Parameters
    ----------
    names
        The files, from :func:`files_of`.
    present
        Residues that CHARMM's patches may be tried on, besides the standard ones; None for all that it has, which
        makes the search for templates many times longer.

    Raises
    ------
    InputError
        If a file is not there or is not a force field.
    """
    paths = [str(_path_of(name)) for name in names]
    try:
        force_field = app.ForceField(*paths)
    except Exception as error:
        raise InputError(
            f"{', '.join(names)}: OpenMM cannot load these as one force field: {_first_line(error)}. "
            "Expected OpenMM force-field XML files that fit each other."
        ) from None
    if present is not None:
        _limit_patches(force_field, {*_CHARMM_RESIDUES, *present})
    return force_field


def _limit_patches(force_field: Any, names: set[str]) -> None:
    """Let patches be tried on some residues only; of those that join two residues, the disulfide."""
    patches: dict[str, set[tuple[str, int]]] = getattr(force_field, "_templatePatches", {})
    known = getattr(force_field, "_patches", {})
    for template, allowed in list(patches.items()):
        kept = {pair for pair in allowed if known[pair[0]].numResidues == 1 or pair[0].startswith("DISU")}
        if template in names and kept:
            patches[template] = kept
        else:
            del patches[template]


def file_records(names: tuple[str, ...]) -> list[dict[str, str]]:
    """What to write down about force-field files: name, whose they are, and checksum."""
    records = []
    for name in names:
        path, owner = _path_of(name), "user"
        if name.startswith(_OURS):
            owner = "unfreeze"
        elif not Path(name).is_file():
            owner = "openmm"
        records.append({"name": name, "from": owner, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()})
    return records


def _path_of(name: str) -> Path:
    """Where a file is: ours, as given, else in OpenMM's own data folder."""
    places = [Path(name), Path(app.__file__).parent / "data" / name]
    if name.startswith(_OURS):
        places = [Path(__file__).parent / "parameters" / name.removeprefix(_OURS)]
    for place in places:
        if place.is_file():
            return place
    raise InputError(
        f"{name}: no such force-field file, neither in the working folder nor among OpenMM's own. "
        "Give the path of an OpenMM XML file in force_field_files."
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
