"""Radius of gyration: whether the ensemble swells, shrinks or opens as the reference does.

Of the matched heavy atoms by mass; of Cα-only molecules, whose atoms stand for whole residues, without.
"""

from __future__ import annotations

import gemmi
import numpy as np
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import Measurement, Metric
from unfreeze.evaluate.metrics.selection import representatives
from unfreeze.evaluate.metrics.similarity import where_drawn
from unfreeze.evaluate.metrics.walking import stretches
from unfreeze.evaluate.samples import FrameValues
from unfreeze.structure.compiled import compiled
from unfreeze.structure.complex import Complex

__all__ = ["RG_MEAN_A", "RG_W1_A", "gyration_radii", "masses", "radius_of_gyration_nm"]

_Values = tuple[NDArray[np.float64], NDArray[np.float64]]


def radius_of_gyration_nm(frames_nm: NDArray[np.floating], mass: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rg = (Σ m_i |r_i − r_c|² / Σ m_i)^½ about the centre of mass r_c.

    Parameters
    ----------
    frames_nm
        [n_frames, n_atoms, 3], nm.
    mass
        [n_atoms], any unit.

    Returns
    -------
    float64 [n_frames]
        nm.
    """
    radii = np.empty(len(frames_nm))
    _fill_radii(np.array(frames_nm, dtype=np.float32, order="C"), mass / mass.sum(), radii)
    return radii


@compiled
def _fill_radii(frames: NDArray[np.float32], share: NDArray[np.float64], radii: NDArray[np.float64]) -> None:
    for f in range(frames.shape[0]):
        a, b, c = 0.0, 0.0, 0.0
        for i in range(frames.shape[1]):
            a += share[i] * frames[f, i, 0]
            b += share[i] * frames[f, i, 1]
            c += share[i] * frames[f, i, 2]
        squared = 0.0
        for i in range(frames.shape[1]):
            x, y, z = frames[f, i, 0] - a, frames[f, i, 1] - b, frames[f, i, 2] - c
            squared += share[i] * (x * x + y * y + z * z)
        radii[f] = np.sqrt(squared)


def masses(molecule: Complex) -> NDArray[np.float64]:
    """Atomic masses, u: [n_atoms]; all 1 for a molecule of representative atoms only."""
    if molecule.n_atoms == len(molecule.representative_atoms()):
        return np.ones(molecule.n_atoms)
    symbols, inverse = np.unique(molecule.element, return_inverse=True)
    return np.array([gemmi.Element(str(symbol)).weight for symbol in symbols])[inverse]


def gyration_radii(side: Side) -> FrameValues:
    """Radius of gyration of every frame, nm."""
    mass = masses(side.molecule)
    values = [radius_of_gyration_nm(frames, mass) for _, _, frames in stretches(side)]
    return FrameValues(np.concatenate(values), side.weights, side.block)


def _mean_A(values: _Values) -> float:
    return 10.0 * float(values[0] @ values[1])


def _w1_A(first: _Values, second: _Values) -> float:
    return 10.0 * float(wasserstein_distance(first[0], second[0], first[1], second[1]))


def _distance(ensemble: Side, reference: Side) -> Measurement:
    representatives(reference, 2)
    return Measurement(ensemble.once(gyration_radii), reference.once(gyration_radii), where_drawn(_w1_A))


def _mean(ensemble: Side, reference: Side) -> Measurement:
    representatives(reference, 2)
    return Measurement(
        ensemble.once(gyration_radii), reference.once(gyration_radii), lambda one, _: _mean_A(one), own=_mean_A
    )


RG_W1_A = Metric(
    "rg_w1_A", "Radius of gyration, W1", _distance, unit="Å", better="lower", perfect=0.0,
    bounds=(0.0, float("inf")), group="distribution",
)  # fmt: skip
RG_MEAN_A = Metric(
    "rg_mean_A", "Radius of gyration, mean", _mean, unit="Å", better="equal", bounds=(0.0, float("inf")),
    group="distribution",
)  # fmt: skip
