import random
import subprocess
import sys
from dataclasses import replace

import numpy as np
import openmm
import pytest

from unfreeze.errors import InputError
from unfreeze.simulate.engine.integrator import BlowUpError, Stopped
from unfreeze.simulate.ladder import acceptance_of, geometric_ladder
from unfreeze.simulate.replica_exchange import TemperatureReplicaExchange
from unfreeze.simulate.settings import SimulationSettings
from unfreeze.simulate.system import build_system

LADDER = geometric_ladder(300, 600, 4)


def settings_for(solvent="obc2", temperatures_K=LADDER, exchange_every_ps=0.1, **protocol):
    return SimulationSettings.model_validate(
        {
            "system": {"solvent": solvent, "padding_nm": 0.65, "cutoff_nm": 0.65 if solvent == "tip3p" else None},
            "protocol": protocol,
            "save": {"every_ps": exchange_every_ps},
            "replica_exchange": {"temperatures_K": temperatures_K, "exchange_every_ps": exchange_every_ps},
        }
    )


@pytest.fixture(scope="session")
def molecules(alanine_dipeptide):
    return {
        solvent: minimised(build_system(alanine_dipeptide, settings_for(solvent).system))
        for solvent in ("obc2", "tip3p")
    }


def minimised(molecule):
    context = openmm.Context(molecule.system, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatformByName("CPU"))
    context.setPositions(molecule.positions_nm)
    openmm.LocalEnergyMinimizer.minimize(context, maxIterations=60)
    return replace(molecule, positions_nm=np.array(context.getState(positions=True).getPositions(asNumpy=True)._value))


def make(molecule, settings=None, *, seed=1, platform="CPU"):
    settings = settings or settings_for("obc2" if molecule.box_nm is None else "tip3p")
    where = openmm.Platform.getPlatformByName(platform)
    return TemperatureReplicaExchange(molecule.system, molecule.topology, settings, seed=seed, platform=where)


def started(molecule, *args, **options):
    exchange = make(molecule, *args, **options)
    exchange.start(molecule.positions_nm, box_nm=molecule.box_nm)
    return exchange


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(("solvent", "platform"), [("obc2", "CPU"), ("obc2", "Reference"), ("tip3p", "CPU")])
def test_stopped_and_restored_is_the_same_as_never_stopped(molecules, solvent, platform):
    molecule = molecules[solvent]
    n, more = (20, 30) if solvent == "obc2" else (1, 2)
    whole = started(molecule, platform=platform)
    assert whole.deterministic
    first, second = whole.advance(n), whole.advance(more)

    stopped = started(molecule, platform=platform)
    assert same(stopped.advance(n), first)
    checkpoint, arrays = stopped.state()
    resumed = make(molecule, seed=99, platform=platform)
    assert resumed.restore(checkpoint, arrays) == ""
    assert same(resumed.advance(more), second)
    assert same(resumed.state()[1], whole.state()[1])
    assert np.array_equal(resumed.acceptance, whole.acceptance)


