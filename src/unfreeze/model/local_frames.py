"""Local geometry of residues: frames, torsions, and where side chains are. Invariants are built on these."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.blocks import Blocks
from unfreeze.structure.complex import Complex
from unfreeze.structure.geometry import torsion_angles

__all__ = ["backbone_torsions", "local_frames", "side_centres"]

_BACKBONE = ("N", "CA", "C", "O", "OXT")
_CHI1_ENDS = ("CG", "CG1", "OG", "OG1", "SG", "SE")


def local_frames(molecule: Complex) -> NDArray[np.float64]:
    """Right-handed orthonormal frame of every residue, axes in columns: [n_residues, 3, 3]; NaN where there is none.

    Amino acids: x from CA to C, y in the plane of N, on its side. Nucleotides: from C4', C1' and P or C3'.
    """
    first, middle, last = (molecule.atom_of_residue(name) for name in ("N", "CA", "C"))
    nucleic = molecule.residue_kind == "nucleic"
    for target, name in ((first, "C4'"), (middle, "C1'"), (last, "C3'")):
        target[nucleic] = molecule.atom_of_residue(name)[nucleic]
    known = (first >= 0) & (middle >= 0) & (last >= 0)
    at = molecule.coordinates_nm
    x = at[last] - at[middle]
    y = at[first] - at[middle]
    with np.errstate(invalid="ignore", divide="ignore"):
        x = x / np.linalg.norm(x, axis=1)[:, None]
        y = y - (x * y).sum(axis=1)[:, None] * x
        y = y / np.linalg.norm(y, axis=1)[:, None]
    frames = np.stack([x, y, np.cross(x, y)], axis=2)
    frames[~known] = np.nan
    return frames


def side_centres(molecule: Complex, blocks: Blocks) -> NDArray[np.float64]:
    """Mean position of the side-chain (base) atoms of every block, or of all atoms if it has none: [n_blocks, 3]."""
    polymer = np.isin(molecule.residue_kind, ("protein", "nucleic"))[molecule.residue_index]
    in_backbone = polymer & (
        np.isin(molecule.atom_name, _BACKBONE)
        | np.char.endswith(molecule.atom_name, "'")
        | np.isin(molecule.atom_name, ("P", "OP1", "OP2", "OP3"))
    )
    chosen = ~in_backbone
    block = blocks.atom_block[chosen]
    count = np.bincount(block, minlength=blocks.n_blocks)
    centre = blocks.centre_nm.copy()
    for axis in range(3):
        total = np.bincount(block, molecule.coordinates_nm[chosen, axis], minlength=blocks.n_blocks)
        centre[:, axis] = np.where(count > 0, total / np.maximum(count, 1), centre[:, axis])
    return centre


def backbone_torsions(molecule: Complex) -> NDArray[np.float64]:
    """φ, ψ and χ1 of every residue, rad; NaN where undefined: [n_residues, 3]."""
    n, ca, c, cb = (molecule.atom_of_residue(name) for name in ("N", "CA", "C", "CB"))
    end = np.full(molecule.n_residues, -1, dtype=np.int64)
    for name in reversed(_CHI1_ENDS):
        found = molecule.atom_of_residue(name)
        end = np.where(found >= 0, found, end)
    before = np.full(molecule.n_residues, -1, dtype=np.int64)
    after = before.copy()
    names = molecule.atom_name[molecule.links]
    for one, other in ((0, 1), (1, 0)):
        peptide = (names[:, one] == "C") & (names[:, other] == "N")
        first, second = molecule.residue_index[molecule.links[peptide][:, (one, other)]].T
        after[first], before[second] = second, first
    torsions = np.full((molecule.n_residues, 3), np.nan)
    quadruples = (
        (np.where(before >= 0, c[before], -1), n, ca, c),
        (n, ca, c, np.where(after >= 0, n[after], -1)),
        (n, ca, cb, end),
    )
    for column, atoms in enumerate(quadruples):
        rows = np.stack(atoms, axis=1)
        known = (rows >= 0).all(axis=1) & (molecule.residue_kind == "protein")
        if known.any():
            torsions[known, column] = torsion_angles(*(molecule.coordinates_nm[one] for one in rows[known].T))
    return torsions
