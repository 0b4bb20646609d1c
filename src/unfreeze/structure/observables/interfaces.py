"""Interfaces between chains, and between chains and ligands: which contacts hold, and how much surface is buried.

Two residues are in contact when any of their heavy atoms are within 0.5 nm. A contact of the input *holds*
(persistent: more than 90 % of the frames), *weakens* (10–90 %) or *breaks* (lost: less than 10 %); a contact that
the input lacks and more than 10 % of the frames have is *formed*. Nothing is said here about affinity.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from unfreeze.structure.complex import Complex
from unfreeze.structure.observables.motion import normalised_weights, weighted_mean_sd
from unfreeze.structure.observables.surface import buried_area_nm2

__all__ = ["CONTACT_NM", "LOST", "PERSISTENT", "Interface", "Parties", "find_interfaces", "find_parties"]

CONTACT_NM = 0.5
PERSISTENT, LOST = 0.9, 0.1
_AREA_CONTACTS = 20_000  # contacts times frames beyond which fewer frames are measured, though never below five
_SMALLEST_LIGAND = 6  # heavy atoms; smaller ones (water, sulphate, acetate) stay with their chain


@dataclass(frozen=True, eq=False)
class Parties:
    """What can share an interface: chains, and ligands that are not covalently bound to anything.

    Attributes
    ----------
    name
        ``A`` for a chain, ``HEM 154 (A)`` for a ligand.
    is_ligand
        One flag a party.
    of_residue : int64 [n_residues]
        Party of every residue.
    """

    name: tuple[str, ...]
    is_ligand: tuple[bool, ...]
    of_residue: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Interface:
    """One interface and what an ensemble does to it.

    Attributes
    ----------
    first, second
        Names of the two parties.
    has_ligand
        Whether one of them is a ligand.
    residues : int64 [n_contacts, 2]
        Rows of the residue table, first party first; contacts of the input, then contacts formed.
    in_input : bool [n_contacts]
        Whether the input has the contact.
    persistence : float64 [n_contacts]
        Weighted share of frames that have it.
    native_fraction : float64 [n_frames]
        Share of the input's contacts that each frame has; nan where the input has none.
    buried_area_input_nm2
        ½(SASA_A + SASA_B − SASA_AB) of the input, nm².
    buried_area_nm2 : float64 [n_area_frames]
        The same for a subset of frames.
    buried_area_mean_nm2, buried_area_sd_nm2
        Weighted mean and standard deviation over that subset; nan without frames.
    """

    first: str
    second: str
    has_ligand: bool
    residues: NDArray[np.int64]
    in_input: NDArray[np.bool_]
    persistence: NDArray[np.float64]
    native_fraction: NDArray[np.float64]
    buried_area_input_nm2: float
    buried_area_nm2: NDArray[np.float64]
    buried_area_mean_nm2: float
    buried_area_sd_nm2: float

    @property
    def n_input(self) -> int:
        """Contacts of the input."""
        return int(self.in_input.sum())

    @property
    def n_persistent(self) -> int:
        """Contacts of the input that more than 90 % of the frames have."""
        return int((self.in_input & (self.persistence > PERSISTENT)).sum())

    @property
    def n_lost(self) -> int:
        """Contacts of the input that less than 10 % of the frames have."""
        return int((self.in_input & (self.persistence < LOST)).sum())

    @property
    def n_weak(self) -> int:
        """Contacts of the input between these two."""
        return self.n_input - self.n_persistent - self.n_lost

    @property
    def n_formed(self) -> int:
        """Contacts that the input lacks and more than 10 % of the frames have."""
        return int((~self.in_input).sum())


def find_parties(molecule: Complex) -> Parties:
    """Chains and free ligands of at least six heavy atoms; other residues count with their chain."""
    heavy = ~np.isin(molecule.element, ("H", "D"))
    n_heavy = np.bincount(molecule.residue_index[heavy], minlength=molecule.n_residues)
    bound = np.zeros(molecule.n_residues, dtype=bool)
    bound[molecule.residue_index[molecule.links].ravel()] = True
    free = (molecule.residue_kind == "ligand") & (n_heavy >= _SMALLEST_LIGAND) & ~bound
    of_residue = molecule.chain_index.astype(np.int64)
    ligands = np.flatnonzero(free)
    of_residue[ligands] = molecule.n_chains + np.arange(len(ligands))
    used, of_residue = np.unique(of_residue, return_inverse=True)
    ligand_names = [
        f"{molecule.residue_name[r]} {molecule.residue_number[r]}{molecule.residue_insertion_code[r]}"
        f" ({molecule.chain_name[molecule.chain_index[r]]})"
        for r in ligands
    ]
    names = [*map(str, molecule.chain_name), *ligand_names]
    return Parties(
        name=tuple(names[party] for party in used),
        is_ligand=tuple(bool(party >= molecule.n_chains) for party in used),
        of_residue=of_residue.astype(np.int64),
    )


def find_interfaces(
    molecule: Complex,
    coordinates_nm: NDArray[np.floating],
    weights: NDArray[np.floating] | None = None,
    *,
    n_area_frames: int = 20,
) -> list[Interface]:
    """Interfaces of the input, and of contacts that the frames form, with what becomes of them.

    Parameters
    ----------
    molecule
        The complex; its coordinates are the input.
    coordinates_nm
        [n_frames, n_atoms, 3], nm. Frames are compared inside themselves, so superposition does not matter.
    weights
        [n_frames] frame weights; equal when None.
    n_area_frames
        Most frames, evenly spaced, whose buried area is computed; fewer where there are thousands of contacts.

    Returns
    -------
    list of Interface
        Largest buried area in the input first; empty when no two parties touch.
    """
    frames = np.asarray(coordinates_nm)
    share = normalised_weights(weights, len(frames))
    finder = _ContactFinder(molecule)
    native = finder.contacts(molecule.coordinates_nm)
    counted, totals, present = _count_contacts(finder, native, frames, share)
    formed = np.setdiff1d(counted[totals > LOST], native)
    codes = np.concatenate([native, formed])
    persistence = np.zeros(len(codes))
    known = np.isin(codes, counted)
    persistence[known] = totals[np.searchsorted(counted, codes[known])]
    residues = np.stack(np.divmod(codes, molecule.n_residues), axis=1)
    parties = finder.parties.of_residue[residues]
    # a very large interface says as much with fewer frames
    n_area_frames = int(np.clip(_AREA_CONTACTS // max(len(codes), 1), min(n_area_frames, 5), n_area_frames))
    area_frames = np.unique(np.linspace(0, len(frames) - 1, min(n_area_frames, len(frames))).round().astype(int))
    interfaces = []
    for pair in np.unique(parties, axis=0):
        chosen = (parties == pair).all(axis=1)
        in_input = np.arange(len(codes))[chosen] < len(native)
        first, second = (finder.atoms_of_party[p] for p in pair)
        # the input is measured with the frames, so that all choose the same atoms
        measured = np.concatenate([molecule.coordinates_nm[None], frames[area_frames]])
        area_input, *rest = buried_area_nm2(measured, molecule.element, first, second)
        areas = np.array(rest)
        mean, sd = weighted_mean_sd(areas, _positive(share[area_frames]))
        n_native = in_input.sum()
        interfaces.append(
            Interface(
                first=finder.parties.name[pair[0]],
                second=finder.parties.name[pair[1]],
                has_ligand=finder.parties.is_ligand[pair[0]] or finder.parties.is_ligand[pair[1]],
                residues=residues[chosen],
                in_input=in_input,
                persistence=np.clip(persistence[chosen], 0.0, 1.0),
                native_fraction=(
                    present[:, chosen[: len(native)]].mean(axis=1) if n_native else np.full(len(frames), np.nan)
                ),
                buried_area_input_nm2=float(area_input),
                buried_area_nm2=areas,
                buried_area_mean_nm2=mean,
                buried_area_sd_nm2=sd,
            )
        )
    return sorted(interfaces, key=lambda item: -item.buried_area_input_nm2)


class _ContactFinder:
    """Residue pairs of different parties in contact, coded as first * n_residues + second."""

    def __init__(self, molecule: Complex) -> None:
        self.parties = find_parties(molecule)
        self.n_residues = molecule.n_residues
        self.residue_index = molecule.residue_index
        heavy = np.flatnonzero(~np.isin(molecule.element, ("H", "D")))
        party = self.parties.of_residue[molecule.residue_index[heavy]]
        self.atoms_of_party = [heavy[party == p] for p in range(len(self.parties.name))]
        linked = np.sort(molecule.residue_index[molecule.links], axis=1)
        self.linked = np.unique(linked[:, 0] * self.n_residues + linked[:, 1]) if len(linked) else np.empty(0, np.int64)

    def contacts(self, coordinates_nm: NDArray[np.floating]) -> NDArray[np.int64]:
        points = [np.asarray(coordinates_nm[atoms], dtype=np.float64) for atoms in self.atoms_of_party]
        trees = [KDTree(p) if len(p) else None for p in points]
        found = [np.empty(0, dtype=np.int64)]
        for a, b in combinations(range(len(points)), 2):
            tree_a, tree_b = trees[a], trees[b]
            if tree_a is None or tree_b is None:
                continue
            gap = np.maximum(tree_a.mins - tree_b.maxes, tree_b.mins - tree_a.maxes).max()
            if gap > CONTACT_NM:
                continue
            near = tree_a.sparse_distance_matrix(tree_b, CONTACT_NM, output_type="ndarray")
            first = self.residue_index[self.atoms_of_party[a][near["i"]]]
            second = self.residue_index[self.atoms_of_party[b][near["j"]]]
            found.append(np.unique(first * self.n_residues + second))
        codes = np.unique(np.concatenate(found))
        first, second = np.divmod(codes, self.n_residues)
        ordered = np.minimum(first, second) * self.n_residues + np.maximum(first, second)
        return codes[~np.isin(ordered, self.linked)]


def _count_contacts(
    finder: _ContactFinder,
    native: NDArray[np.int64],
    frames: NDArray[np.floating],
    share: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    """Contacts seen in any frame, their weighted share of frames, and which native ones each frame has."""
    present = np.zeros((len(frames), len(native)), dtype=bool)
    seen, weight = [np.empty(0, dtype=np.int64)], [np.empty(0)]
    for row, frame in enumerate(frames):
        codes = finder.contacts(frame)
        present[row] = np.isin(native, codes)
        seen.append(codes)
        weight.append(np.full(len(codes), share[row]))
    counted, inverse = np.unique(np.concatenate(seen), return_inverse=True)
    totals = np.zeros(len(counted))
    np.add.at(totals, inverse, np.concatenate(weight))
    return counted, totals, present


def _positive(share: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Weights of a subset; equal ones when all of the subset weighs nothing."""
    return share if share.sum() > 0.0 else None
