"""The page of a prediction: what it tells, that it loads nothing, and that nothing from files becomes markup."""

from __future__ import annotations

import html as html_module
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from unfreeze.errors import InputError
from unfreeze.report.prediction import write_prediction_page
from unfreeze.report.prediction_heat import ORDER, HeatMap, colour_of, heat_map
from unfreeze.report.prediction_site import site_pictures
from unfreeze.report.prediction_tables import class_bars, effect_table, molar, tiles
from unfreeze.structure.write import write_cif

HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"


def effect(number, mutant, value, *, chain="A", wild_type="A", error=2.0, **more):
    site = {"chain": chain, "number": number, "insertion_code": "", "wild_type": wild_type, "mutant": mutant}
    return {
        "mutations": f"{chain}:{wild_type}{number}{mutant}", "sites": [site],
        "delta_delta_g_kJ_mol": value, "error_kJ_mol": error,
        "low_95_kJ_mol": value - 1.96 * error, "high_95_kJ_mol": value + 1.96 * error,
        "delta_tm_K": None, "error_tm_K": None, "words": "weakens" if value > 3.3 else "unclear",
        "outside": "", "reasons": None, **more,
    }  # fmt: skip


def scan(n_residues, chain="A"):
    return [
        effect(number, mutant, 0.5 * number - ORDER.index(mutant) / 4, chain=chain)
        for number in range(1, n_residues + 1)
        for mutant in ORDER
        if mutant != "A"
    ]


def record(task="affinity", **more):
    base = {
        "schema": "unfreeze-prediction/1", "task": task, "created": "2026-01-01T00:00:00Z", "command": "unfreeze",
        "unfreeze_version": "0", "versions": {}, "weights": [{"name": "w", "sha256": "0" * 64}],
        "input": {"name": HOSTILE, "title": HOSTILE, "sha256": "0" * 64}, "notes": [HOSTILE], "effects": [],
    }  # fmt: skip
    if task == "affinity":
        base["affinity"] = {
            "partners": ["A", "B"], "delta_g_kJ_mol": -50.0, "error_kJ_mol": 6.0, "temperature_K": 298.15,
            "outside": HOSTILE, "dissociation_constant_M": 1.7e-9, "dissociation_constant_95_M": [1e-11, 2e-7],
        }  # fmt: skip
        base["interface"] = {"cutoff_nm": 0.5, "first": ["A:ALA1"], "second": ["B:ALA1"]}
        base["conditions"] = {"temperature_K": 298.15}
    if task == "stability":
        base["stability"] = {"source": "sequence"}
        base["sequence"] = "A" * 12
    return {**base, **more}


@pytest.fixture
def page(tmp_path):
    def build(content, molecule=None, mutants=None):
        (tmp_path / "prediction.json").write_text(json.dumps(content), encoding="utf-8")
        if molecule is not None:
            write_cif(tmp_path / "structure.cif", molecule)
        for name, mutant in (mutants or {}).items():
            (tmp_path / "mutants").mkdir(exist_ok=True)
            write_cif(tmp_path / name, mutant)
        return write_prediction_page(tmp_path).read_text(encoding="utf-8")

    return build


