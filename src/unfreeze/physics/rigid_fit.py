"""Best rigid placements of many small point sets at once, without a singular value decomposition each.

The optimal quaternion is the eigenvector of Horn's 4 x 4 matrix for its largest eigenvalue, which Newton's method
finds on the characteristic polynomial (Theobald 2005, Acta Cryst. A61, 478; Liu, Agrafiotis & Theobald 2010,
J. Comput. Chem. 31, 1561). Every step is elementwise on whole arrays, and planar sets, for which a polar
decomposition is singular, need no special case.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["best_rotations", "turn_lines"]

_CHUNK = 8192  # matrices at a time, so that the intermediate arrays stay in the processor's cache


def best_rotations(
    covariances: NDArray[np.float64], squared_sizes: NDArray[np.float64], n_steps: int = 12
) -> NDArray[np.float64]:
    """Rotations R that maximise tr(R C) for C = Σ_k p_k y_kᵀ, that is Σ_k |R p_k − y_k|² is least.

    Parameters
    ----------
    covariances
        [3, 3, n]: first index of the template points p, second of the target points y; both centred.
    squared_sizes
        [n]: ½ Σ_k (|p_k|² + |y_k|²), an upper bound of the eigenvalue, close where points nearly fit.
    n_steps
        Steps of Newton's method: 12 do for points that fit badly, 5 for points that nearly fit.

    Returns
    -------
    float64 [3, 3, n]
        Rotations; the identity where the points do not decide one.
    """
    rotations = np.empty_like(covariances)
    for begin in range(0, covariances.shape[2], _CHUNK):
        chunk = slice(begin, begin + _CHUNK)
        rotations[:, :, chunk] = _rotations(covariances[:, :, chunk], squared_sizes[chunk], n_steps)
    return rotations


def _rotations(
    covariances: NDArray[np.float64], squared_sizes: NDArray[np.float64], n_steps: int
) -> NDArray[np.float64]:
    (sxx, sxy, sxz), (syx, syy, syz), (szx, szy, szz) = covariances
    # Horn's matrix, symmetric and traceless
    k00, k11, k22, k33 = sxx + syy + szz, sxx - syy - szz, syy - sxx - szz, szz - sxx - syy
    k01, k02, k03 = syz - szy, szx - sxz, sxy - syx
    k12, k13, k23 = sxy + syx, szx + sxz, syz + szy
    # row by row: a sum over two axes of a single matrix would be taken in another order than of many
    c2 = -2.0 * sum((row * row).sum(axis=0) for row in covariances)
    c1 = -8.0 * (sxx * (syy * szz - syz * szy) - sxy * (syx * szz - syz * szx) + sxz * (syx * szy - syy * szx))
    m01_23, m02_23, m03_23 = k02 * k13 - k03 * k12, k02 * k23 - k03 * k22, k02 * k33 - k03 * k23
    m12_23, m13_23, m23_23 = k12 * k23 - k13 * k22, k12 * k33 - k13 * k23, k22 * k33 - k23 * k23
    # determinant of Horn's matrix by 2 x 2 minors of its last two rows
    det = (
        (k00 * k11 - k01 * k01) * m23_23
        - (k00 * k12 - k01 * k02) * m13_23
        + (k00 * k13 - k01 * k03) * m12_23
        + (k01 * k12 - k02 * k11) * m03_23
        - (k01 * k13 - k03 * k11) * m02_23
        + (k02 * k13 - k03 * k12) * m01_23
    )
    # Newton's method descends from the nearer of two upper bounds: where points are torn far apart the sizes say
    # little, but the eigenvalue is at most the sum of C's singular values, that is √3 |C|
    value = np.minimum(squared_sizes, np.sqrt(-1.5 * c2))
    for _ in range(n_steps):
        square = value * value
        polynomial = (square + c2) * square + c1 * value + det
        slope = 4.0 * square * value + 2.0 * c2 * value + c1
        value -= np.divide(polynomial, slope, out=np.zeros_like(value), where=np.abs(slope) > 1e-300)
    # eigenvector: the column of the adjugate of K − λ that is largest
    a00, a11, a22, a33 = k00 - value, k11 - value, k22 - value, k33 - value
    quaternion = _largest_cofactor_row(a00, a11, a22, a33, k01, k02, k03, k12, k13, k23)
    return _rotation_of(quaternion)


def _largest_cofactor_row(
    a00: NDArray, a11: NDArray, a22: NDArray, a33: NDArray,
    a01: NDArray, a02: NDArray, a03: NDArray, a12: NDArray, a13: NDArray, a23: NDArray,
) -> NDArray[np.float64]:  # fmt: skip
    """Null vector of a symmetric 4 x 4 matrix of rank 3, as its longest row of cofactors: [4, ...]."""
    s2233, s2333, s1233 = a22 * a33 - a23 * a23, a12 * a33 - a13 * a23, a12 * a23 - a13 * a22
    s0233, s0223, s0213 = a02 * a33 - a03 * a23, a02 * a23 - a03 * a22, a02 * a13 - a03 * a12
    c00 = a11 * s2233 - a12 * s2333 + a13 * s1233
    c01 = -(a01 * s2233 - a12 * s0233 + a13 * s0223)
    c02 = a01 * s2333 - a11 * s0233 + a13 * s0213
    c03 = -(a01 * s1233 - a11 * s0223 + a12 * s0213)
    t0112, t0113 = a00 * a12 - a01 * a02, a00 * a13 - a01 * a03
    c11 = a00 * s2233 - a02 * s0233 + a03 * s0223
    c12 = -(a00 * s2333 - a01 * s0233 + a03 * s0213)
    c13 = a00 * s1233 - a01 * s0223 + a02 * s0213
    m = a00 * a11 - a01 * a01
    n = a01 * a13 - a03 * a11
    c22 = m * a33 - t0113 * a13 + n * a03
    c23 = -(m * a23 - t0113 * a12 + n * a02)
    o = a01 * a12 - a02 * a11
    c33 = m * a22 - t0112 * a12 + o * a02
    rows = np.stack([
        np.stack([c00, c01, c02, c03]), np.stack([c01, c11, c12, c13]),
        np.stack([c02, c12, c22, c23]), np.stack([c03, c13, c23, c33]),
    ])  # fmt: skip
    largest = np.argmax(np.abs(np.stack([c00, c11, c22, c33])), axis=0)
    chosen = np.take_along_axis(rows, largest[None, None], axis=0)[0]
    norm = np.sqrt((chosen * chosen).sum(axis=0))
    undecided = norm < 1e-200
    chosen = chosen / np.where(undecided, 1.0, norm)
    chosen[0] = np.where(undecided, 1.0, chosen[0])
    return chosen


def _rotation_of(quaternion: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation matrices of unit quaternions (w, x, y, z) along the first axis: [3, 3, ...]."""
    w, x, y, z = quaternion
    rotation = np.empty((3, 3, *w.shape))
    rotation[0, 0] = w * w + x * x - y * y - z * z
    rotation[1, 1] = w * w - x * x + y * y - z * z
    rotation[2, 2] = w * w - x * x - y * y + z * z
    rotation[0, 1], rotation[1, 0] = 2.0 * (x * y - w * z), 2.0 * (x * y + w * z)
    rotation[0, 2], rotation[2, 0] = 2.0 * (x * z + w * y), 2.0 * (x * z - w * y)
    rotation[1, 2], rotation[2, 1] = 2.0 * (y * z - w * x), 2.0 * (y * z + w * x)
    return rotation


