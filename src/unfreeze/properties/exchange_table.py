"""What exchanging one kind of residue for another is worth on average: half of what is told from a sequence alone.

The network was made for surroundings. Where there is none, it tells less of a change of stability than the two kinds
of residue do (docs/experiments/mutation-effects.md), so that the mean of both is told. The table is antisymmetric:
what goes there comes back, and no exchange is worth nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.mutations import AMINO_ACIDS, Mutation
from unfreeze.properties.effect_model import ErrorLaw
from unfreeze.properties.modalities.mutation import melting_factor

__all__ = ["FORM", "ExchangeTable", "fit_table", "shipped_table"]

FORM = "unfreeze exchange table 1"
_SHIPPED = Path(__file__).resolve().parents[1] / "weights" / "exchange-table.json"
_N = len(AMINO_ACIDS)


@dataclass(frozen=True, eq=False)
class ExchangeTable:
    """Mean changes by wild type and mutant.

    Attributes
    ----------
    values
        By task, float64 [20, 20] in the order of `AMINO_ACIDS`, of wild type and mutant: kJ/mol; K of a chain of 100
        residues.
    errors
        By task, of the mean with the network.
    melting_power
        Of the length of the chain (:func:`unfreeze.properties.modalities.mutation.melting_factor`).
    share
        Of the table in that mean.
    """

    values: Mapping[str, NDArray[np.float64]]
    errors: Mapping[str, ErrorLaw]
    melting_power: float
    share: float = 0.5

    def told(self, task: str, mutations: Sequence[Mutation], n_residues: int) -> NDArray[np.float64]:
        """What the table says of each mutation of a chain: [n_mutations], kJ/mol or K."""
        kinds = np.array([[AMINO_ACIDS.index(one.wild_type), AMINO_ACIDS.index(one.mutant)] for one in mutations])
        found = self.values[task][tuple(kinds.reshape(-1, 2).T)]
        return found * melting_factor(np.array(n_residues), self.melting_power) if task == "melting" else found

    def mixed(
        self, task: str, values: NDArray[np.float64], mutations: Sequence[Mutation], n_residues: int
    ) -> NDArray[np.float64]:
        """The mean of what members of a model say [n_members, n_mutations] and what the table says, by member."""
        return (1.0 - self.share) * values + self.share * self.told(task, mutations, n_residues)


def fit_table(
    counts: NDArray[np.float64], values: NDArray[np.float64], weights: NDArray[np.float64], strength: float
) -> NDArray[np.float64]:
    """The table that fits changes best, drawn to zero (a ridge of a number of each kind, and of each pair of kinds).

    Parameters
    ----------
    counts : [n_rows, 20, 20]
        How often each kind was exchanged for each.
    values, weights : [n_rows]
        Measured changes, and how much each counts.
    strength
        Of the ridge.

    Returns
    -------
    float64 [20, 20]
    """
    features = _features(counts)
    weighted = features * weights[:, None]
    found = np.linalg.solve(weighted.T @ features + strength * np.eye(features.shape[1]), weighted.T @ values)
    pairs = np.zeros((_N, _N))
    pairs[np.triu_indices(_N, 1)] = found[_N:]
    return found[None, :_N] - found[:_N, None] + pairs - pairs.T


def _features(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Residues of each kind gained less lost, and exchanges of each pair of kinds less their reverses."""
    pairs = (counts - counts.transpose(0, 2, 1))[:, *np.triu_indices(_N, 1)]
    return np.concatenate([counts.sum(axis=1) - counts.sum(axis=2), pairs], axis=1)


@cache
def shipped_table() -> ExchangeTable:
    """The table that comes with the package."""
    found = json.loads(_SHIPPED.read_text(encoding="utf-8"))
    if found["form"] != FORM or found["letters"] != AMINO_ACIDS:
        raise ValueError(f"{_SHIPPED.name} is not one of this version")
    return ExchangeTable(
        {task: np.array(rows, dtype=np.float64) for task, rows in found["values"].items()},
        {task: ErrorLaw(**law) for task, law in found["errors"].items()},
        float(found["melting_power"]),
        float(found["share"]),
    )
