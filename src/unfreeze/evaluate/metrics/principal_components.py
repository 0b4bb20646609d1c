"""Essential space: whether the same large motions are made, and whether frames are spread alike over them.

Frames are projected on two Cα principal components, of the reference ("MD") or of both sides together ("joint"), and
compared by the 2-Wasserstein distance, an exact assignment of equally many points. How the axes are found is in
:mod:`unfreeze.evaluate.metrics.principal_axes`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import Measurement, Metric
from unfreeze.evaluate.metrics.principal_axes import PrincipalAxes, principal_axes
from unfreeze.evaluate.metrics.selection import representatives, require_frames
from unfreeze.evaluate.metrics.similarity import where_drawn
from unfreeze.evaluate.metrics.walking import evenly_spaced
from unfreeze.evaluate.samples import BlockMeans, FrameValues

__all__ = [
    "MAX_POINTS",
    "PC1_COSINE",
    "PCA_W2_JOINT_A",
    "PCA_W2_MD_A",
    "equally_weighted",
    "pca_points",
    "side_axes",
    "w2_assignment",
]

MAX_POINTS = 500
"""Points a side that are assigned to each other at most; more are thinned evenly."""
_N_AXES = 10  # the first axis of a resample is sought among so many axes of all frames
_Points = tuple[NDArray[np.float64], NDArray[np.float64]]


def w2_assignment(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """2-Wasserstein distance of two equally large sets of equally weighted points.

    W2² = min over permutations π of n⁻¹ Σ_k |a_k − b_π(k)|², found exactly (Crouse 2016, IEEE Trans. Aerosp.
    Electron. Syst. 52, 1679).

    Parameters
    ----------
    first, second
        [n, d].

    Returns
    -------
    float
        In the units of the points.

    Raises
    ------
    ValueError
        If the sets differ in size.
    """
    if first.shape != second.shape:
        raise ValueError(f"points have shapes {first.shape} and {second.shape}, expected the same")
    cost = cdist(first, second, "sqeuclidean")
    return float(np.sqrt(cost[linear_sum_assignment(cost)].mean()))


def equally_weighted(values: NDArray[np.float64], weights: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """`n` of the values, each as often as its weight asks for: systematic resampling without chance.

    Values are taken where their cumulative weight passes (k + ½)/n (Kitagawa 1996, J. Comput. Graph. Stat. 5, 1, with
    the offset fixed); equal weights give every value once when n is their number.
    """
    reached = np.cumsum(weights)
    rows = np.searchsorted(reached / reached[-1], (np.arange(n) + 0.5) / n)
    return values[np.minimum(rows, len(values) - 1)]


def representative_frames(side: Side) -> NDArray[np.float32]:
    """Representative atoms of all frames: [n_frames, n, 3], nm; single precision, a view where there are no others."""
    atoms = side.molecule.representative_atoms()
    return side.frames_nm if len(atoms) == side.frames_nm.shape[1] else side.frames_nm[:, atoms]


def side_axes(side: Side) -> tuple[PrincipalAxes, BlockMeans]:
    """Leading axes of all frames of a side, and moments ⟨s⟩ [k], ⟨s sᵀ⟩ [k, k] of the frames' scores on them, nm."""
    frames = representative_frames(side)
    found = principal_axes(frames, side.weights, _N_AXES)
    scores = found.project(frames)
    return found, BlockMeans.of(side.block, side.weights, [scores, scores[:, :, None] * scores[:, None, :]])


def pca_points(ensemble: Side, reference: Side) -> dict[str, list[list[float]]]:
    """Points that the MD-basis distance compares, for pages: Å/√n, ``pca_ensemble`` and ``pca_reference``.

    Raises
    ------
    NotMeasurableError
        If there are too few atoms or frames.
    """
    found = _w2(_md_axes)(ensemble, reference)
    points = {"pca_ensemble": found.ensemble.at()[0], "pca_reference": found.reference.at()[0]}
    return {key: np.round(10.0 * value, 4).tolist() for key, value in points.items()}


