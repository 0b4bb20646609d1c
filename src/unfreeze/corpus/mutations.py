"""Point mutations as tables write them: read, checked against a structure or a sequence, and written in one way.

``I:L38G`` is chain I, leucine 38, now glycine, in the author numbering of an entry; without the chain, positions count
from 1 in a sequence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from unfreeze.errors import InputError
from unfreeze.structure.complex import Complex
from unfreeze.structure.similarity.sequences import chain_sequences

__all__ = ["AMINO_ACIDS", "Mutation", "NumberedResidues", "differences"]

AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
_PLAIN = re.compile(
    r"(?:(?P<chain>[^:\s]{1,16}):)?(?P<old>[A-Z])(?P<number>-?\d{1,6})(?P<code>[A-Za-z]?)(?P<new>[A-Z])"
)


@dataclass(frozen=True, order=True)
class Mutation:
    """One residue exchanged for another.

    Attributes
    ----------
    chain
        Author name of the chain; empty in a sequence.
    number, insertion_code
        Author numbering, or the position from 1 in a sequence.
    wild_type, mutant
        One letter each.
    """

    chain: str
    number: int
    insertion_code: str
    wild_type: str
    mutant: str

    def __str__(self) -> str:
        chain = f"{self.chain}:" if self.chain else ""
        return f"{chain}{self.wild_type}{self.number}{self.insertion_code}{self.mutant}"

    @classmethod
    def read(cls, text: str, *, chain: str = "") -> Mutation:
        """Read ``L38G``, ``L45aG``, ``K-1M`` or ``I:L38G``.

        Raises
        ------
        InputError
            If it is not written so, or a letter is no amino acid.
        """
        found = _PLAIN.fullmatch(text.strip())
        if found is None:
            raise InputError(f"mutation {text!r}: something like L38G was expected (old residue, number, new residue)")
        for letter in (found["old"], found["new"]):
            if letter not in AMINO_ACIDS:
                raise InputError(f"mutation {text!r}: {letter} is not one of the 20 amino acids")
        code = found["code"].upper()
        return cls(found["chain"] or chain, int(found["number"]), code, found["old"], found["new"])

    @classmethod
    def read_skempi(cls, text: str) -> Mutation:
        """Read ``LI45G`` or ``VA100bI``: old residue, chain, number, insertion code in lower case, new residue.

        Raises
        ------
        InputError
            If it is not written so.
        """
        text = text.strip()
        if len(text) < 4:
            raise InputError(f"mutation {text!r}: something like LI45G was expected (old residue, chain, number, new)")
        return cls.read(text[0] + text[2:], chain=text[1])


class NumberedResidues:
    """The residues of a structure by author numbering.

    Parameters
    ----------
    molecule
        The structure; only polymers can be mutated.
    """

    def __init__(self, molecule: Complex) -> None:
        self._letters: dict[tuple[str, int, str], str] = {}
        self.chains: tuple[str, ...] = tuple(str(name) for name in molecule.chain_name)
        numbers, codes = molecule.residue_number.tolist(), molecule.residue_insertion_code.tolist()
        for chain in chain_sequences(molecule):
            for row, letter in zip(chain.residues.tolist(), chain.letters, strict=True):
                self._letters.setdefault((chain.chain, numbers[row], codes[row].upper()), letter)

    def fault(self, mutation: Mutation) -> str:
        """What is wrong with a mutation of this structure, in words; empty if nothing is."""
        if mutation.chain not in self.chains:
            return f"{mutation}: the structure has no chain {mutation.chain} (it has {', '.join(self.chains)})"
        found = self._letters.get((mutation.chain, mutation.number, mutation.insertion_code))
        if found is None:
            return f"{mutation}: chain {mutation.chain} has no residue {mutation.number}{mutation.insertion_code}"
        if found != mutation.wild_type:
            return f"{mutation}: the structure has {found} there, not {mutation.wild_type}"
        return ""


def differences(wild_type: str, mutant: str) -> tuple[Mutation, ...]:
    """The substitutions between two sequences of one length, counted from 1.

    Raises
    ------
    InputError
        If the lengths differ (insertions and deletions are not substitutions).
    """
    if len(wild_type) != len(mutant):
        raise InputError(f"sequences of {len(wild_type)} and {len(mutant)} residues: substitutions keep the length")
    pairs: Iterable[tuple[str, str]] = zip(wild_type, mutant, strict=True)
    return tuple(Mutation("", place, "", a, b) for place, (a, b) in enumerate(pairs, start=1) if a != b)
