"""The nearest enzyme: local alignment with every chain of a reference, and what its numbers are worth.

Nothing is prefiltered: 1,920 chains are aligned in about a second. What a neighbour tells is calibrated: the chance
that a term of it holds, for every number of places, is a logistic function of identity and significance, fitted on
neighbours of known chains.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from unfreeze.properties.modalities.function import level
from unfreeze.properties.tables.local_alignment import local_alignment, local_scores, residue_numbers

__all__ = ["LONGEST_ALIGNED", "SIGNIFICANT", "Neighbour", "Reference", "neighbour_features", "neighbour_scores"]

SIGNIFICANT = 1e-3
"""Chains of the reference that are expected to be aligned as well by chance, up to which a neighbour is one."""
LONGEST_ALIGNED = 2_000
"""Residues of a chain that are aligned; chains of the reference are shorter."""


@dataclass(frozen=True)
class Neighbour:
    """A chain of the reference that is like the one asked about.

    Attributes
    ----------
    row
        Of the reference.
    identifier
        What the reference calls it.
    terms
        What it catalyses.
    identity, columns
        As in :class:`unfreeze.properties.tables.local_alignment.LocalAlignment`.
    expected
        How many chains of an unrelated reference of this size would be aligned as well by chance.
    """

    row: int
    identifier: str
    terms: frozenset[str]
    identity: float
    columns: int
    expected: float


@dataclass(frozen=True, eq=False)
class Reference:
    """Chains whose function is known.

    Attributes
    ----------
    identifiers, sequences, terms
        One of each a chain.
    """

    identifiers: tuple[str, ...]
    sequences: tuple[str, ...]
    terms: tuple[frozenset[str], ...]

    @cached_property
    def _joined(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        codes = [residue_numbers(sequence) for sequence in self.sequences]
        starts = np.concatenate([[0], np.cumsum([len(one) for one in codes])]).astype(np.int64)
        return np.concatenate([*codes, np.empty(0, dtype=np.int64)]), starts

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Residues of every chain."""
        return np.array([len(one) for one in self.sequences], dtype=np.int64)

    def scores(self, sequence: str) -> NDArray[np.int64]:
        """Local score of a sequence with every chain: [n_chains]."""
        return local_scores(residue_numbers(sequence[:LONGEST_ALIGNED]), *self._joined)

    def nearest(self, sequence: str, scores: NDArray[np.int64] | None = None) -> Neighbour | None:
        """The chain with the highest local score; None if there are no chains.

        Parameters
        ----------
        sequence
            One letter a residue.
        scores : [n_chains], optional
            Of :meth:`scores`, where they are known; chains below zero are left out.
        """
        found = self.scores(sequence) if scores is None else scores
        if not len(found) or found.max() < 0:
            return None
        row = int(found.argmax())
        alignment = local_alignment(sequence[:LONGEST_ALIGNED], self.sequences[row])
        expected = alignment.expected * len(self.sequences)
        return Neighbour(row, self.identifiers[row], self.terms[row], alignment.identity, alignment.columns, expected)


def neighbour_features(neighbour: Neighbour, n_residues: int) -> NDArray[np.float64]:
    """What the confidence in a neighbour is computed from: [4], the first is 1.

    Parameters
    ----------
    neighbour
        Of :meth:`Reference.nearest`.
    n_residues
        Of the chain asked about; how much of it is aligned matters.
    """
    significance = -np.log10(max(neighbour.expected, 1e-60))
    covered = neighbour.columns / max(n_residues, 1)
    return np.array([1.0, np.log1p(max(significance, -0.9)), neighbour.identity, min(covered, 1.0)])


def neighbour_scores(
    neighbour: Neighbour | None, n_residues: int, terms: Sequence[str], confidence: Mapping[int, NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Chance of every term by the neighbour alone: [n_terms]; zero for terms that it does not have.

    Parameters
    ----------
    neighbour, n_residues
        As in :func:`neighbour_features`.
    terms
        Names of the columns.
    confidence
        Coefficients of the logistic function for one to four places.
    """
    found = np.zeros(len(terms))
    if neighbour is None:
        return found
    features = neighbour_features(neighbour, n_residues)
    chance = {places: 1.0 / (1.0 + np.exp(-float(features @ values))) for places, values in confidence.items()}
    for column, term in enumerate(terms):
        if term in neighbour.terms:
            found[column] = chance[level(term)]
    return found
