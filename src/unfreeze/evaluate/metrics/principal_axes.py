"""Leading principal axes of many frames, without a matrix whose size is the square of both frames and atoms.

The axes come from the covariance of coordinates where there are few of them, from the frames' inner products where
there are few frames, and otherwise by the Lanczos method from products with the frames, never forming either.
All three give the same axes to rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.sparse.linalg import LinearOperator, eigsh

__all__ = ["DENSE_LIMIT", "PrincipalAxes", "principal_axes"]

DENSE_LIMIT = 3_000
"""Largest matrix, of coordinates or of frames, whose eigenvectors are taken directly."""
_ROWS_BYTES = 32 * 2**20


@dataclass(frozen=True, eq=False)
class PrincipalAxes:
    """Leading eigenvectors of a weighted covariance.

    Attributes
    ----------
    mean_nm : float64 [n_coordinates]
        Weighted mean, nm.
    axes : float64 [n_axes, n_coordinates]
        Orthonormal; the largest element of each is positive.
    variances_nm2 : float64 [n_axes]
        Variance along each, nm², decreasing.
    """

    mean_nm: NDArray[np.float64]
    axes: NDArray[np.float64]
    variances_nm2: NDArray[np.float64]

    def project(self, frames_nm: NDArray[np.floating]) -> NDArray[np.float64]:
        """Frames [n_frames, n_atoms, 3] on the axes, about the mean: [n_frames, n_axes], nm."""
        parts = [(rows - self.mean_nm) @ self.axes.T for _, rows in _rows(frames_nm)]
        return np.concatenate(parts) if parts else np.empty((0, len(self.axes)))


def principal_axes(frames_nm: NDArray[np.floating], weights: NDArray[np.float64], n_axes: int = 2) -> PrincipalAxes:
    """Leading principal axes (Amadei et al. 1993, Proteins 17, 412).

    Parameters
    ----------
    frames_nm
        [n_frames, n_atoms, 3], superposed, nm.
    weights
        [n_frames], sum to 1.
    n_axes
        Axes wanted; there are no more than frames − 1 or coordinates.

    Returns
    -------
    PrincipalAxes
        Axes along which nothing varies (to 10⁻¹² of the first variance) are left out.
    """
    n_frames, size = len(frames_nm), frames_nm.shape[1] * 3
    mean = np.zeros(size)
    for span, rows in _rows(frames_nm):
        mean += weights[span] @ rows
    wanted = min(n_axes, n_frames - 1, size)
    if wanted < 1:
        return PrincipalAxes(mean, np.empty((0, size)), np.empty(0))
    if min(n_frames, size) > DENSE_LIMIT:
        values, axes = _by_lanczos(frames_nm, weights, mean, wanted)
    elif n_frames < size:
        values, axes = _by_frames(frames_nm, weights, mean, wanted)
    else:
        values, axes = _by_coordinates(frames_nm, weights, mean, wanted)
    order = np.argsort(values)[::-1]
    values, axes = values[order], axes[order]
    vary = (values > 1e-12 * values[0]) & (values > 0.0)
    values, axes = values[vary], axes[vary]
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1, keepdims=True), axis=1)
    return PrincipalAxes(mean, axes * np.where(largest < 0.0, -1.0, 1.0), values)


def _rows(frames_nm: NDArray[np.floating]) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Stretches of frames as rows of coordinates, in double precision."""
    size = frames_nm.shape[1] * 3
    length = max(1, _ROWS_BYTES // (8 * max(size, 1)))
    for begin in range(0, len(frames_nm), length):
        span = slice(begin, min(begin + length, len(frames_nm)))
        yield span, np.asarray(frames_nm[span], dtype=np.float64).reshape(-1, size)


_Found = tuple[NDArray[np.float64], NDArray[np.float64]]  # variances [k], axes [k, n_coordinates]


def _by_coordinates(frames: NDArray[np.floating], weights: NDArray[np.float64], mean: NDArray, wanted: int) -> _Found:
    size = len(mean)
    covariance = np.zeros((size, size))
    for span, rows in _rows(frames):
        scaled = np.sqrt(weights[span])[:, None] * (rows - mean)
        covariance += scaled.T @ scaled
    values, vectors = eigh(covariance, subset_by_index=[size - wanted, size - 1], overwrite_a=True)
    return values, vectors.T


def _by_frames(frames: NDArray[np.floating], weights: NDArray[np.float64], mean: NDArray, wanted: int) -> _Found:
    """From inner products K = Y Yᵀ of weighted deviations: K u = λ u gives the axis Yᵀ u / √λ."""
    n_frames, n_atoms = frames.shape[:2]
    root = np.sqrt(weights)[:, None]
    inner = np.zeros((n_frames, n_frames))
    step = max(1, _ROWS_BYTES // (24 * n_frames))

    def parts() -> Iterator[NDArray[np.float64]]:
        for begin in range(0, n_atoms, step):
            rows = np.asarray(frames[:, begin : begin + step], dtype=np.float64).reshape(n_frames, -1)
            yield root * (rows - mean[3 * begin : 3 * (begin + step)])

    for part in parts():
        inner += part @ part.T
    values, vectors = eigh(inner, subset_by_index=[n_frames - wanted, n_frames - 1], overwrite_a=True)
    values = np.maximum(values, 0.0)
    axes = np.concatenate([vectors.T @ part for part in parts()], axis=1)
    length = np.linalg.norm(axes, axis=1, keepdims=True)
    return values, axes / np.where(length > 0.0, length, 1.0)


def _by_lanczos(frames: NDArray[np.floating], weights: NDArray[np.float64], mean: NDArray, wanted: int) -> _Found:
    size = len(mean)

    def apply(vector: NDArray[np.float64]) -> NDArray[np.float64]:
        vector = vector.ravel()
        shift = float(mean @ vector)
        product = np.zeros(size)
        for span, rows in _rows(frames):
            product += (weights[span] * (rows @ vector - shift)) @ rows
        return product  # Σ w (x·v − m·v) m vanishes, so the mean need not be taken off the rows again

    operator = LinearOperator((size, size), matvec=apply, dtype=np.float64)  # pyright: ignore[reportCallIssue]
    start = np.random.default_rng(0).standard_normal(size)
    # no tolerance given: to machine precision
    values, vectors = eigsh(operator, k=wanted, which="LA", v0=start, ncv=max(20, 3 * wanted))
    return values, vectors.T
