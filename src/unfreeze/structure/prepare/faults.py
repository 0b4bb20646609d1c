"""Faults that simulations do not heal: wrong hands, cis peptides, stretched bonds, overlaps and threaded rings.

Each is told as of what was built here, which must not be, or as of the input, of which the user should know.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from unfreeze.structure.chemistry.covalent import (
    ideal_bonds,
    ideal_centres,
    metal_atoms,
    peptide_links,
    signed_volumes,
)
from unfreeze.structure.complex import Complex
from unfreeze.structure.geometry import torsion_angles

__all__ = ["Fault", "find_faults"]

_CIS = np.radians(60.0)
_TWISTED = np.radians(130.0)
_STRETCHED_NM = 0.03
_CLASH_NM = 0.20
_RINGS = {
    "PHE": (("CG", "CD1", "CE1", "CZ", "CE2", "CD2"),),
    "TYR": (("CG", "CD1", "CE1", "CZ", "CE2", "CD2"),),
    "TRP": (("CG", "CD1", "NE1", "CE2", "CD2"), ("CD2", "CE2", "CZ2", "CH2", "CZ3", "CE3")),
    "HIS": (("CG", "ND1", "CE1", "NE2", "CD2"),),
    "PRO": (("N", "CA", "CB", "CG", "CD"),),
}


@dataclass(frozen=True)
class Fault:
    """Something wrong.

    Attributes
    ----------
    kind
        ``hand``, ``cis``, ``twisted``, ``bond``, ``overlap`` or ``ring``.
    residues
        Rows of the residues that it is about.
    built
        Whether atoms are involved that were built here.
    text
        A sentence.
    """

    kind: str
    residues: tuple[int, ...]
    built: bool
    text: str


def find_faults(complex: Complex, built: NDArray[np.bool_]) -> list[Fault]:
    """Faults of a prepared structure.

    Parameters
    ----------
    complex
        With or without hydrogens.
    built : bool [n_atoms]
        Atoms that were made here.

    Returns
    -------
    list of Fault
        Those of the input, too.
    """
    return [
        *_hands(complex, built),
        *_peptides(complex, built),
        *_bonds(complex, built),
        *_overlaps(complex, built),
        *_threaded_rings(complex, built),
    ]


def _hands(complex: Complex, built: NDArray[np.bool_]) -> list[Fault]:
    centres = ideal_centres(complex, ideal_bonds(complex))
    wrong = signed_volumes(complex.coordinates_nm[None], centres.atoms)[0] * centres.sign < 0
    faults = []
    for atoms in centres.atoms[wrong]:
        row = int(complex.residue_index[atoms[0]])
        text = f"{complex.atom_label(int(atoms[0]))} has the wrong hand (D instead of L)."
        faults.append(Fault("hand", (row,), bool(built[atoms].any()), text))
    return faults


def _peptides(complex: Complex, built: NDArray[np.bool_]) -> list[Fault]:
    peptides = peptide_links(complex)
    alpha = complex.atom_of_residue("CA")
    rows = complex.residue_index[peptides]
    ends = alpha[rows]
    whole = (ends >= 0).all(axis=1)
    peptides, rows, ends = peptides[whole], rows[whole], ends[whole]
    quads = np.stack([ends[:, 0], peptides[:, 0], peptides[:, 1], ends[:, 1]], axis=1)
    omega = np.abs(torsion_angles(*(complex.coordinates_nm[quads[:, k]] for k in range(4))))
    faults = []
    for at in np.flatnonzero(omega < _TWISTED):
        new = bool(built[quads[at]].any())
        first, second = (int(row) for row in rows[at])
        cis = omega[at] < _CIS
        if cis and not new and complex.residue_parent_name[second] == "PRO":
            continue
        word = "cis" if cis else f"twisted ({np.degrees(omega[at]):.0f}°)"
        text = f"The peptide bond {complex.residue_label(first)}-{complex.residue_label(second)} is {word}."
        faults.append(Fault("cis" if cis else "twisted", (first, second), new, text))
    return faults


def _bonds(complex: Complex, built: NDArray[np.bool_]) -> list[Fault]:
    bonds = ideal_bonds(complex)
    x = complex.coordinates_nm
    length = np.linalg.norm(x[bonds.atoms[:, 0]] - x[bonds.atoms[:, 1]], axis=1)
    expected = bonds.length_nm.copy()
    names = complex.atom_name[bonds.atoms]
    across = complex.residue_index[bonds.atoms[:, 0]] != complex.residue_index[bonds.atoms[:, 1]]
    peptide = across & (np.sort(names, axis=1) == ["C", "N"]).all(axis=1)
    expected[peptide] = 0.1329
    faults = []
    for at in np.flatnonzero(np.abs(length - expected) > _STRETCHED_NM):
        pair = bonds.atoms[at]
        labels = " and ".join(complex.atom_label(int(atom)) for atom in pair)
        rows = tuple(sorted({int(row) for row in complex.residue_index[pair]}))
        text = f"The bond of {labels} is {length[at]:.3f} nm long, expected {expected[at]:.3f}."
        faults.append(Fault("bond", rows, bool(built[pair].any()), text))
    return faults


def _overlaps(complex: Complex, built: NDArray[np.bool_]) -> list[Fault]:
    heavy = np.flatnonzero((complex.element != "H") & ~metal_atoms(complex))
    pairs = heavy[KDTree(complex.coordinates_nm[heavy]).query_pairs(_CLASH_NM, output_type="ndarray")]
    rows = complex.residue_index[pairs]
    linked = {tuple(sorted(pair)) for pair in complex.residue_index[complex.links].tolist()}
    faults = []
    for pair, (first, second) in zip(pairs.tolist(), rows.tolist(), strict=True):
        if first == second or tuple(sorted((first, second))) in linked:
            continue
        distance = float(np.linalg.norm(complex.coordinates_nm[pair[0]] - complex.coordinates_nm[pair[1]]))
        labels = " and ".join(complex.atom_label(atom) for atom in pair)
        text = f"{labels} are {distance:.3f} nm apart and not bound."
        faults.append(Fault("overlap", tuple(sorted((first, second))), bool(built[pair].any()), text))
    return faults


def _threaded_rings(complex: Complex, built: NDArray[np.bool_]) -> list[Fault]:
    """Bonds that pass through a ring of a side chain."""
    bonds = ideal_bonds(complex).atoms
    x = complex.coordinates_nm
    if len(bonds) == 0:
        return []
    tree = KDTree(x[bonds].mean(axis=1))
    faults = []
    atom_of: dict[str, NDArray[np.int64]] = defaultdict()
    for name, rings in _RINGS.items():
        for row in np.flatnonzero(complex.residue_parent_name == name):
            for ring in rings:
                for atom in ring:
                    if atom not in atom_of:
                        atom_of[atom] = complex.atom_of_residue(atom)
                atoms = np.array([atom_of[atom][row] for atom in ring])
                if (atoms < 0).any():
                    continue
                faults += _through(complex, built, int(row), atoms, bonds, tree)
    return faults


def _through(
    complex: Complex,
    built: NDArray[np.bool_],
    row: int,
    ring: NDArray[np.int64],
    bonds: NDArray[np.int64],
    tree: KDTree,
) -> list[Fault]:
    x = complex.coordinates_nm
    corners = x[ring]
    centre = corners.mean(axis=0)
    faults = []
    for at in tree.query_ball_point(centre, 0.18):
        pair = bonds[at]
        if (complex.residue_index[pair] == row).any():
            continue
        normal = np.linalg.svd(corners - centre)[2][2]
        heights = (x[pair] - centre) @ normal
        if heights[0] * heights[1] >= 0:
            continue
        point = x[pair[0]] + (x[pair[1]] - x[pair[0]]) * heights[0] / (heights[0] - heights[1])
        radius = float(np.linalg.norm(corners - centre, axis=1).mean())
        if np.linalg.norm(point - centre) < 0.9 * radius:
            labels = " and ".join(complex.atom_label(int(atom)) for atom in pair)
            rows = tuple(sorted({row, *(int(other) for other in complex.residue_index[pair])}))
            new = bool(built[[*ring, *pair]].any())
            faults.append(
                Fault("ring", rows, new, f"The bond of {labels} passes through a ring of {complex.residue_label(row)}.")
            )
    return faults
