"""Root-mean Wasserstein distance: every atom a Gaussian cloud, compared by where it sits and how it spreads.

The squared distance of two Gaussians is that of their means plus the Bures distance of their covariances, so that
RMWD² = translation² + variance². Covariances are of the population form, frames superposed already.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import Measurement, Metric
from unfreeze.evaluate.metrics.moments import covariances, displacement_moments
from unfreeze.evaluate.metrics.selection import representatives
from unfreeze.evaluate.metrics.similarity import where_drawn

__all__ = ["RMWD_A", "RMWD_TRANSLATION_A", "RMWD_VARIANCE_A", "bures_squared", "rmwd_parts_nm2"]


def bures_squared(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.float64]:
    """Squared Bures distance of covariance matrices: tr(A + B − 2 (A^½ B A^½)^½).

    The last trace is the sum of the singular values of A^½ B^½ (Bhatia, Jain & Lim 2019, Expo. Math. 37, 165), with
    the roots from eigenvalues: no root can fail, singular matrices included.

    Parameters
    ----------
    first, second
        [..., k, k], symmetric and positive semidefinite but for rounding.

    Returns
    -------
    float64 [...]
        In the units of the matrices; never negative.
    """
    overlap = np.linalg.svd(_root(first) @ _root(second), compute_uv=False).sum(axis=-1)
    traces = np.trace(first, axis1=-2, axis2=-1) + np.trace(second, axis1=-2, axis2=-1)
    return np.maximum(np.asarray(traces - 2.0 * overlap, dtype=np.float64), 0.0)


def _root(matrices: NDArray[np.floating]) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(np.asarray(matrices, dtype=np.float64))
    return (vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]) @ vectors.swapaxes(-1, -2)


_Moments = tuple[NDArray[np.float64], NDArray[np.float64]]


def rmwd_parts_nm2(first: _Moments, second: _Moments) -> tuple[float, float]:
    """Mean over atoms of |Δμ|² and of the squared Bures distance, nm².

    Parameters
    ----------
    first, second
        ⟨u⟩ [n, 3] and ⟨u uᵀ⟩ [n, 3, 3] of either side, nm and nm².
    """
    return _translation_nm2(first, second), _variance_nm2(first, second)


def _translation_nm2(first: _Moments, second: _Moments) -> float:
    return float(((first[0] - second[0]) ** 2).sum(axis=-1).mean())


def _variance_nm2(first: _Moments, second: _Moments) -> float:
    return float(bures_squared(covariances(*first), covariances(*second)).mean())


def _distance(squared_nm2: Callable[[_Moments, _Moments], float]) -> Callable[[Side, Side], Measurement]:
    def measure(ensemble: Side, reference: Side) -> Measurement:
        representatives(reference, 1)
        return Measurement(
            ensemble.once(displacement_moments),
            reference.once(displacement_moments),
            where_drawn(lambda one, other: 10.0 * squared_nm2(one, other) ** 0.5),
        )

    return measure


RMWD_A = Metric(
    "rmwd_A", "Root-mean Wasserstein distance of atoms", _distance(lambda one, other: sum(rmwd_parts_nm2(one, other))),
    unit="Å", better="lower", perfect=0.0, bounds=(0.0, float("inf")), group="distribution",
)  # fmt: skip
RMWD_TRANSLATION_A = Metric(
    "rmwd_translation_A", "RMWD, part of the means", _distance(_translation_nm2), unit="Å", better="lower",
    perfect=0.0, bounds=(0.0, float("inf")), group="distribution",
)  # fmt: skip
RMWD_VARIANCE_A = Metric(
    "rmwd_variance_A", "RMWD, part of the spreads", _distance(_variance_nm2), unit="Å", better="lower",
    perfect=0.0, bounds=(0.0, float("inf")), group="distribution",
)  # fmt: skip
