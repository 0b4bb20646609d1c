"""From held-out logits of locations to the calibration that is shipped, and the scores that are told of it.

Whatever is fitted here (temperature, thresholds) is scored with values that were fitted on the other folds; what is
shipped is fitted on all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.properties.class_scores import (
    best_thresholds,
    bootstrap_interval,
    class_f1,
    expected_calibration_error,
    macro_f1,
    matthews_correlations,
    micro_f1,
)
from unfreeze.properties.modalities.location import LOCATIONS, LocationRow
from unfreeze.properties.protein.calibration import cross_fitted, fit_temperature, probabilities_of
from unfreeze.properties.protein.model import Calibration

__all__ = ["LocationScores", "score_location"]

_N_BOOTSTRAP = 200
_MACRO_WEIGHT = 0.5


@dataclass(frozen=True)
class LocationScores:
    """What is fitted on all held-out proteins, and scores that were fitted fold by fold.

    Attributes
    ----------
    calibration
        To ship.
    scores
        For the card and the table.
    """

    calibration: Calibration
    scores: Mapping[str, Any]


def score_location(
    rows: Sequence[LocationRow],
    logits: NDArray[np.float32],
    *,
    n_bootstrap: int = _N_BOOTSTRAP,
    one_fold: bool = False,
) -> LocationScores:
    """Scores over the official partitions.

    Parameters
    ----------
    rows
        All proteins.
    logits : [n_rows, 10]
        Of the network that did not see the partition of the row.
    n_bootstrap
        Samples of the interval.
    one_fold
        The rows are of one partition: it is cut into five, only to see how training goes.
    """
    truth = np.stack([row.locations for row in rows])
    folds = np.arange(len(rows)) % 5 if one_fold else np.array([row.partition for row in rows])
    probabilities, chosen = cross_fitted(truth, logits, folds, _thresholds)
    temperature = fit_temperature(truth, logits)
    thresholds = _thresholds(truth, probabilities_of(logits, temperature))
    random = np.random.default_rng(0)
    drawn = [random.integers(0, len(rows), len(rows)) for _ in range(n_bootstrap)]
    interval = bootstrap_interval(np.array([micro_f1(truth[one], chosen[one]) for one in drawn]))
    by_fold = {str(fold): round(micro_f1(truth[folds == fold], chosen[folds == fold]), 4) for fold in np.unique(folds)}
    mcc, f1 = matthews_correlations(truth, chosen), class_f1(truth, chosen)
    scores = {
        "n": len(rows),
        "micro_f1": round(micro_f1(truth, chosen), 4),
        "micro_f1_interval": [round(one, 4) for one in interval],
        "micro_f1_by_partition": by_fold,
        "macro_f1": round(macro_f1(truth, chosen), 4),
        "micro_f1_by_thresholds_for_it_alone": round(micro_f1(truth, cross_fitted(truth, logits, folds)[1]), 4),
        "exact": round(float((truth == chosen).all(1).mean()), 4),
        "classes": {
            name: {"n": int(truth[:, k].sum()), "mcc": round(float(mcc[k]), 3), "f1": round(float(f1[k]), 3)}
            for k, name in enumerate(LOCATIONS)
        },
        "calibration_error_before": round(expected_calibration_error(truth, probabilities_of(logits)), 4),
        "calibration_error_after": round(expected_calibration_error(truth, probabilities), 4),
        "temperature": round(temperature, 4),
    }
    return LocationScores(Calibration(temperature, tuple(thresholds.tolist())), scores)


def _thresholds(truth: NDArray[np.bool_], probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    return best_thresholds(truth, probabilities, macro_weight=_MACRO_WEIGHT)
