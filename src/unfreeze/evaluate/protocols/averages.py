"""Means over targets, as the protocols of others report them where ours take medians."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from unfreeze.evaluate.metric import Metric
from unfreeze.evaluate.protocol import Aggregate
from unfreeze.evaluate.result import TargetResult

__all__ = ["mean_over_targets"]


def mean_over_targets(metric: Metric, name: str | None = None, title: str | None = None) -> Aggregate:
    """Mean of a metric over the targets that have it; named as the metric where nothing else is said."""

    def combine(targets: Sequence[TargetResult]) -> float | None:
        found = [target.estimates[metric.name].value for target in targets if metric.name in target.estimates]
        values = [value for value in found if value is not None]
        return float(np.mean(values)) if values else None

    return Aggregate(name or metric.name, title or metric.title, combine, metric.unit, metric.better)
