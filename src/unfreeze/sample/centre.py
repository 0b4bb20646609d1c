"""Where an ensemble has its middle: the average structure of frames that are known, instead of the input.

Most of what an ensemble about a crystal structure gets wrong of an interface is not how residues move but where they
are on average (docs/experiments/around-the-average.md). Where there is molecular dynamics of the complex, or another
ensemble of it, its average can be the middle: every block is carried from the input to the average by the rigid motion
that fits best, draws are made about that, and geometry is restored as always, since an average of structures is none.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from unfreeze.errors import InputError
from unfreeze.structure.blocks import Blocks
from unfreeze.structure.complex import Complex
from unfreeze.structure.ensemble import Ensemble
from unfreeze.structure.geometry import kabsch_rotations, superpose, superpose_on_mean

if TYPE_CHECKING:
    import mdtraj

__all__ = ["Average", "Centre", "average_of", "centre_of"]

_MOST_FRAMES = 2000
_LEAST_KNOWN = 0.5  # share of the residues
_N_NEAREST = 8  # residues that turn a block of which too few atoms are known
_FEWEST_ATOMS = 3
_BACKBONE = ("N", "CA", "C", "CB")

PathLike = str | os.PathLike[str]


@dataclass(frozen=True, eq=False)
class Average:
    """The average structure of some frames, on the atoms of a complex.

    Attributes
    ----------
    positions_nm : float64 [n_atoms, 3]
        Superposed on the complex, nm; NaN for atoms that the frames do not have.
    n_frames
        How many frames.
    name
        What they are called.
    """

    positions_nm: NDArray[np.float64]
    n_frames: int
    name: str


@dataclass(frozen=True, eq=False)
class Centre:
    """The middle of an ensemble: a rigid motion of every block.

    Attributes
    ----------
    shift_nm : float64 [n_blocks, 3]
        Of the block's centre.
    rotation : float64 [n_blocks, 3, 3]
        About it.
    rmsd_nm
        Root-mean-square shift of the representative atoms that are known.
    average
        What it was found from.
    """

    shift_nm: NDArray[np.float64]
    rotation: NDArray[np.float64]
    rmsd_nm: float
    average: Average


def average_of(
    molecule: Complex,
    frames: PathLike | Sequence[PathLike] | Ensemble | mdtraj.Trajectory,
    *,
    topology: PathLike | None = None,
) -> Average:
    """The average structure of frames of a complex.

    Parameters
    ----------
    molecule
        The complex.
    frames, topology
        As in :func:`unfreeze.evaluate.inputs.load.load_frames`: an ensemble folder, a trajectory or several, models.
        Chains and residues are matched by sequence; at most 2,000 frames are read, evenly spaced.

    Raises
    ------
    InputError
        If they cannot be read, or are of something else.
    """
    from unfreeze.evaluate.frames import Frames
    from unfreeze.evaluate.inputs.load import load_frames
    from unfreeze.evaluate.matching import align_pair

    read = load_frames(frames, topology=topology, max_frames=_MOST_FRAMES)
    still = Frames(molecule, molecule.coordinates_nm[None].astype(np.float32), name="the input")
    pair, matching = align_pair(still, read, relabel=False)
    representatives = molecule.representative_atoms()
    n_known = int(np.isin(representatives, matching.reference_atoms).sum())
    if n_known < _LEAST_KNOWN * len(representatives):
        raise InputError(
            f"{read.name}: has {n_known} of the {len(representatives)} residues of the input; expected most of them. "
            "Give frames of the same complex."
        )
    fit = pair.molecule.representative_atoms()
    atoms = fit if len(fit) >= _FEWEST_ATOMS else None
    moved = superpose_on_mean(pair.ensemble.frames_nm, atoms)
    mean = np.average(moved, axis=0, weights=pair.ensemble.weights)
    positions = np.full((molecule.n_atoms, 3), np.nan)
    positions[matching.reference_atoms] = superpose(mean[None], pair.molecule.coordinates_nm, atoms)[0]
    return Average(positions, read.n_frames, read.name)


def centre_of(molecule: Complex, blocks: Blocks, average: Average) -> Centre:
    """The rigid motions that carry the blocks of a complex to an average.

    A block is turned by its backbone (all its atoms where it has none): side chains that turn have an average that
    is shorter than they are. Where fewer than three of these atoms are known, the nearest residues turn it.
    """
    at_rest, target = molecule.coordinates_nm.astype(np.float64), average.positions_nm
    known = np.asarray(np.isfinite(target).all(axis=1))
    backbone = np.isin(molecule.atom_name, _BACKBONE) & (molecule.residue_kind[molecule.residue_index] == "protein")
    representatives = molecule.representative_atoms()
    landmarks = representatives[known[representatives]]
    if len(landmarks) < _FEWEST_ATOMS:
        landmarks = np.flatnonzero(known)
    near = _Landmarks(at_rest, landmarks, molecule.chain_index[molecule.residue_index])
    chain_of_block = molecule.chain_index[blocks.block_residue]
    shift = np.zeros((blocks.n_blocks, 3))
    rotation = np.tile(np.eye(3), (blocks.n_blocks, 1, 1))
    order = np.argsort(blocks.atom_block, kind="stable")
    starts = np.searchsorted(blocks.atom_block[order], np.arange(blocks.n_blocks + 1))
    for block in range(blocks.n_blocks):
        own = order[starts[block] : starts[block + 1]]
        own = own[known[own]]
        of_backbone = own[backbone[own]]
        turning = of_backbone if len(of_backbone) >= _FEWEST_ATOMS else own
        if len(turning) < _FEWEST_ATOMS:
            turning = near.of(blocks.centre_nm[block], int(chain_of_block[block]))
        carried = own if 0 < len(own) < _FEWEST_ATOMS else turning
        centred = at_rest[turning] - at_rest[turning].mean(axis=0)
        goal = target[turning] - target[turning].mean(axis=0)
        rotation[block] = kabsch_rotations((goal.T @ centred)[None])[0]
        arm = at_rest[carried].mean(axis=0) - blocks.centre_nm[block]
        shift[block] = target[carried].mean(axis=0) - rotation[block] @ arm - blocks.centre_nm[block]
    moved = target[landmarks] - at_rest[landmarks]
    return Centre(shift, rotation, float(np.sqrt((moved**2).sum(axis=1).mean())), average)


class _Landmarks:
    """Known atoms that turn what is near them, those of the same chain if it has enough of them."""

    def __init__(
        self, at_rest: NDArray[np.float64], landmarks: NDArray[np.int64], chain_of_atom: NDArray[np.integer]
    ) -> None:
        chains = chain_of_atom[landmarks]
        groups = {int(chain): landmarks[chains == chain] for chain in np.unique(chains)}
        enough = {chain: atoms for chain, atoms in groups.items() if len(atoms) >= _FEWEST_ATOMS}
        self._atoms = {**enough, -1: landmarks}
        self._trees = {chain: KDTree(at_rest[atoms]) for chain, atoms in self._atoms.items()}

    def of(self, point_nm: NDArray[np.float64], chain: int) -> NDArray[np.int64]:
        """The nearest of them."""
        key = chain if chain in self._trees else -1
        atoms = self._atoms[key]
        _, nearest = self._trees[key].query(point_nm, k=min(_N_NEAREST, len(atoms)))
        return atoms[np.atleast_1d(nearest)]
