"""How errors of predictions go together, fitted to complexes that were held out, as they would be used.

Some rows of a complex are taken as measured, others are predicted from them, and the likeness is what makes the
logarithm of the chance of the others largest (of a Student distribution, since a few rows are far off). Rows are
revealed at random, or so that no residue of a revealed row is mutated in a predicted one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from unfreeze.properties.known.likeness import Floats, Likeness, Parts, combined, involved, parts
from unfreeze.properties.training.held_out import HeldOut

__all__ = ["START", "fit_likeness", "reveal"]

START = Likeness(
    level=0.8, place=1.0, exchange=0.3, exchange_near=0.3, own=1.0, slope=0.3, reach_nm=0.6, rest=0.1, noise=2.0,
    freedom=5.0, quantities=0.5, noise_K=1.5,
)  # fmt: skip
_FITTED = ("level", "place", "exchange", "exchange_near", "slope", "freedom")
_SHARES = ("rest", "quantities")
_REVEALED = (3, 5, 10, 20)
_MOST_PREDICTED, _LEAST_PREDICTED = 40, 5
_TAIL = 4.0  # degrees of freedom of the score


@dataclass(frozen=True, eq=False)
class _Plan:
    """Rows of one complex, the first of them known."""

    n_known: int
    parts: Parts
    lever: Floats
    error: Floats
    off: Floats
    quantity: NDArray[np.int64]
    weight: float


def reveal(
    one: HeldOut, n: int, random: np.random.Generator, *, elsewhere: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows taken as measured and rows to predict.

    Parameters
    ----------
    one
        A complex.
    n
        How many to reveal; fewer where there are not so many.
    random
        Random numbers.
    elsewhere
        Whether no residue may be mutated in both: half of the residues are for either, rows with both are left out.
    """
    order = random.permutation(len(one.rows))
    if not elsewhere:
        return order[:n], order[n:]
    sites = [{(m.chain, m.number, m.insertion_code) for m in together} for together in one.rows.mutations]
    every = sorted(set().union(*sites))
    half = {every[k] for k in random.permutation(len(every))[: len(every) // 2]}
    inside = np.array([k for k in order if sites[k] <= half], dtype=np.int64)
    outside = np.array([k for k in order if not sites[k] & half], dtype=np.int64)
    return inside[:n], outside


def fit_likeness(
    complexes: Sequence[HeldOut], *, both: bool = False, start: Likeness = START, seed: int = 0, most_steps: int = 400
) -> Likeness:
    """The likeness that tells held-out rows best.

    Parameters
    ----------
    complexes
        Held out, with the predictions made without them.
    both
        Whether there are two quantities (ΔΔG and ΔTm).
    start
        Where to begin; its reach, least and noise are kept, for what a measurement is off by and what a row has of its
        own are told apart by repeated measurements only.
    seed
        Of the rows that are revealed.
    most_steps
        Of the simplex (Nelder & Mead 1965, Comput. J. 7, 308).
    """
    plans = [plan for one in complexes for plan in _plans(one, start.reach_nm, np.random.default_rng(seed))]
    names = (*_FITTED, "rest", *(["quantities"] if both else []))

    def cost(point: Floats) -> float:
        of = _likeness(start, names, point)
        return sum(plan.weight * _score(plan, of) for plan in plans) / sum(plan.weight for plan in plans)

    first = np.array([_to_line(name, getattr(start, name)) for name in names])
    simplex = np.vstack([first, first + 0.7 * np.eye(len(first))])
    options = {"maxfev": most_steps, "initial_simplex": simplex, "xatol": 0.02, "fatol": 1e-5}
    found = minimize(cost, first, method="Nelder-Mead", options=options)
    return _likeness(start, names, found.x)


def _to_line(name: str, value: float) -> float:
    return float(np.log(value / (1.0 - value)) if name in _SHARES else np.log(value))


def _likeness(start: Likeness, names: Sequence[str], point: Floats) -> Likeness:
    values = {one.name: getattr(start, one.name) for one in fields(Likeness)}
    for name, at in zip(names, np.clip(point, -12.0, 12.0), strict=True):
        values[name] = float(1.0 / (1.0 + np.exp(-at)) if name in _SHARES else np.exp(at))
    return Likeness(**values)


def _plans(one: HeldOut, reach_nm: float, random: np.random.Generator):
    for n in _REVEALED:
        for elsewhere in (False, True):
            known, asked = reveal(one, n, random, elsewhere=elsewhere)
            asked = asked[:_MOST_PREDICTED]
            if len(known) < min(n, _REVEALED[0]) or len(asked) < _LEAST_PREDICTED:
                continue
            rows = one.rows.take(np.concatenate([known, asked]))
            off = one.measured[np.concatenate([known, asked])] - rows.value
            yield _Plan(
                len(known),
                parts(rows, rows, reach_nm),
                rows.value / rows.error,
                rows.error,
                off,
                rows.quantity,
                float(np.sqrt(min(len(one.rows), 100))),
            )


def _score(plan: _Plan, of: Likeness) -> float:
    """−log chance of the rows that are predicted, a row."""
    alike = plan.parts.weighted(of)
    scale = involved(plan.lever * plan.error, of) / np.sqrt(np.diag(alike))
    shared = combined(alike * scale[:, None] * scale[None], plan.lever, plan.lever, of)
    shared = shared * np.where(plan.quantity[:, None] != plan.quantity[None], of.quantities, 1.0)
    shared = (1.0 - of.rest) * shared * plan.error[:, None] * plan.error[None]
    k = plan.n_known
    noise = np.where(plan.quantity[:k] == 0, of.noise, of.noise_K)
    spread = shared[:k, :k].copy()
    spread[np.diag_indices(k)] = plan.error[:k] ** 2 + noise**2
    back = np.linalg.solve(spread, np.column_stack([plan.off[:k], shared[:k, k:]]))
    scale_2 = (of.freedom + plan.off[:k] @ back[:, 0]) / (of.freedom + k)
    variance = np.maximum(plan.error[k:] ** 2 - (back[:, 1:] * shared[:k, k:]).sum(axis=0), 1e-3) * scale_2
    off = plan.off[k:] - shared[:k, k:].T @ back[:, 0]
    return float(np.mean(0.5 * np.log(variance) + 0.5 * (_TAIL + 1.0) * np.log1p(off**2 / variance / _TAIL)))
