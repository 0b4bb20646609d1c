"""What a metric is: a name, how to read it, and a function of two sides that measures it.

The function returns a :class:`Measurement`, not a number: the same statistic is then taken on resampled blocks (its
interval), between two halves of the reference (its floor) and on a trivial model (its baseline), by
:mod:`unfreeze.evaluate.measure`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.samples import Sample

__all__ = ["Estimate", "Measurement", "Metric", "NotMeasurableError"]


class NotMeasurableError(Exception):
    """A metric does not apply to this pair; the text says why and is shown in place of a number."""


@dataclass(frozen=True, eq=False)
class Measurement:
    """A statistic of two samples, ready to be taken again.

    Attributes
    ----------
    ensemble, reference
        What was kept of the frames of each side.
    statistic
        Takes ``ensemble.at(...)`` and ``reference.at(...)``, returns the value; NaN where it is undefined.
    own
        For an observable (a property of one ensemble, such as a mean distance): takes either side's ``at(...)`` and
        returns it; the reference's own value is then shown beside the ensemble's.
    """

    ensemble: Sample
    reference: Sample
    statistic: Callable[[Any, Any], float]
    own: Callable[[Any], float] | None = None


@dataclass(frozen=True)
class Metric:
    """One number by which an ensemble is compared with its reference.

    Attributes
    ----------
    name
        Key in files: lower case, unit at its end where it has one (``rmsf_mae_A``).
    title
        What people read: ``RMSF, mean absolute error``.
    measure
        Function of (ensemble side, reference side); None where a protocol computes its metrics together.
    unit
        ``Å``, ``nm²`` or empty.
    better
        ``higher``, ``lower``, or ``equal`` when the reference's own value is the goal.
    perfect
        Value of two identical ensembles; None when it is the reference's own.
    bounds
        Least and greatest possible value; intervals are cut there.
    group
        Heading in tables: ``motion``, ``distribution``, ``contacts``, ``surface``, ``torsions``, ``interface`` …
    """

    name: str
    title: str
    measure: Callable[[Side, Side], Measurement] | None = None
    unit: str = ""
    better: str = "higher"
    perfect: float | None = None
    bounds: tuple[float, float] = (float("-inf"), float("inf"))
    group: str = ""


@dataclass(frozen=True)
class Estimate:
    """A measured metric.

    Attributes
    ----------
    value
        The number; None when there is none, and `reason` says why.
    low, high
        Ends of its 95 % bootstrap interval; None without one.
    floor
        The same between two halves of the reference, with as many frames as the ensemble has.
    baseline
        The same for a Cα elastic network of the reference structure.
    reference
        The reference's own value, for observables.
    reason
        Why there is no value.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    floor: float | None = None
    baseline: float | None = None
    reference: float | None = None
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)
