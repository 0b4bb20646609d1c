"""Kinetic energies are those of the canonical ensemble, for the whole molecule and for each of its parts.

With the Langevin middle integrator this is so for the velocities at half steps, which OpenMM gives without a shift;
those at whole steps would be cold by (ω dt/2)². What remains at 4 fs is half a per cent, hydrogens one per cent hot.
"""

import numpy as np
import pytest
from scipy import stats

from unfreeze.simulate.ladder import BOLTZMANN_kJ_mol_K

FALSE_ALARM, N_SD = 1e-6, 5.0
STEP_ERROR = 0.015
"""What steps of 4 fs may do to the kinetic energy of hydrogens; 0.009 was measured over 3 ns."""


def gamma_p(run, n_degrees_of_freedom):
    """Kolmogorov and Smirnov's p value of the kinetic energies."""
    law = stats.gamma(n_degrees_of_freedom / 2, scale=BOLTZMANN_kJ_mol_K * run.temperature_K)
    return stats.kstest(run.kinetic_kJ_mol, law.cdf).pvalue


def shares_of(run):
    """Degrees of freedom of every atom: three less its part of the constraints, [n_atoms].

    Velocities are normal in the plane that the constraints leave, so that an atom has the trace of its block of the
    projector onto that plane, in coordinates scaled with the root of the mass.
    """
    system, root = run.molecular.system, np.sqrt(run.mass_amu)
    pairs = [system.getConstraintParameters(row)[:2] for row in range(system.getNumConstraints())]
    total = np.zeros(len(root))
    frames = run.positions_nm[:: max(1, len(run.positions_nm) // 40)]
    for frame in frames:
        gradient = np.zeros((len(pairs), len(root), 3))
        for row, (i, j) in enumerate(pairs):
            along = (frame[i] - frame[j]) / np.linalg.norm(frame[i] - frame[j])
            gradient[row, i], gradient[row, j] = along / root[i], -along / root[j]
        flat = gradient.reshape(len(pairs), -1)
        taken = (flat * np.linalg.solve(flat @ flat.T, flat)).sum(axis=0)
        total += 3 - taken.reshape(-1, 3).sum(axis=1)
    return total / len(frames)


def excess(run, atoms, shares):
    """Kinetic energy of some atoms over what is theirs, less one; and its standard deviation."""
    kinetic = 0.5 * np.einsum("a,fax->f", run.mass_amu[atoms], run.velocities_nm_ps[:, atoms] ** 2)
    n = shares[atoms].sum()
    found = kinetic.mean() / (0.5 * n * BOLTZMANN_kJ_mol_K * run.temperature_K) - 1
    return found, np.sqrt(2 / n / len(kinetic))


@pytest.mark.parametrize("name", ["room", "warm", "hot"])
def test_kinetic_energies_follow_a_gamma_distribution(name, request):
    run = request.getfixturevalue(name)
    assert run.n_degrees_of_freedom == 3 * 22 - 12
    assert gamma_p(run, run.n_degrees_of_freedom) > FALSE_ALARM
    assert gamma_p(run, 3 * 22) < FALSE_ALARM, "the test would not see that constraints were forgotten"
    assert gamma_p(run, 3 * 22 - 12 - 6) < FALSE_ALARM, "nor that translation and rotation were taken off"


@pytest.mark.parametrize("hydrogen_mass_amu", [1.5, 3.0])
def test_every_atom_has_its_share_of_the_kinetic_energy(hydrogen_mass_amu, room, simulate):
    """Equipartition over atoms, hydrogens made heavier and bonds to them held."""
    run = room
    if hydrogen_mass_amu != 1.5:
        run = simulate(300.0, 500, seed=4, system={"hydrogen_mass_amu": hydrogen_mass_amu})
    light = run.mass_amu < 4
    assert np.allclose(run.mass_amu[light], hydrogen_mass_amu)
    assert run.mass_amu.sum() == pytest.approx(144.17, abs=0.02), "mass was made or lost"
    shares = shares_of(run)
    assert shares.sum() == pytest.approx(run.n_degrees_of_freedom)
    assert (shares[light] < 2.5).all()
    for group in (np.flatnonzero(light), np.flatnonzero(~light), *np.arange(22)[:, None]):
        found, sd = excess(run, group, shares)
        assert abs(found) < N_SD * sd + STEP_ERROR, group
    assert excess(run, np.arange(22), np.full(22, 3.0))[0] < -0.1, "the test would not see forgotten constraints"


def test_the_centre_of_mass_is_as_warm_as_the_rest(room):
    momentum = np.einsum("a,fax->fx", room.mass_amu, room.velocities_nm_ps)
    energy = (momentum**2).sum(axis=1) / (2 * room.mass_amu.sum())
    # It is slow to change: with friction γ it forgets as exp(-γ t), here 0.14 from frame to frame.
    law = stats.gamma(1.5, scale=BOLTZMANN_kJ_mol_K * room.temperature_K)
    assert stats.kstest(energy[::2], law.cdf).pvalue > FALSE_ALARM