_Axes = Callable[[Side, Side, NDArray[np.int64], NDArray[np.int64]], PrincipalAxes]


def _md_axes(ensemble: Side, reference: Side, _: NDArray[np.int64], __: NDArray[np.int64]) -> PrincipalAxes:
    return reference.once(side_axes)[0]


def _joint_axes(
    ensemble: Side, reference: Side, of_ensemble: NDArray[np.int64], of_reference: NDArray[np.int64]
) -> PrincipalAxes:
    """Axes of the chosen frames of both sides, each side half of the weight."""
    atoms = reference.molecule.representative_atoms()
    chosen = ((ensemble, of_ensemble), (reference, of_reference))
    frames = np.concatenate([side.frames_nm[np.ix_(rows, atoms)] for side, rows in chosen])
    weights = np.concatenate([side.weights[rows] / side.weights[rows].sum() for side, rows in chosen])
    return principal_axes(frames, weights / 2.0)


def _w2(axes: _Axes) -> Callable[[Side, Side], Measurement]:
    def measure(ensemble: Side, reference: Side) -> Measurement:
        require_frames(ensemble, reference)
        n_atoms = len(representatives(reference))
        n = min(ensemble.n_frames, reference.n_frames, MAX_POINTS)
        rows = [evenly_spaced(side.n_frames, n) for side in (ensemble, reference)]
        found = axes(ensemble, reference, *rows)
        plane = PrincipalAxes(found.mean_nm, found.axes[:2] / np.sqrt(n_atoms), found.variances_nm2[:2])
        samples = [_projected(side, chosen, plane) for side, chosen in ((ensemble, rows[0]), (reference, rows[1]))]

        def distance_A(one: _Points, other: _Points) -> float:
            return 10.0 * w2_assignment(equally_weighted(*one, n), equally_weighted(*other, n))

        return Measurement(samples[0], samples[1], where_drawn(distance_A))

    return measure


def _projected(side: Side, chosen: NDArray[np.int64], plane: PrincipalAxes) -> FrameValues:
    points = plane.project(side.frames_nm[np.ix_(chosen, side.molecule.representative_atoms())])
    points = np.pad(points, ((0, 0), (0, 2 - points.shape[1])))  # two frames have but one axis
    weights = side.weights[chosen]
    return FrameValues(points, weights / weights.sum(), np.unique(side.block[chosen], return_inverse=True)[1])


def _cosine(ensemble: Side, reference: Side) -> Measurement:
    require_frames(ensemble, reference)
    representatives(reference)
    (first, first_scores), (second, second_scores) = ensemble.once(side_axes), reference.once(side_axes)
    overlap = first.axes @ second.axes.T

    def cosine(one: _Points, other: _Points) -> float:
        if 0 in overlap.shape:
            return float("nan")
        return min(abs(float(_leading(*one) @ overlap @ _leading(*other))), 1.0)

    return Measurement(first_scores, second_scores, where_drawn(cosine))


def _leading(mean: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.linalg.eigh(second - np.outer(mean, mean))[1][:, -1]


PCA_W2_MD_A = Metric(
    "pca_w2_md_A", "W2 in two principal components of the reference", _w2(_md_axes), unit="Å", better="lower",
    perfect=0.0, bounds=(0.0, float("inf")), group="distribution",
)  # fmt: skip
PCA_W2_JOINT_A = Metric(
    "pca_w2_joint_A", "W2 in two joint principal components", _w2(_joint_axes), unit="Å", better="lower", perfect=0.0,
    bounds=(0.0, float("inf")), group="distribution",
)  # fmt: skip
PC1_COSINE = Metric(
    "pc1_cosine", "First principal components, |cos|", _cosine, perfect=1.0, bounds=(0.0, 1.0), group="distribution"
)
