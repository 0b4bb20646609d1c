"""What most protocols do with their metrics: align the pair, find its floor and its baseline, measure all.

The protocols differ in their metrics, settings and aggregates; `alphaflow` alone goes its own way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from unfreeze.evaluate.baseline import baseline_side
from unfreeze.evaluate.floor import floor_pair, why_no_floor
from unfreeze.evaluate.frames import AlignedPair
from unfreeze.evaluate.measure import measure_all
from unfreeze.evaluate.metric import Metric, NotMeasurableError
from unfreeze.evaluate.protocol import Options, Outcome

__all__ = ["floor_and_baseline", "measure_pair", "rounded"]


def measure_pair(
    metrics: Sequence[Metric],
    pair: AlignedPair,
    options: Options,
    *,
    matching: dict[str, Any],
    notes: Sequence[str] = (),
) -> Outcome:
    """Measure every metric on an aligned pair with its interval, floor and baseline.

    Parameters
    ----------
    metrics
        What to measure, in order.
    pair
        Ensemble and reference.
    options
        Which of floor and baseline to measure, and the resamples.
    matching, notes
        How atoms were matched and what is known already, for the outcome.

    Returns
    -------
    Outcome
        Without arrays; its notes say why there is no floor or baseline where one was asked for.
    """
    said = list(notes)
    floor, baseline = floor_and_baseline(pair, options, said)
    estimates = measure_all(metrics, pair, options, floor=floor, baseline=baseline)
    return Outcome(estimates, matching=matching, notes=tuple(said))


def floor_and_baseline(
    pair: AlignedPair, options: Options, notes: list[str]
) -> tuple[AlignedPair | None, AlignedPair | None]:
    """Floor and baseline as far as they are wanted and there are any; `notes` get the reasons why not."""
    floor = baseline = None
    if options.floor:
        floor = floor_pair(pair, options.seed)
        if floor is None:
            notes.append(f"No floor: {why_no_floor(pair)}.")
    if options.baseline:
        try:
            baseline = AlignedPair(baseline_side(pair, options.seed), pair.reference)
        except NotMeasurableError as refusal:
            notes.append(f"No baseline: {refusal}.")
    return floor, baseline


def rounded(values: Any, digits: int = 5) -> list[Any]:
    """An array as nested lists of numbers with few digits, for the record."""
    array = np.asarray(values, dtype=np.float64)
    return np.vectorize(lambda value: float(f"{value:.{digits}g}"), otypes=[np.float64])(array).tolist()
