"""Greedy choice of what to simulate next, with a reason for each that a person can read. A heuristic.

Every cluster of sequences, every family of interfaces (the same two partners) and every site of one is worth
something the first time, and a quarter of that each time it comes again. What a candidate adds is divided by its size,
since small systems give more for the same hours. What exists may be chosen again in proportion to how much
its replicas or halves disagree. Nothing here knows what a model would learn from the data, and no weight has been
fitted to anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from unfreeze.simulate.choose.covered import Covered
from unfreeze.simulate.choose.keys import KINDS, Key, Kind, key_systems
from unfreeze.simulate.choose.profile import Profile
from unfreeze.structure.similarity.clusters import IDENTITY

__all__ = ["Choice", "ChoiceSettings", "Suggestion", "choose_next"]

NOTE = (
    "A heuristic: clusters of sequences and interfaces that are not covered come first, then systems whose replicas or "
    "halves disagree; the weights are judgement, not fitted to any outcome."
)


class ChoiceSettings(BaseModel):
    """Weights of the choice.

    Attributes
    ----------
    identity
        Sequences are alike from this identity over the shorter one.
    sequence, family, site
        Worth of a cluster of sequences, of a pair of partners, and of a site between two partners, when new.
    again
        What is worth each time more, as a part of the time before.
    cost_exponent
        The worth is divided by (atoms / 1000) to this power: 0 where size does not matter, 1 for worth an atom, 2 for
        implicit solvent without a cut-off.
    extension
        Worth of more of what exists, at full disagreement, beside that of the same when new.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    identity: Annotated[float, Field(gt=0.2, le=1.0)] = IDENTITY
    sequence: Annotated[float, Field(ge=0.0)] = 1.0
    family: Annotated[float, Field(ge=0.0)] = 2.0
    site: Annotated[float, Field(ge=0.0)] = 1.0
    again: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.25
    cost_exponent: Annotated[float, Field(ge=0.0, le=2.0)] = 1.0
    extension: Annotated[float, Field(ge=0.0)] = 1.0


@dataclass(frozen=True)
class Suggestion:
    """One system to simulate next.

    Attributes
    ----------
    action
        ``new``, or ``extend`` for more of what exists.
    name, source
        Which; the source is a file or PDB id, or the folder that holds it.
    n_atoms
        Estimated atoms with hydrogens, without water.
    score, worth
        What it was chosen by, and that before the division by size.
    reason
        Why, for people.
    sequence_clusters, interface_families, interface_sites
        What it covers, as numbers in this choice.
    """

    action: Literal["new", "extend"]
    name: str
    source: str
    n_atoms: int
    score: float
    worth: float
    reason: str
    sequence_clusters: tuple[int, ...]
    interface_families: tuple[int, ...]
    interface_sites: tuple[int, ...]


@dataclass(frozen=True)
class Choice:
    """What to simulate next, best first.

    Attributes
    ----------
    suggestions
        In the order in which they were chosen: each takes those before it as done.
    coverage
        How many clusters there are, how many are covered, and how many would be with the suggestions.
    method
        How sequences were clustered.
    settings
        Weights.
    note
        What this is not.
    """

    suggestions: tuple[Suggestion, ...]
    coverage: dict[str, dict[str, int]]
    method: str
    settings: ChoiceSettings
    note: str = NOTE


_MOST_NAMED = 4
_LEAST_ATOMS = 500  # what is smaller costs no less to prepare, equilibrate and look after
_COVERAGE: tuple[tuple[str, Kind], ...] = (
    ("sequence clusters", "sequence"),
    ("interface families", "family"),
    ("interface sites", "site"),
)


@dataclass(frozen=True, eq=False)
class _Item:
    """A system that may be chosen, and what in it each of its clusters stands for."""

    profile: Profile
    action: Literal["new", "extend"]
    words: dict[Key, str]
    disagreement: float = 0.0
    reason: str = ""

    def numbers(self, kind: Kind) -> tuple[int, ...]:
        return tuple(number for one, number in self.words if one == kind)


class _There:
    """How often each cluster is covered, and by which system first."""

    def __init__(self) -> None:
        self.times: Counter[Key] = Counter()
        self._first: dict[Key, str] = {}

    def add(self, words: dict[Key, str], name: str) -> None:
        self.times.update(words.keys())
        for key in words:
            self._first.setdefault(key, name)

    def words(self, item: _Item) -> str:
        """Of the clusters of a system, that which is covered least, the most special kind first."""
        rarest = min(item.words, key=lambda key: (self.times[key], -list(KINDS).index(key[0])))
        times = "once" if self.times[rarest] == 1 else f"{self.times[rarest]} times"
        return f"its {KINDS[rarest[0]]} {item.words[rarest]} is there {times}, as in {self._first[rarest]}"


