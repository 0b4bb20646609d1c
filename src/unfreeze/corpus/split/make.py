"""`make_split`: parts of a corpus, or of sequences, such that nothing in one is alike anything in another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from unfreeze.corpus.split.assign import assign_groups, check_fractions
from unfreeze.corpus.split.check import cross, meeting_words
from unfreeze.corpus.split.checked import remember
from unfreeze.corpus.split.entries import SplitInput, fingerprint
from unfreeze.corpus.split.groups import BY, By, group_entries
from unfreeze.corpus.split.likeness import Comparison, Engine, Progress
from unfreeze.corpus.split.split_file import Split, SplitMethod
from unfreeze.corpus.store import Corpus
from unfreeze.errors import InputError
from unfreeze.structure.similarity.clusters import IDENTITY

__all__ = ["FRACTIONS", "make_split"]

FRACTIONS: dict[str, float] = {"train": 0.8, "validation": 0.1, "test": 0.1}
_FAR_OFF = 0.05  # of what was asked for


def make_split(
    source: Corpus | SplitInput | Mapping[str, str | Sequence[str]],
    *,
    fractions: Mapping[str, float] | None = None,
    identity: float = IDENTITY,
    by: By = "sequence",
    seed: int = 0,
    fixed: Mapping[str, Iterable[str]] | None = None,
    balance: str = "entries",
    engine: Engine | None = None,
    name: str = "split",
    progress: Progress | None = None,
) -> Split:
    """Split by cluster.

    Parameters
    ----------
    source
        A corpus, entries as splitting sees them, or a sequence or several for each name.
    fractions
        Share of every part; 80 % train, 10 % validation and 10 % test by default.
    identity
        Sequences are alike from this identity over the shorter one; short ones need more.
    by
        ``sequence``: entries are kept together if any of their chains are alike, the strictest. ``interface``: if both
        partners of an interface are alike both of another's; one partner may be met again in another part.
    seed
        Of the draws; the same entries in whatever order give the same split.
    fixed
        Entries of which the part is given, such as those of an older split; the rest follows them.
    balance
        What shares are of, for a corpus: ``entries``, ``frames``, ``residues`` or ``frames*residues``.
    engine
        What proposes pairs; None for shared words, and MMseqs2 where it is installed.
    name
        Of the split.
    progress
        Told what is done, and how many of how many.

    Returns
    -------
    Split
        With the largest identity across parts that there is.

    Raises
    ------
    InputError
        If a part would be empty, entries fixed in different parts are alike, or an option cannot be.
    """
    shares = check_fractions(FRACTIONS if fractions is None else fractions)
    if not 0.2 <= identity <= 1.0:
        raise InputError(f"an identity of {identity:g}: a share from 0.2 to 1 was expected, such as 0.4.")
    if by not in BY:
        raise InputError(f"{by!r}: a split is made by one of {', '.join(BY)}.")
    if isinstance(source, Corpus):
        entries = SplitInput.of_corpus(source, interfaces=by == "interface", balance=balance, progress=progress)
    else:
        entries = source if isinstance(source, SplitInput) else SplitInput.of_sequences(source)
        balance = "weights" if len(set(entries.weights)) > 1 else "entries"
    if not len(entries):
        raise InputError("there is nothing to split: no entries.")
    held = _held(entries, fixed or {})
    comparison = Comparison(
        (letters for sequences in entries.sequences for letters in sequences), engine=engine, progress=progress
    )
    clusters = comparison.clusters(identity)
    groups = group_entries(entries, clusters, by).label.tolist()
    members: dict[int, list[int]] = defaultdict(list)
    for row, group in enumerate(groups):
        members[group].append(row)
    left_out: dict[str, str] = {}
    held_groups: dict[int, str] = {}
    if held:
        crossing = cross(entries, held, comparison, by=by, identity=identity)
        if crossing.leaks:
            raise InputError(
                f"entries that are fixed in different parts are alike: {meeting_words(crossing.leaks[0])}; less than "
                f"{identity:.0%} was asked for. Leave one of them out of the fixed parts."
            )
        for group, rows in members.items():
            parts = sorted({held[entries.identifiers[row]] for row in rows if entries.identifiers[row] in held})
            if len(parts) == 1:
                held_groups[group] = parts[0]
            elif parts:
                reason = f"is linked to entries that are fixed in {' and '.join(parts)}"
                left_out |= {entries.identifiers[row]: reason for row in rows if entries.identifiers[row] not in held}
    part_of = _assigned(entries, members, shares, held, held_groups, left_out, np.random.default_rng(seed))
    names: list[str] = [*shares, *(part for part in fixed or {} if part not in shares)]
    parts = {part: tuple(sorted(one for one, chosen in part_of.items() if chosen == part)) for part in names}
    _all_there(parts, shares, entries, members, by)
    crossing = cross(entries, part_of, comparison, by=by, identity=identity, progress=progress)
    if crossing.leaks:
        raise InputError(f"the split leaks, which is a fault of unfreeze: {meeting_words(crossing.leaks[0])}.")
    remember(crossing, entries, part_of, by=by, identity=identity, engine=comparison.engine)
    labels = iter(clusters.tolist())
    method = SplitMethod(
        by=by, identity=identity, engine=comparison.engine, fractions=shares, balance=balance, seed=seed
    )
    return Split(
        name=name,
        created=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        method=method,
        parts=parts,
        groups={one: group for one, group in zip(entries.identifiers, groups, strict=True) if one in part_of},
        clusters={
            one: tuple(next(labels) for _ in sequences)
            for one, sequences in zip(entries.identifiers, entries.sequences, strict=True)
        },
        fingerprints={
            one: fingerprint(sequences) for one, sequences in zip(entries.identifiers, entries.sequences, strict=True)
        },
        interfaces={
            one: touching
            for one, touching in zip(entries.identifiers, entries.interfaces, strict=True)
            if touching and by == "interface"
        },
        left_out=left_out,
        largest=crossing.largest,
        notes=_notes(entries, part_of, shares, members, left_out),
    )


def _held(entries: SplitInput, fixed: Mapping[str, Iterable[str]]) -> dict[str, str]:
    there = set(entries.identifiers)
    held: dict[str, str] = {}
    for part, names in fixed.items():
        for one in [names] if isinstance(names, str) else names:
            if one not in there:
                raise InputError(f"{one}: is fixed in {part}, but there is no such entry.")
            if held.setdefault(one, part) != part:
                raise InputError(f"{one}: is fixed in {held[one]} and in {part}.")
    return held


def _assigned(
    entries: SplitInput,
    members: Mapping[int, Sequence[int]],
    shares: Mapping[str, float],
    held: Mapping[str, str],
    held_groups: Mapping[int, str],
    left_out: Mapping[str, str],
    rng: np.random.Generator,
) -> dict[str, str]:
    """Part of every entry that has one."""
    weights = np.asarray(entries.weights)
    weights = weights if weights.any() else np.ones(len(weights))
    part_of = dict(held)
    units: list[tuple[float, str, list[str], str | None]] = []  # weight, name, entries, part if it is given
    for group, rows in members.items():
        rows_in = [row for row in rows if entries.identifiers[row] not in left_out]
        given = [held[entries.identifiers[row]] for row in rows_in if entries.identifiers[row] in held]
        if len(set(given)) > 1:  # only entries with a part are left of it
            for part in sorted(set(given)):
                those = [row for row in rows_in if held[entries.identifiers[row]] == part]
                units.append((float(weights[those].sum()), "", [entries.identifiers[row] for row in those], part))
            continue
        names = [entries.identifiers[row] for row in rows_in]
        units.append((float(weights[list(rows_in)].sum()), min(names), names, held_groups.get(group)))
    chosen = assign_groups(
        [unit[0] for unit in units], [unit[1] for unit in units], shares, rng=rng,
        held={place: unit[3] for place, unit in enumerate(units) if unit[3] is not None},
    )  # fmt: skip
    for (_, _, names, _), part in zip(units, chosen, strict=True):
        part_of |= dict.fromkeys(names, part)
    return part_of


def _all_there(
    parts: Mapping[str, Sequence[str]],
    shares: Mapping[str, float],
    entries: SplitInput,
    members: Mapping[int, Sequence[int]],
    by: By,
) -> None:
    for part in shares:
        if not parts[part]:
            largest = max(len(rows) for rows in members.values())
            other = "by interface, " if by == "sequence" and any(entries.interfaces) else ""
            raise InputError(
                f"nothing is left for {part}: {len(entries)} entries make {len(members)} groups that stay whole, the "
                f"largest of {largest}. Split {other}at a higher identity, or into fewer parts."
            )


def _notes(
    entries: SplitInput,
    part_of: Mapping[str, str],
    shares: Mapping[str, float],
    members: Mapping[int, Sequence[int]],
    left_out: Mapping[str, str],
) -> tuple[str, ...]:
    largest = max(members.values(), key=len)
    notes = [
        f"{len(entries)} entries in {len(members)} groups that stay whole; the largest has {len(largest)} "
        f"({100 * len(largest) / len(entries):.0f} %)"
    ]
    weight = dict(zip(entries.identifiers, entries.weights, strict=True))
    total = sum(weight[one] for one in part_of) or 1.0
    filled: dict[str, float] = defaultdict(float)
    for one, part in part_of.items():
        filled[part] += weight[one]
    for part, share in shares.items():
        if abs(filled[part] / total - share) > _FAR_OFF:
            notes.append(f"{part} has {filled[part] / total:.0%} where {share:.0%} was asked for: groups stay whole")
    if left_out:
        notes.append(f"{len(left_out)} entries are in no part: they link entries that are fixed in different parts")
    return tuple(notes)
