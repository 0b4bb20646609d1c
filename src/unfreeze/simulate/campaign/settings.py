"""`campaign.yaml`: which systems are simulated, under which conditions, how often and how long.

Only what the file says is decided here, with errors that name its lines. Which files that means is the matter of
:mod:`unfreeze.simulate.campaign.inputs`, and what has been done of it that of the ledger.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from unfreeze.errors import InputError
from unfreeze.files.validation import Document, validated
from unfreeze.files.yaml_file import read_text, read_yaml
from unfreeze.simulate.campaign.units import parse_time_ps, time_in_words
from unfreeze.simulate.force_fields import files_of
from unfreeze.simulate.settings import SimulationSettings
from unfreeze.structure.prepare.settings import PreparationSettings

__all__ = ["Campaign", "SystemSpec", "campaign_of", "check_system_name", "merged", "read_campaign"]

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,59}")
_MOST_REPLICAS = 100_000


def check_system_name(name: str) -> str:
    """The name of a system if it can be part of a file name.

    Raises
    ------
    ValueError
        If not.
    """
    if not _NAME.fullmatch(name) or name.endswith("."):
        raise ValueError(f"{name!r} cannot name a file; use at most 60 of: letters, digits, '_', '-', '+' and '.'")
    return name


def _check_sequence(text: str) -> str:
    from unfreeze.structure.prepare.peptide import parse_sequence

    sequence = re.sub(r"\s", "", text)
    parse_sequence(sequence)
    return sequence


Name = Annotated[str, Field(strict=True), AfterValidator(check_system_name)]
Text = Annotated[str, Field(strict=True, min_length=1)]
Sequence_ = Annotated[str, Field(strict=True), AfterValidator(_check_sequence)]
Length = Annotated[float, BeforeValidator(parse_time_ps)]
Replicas = Annotated[int, Field(strict=True, ge=1, le=_MOST_REPLICAS)]
Seed = Annotated[int, Field(strict=True, ge=0, lt=2**63)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Entry(_Strict):
    """One of `systems`; `source` and `sha256` are what a campaign's own copy of the file adds."""

    name: Name | None = None
    structure: Text | None = None
    sequence: Sequence_ | None = None
    preparation: dict[str, Any] = {}
    simulation: dict[str, Any] = {}
    length: Length | None = None
    replicas: Replicas | None = None
    source: Text | None = None
    sha256: Text | None = None


class _File(_Strict):
    systems: list[_Entry] = []
    structures: list[Text] | Text = []
    sequences: list[Sequence_] | Text = []
    preparation: dict[str, Any] = {}
    simulation: dict[str, Any] = {}
    length: Length
    replicas: Replicas = 1
    seed: Seed = 0


@dataclass(frozen=True)
class SystemSpec:
    """One system of a campaign, as it is asked for.

    Attributes
    ----------
    name
        For people; unique in the campaign.
    structure
        Path or PDB id; None for a sequence.
    sequence
        One-letter codes, chains separated by ``:``; None for a structure.
    preparation, simulation
        All settings, defaults and overrides included.
    length_ps
        Length of production.
    replicas
        How many runs, with a seed each.
    where
        Where it is asked for, for messages.
    source
        What the user gave, where `structure` is a copy of it.
    sha256
        Checksum that the structure must have, or None.
    """

    name: str
    structure: str | None
    sequence: str | None
    preparation: PreparationSettings
    simulation: SimulationSettings
    length_ps: float
    replicas: int
    where: str
    source: str = ""
    sha256: str | None = None


@dataclass(frozen=True)
class Campaign:
    """All that is to be simulated.

    Attributes
    ----------
    systems
        In the order of the file.
    seed
        Of the campaign, from which those of the replicas follow.
    folder
        What paths are relative to.
    origin
        The file, or words for where it came from.
    """

    systems: tuple[SystemSpec, ...]
    seed: int
    folder: Path
    origin: str


def read_campaign(
    path: str | Path, changes: Mapping[str, Any] | None = None, *, for_all: Sequence[str] = ()
) -> Campaign:
    """Read a campaign file.

    Parameters
    ----------
    path
        YAML with `systems`, a list of ``{name, structure | sequence, preparation, simulation, length, replicas}``, or
        `structures` and `sequences`, lists or text files with one a line; `simulation`, `preparation`, `length`,
        `replicas` and `seed` for all of them. Paths are relative to the file.
    changes
        Values in the place of those at the top of the file, as the command line gives them.
    for_all
        Keys whose changes hold for systems with a value of their own, too.

    Raises
    ------
    InputError
        If it cannot be read, or asks for what cannot be; the message names file, line and key.
    """
    path = Path(path)
    document = read_yaml(path)
    if not isinstance(document.data, Mapping):
        raise InputError(
            f"{path}: expected a campaign, a mapping with keys such as systems, simulation, length; "
            f"found {type(document.data).__name__}"
        )
    data = merged(document.data, changes or {})
    dropped = {key for key in for_all if key in (changes or {})}
    if dropped and isinstance(data.get("systems"), list):
        data["systems"] = [
            {key: value for key, value in entry.items() if key not in dropped} if isinstance(entry, Mapping) else entry
            for entry in data["systems"]
        ]
    return campaign_of(data, document, folder=path.parent, origin=str(path))


