"""From logits of held-out proteins to probabilities, thresholds and confidence, without looking at what is scored."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from unfreeze.properties.class_scores import best_thresholds
from unfreeze.properties.modalities.classes import logistic_loss

__all__ = ["cross_fitted", "decided", "fit_logistic", "fit_temperature", "probabilities_of"]


def probabilities_of(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """Logistic function of the logits over the temperature."""
    return 1.0 / (1.0 + np.exp(-np.clip(np.asarray(logits, dtype=np.float64) / temperature, -60.0, 60.0)))


def fit_temperature(truth: NDArray[np.bool_], logits: NDArray[np.floating]) -> float:
    """The temperature with the greatest likelihood (Guo et al. 2017, ICML), between 0.2 and 5."""
    values, true = np.asarray(logits, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    found = minimize_scalar(
        lambda power: logistic_loss(values / np.exp(power), true), bounds=(np.log(0.2), np.log(5.0)), method="bounded"
    )
    return float(np.exp(found.x))


def decided(probabilities: NDArray[np.float64], thresholds: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Classes at or above their threshold; where there is none, the one that comes nearest: bool like probabilities."""
    chosen = probabilities >= thresholds
    nearest = (probabilities - thresholds).argmax(1)
    none = ~chosen.any(1)
    chosen[np.flatnonzero(none), nearest[none]] = True
    return chosen


def cross_fitted(
    truth: NDArray[np.bool_],
    logits: NDArray[np.floating],
    folds: NDArray[np.int64],
    thresholds: Callable[[NDArray[np.bool_], NDArray[np.float64]], NDArray[np.float64]] = best_thresholds,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Probabilities and decisions of every fold, with temperature and thresholds of the other folds.

    Parameters
    ----------
    truth : bool [n_proteins, n_classes]
    logits : [n_proteins, n_classes]
        Of networks that did not see the protein.
    folds : [n_proteins]
        Which fold a protein is in.
    thresholds
        How thresholds are chosen from truth and probabilities.

    Returns
    -------
    probabilities : float64 [n_proteins, n_classes]
    chosen : bool [n_proteins, n_classes]
    """
    probabilities = np.zeros(truth.shape)
    chosen = np.zeros(truth.shape, dtype=bool)
    for fold in np.unique(folds):
        here = folds == fold
        temperature = fit_temperature(truth[~here], logits[~here])
        others = probabilities_of(logits[~here], temperature)
        probabilities[here] = probabilities_of(logits[here], temperature)
        chosen[here] = decided(probabilities[here], thresholds(truth[~here], others))
    return probabilities, chosen


def fit_logistic(
    features: NDArray[np.float64], happened: NDArray[np.bool_], *, ridge: float = 1.0, n_steps: int = 50
) -> NDArray[np.float64]:
    """Coefficients of a logistic function with a weak pull to zero, by Newton's method: [n_features].

    Parameters
    ----------
    features : [n, n_features]
        The first column is 1 and is not pulled.
    happened : bool [n]
    ridge
        Strength of the pull.
    n_steps
        Most steps.
    """
    true = np.asarray(happened, dtype=np.float64)
    pull = np.full(features.shape[1], ridge)
    pull[0] = 1e-6
    found = np.zeros(features.shape[1])
    for _ in range(n_steps):
        chance = probabilities_of(features @ found)
        gradient = features.T @ (chance - true) + pull * found
        curvature = (features * (chance * (1.0 - chance))[:, None]).T @ features + np.diag(pull)
        change = np.linalg.solve(curvature, gradient)
        found = found - np.clip(change, -5.0, 5.0)
        if np.abs(change).max() < 1e-8:
            break
    return found
