"""Scores of predicted classes: F1 of several labels, Matthews' correlation of each, Fmax of terms, calibration.

Conventions are those of scikit-learn (`f1_score`, `matthews_corrcoef`) and, for Fmax, of CAFA (Radivojac et al. 2013,
Nat. Methods 10, 221): precision is the mean over the proteins with at least one predicted term, recall the mean over
all proteins that have terms, and Fmax the largest harmonic mean over one threshold for all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "TermCounts",
    "best_thresholds",
    "bootstrap_interval",
    "class_f1",
    "expected_calibration_error",
    "f_max",
    "macro_f1",
    "matthews_correlations",
    "micro_f1",
    "term_counts",
]


def micro_f1(truth: ArrayLike, chosen: ArrayLike) -> float:
    """F1 of all decisions together: 2 TP / (2 TP + FP + FN); 0 where there is nothing.

    Parameters
    ----------
    truth, chosen : bool [n_proteins, n_classes]
        Labels, and what was predicted.
    """
    true, said = _pair(truth, chosen)
    total = int(true.sum() + said.sum())
    return 2.0 * int((true & said).sum()) / total if total else 0.0


def class_f1(truth: ArrayLike, chosen: ArrayLike) -> NDArray[np.float64]:
    """F1 of every class: [n_classes]; 0 for a class that neither occurs nor was predicted."""
    true, said = _pair(truth, chosen)
    total = true.sum(0) + said.sum(0)
    return 2.0 * (true & said).sum(0) / np.maximum(total, 1)


def macro_f1(truth: ArrayLike, chosen: ArrayLike) -> float:
    """Mean F1 of the classes."""
    return float(class_f1(truth, chosen).mean())


def matthews_correlations(truth: ArrayLike, chosen: ArrayLike) -> NDArray[np.float64]:
    """Matthews' correlation coefficient of every class: [n_classes]; 0 where truth or prediction is constant."""
    true, said = _pair(truth, chosen)
    both = (true & said).sum(0).astype(np.float64)
    n, n_true, n_said = len(true), true.sum(0).astype(np.float64), said.sum(0).astype(np.float64)
    product = n_true * (n - n_true) * n_said * (n - n_said)
    return np.where(product > 0, (n * both - n_true * n_said) / np.sqrt(np.maximum(product, 1.0)), 0.0)


