"""Interfaces between polymer chains, and clusters of them by BOTH partners.

Two interfaces belong to one *family* when each partner of the one is alike a partner of the other; that is what a
split of data must keep together. Within a family, two interfaces are of one *site* when the residues that touch
correspond, on both sides. What an ensemble does to an interface is measured in
:mod:`unfreeze.structure.observables.interfaces`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from unfreeze.structure.complex import Complex
from unfreeze.structure.observables.interfaces import CONTACT_NM
from unfreeze.structure.similarity.sequences import ChainSequence, align

__all__ = ["InterfaceClusters", "PartnerInterface", "cluster_interfaces", "partner_interfaces"]

_LEAST_CONTACTS = 8  # pairs of residues; fewer is a touch, not an interface
_SAME_SITE = 0.3  # of the smaller site's residues must be in the other, on both sides


@dataclass(frozen=True, eq=False)
class PartnerInterface:
    """Two chains that touch.

    Attributes
    ----------
    first, second
        Rows in the list of chain sequences.
    contacts : int64 [n_contacts, 2]
        Positions in the two sequences: pairs of residues with heavy atoms within 0.5 nm.
    """

    first: int
    second: int
    contacts: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class InterfaceClusters:
    """Families and sites of interfaces.

    Attributes
    ----------
    family : int64 [n_interfaces]
        Number of the family: interfaces between the same two clusters of sequences.
    site : int64 [n_interfaces]
        Number of the site, over all families.
    partners : int64 [n_families, 2]
        The two clusters of sequences of every family, the lower first.
    """

    family: NDArray[np.int64]
    site: NDArray[np.int64]
    partners: NDArray[np.int64]


def partner_interfaces(molecule: Complex, chains: Sequence[ChainSequence]) -> list[PartnerInterface]:
    """Pairs of chains with at least eight residue contacts.

    Parameters
    ----------
    molecule
        The complex; only its heavy atoms count.
    chains
        Its chains, from :func:`unfreeze.structure.similarity.sequences.chain_sequences`.
    """
    row_of = np.full(molecule.n_residues, -1, dtype=np.int64)
    place_of = np.zeros(molecule.n_residues, dtype=np.int64)
    for row, chain in enumerate(chains):
        row_of[chain.residues] = row
        place_of[chain.residues] = np.arange(len(chain.residues))
    atoms = np.flatnonzero(~np.isin(molecule.element, ("H", "D")) & (row_of[molecule.residue_index] >= 0))
    if not len(atoms):
        return []
    near = KDTree(molecule.coordinates_nm[atoms]).query_pairs(CONTACT_NM, output_type="ndarray")
    residues = molecule.residue_index[atoms][near]
    residues = np.unique(np.sort(residues[row_of[residues[:, 0]] != row_of[residues[:, 1]]], axis=1), axis=0)
    rows = row_of[residues]
    found = []
    for first, second in np.unique(rows, axis=0).tolist():
        chosen = (rows == (first, second)).all(axis=1)
        if chosen.sum() >= _LEAST_CONTACTS:
            found.append(PartnerInterface(first, second, place_of[residues[chosen]]))
    return found


def cluster_interfaces(
    interfaces: Sequence[tuple[int, int, NDArray[np.int64]]],
    sequences: Sequence[str],
    clusters: NDArray[np.int64],
) -> InterfaceClusters:
    """Families and sites of interfaces of many complexes.

    Parameters
    ----------
    interfaces
        Of each, the rows of its two sequences in `sequences` and its contacts as positions in them: [n_contacts, 2].
    sequences
        Letters of all sequences.
    clusters : int64 [n_sequences]
        Their clusters.

    Returns
    -------
    InterfaceClusters
        Sites by single linkage over what corresponds in an alignment with the first sequence of each cluster.
    """
    keys = [tuple(sorted((int(clusters[a]), int(clusters[b])))) for a, b, _ in interfaces]
    families = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    family = np.array([families[key] for key in keys], dtype=np.int64)
    frames = _Frames(sequences, clusters)
    site = np.full(len(interfaces), -1, dtype=np.int64)
    n_sites = 0
    for number in range(len(families)):
        members = np.flatnonzero(family == number).tolist()
        sides = [_oriented(interfaces[row], clusters, frames) for row in members]
        groups: list[list[int]] = []
        for place, one in enumerate(sides):
            touching = [group for group in groups if any(_same_site(one, sides[other]) for other in group)]
            groups = [group for group in groups if group not in touching]
            groups.append([*(other for group in touching for other in group), place])
        for group in sorted(groups, key=min):
            site[[members[place] for place in group]] = n_sites
            n_sites += 1
    partners = np.array(list(families), dtype=np.int64).reshape(-1, 2)
    return InterfaceClusters(family, site, partners)


class _Frames:
    """Positions of every sequence in the numbering of the first sequence of its cluster."""

    def __init__(self, sequences: Sequence[str], clusters: NDArray[np.int64]) -> None:
        self._sequences = sequences
        self._cluster = clusters
        labels, first = np.unique(clusters, return_index=True)
        self._first = dict(zip(labels.tolist(), first.tolist(), strict=True))
        self._known: dict[tuple[str, str], NDArray[np.int64]] = {}

    def common(self, row: int, positions: NDArray[np.int64]) -> frozenset[int]:
        """Positions of a sequence as positions of the first of its cluster; those with no counterpart go."""
        letters = str(self._sequences[row])
        frame = str(self._sequences[self._first[int(self._cluster[row])]])
        if letters == frame:
            return frozenset(positions.tolist())
        if (letters, frame) not in self._known:
            found = align(letters, frame)
            counterpart = np.full(len(letters), -1, dtype=np.int64)
            counterpart[found.first] = found.second
            self._known[letters, frame] = counterpart
        counterpart = self._known[letters, frame][positions]
        return frozenset(counterpart[counterpart >= 0].tolist())


_Sides = tuple[frozenset[int], frozenset[int], bool]


def _oriented(interface: tuple[int, int, NDArray[np.int64]], clusters: NDArray[np.int64], frames: _Frames) -> _Sides:
    """The residues of both sides, the partner of the lower cluster first, and whether both are of one cluster."""
    a, b, contacts = interface
    sides = [frames.common(row, np.unique(contacts[:, side])) for side, row in enumerate((a, b))]
    if clusters[a] > clusters[b]:
        sides.reverse()
    return sides[0], sides[1], bool(clusters[a] == clusters[b])


def _same_site(one: _Sides, other: _Sides) -> bool:
    straight = min(_overlap(one[0], other[0]), _overlap(one[1], other[1]))
    crossed = min(_overlap(one[0], other[1]), _overlap(one[1], other[0])) if one[2] else 0.0
    return max(straight, crossed) >= _SAME_SITE


def _overlap(one: frozenset[int], other: frozenset[int]) -> float:
    smaller = min(len(one), len(other))
    return len(one & other) / smaller if smaller else 0.0
