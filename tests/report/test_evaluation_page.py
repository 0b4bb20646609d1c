"""The page of an evaluation: its numbers are those of the files, nothing breaks out of it, and it stays small."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unfreeze.errors import InputError
from unfreeze.evaluate.metric import Estimate
from unfreeze.evaluate.result import TargetResult
from unfreeze.report.evaluation import write_evaluation_page

HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=document.title='owned'>"
METRICS = (
    ("rmsf_ca_r", "RMSF of Cα, Pearson r", "", "higher", 1.0, "motion"),
    ("rmsf_mae_A", "RMSF, mean absolute error", "Å", "lower", 0.0, "motion"),
    ("pairwise_rmsd_A", "Mean pairwise RMSD", "Å", "equal", None, "motion"),
    ("rmwd_A", "Root mean Wasserstein distance", "Å", "lower", 0.0, "distribution"),
    ("weak_contacts_j", "Weak contacts, Jaccard", "", "higher", 1.0, "contacts"),
    ("sidechain_jsd", "Side-chain torsions, Jensen–Shannon distance", "", "lower", 0.0, "torsions"),
)
SKILL = {"alpha": 0.9, "beta": 0.75, "gamma": 0.6}
NO_SIDE_CHAINS = "no side-chain atoms are in both"


def estimate(name: str, better: str, skill: float, rng: np.random.Generator) -> Estimate:
    """A number that is better the nearer the skill is to 1, with an interval."""
    noise = float(rng.normal(0.0, 0.06))
    if better == "higher":
        value = float(np.clip(skill - 0.05 + noise, -1.0, 0.999))
        return Estimate(value, value - 0.04, min(value + 0.04, 1.0), 0.94, 0.62)
    if better == "equal":
        own = float(rng.uniform(1.5, 4.0))
        value = own * (skill + noise)
        return Estimate(value, 0.95 * value, 1.05 * value, 1.02 * own, 0.7 * own, own)
    value = 4.0 * (1.05 - skill) + abs(noise)
    return Estimate(value, 0.9 * value, 1.1 * value, 0.31, 2.4)


def arrays(rng: np.random.Generator, n_residues: int, n_frames: int, skill: float) -> dict[str, list[Any]]:
    """Series as a protocol writes them."""
    at = np.arange(n_residues)
    reference = 0.6 + 0.5 * np.abs(np.sin(at / 9.0)) + 1.5 * np.exp(-at / 4.0)
    ensemble = reference * (0.6 + 0.4 * skill) + rng.normal(0.0, 0.08, n_residues)
    clouds = {side: rng.normal(0.0, [1.6, 0.8], (n_frames, 2)).round(3) for side in ("reference", "ensemble")}
    half = n_residues // 2
    return {
        "residue": [f"{'A' if k < half else 'B'}:GLY{k % half + 1}" for k in at.tolist()],
        "rmsf_reference_A": reference.round(3).tolist(),
        "rmsf_ensemble_A": np.abs(ensemble).round(3).tolist(),
        "pca_reference": clouds["reference"].tolist(),
        "pca_ensemble": clouds["ensemble"].tolist(),
        "rg_reference_A": rng.normal(18.0, 0.3, n_frames).round(3).tolist(),
        "rg_ensemble_A": rng.normal(17.9, 0.3, n_frames).round(3).tolist(),
    }


def checks(rng: np.random.Generator) -> dict[str, Any]:
    """Validity as a result holds it."""
    own = {"frames_valid_share": 0.996, "peptide_bonds_valid_share": 0.99995, "n_new_clashes": 2}
    return {
        "frames_valid_share": float(rng.uniform(0.8, 1.0)), "peptide_bonds_valid_share": 1.0, "n_new_clashes": 7,
        "n_frames_checked": 250, "reference": own,
    }  # fmt: skip


def make_result(target: str, generator: str, rng: np.random.Generator, *, n_residues: int = 120) -> TargetResult:
    """A result with everything that a page can show."""
    skill = SKILL.get(generator, 0.7)
    estimates = {name: estimate(name, better, skill, rng) for name, _, _, better, _, _ in METRICS}
    if generator == "gamma":
        estimates["sidechain_jsd"] = Estimate(None, reason=NO_SIDE_CHAINS)
    side = {"n_frames": 250, "n_atoms": 1580, "n_replicas": 1, "files": ["topology.pdb", "samples.xtc"]}
    return TargetResult(
        target, generator, {"name": "unfreeze", "version": "1", "settings": {}}, estimates=estimates,
        validity=checks(rng),
        matching={
            "n_reference_atoms": 1600, "n_ensemble_atoms": 1580, "n_atoms": 1570, "extra_residues": 0,
            "chains": [
                {"reference": "A", "ensemble": "X", "identity": 1.0, "n_matched": 60, "n_reference": 61,
                 "n_ensemble": 60},
                {"reference": "B", "ensemble": "Y", "identity": 0.983, "n_matched": 59, "n_reference": 60,
                 "n_ensemble": 60},
            ],
            "missing_residues": ["A:MET1", "B:LYS60"], "notes": [],
        },
        inputs={"ensemble": side, "reference": {**side, "n_frames": 30003, "n_replicas": 3, "time_step_ps": 10.0}},
        arrays=arrays(rng, n_residues, 250, skill) if n_residues else {},
        notes=("Chain X of the ensemble is chain A of the reference.",), seconds=1.5,
    )  # fmt: skip


def summary_of(results: list[TargetResult], name: str) -> dict[str, Any]:
    found = [r.estimates[name] for r in results if name in r.estimates and r.estimates[name].value is not None]
    if not found:
        return {"value": None, "low": None, "high": None, "floor": None, "baseline": None, "n": 0,
                "n_missing": len(results)}  # fmt: skip
    value, floor, baseline = (
        float(np.median(known)) if (known := [v for e in found if (v := getattr(e, key)) is not None]) else None
        for key in ("value", "floor", "baseline")
    )
    assert value is not None
    return {"value": value, "low": 0.93 * value, "high": 1.06 * value, "floor": floor, "baseline": baseline,
            "n": len(found), "n_missing": len(results) - len(found)}  # fmt: skip


def write_folder(
    folder: Path, results: list[TargetResult], failed: list[dict[str, str]] | None = None, **changes: Any
) -> Path:
    """An evaluation folder of some results."""
    generators = list(dict.fromkeys(r.generator for r in results))
    for number, result in enumerate(results):
        path = folder / "results" / f"g{generators.index(result.generator)}" / f"t{number}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({**result.to_dict(), "key": "0" * 64}), encoding="utf-8")
    pairs = [
        {"first": first, "second": second, "metric": name, "difference": 0.15 if better == "higher" else -0.6,
         "low": 0.08 if better == "higher" else -0.9, "high": 0.22 if better == "higher" else -0.3,
         "p_value": 0.002, "p_holm": 0.012, "n": len(results) // len(generators)}
        for k, first in enumerate(generators)
        for second in generators[k + 1 :]
        for name, _, _, better, _, _ in METRICS
        if better != "equal"
    ]  # fmt: skip
    infos = [dict(zip(("name", "title", "unit", "better", "perfect", "group"), row, strict=True)) for row in METRICS]
    document = {
        "schema": "unfreeze-evaluation-set/1", "created": "2026-11-23T09:00:00Z", "unfreeze_version": "0.1.0",
        "command": "unfreeze evaluate --targets targets.yaml",
        "protocol": {"name": "unfreeze", "version": "1", "title": "Ensembles against molecular dynamics",
                     "settings": {"contact_nm": 0.8}},
        "metrics": infos, "aggregates": [{k: v for k, v in info.items() if k not in ("perfect", "group")}
                                         for info in infos],
        "generators": generators, "targets": list(dict.fromkeys(r.target for r in results)),
        "summary": {g: {name: summary_of([r for r in results if r.generator == g], name)
                        for name, *_ in METRICS} for g in generators},
        "pairs": pairs, "failed": failed or [], **changes,
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evaluation.json").write_text(json.dumps(document), encoding="utf-8")
    return folder


def make_folder(
    folder: Path, n_targets: int = 12, generators: tuple[str, ...] = ("alpha", "beta", "gamma"), **changes: Any
) -> Path:
    """The folder that most tests look at."""
    rng = np.random.default_rng(7)
    results = [make_result(f"target_{k:03d}", g, rng) for g in generators for k in range(n_targets)]
    failed = [{"target": "target_bad", "generator": "beta", "error": "samples.xtc: frame 17 has NaN coordinates"}]
    return write_folder(folder, results, **{"failed": failed if n_targets > 1 else [], **changes})


class Tables(HTMLParser):
    """Texts of the cells of all tables of a page, and of the sections that they stand in."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.sections: dict[str, list[list[str]]] = {}
        self._section: list[list[str]] = []
        self._cell = False
        self._silent = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "section":
            self._section = self.sections.setdefault(str(dict(attrs)["id"]), [])
        if tag == "tr":
            self._section.append([])
        if tag in ("td", "th"):
            self._section[-1].append("")
            self._cell = True
        self._silent += tag == "svg"
        if tag == "small" and self._cell:
            self._section[-1][-1] += " | "

    def handle_endtag(self, tag: str) -> None:
        self._cell = self._cell and tag not in ("td", "th")
        self._silent -= tag == "svg"

    def handle_data(self, data: str) -> None:
        if self._cell and not self._silent:
            self._section[-1][-1] += data


