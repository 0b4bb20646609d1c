"""Whether an ensemble reaches the conformations of the reference: coverage and recall, as BioEmu has them.

Every frame of the reference is a conformation to be reached (at most 1,000, evenly spaced): the two or three structures
of a multi-conformation target, or the frames of a simulation. How often each is visited is not asked.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import Measurement, Metric, NotMeasurableError
from unfreeze.evaluate.metrics.walking import block_weights, evenly_spaced, stretches
from unfreeze.evaluate.samples import BlockMeans, FrameValues
from unfreeze.structure.chemistry.residues import BACKBONE
from unfreeze.structure.complex import Complex

__all__ = ["COVERAGE", "RECALL_RMSD_A", "BlockMinima", "fitted_rmsd_nm", "fitted_rmsds", "global_atoms"]

THRESHOLD_NM = 0.3
"""Backbone RMSD within which a frame is taken for a conformation."""
LEAST_SHARE = 0.001
"""Share of the frames that must be there for the conformation to count as reached."""
MOST_STATES = 1000
_NEWTON_ROUNDS = 50
_ROUNDING = 1e-13  # of λ in units of itself: what is smaller is no distance
_MOST_PRODUCTS = 4_000_000  # numbers in one product of frames and conformations


@dataclass(frozen=True, eq=False)
class BlockMinima:
    """Least value of every block: a minimum over frames that can be taken again over resampled blocks.

    Attributes
    ----------
    minima : float64 [n_blocks, ...]
        The least values.
    """

    minima: NDArray[np.float64]

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return len(self.minima)

    def at(self, copies: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        """The least value over the blocks that were drawn."""
        drawn = self.minima if copies is None else self.minima[copies > 0]
        return drawn.min(axis=0)


def global_atoms(molecule: Complex) -> NDArray[np.int64]:
    """Backbone atoms N, CA, C and O of amino acids, and representative atoms of the rest: [n]."""
    protein = (molecule.residue_kind == "protein")[molecule.residue_index]
    backbone = np.flatnonzero(protein & np.isin(molecule.atom_name, BACKBONE))
    return np.union1d(backbone, molecule.representative_atoms())


def fitted_rmsd_nm(frames_nm: NDArray[np.floating], targets_nm: NDArray[np.floating]) -> NDArray[np.float64]:
    """RMSD of every frame from every target after their best superposition.

    RMSD² = (G_x + G_y − 2 λ)/n, with G the sums of squares about the centroids and λ the largest root of the quaternion
    polynomial, by Newton's method from (G_x + G_y)/2 (Theobald 2005, Acta Cryst. A61, 478).

    Parameters
    ----------
    frames_nm, targets_nm
        [n_frames, n_atoms, 3] and [n_targets, n_atoms, 3], nm.

    Returns
    -------
    float64 [n_frames, n_targets]
        nm.
    """
    x, y = (np.asarray(points, dtype=np.float64) for points in (frames_nm, targets_nm))
    x, y = (points - points.mean(axis=1, keepdims=True) for points in (x, y))
    n_frames, n_atoms = x.shape[:2]
    inner = x.transpose(0, 2, 1).reshape(3 * n_frames, n_atoms) @ y.transpose(1, 0, 2).reshape(n_atoms, -1)
    m = inner.reshape(n_frames, 3, len(y), 3).transpose(0, 2, 1, 3)
    half = 0.5 * ((x**2).sum(axis=(1, 2))[:, None] + (y**2).sum(axis=(1, 2)))
    gram = np.einsum("...ki,...kj->...ij", m, m)
    trace, square = np.trace(gram, axis1=-2, axis2=-1), (gram**2).sum(axis=(-2, -1))
    # λ⁴ + c₂ λ² + c₁ λ + c₀, its coefficients by way of the singular values of the inner products
    c2, c1, c0 = -2.0 * trace, -8.0 * np.linalg.det(m), 2.0 * square - trace**2
    root = half.copy()
    for _ in range(_NEWTON_ROUNDS):
        value = ((root**2 + c2) * root + c1) * root + c0
        slope = (4.0 * root**2 + 2.0 * c2) * root + c1
        step = np.divide(value, slope, out=np.zeros_like(root), where=slope > 0.0)
        root -= step
        if (np.abs(step) <= 1e-13 * half).all():
            break
    rest = half - root
    return np.sqrt(2.0 * np.where(rest > _ROUNDING * half, rest, 0.0) / n_atoms)


def fitted_rmsds(ensemble: Side, reference: Side) -> FrameValues:
    """Backbone RMSD of every frame from the conformations of the reference, nm: rows of [n_conformations].

    Raises
    ------
    NotMeasurableError
        If fewer than three backbone atoms are in both.
    """
    atoms = global_atoms(reference.molecule)
    if len(atoms) < 3:
        raise NotMeasurableError(f"needs at least 3 backbone atoms that both have, found {len(atoms)}")
    targets = reference.frames_nm[np.ix_(_states(reference), atoms)]
    values = np.empty((ensemble.n_frames, len(targets)), dtype=np.float32)
    begin, most = 0, max(1, _MOST_PRODUCTS // (9 * len(targets)))
    for _, _, frames in stretches(ensemble, atoms, max_frames=most):
        values[begin : begin + len(frames)] = fitted_rmsd_nm(frames, targets)
        begin += len(frames)
    return FrameValues(values, ensemble.weights, ensemble.block)


def _states(reference: Side) -> NDArray[np.int64]:
    """Frames of the reference that are conformations to be reached: those with a weight."""
    usable = np.flatnonzero(reference.weights)
    return usable[evenly_spaced(len(usable), MOST_STATES)]


def _reference_states(reference: Side) -> FrameValues:
    """Numbers of the conformations, with the weights and blocks of their frames."""
    chosen = _states(reference)
    weights = reference.weights[chosen]
    block = np.unique(reference.block[chosen], return_inverse=True)[1]
    return FrameValues(np.arange(len(chosen), dtype=np.float64), weights / weights.sum(), block)


def _coverage(ensemble: Side, reference: Side) -> Measurement:
    found = ensemble.once(fitted_rmsds, reference)
    hit = found.values <= THRESHOLD_NM
    weight = block_weights(ensemble)
    sums = np.stack([ensemble.weights[rows] @ hit[rows] for rows in _blocks(ensemble)])

    def statistic(shares: tuple[NDArray[np.floating]], states: tuple[NDArray[np.floating], ...]) -> float:
        # sums of weights are rounded: 1 of 1,000 frames must do, and all must not be more than 1
        return min(float(states[1] @ (shares[0] >= LEAST_SHARE * (1.0 - 1e-9))), 1.0)

    return Measurement(BlockMeans(weight, (sums,)), _reference_states(reference), statistic)


def _recall(ensemble: Side, reference: Side) -> Measurement:
    found = ensemble.once(fitted_rmsds, reference)
    counted = np.where(ensemble.weights[:, None] > 0.0, found.values, np.inf)
    minima = np.stack([counted[rows].min(axis=0) for rows in _blocks(ensemble)]).astype(np.float64)

    def statistic(least: NDArray[np.float64], states: tuple[NDArray[np.floating], ...]) -> float:
        return 10.0 * float(states[1] @ least)

    return Measurement(BlockMinima(minima), _reference_states(reference), statistic)


def _blocks(side: Side) -> list[slice]:
    bounds = np.flatnonzero(np.diff(side.block, prepend=-1, append=-1)).tolist()
    return [slice(begin, end) for begin, end in itertools.pairwise(bounds)]


COVERAGE = Metric(
    "coverage", "Conformations of the reference that are reached within 3 Å", _coverage, better="higher", perfect=1.0,
    bounds=(0.0, 1.0), group="coverage",
)  # fmt: skip
RECALL_RMSD_A = Metric(
    "recall_rmsd_A", "RMSD of the closest frame to a conformation of the reference", _recall, unit="Å",
    better="lower", perfect=0.0, bounds=(0.0, float("inf")), group="coverage",
)  # fmt: skip
