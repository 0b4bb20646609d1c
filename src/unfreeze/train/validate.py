"""How good a network is on held-out examples, beside the physics that it starts from.

Every target (a trajectory, a crystal) gives one number a measure; a score is their mean. The untrained harmonic model
stands in the same table, and so does the harmonic model with one factor on all amplitudes, the best there is for these
very targets: what is not better than that has learned no pattern.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unfreeze.train.batches import make_batch, window_conditions
from unfreeze.train.examples import Example
from unfreeze.train.network import apply
from unfreeze.train.table import SCORES, ScoreTable

__all__ = ["MotionPrediction", "predict_motion", "score_table", "uncertainty_scale"]

_INSIDE = 0.683  # share of the errors that the expected error is to hold
_SCALES = (0.2, 5.0)


@dataclass(frozen=True, eq=False)
class MotionPrediction:
    """Predictions for one whole trajectory.

    Attributes
    ----------
    target, predicted, harmonic, log_sd : float64 [n]
        Log RMSF seen, predicted, and of the untrained model; logarithm of the error that is expected.
    has_clock
        Whether the amplitude means something, or the pattern only.
    """

    target: NDArray[np.float64]
    predicted: NDArray[np.float64]
    harmonic: NDArray[np.float64]
    log_sd: NDArray[np.float64]
    has_clock: bool


def score_table(
    members: Sequence[Mapping[str, Tensor]], examples: Sequence[Example], batch_blocks: int = 4000
) -> ScoreTable:
    """Scores of the mean of several networks.

    Parameters
    ----------
    members
        Parameters of every network, on one device.
    examples
        Held out.
    batch_blocks
        Blocks that are computed at a time.
    """
    columns: dict[str, dict[str, list[float]]] = {
        name: {"model": [], "harmonic": [], "amplitude": []} for name in SCORES
    }
    motions: list[list[MotionPrediction]] = []
    for example, outputs in _outputs(members, examples, batch_blocks):
        if example.motion is not None:
            motions.append(predict_motion(example, outputs))
        elif example.log_root_b is not None:
            known = np.isfinite(example.log_root_b)
            seen = 2.0 * example.log_root_b[known]
            base = 2.0 * np.log(example.features.base_rmsf_nm[known])
            learned = base + 2.0 * outputs["b_factor"].mean(axis=0)[known, 0]
            column = columns["b_factor_r"]
            column["model"].append(_r(learned, seen))
            column["harmonic"].append(_r(base, seen))
            column["amplitude"].append(_r(base, seen))
    errors = [np.median(one.target - one.harmonic) for target in motions for one in target if one.has_clock]
    factor = float(np.median(errors)) if errors else 0.0
    for target in motions:
        for kind, shift in (("model", 0.0), ("harmonic", 0.0), ("amplitude", factor)):
            given = [(one, (one.predicted if kind == "model" else one.harmonic) + shift) for one in target]
            columns["rmsf_r"][kind].append(float(np.mean([_r(values, one.target) for one, values in given])))
            timed = [(one, values) for one, values in given if one.has_clock]
            if timed:
                columns["rmsf_mae_A"][kind].append(
                    float(np.mean([10.0 * np.abs(np.exp(v) - np.exp(one.target)).mean() for one, v in timed]))
                )
                columns["rmsf_log_error"][kind].append(
                    float(np.mean([np.abs(values - one.target).mean() for one, values in timed]))
                )
    rows = {
        name: {kind: float(np.mean(values)) for kind, values in column.items()} | {"targets": len(column["model"])}
        for name, column in columns.items()
        if column["model"]
    }
    return ScoreTable(rows)


def predict_motion(example: Example, outputs: Mapping[str, NDArray[np.float64]]) -> list[MotionPrediction]:
    """Predictions for the whole trajectories of an example.

    Parameters
    ----------
    example
        Of molecular dynamics.
    outputs
        Of every head: [n_members, n_blocks, n_outputs].
    """
    assert example.motion is not None
    motion, base = example.motion, np.log(example.features.base_rmsf_nm.astype(np.float64))
    log_times, conditions, has_clock = window_conditions(motion)
    found = []
    for row in np.flatnonzero(motion.level == 0):
        known = np.isfinite(motion.log_rmsf[row])
        harmonic = base + conditions[row]
        each = harmonic + outputs["rmsf"][..., 0] + outputs["rmsf"][..., 1] * log_times[row]
        variance = np.exp(2.0 * outputs["uncertainty"][..., 0]).mean(axis=0) + each.var(axis=0)
        found.append(
            MotionPrediction(
                target=motion.log_rmsf[row][known].astype(np.float64),
                predicted=each.mean(axis=0)[known],
                harmonic=harmonic[known],
                log_sd=0.5 * np.log(variance[known]),
                has_clock=bool(has_clock[row]),
            )
        )
    return found


def uncertainty_scale(members: Sequence[Mapping[str, Tensor]], examples: Sequence[Example]) -> float | None:
    """Factor by which expected errors are to be multiplied to hold 68.3 % of the errors of these examples.

    Every trajectory with a clock counts alike, whatever its size. None without any.
    """
    ratios, shares = [], []
    for example, outputs in _outputs(members, [one for one in examples if one.motion is not None], 4000):
        for one in predict_motion(example, outputs):
            if one.has_clock:
                ratios.append(np.abs(one.predicted - one.target) / np.exp(one.log_sd))
                shares.append(np.full(len(one.target), 1.0 / len(one.target)))
    if not ratios:
        return None
    ratio, share = np.concatenate(ratios), np.concatenate(shares)
    order = np.argsort(ratio)
    within = np.cumsum(share[order]) / share.sum()
    return float(np.clip(ratio[order][np.searchsorted(within, _INSIDE)], *_SCALES))


def _outputs(
    members: Sequence[Mapping[str, Tensor]], examples: Sequence[Example], batch_blocks: int
) -> Iterator[tuple[Example, dict[str, NDArray[np.float64]]]]:
    """Every example with the outputs of all heads: [n_members, n_blocks, n_outputs]."""
    device = next(iter(members[0].values())).device
    start = 0
    while start < len(examples):
        stop, total = start + 1, examples[start].n_blocks
        while stop < len(examples) and total + examples[stop].n_blocks <= batch_blocks:
            total += examples[stop].n_blocks
            stop += 1
        batch = make_batch(examples[start:stop], n_motion=1, n_b_factor=1).to(device)
        with torch.no_grad():
            given = [apply(parameters, batch) for parameters in members]
        heads = {name: np.stack([one[name].cpu().numpy() for one in given]).astype(np.float64) for name in given[0]}
        offset = 0
        for example in examples[start:stop]:
            part = slice(offset, offset + example.n_blocks)
            yield example, {name: values[:, part] for name, values in heads.items()}
            offset += example.n_blocks
        start = stop


def _r(log_one: NDArray[np.floating], log_other: NDArray[np.floating]) -> float:
    """Pearson's r of two quantities given by their logarithms; 0 where one does not vary."""
    x, y = np.exp(log_one - np.mean(log_one)), np.exp(log_other - np.mean(log_other))
    x, y = x - x.mean(), y - y.mean()
    scale = float(np.sqrt((x * x).sum() * (y * y).sum()))
    return float((x * y).sum() / scale) if scale > 1e-12 else 0.0
