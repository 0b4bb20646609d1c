"""Temperature replica exchange: OpenMM's sampler made repeatable, so that it can be stopped and go on bit for bit.

Replicas take turns in one context. What OpenMM draws from Python's global generator is drawn here from one of our own,
and all that decides what comes next can be saved as plain arrays. Nothing here writes files.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import app

from unfreeze.errors import InputError
from unfreeze.simulate.engine.integrator import BlowUpError, degrees_of_freedom, make_integrator
from unfreeze.simulate.engine.platforms import is_deterministic, limit_threads, platform_properties
from unfreeze.simulate.exchange_sampler import SeededExchangeSampler, plain
from unfreeze.simulate.settings import SimulationSettings

__all__ = ["TemperatureReplicaExchange"]


class TemperatureReplicaExchange:
    """Replicas of one system at a ladder of temperatures, at constant volume.

    A *state* is a temperature, a *replica* a trajectory that wanders through them. Configurations by state sample the
    canonical ensemble of that temperature (Sugita and Okamoto 1999, doi:10.1016/S0009-2614(99)01123-9). After every
    iteration n² pairs drawn at random are offered an exchange, which mixes faster than neighbours alone (Chodera and
    Shirts 2011, doi:10.1063/1.3660669); velocities at whole steps are scaled with the root of the temperature.

    Parameters
    ----------
    system, topology
        The molecule, without barostat.
    settings
        Ladder, interval of exchanges, time step and friction.
    seed
        Of velocities, thermostat and exchanges.
    platform
        Where to run.
    threads, device
        Of the CPU; of the GPU.
    frame
        What of a configuration is kept: positions [n_atoms, 3] and box vectors [3, 3] or None to a float32 array;
        by default all positions as they are.

    Attributes
    ----------
    temperatures_K : float64 [n_states]
        The ladder.
    deterministic
        Whether saving, a new process and restoring change nothing, to the last bit.

    Raises
    ------
    InputError
        If the settings have no ladder, or the interval is not a whole number of steps.
    """

    def __init__(
        self,
        system: openmm.System,
        topology: app.Topology,
        settings: SimulationSettings,
        *,
        seed: int,
        platform: openmm.Platform,
        threads: int = 1,
        device: int | None = None,
        frame: Callable[[NDArray[np.float64], NDArray[np.float64] | None], NDArray[np.float32]] | None = None,
    ) -> None:
        if settings.replica_exchange is None:
            raise InputError("the settings have no replica_exchange; give it temperatures_K")
        self._exchange = settings.replica_exchange
        self._default_step_fs = settings.protocol.time_step_fs
        self.steps_per_iteration(self._default_step_fs)
        self.temperatures_K = np.array(self._exchange.temperatures_K)
        self.deterministic = is_deterministic(platform.getName(), threads)
        self.n_degrees_of_freedom = degrees_of_freedom(system)
        self._seed = seed
        self._periodic = system.usesPeriodicBoundaryConditions()
        self._frame = frame or (lambda positions, _box: positions.astype("<f4"))
        limit_threads(platform.getName(), threads)
        self._integrator = make_integrator(settings, seed=self._seed_for("thermostat", 0))
        self._simulation = app.Simulation(
            topology,
            system,
            self._integrator,
            platform,
            platform_properties(platform.getName(), threads=threads, device=device),
        )
        self._sampler: SeededExchangeSampler | None = None

    @property
    def n_states(self) -> int:
        """Temperatures, and as many replicas."""
        return len(self.temperatures_K)

    @property
    def box_nm(self) -> NDArray[np.float64] | None:
        """Box vectors in rows, the same for all replicas: [3, 3]; None without a box."""
        state = self._started().replicaConformation[0]
        return np.array(plain(state.getPeriodicBoxVectors(asNumpy=True))) if self._periodic else None

    @property
    def iteration(self) -> int:
        """Iterations done since :meth:`start`."""
        return self._started().currentIteration

    @property
    def state_of_replica(self) -> NDArray[np.int64]:
        """Row in the ladder of every replica, after the last exchange: [n_replicas]."""
        return np.array(self._started().replicaStateIndex, dtype=np.int64)

    @property
    def acceptance(self) -> NDArray[np.float64]:
        """Share of exchanges between neighbouring temperatures that are accepted: [n_states - 1].

        It is the Metropolis probability of their exchange, meant over all iterations; NaN before the first.
        """
        sampler = self._started()
        return sampler.probability_sum / (sampler.currentIteration or math.nan)

    @property
    def round_trips(self) -> NDArray[np.int64]:
        """How often each replica went from one end of the ladder to the other and back: [n_replicas]."""
        return self._started().crossings // 2

    def steps_per_iteration(self, step_fs: float) -> int:
        """Integration steps between exchanges.

        Raises
        ------
        InputError
            If that is not a whole number.
        """
        n_steps = 1000 * self._exchange.exchange_every_ps / step_fs
        if abs(n_steps - round(n_steps)) > 1e-6 or n_steps < 0.5:
            raise InputError(
                f"replica_exchange.exchange_every_ps is {self._exchange.exchange_every_ps:g} ps, which is not a whole "
                f"number of steps of {step_fs:g} fs"
            )
        return round(n_steps)

    def start(
        self,
        positions_nm: NDArray[np.float64],
        velocities_nm_ps: NDArray[np.float64] | None = None,
        box_nm: NDArray[np.float64] | None = None,
    ) -> None:
        """Put the replicas at their first positions, replica i at temperature i.

        Parameters
        ----------
        positions_nm : [n_atoms, 3] or [n_replicas, n_atoms, 3]
            The same for all, or one set each.
        velocities_nm_ps : [n_replicas, n_atoms, 3] or None
            Velocities; None to draw them at each temperature.
        box_nm : [3, 3] or None
            Box vectors in rows, with explicit solvent.
        """
        context = self._simulation.context
        context.reinitialize()
        n_atoms = context.getSystem().getNumParticles()
        positions = np.broadcast_to(np.asarray(positions_nm, dtype=np.float64), (self.n_states, n_atoms, 3))
        if box_nm is not None:
            context.setPeriodicBoxVectors(*np.asarray(box_nm))
        states: list[openmm.State] = []
        for replica, temperature_K in enumerate(self.temperatures_K):
            context.setPositions(positions[replica])
            if velocities_nm_ps is None:
                context.setVelocitiesToTemperature(temperature_K, self._seed_for("velocities", replica))
            else:
                context.setVelocities(velocities_nm_ps[replica])
            states.append(_state_of(context))
        self._sampler = self._new_sampler()
        self._sampler.replicaConformation = states

    def advance(
        self,
        n_iterations: int,
        sample_every: int = 1,
        *,
        step_fs: float | None = None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> dict[str, NDArray[Any]]:
        """Integrate every replica to the next exchange and exchange, so many times.

        On platforms that can be repeated exactly every call starts from a context that no step has touched, so that
        it makes no difference whether the process in between was the same.

        Parameters
        ----------
        n_iterations
            How many times.
        sample_every
            A frame is taken every so many iterations of this call, before the exchange; 0 for none.
        step_fs
            A shorter step than that of the settings.
        should_stop
            Asked every thousand steps or oftener.

        Returns
        -------
        dict of str to array
            By state: ``coordinates`` float32 [n_frames, n_states, n_saved, 3] in nm, ``potential`` and ``kinetic``
            float64 [n_frames, n_states] in kJ/mol, and ``replica_of_state`` int64 [n_frames, n_states].

        Raises
        ------
        BlowUpError
            If a replica leaves what is physical.
        Stopped
            If it was asked to stop; restore before going on.
        """
        if self.deterministic:
            self.restore(*self.state())
        sampler = self._started()
        step_fs = step_fs or self._default_step_fs
        self._integrator.setStepSize(step_fs / 1000)
        sampler.stepsPerIteration = self.steps_per_iteration(step_fs)
        taken: list[dict[str, NDArray[Any]]] = []
        before = sampler.currentIteration

        def take(_: Any) -> None:
            if sample_every and (sampler.currentIteration - before) % sample_every == 0:
                taken.append(self._take(sampler))

        sampler.reporters = [take]
        sampler.should_stop = should_stop
        try:
            sampler.simulate(n_iterations)
        except openmm.OpenMMException as error:
            raise BlowUpError(f"{sampler.temperature_text(sampler.running)}: {str(error).splitlines()[0]}") from None
        return self._gather(taken)

    def state(self) -> tuple[bytes, dict[str, NDArray[Any]]]:
        """All that decides what comes next.

        Returns
        -------
        checkpoint : bytes
            Of the context, for its random numbers; without it the continuation is valid but not the same.
        arrays : dict of str to array
            Positions, velocities and clocks by replica, states of the replicas, generator and statistics.
        """
        sampler = self._started()
        conformations = sampler.replicaConformation
        generator = json.dumps(sampler.generator.bit_generator.state).encode()
        arrays: dict[str, NDArray[Any]] = {
            "temperatures_K": self.temperatures_K,
            "positions_nm": np.stack([plain(state.getPositions(asNumpy=True)) for state in conformations]),
            "velocities_nm_ps": np.stack([plain(state.getVelocities(asNumpy=True)) for state in conformations]),
            "clock_ps": np.array([plain(state.getTime()) for state in conformations]),
            "clock_steps": np.array([state.getStepCount() for state in conformations], dtype=np.int64),
            "state_of_replica": np.array(sampler.replicaStateIndex, dtype=np.int64),
            "previous_state_of_replica": np.array(sampler._previousReplicaStateIndex, dtype=np.int64),
            "iteration": np.array(sampler.currentIteration, dtype=np.int64),
            "generator": np.frombuffer(generator, dtype=np.uint8),
            "probability_sum": sampler.probability_sum.copy(),
            "crossings": sampler.crossings.copy(),
            "last_end": sampler.last_end.copy(),
        }
        if (box_nm := self.box_nm) is not None:
            arrays["box_nm"] = box_nm
        return self._simulation.context.createCheckpoint(), arrays

    def restore(self, checkpoint: bytes | None, arrays: dict[str, NDArray[Any]]) -> str:
        """Go on from what :meth:`state` gave, here or elsewhere.

        Parameters
        ----------
        checkpoint
            Of the context, or None.
        arrays
            The rest.

        Returns
        -------
        str
            Why the continuation is not the same to the last bit, or empty.

        Raises
        ------
        InputError
            If the arrays are of another ladder or another molecule.
        """
        context = self._simulation.context
        shape = (self.n_states, context.getSystem().getNumParticles(), 3)
        found = np.asarray(arrays["temperatures_K"])
        if not np.array_equal(found, self.temperatures_K) or arrays["positions_nm"].shape != shape:
            raise InputError(
                f"the saved replicas are {arrays['positions_nm'].shape[1]} atoms at {len(found)} temperatures, "
                f"{found[0]:g} to {found[-1]:g} K; expected {shape[1]} atoms at {self.n_states} temperatures, "
                f"{self.temperatures_K[0]:g} to {self.temperatures_K[-1]:g} K"
            )
        iteration = int(arrays["iteration"])
        self._integrator.setRandomNumberSeed(self._seed_for("thermostat", iteration))
        context.reinitialize()
        if self._periodic:
            context.setPeriodicBoxVectors(*arrays["box_nm"])
        states: list[openmm.State] = []
        for replica in range(self.n_states):
            context.setPositions(arrays["positions_nm"][replica])
            context.setVelocities(arrays["velocities_nm_ps"][replica])
            context.setTime(float(arrays["clock_ps"][replica]))
            context.setStepCount(int(arrays["clock_steps"][replica]))
            states.append(_state_of(context))
        sampler = self._new_sampler()
        sampler.replicaConformation = states
        sampler.replicaStateIndex = arrays["state_of_replica"].tolist()
        sampler._previousReplicaStateIndex = arrays["previous_state_of_replica"].tolist()
        sampler.currentIteration = iteration
        sampler.generator.bit_generator.state = json.loads(arrays["generator"].tobytes())
        sampler.probability_sum = np.array(arrays["probability_sum"])
        sampler.crossings = np.array(arrays["crossings"])
        sampler.last_end = np.array(arrays["last_end"])
        self._sampler = sampler
        if checkpoint is None:
            return "the checkpoint was lost; random forces are drawn anew"
        try:
            context.loadCheckpoint(checkpoint)
        except openmm.OpenMMException as error:
            return f"the checkpoint does not fit here ({str(error).splitlines()[0]}); random forces are drawn anew"
        return ""

    def _started(self) -> SeededExchangeSampler:
        if self._sampler is None:
            raise RuntimeError("start or restore the replicas first")
        return self._sampler

    def _new_sampler(self) -> SeededExchangeSampler:
        generator = np.random.Generator(np.random.PCG64(self._seed_for("exchange", 0)))
        n_steps = self.steps_per_iteration(self._default_step_fs)
        return SeededExchangeSampler(self.temperatures_K, self._simulation, n_steps, generator)

    def _take(self, sampler: SeededExchangeSampler) -> dict[str, NDArray[Any]]:
        replica_of_state = np.argsort(sampler.replicaStateIndex)
        states = [sampler.replicaConformation[replica] for replica in replica_of_state]
        box_nm = self.box_nm
        return {
            "coordinates": np.stack([self._frame(plain(state.getPositions(asNumpy=True)), box_nm) for state in states]),
            "potential": sampler.potentials()[replica_of_state],
            "kinetic": sampler.kinetic()[replica_of_state],
            "replica_of_state": replica_of_state.astype(np.int64),
        }

    def _gather(self, taken: list[dict[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
        if taken:
            return {name: np.stack([frame[name] for frame in taken]) for name in taken[0]}
        state = self._started().replicaConformation[0]
        one = self._frame(plain(state.getPositions(asNumpy=True)), self.box_nm)
        rows = (0, self.n_states)
        return {
            "coordinates": np.empty((*rows, *one.shape), dtype=one.dtype),
            "potential": np.empty(rows),
            "kinetic": np.empty(rows),
            "replica_of_state": np.empty(rows, dtype=np.int64),
        }

    def _seed_for(self, purpose: str, number: int) -> int:
        """A positive 31-bit seed; 0 would mean a random one to OpenMM."""
        key = np.random.SeedSequence([self._seed, number, *purpose.encode()])
        return int(key.generate_state(1)[0]) % (2**31 - 2) + 1


def _state_of(context: openmm.Context) -> openmm.State:
    return context.getState(positions=True, velocities=True, parameters=True, integratorParameters=True)