def page_of(folder: Path) -> str:
    return write_evaluation_page(folder).read_text(encoding="utf-8")


def score_rows_of(page: str) -> list[list[str]]:
    """The summary without the headings of its groups."""
    return [row for row in Tables(page).sections["scores"] if len(row) > 1]


def as_number(text: str) -> float:
    return float(text.replace("−", "-").replace(",", "").replace("+", ""))


def shows(text: str, value: float) -> bool:
    """Whether a text is a value rounded to the decimals that it has."""
    decimals = len(text.partition(".")[2])
    return abs(as_number(text) - value) <= 0.5 * 10.0**-decimals + 1e-12


def results_of(folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    found = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("results/*/*.json")]
    return {(result["target"], result["generator"]): result for result in found}


def test_the_summary_shows_the_numbers_of_the_record(tmp_path):
    folder = make_folder(tmp_path / "out")
    record = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    head, *rows = score_rows_of(page_of(folder))
    assert head[2:] == ["alpha", "beta", "gamma", "Floor", "Baseline"]
    assert len(rows) == len(METRICS)
    for row, (name, title, *_) in zip(rows, METRICS, strict=True):
        assert row[0].startswith(title)
        for cell, generator in zip(row[2:5], record["generators"], strict=True):
            summary = record["summary"][generator][name]
            if summary["value"] is None:
                assert cell.split(" | ") == ["n/a", "no target has it"]
                continue
            value, interval = cell.replace(" best", "").split(" | ")[:2]
            assert shows(value.strip(), summary["value"])
            low, high = interval.strip().split("–")
            assert shows(low, summary["low"])
            assert shows(high, summary["high"])
        beside = {key: {s[name][key] for s in record["summary"].values()} - {None} for key in ("floor", "baseline")}
        for cell, key in zip(row[5:], beside, strict=True):
            ends = cell.split("–")
            assert shows(ends[0], min(beside[key]))
            assert shows(ends[-1], max(beside[key]))


