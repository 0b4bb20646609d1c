"""How good predicted effects of mutations are, with confidence intervals from resampled proteins or complexes.

Mutations of one protein are no independent samples, so whole groups (complexes, proteins) are drawn with replacement
(Efron 1979, Ann. Stat. 7, 1). Scores of classes (location, function) are not here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from unfreeze.properties.statistics import STATISTICS, Floats, Interval, Sign, Statistic, auc, pearson, spearman

__all__ = ["LEAST_ROWS", "Scores", "antisymmetry", "compare", "per_group", "score_effects"]

LEAST_ROWS = 10
"""Of a structure, to have a correlation of its own: as in Luo et al. 2023, RDE-PPI (ICLR), and those after it."""


@dataclass(frozen=True)
class Scores:
    """Scores of predicted effects.

    Attributes
    ----------
    n_rows, n_groups
        That were scored.
    n_structures
        Groups with enough rows for a correlation of their own.
    of
        ``pearson``, ``spearman``, ``rmse``, ``mae``, ``auc``, and over structures ``per_structure_pearson``,
        ``per_structure_spearman`` (means) and ``median_structure_pearson``.
    """

    n_rows: int
    n_groups: int
    n_structures: int
    of: Mapping[str, Interval]

    def __getitem__(self, name: str) -> Interval:
        return self.of[name]

    def plain(self) -> dict[str, Any]:
        """For a file."""
        counts = {"n_rows": self.n_rows, "n_groups": self.n_groups, "n_structures": self.n_structures}
        return counts | {name: one.plain() for name, one in self.of.items()}


def per_group(
    measured: Floats,
    predicted: Floats,
    groups: Sequence[object] | NDArray[Any],
    statistic: Statistic = pearson,
    *,
    least: int = LEAST_ROWS,
) -> dict[object, float]:
    """A statistic of every group with enough rows; groups where it is not defined count as zero.

    A predictor that says the same of all mutations of a complex knows nothing of them: that is no correlation, and
    must not be left out of a mean. Groups where all *measured* values are equal are left out.
    """
    rows = _rows_of(groups)
    found = {}
    for group, inside in rows.items():
        if len(inside) >= least and np.ptp(measured[inside]) > 0.0:
            value = statistic(measured[inside], predicted[inside])
            found[group] = value if np.isfinite(value) else 0.0
    return found


def score_effects(
    measured: Sequence[float] | Floats,
    predicted: Sequence[float] | Floats,
    groups: Sequence[object] | NDArray[Any] | None = None,
    *,
    bad: Sign = "negative",
    threshold: float = 0.0,
    least: int = LEAST_ROWS,
    n_bootstrap: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Scores:
    """All scores of predicted effects.

    Parameters
    ----------
    measured, predicted : [n]
        kJ/mol or K; rows where one of them is not finite are left out.
    groups : [n]
        Complex or protein of every row, for structures and for resampling; each row by itself without.
    bad, threshold
        For :func:`unfreeze.properties.statistics.auc`.
    least
        Rows that a structure must have for a correlation of its own.
    n_bootstrap, level, seed
        Of the intervals; with 0 there are none.
    """
    first, second, named = _finite(measured, predicted, groups)
    rows = list(_rows_of(named).values())
    statistics: dict[str, Statistic] = dict(STATISTICS)
    statistics["auc"] = lambda a, b: auc(a, b, bad=bad, threshold=threshold)
    samples = list(_samples(rows, n_bootstrap, seed))
    found = {
        name: _interval(one(first, second), [one(first[at], second[at]) for at in samples], level)
        for name, one in statistics.items()
    }
    random = np.random.default_rng(seed)
    own = np.array(list(per_group(first, second, named, pearson, least=least).values()))
    own_ranks = np.array(list(per_group(first, second, named, spearman, least=least).values()))
    chosen = random.integers(0, max(len(own), 1), (n_bootstrap if len(own) > 1 else 0, len(own)))
    for name, values, summary in (
        ("per_structure_pearson", own, np.mean),
        ("per_structure_spearman", own_ranks, np.mean),
        ("median_structure_pearson", own, np.median),
    ):
        value = float(summary(values)) if len(values) else float("nan")
        found[name] = _interval(value, [float(summary(values[at])) for at in chosen], level)
    return Scores(len(first), len(rows), len(own), found)


def compare(
    measured: Sequence[float] | Floats,
    first: Sequence[float] | Floats,
    second: Sequence[float] | Floats,
    groups: Sequence[object] | NDArray[Any] | None = None,
    *,
    statistic: Statistic | Literal["per_structure"] = pearson,
    least: int = LEAST_ROWS,
    n_bootstrap: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[Interval, float]:
    """Difference of two predictors, first less second, over the same resampled groups (a paired bootstrap).

    Parameters
    ----------
    measured, first, second : [n]
        Rows where one of them is not finite are left out for both.
    groups : [n]
        As in :func:`score_effects`.
    statistic
        Of measured and predicted; ``per_structure`` for the mean of the structures' correlations.
    least, n_bootstrap, level, seed
        As in :func:`score_effects`.

    Returns
    -------
    Interval
        Of the difference.
    float
        Two-sided p: twice the share of resampled differences on the rarer side of zero, at least 1 / n_bootstrap.
    """
    both = np.stack([np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)])
    whole = np.isfinite(both).all(axis=0)
    truth, one, named = _finite(measured, np.where(whole, both[0], np.nan), groups)
    _, two, _ = _finite(measured, np.where(whole, both[1], np.nan), groups)
    if statistic == "per_structure":
        a, b = (per_group(truth, side, named, least=least) for side in (one, two))
        differences = np.array([a[key] - b[key] for key in a])
        n = len(differences)
        chosen = np.random.default_rng(seed).integers(0, max(n, 1), (n_bootstrap if n > 1 else 0, n))
        value, drawn = (
            float(differences.mean()) if n else float("nan"),
            [float(differences[at].mean()) for at in chosen],
        )
    else:
        function = statistic
        samples = _samples(list(_rows_of(named).values()), n_bootstrap, seed)
        drawn = [function(truth[at], one[at]) - function(truth[at], two[at]) for at in samples]
        value = function(truth, one) - function(truth, two)
    known = np.array([one for one in drawn if np.isfinite(one)])
    if not len(known):
        return Interval(value), float("nan")
    rarer = min(float((known <= 0.0).mean()), float((known >= 0.0).mean()))
    return _interval(value, drawn, level), float(min(1.0, max(2.0 * rarer, 1.0 / len(known))))


def antisymmetry(direct: Sequence[float] | Floats, reverse: Sequence[float] | Floats) -> dict[str, float]:
    """Whether going back undoes what going there did.

    Parameters
    ----------
    direct, reverse : [n]
        Predicted effects of mutations and of their reverses.

    Returns
    -------
    dict
        ``r`` of the two, −1 for a perfect predictor; ``bias``, half the mean of their sum, 0 for a perfect one
        (Pucci, Bernaerts, Kwasigroch & Rooman 2018, Bioinformatics 34, 3659); ``n`` pairs.
    """
    there, back, _ = _finite(direct, reverse, None)
    bias = float(np.mean(there + back) / 2.0) if len(there) else float("nan")
    return {"r": pearson(there, back), "bias": bias, "n": len(there)}


def _finite(
    measured: Sequence[float] | Floats,
    predicted: Sequence[float] | Floats,
    groups: Sequence[object] | NDArray[Any] | None,
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    a, b = np.asarray(measured, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    named = list(range(len(a))) if groups is None else list(groups)
    if not a.shape == b.shape == (len(named),):
        raise ValueError(
            f"{a.shape} measured, {b.shape} predicted, {len(named)} groups: one of each a row was expected"
        )
    number = {key: place for place, key in enumerate(dict.fromkeys(named))}
    rows = np.array([number[key] for key in named], dtype=np.int64)
    keep = np.isfinite(a) & np.isfinite(b)
    return a[keep], b[keep], rows[keep]


def _rows_of(groups: Sequence[object] | NDArray[Any]) -> dict[object, NDArray[np.int64]]:
    rows: dict[object, list[int]] = {}
    for row, group in enumerate(groups.tolist() if isinstance(groups, np.ndarray) else groups):
        rows.setdefault(group, []).append(row)
    return {group: np.array(inside, dtype=np.int64) for group, inside in rows.items()}


def _samples(rows: Sequence[NDArray[np.int64]], n_bootstrap: int, seed: int):
    """Rows of groups drawn with replacement."""
    random = np.random.default_rng(seed)
    for _ in range(n_bootstrap if len(rows) > 1 else 0):
        yield np.concatenate([rows[place] for place in random.integers(0, len(rows), len(rows))])


def _interval(value: float, drawn: Sequence[float], level: float) -> Interval:
    known = np.array([one for one in drawn if np.isfinite(one)])
    if not len(known):
        return Interval(float(value))
    low, high = np.quantile(known, [0.5 - level / 2.0, 0.5 + level / 2.0])
    return Interval(float(value), float(low), float(high))
