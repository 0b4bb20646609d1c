"""Runs of campaigns come into a corpus: what passed, on its places in time, and only what is new when given again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unfreeze.corpus.store import Corpus
from unfreeze.errors import InputError
from unfreeze.simulate.delivery import deliver
from unfreeze.simulate.engine.run import run_simulation
from unfreeze.simulate.engine.run_store import RunStore
from unfreeze.simulate.settings import SimulationSettings
from unfreeze.simulate.system import build_system
from unfreeze.structure.prepare.preparation import prepare_sequence
from unfreeze.structure.prepare.settings import PreparationSettings


def simulate(
    folder: Path, length_ps: float, *, solvent: str = "obc2", forces: bool = True, seed: int = 1, name: str = "gag/1"
) -> RunStore:
    settings = SimulationSettings.model_validate(
        {
            "system": {"solvent": solvent},
            "protocol": {"heat_ps": 0.4, "restrained_ps": 0.1, "release_ps": 0.3, "equilibrate_ps": 0.4,
                         "minimise_iterations": 20},
            "save": {"every_ps": 0.2, "commit_every_ps": 1.0, "forces": forces, "atoms": "solute"},
        }
    )  # fmt: skip
    molecular = build_system(
        prepare_sequence("GAG", PreparationSettings()).complex, settings.system, temperature_K=300.0, seed=1
    )
    run_simulation(folder, molecular, settings, seed=seed, length_ps=length_ps, platform="CPU", threads=1, name=name)
    return RunStore.open(folder, read_only=True)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    return simulate(tmp_path_factory.mktemp("delivery") / "run", 4.0)


def test_frames_forces_and_conditions_arrive(tmp_path: Path, run: RunStore) -> None:
    corpus = Corpus.create(tmp_path / "corpus")
    delivery = deliver(corpus, [run.directory], licence="CC0-1.0")
    assert sum(delivery.added.values()) == run.n_frames == 20
    entry = corpus.entry("gag")
    (name,) = entry.trajectories
    view = entry.trajectory(name)
    heavy = np.flatnonzero([not str(one).startswith("H") for one in _names(run)])
    assert view.n_atoms == len(heavy) < run.record["n_saved"]
    np.testing.assert_allclose(view.frames(slice(None), centred=False), run.read("coordinates")[:, heavy], atol=6e-4)
    forces = view.column("forces")
    assert forces is not None
    np.testing.assert_array_equal(forces(slice(None)), run.read("forces")[:, heavy])
    energies = view.column("energies")
    assert energies is not None
    np.testing.assert_array_equal(energies(slice(None))[:, 0], run.read("observables")[:, 1])
    assert view.times_ps is not None
    np.testing.assert_allclose(view.times_ps, run.read("observables")[:, 0])
    conditions = view.record.conditions
    assert (conditions.force_field, conditions.solvent, conditions.temperature_K) == ("amber14", "implicit:obc2", 300)
    assert view.record.source.licence == "CC0-1.0"


def test_given_again_it_adds_what_is_new(tmp_path: Path) -> None:
    corpus = Corpus.create(tmp_path / "corpus")
    folder = tmp_path / "run"
    simulate(folder, 1.0)
    deliver(corpus, [folder])
    again = deliver(corpus, [folder])
    assert again.added == {} and len(again.unchanged) == 1
    longer = simulate(folder, 2.0)
    more = deliver(corpus, [folder])
    assert list(more.added.values()) == [5]
    view = Corpus.open(corpus.path).entry("gag").trajectory(next(iter(more.added)).partition("/")[2])
    np.testing.assert_allclose(view.times_ps, longer.read("observables")[:, 0])
    other = simulate(tmp_path / "other", 1.0, seed=2, name="gag/2")
    deliver(corpus, [other.directory])
    assert len(corpus) == 1 and len(corpus.entry("gag").trajectories) == 2


def test_other_columns_are_another_trajectory(tmp_path: Path, run: RunStore) -> None:
    corpus = Corpus.create(tmp_path / "corpus")
    in_vacuum = simulate(tmp_path / "vacuum", 1.0, solvent="vacuum", forces=False)
    deliver(corpus, [run.directory, in_vacuum.directory])
    solvents = {one.conditions.solvent for one in corpus.index.of("gag").trajectories}
    assert solvents == {"implicit:obc2", "vacuum"}


def test_places_of_frames_that_did_not_pass_stay_empty(
    tmp_path: Path, run: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = np.ones(run.n_frames, dtype=bool)
    passed[[0, 7, 8, 13]] = False
    monkeypatch.setattr(RunStore, "passed_frames", lambda self: passed)
    corpus = Corpus.create(tmp_path / "corpus")
    delivery = deliver(corpus, [run.directory])
    assert delivery.n_quarantined == 4
    view = corpus.entry("gag").trajectory(next(iter(delivery.added)).partition("/")[2])
    assert view.n_frames == 16
    assert view.times_ps is not None
    np.testing.assert_allclose(view.times_ps, run.read("observables")[passed, 0])
    energies = view.column("energies")
    assert energies is not None
    np.testing.assert_array_equal(energies(slice(None))[:, 0], run.read("observables")[passed, 1])


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="neither the folder of a campaign"):
        deliver(Corpus.create(tmp_path / "corpus"), [tmp_path])


def _names(run: RunStore) -> list[Any]:
    from unfreeze.structure.read import read_complex

    path = next(one for one in run.directory.glob("topology.*"))
    return list(read_complex(path, keep_hydrogens=True).atom_name)
