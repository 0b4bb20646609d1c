"""Rotations and superposition for whole batches of frames.

Everything here is plain linear algebra on coordinates; nothing knows about atoms, residues or files.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["kabsch_rotations", "rotation_matrices", "superpose", "superpose_on_mean", "torsion_angles"]


def rotation_matrices(rotation_vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """Rotation matrices of rotation vectors (axis times angle), by Rodrigues' formula.

    Parameters
    ----------
    rotation_vectors
        [..., 3], rad.

    Returns
    -------
    float64 [..., 3, 3]
    """
    vectors = np.asarray(rotation_vectors, dtype=np.float64)
    angle_squared = (vectors * vectors).sum(axis=-1)
    angle = np.sqrt(angle_squared)
    small = angle < 1e-4
    safe_angle = np.where(small, 1.0, angle)
    # Taylor series below 1e-4 rad, where the closed forms lose their digits
    sine = np.where(small, 1.0 - angle_squared / 6.0, np.sin(angle) / safe_angle)
    cosine = np.where(small, 0.5 - angle_squared / 24.0, (1.0 - np.cos(angle)) / safe_angle**2)
    x, y, z = np.moveaxis(vectors, -1, 0)
    matrices = np.empty((*vectors.shape, 3))
    matrices[..., 0, 0] = 1.0 - cosine * (y * y + z * z)
    matrices[..., 1, 1] = 1.0 - cosine * (x * x + z * z)
    matrices[..., 2, 2] = 1.0 - cosine * (x * x + y * y)
    matrices[..., 0, 1] = cosine * x * y - sine * z
    matrices[..., 1, 0] = cosine * x * y + sine * z
    matrices[..., 0, 2] = cosine * x * z + sine * y
    matrices[..., 2, 0] = cosine * x * z - sine * y
    matrices[..., 1, 2] = cosine * y * z - sine * x
    matrices[..., 2, 1] = cosine * y * z + sine * x
    return matrices


def kabsch_rotations(covariances: NDArray[np.floating]) -> NDArray[np.float64]:
    """Proper rotations closest to 3 x 3 covariance matrices (Kabsch 1976, Acta Cryst. A32, 922).

    Parameters
    ----------
    covariances
        [..., 3, 3]: Σ_k target_k mobile_kᵀ of centred points.

    Returns
    -------
    float64 [..., 3, 3]
        R that minimises Σ_k |target_k − R mobile_k|², with determinant +1.
    """
    left, _, right = np.linalg.svd(np.asarray(covariances, dtype=np.float64))
    handedness = np.sign(np.linalg.det(left @ right))
    left = left.copy()
    left[..., :, 2] *= handedness[..., None]
    return left @ right


def superpose(
    mobile: NDArray[np.floating],
    target: NDArray[np.floating],
    atoms: NDArray[np.int64] | None = None,
) -> NDArray[np.float64]:
    """Superpose every frame on one target by least squares.

    Parameters
    ----------
    mobile
        [n_frames, n_atoms, 3], nm.
    target
        [n_atoms, 3], nm.
    atoms
        Atoms that decide the superposition; all when None.

    Returns
    -------
    float64 [n_frames, n_atoms, 3]
        All atoms of every frame, moved rigidly.
    """
    frames = np.asarray(mobile, dtype=np.float64)
    reference = np.asarray(target, dtype=np.float64)
    chosen = slice(None) if atoms is None else atoms
    points, goal = frames[:, chosen], reference[chosen]
    centre = points.mean(axis=1, keepdims=True)
    goal_centre = goal.mean(axis=0)
    covariances = np.matmul((goal - goal_centre).T[None], points - centre)
    rotations = kabsch_rotations(covariances)
    return np.matmul(frames - centre, rotations.transpose(0, 2, 1)) + goal_centre


def superpose_on_mean(
    frames: NDArray[np.floating], atoms: NDArray[np.int64] | None = None, n_rounds: int = 3
) -> NDArray[np.float64]:
    """Superpose every frame on the ensemble's own mean, iterated from the first frame.

    Parameters
    ----------
    frames
        [n_frames, n_atoms, 3], nm.
    atoms
        Atoms that decide the superposition; all when None.
    n_rounds
        Times the mean is renewed.

    Returns
    -------
    float64 [n_frames, n_atoms, 3]
    """
    moved = superpose(frames, frames[0], atoms)
    for _ in range(n_rounds):
        moved = superpose(moved, moved.mean(axis=0), atoms)
    return moved


def torsion_angles(
    first: NDArray[np.floating],
    second: NDArray[np.floating],
    third: NDArray[np.floating],
    fourth: NDArray[np.floating],
) -> NDArray[np.float64]:
    """Torsion angles of four points each, IUPAC sign, in (−π, π] rad; points are [..., 3]."""
    b1, b2, b3 = second - first, third - second, fourth - third
    n1, n2 = np.cross(b1, b2), np.cross(b2, b3)
    length = np.linalg.norm(b2, axis=-1)
    return np.arctan2((b1 * n2).sum(axis=-1) * length, (n1 * n2).sum(axis=-1))
