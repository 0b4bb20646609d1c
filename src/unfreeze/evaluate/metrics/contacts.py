"""Weak and transient contacts: which contacts of the structure break, and which new ones form.

Two residues touch when their representative atoms are closer than 0.8 nm. Only pairs that ever touch, or do in the
structure, are kept; contacts between chains are counted like others. Definitions: Jing, Berger & Jaakkola 2024,
arXiv 2402.04845.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial.distance import pdist

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import Measurement, Metric, NotMeasurableError
from unfreeze.evaluate.metrics.pair_kernels import FRAMES_A_STRETCH, add_contacts, frames_innermost
from unfreeze.evaluate.metrics.selection import representatives
from unfreeze.evaluate.metrics.similarity import jaccard, where_drawn
from unfreeze.evaluate.metrics.walking import block_weights, stretches
from unfreeze.evaluate.samples import BlockMeans

__all__ = [
    "CUTOFF_NM",
    "OFTEN",
    "SELDOM",
    "TRANSIENT_CONTACTS_JACCARD",
    "WEAK_CONTACTS_JACCARD",
    "contact_shares",
    "contacts_of_structure",
    "transient_contacts",
    "weak_contacts",
]

CUTOFF_NM = 0.8
"""Distance below which two representative atoms touch, nm."""
OFTEN = 0.9
"""A contact of the structure with a lower probability is weak."""
SELDOM = 0.1
"""A contact that the structure lacks is transient if its probability is higher."""
_ROUNDING = 1e-9  # 225 of 250 frames are 0.9, whatever the order of the sum


def contact_shares(side: Side) -> csr_array:
    """Weight of the frames of every block in which two representative atoms touch.

    Returns
    -------
    csr_array [n_blocks, n (n − 1) / 2]
        Pairs of the strict upper triangle, row by row; most never touch.
    """
    atoms = side.molecule.representative_atoms()
    n_blocks = len(block_weights(side))
    n_pairs = len(atoms) * (len(atoms) - 1) // 2
    shares = np.zeros(n_pairs)
    columns: list[NDArray[np.int64]] = [np.empty(0, dtype=np.int64)] * n_blocks
    values: list[NDArray[np.float64]] = [np.empty(0)] * n_blocks
    current = 0

    def keep() -> None:
        columns[current] = np.flatnonzero(shares)
        values[current] = shares[columns[current]]

    for block, weights, frames in stretches(side, atoms, FRAMES_A_STRETCH):
        if block != current:
            keep()
            shares[:] = 0.0
            current = block
        add_contacts(frames_innermost(frames), np.array(weights), CUTOFF_NM, shares)
    keep()
    starts = np.cumsum([0, *(len(found) for found in columns)])
    return csr_array((np.concatenate(values), np.concatenate(columns), starts), shape=(n_blocks, n_pairs))


def contacts_of_structure(side: Side) -> NDArray[np.bool_]:
    """Whether each pair touches in the reference structure: [n (n − 1) / 2]."""
    return pdist(side.molecule.coordinates_nm[side.molecule.representative_atoms()]) < CUTOFF_NM


def weak_contacts(probability: NDArray[np.floating], in_structure: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """In the structure, and present with a probability below `OFTEN`."""
    return in_structure & (probability < OFTEN - _ROUNDING)


def transient_contacts(probability: NDArray[np.floating], in_structure: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Not in the structure, and present with a probability above `SELDOM`."""
    return ~in_structure & (probability > SELDOM + _ROUNDING)


_Kind = Callable[[NDArray[np.floating], NDArray[np.bool_]], NDArray[np.bool_]]


def _agreement(kind: _Kind, name: str) -> Callable[[Side, Side], Measurement]:
    def measure(ensemble: Side, reference: Side) -> Measurement:
        representatives(reference)
        in_structure = reference.once(contacts_of_structure)
        found = [side.once(contact_shares) for side in (ensemble, reference)]
        touching = [np.flatnonzero(in_structure), *(shares.indices.astype(np.int64) for shares in found)]
        pairs = np.unique(np.concatenate(touching))
        native = in_structure[pairs]
        samples = [
            BlockMeans(block_weights(side), (_columns(shares, pairs),))
            for side, shares in ((ensemble, found[0]), (reference, found[1]))
        ]
        if not any(kind(sample.at()[0], native).any() for sample in samples):
            raise NotMeasurableError(f"neither side has {name} contacts")

        def overlap(one: tuple[NDArray[np.floating]], other: tuple[NDArray[np.floating]]) -> float:
            return jaccard(kind(one[0], native), kind(other[0], native))

        return Measurement(samples[0], samples[1], where_drawn(overlap))

    return measure


def _columns(shares: csr_array, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    """Some columns of a sparse matrix, as a dense one; `pairs` is sorted and has all that are not empty."""
    n_blocks = len(shares.indptr) - 1
    dense = np.zeros((n_blocks, len(pairs)))
    rows = np.repeat(np.arange(n_blocks), np.diff(shares.indptr))
    dense[rows, np.searchsorted(pairs, shares.indices)] = shares.data
    return dense


WEAK_CONTACTS_JACCARD = Metric(
    "weak_contacts_jaccard", "Weak contacts, Jaccard", _agreement(weak_contacts, "weak"), perfect=1.0,
    bounds=(0.0, 1.0), group="contacts",
)  # fmt: skip
TRANSIENT_CONTACTS_JACCARD = Metric(
    "transient_contacts_jaccard", "Transient contacts, Jaccard", _agreement(transient_contacts, "transient"),
    perfect=1.0, bounds=(0.0, 1.0), group="contacts",
)  # fmt: skip
