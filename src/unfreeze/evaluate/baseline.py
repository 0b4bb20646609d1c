"""The baseline: what a Cα elastic network of the reference structure would score in the ensemble's place.

Its one parameter, the amplitude, is taken from the reference itself (the summed mean-square fluctuation of
representative atoms is made equal). That is an oracle, which no ensemble under test has: the baseline is a generous
one, and to score below it is to know less of the motion than a structure and a single number do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from unfreeze.evaluate.frames import AlignedPair, Side
from unfreeze.evaluate.metric import NotMeasurableError
from unfreeze.evaluate.metrics.fluctuations import fluctuation_sums, rmsf_of_moments_nm
from unfreeze.physics.anm import LooseNetworkError, anm_displacements
from unfreeze.structure.complex import Complex

__all__ = ["MAX_NODES", "baseline_side", "nearest_representative"]

MAX_NODES = 10_000
"""Representative atoms of the largest network that is built: beyond, its factor takes gigabytes and many minutes."""
_FRAMES_A_CHUNK = 256
_STILL_NM2 = 1e-12  # less than this is rounding of the coordinates


def baseline_side(pair: AlignedPair, seed: int) -> Side:
    """As many frames as the ensemble has, drawn from an anisotropic network model of the reference structure.

    Every residue moves as a rigid body with its representative atom, without turning; a ligand or ion goes with the
    representative atom nearest to it. Frames are superposed on the structure over representative atoms as they are:
    their displacements have no part along the rigid motions, Σ uᵢ = 0 and Σ r⁰ᵢ × uᵢ = 0, for which the best rotation
    is none (Eckart 1935, Phys. Rev. 47, 552), unless they were as large as the molecule.

    Parameters
    ----------
    pair
        The ensemble, for its number of frames, and the reference, for its amplitude.
    seed
        Of the draws.

    Returns
    -------
    Side
        Equal weights, no clock.

    Raises
    ------
    NotMeasurableError
        If there are too few or too many representative atoms, the network is loose or in pieces, or the reference
        does not move.
    """
    molecule = pair.molecule
    nodes = molecule.representative_atoms()
    points = molecule.coordinates_nm[nodes]
    goal = float((rmsf_of_moments_nm(*pair.reference.once(fluctuation_sums).at()) ** 2).sum()) if len(nodes) else 0.0
    if len(nodes) >= 3 and goal <= len(nodes) * _STILL_NM2:
        raise NotMeasurableError("the reference does not move, so that an elastic network has no amplitude")
    if len(nodes) > MAX_NODES:
        raise NotMeasurableError(f"{len(nodes)} representative atoms are too many for an elastic network ({MAX_NODES})")
    try:
        moves = anm_displacements(points, pair.ensemble.n_frames, np.random.default_rng(seed))
    except LooseNetworkError as error:
        raise NotMeasurableError(f"no elastic network of the reference structure: {error}") from error
    amplitude = np.sqrt(goal / _spread_nm2(moves))
    followed = nearest_representative(molecule)
    frames = np.empty((len(moves), molecule.n_atoms, 3), dtype=np.float32)
    for begin in range(0, len(moves), _FRAMES_A_CHUNK):
        span = slice(begin, begin + _FRAMES_A_CHUNK)
        frames[span] = molecule.coordinates_nm + amplitude * moves[span][:, followed]
    return Side.of(molecule, frames)


def nearest_representative(molecule: Complex) -> NDArray[np.int64]:
    """The representative atom that every atom follows, as its place among them: [n_atoms].

    The one nearest to any atom of its residue: the residue's own where it has one.
    """
    nodes = molecule.representative_atoms()
    distance, nearest = KDTree(molecule.coordinates_nm[nodes]).query(molecule.coordinates_nm)
    order = np.lexsort((distance, molecule.residue_index))
    return np.asarray(nearest)[order[molecule.residue_start[:-1]]][molecule.residue_index]


def _spread_nm2(moves: NDArray[np.float32]) -> float:
    """Summed mean-square fluctuation of draws, nm²; of a single one, its square, which is as large on average."""
    total, square = np.zeros(moves.shape[1:]), 0.0
    for begin in range(0, len(moves), _FRAMES_A_CHUNK):
        part = moves[begin : begin + _FRAMES_A_CHUNK].astype(np.float64)
        total += part.sum(axis=0)
        square += float((part**2).sum())
    n = len(moves)
    return square / n - (float(((total / n) ** 2).sum()) if n > 1 else 0.0)
