"""From mutations and a structure (or a sequence) to the columns that the model reads, and back to effects.

One :class:`Surrounding` is a structure in which sites are looked at: the fold, the complex, a free partner. Each is
described once for all mutations asked about.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.mutations import Mutation
from unfreeze.errors import InputError
from unfreeze.properties.effect_model import EffectModel
from unfreeze.properties.modalities.mutation import melting_factor
from unfreeze.properties.modalities.sequence import LETTERS
from unfreeze.properties.modalities.structure import KINDS, protein_sites
from unfreeze.properties.mutants.columns import COLUMNS, mutation_contacts
from unfreeze.properties.places import label_of, residue_labels
from unfreeze.properties.sites import SiteColumns, columns_of_sequence, columns_of_structure
from unfreeze.structure.complex import Complex
from unfreeze.structure.similarity.sequences import chain_sequences

__all__ = ["Surrounding", "outside_of", "summed"]

_MOST_TOGETHER = 8  # mutations at once; few rows of training have more
_FOREIGN_SHARE = 0.25  # of the neighbours of a site


class Surrounding:
    """Sites of mutations in one structure, or in a sequence.

    Parameters
    ----------
    model
        The model.
    source
        The structure, or the sequence if there is none.
    mutations
        Those to look at here.
    task
        What is asked; others may be asked that read the same modalities.
    """

    def __init__(self, model: EffectModel, source: Complex | str, mutations: Sequence[Mutation], task: str) -> None:
        self.model, self.source, self.given = model, source, model.read(task)
        self.mutations = tuple(dict.fromkeys(mutations))
        self._row = {mutation: row for row, mutation in enumerate(self.mutations)}

    @cached_property
    def _places(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Distinct residues (rows, or positions from 0), and which of them every mutation has."""
        if isinstance(self.source, str):
            found = [mutation.number - 1 for mutation in self.mutations]
        else:
            sites = protein_sites(self.source)
            row_of = dict(zip(residue_labels(self.source, sites), sites.tolist(), strict=True))
            found = [self._residue(row_of, mutation) for mutation in self.mutations]
        residues, which = np.unique(np.array(found, dtype=np.int64), return_inverse=True)
        return residues, which

    @staticmethod
    def _residue(row_of: dict[str, int], mutation: Mutation) -> int:
        label = label_of(mutation.chain, mutation.number, mutation.insertion_code)
        if label not in row_of:
            raise InputError(
                f"{mutation}: residue {label} is not in the structure with its atoms N, CA and C; leave the mutation "
                f"out, or complete the structure (unfreeze prepare)"
            )
        return row_of[label]

    @cached_property
    def sites(self) -> SiteColumns:
        """Columns of the distinct residues."""
        residues = self._places[0]
        if isinstance(self.source, str):
            return columns_of_sequence(self.source, residues, self.model.reader)
        with_motion = "dynamics" in self.given
        return columns_of_structure(self.source, residues, with_motion=with_motion, reader=self.model.reader)

    @cached_property
    def hidden(self) -> list[NDArray[np.float32]]:
        """Numbers of the trunk, for every mutation: [n_mutations, width] a member."""
        return [one[self._places[1]] for one in self.model.hidden(self.sites, self.given)]

    @cached_property
    def contacts(self) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
        """Columns of the rotamers of wild type and mutant [n_mutations, n_columns] each, and whether they are known."""
        n = len(self.mutations)
        if isinstance(self.source, str):
            nothing = np.zeros((n, len(COLUMNS)), dtype=np.float32)
            return nothing, nothing, np.zeros(n, dtype=bool)
        residues, which = self._places
        letters = [(one.wild_type, one.mutant) for one in self.mutations]
        wanted = sorted({(int(residues[k]), letter) for k, pair in zip(which, letters, strict=True) for letter in pair})
        built = mutation_contacts(
            self.source, [row for row, _ in wanted], [letter for _, letter in wanted], springs=False
        )
        row_of = {one: row for row, one in enumerate(wanted)}
        rows = np.array(
            [[row_of[int(residues[k]), letter] for letter in pair] for k, pair in zip(which, letters, strict=True)]
        ).reshape(n, 2)
        return built[rows[:, 0]], built[rows[:, 1]], np.ones(n, dtype=bool)

    def exchange(self, task: str) -> NDArray[np.float64]:
        """What each mutation is worth here, kJ/mol (K): [n_members, n_mutations]."""
        kinds = np.array([[LETTERS.index(one.wild_type), LETTERS.index(one.mutant)] for one in self.mutations])
        kinds = kinds.reshape(len(self.mutations), 2)
        wild, mutant, known = self.contacts
        values = self.model.exchange(task, self.hidden, (kinds[:, 0], wild), (kinds[:, 1], mutant), known)
        return values * melting_factor(self._lengths, self.model.melting_power) if task == "melting" else values

    @cached_property
    def _lengths(self) -> NDArray[np.int64]:
        """Residues of the chain of every mutation: [n_mutations]."""
        if isinstance(self.source, str):
            return np.full(len(self.mutations), len(self.source))
        length = {one.chain: len(one.letters) for one in chain_sequences(self.source)}
        return np.array([length[one.chain] for one in self.mutations], dtype=np.int64)

    def row(self, mutation: Mutation) -> int:
        """Where a mutation is in what :meth:`exchange` gives."""
        return self._row[mutation]

    def foreign(self, mutation: Mutation) -> bool:
        """Whether much of what surrounds the site is no protein, of which little was seen in training."""
        if isinstance(self.source, str):
            return False
        site = int(self._places[1][self.row(mutation)])
        kinds = self.sites.pairs[site, :, : len(KINDS)].sum(axis=0)
        return bool(kinds[len(LETTERS) :].sum() > _FOREIGN_SHARE * max(float(kinds.sum()), 1.0))


def summed(
    values: NDArray[np.float64], rows: Sequence[Sequence[int]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean over members and spread between them of sums over mutations.

    Parameters
    ----------
    values : [n_members, n_mutations]
    rows
        Which mutations each effect is made of.

    Returns
    -------
    float64 [n_effects], float64 [n_effects]
    """
    totals = np.stack([values[:, list(one)].sum(axis=1) for one in rows], axis=1) if rows else values[:, :0]
    return totals.mean(axis=0), totals.std(axis=0)


def outside_of(mutations: Sequence[Mutation], *, spread: float, largest_spread: float, foreign: bool) -> str:
    """Why an effect is outside what the model knows; empty if it is not."""
    if len(mutations) > _MOST_TOGETHER:
        return f"{len(mutations)} mutations at once: the model adds them up, and has seen few rows with so many"
    if foreign:
        return "much of what surrounds the residue is nucleic acid, ligand or ion, of which the model has seen little"
    if spread > largest_spread:
        return (
            f"the members of the model disagree by {spread:.1f} kJ/mol, more than in 99 % of what they were tested on"
        )
    return ""
