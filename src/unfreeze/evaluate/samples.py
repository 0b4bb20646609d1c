"""What is kept of the frames of a side so that a statistic can be taken again on resampled blocks of them.

Most observables are functions of means over frames (RMSF, contact probabilities, histograms, covariances): for these
block sums are enough, and a resample costs nothing beside the first pass. The rest (distances between distributions,
assignments) keep one value a frame.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["BlockMeans", "FrameValues", "Sample"]


class Sample(Protocol):
    """Anything that a statistic can be taken of, as measured or with its blocks drawn again."""

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        ...

    def at(self, copies: NDArray[np.int64] | None = None) -> Any:
        """What the statistic takes; `copies` [n_blocks] says how often each block was drawn, None: each once."""
        ...


@dataclass(frozen=True, eq=False)
class BlockMeans:
    """Weighted sums over the frames of every block, of one or several per-frame arrays.

    Attributes
    ----------
    weight : float64 [n_blocks]
        Sum of the frame weights of every block.
    sums
        One array a quantity, each [n_blocks, ...]: Σ_frames weight · value.
    """

    weight: NDArray[np.float64]
    sums: tuple[NDArray[np.floating], ...]

    @classmethod
    def of(cls, block: NDArray[np.int64], weights: NDArray[np.float64], values: Sequence[NDArray[Any]]) -> BlockMeans:
        """Sum per-frame arrays, each [n_frames, ...], over blocks; for arrays that fit in memory whole."""
        bounds = np.flatnonzero(np.diff(block, prepend=-1, append=int(block[-1]) + 1))
        spans = [slice(a, b) for a, b in itertools.pairwise(bounds)]
        sums = tuple(np.stack([np.tensordot(weights[s], v[s], axes=1) for s in spans]) for v in values)
        return cls(np.array([weights[s].sum() for s in spans]), sums)

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return len(self.weight)

    def at(self, copies: NDArray[np.int64] | None = None) -> tuple[NDArray[np.floating], ...]:
        """The means over all frames, one array a quantity."""
        share = np.ones(self.n_blocks) if copies is None else np.asarray(copies, dtype=np.float64)
        total = float(share @ self.weight)
        return tuple(np.tensordot(share.astype(s.dtype), s, axes=1) / s.dtype.type(total) for s in self.sums)


@dataclass(frozen=True, eq=False)
class FrameValues:
    """One value (or row of values) a frame.

    Attributes
    ----------
    values : [n_frames, ...]
        The values.
    weights : float64 [n_frames]
        Frame weights that sum to 1.
    block : int64 [n_frames]
        Block of every frame.
    """

    values: NDArray[np.floating]
    weights: NDArray[np.float64]
    block: NDArray[np.int64]

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return int(self.block[-1]) + 1 if len(self.block) else 0

    def at(self, copies: NDArray[np.int64] | None = None) -> tuple[NDArray[np.floating], NDArray[np.float64]]:
        """Values and weights; weights of blocks that were not drawn are zero."""
        if copies is None:
            return self.values, self.weights
        weights = self.weights * copies[self.block]
        return self.values, weights / weights.sum()
