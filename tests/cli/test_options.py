"""Options: what is accepted, and what is said about the rest."""

from __future__ import annotations

from contextlib import suppress

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from unfreeze.cli.options import parse_chains, parse_temperature, parse_time_step_ps, parse_timescale
from unfreeze.cli.sample import _stem


@pytest.mark.parametrize(
    ("text", "timescale_ns"),
    [
        ("100ns", 100.0),
        ("1us", 1e3),
        ("1µs", 1e3),
        ("50 ps", 0.05),
        ("1.5e-1 us", 150.0),
        (".5ns", 0.5),
        (" 1 ms ", 1e6),
        ("1e-4s", 1e5),
        ("1ps", 1e-3),
        ("1000fs", 1e-3),
    ],
)
def test_timescale(text: str, timescale_ns: float) -> None:
    assert parse_timescale(text) == pytest.approx(timescale_ns, rel=1e-12)


@pytest.mark.parametrize(
    "text", ["", "100", "ns", "-1ns", "5parsec", "1 n s", "1,5ns", "nan ns", "inf ns", "1NS", "0x1ns"]
)
def test_timescale_without_sense(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="expected a number with a unit"):
        parse_timescale(text)


@pytest.mark.parametrize("text", ["0ns", "0.5fs", "2ms", "1s", "1e99ns", "1e400s"])
def test_timescale_out_of_range(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="between 1ps and 1ms"):
        parse_timescale(text)


@given(st.text(max_size=20))
def test_timescale_never_fails_otherwise(text: str) -> None:
    with suppress(typer.BadParameter):
        assert parse_timescale(text) > 0


@pytest.mark.parametrize("value", [0.0, -300.0, 27.0, 5000.0, float("nan"), float("inf")])
def test_temperature_out_of_range(value: float) -> None:
    with pytest.raises(typer.BadParameter, match="kelvin"):
        parse_temperature(value)


def test_chains() -> None:
    assert parse_chains(None) is None
    assert parse_chains("A") == ["A"]
    assert parse_chains(" A, B-2,c ") == ["A", "B-2", "c"]


@pytest.mark.parametrize("text", ["", ",", "A,,B", "A,A", "A,"])
def test_chains_without_sense(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="such as A,B"):
        parse_chains(text)


@pytest.mark.parametrize(
    ("structure", "stem"),
    [
        ("1hvr", "1hvr"),
        ("a/b/1hvr.cif.gz", "1hvr"),
        ("model.v2.pdb", "model.v2"),
        ("X.PDB", "X"),
        ("pdb1abc.ent.gz", "pdb1abc"),
        (".pdb", "unfreeze"),
    ],
)
def test_the_folder_is_named_after_the_input(structure: str, stem: str) -> None:
    assert _stem(structure) == stem


@pytest.mark.parametrize(("text", "step_ps"), [(None, None), ("10ps", 10.0), ("0.2 ns", 200.0), ("500fs", 0.5)])
def test_time_steps_are_in_picoseconds(text: str | None, step_ps: float | None) -> None:
    assert parse_time_step_ps(text) == pytest.approx(step_ps)


@pytest.mark.parametrize("text", ["10", "0ps", "-1ps", "ten ps", "10 weeks"])
def test_other_time_steps_are_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="10ps"):
        parse_time_step_ps(text)
