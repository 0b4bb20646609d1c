"""How alike two series or two sets are: Pearson and Spearman correlation, the Jaccard index.

All give NaN where they are undefined, and :func:`where_drawn` makes any statistic do so for a resample without weight.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

__all__ = ["jaccard", "pearson", "spearman", "where_drawn"]


def pearson(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Pearson correlation of two equally long series; NaN where either is constant or has fewer than two values.

    A series counts as constant when its spread is no more than rounding in its values.
    """
    if len(first) < 2:
        return float("nan")
    deviations: list[NDArray[np.float64]] = []
    for series in (first, second):
        values = np.asarray(series, dtype=np.float64)
        centred = values - values.mean()
        norm = float(np.linalg.norm(centred))
        if not norm > 1e-12 * float(np.linalg.norm(values)):
            return float("nan")
        deviations.append(centred / norm)
    return float(np.clip(deviations[0] @ deviations[1], -1.0, 1.0))


def spearman(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Spearman rank correlation, ties sharing their mean rank; NaN where either series is constant."""
    return pearson(rankdata(first), rankdata(second))


def jaccard(first: NDArray[np.bool_], second: NDArray[Any]) -> float:
    """Jaccard index |A ∩ B| / |A ∪ B| of two masks over the same items; NaN where both sets are empty."""
    union = np.count_nonzero(first | second)
    return np.count_nonzero(first & second) / union if union else float("nan")


def where_drawn(statistic: Callable[[Any, Any], float]) -> Callable[[Any, Any], float]:
    """The statistic of two samples, NaN where one of them drew only blocks of frames without weight.

    Means are NaN then, for which eigenvalues and distances of distributions raise errors instead.
    """

    def guarded(one: Any, other: Any) -> float:
        # of a sample without weight every mean and every weight is NaN, so that one number of each array tells
        parts = (part for side in (one, other) for part in (side if isinstance(side, tuple) else (side,)))
        drawn = all(np.isfinite(part.flat[-1]) for part in parts if part.size)
        return statistic(one, other) if drawn else float("nan")

    return guarded
