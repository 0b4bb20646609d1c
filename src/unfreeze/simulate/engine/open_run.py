"""Which run is in a folder: make it with its record, or open it if it is the same simulation, and refuse another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import openmm

import unfreeze
from unfreeze.errors import InputError
from unfreeze.simulate.engine.commit import Column, sha256
from unfreeze.simulate.engine.dynamics import OBSERVABLES, Dynamics
from unfreeze.simulate.engine.platforms import is_deterministic
from unfreeze.simulate.engine.run_store import RunStore
from unfreeze.simulate.engine.schedule import frames_per_commit
from unfreeze.simulate.settings import SimulationSettings
from unfreeze.simulate.system import MolecularSystem
from unfreeze.structure.write import write_topology

__all__ = ["identity_of", "open_or_create"]


def identity_of(molecular: MolecularSystem, settings: SimulationSettings, seed: int) -> str:
    """SHA-256 of all that decides a trajectory; not of its length, nor of how often it is committed."""
    facts = settings.model_dump(mode="json")
    facts["save"].pop("commit_every_ps")
    pieces = (
        openmm.XmlSerializer.serialize(molecular.system).encode(),
        np.ascontiguousarray(molecular.positions_nm, dtype="<f8").tobytes(),
        b"" if molecular.box_nm is None else np.ascontiguousarray(molecular.box_nm, dtype="<f8").tobytes(),
        json.dumps(facts, sort_keys=True).encode(),
        str(seed).encode(),
    )
    return sha256(pieces)


def open_or_create(
    directory: Path,
    molecular: MolecularSystem,
    settings: SimulationSettings,
    dynamics: Dynamics,
    *,
    seed: int,
    name: str,
    threads: int,
) -> RunStore:
    """Open the run in a folder, or make it; the caller holds its lock.

    Raises
    ------
    InputError
        If the folder holds another simulation.
    """
    identity = identity_of(molecular, settings, seed)
    platform = dynamics.platform_name
    if RunStore.exists(directory):
        store = RunStore.open(directory)
        if store.record.get("identity") != identity:
            raise InputError(
                f"{directory}: holds another simulation ({_difference(store.record, settings, seed)}); "
                "choose another folder, or ask for the same system, settings and seed to go on with this one"
            )
        here = {"platform": platform, "threads": threads, "openmm": openmm.__version__}
        was = {
            "platform": store.record["platform"],
            "threads": store.record["threads"],
            "openmm": store.record["openmm"],
        }
        if here != was:
            store.note("continuation", f"goes on with {here} after {was}: valid, not identical to the last bit")
        return store
    n_saved = dynamics.saved_complex.n_atoms
    columns = {"coordinates": Column("<f4", (n_saved, 3)), "observables": Column("<f8", (len(OBSERVABLES),))}
    if molecular.box_nm is not None:
        columns["box"] = Column("<f8", (3, 3))
    if settings.save.forces:
        columns["forces"] = Column("<f4", (n_saved, 3))
    columns |= dynamics.more_columns
    n_atoms = molecular.system.getNumParticles()
    record = {
        "name": name,
        "identity": identity,
        "seed": seed,
        "settings": settings.model_dump(mode="json"),
        "pressure_bar": settings.pressure_bar,
        "system": molecular.record,
        "n_atoms": n_atoms,
        "n_saved": n_saved,
        "observables": list(OBSERVABLES),
        "commit_frames": frames_per_commit(settings, n_atoms=n_atoms, n_saved=n_saved, platform=platform),
        "platform": platform,
        "threads": threads,
        "bitwise": is_deterministic(platform, threads),
        "openmm": openmm.__version__,
        "unfreeze": unfreeze.__version__,
    }
    directory.mkdir(parents=True, exist_ok=True)
    write_topology(directory, dynamics.saved_complex.with_coordinates(dynamics.start_frame()))
    return RunStore.create(directory, columns, record)


def _difference(record: dict[str, Any], settings: SimulationSettings, seed: int) -> str:
    """In what another simulation differs, for people."""
    if record.get("seed") != seed:
        return f"its seed is {record.get('seed')}, not {seed}"
    was, now = record.get("settings") or {}, settings.model_dump(mode="json")
    for part, values in now.items():
        before = was.get(part)
        if isinstance(values, dict) and isinstance(before, dict):
            for key, value in values.items():
                if before.get(key) != value and key != "commit_every_ps":
                    return f"its {part}.{key} is {before.get(key)}, not {value}"
        elif before != values:
            return f"its {part} is {before}, not {values}"
    return "of another molecular system"
