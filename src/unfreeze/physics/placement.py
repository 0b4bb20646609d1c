"""Placing rigid blocks: from a pose of every block to atoms, and from atoms back to poses.

A peptide oxygen does not follow its residue but its peptide plane, so that φ and ψ are free to turn.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from unfreeze.physics.groups import RigidGroups, plane_frames
from unfreeze.physics.rigid_fit import best_rotations, turn_lines
from unfreeze.structure.blocks import Blocks
from unfreeze.structure.complex import Complex

__all__ = ["BlockPlacement"]


class BlockPlacement:
    """Builds frames of exactly rigid blocks.

    Parameters
    ----------
    molecule, blocks
        The complex in its reference structure, and its rigid blocks.
    groups
        Its rigid groups, for the peptide oxygens.
    solved
        [n_solved]: the atoms by which a block's pose is found, all blocks having at least one.

    Attributes
    ----------
    next_block : int64 [n_atoms]
        For a peptide oxygen, the block of the residue after its own; −1 for all other atoms.
    n_members : float64 [n_blocks]
        Number of atoms of every block.
    squared_radius_nm2 : float64 [n_blocks]
        Mean squared distance of its atoms from the centre, nm²; 0.01 at least.
    """

    def __init__(self, molecule: Complex, blocks: Blocks, groups: RigidGroups, solved: NDArray[np.int64]) -> None:
        self._owner = blocks.atom_block
        self._centre = blocks.centre_nm
        self._groups = groups
        self._solved_owner = blocks.atom_block[solved]
        self._arms = molecule.coordinates_nm - blocks.centre_nm[blocks.atom_block]
        self.next_block = np.full(molecule.n_atoms, -1, dtype=np.int64)
        self.next_block[groups.carbonyl[:, 3]] = blocks.atom_block[groups.carbonyl[:, 2]]
        self.n_members = np.bincount(blocks.atom_block, minlength=blocks.n_blocks).astype(np.float64)
        squares = np.bincount(blocks.atom_block, (self._arms**2).sum(axis=1), blocks.n_blocks)
        self.squared_radius_nm2 = np.maximum(squares / self.n_members, 0.01)
        self._mean_of_all = _averaging(blocks.atom_block, np.ones(molecule.n_atoms, dtype=bool), blocks.n_blocks)
        used = ~np.isin(solved, groups.carbonyl[:, 3])
        self._mean_of_solved = _averaging(self._solved_owner, used, blocks.n_blocks)
        reference = molecule.coordinates_nm[solved]
        self._solved_mean = self._mean_of_solved @ reference
        self._offset = reference - self._solved_mean[self._solved_owner]
        self._lines, self._line_axis = self._find_lines()

    def _find_lines(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Blocks whose solved atoms lie on a line, which leaves a turn open, and the direction of that line."""
        products = (self._offset[:, :, None] * self._offset[:, None, :]).reshape(-1, 9)
        extent, axes = np.linalg.eigh((self._mean_of_solved @ products).reshape(-1, 3, 3))
        lines = np.flatnonzero((extent[:, 2] > 0) & (extent[:, 1] < 1e-6))
        return lines, axes[lines, :, 2]

    def centres(self, frames_nm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean of every block's atoms: [n_frames, n_blocks, 3] of frames [n_frames, n_atoms, 3], nm."""
        n_frames, n_atoms, _ = frames_nm.shape
        points = np.ascontiguousarray(frames_nm.transpose(1, 0, 2)).reshape(n_atoms, n_frames * 3)
        return (self._mean_of_all @ points).reshape(-1, n_frames, 3).transpose(1, 0, 2)

    def rigidify(self, solved_nm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Place every block, exactly rigid, on its solved atoms.

        Parameters
        ----------
        solved_nm
            [n_frames, n_solved, 3], nm.

        Returns
        -------
        float64 [n_frames, n_atoms, 3]
        """
        return self.place(*self._poses(solved_nm))

    def _poses(self, solved_nm: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Centre [n_frames, n_blocks, 3] and rotation [n_frames, n_blocks, 3, 3] that fit the solved atoms."""
        n_frames, n_solved, _ = solved_nm.shape
        n_blocks = len(self._centre)
        average, offset = self._mean_of_solved, self._offset
        points = np.ascontiguousarray(solved_nm.transpose(1, 0, 2)).reshape(n_solved, n_frames * 3)
        mean = average @ points
        from_mean = points - mean[self._solved_owner]
        covariances = np.empty((3, 3, n_blocks * n_frames))
        for axis in range(3):
            product = average @ (offset[:, axis, None] * from_mean)
            covariances[axis] = product.reshape(n_blocks, n_frames, 3).transpose(2, 0, 1).reshape(3, -1)
        size = (average @ (from_mean**2)).reshape(n_blocks, n_frames, 3).sum(axis=2)
        size += (average @ (offset**2)).sum(axis=1)[:, None]
        rotations = best_rotations(covariances, 0.5 * size.ravel()).reshape(3, 3, n_blocks, n_frames)
        # contiguous, or products with one frame sum in another order than with several
        rotations = np.ascontiguousarray(rotations.transpose(3, 2, 0, 1))
        if len(self._lines):
            by_block = covariances.reshape(3, 3, n_blocks, n_frames)[:, :, self._lines]
            direction = np.einsum("na,abnf->fnb", self._line_axis, by_block)
            rotations[:, self._lines] = turn_lines(self._line_axis[None], direction)
        shift = np.matmul(rotations, (self._centre - self._solved_mean)[None, :, :, None])[..., 0]
        return mean.reshape(n_blocks, n_frames, 3).transpose(1, 0, 2) + shift, rotations

    def place(self, centres_nm: NDArray[np.float64], rotations: NDArray[np.float64]) -> NDArray[np.float64]:
        """Atoms of rigid blocks in given poses.

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
        atoms = np.matmul(rotations[:, self._owner], self._arms[None, :, :, None])[..., 0]
        atoms += centres_nm[:, self._owner]
        carbonyl = self._groups.carbonyl
        alpha, carbon, nitrogen = (atoms[:, carbonyl[:, k]] for k in range(3))
        local = self._groups.carbonyl_template_nm[None, :, :, None]
        atoms[:, carbonyl[:, 3]] = carbon + np.matmul(plane_frames(alpha, carbon, nitrogen), local)[..., 0]
        return atoms


def _averaging(owner: NDArray[np.int64], used: NDArray[np.bool_], n_blocks: int) -> csr_array:
    """The matrix that averages over the used atoms of every block: [n_blocks, n_atoms]."""
    counts = np.bincount(owner[used], minlength=n_blocks)
    return csr_array((1.0 / counts[owner[used]], (owner[used], np.flatnonzero(used))), shape=(n_blocks, len(owner)))
