"""Nested cross-validation by groups of complexes, and its scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from unfreeze.properties.binding.regression import Settings, Standard, Surrogate

__all__ = ["GRID", "OutOfFold", "bootstrap", "choose", "coverage", "folds_of", "out_of_fold", "ridge_out_of_fold"]

GRID = tuple(Settings(*one) for one in product((0.8, 1.4), (0.2,), (0.5, 1.2), (0.0, 0.6)))
"""The same for every variant, so that all have the same capacity."""

_OUTER, _INNER = 10, 3


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Predictions of complexes by models that saw none of their group.

    Attributes
    ----------
    value, error : float64 [n]
        kJ/mol; the error is calibrated on other folds.
    scale
        What the error of a process must be multiplied by, from all folds.
    chosen
        Settings of every fold.
    """

    value: NDArray[np.float64]
    error: NDArray[np.float64]
    scale: float
    chosen: tuple[Settings, ...]


def folds_of(groups: NDArray[np.int64], n_folds: int, seed: int) -> NDArray[np.int64]:
    """Fold of every complex; groups stay whole, largest first into the smallest fold."""
    random = np.random.default_rng(seed)
    names, counts = np.unique(groups, return_counts=True)
    sizes = np.zeros(n_folds)
    fold = np.zeros(len(groups), dtype=np.int64)
    for row in np.lexsort((random.random(len(names)), -counts)):
        target = int(np.lexsort((random.random(n_folds), sizes))[0])
        fold[groups == names[row]] = target
        sizes[target] += counts[row]
    return fold


def choose(
    features: NDArray[np.float64],
    y: NDArray[np.float64],
    family: NDArray[np.int64],
    groups: NDArray[np.int64],
    grid: Sequence[Settings] = GRID,
    seed: int = 1,
) -> Settings:
    """The settings with the least mean square error in an inner cross-validation by the same groups."""
    fold = folds_of(groups, _INNER, seed)
    losses = np.zeros(len(grid))
    for number in range(_INNER):
        train, test = fold != number, fold == number
        standard = Standard.of(features[train])
        points = standard.apply(features[train])
        for k, settings in enumerate(grid):
            model = Surrogate.fit(standard, points, y[train], family[train], settings)
            losses[k] += ((model.predict(features[test])[0] - y[test]) ** 2).sum()
    return grid[int(losses.argmin())]


def out_of_fold(
    features: NDArray[np.float64],
    y: NDArray[np.float64],
    family: NDArray[np.int64],
    groups: NDArray[np.int64],
    seed: int = 0,
    train_on: NDArray[np.bool_] | None = None,
) -> OutOfFold:
    """Nested cross-validation: what is held out has no part in choosing settings, scaling or fitting.

    Parameters
    ----------
    features
        [n, n_features], nan for what is not known.
    y, family, groups
        ΔG (kJ/mol), family for the shared error, group that folds keep whole: [n] each.
    seed
        Of the folds.
    train_on
        Complexes that may be trained on; all when None.
    """
    fold = folds_of(groups, _OUTER, seed)
    usable = np.ones(len(y), dtype=bool) if train_on is None else train_on
    value, raw = np.empty(len(y)), np.empty(len(y))
    chosen = []
    for number in range(_OUTER):
        train, test = (fold != number) & usable, fold == number
        settings = choose(features[train], y[train], family[train], groups[train])
        standard = Standard.of(features[train])
        model = Surrogate.fit(standard, standard.apply(features[train]), y[train], family[train], settings)
        value[test], raw[test] = model.predict(features[test])
        chosen.append(settings)
    ratio = ((value - y) / raw) ** 2
    scale = np.array([np.sqrt(ratio[fold != number].mean()) for number in range(_OUTER)])
    return OutOfFold(value, raw * scale[fold], float(np.sqrt(ratio.mean())), tuple(chosen))


def ridge_out_of_fold(
    features: NDArray[np.float64], y: NDArray[np.float64], groups: NDArray[np.int64], seed: int = 0
) -> NDArray[np.float64]:
    """Least squares on few features, for the baselines."""
    fold = folds_of(groups, _OUTER, seed)
    value = np.empty(len(y))
    for number in range(_OUTER):
        train, test = fold != number, fold == number
        standard = Standard.of(features[train])
        design = np.column_stack([np.ones(train.sum()), standard.apply(features[train])])
        normal = design.T @ design + 1e-3 * np.eye(design.shape[1])
        solution = np.linalg.solve(normal, design.T @ y[train])
        value[test] = np.column_stack([np.ones(test.sum()), standard.apply(features[test])]) @ solution
    return value


def bootstrap(
    y: NDArray[np.float64],
    predictions: Sequence[NDArray[np.float64]],
    groups: NDArray[np.int64],
    n_draws: int = 2000,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Pearson correlations of predictions in resamples of whole groups, the same for all: [n_predictions, n_draws]."""
    random = np.random.default_rng(seed)
    names, place = np.unique(groups, return_inverse=True)
    found = np.empty((len(predictions), n_draws))
    for draw in range(n_draws):
        weight = np.bincount(random.integers(len(names), size=len(names)), minlength=len(names))[place].astype(float)
        weight /= weight.sum()
        centred = y - weight @ y
        for k, prediction in enumerate(predictions):
            other = prediction - weight @ prediction
            norm = np.sqrt((weight @ centred**2) * (weight @ other**2))
            found[k, draw] = (weight @ (centred * other)) / max(norm, 1e-12)
    return found


def coverage(y: NDArray[np.float64], value: NDArray[np.float64], error: NDArray[np.float64]) -> tuple[float, float]:
    """Shares of complexes inside intervals of 68 and 95 %."""
    score = np.abs(value - y) / error
    return float((score < 0.994).mean()), float((score < 1.96).mean())
