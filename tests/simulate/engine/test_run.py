import hashlib
import json
import random
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import openmm
import pytest
from mdtraj.formats import XTCTrajectoryFile

from unfreeze.errors import InputError, UnfreezeError
from unfreeze.simulate.engine.run import run_simulation
from unfreeze.simulate.engine.run_lock import BusyError, lock_run
from unfreeze.simulate.engine.run_store import RunStore

LENGTH_PS = 2.4


def columns_of(directory):
    """Checksum of every committed byte."""
    store = RunStore.open(directory, read_only=True)
    assert store.verify() == []
    return {
        name: hashlib.sha256(np.ascontiguousarray(store.read(name)).tobytes()).hexdigest()
        for name in store.manifest.columns
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory, implicit):
    directory = tmp_path_factory.mktemp("whole") / "run"
    outcome = run_simulation(directory, *implicit, seed=7, length_ps=LENGTH_PS)
    assert (outcome.status, outcome.n_frames, outcome.n_suspect) == ("finished", 24, 0)
    return directory


def stopping_after(n_questions):
    asked = iter(range(n_questions))
    return lambda: next(asked, None) is None


def test_frames_are_of_the_saved_atoms_at_their_times(whole, implicit):
    molecular, _ = implicit
    store = RunStore.open(whole, read_only=True)
    coordinates, observables = store.read("coordinates"), store.read("observables")
    heavy, _ = molecular.saved_atoms("heavy")
    assert coordinates.shape == (24, heavy.n_atoms, 3)
    np.testing.assert_allclose(observables[:, 0], np.arange(1, 25) * 0.1)
    assert np.isfinite(observables[:, :4]).all()
    assert np.isnan(observables[:, 4]).all()  # no box, no volume
    assert len(np.unique(observables[:, 1])) == 24
    bond = np.linalg.norm(
        coordinates[:, list(heavy.atom_name).index("C")] - coordinates[:, list(heavy.atom_name).index("CA")], axis=1
    )
    assert (np.abs(bond - 0.153) < 0.02).all()
    with XTCTrajectoryFile(str(whole / "trajectory.xtc")) as handle:
        xyz, times, steps, _ = handle.read()
    np.testing.assert_allclose(xyz, coordinates, atol=6e-4)
    np.testing.assert_allclose(times, observables[:, 0], rtol=1e-6)
    step_ps = implicit[1].protocol.time_step_fs / 1000
    np.testing.assert_array_equal(steps, np.rint(observables[:, 0] / step_ps))  # not numbers of frames
    assert (whole / "topology.pdb").is_file()


def test_the_record_says_what_decided_the_run(whole, implicit):
    record = json.loads((whole / "run.json").read_text())
    assert record["seed"] == 7
    assert record["bitwise"] is True
    assert record["settings"] == implicit[1].model_dump(mode="json")
    assert record["openmm"] == openmm.__version__


@pytest.mark.parametrize("chance", range(3))
def test_stopping_and_resuming_changes_no_bit(tmp_path, whole, implicit, chance):
    draw = random.Random(chance)
    for _ in range(200):
        outcome = run_simulation(
            tmp_path, *implicit, seed=7, length_ps=LENGTH_PS, should_stop=stopping_after(draw.randint(40, 80))
        )
        if outcome.status == "finished":
            break
        assert outcome.status == "stopped"
    assert columns_of(tmp_path) == columns_of(whole)


def test_a_longer_length_goes_on_where_the_run_ended(tmp_path, whole, implicit):
    for length_ps in (0.8, 1.6, LENGTH_PS):
        outcome = run_simulation(tmp_path, *implicit, seed=7, length_ps=length_ps)
        assert outcome.time_ps == pytest.approx(length_ps)
    assert columns_of(tmp_path) == columns_of(whole)
    before = (tmp_path / "manifest.json").read_bytes()
    assert run_simulation(tmp_path, *implicit, seed=7, length_ps=1.0).n_frames == 24  # shorter takes nothing away
    assert (tmp_path / "manifest.json").read_bytes() == before


def test_another_seed_gives_another_run(tmp_path, whole, implicit):
    run_simulation(tmp_path / "8", *implicit, seed=8, length_ps=0.4)
    assert columns_of(tmp_path / "8")["coordinates"] != columns_of(whole)["coordinates"]


def test_constant_pressure_goes_on_to_the_last_bit(tmp_path, in_water):
    molecular, settings = in_water
    outcome = run_simulation(tmp_path / "whole", molecular, settings, seed=2, length_ps=1.2)
    assert outcome.status == "finished"
    draw = random.Random(0)
    n_stops = 0
    for _ in range(100):
        n_commits, stop = draw.randint(1, 4), stopping_after(draw.randint(0, 3))
        done: list[object] = []
        outcome = run_simulation(
            tmp_path / "cut",
            molecular,
            settings,
            seed=2,
            length_ps=1.2,
            should_stop=lambda n=n_commits, stop=stop, done=done: len(done) >= n and stop(),
            on_commit=done.append,
        )
        if outcome.status == "finished":
            break
        n_stops += 1
    assert 2 <= n_stops < 100
    assert columns_of(tmp_path / "cut") == columns_of(tmp_path / "whole")
    volume = RunStore.open(tmp_path / "cut", read_only=True).read("observables")[:, 4]
    assert len(np.unique(volume)) > 1


def test_a_lost_checkpoint_costs_one_segment_and_no_bit(tmp_path, whole, implicit):
    run_simulation(tmp_path, *implicit, seed=7, length_ps=1.6)
    last = RunStore.open(tmp_path, read_only=True).commits[-1]
    (tmp_path / f"checkpoint-{last.number}.chk").write_bytes(b"damaged")
    run_simulation(tmp_path, *implicit, seed=7, length_ps=LENGTH_PS)
    assert columns_of(tmp_path) == columns_of(whole)
    events = RunStore.open(tmp_path, read_only=True).manifest.events
    assert [event["kind"] for event in events] == ["roll back"]
    assert len(list((tmp_path / "quarantine").glob("*.npz"))) == 1


