"""What most protocols do with their metrics: align the pair, find its floor and its baseline, measure all.

The protocols differ in their metrics, settings and aggregates; `alphaflow` alone goes its own way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from unfreeze.evaluate.baseline import baseline_side
from unfreeze.evaluate.floor import floor_pair, why_no_floor
from unfreeze.evaluate.frames import AlignedPair, Frames
from unfreeze.evaluate.matching import align_pair
from unfreeze.evaluate.measure import measure_all
from unfreeze.evaluate.metric import Metric, NotMeasurableError
from unfreeze.evaluate.protocol import Options, Outcome

__all__ = ["rounded", "run_standard"]


def run_standard(metrics: Sequence[Metric], ensemble: Frames, reference: Frames, options: Options) -> Outcome:
    """Align, then measure every metric with its interval, floor and baseline.

    Parameters
    ----------
    metrics
        What to measure, in order.
    ensemble, reference
        As read.
    options
        Which of floor and baseline to measure, and the resamples.

    Returns
    -------
    Outcome
        Without arrays; its notes say why there is no floor or baseline where one was asked for.
    """
    pair, matching = align_pair(reference, ensemble)
    return measure_pair(metrics, pair, options, matching=matching.to_dict(), notes=matching.notes)


def measure_pair(
    metrics: Sequence[Metric],
    pair: AlignedPair,
    options: Options,
    *,
    matching: dict[str, Any],
    notes: Sequence[str] = (),
) -> Outcome:
    """The same for a pair that is aligned already."""
    said = list(notes)
    floor = baseline = None
    if options.floor:
        floor = floor_pair(pair, options.seed)
        if floor is None:
            said.append(f"No floor: {why_no_floor(pair)}.")
    if options.baseline:
        try:
            baseline = AlignedPair(baseline_side(pair, options.seed), pair.reference)
        except NotMeasurableError as refusal:
            said.append(f"No baseline: {refusal}.")
    estimates = measure_all(metrics, pair, options, floor=floor, baseline=baseline)
    return Outcome(estimates, matching=matching, notes=tuple(said))


def rounded(values: Any, digits: int = 5) -> list[Any]:
    """An array as nested lists of numbers with few digits, for the record."""
    array = np.asarray(values, dtype=np.float64)
    return np.vectorize(lambda value: float(f"{value:.{digits}g}"), otypes=[np.float64])(array).tolist()
