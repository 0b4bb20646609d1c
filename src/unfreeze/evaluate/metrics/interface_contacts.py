"""Contacts between chains: how often each holds, and what share of the native ones every frame has.

Two residues of different chains are in contact when any of their heavy atoms are less than 0.5 nm apart; for models
without side chains there is a second, coarser definition, Cα (or P) atoms less than 1.0 nm apart. A contact of the
reference structure is *persistent* when more than 90 % of the frames have it, *weak* from 10 to 90 %, *lost* below
10 %; one that the reference structure lacks and more than 10 % of the frames have is *formed*. All chains are pooled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import Measurement, Metric, NotMeasurableError
from unfreeze.evaluate.metrics.interface_distances import SortedWasserstein
from unfreeze.evaluate.metrics.interface_residues import (
    CONTACT_NM,
    contacts_between,
    interfaces_of,
    polymer_atoms,
    require_side_chains,
)
from unfreeze.evaluate.metrics.similarity import jaccard
from unfreeze.evaluate.metrics.walking import block_weights, stretches
from unfreeze.evaluate.samples import BlockMeans, FrameValues

__all__ = [
    "CA_CONTACT_NM",
    "FNAT_MEAN",
    "FNAT_W1",
    "INTERFACE_CA_CONTACT_MAE",
    "INTERFACE_CONTACT_MAE",
    "INTERFACE_FORMED_JACCARD",
    "INTERFACE_LOST_JACCARD",
    "INTERFACE_PERSISTENT_JACCARD",
    "INTERFACE_WEAK_JACCARD",
    "LOST",
    "PERSISTENT",
    "ContactRecord",
    "compared_contacts",
    "contact_probabilities",
    "fraction_native",
    "record_contacts",
]

CA_CONTACT_NM = 1.0
PERSISTENT, LOST = 0.9, 0.1
_FRAMES_A_STEP = 200  # residues sweep larger boxes in more frames, and more pairs of them could meet
_ROUNDING = 1e-9  # 9 frames of 10 are 90 %, whatever the sum of nine tenths


@dataclass(frozen=True, eq=False)
class ContactRecord:
    """Contacts across chains that any frame has, and the native ones of every frame.

    Attributes
    ----------
    codes : int64 [n_seen]
        Residue pairs as first · n_residues + second (rows of the residue table, first chain first), sorted.
    weight : float64 [n_blocks]
        Sum of the frame weights of every block.
    sums : float64 [n_blocks, n_seen]
        Sum of the weights of the frames that have the contact.
    native_held : float64 [n_frames, n_groups]
        Share of the native contacts of every group (interface) that the frame has.
    """

    codes: NDArray[np.int64]
    weight: NDArray[np.float64]
    sums: NDArray[np.float64]
    native_held: NDArray[np.float64]

    def on(self, codes: NDArray[np.int64]) -> BlockMeans:
        """Block sums of other residue pairs, [n_codes] sorted; zero for those that no frame has."""
        spread = np.zeros((len(self.weight), len(codes)))
        known = np.isin(codes, self.codes)
        spread[:, known] = self.sums[:, np.searchsorted(self.codes, codes[known])]
        return BlockMeans(self.weight, (spread,))


def record_contacts(
    side: Side, atoms: NDArray[np.int64], native: NDArray[np.int64], group: NDArray[np.int64], cutoff_nm: float
) -> ContactRecord:
    """Find the contacts across chains in every frame.

    Parameters
    ----------
    side
        The frames.
    atoms
        [n] atoms that make contacts, in order.
    native
        [n_native] codes of native contacts, sorted.
    group
        [n_native] group of each, 0 … n_groups − 1 with none empty.
    cutoff_nm
        Distance below which two atoms, and so their residues, are in contact, nm.
    """
    from unfreeze.evaluate.kernels.residue_contacts import pairs_in_contact

    molecule = side.molecule
    residues, first_atom = np.unique(molecule.residue_index[atoms], return_index=True)
    start = np.append(first_atom, len(atoms)).astype(np.int64)
    chain = molecule.chain_index[residues]
    weight = block_weights(side)
    n_native = np.bincount(group)
    member = np.eye(len(n_native))[group]
    held = np.zeros((side.n_frames, len(n_native)))
    seen: list[NDArray[np.int64]] = []
    counts: list[tuple[int, NDArray[np.float64]]] = []
    begin = 0
    for block, weights, frames in stretches(side, atoms, _FRAMES_A_STEP):
        pairs = _possible_pairs(frames, start, chain, cutoff_nm)
        present = pairs_in_contact(frames, start, pairs, cutoff_nm)
        touched = np.flatnonzero(present.any(axis=0))
        codes = residues[pairs[touched, 0]] * molecule.n_residues + residues[pairs[touched, 1]]
        seen.append(codes)
        counts.append((block, weights @ present[:, touched]))
        is_native = np.isin(codes, native)
        groups = member[np.searchsorted(native, codes[is_native])]
        held[begin : begin + len(frames)] = present[:, touched[is_native]] @ groups
        begin += len(frames)
    codes = np.unique(np.concatenate(seen))
    sums = np.zeros((len(weight), len(codes)))
    for (block, count), found in zip(counts, seen, strict=True):
        sums[block, np.searchsorted(codes, found)] += count
    return ContactRecord(codes, weight, sums, held / n_native)


def contact_probabilities(side: Side) -> ContactRecord:
    """Contacts of heavy atoms (< 0.5 nm) across chains; use through ``side.once``."""
    return record_contacts(side, polymer_atoms(side.molecule), *_native_codes(side), CONTACT_NM)


def fraction_native(side: Side) -> FrameValues:
    """Share of the reference structure's contacts across all interfaces that each frame has: [n_frames]."""
    n_native = np.bincount(interfaces_of(side).interface_of_native)
    held = side.once(contact_probabilities).native_held @ (n_native / n_native.sum())
    return FrameValues(held, side.weights, side.block)


