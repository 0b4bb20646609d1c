"""How fast torsions forget: autocorrelation functions and decorrelation times of both sides.

Only where both sides have a clock. As in MDGen (Jing et al. 2024, arXiv 2409.17808), every torsion is followed as a
point on the unit circle; the slow coordinates are not looked at here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import Measurement, NotMeasurableError
from unfreeze.evaluate.metrics.slow_coordinates import replica_spans
from unfreeze.evaluate.metrics.torsions import TorsionSet, chosen_torsions, walk_torsions
from unfreeze.evaluate.metrics.walking import block_weights
from unfreeze.evaluate.samples import BlockMeans

__all__ = ["decorrelation_times", "lag_times_ps", "lagged_products", "log_decorrelation_error"]

LONGEST_SHARE = 0.1
"""Longest lag over the length of the shorter side's longest replica, as in MDGen (10 ns of 100 ns)."""
N_LAGS = 50
_FEWEST_LAGS = 4
_MOST_ANGLES = 20_000_000  # sines and cosines held at once, each
_STILL = 1e-6


def lag_times_ps(ensemble: Side, reference: Side) -> NDArray[np.float64]:
    """Lag times at which both sides are looked at: multiples of the longer time step, evenly in logarithm.

    Returns
    -------
    float64 [n_lags]
        ps, increasing, up to a tenth of the length of the shorter side.

    Raises
    ------
    NotMeasurableError
        If a side has no clock, or there are fewer than four lags.
    """
    for name, side in (("reference", reference), ("ensemble", ensemble)):
        if not side.time_step_ps:
            raise NotMeasurableError(f"the {name} has no clock")
    step = max(side.time_step_ps or 0.0 for side in (ensemble, reference))
    length = min(
        max(span.stop - span.start for span in replica_spans(side)) * (side.time_step_ps or 0.0)
        for side in (ensemble, reference)
    )
    n_steps = int(LONGEST_SHARE * length / step * (1.0 + 1e-9))
    if n_steps < _FEWEST_LAGS:
        raise NotMeasurableError(
            f"{length:g} ps with a frame every {step:g} ps are too short for decorrelation times of up to a tenth"
        )
    return step * np.unique(np.round(np.geomspace(1, n_steps, N_LAGS)).astype(np.int64)).astype(np.float64)


