"""How an ensemble is distributed along the slow coordinates of the reference.

The coordinates themselves are :mod:`unfreeze.evaluate.metrics.slow_coordinates`; states made of them
:mod:`unfreeze.evaluate.metrics.markov_states`, and how fast single torsions forget
:mod:`unfreeze.evaluate.metrics.autocorrelations`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import Measurement, Metric, NotMeasurableError
from unfreeze.evaluate.metrics.slow_coordinates import TicaSettings, fit_slow_coordinates
from unfreeze.evaluate.metrics.torsions import JSD_BOUNDS, js_distances
from unfreeze.evaluate.metrics.walking import block_weights
from unfreeze.evaluate.samples import BlockMeans

__all__ = ["TICA_2D_JSD", "TICA_JSD", "TICA_SETTINGS", "slow_histogram_jsd"]


def slow_histogram_jsd(ensemble: Side, reference: Side, *, settings: TicaSettings, n_dims: int) -> Measurement:
    """Jensen–Shannon distance between histograms along the first one or two slow coordinates of the reference.

    The fit is not repeated on resampled blocks: the interval is that of the histograms alone. Two-dimensional
    histograms of few frames are far apart though the distributions be one (:func:`js_distances`); see the floor.

    Parameters
    ----------
    ensemble, reference
        The two sides.
    settings
        Of the coordinates and bins.
    n_dims
        1 or 2.

    Raises
    ------
    NotMeasurableError
        As :func:`fit_slow_coordinates`; also if there is only one coordinate and two are asked for.
    """
    slow = reference.once(fit_slow_coordinates, settings)
    if slow.n_coordinates < n_dims:
        raise NotMeasurableError(f"the reference has fewer than {n_dims} slow coordinates")
    points = [slow.project(side)[:, :n_dims] for side in (ensemble, reference)]
    spread = points[1] if settings.reach == "reference" else np.concatenate(points)
    low, high = spread.min(axis=0), spread.max(axis=0)
    n_bins = settings.n_bins if n_dims == 1 else settings.n_bins_2d
    scale = n_bins / np.where(high > low, high - low, 1.0)
    ends = int(settings.reach == "reference")  # outer bins

    def histogram(side: Side, values: NDArray[np.float64]) -> BlockMeans:
        cell = np.floor((values - low) * scale)
        # the largest value of the range belongs to the last bin, as in numpy.histogram
        cell = np.where(values == high, n_bins - 1, np.clip(cell, -ends, n_bins - 1 + ends)).astype(np.int64) + ends
        n_cells = n_bins + 2 * ends
        flat = cell[:, 0] if n_dims == 1 else cell[:, 0] * n_cells + cell[:, 1]
        size = n_cells**n_dims
        n_blocks = int(side.block[-1]) + 1
        counts = np.bincount(side.block * size + flat, side.weights, minlength=n_blocks * size).astype(np.float64)
        return BlockMeans(block_weights(side), (counts.reshape(n_blocks, size),))

    return Measurement(
        histogram(ensemble, points[0]), histogram(reference, points[1]), lambda e, r: float(js_distances(e[0], r[0]))
    )


TICA_SETTINGS = TicaSettings()
"""Of protocol ``unfreeze``: backbone torsions, a lag of 1 ns, few enough bins for a few hundred frames."""


def _tica(ensemble: Side, reference: Side) -> Measurement:
    return slow_histogram_jsd(ensemble, reference, settings=TICA_SETTINGS, n_dims=1)


def _tica_2d(ensemble: Side, reference: Side) -> Measurement:
    return slow_histogram_jsd(ensemble, reference, settings=TICA_SETTINGS, n_dims=2)


TICA_JSD = Metric(
    "tica_jsd", "Slowest coordinate (TICA), Jensen–Shannon distance", _tica, better="lower", perfect=0.0,
    bounds=JSD_BOUNDS, group="kinetics",
)  # fmt: skip
TICA_2D_JSD = Metric(
    "tica_2d_jsd", "Two slowest coordinates (TICA), Jensen–Shannon distance", _tica_2d, better="lower", perfect=0.0,
    bounds=JSD_BOUNDS, group="kinetics",
)  # fmt: skip
