"""The heavy atoms of a complex as side chains feel them: sizes, charges, which bond hydrogen and in which direction.

Made once a complex; what is near one residue is a slice of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from unfreeze.properties.mutants.amino_acid_tables import (
    ACCEPTORS,
    AROMATIC,
    CARBON,
    CHARGES,
    DONORS,
    METAL,
    N_CODES,
    OTHER,
    POLAR,
    SULPHUR,
    is_flat,
    size_and_depth,
)
from unfreeze.structure.chemistry.covalent import metal_atoms, peptide_links
from unfreeze.structure.complex import Complex
from unfreeze.structure.internal_coordinates.torsions import torsions

__all__ = ["Neighbourhood", "Surroundings"]

_BOND_NM = 0.185
_BACKBONE = ("N", "CA", "C", "O", "OXT")
_PLACED = ("N", "CA", "C", "O", "C", "CA", "O", "N", "CA")


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """Atoms near one residue, nearest to its CA first, its own side chain left out.

    Attributes
    ----------
    atoms : int64 [n]
        Rows of the atom table.
    points, values, codes, away, polar
        As in :class:`Surroundings`, of these atoms; `codes` says which of the backbone's atoms beside CB each is.
    distance_nm : float64 [n]
        From CA.
    """

    atoms: NDArray[np.int64]
    points: NDArray[np.float64]
    values: NDArray[np.float64]
    codes: NDArray[np.int64]
    away: NDArray[np.float64]
    polar: NDArray[np.bool_]
    distance_nm: NDArray[np.float64]

    def without(self, drop: NDArray[np.bool_]) -> Neighbourhood:
        """The same without some atoms: [n]."""
        keep = ~drop
        return Neighbourhood(
            self.atoms[keep], self.points[keep], self.values[keep], self.codes[keep], self.away[keep],
            self.polar[keep], self.distance_nm[keep],
        )  # fmt: skip

    def count(self, reach_nm: float) -> int:
        """How many are within a distance of CA."""
        return int(np.searchsorted(self.distance_nm, reach_nm))


@dataclass(frozen=True, eq=False)
class Surroundings:
    """All heavy atoms of a complex, prepared.

    Attributes
    ----------
    molecule
        The complex.
    heavy : int64 [n_heavy]
        Its heavy atoms.
    values : float64 [n_heavy, 6]
        Radius (nm), √depth, charge, kind (`amino_acid_tables`), whether aromatic, whether of a side chain beyond CB.
    polar : bool [n_heavy, 2]
        Gives, takes hydrogen bonds.
    away : float64 [n_heavy, 3]
        Unit vector from what a polar atom is bonded to.
    side : bool [n_heavy]
        Atoms of side chains of amino acids, CB too.
    torsions : float64 [n_residues, 8]
        Of the complex, rad; NaN where there is none.
    before, after : int64 [n_residues]
        Residues joined by peptide bonds, −1 for none.
    """

    molecule: Complex
    heavy: NDArray[np.int64]
    values: NDArray[np.float64]
    polar: NDArray[np.bool_]
    away: NDArray[np.float64]
    side: NDArray[np.bool_]
    torsions: NDArray[np.float64]
    before: NDArray[np.int64]
    after: NDArray[np.int64]
    tree: KDTree
    backbone: NDArray[np.int64]
    """Rows of the atom table of N, CA, C, O and CB of every residue, −1 for none: [n_residues, 5]."""

    @classmethod
    def of(cls, molecule: Complex) -> Surroundings:
        """Prepare a complex."""
        heavy = np.flatnonzero(~np.isin(molecule.element, ("H", "D")))
        values, polar = _properties(molecule, heavy)
        points = molecule.coordinates_nm[heavy]
        tree = KDTree(points)
        away = np.zeros((len(heavy), 3))
        pairs = tree.query_pairs(_BOND_NM, output_type="ndarray").reshape(-1, 2)
        both = np.concatenate([pairs, pairs[:, ::-1]])
        both = both[polar[both[:, 0]].any(axis=1)]
        total, count = np.zeros((len(heavy), 3)), np.bincount(both[:, 0], minlength=len(heavy))
        np.add.at(total, both[:, 0], points[both[:, 1]])
        bonded = count > 0
        away[bonded] = points[bonded] - total[bonded] / count[bonded, None]
        size = np.linalg.norm(away, axis=1)
        away[size > 1e-6] /= size[size > 1e-6, None]
        protein = (molecule.residue_kind == "protein")[molecule.residue_index[heavy]]
        before, after = (np.full(molecule.n_residues, -1, dtype=np.int64) for _ in range(2))
        one, other = molecule.residue_index[peptide_links(molecule)].reshape(-1, 2).T
        before[other], after[one] = one, other
        return cls(
            molecule=molecule,
            heavy=heavy,
            values=values,
            polar=polar,
            away=away,
            side=protein & ~np.isin(molecule.atom_name[heavy], _BACKBONE),
            torsions=torsions(molecule)[0],
            before=before,
            after=after,
            tree=tree,
            backbone=np.stack([molecule.atom_of_residue(name) for name in ("N", "CA", "C", "O", "CB")], axis=1),
        )

    def near(self, residue: int, reach_nm: float) -> Neighbourhood:
        """What is within a distance of a residue's CA."""
        molecule = self.molecule
        centre = molecule.coordinates_nm[self.backbone[residue, 1]]
        rows = np.array(self.tree.query_ball_point(centre, reach_nm), dtype=np.int64)
        owner = molecule.residue_index[self.heavy[rows]]
        rows = rows[~((owner == residue) & self.side[rows])]
        points = molecule.coordinates_nm[self.heavy[rows]]
        distance = np.sqrt(((points - centre) ** 2).sum(axis=1))
        order = np.lexsort((rows, distance))
        rows, distance = rows[order], distance[order]
        atoms = self.heavy[rows]
        codes = np.zeros(len(rows), dtype=np.int64)
        beside = (residue, self.before[residue], self.after[residue])
        for code, name in enumerate(_PLACED, start=1):
            other = beside[0 if code <= 4 else 1 if code <= 7 else 2]
            if other >= 0:
                atom = self.backbone[other, ("N", "CA", "C", "O").index(name)]
                codes[atoms == atom] = code if atom >= 0 else 0
        return Neighbourhood(
            atoms=atoms,
            points=np.ascontiguousarray(points[order]),
            values=self.values[rows],
            codes=codes,
            away=self.away[rows],
            polar=self.polar[rows],
            distance_nm=distance,
        )


