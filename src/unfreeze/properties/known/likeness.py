"""How the errors of two predictions go together: the covariance that a Gaussian process on measured − predicted has.

A row is one mutation, or several made at once; it is a sum over its sites. For sites i, j with residues w → m

    c(i, j) = level + place q_ij + (exchange + exchange_near q_ij) (A_mm' − A_mw' − A_wm' + A_ww') / 2 + own [same]

with q_ij = exp(−distance / reach), and A how alike two amino acids are. Scaled to a variance of 1 a row it is G, to
which a slope comes, for all predictions of one complex may be too large or too small: f is the prediction and σ its
error, and D scales to 1 again,

    covariance(r, r') = (1 − rest) σ_r σ_r' D (G + slope f_r f_r' / σ_r σ_r') D,

so that alone every prediction has the error that it had. Rest is a row's own and shared with no other. What is
predicted as exactly zero (residues that do not see the partner) has no part in it, and what is predicted as far less
than `least` hardly one. Rows that were measured in another
quantity, ΔTm beside ΔΔG, go together by a factor. Rasmussen & Williams 2006, Gaussian Processes for Machine Learning.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.mutations import AMINO_ACIDS, Mutation
from unfreeze.errors import InputError
from unfreeze.properties.known.amino_acids import ALIKE

__all__ = ["SHIPPED", "Likeness", "Parts", "Rows", "combined", "covariance", "involved", "load_likeness", "parts"]

SHIPPED = Path(__file__).resolve().parents[2] / "weights" / "known-values.json"
"""What was found on held-out complexes and proteins; recipes/properties/fit_known_values.py."""
_SCHEMA = "unfreeze-known-values/1"
_STEP = 1024
_NOWHERE_NM = 1e6

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Likeness:
    """How errors go together; all without unit but where said.

    Attributes
    ----------
    level, place, exchange, exchange_near, own, slope
        Weights of the parts, see the module.
    reach_nm
        Distance of side chains over which likeness falls by a factor e.
    rest
        Share of a variance that is a row's own.
    noise
        Standard deviation of a measured change, kJ/mol.
    freedom
        Degrees of freedom of the scale of the errors: how little is believed of it before values are known.
    quantities
        Correlation of the errors of ΔΔG and ΔTm of one mutation.
    noise_K
        As `noise`, of melting temperatures.
    least
        Size of a prediction from which it has its part, kJ/mol.
    """

    level: float
    place: float
    exchange: float
    exchange_near: float
    own: float
    slope: float
    reach_nm: float
    rest: float
    noise: float
    freedom: float
    quantities: float = 0.0
    noise_K: float = 1.0
    least: float = 0.0


@dataclass(frozen=True, eq=False)
class Rows:
    """Predictions of mutations of one complex or protein.

    Attributes
    ----------
    mutations
        One entry a row, of one exchange or several.
    value, error : float64 [n_rows]
        Prediction and its standard deviation, kJ/mol (or K).
    points : float64 [n_items, 3]
        Where the side chains of all exchanges of all rows are, in nm; NaN where there is no structure.
    quantity : int64 [n_rows]
        0 for ΔΔG, 1 for ΔTm.
    """

    mutations: tuple[tuple[Mutation, ...], ...]
    value: Floats
    error: Floats
    points: Floats
    quantity: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.mutations)

    def take(self, rows: Sequence[int] | NDArray[np.integer]) -> Rows:
        """Some of the rows."""
        chosen = np.asarray(rows, dtype=np.int64)
        first = [0, *accumulate(len(one) for one in self.mutations)]
        items = [np.arange(first[row], first[row + 1]) for row in chosen.tolist()]
        return Rows(
            tuple(self.mutations[row] for row in chosen),
            self.value[chosen],
            self.error[chosen],
            self.points[np.concatenate(items) if items else np.zeros(0, dtype=np.int64)],
            self.quantity[chosen],
        )


@dataclass(frozen=True, eq=False)
class Parts:
    """Sums over the sites of two sets of rows, before any weight: [n_first, n_second] each."""

    level: Floats
    place: Floats
    exchange: Floats
    exchange_near: Floats
    own: Floats

    def weighted(self, of: Likeness) -> Floats:
        """Their sum with weights."""
        total = np.zeros_like(self.level)
        for one in fields(self):
            total += getattr(of, one.name) * getattr(self, one.name)
        return total


def parts(first: Rows, second: Rows, reach_nm: float, *, paired: bool = False) -> Parts:
    """Likeness of all pairs of rows, or (`paired`) of rows in the same place of both, [n, 1]."""
    if paired:
        found = [parts(first.take([k]), second.take([k]), reach_nm) for k in range(len(first))]
        return Parts(**{one.name: np.concatenate([getattr(p, one.name) for p in found]) for one in fields(Parts)})
    (site, letter, start), (other_site, other_letter, other_start) = _items(first), _items(second)
    number = {one: k for k, one in enumerate(dict.fromkeys([*site, *other_site]))}
    same = np.equal.outer([number[one] for one in site], [number[one] for one in other_site]).astype(np.float64)
    here, there = (np.nan_to_num(one.points, nan=_NOWHERE_NM * sign) for one, sign in ((first, 1.0), (second, -1.0)))
    near = np.exp(-np.linalg.norm(here[:, None] - there[None], axis=-1) / reach_nm)
    near = np.maximum(near, same)
    (w, m), (v, n) = letter.T, other_letter.T
    alike = (ALIKE[np.ix_(m, n)] - ALIKE[np.ix_(m, v)] - ALIKE[np.ix_(w, n)] + ALIKE[np.ix_(w, v)]) / 2.0
    equal = (w[:, None] == v[None]) & (m[:, None] == n[None])
    back = (w[:, None] == n[None]) & (m[:, None] == v[None])
    items = {
        "level": np.ones_like(same),
        "place": near,
        "exchange": alike,
        "exchange_near": alike * near,
        "own": same * (equal.astype(np.float64) - back),
    }
    return Parts(
        **{
            name: np.add.reduceat(np.add.reduceat(one, start, axis=0), other_start, axis=1)
            for name, one in items.items()
        }
    )


def covariance(first: Rows, second: Rows, of: Likeness) -> Floats:
    """Covariance of the errors of rows, without what is a row's own: [n_first, n_second], in units of the rows."""
    if not len(first) or not len(second):
        return np.zeros((len(first), len(second)))
    scales = [_scales(rows, of) for rows in (first, second)]
    found = []
    for k in range(0, len(first), _STEP):
        some = np.arange(k, min(k + _STEP, len(first)))
        found.append(_correlation(first.take(some), second, of, (scales[0][some], scales[1])))
    size = first.error[:, None] * second.error[None]
    other = first.quantity[:, None] != second.quantity[None]
    return (1.0 - of.rest) * np.concatenate(found) * size * np.where(other, of.quantities, 1.0)