@dataclass(frozen=True, eq=False)
class TermCounts:
    """What Fmax is computed from, protein by protein, so that samples of proteins cost nothing.

    Attributes
    ----------
    thresholds : [n_thresholds]
    hits, said : [n_proteins, n_thresholds]
        Terms that were predicted rightly, and terms that were predicted.
    n_true : [n_proteins]
        Terms that hold.
    """

    thresholds: NDArray[np.float64]
    hits: NDArray[np.float64]
    said: NDArray[np.float64]
    n_true: NDArray[np.float64]

    def curve(self, rows: ArrayLike | None = None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Precision (NaN where nothing is predicted) and recall at every threshold.

        Parameters
        ----------
        rows
            Proteins, some of them perhaps several times; all if None. Those without terms are left out.
        """
        chosen = np.arange(len(self.n_true)) if rows is None else np.asarray(rows)
        chosen = chosen[self.n_true[chosen] > 0]
        hits, said = self.hits[chosen], self.said[chosen]
        some = (said > 0).sum(0)
        precision = (hits / np.maximum(said, 1.0)).sum(0)
        precision = np.where(some > 0, precision / np.maximum(some, 1), np.nan)
        recall = (hits / self.n_true[chosen, None]).sum(0) / max(len(chosen), 1)
        return precision, recall

    def f_max(self, rows: ArrayLike | None = None) -> tuple[float, float]:
        """Fmax of such proteins, and the threshold where it is."""
        precision, recall = self.curve(rows)
        total = np.nan_to_num(precision) + recall
        values = 2.0 * np.nan_to_num(precision) * recall / np.where(total > 0, total, 1.0)
        best = int(values.argmax())
        return float(values[best]), float(self.thresholds[best])


def term_counts(truth: ArrayLike, scores: ArrayLike, thresholds: ArrayLike) -> TermCounts:
    """Count predicted terms at every threshold.

    Parameters
    ----------
    truth : bool [n_proteins, n_terms]
        Which terms hold.
    scores : float [n_proteins, n_terms]
        A term is predicted from the threshold on.
    thresholds : float [n]
        Increasing and positive: a score of zero is no prediction.
    """
    true, values = np.asarray(truth, dtype=bool), np.asarray(scores, dtype=np.float64)
    if true.shape != values.shape or true.ndim != 2:
        raise ValueError(f"truth is {true.shape}, scores {values.shape}; expected two tables of one shape")
    limits = np.asarray(thresholds, dtype=np.float64)
    reached = np.searchsorted(limits, values, side="right")  # thresholds at or below the score
    n = len(limits) + 1
    place = np.arange(len(true))[:, None] * n + reached
    counted = [
        np.bincount(place[chosen], minlength=len(true) * n).reshape(len(true), n)
        for chosen in (true & (reached > 0), reached > 0)
    ]
    hits, said = (one[:, ::-1].cumsum(1)[:, ::-1][:, 1:].astype(np.float64) for one in counted)
    return TermCounts(limits, hits, said, true.sum(1).astype(np.float64))


def f_max(truth: ArrayLike, scores: ArrayLike, *, n_thresholds: int = 100) -> tuple[float, float]:
    """Fmax, and the threshold where it is.

    Parameters
    ----------
    truth : bool [n_proteins, n_terms]
        Proteins without terms are left out.
    scores : float [n_proteins, n_terms]
        Between 0 and 1; zero for terms that are not predicted.
    n_thresholds
        How many thresholds between 0 and 1 are tried.
    """
    return term_counts(truth, scores, np.arange(1, n_thresholds + 1) / n_thresholds).f_max()


def best_thresholds(
    truth: ArrayLike, probabilities: ArrayLike, *, macro_weight: float = 0.0, rounds: int = 4
) -> NDArray[np.float64]:
    """One threshold a class such that micro-F1 + weight · macro-F1 is largest, class after class in turn.

    Parameters
    ----------
    truth : bool [n_proteins, n_classes]
    probabilities : float [n_proteins, n_classes]
    macro_weight
        Of macro-F1; with 0, classes that are rare and hard are hardly ever predicted.
    rounds
        How often all classes are gone through.

    Returns
    -------
    [n_classes]
        Between 0.05 and 0.95.
    """
    true, values = np.asarray(truth, dtype=bool), np.asarray(probabilities, dtype=np.float64)
    grid = np.linspace(0.05, 0.95, 91)
    above = values[:, :, None] >= grid  # [n_proteins, n_classes, n_grid]
    n_said, n_true = above.sum(0).astype(np.float64), true.sum(0).astype(np.float64)
    n_both = (above & true[:, :, None]).sum(0).astype(np.float64)
    of_class = 2.0 * n_both / np.maximum(n_said + n_true[:, None], 1.0)
    classes = np.arange(true.shape[1])
    place = np.full(len(classes), int(np.abs(grid - 0.5).argmin()))
    for _ in range(rounds):
        for one in classes:
            others = classes != one
            both = n_both[classes[others], place[others]].sum() + n_both[one]
            said = n_said[classes[others], place[others]].sum() + n_said[one]
            micro = 2.0 * both / np.maximum(n_true.sum() + said, 1.0)
            place[one] = int((micro + macro_weight * of_class[one] / len(classes)).argmax())
    return grid[place]


def expected_calibration_error(truth: ArrayLike, probabilities: ArrayLike, *, n_bins: int = 15) -> float:
    """Mean distance between probability and frequency over bins of equal width, by how many fall into each.

    Guo et al. 2017, ICML; every decision about a class counts as one.
    """
    true = np.asarray(truth, dtype=np.float64).ravel()
    values = np.asarray(probabilities, dtype=np.float64).ravel()
    if not len(values):
        return float("nan")
    bins = np.minimum((values * n_bins).astype(np.int64), n_bins - 1)
    said = np.bincount(bins, values, n_bins)
    happened = np.bincount(bins, true, n_bins)
    return float(np.abs(said - happened).sum() / len(values))


def bootstrap_interval(values: NDArray[np.float64], *, level: float = 0.95) -> tuple[float, float]:
    """Limits between which the middle share of bootstrap values lies."""
    low, high = np.quantile(values, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return float(low), float(high)


def _pair(truth: ArrayLike, chosen: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    true, said = np.asarray(truth, dtype=bool), np.asarray(chosen, dtype=bool)
    if true.shape != said.shape or true.ndim != 2:
        raise ValueError(f"truth is {true.shape}, prediction {said.shape}; expected two tables of one shape")
    return true, said
