"""The level of amplitudes: a median by solvent, of trajectories with a clock alone."""

from types import SimpleNamespace

import numpy as np
import pytest

from unfreeze.model.motion_model import log_amplitude_of_conditions
from unfreeze.train.examples import Example
from unfreeze.train.levels import log_levels, with_levels
from unfreeze.train.sources import ExampleSource
from unfreeze.train.targets import MotionTargets


def _example(level: float, time_ns: float, implicit: bool) -> Example:
    base = np.array([0.05, 0.1, 0.2])
    clock = time_ns if np.isfinite(time_ns) else 100.0
    pattern = np.array([-0.3, 0.0, 0.3])
    row = np.log(base) + log_amplitude_of_conditions(300.0, clock) + level + pattern
    motion = MotionTargets(
        log_rmsf=row[None].astype(np.float32),
        time_ns=np.array([time_ns]),
        temperature_K=np.array([300.0]),
        trajectory=np.zeros(1, np.int64),
        level=np.zeros(1, np.int64),
        implicit=np.array([implicit]),
    )
    features = SimpleNamespace(base_rmsf_nm=base, nodes=np.zeros((3, 1)))
    return Example(ExampleSource("corpus", "entry", "md"), features, motion=motion)  # type: ignore[arg-type]


def test_levels_are_medians_by_solvent_of_what_has_a_clock():
    examples = [_example(level, 10.0, False) for level in (-0.2, -0.1, 3.0)]
    examples += [_example(0.25, 0.02, True), _example(9.0, np.nan, False)]
    levels = log_levels(examples)
    assert levels == {"explicit": pytest.approx(-0.1, abs=1e-6), "implicit": pytest.approx(0.25, abs=1e-6)}
    # known levels are not counted twice, and kinds of solvent without a trajectory keep theirs
    again = log_levels(with_levels(examples[:3], levels), before={"implicit": 0.4})
    assert again == {"explicit": pytest.approx(-0.1, abs=1e-6), "implicit": 0.4}
