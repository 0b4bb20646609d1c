"""Residues of whole structures, to learn from what nature puts where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from unfreeze.properties.sites import SiteColumns, joined
from unfreeze.properties.tables.rows import AbsoluteAffinityRow, MutationRow
from unfreeze.properties.training.states import State, StateCache

__all__ = ["native_sites", "structure_states"]

_N_AMINO_ACIDS = 20
_NEAR = slice(6, 14)  # of the window: four residues either side


def structure_states(rows: Iterable[MutationRow | AbsoluteAffinityRow], left_out: Iterable[str] = ()) -> list[State]:
    """The structures of rows, complexes with both partners, without the entries that are left out."""
    banned = set(left_out)
    found: dict[State, None] = {}
    for row in rows:
        if row.entry and row.entry not in banned:
            complexes = row.partners is not None
            found[State(row.entry, row.partners, "bound") if complexes and row.partners else State(row.entry)] = None
    return sorted(found, key=str)


def native_sites(cache: StateCache, states: Iterable[State]) -> tuple[SiteColumns, NDArray[np.float64]]:
    """All residues of structures, and how often each is to be drawn.

    Returns
    -------
    SiteColumns, float64 [n_sites]
        One over the number of residues with the same nine in sequence, so that a protein with many structures counts
        as one.
    """
    parts = []
    for state in states:
        columns = cache.sites(state).columns
        parts.append(columns.take(np.flatnonzero(columns.kind < _N_AMINO_ACIDS)))
    sites = joined(parts)
    keys = [bytes([*row, kind]) for row, kind in zip(sites.window[:, _NEAR].tolist(), sites.kind.tolist(), strict=True)]
    count = Counter(keys)
    return sites, np.array([1.0 / count[key] for key in keys])
