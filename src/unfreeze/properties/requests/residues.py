"""Which residues can be mutated, in a structure or in a sequence, and what is wrong with a mutation that cannot.

A residue can be mutated when it is one of the 20 amino acids (or selenomethionine, which stands for methionine) and its
backbone is there.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from unfreeze.corpus.mutations import AMINO_ACIDS, Mutation, NumberedResidues
from unfreeze.errors import InputError
from unfreeze.structure.complex import Complex
from unfreeze.structure.similarity.sequences import chain_sequences

__all__ = ["MutableResidues", "Site"]

_BACKBONE = ("N", "CA", "C")
_SAME_AS_PARENT = ("MSE",)  # selenium for sulfur: to mutate it is to mutate methionine
_MOST_NAMED = 8


@dataclass(frozen=True)
class Site:
    """A residue that can be mutated.

    Attributes
    ----------
    chain, number, insertion_code
        Author numbering; an empty chain and the position from 1 in a sequence.
    letter
        One letter, of the 20.
    row
        Row of the residue table of the structure, or the position from 0 in a sequence.
    """

    chain: str
    number: int
    insertion_code: str
    letter: str
    row: int

    def to(self, mutant: str) -> Mutation:
        """The mutation of this residue to another."""
        return Mutation(self.chain, self.number, self.insertion_code, self.letter, mutant)

    def __str__(self) -> str:
        chain = f"{self.chain}:" if self.chain else ""
        return f"{chain}{self.letter}{self.number}{self.insertion_code}"


class MutableResidues:
    """The residues of a protein that can be mutated, and why others cannot.

    Attributes
    ----------
    name
        What messages call the input.
    chains
        Names of all chains that have residues of protein; one empty name for a sequence.
    sites
        What can be mutated, in the order of the structure.
    """

    def __init__(self, name: str, sites: Sequence[Site], faults: dict[tuple[str, int, str], str]) -> None:
        self.name = name
        self.sites = tuple(sites)
        self.chains = tuple(dict.fromkeys([site.chain for site in sites] + [chain for chain, _, _ in faults]))
        self._left_out: list[tuple[str, int, str]] = []
        self._stand_ins: list[tuple[str, int, str]] = []
        self._at = {(site.chain, site.number, site.insertion_code): site for site in sites}
        self._faults = faults
        self._numbered: NumberedResidues | None = None

    @classmethod
    def of_sequence(cls, letters: str, name: str = "the sequence") -> MutableResidues:
        """The residues of a sequence, counted from 1; its letters are of the 20."""
        return cls(name, [Site("", place, "", letter, place - 1) for place, letter in enumerate(letters, start=1)], {})

    @classmethod
    def of_structure(cls, molecule: Complex) -> MutableResidues:
        """The residues of protein in a structure, in author numbering."""
        sites: list[Site] = []
        faults: dict[tuple[str, int, str], str] = {}
        left_out, stand_ins = [], []
        taken: set[tuple[str, int, str]] = set()
        backbone = [molecule.atom_of_residue(atom) for atom in _BACKBONE]
        numbers, codes = molecule.residue_number.tolist(), molecule.residue_insertion_code.tolist()
        for chain in chain_sequences(molecule):
            for row, letter in zip(chain.residues.tolist(), chain.letters, strict=True):
                place = (chain.chain, numbers[row], codes[row].upper())
                name, parent = str(molecule.residue_name[row]), str(molecule.residue_parent_name[row])
                label = molecule.residue_label(row)
                if molecule.residue_kind[row] != "protein":
                    faults[place] = f"{label} is a nucleotide; mutations are of amino acids"
                elif letter not in AMINO_ACIDS:
                    faults[place] = f"{label} is not one of the 20 amino acids, and the model knows no others"
                elif name != parent and name not in _SAME_AS_PARENT:
                    faults[place] = (
                        f"{label} is a modified {parent}, and the model knows only the 20 amino acids; replace it by "
                        f"{parent} with `unfreeze prepare` and predict from that"
                    )
                elif any(atoms[row] < 0 for atoms in backbone):
                    faults[place] = (
                        f"{label} lacks atoms of its backbone; build them with `unfreeze prepare` and predict from that"
                    )
                elif place not in taken:
                    taken.add(place)
                    if name != parent:
                        stand_ins.append((chain.chain, row, label))
                    sites.append(Site(*place, letter, row))
                if place in faults and molecule.residue_kind[row] == "protein":
                    left_out.append((chain.chain, row, label))
        made = cls(molecule.source.name or "the structure", sites, faults)
        made._numbered = NumberedResidues(molecule)
        made._left_out, made._stand_ins = left_out, stand_ins
        return made

    def notes(self, chains: Collection[str], rows: Collection[int] | None = None) -> tuple[str, ...]:
        """Sentences about residues that are left out or stand for others.

        Parameters
        ----------
        chains
            The chains that are asked about.
        rows
            Rows of the residue table that are; all when None.
        """
        notes = []
        for found, words in (
            (self._left_out, "Not mutated, for they are modified or lack their backbone"),
            (self._stand_ins, "Selenomethionine is taken for methionine"),
        ):
            labels = [label for chain, row, label in found if chain in chains and (rows is None or row in rows)]
            if labels:
                more = f" and {len(labels) - _MOST_NAMED} more" if len(labels) > _MOST_NAMED else ""
                notes.append(f"{words}: {', '.join(labels[:_MOST_NAMED])}{more}.")
        return tuple(notes)

    def of_chain(self, chain: str) -> list[Site]:
        """What can be mutated in a chain.

        Raises
        ------
        InputError
            If there is no such chain, or nothing in it can be mutated.
        """
        found = [site for site in self.sites if site.chain == chain]
        if found:
            return found
        if chain in self.chains:
            raise InputError(f"{self.name}: no residue of chain {chain} can be mutated ({self._first_fault(chain)})")
        raise InputError(f"{self.name}: no chain {chain!r} of protein; it has {self._chain_names()}")

    def at(self, chain: str, number: int, insertion_code: str) -> Site | None:
        """The residue with a number; None where none that can be mutated has it."""
        return self._at.get((chain, number, insertion_code))

    def fault(self, mutation: Mutation) -> str:
        """What is wrong with a mutation and what to do about it, in words; empty if nothing is."""
        place = (mutation.chain, mutation.number, mutation.insertion_code)
        site = self._at.get(place)
        if site is not None and site.letter == mutation.wild_type:
            if mutation.mutant == mutation.wild_type:
                return f"{mutation}: changes nothing; leave it out"
            return ""
        if place in self._faults:
            return f"{mutation}: {self._faults[place]}"
        if site is not None:
            number = f"{mutation.number}{mutation.insertion_code}"
            meant = f"write {site.to(mutation.mutant)} if that one is meant"
            if site.letter == mutation.mutant:
                meant = f"the structure is that of the mutant already; the way back is {site.to(mutation.wild_type)}"
                meant = meant if mutation.chain else meant.replace("structure", "sequence")
            return (
                f"{mutation}: {self._where(mutation.chain)} has {site.letter} at {number}, not {mutation.wild_type}; "
                f"{self._elsewhere(mutation) or meant}"
            )
        if mutation.chain not in self.chains:
            if not mutation.chain:
                example = f"{self.chains[0]}:{mutation}" if self.chains else f"A:{mutation}"
                return f"{mutation}: which chain? {self.name} has {self._chain_names()}; write such as {example}"
            if self.chains == ("",):
                return f"{mutation}: a sequence has no chains; write {mutation.wild_type}{mutation.number}" + (
                    f"{mutation.mutant}, counted from 1"
                )
            said = self._numbered.fault(mutation) if self._numbered is not None else ""
            known = said if self._numbered is not None and mutation.chain not in self._numbered.chains else ""
            return known or f"{mutation}: chain {mutation.chain} has no protein; {self._chain_names()} have"
        return (
            f"{mutation}: {self._where(mutation.chain)} has no residue {mutation.number}{mutation.insertion_code} "
            f"with coordinates; {self._elsewhere(mutation) or self._range(mutation.chain)}"
        )

    def _where(self, chain: str) -> str:
        return f"chain {chain}" if chain else "the sequence"

    def _chain_names(self) -> str:
        return ", ".join(self.chains) if any(self.chains) else "none"

    def _first_fault(self, chain: str) -> str:
        return next((text for place, text in self._faults.items() if place[0] == chain), "there is none")

    def _range(self, chain: str) -> str:
        numbers = [site.number for site in self.sites if site.chain == chain]
        if not numbers:
            return "give another"
        what = "positions count from 1" if not chain else "numbers are the author's, as in the file"
        return f"it has {min(numbers)} to {max(numbers)} ({what})"

    def _elsewhere(self, mutation: Mutation) -> str:
        """The chain that has such a residue at that number, if one has."""
        for chain in self.chains:
            site = self._at.get((chain, mutation.number, mutation.insertion_code))
            if chain != mutation.chain and site is not None and site.letter == mutation.wild_type:
                return f"chain {chain} has {site.letter} there: write {site.to(mutation.mutant)} if that one is meant"
        return ""
