"""Fraction of native contacts of every frame, how folded frames are, and the folding free energy.

Definitions and constants of the folding benchmark of BioEmu (Lewis et al. 2025, Science, adv9817, with the code in
bioemu-benchmarks; the soft contact is that of Best, Hummer & Eaton 2013, PNAS 110, 17874). Contacts between chains are
:mod:`unfreeze.evaluate.metrics.interface_contacts`.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree
from scipy.special import expit

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import Measurement, Metric, NotMeasurableError
from unfreeze.evaluate.metrics.walking import block_weights, stretches
from unfreeze.evaluate.samples import BlockMeans
from unfreeze.structure.complex import Complex

__all__ = [
    "FOLDED_SHARE",
    "FOLDING_FREE_ENERGY",
    "FOLDING_FREE_ENERGY_ERROR",
    "NATIVE_CONTACTS",
    "foldedness",
    "folding_free_energy_kJ_mol",
    "fraction_native_contacts",
    "native_pairs",
]

CUTOFF_NM = 1.0
"""Cα–Cα distance of a native contact in the reference structure."""
SEPARATION = 3
"""Residues of a native contact are further apart along the chain than this."""
BETA_PER_NM = 50.0
"""Steepness of the contact (5 / Å)."""
SLACK = 1.2
"""A contact is half formed at this multiple of its native distance."""
MIDPOINT, STEEPNESS = 0.5, 20.0
"""Fraction of native contacts at which a frame is half folded, and the slope there."""
TEMPERATURE_K = 295.0
GAS_CONSTANT = 8.31446261815324e-3
"""kJ/mol/K."""
LEAST_SHARE = 1e-10
"""Shares of folded and of unfolded frames are not let below this."""


def native_pairs(molecule: Complex) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Native contacts of a structure, within chains.

    Parameters
    ----------
    molecule
        The structure; residues are counted as they stand in it, so that a gap counts for nothing.

    Returns
    -------
    pairs : int64 [n_pairs, 2]
        Cα atoms more than three residues apart and within 1 nm.
    native_nm : float64 [n_pairs]
        Their distances, nm.
    """
    protein = molecule.residue_kind == "protein"
    atoms = molecule.atom_of_residue("CA")[protein]
    atoms = atoms[atoms >= 0]
    if len(atoms) < 2:
        return np.empty((0, 2), dtype=np.int64), np.empty(0)
    # the tree's own rounding must not decide on distances of exactly the cut-off
    tree = KDTree(molecule.coordinates_nm[atoms])
    pairs = atoms[tree.query_pairs(1.001 * CUTOFF_NM, output_type="ndarray").reshape(-1, 2)]
    pairs = np.sort(pairs, axis=1).astype(np.int64)
    residue = molecule.residue_index[pairs]
    native = np.linalg.norm(molecule.coordinates_nm[pairs[:, 0]] - molecule.coordinates_nm[pairs[:, 1]], axis=1)
    kept = (native <= CUTOFF_NM) & (residue[:, 1] - residue[:, 0] > SEPARATION)
    kept &= molecule.chain_index[residue[:, 0]] == molecule.chain_index[residue[:, 1]]
    order = np.lexsort(pairs[kept].T[::-1])
    return pairs[kept][order], native[kept][order]


def fraction_native_contacts(
    frames_nm: NDArray[np.floating], pairs: NDArray[np.int64], native_nm: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Q of every frame: the mean over native contacts of σ(−β (d − 1.2 d⁰)), with β = 5 / Å.

    Parameters
    ----------
    frames_nm
        [n_frames, n_atoms, 3], nm.
    pairs, native_nm
        What :func:`native_pairs` gives.

    Returns
    -------
    float64 [n_frames]
        In [0, 1].
    """
    frames = np.asarray(frames_nm, dtype=np.float64)
    distance = np.linalg.norm(frames[:, pairs[:, 0]] - frames[:, pairs[:, 1]], axis=-1)
    return expit(-BETA_PER_NM * (distance - SLACK * native_nm)).mean(axis=-1)


def foldedness(q: NDArray[np.floating]) -> NDArray[np.float64]:
    """How folded frames are: σ(20 (q − 0.5))."""
    return expit(STEEPNESS * (np.asarray(q, dtype=np.float64) - MIDPOINT))


def folding_free_energy_kJ_mol(folded_share: float) -> float:
    """ΔG of folding, −RT ln(p / (1 − p)) at 295 K, in kJ/mol; negative where more frames are folded than not.

    p is kept 10⁻¹⁰ away from 0 and 1. An ensemble of N frames cannot tell |ΔG| beyond about RT ln N.
    """
    share = float(np.clip(folded_share, LEAST_SHARE, 1.0 - LEAST_SHARE))
    return float(-GAS_CONSTANT * TEMPERATURE_K * (np.log(share) - np.log1p(-share)))


def folding_means(side: Side) -> BlockMeans:
    """Q and foldedness, summed over the frames of every block: two quantities, [n_blocks] each.

    Raises
    ------
    NotMeasurableError
        If the reference structure has no native contact.
    """
    pairs, native = native_pairs(side.molecule)
    if len(pairs) == 0:
        raise NotMeasurableError("the reference structure has no two CA over three residues apart within 1 nm")
    atoms, place = np.unique(pairs, return_inverse=True)
    rows = place.reshape(pairs.shape)
    weight = block_weights(side)
    sums = np.zeros((2, len(weight)))
    # distances of all pairs take more room than coordinates do
    most = max(1, 2_000_000 // len(pairs))
    for block, weights, frames in stretches(side, atoms, max_frames=most):
        q = fraction_native_contacts(frames, rows, native)
        sums[:, block] += weights @ q, weights @ foldedness(q)
    return BlockMeans(weight, (sums[0], sums[1]))


def _free_energy(means: tuple[NDArray[np.floating], ...]) -> float:
    return folding_free_energy_kJ_mol(float(means[1]))


def _observable(ensemble: Side, reference: Side, *, column: int) -> Measurement:
    def own(means: tuple[NDArray[np.floating], ...]) -> float:
        return _free_energy(means) if column == 2 else float(means[column])

    return Measurement(ensemble.once(folding_means), reference.once(folding_means), lambda e, _: own(e), own=own)


def _error(ensemble: Side, reference: Side) -> Measurement:
    if reference.n_frames < 2:
        raise NotMeasurableError("the reference is one structure, which has no folding free energy")
    return Measurement(
        ensemble.once(folding_means),
        reference.once(folding_means),
        lambda e, r: abs(_free_energy(e) - _free_energy(r)),
    )


NATIVE_CONTACTS = Metric(
    "native_contacts", "Fraction of native contacts", partial(_observable, column=0), better="equal",
    bounds=(0.0, 1.0), group="folding",
)  # fmt: skip
FOLDED_SHARE = Metric(
    "folded_share", "Share of folded frames", partial(_observable, column=1), better="equal", bounds=(0.0, 1.0),
    group="folding",
)  # fmt: skip
FOLDING_FREE_ENERGY = Metric(
    "folding_free_energy_kJ_mol", "Folding free energy", partial(_observable, column=2), unit="kJ/mol",
    better="equal", group="folding",
)  # fmt: skip
FOLDING_FREE_ENERGY_ERROR = Metric(
    "folding_free_energy_error_kJ_mol", "Folding free energy, absolute error", _error, unit="kJ/mol", better="lower",
    perfect=0.0, bounds=(0.0, float("inf")), group="folding",
)  # fmt: skip
