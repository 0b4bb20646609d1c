"""A folder of `unfreeze predict`, read for its page: the record, the structure and the mutants."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unfreeze.errors import InputError
from unfreeze.structure.complex import Complex
from unfreeze.structure.read import read_complex

__all__ = ["PredictionFolder"]

_SCHEMA = "unfreeze-prediction/"
_TASKS = ("affinity", "stability", "location", "function")


@dataclass(frozen=True, eq=False)
class PredictionFolder:
    """What a page is made of.

    Attributes
    ----------
    record
        ``prediction.json``.
    molecule
        The structure that was predicted from; None where sequences were.
    mutants
        Mutant structures by the names that the record gives them.
    """

    record: dict[str, Any]
    molecule: Complex | None
    mutants: dict[str, Complex]

    @property
    def task(self) -> str:
        """``affinity``, ``stability``, ``location`` or ``function``."""
        return str(self.record["task"])

    @property
    def effects(self) -> list[dict[str, Any]]:
        """Effects of mutations, as in the record."""
        return list(self.record.get("effects") or [])

    @classmethod
    def read(cls, directory: str | Path) -> PredictionFolder:
        """Read a folder.

        Raises
        ------
        InputError
            If it is no folder of predictions, or is damaged.
        """
        folder = Path(directory)
        path = folder / "prediction.json"
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except OSError:
            raise InputError(f"{folder}: not a folder of `unfreeze predict`, there is no prediction.json") from None
        except ValueError as error:
            raise InputError(f"{path}: damaged ({error}); predict again") from None
        if not isinstance(record, dict) or not str(record.get("schema", "")).startswith(_SCHEMA):
            raise InputError(f"{path}: not the record of a prediction; expected a schema {_SCHEMA}1")
        if record.get("task") not in _TASKS:
            raise InputError(f"{path}: task {record.get('task')!r}; expected one of {', '.join(_TASKS)}")
        structure = folder / "structure.cif"
        names = [entry.get("structure") for entry in record.get("effects") or []]
        mutants = {
            name: read_complex(folder / "mutants" / Path(name).name)
            for name in names
            if isinstance(name, str) and (folder / "mutants" / Path(name).name).is_file()
        }
        return cls(record, read_complex(structure) if structure.is_file() else None, mutants)