def turn_lines(axes: NDArray[np.float64], directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smallest rotations that turn unit vectors into given directions: for sets of points on a line.

    Parameters
    ----------
    axes
        [..., 3], unit vectors.
    directions
        [..., 3], of any length; where it is zero the rotation is the identity.

    Returns
    -------
    float64 [..., 3, 3]
    """
    axes, directions = np.broadcast_arrays(axes, directions)
    length = np.linalg.norm(directions, axis=-1, keepdims=True)
    goal = np.where(length > 1e-12, directions / np.maximum(length, 1e-12), axes)
    cosine = (axes * goal).sum(axis=-1)
    opposite = cosine < -1.0 + 1e-9
    # half a turn about any perpendicular: the one from the coordinate axis that the line is farthest from
    helper = np.eye(3)[np.argmin(np.abs(axes), axis=-1)]
    perpendicular = np.cross(axes, helper)
    perpendicular /= np.linalg.norm(perpendicular, axis=-1, keepdims=True)
    half_turn = 2.0 * perpendicular[..., :, None] * perpendicular[..., None, :] - np.eye(3)
    x, y, z = np.moveaxis(np.cross(axes, goal), -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*x.shape, 3, 3)
    scale = 1.0 / np.where(opposite, 1.0, 1.0 + cosine)
    turn = np.eye(3) + cross + np.matmul(cross, cross) * scale[..., None, None]
    return np.where(opposite[..., None, None], half_turn, turn)