def test_a_new_process_goes_on_to_the_last_bit(molecules, tmp_path):
    molecule = molecules["obc2"]
    whole = started(molecule)
    whole.advance(10)
    checkpoint, arrays = whole.state()
    (tmp_path / "system.xml").write_text(openmm.XmlSerializer.serialize(molecule.system))
    (tmp_path / "checkpoint").write_bytes(checkpoint)
    np.savez(tmp_path / "state.npz", **arrays)
    (tmp_path / "settings.json").write_text(settings_for().model_dump_json())
    code = """
import sys, numpy as np, openmm, openmm.app
from pathlib import Path
from unfreeze.simulate.replica_exchange import TemperatureReplicaExchange
from unfreeze.simulate.settings import SimulationSettings
folder = Path(sys.argv[1])
system = openmm.XmlSerializer.deserialize((folder / "system.xml").read_text())
settings = SimulationSettings.model_validate_json((folder / "settings.json").read_text())
platform = openmm.Platform.getPlatformByName("CPU")
exchange = TemperatureReplicaExchange(system, openmm.app.Topology(), settings, seed=1, platform=platform)
assert exchange.restore((folder / "checkpoint").read_bytes(), dict(np.load(folder / "state.npz"))) == ""
np.savez(folder / "frames.npz", **exchange.advance(20))
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert same(dict(np.load(tmp_path / "frames.npz")), whole.advance(20))


def test_pythons_own_generator_plays_no_part(molecules):
    random.seed(1)
    before = random.getstate()
    one = started(molecules["obc2"]).advance(20)
    assert random.getstate() == before
    random.seed(2)
    assert same(started(molecules["obc2"]).advance(20), one)
    assert not same(started(molecules["obc2"], seed=2).advance(20), one)


def test_without_the_checkpoint_it_goes_on_validly_and_says_so(molecules):
    whole = started(molecules["obc2"])
    whole.advance(5)
    _checkpoint, arrays = whole.state()
    for lost in (None, b"", b"no checkpoint at all"):
        resumed = make(molecules["obc2"])
        assert "random forces are drawn anew" in resumed.restore(lost, arrays)
        assert same(resumed.state()[1], arrays)
        resumed.advance(5)
        assert resumed.iteration == 10


def test_frames_are_sorted_by_temperature(molecules):
    molecule = molecules["obc2"]
    exchange = started(molecule)
    frames = exchange.advance(60, sample_every=2)
    n_states = len(LADDER)
    assert frames["coordinates"].shape == (30, n_states, 22, 3)
    assert np.array_equal(np.sort(frames["replica_of_state"], axis=1), np.tile(np.arange(n_states), (30, 1)))
    assert (frames["replica_of_state"] != np.arange(n_states)).any(), "nothing was exchanged"
    means = frames["kinetic"][10:].mean(axis=0) * 2 / (exchange.n_degrees_of_freedom * 8.314e-3)
    assert np.allclose(means, LADDER, rtol=0.25)  # 20 frames of 54 degrees of freedom: 4.3 % is one SD
    integrator = openmm.VerletIntegrator(0.001)
    context = openmm.Context(molecule.system, integrator, openmm.Platform.getPlatformByName("Reference"))
    for frame in (0, 29):
        for state in range(n_states):
            context.setPositions(frames["coordinates"][frame, state].astype(float))
            energy = context.getState(energy=True).getPotentialEnergy()._value
            assert energy == pytest.approx(frames["potential"][frame, state], abs=0.05)  # float32 coordinates


def test_kinetic_energy_is_openmms(molecules):
    molecule = molecules["obc2"]
    exchange = started(molecule)
    kinetic = exchange.advance(3)["kinetic"][-1]
    _, arrays = exchange.state()
    integrator = openmm.LangevinMiddleIntegrator(300, 1, 0.004)
    context = openmm.Context(molecule.system, integrator, openmm.Platform.getPlatformByName("Reference"))
    for state, replica in enumerate(np.argsort(arrays["previous_state_of_replica"])):
        context.setPositions(arrays["positions_nm"][replica])
        context.setVelocities(arrays["velocities_nm_ps"][replica])
        assert context.getState(energy=True).getKineticEnergy()._value == pytest.approx(kinetic[state], rel=1e-6)


def test_acceptance_follows_from_the_energies(molecules):
    exchange = started(molecules["obc2"])
    assert np.isnan(exchange.acceptance).all()
    frames = exchange.advance(25)
    assert np.allclose(exchange.acceptance, acceptance_of(frames["potential"], LADDER))
    assert ((exchange.acceptance > 0) & (exchange.acceptance < 1)).all()


def test_round_trips_are_counted_from_end_to_end(molecules):
    settings = settings_for(temperatures_K=(300, 310), exchange_every_ps=0.02)
    exchange = started(molecules["obc2"], settings)
    wanted, last, where = np.zeros(2, dtype=int), [None, None], []
    for _ in range(3):
        exchange.advance(1)
        where.append(exchange.state_of_replica)
    frames = exchange.advance(60)
    # What a frame shows is from before the exchange of its iteration, so after the exchange of the one before.
    where += [np.argsort(row) for row in frames["replica_of_state"][1:]] + [exchange.state_of_replica]
    for states in where:
        for replica, state in enumerate(states):
            wanted[replica] += last[replica] not in (None, state)
            last[replica] = state
    assert np.array_equal(exchange.round_trips, wanted // 2)
    assert (exchange.round_trips > 0).all()


def test_exchanges_keep_what_was_drawn_for_every_temperature(molecules):
    """With potentials drawn from their distributions, exchanges leave every one as it is."""
    exchange = started(molecules["obc2"])
    sampler = exchange._new_sampler()
    rng = np.random.default_rng(5)
    n, shape = 4000, 20.0
    kT = 1 / sampler.beta
    by_state = np.empty((n, len(LADDER)))
    for row in range(n):
        order = rng.permutation(len(LADDER))
        drawn = rng.gamma(shape, kT[order])
        sampler.replicaStateIndex = order.tolist()
        sampler.potentials = lambda drawn=drawn: drawn  # type: ignore[method-assign]
        sampler.exchangeReplicas()
        by_state[row, sampler.replicaStateIndex] = drawn
    # 5 SD of a mean, once in two million for each of the four
    assert np.allclose(by_state.mean(axis=0) / (shape * kT), 1, atol=5 / np.sqrt(shape * n))
    assert np.allclose(by_state.var(axis=0) / (shape * kT**2), 1, atol=5 * np.sqrt((2 + 6 / shape) / n))


def test_replicas_that_leave_what_is_physical_are_named(molecules):
    exchange = started(molecules["obc2"], settings_for(temperatures_K=(300, 2000), time_step_fs=4.0))
    exchange.advance(1)
    checkpoint, arrays = exchange.state()
    arrays["velocities_nm_ps"][1] *= 1e4
    exchange.restore(checkpoint, arrays)
    with pytest.raises(BlowUpError, match=r"replica at 2000 K: "):
        exchange.advance(5)


def test_it_stops_when_asked(molecules):
    exchange = started(molecules["obc2"])
    asked = iter(range(100))
    with pytest.raises(Stopped):
        exchange.advance(50, should_stop=lambda: next(asked) >= 7)
    assert next(asked) == 8


def test_shorter_steps_keep_the_time_between_exchanges(molecules):
    exchange = started(molecules["obc2"])
    exchange.advance(1)
    exchange.advance(2, step_fs=2.0)
    _, arrays = exchange.state()
    assert np.allclose(arrays["clock_ps"], 0.3)
    assert (arrays["clock_steps"] == 25 + 2 * 50).all()
    with pytest.raises(InputError, match=r"not a whole number of steps of 3 fs"):
        exchange.advance(1, step_fs=3.0)


def test_replicas_of_another_ladder_are_refused(molecules):
    exchange = started(molecules["obc2"])
    state = exchange.state()
    other = make(molecules["obc2"], settings_for(temperatures_K=(300, 400)))
    with pytest.raises(InputError, match=r"22 atoms at 4 temperatures, 300 to 600 K; expected 22 atoms at 2"):
        other.restore(*state)


def test_settings_without_a_ladder_are_refused(molecules):
    with pytest.raises(InputError, match="temperatures_K"):
        make(molecules["obc2"], SimulationSettings())