def _scales(rows: Rows, of: Likeness) -> Floats:
    """What brings the sum over the sites of a row to 1, 0 for rows that have no part: [n_rows]."""
    singles = (
        of.level
        + of.place
        + of.own
        + (of.exchange + of.exchange_near) * np.array([_one(together) for together in rows.mutations])
    )
    several = np.array([k for k, together in enumerate(rows.mutations) if len(together) > 1], dtype=np.int64)
    if len(several):
        some = rows.take(several)
        singles[several] = parts(some, some, of.reach_nm, paired=True).weighted(of)[:, 0]
    return involved(rows.value, of) / np.sqrt(np.maximum(singles, 1e-12))


def involved(value: Floats, of: Likeness) -> Floats:
    """How much of a part rows have that are predicted so, 0 to 1."""
    if of.least <= 0.0:
        return (value != 0.0).astype(np.float64)
    return 1.0 - np.exp(-((value / of.least) ** 2))


def _one(together: Sequence[Mutation]) -> float:
    """Likeness of an exchange to itself."""
    return 1.0 - float(ALIKE[AMINO_ACIDS.index(together[0].wild_type), AMINO_ACIDS.index(together[0].mutant)])


def combined(alike: Floats, first: Floats, second: Floats, of: Likeness) -> Floats:
    """Correlation of errors: the likeness of rows (scaled to 1) with the slope that comes to it.

    Parameters
    ----------
    alike : [n_first, n_second]
    first [n_first], second [n_second]
        Predictions over their errors.
    of
        Weights.
    """
    whole = [1.0 + of.slope * one**2 for one in (first, second)]
    return (alike + of.slope * first[:, None] * second[None]) / np.sqrt(whole[0][:, None] * whole[1][None])


def _correlation(first: Rows, second: Rows, of: Likeness, scales: tuple[Floats, Floats]) -> Floats:
    alike = parts(first, second, of.reach_nm).weighted(of) * scales[0][:, None] * scales[1][None]
    return combined(alike, first.value / first.error, second.value / second.error, of)


def _items(rows: Rows) -> tuple[list[tuple[str, int, str]], NDArray[np.int64], NDArray[np.int64]]:
    """Site and letters of every exchange, and the first exchange of every row."""
    flat = [one for together in rows.mutations for one in together]
    letters = np.array([[AMINO_ACIDS.index(one.wild_type), AMINO_ACIDS.index(one.mutant)] for one in flat])
    start = np.cumsum([0, *(len(together) for together in rows.mutations[:-1])])
    return [(one.chain, one.number, one.insertion_code) for one in flat], letters.reshape(-1, 2), start


@lru_cache(maxsize=4)
def load_likeness(task: str, path: Path = SHIPPED) -> Likeness:
    """What was found for a task, ``affinity`` or ``stability``.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    try:
        document: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if document["schema"] != _SCHEMA:
            raise ValueError
        return Likeness(**{str(name): float(value) for name, value in document[task].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{path}: cannot be read, or is not of this version; install unfreeze again") from None
