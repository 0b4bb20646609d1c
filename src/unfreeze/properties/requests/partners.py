"""Who binds whom: two groups of chains of a structure that touch, and the residues with which they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from unfreeze.errors import InputError
from unfreeze.properties.places import read_chains
from unfreeze.structure.complex import Complex

__all__ = ["INTERFACE_NM", "Partners", "find_partners"]

INTERFACE_NM = 0.5
"""A residue is at the interface if one of its heavy atoms is so near to one of the other partner."""


@dataclass(frozen=True)
class Partners:
    """The two sides of a binding.

    Attributes
    ----------
    first, second
        Chain names.
    interface
        Rows of the residue table, of protein residues near the other side.
    cutoff_nm
        How near that is.
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    interface: frozenset[int]
    cutoff_nm: float = INTERFACE_NM

    @property
    def chains(self) -> tuple[str, ...]:
        """All chains of both."""
        return self.first + self.second

    @property
    def names(self) -> tuple[str, str]:
        """Both sides as people write them: ``HL`` or, where a name is longer than a letter, ``H1,L1``."""
        return _side(self.first), _side(self.second)

    def __str__(self) -> str:
        return ":".join(self.names)


def find_partners(molecule: Complex, text: str | None) -> Partners:
    """Read ``A:B``, ``HL:A`` or ``H1,L1:A`` and see that it can be answered.

    Parameters
    ----------
    molecule
        The complex.
    text
        What was asked for; where None, the two chains of protein if there are two and no more.

    Raises
    ------
    InputError
        If a chain is absent, on both sides or not of protein, or the sides do not touch.
    """
    name = molecule.source.name or "the structure"
    chains = [str(chain) for chain in molecule.chain_name]
    protein = [chain for row, chain in enumerate(chains) if _is_protein(molecule, row)]
    if text is None:
        if len(protein) != 2:
            pairs = touching_pairs(molecule, protein)
            seen = f"these touch: {', '.join(pairs)}" if pairs else "no two chains touch"
            raise InputError(
                f"{name}: --between is needed, for it has {len(protein)} chains of protein "
                f"({', '.join(protein) or 'none'}); {seen}"
            )
        first, second = [protein[0]], [protein[1]]
    else:
        sides = text.split(":")
        if len(sides) != 2 or not all(side.strip() for side in sides):
            raise InputError(f"--between {text}: expected two partners with a colon between, such as A:B or HL:A")
        first, second = (_chains_of(side.strip(), chains) for side in sides)
    _check_chains(name, text or f"{first[0]}:{second[0]}", first, second, chains, protein)
    near = _interface(molecule, first, second)
    if not near:
        distance, closest = _closest(molecule, first, second)
        pairs = touching_pairs(molecule, protein)
        raise InputError(
            f"{name}: {_side(first)} and {_side(second)} do not touch, so there is no binding to predict (the nearest "
            f"atoms are {10 * distance:.1f} Å apart: {closest}); "
            + (f"these chains touch: {', '.join(pairs)}" if pairs else "no two chains of it touch")
            + ". Maybe the complex is in a biological assembly: --assembly 1"
        )
    return Partners(tuple(first), tuple(second), frozenset(near))


def touching_pairs(molecule: Complex, chains: Sequence[str], most: int = 12) -> list[str]:
    """Pairs of chains with heavy atoms near each other, as ``A:B``; the first ones where there are many."""
    points = {chain: _heavy(molecule, [chain]) for chain in chains[:60]}
    trees = {chain: KDTree(molecule.coordinates_nm[atoms]) for chain, atoms in points.items() if len(atoms)}
    found = []
    for a, b in combinations(trees, 2):
        if trees[a].count_neighbors(trees[b], INTERFACE_NM):
            found.append(f"{a}:{b}")
            if len(found) == most:
                return [*found, "…"]
    return found


def _side(chains: Sequence[str]) -> str:
    return ("" if all(len(chain) == 1 for chain in chains) else ",").join(chains)


def _chains_of(side: str, chains: list[str]) -> list[str]:
    """The chains of a side; letters that are not all chains are shown as the one name that they may be."""
    found = read_chains(side, chains)
    return list(found) if "," in side or all(chain in chains for chain in found) else [side]


def _is_protein(molecule: Complex, chain: int) -> bool:
    return bool((molecule.residue_kind[molecule.chain_index == chain] == "protein").any())


def _check_chains(
    name: str, text: str, first: list[str], second: list[str], chains: list[str], protein: list[str]
) -> None:
    asked = first + second
    absent = [chain for chain in asked if chain not in chains]
    if absent:
        raise InputError(
            f"--between {text}: {name} has no chain {', '.join(map(repr, absent))}; it has {', '.join(chains)}. "
            f"Names longer than a letter go with commas, such as H1,L1:A"
        )
    both = sorted(set(first) & set(second))
    if both:
        raise InputError(f"--between {text}: chain {', '.join(both)} is on both sides; a chain can be on one only")
    if len(set(asked)) < len(asked):
        raise InputError(f"--between {text}: a chain is named twice; name each once")
    other = [chain for chain in asked if chain not in protein]
    if other:
        raise InputError(
            f"--between {text}: chain {', '.join(other)} of {name} has no protein; affinities are of proteins with "
            f"proteins, not of nucleic acids or ligands"
        )


def _heavy(molecule: Complex, chains: Sequence[str]) -> NDArray[np.int64]:
    """Heavy atoms of protein of some chains."""
    rows = np.flatnonzero(np.isin(molecule.chain_name, list(chains)))
    residue = np.isin(molecule.chain_index, rows) & (molecule.residue_kind == "protein")
    return np.flatnonzero(residue[molecule.residue_index] & ~np.isin(molecule.element, ("H", "D")))


def _interface(molecule: Complex, first: Sequence[str], second: Sequence[str]) -> set[int]:
    one, other = _heavy(molecule, first), _heavy(molecule, second)
    found: set[int] = set()
    for a, b in ((one, other), (other, one)):
        distance, _ = KDTree(molecule.coordinates_nm[b]).query(
            molecule.coordinates_nm[a], distance_upper_bound=INTERFACE_NM
        )
        found.update(molecule.residue_index[a[np.isfinite(distance)]].tolist())
    return found


def _closest(molecule: Complex, first: Sequence[str], second: Sequence[str]) -> tuple[float, str]:
    one, other = _heavy(molecule, first), _heavy(molecule, second)
    distance, index = KDTree(molecule.coordinates_nm[other]).query(molecule.coordinates_nm[one])
    distance, index = np.asarray(distance), np.asarray(index)
    nearest = int(distance.argmin())
    pair = (one[nearest], other[index[nearest]])
    labels = [molecule.residue_label(int(molecule.residue_index[atom])) for atom in pair]
    return float(distance[nearest]), " and ".join(labels)
