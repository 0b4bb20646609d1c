"""The harmonic ensemble of rigid blocks: precision matrix, factor, exact draws.

Every block b carries a displacement q_b = (t_b, ω_b): a translation of its centre and a rotation vector. A spring
of stiffness k along the unit vector u extends, to first order, by s = g·q, so that

    U(q) = ½ Σ k s² = ½ qᵀ H q,      q ~ N(0, RT H⁻¹).

H is sparse and symmetric. A draw needs no eigenvectors and no square root of H⁻¹: with H = A Aᵀ, solve
H q = √(RT) A z for standard normal z; then cov(q) = RT H⁻¹ A Aᵀ H⁻¹ = RT H⁻¹ ("perturb and solve";
Papandreou & Yuille 2010, NIPS 23). A is made of one small Cholesky factor a pair of blocks, and H is factored
once (SuperLU, minimum-degree order). Rigid motions of the whole are projected out of each draw.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import bsr_array, csc_array, csr_array
from scipy.sparse.linalg import SuperLU, splu

from unfreeze.physics.springs import Springs
from unfreeze.structure.blocks import Blocks
from unfreeze.structure.complex import Complex

__all__ = ["GAS_CONSTANT", "HarmonicEnsemble", "rigid_motions"]

GAS_CONSTANT = 8.314462618e-3  # kJ/mol/K
_SPRINGS_A_CHUNK = 100_000
# Directions in which a block's atoms do not move (an ion's rotations, the axis of a rod) get this stiffness,
# kJ/mol/rad²; any positive value leaves the atoms' motion as it is.
_IDLE_STIFFNESS = 250.0


@dataclass(frozen=True, eq=False)
class HarmonicEnsemble:
    """A Gaussian ensemble of rigid-block displacements.

    Attributes
    ----------
    centre_nm : float64 [n_blocks, 3]
        Block centres in the reference structure, nm.
    pair_blocks : int64 [n_pairs, 2]
        Pairs of blocks that springs join, the lower number first.
    pair_stiffness : float64 [n_pairs, 6, 6]
        Stiffness of each pair against a relative rigid motion (t, ω) about the first block's centre, in
        kJ/mol/nm² (tt), kJ/mol/nm/rad (tω) and kJ/mol/rad² (ωω).
    tether : float64 [n_blocks, 6]
        Stiffness that holds every block where it is: kJ/mol/nm² thrice, kJ/mol/rad² thrice.
    temperature_K
        Temperature of the draws.
    """

    centre_nm: NDArray[np.float64]
    pair_blocks: NDArray[np.int64]
    pair_stiffness: NDArray[np.float64]
    tether: NDArray[np.float64]
    temperature_K: float

    @classmethod
    def build(
        cls,
        molecule: Complex,
        blocks: Blocks,
        springs: Springs,
        *,
        temperature_K: float = 300.0,
        stiffness_scale: float = 1.0,
        translation_tether: float = 0.0,
        rotation_tether: float = 0.0,
    ) -> HarmonicEnsemble:
        """Assemble the ensemble from springs.

        Parameters
        ----------
        molecule, blocks, springs
            The complex, its rigid blocks and its springs.
        temperature_K
            Temperature.
        stiffness_scale
            Factor on every spring and tether.
        translation_tether, rotation_tether
            Stiffness against translation (kJ/mol/nm²) and rotation (kJ/mol/rad²) of every block.
        """
        pair_blocks, pair_stiffness = _pair_stiffness(molecule, blocks, springs)
        tether = np.empty((blocks.n_blocks, 6))
        tether[:, :3] = max(translation_tether * stiffness_scale, 1e-3)
        tether[:, 3:] = max(rotation_tether * stiffness_scale, 1e-3)
        return cls(
            centre_nm=blocks.centre_nm,
            pair_blocks=pair_blocks,
            pair_stiffness=pair_stiffness * stiffness_scale,
            tether=tether,
            temperature_K=temperature_K,
        )

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return len(self.centre_nm)

    @cached_property
    def _shift(self) -> NDArray[np.float64]:
        """B of every pair: the wrench about the second block's centre is B times that about the first's: [n, 6, 6]."""
        offset = self.centre_nm[self.pair_blocks[:, 0]] - self.centre_nm[self.pair_blocks[:, 1]]
        shift = np.tile(np.eye(6), (len(offset), 1, 1))
        shift[:, 3:, :3] = _cross_matrices(offset)
        return shift

    @cached_property
    def precision(self) -> csc_array:
        """H / (kJ/mol), [6 n_blocks, 6 n_blocks], in nm and rad, tether included."""
        first, second = self.pair_blocks.T
        shifted = np.matmul(self.pair_stiffness, self._shift.transpose(0, 2, 1))
        diagonal = np.zeros((self.n_blocks, 6, 6))
        np.add.at(diagonal, first, self.pair_stiffness)
        np.add.at(diagonal, second, np.matmul(self._shift, shifted))
        # a block no spring turns (an ion) or turns about one axis only still needs a definite rotation
        axes, turns = np.linalg.eigh(diagonal[:, 3:, 3:])
        idle = np.where(axes < 1e-6 * _IDLE_STIFFNESS, _IDLE_STIFFNESS, 0.0)
        diagonal[:, 3:, 3:] += np.einsum("bik,bk,bjk->bij", turns, idle, turns)
        diagonal[:, np.arange(6), np.arange(6)] += self.tether
        numbers = np.arange(self.n_blocks)
        rows = np.concatenate([numbers, first, second])
        columns = np.concatenate([numbers, second, first])
        data = np.concatenate([diagonal, -shifted, -shifted.transpose(0, 2, 1)])
        order = np.lexsort((columns, rows))
        start = np.searchsorted(rows[order], np.arange(self.n_blocks + 1))
        size = 6 * self.n_blocks
        return bsr_array((data[order], columns[order], start), shape=(size, size)).tocsc()

    @cached_property
    def _factor(self) -> SuperLU:
        return splu(
            self.precision,
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )

    @cached_property
    def _spring_root(self) -> csr_array:
        """The springs' part of A, [6 n_blocks, 6 n_pairs]: Σ over pairs of (C, −B C) with C Cᵀ the pair's stiffness."""
        n_pairs = len(self.pair_blocks)
        trace = np.trace(self.pair_stiffness, axis1=1, axis2=2)
        jitter = 1e-10 * trace[:, None] + 1e-14
        stiffness = self.pair_stiffness.copy()
        # few springs make a stiffness of low rank; ten digits below its size a definite one is the same
        stiffness[:, np.arange(6), np.arange(6)] += jitter
        root = np.linalg.cholesky(stiffness)
        data = np.concatenate([root, -np.matmul(self._shift, root)])
        rows = self.pair_blocks.T.ravel()
        columns = np.tile(np.arange(n_pairs), 2)
        order = np.lexsort((columns, rows))
        start = np.searchsorted(rows[order], np.arange(self.n_blocks + 1))
        return bsr_array((data[order], columns[order], start), shape=(6 * self.n_blocks, 6 * n_pairs)).tocsr()

    @cached_property
    def _rigid(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Rigid motions of the centres, [3 n_blocks, 6], and the fit that finds them in a displacement."""
        motions = rigid_motions(self.centre_nm)
        return motions, np.asarray(np.linalg.pinv(motions), dtype=np.float64)

    def prepare(self) -> None:
        """Compute all that draws need, so that threads only read."""
        _ = self._factor, self._spring_root, self._rigid

    @property
    def n_noise(self) -> int:
        """Standard normal numbers that one draw takes."""
        return 6 * (len(self.pair_blocks) + self.n_blocks)

    def solve(self, forces: NDArray[np.float64]) -> NDArray[np.float64]:
        """Displacements H⁻¹ f for forces f: both [6 n_blocks, n_columns]."""
        return self._factor.solve(np.asfortranarray(forces))

    def draw(self, noise: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn standard normal numbers into displacements, rigid motions of the whole removed.

        Parameters
        ----------
        noise
            [n_noise, n_draws], independent standard normal numbers.

        Returns
        -------
        float64 [n_draws, n_blocks, 6]
            t (nm) and ω (rad) of every block.
        """
        n_spring_noise = 6 * len(self.pair_blocks)
        forces = self._spring_root @ noise[:n_spring_noise]
        forces += np.sqrt(self.tether).reshape(-1, 1) * noise[n_spring_noise:]
        forces *= np.sqrt(GAS_CONSTANT * self.temperature_K)
        return self._without_rigid_motion(np.ascontiguousarray(self.solve(forces).T).reshape(-1, self.n_blocks, 6))

    def _without_rigid_motion(self, moves: NDArray[np.float64]) -> NDArray[np.float64]:
        """Subtract the rigid motion that fits the centres best: [n, n_blocks, 6] in and out."""
        motions, fit = self._rigid
        # one product a draw: in a product of all draws the order of the sums, so the last bit, depends on their number
        whole = np.matmul(fit, moves[..., :3].reshape(len(moves), -1, 1))[..., 0]
        moves[..., :3] -= np.matmul(motions, whole[..., None]).reshape(len(moves), self.n_blocks, 3)
        moves[..., 3:] -= whole[:, None, 3:]
        return moves


def rigid_motions(centre_nm: NDArray[np.float64]) -> NDArray[np.float64]:
    """What three translations and three rotations about the mean do to centres: [3 n_blocks, 6]."""
    motions = np.zeros((len(centre_nm), 3, 6))
    motions[:, np.arange(3), np.arange(3)] = 1.0
    motions[:, :, 3:] = -_cross_matrices(centre_nm - centre_nm.mean(axis=0))  # axis × centre
    return motions.reshape(-1, 6)


def _cross_matrices(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Matrices [v]× with [v]× w = v × w: [n, 3, 3]."""
    matrices = np.zeros((len(vectors), 3, 3))
    x, y, z = vectors.T
    matrices[:, 0, 1], matrices[:, 0, 2], matrices[:, 1, 2] = -z, y, -x
    matrices[:, 1, 0], matrices[:, 2, 0], matrices[:, 2, 1] = z, -y, x
    return matrices


def _pair_stiffness(
    molecule: Complex, blocks: Blocks, springs: Springs
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Sum the springs of every pair of blocks: pairs [n, 2] and stiffness about the first centre [n, 6, 6].

    A spring along u through x acts on a relative rigid motion about c through w = (u, (x − c) × u).
    """
    ends = blocks.atom_block[springs.atoms]
    swap = ends[:, 0] > ends[:, 1]
    ends = np.where(swap[:, None], ends[:, ::-1], ends)
    key = ends[:, 0] * np.int64(blocks.n_blocks) + ends[:, 1]
    order = np.argsort(key, kind="stable")
    keys, first = np.unique(key[order], return_index=True)
    pair_blocks = np.stack(np.divmod(keys, blocks.n_blocks), axis=1)
    stiffness = np.zeros((len(keys), 6, 6))
    chunk_starts = np.searchsorted(first, np.arange(0, len(order), _SPRINGS_A_CHUNK))
    edges = np.unique(np.append(chunk_starts, len(keys)))
    bounds = np.append(first, len(order))
    for begin, end in pairwise(edges):
        chosen = order[bounds[begin] : bounds[end]]
        one, two = (molecule.coordinates_nm[springs.atoms[chosen, k]].T for k in (0, 1))
        direction = two - one
        direction /= np.sqrt((direction * direction).sum(axis=0))
        (x, y, z), (u, v, w) = one - blocks.centre_nm[ends[chosen, 0]].T, direction
        wrench = (u, v, w, y * w - z * v, z * u - x * w, x * v - y * u)
        for row in range(6):
            weighted = wrench[row] * springs.stiffness[chosen]
            for column in range(row, 6):
                sums = np.add.reduceat(weighted * wrench[column], first[begin:end] - bounds[begin])
                stiffness[begin:end, row, column] = stiffness[begin:end, column, row] = sums
    return pair_blocks, stiffness
