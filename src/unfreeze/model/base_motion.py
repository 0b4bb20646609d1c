"""What the untrained elastic network says of a complex: the zero point of the learned model and part of its input.

Everything is estimated from draws of the harmonic ensemble (a fixed seed, so the same complex gives the same numbers),
which costs one sparse factorisation whatever the size.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from unfreeze.physics.harmonic import HarmonicEnsemble
from unfreeze.physics.springs import SpringConstants, Springs, find_springs
from unfreeze.structure.blocks import Blocks, partition
from unfreeze.structure.complex import Complex

__all__ = ["BaseMotion", "block_atoms", "moves_of_points"]

N_DRAWS = 200
_SEED = 20
_NOISE_NUMBERS_A_CHUNK = 20_000_000  # bounds memory


@dataclass(frozen=True, eq=False)
class BaseMotion:
    """Motion of the blocks of a complex in its untrained harmonic ensemble, at 300 K and stiffness scale 1.

    Attributes
    ----------
    molecule, blocks, springs
        The complex, its rigid blocks and its untrained springs.
    ensemble
        The harmonic ensemble of these springs.
    atoms : int64 [n_blocks]
        The atom that stands for each block: Cα, P, or the one nearest the block's centre.
    moves : float32 [n_draws, n_blocks, 3]
        Displacements of these atoms, nm, superposed on the reference to first order.
    rotations : float32 [n_draws, n_blocks, 3]
        Rotation vectors of the blocks, rad.
    """

    molecule: Complex
    blocks: Blocks
    springs: Springs
    ensemble: HarmonicEnsemble
    atoms: NDArray[np.int64]
    moves: NDArray[np.float32]
    rotations: NDArray[np.float32]

    @classmethod
    def of(cls, molecule: Complex, constants: SpringConstants | None = None, n_draws: int = N_DRAWS) -> BaseMotion:
        """Build springs, factor and draw.

        Parameters
        ----------
        molecule
            The complex in its reference structure.
        constants
            Spring constants; the calibrated ones when None.
        n_draws
            Number of draws that the moments come from.
        """
        constants = constants or SpringConstants()
        blocks = partition(molecule)
        springs = find_springs(molecule, blocks, constants)
        ensemble = HarmonicEnsemble.build(
            molecule,
            blocks,
            springs,
            translation_tether=constants.translation_tether,
            rotation_tether=constants.rotation_tether,
        )
        atoms = block_atoms(molecule, blocks)
        moves, rotations = moves_of_points(ensemble, blocks, molecule.coordinates_nm, atoms, n_draws)
        return cls(molecule, blocks, springs, ensemble, atoms, moves, rotations)

    @property
    def points_nm(self) -> NDArray[np.float64]:
        """Where the blocks' atoms are: [n_blocks, 3], nm."""
        return self.molecule.coordinates_nm[self.atoms]

    @cached_property
    def rmsf_nm(self) -> NDArray[np.float64]:
        """Root-mean-square fluctuation of every block's atom: [n_blocks], nm."""
        return np.sqrt((self.moves.astype(np.float64) ** 2).sum(axis=2).mean(axis=0))

    @cached_property
    def rotation_rms_rad(self) -> NDArray[np.float64]:
        """Root-mean-square rotation of every block: [n_blocks], rad."""
        return np.sqrt((self.rotations.astype(np.float64) ** 2).sum(axis=2).mean(axis=0))

    def correlations(self, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
        """Normalised cross-correlation ⟨x_i·x_j⟩ / (rmsf_i rmsf_j) of pairs of blocks: [n_pairs]."""
        first, second = self.moves[:, pairs[:, 0]], self.moves[:, pairs[:, 1]]
        product = np.einsum("kpd,kpd->p", first, second, dtype=np.float64) / len(self.moves)
        return product / (self.rmsf_nm[pairs[:, 0]] * self.rmsf_nm[pairs[:, 1]])

    def distance_spreads_nm(self, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
        """Standard deviation of the distances of pairs of blocks, to first order: [n_pairs], nm."""
        offset = self.points_nm[pairs[:, 1]] - self.points_nm[pairs[:, 0]]
        unit = (offset / np.maximum(np.linalg.norm(offset, axis=1), 1e-6)[:, None]).astype(np.float32)
        stretch = np.einsum("kpd,pd->kp", self.moves[:, pairs[:, 1]] - self.moves[:, pairs[:, 0]], unit)
        return stretch.std(axis=0, dtype=np.float64)


def block_atoms(molecule: Complex, blocks: Blocks) -> NDArray[np.int64]:
    """The atom that stands for each block: Cα, P (else C1'), or the atom nearest the centre: [n_blocks]."""
    offset = molecule.coordinates_nm - blocks.centre_nm[blocks.atom_block]
    order = np.lexsort(((offset**2).sum(axis=1), blocks.atom_block))
    atoms = order[np.searchsorted(blocks.atom_block[order], np.arange(blocks.n_blocks))]
    representative = molecule.representative_atoms()
    atoms[blocks.atom_block[representative]] = representative
    return atoms


def moves_of_points(
    ensemble: HarmonicEnsemble,
    blocks: Blocks,
    coordinates_nm: NDArray[np.float64],
    atoms: NDArray[np.int64],
    n_draws: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Displacements of one atom a block and rotations of the blocks, to first order, in a fixed series of draws.

    Returns
    -------
    float32 [n_draws, n_blocks, 3], float32 [n_draws, n_blocks, 3]
        nm and rad; the rigid motion that fits these atoms best is taken out of every draw.
    """
    random = np.random.default_rng(_SEED)
    arm = coordinates_nm[atoms] - blocks.centre_nm
    moves = np.empty((n_draws, blocks.n_blocks, 3), dtype=np.float32)
    rotations = np.empty_like(moves)
    chunk = max(1, min(n_draws, _NOISE_NUMBERS_A_CHUNK // max(1, ensemble.n_noise)))
    for start in range(0, n_draws, chunk):
        stop = min(start + chunk, n_draws)
        drawn = ensemble.draw(random.standard_normal((ensemble.n_noise, stop - start)))
        moves[start:stop] = drawn[..., :3] + np.cross(drawn[..., 3:], arm)
        rotations[start:stop] = drawn[..., 3:]
    return moves, rotations
