"""Covalent projection: move frames as little as possible so that every rigid group has its shape again.

Projective dynamics (Bouaziz et al. 2014, ACM Trans. Graph. 33, 154). Minimised is

    Σ_groups Σ_k |(x_k − x̄) − R_g p_k|²  +  α Σ_atoms |x − a|²

in turn over the rotations R_g (a batched best fit) and over the coordinates x (one sparse system whose factor never
changes, all frames and axes as right-hand sides); a is where an atom was drawn to. At the end blocks are made exactly
rigid, so that what remains of the error sits in the bonds between blocks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, eye_array
from scipy.sparse.linalg import SuperLU, splu

from unfreeze.physics.groups import RigidGroups, find_groups
from unfreeze.physics.placement import BlockPlacement
from unfreeze.physics.rigid_fit import best_rotations
from unfreeze.structure.blocks import Blocks
from unfreeze.structure.complex import Complex

__all__ = ["CovalentProjector"]


@dataclass(frozen=True, eq=False)
class _Batch:
    """Groups of one size.

    Attributes
    ----------
    columns : int64 [n_groups, size]
        Rows of the members among the solved atoms.
    template : float64 [n_groups, size, 3]
        Centred shapes, zero where the mask is.
    mask : float64 [n_groups, size]
        0 for members that only fill up the row.
    linear : bool
        Whether the members lie on a line, so that no rotation is defined; x of the template is then the place on it.
    """

    columns: NDArray[np.int64]
    template: NDArray[np.float64]
    mask: NDArray[np.float64]
    linear: bool

    @property
    def counts(self) -> NDArray[np.float64]:
        """Number of members of every group."""
        return self.mask.sum(axis=1)


class CovalentProjector:
    """Restores covalent geometry in whole batches of frames.

    Parameters
    ----------
    molecule, blocks
        The complex in its reference structure, and its rigid blocks.
    anchor
        α: how strongly atoms hold to where they were drawn, relative to a rigid group's 1.

    Attributes
    ----------
    solved : int64 [n_solved]
        Atoms that are solved for; the others follow their blocks.
    placement : BlockPlacement
        Builds frames from blocks.
    """

    def __init__(self, molecule: Complex, blocks: Blocks, *, anchor: float = 1e-3) -> None:
        self.molecule = molecule
        self.blocks = blocks
        self.anchor = anchor
        groups = find_groups(molecule, blocks)
        self.solved = np.unique(groups.atoms)
        self.placement = BlockPlacement(molecule, blocks, groups, self.solved)
        self._batches = self._sort_by_size(groups)
        self._scatter = [self._scatter_of(batch) for batch in self._batches]
        self._factor = self._factorise()

    def _sort_by_size(self, groups: RigidGroups) -> list[_Batch]:
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
            shape = groups.template_nm[member] * mask[..., None]
            shape -= mask[..., None] * shape.sum(axis=1, keepdims=True) / mask.sum(axis=1)[:, None, None]
            _, extent, axes = np.linalg.svd(shape, full_matrices=False)
            linear = extent[:, 1] < 1e-3 if size > 1 else np.ones(len(chosen), dtype=bool)
            along = np.zeros_like(shape)
            along[..., 0] = np.einsum("gmi,gi->gm", shape, axes[:, 0])
            for kind, template in ((False, shape), (True, along)):
                part = np.flatnonzero(linear == kind)
                if len(part):
                    atoms = groups.atoms[member[part]]
                    batches.append(_Batch(row[atoms], template[part], mask[part], kind))
        return batches

    def _factorise(self) -> SuperLU:
        """Factor of α + Σ_groups (1 − 11ᵀ/size), [n_solved, n_solved]."""
        n_solved = len(self.solved)
        system = self.anchor * eye_array(n_solved, format="csc")
        for batch in self._batches:
            n_groups, size = batch.columns.shape
            share = batch.mask[:, :, None] * np.eye(size) - (
                batch.mask[:, :, None] * batch.mask[:, None, :] / batch.counts[:, None, None]
            )
            rows = np.repeat(batch.columns, size, axis=1).ravel()
            columns = np.tile(batch.columns, (1, size)).ravel()
            system = system + csc_array((share.reshape(n_groups, -1).ravel(), (rows, columns)), shape=(n_solved,) * 2)
        return splu(
            csc_array(system), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
        )

    def _scatter_of(self, batch: _Batch) -> csr_array:
        """The matrix that adds the groups' points onto the solved atoms."""
        return csr_array(
            (batch.mask.ravel(), (batch.columns.ravel(), np.arange(batch.columns.size))),
            shape=(len(self.solved), batch.columns.size),
        )

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
        return self.placement.rigidify(self.relax(drawn_nm[:, self.solved], n_iterations))

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
            [n_frames, n_solved, 3], nm: where the iteration begins, nearly sound; the anchors when None.

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
                goal += scatter @ _fitted(batch, points, n_frames, n_steps)
            points = self._factor.solve(goal)
        return points.reshape(n_solved, 3, n_frames).transpose(2, 0, 1)


def _fitted(batch: _Batch, points: NDArray[np.float64], n_frames: int, n_steps: int) -> NDArray[np.float64]:
    """Every group's template turned to fit, in all frames: [n_groups·size, 3 n_frames] of [n_solved, 3 n_frames]."""
    n_groups, size = batch.columns.shape
    members = points[batch.columns]
    covariances = np.matmul(batch.template.transpose(0, 2, 1), members)
    if batch.linear:
        direction = covariances[:, 0].reshape(n_groups, 3, n_frames)
        direction = direction / np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-12)
        fitted = batch.template[:, :, :1] * direction.reshape(n_groups, 1, 3 * n_frames)
        return fitted.reshape(n_groups * size, 3 * n_frames)
    weighted = members * batch.mask[:, :, None]
    squares = np.einsum("gmf,gmf->gf", weighted, weighted)
    sums = weighted.sum(axis=1)
    squares -= sums * sums / batch.counts[:, None]
    spread = squares.reshape(n_groups, 3, n_frames).sum(axis=1)
    spread += (batch.template**2).sum(axis=(1, 2))[:, None]
    matrices = covariances.reshape(n_groups, 3, 3, n_frames).transpose(1, 2, 0, 3).reshape(3, 3, -1)
    rotations = best_rotations(np.ascontiguousarray(matrices), 0.5 * spread.ravel(), n_steps)
    # R is indexed [to, from]; a row of the template times Rᵀ is a fitted point
    transposed = rotations.reshape(3, 3, n_groups, n_frames).transpose(2, 1, 0, 3).reshape(n_groups, 3, 3 * n_frames)
    # contiguous, or products with one frame sum in another order than with several
    return np.matmul(batch.template, np.ascontiguousarray(transposed)).reshape(n_groups * size, 3 * n_frames)
