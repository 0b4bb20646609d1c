"""What a crop of an entry holds, or a whole entry: everything of a sample but its frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.loader.crops import crop_core
from unfreeze.corpus.loader.entry_arrays import EntryArrays
from unfreeze.corpus.loader.features import cut_features

__all__ = ["FEWEST_ANCHORS", "Cut", "cut_entry"]

FEWEST_ANCHORS = 3
"""Points by which frames can be turned on a reference."""


@dataclass(frozen=True, eq=False)
class Cut:
    """An entry or a crop of it.

    Attributes
    ----------
    anchors : int64 [n]
        Atoms of the sample by which frames are centred and turned.
    residues, atoms, core, atom_residue, residue_atom, residue_chain, links, reference_nm, features
        As in :class:`~unfreeze.corpus.loader.samples.Sample`.
    """

    residues: NDArray[np.int64]
    atoms: NDArray[np.int64]
    core: NDArray[np.bool_]
    atom_residue: NDArray[np.int64]
    residue_atom: NDArray[np.int64]
    residue_chain: NDArray[np.int64]
    anchors: NDArray[np.int64]
    links: NDArray[np.int64]
    reference_nm: NDArray[np.float32]
    features: Mapping[str, NDArray[Any]]


def cut_entry(arrays: EntryArrays, features: Mapping[str, NDArray[Any]], residues: NDArray[np.int64]) -> Cut:
    """Some residues of an entry, given by their rows in rising order, and all that belongs to them."""
    from unfreeze.corpus.loader.sample_kernels import centred, cut_pairs, expand_residues

    atoms, atom_residue, residue_atom, residue_chain = expand_residues(
        residues, arrays.residue_start, arrays.residue_atom, arrays.residue_chain
    )
    anchors = residue_atom[residue_atom >= 0]
    if len(anchors) < FEWEST_ANCHORS:
        anchors = np.arange(len(atoms))
    return Cut(
        residues=residues,
        atoms=atoms,
        core=crop_core(arrays, residues),
        atom_residue=atom_residue,
        residue_atom=residue_atom,
        residue_chain=residue_chain,
        anchors=anchors,
        links=cut_pairs(arrays.links, atoms, arrays.n_atoms)[0],
        reference_nm=centred(arrays.reference_nm[None], atoms, anchors)[0],
        features=cut_features(features, arrays, residues, atoms) if features else {},
    )
