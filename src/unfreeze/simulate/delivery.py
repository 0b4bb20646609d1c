"""From the runs of a campaign to a corpus: frames that passed the checks, with conditions, clock, forces and energies.

Runs are read where they are, and what a corpus has of them already is not read again: the same call after more was
simulated appends. Runs of one system are trajectories of one entry, whatever their conditions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.schema import Conditions, Source, TrajectoryRecord
from unfreeze.corpus.store import Corpus
from unfreeze.corpus.store.entry_writer import EntryWriter
from unfreeze.corpus.store.store import safe_identifier
from unfreeze.corpus.store.trajectory_writer import TrajectoryWriter
from unfreeze.errors import InputError
from unfreeze.simulate.engine.run_store import RunStore
from unfreeze.structure.complex import Complex
from unfreeze.structure.topology import read_topology

__all__ = ["Delivery", "deliver", "run_directories"]

DATASET = "own"
_FRAMES_AT_ONCE = 256


@dataclass
class Delivery:
    """What came of bringing runs into a corpus.

    Attributes
    ----------
    added
        Frames that are new, by ``entry/trajectory``.
    unchanged
        Trajectories that were there as they are.
    left_out
        Runs that were not brought, and why.
    n_quarantined
        Frames that did not pass the checks and stay out.
    """

    added: dict[str, int] = field(default_factory=dict)
    unchanged: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    n_quarantined: int = 0

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "added": self.added,
            "unchanged": self.unchanged,
            "left_out": self.left_out,
            "quarantined_frames": self.n_quarantined,
        }


def run_directories(folder: Path) -> list[Path]:
    """The runs of a campaign's folder, or the folder itself if it is a run.

    Raises
    ------
    InputError
        If it is neither.
    """
    if RunStore.exists(folder):
        return [folder]
    runs = sorted(path for path in (folder / "runs").glob("*") if RunStore.exists(path))
    if not runs:
        raise InputError(f"{folder}: neither the folder of a campaign with runs nor a run; give one of them.")
    return runs


def deliver(
    corpus: Corpus,
    folders: Iterable[Path],
    *,
    licence: str = "unknown",
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Delivery:
    """Bring the frames of runs into a corpus; what is there already is kept and gone on with.

    Parameters
    ----------
    corpus
        Where to.
    folders
        Folders of campaigns, or of single runs.
    licence
        Of the trajectories.
    on_progress
        Called with how many runs are done, of how many.

    Raises
    ------
    InputError
        If a folder holds no runs, or the corpus cannot be written to.
    """
    runs = [run for folder in folders for run in run_directories(Path(folder))]
    delivery = Delivery()
    for done, directory in enumerate(runs):
        on_progress(done, len(runs))
        try:
            store = RunStore.open(directory, read_only=True)
            if store.n_frames == 0:
                delivery.left_out[str(directory)] = "no frame of production is committed yet"
                continue
            _deliver_run(corpus, store, licence, delivery)
        except InputError:
            raise
        except Exception as error:
            from unfreeze.errors import UnfreezeError

            if not isinstance(error, UnfreezeError):
                raise
            delivery.left_out[str(directory)] = str(error)
    on_progress(len(runs), len(runs))
    return delivery


def _deliver_run(corpus: Corpus, store: RunStore, licence: str, delivery: Delivery) -> None:
    topology = read_topology(next(path for path in _topologies(store) if path.is_file()))
    complex, rows = topology.complex, topology.rows
    if topology.n_atoms_in_file != store.record["n_saved"]:
        delivery.left_out[str(store.directory)] = "its topology has other atoms than its frames"
        return
    passed = store.passed_frames()
    delivery.n_quarantined += int((~passed).sum())
    if not passed.any():
        delivery.left_out[str(store.directory)] = "no frame passed the checks"
        return
    notes = ["hydrogens and waters left out"] if len(rows) < topology.n_atoms_in_file else []
    with _entry(corpus, store.record["name"], complex, notes) as entry:
        for ladder, temperature_K in _temperatures(store):
            name = _trajectory_name(store, temperature_K, ladder)
            record = _record(store, name, temperature_K, ladder, licence)
            label = f"{entry.identifier}/{name}"
            before = entry.trajectory(name)
            n_there = 0 if before is None else before.n_frames
            if n_there == int(passed.sum()) and before is not None and before.is_complete:
                delivery.unchanged.append(label)
                continue
            if before is not None and before.is_complete:  # the run has grown
                entry.update_trajectory(name, is_complete=False)
            writer = entry.begin_trajectory(record)
            _append(writer, store, rows, passed, n_there, ladder)
            writer.finish(**_facts(store, record, passed, ladder))
            delivery.added[label] = int(passed.sum()) - n_there


def _topologies(store: RunStore) -> Iterable[Path]:
    yield store.directory / "topology.pdb"
    yield store.directory / "topology.cif"


def _entry(corpus: Corpus, name: str, complex: Complex, notes: list[str]) -> EntryWriter:
    """The entry of this system: the one of its name with the same atoms, or a new one."""
    system = name.rpartition("/")[0] or name  # a run of a campaign is called barnase/2, after its replica
    stem = safe_identifier(system)
    for identifier in corpus.identifiers:
        number = identifier.removeprefix(f"{stem[:94]}-")
        is_ours = identifier == stem or (number != identifier and number.isdecimal())
        if is_ours and _same_molecule(corpus.entry(identifier).complex, complex):
            return corpus.edit_entry(identifier)
    return corpus.new_entry(corpus.free_identifier(stem), complex, title=system, notes=notes)


def _same_molecule(one: Complex, other: Complex) -> bool:
    names = ("atom_name", "residue_index", "residue_name", "residue_number", "chain_index", "chain_name", "links")
    return one.n_atoms == other.n_atoms and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in names
    )


def _temperatures(store: RunStore) -> list[tuple[int | None, float]]:
    """Row in the ladder of replica exchange (None for the lowest, and without exchange) and temperature."""
    settings = store.record["settings"]
    lowest = float(settings["conditions"]["temperature_K"])
    if "ladder_coordinates" not in store.manifest.columns:
        return [(None, lowest)]
    ladder = [float(one) for one in settings["replica_exchange"]["temperatures_K"]]
    return [(None, ladder[0]), *enumerate(ladder[1:])]


def _trajectory_name(store: RunStore, temperature_K: float, ladder: int | None) -> str:
    stem = store.record["identity"][:12]
    return stem if ladder is None else f"{stem}-{temperature_K:.6g}K"


def _record(store: RunStore, name: str, temperature_K: float, ladder: int | None, licence: str) -> TrajectoryRecord:
    from unfreeze.corpus.conditions import force_field_name, solvent_name

    record, settings = store.record, store.record["settings"]
    system, solvent = settings["system"], settings["system"]["solvent"]
    kind = "explicit" if store.manifest.columns.get("box") is not None else "implicit"
    force_field = system["force_field"]
    if force_field == "custom" or system["force_field_files"]:
        sums = "".join(one["sha256"] for one in record["system"]["files"])
        force_field = f"{force_field}+{hashlib.sha256(sums.encode()).hexdigest()[:8]}"
    else:
        force_field = force_field_name(force_field) or force_field
    exchanged = settings["replica_exchange"] is not None
    method = f"OpenMM {record['openmm']}, Langevin, {settings['protocol']['time_step_fs']:g} fs, "
    method += f"hydrogens of {system['hydrogen_mass_amu']:g} amu"
    method += ", replica exchange in temperature (frames follow the temperature, not the molecule)" if exchanged else ""
    conditions = Conditions(
        kind="md",
        force_field=force_field,
        solvent=solvent_name(solvent),
        temperature_K=temperature_K,
        pressure_bar=record["pressure_bar"],
        ionic_strength_M=system["ionic_strength_M"] if kind == "explicit" else system["salt_M"] or None,
        method=method,
    )
    identifier = f"{record['name']}/{record['identity'][:12]}"
    source = Source(dataset=DATASET, identifier=identifier, licence=licence)
    return TrajectoryRecord(name=name, conditions=conditions, source=source)


def _append(
    writer: TrajectoryWriter,
    store: RunStore,
    rows: NDArray[np.int64],
    passed: NDArray[np.bool_],
    n_there: int,
    ladder: int | None,
) -> None:
    """Append the frames that passed from the `n_there`-th on; where frames did not pass, places stay empty."""
    chosen = np.flatnonzero(passed)
    everything = len(rows) == store.record["n_saved"]
    coordinates = store.read("coordinates" if ladder is None else "ladder_coordinates")
    observables = store.read("observables")
    box = store.read("box") if ladder is None and "box" in store.manifest.columns else None
    forces = store.read("forces") if ladder is None and "forces" in store.manifest.columns else None
    place = writer.record.shards[-1].first + writer.record.shards[-1].n_frames if writer.record.shards else 0
    place += int(chosen[0]) if not writer.record.shards else 0
    for run in np.split(chosen[n_there:], np.flatnonzero(np.diff(chosen[n_there:]) != 1) + 1):
        if len(run) == 0:
            continue
        writer.skip(int(run[0]) - place)
        place = int(run[-1]) + 1
        for start in range(0, len(run), _FRAMES_AT_ONCE):
            frames = slice(int(run[start]), int(run[min(start + _FRAMES_AT_ONCE, len(run)) - 1]) + 1)
            block = np.asarray(coordinates[frames] if ladder is None else coordinates[frames, ladder])
            writer.append(
                block if everything else block[:, rows],
                box_nm=None if box is None else box[frames].astype(np.float32),
                forces=None if forces is None else (forces[frames] if everything else forces[frames][:, rows]),
                energies=observables[frames, 1:2] if ladder is None else None,
            )


def _facts(store: RunStore, record: TrajectoryRecord, passed: NDArray[np.bool_], ladder: int | None) -> dict[str, Any]:
    exchanged = store.record["settings"]["replica_exchange"] is not None
    times = store.read("observables")[:, 0]
    sums = hashlib.sha256("".join(commit.sha256["coordinates"] for commit in store.commits).encode()).hexdigest()
    reasons = sorted({reason for commit in store.commits for reason in commit.quality.get("reasons", [])})
    return {
        "time_step_ps": None if exchanged else float(store.record["settings"]["save"]["every_ps"]),
        "start_ps": float(times[np.flatnonzero(passed)[0]]),
        "source": record.source.model_copy(update={"files": {"coordinates.f32": f"data:{sums}"}}),
        "quality": {
            "n_frames_of_run": len(passed),
            "n_quarantined": int((~passed).sum()),
            "reasons": reasons,
            "n_retries": sum(commit.n_retries for commit in store.commits),
            "seed": store.record["seed"],
            "record": store.record["system"]["files"],
            "energies": ["potential_kJ_mol"] if ladder is None else [],
        },
    }
