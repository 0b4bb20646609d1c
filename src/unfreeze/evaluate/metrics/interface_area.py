"""Surface that chains bury between them, as a distribution over frames.

The area of an interface is ½(SASA_A + SASA_B − SASA_AB) of the two chains alone, without other chains and ligands. A
surface costs more than anything else here, so at most a hundred frames of each side are measured.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import Measurement, Metric
from unfreeze.evaluate.metrics.interface_distances import MeanWasserstein
from unfreeze.evaluate.metrics.interface_residues import interfaces_of, require_side_chains
from unfreeze.evaluate.samples import FrameValues
from unfreeze.structure.observables.surface import buried_area_nm2

__all__ = ["AREA_FRAMES", "BURIED_AREA_MEAN", "BURIED_AREA_W1", "buried_areas_nm2", "spread_frames"]

AREA_FRAMES = 100


def spread_frames(weights: NDArray[np.float64], n_frames: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """A few frames that stand for all: evenly spaced in cumulative weight.

    Parameters
    ----------
    weights
        [n] frame weights that sum to 1.
    n_frames
        Most frames to take; all with their weights when there are no more.

    Returns
    -------
    frames : int64 [n_chosen]
        Increasing.
    weights : float64 [n_chosen]
        What each stands for; they sum to 1.
    """
    if len(weights) <= n_frames:
        return np.arange(len(weights)), weights
    middle = (np.arange(n_frames) + 0.5) / n_frames
    drawn = np.searchsorted(np.cumsum(weights), middle).clip(max=len(weights) - 1)
    frames, copies = np.unique(drawn, return_counts=True)
    return frames, copies / n_frames


def buried_areas_nm2(side: Side) -> FrameValues:
    """Buried area of at most a hundred frames, every interface: [n_chosen, n_interfaces], nm²."""
    chosen, weights = spread_frames(side.weights, AREA_FRAMES)
    frames = side.frames_nm[chosen]
    columns = [
        buried_area_nm2(frames, side.molecule.element, item.first, item.second) for item in interfaces_of(side).items
    ]
    return FrameValues(np.stack(columns, axis=1), weights, side.block[chosen])


def _sides(ensemble: Side, reference: Side) -> tuple[FrameValues, FrameValues]:
    interfaces_of(reference)
    require_side_chains(reference.molecule)
    return ensemble.once(buried_areas_nm2), reference.once(buried_areas_nm2)


def _measure_w1(ensemble: Side, reference: Side) -> Measurement:
    ours, theirs = _sides(ensemble, reference)
    return Measurement(ours, theirs, MeanWasserstein(ours.values, theirs.values))


def _measure_mean(ensemble: Side, reference: Side) -> Measurement:
    def total(side: tuple[NDArray[np.floating], NDArray[np.float64]]) -> float:
        return float((side[1] @ side[0]).sum())

    return Measurement(*_sides(ensemble, reference), lambda e, _: total(e), own=total)


BURIED_AREA_W1 = Metric(
    "buried_area_w1_nm2", "Buried area of an interface, Wasserstein distance", _measure_w1, unit="nm²",
    better="lower", perfect=0.0, bounds=(0.0, float("inf")), group="interface",
)  # fmt: skip
BURIED_AREA_MEAN = Metric(
    "buried_area_mean_nm2", "Buried area of all interfaces, mean", _measure_mean, unit="nm²",
    better="equal", bounds=(0.0, float("inf")), group="interface",
)  # fmt: skip