def choose_next(
    candidates: Sequence[Profile],
    covered: Sequence[Covered] = (),
    *,
    count: int = 10,
    settings: ChoiceSettings | None = None,
) -> Choice:
    """Choose by greedy coverage; ties go to the smaller system, then to the earlier name.

    Parameters
    ----------
    candidates
        What could be simulated.
    covered
        What has been, or is planned.
    count
        How many to choose; fewer where nothing more is worth anything.
    settings
        Weights.
    """
    settings = settings or ChoiceSettings()
    keyed = key_systems([*candidates, *(one.profile for one in covered)], identity=settings.identity)
    items = [_Item(one, "new", keyed.words[row]) for row, one in enumerate(candidates)]
    there = _There()
    for one, words in zip(covered, keyed.words[len(candidates) :], strict=True):
        there.add(words, one.profile.name)
        if one.disagreement is not None:
            after = "" if not one.time_ps else f" after {one.time_ps / 1000:.3g} ns"
            reason = f"{one.disagreement.reason}{after}"
            items.append(_Item(one.profile, "extend", words, one.disagreement.value, reason))
    before = set(there.times)
    suggestions = _greedy(items, there, count, settings)
    coverage = {
        label: {
            "all": len(keyed.of_kind(kind)),
            "covered": sum(key[0] == kind for key in before),
            "with suggestions": sum(key[0] == kind for key in there.times),
        }
        for label, kind in _COVERAGE
    }
    return Choice(tuple(suggestions), coverage, keyed.method, settings)


def _greedy(items: Sequence[_Item], there: _There, count: int, settings: ChoiceSettings) -> list[Suggestion]:
    left = list(items)
    alike = Counter(key for item in items if item.action == "new" for key in item.words)
    suggestions: list[Suggestion] = []
    while left and len(suggestions) < count:
        worth = [_worth(item, there, settings) for item in left]
        scores = [one / _cost(item, settings) for one, item in zip(worth, left, strict=True)]
        best = min(
            range(len(left)),
            key=lambda row: (-round(scores[row], 9), left[row].profile.n_atoms, left[row].profile.name),
        )
        if scores[best] <= 0.0:
            break
        item = left[best]
        suggestions.append(
            Suggestion(
                action=item.action,
                name=item.profile.name,
                source=item.profile.source,
                n_atoms=item.profile.n_atoms,
                score=scores[best],
                worth=worth[best],
                reason=item.reason or _reason(item, there, alike),
                sequence_clusters=item.numbers("sequence"),
                interface_families=item.numbers("family"),
                interface_sites=item.numbers("site"),
            )
        )
        del left[best]
        if item.action == "new":
            there.add(item.words, item.profile.name)
    return suggestions


def _worth(item: _Item, there: _There, settings: ChoiceSettings) -> float:
    weight = {"sequence": settings.sequence, "family": settings.family, "site": settings.site}
    if item.action == "extend":
        return settings.extension * item.disagreement * sum(weight[kind] for kind, _ in item.words)
    return sum(weight[key[0]] * settings.again ** there.times[key] for key in item.words)


def _cost(item: _Item, settings: ChoiceSettings) -> float:
    return (max(item.profile.n_atoms, _LEAST_ATOMS) / 1000) ** settings.cost_exponent


def _reason(item: _Item, there: _There, alike: Counter[Key]) -> str:
    new = [key for key in item.words if not there.times[key]]
    if not new:
        return f"nothing new: {there.words(item)}"
    # Of a family that is new itself a new site says nothing.
    families = {item.words[key] for key in new if key[0] == "family"}
    parts = []
    for kind, words in KINDS.items():
        names = [
            item.words[key] for key in new if key[0] == kind and (kind != "site" or item.words[key] not in families)
        ]
        if names:
            plural = "pairs of partners" if kind == "family" else f"{words}s"
            parts.append(f"{len(names)} new {plural}" if len(names) > 1 else f"new {words}")
            parts[-1] += f" {', '.join(names[:_MOST_NAMED])}{', …' if len(names) > _MOST_NAMED else ''}"
    n_others = max(alike[key] for key in new) - 1
    if n_others > 0:
        parts.append(f"{n_others} other candidate{'s' if n_others > 1 else ''} alike")
    return "; ".join(parts)
