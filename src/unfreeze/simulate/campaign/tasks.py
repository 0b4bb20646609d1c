"""Tasks: single simulations, known by the hash of everything that decides their trajectory.

Length, names, paths and how often is committed decide nothing, so that a campaign may be made longer or larger and
keeps what it has; two systems of the same content are one task.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from unfreeze.errors import InputError
from unfreeze.simulate.campaign.inputs import Input, file_checksum
from unfreeze.simulate.campaign.settings import SystemSpec
from unfreeze.simulate.settings import SimulationSettings
from unfreeze.structure.prepare.settings import PreparationSettings

__all__ = ["FORMAT", "BuildOrder", "Task", "replica_seed", "short_hash", "tasks_of"]

FORMAT = 1
"""Raised when the same settings come to mean another trajectory."""


@dataclass(frozen=True)
class BuildOrder:
    """How a molecular system is made; replicas share one.

    Attributes
    ----------
    id
        Hash of all that decides it.
    kind, sequence
        See :class:`unfreeze.simulate.campaign.inputs.Input`.
    path
        The input, relative to the campaign's folder (absolute before there is one); empty for a sequence.
    preparation, simulation
        Settings; paths of force-field files are like `path`.
    seed
        Of what is random in building.
    """

    id: str
    kind: str
    path: str
    sequence: str
    preparation: PreparationSettings
    simulation: SimulationSettings
    seed: int


@dataclass(frozen=True)
class Task:
    """One simulation.

    Attributes
    ----------
    id
        Hash of all that decides the trajectory, 16 hexadecimal digits.
    name
        Of the system.
    replica
        Counted from 1.
    seed
        Of velocities, thermostat and barostat.
    length_ps
        How long it is to be.
    build
        The molecular system, and the settings of the simulation.
    """

    id: str
    name: str
    replica: int
    seed: int
    length_ps: float
    build: BuildOrder

    @property
    def label(self) -> str:
        """What people call it: ``barnase/2``."""
        return f"{self.name}/{self.replica}"

    @property
    def target_ps(self) -> float:
        """Its length in whole frames."""
        every_ps = self.build.simulation.save.every_ps
        return int(self.length_ps / every_ps + 1e-6) * every_ps

    def to_text(self) -> str:
        """JSON."""
        document = {**asdict(replace(self, build=None)), "build": _plain(self.build)}  # type: ignore[arg-type]
        return json.dumps(document, sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> Task:
        """The inverse of :meth:`to_text`."""
        document = json.loads(text)
        build = document.pop("build")
        build["preparation"] = PreparationSettings.model_validate(build["preparation"])
        build["simulation"] = SimulationSettings.model_validate(build["simulation"])
        return cls(**document, build=BuildOrder(**build))


def short_hash(document: Mapping[str, Any]) -> str:
    """First 16 hexadecimal digits of the SHA-256 of the canonical JSON of a document."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def replica_seed(seed: int, replica: int) -> int:
    """Seed of a replica, from 0 to 2³¹ − 1; campaigns with neighbouring seeds share none but by chance.

    Parameters
    ----------
    seed
        Of the campaign.
    replica
        Counted from 1.
    """
    digest = hashlib.sha256(f"{seed}/{replica}".encode()).digest()
    return int.from_bytes(digest[:4], "little") >> 1


def tasks_of(systems: Iterable[tuple[SystemSpec, Input]], *, seed: int, folder: Path) -> list[Task]:
    """The tasks of a campaign in its order, each once; of two lengths the longer.

    Parameters
    ----------
    systems
        What is asked for, and what each is made from.
    seed
        Of the campaign.
    folder
        What the paths of force-field files are relative to.

    Raises
    ------
    InputError
        If a force-field file cannot be read.
    """
    tasks: dict[str, Task] = {}
    sums: dict[str, str | None] = {}
    for spec, source in systems:
        build, identity = _build_order(spec, source, seed, folder, sums)
        simulation = build.simulation.model_dump(mode="json", exclude={"system": True, "save": {"commit_every_ps"}})
        for replica in range(1, spec.replicas + 1):
            own_seed = replica_seed(seed, replica)
            id = short_hash({"format": FORMAT, "system": identity, "simulation": simulation, "seed": own_seed})
            task = tasks.get(id) or Task(id, spec.name, replica, own_seed, spec.length_ps, build)
            tasks[id] = replace(task, length_ps=max(task.length_ps, spec.length_ps))
    return list(tasks.values())


def _build_order(
    spec: SystemSpec, source: Input, seed: int, folder: Path, sums: dict[str, str | None]
) -> tuple[BuildOrder, dict[str, Any]]:
    """How a system is made, and the facts that its identity is the hash of."""
    settings = spec.simulation
    # "auto" and the pressure that it stands for are the same simulation.
    held = settings.model_copy(
        update={"conditions": settings.conditions.model_copy(update={"pressure_bar": settings.pressure_bar})}
    )
    molecular = held.system.model_dump(mode="json")
    molecular["force_field_files"] = _contents(held.system.force_field_files, folder, sums, spec)
    identity: dict[str, Any] = {
        "format": FORMAT,
        "input": source.identity,
        "molecular": molecular,
        "pressure_bar": held.pressure_bar,
        "temperature_K": held.conditions.temperature_K,
        "seed": seed,
    }
    if source.kind != "prepared":
        preparation = spec.preparation.model_dump(mode="json")
        preparation["force_field_files"] = _contents(spec.preparation.force_field_files, folder, sums, spec)
        identity["preparation"] = preparation
    path = "" if source.path is None else str(source.path)
    order = BuildOrder(short_hash(identity), source.kind, path, source.sequence, spec.preparation, held, seed)
    return order, identity


def _contents(files: Iterable[str], folder: Path, sums: dict[str, str | None], spec: SystemSpec) -> list[str]:
    """Force-field files by content; those that OpenMM ships by name."""
    contents = []
    for name in files:
        if name not in sums:
            path = folder / Path(name).expanduser()
            sums[name] = file_checksum(path) if path.is_file() else None
            if sums[name] is None and not _is_shipped(name):
                raise InputError(
                    f"{spec.where}: {path}: no such force-field file, and OpenMM ships none of this name; give the "
                    "path of an OpenMM XML file"
                )
        contents.append(sums[name] or f"openmm:{name}")
    return contents


def _is_shipped(name: str) -> bool:
    from importlib.util import find_spec

    spec = find_spec("openmm")
    places = [] if spec is None else list(spec.submodule_search_locations or [])
    return any((Path(place) / "app" / "data" / name).is_file() for place in places)


def _plain(build: BuildOrder) -> dict[str, Any]:
    return {
        **{key: getattr(build, key) for key in ("id", "kind", "path", "sequence", "seed")},
        "preparation": build.preparation.model_dump(mode="json"),
        "simulation": build.simulation.model_dump(mode="json"),
    }
