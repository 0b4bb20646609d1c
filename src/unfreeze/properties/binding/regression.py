"""A Gaussian process on few complexes: a smooth and a linear kernel, noise of its own and of the family.

Complexes of one family have errors in common, so that seventeen variants of one inhibitor do not count as seventeen
complexes: the covariance of the errors has a part for each complex and a part shared by its family. Rasmussen &
Williams 2006, Gaussian Processes for Machine Learning, ch. 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

__all__ = ["Settings", "Standard", "Surrogate"]


@dataclass(frozen=True)
class Settings:
    """Hyperparameters, relative to the variance of the process.

    Attributes
    ----------
    length
        Scale of the smooth kernel, times the square root of the number of features.
    linear
        Share of the linear kernel.
    noise, family
        Variance of the error of a complex, and of what its family has in common.
    """

    length: float
    linear: float
    noise: float
    family: float


@dataclass(frozen=True, eq=False)
class Standard:
    """How features are brought to one scale: clipped to what was seen, mean 0, standard deviation 1.

    Attributes
    ----------
    low, high, mean, spread : float64 [n_features]
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]

    @classmethod
    def of(cls, features: NDArray[np.float64]) -> Standard:
        """From a training set [n, n_features]; nan is what is not known. Bounds are the 1st and 99th percentiles."""
        low, high = np.nanpercentile(features, [1.0, 99.0], axis=0)
        inside = np.clip(features, low, high)
        return cls(low, high, np.nanmean(inside, axis=0), np.maximum(np.nanstd(inside, axis=0), 1e-6))

    def apply(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Features on the scale; what is not known becomes 0, the mean."""
        return np.nan_to_num((np.clip(features, self.low, self.high) - self.mean) / self.spread)


@dataclass(frozen=True, eq=False)
class Surrogate:
    """A fitted process.

    Attributes
    ----------
    standard
        Scale of the features.
    points : float64 [n, n_features]
        Training complexes on that scale.
    weights : float64 [n]
        (K + E)⁻¹ (y − mean).
    inverse_factor
        Cholesky factor of K + E.
    mean, variance
        Of the process, kJ/mol and its square.
    settings
        Hyperparameters.
    """

    standard: Standard
    points: NDArray[np.float64]
    weights: NDArray[np.float64]
    inverse_factor: tuple[NDArray[np.float64], bool]
    mean: float
    variance: float
    settings: Settings

    @classmethod
    def fit(
        cls,
        standard: Standard,
        points: NDArray[np.float64],
        y: NDArray[np.float64],
        family: NDArray[np.int64],
        settings: Settings,
    ) -> Surrogate:
        """Fit to complexes: `points` are on the scale of `standard`."""
        covariance = _kernel(points, points, settings) + settings.noise * np.eye(len(y))
        covariance += settings.family * (family[:, None] == family[None])
        factor = cho_factor(covariance, lower=True)
        # the best constant, by generalised least squares
        ones = cho_solve(factor, np.ones(len(y)))
        mean = float(ones @ y / ones.sum())
        weights = cho_solve(factor, y - mean)
        variance = float((y - mean) @ weights / len(y))
        return cls(standard, points, weights, factor, mean, variance, settings)

    def predict(self, features: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and standard deviation of a new complex of a new family: [n], [n], kJ/mol; not calibrated."""
        points = self.standard.apply(features)
        across = _kernel(points, self.points, self.settings)
        known = np.einsum("ij,ji->i", across, cho_solve(self.inverse_factor, across.T))
        own = 1.0 - self.settings.linear + self.settings.linear * (points**2).mean(axis=1)
        spread = np.maximum(own - known, 0.0) + self.settings.noise + self.settings.family
        return self.mean + across @ self.weights, np.sqrt(self.variance * spread)


def _kernel(one: NDArray[np.float64], other: NDArray[np.float64], settings: Settings) -> NDArray[np.float64]:
    n_features = one.shape[1]
    product = one @ other.T
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None] - 2.0 * product
    smooth = np.exp(-np.maximum(squares, 0.0) / (2.0 * n_features * settings.length**2))
    return (1.0 - settings.linear) * smooth + settings.linear * product / n_features
