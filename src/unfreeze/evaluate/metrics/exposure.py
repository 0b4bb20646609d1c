"""Which residues show their side chains to large molecules, and which do so together.

A residue is exposed in a frame when a probe of 0.28 nm touches more than 0.02 nm² of its side chain; residues that
are buried in the structure but exposed now and then open cryptic pockets, and those that open together are exposons
(Porter et al. 2019, Biophys. J. 116, 818; Jing et al. 2024, arXiv 2402.04845). Whole surfaces are in
:mod:`unfreeze.evaluate.metrics.surface_area`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import Measurement, Metric, NotMeasurableError
from unfreeze.evaluate.metrics.interface_area import spread_frames
from unfreeze.evaluate.metrics.interface_residues import require_side_chains
from unfreeze.evaluate.metrics.selection import require_frames
from unfreeze.evaluate.metrics.similarity import jaccard, spearman
from unfreeze.evaluate.metrics.walking import evenly_spaced
from unfreeze.evaluate.samples import BlockMeans, FrameValues
from unfreeze.structure.complex import Complex
from unfreeze.structure.observables.motion import normalised_weights
from unfreeze.structure.observables.shrake_rupley import exposed_groups, mdtraj_radii_nm

__all__ = [
    "EXPOSED_RESIDUES_JACCARD",
    "EXPOSURE_FRAMES",
    "EXPOSURE_MI_R",
    "EXPOSURE_PROBABILITY_MAE",
    "EXPOSURE_SETTINGS",
    "exposure",
    "mutual_information",
    "native_exposure",
    "require_surface",
    "side_chain_residues",
    "surface_frames",
]

PROBE_NM, THRESHOLD_NM2 = 0.28, 0.02
CRYPTIC_PROBABILITY = 0.1
EXPOSURE_FRAMES = 1000
"""Frames of a side that are looked at, at most; fewer of very large molecules, see :func:`surface_frames`."""
EXPOSURE_SETTINGS = {
    "probe_nm": PROBE_NM,
    "exposed_nm2": THRESHOLD_NM2,
    "exposure_probability": CRYPTIC_PROBABILITY,
    "exposure_frames": EXPOSURE_FRAMES,
}

_BACKBONE = ("CA", "C", "N", "O", "OXT")
_ATOM_FRAMES = 5_000_000  # atoms times frames, some ten seconds
_FEWEST_FRAMES = 50
_INFORMATION_RESIDUES = 400  # their pairs are ranked in every resample
_ROUNDING = 1e-12


def surface_frames(side: Side, most: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Frames whose surface is measured, and their weights: at most `most`, and at most 5 million atoms in all."""
    fits = max(_FEWEST_FRAMES, _ATOM_FRAMES // max(side.molecule.n_atoms, 1))
    return spread_frames(side.weights, min(most, fits))


def require_surface(molecule: Complex) -> None:
    """Refuse a molecule whose surface is not that of the whole molecule.

    Raises
    ------
    NotMeasurableError
        If its side chains were not matched.
    """
    try:
        require_side_chains(molecule)
    except NotMeasurableError as refusal:
        raise NotMeasurableError("no side chains are in both: a surface is that of all heavy atoms") from refusal


def side_chain_residues(molecule: Complex) -> NDArray[np.int64]:
    """Residue of every atom, −1 for those that are not of an amino acid's side chain (CA, C, N, O, OXT): [n_atoms]."""
    residue = molecule.residue_index
    apart = np.isin(molecule.atom_name, _BACKBONE) | (molecule.residue_kind[residue] != "protein")
    return np.where(apart, -1, residue)


def exposure(side: Side) -> FrameValues:
    """Whether every residue is exposed (1) or not (0), in frames spread over the side: [n_chosen, n_residues].

    All atoms shade. A residue without side-chain atoms is never exposed.
    """
    chosen, weights = surface_frames(side, EXPOSURE_FRAMES)
    exposed = _exposed(side.molecule, side.frames_nm[chosen])
    return FrameValues(exposed.astype(np.float32), weights, side.block[chosen])


def native_exposure(molecule: Complex) -> NDArray[np.bool_]:
    """Whether every residue is exposed in the structure: [n_residues]."""
    return _exposed(molecule, molecule.coordinates_nm[None].astype(np.float32))[0]


def mutual_information(exposed: NDArray[np.bool_], weights: NDArray[np.floating] | None = None) -> NDArray[np.float64]:
    """Mutual information of the exposure of residues.

    I_ij = Σ_ab p_ij(a, b) ln(p_ij(a, b) / p_i(a) p_j(b)), a and b exposed or buried.

    Parameters
    ----------
    exposed
        bool [n_frames, n_residues].
    weights
        [n_frames] frame weights; equal when None.

    Returns
    -------
    float64 [n_residues, n_residues]
        Nats, symmetric, with a zero diagonal. What rounding alone would leave is exactly zero.
    """
    states = np.asarray(exposed, dtype=np.float64)
    share = normalised_weights(weights, len(states))
    probability = share @ states
    both = (states * share[:, None]).T @ states
    upper = np.triu_indices(len(probability), 1)
    information = np.zeros_like(both)
    information[upper] = _information(probability[upper[0]], probability[upper[1]], both[upper])
    return information + information.T


def _information(
    first: NDArray[np.float64], second: NDArray[np.float64], both: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mutual information of pairs of events of these probabilities, each alone and both together."""
    total = np.zeros(np.shape(both))
    for joint, expected in (
        (both, first * second),
        (first - both, first * (1.0 - second)),
        (second - both, (1.0 - first) * second),
        (1.0 - first - second + both, (1.0 - first) * (1.0 - second)),
    ):
        # an event that never happens is left with a probability of some 1e-17 of either sign
        present = (joint > _ROUNDING) & (expected > 0.0)
        total += rel_entr(np.where(present, joint, 0.0), np.where(present, expected, 1.0))
    # ranks would make an order of rounding
    return np.where(total > _ROUNDING, total, 0.0)


def _exposed(molecule: Complex, frames_nm: NDArray[np.float32]) -> NDArray[np.bool_]:
    return exposed_groups(
        frames_nm, mdtraj_radii_nm(molecule.element), side_chain_residues(molecule), molecule.n_residues,
        probe_nm=PROBE_NM, threshold_nm2=THRESHOLD_NM2,
    )  # fmt: skip


def _residues(side: Side) -> NDArray[np.int64]:
    """Residues that have side-chain atoms on both sides."""
    require_surface(side.molecule)
    residues = np.unique(side_chain_residues(side.molecule))
    residues = residues[residues >= 0]
    if len(residues) < 2:
        raise NotMeasurableError("no side chains of amino acids are in both")
    return residues


def _probabilities(side: Side) -> BlockMeans:
    """Probability of exposure of every residue with a side chain."""
    found = side.once(exposure)
    return BlockMeans.of(found.block, found.weights, [found.values[:, _residues(side)].astype(np.float64)])


def _pairs(side: Side) -> BlockMeans:
    """Probability of exposure of residues, and of both of every pair i < j: [n], [n (n − 1) / 2]."""
    found = side.once(exposure)
    residues = _residues(side)
    states = found.values[:, residues[evenly_spaced(len(residues), _INFORMATION_RESIDUES)]].astype(np.float64)
    weighted = states * found.weights[:, None]
    upper = np.triu_indices(states.shape[1], 1)
    blocks = np.unique(found.block)
    both = np.stack([(weighted[found.block == b].T @ states[found.block == b])[upper] for b in blocks])
    single = BlockMeans.of(found.block, found.weights, [states])
    return BlockMeans(single.weight, (single.sums[0], both))


def _pair_information(means: tuple[NDArray[np.floating], ...]) -> NDArray[np.float64]:
    probability, both = (np.asarray(value, dtype=np.float64) for value in means)
    i, j = np.triu_indices(len(probability), 1)
    return _information(probability[i], probability[j], both)


def _measure_jaccard(ensemble: Side, reference: Side) -> Measurement:
    buried = ~native_exposure(reference.molecule)[_residues(reference)]
    if not buried.any():
        raise NotMeasurableError("no residue is buried in the reference structure")

    def cryptic(means: tuple[NDArray[np.floating], ...]) -> NDArray[np.bool_]:
        return buried & (means[0] > CRYPTIC_PROBABILITY + _ROUNDING)

    ours, theirs = ensemble.once(_probabilities), reference.once(_probabilities)
    if not (cryptic(ours.at()) | cryptic(theirs.at())).any():
        raise NotMeasurableError(f"no buried residue is exposed in more than {CRYPTIC_PROBABILITY:.0%} of either side")
    return Measurement(ours, theirs, lambda one, other: jaccard(cryptic(one), cryptic(other)))


def _measure_information(ensemble: Side, reference: Side) -> Measurement:
    require_frames(ensemble, reference)
    ours, theirs = ensemble.once(_pairs), reference.once(_pairs)
    for name, sample in (("reference", theirs), ("ensemble", ours)):
        if not np.ptp(_pair_information(sample.at())) > 0.0:
            raise NotMeasurableError(f"no residues of the {name} are exposed and buried together")
    return Measurement(
        ours, theirs, lambda one, other: spearman(_pair_information(one), _pair_information(other))
    )  # fmt: skip


def _measure_error(ensemble: Side, reference: Side) -> Measurement:
    return Measurement(
        ensemble.once(_probabilities),
        reference.once(_probabilities),
        lambda one, other: float(np.abs(one[0] - other[0]).mean()),
    )


EXPOSED_RESIDUES_JACCARD = Metric(
    "exposed_residues_jaccard", "Cryptically exposed residues, Jaccard", _measure_jaccard, perfect=1.0,
    bounds=(0.0, 1.0), group="surface",
)  # fmt: skip
EXPOSURE_MI_R = Metric(
    "exposure_mi_r", "Mutual information of exposure, Spearman ρ", _measure_information, perfect=1.0,
    bounds=(-1.0, 1.0), group="surface",
)  # fmt: skip
EXPOSURE_PROBABILITY_MAE = Metric(
    "exposure_probability_mae", "Probability of exposure, mean absolute error", _measure_error, better="lower",
    perfect=0.0, bounds=(0.0, 1.0), group="surface",
)  # fmt: skip
