import json
from dataclasses import replace

import numpy as np
import pytest
from mdtraj.formats import XTCTrajectoryFile
from pydantic import ValidationError

from unfreeze.simulate.engine.exchange import ExchangeDynamics
from unfreeze.simulate.engine.run import run_simulation
from unfreeze.simulate.engine.run_store import RunStore
from unfreeze.simulate.engine.schedule import equilibration, frames_per_commit
from unfreeze.simulate.ladder import acceptance_of
from unfreeze.simulate.settings import ProtocolSettings, SaveSettings, SimulationSettings
from unfreeze.simulate.system import build_system

LADDER = (300.0, 400.0, 530.0)
SETTINGS = SimulationSettings.model_validate(
    {
        "protocol": {"heat_ps": 0.5, "restrained_ps": 0.5, "release_ps": 0.4, "equilibrate_ps": 2.0},
        "save": {"every_ps": 0.4, "commit_every_ps": 2.0},
        "replica_exchange": {"temperatures_K": LADDER, "exchange_every_ps": 0.2},
    }
)
COLUMNS = ("coordinates", "ladder_coordinates", "ladder_potential", "ladder_kinetic", "replica_of_state")


@pytest.fixture(scope="module")
def molecule(alanine_dipeptide):
    return build_system(alanine_dipeptide, SETTINGS.system)


def run(folder, molecule, length_ps=6.0, **options):
    return run_simulation(folder, molecule, SETTINGS, seed=7, length_ps=length_ps, platform="Reference", **options)


