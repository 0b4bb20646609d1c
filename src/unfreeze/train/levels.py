"""The level of amplitudes: one factor for each kind of solvent, found from trajectories that have a clock.

The network says where a complex moves more and where less (`model.motion_model`); how much it moves as a whole is
physics, the law of time and temperature, times this factor. A trajectory in implicit solvent sees in a time what takes
longer in water. The median over trajectories of the mean error needs no network, whose corrections have mean zero.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from unfreeze.train.batches import window_conditions
from unfreeze.train.examples import Example

__all__ = ["log_levels", "with_levels"]


def log_levels(examples: Sequence[Example], before: Mapping[str, float] | None = None) -> dict[str, float]:
    """Logarithms of the factors, by kind of solvent.

    Parameters
    ----------
    examples
        That are trained on; levels that they have already are not heeded.
    before
        Factors of a model that was started from, kept for kinds of solvent of which there is no trajectory.
    """
    errors: dict[str, list[float]] = defaultdict(list)
    for example in examples:
        if example.motion is None:
            continue
        motion = replace(example.motion, log_level=None)
        _, conditions, has_clock = window_conditions(motion)
        base = np.log(example.features.base_rmsf_nm.astype(np.float64))
        for row in np.flatnonzero((motion.level == 0) & has_clock):
            error = motion.log_rmsf[row] - base - conditions[row]
            errors[_solvent(bool(motion.implicit[row]))].append(float(np.nanmean(error)))
    return {**(before or {}), **{solvent: float(np.median(values)) for solvent, values in sorted(errors.items())}}


def with_levels(examples: Sequence[Example], levels: Mapping[str, float]) -> tuple[Example, ...]:
    """The same examples, whose windows know the level of their solvent."""
    known = []
    for example in examples:
        if example.motion is not None:
            values = [levels.get(_solvent(bool(one)), 0.0) for one in example.motion.implicit]
            example = replace(example, motion=replace(example.motion, log_level=np.array(values)))
        known.append(example)
    return tuple(known)


def _solvent(implicit: bool) -> str:
    return "implicit" if implicit else "explicit"
