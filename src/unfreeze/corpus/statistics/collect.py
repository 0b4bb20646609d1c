"""`corpus_statistics`: everything there is to say about a corpus in numbers, as plain data for a table or a page.

Sizes, conditions, licences and labels come from the index; motion, folds and interfaces from topologies and a bounded
number of frames, remembered while a manifest is unchanged. Names are those that others may see.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from unfreeze.corpus.conditions import conditions_words
from unfreeze.corpus.privacy import PublicView
from unfreeze.corpus.schema import Conditions
from unfreeze.corpus.split.likeness import Comparison, Engine, Progress
from unfreeze.corpus.statistics.figures import FigureCache
from unfreeze.corpus.statistics.folds import FOLDS, fold_class
from unfreeze.corpus.store import Corpus, EntrySummary
from unfreeze.errors import InputError
from unfreeze.structure.similarity.clusters import IDENTITY

__all__ = ["corpus_statistics"]

_SHOWN = 20
_PEPTIDE = 30  # residues; fewer is a peptide


def corpus_statistics(
    corpus: Corpus,
    *,
    n_frames: int = 64,
    identity: float = IDENTITY,
    engine: Engine | None = "words",
    motion: bool = True,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Statistics of a corpus.

    Parameters
    ----------
    corpus
        The corpus.
    n_frames
        Frames of every trajectory that are looked at for its motion.
    identity
        From which sequences are in one cluster.
    engine
        What proposes pairs of alike sequences; None for shared words, and MMseqs2 where it is installed.
    motion
        False to leave out what needs topologies and frames.
    progress
        Told what is done, and how many of how many.

    Returns
    -------
    dict
        Ready for JSON; :func:`unfreeze.corpus.statistics.tables.statistics_tables` explains it in words.

    Raises
    ------
    InputError
        If `engine` needs what is not installed.
    """
    if n_frames < 8:
        raise InputError(f"{n_frames} frames of every trajectory are too few to see its motion: 8 at least.")
    view = PublicView(corpus)
    summaries = list(corpus.index)
    figures, damaged = _figures(corpus, n_frames, progress) if motion else ({}, {})
    damaged = {**dict.fromkeys(corpus.damaged, "its manifest cannot be read"), **damaged}
    comparison = Comparison((one for row in summaries for one in row.sequences), engine=engine, progress=progress)
    labels = iter(comparison.clusters(identity).tolist())
    clusters = {row.identifier: [next(labels) for _ in row.sequences] for row in summaries}
    report = view.licences()
    return {
        "name": view.name,
        "private": view.is_private,
        "totals": _totals(summaries),
        "sizes": _sizes(summaries),
        "conditions": _by(summaries, lambda one: conditions_words(_shown_conditions(view, one.conditions))),
        "datasets": _by(summaries, lambda one: (view.dataset(one.dataset), view.licence(one.licence))),
        "licences": {
            "datasets": {name: list(sets) for name, sets in report.datasets.items()},
            "mixed": report.is_mixed,
            "may_pass_on": report.may_pass_on,
            "may_combine": report.may_combine,
            "commercial": report.commercial,
            "findings": list(report.findings),
        },
        "labels": _labels(summaries),
        "coverage": _coverage(summaries, clusters, figures, view, identity, comparison.engine),
        "rmsf": _rmsf(corpus, summaries, figures, view) if motion else [],
        "convergence": _convergence(summaries, figures, view) if motion else None,
        "duplicates": _duplicates(summaries, figures, view),
        "quality": {
            "incomplete": sum(not one.is_complete for row in summaries for one in row.trajectories),
            "without_clock": sum(
                one.time_step_ps is None and one.conditions.kind == "md"
                for row in summaries
                for one in row.trajectories
            ),
            "without_frames": sum(one.n_frames == 0 for row in summaries for one in row.trajectories),
            "mended": _mended(figures) if not view.is_private else [],
            "damaged": [] if view.is_private else sorted(damaged.items()),
            "n_damaged": len(damaged),
        },
        "n_frames_looked_at": n_frames if motion else 0,
    }


def _shown_conditions(view: PublicView, conditions: Conditions) -> Conditions:
    return Conditions.model_validate(view.conditions(conditions))