def _properties(molecule: Complex, heavy: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Values [n, 6] and bonding [n, 2] of heavy atoms, looked up once for each name."""
    owner = molecule.residue_index[heavy]
    protein = molecule.residue_kind[owner] == "protein"
    parent = np.where(protein, molecule.residue_parent_name[owner], "")
    metal = metal_atoms(molecule)[heavy]
    keys = np.char.add(np.char.add(np.char.add(parent, "/"), molecule.atom_name[heavy]), "/")
    keys = np.char.add(np.char.add(keys, molecule.element[heavy]), np.where(metal, "+", ""))
    names, first, number = np.unique(keys, return_index=True, return_inverse=True)
    values, polar = np.zeros((len(names), 6)), np.zeros((len(names), 2), dtype=bool)
    for row, at in enumerate(first.tolist()):
        name, atom = str(parent[at]), str(molecule.atom_name[heavy[at]])
        element = str(molecule.element[heavy[at]])
        kind = {"C": CARBON, "N": POLAR, "O": POLAR, "S": SULPHUR, "SE": SULPHUR}.get(element, OTHER)
        values[row] = (
            *size_and_depth(element, bool(name) and is_flat(name, atom), bool(metal[at])),
            CHARGES.get((name, atom), 0.0),
            METAL if metal[at] else kind,
            atom in AROMATIC.get(name, ()),
            bool(name) and atom not in (*_BACKBONE, "CB"),
        )
        if kind == POLAR and name and atom in ("N", "O", "OXT"):
            polar[row] = (atom == "N" and name != "PRO", atom != "N")
        elif kind == POLAR and name in DONORS.keys() | ACCEPTORS.keys():
            polar[row] = (atom in DONORS.get(name, ()), atom in ACCEPTORS.get(name, ()))
        elif kind == POLAR:
            polar[row] = True
    assert len(_PLACED) + 1 == N_CODES
    return values[number], polar[number]
