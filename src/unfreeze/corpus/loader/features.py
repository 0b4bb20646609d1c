"""Arrays of a complex that a model needs beside those of the loader: made once, kept, and cut with every crop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.loader.entry_arrays import EntryArrays
from unfreeze.structure.complex import Complex

__all__ = ["Features", "checked_features", "cut_features"]

Features: TypeAlias = Callable[[Complex], Mapping[str, NDArray[Any]]]
"""Arrays of a complex that a model needs, by name. The beginning of the name says what they are of.

``atom_…`` [n_atoms, ...] and ``residue_…`` [n_residues, ...] are cut with a crop; ``atom_pairs_…`` and
``residue_pairs_…`` [n, 2] hold rows, of which pairs stay that are in the crop, renumbered; ``entry_…`` stays as it is.
"""

_PREFIXES = ("atom_pairs_", "residue_pairs_", "atom_", "residue_", "entry_")


def checked_features(made: Mapping[str, NDArray[Any]], molecule: Complex, identifier: str) -> dict[str, NDArray[Any]]:
    """Features as plain arrays.

    Raises
    ------
    ValueError
        If one has not the name or the length that it should have.
    """
    features = {}
    for name, value in made.items():
        value = np.asarray(value)
        prefix = next((prefix for prefix in _PREFIXES if name.startswith(prefix)), None)
        if prefix is None:
            raise ValueError(f"features: {name!r} begins with none of {', '.join(_PREFIXES)}")
        length = {"atom_": molecule.n_atoms, "residue_": molecule.n_residues}.get(prefix)
        if length is not None and (value.ndim == 0 or len(value) != length):
            raise ValueError(
                f"features: {name!r} of {identifier} has the shape {value.shape}, expected [{length}, ...]"
            )
        if "_pairs_" in prefix and (value.ndim != 2 or value.shape[1] != 2 or value.dtype.kind not in "iu"):
            raise ValueError(
                f"features: {name!r} of {identifier} is {value.dtype} {value.shape}, expected integers [n, 2]"
            )
        features[name] = value
    return features


def cut_features(
    features: Mapping[str, NDArray[Any]],
    arrays: EntryArrays,
    residues: NDArray[np.int64],
    atoms: NDArray[np.int64],
) -> dict[str, NDArray[Any]]:
    """What of the features belongs to some residues and their atoms, renumbered."""
    from unfreeze.corpus.loader.sample_kernels import cut_pairs

    cut = {}
    for name, value in features.items():
        if name.startswith("atom_pairs_"):
            cut[name] = cut_pairs(value.astype(np.int64), atoms, arrays.n_atoms)[0]
        elif name.startswith("residue_pairs_"):
            cut[name] = cut_pairs(value.astype(np.int64), residues, arrays.n_residues)[0]
        elif name.startswith("atom_"):
            cut[name] = value[atoms]
        elif name.startswith("residue_"):
            cut[name] = value[residues]
        else:
            cut[name] = value
    return cut
