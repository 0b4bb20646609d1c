"""Times and sizes as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unfreeze.simulate.campaign.units import bytes_in_words, duration_in_words, parse_time_ps, time_in_words


@pytest.mark.parametrize(
    ("text", "time_ps"), [("2ns", 2000.0), (" 500 ps", 500.0), ("0.1us", 1e5), ("40fs", 0.04), ("1e3 ns", 1e6)]
)
def test_times_are_read(text: str, time_ps: float) -> None:
    assert parse_time_ps(text) == time_ps


@pytest.mark.parametrize("text", ["2", 2, None, "ns", "0ns", "-1ns", "2 hours", "2ms", "1e400ns", ""])
def test_what_is_no_time_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_time_ps(text)


@given(st.integers(1, 10**6))
def test_words_are_read_again(number: int) -> None:
    assert parse_time_ps(time_in_words(number / 10)) == pytest.approx(number / 10, rel=1e-5)


def test_words() -> None:
    assert time_in_words(2000) == "2 ns" and time_in_words(0.4) == "0.4 ps" and time_in_words(0) == "0 ps"
    assert duration_in_words(12_000) == "3 h 20 min" and duration_in_words(86_400) == "1 d"
    assert duration_in_words(59.4) == "59 s" and duration_in_words(None) == "unknown"
    assert bytes_in_words(1_234_567) == "1.23 MB" and bytes_in_words(999) == "999 B"
