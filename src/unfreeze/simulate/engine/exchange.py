"""`ExchangeDynamics`: replica exchange for the engine, segment by segment like a single simulation.

Until it is equilibrated there is one copy at the lowest temperature; then one at each. The lowest temperature is the
trajectory of the run, and what the others do is kept in columns of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import openmm
from numpy.typing import NDArray

from unfreeze.simulate.engine.commit import Column
from unfreeze.simulate.engine.dynamics import Dynamics, Frames
from unfreeze.simulate.engine.export import ladder_name
from unfreeze.simulate.engine.integrator import BlowUpError
from unfreeze.simulate.engine.run_store import RunStore
from unfreeze.simulate.engine.schedule import EXCHANGING, Segment
from unfreeze.simulate.ladder import BOLTZMANN_kJ_mol_K, acceptance_of
from unfreeze.simulate.quality.checks import SegmentChecker, SegmentData
from unfreeze.simulate.replica_exchange import TemperatureReplicaExchange
from unfreeze.simulate.settings import SimulationSettings
from unfreeze.simulate.system import MolecularSystem

__all__ = ["ExchangeDynamics", "exchange_summary"]

_PHASE = "replica exchange"


class ExchangeDynamics(Dynamics):
    """Replica exchange in memory.

    Columns besides those of every run, all by temperature in ascending order: ``ladder_coordinates`` float32
    [n_frames, n_states - 1, n_saved, 3] of all but the lowest, ``ladder_potential`` and ``ladder_kinetic`` float64
    [n_frames, n_states] in kJ/mol, and ``replica_of_state`` int32 [n_frames, n_states].

    Parameters
    ----------
    molecular
        The system and where it starts.
    settings
        The simulation, with a ladder.
    seed
        Of velocities, thermostat, barostat and exchanges.
    platform, threads, device
        Where to run.
    """

    def __init__(
        self,
        molecular: MolecularSystem,
        settings: SimulationSettings,
        *,
        seed: int,
        platform: openmm.Platform,
        threads: int = 1,
        device: int | None = None,
    ) -> None:
        super().__init__(molecular, settings, seed=seed, platform=platform, threads=threads, device=device)
        self._make_replicas = lambda: TemperatureReplicaExchange(
            molecular.system,
            molecular.topology,
            settings,
            seed=seed,
            platform=platform,
            threads=threads,
            device=device,
            frame=self._imaging.frame,
        )
        self._replicas: TemperatureReplicaExchange | None = None
        assert settings.replica_exchange is not None
        self._temperatures_K = settings.replica_exchange.temperatures_K
        n_states, n_saved = len(self._temperatures_K), self.saved_complex.n_atoms
        self.more_columns = {
            "ladder_coordinates": Column("<f4", (n_states - 1, n_saved, 3)),
            "ladder_potential": Column("<f8", (n_states,)),
            "ladder_kinetic": Column("<f8", (n_states,)),
            "replica_of_state": Column("<i4", (n_states,)),
        }
        reference = self.saved_complex.with_coordinates(self.start_frame())
        self._checkers = [
            SegmentChecker(reference, _at(settings, temperature_K), self.n_degrees_of_freedom)
            for temperature_K in self._temperatures_K[1:]
        ]

    def resume(self, number: int, segment: Segment, checkpoint: bytes | None, state: dict[str, NDArray[Any]]) -> str:
        """Start segment `number` from what the commit before it left."""
        if segment.stage not in EXCHANGING:
            self._replicas = None
            return super().resume(number, segment, checkpoint, state)
        if self._replicas is None:
            super().forget()  # its context goes before that of the replicas takes its memory
            self._replicas = self._make_replicas()
        elif self._position == number and not self.deterministic:
            return ""
        self._position = number
        if str(state["phase"]) == _PHASE:
            return self._replicas.restore(checkpoint, state)
        self._replicas.start(state["positions_nm"], box_nm=state.get("box_nm"))
        return ""

    def run(
        self,
        segment: Segment,
        *,
        number: int,
        time_ps: float,
        should_stop: Callable[[], bool],
        step_seconds: float,
    ) -> Frames:
        """Integrate a segment from where the replicas are."""
        if segment.stage not in EXCHANGING:
            return super().run(
                segment, number=number, time_ps=time_ps, should_stop=should_stop, step_seconds=step_seconds
            )
        replicas = self._replicas
        assert replicas is not None
        n_iterations = segment.n_steps // replicas.steps_per_iteration(segment.step_fs)
        sample_every = n_iterations // segment.n_frames if segment.n_frames else 0
        taken = replicas.advance(n_iterations, sample_every, step_fs=segment.step_fs, should_stop=should_stop)
        self._position = number + 1
        box_nm = replicas.box_nm
        volume_nm3 = np.nan if box_nm is None else float(np.linalg.det(box_nm))
        every_ps = self._settings.save.every_ps
        potential, kinetic = taken["potential"], taken["kinetic"]
        observables = [
            time_ps + every_ps * np.arange(1, segment.n_frames + 1),
            potential[:, 0],
            kinetic[:, 0],
            self._temperature_K(kinetic[:, 0]),
            np.full(segment.n_frames, volume_nm3),
        ]
        return Frames(
            np.ascontiguousarray(taken["coordinates"][:, 0]),
            None if box_nm is None else np.tile(box_nm, (segment.n_frames, 1, 1)),
            np.stack(observables, axis=1),
            None,
            more={
                "ladder_coordinates": np.ascontiguousarray(taken["coordinates"][:, 1:]),
                "ladder_potential": potential,
                "ladder_kinetic": kinetic,
                "replica_of_state": taken["replica_of_state"].astype("<i4"),
            },
        )

    def state(self, segment: Segment) -> tuple[bytes, dict[str, NDArray[Any]]]:
        """Checkpoint and portable state at the end of a segment."""
        if segment.stage not in EXCHANGING:
            return super().state(segment)
        assert self._replicas is not None
        checkpoint, arrays = self._replicas.state()
        if not np.isfinite(arrays["positions_nm"]).all():
            raise BlowUpError("coordinates are not finite")
        return checkpoint, {**arrays, "phase": np.array(_PHASE)}

    def faults(self, frames: Frames, first_frame: int) -> list[str]:
        """Faults of the simulation at the higher temperatures.

        What is merely doubtful is not one of them: heat opens interfaces and turns peptides.
        """
        if not frames.more:
            return []
        found: list[str] = []
        for row, checker in enumerate(self._checkers, start=1):
            kinetic = frames.more["ladder_kinetic"][:, row]
            volume = frames.observables[:, 4]
            quality = checker.check(
                SegmentData(
                    first_frame=first_frame,
                    time_ps=frames.observables[:, 0],
                    coordinates_nm=frames.more["ladder_coordinates"][:, row - 1],
                    box_nm=frames.box_nm,
                    potential_kJ_mol=frames.more["ladder_potential"][:, row],
                    kinetic_kJ_mol=kinetic,
                    temperature_K=self._temperature_K(kinetic),
                    volume_nm3=None if frames.box_nm is None else volume,
                    density_g_ml=None if frames.box_nm is None else self.mass_amu * 1.66053907e-3 / volume,
                )
            )
            if quality.verdict == "broken":
                found.append(f"at {self._temperatures_K[row]:g} K: {quality.reasons[0]}")
        return found

    def forget(self) -> None:
        """Drop the replicas: after a stop or a blow-up they are not where a commit is."""
        super().forget()
        self._replicas = None

    def _temperature_K(self, kinetic_kJ_mol: NDArray[np.float64]) -> NDArray[np.float64]:
        return 2 * kinetic_kJ_mol / (self.n_degrees_of_freedom * BOLTZMANN_kJ_mol_K)


def exchange_summary(store: RunStore) -> dict[str, Any]:
    """How well the replicas of a run exchange.

    Parameters
    ----------
    store
        The run.

    Returns
    -------
    dict
        ``temperatures_K`` [n_states]; ``acceptance`` [n_states - 1] of the frames, between neighbours;
        ``round_trips`` [n_replicas], between the ends of the ladder; ``trajectories``, file names by temperature.
    """
    temperatures_K = store.record["settings"]["replica_exchange"]["temperatures_K"]
    potential = np.asarray(store.read("ladder_potential"))
    crossings = (store.state() or {}).get("crossings")
    return {
        "temperatures_K": list(temperatures_K),
        "acceptance": acceptance_of(potential, temperatures_K).tolist() if len(potential) else [],
        "round_trips": [] if crossings is None else (crossings // 2).tolist(),
        "trajectories": ["trajectory.xtc", *(ladder_name(value) for value in temperatures_K[1:])],
    }


def _at(settings: SimulationSettings, temperature_K: float) -> SimulationSettings:
    """The same at another temperature; the ladder stays, so that checks know of it."""
    conditions = settings.conditions.model_copy(update={"temperature_K": temperature_K})
    return settings.model_copy(update={"conditions": conditions})
