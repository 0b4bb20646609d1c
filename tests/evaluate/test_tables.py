"""Tables for people and files for programs: what is there is shown, what is not is said, nothing is nan."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from unfreeze.evaluate.export import scores_csv, summary_csv, write_tables
from unfreeze.evaluate.metric import Estimate
from unfreeze.evaluate.result import TargetResult
from unfreeze.evaluate.tables import markdown_summary, number, pairs_table, result_text, span, summary_table

RESULT = TargetResult(
    "6o2v_A",
    "ours",
    {"name": "somebody's own", "version": "3", "settings": {}},
    estimates={
        "rmsf_r": Estimate(0.8125, 0.79, 0.83, floor=0.97, baseline=0.61),
        "size_A": Estimate(15.31, reference=14.0),
        "sasa_r": Estimate(None, reason="no side-chain atoms are in both | neither"),
    },
    validity={"frames_valid_share": 0.25, "reference": {"frames_valid_share": 0.5}},
    inputs={"ensemble": {"n_frames": 250, "n_atoms": 1200, "files": []}},
    notes=("Chain B is A of the reference.",),
)
FAILED = TargetResult("7abc_B", "ours", RESULT.protocol, status="failed", error="7abc_B.xtc: cut short\nat frame 3")


def document(**changes: Any) -> dict[str, Any]:
    summary = {"value": 0.5, "low": 0.25, "high": 0.75, "floor": 0.9, "baseline": None, "n": 4, "n_missing": 1}
    return {
        "protocol": {"name": "toy", "version": "3", "title": "A toy", "settings": {}},
        "unfreeze_version": "0.1.0",
        "metrics": [{"name": "size_A", "title": "Size", "unit": "Å", "better": "lower"}],
        "aggregates": [{"name": "r", "title": "RMSF r", "unit": "", "better": "higher"}],
        "generators": ["ours", "theirs"],
        "targets": ["a", "b", "c", "d", "e"],
        "summary": {"ours": {"r": summary}, "theirs": {"r": {**summary, "value": None, "low": None, "high": None}}},
        "pairs": [
            {"first": "ours", "second": "theirs", "metric": "r", "difference": 0.1, "low": 0.05, "high": 0.2}
            | {"p_value": 0.002, "p_holm": 0.004, "n": 4}
        ],
        "failed": [{"target": "e", "generator": "ours", "error": "no such file"}],
        **changes,
    }


def shown(table: Any) -> str:
    out = Console(file=io.StringIO(), width=120, color_system=None)
    out.print(table)
    return out.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "n/a"),
        (float("nan"), "n/a"),
        (float("inf"), "n/a"),
        (0.0, "0"),
        (-0.0, "0"),
        (0.81249, "0.812"),
        (-1.0, "-1.000"),
        (9.9999, "10.00"),
        (12.345, "12.35"),
        (99.999, "100.0"),
        (812.44, "812.4"),
        (999.99, "1,000"),
        (12345.6, "12,346"),
        (8.0, "8"),
        (0.00012, "1.2e-04"),
        (0.0006, "0.001"),
    ],
)
def test_numbers(value: float | None, text: str) -> None:
    assert number(value) == text


def test_spans() -> None:
    assert span(0.5, 0.25, 0.75) == "0.500 [0.250, 0.750]"
    assert span(0.5, None, None) == "0.500"
    assert span(None, None, None) == "n/a"


def test_a_result_prints_itself() -> None:
    text = str(RESULT)
    assert text == result_text(RESULT)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "metric value [95 %] floor baseline reference" in lines
    assert "rmsf_r 0.812 [0.790, 0.830] 0.970 0.610" in lines
    assert "size_A 15.31 14" in lines
    assert "sasa_r n/a: no side-chain atoms are in both | neither" in " ".join(result_text(RESULT, width=200).split())
    assert "Sound frames: 25.0 % (reference, by the same limits: 50.0 %)" in lines
    assert lines[-1] == "Note: Chain B is A of the reference."
    assert "nan" not in text.split()


def test_a_failed_result_says_why() -> None:
    assert str(FAILED) == "7abc_B, ours: failed: 7abc_B.xtc: cut short\nat frame 3"


def test_titles_units_and_directions_come_from_the_protocol() -> None:
    from dataclasses import replace

    result = replace(
        RESULT, protocol={"name": "alphaflow"}, estimates={"rmwd": Estimate(1.5), "cosine_sim": Estimate(0.2)}
    )
    lines = [" ".join(line.split()) for line in str(result).splitlines()]
    assert "Root mean Wasserstein distance (RMWD) (Å) ↓ 1.500" in lines
    assert "First components, |cosine| ↑ 0.200" in lines
    assert "metric value" in lines  # nothing has an interval, a floor or a baseline


def test_the_summary_on_the_terminal() -> None:
    lines = [" ".join(line.split()) for line in shown(summary_table(document())).splitlines()]
    assert lines[0] == "5 targets: protocol toy, version 3"
    assert "ours 0.500 [0.250, 0.750] 0.900 4 (1 missing)" in lines
    assert "theirs n/a 0.900 4 (1 missing)" in lines
    alone = document(generators=["ours"], pairs=[])
    lines = [" ".join(line.split()) for line in shown(summary_table(alone)).splitlines()]
    assert "RMSF r ↑ 0.500 [0.250, 0.750] 0.900 4 (1 missing)" in lines
    assert pairs_table(alone) is None


def test_pairs_on_the_terminal_are_the_surest_first() -> None:
    first = document()["pairs"][0]
    pairs = [{**first, "metric": "r", "p_value": p, "n": n} for p, n in ((0.5, 1), (None, 2), (0.01, 3))]
    text = shown(pairs_table(document(pairs=pairs)))
    rows = [line.split()[-1] for line in text.splitlines() if "ours − theirs" in line]
    assert rows == ["3", "1", "2"]
    assert pairs_table(document(pairs=[{**first, "p_value": None}])) is None


def test_markdown_is_a_table_whatever_the_texts_hold() -> None:
    failed = [{"target": "e", "generator": "ours", "error": "a | b\nc"}]
    text = markdown_summary(document(failed=failed))
    assert "| RMSF r | ↑ | ours | 0.500 [0.250, 0.750] | 0.900 |  | 4 (1 missing) |" in text
    assert "|  |  | theirs | n/a | 0.900 |  | 4 (1 missing) |" in text
    assert "| RMSF r | ours − theirs | 0.100 [0.050, 0.200] | 0.002 | 0.004 | 4 |" in text
    assert r"| ours | e | a \| b c |" in text
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) == 3
    for table in tables:
        assert len({line.replace(r"\|", "").count("|") for line in table}) == 1


def test_csv_is_tidy() -> None:
    rows = list(csv.DictReader(io.StringIO(scores_csv(document(), [RESULT, FAILED]))))
    assert [row["metric"] for row in rows] == ["rmsf_r", "size_A", "sasa_r", ""]
    assert rows[0]["value"] == "0.8125"
    assert (rows[1]["unit"], rows[1]["low"], rows[1]["reference"]) == ("Å", "", "14.0")
    assert (rows[2]["value"], rows[2]["reason"]) == ("", "no side-chain atoms are in both | neither")
    assert rows[3]["reason"] == "failed: 7abc_B.xtc: cut short\nat frame 3"
    (ours, theirs) = csv.DictReader(io.StringIO(summary_csv(document())))
    assert (ours["generator"], ours["metric"], ours["title"], ours["value"]) == ("ours", "r", "RMSF r", "0.5")
    assert (theirs["value"], theirs["floor"], theirs["n_missing"]) == ("", "0.9", "1")


def test_files_are_written_whole(tmp_path: Path) -> None:
    write_tables(tmp_path, document(), [RESULT])
    assert {path.name for path in tmp_path.iterdir()} == {"evaluation.json", "scores.csv", "summary.csv", "summary.md"}
    assert json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8")) == document()
    assert (tmp_path / "summary.md").read_text(encoding="utf-8") == markdown_summary(document())
