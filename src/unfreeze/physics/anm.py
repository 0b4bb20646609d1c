"""The Cα anisotropic network model: equal springs between all nodes within a cut-off, and exact draws from it.

The simplest model that knows a protein's shape, and so what others are compared with; the product's own harmonic
ensemble is :mod:`unfreeze.physics.harmonic`. Its one parameter, the spring constant, only scales the motion.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.sparse import coo_array, csc_array, eye_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu
from scipy.spatial import KDTree

from unfreeze.physics.harmonic import rigid_motions

__all__ = ["CUTOFF_NM", "DENSE_NODES", "LooseNetworkError", "anm_displacements", "anm_hessian"]

CUTOFF_NM = 1.5
"""Springs join nodes within 15 Å (Atilgan et al. 2001, Biophys. J. 80, 505)."""
DENSE_NODES = 1_500
"""Networks up to this size are factored as dense matrices, larger ones as sparse ones."""
_TETHER = 1e-10  # of a spring: holds a sparse network's rigid motions, which are then taken out
_LEAST_STIFFNESS = 1e-8  # of a spring: a mode softer than this is held by nothing but rounding
_DRAWS_A_CHUNK = 128


class LooseNetworkError(ValueError):
    """Part of the network is free to move without bending a spring; the text says what."""


def anm_hessian(points_nm: NDArray[np.floating], cutoff_nm: float = CUTOFF_NM) -> csc_array:
    """Second derivatives of ½ Σ (|r_ij| − |r⁰_ij|)² over pairs within the cut-off, at rest.

    H_ij = −u uᵀ with the unit vector u from i to j, H_ii = −Σ_j H_ij.

    Parameters
    ----------
    points_nm
        [n_nodes, 3], nm.
    cutoff_nm
        Reach of the springs, nm.

    Returns
    -------
    csc_array [3 n_nodes, 3 n_nodes]
        In units of the spring constant.

    Raises
    ------
    LooseNetworkError
        If there are fewer than three nodes, or the springs do not join all of them.
    """
    root, _ = _spring_root(np.asarray(points_nm, dtype=np.float64), cutoff_nm)
    return csc_array(root @ root.T)


def anm_displacements(
    points_nm: NDArray[np.floating],
    n_draws: int,
    generator: np.random.Generator,
    *,
    cutoff_nm: float = CUTOFF_NM,
) -> NDArray[np.float32]:
    """Independent draws from the network's Gaussian distribution N(0, H⁺), without rigid motion of the whole.

    Parameters
    ----------
    points_nm
        [n_nodes, 3], nm.
    n_draws
        Draws.
    generator
        Source of randomness.
    cutoff_nm
        Reach of the springs, nm.

    Returns
    -------
    float32 [n_draws, n_nodes, 3]
        Displacements at kT equal to the spring constant times 1 nm²: only their pattern means anything.

    Raises
    ------
    LooseNetworkError
        If a part can move without bending a spring.

    Notes
    -----
    Small networks: H + R Rᵀ = L Lᵀ with the rigid motions R, then Lᵀ u = z. Large ones: H = B Bᵀ over springs, then
    (H + ε) u = B z ("perturb and solve", see `physics.harmonic`); the tether ε only holds what is then taken out.
    """
    points = np.asarray(points_nm, dtype=np.float64)
    root, hessian = _spring_root(points, cutoff_nm)
    rigid = np.linalg.qr(rigid_motions(points))[0]
    solver: _Solver = _Dense(hessian, rigid) if len(points) <= DENSE_NODES else _Sparse(root, hessian, points.size)
    if not _softest(solver, rigid) > _LEAST_STIFFNESS:
        raise LooseNetworkError(_LOOSE)
    draws = np.empty((n_draws, points.size), dtype=np.float32)
    for span in _chunks(n_draws):
        # a row of noise a draw, so that a draw does not depend on how many there are
        noise = generator.standard_normal((span.stop - span.start, solver.n_noise))
        moves = solver.draw(noise.T)
        draws[span] = (moves - rigid @ (rigid.T @ moves)).T
    return draws.reshape(n_draws, -1, 3)


class _Solver(Protocol):
    n_noise: int

    def draw(self, noise: NDArray[np.float64]) -> NDArray[np.float64]: ...

    def solve(self, forces: NDArray[np.float64]) -> NDArray[np.float64]: ...


class _Dense:
    def __init__(self, hessian: csc_array, rigid: NDArray[np.float64]) -> None:
        self.n_noise = len(rigid)
        try:
            self._factor = cholesky(hessian.toarray() + rigid @ rigid.T, lower=True, overwrite_a=True)
        except np.linalg.LinAlgError as error:
            raise LooseNetworkError(_LOOSE) from error

    def draw(self, noise: NDArray[np.float64]) -> NDArray[np.float64]:
        return solve_triangular(self._factor, noise, lower=True, trans=1)

    def solve(self, forces: NDArray[np.float64]) -> NDArray[np.float64]:
        return cho_solve((self._factor, True), forces)


class _Sparse:
    def __init__(self, root: csc_array, hessian: csc_array, size: int) -> None:
        self._root = root
        self.n_noise = len(root.indptr) - 1
        self._factor = splu(
            csc_array(hessian + _TETHER * eye_array(size)),
            permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True},
        )  # fmt: skip

    def draw(self, noise: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.solve(self._root @ noise)

    def solve(self, forces: NDArray[np.float64]) -> NDArray[np.float64]:
        return self._factor.solve(np.asfortranarray(forces))


def _softest(solver: _Solver, rigid: NDArray[np.float64], n_steps: int = 4) -> float:
    """Least stiffness but for rigid motions, or little more than it, by inverse iteration."""
    vector = np.random.default_rng(0).standard_normal(len(rigid))
    length = 1.0
    for _ in range(n_steps):
        vector -= rigid @ (rigid.T @ vector)
        vector = solver.solve(vector / np.linalg.norm(vector))
        vector -= rigid @ (rigid.T @ vector)
        length = float(np.linalg.norm(vector))
    return 1.0 / length if length > 0.0 else 0.0


_LOOSE = "part of the network can move without bending a spring (nodes on a line, or with fewer than three neighbours)"


def _chunks(n_draws: int) -> Iterator[slice]:
    for begin in range(0, n_draws, _DRAWS_A_CHUNK):
        yield slice(begin, min(begin + _DRAWS_A_CHUNK, n_draws))


def _spring_root(points: NDArray[np.float64], cutoff_nm: float) -> tuple[csc_array, csc_array]:
    """B, [3 n_nodes, n_springs], u and −u at the ends of each spring, and H = B Bᵀ."""
    n_nodes = len(points)
    if n_nodes < 3:
        raise LooseNetworkError(f"an elastic network needs at least 3 nodes, found {n_nodes}")
    pairs = KDTree(points).query_pairs(cutoff_nm, output_type="ndarray").astype(np.int64)
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n_nodes, n_nodes))
    n_parts, part = connected_components(graph, directed=False)
    if n_parts > 1:
        smallest = int(np.bincount(part).min())
        raise LooseNetworkError(
            f"springs of {10.0 * cutoff_nm:g} Å leave {n_parts} separate parts, the smallest of {smallest} of "
            f"{n_nodes} nodes"
        )
    offset = points[pairs[:, 0]] - points[pairs[:, 1]]
    length = np.linalg.norm(offset, axis=1, keepdims=True)
    unit = np.divide(offset, length, out=np.zeros_like(offset), where=length > 1e-9)
    rows = 3 * pairs[:, :, None] + np.arange(3)
    columns = np.broadcast_to(np.arange(len(pairs))[:, None, None], rows.shape)
    values = np.stack([unit, -unit], axis=1)
    root = csc_array((values.ravel(), (rows.ravel(), columns.ravel())), shape=(3 * n_nodes, len(pairs)))
    return root, csc_array(root @ root.T)
