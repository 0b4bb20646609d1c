"""Aimless motion: as many frames as an ensemble has, as far from its input, in the soft directions of its input.

Whether an ensemble finds another state is no merit by itself: the best of many frames comes near anything. What it has
to beat is an elastic network of the same input, at the same amplitude, with as many frames, that knows nothing of the
other state. This is not :mod:`unfreeze.evaluate.baseline`, which starts from the reference structure.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.evaluate.baseline import nearest_representative
from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import NotMeasurableError
from unfreeze.evaluate.metrics.walking import stretches
from unfreeze.physics.anm import LooseNetworkError, anm_displacements
from unfreeze.structure.geometry import superpose

__all__ = ["aimless_side", "mean_square_deviation_nm2"]

_ROUNDS = 3  # of scaling: superposing takes a little of the motion away
_FRAMES_A_CHUNK = 256


def aimless_side(ensemble: Side, input_nm: NDArray[np.float64], seed: int) -> Side:
    """Frames of a Cα elastic network of the input, with the ensemble's number of frames and amplitude.

    Every residue moves as a rigid body with its representative atom. The amplitude is the root of the mean squared
    deviation from the input, over representative atoms, frames and input superposed.

    Parameters
    ----------
    ensemble
        The ensemble.
    input_nm
        [n_atoms, 3] its input, the same atoms, nm.
    seed
        Of the draws.

    Returns
    -------
    Side
        Equal weights, superposed on the side's molecule over representative atoms.

    Raises
    ------
    NotMeasurableError
        If the input has no connected elastic network.
    """
    molecule = ensemble.molecule.with_coordinates(input_nm)
    nodes = molecule.representative_atoms()
    start = np.asarray(input_nm, dtype=np.float64)
    try:
        moves = anm_displacements(start[nodes], ensemble.n_frames, np.random.default_rng(seed))
    except LooseNetworkError as error:
        raise NotMeasurableError(f"no elastic network of the input: {error}") from error
    goal = mean_square_deviation_nm2(ensemble, start)
    factor = _amplitude(start[nodes], moves, goal)
    followed = nearest_representative(molecule)
    target = np.asarray(ensemble.molecule.coordinates_nm)
    frames = np.empty((len(moves), molecule.n_atoms, 3), dtype=np.float32)
    for begin in range(0, len(moves), _FRAMES_A_CHUNK):
        span = slice(begin, begin + _FRAMES_A_CHUNK)
        frames[span] = superpose(start + factor * moves[span][:, followed].astype(np.float64), target, nodes)
    return Side.of(ensemble.molecule, frames)


def mean_square_deviation_nm2(side: Side, input_nm: NDArray[np.float64]) -> float:
    """Weighted mean over frames of the squared RMSD of representative atoms from a structure, superposed on it: nm²."""
    nodes = side.molecule.representative_atoms()
    goal = np.asarray(input_nm, dtype=np.float64)[nodes]
    total = 0.0
    for _, weights, frames in stretches(side, nodes):
        total += float(weights @ ((superpose(frames, goal) - goal) ** 2).sum(axis=-1).mean(axis=-1))
    return total


def _amplitude(points: NDArray[np.float64], moves: NDArray[np.float32], goal_nm2: float) -> float:
    """Factor on the moves that gives superposed frames this mean squared deviation, nm²."""
    factor = 1.0
    for _ in range(_ROUNDS):
        total = 0.0
        for begin in range(0, len(moves), _FRAMES_A_CHUNK):
            moved = superpose(points + factor * moves[begin : begin + _FRAMES_A_CHUNK].astype(np.float64), points)
            total += float(((moved - points) ** 2).sum(axis=-1).mean(axis=-1).sum())
        if total <= 0.0 or goal_nm2 <= 0.0:
            return 0.0
        factor *= float(np.sqrt(goal_nm2 * len(moves) / total))
    return factor
