"""Replica exchange samples every temperature as a simulation of its own does, and crosses what that cannot cross."""

import numpy as np
import openmm
import openmm.app
import pytest

from unfreeze.simulate.ladder import BOLTZMANN_kJ_mol_K, acceptance_of, geometric_ladder, predicted_acceptance
from unfreeze.simulate.quality.series import statistical_inefficiency
from unfreeze.simulate.replica_exchange import TemperatureReplicaExchange
from unfreeze.simulate.settings import SimulationSettings
from unfreeze.structure.geometry import torsion_angles

N_SD = 5.0


def exchange_of(system, topology, temperatures_K, *, exchange_every_ps, seed=1, **protocol):
    settings = SimulationSettings.model_validate(
        {
            "conditions": {"temperature_K": temperatures_K[0]},
            "protocol": {"friction_per_ps": 10.0, **protocol},
            "save": {"every_ps": exchange_every_ps},
            "replica_exchange": {"temperatures_K": temperatures_K, "exchange_every_ps": exchange_every_ps},
        }
    )
    reference = openmm.Platform.getPlatformByName("Reference")
    return TemperatureReplicaExchange(system, topology, settings, seed=seed, platform=reference)


def agree(one, other):
    """Standard deviations between the means of two correlated series."""
    variance = sum(series.var() * statistical_inefficiency(series) / len(series) for series in (one, other))
    return abs(one.mean() - other.mean()) / np.sqrt(variance)


def test_two_wells_are_filled_as_boltzmann_says():
    """A barrier of 12 kT at 300 K between two wells of different depth, known by quadrature, from one of them."""
    system = openmm.System()
    system.addParticle(12.0)
    well = openmm.CustomExternalForce("30*((10*x)^2-1)^2 + 15*x + 200*(y^2+z^2)")
    well.addParticle(0)
    system.addForce(well)
    ladder = geometric_ladder(300, 2000, 5)
    exchange = exchange_of(system, openmm.app.Topology(), ladder, exchange_every_ps=0.2)
    exchange.start(np.array([[0.1, 0.0, 0.0]]))
    exchange.advance(200, 0)
    x = exchange.advance(5000)["coordinates"][:, :, 0, 0].astype(float)
    grid = np.linspace(-0.35, 0.35, 7001)
    energy = 30 * ((10 * grid) ** 2 - 1) ** 2 + 15 * grid
    for state, temperature_K in enumerate(ladder):
        weight = np.exp(-(energy - energy.min()) / (BOLTZMANN_kJ_mol_K * temperature_K))
        expected = weight[grid < 0].sum() / weight.sum()
        left = (x[:, state] < 0).astype(float)
        sd = np.sqrt(expected * (1 - expected) * statistical_inefficiency(left) / len(left))
        assert sd < 0.02, "too few frames to tell"
        assert left.mean() == pytest.approx(expected, abs=N_SD * sd), temperature_K
    assert (exchange.round_trips > 10).all()


def springs(wavenumbers_per_cm):
    """Particles of carbon's mass on springs, and their force constants: [n]."""
    k = 12.0 * (2 * np.pi * 0.0299792458 * np.array(wavenumbers_per_cm)) ** 2
    system, force = openmm.System(), openmm.CustomExternalForce("0.5*k*(x^2+y^2+z^2)")
    force.addPerParticleParameter("k")
    for row, value in enumerate(k):
        system.addParticle(12.0)
        force.addParticle(row, [value])
    system.addForce(force)
    return system, k


def test_stiff_springs_keep_their_temperature_however_often_replicas_exchange():
    """A fifth of a period is one step, as of a carbonyl's, and replicas exchange after every five steps.

    Energies are then known exactly. Velocities scaled as they are, half a step before the positions, leave some of
    them 17 to 21 per cent too hot; velocities not scaled, or temperatures mistaken, 11 to 30 per cent off.
    """
    system, k = springs([1700.0] * 4)
    ladder = (300.0, 424.0, 600.0)
    exchange = exchange_of(system, openmm.app.Topology(), ladder, exchange_every_ps=0.02, friction_per_ps=5.0)
    kT = BOLTZMANN_kJ_mol_K * np.array(ladder)
    rng = np.random.default_rng(1)
    exchange.start(rng.normal(size=(3, 4, 3)) * np.sqrt(kT[:, None, None] / k[:, None]))
    exchange.advance(100, 0)
    frames = exchange.advance(4000)
    assert (exchange.acceptance > 0.5).all()
    for energy in ("potential", "kinetic"):
        for state, found in enumerate(frames[energy].T / (6 * kT[:, None])):
            sd = np.sqrt(found.var() * statistical_inefficiency(found) / len(found))
            assert sd < 0.02, "too few frames to tell"
            assert found.mean() == pytest.approx(1, abs=N_SD * sd), (energy, ladder[state])
            squares = (found - 1) ** 2
            sd = np.sqrt(squares.var() * statistical_inefficiency(squares) / len(squares))
            assert squares.mean() == pytest.approx(1 / 6, abs=N_SD * sd), (energy, ladder[state])


