"""Examples: what a network sees of an entry of a corpus, with its targets; features are made once and kept on disk.

Features are mapped from the cache into memory, so that thousands of examples cost what is used of them, and several
processes share them. A file in the cache is named after all that it depends on and is written whole or not at all, so
that making features may be stopped at any time and goes on from there.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

from unfreeze.corpus.store import Corpus, Entry
from unfreeze.errors import InputError
from unfreeze.files.atomic import atomic_path
from unfreeze.model.base_motion import BaseMotion
from unfreeze.model.features import FEATURES_VERSION, block_graph
from unfreeze.train.recipe import DataSettings, Kind
from unfreeze.train.targets import MotionTargets, b_factor_targets, has_b_factors, motion_targets

__all__ = ["Example", "ExampleSource", "Features", "cache_folder", "load_example", "load_features"]

_TARGETS_VERSION = 1
_TARGETS = ("log_rmsf", "time_ns", "temperature_K", "trajectory", "level")


@dataclass(frozen=True, eq=False)
class Features:
    """A graph as it is kept: like :class:`unfreeze.model.features.BlockGraph`, smaller.

    Attributes
    ----------
    nodes : float32 [n_blocks, n_node_features]
    neighbours : int32 [n_blocks, n_neighbours]
    present : bool [n_blocks, n_neighbours]
    edges : float16 [n_blocks, n_neighbours, n_edge_features]
        Mapped from a file.
    base_rmsf_nm : float32 [n_blocks]
    is_protein : bool [n_blocks]
    atoms : int64 [n_blocks]
        The atom of every block.
    """

    nodes: NDArray[np.float32]
    neighbours: NDArray[np.int32]
    present: NDArray[np.bool_]
    edges: NDArray[np.float16]
    base_rmsf_nm: NDArray[np.float32]
    is_protein: NDArray[np.bool_]
    atoms: NDArray[np.int64]

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return len(self.nodes)


@dataclass(frozen=True)
class ExampleSource:
    """Which entry an example is made of, and how.

    Attributes
    ----------
    corpus
        Folder or URL.
    entry, kind
        Name of the entry, and what is learned from it.
    dataset, group
        The set that it came from, and the number of its group of alike sequences (``corpus:number``).
    share
        Part of the time of the trajectories.
    """

    corpus: str
    entry: str
    kind: Kind
    dataset: str = ""
    group: str = ""
    share: tuple[float, float] = (0.0, 1.0)


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
    """

    source: ExampleSource
    features: Features
    motion: MotionTargets | None = None
    log_root_b: NDArray[np.float32] | None = None

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return self.features.n_blocks


def cache_folder() -> Path:
    """Folder of the features: below ``UNFREEZE_CACHE``, else the platform's cache folder."""
    chosen = os.environ.get("UNFREEZE_CACHE") or platformdirs.user_cache_dir("unfreeze")
    return Path(chosen).expanduser() / "features"


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
    features = load_features(entry, folder)
    if not settings.fewest_blocks <= features.is_protein.sum() <= settings.most_blocks:
        return None
    if source.kind == "b_factor":
        target = b_factor_targets(entry, features.atoms, features.is_protein)
        return None if target is None else Example(source, features, log_root_b=target)
    motion = _load_motion(entry, features, source.share, settings.fewest_frames, folder)
    return None if motion is None else Example(source, features, motion=motion)


def load_features(entry: Entry, folder: Path) -> Features:
    """Features of the reference of an entry.

    Parameters
    ----------
    entry
        Of a corpus.
    folder
        The cache.
    """
    key = _key("features", FEATURES_VERSION, entry.manifest.topology["topology.npz"])
    place = folder / key[:2] / key
    small, edges = place.with_suffix(".npz"), place.with_suffix(".edges.npy")
    found = _read_npz(small)
    mapped = _map(edges) if found else None
    if not found or mapped is None or mapped.shape[:2] != found["neighbours"].shape:
        base = BaseMotion.of(entry.complex)
        graph = block_graph(base)
        arrays = {
            "nodes": graph.nodes,
            "neighbours": graph.neighbours.astype(np.int32),
            "present": graph.present.astype(bool),
            "base_rmsf_nm": graph.base_rmsf_nm,
            "is_protein": graph.is_protein,
            "atoms": base.atoms,
        }
        values = graph.edges.astype(np.float16)
        if not (np.isfinite(values).all() and all(np.isfinite(array).all() for array in arrays.values())):
            raise InputError(f"{entry.identifier}: has features that are not finite; leave it out (data.exclude)")
        place.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(edges) as part:
            np.save(part, values, allow_pickle=False)
        _write_npz(small, arrays)
        found, mapped = arrays, _map(edges)
        if mapped is None:
            mapped = values
    return Features(edges=mapped, **found)


def _load_motion(
    entry: Entry, features: Features, share: tuple[float, float], fewest_frames: int, folder: Path
) -> MotionTargets | None:
    records = [
        [record.name, record.time_step_ps, record.conditions.temperature_K]
        + [sha256 for shard in record.shards for _, sha256 in shard.columns.values()]
        for record in entry.manifest.trajectories
        if record.conditions.kind == "md" and record.is_complete
    ]
    topology = entry.manifest.topology["topology.npz"]
    key = _key("motion", _TARGETS_VERSION, FEATURES_VERSION, topology, records, share, fewest_frames)
    path = folder / key[:2] / f"{key}.npz"
    if found := _read_npz(path):
        return MotionTargets(**found) if len(found["level"]) else None
    targets = motion_targets(
        entry, features.atoms, features.is_protein, share=share, fewest_frames=fewest_frames
    )  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    nothing = np.empty(0)
    _write_npz(path, {name: nothing if targets is None else getattr(targets, name) for name in _TARGETS})
    return targets


@cache
def _open(corpus: str) -> Corpus:
    return Corpus.open(corpus)


def _key(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, default=list).encode()).hexdigest()[:40]


def _write_npz(path: Path, arrays: Mapping[str, NDArray]) -> None:
    with atomic_path(path) as part, open(part, "wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)


def _read_npz(path: Path) -> dict[str, NDArray]:
    """Arrays of a file; empty if there is none or it is not whole."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, KeyError):
        return {}
    except Exception as error:  # zipfile has errors of its own for what is damaged
        if type(error).__module__ not in ("zipfile", "zlib"):
            raise
        return {}


def _map(path: Path) -> NDArray | None:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
