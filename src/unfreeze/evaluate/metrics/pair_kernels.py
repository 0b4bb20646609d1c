"""Compiled loops over pairs of points and frames: contacts, and moments of distances.

Points come with the frames innermost, [n_points, 3, n_frames], so that the inner loop runs over memory in order and
several frames at once. Pairs are those of the strict upper triangle, row by row.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.compiled import compiled_loosely

__all__ = ["FRAMES_A_STRETCH", "add_contacts", "add_distance_moments", "frames_innermost"]

FRAMES_A_STRETCH = 128
"""Frames handed to a kernel at a time: few, so that points stay in the cache and hardly move within a stretch."""


def frames_innermost(frames_nm: NDArray[np.float32]) -> NDArray[np.float32]:
    """[n_frames, n, 3] to a contiguous [n, 3, n_frames]."""
    return np.ascontiguousarray(frames_nm.transpose(1, 2, 0))


@compiled_loosely
def add_contacts(
    points: NDArray[np.float32], weights: NDArray[np.float64], cutoff: float, shares: NDArray[np.float64]
) -> None:
    """Add to every pair's share, [n (n − 1) / 2], the weight of the frames in which it is closer than the cut-off.

    Pairs whose points stay too far from each other's mean position to meet are passed over.
    """
    n, n_frames = points.shape[0], points.shape[2]
    centre = np.empty((n, 3))
    radius = np.empty(n)
    for i in range(n):
        for k in range(3):
            total = 0.0
            for f in range(n_frames):
                total += points[i, k, f]
            centre[i, k] = total / n_frames
        farthest = 0.0
        for f in range(n_frames):
            x, y, z = points[i, 0, f] - centre[i, 0], points[i, 1, f] - centre[i, 1], points[i, 2, f] - centre[i, 2]
            farthest = max(farthest, x * x + y * y + z * z)
        radius[i] = np.sqrt(farthest)
    squared = np.float32(cutoff * cutoff)
    pair = 0
    for i in range(n - 1):
        for j in range(i + 1, n):
            reach = cutoff + radius[i] + radius[j] + 1e-5
            a, b, c = centre[i, 0] - centre[j, 0], centre[i, 1] - centre[j, 1], centre[i, 2] - centre[j, 2]
            if a * a + b * b + c * c <= reach * reach:
                share = 0.0
                for f in range(n_frames):
                    x = points[i, 0, f] - points[j, 0, f]
                    y = points[i, 1, f] - points[j, 1, f]
                    z = points[i, 2, f] - points[j, 2, f]
                    share += weights[f] if x * x + y * y + z * z < squared else 0.0
                shares[pair] += share
            pair += 1


@compiled_loosely
def add_distance_moments(
    points: NDArray[np.float32],
    weights: NDArray[np.float32],
    origin: NDArray[np.float32],
    separation: int,
    first: NDArray[np.float64],
    second: NDArray[np.float64],
) -> None:
    """Add Σ w (d − d₀) and Σ w (d − d₀)² of every pair with j − i ≥ separation, d₀ its distance in `origin` [n, 3]."""
    n, n_frames = points.shape[0], points.shape[2]
    pair = 0
    for i in range(n - separation):
        for j in range(i + separation, n):
            a, b, c = origin[i, 0] - origin[j, 0], origin[i, 1] - origin[j, 1], origin[i, 2] - origin[j, 2]
            rest = np.float32(np.sqrt(a * a + b * b + c * c))
            one = np.float32(0.0)
            two = np.float32(0.0)
            for f in range(n_frames):
                x = points[i, 0, f] - points[j, 0, f]
                y = points[i, 1, f] - points[j, 1, f]
                z = points[i, 2, f] - points[j, 2, f]
                d = np.sqrt(x * x + y * y + z * z) - rest
                one += weights[f] * d
                two += weights[f] * d * d
            first[pair] += one
            second[pair] += two
            pair += 1
