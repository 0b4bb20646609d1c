"""Statistics of predicted effects against measured ones, and the interval of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

__all__ = [
    "STATISTICS",
    "Floats",
    "Interval",
    "Sign",
    "Statistic",
    "auc",
    "fisher_interval",
    "fisher_p",
    "mae",
    "pearson",
    "rmse",
    "spearman",
]

Floats = NDArray[np.float64]
Sign = Literal["negative", "positive"]
Statistic = Callable[[Floats, Floats], float]


@dataclass(frozen=True)
class Interval:
    """A score and its confidence interval.

    Attributes
    ----------
    value
        Of the data as they are; NaN where it is not defined (all predictions equal).
    low, high
        Ends of the central interval of resampled data; NaN with fewer than two groups.
    """

    value: float
    low: float = float("nan")
    high: float = float("nan")

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    def plain(self) -> list[float]:
        """Value, low and high, rounded for a file."""
        return [round(float(one), 5) for one in (self.value, self.low, self.high)]


def pearson(measured: Floats, predicted: Floats) -> float:
    """Linear correlation; NaN of fewer than two rows or where one side is constant."""
    if len(measured) < 2:
        return float("nan")
    a, b = measured - measured.mean(), predicted - predicted.mean()
    size = np.sqrt((a @ a) * (b @ b))
    least = 1e-12 * len(a) * max(float(np.abs(measured).max()), 1e-100) * max(float(np.abs(predicted).max()), 1e-100)
    return float(np.clip((a @ b) / size, -1.0, 1.0)) if size > least else float("nan")


def spearman(measured: Floats, predicted: Floats) -> float:
    """Correlation of ranks; equal values have their mean rank."""
    return pearson(rankdata(measured), rankdata(predicted))


def rmse(measured: Floats, predicted: Floats) -> float:
    """Root of the mean square error, in the unit of the values."""
    return float(np.sqrt(np.mean((measured - predicted) ** 2))) if len(measured) else float("nan")


def mae(measured: Floats, predicted: Floats) -> float:
    """Mean absolute error, in the unit of the values."""
    return float(np.mean(np.abs(measured - predicted))) if len(measured) else float("nan")


def auc(measured: Floats, predicted: Floats, *, bad: Sign = "negative", threshold: float = 0.0) -> float:
    """Chance that a destabilising mutation is predicted as worse than another one; ties count a half.

    Parameters
    ----------
    measured, predicted : [n]
        Effects.
    bad
        Sign of what destabilises: ``negative`` for folds, ``positive`` for binding.
    threshold
        A mutation destabilises beyond this size, in the unit of the values.
    """
    turn = -1.0 if bad == "negative" else 1.0
    worse = turn * measured > threshold
    n_worse = int(worse.sum())
    n_other = len(worse) - n_worse
    if not n_worse or not n_other:
        return float("nan")
    ranks = rankdata(turn * predicted)
    return float((ranks[worse].sum() - n_worse * (n_worse + 1) / 2) / (n_worse * n_other))


STATISTICS: Mapping[str, Statistic] = {"pearson": pearson, "spearman": spearman, "rmse": rmse, "mae": mae, "auc": auc}


def fisher_interval(r: float, n: int, level: float = 0.95) -> Interval:
    """Interval of a correlation of n independent rows (Fisher 1921, Metron 1, 3): too narrow for rows in groups."""
    if n < 4 or not np.isfinite(r):
        return Interval(r)
    middle = np.arctanh(np.clip(r, -1.0 + 1e-15, 1.0 - 1e-15))
    half = norm.ppf(0.5 + level / 2.0) / np.sqrt(n - 3)
    return Interval(float(r), float(np.tanh(middle - half)), float(np.tanh(middle + half)))


def fisher_p(first: float, n_first: int, second: float, n_second: int) -> float:
    """Two-sided p of two correlations of *different* data being equal; for the same data see `scores.compare`."""
    if min(n_first, n_second) < 4:
        return float("nan")
    sides = np.arctanh(np.clip([first, second], -1.0 + 1e-15, 1.0 - 1e-15))
    return float(2.0 * norm.sf(abs(sides[0] - sides[1]) / np.sqrt(1.0 / (n_first - 3) + 1.0 / (n_second - 3))))
