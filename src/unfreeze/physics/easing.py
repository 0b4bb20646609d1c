"""Ease a draw where it fails: make neighbouring blocks move more alike.

A frame of a large complex may fail because of one pair of residues among thousands. Drawing all of it again does not
scale. Instead the displacements around the fault are averaged with their neighbours', each carried rigidly to the
block in question, which tends to a rigid motion of the neighbourhood and so to the reference structure's own contacts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from unfreeze.physics.harmonic import HarmonicEnsemble

__all__ = ["ease"]

_REACH = 2  # contacts away from a fault that are still smoothed
_ROUNDS = 4


def ease(ensemble: HarmonicEnsemble, moves: NDArray[np.float64], faulty: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Smooth block displacements around faults.

    Parameters
    ----------
    ensemble
        Says which blocks are neighbours, and where they are.
    moves
        [n_frames, n_blocks, 6], nm and rad.
    faulty
        [n_frames, n_blocks]: the blocks at fault.

    Returns
    -------
    float64 [n_frames, n_blocks, 6]
        Unchanged farther than two contacts from a fault.
    """
    n_blocks = ensemble.n_blocks
    ends = np.concatenate(
        [ensemble.pair_blocks, ensemble.pair_blocks[:, ::-1], np.arange(n_blocks)[:, None].repeat(2, 1)]
    )
    contacts = csr_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(n_blocks, n_blocks))
    average = csr_array((1.0 / contacts.sum(axis=1))[:, None] * contacts)
    around = faulty.T.astype(np.float64)
    for _ in range(_REACH):
        around = contacts @ (around > 0)
    region = (around > 0).T
    smooth = moves.copy()
    centre = ensemble.centre_nm
    for _ in range(_ROUNDS):
        # a motion (t, ω) about centre c moves the point c' by t + ω × (c' − c): average t − ω × c and ω, then carry
        about_origin = smooth[..., :3] - np.cross(smooth[..., 3:], centre)
        columns = np.concatenate([about_origin, smooth[..., 3:]], axis=2).transpose(1, 0, 2).reshape(n_blocks, -1)
        mean = (average @ columns).reshape(n_blocks, len(moves), 6).transpose(1, 0, 2)
        carried = np.concatenate([mean[..., :3] + np.cross(mean[..., 3:], centre), mean[..., 3:]], axis=2)
        smooth = np.where(region[..., None], carried, smooth)
    return smooth