def text_of(html):
    return re.sub(r"\s+", " ", html_module.unescape(re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", html, flags=re.S)))


def test_the_page_of_an_affinity(page, make_complex):
    reasons = {
        "lost": [{"residue": "B:ALA6", "kind": "salt bridge", "across": True}], "gained": [],
        "buried_area_change_nm2": -0.31, "rmsf_change": 0.14, "entropy_change_kJ_mol": 1.25, "words": [HOSTILE],
    }  # fmt: skip
    molecule = make_complex([12, 12])
    listed = effect(6, "G", 9.0, reasons=reasons, structure="mutants/A_A6G.cif", outside=HOSTILE)
    html = page(record(effects=[listed, *scan(4)]), molecule, {"mutants/A_A6G.cif": molecule})
    said = text_of(html)
    assert "ΔG of binding −50.0 kJ/mol ± 6.0" in said.replace("\N{NO-BREAK SPACE}", " ")
    assert "1.7 nM" in said and "95 %: 10 pM to 200 nM" in said and "Outside what the model knows" in said
    assert "salt bridge with B:ALA6 across the interface" in said and "−0.31 nm²" in said and "+14 %" in said
    assert html.count('class="site"') == 2 and html.count('<svg class="heat"') == 1
    assert "positive weakens the binding" in said
    assert "<img" not in html and "<script>alert" not in html and html_module.escape(HOSTILE, quote=False)[:12] in html
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None and "default-src 'none'" in policy.group(1) and "http" not in policy.group(1)
    assert not re.search(r"""(?:src|href)=["'](?!#|data:)""", html)


def test_the_page_of_a_sequence_has_no_viewer(page):
    html = page(record("stability", effects=[{**one, "delta_tm_K": 1.0, "error_tm_K": 0.5} for one in scan(6, "")]))
    said = text_of(html)
    assert "from the sequence alone" in said and "negative destabilises the fold" in said and "ΔTm (K)" in said
    assert 'id="viewer"' not in html and len(html) < 400_000


def test_the_page_of_classes(page):
    probabilities = {"Nucleus": 0.9, HOSTILE: 0.2}
    protein = {
        "name": HOSTILE, "sequence": "A" * 30, "chosen": ["Nucleus"], "specific": ["Nucleus"],
        "probabilities": probabilities, "outside": HOSTILE, "notes": ["Of this protein only."],
        "threshold": dict.fromkeys(probabilities, 0.5), "n_classes": 2,
    }  # fmt: skip
    html = page(record("location", proteins=[protein, {**protein, "chosen": []}], effects=[]))
    said = text_of(html)
    assert said.count("Of this protein only.") == 2
    assert "2 proteins; 1 with a predicted location" in said and "Nucleus 0.90, threshold 0.50" in said
    assert "<img" not in html and "<script>alert" not in html


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "damaged"),
        ("[]", "not the record"),
        ('{"schema": "unfreeze-ensemble/1"}', "not the record"),
        ('{"schema": "unfreeze-prediction/1", "task": "taste"}', "taste"),
        ('{"schema": "unfreeze-prediction/1", "task": "affinity"}', "damaged"),
    ],
)
def test_other_folders_are_refused(tmp_path, content, said):
    with pytest.raises(InputError, match=r"no prediction\.json"):
        write_prediction_page(tmp_path)
    (tmp_path / "prediction.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        write_prediction_page(tmp_path)
    assert not (tmp_path / "report.html").exists()


def test_the_heat_map_is_centred_at_zero():
    heat = HeatMap.of(scan(70), 1)
    assert heat is not None
    own = [ORDER.index("A")] * 70
    assert (heat.values[np.arange(70), own] == 0.0).all() and np.isfinite(heat.values).all()
    assert colour_of(0.0, heat.limit, 1) == "#f3f2ee"
    assert colour_of(heat.limit, heat.limit, 1) == colour_of(-99.0, heat.limit, -1) == "#b2301f"
    panels = heat_map(heat)
    assert [panel["start"] for panel in panels] == [0, 60]
    assert HeatMap.of([effect(1, "G", 1.0)], 1) is None and HeatMap.of([], 1) is None


def test_the_heat_map_leaves_out_what_nobody_asked():
    heat = HeatMap.of([effect(1, mutant, 1.0) for mutant in "GVL"], -1)
    assert heat is not None and np.isfinite(heat.values).sum() == 4 and heat.limit == 4.2
    assert heat.payload()["values"][0].count(None) == 16


def test_the_table_has_the_worst_first_and_the_strongest_only():
    for task, worse in (("affinity", 1), ("stability", -1)):
        table = effect_table(record(task, effects=scan(30)))
        values = [worse * row["value"] for row in table["rows"]]
        assert len(values) == 200 and values == sorted(values, reverse=True) and table["n"] == 570


def test_numbers_for_people():
    assert [molar(value) for value in (2.0, 1e-3, 2.5e-8, 3e-12, 1e-15)] == ["2 M", "1 mM", "25 nM", "3 pM", "1 fM"]
    assert [molar(value) for value in (5.751e-10, 9.99e-7, 1.26e-7)] == ["580 pM", "1000 nM", "130 nM"]
    shown = tiles(record(effects=[effect(1, "G", 9.0), effect(2, "G", -0.1, error=6.0)]))[-2:]
    assert [tile["value"] for tile in shown] == ["A:A1G", "None clearly"] and "A:A2G" in shown[1]["note"]
    bars = class_bars({"probabilities": {"<b>": 0.2}, "chosen": [], "threshold": {}}, "x")
    assert "&lt;b&gt;" in bars and "<b>" not in bars


def test_a_site_that_is_not_found_has_no_picture(make_complex):
    molecule = make_complex([12])
    reasons = {"lost": [{"residue": "Z:ALA99", "kind": "clash", "across": False}], "gained": []}
    assert site_pictures(molecule, None, effect(99, "G", 1.0, reasons=reasons)) == []
    pictures = site_pictures(molecule, None, effect(3, "G", 1.0, reasons=reasons))
    assert [picture["title"] for picture in pictures] == ["Wild type"] and "Z:ALA99" not in pictures[0]["svg"]
    renamed = replace(molecule, chain_name=np.array([HOSTILE]))
    shown = site_pictures(renamed, None, effect(3, "G", 1.0, chain=HOSTILE, reasons=reasons))
    assert "<img" not in str(shown[0]["svg"])
