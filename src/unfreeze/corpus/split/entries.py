"""What splitting sees of a corpus: the sequences of every entry, and which of its chains touch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from unfreeze.corpus.store import Corpus
from unfreeze.errors import InputError
from unfreeze.structure.complex import Complex
from unfreeze.structure.similarity.interfaces import partner_interfaces
from unfreeze.structure.similarity.sequences import chain_sequences

__all__ = ["SplitInput", "fingerprint", "touching"]


@dataclass(frozen=True)
class SplitInput:
    """Entries to split.

    Attributes
    ----------
    identifiers
        Names of the entries, each once.
    sequences
        Letters of the chains of every entry, upper case for amino acids, lower case for nucleotides.
    interfaces
        Pairs of chains of every entry that touch, as rows of its sequences.
    weights
        How much every entry counts when parts are balanced; not negative.
    """

    identifiers: tuple[str, ...]
    sequences: tuple[tuple[str, ...], ...]
    interfaces: tuple[tuple[tuple[int, int], ...], ...] = ()
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.identifiers)
        if len(set(self.identifiers)) != n:
            twice = next(one for one in self.identifiers if self.identifiers.count(one) > 1)
            raise InputError(f"{twice}: is there twice. Every entry must have a name of its own.")
        if not self.interfaces:
            object.__setattr__(self, "interfaces", ((),) * n)
        if not self.weights:
            object.__setattr__(self, "weights", (1.0,) * n)
        if not len(self.sequences) == len(self.interfaces) == len(self.weights) == n:
            raise ValueError("there must be sequences, interfaces and a weight for every entry")
        for name, weight in zip(self.identifiers, self.weights, strict=True):
            if not 0.0 <= weight < float("inf"):
                raise InputError(f"{name}: its weight is {weight}; a finite number that is not negative was expected.")

    def __len__(self) -> int:
        return len(self.identifiers)

    @classmethod
    def of_sequences(
        cls, sequences: Mapping[str, str | Sequence[str]], *, weights: Mapping[str, float] | None = None
    ) -> SplitInput:
        """Entries of one or several sequences each, that are not known to touch."""
        chains = tuple((one,) if isinstance(one, str) else tuple(one) for one in sequences.values())
        counted = tuple(float((weights or {}).get(name, 1.0)) for name in sequences)
        return cls(tuple(sequences), chains, (), counted if weights is not None else ())

    @classmethod
    def of_corpus(
        cls,
        corpus: Corpus,
        identifiers: Iterable[str] | None = None,
        *,
        interfaces: bool = False,
        balance: str = "entries",
        progress: Callable[[str, int, int], None] | None = None,
    ) -> SplitInput:
        """The entries of a corpus.

        Parameters
        ----------
        corpus
            Only its index is read, unless interfaces are wanted.
        identifiers
            Which entries; all for None.
        interfaces
            Whether to find out which chains touch, in the coordinates of the reference: reads every topology.
        balance
            What the weights are: ``entries`` (1), ``frames``, ``residues`` or ``frames*residues``.
        progress
            Told what is done, and how many of how many.

        Raises
        ------
        InputError
            If an entry is not there or cannot be read.
        """
        if balance not in BALANCES:
            raise InputError(f"{balance!r}: parts are balanced by one of {', '.join(BALANCES)}.")
        names = tuple(corpus.identifiers if identifiers is None else identifiers)
        summaries = [corpus.summary(name) for name in names]
        found: list[tuple[tuple[int, int], ...]] = []
        for number, (name, summary) in enumerate(zip(names, summaries, strict=True), start=1):
            several = interfaces and len(summary.sequences) > 1
            found.append(touching(corpus.entry(name).complex) if several else ())
            if progress is not None:
                progress("interfaces found", number, len(names))
        weights = [
            (one.n_frames if "frames" in balance else 1) * (one.n_residues if "residues" in balance else 1)
            for one in summaries
        ]
        return cls(names, tuple(one.sequences for one in summaries), tuple(found), tuple(map(float, weights)))

    def take(self, identifiers: Iterable[str]) -> SplitInput:
        """Only some of the entries, in their order here."""
        wanted = set(identifiers)
        rows = [row for row, name in enumerate(self.identifiers) if name in wanted]
        return SplitInput(
            tuple(self.identifiers[row] for row in rows),
            tuple(self.sequences[row] for row in rows),
            tuple(self.interfaces[row] for row in rows),
            tuple(self.weights[row] for row in rows),
        )


BALANCES = ("entries", "frames", "residues", "frames*residues")


def touching(molecule: Complex) -> tuple[tuple[int, int], ...]:
    """Pairs of polymer chains with at least eight residue contacts, as rows of the chains with a sequence."""
    found = partner_interfaces(molecule, chain_sequences(molecule))
    return tuple((one.first, one.second) for one in found)


def fingerprint(sequences: Sequence[str]) -> str:
    """SHA-256 of the sequences of an entry, in their order."""
    return hashlib.sha256("\n".join(sequences).encode()).hexdigest()