def _figures(
    corpus: Corpus, n_frames: int, progress: Progress | None
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    cache = FigureCache(corpus, n_frames)
    found: dict[str, dict[str, Any]] = {}
    damaged: dict[str, str] = {}
    identifiers = corpus.identifiers
    try:
        for number, identifier in enumerate(identifiers, start=1):
            try:
                found[identifier] = cache.of(identifier)
            except InputError as error:
                damaged[identifier] = str(error)
            if progress is not None:
                progress("entries looked at", number, len(identifiers))
    finally:
        cache.save()
    return found, damaged


def _totals(summaries: Sequence[EntrySummary]) -> dict[str, Any]:
    trajectories = [one for row in summaries for one in row.trajectories]
    return {
        "entries": len(summaries),
        "trajectories": len(trajectories),
        "frames": sum(one.n_frames for one in trajectories),
        "time_ns": _time_ns(trajectories),
        "chains": sum(len(row.sequences) for row in summaries),
        "residues": sum(row.n_residues for row in summaries),
        "atoms": sum(row.n_atoms for row in summaries),
        "labels": sum(sum(row.n_labels.values()) for row in summaries),
    }


def _time_ns(trajectories: Iterable[Any]) -> float:
    return round(
        sum(one.n_frames * one.time_step_ps for one in trajectories if one.time_step_ps is not None) / 1000.0, 6
    )


def _sizes(summaries: Sequence[EntrySummary]) -> list[dict[str, Any]]:
    trajectories = [one for row in summaries for one in row.trajectories]
    named: dict[str, list[float]] = {
        "residues an entry": [row.n_residues for row in summaries],
        "atoms an entry": [row.n_atoms for row in summaries],
        "chains an entry": [len(row.sequences) for row in summaries],
        "trajectories an entry": [len(row.trajectories) for row in summaries],
        "frames a trajectory": [one.n_frames for one in trajectories],
        "ns a trajectory": [_time_ns([one]) for one in trajectories if one.time_step_ps is not None],
        "ps between frames": [one.time_step_ps for one in trajectories if one.time_step_ps is not None],
    }
    return [{"what": what, **_spread(values)} for what, values in named.items() if values]


def _spread(values: Sequence[float]) -> dict[str, float]:
    low, lower, median, upper, high = np.quantile(
        np.asarray(values, dtype=np.float64), [0, 0.25, 0.5, 0.75, 1]
    ).tolist()
    return {"n": len(values), "least": low, "quarter": lower, "median": median, "three_quarters": upper, "most": high}


def _by(summaries: Sequence[EntrySummary], key: Any) -> list[dict[str, Any]]:
    """Counts by a property of trajectories, the most frames first."""
    groups: dict[Any, list[tuple[str, Any]]] = defaultdict(list)
    for row in summaries:
        for one in row.trajectories:
            groups[key(one)].append((row.identifier, one))
    rows = [
        {
            "key": list(name) if isinstance(name, tuple) else name,
            "entries": len({identifier for identifier, _ in members}),
            "trajectories": len(members),
            "frames": sum(one.n_frames for _, one in members),
            "time_ns": _time_ns(one for _, one in members),
        }
        for name, members in groups.items()
    ]
    return sorted(rows, key=lambda row: (-row["frames"], str(row["key"])))


def _labels(summaries: Sequence[EntrySummary]) -> list[dict[str, Any]]:
    count: Counter[str] = Counter()
    entries: Counter[str] = Counter()
    for row in summaries:
        count.update(row.n_labels)
        entries.update(kind for kind, number in row.n_labels.items() if number)
    return [{"kind": kind, "labels": count[kind], "entries": entries[kind]} for kind in sorted(count) if count[kind]]


def _coverage(
    summaries: Sequence[EntrySummary],
    clusters: Mapping[str, Sequence[int]],
    figures: Mapping[str, Mapping[str, Any]],
    view: PublicView,
    identity: float,
    engine: str,
) -> dict[str, Any]:
    holding: dict[int, list[str]] = defaultdict(list)
    for identifier, labels in clusters.items():
        for label in set(labels):
            holding[label].append(identifier)
    largest = sorted(holding.values(), key=lambda members: (-len(members), members))
    families: Counter[tuple[int, int]] = Counter()
    types: Counter[str] = Counter()
    folds: Counter[str] = Counter()
    by_name = {row.identifier: row for row in summaries}
    for identifier, found in figures.items():
        sequences, labels = by_name[identifier].sequences, clusters[identifier]
        for a, b, _ in found["interfaces"]:
            families[min(labels[a], labels[b]), max(labels[a], labels[b])] += 1
            types[_interface_type(sequences[a], sequences[b], labels[a] == labels[b])] += 1
        if found["n_ligands"] and sequences:
            types["chain and ligand (entries)"] += 1
        if found["helix"] is not None:
            folds[fold_class(found["helix"], found["strand"])] += 1
    return {
        "identity": identity,
        "engine": engine,
        "sequences": len({one for row in summaries for one in row.sequences}),
        "clusters": len(holding),
        "clusters_of_one_entry": sum(len(members) == 1 for members in holding.values()),
        "largest": [
            {"entries": len(members), "examples": [view.entry_name(one) for one in members[:5]]}
            for members in largest[:_SHOWN]
            if len(members) > 1
        ],
        "folds": [{"fold": fold, "entries": folds[fold]} for fold in FOLDS if folds[fold]],
        "interfaces": sum(families.values()),
        "interface_families": len(families),
        "interface_types": [{"type": name, "n": number} for name, number in types.most_common()],
    }


def _interface_type(first: str, second: str, same: bool) -> str:
    kinds = sorted(
        (
            "nucleic acid" if one.islower() else "peptide" if len(one) < _PEPTIDE else "protein"
            for one in (first, second)
        ),
        key=("protein", "peptide", "nucleic acid").index,
    )
    text = " and ".join(kinds)
    return f"{text}, alike" if same and kinds[0] == kinds[1] else text


def _rmsf(
    corpus: Corpus, summaries: Sequence[EntrySummary], figures: Mapping[str, Mapping[str, Any]], view: PublicView
) -> list[dict[str, Any]]:
    medians: dict[str, list[float]] = defaultdict(list)
    upper: dict[str, list[float]] = defaultdict(list)
    counts: dict[str, np.ndarray] = {}
    for row in summaries:
        motion = figures.get(row.identifier, {}).get("motion", {})
        for one in row.trajectories:
            found = motion.get(one.name)
            if not found:
                continue
            key = conditions_words(_shown_conditions(view, one.conditions))
            medians[key].append(found["rmsf_A"][2])
            upper[key].append(found["rmsf_A"][4])
            counts[key] = counts.get(key, 0) + np.asarray(found["counts"], dtype=np.int64)
    rows = [
        {
            "conditions": key,
            "trajectories": len(values),
            "median_A": _spread(values),
            "upper_A": float(np.median(upper[key])),
            "counts": counts[key].tolist(),
            "medians_A": np.quantile(values, np.linspace(0, 1, min(len(values), 200))).round(4).tolist(),
        }
        for key, values in medians.items()
    ]
    return sorted(rows, key=lambda row: -row["trajectories"])


def _convergence(
    summaries: Sequence[EntrySummary], figures: Mapping[str, Mapping[str, Any]], view: PublicView
) -> dict[str, Any]:
    halves: list[tuple[float, str, str]] = []
    replicas: list[tuple[float, str]] = []
    for row in summaries:
        found = figures.get(row.identifier, {})
        runs = {one.name: f"run{number}" for number, one in enumerate(row.trajectories, start=1)}
        name = view.entry_name(row.identifier)
        motion: dict[str, dict[str, Any]] = found.get("motion", {})
        for run, figure in motion.items():
            if figure and figure["halves"] is not None:
                shown: str = runs.get(run, "run") if view.is_private else run
                halves.append((float(figure["halves"]), name, shown))
        if found.get("replicas"):
            replicas.append((min(found["replicas"]), name))
    halves.sort()
    replicas.sort()
    return {
        "halves": _spread([r for r, *_ in halves]) if halves else None,
        "replicas": _spread([r for r, *_ in replicas]) if replicas else None,
        "worst_halves": [{"entry": name, "trajectory": run, "r": r} for r, name, run in halves[:_SHOWN]],
        "worst_replicas": [{"entry": name, "r": r} for r, name in replicas[:_SHOWN]],
    }


def _duplicates(
    summaries: Sequence[EntrySummary], figures: Mapping[str, Mapping[str, Any]], view: PublicView
) -> dict[str, Any]:
    same_sequences: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for row in summaries:
        if row.sequences:
            same_sequences[tuple(sorted(row.sequences))].append(view.entry_name(row.identifier))
    same_frames: dict[str, list[str]] = defaultdict(list)
    for identifier, found in figures.items():
        for number, (run, checksum) in enumerate(found["first_shards"].items(), start=1):
            shown = f"run{number}" if view.is_private else run
            same_frames[checksum].append(f"{view.entry_name(identifier)}/{shown}")
    sequences = sorted((one for one in same_sequences.values() if len(one) > 1), key=lambda one: (-len(one), one))
    frames = sorted((one for one in same_frames.values() if len(one) > 1), key=lambda one: (-len(one), one))
    return {
        "same_sequences": [one[:_SHOWN] for one in sequences[:_SHOWN]],
        "n_same_sequences": len(sequences),
        "same_frames": [one[:_SHOWN] for one in frames[:_SHOWN]],
        "n_same_frames": len(frames),
    }


def _mended(figures: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    count: Counter[str] = Counter()
    for found in figures.values():
        count.update(text for texts in found["mended"].values() for text in set(texts))
    return [{"what": text, "trajectories": number} for text, number in count.most_common(_SHOWN)]
