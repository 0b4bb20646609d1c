"""Structures for rows that have none: the same protein in another entry of the corpus.

A source names one PDB entry, or a gene. Where that is not in the corpus, the protein often is, from another crystal or
with a few residues exchanged. Only entries with one kind of protein chain are taken, so that no partner is in the way.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.mutations import Mutation
from unfreeze.corpus.store.store import Corpus
from unfreeze.properties.modalities.structure import protein_sites
from unfreeze.properties.places import residue_labels
from unfreeze.properties.tables.rows import MutationRow
from unfreeze.structure.complex import Complex
from unfreeze.structure.similarity.sequences import align, chain_sequences

__all__ = ["Chain", "located", "lone_chains"]

_WORD = 7
_N_CANDIDATES = 12
_COPIES = 0.7
IDENTITY = 0.9
"""Of the shorter of both sequences, from which a chain is the same protein."""


@dataclass(frozen=True)
class Chain:
    """A protein chain of an entry.

    Attributes
    ----------
    entry
        Of the corpus.
    letters
        One a residue.
    labels
        ``A:12`` of each residue; empty where it lacks N, CA or C.
    """

    entry: str
    letters: str
    labels: tuple[str, ...]


def lone_chains(entry: str, molecule: Complex) -> list[Chain]:
    """The first chain of an entry that has one kind of protein chain and no nucleic acid; nothing of others."""
    chains = chain_sequences(molecule)
    if not chains or not all(one.letters.isupper() and _same(one.letters, chains[0].letters) for one in chains):
        return []
    sites = protein_sites(molecule)
    label = dict(zip(sites.tolist(), residue_labels(molecule, sites), strict=True))
    labels = tuple(label.get(row, "") for row in chains[0].residues.tolist())
    return [Chain(entry, chains[0].letters, labels)]


def located(rows: Sequence[MutationRow], corpus: Corpus) -> tuple[MutationRow, ...]:
    """The rows, with an entry where they had none and another one has the protein.

    Parameters
    ----------
    rows
        Of stability and melting; others are left as they are.
    corpus
        All entries are looked at: a minute or two for two thousand.
    """
    missing = [row for row in rows if row.sequence and not row.entry]
    if not missing:
        return tuple(rows)
    chains = [one for name in corpus.identifiers for one in lone_chains(name, corpus.entry(name).complex)]
    words: dict[str, set[int]] = defaultdict(set)
    for number, chain in enumerate(chains):
        for word in _words(chain.letters):
            words[word].add(number)
    by_sequence: dict[str, list[MutationRow]] = defaultdict(list)
    for row in missing:
        by_sequence[row.sequence].append(row)
    place = {sequence: _best(sequence, own, chains, words) for sequence, own in by_sequence.items()}
    return tuple(_placed(row, *found) if (found := _found(row, place)) else row for row in rows)


def _found(
    row: MutationRow, place: dict[str, tuple[Chain, NDArray[np.int64]] | None]
) -> tuple[Chain, NDArray[np.int64]] | None:
    found = place.get(row.sequence) if row.sequence and not row.entry else None
    return found if found is not None and _fits(row, *found) else None


def _words(letters: str) -> set[str]:
    return {letters[k : k + _WORD] for k in range(len(letters) - _WORD + 1)}


def _same(first: str, second: str) -> bool:
    """Whether two chains are copies, some residues at ends and in loops apart."""
    a, b = _words(first), _words(second)
    return len(a & b) >= _COPIES * min(len(a), len(b))


def _best(
    sequence: str, rows: list[MutationRow], chains: Sequence[Chain], words: dict[str, set[int]]
) -> tuple[Chain, NDArray[np.int64]] | None:
    """The chain that holds the mutations of most rows, and where each residue of the sequence is in it (−1: not)."""
    shared = Counter(number for word in _words(sequence) for number in words.get(word, ()))
    best: tuple[tuple[int, float], Chain, NDArray[np.int64]] | None = None
    for number, _ in sorted(shared.items(), key=lambda item: (-item[1], chains[item[0]].entry))[:_N_CANDIDATES]:
        chain = chains[number]
        alignment = align(sequence, chain.letters)
        if alignment.identity < IDENTITY:
            continue
        where = np.full(len(sequence), -1, dtype=np.int64)
        where[alignment.first] = alignment.second
        worth = (sum(_fits(row, chain, where) for row in rows), alignment.identity)
        if worth[0] and (best is None or worth > best[0]):
            best = (worth, chain, where)
    return best[1:] if best is not None else None


def _fits(row: MutationRow, chain: Chain, where: NDArray[np.int64]) -> bool:
    """Whether the residues of a row are in a chain, whole and the same."""
    there = [int(where[position - 1]) for position in row.positions]
    return all(
        place >= 0 and chain.labels[place] != "" and chain.letters[place] == one.wild_type
        for place, one in zip(there, row.mutations, strict=True)
    )


def _placed(row: MutationRow, chain: Chain, where: NDArray[np.int64]) -> MutationRow:
    labels = [chain.labels[int(where[position - 1])] for position in row.positions]
    mutations = tuple(
        Mutation.read(f"{label.partition(':')[0]}:{one.wild_type}{label.partition(':')[2]}{one.mutant}")
        for label, one in zip(labels, row.mutations, strict=True)
    )
    return replace(row, mutations=mutations, entry=chain.entry, chain=mutations[0].chain)
