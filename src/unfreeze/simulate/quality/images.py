"""Does the solute see itself: the distance from its atoms to those of its own periodic images.

The box may be triclinic. Most frames are settled by how wide the solute is along the way to each image; only where
that leaves doubt are atoms compared.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from unfreeze.simulate.quality.data import Finding, Report, SegmentData
from unfreeze.simulate.quality.solute import Solute

__all__ = ["CONTACT_NM", "ImageCheck", "image_distances"]

CONTACT_NM = 1.0
"""Heavy atoms of two images that are closer feel each other directly (cut-offs are 0.9 to 1.2 nm) and share their last
layers of water; what happens then is that of a crystal and not of a molecule in solution."""
_SHIFTS = np.array([s for s in itertools.product((-1, 0, 1), repeat=3) if s > (0, 0, 0)], dtype=np.float64)
"""Half of the 26 neighbours of a cell; the others mirror them."""


class ImageCheck:
    """Checks that no heavy atom of the solute comes within 1.0 nm of one of its images; suspect otherwise.

    Parameters
    ----------
    solute
        Heavy atoms.
    """

    def __init__(self, solute: Solute) -> None:
        self._molecule = solute.molecule

    def check(self, data: SegmentData, frames: NDArray[np.float64]) -> Report:
        """Check frames of the solute's heavy atoms: [n_frames, n_atoms, 3], finite."""
        if data.box_nm is None or not self._molecule.n_atoms:
            return Report()
        distance, pair = image_distances(frames, np.asarray(data.box_nm, dtype=np.float64), CONTACT_NM)
        measures = {"least_image_distance_nm": float(distance.min())}
        near = np.flatnonzero(distance < CONTACT_NM)
        if not len(near):
            return Report(measures=measures)
        row = int(near[distance[near].argmin()])
        first, second = (self._molecule.atom_label(int(atom)) for atom in pair[row])
        reason = (
            f"the solute touches its own image: {first} and the image of {second} are {distance[row]:.2f} nm apart in "
            f"{data.when(row)}, less than {CONTACT_NM:g} nm ({len(near)} of {len(frames)} frames); the box is too small"
        )
        return Report((Finding("suspect", reason),), measures)


def image_distances(
    frames: NDArray[np.float64], box_nm: NDArray[np.float64], limit_nm: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Distance from a molecule to its nearest periodic image.

    Parameters
    ----------
    frames
        [n_frames, n_atoms, 3], nm; the molecule in one piece.
    box_nm
        [n_frames, 3, 3], nm, vectors in rows, in reduced form.
    limit_nm
        Distances below this are exact.

    Returns
    -------
    float64 [n_frames], int64 [n_frames, 2]
        nm, of the 26 cells around (a molecule longer than two boxes may meet others sooner), a lower bound where it is
        over the limit; and the nearest atoms, second in the image, -1 where over it.
    """
    distance = np.full(len(frames), np.inf)
    pair = np.full((len(frames), 2), -1, dtype=np.int64)
    shifts = np.einsum("sk,fki->fsi", _SHIFTS, box_nm)
    length = np.linalg.norm(shifts, axis=2)
    along = np.matmul(frames, (shifts / length[..., None]).transpose(0, 2, 1))
    # two copies, one moved by s, lie apart by |s| less their width along s at least
    low, high = along.min(axis=1), along.max(axis=1)
    gap = length - (high - low)
    clear = gap >= limit_nm
    distance = np.minimum(distance, np.where(clear, gap, np.inf).min(axis=1))
    for f, s in np.argwhere(~clear).tolist():
        reach = length[f, s]
        # the image lies at along + |s|: only atoms that face each other can be close
        own = np.flatnonzero(along[f, :, s] > low[f, s] + reach - limit_nm)
        other = np.flatnonzero(along[f, :, s] + reach < high[f, s] + limit_nm)
        tree = KDTree(frames[f, own])
        near, at = map(np.atleast_1d, tree.query(frames[f, other] + shifts[f, s], distance_upper_bound=limit_nm))
        k = int(near.argmin())
        if near[k] < min(distance[f], limit_nm):
            distance[f], pair[f] = near[k], (own[at[k]], other[k])
        else:
            distance[f] = min(distance[f], limit_nm)
    return distance, pair
