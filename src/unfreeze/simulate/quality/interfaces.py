"""Does a complex stay one: the share of the start's contacts that is left between each two partners.

The contacts are those of Best, Hummer and Eaton 2013 (doi:10.1073/pnas.1311599110): pairs of heavy atoms within 0.45 nm
at the start, each counted as 1/(1 + exp(β(r − λ r0))) with β = 50/nm and λ = 1.8. How strongly partners bind is not
asked here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from unfreeze.simulate.quality.data import Finding, Report, SegmentData
from unfreeze.simulate.quality.solute import Solute
from unfreeze.structure.observables.interfaces import find_parties

__all__ = [
    "InterfaceCheck",
    "StartInterface",
    "interface_shares",
    "internal_contacts",
    "partner_distances",
    "start_interfaces",
]

CONTACT_NM, STEEPNESS_PER_NM, STRETCH = 0.45, 50.0, 1.8
FEWEST_CONTACTS = 20
"""Pairs of atoms, some five residue contacts; partners with fewer at the start touch by chance, and may part."""
MOST_CONTACTS = 2000
SMOOTHING = 0.1
"""Weight of each new frame in the smoothed share, so that one frame, or an excursion of a few, decides nothing."""
LOST_SHARE = 0.1
"""A smoothed share of contacts below this is a lost interface: bound complexes keep 0.5 to 0.95, those whose partners
slide along each other over 0.2, separated ones nothing."""
PARTED_SHARE, PARTED_NM = 0.3, 1.0
"""So is a share below 0.3 if the centres of the partners are 1 nm further apart than at the start, as well."""

_LOCAL = 3


@dataclass(frozen=True, eq=False)
class StartInterface:
    """Contacts between two partners at the start.

    Attributes
    ----------
    first, second
        Names of the partners: chains, or ligands that are not bound to one.
    pairs : int64 [n_contacts, 2]
        Heavy atoms, as rows of the solute.
    length_nm : float64 [n_contacts]
        Their distances at the start.
    n_contacts
        How many there are; `pairs` has 2,000 of them at most, evenly chosen.
    members
        Atoms of both partners.
    """

    first: str
    second: str
    pairs: NDArray[np.int64]
    length_nm: NDArray[np.float64]
    n_contacts: int
    members: tuple[NDArray[np.int64], NDArray[np.int64]]

    @property
    def title(self) -> str:
        """For a sentence: ``chains A and B``."""
        plain = "(" not in self.first + self.second
        return f"chains {self.first} and {self.second}" if plain else f"{self.first} and {self.second}"


class InterfaceCheck:
    """Checks that every interface of the start is still there.

    Suspect: less than a tenth of its contacts left, smoothed over frames, or less than 0.3 with the centres of the
    partners 1 nm further apart. Interfaces of fewer than 20 atom pairs are not judged.

    Parameters
    ----------
    solute
        Heavy atoms; their coordinates are those of the start.
    """

    def __init__(self, solute: Solute) -> None:
        self._interfaces = start_interfaces(solute)
        start = np.asarray(solute.molecule.coordinates_nm, dtype=np.float64)[None]
        self._start_nm = [float(partner_distances(item, start)[0]) for item in self._interfaces]
        self._smoothed = [1.0] * len(self._interfaces)

    def state(self) -> dict[str, Any]:
        """What is remembered, JSON-able."""
        return {"shares": list(self._smoothed)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`."""
        self._smoothed = [float(value) for value in state["shares"]]

    def check(self, data: SegmentData, frames: NDArray[np.float64]) -> Report:
        """Check frames of the solute's heavy atoms: [n_frames, n_atoms, 3], finite."""
        findings, least = [], []
        for k, item in enumerate(self._interfaces):
            shares = interface_shares(item, frames)
            apart = partner_distances(item, frames) - self._start_nm[k]
            smoothed = np.array(list(_smooth(shares.tolist(), self._smoothed[k])))
            self._smoothed[k] = float(smoothed[-1])
            least.append(float(smoothed.min()))
            lost = np.flatnonzero((smoothed < LOST_SHARE) | ((smoothed < PARTED_SHARE) & (apart > PARTED_NM)))
            if len(lost):
                row = int(lost[0])
                centres = self._start_nm[k]
                findings.append(
                    Finding(
                        "suspect",
                        f"the interface of {item.title} is lost: {100 * smoothed[row]:.0f} % of its {item.n_contacts} "
                        f"atom contacts are left at {data.when(row)}, the centres are {centres + apart[row]:.2f} nm "
                        f"apart ({centres:.2f} nm at the start)",
                    )
                )
        measures = {"least_interface_share": min(least)} if least else {}
        return Report(tuple(findings), measures)


