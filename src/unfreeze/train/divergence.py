"""Whether a training goes wrong: losses that are not finite, losses that rise; and the verdict in the end."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from unfreeze.train.recipe import DivergenceSettings

__all__ = ["WINDOW", "rises", "should_return", "verdict"]

WINDOW = 200
"""Losses that are looked back on."""

_RECENT = 10
_FEWEST = 50


def should_return(skipped_in_a_row: int, settings: DivergenceSettings) -> bool:
    """Whether so many steps in a row had no finite gradient that the last checkpoint is better."""
    return skipped_in_a_row >= settings.most_skipped


def rises(losses: Sequence[float], settings: DivergenceSettings) -> float | None:
    """By how many standard deviations the last losses are above those before; None where that is within bounds.

    Parameters
    ----------
    losses
        The last ones, :data:`WINDOW` at most, oldest first.
    settings
        Of the recipe.
    """
    if len(losses) < _FEWEST + _RECENT:
        return None
    before, recent = np.array(losses[:-_RECENT]), np.array(losses[-_RECENT:])
    # of a mean of ten; losses of a batch of one kind and of another differ, so that their spread is wide
    spread = float(before.std()) / math.sqrt(_RECENT)
    excess = (float(recent.mean()) - float(before.mean())) / max(spread, 1e-9)
    return excess if excess > settings.warn_sd else None


def verdict(*, n_steps: int, n_skipped: int, n_returns: int, n_warnings: int, best_step: int, last_step: int) -> str:
    """How a training went, in one sentence."""
    faults = []
    if n_skipped:
        faults.append(f"{n_skipped} of {n_steps} steps had no finite gradient and were skipped")
    if n_returns:
        faults.append(f"went back to a checkpoint {n_returns} times, each time with half the learning rate")
    if n_warnings:
        faults.append(f"the loss rose markedly {n_warnings} times")
    if 0 < best_step < 0.5 * last_step:
        faults.append(
            f"the best step was {best_step} of {last_step}: fewer steps, or a smaller learning rate, would do"
        )
    if not faults:
        return "went well: no step was skipped, and the loss never rose markedly"
    return "; ".join(faults)
