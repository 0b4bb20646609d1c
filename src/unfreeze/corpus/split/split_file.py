"""`Split`: which entries of a corpus are for training, validation and testing, and the assertion that goes with it.

A split is kept with the corpus in ``splits/<name>.json``. Whoever loads it has the assertion checked again: that the
file is as it was written, that the sequences are those it was made from, and that no pair across its parts is alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from unfreeze.corpus.split.check import Meeting, meeting_words
from unfreeze.corpus.split.checked import crossing_of
from unfreeze.corpus.split.entries import SplitInput, fingerprint
from unfreeze.corpus.split.groups import By
from unfreeze.corpus.split.likeness import Engine, Progress
from unfreeze.corpus.store import Corpus, DamagedCorpusError
from unfreeze.corpus.store.sealed import read_sealed, write_sealed
from unfreeze.errors import InputError

__all__ = ["Split", "SplitMethod", "split_names"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")


class SplitMethod(BaseModel):
    """How a split was made.

    Attributes
    ----------
    by
        What keeps entries together: ``sequence`` or ``interface``.
    identity
        Sequences are alike from this identity over the shorter one; short ones need more.
    engine
        What proposed the pairs that were aligned.
    fractions
        Shares that were asked for.
    balance
        What shares are of: ``entries``, ``frames``, ``residues``, ``frames*residues`` or ``weights``.
    seed
        Of the draws.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: By
    identity: Annotated[float, Field(gt=0.0, le=1.0)]
    engine: Engine
    fractions: dict[str, float]
    balance: str = "entries"
    seed: int = 0


