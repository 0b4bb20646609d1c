"""A corpus of three complexes that move harmonically, half of each more than the model says, and a crystal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from unfreeze.corpus.labels import BFactorLabel
from unfreeze.corpus.schema import Conditions, Source, TrajectoryRecord
from unfreeze.corpus.split import make_split
from unfreeze.corpus.store import Corpus
from unfreeze.model.base_motion import BaseMotion
from unfreeze.structure.read import read_complex
from unfreeze.train.examples import Example
from unfreeze.train.feature_cache import cache_folder
from unfreeze.train.loading import load_examples
from unfreeze.train.recipe import Recipe
from unfreeze.train.recipe_data import DataSettings
from unfreeze.train.sources import find_sources

ROOT = Path(__file__).parents[2]
N_FRAMES = 80
TIME_STEP_PS = {"1KNE": 100.0, "3EQS": 50.0, "1KBH": None}


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNFREEZE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpora") / "small"
    made = Corpus.create(folder)
    for place, (name, time_step) in enumerate(TIME_STEP_PS.items()):
        molecule = read_complex(ROOT / "corpora" / "seed" / f"{name}.pdb")
        base = BaseMotion.of(molecule, n_draws=N_FRAMES)
        soft = np.where(np.arange(base.blocks.n_blocks) % 40 < 20, 1.6, 0.7)
        frames = molecule.coordinates_nm + (base.moves * soft[None, :, None])[:, base.blocks.atom_block]
        record = TrajectoryRecord(
            name="R1",
            conditions=Conditions(kind="md", force_field="harmonic", temperature_K=300.0 + 10.0 * place),
            source=Source(dataset=("one", "two", "two")[place], licence="CC0-1.0", citation="nobody"),
        )
        with made.new_entry(name, molecule) as entry, entry.begin_trajectory(record) as trajectory:
            trajectory.append(frames.astype(np.float32))
            trajectory.finish(time_step_ps=time_step)
    molecule = read_complex(ROOT / "examples" / "data" / "1hvr.cif")
    record = TrajectoryRecord(name="models", conditions=Conditions(kind="static"), source=Source(dataset="pdb"))
    with made.new_entry("1HVR", molecule) as entry, entry.begin_trajectory(record) as trajectory:
        trajectory.append(molecule.coordinates_nm[None].astype(np.float32))
        trajectory.finish()
        entry.set_labels([BFactorLabel(source="test", meaning="isotropic", mean_A2=20.0, spread_A2=5.0)])
    parts = {"train": ["1KNE", "1KBH", "1HVR"], "validation": ["3EQS"]}
    make_split(made, fractions={"train": 0.75, "validation": 0.25}, fixed=parts, name="parts").save(made)
    return folder


@pytest.fixture(scope="session")
def recipe(corpus: Path) -> Callable[..., Recipe]:
    """A small recipe with changes at its top."""

    def make(**changes: Any) -> Recipe:
        data = {
            "data": {"corpora": str(corpus), "split": "parts"},
            "model": {"width": 12, "layers": 1},
            "stages": [{"steps": 8, "learning_rate": 5e-3, "warm_up_steps": 2}],
            "batch_blocks": 260,
            "validate_every": 4,
            "checkpoint_every": 3,
            "devices": 1,
            "precision": "32-true",
        }
        return Recipe.model_validate(data | changes)

    return make


@pytest.fixture(scope="session")
def examples(corpus: Path) -> tuple[Example, ...]:
    settings = DataSettings(corpora=(str(corpus),))
    return load_examples(find_sources(settings).train, settings, cache_folder()).examples
