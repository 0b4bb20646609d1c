"""The losses: what a network said of a batch, compared with what was seen.

Every loss is a weighted mean over structures: windows of a structure share its weight, and weights are over all
devices, so that sums over devices are the loss of the whole batch.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from unfreeze.train.batches import Batch
from unfreeze.train.recipe import LossWeights

__all__ = [
    "amplitude_loss",
    "centred_loss",
    "correlation_loss",
    "losses",
    "mean_square_loss",
    "pattern_loss",
    "segment_mean",
    "uncertainty_loss",
]


def losses(
    outputs: Mapping[str, Tensor], batch: Batch, weights: LossWeights, error_cap: float | None = 1.0
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of a batch.

    Parameters
    ----------
    outputs
        Of every head: [N, n_outputs].
    batch
        What it was computed of.
    weights
        Of the losses.
    error_cap
        Squared errors of logarithms count up to this.

    Returns
    -------
    total, parts
        The weighted sum, and each loss before it is weighted, detached; both over this device's share.
    """
    parts: dict[str, Tensor] = {}
    if len(batch.window_weight):
        offset, exponent = outputs["rmsf"][:, 0], outputs["rmsf"][:, 1]
        at, window = batch.value_block, batch.value_window
        predicted = offset[at] + batch.log_base[at] + batch.window_condition[window]
        predicted = predicted + exponent[at] * batch.window_log_time[window]
        residual = predicted - batch.value
        level = segment_mean(residual, window, len(batch.window_weight))
        centred = residual - level[window]
        full = torch.where(batch.window_known[window] > 0.0, residual, centred)
        spread = outputs["uncertainty"][:, 0][at]
        sums = {
            "rmsf": centred_loss(centred, window, batch.window_weight, error_cap),
            "amplitude": amplitude_loss(level, batch.window_known, batch.window_weight, error_cap),
            "rmsf_r": correlation_loss(predicted.exp(), batch.value.exp(), window, batch.window_weight),
            "exponent": mean_square_loss(exponent[at], window, batch.window_weight),
            "uncertainty": uncertainty_loss(full.detach(), spread, window, batch.window_weight),
        }
        parts.update(sums)
    if len(batch.b_weight):
        logarithm = outputs["b_factor"][:, 0][batch.b_block] + batch.log_base[batch.b_block]
        structure = batch.b_structure
        parts["b_factor"] = pattern_loss(logarithm, batch.b_value, structure, batch.b_weight, error_cap)
        parts["b_factor_r"] = correlation_loss(
            (2.0 * logarithm).exp(), (2.0 * batch.b_value).exp(), structure, batch.b_weight
        )
    if len(batch.r_weight):
        pattern = outputs["rmsf"][:, 0][batch.r_block]
        moved = pattern + batch.log_base[batch.r_block]
        parts["rearrangement"] = pattern_loss(moved, batch.r_value, batch.r_structure, batch.r_weight, error_cap)
        parts["correction"] = mean_square_loss(pattern, batch.r_structure, batch.r_weight)
    # every parameter has a gradient whatever is in the batch
    total = sum((output.sum() for output in outputs.values()), torch.zeros((), device=batch.nodes.device)) * 0.0
    for name, value in parts.items():
        weight = getattr(weights, name)
        if weight > 0.0:
            total = total + weight * value
    return total, {name: value.detach() for name, value in parts.items()}


def segment_mean(values: Tensor, segment: Tensor, n_segments: int) -> Tensor:
    """Mean of the values of each segment: [n_segments]; 0 for an empty one."""
    sums = torch.zeros(n_segments, dtype=values.dtype, device=values.device).index_add(0, segment, values)
    return sums / torch.bincount(segment, minlength=n_segments).clamp(min=1).to(values.dtype)


def centred_loss(centred: Tensor, segment: Tensor, weight: Tensor, cap: float | None = None) -> Tensor:
    """Mean square of errors about their own mean in every segment: the pattern, whatever the amplitude."""
    return (weight * segment_mean(_capped(centred**2, cap), segment, len(weight))).sum()


def amplitude_loss(level: Tensor, known: Tensor, weight: Tensor, cap: float | None = None) -> Tensor:
    """Square of the mean error of log RMSF in every window with a clock; nothing is asked of others."""
    return (weight * known * _capped(level**2, cap)).sum()


def correlation_loss(predicted: Tensor, seen: Tensor, segment: Tensor, weight: Tensor) -> Tensor:
    """1 − Pearson's r in every segment."""
    n = len(weight)
    x = predicted - segment_mean(predicted, segment, n)[segment]
    y = seen - segment_mean(seen, segment, n)[segment]
    # scaled by their own size first, so that B-factors of 100 Å² and amplitudes of 0.1 nm have the same floor
    covariance = segment_mean(x * y, segment, n)
    scale = segment_mean(x * x, segment, n) * segment_mean(y * y, segment, n)
    return (weight * (1.0 - covariance * (scale + 1e-12).rsqrt())).sum()


def mean_square_loss(correction: Tensor, segment: Tensor, weight: Tensor) -> Tensor:
    """Mean square of a correction in every segment: it stays small where few data say anything of it."""
    return (weight * segment_mean(correction**2, segment, len(weight))).sum()


def uncertainty_loss(residual: Tensor, log_sd: Tensor, segment: Tensor, weight: Tensor) -> Tensor:
    """Negative log-likelihood of errors under a Gaussian of the expected size, less its constant.

    Parameters
    ----------
    residual
        [M], errors of log RMSF, without gradient.
    log_sd
        [M], logarithm of the expected size.
    segment, weight
        Window of every error, and weight of every window.
    """
    value = log_sd + 0.5 * residual**2 * (-2.0 * log_sd).exp()
    return (weight * segment_mean(value, segment, len(weight))).sum()


def pattern_loss(predicted: Tensor, seen: Tensor, segment: Tensor, weight: Tensor, cap: float | None = None) -> Tensor:
    """Mean square of errors of logarithms about their mean in every structure: targets that have no absolute scale."""
    error = predicted - seen
    centred = error - segment_mean(error, segment, len(weight))[segment]
    return centred_loss(centred, segment, weight, cap)


def _capped(values: Tensor, cap: float | None) -> Tensor:
    return values if cap is None else values.clamp(max=cap)
