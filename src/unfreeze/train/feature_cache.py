"""Features of entries, made once and kept on disk, and the small files beside them.

Edges are mapped from the cache into memory, so that thousands of examples cost what is used of them, and several
processes share them. A file is named after all that it depends on and is written whole or not at all, so that making
features may be stopped at any time and goes on from there.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

from unfreeze.corpus.store import Entry
from unfreeze.errors import InputError
from unfreeze.files.atomic import atomic_path
from unfreeze.model.base_motion import BaseMotion
from unfreeze.model.features import FEATURES_VERSION, block_graph

__all__ = ["Features", "cache_folder", "cache_key", "load_features", "read_arrays", "write_arrays"]


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


def cache_folder() -> Path:
    """Folder of the features: below ``UNFREEZE_CACHE``, else the platform's cache folder."""
    chosen = os.environ.get("UNFREEZE_CACHE") or platformdirs.user_cache_dir("unfreeze")
    return Path(chosen).expanduser() / "features"


def load_features(entry: Entry, folder: Path) -> Features:
    """Features of the reference of an entry.

    Parameters
    ----------
    entry
        Of a corpus.
    folder
        The cache.
    """
    key = cache_key("features", FEATURES_VERSION, entry.manifest.topology["topology.npz"])
    place = folder / key[:2] / key
    small, edges = place.with_suffix(".npz"), place.with_suffix(".edges.npy")
    found = read_arrays(small)
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
        write_arrays(small, arrays)
        found, mapped = arrays, _map(edges)
        if mapped is None:
            mapped = values
    return Features(edges=mapped, **found)


def cache_key(*parts: object) -> str:
    """A name that stands for all of its parts."""
    return hashlib.sha256(json.dumps(parts, default=list).encode()).hexdigest()[:40]


def write_arrays(path: Path, arrays: Mapping[str, NDArray]) -> None:
    """Write an npz file, whole or not at all."""
    with atomic_path(path) as part, open(part, "wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)


def read_arrays(path: Path) -> dict[str, NDArray]:
    """Arrays of a file; empty if there is none or it is not whole."""
    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
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