def campaign_of(data: Mapping[str, Any], document: Document, *, folder: Path, origin: str) -> Campaign:
    """The campaign that a mapping asks for; see :func:`read_campaign`."""
    found = validated(_File, data, document, ())
    # Faults of what holds for all are said once, and of the line where they stand.
    validated(SimulationSettings, found.simulation, document, ("simulation",))
    validated(PreparationSettings, found.preparation, document, ("preparation",))
    entries = [(entry, ("systems", row)) for row, entry in enumerate(found.systems)]
    for key, kind in (("structures", "structure"), ("sequences", "sequence")):
        entries += [
            (_Entry.model_validate({kind: text}), place) for text, place in _listed(found, key, folder, document)
        ]
    if not entries:
        raise InputError(f"{origin}: nothing to simulate; list it under 'systems', 'structures' or 'sequences'")
    names = _Names()
    systems = tuple(_spec(entry, place, found, document, names) for entry, place in entries)
    return Campaign(systems, found.seed, folder, origin)


def merged(data: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping with values of another in the place of its own, mappings within merged the same way."""
    result = dict(data)
    for key, value in changes.items():
        before = result.get(key)
        both = isinstance(value, Mapping) and isinstance(before, Mapping)
        result[key] = merged(before, value) if both else value  # type: ignore[arg-type]
    return result


def _spec(entry: _Entry, place: tuple[str | int, ...], found: _File, document: Document, names: _Names) -> SystemSpec:
    where = document.at(*place)
    if (entry.structure is None) == (entry.sequence is None):
        raise InputError(f"{where}: a system has either a 'structure' (path or PDB id) or a 'sequence'; give one")
    simulation = validated(
        SimulationSettings, merged(found.simulation, entry.simulation), document, (*place, "simulation")
    )
    preparation = validated(
        PreparationSettings, merged(found.preparation, entry.preparation), document, (*place, "preparation")
    )
    try:
        files_of(simulation.system)
    except InputError as error:
        raise InputError(f"{document.at(*place, 'simulation', 'system')}: {error}") from None
    length_ps = entry.length or found.length
    if length_ps < simulation.save.every_ps * (1 - 1e-9):
        raise InputError(
            f"{document.at(*place, 'length') if entry.length else document.at('length')}: a length of "
            f"{time_in_words(length_ps)} has no frame when one is saved every {simulation.save.every_ps:g} ps; "
            "simulate longer, or save more often (simulation.save.every_ps)"
        )
    return SystemSpec(
        name=names.take(entry, where),
        structure=entry.structure,
        sequence=entry.sequence,
        preparation=preparation,
        simulation=simulation,
        length_ps=length_ps,
        replicas=entry.replicas or found.replicas,
        where=where,
        source=entry.source or entry.structure or entry.sequence or "",
        sha256=entry.sha256,
    )


class _Names:
    """Names of systems, each once: those that are given, and others made from what is simulated."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, entry: _Entry, where: str) -> str:
        if entry.name is not None:
            if entry.name in self._taken:
                raise InputError(f"{where}: the name {entry.name!r} is there twice; give each name once")
            self._taken.add(entry.name)
            return entry.name
        text = entry.source or entry.structure or entry.sequence or ""
        if entry.structure is not None:
            text = re.sub(r"(\.(pdb|cif|mmcif|ent|gz))+$", "", Path(text).name, flags=re.IGNORECASE)
        stem = re.sub(r"[^A-Za-z0-9_.+-]", "-", text).strip(".+-")[:40].rstrip(".") or "system"
        name, number = stem, 1
        while name in self._taken:
            number += 1
            name = f"{stem}-{number}"
        self._taken.add(name)
        return name


def _listed(found: _File, key: str, folder: Path, document: Document) -> list[tuple[str, tuple[str | int, ...]]]:
    """Texts of `structures` or `sequences`, from the file itself or from the one that it names, and their places."""
    value = getattr(found, key)
    if not isinstance(value, str):
        return [(text, (key, row)) for row, text in enumerate(value)]
    path = folder / Path(value).expanduser()
    if not path.is_file():
        one = "structure" if key == "structures" else "sequence"
        raise InputError(
            f"{document.at(key)}: {path} is no text file with one {one} a line; give such a file, or a list "
            f"[{value}] for a single one"
        )
    texts = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if text := line.split("#")[0].strip():
            try:
                texts.append(_check_sequence(text) if key == "sequences" else text)
            except ValueError as error:
                raise InputError(f"{path}, line {number}: {error}") from None
    return [(text, (key,)) for text in texts]
