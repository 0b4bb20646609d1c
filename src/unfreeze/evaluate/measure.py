"""Measure metrics on a pair: the value, its bootstrap interval, its floor and its baseline.

The interval is value ± 1.96 standard errors, cut at the metric's bounds; the standard error comes from drawing the
blocks of both sides with replacement. Percentile intervals would not do: resampling adds noise of its own, so that
every distance grows and every correlation falls, and the interval can miss the value itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from unfreeze.evaluate.frames import AlignedPair, Side
from unfreeze.evaluate.metric import Estimate, Measurement, Metric, NotMeasurableError
from unfreeze.evaluate.metrics.similarity import where_drawn
from unfreeze.evaluate.protocol import Options

__all__ = ["measure", "measure_all"]

_Z95 = 1.959963984540054


def measure_all(
    metrics: Sequence[Metric],
    pair: AlignedPair,
    options: Options,
    *,
    floor: AlignedPair | None = None,
    baseline: AlignedPair | None = None,
) -> dict[str, Estimate]:
    """Every metric on a pair, beside its floor and its baseline.

    Parameters
    ----------
    metrics
        What to measure.
    pair
        The ensemble and its reference.
    options
        Number of resamples and seed.
    floor, baseline
        Pairs on which the same is measured, without an interval.

    Returns
    -------
    dict
        Metric name to estimate; one that does not apply says why.
    """
    others: Mapping[str, AlignedPair | None] = {"floor": floor, "baseline": baseline}
    return {metric.name: measure(metric, pair, options, others) for metric in metrics}


def measure(
    metric: Metric, pair: AlignedPair, options: Options, others: Mapping[str, AlignedPair | None] | None = None
) -> Estimate:
    """One metric on a pair; see :func:`measure_all`."""
    try:
        found = _measured(metric, pair.ensemble, pair.reference)
    except NotMeasurableError as refusal:
        return Estimate(None, reason=str(refusal))
    value = _value(found)
    if value is None:
        return Estimate(
            None, reference=_own(found), reason="undefined here: nothing varies, or there is nothing to count"
        )
    low, high = _interval(metric, found, value, options)
    beside = {name: _other(metric, other.ensemble, other.reference) for name, other in (others or {}).items() if other}
    return Estimate(value, low, high, beside.get("floor"), beside.get("baseline"), _own(found))


def _measured(metric: Metric, ensemble: Side, reference: Side) -> Measurement:
    if metric.measure is None:
        raise ValueError(f"metric {metric.name} is computed by its protocol, not alone")
    return metric.measure(ensemble, reference)


def _value(found: Measurement) -> float | None:
    value = float(found.statistic(found.ensemble.at(), found.reference.at()))
    return value if np.isfinite(value) else None


def _own(found: Measurement) -> float | None:
    if found.own is None:
        return None
    value = float(found.own(found.reference.at()))
    return value if np.isfinite(value) else None


def _other(metric: Metric, ensemble: Side, reference: Side) -> float | None:
    try:
        return _value(_measured(metric, ensemble, reference))
    except NotMeasurableError:
        return None


def _interval(
    metric: Metric, found: Measurement, value: float, options: Options
) -> tuple[float, float] | tuple[None, None]:
    """Ends of the 95 % interval; none where fewer than two blocks on both sides leave nothing to draw."""
    sizes = found.ensemble.n_blocks, found.reference.n_blocks
    if options.n_bootstrap < 2 or max(sizes) < 2:
        return None, None
    generator = np.random.default_rng(options.seed)
    drawn = []
    statistic = where_drawn(found.statistic)
    for _ in range(options.n_bootstrap):
        copies = [generator.multinomial(size, np.full(size, 1.0 / size)) if size > 1 else None for size in sizes]
        with np.errstate(invalid="ignore", divide="ignore"):
            drawn.append(float(statistic(found.ensemble.at(copies[0]), found.reference.at(copies[1]))))
    usable = np.array(drawn)[np.isfinite(drawn)]
    if len(usable) < max(2, options.n_bootstrap // 2):
        return None, None
    error = _Z95 * float(usable.std(ddof=1))
    return max(value - error, metric.bounds[0]), min(value + error, metric.bounds[1])
