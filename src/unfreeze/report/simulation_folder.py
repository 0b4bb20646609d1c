"""What the page of a simulation is made from: the runs of a campaign folder, or one run directory, as they are now.

A run that is still going on is read up to its last commit, a task without a run stands in the list with its reason.
Damage to one run is told in its row and hides no other. Nothing is written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError, UnfreezeError
from unfreeze.simulate.engine.run_store import RunStore
from unfreeze.structure.complex import Complex
from unfreeze.structure.read import read_complex

__all__ = ["FrameSample", "Run", "SimulationFolder", "load_simulation"]

_MOST_FRAMES = 500
_MOST_BYTES = 64e6
_MOST_NOTES = 40


@dataclass(frozen=True, eq=False)
class FrameSample:
    """Evenly spaced frames of a run.

    Attributes
    ----------
    rows : int64 [n]
        Their numbers in the run.
    coordinates_nm : float32 [n, n_saved, 3]
        Saved atoms.
    passed : bool [n]
        Whether they passed the checks.
    """

    rows: NDArray[np.int64]
    coordinates_nm: NDArray[np.float32]
    passed: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Run:
    """One simulation, as far as it is.

    Attributes
    ----------
    label
        What people call it: ``barnase/2``, or the name of its folder.
    state
        That of the ledger, or what the run itself shows.
    reason
        Why it failed, is quarantined or cannot be read.
    target_ps
        Length that was asked for; None when not known.
    place
        Its folder, relative to that of the page.
    store
        Its frames; None before it has begun, or when damaged.
    """

    label: str
    state: str
    reason: str
    target_ps: float | None
    place: str
    store: RunStore | None

    @property
    def system(self) -> str:
        """Name without the number of the replica."""
        name, _, number = self.label.rpartition("/")
        return name if name and number.isdigit() else self.label

    @property
    def time_ps(self) -> float:
        """Committed production."""
        return self.store.commits[-1].time_ps if self.store and self.store.commits else 0.0

    @property
    def n_frames(self) -> int:
        """Committed frames."""
        return self.store.n_frames if self.store else 0

    @cached_property
    def passed(self) -> NDArray[np.bool_]:
        """Which frames passed the checks."""
        return self.store.passed_frames() if self.store else np.zeros(0, dtype=bool)

    @cached_property
    def molecule(self) -> Complex | None:
        """The saved atoms at the start; None if there are none that fit the frames."""
        if self.store is None:
            return None
        for name in ("topology.cif", "topology.pdb"):
            path = self.store.directory / name
            if path.is_file():
                with suppress(UnfreezeError):
                    found = read_complex(path, keep_hydrogens=True, keep_waters=True)
                    if found.n_atoms == self.store.manifest.columns["coordinates"].shape[0]:
                        return found
        return None

    @cached_property
    def observables(self) -> dict[str, NDArray[np.float64]]:
        """Time, energies, temperature and volume of every frame, by name; empty if they cannot be read."""
        if self.store is None:
            return {}
        names = [str(name) for name in self.store.record.get("observables") or _OBSERVABLES]
        with suppress(UnfreezeError, KeyError, ValueError):
            return dict(zip(names, np.array(self.store.read("observables")).T, strict=True))
        return {}

    def sample(self, most: int = _MOST_FRAMES) -> FrameSample | None:
        """Evenly spaced frames, at most so many; None if there are none that can be read."""
        if self.store is None or not self.n_frames:
            return None
        with suppress(UnfreezeError, KeyError, OSError):
            frames = self.store.read("coordinates")
            most = min(most, max(2, int(_MOST_BYTES / max(1, 12 * frames.shape[1]))))
            rows = np.unique(np.linspace(0, len(frames) - 1, min(most, len(frames))).round().astype(np.int64))
            chosen = np.asarray(frames[rows])
            finite = np.isfinite(chosen).all(axis=(1, 2))
            return FrameSample(rows[finite], chosen[finite], self.passed[rows[finite]])
        return None

    def quarantined(self) -> list[str]:
        """Reasons of what lies in the run's ``quarantine/``, the first of them."""
        if self.store is None:
            return []
        found = []
        for path in sorted((self.store.directory / "quarantine").glob("*.json"))[:_MOST_NOTES]:
            with suppress(OSError, ValueError, AttributeError):
                found.append(f"{path.stem}: {json.loads(path.read_text(encoding='utf-8')).get('reason', '')}")
        return found