@pytest.fixture(scope="module")
def whole(molecule, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    outcome = run(folder, molecule)
    assert (outcome.status, outcome.n_frames) == ("finished", 15)
    return folder


def opened(folder):
    return RunStore.open(folder, read_only=True)


def test_the_replicas_spread_before_production(whole):
    stages = list(dict.fromkeys(commit.stage for commit in opened(whole).commits))
    assert stages == ["minimise", "heat", "restrained", "release", "equilibrate", "spread", "production"]
    spread = [commit for commit in opened(whole).commits if commit.stage == "spread"]
    assert sum(commit.n_steps for commit in spread) * 0.004 == pytest.approx(2.0)


def test_every_temperature_is_kept_and_exported(whole):
    store = opened(whole)
    observables, potential = store.read("observables"), store.read("ladder_potential")
    assert np.array_equal(observables[:, 1], potential[:, 0])
    assert np.allclose(observables[:, 0], 0.4 * np.arange(1, 16))
    assert np.isfinite(potential).all() and len(set(potential.ravel())) == potential.size
    assert np.array_equal(np.sort(store.read("replica_of_state"), axis=1), np.tile(range(3), (15, 1)))
    expected = [store.read("coordinates"), *np.moveaxis(store.read("ladder_coordinates"), 1, 0)]
    summary = json.loads((whole / "replica_exchange.json").read_text())
    assert summary["trajectories"] == ["trajectory.xtc", "trajectory-400K.xtc", "trajectory-530K.xtc"]
    for name, coordinates in zip(summary["trajectories"], expected, strict=True):
        with XTCTrajectoryFile(str(whole / name)) as handle:
            assert np.abs(handle.read()[0] - coordinates).max() < 6e-4
    assert summary["temperatures_K"] == list(LADDER)
    assert np.allclose(summary["acceptance"], acceptance_of(np.array(potential), LADDER))
    assert len(summary["round_trips"]) == 3


def test_a_run_that_was_stopped_again_and_again_is_the_same_to_the_last_bit(whole, molecule, tmp_path):
    for patience in (3, 60, 95, 130, 10_000):
        asked = iter(range(patience))
        outcome = run(tmp_path, molecule, should_stop=lambda asked=asked: next(asked, None) is None)
    assert outcome.status == "finished"
    one, other = opened(whole), opened(tmp_path)
    for name in COLUMNS:
        assert np.array_equal(one.read(name), other.read(name)), name


def test_a_run_is_extended_as_if_it_had_been_that_long_from_the_start(whole, molecule, tmp_path):
    run(tmp_path, molecule, length_ps=2.8)  # ends within a commit of the longer run
    run(tmp_path, molecule, length_ps=6.0)
    one, other = opened(whole), opened(tmp_path)
    assert other.n_frames == 15
    for name in COLUMNS:
        assert np.array_equal(one.read(name), other.read(name)), name


def test_a_fault_at_a_higher_temperature_breaks_the_segment(whole, molecule, tmp_path, monkeypatch):
    """A molecule torn at 530 K is seen, and the segment is done again with shorter steps."""
    honest, torn = ExchangeDynamics.run, []

    def tear(self, segment, **options):
        frames = honest(self, segment, **options)
        if segment.stage == "production" and segment.step_fs == 4.0 and not torn:
            ladder = frames.more["ladder_coordinates"].copy()
            ladder[2, 1, 3] += 5.0
            torn.append(segment)
            return replace(frames, more={**frames.more, "ladder_coordinates": ladder})
        return frames

    monkeypatch.setattr(ExchangeDynamics, "run", tear)
    assert run(tmp_path, molecule, length_ps=2.0).status == "finished"
    last = opened(tmp_path).commits[-1]
    assert (last.n_retries, last.step_fs, last.n_frames) == (1, 2.0, 5)
    notes = [path.read_text() for path in (tmp_path / "quarantine").rglob("*.json")]
    assert any("at 530 K: " in note for note in notes)


def test_in_water_the_density_is_found_before_the_volume_is_held():
    water = SimulationSettings.model_validate(
        {"system": {"solvent": "tip3p"}, "replica_exchange": {"temperatures_K": LADDER}}
    )
    assert water.pressure_bar is None and water.equilibration_pressure_bar == 1.0
    plan = equilibration(water, most_steps=10_000)
    assert {segment.stage: segment.pressure for segment in plan} == {
        "minimise": False,
        "heat": False,
        "restrained": True,
        "release": True,
        "equilibrate": True,
        "spread": False,
    }
    assert SETTINGS.equilibration_pressure_bar is None


def test_spreading_is_cut_into_commits_of_whole_exchanges():
    settings = SETTINGS.model_copy(update={"protocol": ProtocolSettings(equilibrate_ps=9.9)})
    spread = [segment for segment in equilibration(settings, most_steps=620) if segment.stage == "spread"]
    assert len(spread) == 5 and all(segment.n_steps % 50 == 0 and segment.n_steps <= 620 for segment in spread)
    assert sum(segment.n_steps for segment in spread) == 50 * 50


def test_more_replicas_make_commits_of_fewer_frames():
    alone = SETTINGS.model_copy(update={"replica_exchange": None, "save": SaveSettings(every_ps=10)})
    three = alone.model_copy(update={"replica_exchange": SETTINGS.replica_exchange})
    sizes = {"n_atoms": 300, "n_saved": 150, "platform": "CPU"}
    assert frames_per_commit(alone, **sizes) >= 3 * frames_per_commit(three, **sizes) > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"conditions": {"temperature_K": 310}}, r"starts at 300, and conditions.temperature_K is 310"),
        ({"replica_exchange": {"temperatures_K": LADDER, "exchange_every_ps": 0.25}}, r"0.25 ps, which is not a whole"),
        ({"replica_exchange": {"temperatures_K": LADDER, "exchange_every_ps": 0.3}}, r"steps of 4 fs|multiple"),
        ({"replica_exchange": {"temperatures_K": LADDER, "exchange_every_ps": 0.8}}, r"save.every_ps is 0.4 ps"),
        ({"save": {"every_ps": 0.4, "forces": True}}, r"save.forces is not possible"),
        ({"system": {"solvent": "tip3p"}, "conditions": {"pressure_bar": 1}}, r"constant volume"),
        ({"replica_exchange": {"temperatures_K": (300, 300)}}, r"must ascend"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(change, message):
    with pytest.raises(ValidationError, match=message):
        SimulationSettings.model_validate(SETTINGS.model_dump() | change)
