"""Groups of entries that must not be parted: those with alike chains, or with alike pairs of chains that touch."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.split.entries import SplitInput

__all__ = ["BY", "By", "Groups", "group_entries", "keys_of"]

By = Literal["sequence", "interface"]

BY: dict[By, str] = {
    "sequence": "entries are kept together if a chain of one is alike a chain of the other",
    "interface": "entries are kept together if two chains that touch in one are each alike one of two chains that "
    "touch in the other; entries without an interface, if a chain of one is alike a chain of the other",
}
"""What keeps entries together, in words."""


@dataclass(frozen=True, eq=False)
class Groups:
    """Which group every entry is in.

    Attributes
    ----------
    label : int64 [n_entries]
        Number of the group, from 0, in order of first appearance.
    """

    label: NDArray[np.int64]

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return int(self.label.max(initial=-1)) + 1

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Entries in every group: int64 [n_groups]."""
        return np.bincount(self.label, minlength=self.n_groups)


def group_entries(entries: SplitInput, clusters: NDArray[np.int64], by: By) -> Groups:
    """Group entries.

    Parameters
    ----------
    entries
        What to group.
    clusters : int64 [n_sequences]
        Clusters of all their sequences, entry by entry.
    by
        What keeps entries together.
    """
    parent = list(range(len(entries)))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    first: dict[Hashable, int] = {}
    for row, keys in enumerate(keys_of(entries, clusters, by)):
        for key in keys:
            a, b = root(row), root(first.setdefault(key, row))
            parent[max(a, b)] = min(a, b)
    roots = np.array([root(row) for row in range(len(entries))], dtype=np.int64)
    # roots are the first entries of their groups, so that their order is that of first appearance
    return Groups(np.unique(roots, return_inverse=True)[1].astype(np.int64).reshape(-1))


def keys_of(entries: SplitInput, clusters: Sequence[int] | NDArray[np.int64], by: By) -> list[set[tuple[int, ...]]]:
    """What every entry must not share with an entry of another part: clusters of sequences, or pairs of them."""
    found: list[set[tuple[int, ...]]] = []
    start = 0
    for sequences, interfaces in zip(entries.sequences, entries.interfaces, strict=True):
        own = [int(label) for label in clusters[start : start + len(sequences)]]
        start += len(sequences)
        if by == "interface" and interfaces:
            found.append({tuple(sorted((own[a], own[b]))) for a, b in interfaces})
        else:
            found.append({(label,) for label in own})
    return found
