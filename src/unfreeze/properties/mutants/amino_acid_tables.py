"""What the compiled loops need to know of each amino acid: how atoms are built, how large they are, what they bond.

Sizes are those of united atoms (Neria, Fischer & Karplus 1996, J. Chem. Phys. 105, 1902), rounded; charges are those of
groups. Static tables, computed once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.chemistry.ideal_geometry import BUILD_GEOMETRY
from unfreeze.structure.chemistry.residues import AMINO_ACIDS

__all__ = [
    "ACCEPTORS",
    "AROMATIC",
    "CARBON",
    "CHARGES",
    "DONORS",
    "METAL",
    "NAME_OF",
    "N_CODES",
    "OTHER",
    "POLAR",
    "SULPHUR",
    "AcidTables",
    "acid_tables",
    "size_and_depth",
]

CARBON, POLAR, SULPHUR, METAL, OTHER = range(5)
N_CODES = 10
"""Atoms of the backbone near a side chain: 0 none of them; N, CA, C, O; C, CA, O before; N, CA after."""
NAME_OF = {acid.letter: name for name, acid in AMINO_ACIDS.items()}
AROMATIC = {
    "HIS": ("CG", "ND1", "CD2", "CE1", "NE2"),
    "PHE": ("CG", "CD1", "CD2", "CE1", "CE2", "CZ"),
    "TRP": ("CG", "CD1", "CD2", "NE1", "CE2", "CE3", "CZ2", "CZ3", "CH2"),
    "TYR": ("CG", "CD1", "CD2", "CE1", "CE2", "CZ"),
}
DONORS = {
    "ARG": ("NE", "NH1", "NH2"),
    "ASN": ("ND2",),
    "GLN": ("NE2",),
    "HIS": ("ND1", "NE2"),
    "LYS": ("NZ",),
    "SER": ("OG",),
    "THR": ("OG1",),
    "TRP": ("NE1",),
    "TYR": ("OH",),
}
ACCEPTORS = {
    "ASN": ("OD1",),
    "ASP": ("OD1", "OD2"),
    "GLN": ("OE1",),
    "GLU": ("OE1", "OE2"),
    "HIS": ("ND1", "NE2"),
    "SER": ("OG",),
    "THR": ("OG1",),
    "TYR": ("OH",),
}
CHARGES = {
    ("ARG", "NH1"): 0.5,
    ("ARG", "NH2"): 0.5,
    ("ASP", "OD1"): -0.5,
    ("ASP", "OD2"): -0.5,
    ("GLU", "OE1"): -0.5,
    ("GLU", "OE2"): -0.5,
    ("HIS", "ND1"): 0.1,
    ("HIS", "NE2"): 0.1,
    ("LYS", "NZ"): 1.0,
}
_FLAT_CARBONS = {
    "ARG": ("CZ",),
    "ASN": ("CG",),
    "ASP": ("CG",),
    "GLN": ("CD",),
    "GLU": ("CD",),
    "HIS": ("CG", "CD2", "CE1"),
    "PHE": AROMATIC["PHE"],
    "TRP": ("CG", "CD1", "CD2", "CE2", "CE3", "CZ2", "CZ3", "CH2"),
    "TYR": AROMATIC["TYR"],
}
# half of the distance of least energy in nm, and the square root of its depth in (kJ/mol)^½
_CARBON_SIZE, _FLAT_SIZE = (0.196, 0.55), (0.186, 0.55)
_BY_ELEMENT = {"N": (0.170, 0.65), "O": (0.157, 0.70), "S": (0.195, 0.90), "SE": (0.200, 0.90), "P": (0.200, 0.60)}
_ION_SIZE, _OTHER_SIZE = (0.120, 0.30), (0.180, 0.60)


@dataclass(frozen=True, eq=False)
class AcidTables:
    """Tables of the side chain of one amino acid; its atoms from CB on.

    Attributes
    ----------
    name, atoms
        Three-letter code and the atoms.
    references : int64 [n_atoms, 3]
        The three atoms from which each is placed: 0 to 2 for N, CA, C, then the side chain's own from 3.
    column : int64 [n_atoms]
        Torsion (0 for χ1) that turns the atom, −1 for none.
    geometry : float64 [n_atoms, 3]
        Length (nm), angle and torsion (rad).
    level : int64 [n_atoms]
        Number of torsions on which the place of the atom depends.
    own : float64 [n_atoms, 6]
        Radius (nm), √depth, charge, kind, whether aromatic, 1 (of a side chain).
    polar : bool [n_atoms, 2]
        Whether it gives and takes hydrogen bonds.
    bases : int64 [n_atoms, 2]
        Bonded atoms by which a polar atom's direction is told, −1 for none.
    skip : bool [n_atoms, N_CODES]
        Atoms of the backbone that are three bonds away or nearer.
    n_chi
        Torsions that are varied.
    reach_nm
        Distance of the farthest atom from CA when all is stretched.
    """

    name: str
    atoms: tuple[str, ...]
    references: NDArray[np.int64]
    column: NDArray[np.int64]
    geometry: NDArray[np.float64]
    level: NDArray[np.int64]
    own: NDArray[np.float64]
    polar: NDArray[np.bool_]
    bases: NDArray[np.int64]
    skip: NDArray[np.bool_]
    n_chi: int
    reach_nm: float


def size_and_depth(element: str, flat: bool = False, metal: bool = False) -> tuple[float, float]:
    """Radius in nm and square root of the depth in (kJ/mol)^½ of an atom."""
    if metal:
        return _ION_SIZE
    if element == "C":
        return _FLAT_SIZE if flat else _CARBON_SIZE
    return _BY_ELEMENT.get(element, _OTHER_SIZE)


def is_flat(name: str, atom: str) -> bool:
    """Whether a carbon of an amino acid has no tetrahedral shell."""
    return atom == "C" or atom in _FLAT_CARBONS.get(name, ())


@cache
def acid_tables(name: str) -> AcidTables:
    """Tables of an amino acid by three-letter code."""
    acid = AMINO_ACIDS[name]
    steps = [step for step in acid.build if step.atom != "O"]
    atoms = tuple(step.atom for step in steps)
    place = {"N": 0, "CA": 1, "C": 2} | {atom: k + 3 for k, atom in enumerate(atoms)}
    n_chi = min(len(acid.chi), 4)
    n = len(atoms)
    column, level = np.full(n, -1, dtype=np.int64), np.zeros(n, dtype=np.int64)
    for k, step in enumerate(steps):
        chi = int(step.torsion[3:]) - 1 if step.torsion else -1
        above = max([level[place[atom] - 3] for atom in step.references if place[atom] >= 3], default=0)
        column[k] = chi if chi < n_chi else -1
        level[k] = max(above, column[k] + 1)
    neighbours: dict[str, set[str]] = {atom: set() for atom in acid.atoms}
    for one, other in acid.bonds:
        neighbours[one].add(other)
        neighbours[other].add(one)
    own, polar, bases = np.zeros((n, 6)), np.zeros((n, 2), dtype=bool), np.full((n, 2), -1, dtype=np.int64)
    for k, atom in enumerate(atoms):
        element = atom[0]
        kind = {"C": CARBON, "N": POLAR, "O": POLAR, "S": SULPHUR}[element]
        own[k] = (
            *size_and_depth(element, is_flat(name, atom)),
            CHARGES.get((name, atom), 0.0),
            kind,
            atom in AROMATIC.get(name, ()),
            1.0,
        )
        polar[k] = (atom in DONORS.get(name, ()), atom in ACCEPTORS.get(name, ()))
        near = [place[other] for other in neighbours[atom] if place[other] < 3 or level[place[other] - 3] <= level[k]]
        bases[k, : len(near[:2])] = sorted(near)[:2]
    reach = 0.0
    if n:
        length = {"CA": 0.0}
        for step in steps:
            length[step.atom] = length[step.references[2]] + BUILD_GEOMETRY[name][step.atom][0]
        reach = max(length.values())
    return AcidTables(
        name=name,
        atoms=atoms,
        references=np.array([[place[one] for one in step.references] for step in steps], dtype=np.int64).reshape(n, 3),
        column=column,
        geometry=np.array([BUILD_GEOMETRY[name][atom] for atom in atoms], dtype=np.float64).reshape(n, 3),
        level=level,
        own=own,
        polar=polar,
        bases=bases,
        skip=_near_backbone(neighbours, atoms),
        n_chi=n_chi,
        reach_nm=reach,
    )


def _near_backbone(neighbours: dict[str, set[str]], atoms: tuple[str, ...]) -> NDArray[np.bool_]:
    """Atoms of the backbone at most three bonds from each atom of a side chain: [n_atoms, N_CODES]."""
    skip = np.zeros((len(atoms), N_CODES), dtype=bool)
    for k, atom in enumerate(atoms):
        bonds, front = {atom: 0}, [atom]
        while front:
            one = front.pop(0)
            for other in neighbours[one]:
                if other not in bonds:
                    bonds[other] = bonds[one] + 1
                    front.append(other)
        to_n, to_c = bonds["N"], bonds["C"]
        away = (to_n, bonds["CA"], to_c, to_c + 1, to_n + 1, to_n + 2, to_n + 2, to_c + 1, to_c + 2)
        skip[k, 1:] = np.array(away) <= 3
    return skip
