"""How alike the parts of a split are: the largest identity across them, and every pair that is too much alike.

Two entries meet in what the split was made by: chains, or pairs of chains that touch. The identity of two pairs is that
of the less alike partners.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from unfreeze.corpus.split.entries import SplitInput
from unfreeze.corpus.split.groups import By
from unfreeze.corpus.split.likeness import Comparison, Progress

__all__ = ["Crossing", "Meeting", "cross", "meeting_words"]

_MOST_LEAKS = 1000


class Meeting(BaseModel):
    """Two entries of different parts, and how alike they are.

    Attributes
    ----------
    identity
        Of the chains over the shorter one; of pairs of chains, that of the less alike partners.
    parts, entries
        The two parts, and an entry of each.
    chains
        Rows of the sequences of each entry that are alike: one, or the two that touch.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    identity: Annotated[float, Field(ge=0.0, le=1.0)]
    parts: tuple[str, str]
    entries: tuple[str, str]
    chains: tuple[tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True)
class Crossing:
    """What a check found.

    Attributes
    ----------
    largest
        The most alike of all pairs of entries of different parts of which the alignment means something; None if there
        is none.
    leaks
        Pairs that are alike, the most alike first, one for each pair of sequences; at most 1,000.
    n_aligned
        Pairs of sequences that were aligned.
    complete
        False if there were more leaks.
    """

    largest: Meeting | None
    leaks: tuple[Meeting, ...]
    n_aligned: int
    complete: bool = True


class _Item(NamedTuple):
    """What may be alike: one sequence, or two of chains that touch, as rows of the comparison."""

    rows: tuple[int, ...]


_Where = dict[str, tuple[str, tuple[int, ...]]]  # part: first entry, and its chains


def cross(
    entries: SplitInput,
    part_of: Mapping[str, str],
    comparison: Comparison,
    *,
    by: By,
    identity: float,
    progress: Progress | None = None,
) -> Crossing:
    """Compare the parts of a split.

    Parameters
    ----------
    entries
        The entries.
    part_of
        Part of every entry; those without one are not looked at.
    comparison
        Of all their sequences, entry by entry.
    by, identity
        What the split was made by.
    progress
        Told what is done, and how many of how many.
    """
    where = _items(entries, part_of, comparison, by)
    largest: tuple[float, _Item, _Item] | None = None
    leaks: dict[tuple[_Item, _Item], float] = {}
    for one, parts in where.items():
        if len(parts) > 1:
            leaks[one, one] = 1.0
            largest = (1.0, one, one)
            if len(leaks) >= _MOST_LEAKS:
                break
    for one, other in _meetings(where, comparison, progress):
        if len(leaks) >= _MOST_LEAKS:
            break
        if len({*where[one], *where[other]}) == 1:
            continue
        found, alike = _identity(one, other, comparison, identity)
        if alike:
            leaks[one, other] = found
        if found > 0.0 and (largest is None or found > largest[0]):
            largest = (found, one, other)
    ordered = sorted(leaks.items(), key=lambda item: -item[1])
    return Crossing(
        None if largest is None else _meeting(*largest, where),
        tuple(_meeting(found, one, other, where) for (one, other), found in ordered),
        comparison.n_aligned,
        len(leaks) < _MOST_LEAKS,
    )


def meeting_words(meeting: Meeting, chains: Mapping[str, Sequence[str]] | None = None) -> str:
    """A meeting in words: ``1abc chains A–B (train) and 2xyz chain C (test): 87 % identical``.

    Parameters
    ----------
    meeting
        What to tell.
    chains
        Names of the chains of the entries; without them, chains are counted from 1.
    """

    def side(place: int) -> str:
        entry, rows = meeting.entries[place], meeting.chains[place]
        names = (chains or {}).get(entry)
        texts = [names[row] if names and row < len(names) else str(row + 1) for row in rows]
        return f"{entry} {'chains' if len(rows) > 1 else 'chain'} {'–'.join(texts)} ({meeting.parts[place]})"

    return f"{side(0)} and {side(1)}: {100.0 * meeting.identity:.0f} % identical"


def _items(entries: SplitInput, part_of: Mapping[str, str], comparison: Comparison, by: By) -> dict[_Item, _Where]:
    where: dict[_Item, _Where] = defaultdict(dict)
    start = 0
    for name, sequences, interfaces in zip(entries.identifiers, entries.sequences, entries.interfaces, strict=True):
        rows = comparison.row[start : start + len(sequences)].tolist()
        start += len(sequences)
        part = part_of.get(name)
        if part is None:
            continue
        touching = interfaces if by == "interface" else ()
        for a, b in touching:
            a, b = sorted((a, b), key=lambda chain: rows[chain])
            where[_Item((rows[a], rows[b]))].setdefault(part, (name, (a, b)))
        if not touching:
            for chain, row in enumerate(rows):
                where[_Item((row,))].setdefault(part, (name, (chain,)))
    return dict(where)


def _meetings(
    where: Mapping[_Item, _Where], comparison: Comparison, progress: Progress | None
) -> Iterator[tuple[_Item, _Item]]:
    """Different items of which every sequence may be alike one of the other's, each two once."""
    near: dict[int, set[int]] = defaultdict(set)
    pairs = comparison.pairs.tolist()
    for number, (a, b) in enumerate(pairs):
        near[a].add(b)
        near[b].add(a)
        one, other = _Item((a,)), _Item((b,))
        if one in where and other in where:
            yield one, other
        if progress is not None and number % 1000 == 0:
            progress("pairs across parts aligned", number, len(pairs))
    holding: dict[int, list[_Item]] = defaultdict(list)
    double = [item for item in where if len(item.rows) == 2]
    for item in double:
        for row in set(item.rows):
            holding[row].append(item)
    for one in double:
        a, b = one.rows
        around = near[b] | {b}
        seen = set()
        for c in (*near[a], a):
            for other in holding[c]:
                d = other.rows[1] if other.rows[0] == c else other.rows[0]
                if other > one and d in around and other not in seen:
                    seen.add(other)
                    yield one, other


def _identity(one: _Item, other: _Item, comparison: Comparison, identity: float) -> tuple[float, bool]:
    """Identity of two items, 0 where an alignment means nothing, and whether they are alike."""
    best, alike = 0.0, False
    for order in {other.rows, other.rows[::-1]}:
        found = 1.0
        both = True
        for a, b in zip(one.rows, order, strict=True):
            seen, least = comparison.judge(a, b)
            found = min(found, seen if seen >= least else 0.0)
            both &= seen >= max(identity, least)
            if found == 0.0:
                break
        best, alike = max(best, found), alike or both
    return best, alike


def _meeting(identity: float, one: _Item, other: _Item, where: Mapping[_Item, _Where]) -> Meeting:
    first, second = next((p, q) for p in where[one] for q in where[other] if p != q)
    (entry_a, chains_a), (entry_b, chains_b) = where[one][first], where[other][second]
    return Meeting(identity=identity, parts=(first, second), entries=(entry_a, entry_b), chains=(chains_a, chains_b))
