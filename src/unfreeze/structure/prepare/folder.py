"""The folder of a prepared structure: prepared.cif, preparation.json, and prepared.pdb where the format can hold it."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from unfreeze.errors import InputError
from unfreeze.files.atomic import sync_directory, write_json
from unfreeze.structure.complex import Complex
from unfreeze.structure.ensemble import replace_directory
from unfreeze.structure.prepare.preparation import SCHEMA, Prepared
from unfreeze.structure.read import read_complex
from unfreeze.structure.writing.write_cif import write_cif
from unfreeze.structure.writing.write_pdb import pdb_obstacle, write_pdb

__all__ = ["check_prepared_directory", "read_prepared", "write_prepared", "write_prepared_directory"]

_CIF, _PDB, _REPORT = "prepared.cif", "prepared.pdb", "preparation.json"


def write_prepared(directory: str | os.PathLike[str], prepared: Prepared) -> dict[str, Path]:
    """Write a prepared structure into a folder, which is made if it is absent.

    Parameters
    ----------
    directory
        Files of an earlier preparation in it are replaced.
    prepared
        What to write.

    Returns
    -------
    dict
        Path of every file by its role: ``structure``, ``pdb`` (where the format can hold it) and ``report``.

    Raises
    ------
    InputError
        If the folder cannot be written to.
    """
    folder = Path(directory)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror}); give another folder") from None
    files = {"structure": folder / _CIF}
    write_cif(folder / _CIF, prepared.complex)
    if pdb_obstacle(prepared.complex, prepared.complex.coordinates_nm[None]):
        (folder / _PDB).unlink(missing_ok=True)
    else:
        write_pdb(folder / _PDB, prepared.complex)
        files["pdb"] = folder / _PDB
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files.values()}
    write_json(folder / _REPORT, {**prepared.report, "files": sums})
    sync_directory(folder)
    return {**files, "report": folder / _REPORT}


def check_prepared_directory(target: Path, *, force: bool) -> None:
    """Refuse a folder that must not be written to, before the work and not after it.

    Raises
    ------
    InputError
        If it cannot be made, if it exists and is no folder of ours, or if it is one and `force` is not given.
    """
    nearest = next(folder for folder in (target, *target.parents) if folder.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise InputError(f"{target}: cannot be made, {nearest} cannot be written to; choose another -o")
    if nearest != target or not any(target.iterdir()):
        return
    if not (target / _REPORT).is_file() or any(path.name not in (_CIF, _PDB, _REPORT) for path in target.iterdir()):
        raise InputError(f"{target}: exists and is not a prepared folder; nothing was written. Choose another -o")
    if not force:
        raise InputError(f"{target}: holds a prepared structure; choose another -o, or give --force to replace it")


def write_prepared_directory(target: Path, prepared: Prepared, *, force: bool) -> dict[str, Path]:
    """Like :func:`write_prepared`, but the folder is whole or absent: it is made beside its place and renamed.

    Raises
    ------
    InputError
        If it must not or cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        room = tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent, ignore_cleanup_errors=True)
    except OSError as error:
        raise InputError(f"{target}: cannot be made ({error.strerror}); choose another -o") from None
    with room:
        building = Path(room.name) / target.name
        files = write_prepared(building, prepared)
        check_prepared_directory(target, force=force)
        replace_directory(building, target)
    return {role: target / path.name for role, path in files.items()}


def read_prepared(path: str | os.PathLike[str]) -> Prepared:
    """Read what :func:`write_prepared` wrote.

    Parameters
    ----------
    path
        The folder, or its prepared.cif.

    Raises
    ------
    InputError
        If there is none, or the structure is not the one that was written.
    """
    given = Path(path)
    folder = given if given.is_dir() else given.parent
    cif = folder / _CIF if given.is_dir() else given
    if not cif.is_file():
        raise InputError(f"{given}: no {_CIF} there; give a folder of `unfreeze prepare`")
    report = _read_report(folder / _REPORT)
    expected = report.get("files", {}).get(cif.name)
    found = hashlib.sha256(cif.read_bytes()).hexdigest()
    if expected != found:
        raise InputError(f"{cif}: not the file that {_REPORT} beside it describes; prepare the structure again")
    complex = _chemical_links(read_complex(cif, keep_hydrogens=True, keep_waters=True))
    return Prepared(replace(complex, source=replace(complex.source, name=report["input"]["name"])), report)


def _read_report(path: Path) -> dict[str, Any]:
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; give a folder of `unfreeze prepare`") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); prepare the structure again") from None
    if not isinstance(report, dict) or report.get("schema") != SCHEMA or not isinstance(report.get("input"), dict):
        raise InputError(f"{path}: not the report of a preparation ({SCHEMA}); prepare the structure again")
    return report


def _chemical_links(complex: Complex) -> Complex:
    """Without disulfides by distance alone of which a sulfur carries a hydrogen."""
    reduced = np.zeros(complex.n_residues, dtype=bool)
    reduced[complex.residue_index[complex.atom_name == "HG"]] = True
    sulfur = (complex.atom_name[complex.links] == "SG").all(axis=1)
    return replace(complex, links=complex.links[~(sulfur & reduced[complex.residue_index[complex.links]].any(axis=1))])