_OBSERVABLES = ("time_ps", "potential_kJ_mol", "kinetic_kJ_mol", "temperature_K", "volume_nm3")


@dataclass(frozen=True, eq=False)
class SimulationFolder:
    """All runs of a folder.

    Attributes
    ----------
    root
        The folder.
    title
        What the page is about.
    is_campaign
        Whether it is a campaign; else a single run.
    runs
        In the order of the campaign.
    notes
        What could not be read, for people.
    """

    root: Path
    title: str
    is_campaign: bool
    runs: list[Run]
    notes: list[str] = field(default_factory=list)

    def groups(self) -> list[list[Run]]:
        """Runs of the same molecule under the same settings: replicas."""
        found: dict[str, list[Run]] = {}
        for run in self.runs:
            if run.store is not None:
                found.setdefault(_kind(run), []).append(run)
        return list(found.values())


def load_simulation(directory: str | Path) -> SimulationFolder:
    """Read a campaign folder or a run directory.

    Raises
    ------
    InputError
        If it is neither.
    """
    root = Path(directory)
    if RunStore.exists(root):
        run = _run(root, "", "", "", None, ".")
        name = root.resolve().name if run.label == "." else run.label
        return SimulationFolder(root, name, False, [run])
    if not (root / "campaign.yaml").is_file() and not (root / "runs").is_dir():
        raise InputError(
            f"{root}: no simulation is here (no campaign.yaml, no runs and no manifest.json); give the folder of "
            "`unfreeze simulate run`, or one of its runs"
        )
    notes: list[str] = []
    runs = []
    listed = set()
    for task in _tasks(root, notes):
        listed.add(task.id)
        place = f"runs/{task.id}"
        runs.append(_run(root / place, task.label, task.state, task.reason, task.target_ps, place))
    for path in sorted((root / "runs").glob("*")):
        if path.name not in listed and RunStore.exists(path):
            runs.append(_run(path, "", "", "", None, f"runs/{path.name}"))
    return SimulationFolder(root, root.resolve().name, True, runs, notes)


def _tasks(root: Path, notes: list[str]) -> list[Any]:
    """Tasks of the ledger; none, and a note, if it cannot be read."""
    from unfreeze.simulate.campaign.ledger import Ledger

    path = root / "ledger.sqlite"
    if not path.is_file():
        return []
    try:
        return Ledger(path, read_only=True).tasks()
    except (UnfreezeError, OSError, ValueError) as error:
        notes.append(f"The ledger cannot be read ({error}); runs are listed as they are found.")
        return []


def _run(path: Path, label: str, state: str, reason: str, target_ps: float | None, place: str) -> Run:
    store = None
    if RunStore.exists(path):
        try:
            store = RunStore.open(path, read_only=True)
        except UnfreezeError as error:
            reason = f"{reason}; {error}" if reason else str(error)
    if not label:
        label = str((store.record.get("name") if store else "") or place)
    if not state:
        state = "damaged" if store is None else store.commits[-1].stage if store.commits else "begun"
    return Run(label, state, reason, target_ps, place, store)


def _kind(run: Run) -> str:
    """The same for replicas and for nothing else."""
    assert run.store is not None
    record: Mapping[str, Any] = run.store.record
    settings = json.dumps(record.get("settings"), sort_keys=True, default=str)
    return json.dumps([run.system, settings, record.get("n_atoms"), record.get("n_saved")], default=str)
