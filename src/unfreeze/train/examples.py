"""Examples: what a network sees of an entry of a corpus, with its targets; both are kept in the cache."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.store import Corpus, Entry
from unfreeze.model.features import FEATURES_VERSION
from unfreeze.train.feature_cache import Features, cache_key, load_features, read_arrays, write_arrays
from unfreeze.train.rearrangements import load_rearrangements
from unfreeze.train.recipe_data import DataSettings
from unfreeze.train.sources import ExampleSource
from unfreeze.train.targets import MotionTargets, b_factor_targets, has_b_factors, motion_targets

__all__ = ["Example", "load_example"]

_TARGETS_VERSION = 2
_TARGETS = ("log_rmsf", "time_ns", "temperature_K", "trajectory", "level", "implicit")


@dataclass(frozen=True, eq=False)
class Example:
    """A graph with targets of one kind.

    Attributes
    ----------
    source
        What it was made of.
    features
        The graph.
    motion
        Targets of an example of molecular dynamics.
    log_root_b : float32 [n_blocks]
        Targets of an example of B-factors: log √B.
    log_displacement : float32 [n_blocks]
        Targets of an example of rearrangements: log displacement between structures, nm.
    """

    source: ExampleSource
    features: Features
    motion: MotionTargets | None = None
    log_root_b: NDArray[np.float32] | None = None
    log_displacement: NDArray[np.float32] | None = None

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return self.features.n_blocks


def load_example(source: ExampleSource, settings: DataSettings, folder: Path) -> Example | None:
    """The example of an entry, from the cache as far as it is there; None where there is nothing to learn from.

    Parameters
    ----------
    source
        The entry.
    settings
        Bounds on what is used.
    folder
        The cache.

    Raises
    ------
    InputError
        If the entry cannot be read.
    """
    entry = _open(source.corpus).entry(source.entry)
    if source.kind == "b_factor" and not has_b_factors(entry):
        return None
    of_residues = _rearrangements(source.corpus, folder).get(source.entry) if source.kind == "rearrangement" else None
    if source.kind == "rearrangement" and of_residues is None:
        return None
    features = load_features(entry, folder)
    if not settings.fewest_blocks <= features.is_protein.sum() <= settings.most_blocks:
        return None
    if source.kind == "b_factor":
        target = _load_b_factors(entry, features, folder)
        return None if target is None else Example(source, features, log_root_b=target)
    if of_residues is not None:
        target = of_residues[entry.complex.residue_index[features.atoms]]
        target = np.where(features.is_protein, target, np.float32(np.nan))
        enough = np.isfinite(target).sum() >= settings.fewest_blocks
        return Example(source, features, log_displacement=target) if enough else None
    motion = _load_motion(entry, features, source.share, settings.fewest_frames, folder)
    return None if motion is None else Example(source, features, motion=motion)


def _load_motion(
    entry: Entry, features: Features, share: tuple[float, float], fewest_frames: int, folder: Path
) -> MotionTargets | None:
    records = [
        [record.name, record.time_step_ps, record.conditions.temperature_K, record.conditions.solvent]
        + [sha256 for shard in record.shards for _, sha256 in shard.columns.values()]
        for record in entry.manifest.trajectories
        if record.conditions.kind == "md" and record.is_complete
    ]
    topology = entry.manifest.topology["topology.npz"]
    key = cache_key("motion", _TARGETS_VERSION, FEATURES_VERSION, topology, records, share, fewest_frames)
    path = folder / key[:2] / f"{key}.npz"
    if found := read_arrays(path):
        return MotionTargets(**found) if len(found["level"]) else None
    targets = motion_targets(
        entry, features.atoms, features.is_protein, share=share, fewest_frames=fewest_frames
    )  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    nothing = np.empty(0)
    write_arrays(path, {name: nothing if targets is None else getattr(targets, name) for name in _TARGETS})
    return targets


def _load_b_factors(entry: Entry, features: Features, folder: Path) -> NDArray[np.float32] | None:
    key = cache_key("b_factor", _TARGETS_VERSION, FEATURES_VERSION, entry.manifest.topology["topology.npz"])
    path = folder / key[:2] / f"{key}.npz"
    if found := read_arrays(path):
        return found["log_root_b"] if len(found["log_root_b"]) else None
    target = b_factor_targets(entry, features.atoms, features.is_protein)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_arrays(path, {"log_root_b": np.empty(0, np.float32) if target is None else target})
    return target


@cache
def _rearrangements(corpus: str, folder: Path) -> dict[str, NDArray[np.float32]]:
    return load_rearrangements(_open(corpus), folder)


@cache
def _open(corpus: str) -> Corpus:
    return Corpus.open(corpus)