class Split(BaseModel):
    """Parts of a corpus that share nothing they should not.

    Attributes
    ----------
    name
        Of the split.
    created
        When, in UTC.
    method
        How.
    parts
        Identifiers of the entries of every part.
    groups
        Number of the group of every entry: those that are never parted.
    clusters
        Numbers of the clusters of the sequences of every entry.
    fingerprints
        SHA-256 of the sequences of every entry, which must be the same whenever the split is used.
    interfaces
        Pairs of chains that touch, of entries that have some, if the split was made by them.
    left_out
        Entries that are in no part, and why.
    largest
        The assertion: the most alike pair of entries of different parts.
    notes
        What a user of the split should know.
    unassigned, absent
        Not in the file: entries of the corpus that the split does not know of, and entries of the split that the
        corpus does not have.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    name: str
    created: str = ""
    method: SplitMethod
    parts: dict[str, tuple[str, ...]]
    groups: dict[str, int]
    clusters: dict[str, tuple[int, ...]]
    fingerprints: dict[str, str]
    interfaces: dict[str, tuple[tuple[int, int], ...]] = {}
    left_out: dict[str, str] = {}
    largest: Meeting | None = None
    notes: tuple[str, ...] = ()
    unassigned: Annotated[tuple[str, ...], Field(exclude=True)] = ()
    absent: Annotated[tuple[str, ...], Field(exclude=True)] = ()

    @property
    def part_of(self) -> dict[str, str]:
        """Part of every entry."""
        return {name: part for part, names in self.parts.items() for name in names}

    @property
    def largest_identity(self) -> float:
        """Largest identity across parts; 0 if no pair has one that means anything."""
        return 0.0 if self.largest is None else self.largest.identity

    def assertion(self, chains: Mapping[str, Sequence[str]] | None = None) -> str:
        """The assertion in words, with names of the chains of entries where they are given."""
        if self.largest is None:
            return "no two entries of different parts have an identity that means anything"
        return f"the most alike across parts: {meeting_words(self.largest, chains)}"

    def entries_of(self, part: str) -> tuple[str, ...]:
        """Identifiers of a part.

        Raises
        ------
        InputError
            If there is no such part.
        """
        if part not in self.parts:
            raise InputError(f"the split {self.name} has no part {part!r}; it has {', '.join(self.parts)}.")
        return self.parts[part]

    def save(self, corpus: Corpus, *, overwrite: bool = False) -> None:
        """Keep a split with its corpus.

        Raises
        ------
        InputError
            If there is one of this name, or the name is not possible.
        """
        path = corpus.path / "splits" / f"{_possible(self.name)}.json"
        if path.exists() and not overwrite:
            raise InputError(f"{path}: there is a split of this name. Give another name, or say that it be replaced.")
        try:
            path.parent.mkdir(exist_ok=True)
            write_sealed(path, "split", self.model_dump(mode="json"))
        except OSError as error:
            raise InputError(f"{path}: cannot be written ({error.strerror or error}).") from None

    @classmethod
    def load(
        cls,
        corpus: Corpus,
        name: str,
        *,
        engine: Engine | None = None,
        check: bool = True,
        progress: Progress | None = None,
    ) -> Split:
        """Read a split of a corpus and check what it asserts.

        What a check found is remembered on this machine for as long as neither sequences nor parts change.

        Parameters
        ----------
        corpus
            The corpus.
        name
            Of the split.
        engine
            What proposes pairs; None for that with which the split was made, as far as it is installed.
        check
            False to leave out the comparison of sequences across parts, for looking at a split only.
        progress
            Told what is done, and how many of how many.

        Raises
        ------
        InputError
            If there is no such split, it was edited or damaged, sequences have changed, or entries of different parts
            are alike: the message names the pair.
        """
        path = corpus.files.local(f"splits/{_possible(name)}.json")
        if not path.is_file():
            there = ", ".join(split_names(corpus)) or "none"
            raise InputError(f"{path}: no such split; the corpus has {there}.")
        try:
            split = cls.model_validate(read_sealed(path, "split"))
        except DamagedCorpusError as error:
            raise InputError(f"{error} A split is not edited by hand: make it anew.") from None
        except ValidationError as error:
            first = error.errors()[0]
            raise InputError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}.") from None
        return split.held_against(corpus, engine=engine, check=check, progress=progress, path=str(path))

    def held_against(
        self,
        corpus: Corpus,
        *,
        engine: Engine | None = None,
        check: bool = True,
        progress: Progress | None = None,
        path: str = "",
    ) -> Split:
        """The split with what is unassigned in a corpus, after the checks of :meth:`load`; errors as there."""
        where = path or self.name
        self._consistent(where)
        here = corpus.identifiers
        part_of = self.part_of
        known = {*part_of, *self.left_out}
        there = set(here)
        present = [name for name in part_of if name in there]
        summaries = {name: corpus.summary(name) for name in present}
        for name, summary in summaries.items():
            if fingerprint(summary.sequences) != self.fingerprints.get(name):
                raise InputError(
                    f"{where}: the sequences of {name} are not those that the split was made from. Make the split anew."
                )
        if check:
            entries = SplitInput(
                tuple(present),
                tuple(summaries[name].sequences for name in present),
                tuple(self.interfaces.get(name, ()) for name in present),
            )
            crossing = crossing_of(
                entries, part_of, by=self.method.by, identity=self.method.identity,
                engine=engine, made_with=self.method.engine, progress=progress,
            )  # fmt: skip
            if crossing.leaks:
                chains = {name: summary.chains for name, summary in summaries.items()}
                worst, n = crossing.leaks[0], len(crossing.leaks)
                more = f" ({n} such pairs)" if n > 1 else ""
                raise InputError(
                    f"{where}: the parts of this split leak: {meeting_words(worst, chains)}{more}; less "
                    f"than {self.method.identity:.0%} was asserted. Make the split anew, or leave one of them out."
                )
        return self.model_copy(
            update={
                "unassigned": tuple(name for name in here if name not in known),
                "absent": tuple(name for name in part_of if name not in there),
            }
        )

    def _consistent(self, where: str) -> None:
        seen: dict[str, str] = {}
        for part, names in self.parts.items():
            for name in names:
                if name in seen:
                    raise InputError(f"{where}: {name} is in {seen[name]} and in {part}. Make the split anew.")
                seen[name] = part
                if name not in self.fingerprints:
                    raise InputError(f"{where}: nothing is said of the sequences of {name}. Make the split anew.")


def split_names(corpus: Corpus) -> tuple[str, ...]:
    """Names of the splits that are kept with a corpus on this machine."""
    return tuple(sorted(path.stem for path in (corpus.path / "splits").glob("*.json") if path.name[0] != "."))


def _possible(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} cannot be the name of a split: 1 to 64 letters, digits and ._+- were expected.")
    return name
