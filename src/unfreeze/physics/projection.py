"""Covalent projection: move frames as little as possible so that every rigid group has its shape again.

Projective dynamics (Bouaziz et al. 2014, ACM Trans. Graph. 33, 154). Minimised is

    Σ_groups Σ_k |(x_k − x̄) − R_g p_k|²  +  α Σ_atoms |x − x_draw|²

in turn over the rotations R_g (a batched best fit) and over the coordinates x (one sparse system whose factor never
changes, all frames and axes as right-hand sides). At the end blocks are made exactly rigid and peptide oxygens are
put back into their planes, so that what remains of the error sits in the bonds between blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, eye_array
from scipy.sparse.linalg import SuperLU, splu

from unfreeze.physics.groups import RigidGroups, find_groups, plane_frames
from unfreeze.physics.rigid_fit import best_rotations
from unfreeze.structure.blocks import Blocks
from unfreeze.structure.complex import Complex

__all__ = ["CovalentProjector"]


@dataclass(frozen=True, eq=False)
class _Batch:
    """Groups of one size: `columns` [n, size] of the solved atoms, centred `template` [n, size, 3], mask [n, size]."""

    columns: NDArray[np.int64]
    template: NDArray[np.float64]
    mask: NDArray[np.float64]


class CovalentProjector:
    """Restores covalent geometry in whole batches of frames.

    Parameters
    ----------
    molecule, blocks
        The complex in its reference structure, and its rigid blocks.
    anchor
        α: how strongly atoms hold to where they were drawn, relative to a rigid group's 1.
    """

    def __init__(self, molecule: Complex, blocks: Blocks, *, anchor: float = 1e-3) -> None:
        self.molecule = molecule
        self.blocks = blocks
        self.anchor = anchor
        self.groups: RigidGroups = find_groups(molecule, blocks)
        self.solved: NDArray[np.int64] = np.unique(self.groups.atoms)
        """Atoms that are solved for, [n_solved]; the others follow their blocks."""
        self._batches = self._sort_by_size()

    def _sort_by_size(self) -> list[_Batch]:
        groups = self.groups
        row = np.full(self.molecule.n_atoms, -1, dtype=np.int64)
        row[self.solved] = np.arange(len(self.solved))
        sizes = np.diff(groups.start)
        # sizes are rounded up, and the rest filled with members of no weight, so that few batches remain
        rounded = np.where(sizes <= 8, sizes, -(-sizes // 4) * 4)
        batches = []
        for size in np.unique(rounded[sizes >= 2]):
            chosen = np.flatnonzero((rounded == size) & (sizes >= 2))
            within = np.minimum(np.arange(size), sizes[chosen, None] - 1)
            mask = (np.arange(size) < sizes[chosen, None]).astype(np.float64)
            member = groups.start[chosen, None] + within
            template = groups.template_nm[member]
            mean = (template * mask[..., None]).sum(axis=1, keepdims=True) / mask.sum(axis=1)[:, None, None]
            batches.append(_Batch(row[groups.atoms[member]], (template - mean) * mask[..., None], mask))
        return batches

    @cached_property
    def _factor(self) -> SuperLU:
        """Factor of α + Σ_groups (1 − 11ᵀ/size), [n_solved, n_solved]."""
        n_solved = len(self.solved)
        system = self.anchor * eye_array(n_solved, format="csc")
        for batch in self._batches:
            n_groups, size = batch.columns.shape
            share = batch.mask[:, :, None] * np.eye(size) - (
                batch.mask[:, :, None] * batch.mask[:, None, :] / batch.mask.sum(axis=1)[:, None, None]
            )
            rows = np.repeat(batch.columns, size, axis=1).ravel()
            columns = np.tile(batch.columns, (1, size)).ravel()
            system = system + csc_array((share.reshape(n_groups, -1).ravel(), (rows, columns)), shape=(n_solved,) * 2)
        return splu(
            csc_array(system), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
        )

    @cached_property
    def _scatter(self) -> list[csr_array]:
        """For every batch, the matrix that adds the groups' points onto the solved atoms."""
        return [
            csr_array(
                (batch.mask.ravel(), (batch.columns.ravel(), np.arange(batch.columns.size))),
                shape=(len(self.solved), batch.columns.size),
            )
            for batch in self._batches
        ]

    def prepare(self) -> None:
        """Compute all that projection needs, so that threads only read."""
        _ = self._factor, self._scatter, self._block_fit, self._arms, self._average, self.inertia, self.next_block

    def project(self, drawn_nm: NDArray[np.float64], n_iterations: int = 20) -> NDArray[np.float64]:
        """Restore covalent geometry.

        Parameters
        ----------
        drawn_nm
            [n_frames, n_atoms, 3], nm.
        n_iterations
            Rounds of projective dynamics.

        Returns
        -------
        float64 [n_frames, n_atoms, 3]
        """
        solved = self.relax(drawn_nm[:, self.solved], n_iterations)
        return self.rigidify(drawn_nm, solved)

    def relax(
        self, anchors_nm: NDArray[np.float64], n_iterations: int, start_nm: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Project the solved atoms alone.

        Parameters
        ----------
        anchors_nm
            [n_frames, n_solved, 3], nm: where the atoms are drawn to.
        n_iterations
            Rounds of projective dynamics.
        start_nm
            [n_frames, n_solved, 3], nm: where the iteration begins; the anchors when None.

        Returns
        -------
        float64 [n_frames, n_solved, 3]
        """
        n_frames, n_solved, _ = anchors_nm.shape

        def columns(points: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.ascontiguousarray(points.transpose(1, 2, 0)).reshape(n_solved, 3 * n_frames)

        anchors = columns(anchors_nm)
        points = anchors if start_nm is None else columns(start_nm)
        for number in range(n_iterations):
            # a few rounds from the draw, groups nearly fit and rotations need fewer steps
            n_steps = 12 if start_nm is None and number < 4 else 5
            goal = self.anchor * anchors
            for batch, scatter in zip(self._batches, self._scatter, strict=True):
                goal += scatter @ self._shapes(batch, points, n_frames, n_steps)
            points = self._factor.solve(goal)
        return points.reshape(n_solved, 3, n_frames).transpose(2, 0, 1)

    def _shapes(self, batch: _Batch, points: NDArray[np.float64], n_frames: int, n_steps: int) -> NDArray[np.float64]:
        """Every group's template, turned to fit: [n_groups·size, 3 n_frames]."""
        n_groups, size = batch.columns.shape
        members = points[batch.columns]
        if size == 2:
            return _sticks(batch, members, n_frames).reshape(n_groups * size, 3 * n_frames)
        covariances = np.matmul(batch.template.transpose(0, 2, 1), members)
        rotations = self._turns(batch, members, covariances, n_frames, n_steps)
        turned = np.matmul(batch.template, rotations)
        return turned.reshape(n_groups * size, 3 * n_frames)

    @staticmethod
    def _turns(
        batch: _Batch,
        members: NDArray[np.float64],
        covariances: NDArray[np.float64],
        n_frames: int,
        n_steps: int,
    ) -> NDArray[np.float64]:
        """Rᵀ of every group and frame, as [n_groups, 3, 3 n_frames] so that template @ Rᵀ is the fitted shape."""
        n_groups = len(batch.columns)
        weighted = members * batch.mask[:, :, None]
        squares = np.einsum("gmf,gmf->gf", weighted, weighted)
        sums = weighted.sum(axis=1)
        squares -= sums * sums / batch.mask.sum(axis=1)[:, None]
        spread = squares.reshape(n_groups, 3, n_frames).sum(axis=1)
        spread += (batch.template**2).sum(axis=(1, 2))[:, None]
        matrices = covariances.reshape(n_groups, 3, 3, n_frames).transpose(1, 2, 0, 3).reshape(3, 3, -1)
        rotations = best_rotations(np.ascontiguousarray(matrices), 0.5 * spread.ravel(), n_steps)
        # R[b, a]: Rᵀ is indexed [a, b]
        turned = rotations.reshape(3, 3, n_groups, n_frames).transpose(2, 1, 0, 3)
        return turned.reshape(n_groups, 3, 3 * n_frames)

    def rigidify(self, drawn_nm: NDArray[np.float64], solved_nm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Place every block, exactly rigid, on its solved atoms, and the peptide oxygens in their planes.

        Parameters
        ----------
        drawn_nm
            [n_frames, n_atoms, 3], nm: where blocks with fewer than two solved atoms stay.
        solved_nm
            [n_frames, n_solved, 3], nm.
        """
        centres, turns = self._placements(drawn_nm, solved_nm)
        return self.place(centres, turns)

    @cached_property
    def _block_fit(self) -> tuple[csr_array, NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
        """Averaging over each block's solved atoms, their mean in the reference, offsets, and which blocks have any."""
        block = self.blocks.atom_block[self.solved]
        use = np.ones(len(self.solved), dtype=bool)
        if len(self.groups.carbonyl):
            use = ~np.isin(self.solved, self.groups.carbonyl[:, 3])
        counts = np.bincount(block[use], minlength=self.blocks.n_blocks)
        average = csr_array(
            (1.0 / counts[block[use]], (block[use], np.flatnonzero(use))),
            shape=(self.blocks.n_blocks, len(self.solved)),
        )
        reference = self.molecule.coordinates_nm[self.solved]
        mean = average @ reference
        return average, mean, reference - mean[block], counts > 0

    def _placements(
        self, drawn_nm: NDArray[np.float64], solved_nm: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Centre [n_frames, n_blocks, 3] and rotation [n_frames, n_blocks, 3, 3] of every block."""
        average, mean, offset, _ = self._block_fit
        n_frames, n_solved, _ = solved_nm.shape
        n_blocks = self.blocks.n_blocks
        points = np.ascontiguousarray(solved_nm.transpose(1, 0, 2)).reshape(n_solved, n_frames * 3)
        centre = average @ points
        block = self.blocks.atom_block[self.solved]
        from_centre = points - centre[block]
        covariances = np.empty((3, 3, n_blocks * n_frames))
        for axis in range(3):
            product = average @ (offset[:, axis, None] * from_centre)
            covariances[axis] = product.reshape(n_blocks, n_frames, 3).transpose(2, 0, 1).reshape(3, -1)
        spread = (average @ (from_centre**2)).reshape(n_blocks, n_frames, 3).sum(axis=2)
        spread += (average @ (offset**2)).sum(axis=1)[:, None]
        rotations = best_rotations(covariances, 0.5 * spread.ravel()).reshape(3, 3, n_blocks, n_frames)
        rotations = rotations.transpose(3, 2, 0, 1)
        centre = centre.reshape(n_blocks, n_frames, 3).transpose(1, 0, 2)
        shift = np.matmul(rotations, (self.blocks.centre_nm - mean)[None, :, :, None])[..., 0]
        return centre + shift, rotations

    @cached_property
    def _arms(self) -> NDArray[np.float64]:
        """Every atom's place in its block: [n_atoms, 3]."""
        return self.molecule.coordinates_nm - self.blocks.centre_nm[self.blocks.atom_block]

    @cached_property
    def next_block(self) -> NDArray[np.int64]:
        """For a peptide oxygen, the block of the residue after its own; −1 for all other atoms: [n_atoms]."""
        block = np.full(self.molecule.n_atoms, -1, dtype=np.int64)
        carbonyl = self.groups.carbonyl
        block[carbonyl[:, 3]] = self.blocks.atom_block[carbonyl[:, 2]]
        return block

    @cached_property
    def inertia(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Number of atoms of every block, and its mean squared radius in nm² (of a single atom: 0.01)."""
        counts = np.bincount(self.blocks.atom_block, minlength=self.blocks.n_blocks).astype(np.float64)
        squares = np.bincount(self.blocks.atom_block, (self._arms**2).sum(axis=1), self.blocks.n_blocks) / counts
        return counts, np.maximum(squares, 0.01)

    def centres(self, frames_nm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean of every block's atoms in every frame: [n_frames, n_blocks, 3], nm."""
        n_frames, n_atoms, _ = frames_nm.shape
        points = np.ascontiguousarray(frames_nm.transpose(1, 0, 2)).reshape(n_atoms, n_frames * 3)
        return (self._average @ points).reshape(self.blocks.n_blocks, n_frames, 3).transpose(1, 0, 2)

    @cached_property
    def _average(self) -> csr_array:
        counts = np.bincount(self.blocks.atom_block, minlength=self.blocks.n_blocks)
        block = self.blocks.atom_block
        return csr_array(
            (1.0 / counts[block], (block, np.arange(len(block)))), shape=(self.blocks.n_blocks, len(block))
        )

    def place(self, centres_nm: NDArray[np.float64], rotations: NDArray[np.float64]) -> NDArray[np.float64]:
        """Atoms of rigid blocks at given places, peptide oxygens in their planes.

        Parameters
        ----------
        centres_nm
            [n_frames, n_blocks, 3], nm.
        rotations
            [n_frames, n_blocks, 3, 3].

        Returns
        -------
        float64 [n_frames, n_atoms, 3]
        """
        block = self.blocks.atom_block
        atoms = np.matmul(rotations[:, block], self._arms[None, :, :, None])[..., 0]
        atoms += centres_nm[:, block]
        carbonyl = self.groups.carbonyl
        if len(carbonyl):
            alpha, carbon, nitrogen = (atoms[:, carbonyl[:, k]] for k in range(3))
            frames = plane_frames(alpha, carbon, nitrogen)
            local = self.groups.carbonyl_template_nm[None, :, :, None]
            atoms[:, carbonyl[:, 3]] = carbon + np.matmul(frames, local)[..., 0]
        return atoms


def _sticks(batch: _Batch, members: NDArray[np.float64], n_frames: int) -> NDArray[np.float64]:
    """Pairs of atoms at their distance along the line they lie on, which no rotation defines: [n, 2, 3 n_frames]."""
    line = (members[:, 1] - members[:, 0]).reshape(-1, 3, n_frames)
    length = np.linalg.norm(batch.template[:, 1] - batch.template[:, 0], axis=1)
    half = 0.5 * length[:, None, None] * line / np.maximum(np.linalg.norm(line, axis=1, keepdims=True), 1e-9)
    return np.stack([-half, half], axis=1)
