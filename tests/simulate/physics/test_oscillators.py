"""Our integrator on what can be solved: harmonic oscillators have variances of kT/k and kT/m, at our steps, exactly.

So they have with the Langevin middle integrator (Zhang et al. 2019, doi:10.1021/acs.jpca.9b02771) at any stable step.
"""

import numpy as np
import openmm
import pytest

from unfreeze.simulate.engine.integrator import make_integrator
from unfreeze.simulate.ladder import BOLTZMANN_kJ_mol_K
from unfreeze.simulate.settings import SimulationSettings

N_SD = 5.0
N_PARTICLES, N_FRAMES, STEPS_BETWEEN = 400, 60, 100
LIGHT_cm_ps = 0.0299792458


def sample(wavenumber_per_cm, time_step_fs, temperature_K=300.0):
    """Positions and velocities of independent oscillators: [n_frames, n_particles, 3] each; and kT/k, kT/m."""
    mass = 12.0
    k = mass * (2 * np.pi * LIGHT_cm_ps * wavenumber_per_cm) ** 2
    system = openmm.System()
    springs = openmm.CustomExternalForce(f"0.5*{k!r}*(x^2+y^2+z^2)")
    for row in range(N_PARTICLES):
        system.addParticle(mass)
        springs.addParticle(row)
    system.addForce(springs)
    settings = SimulationSettings.model_validate(
        {
            "conditions": {"temperature_K": temperature_K},
            "protocol": {"time_step_fs": time_step_fs, "friction_per_ps": 10.0},
        }
    )
    integrator = make_integrator(settings, seed=11)
    context = openmm.Context(system, integrator, openmm.Platform.getPlatformByName("Reference"))
    kT = BOLTZMANN_kJ_mol_K * temperature_K
    rng = np.random.default_rng(1)
    context.setPositions(rng.normal(scale=np.sqrt(kT / k), size=(N_PARTICLES, 3)))
    context.setVelocitiesToTemperature(temperature_K, 5)
    frames = []
    for _ in range(N_FRAMES):
        integrator.step(STEPS_BETWEEN)
        state = context.getState(positions=True, velocities=True)
        frames.append((state.getPositions(asNumpy=True)._value, state.getVelocities(asNumpy=True)._value))
    positions, velocities = (np.array(part) for part in zip(*frames, strict=True))
    return positions, velocities, kT / k, kT / mass


@pytest.mark.parametrize(
    ("wavenumber_per_cm", "time_step_fs"),
    [
        (100.0, 4.0),  # a torsion
        (1000.0, 4.0),  # a bend
        (1700.0, 4.0),  # a carbonyl, the stiffest bond that is not held: a fifth of its period is one step
        (1700.0, 2.0),
        (3000.0, 1.0),  # a bond to hydrogen, where none is held
    ],
)
def test_oscillators_have_the_variances_of_the_canonical_ensemble(wavenumber_per_cm, time_step_fs):
    positions, velocities, position_variance, velocity_variance = sample(wavenumber_per_cm, time_step_fs)
    # Between frames they forget all but exp(-γ t) = 0.02 to 0.4 of their energy, taken as half of the frames.
    tolerance = N_SD * np.sqrt(2 / (0.5 * positions.size))
    assert (positions**2).mean() / position_variance == pytest.approx(1, abs=tolerance)
    assert (velocities**2).mean() / velocity_variance == pytest.approx(1, abs=tolerance)
    # Positions half a step later do not, and velocities at whole steps neither: nothing is tuned to the answer.
    later = positions + 0.5 * time_step_fs / 1000 * velocities
    omega_dt = 2 * np.pi * LIGHT_cm_ps * wavenumber_per_cm * time_step_fs / 1000
    if omega_dt > 1:
        assert abs((later**2).mean() / position_variance - 1) > tolerance


def test_the_temperature_is_the_one_that_was_asked_for():
    for temperature_K in (150.0, 600.0):
        positions, _, variance, _ = sample(500.0, 4.0, temperature_K)
        assert (positions**2).mean() / variance == pytest.approx(1, abs=N_SD * np.sqrt(4 / positions.size))
