"""Scores of predicted classes: F1 of several labels, Matthews' correlation of each, Fmax of terms, calibration.

Conventions are those of scikit-learn (`f1_score`, `matthews_corrcoef`) and, for Fmax, of CAFA (Radivojac et al. 2013,
Nat. Methods 10, 221): precision is the mean over the proteins with at least one predicted term, recall the mean over
all proteins that have terms, and Fmax the largest harmonic mean over one threshold for all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "best_thresholds",
    "bootstrap_interval",
    "class_f1",
    "expected_calibration_error",
    "f_max",
    "macro_f1",
    "matthews_correlations",
    "micro_f1",
    "precision_and_recall",
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


def precision_and_recall(
    truth: ArrayLike, scores: ArrayLike, thresholds: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Protein-centric precision and recall at every threshold; NaN precision where nothing is predicted.

    Parameters
    ----------
    truth : bool [n_proteins, n_terms]
        Proteins without terms are left out.
    scores : float [n_proteins, n_terms]
        A term is predicted from the threshold on.
    thresholds : float [n]
        Positive ones: a score of zero is no prediction.
    """
    true, values = np.asarray(truth, dtype=bool), np.asarray(scores, dtype=np.float64)
    kept = true.any(1)
    true, values = true[kept], values[kept]
    precision, recall = [], []
    for threshold in np.asarray(thresholds, dtype=np.float64):
        said = values >= threshold
        hits, n_said = (true & said).sum(1), said.sum(1)
        some = n_said > 0
        precision.append(float((hits[some] / n_said[some]).mean()) if some.any() else np.nan)
        recall.append(float((hits / true.sum(1)).mean()) if len(true) else np.nan)
    return np.array(precision), np.array(recall)


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
    thresholds = np.arange(1, n_thresholds + 1) / n_thresholds
    precision, recall = precision_and_recall(truth, scores, thresholds)
    total = precision + recall
    values = np.where(np.nan_to_num(total) > 0, 2.0 * precision * recall / np.where(total > 0, total, 1.0), 0.0)
    best = int(np.nan_to_num(values).argmax())
    return float(np.nan_to_num(values)[best]), float(thresholds[best])


def best_thresholds(truth: ArrayLike, probabilities: ArrayLike, *, rounds: int = 3) -> NDArray[np.float64]:
    """One threshold a class such that the micro-F1 of all classes together is largest, class after class in turn.

    Parameters
    ----------
    truth : bool [n_proteins, n_classes]
    probabilities : float [n_proteins, n_classes]
    rounds
        How often all classes are gone through.

    Returns
    -------
    [n_classes]
        Between 0.05 and 0.95.
    """
    true, values = np.asarray(truth, dtype=bool), np.asarray(probabilities, dtype=np.float64)
    grid = np.linspace(0.05, 0.95, 91)
    found = np.full(true.shape[1], 0.5)
    above = values[:, :, None] >= grid  # [n_proteins, n_classes, n_grid]
    n_said = above.sum(0).astype(np.float64)
    n_both = (above & true[:, :, None]).sum(0).astype(np.float64)
    place = np.full(true.shape[1], int(np.abs(grid - 0.5).argmin()))
    classes = np.arange(true.shape[1])
    for _ in range(rounds):
        for one in classes:
            others = classes != one
            both = n_both[classes[others], place[others]].sum() + n_both[one]
            said = n_said[classes[others], place[others]].sum() + n_said[one]
            place[one] = int((2.0 * both / np.maximum(true.sum() + said, 1.0)).argmax())
    found[:] = grid[place]
    return found


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
