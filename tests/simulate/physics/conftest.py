"""Runs of alanine dipeptide through the project's own system and integrator, for tests of what physics asks of them.

All seeds are fixed. Statistical tests are at five standard deviations or at p = 1e-6: with honest code a change that
alters the random numbers fails one of them once in a million times.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import openmm
import pytest
from numpy.typing import NDArray

from unfreeze.simulate.engine.integrator import degrees_of_freedom, make_integrator
from unfreeze.simulate.settings import SimulationSettings
from unfreeze.simulate.system import MolecularSystem, build_system


@dataclass(frozen=True, eq=False)
class Run:
    """Frames of one simulation, and what they are frames of."""

    molecular: MolecularSystem
    temperature_K: float
    n_degrees_of_freedom: int
    mass_amu: NDArray[np.float64]
    potential_kJ_mol: NDArray[np.float64]
    kinetic_kJ_mol: NDArray[np.float64]
    positions_nm: NDArray[np.float64]
    velocities_nm_ps: NDArray[np.float64]


@pytest.fixture(scope="session")
def simulate(alanine_dipeptide) -> Callable[..., Run]:
    """Integrate alanine dipeptide with the settings of a campaign, friction raised so that frames are independent."""

    def run(
        temperature_K: float, n_frames: int, *, steps_between: int = 50, seed: int = 1, system=(), **protocol: float
    ) -> Run:
        settings = SimulationSettings.model_validate(
            {
                "system": dict(system),
                "conditions": {"temperature_K": temperature_K},
                "protocol": {"friction_per_ps": 10.0, **protocol},
            }
        )
        molecular = build_system(alanine_dipeptide, settings.system)
        integrator = make_integrator(settings, seed=seed)
        reference = openmm.Platform.getPlatformByName("Reference")
        context = openmm.Context(molecular.system, integrator, reference)
        context.setPositions(molecular.positions_nm)
        openmm.LocalEnergyMinimizer.minimize(context, maxIterations=200)
        context.setVelocitiesToTemperature(temperature_K, seed)
        integrator.step(2500)
        taken = []
        for _ in range(n_frames):
            integrator.step(steps_between)
            state = context.getState(positions=True, velocities=True, energy=True)
            taken.append(
                (
                    state.getPotentialEnergy()._value,
                    state.getKineticEnergy()._value,
                    state.getPositions(asNumpy=True)._value,
                    state.getVelocities(asNumpy=True)._value,
                )
            )
        mass = [molecular.system.getParticleMass(row)._value for row in range(molecular.system.getNumParticles())]
        return Run(
            molecular,
            temperature_K,
            degrees_of_freedom(molecular.system),
            np.array(mass),
            *(np.array(column) for column in zip(*taken, strict=True)),
        )

    return run


@pytest.fixture(scope="session")
def room(simulate) -> Run:
    """Our default steps of 4 fs, hydrogens of 1.5 amu, bonds to hydrogen held; 300 K."""
    return simulate(300.0, 1200)


@pytest.fixture(scope="session")
def warm(simulate) -> Run:
    """The same at 420 K, where peptide bonds stay but φ and ψ turn often."""
    return simulate(420.0, 1200, seed=2)


@pytest.fixture(scope="session")
def hot(simulate) -> Run:
    """The same at 520 K."""
    return simulate(520.0, 1200, seed=3)
