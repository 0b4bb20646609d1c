"""How stiff a complex is around one residue, and what another side chain there changes: exactly, from a few blocks.

The springs of the harmonic ensemble change at the mutated residue only. With the change Δ of the precision matrix H on
the few blocks B that it touches, and C = H⁻¹,

    log det(H + Δ) − log det H = log det(1 + C_BB Δ_BB)                  (matrix determinant lemma)
    C' = C − C_·B K C_B·,   K = Δ_BB (1 + C_BB Δ_BB)⁻¹                   (Woodbury 1950)

so that one factorisation serves every mutant. The vibrational free energy changes by ½ RT of the first line; the RMSF
follows from the second, with rigid motions of the whole taken out as the draws of the ensemble have it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import get_lapack_funcs
from scipy.spatial import KDTree

from unfreeze.physics.harmonic import GAS_CONSTANT, HarmonicEnsemble, rigid_motions
from unfreeze.physics.springs import SpringConstants, Springs, find_springs
from unfreeze.structure.blocks import Blocks, partition
from unfreeze.structure.complex import Complex

__all__ = ["Change", "Stiffness", "StiffnessChange", "heavy_only"]

_MOST_DENSE_BLOCKS = 1000
_SIDE_BEGINS = ("N", "CA", "C", "O", "OXT")


@dataclass(frozen=True, eq=False)
class Change:
    """A change of the precision matrix.

    Attributes
    ----------
    blocks : int64 [n]
        Blocks that it touches.
    delta : float64 [6 n, 6 n]
        What is added to the precision of these blocks, kJ/mol in nm and rad.
    """

    blocks: NDArray[np.int64]
    delta: NDArray[np.float64]


@dataclass(frozen=True)
class StiffnessChange:
    """What a change of springs does.

    Attributes
    ----------
    free_energy_kJ_mol
        −TΔS of the springs, ½ RT log (det H' / det H): positive where they become stiffer.
    rmsf_change
        Relative change of the RMSF of a residue's CA, new / old − 1.
    """

    free_energy_kJ_mol: float
    rmsf_change: float


def heavy_only(molecule: Complex) -> Complex:
    """The complex without hydrogens; itself if it has none."""
    hydrogen = np.isin(molecule.element, ("H", "D"))
    return molecule.take_atoms(~hydrogen) if hydrogen.any() else molecule


class Stiffness:
    """The untrained springs of a complex, factored once, and what changes of single residues do to them.

    Parameters
    ----------
    molecule
        The complex; its hydrogens are left out.
    temperature_K
        Temperature of free energies.
    """

    def __init__(self, molecule: Complex, *, temperature_K: float = 300.0) -> None:
        self.molecule = heavy_only(molecule)
        self.temperature_K = temperature_K
        self.constants = SpringConstants()
        self.blocks: Blocks = partition(self.molecule)
        self.springs: Springs = find_springs(self.molecule, self.blocks, self.constants)
        self.ensemble = HarmonicEnsemble.build(
            self.molecule,
            self.blocks,
            self.springs,
            temperature_K=temperature_K,
            translation_tether=self.constants.translation_tether,
            rotation_tether=self.constants.rotation_tether,
        )
        self.tree = KDTree(self.molecule.coordinates_nm)
        self.alpha = self.molecule.atom_of_residue("CA")
        self._named = {name: self.molecule.atom_of_residue(name) for name in ("N", "C", "O", "CB")}
        self._columns: dict[int, NDArray[np.float64]] = {}
        self._dense: NDArray[np.float64] | None = None
        n_blocks = self.blocks.n_blocks
        fit = np.zeros((n_blocks, 6, 6))
        self._motions = rigid_motions(self.blocks.centre_nm).reshape(n_blocks, 3, 6)
        pseudo = np.asarray(np.linalg.pinv(self._motions.reshape(-1, 6)), dtype=np.float64)  # [6, 3 n_blocks]
        fit[:, :3] = pseudo.reshape(6, n_blocks, 3).transpose(1, 2, 0)
        columns = fit.reshape(-1, 6)
        self._rigid = self.ensemble.solve(columns)
        self._rigid_covariance = columns.T @ self._rigid

    def prepare_all(self) -> None:
        """Invert the whole matrix at once, where it is not too large: for scans over many residues."""
        if self._dense is None and self.blocks.n_blocks <= _MOST_DENSE_BLOCKS:
            matrix = np.asfortranarray(self.ensemble.precision.toarray())
            potrf, potri = get_lapack_funcs(("potrf", "potri"), (matrix,))
            factor, failed = potrf(matrix, lower=1, overwrite_a=1)
            if failed == 0:
                inverse, failed = potri(factor, lower=1, overwrite_c=1)
                upper = np.triu_indices(len(inverse), 1)
                inverse[upper] = inverse.T[upper]
                self._dense = np.ascontiguousarray(inverse)

    def covariance(self, blocks: NDArray[np.int64]) -> NDArray[np.float64]:
        """H⁻¹ among some blocks: [6 n, 6 n]."""
        rows = (6 * blocks[:, None] + np.arange(6)).ravel()
        if self._dense is not None:
            return self._dense[np.ix_(rows, rows)]
        missing = [int(block) for block in blocks if int(block) not in self._columns]
        if missing:
            at = (6 * np.array(missing)[:, None] + np.arange(6)).ravel()
            forces = np.zeros((6 * self.blocks.n_blocks, len(at)))
            forces[at, np.arange(len(at))] = 1.0
            solved = self.ensemble.solve(forces)
            for k, block in enumerate(missing):
                self._columns[block] = np.ascontiguousarray(solved[:, 6 * k : 6 * k + 6])
        found = np.concatenate([self._columns[int(block)][rows] for block in blocks], axis=1)
        return 0.5 * (found + found.T)

    def block_of(self, residue: int) -> int:
        """Block of a residue of protein."""
        return int(self.blocks.atom_block[self.alpha[residue]])

    def effect(self, change: Change, residue: int) -> StiffnessChange:
        """What a change does to the free energy and to the RMSF of a residue whose block it touches."""
        covariance = self.covariance(change.blocks)
        system = covariance @ change.delta
        system[np.diag_indices(len(system))] += 1.0
        sign, log_det = np.linalg.slogdet(system)
        free_energy = 0.5 * GAS_CONSTANT * self.temperature_K * log_det if sign > 0 else np.nan
        kernel = np.linalg.solve(system.T, change.delta.T).T
        block = self.block_of(residue)
        at = int(np.flatnonzero(change.blocks == block)[0])
        rows = slice(6 * at, 6 * at + 6)
        rigid_here = self._rigid.reshape(self.blocks.n_blocks, 6, 6)[change.blocks].reshape(-1, 6)
        old = self._fluctuation(residue, covariance[rows, rows], rigid_here[rows], self._rigid_covariance)
        through = covariance[rows] @ kernel
        new = self._fluctuation(
            residue,
            covariance[rows, rows] - through @ covariance[:, rows],
            rigid_here[rows] - through @ rigid_here,
            self._rigid_covariance - rigid_here.T @ kernel @ rigid_here,
        )
        return StiffnessChange(float(free_energy), float(np.sqrt(new / old)) - 1.0)

    def free_energy(self, change: Change) -> float:
        """−TΔS of a change alone, kJ/mol."""
        system = self.covariance(change.blocks) @ change.delta
        system[np.diag_indices(len(system))] += 1.0
        sign, log_det = np.linalg.slogdet(system)
        return float(0.5 * GAS_CONSTANT * self.temperature_K * log_det) if sign > 0 else float("nan")

    def rmsf_nm(self, residue: int) -> float:
        """RMSF of a residue's CA, nm."""
        block = np.array([self.block_of(residue)])
        rigid = self._rigid.reshape(self.blocks.n_blocks, 6, 6)[block[0]]
        return float(np.sqrt(self._fluctuation(residue, self.covariance(block), rigid, self._rigid_covariance)))

    def _fluctuation(
        self,
        residue: int,
        own: NDArray[np.float64],
        with_rigid: NDArray[np.float64],
        rigid: NDArray[np.float64],
    ) -> float:
        """Mean square displacement of a residue's CA, the rigid motion that fits all centres best taken out; nm²."""
        block = self.block_of(residue)
        arm = self.molecule.coordinates_nm[self.alpha[residue]] - self.blocks.centre_nm[block]
        motion = np.zeros((6, 6))
        motion[:3], motion[3:, 3:] = self._motions[block], np.eye(3)
        left = own - motion @ with_rigid.T - with_rigid @ motion.T + motion @ rigid @ motion.T
        lever = np.zeros((3, 6))
        lever[:, :3] = np.eye(3)
        x, y, z = arm
        lever[:, 3:] = [[0.0, z, -y], [-z, 0.0, x], [y, -x, 0.0]]  # ω × arm
        return float(GAS_CONSTANT * self.temperature_K * np.trace(lever @ left @ lever.T))

    def side_chain_change(self, residue: int, points: NDArray[np.float64], *, remove: bool = True) -> Change:
        """The change when a residue gets another side chain and nothing else moves.

        The centre of its block is left where it is, which changes the tethers of the block by next to nothing.

        Parameters
        ----------
        residue
            Row of the residue.
        points : [n, 3]
            Atoms of the new side chain, CB first; none for glycine.
        remove
            Take away the springs of the side chain that is there.
        """
        from unfreeze.properties.mutants.spring_kernels import add_springs

        molecule, block = self.molecule, self.block_of(residue)
        mine = np.flatnonzero(molecule.residue_index == residue)
        names = molecule.atom_name[mine]
        old = mine[~np.isin(names, _SIDE_BEGINS)]
        old = np.concatenate([old[molecule.atom_name[old] == "CB"], old[molecule.atom_name[old] != "CB"]])
        old_points = molecule.coordinates_nm[old] if remove else np.zeros((0, 3))
        both = np.concatenate([old_points, points])
        if not len(both):
            return Change(np.array([block]), np.zeros((6, 6)))
        centre = molecule.coordinates_nm[self.alpha[residue]]
        reach = np.linalg.norm(both - centre, axis=1).max() + self.constants.cutoff_nm
        near = np.array(self.tree.query_ball_point(centre, reach), dtype=np.int64)
        near = near[self.blocks.atom_block[near] != block]
        owners = self.blocks.atom_block[near]
        blocks, local = np.unique(owners, return_inverse=True)
        blocks = np.concatenate([[block], blocks])
        partners, stiff = self._torsion_partners(residue)
        place = np.searchsorted(blocks[1:], self.blocks.atom_block[partners]) + 1
        delta = np.zeros((6 * len(blocks), 6 * len(blocks)))
        at, centres = molecule.coordinates_nm, self.blocks.centre_nm[blocks]
        constants = self.constants
        law = (constants.cutoff_nm, constants.contact, constants.contact_distance_nm)
        law = (*law, constants.contact_floor_nm, constants.close_factor)
        had_beta = len(old) > 0 and molecule.atom_name[old[0]] == "CB"
        for sign, atoms, beta in ((-1.0, old_points, had_beta), (1.0, points, len(points) > 0)):
            if len(atoms):
                joined = at[partners] if beta else np.zeros((0, 3))
                atoms = np.ascontiguousarray(atoms)
                add_springs(atoms, at[near], local + 1, centres, *law, joined, place, stiff, sign, delta)
        touched = np.abs(delta).reshape(len(blocks), 6, -1).max(axis=(1, 2)) > 0.0
        touched[0] = True
        rows = np.repeat(touched, 6)
        return Change(blocks[touched], delta[np.ix_(rows, rows)])

    def mutant_change(self, mutant: Complex, residues: Sequence[int]) -> Change:
        """The change when a mutant takes the place of the complex: the springs of both compared, to the last one.

        Parameters
        ----------
        mutant
            A complex with the same residues.
        residues
            Rows of all residues whose atoms differ.
        """
        other = heavy_only(mutant)
        # a disulfide that goes may part bodies, which changes springs far away
        far = len(other.links) != len(self.molecule.links)
        chosen = np.ones(other.n_residues, dtype=bool) if far else self._reached(other, residues)
        mine, theirs = self.molecule.take_residues(chosen), other.take_residues(chosen)
        blocks = np.flatnonzero(chosen[self.blocks.block_residue])
        centres = self.blocks.centre_nm[blocks]
        before, after = self._precision(mine, centres), self._precision(theirs, centres)
        delta = after - before
        # tethers hold blocks at their centres, which move with their atoms
        new = partition(theirs).centre_nm
        tether = np.diag(self.ensemble.tether[0])
        for block in np.flatnonzero(np.abs(new - centres).max(axis=1) > 0.0).tolist():
            x, y, z = new[block] - centres[block]
            shift = np.eye(6)
            shift[:3, 3:] = [[0.0, z, -y], [-z, 0.0, x], [y, -x, 0.0]]
            rows = slice(6 * block, 6 * block + 6)
            delta[rows, rows] += shift.T @ tether @ shift - tether
        touched = np.abs(delta).reshape(len(blocks), -1).max(axis=1) > 1e-7
        touched |= np.isin(blocks, [self.block_of(row) for row in residues])
        rows = np.repeat(touched, 6)
        return Change(blocks[touched], delta[np.ix_(rows, rows)])

    def _reached(self, other: Complex, residues: Sequence[int]) -> NDArray[np.bool_]:
        """Residues that springs of some residues reach in either complex: [n_residues]."""
        reached = np.zeros(other.n_residues, dtype=bool)
        for molecule, tree in ((self.molecule, self.tree), (other, KDTree(other.coordinates_nm))):
            points = molecule.coordinates_nm[np.isin(molecule.residue_index, residues)]
            found = tree.query_ball_point(points, self.constants.cutoff_nm + 1e-6)
            atoms = np.unique(np.concatenate([np.array(rows, dtype=np.int64) for rows in found]))
            reached[molecule.residue_index[atoms]] = True
        return reached

    def _precision(self, molecule: Complex, centres: NDArray[np.float64]) -> NDArray[np.float64]:
        """H of a few residues alone about given centres: [6 n, 6 n]."""
        blocks = replace(partition(molecule), centre_nm=centres)
        ensemble = HarmonicEnsemble.build(
            molecule,
            blocks,
            find_springs(molecule, blocks, self.constants),
            translation_tether=self.constants.translation_tether,
            rotation_tether=self.constants.rotation_tether,
        )
        return ensemble.precision.toarray()

    def _torsion_partners(self, residue: int) -> tuple[NDArray[np.int64], float]:
        """Atoms of the residues before and after that CB is joined to, and how stiffly."""
        links = self.blocks.links
        names = self.molecule.atom_name[links]
        owner = self.molecule.residue_index[links]
        partners: list[int] = []
        for c, n in ((0, 1), (1, 0)):
            peptide = (names[:, c] == "C") & (names[:, n] == "N")
            for before, after in owner[peptide][:, [c, n]].tolist():
                if before == residue:
                    partners += [int(self._named[name][after]) for name in ("N", "CB")]
                elif after == residue:
                    partners += [int(self._named[name][before]) for name in ("C", "O", "CB")]
        return np.array([atom for atom in partners if atom >= 0], dtype=np.int64), self.constants.torsion
