"""The table of trajectories that can be drawn, and how often each is.

It is made from the index of the corpus alone; no manifest is opened. Its fingerprint tells whether a later session
draws from the same.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.loader.choice import Choice, Weights
from unfreeze.corpus.schema import Conditions
from unfreeze.corpus.store import EntrySummary
from unfreeze.errors import InputError

__all__ = ["DrawTable", "draw_table"]


@dataclass(frozen=True, eq=False)
class DrawTable:
    """Trajectories that can be drawn.

    Attributes
    ----------
    identifiers
        Entries, in the order of the corpus.
    entry : int64 [n_trajectories]
        Row of the entry of each.
    names
        Of the trajectories.
    n_frames : int64 [n_trajectories]
        At the time the table was made; what is appended later is not drawn.
    n_residues : int64 [n_trajectories]
        Of the entry.
    probability : float64 [n_trajectories]
        Sums to 1.
    fingerprint
        SHA-256 of all the above.
    """

    identifiers: tuple[str, ...]
    entry: NDArray[np.int64]
    names: tuple[str, ...]
    n_frames: NDArray[np.int64]
    n_residues: NDArray[np.int64]
    probability: NDArray[np.float64]
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha256(json.dumps([self.identifiers, self.names]).encode())
        for array in (self.entry, self.n_frames, self.n_residues, self.probability):
            digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
        object.__setattr__(self, "fingerprint", digest.hexdigest())

    def __len__(self) -> int:
        """Number of trajectories."""
        return len(self.names)


def draw_table(
    summaries: Iterable[EntrySummary],
    choice: Choice,
    weights: Weights,
    *,
    among: Iterable[str] | None = None,
    clusters: Mapping[str, Hashable] | None = None,
    whose: str = "the corpus",
) -> DrawTable:
    """Trajectories to draw from.

    Parameters
    ----------
    summaries
        Index of a corpus.
    choice, weights
        Which, and how often.
    among
        Identifiers of the entries of a part of a split; all when None.
    clusters
        Cluster of every entry by its identifier; an entry without one is a cluster of its own, and so is every entry
        when None.
    whose
        Name of what is drawn from, for messages.

    Raises
    ------
    InputError
        If nothing is left, or a weight makes no sense.
    """
    allowed = None if among is None else set(among)
    chosen = [s for s in summaries if (allowed is None or s.identifier in allowed) and choice.takes_entry(s)]
    rows = [(place, s, t) for place, s in enumerate(chosen) for t in s.trajectories if choice.takes(t)]
    if not rows:
        raise InputError(f"{whose}: no trajectory is as wanted. {_what_there_is(summaries, allowed)}")
    used, entry = np.unique([place for place, *_ in rows], return_inverse=True)
    n_frames = np.array([t.n_frames for *_, t in rows], dtype=np.int64)
    table_clusters = [_cluster(chosen[place].identifier, clusters) for place in used]
    share = _shares(entry, table_clusters, [t.conditions for *_, t in rows], n_frames, weights)
    for selection, factor in weights.factors:
        if not np.isfinite(factor) or factor < 0:
            raise InputError(f"weights: the factor {factor} is not a number of at least 0.")
        taken = [selection.takes_entry(s) and selection.takes(t) for _, s, t in rows]
        share = np.where(taken, share * factor, share)
    total = share.sum()
    if not np.isfinite(total) or total <= 0:
        raise InputError(f"{whose}: the weights leave nothing to draw; raise a factor or change an exponent.")
    return DrawTable(
        identifiers=tuple(chosen[place].identifier for place in used),
        entry=entry.astype(np.int64),
        names=tuple(t.name for *_, t in rows),
        n_frames=n_frames,
        n_residues=np.array([s.n_residues for _, s, _ in rows], dtype=np.int64),
        probability=share / total,
    )


def _cluster(identifier: str, clusters: Mapping[str, Hashable] | None) -> Hashable:
    found = None if clusters is None else clusters.get(identifier)
    return ("alone", identifier) if found is None else ("cluster", found)


def _shares(
    entry: NDArray[np.int64],
    cluster_of_entry: Sequence[Hashable],
    conditions: Sequence[Conditions],
    n_frames: NDArray[np.int64],
    weights: Weights,
) -> NDArray[np.float64]:
    """Product of the shares of all levels, for every trajectory."""
    cluster = _numbered(cluster_of_entry)[entry]
    texts = {
        key: c.model_dump_json() for key, c in {id(c): c for c in conditions}.items()
    }  # the index shares equal conditions
    within = _numbered([(int(e), texts[id(c)]) for e, c in zip(entry, conditions, strict=True)])
    levels = (
        (np.zeros(len(entry), dtype=np.int64), cluster, weights.cluster),
        (cluster, entry, weights.entry),
        (entry, within, weights.conditions),
        (within, np.arange(len(entry)), weights.trajectory),
    )
    share = np.ones(len(entry))
    for parent, group, exponent in levels:
        if not np.isfinite(exponent):
            raise InputError(f"weights: the exponent {exponent} is not a number.")
        size = np.bincount(group, weights=n_frames).astype(np.float64) ** exponent
        parent_of_group = np.zeros(len(size), dtype=np.int64)
        parent_of_group[group] = parent
        total = np.bincount(parent_of_group, weights=size)
        share *= (size / total[parent_of_group])[group]
    return share


def _numbered(keys: Sequence[Hashable]) -> NDArray[np.int64]:
    place: dict[Hashable, int] = {}
    return np.array([place.setdefault(key, len(place)) for key in keys], dtype=np.int64)


def _what_there_is(summaries: Iterable[EntrySummary], allowed: set[str] | None) -> str:
    """A sentence on kinds and sizes, so that a user sees which wish was too much."""
    inside = [s for s in summaries if allowed is None or s.identifier in allowed]
    found = [t for s in inside for t in s.trajectories]
    if not found:
        return f"There are {len(inside)} entries and no trajectory among them."
    kinds = Counter(t.conditions.kind for t in found)
    warm = sorted({t.conditions.temperature_K for t in found if t.conditions.temperature_K is not None})
    fields = sorted({t.conditions.force_field or "unknown" for t in found})
    words = [
        f"There are {len(found)} in {len(inside)} entries: " + ", ".join(f"{n} {kind}" for kind, n in kinds.items()),
        f"force fields {', '.join(fields[:5])}",
        f"{warm[0]:g} to {warm[-1]:g} K" if warm else "no temperatures",
        f"{min(t.n_frames for t in found)} to {max(t.n_frames for t in found)} frames",
    ]
    return "; ".join(words) + ". Ask for less."