def test_the_best_is_marked_by_the_corrected_test_and_by_nothing_else(tmp_path):
    folder = make_folder(tmp_path / "out")
    rows = score_rows_of(page_of(folder))[1:]
    marked = [row[0].split(" | ")[0] for row in rows if "best" in row[2]]
    assert marked == [row[1] + (f" ({row[2]})" if row[2] else "") for row in METRICS if row[3] != "equal"]
    assert not any("best" in cell for row in rows for cell in row[3:])
    path = folder / "evaluation.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    for pair in record["pairs"]:
        if pair["metric"] == "rmwd_A" and pair["second"] == "gamma":
            pair["p_holm"] = 0.06
        if pair["metric"] == "rmsf_mae_A" and pair["second"] == "beta":
            pair["low"], pair["high"] = -0.4, 0.1
    path.write_text(json.dumps(record), encoding="utf-8")
    page = page_of(folder)
    rows = score_rows_of(page)[1:]
    assert [row[0].split(" | ")[0] for row in rows if "best" in row[2]] == [
        "RMSF of Cα, Pearson r", "Weak contacts, Jaccard", "Side-chain torsions, Jensen–Shannon distance",
    ]  # fmt: skip
    assert page.count("not told apart") == 3


def test_paired_tests_and_failures_are_listed_as_they_are(tmp_path):
    folder = make_folder(tmp_path / "out")
    sections = Tables(page_of(folder)).sections
    record = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    rows = sections["pairs"][1:]
    assert len(rows) == len(record["pairs"])
    assert rows[0] == ["RMSF of Cα, Pearson r", "alpha", "beta", "+0.150", "+0.080 to +0.220", "0.002", "0.012", "12",
                       "alpha"]  # fmt: skip
    assert ["target_bad", "beta", "samples.xtc: frame 17 has NaN coordinates"] in sections["failed"]


