"""Best values and percentiles of weighted frames, as metrics of how near an ensemble comes to a goal.

The best of N frames improves with N whatever the model: compare it with the same of aimless motion,
:mod:`unfreeze.evaluate.aimless`, or at the same N.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from unfreeze.evaluate.samples import FrameValues

__all__ = ["Weighted", "best", "quantile", "share_of", "single"]

Weighted = tuple[NDArray[np.floating], NDArray[np.float64]]


def quantile(values: NDArray[np.floating], weights: NDArray[np.float64], share: float) -> float:
    """Smallest value at or below which lies at least `share` of the weight.

    Parameters
    ----------
    values
        [n].
    weights
        [n], summing to 1; values of no weight do not count.
    share
        From 0 (the least value) to 1 (the greatest).
    """
    used = np.flatnonzero(weights > 0.0)
    order = used[np.argsort(values[used], kind="stable")]
    reached = np.cumsum(weights[order])
    # a sum of weights falls short of the share it stands for by rounding
    return float(values[order[min(np.searchsorted(reached, share - 1e-9), len(order) - 1)]])


def best(side: Weighted) -> float:
    """Least value of any frame that has weight."""
    return quantile(*side, 0.0)


def share_of(condition: Callable[[NDArray[np.floating]], NDArray[np.bool_]]) -> Callable[[Weighted], float]:
    """Weight of the frames of which something is true, as a statistic."""
    return lambda side: float(side[1] @ condition(side[0]))


def single(value: float = 0.0) -> FrameValues:
    """One value: a side of which nothing is drawn again."""
    return FrameValues(np.array([value]), np.ones(1), np.zeros(1, dtype=np.int64))
