"""Coordinates as integers of one picometre about the middle of every frame, in compiled code.

Imported only where frames are written.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.compiled import compiled

__all__ = ["centre_frames", "encode_frames"]


@compiled
def centre_frames(coordinates: NDArray[np.floating], centre: NDArray[np.float64], span: NDArray[np.float64]) -> None:
    """Write the mid-point of the bounding box of every frame, and its longest edge: NaN where not all is finite."""
    for i in range(coordinates.shape[0]):
        frame = coordinates[i]
        low0 = high0 = frame[0, 0]
        low1 = high1 = frame[0, 1]
        low2 = high2 = frame[0, 2]
        total = frame[0, 0] * 0.0
        for j in range(frame.shape[0]):
            x, y, z = frame[j, 0], frame[j, 1], frame[j, 2]
            low0, high0 = min(low0, x), max(high0, x)
            low1, high1 = min(low1, y), max(high1, y)
            low2, high2 = min(low2, z), max(high2, z)
            total += (x + y + z) * 0.0  # NaN as soon as one number is not finite
        centre[i, 0] = 0.5 * (np.float64(low0) + np.float64(high0))
        centre[i, 1] = 0.5 * (np.float64(low1) + np.float64(high1))
        centre[i, 2] = 0.5 * (np.float64(low2) + np.float64(high2))
        edge = max(
            np.float64(high0) - np.float64(low0),
            np.float64(high1) - np.float64(low1),
            np.float64(high2) - np.float64(low2),
        )
        span[i] = edge + total


@compiled
def encode_frames(
    coordinates: NDArray[np.floating],
    centre: NDArray[np.float64],
    inverse_unit: float,
    encoded: NDArray[np.int16],
) -> None:
    """Write the nearest integers to ``(coordinates - centre) * inverse_unit``."""
    for i in range(coordinates.shape[0]):
        frame, target = coordinates[i], encoded[i]
        c0, c1, c2 = centre[i, 0], centre[i, 1], centre[i, 2]
        for j in range(frame.shape[0]):
            target[j, 0] = np.int16(np.rint((np.float64(frame[j, 0]) - c0) * inverse_unit))
            target[j, 1] = np.int16(np.rint((np.float64(frame[j, 1]) - c1) * inverse_unit))
            target[j, 2] = np.int16(np.rint((np.float64(frame[j, 2]) - c2) * inverse_unit))