def test_targets_are_listed_worst_first_with_their_own_numbers(tmp_path):
    folder = make_folder(tmp_path / "out")
    results = results_of(folder)
    rows = Tables(page_of(folder)).sections["worst"][1:]
    assert len(rows) == 36
    first = [as_number(row[2]) for row in rows]
    assert first == sorted(first)
    for target, generator, *cells in rows:
        estimates = results[target, generator]["estimates"]
        for cell, (name, _, _, better, *_) in zip(cells, METRICS, strict=True):
            if estimates[name]["value"] is None:
                assert cell == "n/a"
                continue
            value, *beside = cell.split(" | ")
            assert shows(value.strip(), estimates[name]["value"])
            assert bool(beside) == (better == "equal")
            if beside:
                assert shows(beside[0].removeprefix("reference ").strip(), estimates[name]["reference"])


def test_what_cannot_be_measured_says_why(tmp_path):
    page = page_of(make_folder(tmp_path / "out", 1, ("gamma",)))
    row = next(row for row in Tables(page).sections["details"] if row[0].startswith("Side-chain torsions"))
    assert row[1:] == ["n/a", NO_SIDE_CHAINS]


def test_numbers_that_json_should_not_have_are_absent(tmp_path):
    folder = make_folder(tmp_path / "out", 2, failed=[])
    for path in [*folder.glob("results/*/*.json"), folder / "evaluation.json"]:
        text = path.read_text(encoding="utf-8")
        for key, wrong in (("floor", "NaN"), ("baseline", "Infinity"), ("p_value", "NaN"), ("low", "-Infinity")):
            text = re.sub(rf'"{key}": [-\d.e]+', f'"{key}": {wrong}', text)
        path.write_text(re.sub(r'("rmsf_reference_A": \[)', r"\1NaN, ", text), encoding="utf-8")
    page = page_of(folder)
    words = re.sub(r"<(style|script)>.*?</\1>|<meta[^>]*>|=\"none\"", "", page, flags=re.DOTALL)
    assert not re.search(r"\b(nan|inf|infinity|none|null|undefined)\b", words, re.IGNORECASE)


def test_one_pair_leads_with_its_details(tmp_path):
    folder = make_folder(tmp_path / "out", 1, ("alpha",))
    page = page_of(folder)
    assert re.findall(r'<section[^>]* id="(\w+)"', page) == ["summary", "details", "methods"]
    assert '<h1 id="name">alpha on target_000</h1>' in page
    result = results_of(folder)["target_000", "alpha"]
    rows = {row[0].split(" | ")[0]: row for row in Tables(page).sections["details"] if len(row) == 6}
    for name, title, unit, better, *_ in METRICS:
        row, estimate = rows[title + (f" ({unit})" if unit else "")], result["estimates"][name]
        assert shows(row[2].split(" | ")[0], estimate["value"])
        assert shows(row[3], estimate["floor"])
        assert shows(row[4], estimate["baseline"])
        assert shows(row[5], estimate["reference"]) if better == "equal" else row[5] == "–"
    for text in ("1,570 heavy atoms matched", "A:MET1, B:LYS60", "98.3 %", "30,003 frames, 3 replicas",
                 "Chain X of the ensemble is chain A of the reference.", "Radius of gyration (Å)"):  # fmt: skip
        assert text in page
    peak = max(result["arrays"]["rmsf_ensemble_A"])
    assert f"alpha: largest {peak:.2f} Å at A:GLY1" in page


def test_a_curve_goes_through_its_numbers(tmp_path):
    folder = make_folder(tmp_path / "out", 1, ("alpha",))
    values = results_of(folder)["target_000", "alpha"]["arrays"]["rmsf_ensemble_A"]
    page = page_of(folder)
    paths = re.findall(r'<path class="line g0" d="M([^"]*)"/>', page)[:2]  # a chain each
    heights = np.array([float(point.split()[1]) for path in paths for point in path.split("L")])
    assert len(heights) == len(values)
    slope, offset = np.polyfit(values, heights, 1)
    assert slope < 0.0
    assert np.allclose(slope * np.array(values) + offset, heights, atol=0.06)
    assert np.isclose(offset, 150.0, atol=0.1)  # zero is the bottom of the chart


