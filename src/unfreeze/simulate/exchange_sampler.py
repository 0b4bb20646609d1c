"""OpenMM's replica exchange sampler with a generator of its own, and with an account of energies and exchanges.

Two things are not OpenMM's: it draws from Python's global generator, which cannot be saved along with one simulation,
and it scales velocities that are half a step away from the positions, which heats stiff motions at every exchange.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from openmm import app, unit

from unfreeze.simulate.engine.integrator import BlowUpError, Stopped
from unfreeze.simulate.ladder import BOLTZMANN_kJ_mol_K

__all__ = ["SeededExchangeSampler", "plain"]

_CHUNK_STEPS = 1000
_NOWHERE, _COLDEST, _HOTTEST = 0, 1, 2


class SeededExchangeSampler(app.ReplicaExchangeSampler):
    """OpenMM's sampler with a generator of its own, and with an account of energies and exchanges."""

    def __init__(
        self,
        temperatures_K: NDArray[np.float64],
        simulation: app.Simulation,
        n_steps: int,
        generator: np.random.Generator,
    ) -> None:
        super().__init__([{"temperature": value * unit.kelvin} for value in temperatures_K], simulation, n_steps)
        n_states = len(temperatures_K)
        self.generator = generator
        self.beta = 1 / (BOLTZMANN_kJ_mol_K * temperatures_K)
        system = simulation.system
        self.masses = np.array([plain(system.getParticleMass(i)) for i in range(system.getNumParticles())])
        self.inverse_masses = np.divide(1.0, self.masses, out=np.zeros_like(self.masses), where=self.masses > 0)
        self.probability_sum = np.zeros(n_states - 1)
        self.crossings = np.zeros(n_states, dtype=np.int64)
        self.last_end = np.full(n_states, _NOWHERE, dtype=np.int64)
        self.should_stop: Callable[[], bool] = lambda: False
        self.running = 0

    def simulateReplica(self, index: int, steps: int | None = None) -> None:
        """Integrate one replica, in pieces between which it can be stopped."""
        self.running = index
        self.rescale_velocities(index)
        n_steps = self.stepsPerIteration if steps is None else steps
        for done in range(0, n_steps, _CHUNK_STEPS):
            if self.should_stop():
                raise Stopped
            super().simulateReplica(index, min(_CHUNK_STEPS, n_steps - done))

    def rescale_velocities(self, index: int) -> None:
        """Bring the velocities of a replica to the temperature to which the last exchange sent it.

        With the Langevin middle integrator they are those half a step before the positions, and hold half of the
        forces that act on these: v = v₀ - (Δt/2) F/m, where v₀, the velocity at the whole step, is independent of the
        positions. An exchange keeps positions and forces, so that v₀ alone is to be scaled with s = √(T′/T):
        v′ = s v + (s - 1) (Δt/2) F/m. OpenMM scales v, which heats what is stiff: by per cents at frequencies of 1/Δt.
        """
        came_from, state = self._previousReplicaStateIndex[index], self.replicaStateIndex[index]
        if came_from == state:
            return
        context = self.simulation.context
        context.setState(self.replicaConformation[index])
        now = context.getState(velocities=True, forces=True)
        half_step_ps = 0.5 * plain(context.getIntegrator().getStepSize())
        scale = math.sqrt(self.beta[came_from] / self.beta[state])
        kick = half_step_ps * self.inverse_masses[:, None] * plain(now.getForces(asNumpy=True))
        context.setVelocities(scale * plain(now.getVelocities(asNumpy=True)) + (scale - 1) * kick)
        self.replicaConformation[index] = context.getState(
            positions=True, velocities=True, parameters=True, integratorParameters=True
        )
        self._previousReplicaStateIndex[index] = state

    def potentials(self) -> NDArray[np.float64]:
        """Potential energy of every replica at the end of its last steps: [n_replicas], kJ/mol.

        Raises
        ------
        BlowUpError
            If one is not finite.
        """
        assert self.replicaStateEnergy is not None
        found = np.array([plain(energies[0]) for energies in self.replicaStateEnergy])
        if not np.isfinite(found).all():
            astray = self.temperature_text(int(np.flatnonzero(~np.isfinite(found))[0]))
            raise BlowUpError(f"{astray}: the potential energy is not finite")
        return found

    def kinetic(self) -> NDArray[np.float64]:
        """Kinetic energy of every replica from the velocities at half steps, which are exact here: [n_replicas]."""
        velocities = [plain(state.getVelocities(asNumpy=True)) for state in self.replicaConformation]
        return np.array([0.5 * self.masses @ (velocity**2).sum(axis=1) for velocity in velocities])

    def temperature_text(self, replica: int) -> str:
        """For messages."""
        return f"replica at {1 / (BOLTZMANN_kJ_mol_K * self.beta[self.replicaStateIndex[replica]]):g} K"

    def exchangeReplicas(self) -> None:
        """Offer exchanges to random pairs, as OpenMM does, from our own generator."""
        states, potential = np.array(self.replicaStateIndex), self.potentials()
        ordered = potential[np.argsort(states)]
        exponent = (self.beta[:-1] - self.beta[1:]) * (ordered[:-1] - ordered[1:])
        self.probability_sum += np.exp(np.minimum(exponent, 0.0))
        n_states = len(states)
        first = self.generator.integers(n_states, size=self.exchangesPerIteration)
        second = (first + self.generator.integers(1, n_states, size=self.exchangesPerIteration)) % n_states
        chance = self.generator.random(self.exchangesPerIteration)
        for i, j, draw in zip(first, second, chance, strict=True):
            exponent = (self.beta[states[i]] - self.beta[states[j]]) * (potential[i] - potential[j])
            if exponent >= 0 or draw < math.exp(exponent):
                states[i], states[j] = states[j], states[i]
        self.replicaStateIndex = states.tolist()
        for end, row in ((_COLDEST, 0), (_HOTTEST, n_states - 1)):
            there = states == row
            self.crossings += there & (self.last_end != _NOWHERE) & (self.last_end != end)
            self.last_end[there] = end


def plain(quantity: Any) -> Any:
    """The number or array in a quantity, in OpenMM's own units."""
    return quantity._value
