"""`targets.yaml`: which ensembles are scored against which references, by which protocol.

Either every target names its files, or one pattern with ``{target}`` in it serves for all of them, or both. Nothing is
opened here but the YAML file and the list of targets: a trajectory that is absent fails its own target later on, and
no other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from unfreeze.errors import InputError
from unfreeze.files.yaml_file import LinedDocument, read_text, read_yaml

__all__ = ["Settings", "Source", "TargetSet", "Task", "check_name", "read_targets"]

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,99}")
_PLACE = "{target}"


def check_name(name: str) -> str:
    """The name of a target or generator if it can be the name of a file, anywhere.

    Raises
    ------
    ValueError
        If not.
    """
    if not _NAME.fullmatch(name) or name.endswith("."):
        raise ValueError(f"{name!r} cannot name a file; use at most 100 of: letters, digits, '_', '-', '+' and '.'")
    return name


Name = Annotated[str, AfterValidator(check_name)]
Positive = Annotated[int, Field(ge=1, le=1_000_000_000)]


class _UnknownKeyError(ValueError):
    def __init__(self, key: str, known: Iterable[str]) -> None:
        super().__init__(f"unknown key {key!r}; known are: {', '.join(known)}")
        self.key = key


class _Strict(BaseModel):
    """Refuses keys that it does not know, and says which it does."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, value: Any) -> Any:
        value = cls._in_full(value)
        if not isinstance(value, Mapping):
            raise ValueError(f"expected {cls._shape()}")
        for key in value:
            if key not in cls.model_fields:
                raise _UnknownKeyError(key, cls.model_fields)
        return value

    @classmethod
    def _in_full(cls, value: Any) -> Any:
        """The mapping that a shorter way of writing stands for."""
        return value

    @classmethod
    def _shape(cls) -> str:
        return f"a mapping with some of the keys {', '.join(cls.model_fields)}"


class Source(_Strict):
    """Where frames come from.

    Attributes
    ----------
    trajectories
        A folder, a file, or several trajectory files (replicas).
    topology
        Structure file of the trajectories; None where they hold it or it lies beside them.
    replicas
        Whether several trajectories are kept apart, as independent runs should be, or strung together.
    stride, max_frames
        Every how many frames, and how many at most; None: as the settings say.
    time_step_ps
        Time between frames where the files do not tell it, ps.
    """

    trajectories: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    topology: str | None = None
    replicas: Literal["concatenate", "separate"] = "separate"
    stride: Positive | None = None
    max_frames: Positive | None = None
    time_step_ps: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = None

    @classmethod
    def _in_full(cls, value: Any) -> Any:
        if isinstance(value, (str, list, tuple)):
            value = {"trajectories": value}
        if isinstance(value, Mapping) and isinstance(value.get("trajectories"), str):
            value = {**value, "trajectories": [value["trajectories"]]}
        return value

    @classmethod
    def _shape(cls) -> str:
        return "a path, a list of trajectories, or " + super()._shape()

    def at(self, target: str, folder: Path) -> Source:
        """With the name of the target in its place, and paths relative to `folder` made whole."""

        def path(text: str) -> str:
            return str(folder / text.replace(_PLACE, target))

        return self.model_copy(
            update={
                "trajectories": tuple(path(text) for text in self.trajectories),
                "topology": None if self.topology is None else path(self.topology),
            }
        )

    @property
    def name(self) -> str:
        """What messages call it."""
        more = len(self.trajectories) - 1
        return self.trajectories[0] + (f" and {more} more" if more else "")

    @property
    def _is_pattern(self) -> bool:
        return any(_PLACE in text for text in self.trajectories)


class Settings(_Strict):
    """What holds for all targets: the protocol and the options of :func:`unfreeze.evaluate.comparison.compare`."""

    protocol: str = "unfreeze"
    n_bootstrap: Annotated[int, Field(ge=0, le=100_000)] = 100
    floor: bool = True
    baseline: bool = True
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    stride: Positive = 1
    max_frames: Positive | None = None