def test_nothing_in_the_files_can_break_out(tmp_path):
    rng = np.random.default_rng(1)
    plain = [make_result(f"t{k}", g, rng) for g in ("alpha", "beta") for k in range(3)]
    clean = page_of(write_folder(tmp_path / "clean", plain, [{"target": "t9", "generator": "beta", "error": "x"}]))
    dirty = [
        replace(
            r, target=r.target + HOSTILE, generator=r.generator + HOSTILE, notes=(HOSTILE,),
            estimates={**r.estimates, HOSTILE: Estimate(None, reason=HOSTILE)},
            matching={**r.matching, "notes": [HOSTILE], "rule": HOSTILE, "missing_residues": [HOSTILE],
                      "chains": [{"reference": HOSTILE, "ensemble": HOSTILE}]},
            inputs={"ensemble": {"files": [HOSTILE]}, "reference": {"files": [HOSTILE]}},
            arrays={**r.arrays, "residue": [HOSTILE] * 120, f"rg_{HOSTILE}_A": [1.0, 2.0]},
            validity={**(r.validity or {}), "n_frames_checked": HOSTILE},
        )
        for r in plain
    ]  # fmt: skip
    titles = [
        {"name": row[0], "title": HOSTILE, "unit": HOSTILE, "better": row[3], "group": HOSTILE} for row in METRICS
    ]
    page = page_of(
        write_folder(
            tmp_path / "dirty", dirty, [{"target": HOSTILE, "generator": HOSTILE, "error": HOSTILE}],
            metrics=titles, aggregates=titles, command=HOSTILE, created=HOSTILE, unfreeze_version=HOSTILE,
            protocol={"name": HOSTILE, "version": HOSTILE, "title": HOSTILE, "settings": {HOSTILE: [HOSTILE]}},
        )
    )  # fmt: skip
    assert HOSTILE.replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#39;") in page
    assert "<img" not in page
    assert page.count("<script") == clean.count("<script") == page.count("</script>") == 1


def test_the_page_loads_nothing_and_runs_its_own_script_only(tmp_path):
    page = page_of(make_folder(tmp_path / "out", 2))
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert policy.group(1).startswith("default-src 'none'; script-src 'sha256-")
    script = re.search(r"<script>(.*)</script>", page, re.DOTALL)
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script.group(1).encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy.group(1)
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)
    assert set(re.findall(r"https?://[^\s\"')]+", page)) <= {"http://www.w3.org/2000/svg"}  # a name, not a place


def test_every_chart_has_words_and_every_table_headings(tmp_path):
    page = page_of(make_folder(tmp_path / "out", 3))
    charts = re.findall(r'<svg[^>]*role="img"[^>]*>(.{0,40})', page)
    assert len(charts) > 20
    assert all(text.startswith("<title>") for text in charts)
    for table in re.findall(r"<table.*?</table>", page, re.DOTALL):
        assert '<th scope="col"' in table
        assert '<th scope="row"' in table


def test_results_of_an_earlier_evaluation_are_not_shown(tmp_path):
    folder = make_folder(tmp_path / "out", 2)
    old = make_result("long_gone", "alpha", np.random.default_rng(0))
    (folder / "results" / "g0" / "old.json").write_text(json.dumps(old.to_dict()), encoding="utf-8")
    assert "long_gone" not in page_of(folder)


def test_a_result_that_is_cut_off_is_listed_and_the_rest_is_shown(tmp_path):
    folder = make_folder(tmp_path / "out", 2)
    path = folder / "results" / "g1" / "t2.json"
    path.write_text(path.read_text(encoding="utf-8")[:500], encoding="utf-8")
    sections = Tables(page_of(folder)).sections
    assert any(row[:2] == ["t2", "g1"] and "cannot be read" in row[2] for row in sections["failed"])
    assert len(sections["worst"]) == 1 + 5