def test_velocities_at_whole_steps_are_scaled(warm):
    """With bonds to hydrogen held, the molecule at its bonds' velocities: what lies along a bond is taken off."""
    system, step_ps = warm.molecular.system, 0.004
    exchange = exchange_of(system, warm.molecular.topology, (300.0, 600.0), exchange_every_ps=0.2)
    exchange.start(warm.positions_nm[:2], warm.velocities_nm_ps[:2])
    sampler = exchange._started()
    sampler.replicaStateIndex = [1, 0]
    context = openmm.Context(system, openmm.VerletIntegrator(step_ps), openmm.Platform.getPlatformByName("Reference"))

    def at_whole_steps(replica):
        context.setState(sampler.replicaConformation[replica])
        force = context.getState(forces=True).getForces(asNumpy=True)._value
        velocities = sampler.replicaConformation[replica].getVelocities(asNumpy=True)._value
        context.setVelocities(velocities + 0.5 * step_ps * force / warm.mass_amu[:, None])
        context.applyVelocityConstraints(1e-10)
        return context.getState(velocities=True).getVelocities(asNumpy=True)._value

    for replica, scale in enumerate(np.sqrt([2.0, 0.5])):
        before = at_whole_steps(replica)
        sampler.rescale_velocities(replica)
        assert np.allclose(at_whole_steps(replica), scale * before, atol=1e-7)
        assert np.array_equal(
            sampler.replicaConformation[replica].getPositions(asNumpy=True)._value, warm.positions_nm[replica]
        )
        sampler.rescale_velocities(replica)
        assert np.allclose(at_whole_steps(replica), scale * before, atol=1e-7), "scaled twice"


def backbone_angles(molecular, coordinates_nm):
    """φ and ψ: [n_frames, 2], radians."""
    rows = {(atom.residue.name, atom.name): atom.index for atom in molecular.topology.atoms()}
    phi = [rows["ACE", "C"], rows["ALA", "N"], rows["ALA", "CA"], rows["ALA", "C"]]
    psi = [rows["ALA", "N"], rows["ALA", "CA"], rows["ALA", "C"], rows["NME", "N"]]
    frames = np.asarray(coordinates_nm, dtype=float)
    return np.stack([torsion_angles(*(frames[:, row] for row in quad)) for quad in (phi, psi)], axis=1)


def test_alanine_dipeptide_is_distributed_as_in_simulations_at_one_temperature(warm, hot):
    """Potential energies, φ and ψ at 420 and 520 K, against runs of their own."""
    molecular, ladder = warm.molecular, (420.0, 520.0)
    exchange = exchange_of(molecular.system, molecular.topology, ladder, exchange_every_ps=0.2, seed=6)
    exchange.start(np.stack([warm.positions_nm[0], hot.positions_nm[0]]))
    exchange.advance(20, 0)
    frames = exchange.advance(1000)
    for state, alone in enumerate((warm, hot)):
        assert agree(frames["potential"][:, state], alone.potential_kJ_mol) < N_SD
        assert agree(frames["kinetic"][:, state], alone.kinetic_kJ_mol) < N_SD
        together = backbone_angles(molecular, frames["coordinates"][:, state])
        single = backbone_angles(molecular, alone.positions_nm)
        for angle in range(2):
            for function in (np.cos, np.sin):
                assert agree(function(together[:, angle]), function(single[:, angle])) < N_SD
    measured = acceptance_of(frames["potential"], ladder)[0]
    assert np.allclose(exchange.acceptance, measured, atol=0.02)
    heat_capacity = np.diff([warm.potential_kJ_mol.mean(), hot.potential_kJ_mol.mean()])[0] / 100
    assert measured == pytest.approx(predicted_acceptance(*ladder, heat_capacity), abs=0.05)
    # The ensembles differ by much more than they may.
    assert agree(frames["potential"][:, 0], hot.potential_kJ_mol) > 2 * N_SD
