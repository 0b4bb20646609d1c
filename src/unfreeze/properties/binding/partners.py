"""The two partners of a complex: which residues are on which side, in a pose of their own.

Only amino acids count. The complex is turned into the principal axes of its Cα, so that everything computed from it is
the same however it was turned before; nothing depends on which partner is named first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from unfreeze.errors import InputError
from unfreeze.properties.places import chains_of
from unfreeze.structure.chemistry.residues import AMINO_ACIDS
from unfreeze.structure.complex import Complex

__all__ = ["ORDER", "PartnerPair"]

ORDER = tuple(AMINO_ACIDS)
"""Three-letter names of the 20 amino acids, in the order of every table of this package."""


@dataclass(frozen=True, eq=False)
class PartnerPair:
    """Two partners, amino acids only, in their own axes.

    Attributes
    ----------
    molecule
        The chains of both partners; heavy atoms of amino acids.
    side : int64 [n_residues]
        0 or 1: the partner of every residue.
    n_chains
        Chains with amino acids of either partner.
    """

    molecule: Complex
    side: NDArray[np.int64]
    n_chains: tuple[int, int]

    @classmethod
    def of(cls, molecule: Complex, partners: tuple[str, str]) -> PartnerPair:
        """Take the partners out of a complex.

        Parameters
        ----------
        molecule
            The complex.
        partners
            Chains of either: ``("HL", "A")``, or names separated by commas.

        Raises
        ------
        InputError
            If a chain is not in the complex, or in both partners.
        """
        first, second = (chains_of(molecule, text) for text in partners)
        if both := sorted(set(first) & set(second)):
            raise InputError(
                f"{molecule.source.name or 'complex'}: chain {', '.join(both)} is in both partners; "
                "expected two groups of different chains, such as HL and A"
            )
        wanted = np.isin(molecule.chain_name, (*first, *second))[molecule.chain_index]
        protein = wanted & (molecule.residue_kind == "protein") & (molecule.atom_of_residue("CA") >= 0)
        heavy = ~np.isin(molecule.element, ("H", "D"))
        chosen = molecule.take_atoms(protein[molecule.residue_index] & heavy)
        side = np.isin(chosen.chain_name, second).astype(np.int64)[chosen.chain_index]
        counts = np.bincount(np.isin(chosen.chain_name, second).astype(np.int64), minlength=2)
        return cls(_in_own_axes(chosen), side, (int(counts[0]), int(counts[1])))

    @cached_property
    def kind(self) -> NDArray[np.int64]:
        """Place of every residue in :data:`ORDER`; −1 for others."""
        place = {name: number for number, name in enumerate(ORDER)}
        return np.array([place.get(str(name), -1) for name in self.molecule.residue_parent_name], dtype=np.int64)

    @cached_property
    def atom_side(self) -> NDArray[np.int64]:
        """Partner of every atom."""
        return self.side[self.molecule.residue_index]

    @property
    def size(self) -> tuple[int, int]:
        """Residues of either partner."""
        second = int(self.side.sum())
        return len(self.side) - second, second

    def atom_pairs(self, cutoff_nm: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Pairs of atoms of different partners, that of side 0 first, and their distances: [n, 2], [n] nm."""
        sides = [np.flatnonzero(self.atom_side == side) for side in (0, 1)]
        if not len(sides[0]) or not len(sides[1]):
            return np.empty((0, 2), dtype=np.int64), np.empty(0)
        trees = [KDTree(self.molecule.coordinates_nm[atoms]) for atoms in sides]
        near = trees[0].sparse_distance_matrix(trees[1], cutoff_nm, output_type="ndarray")
        return np.stack([sides[0][near["i"]], sides[1][near["j"]]], axis=1), near["v"]

    def residue_pairs(self, cutoff_nm: float) -> NDArray[np.int64]:
        """Pairs of residues of different partners with atoms within a distance, that of side 0 first: [n, 2]."""
        pairs, _ = self.atom_pairs(cutoff_nm)
        return np.unique(self.molecule.residue_index[pairs], axis=0).reshape(-1, 2)

    def apart(self, side: int) -> Complex:
        """One partner alone."""
        return self.molecule.take_residues(self.side == side)


def _in_own_axes(molecule: Complex) -> Complex:
    """Turned into the principal axes of the Cα; the sign of an axis is that of the third moment along it."""
    points = molecule.coordinates_nm[molecule.atom_name == "CA"]
    if len(points) < 3:
        return molecule
    centre = points.mean(axis=0)
    _, axes = np.linalg.eigh(np.cov((points - centre).T))
    skew = (((points - centre) @ axes) ** 3).sum(axis=0)
    axes = axes * np.where(skew < 0.0, -1.0, 1.0)
    axes[:, 2] *= np.sign(np.linalg.det(axes))
    return molecule.with_coordinates((molecule.coordinates_nm - centre) @ axes)