@pytest.mark.parametrize("junk", [None, 7, "text", [1, "a"], {"a": 1}, [{"b": [None]}], {"alpha": {"rmwd_A": 3}}])
def test_pieces_of_the_wrong_shape_are_left_out(junk, tmp_path):
    rng = np.random.default_rng(2)
    results = [make_result(f"t{k}", g, rng, n_residues=8) for g in ("alpha", "beta") for k in range(2)]
    folder = write_folder(tmp_path / "out", results)
    record_path, result_path = folder / "evaluation.json", folder / "results" / "g0" / "t0.json"
    for path in (record_path, result_path):
        whole = path.read_text(encoding="utf-8")
        document = json.loads(whole)
        keys = [(key,) for key in document if key != "schema"]
        keys += [("arrays", key) for key in document.get("arrays", ())] + [("estimates", "rmwd_A")]
        for parent, *child in keys:
            changed = json.loads(whole)
            if child and parent in changed:
                changed[parent][child[0]] = junk
            else:
                changed[parent] = junk
            path.write_text(json.dumps(changed), encoding="utf-8")
            assert "Methods" in page_of(folder)
        path.write_text(whole, encoding="utf-8")


def test_floor_and_baseline_are_explained_where_there_are_any(tmp_path):
    rng = np.random.default_rng(5)
    results = [make_result(f"t{k}", "alpha", rng) for k in range(2)]
    page = page_of(write_folder(tmp_path / "both", results))
    assert "scored against itself" in page
    assert "amplitude fitted to the reference" in page
    bare = [
        replace(r, estimates={k: replace(e, floor=None, baseline=None) for k, e in r.estimates.items()})
        for r in results
    ]  # fmt: skip
    page = page_of(write_folder(tmp_path / "none", bare))
    assert "scored against itself" not in page
    assert "amplitude fitted" not in page
    protocol = {"name": "x", "settings": {"baseline": "aimless motion about the input"}}
    assert "one structure (aimless motion about the input)" in page_of(
        write_folder(tmp_path / "own", results, protocol=protocol)
    )


def test_interfaces_keep_their_own_numbers(tmp_path):
    result = make_result("t", "alpha", np.random.default_rng(6))
    arrays = {
        "interface_names": ["A–B", "B–C"], "interface_n_native": [141, 20],
        "interface_contact_mae_each": [0.033, 0.2], "lrmsd_w1_each_A": [0.19, 2.5],
        "interface_contact_ensemble": [0.5, 1.0], "interface_contact_reference": [0.4, 0.8],
        "irmsd_ensemble_A": [1.0, 1.5, 2.0], "irmsd_input_A": [1.75],
    }  # fmt: skip
    page = page_of(write_folder(tmp_path / "out", [replace(result, arrays={**result.arrays, **arrays})]))
    rows = Tables(page).sections["details"]
    assert ["A–B", "alpha", "141", "0.033", "–", "0.19", "–", "–", "–"] in rows
    assert ["B–C", "alpha", "20", "0.200", "–", "2.50", "–", "–", "–"] in rows
    assert "Probability of 2 interface contacts" in page
    assert "mean absolute error 0.150" in page
    assert "input: median 1.75 of 1 frames" in page
    upright = re.search(r'<path class="line input" d="M(\d+) [\d.]+L(\d+) [\d.]+"/>', page)
    assert upright is not None
    assert upright.group(1) == upright.group(2) == "731"  # of 1000, with a margin of 4 % of the range beyond 1 and 2


