"""Rows of mutation effects from the labels of a corpus: of entries (affinity) and of label sets (stability, melting).

Stabilities come from the label sets, which have the whole sequence, and are found again in the entries by the lines of
the source, which both name; so a row has its positions in the sequence and, where there is a structure, the numbers of
the author.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from unfreeze.corpus.label_sets import LabelSet, label_set_names
from unfreeze.corpus.labels import AffinityLabel, StabilityLabel
from unfreeze.corpus.mutations import Mutation
from unfreeze.corpus.store.store import Corpus
from unfreeze.properties.tables.elsewhere import located
from unfreeze.properties.tables.rows import AbsoluteAffinityRow, EffectTables, MutationRow, Task, weight_of

__all__ = ["read_tables"]

Progress = Callable[[int, int], None]
_Line = tuple[str, str]
_DATASETS = {"skempi2": "skempi"}


def read_tables(corpus: Corpus, *, progress: Progress | None = None) -> EffectTables:
    """Read all measured mutation effects of a corpus.

    Parameters
    ----------
    corpus
        With entries that carry affinities or stabilities, and label sets of stabilities.
    progress
        Told how many entries of how many were read.

    Returns
    -------
    EffectTables
        Bounds and non-binders left out and counted; rows of one dataset with equal mutations and conditions merged by
        the mean. Rows that a source made by turning others round are not in the corpus. Proteins that are in another
        entry than the source names are looked at there (:mod:`unfreeze.properties.tables.elsewhere`).

    Raises
    ------
    InputError
        If an entry or a label set is damaged.
    """
    left_out: Counter[str] = Counter()
    affinities: list[MutationRow] = []
    absolute: list[AbsoluteAffinityRow] = []
    places: dict[_Line, tuple[str, StabilityLabel]] = {}
    wanted = [name for name in corpus.identifiers if {"affinity", "stability"} & corpus.summary(name).n_labels.keys()]
    for number, name in enumerate(wanted, start=1):
        for label in corpus.entry(name).labels:
            if isinstance(label, AffinityLabel):
                row = _affinity(name, label, left_out)
                if isinstance(row, MutationRow):
                    affinities.append(row)
                elif row is not None:
                    absolute.append(row)
            elif isinstance(label, StabilityLabel):
                places.update((line, (name, label)) for line in _lines(label.source))
        if progress is not None:
            progress(number, len(wanted))
    stabilities = list(_stabilities(corpus, places, left_out))
    rows = _merged([*affinities, *stabilities])
    left_out["merged with an equal row"] = len(affinities) + len(stabilities) - len(rows)
    rows = located(rows, corpus)
    return EffectTables(rows, tuple(absolute), {key: n for key, n in sorted(left_out.items()) if n})


def _affinity(entry: str, label: AffinityLabel, left_out: Counter[str]) -> MutationRow | AbsoluteAffinityRow | None:
    what = "affinity" if label.mutations else "absolute affinity"
    value = label.delta_delta_g_kJ_mol if label.mutations else label.delta_g_kJ_mol
    if label.relation == "none":
        left_out[f"{what}: no binding seen"] += 1
    elif label.relation != "=":
        left_out[f"{what}: a bound"] += 1
    elif value is None or label.temperature_K is None:
        bounded = "wild type is only bounded" in label.note
        left_out[f"{what}: {'the wild type is a bound' if bounded else 'no temperature'}"] += 1
    else:
        group = "_".join((entry.rpartition("-")[2], *label.partners))
        if not label.mutations:
            return AbsoluteAffinityRow(
                entry, label.partners, value, label.temperature_K, group, label.source,
                label.n_measurements, label.spread_kJ_mol,
            )  # fmt: skip
        return MutationRow(
            task="affinity",
            value=value,
            mutations=tuple(map(Mutation.read, label.mutations)),
            group=group,
            dataset=_DATASETS.get(source := label.source.partition(":")[0], source),
            source=label.source,
            entry=entry,
            partners=label.partners,
            temperature_K=label.temperature_K,
            n_measurements=label.n_measurements,
            weight=weight_of(label.n_measurements, approximate="approximate" in label.note),
        )
    return None


def _stabilities(
    corpus: Corpus, places: dict[_Line, tuple[str, StabilityLabel]], left_out: Counter[str]
) -> Iterator[MutationRow]:
    for name in label_set_names(corpus):
        found = LabelSet.open(corpus, name)
        if "stability" not in found.record.n_labels:
            continue
        dataset = found.record.dataset.removeprefix("stability-")
        for row in found.rows():
            for label in row.labels:
                if isinstance(label, StabilityLabel):
                    yield from _stability(dataset, row.identifier, row.sequence, label, places, left_out)


def _stability(
    dataset: str,
    identifier: str,
    sequence: str,
    label: StabilityLabel,
    places: dict[_Line, tuple[str, StabilityLabel]],
    left_out: Counter[str],
) -> Iterator[MutationRow]:
    mutations = tuple(map(Mutation.read, label.mutations))
    if any(not 0 < one.number <= len(sequence) or sequence[one.number - 1] != one.wild_type for one in mutations):
        left_out["stability: the sequence has another residue"] += 1
        return
    entry, located = next((places[line] for line in _lines(label.source) if line in places), ("", None))
    in_entry = _corresponding(mutations, located)
    values: list[tuple[Task, float | None]] = [
        ("stability", label.delta_delta_g_kJ_mol),
        ("melting", label.delta_tm_K),
    ]
    for task, value in values:
        if value is not None:
            yield MutationRow(
                task=task,
                value=value,
                mutations=in_entry or mutations,
                group=identifier,
                dataset=dataset,
                source=label.source,
                entry=entry if in_entry else "",
                chain=located.chain if located is not None and in_entry else "",
                sequence=sequence,
                positions=tuple(one.number for one in mutations),
                temperature_K=label.temperature_K,
                pH=label.pH,
                n_measurements=label.n_measurements,
                weight=weight_of(label.n_measurements),
            )


def _corresponding(mutations: tuple[Mutation, ...], located: StabilityLabel | None) -> tuple[Mutation, ...]:
    """The same mutations as the entry numbers them; none if they are not the same."""
    if located is None:
        return ()
    found = tuple(map(Mutation.read, located.mutations))
    exchanges = [[(one.wild_type, one.mutant) for one in side] for side in (mutations, found)]
    return found if exchanges[0] == exchanges[1] else ()


def _lines(source: str) -> Iterator[_Line]:
    name, _, lines = source.partition(":")
    for line in lines.removesuffix("...").split(","):
        yield name, line


def _merged(rows: Iterable[MutationRow]) -> list[MutationRow]:
    """One row for all with equal mutations and conditions, by the mean over measurements."""
    groups: dict[tuple[object, ...], list[MutationRow]] = {}
    for row in rows:
        where = (row.sequence, row.positions) if row.sequence else (row.entry, row.partners)
        conditions = (row.temperature_K, row.pH)
        mutants = tuple(one.mutant for one in row.mutations) if row.sequence else row.mutations
        groups.setdefault((row.task, row.dataset, where, mutants, conditions), []).append(row)
    merged = []
    for group in groups.values():
        first = group[0]
        if len(group) > 1:
            n = sum(row.n_measurements for row in group)
            value = sum(row.value * row.n_measurements for row in group) / n
            lines = ",".join(row.source.partition(":")[2] for row in group)
            source = f"{first.source.partition(':')[0]}:{lines}"
            first = replace(first, value=value, n_measurements=n, weight=weight_of(n), source=source)
        merged.append(first)
    return merged
