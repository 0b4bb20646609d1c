"""What a protocol is: a name and a version, metrics with their settings, and how they are put together over targets.

Change anything that can change a number and the version goes up. The protocols themselves are in
:mod:`unfreeze.evaluate.protocols`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from unfreeze.evaluate.frames import Frames
from unfreeze.evaluate.metric import Estimate, Metric
from unfreeze.evaluate.result import TargetResult

__all__ = ["Aggregate", "Options", "Outcome", "Protocol"]


@dataclass(frozen=True)
class Options:
    """What the user may choose without changing what a number means.

    Attributes
    ----------
    floor, baseline
        Whether to measure the reference against itself, and a Cα elastic network against the reference.
    n_bootstrap
        Resamples for the intervals; 0 for none.
    seed
        Of the bootstrap, of the choice of frames and of the baseline's draws.
    """

    floor: bool = True
    baseline: bool = True
    n_bootstrap: int = 100
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a protocol gives for one target; see :class:`TargetResult` for the fields."""

    estimates: dict[str, Estimate]
    matching: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, list[Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Aggregate:
    """One number over all targets of a generator.

    Attributes
    ----------
    name, title, unit, better
        As for a metric.
    combine
        Takes the results of the targets that did not fail; None where it cannot be computed.
    """

    name: str
    title: str
    combine: Callable[[Sequence[TargetResult]], float | None]
    unit: str = ""
    better: str = "higher"

    @classmethod
    def median(cls, metric: Metric) -> Aggregate:
        """Median over the targets that have the metric."""
        return cls(metric.name, metric.title, lambda targets: _over(targets, metric.name, np.median), metric.unit,
                   metric.better)  # fmt: skip

    @classmethod
    def share_above(cls, metric: Metric, threshold: float, name: str, title: str) -> Aggregate:
        """Share of targets in which the metric exceeds a threshold."""
        return cls(name, title, lambda targets: _over(targets, metric.name, lambda v: np.mean(v > threshold)))

    @classmethod
    def pearson_with_reference(cls, metric: Metric, name: str, title: str) -> Aggregate:
        """Pearson r over targets between an observable of the ensembles and of their references."""

        def combine(targets: Sequence[TargetResult]) -> float | None:
            pairs = [
                (found.value, found.reference)
                for target in targets
                if (found := target.estimates.get(metric.name)) and None not in (found.value, found.reference)
            ]
            return _pearson(*np.array(pairs, dtype=float).T) if len(pairs) > 2 else None

        return cls(name, title, combine)

    @classmethod
    def pooled_pearson(cls, first: str, second: str, name: str, title: str) -> Aggregate:
        """Pearson r of two arrays of the results, all targets strung together."""

        def combine(targets: Sequence[TargetResult]) -> float | None:
            rows = [t.arrays for t in targets if first in t.arrays and second in t.arrays]
            if not rows:
                return None
            return _pearson(*(np.concatenate([np.array(row[key], dtype=float) for row in rows])
                              for key in (first, second)))  # fmt: skip

        return cls(name, title, combine)


@dataclass(frozen=True)
class Protocol:
    """A named, versioned way to score.

    Attributes
    ----------
    name, version, title
        Stand in every result and over every table.
    metrics
        In the order of tables. `run` gives an estimate for each (n/a with a reason where it does not apply).
    aggregates
        Numbers over all targets.
    run
        Scores one ensemble: (ensemble, reference, options) to :class:`Outcome`.
    settings
        All constants that decide a number, for the record.
    reference_is_structure
        Whether the reference is one structure and not frames.
    """

    name: str
    version: str
    title: str
    metrics: tuple[Metric, ...]
    aggregates: tuple[Aggregate, ...]
    run: Callable[[Frames, Frames, Options], Outcome]
    settings: dict[str, Any] = field(default_factory=dict)
    reference_is_structure: bool = False

    def describe(self) -> dict[str, Any]:
        """``{"name", "version", "settings"}`` for a result."""
        return {"name": self.name, "version": self.version, "settings": self.settings}


def _over(targets: Sequence[TargetResult], metric: str, how: Callable[[Any], Any]) -> float | None:
    found = [t.estimates[metric].value for t in targets if metric in t.estimates]
    values = np.array([value for value in found if value is not None])
    return float(how(values)) if len(values) else None


def _pearson(first: Any, second: Any) -> float | None:
    if np.ptp(first) == 0.0 or np.ptp(second) == 0.0:
        return None
    return float(np.corrcoef(first, second)[0, 1])
