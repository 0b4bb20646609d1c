"""The rigid frame of every residue's backbone, for any number of coordinate frames at once.

The convention is that of Jumper et al. (2021) Nature 596, 583, suppl. algorithm 21: origin at CA, first axis towards
C, second axis in the plane of N, by Gram-Schmidt. Blocks of other kinds (ligands, nucleotides) are not here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.complex import Complex

__all__ = ["BackboneFrames", "backbone_frames", "gram_schmidt_frames"]


class BackboneFrames(NamedTuple):
    """Rotation and origin of every residue; NaN where N, CA or C is missing.

    A point p of the residue has the local coordinates rotationᵀ (p - origin).

    Attributes
    ----------
    rotations : float64 [n_frames, n_residues, 3, 3]
        The axes are the columns.
    origins_nm : float64 [n_frames, n_residues, 3]
        Position of CA.
    """

    rotations: NDArray[np.float64]
    origins_nm: NDArray[np.float64]


def gram_schmidt_frames(
    origin: NDArray[np.float64], on_first_axis: NDArray[np.float64], in_plane: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Right-handed frames from three points each.

    Parameters
    ----------
    origin, on_first_axis, in_plane
        [..., 3]: the origin, a point on the first axis and a point in the plane of the first two axes.

    Returns
    -------
    float64 [..., 3, 3]
        Rotation matrices with the axes as columns; NaN where the points are on one line.
    """
    first = on_first_axis - origin
    second = in_plane - origin
    with np.errstate(invalid="ignore", divide="ignore"):
        first = first / np.linalg.norm(first, axis=-1, keepdims=True)
        second = second - (first * second).sum(axis=-1, keepdims=True) * first
        second = second / np.linalg.norm(second, axis=-1, keepdims=True)
    return np.stack([first, second, np.cross(first, second)], axis=-1)


def backbone_frames(system: Complex, coordinates_nm: NDArray[np.floating] | None = None) -> BackboneFrames:
    """Backbone frame of every residue that has N, CA and C.

    Parameters
    ----------
    system
        The complex.
    coordinates_nm
        [n_frames, n_atoms, 3]; the complex's own as one frame when None.

    Returns
    -------
    BackboneFrames
        Rows of residues without a frame are NaN.
    """
    frames = system.coordinates_nm[None] if coordinates_nm is None else np.asarray(coordinates_nm, dtype=np.float64)
    nitrogen, alpha, carbon = (system.atom_of_residue(name) for name in ("N", "CA", "C"))
    whole = (nitrogen >= 0) & (alpha >= 0) & (carbon >= 0) & (system.residue_kind == "protein")
    origins = np.full((len(frames), system.n_residues, 3), np.nan)
    rotations = np.full((len(frames), system.n_residues, 3, 3), np.nan)
    origins[:, whole] = frames[:, alpha[whole]]
    rotations[:, whole] = gram_schmidt_frames(origins[:, whole], frames[:, carbon[whole]], frames[:, nitrogen[whole]])
    return BackboneFrames(rotations, origins)