class _Target(_Strict):
    name: Name
    reference: Source | None = None
    ensembles: dict[Name, Source] = {}

    @classmethod
    def _in_full(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @classmethod
    def _shape(cls) -> str:
        return "a name (a number or a date: in quotes), or " + super()._shape()


class _File(Settings):
    reference: Source | None = None
    ensembles: dict[Name, Source] = {}
    targets: Annotated[tuple[_Target, ...], Field(strict=False)] = ()
    targets_file: str | None = None


@dataclass(frozen=True)
class Task:
    """One ensemble to score.

    Attributes
    ----------
    target, generator
        Names.
    ensemble, reference
        Where the frames come from.
    settings
        Protocol and options.
    """

    target: str
    generator: str
    ensemble: Source
    reference: Source
    settings: Settings


@dataclass(frozen=True)
class TargetSet:
    """All that is to be scored together.

    Attributes
    ----------
    settings
        Protocol and options.
    tasks
        Every ensemble, in the order of the file.
    """

    settings: Settings
    tasks: tuple[Task, ...]

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the targets, each once."""
        return tuple(dict.fromkeys(task.target for task in self.tasks))

    @property
    def generators(self) -> tuple[str, ...]:
        """Names of the generators, each once."""
        return tuple(dict.fromkeys(task.generator for task in self.tasks))


def read_targets(path: str | Path) -> TargetSet:
    """Read a targets file.

    Parameters
    ----------
    path
        YAML. Settings (`protocol`, `n_bootstrap`, `floor`, `baseline`, `seed`, `stride`, `max_frames`); `targets`, a
        list of names or of ``{name, reference, ensembles: {generator: source}}``, or `targets_file`, a file with one
        name a line; `reference` and `ensembles` with ``{target}`` in their paths, for targets that do not name their
        own. A source is a path, a list of trajectories, or ``{trajectories, topology, replicas, stride,
        max_frames, time_step_ps}``. Paths are relative to the file.

    Returns
    -------
    TargetSet
        What is to be scored.

    Raises
    ------
    InputError
        If the file cannot be read, has keys that are not known, or leaves open what to score.
    """
    path = Path(path)
    document = read_yaml(path)
    try:
        found = _File.model_validate(document.data)
    except ValidationError as error:
        raise InputError(_first_message(error, document)) from None
    targets = [*found.targets, *(_Target(name=name) for name in _listed(found.targets_file, path, document))]
    if not targets:
        raise InputError(f"{path}: no targets; list their names under 'targets', or name a 'targets_file'")
    _check_patterns(found, targets, document)
    settings = Settings(**{key: getattr(found, key) for key in Settings.model_fields})
    tasks: list[Task] = []
    seen: set[str] = set()
    for index, target in enumerate(targets):
        where = document.at("targets", index)
        if target.name in seen:
            raise InputError(f"{where}: the target {target.name!r} is there twice; give each name once")
        seen.add(target.name)
        reference = target.reference or found.reference
        ensembles = {**found.ensembles, **target.ensembles}
        if reference is None or not ensembles:
            lacks = "reference" if reference is None else "ensembles"
            raise InputError(
                f"{where}: the target {target.name!r} has no '{lacks}'; give it there, or for all targets at the top "
                f"of the file with {_PLACE} in the path"
            )
        known = reference.at(target.name, path.parent)
        tasks += [
            Task(target.name, generator, source.at(target.name, path.parent), known, settings)
            for generator, source in ensembles.items()
        ]
    return TargetSet(settings, tuple(tasks))


def _check_patterns(found: _File, targets: list[_Target], document: LinedDocument) -> None:
    """A path for all targets that names none of them would score every target against the same files."""
    if len(targets) == 1:
        return
    sources = {("reference",): found.reference, **{("ensembles", name): s for name, s in found.ensembles.items()}}
    for keys, source in sources.items():
        if source is not None and not source._is_pattern:
            raise InputError(
                f"{document.at(*keys)}: {source.name!r} serves for {len(targets)} targets and has no {_PLACE} in it; "
                f"write {_PLACE} where the name of the target belongs"
            )


def _listed(name: str | None, path: Path, document: LinedDocument) -> list[str]:
    if name is None:
        return []
    listed = path.parent / name
    names = []
    for number, line in enumerate(read_text(listed).splitlines(), start=1):
        if text := line.split("#")[0].strip():
            try:
                names.append(check_name(text))
            except ValueError as error:
                raise InputError(f"{listed}, line {number}: {error}") from None
    return names


def _first_message(error: ValidationError, document: LinedDocument) -> str:
    errors = error.errors()
    first = errors[0]
    cause = first.get("ctx", {}).get("error")
    location = [*first["loc"], *([cause.key] if isinstance(cause, _UnknownKeyError) else [])]
    text = first["msg"].removeprefix("Value error, ")
    if first["type"] == "string_type":
        text = f"expected text, found {first['input']!r}; put it in quotes"
    elif first["type"] not in ("value_error", "missing"):
        text = f"{text[:1].lower()}{text[1:]}, found {first['input']!r}"[:300]
    more = f" ({len(errors) - 1} more such errors)" if len(errors) > 1 else ""
    return f"{document.at(*location)}: {text}{more}"
