"""The folder of a prediction: made beside its place, record, table, structures and page, and renamed at the end."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unfreeze.errors import InputError

if TYPE_CHECKING:
    from unfreeze.cli.progress import Stages
    from unfreeze.structure.complex import Complex

__all__ = ["check_target", "write_folder"]

RECORD, TABLE, STRUCTURE, MUTANTS, PAGE = (
    "prediction.json",
    "predictions.csv",
    "structure.cif",
    "mutants",
    "report.html",
)
_OURS = {RECORD, TABLE, STRUCTURE, MUTANTS, PAGE}


def check_target(target: Path, *, force: bool) -> None:
    """Refuse a place where the folder cannot be made, before the work and not after it.

    Raises
    ------
    InputError
        If it holds anything else than a prediction, or one and `force` is not given, or cannot be written to.
    """
    nearest = next(folder for folder in target.parents if folder.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise InputError(f"{target}: cannot be made, {nearest} cannot be written to; choose another -o")
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    if not (target / RECORD).is_file() or any(path.name not in _OURS for path in target.iterdir()):
        raise InputError(f"{target}: exists and is not a folder of predictions; nothing was written. Choose another -o")
    if not force:
        raise InputError(f"{target}: holds a prediction already; choose another -o, or give --force to replace it")


def write_folder(
    target: Path,
    record: dict[str, Any],
    rows: Sequence[Mapping[str, Any]],
    *,
    structure: Complex | None,
    mutants: Mapping[str, Complex],
    with_report: bool,
    force: bool,
    stages: Stages,
) -> dict[str, Any]:
    """Write all of it; the folder is whole or absent.

    Parameters
    ----------
    target
        The folder.
    record
        What goes into ``prediction.json``; it gets the names and checksums of the files.
    rows
        The table, one mapping a row, all with the same keys.
    structure
        The structure that was predicted from; None for sequences.
    mutants
        Mutant structures by the names of their files.
    with_report, force
        As on the command line.
    stages
        Told what is done.

    Returns
    -------
    dict
        The record as written.
    """
    from unfreeze.files.atomic import write_atomically, write_json
    from unfreeze.structure.ensemble import replace_directory
    from unfreeze.structure.write import write_cif

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        room = tempfile.TemporaryDirectory(
            prefix=f".{target.name[-80:]}.", dir=target.parent, ignore_cleanup_errors=True
        )
    except OSError as error:
        raise InputError(f"{target}: cannot be made ({error.strerror}); choose another -o") from error
    with room:
        building = Path(room.name) / "folder"
        building.mkdir()
        stages("Writing")
        write_atomically(building / TABLE, _csv(rows))
        if structure is not None:
            write_cif(building / STRUCTURE, structure)
        if mutants:
            (building / MUTANTS).mkdir()
        for name, molecule in mutants.items():
            write_cif(building / MUTANTS / name, molecule)
        record["files"] = {
            str(path.relative_to(building)): {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
            for path in sorted(building.rglob("*"))
            if path.is_file()
        }
        write_json(building / RECORD, record)
        if with_report:
            stages("Report")
            from unfreeze.report.prediction import write_prediction_page

            write_prediction_page(building)
        check_target(target, force=force)
        replace_directory(building, target)
    return record


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    out = io.StringIO()
    if rows:
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.4f}"
    # a spreadsheet must not take a name for a formula
    return f"'{value}" if isinstance(value, str) and value[:1] in tuple("=+-@\t\r") and value else value
