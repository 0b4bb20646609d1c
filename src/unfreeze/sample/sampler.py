"""`HarmonicSampler`: frames of one complex, drawn, built, projected, pushed apart and checked.

A frame depends on the seed, its number and the attempt, and on nothing else: not on how many frames are asked for,
how they are batched, or how many threads work.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unfreeze.physics.clashes import resolve_clashes
from unfreeze.physics.easing import ease
from unfreeze.physics.harmonic import HarmonicEnsemble
from unfreeze.physics.projection import CovalentProjector
from unfreeze.physics.springs import SpringConstants, Springs, find_springs
from unfreeze.physics.timescale import stiffness_scale
from unfreeze.sample.centre import Centre
from unfreeze.sample.side_chains import SideChainDraws
from unfreeze.structure.blocks import Blocks, partition
from unfreeze.structure.complex import Complex
from unfreeze.structure.frame_validity import FrameValidity
from unfreeze.structure.geometry import rotation_matrices, superpose
from unfreeze.structure.validity import FrameChecker

__all__ = ["ATTEMPTS", "HarmonicSampler"]

_PROJECTION_ITERATIONS = 12
_EASINGS = 2  # times that a draw which fails is smoothed around its faults before it is given up
_TORN_NM = 0.009
# Attempts at a frame: the factor on the drawn displacement. Smaller ones come only after whole draws have failed.
ATTEMPTS = (1.0, 1.0, 1.0, 1.0, 0.7, 0.5, 0.25, 0.0)


@dataclass(frozen=True, eq=False)
class HarmonicSampler:
    """Draws frames of a complex from a harmonic ensemble, of untrained springs or of learned ones.

    Attributes
    ----------
    molecule, blocks, springs, ensemble
        The complex, its rigid blocks, its springs, and the Gaussian over block displacements.
    projector, checker
        What restores covalent geometry, and what judges a frame.
    side_chains
        What draws side-chain torsions; None where side chains are rigid.
    centre
        What draws are made about; the complex as it is when None.
    """

    molecule: Complex
    blocks: Blocks
    springs: Springs
    ensemble: HarmonicEnsemble
    projector: CovalentProjector
    checker: FrameChecker
    side_chains: SideChainDraws | None = None
    centre: Centre | None = None

    @classmethod
    def build(
        cls,
        molecule: Complex,
        *,
        temperature_K: float = 300.0,
        timescale_ns: float = 100.0,
        constants: SpringConstants | None = None,
    ) -> HarmonicSampler:
        """Find blocks and the untrained springs, and factor the matrices.

        Parameters
        ----------
        molecule
            The complex in its reference structure.
        temperature_K
            Temperature.
        timescale_ns
            Observation time.
        constants
            Spring constants; the calibrated ones when None.
        """
        blocks = partition(molecule)
        constants = constants or SpringConstants()
        springs = find_springs(molecule, blocks, constants)
        ensemble = HarmonicEnsemble.build(
            molecule,
            blocks,
            springs,
            temperature_K=temperature_K,
            stiffness_scale=stiffness_scale(timescale_ns),
            translation_tether=constants.translation_tether,
            rotation_tether=constants.rotation_tether,
        )
        return cls.of(molecule, blocks, springs, ensemble)

    @classmethod
    def of(
        cls,
        molecule: Complex,
        blocks: Blocks,
        springs: Springs,
        ensemble: HarmonicEnsemble,
        side_chains: SideChainDraws | None = None,
    ) -> HarmonicSampler:
        """Draw from an ensemble that is there already; whoever made it has seen to temperature and time.

        Parameters
        ----------
        molecule, blocks, springs, ensemble
            The complex in its reference structure, its rigid blocks, its springs and the Gaussian of these.
        side_chains
            What draws side-chain torsions; None to keep side chains rigid.
        """
        ensemble.prepare()
        projector = CovalentProjector(molecule, blocks)
        return cls(molecule, blocks, springs, ensemble, projector, FrameChecker(molecule), side_chains)

    def frames(
        self, numbers: NDArray[np.int64], *, seed: int, attempt: int = 0
    ) -> tuple[NDArray[np.float32], FrameValidity, NDArray[np.bool_], NDArray[np.int64]]:
        """Make frames and check them.

        Parameters
        ----------
        numbers
            [n_frames], the numbers of the frames in the ensemble.
        seed
            Seed of the ensemble.
        attempt
            Which entry of :data:`ATTEMPTS` this is for these frames.

        Returns
        -------
        float32 [n_frames, n_atoms, 3], FrameValidity, bool [n_frames], int64 [n_frames]
            Frames superposed on the reference structure, nm, what the checks say, whether the draw was eased, and
            how many side chains have torsions that were drawn.
        """
        if ATTEMPTS[attempt] == 0.0:
            # what is wrong with the input is not mended here: mending can make a fault that the input does not have
            still = np.repeat(self.molecule.coordinates_nm[None].astype(np.float32), len(numbers), axis=0)
            nothing = np.zeros(len(numbers), dtype=np.int64)
            return still, self.checker.check(still), nothing.astype(bool), nothing
        noise = np.stack([self._noise(seed, int(number), attempt) for number in numbers], axis=1)
        moves = ATTEMPTS[attempt] * self.ensemble.draw(noise)
        frames = self._build(moves)
        validity = self.checker.check(frames)
        eased = ~validity.passes
        for _ in range(_EASINGS):
            failed = np.flatnonzero(~validity.passes)
            if len(failed) == 0:
                break
            moves[failed] = ease(self.ensemble, moves[failed], self._faulty_blocks(frames[failed]))
            frames[failed] = self._build(moves[failed])
            validity = self.checker.check(frames)
        n_turned = np.zeros(len(numbers), dtype=np.int64)
        if self.side_chains is not None:
            frames, n_turned = self.side_chains.apply(frames, numbers, seed=seed, attempt=attempt)
        moved = superpose(frames, self.molecule.coordinates_nm, self._superposition_atoms()).astype(np.float32)
        return moved, self.checker.check(moved), eased, n_turned

    def _build(self, moves: NDArray[np.float64]) -> NDArray[np.float64]:
        """Frames [n_frames, n_atoms, 3] of block displacements [n_frames, n_blocks, 6], projected and pushed apart."""
        centres, rotations = self.blocks.centre_nm + moves[..., :3], rotation_matrices(moves[..., 3:])
        if self.centre is not None:
            centres, rotations = centres + self.centre.shift_nm, np.matmul(rotations, self.centre.rotation)
        drawn = self.projector.placement.place(centres, rotations)
        return resolve_clashes(self.projector, self.checker, self.projector.project(drawn, _PROJECTION_ITERATIONS))

    def _faulty_blocks(self, frames: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Blocks with a clash or a torn bond: [n_frames, n_blocks]."""
        faulty = np.zeros((len(frames), self.blocks.n_blocks), dtype=bool)
        frame, first, second = self.checker.clashing_pairs(frames)
        faulty[frame, self.blocks.atom_block[first]] = True
        faulty[frame, self.blocks.atom_block[second]] = True
        links, at_rest = self.blocks.links, self.molecule.coordinates_nm
        length = np.linalg.norm(frames[:, links[:, 0]] - frames[:, links[:, 1]], axis=2)
        rest = np.linalg.norm(at_rest[links[:, 0]] - at_rest[links[:, 1]], axis=1)
        frame, link = np.nonzero(np.abs(length - rest) > _TORN_NM)
        faulty[frame, self.blocks.atom_block[links[link, 0]]] = True
        faulty[frame, self.blocks.atom_block[links[link, 1]]] = True
        # a fault of another kind has no place that is known here: smooth the whole draw
        faulty[~faulty.any(axis=1)] = True
        return faulty

    def _noise(self, seed: int, number: int, attempt: int) -> NDArray[np.float64]:
        stream = np.random.SeedSequence(seed, spawn_key=(number, attempt))
        return np.random.Generator(np.random.PCG64(stream)).standard_normal(self.ensemble.n_noise)

    def _superposition_atoms(self) -> NDArray[np.int64] | None:
        atoms = self.molecule.representative_atoms()
        return atoms if len(atoms) >= 3 else None
