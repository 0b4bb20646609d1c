"""What predictions become when some values have been measured: the conditional mean and error of a Gaussian process.

Measured are changes (ΔΔG, ΔTm), or free energies and melting points themselves; then the wild type's own is a number to
be found with the rest, with what was predicted or measured of it. The scale of all errors is not known for certain
either: where measured values lie further from the predictions than these said, errors become larger, else smaller
(a Student-t process: Shah, Wilson & Ghahramani 2014, AISTATS).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from unfreeze.properties.known.likeness import Floats, Likeness, Rows, covariance

__all__ = ["Measurements", "Updated", "Wild", "left_out_in_turn", "update"]

_STEP = 4096


@dataclass(frozen=True)
class Wild:
    """What is thought of the wild type itself, before.

    Attributes
    ----------
    value, error
        Free energy of binding (kJ/mol) or melting temperature (K), and its standard deviation.
    """

    value: float
    error: float


@dataclass(frozen=True, eq=False)
class Measurements:
    """Measured values.

    Attributes
    ----------
    row : int64 [n]
        Row that each is of; −1 for the wild type.
    quantity : int64 [n]
        0 for ΔΔG or ΔG, 1 for ΔTm or Tm.
    value, error : float64 [n]
        kJ/mol or K; standard deviations of the measurements.
    absolute : bool [n]
        Whether it is of the mutant itself, and not of its change.
    """

    row: NDArray[np.int64]
    quantity: NDArray[np.int64]
    value: Floats
    error: Floats
    absolute: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Updated:
    """What is predicted with the measured values.

    Attributes
    ----------
    value, error : float64 [n_rows]
        Of the changes.
    wild : tuple of (value, error)
        Of the wild type, by quantity; as it was where nothing absolute was measured.
    absolute_error : float64 [n_rows]
        Of value + wild type; NaN where nothing absolute is known.
    scale
        How much larger errors are than they were thought to be.
    """

    value: Floats
    error: Floats
    wild: tuple[tuple[float, float] | None, ...]
    absolute_error: Floats
    scale: float


@dataclass(frozen=True, eq=False)
class _Observed:
    """Measured less predicted, and how it goes together."""

    rest: Floats
    spread: Floats
    levers: Floats
    rows: NDArray[np.int64]
    on_row: Floats


def _observe(rows: Rows, measured: Measurements, wild: Sequence[Wild | None], of: Likeness) -> _Observed:
    """Measurements as a linear function of changes and wild types, [n] less predicted, [n, n] covariance."""
    changed = measured.row >= 0
    kept = np.unique(measured.row[changed])
    chosen = rows.take(kept)
    inner = covariance(chosen, chosen, of)
    inner[np.diag_indices(len(kept))] = chosen.error**2
    on_row = np.zeros((len(measured.row), len(kept)))
    on_row[np.flatnonzero(changed), np.searchsorted(kept, measured.row[changed])] = 1.0
    levers = np.stack([measured.absolute & (measured.quantity == k) for k in range(len(wild))], axis=1).astype(
        np.float64
    )
    known = np.array([one.error**2 if one is not None else 0.0 for one in wild])
    means = np.array([one.value if one is not None else 0.0 for one in wild])
    expected = on_row @ chosen.value + levers @ means
    spread = on_row @ inner @ on_row.T + (levers * known) @ levers.T + np.diag(measured.error**2)
    return _Observed(measured.value - expected, spread, levers * known, kept, on_row)


def update(rows: Rows, measured: Measurements, of: Likeness, wild: Sequence[Wild | None] = (None, None)) -> Updated:
    """Predictions with measured values.

    Parameters
    ----------
    rows
        All that is asked for, and all that was measured.
    measured
        What was measured; with nothing the predictions come back as they are.
    of
        How errors go together.
    wild
        Of the wild type, by quantity (binding or unfolding, melting); needed where absolute values were measured.
    """
    before = tuple((one.value, one.error) if one is not None else None for one in wild)
    if not len(measured.row):
        return Updated(rows.value, rows.error, before, _together(rows, before), 1.0)
    seen = _observe(rows, measured, wild, of)
    factor = cho_factor(seen.spread, lower=True)
    solved = cho_solve(factor, seen.rest)
    n = len(measured.row)
    scale = float(np.sqrt((of.freedom + seen.rest @ solved) / (of.freedom + n)))
    wild_back = cho_solve(factor, seen.levers)
    left = [max(one.error**2 - float(seen.levers[:, k] @ wild_back[:, k]), 0.0) if one is not None else 0.0
            for k, one in enumerate(wild)]  # fmt: skip
    value, error, absolute = rows.value.copy(), rows.error.copy(), np.full(len(rows), np.nan)
    chosen = rows.take(seen.rows)
    for k in range(0, len(rows), _STEP):
        some = np.arange(k, min(k + _STEP, len(rows)))
        across = covariance(rows.take(some), chosen, of)
        own = np.flatnonzero((seen.rows >= some[0]) & (seen.rows <= some[-1]))
        across[seen.rows[own] - k, own] = chosen.error[own] ** 2  # a row goes with itself wholly
        touched = across.any(axis=1)
        across = across @ seen.on_row.T
        variance = np.maximum(rows.error[some] ** 2 - (cho_solve(factor, across.T).T * across).sum(axis=1), 0.0)
        # what was measured keeps at least the error of its measurement, however well all others agree
        factors = np.full(len(some), scale)
        factors[seen.rows[own] - k] = max(scale, 1.0)
        error[some] = np.where(touched, np.sqrt(variance) * factors, rows.error[some])
        value[some] = np.where(touched, rows.value[some] + across @ solved, rows.value[some])
        for quantity, one in enumerate(wild):
            if one is not None:
                # the errors of a change and of its wild type go together, once both explain the same measurements
                both = error[some] ** 2 + left[quantity] - 2.0 * (across @ wild_back[:, quantity])
                mine = rows.quantity[some] == quantity
                absolute[some[mine]] = np.sqrt(np.maximum(both[mine], 0.0))
    after = tuple(
        (one.value + float(seen.levers[:, k] @ solved), float(np.sqrt(left[k]))) if one is not None else None
        for k, one in enumerate(wild)
    )
    return Updated(value, error, after, absolute, scale)


def left_out_in_turn(
    rows: Rows, measured: Measurements, of: Likeness, wild: Sequence[Wild | None] = (None, None)
) -> Floats:
    """Measured less what the model and all *other* measurements say of it: [n_measured].

    The closed form of leaving each out, Rasmussen & Williams 2006, equation 5.12.
    """
    seen = _observe(rows, measured, wild, of)
    inverse = np.linalg.inv(seen.spread)
    return (inverse @ seen.rest) / np.diag(inverse)


def _together(rows: Rows, wild: Sequence[tuple[float, float] | None]) -> Floats:
    error = np.full(len(rows), np.nan)
    for k, one in enumerate(wild):
        if one is not None:
            own = rows.quantity == k
            error[own] = np.hypot(rows.error[own], one[1])
    return error
