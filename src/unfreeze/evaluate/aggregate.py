"""Many targets: a protocol's numbers over all of them with their intervals, and which generator is better.

Everything comes from drawing targets with replacement (Efron, Ann. Statist. 7, 1, 1979): proteins differ from each
other far more than one protein's score is uncertain. The intervals are percentiles of the drawn values.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.evaluate.protocol import Aggregate, Protocol
from unfreeze.evaluate.result import TargetResult

__all__ = ["MIN_TARGETS", "N_RESAMPLES", "Aggregator", "Comparison", "Summary", "holm"]

N_RESAMPLES = 1000
"""Draws of targets; the least p-value that can be found is 2 / (N_RESAMPLES + 1)."""

MIN_TARGETS = 3
"""With fewer targets there is no interval: there is nothing to draw from."""


@dataclass(frozen=True)
class Summary:
    """An aggregate of one generator.

    Attributes
    ----------
    value
        The number; None where it cannot be computed.
    low, high
        Ends of the 95 % interval over targets; None with fewer than :data:`MIN_TARGETS`.
    floor, baseline
        The same of the targets' floors and baselines.
    n, n_missing
        Targets that entered, and targets of the set that did not.
    """

    value: float | None
    low: float | None
    high: float | None
    floor: float | None
    baseline: float | None
    n: int
    n_missing: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


@dataclass(frozen=True)
class Comparison:
    """An aggregate of two generators on the targets that both have.

    Attributes
    ----------
    first, second
        Names of the generators.
    metric
        Name of the aggregate.
    difference
        First minus second.
    low, high
        Ends of its 95 % interval.
    p_value
        Two-sided: ``min(1, 2 min((1 + #{d ≤ 0}) / (B + 1), (1 + #{d ≥ 0}) / (B + 1)))`` over B paired draws d of the
        difference (Davison & Hinkley, Bootstrap Methods and their Application, 1997, §4.2 and §5.4: the interval turned
        into a test).
    p_holm
        The same after Holm's correction for all comparisons made (Scand. J. Statist. 6, 65, 1979).
    n
        Targets that both have.
    """

    first: str
    second: str
    metric: str
    difference: float
    low: float | None
    high: float | None
    p_value: float | None
    p_holm: float | None
    n: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


class Aggregator:
    """The aggregates of a protocol over the results of several generators.

    Parameters
    ----------
    results
        Generator to the results of its targets; failed ones are left out.
    protocol
        Whose aggregates.
    n_targets
        Targets in the set.
    seed
        Of the draws; all generators see the same ones, which is what makes comparisons paired.
    """

    def __init__(
        self, results: Mapping[str, Sequence[TargetResult]], protocol: Protocol, *, n_targets: int, seed: int = 0
    ) -> None:
        self._sound = {
            generator: {result.target: _with_arrays(result) for result in own if result.status == "ok"}
            for generator, own in results.items()
        }
        self._aggregates = protocol.aggregates
        self._n_targets = n_targets
        self._seed = seed
        self._beside = {
            generator: [[_standing_for(result, kind) for result in own.values()] for kind in ("floor", "baseline")]
            for generator, own in self._sound.items()
        }
        self._drawn: dict[tuple[str, str, tuple[str, ...]], NDArray[np.float64]] = {}

    def summaries(self) -> dict[str, dict[str, Summary]]:
        """Generator to name of aggregate to :class:`Summary`."""
        return {
            generator: {aggregate.name: self._summary(generator, aggregate) for aggregate in self._aggregates}
            for generator in self._sound
        }

    def comparisons(self) -> list[Comparison]:
        """Every aggregate for every pair of generators, on the targets that enter it on both sides."""
        found = []
        for first, second in itertools.combinations(self._sound, 2):
            for aggregate in self._aggregates:
                names = self._entering(aggregate, second, self._entering(aggregate, first, tuple(self._sound[first])))
                values = [self._combined(aggregate, generator, names) for generator in (first, second)]
                difference = _or_none(values[0] - values[1])
                if difference is None:
                    continue
                drawn = self._draw(aggregate, first, names) - self._draw(aggregate, second, names)
                low, high = _interval(drawn)
                p_value = None if low is None else _p_value(drawn)
                found.append(
                    Comparison(first, second, aggregate.name, difference, low, high, p_value, None, len(names))
                )
        corrected = iter(holm([item.p_value for item in found if item.p_value is not None]))
        return [item if item.p_value is None else replace(item, p_holm=next(corrected)) for item in found]

    def _summary(self, generator: str, aggregate: Aggregate) -> Summary:
        own = self._sound[generator]
        names = self._entering(aggregate, generator, tuple(own))
        low, high = _interval(self._draw(aggregate, generator, names))
        beside = [_or_none(_combine(aggregate, results)) for results in self._beside[generator]]
        value = _or_none(self._combined(aggregate, generator, names))
        return Summary(value, low, high, beside[0], beside[1], len(names), self._n_targets - len(names))

    def _combined(self, aggregate: Aggregate, generator: str, names: Iterable[str]) -> float:
        return _combine(aggregate, [self._sound[generator][name] for name in names])

    def _entering(self, aggregate: Aggregate, generator: str, names: tuple[str, ...]) -> tuple[str, ...]:
        """Targets that the aggregate makes use of: they have a value alone, or change it when they are left out."""
        own = self._sound[generator]
        names = tuple(name for name in names if name in own)
        if alone := tuple(name for name in names if np.isfinite(_combine(aggregate, [own[name]]))):
            return alone
        whole = self._combined(aggregate, generator, names)
        if not np.isfinite(whole):
            return ()
        return tuple(
            left_out
            for left_out in names
            if self._combined(aggregate, generator, (name for name in names if name != left_out)) != whole
        )

    def _draw(self, aggregate: Aggregate, generator: str, names: tuple[str, ...]) -> NDArray[np.float64]:
        """The aggregate over targets drawn with replacement, [N_RESAMPLES]; empty for too few targets."""
        key = (aggregate.name, generator, names)
        if key not in self._drawn:
            own = [self._sound[generator][name] for name in names]
            size = (N_RESAMPLES if len(own) >= MIN_TARGETS else 0, len(own))
            rows = np.random.default_rng(self._seed).integers(0, max(len(own), 1), size=size).tolist()
            self._drawn[key] = np.array([_combine(aggregate, [own[index] for index in row]) for row in rows])
        return self._drawn[key]


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number: the k-th least of m is multiplied by m − k + 1, none below one before it."""
    order = np.argsort(p_values, kind="stable")
    scaled = np.array(p_values, dtype=float)[order] * np.arange(len(order), 0, -1)
    corrected = np.empty(len(order))
    corrected[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return corrected.tolist()


def _combine(aggregate: Aggregate, results: Sequence[TargetResult]) -> float:
    """The aggregate of some results; NaN where it has none."""
    if not results:
        return float("nan")
    with np.errstate(invalid="ignore", divide="ignore"):
        value = aggregate.combine(results)
    return float("nan") if value is None else float(value)


def _or_none(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _interval(drawn: NDArray[np.float64]) -> tuple[float, float] | tuple[None, None]:
    """2.5 and 97.5 %; none when fewer than half of the draws have a value."""
    usable = drawn[np.isfinite(drawn)]
    if not len(usable) or len(usable) < len(drawn) / 2:
        return None, None
    low, high = np.percentile(usable, [2.5, 97.5])
    return float(low), float(high)


def _p_value(differences: NDArray[np.float64]) -> float:
    usable = differences[np.isfinite(differences)]
    tail = min(int((usable <= 0.0).sum()), int((usable >= 0.0).sum()))
    return min(1.0, 2.0 * (1 + tail) / (len(usable) + 1))


def _with_arrays(result: TargetResult) -> TargetResult:
    """With its series of numbers as arrays: they are strung together thousands of times."""
    arrays: dict[str, Any] = {}
    for name, series in result.arrays.items():
        if all(isinstance(item, (int, float)) for item in series):
            arrays[name] = np.array(series, dtype=np.float64)
    return replace(result, arrays=arrays)


def _standing_for(result: TargetResult, kind: str) -> TargetResult:
    """The result that the floor or the baseline would have, as far as it is known."""
    estimates = {name: replace(item, value=getattr(item, kind)) for name, item in result.estimates.items()}
    return replace(result, estimates=estimates, arrays={})
