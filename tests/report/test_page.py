"""The page as text: what it says, what it leaves out, that nothing in it can break out, and how large it is."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from unfreeze.errors import InputError
from unfreeze.report.molstar import MolstarBundle, as_classic_script, load_molstar
from unfreeze.report.page import page_html, write_report
from unfreeze.structure.ensemble import Ensemble
from unfreeze.structure.fluctuations import Fluctuations

TINY = MolstarBundle(script="globalThis.molstar = null;", style="", version="0")
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>'\"&"


def block(html: str, key: str) -> bytes:
    found = re.search(f'<script type="text/plain" id="block-{key}">([^<]*)</script>', html)
    assert found is not None
    return gzip.decompress(base64.b64decode(found.group(1)))


def data_of(html: str) -> dict:
    return json.loads(block(html, "data"))


def test_the_page_says_what_moves_and_what_holds(make_complex, make_ensemble):
    html = page_html(make_ensemble(make_complex([20, 20], ligand=True)), TINY)
    assert "The most mobile part is" in html
    assert re.search(r"Of \d+ residue contacts across", html)
    assert "BNZ 900 (A)" in html
    assert "300\N{NO-BREAK SPACE}K" in html
    assert "99.960" in html  # never rounded up to 100
    assert "one warning" in html
    data = data_of(html)
    assert data["chains"] == ["A", "B"]
    assert len(data["trace"]["rmsf"]) == 40
    assert {(item["first"], item["second"]) for item in data["interfaces"]} >= {("A", "B")}
    for item in data["interfaces"]:
        assert len(item["a"]) == len(item["b"]) == len(item["input"]) == len(item["persistence"])


def test_numbers_of_the_page_are_those_of_the_ensemble(make_complex, make_ensemble):
    ensemble = make_ensemble(make_complex([24, 18]), weighted=True)
    data = data_of(page_html(ensemble, TINY))
    assert np.allclose(data["trace"]["rmsf"], 10.0 * ensemble.rmsf(), atol=2e-3)
    assert np.isclose(sum(data["weights"]), 1.0, atol=1e-4)
    matrix = np.frombuffer(block(page_html(ensemble, TINY), "matrix"), dtype=np.int8) / 100.0
    rows, columns = np.triu_indices(42)
    assert np.allclose(matrix, ensemble.dccm()[rows, columns], atol=0.006)


def test_coordinates_in_the_page_are_the_frames(make_complex, make_ensemble):
    ensemble = make_ensemble(make_complex([15, 15]), n_frames=10)
    html = page_html(ensemble, TINY)
    layout = data_of(html)["scene"]
    planes = block(html, "coordinates")
    n_values = 3 * ensemble.complex.n_atoms
    assert len(planes) == 2 * n_values * (1 + len(layout["frames"]))

    def values(start: int, count: int) -> np.ndarray:
        low, high = (np.frombuffer(planes[start + k * count : start + (k + 1) * count], np.uint8) for k in (0, 1))
        return (low.astype(np.uint16) | high.astype(np.uint16) << 8).view(np.int16).astype(int)

    base = values(0, n_values)
    change = values(2 * n_values, n_values * len(layout["frames"])).reshape(-1, n_values)
    centre = ensemble.complex.coordinates_nm.mean(axis=0)
    assert np.isclose(np.linalg.det(layout["axes"]), 1.0, atol=1e-4)
    for row, frame in zip(base + change, layout["frames"], strict=True):
        expected = 10.0 * (ensemble.coordinates_nm[frame - 1] - centre) @ np.array(layout["axes"]).T
        assert np.allclose(layout["step"] * row.reshape(-1, 3), expected, atol=layout["step"])


def test_a_prediction_is_shown_with_its_interval_where_there_is_one(make_complex, make_ensemble):
    molecule = make_complex([12, 9])
    ensemble = make_ensemble(molecule)
    assert data_of(page_html(ensemble))["trace"]["predicted"] is None
    predicted = np.linspace(0.05, 0.2, molecule.n_residues)
    predicted[4] = np.nan
    html = page_html(replace(ensemble, fluctuations=Fluctuations(predicted, 0.8 * predicted, 1.25 * predicted)))
    trace = data_of(html)["trace"]
    assert trace["predicted"][4] is None and trace["low"][4] is None and trace["high"][4] is None
    assert trace["predicted"][0] == 0.5 and trace["low"][0] == 0.4 and trace["high"][0] == 0.625
    assert "The dashed line is what the model predicts" in html
    assert "The dashed line" not in page_html(ensemble)


def test_hostile_names_cannot_break_out(make_complex, make_ensemble):
    molecule = make_complex([12, 12], names=[HOSTILE, "B"], title=HOSTILE)
    ensemble = make_ensemble(molecule)
    record = dict(ensemble.record)
    record["input"] = {"name": HOSTILE, "title": HOSTILE, "chains": [HOSTILE]}
    record["versions"] = {HOSTILE: HOSTILE}
    record["warnings"] = [HOSTILE]
    html = page_html(replace(ensemble, record=record), TINY)
    clean = page_html(ensemble, TINY)
    assert "<img" not in html
    assert "alert(1)</script>" not in html
    assert html.count("<script") == clean.count("<script") == html.count("</script>")
    assert data_of(html)["chains"][0] == HOSTILE


def test_only_the_scripts_of_the_page_may_run(make_complex, make_ensemble):
    html = page_html(make_ensemble(make_complex([12])), TINY)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None
    assert "default-src 'none'" in policy.group(1)
    assert "script-src 'sha256-" in policy.group(1)
    assert "http" not in policy.group(1)
    own = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(own) == 1
    for text in (own[0], TINY.script):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy.group(1)
    assert not re.search(r'(?:src|href)="(?!data:|#)', html)


@pytest.mark.parametrize(
    ("which", "sentences"),
    [
        ("one chain", ["There is one chain and no free ligand"]),
        (
            "one frame",
            ["One frame has no fluctuation", "Correlations need more than one frame", "at least three frames"],
        ),
        ("ligand", ["no protein or nucleic acid residue with a Cα or P atom"]),
        ("far apart", ["No two chains or ligands come within 5 Å"]),
        ("rigid", ["Nothing moves in this ensemble"]),
    ],
)
def test_empty_sections_say_why(which, sentences, make_complex, make_ensemble, lone_ligand):
    ensembles = {
        "one chain": lambda: make_ensemble(make_complex([12])),
        "one frame": lambda: make_ensemble(make_complex([12, 12]), n_frames=1),
        "ligand": lambda: make_ensemble(lone_ligand, n_frames=5),
        "far apart": lambda: make_ensemble(make_complex([12, 12], spacing=5.0)),
        "rigid": lambda: Ensemble(
            make_complex([12]), np.repeat(make_complex([12]).coordinates_nm[None], 4, axis=0).astype(np.float32)
        ),
    }
    html = page_html(ensembles[which](), TINY)
    for sentence in sentences:
        assert sentence in html
    data_of(html)


def test_nucleic_acids_are_followed_by_their_phosphates(two_strands, make_ensemble):
    data = data_of(page_html(make_ensemble(two_strands), TINY))
    assert len(data["trace"]["rmsf"]) == 24
    assert set(data["scene"]["kind"]) == {1}


@pytest.mark.slow
def test_a_large_complex_stays_small(make_complex, make_ensemble):
    molecule = make_complex([500] * 10, spacing=1.2)
    html = page_html(make_ensemble(molecule, n_frames=30))
    assert molecule.n_residues == 5000
    assert len(html.encode()) < 8_000_000
    data = data_of(html)
    assert data["nGroups"] <= 610
    assert "Each cell is the mean over" in html


def test_without_the_viewer_the_page_still_stands(make_complex, make_ensemble, monkeypatch):
    monkeypatch.setattr("unfreeze.report.page.load_molstar", lambda: None)
    html = page_html(make_ensemble(make_complex([12])))
    assert '<script type="text/plain" id="block-viewer-script"></script>' in html


def test_the_installed_viewer_has_the_known_shape():
    bundle = load_molstar()
    assert bundle is not None
    assert "globalThis.molstar = " in bundle.script
    assert not re.search(r"export\s*\{", bundle.script[-2000:])
    assert as_classic_script("export default 1;") is None


def test_write_report_replaces_the_page_as_a_whole(make_complex, make_ensemble, tmp_path, monkeypatch):
    ensemble = make_ensemble(make_complex([12, 12]))
    folder = ensemble.save(tmp_path / "run")
    monkeypatch.setattr("unfreeze.report.page.load_molstar", lambda: TINY)
    first = write_report(folder)
    assert first == folder / "report.html"
    text = first.read_text(encoding="utf-8")
    assert write_report(folder).read_text(encoding="utf-8") == text
    assert sorted(path.name for path in folder.iterdir()) == [
        "ensemble.json",
        "report.html",
        "samples.xtc",
        "topology.pdb",
    ]
    with pytest.raises(InputError, match=re.escape("ensemble.json")):
        write_report(tmp_path)
