"""Energies at two temperatures are related as in the canonical ensemble, and volumes are those of a gas that is known.

The logarithm of the ratio of two distributions of the potential energy is a straight line of slope β₁ − β₂, whatever
the molecule (Shirts 2013, doi:10.1021/ct300688p). The slope is found by maximum likelihood, which needs no bins.
"""

import numpy as np
import openmm
import pytest
from scipy import stats

from unfreeze.simulate.engine.dynamics import Dynamics
from unfreeze.simulate.engine.schedule import Segment
from unfreeze.simulate.ladder import BOLTZMANN_kJ_mol_K
from unfreeze.simulate.quality.series import statistical_inefficiency
from unfreeze.simulate.settings import SimulationSettings
from unfreeze.simulate.system import build_system

FALSE_ALARM, N_SD = 1e-6, 5.0
BAR_nm3 = 0.06022140762
"""kJ/mol"""


def independent(series):
    """As many frames, evenly, as are independent."""
    return series[:: int(np.ceil(statistical_inefficiency(series)))]


def slope_of(one, other):
    """Slope of ln p(other)/p(one) and its standard error, by logistic regression."""
    values = np.concatenate([one, other])
    centre, scale = values.mean(), values.std()
    design = np.stack([np.ones(len(values)), (values - centre) / scale], axis=1)
    is_other = np.repeat([0.0, 1.0], [len(one), len(other)])
    weights = np.zeros(2)
    for _ in range(50):
        chance = 1 / (1 + np.exp(-design @ weights))
        information = (design * (chance * (1 - chance))[:, None]).T @ design
        weights += np.linalg.solve(information, design.T @ (is_other - chance))
    return weights[1] / scale, np.sqrt(np.linalg.inv(information)[1, 1]) / scale


def test_the_slope_is_found_for_energies_that_are_known():
    rng = np.random.default_rng(0)
    one, other = rng.gamma(27, 2.5, 4000), rng.gamma(27, 3.0, 4000)
    slope, sd = slope_of(one, other)
    assert slope == pytest.approx(1 / 2.5 - 1 / 3.0, abs=N_SD * sd)
    assert sd < 0.05 * slope


@pytest.mark.parametrize("energy", ["potential_kJ_mol", "kinetic_kJ_mol", "total"])
def test_energies_at_two_temperatures_differ_by_their_boltzmann_factors(warm, hot, energy):
    series = [
        run.potential_kJ_mol + run.kinetic_kJ_mol if energy == "total" else getattr(run, energy) for run in (warm, hot)
    ]
    slope, sd = slope_of(*map(independent, series))
    expected = (1 / warm.temperature_K - 1 / hot.temperature_K) / BOLTZMANN_kJ_mol_K
    assert sd < 0.08 * expected, "too few frames to tell"
    assert slope == pytest.approx(expected, abs=N_SD * sd)


def test_volumes_are_those_of_an_ideal_gas_where_molecules_do_not_meet(alanine_dipeptide):
    """Of M molecules without forces between them the volume follows a gamma distribution of shape M + 1."""
    temperature_K = 450.0
    settings = SimulationSettings.model_validate(
        {
            "system": {"solvent": "tip3p", "padding_nm": 0.3, "cutoff_nm": 0.5, "ionic_strength_M": 0.0},
            "conditions": {"temperature_K": temperature_K, "pressure_bar": 1500.0},
        }
    )
    molecular = build_system(alanine_dipeptide, settings.system)
    for row, force in reversed(list(enumerate(molecular.system.getForces()))):
        if isinstance(force, openmm.NonbondedForce):
            molecular.system.removeForce(row)
    silent = openmm.HarmonicBondForce()
    silent.setUsesPeriodicBoundaryConditions(True)  # a barostat wants one force that knows of the box
    molecular.system.addForce(silent)
    n_molecules = 1 + (molecular.system.getNumParticles() - 22) // 3
    n_frames, steps_between = 700, 100
    segment = Segment(
        "production",
        n_frames * steps_between,
        4.0,
        temperature_K,
        pressure=True,
        n_frames=n_frames,
        new_velocities=True,
    )
    platform = openmm.Platform.getPlatformByName("Reference")
    dynamics = Dynamics(molecular, settings, seed=2, platform=platform)
    dynamics.begin(segment)
    frames = dynamics.run(segment, number=0, time_ps=0.0, should_stop=lambda: False, step_seconds=1e-4)
    volume_nm3 = frames.observables[100:, 4]
    assert np.allclose(np.linalg.det(frames.box_nm[100:]), volume_nm3)
    law = stats.gamma(n_molecules + 1, scale=BOLTZMANN_kJ_mol_K * temperature_K / (1500.0 * BAR_nm3))
    found = independent(volume_nm3)
    assert len(found) > 100, "too few frames to tell"
    assert stats.kstest(found, law.cdf).pvalue > FALSE_ALARM
    assert volume_nm3.mean() == pytest.approx(law.mean(), abs=N_SD * law.std() / np.sqrt(len(found)))
