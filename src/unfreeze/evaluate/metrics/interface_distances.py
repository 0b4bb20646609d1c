"""Wasserstein distance of weighted values that is taken again and again with other weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["MeanWasserstein", "SortedWasserstein"]


class SortedWasserstein:
    """W₁ between two weighted sets of numbers, sorted once for all resamples.

    W₁ = ∫ |F(x) − G(x)| dx, with F and G the cumulative distributions (Vallender 1974, Theory Probab. Appl. 18, 784).
    Calling it takes what :class:`~unfreeze.evaluate.samples.FrameValues` gives for the two sides; only weights change.

    Parameters
    ----------
    ensemble, reference
        [n_frames] values of each side, in the unit that the distance gets.
    """

    def __init__(self, ensemble: NDArray[np.floating], reference: NDArray[np.floating]) -> None:
        values, place = np.unique(np.concatenate([ensemble, reference]), return_inverse=True)
        self._places = place[: len(ensemble)], place[len(ensemble) :]
        self._steps = np.diff(values.astype(np.float64))

    def __call__(
        self,
        ensemble: tuple[NDArray[np.floating], NDArray[np.float64]],
        reference: tuple[NDArray[np.floating], NDArray[np.float64]],
    ) -> float:
        """W₁ with the weights given."""
        n_values = len(self._steps) + 1
        # each side summed in the same order, so that equal sides cancel to the last digit
        ours, theirs = (
            np.bincount(place, side[1], n_values)
            for place, side in zip(self._places, (ensemble, reference), strict=True)
        )
        return float(np.abs(np.cumsum(ours - theirs)[:-1]) @ self._steps)


class MeanWasserstein:
    """Mean over columns of W₁, each column a quantity of its own (an interface).

    Parameters
    ----------
    ensemble, reference
        [n_frames, n_columns] values of each side.
    """

    def __init__(self, ensemble: NDArray[np.floating], reference: NDArray[np.floating]) -> None:
        columns = zip(ensemble.T, reference.T, strict=True)
        self._columns = [SortedWasserstein(ours, theirs) for ours, theirs in columns]

    def each(
        self,
        ensemble: tuple[NDArray[np.floating], NDArray[np.float64]],
        reference: tuple[NDArray[np.floating], NDArray[np.float64]],
    ) -> list[float]:
        """W₁ of every column."""
        return [column(ensemble, reference) for column in self._columns]

    def __call__(
        self,
        ensemble: tuple[NDArray[np.floating], NDArray[np.float64]],
        reference: tuple[NDArray[np.floating], NDArray[np.float64]],
    ) -> float:
        """Their mean."""
        return float(np.mean(self.each(ensemble, reference)))
