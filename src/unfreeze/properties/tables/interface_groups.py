"""Which complexes must stay together: homologous interfaces, and the same mutations measured against another partner.

Interfaces are homologous if both partners are alike, chains that touch each other against such chains. That is not
enough: one inhibitor was mutated in the same 220 ways against proteases that are not alike, with nearly the same
effects. So complexes that share a mutation in the same surroundings in sequence stay together, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from unfreeze.corpus.mutations import Mutation
from unfreeze.structure.complex import Complex
from unfreeze.structure.similarity.interfaces import partner_interfaces
from unfreeze.structure.similarity.sequences import chain_sequences

__all__ = ["PEPTIDE", "ComplexSequences", "complex_sequences", "homologous_interfaces", "mutated_sites", "shared_sites"]

PEPTIDE = 20
"""Residues below which a chain is a peptide; alignments of peptides say nothing, so all are taken to be alike."""
_BESIDE = 4  # residues on either side of a mutation that must be the same for it to be the same mutation


@dataclass(frozen=True)
class ComplexSequences:
    """What a complex is compared by.

    Attributes
    ----------
    chains
        Sequences of all chains of both partners.
    touching
        Pairs of sequences of chains that touch across the partners; all pairs across where none touches.
    """

    chains: tuple[str, ...]
    touching: tuple[tuple[str, str], ...]


def complex_sequences(molecule: Complex, partners: tuple[str, str]) -> ComplexSequences:
    """Sequences of the partners of a complex and which of them touch (eight pairs of residues or more).

    Parameters
    ----------
    molecule
        With coordinates.
    partners
        Author names of the chains on either side, one letter each: ``("HL", "A")``.
    """
    chains = chain_sequences(molecule)
    side = {row: [one.chain in names for names in partners] for row, one in enumerate(chains)}
    across = [(a, b) for a in side for b in side if side[a][0] and side[b][1]]
    found = {frozenset((one.first, one.second)) for one in partner_interfaces(molecule, chains)}
    touching = [pair for pair in across if frozenset(pair) in found] or across
    return ComplexSequences(
        tuple(dict.fromkeys(chains[row].letters for row in side if any(side[row]))),
        tuple(dict.fromkeys((chains[a].letters, chains[b].letters) for a, b in touching)),
    )


def homologous_interfaces(
    complexes: Mapping[str, ComplexSequences], alike: Iterable[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Pairs of complexes of which both partners are alike.

    Parameters
    ----------
    complexes
        By key.
    alike
        Pairs of alike sequences; equal ones need not be told.
    """
    near: dict[str, set[str]] = {}
    for a, b in alike:
        near.setdefault(a, set()).add(b)
        near.setdefault(b, set()).add(a)

    def is_alike(a: str, b: str) -> bool:
        return a == b or b in near.get(a, ()) or (len(a) < PEPTIDE and len(b) < PEPTIDE)

    def homologous(one: Sequence[tuple[str, str]], other: Sequence[tuple[str, str]]) -> bool:
        return any(
            (is_alike(a, c) and is_alike(b, d)) or (is_alike(a, d) and is_alike(b, c)) for a, b in one for c, d in other
        )

    keys = list(complexes)
    return [
        (first, second)
        for place, first in enumerate(keys)
        for second in keys[place + 1 :]
        if homologous(complexes[first].touching, complexes[second].touching)
    ]


def mutated_sites(molecule: Complex, mutations: Iterable[Mutation]) -> frozenset[tuple[str, int, str]]:
    """Mutations by their surroundings: nine residues of the sequence, the place among them, and the new residue.

    Parameters
    ----------
    molecule
        The structure.
    mutations
        In its author numbering; those that it does not have are ignored.
    """
    numbers, codes = molecule.residue_number.tolist(), molecule.residue_insertion_code.tolist()
    window: dict[tuple[str, int, str], tuple[str, int]] = {}
    for chain in chain_sequences(molecule):
        for place, row in enumerate(chain.residues.tolist()):
            start = max(0, place - _BESIDE)
            around = chain.letters[start : place + _BESIDE + 1]
            window.setdefault((chain.chain, numbers[row], codes[row].upper()), (around, place - start))
    wanted = (((one.chain, one.number, one.insertion_code), one.mutant) for one in mutations)
    return frozenset((*window[where], mutant) for where, mutant in wanted if where in window)


def shared_sites(sites: Mapping[str, frozenset[tuple[str, int, str]]]) -> list[tuple[str, str]]:
    """Pairs of complexes that share a mutation in the same surroundings."""
    keys = list(sites)
    return [(a, b) for place, a in enumerate(keys) for b in keys[place + 1 :] if sites[a] & sites[b]]