def test_with_no_checkpoint_left_it_goes_on_from_coordinates_and_says_so(tmp_path, implicit):
    run_simulation(tmp_path, *implicit, seed=7, length_ps=0.8)
    before = RunStore.open(tmp_path, read_only=True).read("coordinates").copy()
    for path in tmp_path.glob("checkpoint-*"):
        path.unlink()
    outcome = run_simulation(tmp_path, *implicit, seed=7, length_ps=1.2)
    assert outcome.status == "finished"
    store = RunStore.open(tmp_path, read_only=True)
    np.testing.assert_array_equal(store.read("coordinates", 0, 8), before)
    assert "checkpoint was lost" in store.manifest.events[-1]["text"]


def test_with_nothing_left_to_go_on_from_it_says_what_to_do(tmp_path, implicit):
    run_simulation(tmp_path, *implicit, seed=7, length_ps=0.8)
    for path in (*tmp_path.glob("checkpoint-*"), *tmp_path.glob("state-*")):
        path.unlink()
    with pytest.raises(UnfreezeError, match="start the run anew"):
        run_simulation(tmp_path, *implicit, seed=7, length_ps=1.2)
    assert RunStore.open(tmp_path, read_only=True).n_frames == 8


def test_another_simulation_in_the_folder_is_refused_and_named(tmp_path, implicit, quick):
    molecular, settings = implicit
    run_simulation(tmp_path, molecular, settings, seed=7, length_ps=0.4)
    with pytest.raises(InputError, match="its seed is 7, not 8"):
        run_simulation(tmp_path, molecular, settings, seed=8, length_ps=0.4)
    with pytest.raises(InputError, match=r"conditions\.temperature_K is 300\.0, not 310\.0"):
        run_simulation(tmp_path, molecular, quick(conditions={"temperature_K": 310}), seed=7, length_ps=0.4)


def test_two_processes_do_not_write_to_one_run(tmp_path, implicit):
    with lock_run(tmp_path), pytest.raises(BusyError):
        run_simulation(tmp_path, *implicit, seed=7, length_ps=0.4)


def test_a_segment_that_blows_up_is_done_again_with_shorter_steps(tmp_path, implicit, quick, monkeypatch):
    from unfreeze.simulate.engine import dynamics

    molecular, settings = implicit
    whole_run = dynamics.Dynamics.run

    def unstable(self, segment, **options):
        if segment.stage == "production" and options["time_ps"] > 0 and segment.step_fs > 1.5:
            raise dynamics.BlowUpError("Particle coordinate is NaN")
        return whole_run(self, segment, **options)

    monkeypatch.setattr(dynamics.Dynamics, "run", unstable)
    outcome = run_simulation(tmp_path, molecular, settings, seed=7, length_ps=1.2)
    assert outcome.status == "finished"
    store = RunStore.open(tmp_path, read_only=True)
    production = [commit for commit in store.commits if commit.stage == "production"]
    assert [commit.step_fs for commit in production] == [4.0, 1.0, 1.0]
    assert [commit.n_retries for commit in production] == [0, 2, 2]
    np.testing.assert_allclose(store.read("observables")[:, 0], np.arange(1, 13) * 0.1)
    reasons = [json.loads(path.read_text())["reason"] for path in (tmp_path / "quarantine").glob("*.json")]
    assert len(reasons) == 4 and all("NaN" in reason for reason in reasons)


def test_a_system_that_always_blows_up_fails_with_a_verdict(tmp_path, implicit):
    from dataclasses import replace

    molecular, settings = implicit
    system = openmm.XmlSerializer.clone(molecular.system)
    force = openmm.CustomExternalForce("-1e9*x^4")  # nothing holds what falls down here
    for index in range(system.getNumParticles()):
        force.addParticle(index, [])
    system.addForce(force)
    outcome = run_simulation(tmp_path, replace(molecular, system=system), settings, seed=7, length_ps=0.4)
    assert outcome.status == "failed"
    assert "blew up 5 times" in outcome.reason
    assert "0.25 fs" in outcome.reason or "0.125 fs" in outcome.reason


def test_a_kill_at_any_moment_loses_nothing_that_was_committed(tmp_path, whole, implicit):
    code = textwrap.dedent(
        f"""
        import sys
        from unfreeze.simulate.engine.run import run_simulation
        from unfreeze.simulate.settings import SimulationSettings
        from unfreeze.simulate.system import build_system
        from unfreeze.structure.prepare.preparation import prepare_sequence
        settings = SimulationSettings.model_validate_json(sys.argv[2])
        molecular = build_system(prepare_sequence("GA").complex, settings.system)
        print("ready", flush=True)
        tell = lambda progress: print(progress.n_frames, flush=True)
        run_simulation(sys.argv[1], molecular, settings, seed=7, length_ps={LENGTH_PS}, on_commit=tell)
        """
    )
    command = [sys.executable, "-c", code, str(tmp_path), implicit[1].model_dump_json()]
    draw = random.Random(5)
    kept = 0
    for _ in range(6):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        time.sleep(draw.uniform(0.0, 0.4))
        process.send_signal(signal.SIGKILL)
        told, _ = process.communicate()
        if not RunStore.exists(tmp_path):
            continue
        n_frames = RunStore.open(tmp_path, read_only=True).n_frames
        assert n_frames >= max([kept, *map(int, told.split())])
        kept = n_frames
        if kept == 24:
            break
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    assert columns_of(tmp_path) == columns_of(whole)