def test_an_empty_evaluation_still_has_a_page(tmp_path):
    (tmp_path / "evaluation.json").write_text('{"schema": "unfreeze-evaluation-set/1"}', encoding="utf-8")
    assert "0 generators on 0 targets" in page_of(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "is not there"), ("{", "not readable as JSON"), ("[1]", "schema None"), ('{"schema": "x/2"}', "'x/2'")],
)
def test_a_folder_that_is_no_evaluation_is_refused(text, message, tmp_path):
    if text is not None:
        (tmp_path / "evaluation.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        write_evaluation_page(tmp_path)
    assert not (tmp_path / "report.html").exists()


@pytest.mark.slow
def test_a_thousand_targets_make_a_small_page(tmp_path):
    rng = np.random.default_rng(3)
    generators = ("alpha", "beta", "gamma", "delta", "epsilon")
    models = [make_result("t", g, rng, n_residues=600) for g in generators]

    def one(model: TargetResult, k: int) -> TargetResult:
        """The first sixty are worst, so that they are shown in full; the others need no series."""
        skill = SKILL.get(model.generator, 0.7) - (0.5 if k < 60 else 0.0)
        estimates = {
            f"{name}_{copy}": estimate(name, better, skill, rng)
            for copy in range(6)
            for name, _, _, better, *_ in METRICS
        }
        return replace(model, target=f"target_{k:04d}", estimates=estimates, arrays=model.arrays if k < 60 else {})

    results = [one(model, k) for model in models for k in range(1000)]
    infos = [
        {"name": f"{name}_{copy}", "title": f"{title} {copy}", "unit": unit, "better": better, "perfect": perfect}
        for copy in range(6) for name, title, unit, better, perfect, _ in METRICS
    ]  # fmt: skip
    folder = write_folder(tmp_path / "out", results, metrics=infos, aggregates=infos, summary={})
    page = page_of(folder)
    assert len(page.encode()) < 5_000_000
    worst = Tables(page).sections["worst"][1:]
    assert 200 <= len(worst) <= 300
    lowest = min(r.estimates["rmsf_ca_r_0"].value or 0.0 for r in results)
    assert shows(worst[0][2], lowest)
    largest = max(r.estimates["rmsf_mae_A_0"].value or 0.0 for r in results)
    assert any(shows(row[3], largest) for row in worst)
    n_detailed = page.count('<details class="target"')
    assert n_detailed >= 20
    assert f"{1000 - n_detailed} further targets are in the folder results only" in page


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser, where there is one."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    path = os.environ.get("CHROMIUM") or next((found for name in names if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("no Chromium on this machine (set CHROMIUM to its path)")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield running
        running.close()


# the least contrast between visible text and what is behind it (WCAG 2.2, 1.4.3)
LEAST_CONTRAST = """() => {
  const parts = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = (rgb) => rgb.slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (colour.startsWith("rgb") && (parts(colour)[3] ?? 1) === 1) return parts(colour);
    }
    return [255, 255, 255];
  };
  let least = [99, ""];
  for (const node of document.querySelectorAll("main *")) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    if (!own || !node.checkVisibility() || ["title", "desc"].includes(node.tagName)) continue;
    const style = getComputedStyle(node);
    const [a, b] = [light(parts(node.tagName === "text" ? style.fill : style.color)), light(behind(node))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < least[0]) least = [contrast, node.tagName + ": " + node.textContent.slice(0, 60)];
  }
  return least;
}"""


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_in_a_browser(chromium, tmp_path, width, scheme):
    folder = make_folder(tmp_path / "out", 6)
    write_evaluation_page(folder)
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    problems: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto((folder / "report.html").as_uri())
    page.wait_for_selector("html[data-page=ready]")
    page.evaluate("document.querySelectorAll('details').forEach((node) => { node.open = true; })")

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    shade = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)")
    assert (sum(shade) < 150) == (scheme == "dark")
    contrast, where = page.evaluate(LEAST_CONTRAST)
    assert contrast >= 4.5, where

    def column(number: int) -> list[str]:
        cells = page.locator(f"#worst-table tbody td:nth-child({number})").all_inner_texts()
        return [cell.split()[0] for cell in cells]

    def press(number: int) -> str | None:
        page.click(f"#worst-table th:nth-child({number}) button")
        return page.get_attribute(f"#worst-table th:nth-child({number})", "aria-sort")

    assert press(4) == "descending"
    values = [as_number(text) for text in column(4)]
    assert values == sorted(values, reverse=True)
    assert press(4) == "ascending"
    assert [as_number(text) for text in column(4)] == values[::-1]
    assert press(8) == "descending"
    missing = [text == "n/a" for text in column(8)]
    assert missing == sorted(missing)
    assert any(missing)
    assert press(8) == "ascending"
    assert [text == "n/a" for text in column(8)] == missing
    assert press(2) == "ascending"
    assert column(2) == sorted(column(2))

    page.click("#theme")
    contrast, where = page.evaluate(LEAST_CONTRAST)
    assert contrast >= 4.5, where
    assert problems == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    context.close()


@pytest.mark.browser
def test_hostile_names_do_not_run(chromium, tmp_path):
    rng = np.random.default_rng(4)
    results = [replace(make_result("t", "g", rng), target=f"{HOSTILE}{k}", notes=(HOSTILE,)) for k in range(2)]
    write_evaluation_page(
        write_folder(tmp_path / "out", results, [{"target": "x", "generator": "g", "error": HOSTILE}])
    )
    page = chromium.new_page()
    page.goto((tmp_path / "out" / "report.html").as_uri())
    page.wait_for_selector("html[data-page=ready]")
    assert "owned" not in page.title().partition(" – ")[2]
    assert page.title() != "owned"
    assert page.locator("img").count() == 0
    page.close()
