"""Clocks: in other units, restarted, uneven, numbers of frames, and against what is documented."""

from __future__ import annotations

import numpy as np
import pytest

from unfreeze.corpus.importing.checks.clock import read_clock
from unfreeze.errors import InputError

EVEN = 10.0 * np.arange(200)


def test_an_even_clock() -> None:
    clock = read_clock(EVEN + 50, None, None, "x")
    assert (clock.step_ps, clock.start_ps, clock.mended) == (10.0, 50.0, ())
    assert read_clock(EVEN, None, 10.0, "x", stride=3).step_ps == 30.0


@pytest.mark.parametrize(("factor", "word"), [(1e-3, "in ns"), (1e3, "in fs"), (1e-6, "in µs")])
def test_another_unit_is_mended_by_what_is_documented(factor, word) -> None:
    clock = read_clock(EVEN * factor + factor, None, 10.0, "x")
    assert clock.step_ps == pytest.approx(10.0) and word in clock.mended[0]
    assert clock.start_ps == pytest.approx(1.0)


def test_ns_in_ps_fields_are_told_by_the_integrator() -> None:
    steps = 5000 * np.arange(200)  # of 2 fs
    clock = read_clock(EVEN * 1e-3, steps, None, "x")
    assert clock.step_ps == pytest.approx(10.0) and "ns" in clock.mended[0]
    assert read_clock(EVEN, steps, None, "x").mended == ()


def test_contradictions_are_refused() -> None:
    with pytest.raises(InputError, match=r"steps of 10 ps, and 25 ps are documented"):
        read_clock(EVEN, None, 25.0, "set/1abc")


def test_numbers_of_frames_are_no_clock() -> None:
    numbers = np.arange(50.0)
    clock = read_clock(numbers, None, None, "x")
    assert clock.step_ps is None and "numbers of frames" in clock.notes[0]
    assert read_clock(numbers, None, 20.0, "x").step_ps == 20.0
    assert read_clock(numbers, None, 1.0, "x").step_ps == 1.0  # ps that happen to be whole
    assert read_clock(numbers, 500 * np.arange(50), None, "x").step_ps == 1.0


def test_no_times_at_all() -> None:
    assert read_clock(None, None, None, "x").step_ps is None
    assert read_clock(None, None, 5.0, "x").step_ps == 5.0
    assert read_clock(np.full(9, 3.0), None, 5.0, "x", stride=2).step_ps == 10.0


def test_restarts_are_mended() -> None:
    times = np.concatenate([EVEN[:80], EVEN[:120]])
    clock = read_clock(times, None, None, "x")
    assert clock.step_ps == 10.0 and not clock.is_uneven
    assert "restarts 1 time (at frame 81)" in clock.mended[0] and clock.restarts == (80,)
    # never (last - first) / (n - 1), which would be 5.98 ps
    overlap = np.concatenate([EVEN[:80], EVEN[79:150]])
    assert read_clock(overlap, None, None, "x").step_ps == 10.0


def test_gaps_and_logarithmic_spacing_keep_their_times() -> None:
    gap = np.concatenate([EVEN[:80], EVEN[90:]])
    clock = read_clock(gap, None, None, "x")
    assert clock.is_uneven and clock.step_ps is None and "common 10 ps" in clock.notes[0]
    logarithmic = np.geomspace(0.1, 1e4, 60)
    clock = read_clock(logarithmic, None, None, "x")
    assert clock.is_uneven and "not evenly spaced" in clock.notes[0]


def test_times_that_are_none() -> None:
    times = EVEN.copy()
    times[7] = np.nan
    with pytest.raises(InputError, match=r"frame 8 has the time nan"):
        read_clock(times, None, None, "x")
    with pytest.raises(InputError, match="fall from frame to frame"):
        read_clock(EVEN[::-1], None, None, "x")


def test_rounded_times_of_long_runs() -> None:
    times = (1e6 + 10.0 * np.arange(5000)).astype(np.float32).astype(np.float64)
    assert read_clock(times, None, 10.0, "x").step_ps == 10.0
    blurred = (0.1 * np.arange(1_000_000, 1_000_400)).astype(np.float32).astype(np.float64)
    assert read_clock(blurred, None, 0.1, "x").step_ps == 0.1
