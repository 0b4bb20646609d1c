"""The time between frames is the commonest step, whatever the clock does otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unfreeze.evaluate.inputs.trajectories import choose_frames, spacing_of
from unfreeze.trajectories.clock import common_step, counts_frames, follow_on, time_step_of


@given(st.sampled_from([0.1, 0.2, 2.0, 10.0, 100.0, 1e4]), st.integers(3, 2000), st.floats(0, 1e5))
def test_float32_times_have_their_step(step_ps: float, n_frames: int, start: float) -> None:
    times = (start + step_ps * np.arange(n_frames)).astype(np.float32).astype(np.float64)
    found, share = common_step([times])
    assert found == pytest.approx(step_ps, abs=4 * float(np.spacing(np.float32(times[-1]))))
    assert share > 0.3


def test_a_clock_that_restarts() -> None:
    times = np.concatenate([np.arange(50) * 10.0, np.arange(30) * 10.0])
    notes: list[str] = []
    assert time_step_of([times], [None], notes) == 10
    assert notes and "do not follow" in notes[0]


def test_uneven_times_are_no_clock() -> None:
    notes: list[str] = []
    assert time_step_of([np.logspace(0, 4, 40)], [None], notes) is None
    assert "not evenly spaced" in notes[0]


def test_constant_times_are_no_clock() -> None:
    assert time_step_of([np.zeros(9)], [None], []) is None
    assert time_step_of([np.arange(3.0), None], [None, None], []) is None
    assert time_step_of([np.zeros(1)], [None], []) is None


def test_frame_numbers() -> None:
    numbers = np.arange(75, 90)
    assert counts_frames(numbers * 1.0, numbers)
    assert not counts_frames(numbers * 1.0, numbers * 500)  # one picosecond in GROMACS
    assert not counts_frames(numbers * 1.0)
    assert counts_frames(np.arange(5.0))


def test_files_that_go_on() -> None:
    assert follow_on([np.array([0.0, 10.0]), np.array([20.0, 30.0])], 10)
    assert not follow_on([np.array([0.0, 10.0]), np.array([0.0, 10.0])], 10)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=5), st.integers(1, 9), st.none() | st.integers(1, 80))
def test_chosen_frames(counts: list[int], stride: int, max_frames: int | None) -> None:
    chosen = choose_frames(counts, stride, max_frames)
    assert len(chosen) == len(counts)
    every = [list(range(0, count, stride)) for count in counts]
    n_all = sum(map(len, every))
    assert sum(map(len, chosen)) == (n_all if max_frames is None else min(n_all, max_frames))
    for one, some in zip(every, chosen, strict=True):
        assert set(some.tolist()) <= set(one) and (np.diff(some) > 0).all()
    if max_frames is not None and n_all > max_frames:
        place = np.concatenate([np.searchsorted(one, some) + sum(map(len, every[:at]))
                                for at, (one, some) in enumerate(zip(every, chosen, strict=True))])  # fmt: skip
        assert np.ptp(np.diff(place)) <= 1 if len(place) > 1 else True


def test_spacing() -> None:
    assert spacing_of([np.array([0, 3, 6]), np.array([2, 5])]) == 3
    assert spacing_of([np.array([0, 3, 7])]) is None
    assert spacing_of([np.array([0])]) is None
