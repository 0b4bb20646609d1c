"""The integrator, and the ways in which integrating ends early."""

from __future__ import annotations

from typing import Any

import openmm

from unfreeze.errors import UnfreezeError
from unfreeze.simulate.settings import SimulationSettings

__all__ = ["BlowUpError", "Stopped", "degrees_of_freedom", "make_integrator", "plain_number"]

_CONSTRAINT_TOLERANCE = 1e-6


class BlowUpError(UnfreezeError):
    """The integration has left what is physical: coordinates or energies that are not finite."""


class Stopped(Exception):  # noqa: N818  not an error
    """The run was asked to stop in the middle of a segment."""


def make_integrator(
    settings: SimulationSettings, *, seed: int, step_fs: float | None = None
) -> openmm.LangevinMiddleIntegrator:
    """The Langevin middle integrator of Zhang et al. 2019 (doi:10.1021/acs.jpca.9b02771).

    Parameters
    ----------
    settings
        Temperature, friction and time step.
    seed
        Of its random forces.
    step_fs
        Another step than that of the settings.
    """
    integrator = openmm.LangevinMiddleIntegrator(
        settings.conditions.temperature_K,
        settings.protocol.friction_per_ps,
        (step_fs or settings.protocol.time_step_fs) / 1000,
    )
    integrator.setConstraintTolerance(_CONSTRAINT_TOLERANCE)
    integrator.setRandomNumberSeed(seed)
    return integrator


def degrees_of_freedom(system: openmm.System) -> int:
    """Three for every particle with a mass, less one for every constraint between two of these."""
    massive = [plain_number(system.getParticleMass(index)) > 0 for index in range(system.getNumParticles())]
    held = sum(
        massive[one] and massive[other]
        for one, other, _ in (system.getConstraintParameters(index) for index in range(system.getNumConstraints()))
    )
    return 3 * sum(massive) - held


def plain_number(quantity: Any) -> Any:
    """The number or array in a quantity, in OpenMM's own units."""
    return quantity._value
