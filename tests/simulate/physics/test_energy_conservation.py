"""Without a thermostat the energy is kept, and what is not kept falls with the square of the step.

So it does only if forces are the gradient of the energy, in every force of the system, and if constraints do no work
(Merz and Shirts 2018, doi:10.1371/journal.pone.0202764).
"""

import numpy as np
import openmm
import pytest

from unfreeze.simulate.engine.integrator import make_integrator
from unfreeze.simulate.settings import SimulationSettings
from unfreeze.simulate.system import build_system

REFERENCE = openmm.Platform.getPlatformByName("Reference")


def starts(molecular, step_fs, n):
    """Positions and velocities at 300 K: [(positions, velocities)]."""
    settings = SimulationSettings.model_validate({"protocol": {"time_step_fs": step_fs, "friction_per_ps": 10.0}})
    integrator = make_integrator(settings, seed=8)
    context = openmm.Context(molecular.system, integrator, openmm.Platform.getPlatformByName("CPU"), {"Threads": "1"})
    context.setPositions(molecular.positions_nm)
    openmm.LocalEnergyMinimizer.minimize(context, maxIterations=200)
    context.setVelocitiesToTemperature(300, 9)
    found = []
    for _ in range(n):
        integrator.step(1000)
        state = context.getState(positions=True, velocities=True)
        found.append((state.getPositions(), state.getVelocities()))
    return found


def energies(molecular, start, step_fs, every_fs, length_fs):
    """Total energy along a stretch of velocity Verlet: [n], kJ/mol."""
    integrator = openmm.VerletIntegrator(step_fs / 1000)
    integrator.setConstraintTolerance(1e-10)
    context = openmm.Context(molecular.system, integrator, REFERENCE)
    context.setPositions(start[0])
    context.setVelocities(start[1])
    context.applyConstraints(1e-10)
    context.applyVelocityConstraints(1e-10)
    found = []
    for _ in range(int(length_fs / every_fs)):
        integrator.step(round(every_fs / step_fs))
        state = context.getState(energy=True)
        found.append(state.getPotentialEnergy()._value + state.getKineticEnergy()._value)
    return np.array(found)


@pytest.mark.parametrize(
    ("system", "step_fs", "n_starts", "length_fs"),
    [
        ({"solvent": "obc2"}, 1.0, 4, 1000),
        ({"solvent": "obc2", "constraints": "none", "hydrogen_mass_amu": 1.008}, 0.5, 4, 1000),
        pytest.param({"solvent": "vacuum", "force_field": "charmm36"}, 1.0, 2, 300, marks=pytest.mark.slow),
        pytest.param({"solvent": "gbn2"}, 1.0, 2, 300, marks=pytest.mark.slow),
    ],
)
def test_the_error_of_the_energy_falls_with_the_square_of_the_step(
    alanine_dipeptide, system, step_fs, n_starts, length_fs
):
    settings = SimulationSettings.model_validate({"system": system, "protocol": {"time_step_fs": 0.5}})
    molecular = build_system(alanine_dipeptide, settings.system)
    steps = (step_fs, step_fs / 2)
    errors = [
        [energies(molecular, start, step, 2 * step_fs, length_fs).std() for step in steps]
        for start in starts(molecular, step_fs / 2, n_starts)
    ]
    coarse, fine = np.sqrt(np.square(errors).mean(axis=0))
    assert coarse / fine == pytest.approx(4.0, rel=0.15)
    assert fine < 0.05  # of some 60 kJ/mol of kinetic energy


def test_energy_does_not_drift(alanine_dipeptide):
    """Over 10 ps at 1 fs, by less than a thousandth of kT for every degree of freedom."""
    molecular = build_system(alanine_dipeptide, SimulationSettings().system)
    found = energies(molecular, starts(molecular, 1.0, 1)[0], 1.0, 50.0, 10_000)
    drift = np.polyfit(np.linspace(0, 1, len(found)), found, 1)[0]
    assert abs(drift) < 1e-3 * 54 * 2.494
