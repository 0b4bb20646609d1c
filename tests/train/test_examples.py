"""Examples: targets against the trajectories they come from, and the cache of features."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from unfreeze.corpus.store import Corpus
from unfreeze.errors import InputError
from unfreeze.structure.geometry import superpose_on_mean
from unfreeze.train import feature_cache
from unfreeze.train.examples import Example, load_example
from unfreeze.train.loading import load_examples
from unfreeze.train.recipe_data import DataSettings
from unfreeze.train.sources import ExampleSource, find_sources


def test_windows_are_of_the_trajectory(corpus: Path, examples: tuple[Example, ...]) -> None:
    example = next(one for one in examples if one.source.entry == "1KNE")
    motion, features = example.motion, example.features
    assert motion is not None
    assert motion.level.tolist() == [0, 1, 1, 2, 2, 2, 2, *[3] * 8]
    assert motion.time_ns.tolist() == pytest.approx([8.0, 4.0, 4.0, 2.0, 2.0, 2.0, 2.0, *[1.0] * 8])
    assert motion.temperature_K.tolist() == [300.0] * 15
    assert motion.weights.sum() == pytest.approx(1.0)
    assert motion.weights[0] == pytest.approx(motion.weights[1:3].sum())
    frames = Corpus.open(corpus).entry("1KNE").trajectory("R1").frames(slice(40, 80))
    moved = superpose_on_mean(frames[:, features.atoms[features.is_protein]])
    seen = np.sqrt(((moved - moved.mean(axis=0)) ** 2).sum(axis=2).mean(axis=0))
    assert np.exp(motion.log_rmsf[2][features.is_protein]) == pytest.approx(seen, rel=1e-4)
    assert np.isnan(motion.log_rmsf[:, ~features.is_protein]).all()


def test_without_a_clock_there_is_no_time(examples: tuple[Example, ...]) -> None:
    example = next(one for one in examples if one.source.entry == "1KBH")
    assert example.motion is not None
    assert np.isnan(example.motion.time_ns).all()


def test_b_factors(corpus: Path, examples: tuple[Example, ...]) -> None:
    example = next(one for one in examples if one.source.kind == "b_factor")
    target, features = example.log_root_b, example.features
    assert target is not None
    values = Corpus.open(corpus).entry("1HVR").complex.atom_b_factor[features.atoms]
    known = np.isfinite(target)
    assert (known <= features.is_protein).all()
    assert np.exp(2.0 * target[known]) == pytest.approx(values[known], rel=1e-5)


def test_later_halves_are_held_out(corpus: Path) -> None:
    settings = DataSettings(corpora=(str(corpus),), hold_out_later=0.5)
    sources = find_sources(settings)
    assert {(one.entry, one.share) for one in sources.validation} == {
        (name, (0.5, 1.0)) for name in ("1KNE", "3EQS", "1KBH")
    }
    assert {one.share for one in sources.train} == {(0.0, 0.5)}
    of_1kne = next(one for one in sources.validation if one.entry == "1KNE")
    later = load_example(of_1kne, settings, feature_cache.cache_folder())
    assert later is not None
    assert later.motion is not None
    assert later.motion.time_ns[0] == pytest.approx(4.0)


def test_parts_of_a_split(corpus: Path) -> None:
    sources = find_sources(DataSettings(corpora=(str(corpus),), split="parts", exclude=("1KBH",)))
    assert {one.entry for one in sources.train} == {"1HVR", "1KNE"}
    assert [one.entry for one in sources.validation] == ["3EQS"]
    for wrong, words in (
        ({"split": "none"}, "none"),
        ({"split": "parts", "train": ("trian",)}, "trian"),
        ({"split": "parts", "validation": ("train",)}, "trained on, too"),
        ({"exclude": ("9XYZ",)}, "9XYZ"),
        ({"corpora": ()}, "no corpus"),
    ):
        with pytest.raises(InputError, match=words):
            find_sources(DataSettings.model_validate({"corpora": (str(corpus),)} | wrong))


def test_features_are_made_once(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = DataSettings(corpora=(str(corpus),))
    source = ExampleSource(str(corpus), "1KNE", "md")
    first = load_example(source, settings, tmp_path)
    made = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    monkeypatch.setattr(feature_cache, "BaseMotion", None)
    again = load_example(source, settings, tmp_path)
    assert first is not None
    assert again is not None
    assert isinstance(again.features.edges, np.memmap)
    assert np.array_equal(first.features.edges, again.features.edges)
    assert first.motion is not None
    assert again.motion is not None
    assert np.array_equal(first.motion.log_rmsf, again.motion.log_rmsf, equal_nan=True)
    monkeypatch.undo()
    for path in made:  # cut short, or not what they should be: made again
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        mended = load_example(source, settings, tmp_path)
        assert mended is not None
        assert path.read_bytes() == whole or path.suffix == ".npz"
        assert np.array_equal(first.features.nodes, mended.features.nodes)


def test_pickles_are_never_read(tmp_path: Path) -> None:
    path = tmp_path / "evil.npz"
    np.savez(path, allow_pickle=True, nodes=np.array([print], dtype=object))
    assert feature_cache.read_arrays(path) == {}
    path.write_bytes(pickle.dumps(print))
    assert feature_cache.read_arrays(path) == {}


def test_several_processes_fill_the_cache(corpus: Path, tmp_path: Path) -> None:
    settings = DataSettings(corpora=(str(corpus),), most_blocks=120)
    told: list[tuple[int, int, int]] = []
    sources = find_sources(settings).train
    found = load_examples(sources, settings, tmp_path, processes=2, progress=lambda *numbers: told.append(numbers))
    assert {one.source.entry for one in found.examples} == {"1KNE", "3EQS", "1KBH"}
    assert told[-1] == (len(sources), len(sources), 0)
    with pytest.raises(InputError, match="nothing can be learned"):
        load_examples(sources, DataSettings(fewest_frames=1000, most_blocks=120), tmp_path)
