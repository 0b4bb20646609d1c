"""`run_simulation`: carry one simulation on from wherever it is to the length that is asked for.

Called again it resumes, or extends. Each segment is integrated, checked, and committed; a segment that blows up is
done again from the last commit with shorter steps, and after some attempts the run fails with a verdict that says why.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unfreeze.errors import UnfreezeError
from unfreeze.files.atomic import plain, write_json
from unfreeze.simulate.engine.commit import sha256
from unfreeze.simulate.engine.dynamics import OBSERVABLES, Dynamics, Frames
from unfreeze.simulate.engine.exchange import ExchangeDynamics, exchange_summary
from unfreeze.simulate.engine.export import export_trajectory
from unfreeze.simulate.engine.integrator import BlowUpError, Stopped
from unfreeze.simulate.engine.open_run import open_or_create
from unfreeze.simulate.engine.platforms import choose_platform
from unfreeze.simulate.engine.run_lock import lock_run
from unfreeze.simulate.engine.run_store import RunStore
from unfreeze.simulate.engine.schedule import (
    Segment,
    n_frames_of,
    next_segment,
    seconds_per_step,
)
from unfreeze.simulate.quality.checks import SegmentChecker
from unfreeze.simulate.quality.data import SegmentData, SegmentQuality
from unfreeze.simulate.settings import SimulationSettings
from unfreeze.simulate.system import MolecularSystem

__all__ = ["RunOutcome", "RunProgress", "run_simulation"]

_MOST_RETRIES = 4
"""A step of 4 fs is 0.25 fs at the last attempt; what then still blows up is no matter of the step."""


@dataclass(frozen=True)
class RunProgress:
    """Where a run is after a commit.

    Attributes
    ----------
    stage
        What was committed.
    time_ps, length_ps
        Production time, and that which is asked for.
    n_frames
        Committed frames.
    ns_per_day
        Speed of the last segment of production; None before.
    """

    stage: str
    time_ps: float
    length_ps: float
    n_frames: int
    ns_per_day: float | None


@dataclass(frozen=True)
class RunOutcome:
    """How a call of :func:`run_simulation` ended.

    Attributes
    ----------
    status
        ``finished``, ``stopped`` (when asked to) or ``failed``.
    reason
        Why it failed.
    n_frames, time_ps
        Committed frames and production time.
    n_suspect
        Frames that are kept but not to be used.
    """

    status: str
    reason: str
    n_frames: int
    time_ps: float
    n_suspect: int


def run_simulation(
    directory: str | Path,
    molecular: MolecularSystem,
    settings: SimulationSettings,
    *,
    seed: int,
    length_ps: float,
    platform: str = "CPU",
    threads: int = 1,
    device: int | None = None,
    name: str = "",
    should_stop: Callable[[], bool] = lambda: False,
    on_commit: Callable[[RunProgress], None] = lambda progress: None,
) -> RunOutcome:
    """Run, resume or extend a simulation.

    On Reference and on CPU with one thread a run that was killed and resumed is equal to the last bit to one that was
    not. Elsewhere it goes on validly, not identically.

    Parameters
    ----------
    directory
        The run directory; made when absent.
    molecular, settings, seed
        What decides the trajectory. The folder must not hold another.
    length_ps
        Length of production.
    platform
        ``CPU``, ``Reference``, ``CUDA``, ``OpenCL`` or ``auto``.
    threads
        Threads on the CPU.
    device
        Number of the GPU.
    name
        For people.
    should_stop
        Asked about twice a second; once true, the segment at hand is dropped and the call returns.
    on_commit
        Told after every commit.

    Returns
    -------
    RunOutcome
        ``trajectory.xtc`` is written when the run has finished; with replica exchange one more for every higher
        temperature, and ``replica_exchange.json``.

    Raises
    ------
    InputError
        If the folder belongs to another simulation or cannot be written to.
    unfreeze.simulate.engine.run_lock.BusyError
        If another process runs it.
    OSError
        If the disk is full; what was committed is safe.
    """
    directory = Path(directory)
    n_frames_of(length_ps, settings.save.every_ps)
    chosen = choose_platform(platform)
    kind = Dynamics if settings.replica_exchange is None else ExchangeDynamics
    dynamics = kind(molecular, settings, seed=seed, platform=chosen, threads=threads, device=device)
    with lock_run(directory):
        store = open_or_create(directory, molecular, settings, dynamics, seed=seed, name=name, threads=threads)
        run = _Run(store, molecular, settings, dynamics, length_ps, should_stop, on_commit)
        outcome = run.to_the_end()
        if outcome.status == "finished":
            export_trajectory(store)
            if settings.replica_exchange is not None:
                write_json(directory / "replica_exchange.json", exchange_summary(store))
    return outcome


class _Run:
    """One call: the loop over segments."""

    def __init__(
        self,
        store: RunStore,
        molecular: MolecularSystem,
        settings: SimulationSettings,
        dynamics: Dynamics,
        length_ps: float,
        should_stop: Callable[[], bool],
        on_commit: Callable[[RunProgress], None],
    ) -> None:
        self.store, self.settings, self.dynamics = store, settings, dynamics
        self.length_ps, self.should_stop, self.on_commit = length_ps, should_stop, on_commit
        self.commit_frames = int(store.record["commit_frames"])
        n_atoms, platform = molecular.system.getNumParticles(), str(store.record["platform"])
        self.step_seconds = seconds_per_step(n_atoms, explicit=settings.system.explicit, platform=platform)
        self.checker = SegmentChecker(
            dynamics.saved_complex.with_coordinates(dynamics.start_frame()),
            settings,
            n_degrees_of_freedom=dynamics.n_degrees_of_freedom,
            explicit=settings.system.explicit,
        )

    def to_the_end(self) -> RunOutcome:
        while True:
            if self.should_stop():
                return self._outcome("stopped")
            segment = next_segment(
                self.settings, self.store.commits, commit_frames=self.commit_frames, length_ps=self.length_ps
            )
            if segment is None:
                return self._outcome("finished")
            self._make_ready(segment)
            try:
                reason = self._attempt(segment)
            except Stopped:
                self.dynamics.forget()
                return self._outcome("stopped")
            if reason:
                return self._outcome("failed", reason)

    def _make_ready(self, segment: Segment) -> None:
        """Take back commits from which the run cannot go on, as far as that is possible."""
        while self.store.commits:
            checkpoint, state = self.store.checkpoint(), self.store.state()
            if state is not None and (checkpoint is not None or not self.dynamics.deterministic):
                return
            names = ", ".join(self.store.commits[-1].files)
            if len(self.store.commits) > 1 and self._predecessor_is_whole():
                self.store.roll_back(f"{names} was lost or damaged; this segment is done again")
                continue
            if state is not None:
                return  # goes on from coordinates; Dynamics says so
            raise UnfreezeError(
                f"{self.store.directory}: {names} and what was kept of the commit before are lost or damaged, so the "
                "run cannot go on. Its frames are whole: copy the folder away, and start the run anew in another."
            )

    def _predecessor_is_whole(self) -> bool:
        files = self.store.commits[-2].files
        try:
            return all(sha256((self.store.directory / name).read_bytes()) == sum_ for name, sum_ in files.items())
        except OSError:
            return False

    def _attempt(self, segment: Segment) -> str:
        """Integrate, check and commit a segment; the reason if it cannot be done."""
        reasons: list[str] = []
        # After a roll back another segment may be next than the one that was asked for.
        again = next_segment(
            self.settings, self.store.commits, commit_frames=self.commit_frames, length_ps=self.length_ps
        )
        segment = again or segment
        for attempt in range(_MOST_RETRIES + 1):
            tried = segment.shortened(attempt)
            began = time.perf_counter()
            frames: Frames | None = None
            try:
                self._place(tried)
                frames = self._integrate(tried)
                checkpoint, state = self.dynamics.state(tried)
                quality = self._check(frames)
            except BlowUpError as error:
                quality = SegmentQuality("broken", [str(error)], {})
                checkpoint, state = b"", {}
            if quality.verdict != "broken":
                self._commit(tried, frames, checkpoint, state, quality, attempt, time.perf_counter() - began)
                return ""
            reasons.append(f"{tried.step_fs:g} fs: {'; '.join(quality.reasons)}")
            self.store.quarantine(
                f"commit-{len(self.store.commits)}-attempt-{attempt}",
                "; ".join(quality.reasons),
                {} if frames is None else self._columns(frames),
            )
            self.dynamics.forget()
        where = f"{segment.stage}, after {self._time_ps():g} ps of production"
        return f"{where}: blew up {len(reasons)} times ({'; then with steps of '.join(reasons)})"

    def _place(self, segment: Segment) -> None:
        number = len(self.store.commits)
        if number == 0:
            self.dynamics.begin(segment)
            return
        state = self.store.state()
        assert state is not None
        if "checker" in state:
            self.checker.restore(json.loads(str(state["checker"])))
        why = self.dynamics.resume(number, segment, self.store.checkpoint(), state)
        if why:
            self.store.note("continuation", f"commit {number}: {why}")

    def _integrate(self, segment: Segment) -> Frames:
        return self.dynamics.run(
            segment,
            number=len(self.store.commits),
            time_ps=self._time_ps(),
            should_stop=self.should_stop,
            step_seconds=self.step_seconds,
        )

    def _check(self, frames: Frames) -> SegmentQuality:
        if len(frames.coordinates_nm) == 0:
            return SegmentQuality("pass", [], {})
        observables = dict(zip(OBSERVABLES, frames.observables.T, strict=True))
        volume = None if frames.box_nm is None else observables["volume_nm3"]
        quality = self.checker.check(
            SegmentData(
                first_frame=self.store.n_frames,
                time_ps=observables["time_ps"],
                coordinates_nm=frames.coordinates_nm,
                box_nm=frames.box_nm,
                potential_kJ_mol=observables["potential_kJ_mol"],
                kinetic_kJ_mol=observables["kinetic_kJ_mol"],
                temperature_K=observables["temperature_K"],
                volume_nm3=volume,
                density_g_ml=None if volume is None else self.dynamics.mass_amu * 1.66053907e-3 / volume,
            )
        )
        if faults := self.dynamics.faults(frames, self.store.n_frames):
            return SegmentQuality("broken", [*faults, *quality.reasons], quality.measures)
        return quality

    def _commit(
        self,
        segment: Segment,
        frames: Frames | None,
        checkpoint: bytes,
        state: dict[str, Any],
        quality: SegmentQuality,
        n_retries: int,
        wall_s: float,
    ) -> None:
        assert frames is not None
        time_ps = self._time_ps() + segment.n_frames * self.settings.save.every_ps
        state["checker"] = np.array(json.dumps(plain(self.checker.state())))
        self.store.commit(
            self._columns(frames) if segment.n_frames else {},
            checkpoint=checkpoint,
            state=state,
            stage=segment.stage,
            time_ps=time_ps,
            n_steps=segment.n_steps,
            step_fs=segment.step_fs,
            quality={"verdict": quality.verdict, "reasons": list(quality.reasons), "measures": dict(quality.measures)},
            n_retries=n_retries,
            wall_s=round(wall_s, 3),
        )
        speed = segment.n_frames * self.settings.save.every_ps / 1000 * 86400 / wall_s if segment.n_frames else None
        self.on_commit(RunProgress(segment.stage, time_ps, self.length_ps, self.store.n_frames, speed))

    def _columns(self, frames: Frames) -> dict[str, Any]:
        columns: dict[str, Any] = {"coordinates": frames.coordinates_nm, "observables": frames.observables}
        if frames.box_nm is not None:
            columns["box"] = frames.box_nm
        if frames.forces_kJ_mol_nm is not None:
            columns["forces"] = frames.forces_kJ_mol_nm
        return columns | frames.more

    def _time_ps(self) -> float:
        return self.store.commits[-1].time_ps if self.store.commits else 0.0

    def _outcome(self, status: str, reason: str = "") -> RunOutcome:
        passed = self.store.passed_frames()
        return RunOutcome(status, reason, len(passed), self._time_ps(), int((~passed).sum()))