def compared_contacts(
    ensemble: NDArray[np.floating], reference: NDArray[np.floating], native: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Contacts over which probabilities are compared: native ones and those that either has in over 10 %: [n]."""
    return native | (np.maximum(ensemble, reference) > LOST + _ROUNDING)


def _possible_pairs(
    frames: NDArray[np.float32], start: NDArray[np.int64], chain: NDArray[np.int64], cutoff_nm: float
) -> NDArray[np.int64]:
    """Residue pairs of different chains whose boxes over all these frames come within the cut-off: [n, 2]."""
    low = np.minimum.reduceat(frames.min(axis=0), start[:-1], axis=0) - np.float32(cutoff_nm)
    high = np.maximum.reduceat(frames.max(axis=0), start[:-1], axis=0)
    found = [np.empty((0, 2), dtype=np.int64)]
    chains = np.unique(chain)
    for at, first in enumerate(chains):
        ours = np.flatnonzero(chain == first)
        theirs = np.flatnonzero(np.isin(chain, chains[at + 1 :]))
        if not len(theirs):
            continue
        close = (low[theirs] <= high[ours].max(axis=0)).all(axis=1) & (
            low[ours].min(axis=0) <= high[theirs]
        ).all(axis=1)  # fmt: skip
        theirs = theirs[close]
        meet = np.ones((len(ours), len(theirs)), dtype=bool)
        for axis in range(3):
            meet &= low[ours, None, axis] <= high[None, theirs, axis]
            meet &= low[None, theirs, axis] <= high[ours, None, axis]
        a, b = np.nonzero(meet)
        found.append(np.stack([ours[a], theirs[b]], axis=1))
    return np.concatenate(found)


def _native_codes(side: Side) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Codes of the native contacts, sorted, and the interface of each."""
    interfaces = interfaces_of(side)
    codes = interfaces.native[:, 0] * side.molecule.n_residues + interfaces.native[:, 1]
    order = np.argsort(codes)
    return codes[order], interfaces.interface_of_native[order]


def _alpha_native(side: Side) -> NDArray[np.int64]:
    """Codes of residues of different chains with representative atoms less than 1.0 nm apart, sorted."""
    molecule = side.molecule
    atoms = molecule.representative_atoms()
    chain = molecule.atom_chain_index[atoms]
    codes = [np.empty(0, dtype=np.int64)]
    chains = np.unique(chain)
    for at, first in enumerate(chains[:-1]):
        pairs = contacts_between(molecule, atoms[chain == first], atoms[np.isin(chain, chains[at + 1 :])],
                                 CA_CONTACT_NM)  # fmt: skip
        codes.append(pairs[:, 0] * molecule.n_residues + pairs[:, 1])
    return np.unique(np.concatenate(codes))


def _alpha_contacts(side: Side) -> ContactRecord:
    native = side.once(_alpha_native)
    group = np.zeros(len(native), dtype=np.int64)
    return record_contacts(side, side.molecule.representative_atoms(), native, group, CA_CONTACT_NM)


def _paired(ensemble: Side, reference: Side) -> tuple[BlockMeans, BlockMeans, NDArray[np.bool_]]:
    """Both sides' contacts on the same residue pairs, and which of these are native."""
    native, _ = _native_codes(reference)
    require_side_chains(reference.molecule)
    return _on_union(ensemble.once(contact_probabilities), reference.once(contact_probabilities), native)


def _on_union(
    ensemble: ContactRecord, reference: ContactRecord, native: NDArray[np.int64]
) -> tuple[BlockMeans, BlockMeans, NDArray[np.bool_]]:
    codes = np.unique(np.concatenate([native, ensemble.codes, reference.codes]))
    return ensemble.on(codes), reference.on(codes), np.isin(codes, native)


def _mean_error(ensemble: BlockMeans, reference: BlockMeans, native: NDArray[np.bool_]) -> Measurement:
    # the contacts compared are chosen once, or resamples would be means over different ones
    chosen = compared_contacts(ensemble.at()[0], reference.at()[0], native)
    ours, theirs = (BlockMeans(side.weight, (side.sums[0][:, chosen],)) for side in (ensemble, reference))
    return Measurement(ours, theirs, lambda e, r: float(np.abs(e[0] - r[0]).mean()))


def _measure_mae(ensemble: Side, reference: Side) -> Measurement:
    return _mean_error(*_paired(ensemble, reference))


def _measure_alpha_mae(ensemble: Side, reference: Side) -> Measurement:
    if len(np.unique(reference.molecule.atom_chain_index[reference.molecule.representative_atoms()])) < 2:
        raise NotMeasurableError("one chain: there is no interface")
    native = reference.once(_alpha_native)
    if not len(native):
        raise NotMeasurableError("no two chains of the reference structure have Cα atoms within 1.0 nm")
    return _mean_error(*_on_union(ensemble.once(_alpha_contacts), reference.once(_alpha_contacts), native))


def _classes(name: str) -> Callable[[Any, NDArray[np.bool_]], NDArray[np.bool_]]:
    return {
        "persistent": lambda p, native: native & (p > PERSISTENT + _ROUNDING),
        "weak": lambda p, native: native & (p >= LOST - _ROUNDING) & (p <= PERSISTENT + _ROUNDING),
        "lost": lambda p, native: native & (p < LOST - _ROUNDING),
        "formed": lambda p, native: ~native & (p > LOST + _ROUNDING),
    }[name]


def _jaccard_metric(name: str, title: str, what: str) -> Metric:
    belongs = _classes(name)

    def measure(ensemble: Side, reference: Side) -> Measurement:
        ours, theirs, native = _paired(ensemble, reference)
        if not (belongs(ours.at()[0], native) | belongs(theirs.at()[0], native)).any():
            raise NotMeasurableError(f"no contact {what} in either")
        return Measurement(ours, theirs, lambda e, r: jaccard(belongs(e[0], native), belongs(r[0], native)))

    return Metric(f"interface_{name}_jaccard", title, measure, perfect=1.0, bounds=(0.0, 1.0), group="interface")


def _measure_fnat_w1(ensemble: Side, reference: Side) -> Measurement:
    ours, theirs = _fractions(ensemble, reference)
    return Measurement(ours, theirs, SortedWasserstein(ours.values, theirs.values))


def _measure_fnat_mean(ensemble: Side, reference: Side) -> Measurement:
    ours, theirs = _fractions(ensemble, reference)
    return Measurement(ours, theirs, lambda e, _: float(e[1] @ e[0]), own=lambda side: float(side[1] @ side[0]))


def _fractions(ensemble: Side, reference: Side) -> tuple[FrameValues, FrameValues]:
    interfaces_of(reference)
    require_side_chains(reference.molecule)
    return ensemble.once(fraction_native), reference.once(fraction_native)


INTERFACE_CONTACT_MAE = Metric(
    "interface_contact_mae", "Interface contact probability, mean absolute error", _measure_mae,
    better="lower", perfect=0.0, bounds=(0.0, 1.0), group="interface",
)  # fmt: skip
INTERFACE_CA_CONTACT_MAE = Metric(
    "interface_ca_contact_mae", "Interface Cα contact (< 10 Å) probability, mean absolute error", _measure_alpha_mae,
    better="lower", perfect=0.0, bounds=(0.0, 1.0), group="interface",
)  # fmt: skip
INTERFACE_PERSISTENT_JACCARD = _jaccard_metric(
    "persistent", "Persistent interface contacts (> 90 %), Jaccard", "of the reference structure is persistent"
)
INTERFACE_WEAK_JACCARD = _jaccard_metric(
    "weak", "Weak interface contacts (10–90 %), Jaccard", "of the reference structure is weak"
)
INTERFACE_LOST_JACCARD = _jaccard_metric(
    "lost", "Lost interface contacts (< 10 %), Jaccard", "of the reference structure is lost"
)
INTERFACE_FORMED_JACCARD = _jaccard_metric(
    "formed", "Formed interface contacts (> 10 %), Jaccard", "that the reference structure lacks is formed"
)
FNAT_W1 = Metric(
    "fnat_w1", "Fraction of native contacts, Wasserstein distance", _measure_fnat_w1,
    better="lower", perfect=0.0, bounds=(0.0, 1.0), group="interface",
)  # fmt: skip
FNAT_MEAN = Metric(
    "fnat_mean", "Fraction of native contacts, mean", _measure_fnat_mean,
    better="equal", bounds=(0.0, 1.0), group="interface",
)  # fmt: skip
