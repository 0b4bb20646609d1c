"""Solvent-accessible surface of the whole molecule as a distribution over frames, and of its residues on average.

Shrake–Rupley with a probe of 0.14 nm and heavy atoms only. Which residues count as exposed is said in
:mod:`unfreeze.evaluate.metrics.exposure`, what chains bury in :mod:`unfreeze.evaluate.metrics.interface_area`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import Measurement, Metric
from unfreeze.evaluate.metrics.exposure import require_surface, surface_frames
from unfreeze.evaluate.metrics.similarity import pearson
from unfreeze.evaluate.samples import BlockMeans, FrameValues
from unfreeze.structure.observables.shrake_rupley import atom_areas_nm2, mdtraj_radii_nm

__all__ = ["RESIDUE_SASA_R", "SASA_FRAMES", "SASA_MEAN", "SASA_W1", "residue_areas_nm2", "total_areas_nm2"]

SASA_FRAMES = 250
"""Frames of a side whose surface is measured, at most; a mean over 250 is known to a sixteenth of the spread."""


def residue_areas_nm2(side: Side) -> FrameValues:
    """Solvent-accessible surface of every residue in frames spread over the side: [n_chosen, n_residues], nm²."""
    molecule = side.molecule
    chosen, weights = surface_frames(side, SASA_FRAMES)
    areas = atom_areas_nm2(side.frames_nm[chosen], mdtraj_radii_nm(molecule.element)).astype(np.float64)
    residues, start = np.unique(molecule.residue_index, return_index=True)
    values = np.zeros((len(chosen), molecule.n_residues))
    values[:, residues] = np.add.reduceat(areas, start, axis=1)
    return FrameValues(values, weights, side.block[chosen])


def total_areas_nm2(side: Side) -> FrameValues:
    """Solvent-accessible surface of the molecule in frames spread over the side: [n_chosen], nm²."""
    found = side.once(residue_areas_nm2)
    return FrameValues(found.values.sum(axis=1), found.weights, found.block)


def _residue_means(side: Side) -> BlockMeans:
    found = side.once(residue_areas_nm2)
    return BlockMeans.of(found.block, found.weights, [found.values])


def _distance(
    one: tuple[NDArray[np.floating], NDArray[np.float64]], other: tuple[NDArray[np.floating], NDArray[np.float64]]
) -> float:
    """W₁ = ∫ |F(a) − G(a)| da of two weighted samples (F, G: cumulative distributions), nm²."""
    return float(wasserstein_distance(one[0], other[0], one[1], other[1]))


def _totals(ensemble: Side, reference: Side) -> tuple[FrameValues, FrameValues]:
    require_surface(reference.molecule)
    return ensemble.once(total_areas_nm2), reference.once(total_areas_nm2)


def _measure_distance(ensemble: Side, reference: Side) -> Measurement:
    return Measurement(*_totals(ensemble, reference), _distance)


def _measure_mean(ensemble: Side, reference: Side) -> Measurement:
    def mean(side: tuple[NDArray[np.floating], NDArray[np.float64]]) -> float:
        return float(side[1] @ side[0])

    return Measurement(*_totals(ensemble, reference), lambda one, _: mean(one), own=mean)


def _measure_residues(ensemble: Side, reference: Side) -> Measurement:
    require_surface(reference.molecule)
    return Measurement(
        ensemble.once(_residue_means), reference.once(_residue_means), lambda one, other: pearson(one[0], other[0])
    )


SASA_W1 = Metric(
    "sasa_w1_nm2", "Solvent-accessible surface, Wasserstein distance", _measure_distance, unit="nm²", better="lower",
    perfect=0.0, bounds=(0.0, float("inf")), group="surface",
)  # fmt: skip
SASA_MEAN = Metric(
    "sasa_mean_nm2", "Solvent-accessible surface, mean", _measure_mean, unit="nm²", better="equal",
    bounds=(0.0, float("inf")), group="surface",
)  # fmt: skip
RESIDUE_SASA_R = Metric(
    "residue_sasa_r", "Mean surface of residues, Pearson r", _measure_residues, perfect=1.0, bounds=(-1.0, 1.0),
    group="surface",
)  # fmt: skip