def lagged_products(side: Side, names: tuple[str, ...], fold: bool, lags_ps: tuple[float, ...]) -> BlockMeans:
    """What autocorrelation functions of torsions are made of, summed over the frames in which pairs begin.

    Returns
    -------
    BlockMeans
        Four quantities: cos(θ(s + t) − θ(s)) summed over pairs [n_blocks, n_lags, n_torsions], the weight of the
        pairs [n_blocks, n_lags], and cos θ and sin θ [n_blocks, n_torsions]. Pairs never join two replicas.

    Raises
    ------
    NotMeasurableError
        If there is no such torsion.
    """
    torsions = chosen_torsions(side.molecule, names, fold)
    if len(torsions) == 0:
        raise NotMeasurableError("the atoms that are in both make no such torsions")
    shifts = np.maximum(np.round(np.asarray(lags_ps) / float(side.time_step_ps or 1.0)).astype(np.int64), 1)
    n_blocks, n_lags = int(side.block[-1]) + 1, len(shifts)
    products = np.zeros((n_blocks, n_lags, len(torsions)))
    pair_weight = np.zeros((n_blocks, n_lags))
    means = np.zeros((2, n_blocks, len(torsions)))
    group = max(1, _MOST_ANGLES // side.n_frames)
    for first in range(0, len(torsions), group):
        part = slice(first, min(first + group, len(torsions)))
        circle = _on_circle(side, torsions, part)
        weighted = circle * side.weights[:, None].astype(np.float32)
        for axis, values in enumerate(weighted):
            means[axis][:, part] = _block_sums(values, side.block, n_blocks)
        for place, shift in enumerate(shifts.tolist()):
            for span in replica_spans(side):
                begin, late = slice(span.start, span.stop - shift), slice(span.start + shift, span.stop)
                if begin.stop <= begin.start:
                    continue
                values = (weighted[:, begin] * circle[:, late]).sum(axis=0)
                products[:, place, part] += _block_sums(values, side.block[begin], n_blocks)
                if first == 0:
                    pair_weight[:, place] += np.bincount(side.block[begin], side.weights[begin], minlength=n_blocks)
    return BlockMeans(block_weights(side), (products, pair_weight, means[0], means[1]))


def decorrelation_times(means: tuple[NDArray[np.floating], ...], lags_ps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Time at which the autocorrelation of every torsion has fallen to 1/e.

    C(t) = (⟨cos(θ(s + t) − θ(s))⟩ − b) / (1 − b) with b = ⟨cos θ⟩² + ⟨sin θ⟩².

    Parameters
    ----------
    means
        What :func:`lagged_products` gives.
    lags_ps
        [n_lags], ps.

    Returns
    -------
    float64 [n_torsions]
        ps, by interpolation in log t between lags; the first lag for what is faster, the last for what is slower.
        NaN for a torsion that does not move.
    """
    products, pair_weight, cosine, sine = (np.asarray(value, dtype=np.float64) for value in means)
    held = cosine**2 + sine**2
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = (products / pair_weight[:, None] - held) / (1.0 - held)
    level = np.exp(-1.0)
    below = np.nan_to_num(correlation, nan=1.0) < level
    after = np.where(below.any(axis=0), below.argmax(axis=0), len(lags_ps))
    column = np.arange(len(held))
    upper, lower = np.clip(after, 1, len(lags_ps) - 1), np.clip(after, 1, len(lags_ps) - 1) - 1
    high, low = correlation[lower, column], correlation[upper, column]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.clip((high - level) / (high - low), 0.0, 1.0)
    logs = np.log(lags_ps)
    times = np.exp(logs[lower] + share * (logs[upper] - logs[lower]))
    times = np.where(after == 0, lags_ps[0], np.where(after == len(lags_ps), lags_ps[-1], times))
    return np.where(1.0 - held > _STILL, times, np.nan)


def log_decorrelation_error(
    ensemble: Side, reference: Side, *, names: tuple[str, ...], fold: bool = True
) -> Measurement:
    """Mean over torsions of |log10(τ_ensemble / τ_reference)|: 1 means wrong by a factor of ten.

    Both sides are looked at between the longer of their time steps and a tenth of the shorter of their lengths; times
    beyond are set to these ends, so that a torsion that is slower than that on both sides counts as right.

    Raises
    ------
    NotMeasurableError
        If a side has no clock or is too short, or there is no such torsion.
    """
    lags = lag_times_ps(ensemble, reference)
    key = (names, fold, tuple(lags.tolist()))

    def statistic(e: tuple[NDArray[np.floating], ...], r: tuple[NDArray[np.floating], ...]) -> float:
        ratio = np.abs(np.log10(decorrelation_times(e, lags) / decorrelation_times(r, lags)))
        moves = np.isfinite(ratio)
        return float(ratio[moves].mean()) if moves.any() else float("nan")

    return Measurement(ensemble.once(lagged_products, *key), reference.once(lagged_products, *key), statistic)


def _on_circle(side: Side, torsions: TorsionSet, part: slice) -> NDArray[np.float32]:
    """Cosines and sines of some torsions in all frames, of twice the angle for symmetric ones: [2, n_frames, n]."""
    some = torsions.take(part)
    values = np.empty((2, side.n_frames, len(some)), dtype=np.float32)
    turns = np.where(some.symmetric, 2.0, 1.0)
    for chosen, angles in walk_torsions(side, some):
        values[0, chosen], values[1, chosen] = np.cos(turns * angles), np.sin(turns * angles)
    return values


def _block_sums(values: NDArray[np.floating], block: NDArray[np.int64], n_blocks: int) -> NDArray[np.float64]:
    """Sums over the frames of every block; frames of a block are contiguous: [n_blocks, n]."""
    sums = np.zeros((n_blocks, values.shape[1]))
    starts = np.flatnonzero(np.diff(block, prepend=-1))
    sums[block[starts]] = np.add.reduceat(values.astype(np.float64), starts, axis=0)
    return sums
