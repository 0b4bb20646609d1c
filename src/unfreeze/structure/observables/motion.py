"""Observables of motion: fluctuations, cross-correlations, principal components, deviation of every frame.

Pure functions of coordinates and weights. They expect frames that are superposed already; `superposed=False`
superposes them on their own mean first. Nothing here knows what an atom is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.geometry import superpose, superpose_on_mean

__all__ = [
    "PrincipalComponents",
    "dccm",
    "frame_rmsd_nm",
    "normalised_weights",
    "principal_components",
    "rmsf_nm",
    "weighted_mean_sd",
]


@dataclass(frozen=True, eq=False)
class PrincipalComponents:
    """Principal components of an ensemble (essential dynamics: Amadei et al. 1993, Proteins 17, 412).

    Attributes
    ----------
    mean_nm : float64 [n_atoms, 3]
        Weighted mean coordinates, nm.
    components : float64 [n_components, n_atoms, 3]
        Orthonormal directions; the largest element of each is positive.
    variances_nm2 : float64 [n_components]
        Weighted variance along each direction, nm², decreasing.
    total_variance_nm2
        Variance over all directions, nm².
    projections_nm : float64 [n_frames, n_components]
        Frames on the directions, nm (not divided by the number of atoms).
    """

    mean_nm: NDArray[np.float64]
    components: NDArray[np.float64]
    variances_nm2: NDArray[np.float64]
    total_variance_nm2: float
    projections_nm: NDArray[np.float64]

    @property
    def shares(self) -> NDArray[np.float64]:
        """Share of the total variance of each component: [n_components]; zeros when nothing moves."""
        if self.total_variance_nm2 <= 0.0:
            return np.zeros_like(self.variances_nm2)
        return self.variances_nm2 / self.total_variance_nm2

    def project(self, coordinates_nm: NDArray[np.floating]) -> NDArray[np.float64]:
        """Other coordinates [..., n_atoms, 3], superposed alike, on the directions: [..., n_components], nm."""
        deviations = np.asarray(coordinates_nm, dtype=np.float64) - self.mean_nm
        return np.tensordot(deviations, self.components, ((-2, -1), (1, 2)))


def normalised_weights(weights: NDArray[np.floating] | None, n_frames: int) -> NDArray[np.float64]:
    """Weights that sum to one: [n_frames]; equal ones for None.

    Raises
    ------
    ValueError
        If there is not one finite, non-negative weight a frame or all are zero.
    """
    if weights is None:
        return np.full(n_frames, 1.0 / max(n_frames, 1))
    values = np.asarray(weights, dtype=np.float64)
    if values.shape != (n_frames,):
        raise ValueError(f"weights has shape {values.shape}, expected {(n_frames,)}")
    if not np.isfinite(values).all() or (values < 0.0).any() or values.sum() <= 0.0:
        raise ValueError("weights must be finite, not negative and not all zero")
    return values / values.sum()


def weighted_mean_sd(values: NDArray[np.floating], weights: NDArray[np.floating] | None = None) -> tuple[float, float]:
    """Weighted mean and standard deviation (population form) of [n_frames] values; (nan, nan) of none."""
    if len(values) == 0:
        return float("nan"), float("nan")
    share = normalised_weights(weights, len(values))
    mean = float(share @ values)
    return mean, float(np.sqrt(max(share @ (np.asarray(values) - mean) ** 2, 0.0)))


def rmsf_nm(
    coordinates_nm: NDArray[np.floating],
    weights: NDArray[np.floating] | None = None,
    *,
    superposed: bool = True,
) -> NDArray[np.float64]:
    """Root-mean-square fluctuation of every atom about the ensemble's own mean.

    Parameters
    ----------
    coordinates_nm
        [n_frames, n_atoms, 3], nm.
    weights
        [n_frames] frame weights; equal when None.
    superposed
        False superposes the frames on their mean first.

    Returns
    -------
    float64 [n_atoms]
        nm.
    """
    deviations, _, share = _deviations(coordinates_nm, weights, superposed)
    return np.sqrt(np.einsum("f,fik,fik->i", share, deviations, deviations))


def dccm(
    coordinates_nm: NDArray[np.floating],
    weights: NDArray[np.floating] | None = None,
    *,
    superposed: bool = True,
    groups: NDArray[np.int64] | None = None,
) -> NDArray[np.float64]:
    """Dynamic cross-correlation matrix of atom displacements.

    C_ij = ⟨Δr_i·Δr_j⟩ / (⟨Δr_i²⟩⟨Δr_j²⟩)^½ (Ichiye & Karplus 1991, Proteins 11, 205).

    Parameters
    ----------
    coordinates_nm
        [n_frames, n_atoms, 3], nm.
    weights
        [n_frames] frame weights; equal when None.
    superposed
        False superposes the frames on their mean first.
    groups
        [n_atoms] group of every atom, 0 … n_groups − 1 with none empty. The matrix is then that of groups, each
        element the mean over its atom pairs, and the full one is never built.

    Returns
    -------
    float64 [n_atoms, n_atoms] or [n_groups, n_groups]
        In [−1, 1]; for atoms, the diagonal is 1. Atoms that do not move have 0 off the diagonal.
    """
    deviations, _, share = _deviations(coordinates_nm, weights, superposed)
    scaled = np.sqrt(share)[:, None, None] * deviations
    columns = scaled.transpose(1, 0, 2).reshape(scaled.shape[1], 3 * len(scaled))
    norm = np.linalg.norm(columns, axis=1)
    still = norm < 1e-9
    columns = np.where(still[:, None], 0.0, columns / np.where(still, 1.0, norm)[:, None])
    if groups is not None:
        # C = X Xᵀ with unit rows, so that the mean over a block of C is the product of two mean rows
        sums = np.zeros((int(groups.max()) + 1, columns.shape[1]))
        np.add.at(sums, groups, columns)
        columns = sums / np.bincount(groups)[:, None]
    correlations = np.clip(columns @ columns.T, -1.0, 1.0)
    if groups is None:
        np.fill_diagonal(correlations, 1.0)
    return correlations


def principal_components(
    coordinates_nm: NDArray[np.floating],
    n_components: int = 2,
    weights: NDArray[np.floating] | None = None,
    *,
    superposed: bool = True,
) -> PrincipalComponents:
    """Leading principal components of the weighted covariance, from a thin singular value decomposition.

    Parameters
    ----------
    coordinates_nm
        [n_frames, n_atoms, 3], nm.
    n_components
        Components asked for; fewer come back when there are fewer frames or coordinates.
    weights
        [n_frames] frame weights; equal when None.
    superposed
        False superposes the frames on their mean first.

    Returns
    -------
    PrincipalComponents
    """
    deviations, mean, share = _deviations(coordinates_nm, weights, superposed)
    n_frames, n_atoms = deviations.shape[:2]
    flat = deviations.reshape(n_frames, -1)
    _, singular, directions = np.linalg.svd(np.sqrt(share)[:, None] * flat, full_matrices=False)
    kept = min(n_components, len(singular))
    directions = directions[:kept]
    largest = np.abs(directions).argmax(axis=1)
    directions = directions * np.where(directions[np.arange(kept), largest] < 0.0, -1.0, 1.0)[:, None]
    return PrincipalComponents(
        mean_nm=mean,
        components=directions.reshape(kept, n_atoms, 3),
        variances_nm2=singular[:kept] ** 2,
        total_variance_nm2=float((singular**2).sum()),
        projections_nm=flat @ directions.T,
    )


def frame_rmsd_nm(
    coordinates_nm: NDArray[np.floating], reference_nm: NDArray[np.floating], *, superposed: bool = True
) -> NDArray[np.float64]:
    """Root-mean-square deviation of every frame from a reference.

    Parameters
    ----------
    coordinates_nm
        [n_frames, n_atoms, 3], nm.
    reference_nm
        [n_atoms, 3], nm.
    superposed
        False superposes every frame on the reference first.

    Returns
    -------
    float64 [n_frames]
        nm.
    """
    frames = np.asarray(coordinates_nm, dtype=np.float64)
    reference = np.asarray(reference_nm, dtype=np.float64)
    if not superposed:
        frames = superpose(frames, reference)
    return np.sqrt(((frames - reference) ** 2).sum(axis=-1).mean(axis=-1))


def _deviations(
    coordinates_nm: NDArray[np.floating], weights: NDArray[np.floating] | None, superposed: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    frames = np.asarray(coordinates_nm, dtype=np.float64)
    if not superposed:
        frames = superpose_on_mean(frames)
    share = normalised_weights(weights, len(frames))
    mean = np.tensordot(share, frames, axes=1)
    return frames - mean, mean, share
