"""Side chains that can turn: which torsions, which atoms each moves.

Turning about a bond keeps every bond length, angle, plane and hand. What must stay as it is is left out: proline and
other rings, disulfides, side chains bonded to anything outside their residue, and residues other than the twenty
amino acids (selenomethionine excepted).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.chemistry.residues import AMINO_ACIDS, TORSION_NAMES
from unfreeze.structure.complex import Complex
from unfreeze.structure.geometry import torsion_angles
from unfreeze.structure.internal_coordinates.torsions import torsion_atoms

__all__ = ["N_CHI", "SideChains", "symmetric_chi"]

N_CHI = 4
_FIRST = TORSION_NAMES.index("chi1")


@dataclass(frozen=True, eq=False)
class SideChains:
    """The side chains of a complex that can turn.

    Attributes
    ----------
    residue : int64 [n_side_chains]
        Residue of each.
    quads : int64 [n_side_chains, 4, 4]
        Atoms of χ1 to χ4; −1 where there is no such torsion.
    symmetric : bool [n_side_chains, 4]
        Torsions of flat groups that look the same after half a turn.
    moved_atom, moved_row, shell : tuple of int64 [n_moved]
        For each of χ1 to χ4: the atoms that it moves, the side chain of each, and the last torsion (0 to 3) that
        moves the atom.
    """

    residue: NDArray[np.int64]
    quads: NDArray[np.int64]
    symmetric: NDArray[np.bool_]
    moved_atom: tuple[NDArray[np.int64], ...]
    moved_row: tuple[NDArray[np.int64], ...]
    shell: tuple[NDArray[np.int64], ...]

    @classmethod
    def of(cls, molecule: Complex, bonds: NDArray[np.int64], held: NDArray[np.bool_] | None = None) -> SideChains:
        """Find them.

        Parameters
        ----------
        molecule
            The complex.
        bonds
            [n_bonds, 2], all covalent bonds, those between residues too.
        held
            [n_residues], residues to leave out besides.
        """
        quads = torsion_atoms(molecule)[:, _FIRST : _FIRST + N_CHI]
        known = (molecule.residue_name == molecule.residue_parent_name) | (molecule.residue_name == "MSE")
        possible = known & (quads[:, 0, 0] >= 0) & (molecule.residue_parent_name != "PRO")
        if held is not None:
            possible &= ~held
        neighbours: list[list[int]] = [[] for _ in range(molecule.n_atoms)]
        for one, other in bonds.tolist():
            neighbours[one].append(other)
            neighbours[other].append(one)
        owner = molecule.residue_index
        rows, chosen_quads = [], []
        moves: list[tuple[list[int], list[int]]] = [([], []) for _ in range(N_CHI)]
        for residue in np.flatnonzero(possible).tolist():
            defined = quads[residue][quads[residue, :, 0] >= 0]
            sets = [_beyond(neighbours, int(quad[1]), int(quad[2])) for quad in defined]
            inside = [atoms is not None and (owner[atoms] == residue).all() for atoms in sets]
            if not all(inside):
                continue
            for k, atoms in enumerate(sets):
                moves[k][0].extend(atoms or ())
                moves[k][1].extend([len(rows)] * len(atoms or ()))
            rows.append(residue)
            chosen_quads.append(np.where(np.arange(N_CHI)[:, None] < len(defined), quads[residue], -1))
        residue_of = np.array(rows, dtype=np.int64)
        last = np.full(molecule.n_atoms, -1, dtype=np.int64)
        for k, (atoms, _) in enumerate(moves):
            last[atoms] = k
        moved_atom = tuple(np.array(atoms, dtype=np.int64) for atoms, _ in moves)
        return cls(
            residue=residue_of,
            quads=np.array(chosen_quads, dtype=np.int64).reshape(-1, N_CHI, 4),
            symmetric=symmetric_chi(molecule.residue_parent_name[residue_of]),
            moved_atom=moved_atom,
            moved_row=tuple(np.array(row, dtype=np.int64) for _, row in moves),
            shell=tuple(last[atoms] for atoms in moved_atom),
        )

    def __len__(self) -> int:
        return len(self.residue)

    @property
    def defined(self) -> NDArray[np.bool_]:
        """Which torsions there are: [n_side_chains, 4]."""
        return self.quads[..., 0] >= 0

    def values(self, frames_nm: NDArray[np.floating]) -> NDArray[np.float64]:
        """Torsions: [n_frames, n_side_chains, 4] of frames [n_frames, n_atoms, 3], rad; NaN where there is none."""
        defined = self.defined
        found = np.full((len(frames_nm), *defined.shape), np.nan)
        quads = self.quads[defined]
        found[:, defined] = torsion_angles(
            *(np.asarray(frames_nm[:, quads[:, place]], dtype=np.float64) for place in range(4))
        )
        return found


def symmetric_chi(names: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Torsions that end on one of two equivalent atoms of a flat group, of residues by name: [n_residues, 4]."""
    found = np.zeros((len(names), N_CHI), dtype=bool)
    for acid in AMINO_ACIDS.values():
        equivalent = {atom for pair in acid.symmetric_pairs for atom in pair}
        flat = {atom for group in acid.planar_groups for atom in group}
        for k, quad in enumerate(acid.chi[:N_CHI]):
            found[names == acid.name, k] = quad[3] in equivalent & flat
    return found


def _beyond(neighbours: list[list[int]], near: int, far: int) -> list[int] | None:
    """Atoms that turn when all beyond the bond near–far turns, `far` itself not; None if the bond is in a ring."""
    seen, stack = {far}, [far]
    while stack:
        atom = stack.pop()
        for other in neighbours[atom]:
            if atom == far and other == near:
                continue
            if other == near:
                return None
            if other not in seen:
                seen.add(other)
                stack.append(other)
        if len(seen) > 60:
            return None
    return sorted(seen - {far})
