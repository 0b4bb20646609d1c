"""``metadata.yaml``: what a user knows of a set that its files do not say, such as force field and licence.

Written by hand beside the data; every value may stand for the whole set, for a system, or for one trajectory of it,
and the closer one counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import Any

from unfreeze.corpus.conditions import force_field_name, solvent_name
from unfreeze.corpus.schema import Conditions, Source
from unfreeze.errors import InputError
from unfreeze.files.yaml_file import LinedDocument, read_yaml

__all__ = ["FILE_NAME", "Facts", "SystemNote", "TrajectoryNote", "read_metadata"]

FILE_NAME = "metadata.yaml"

_TEXTS = ("dataset", "force_field", "solvent", "method", "licence", "citation", "url", "title", "topology", "clock")
_NUMBERS = {
    "temperature_K": (0.0, 5000.0),
    "pressure_bar": (-1e4, 1e6),
    "ionic_strength_M": (-1e-12, 20.0),
    "pH": (-2.0, 17.0),
    "time_step_ps": (0.0, 1e12),
}
_FACTS = (*_TEXTS, *_NUMBERS)
_SYSTEM = (*_FACTS, "name", "trajectories", "notes")
_TRAJECTORY = (*_FACTS, "name", "file", "files")
_MOST_SYSTEMS = 1_000_000


@dataclass(frozen=True)
class Facts:
    """What is known, by name; missing where nothing is.

    Attributes
    ----------
    values
        Names as in the file.
    """

    values: dict[str, Any] = field(default_factory=dict)

    def under(self, other: Facts) -> Facts:
        """These, with those of `other` before them."""
        return Facts({**self.values, **other.values})

    def text(self, name: str) -> str:
        """A text, empty for none."""
        return str(self.values.get(name, ""))

    def number(self, name: str) -> float | None:
        """A number, None for none."""
        return self.values.get(name)

    def conditions(self) -> Conditions:
        """The conditions of a trajectory."""
        return Conditions(
            force_field=force_field_name(self.text("force_field")),
            solvent=solvent_name(self.text("solvent")),
            temperature_K=self.number("temperature_K"),
            pressure_bar=self.number("pressure_bar"),
            ionic_strength_M=self.number("ionic_strength_M"),
            pH=self.number("pH"),
            method=self.text("method"),
        )

    def source(self, identifier: str) -> Source:
        """The source of a trajectory."""
        return Source(
            dataset=self.text("dataset") or "own",
            identifier=identifier,
            licence=self.text("licence") or "unknown",
            citation=self.text("citation"),
            url=self.text("url"),
        )


@dataclass(frozen=True)
class TrajectoryNote:
    """A trajectory that the file names: its files, which follow each other, and what holds for it alone."""

    files: tuple[str, ...]
    name: str = ""
    facts: Facts = field(default_factory=Facts)


@dataclass(frozen=True)
class SystemNote:
    """A system that the file names.

    Attributes
    ----------
    trajectories
        Empty to take those that are there.
    """

    name: str = ""
    facts: Facts = field(default_factory=Facts)
    trajectories: tuple[TrajectoryNote, ...] = ()
    notes: tuple[str, ...] = ()


def read_metadata(path: Path) -> tuple[Facts, tuple[SystemNote, ...]]:
    """What holds for all, and the systems; no systems where the file names none.

    Raises
    ------
    InputError
        With the line: a name that is not known, a value of the wrong kind, or a path that leads out of the folder.
    """
    document = read_yaml(path)
    data = document.data
    if not isinstance(data, dict):
        raise InputError(f"{path}: names and values were expected (force_field: CHARMM36m).")
    _known(document, data, (*_FACTS, "systems", "notes", "trajectories", "name"), ())
    systems = data.get("systems")
    if systems is None:
        if "trajectories" in data or "name" in data:
            own = {key: data[key] for key in ("name", "trajectories", "notes") if key in data}
            return _facts(document, data, ()), (_system(document, own, ()),)
        return _facts(document, data, ()), ()
    if not isinstance(systems, list) or not systems or len(systems) > _MOST_SYSTEMS:
        raise InputError(f"{document.at('systems')}: a list of systems was expected.")
    found = []
    for at, value in enumerate(systems):
        if isinstance(value, str):
            value = {"name": value}
        if not isinstance(value, dict):
            raise InputError(f"{document.at('systems', at)}: a system with a name was expected, not {value!r:.60}.")
        _known(document, value, _SYSTEM, ("systems", at))
        found.append(_system(document, value, ("systems", at)))
    names = [system.name for system in found]
    for at, name in enumerate(names):
        if not name:
            raise InputError(f"{document.at('systems', at)}: the system has no name. Give one.")
        if names.index(name) < at:
            raise InputError(f"{document.at('systems', at, 'name')}: two systems are called {name!r}.")
    return _facts(document, data, ()), tuple(found)


def _known(document: LinedDocument, value: dict[str, Any], known: tuple[str, ...], keys: tuple[str | int, ...]) -> None:
    for key in value:
        if key not in known:
            like = get_close_matches(key, known, n=1)
            raise InputError(
                f"{document.at(*keys, key)}: {key!r} is not known here; there are {', '.join(known)}."
                + (f" Did you mean {like[0]}?" if like else "")
            )


def _facts(document: LinedDocument, value: dict[str, Any], keys: tuple[str | int, ...]) -> Facts:
    facts: dict[str, Any] = {}
    for name in _TEXTS:
        given = value.get(name)
        if given is None:
            continue
        if isinstance(given, list):
            raise InputError(
                f"{document.at(*keys, name)}: one {name.replace('_', ' ')} was expected, not {len(given)}. Where "
                "trajectories differ, give it with each of them, so that they are kept apart."
            )
        if not isinstance(given, (str, int, float)) or isinstance(given, bool):
            raise InputError(f"{document.at(*keys, name)}: text was expected, not {given!r:.60}.")
        facts[name] = " ".join(str(given).split())
        if name == "clock" and facts[name] not in ("file", "ignore"):
            raise InputError(f"{document.at(*keys, name)}: 'file' or 'ignore' was expected, not {given!r:.60}.")
        if name == "topology":
            _inside(document, facts[name], (*keys, name))
    for name, (least, most) in _NUMBERS.items():
        given = value.get(name)
        if given is None:
            continue
        if isinstance(given, bool) or not isinstance(given, (int, float)) or not least < given < most:
            raise InputError(
                f"{document.at(*keys, name)}: a number between {least:g} and {most:g} was expected, not {given!r:.60}."
            )
        facts[name] = float(given)
    return Facts(facts)


def _system(document: LinedDocument, value: dict[str, Any], keys: tuple[str | int, ...]) -> SystemNote:
    given = value.get("trajectories", [])
    if isinstance(given, str):
        given = [given]
    if not isinstance(given, list):
        raise InputError(f"{document.at(*keys, 'trajectories')}: a list of files was expected.")
    trajectories = []
    for at, item in enumerate(given):
        here = (*keys, "trajectories", at)
        if isinstance(item, str):
            item = {"file": item}
        if not isinstance(item, dict):
            raise InputError(f"{document.at(*here)}: a file, or 'file:' with more about it, was expected.")
        _known(document, item, _TRAJECTORY, here)
        files = item.get("files", [item["file"]] if "file" in item else [])
        if not isinstance(files, list) or not files or not all(isinstance(name, str) for name in files):
            raise InputError(f"{document.at(*here)}: 'file:' or 'files:' with names was expected.")
        for name in files:
            _inside(document, name, here)
        trajectories.append(
            TrajectoryNote(tuple(files), _text(document, item, "name", here), _facts(document, item, here))
        )
    notes = value.get("notes", [])
    notes = [notes] if isinstance(notes, str) else notes
    if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
        raise InputError(f"{document.at(*keys, 'notes')}: sentences were expected.")
    name = _text(document, value, "name", keys)
    return SystemNote(name, _facts(document, value, keys), tuple(trajectories), tuple(notes))


def _text(document: LinedDocument, value: dict[str, Any], name: str, keys: tuple[str | int, ...]) -> str:
    text = value.get(name, "")
    if isinstance(text, bool) or not isinstance(text, (str, int)):
        raise InputError(f"{document.at(*keys, name)}: text was expected; put it in quotes.")
    return str(text).strip()


def _inside(document: LinedDocument, name: str, keys: tuple[str | int, ...]) -> None:
    path = PurePosixPath(name.replace("\\", "/"))
    if not path.parts or path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise InputError(f"{document.at(*keys)}: {name!r} is not a file below the folder of {FILE_NAME}.")