def start_interfaces(solute: Solute, fewest: int = FEWEST_CONTACTS) -> list[StartInterface]:
    """Every two partners that touch at the start by so many pairs of atoms at least, those with most contacts first."""
    molecule = solute.molecule
    parties = find_parties(molecule)
    party = parties.of_residue[molecule.residue_index]
    members = [np.flatnonzero(party == k) for k in range(len(parties.name))]
    points = np.asarray(molecule.coordinates_nm, dtype=np.float64)
    trees = [KDTree(points[rows]) for rows in members]
    bound = {tuple(sorted(link)) for link in molecule.links.tolist()}
    found = []
    for a, b in combinations(range(len(members)), 2):
        near = trees[a].query_ball_tree(trees[b], CONTACT_NM)
        pairs = np.array(
            [(members[a][i], members[b][j]) for i, row in enumerate(near) for j in row], dtype=np.int64
        ).reshape(-1, 2)
        if bound and len(pairs):
            pairs = pairs[[tuple(sorted(pair)) not in bound for pair in pairs.tolist()]]
        if len(pairs) >= max(fewest, 1):
            names = parties.name[a], parties.name[b]
            found.append(_contacts(*names, pairs, points, (members[a], members[b])))
    return sorted(found, key=lambda item: -item.n_contacts)


def internal_contacts(solute: Solute, fewest: int = FEWEST_CONTACTS) -> StartInterface | None:
    """Contacts at the start between residues of one chain that are more than three apart; None of too few."""
    molecule = solute.molecule
    points = np.asarray(molecule.coordinates_nm, dtype=np.float64)
    pairs = KDTree(points).query_pairs(CONTACT_NM, output_type="ndarray").reshape(-1, 2).astype(np.int64)
    residues = molecule.residue_index[pairs]
    same = molecule.chain_index[residues[:, 0]] == molecule.chain_index[residues[:, 1]]
    pairs = pairs[same & (np.abs(residues[:, 0] - residues[:, 1]) > _LOCAL)]
    if len(pairs) < fewest:
        return None
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    every = np.arange(molecule.n_atoms)
    return _contacts("all", "all", pairs, points, (every, every))


def interface_shares(interface: StartInterface, frames: NDArray[np.floating]) -> NDArray[np.float64]:
    """Share of the contacts of the start in every frame: [n_frames], between 0 and 1."""
    first, second = interface.pairs.T
    difference = np.asarray(frames[:, first] - frames[:, second], dtype=np.float64)
    length = np.sqrt(np.einsum("fpi,fpi->fp", difference, difference))
    beyond = np.clip(STEEPNESS_PER_NM * (length - STRETCH * interface.length_nm), -50.0, 50.0)
    return (1.0 / (1.0 + np.exp(beyond))).mean(axis=1)


def partner_distances(interface: StartInterface, frames: NDArray[np.floating]) -> NDArray[np.float64]:
    """Distance between the centres of both partners in every frame: [n_frames], nm."""
    one, other = (np.asarray(frames[:, rows], dtype=np.float64).mean(axis=1) for rows in interface.members)
    return np.linalg.norm(one - other, axis=1)


def _contacts(
    first: str,
    second: str,
    pairs: NDArray[np.int64],
    points: NDArray[np.float64],
    members: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> StartInterface:
    n_contacts = len(pairs)
    if n_contacts > MOST_CONTACTS:
        pairs = pairs[np.linspace(0, n_contacts - 1, MOST_CONTACTS).round().astype(np.int64)]
    length = np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
    return StartInterface(first, second, pairs, length, n_contacts, members)


def _smooth(values: Iterable[float], start: float) -> Iterable[float]:
    for value in values:
        start += SMOOTHING * (value - start)
        yield start
