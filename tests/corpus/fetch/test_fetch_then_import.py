"""From the server into the corpus: what is fetched is what the importer of the set expects."""

from __future__ import annotations

import importlib.util
import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from unfreeze.corpus.fetch import SETS, fetch
from unfreeze.corpus.importers.registry import importer
from unfreeze.corpus.importing.driver import run_import
from unfreeze.corpus.store import Corpus

LAYOUTS = Path(__file__).parents[1] / "layouts"


@pytest.fixture
def layout(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A module of tests/corpus/layouts by its name; they find each other by their plain names."""

    def load(name: str) -> ModuleType:
        if name in sys.modules:
            return sys.modules[name]
        spec = importlib.util.spec_from_file_location(name, LAYOUTS / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    load("molecules")
    yield load


def packed(folder: Path, below: Path) -> bytes:
    target = below.parent / "packed.zip"
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(below))
    return target.read_bytes()


def serve(web: Any, prefix: str, folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            web.files[f"{prefix}/{path.relative_to(folder)}"] = path.read_bytes()


def taken(name: str, folder: Path, tmp_path: Path, **options: str) -> Corpus:
    corpus = Corpus.create(tmp_path / "corpus")
    report = run_import(corpus, importer(name).candidates(folder, options))
    assert report.results
    assert {result.status for result in report.results} <= {"taken", "mended"}, report.results
    return corpus


def test_every_set_has_an_importer() -> None:
    assert all(importer(item.importer or name) for name, item in SETS.items())


def test_atlas(web: Any, layout: Any, tmp_path: Path) -> None:
    made = layout("xtc_sets").write_atlas(tmp_path / "made") / "16pk_A_protein"
    web.files["/api/ATLAS/protein/16pk_A"] = packed(made, made)
    fetch("atlas", ["16pk_A"], tmp_path / "set", base_url=web.url)
    corpus = taken("atlas", tmp_path / "set", tmp_path)
    assert corpus.entry("16pk_A").trajectories == ("R1", "R2", "R3")


def test_mdcath(web: Any, layout: Any, tmp_path: Path) -> None:
    layout("mdcath").write_mdcath(tmp_path / "made", temperatures=("320",), replicas=1)
    serve(web, "/datasets/compsciencelab/mdCATH/resolve/main/data", tmp_path / "made")
    fetch("mdcath", ["1abcA00"], tmp_path / "set", base_url=web.url)
    assert taken("mdcath", tmp_path / "set", tmp_path).identifiers == ("1abcA00",)


def test_mdgen(web: Any, layout: Any, tmp_path: Path) -> None:
    layout("xtc_sets").write_mdgen(tmp_path / "made", name="FLRH")
    serve(web, "/datasets/bjing-mit/tetrapeptide-sims/resolve/main/4AA_sims", tmp_path / "made")
    report = fetch("mdgen", ["FLRH"], tmp_path / "set", base_url=web.url)
    assert not report.failed
    candidates = list(importer("mdgen").candidates(tmp_path / "set", {}))
    assert [candidate.identifier for candidate in candidates] == ["mdgen-FLRH"]


def test_timewarp(web: Any, layout: Any, tmp_path: Path) -> None:
    layout("timewarp").write_timewarp(tmp_path / "made", "GYDPETGT")
    serve(web, "/datasets/microsoft/timewarp/resolve/main/4AA-large/train", tmp_path / "made")
    fetch("timewarp", ["GYDPETGT"], tmp_path / "set", base_url=web.url)
    assert len(taken("timewarp", tmp_path / "set", tmp_path)) == 1


def test_bioemu(web: Any, layout: Any, tmp_path: Path) -> None:
    made = layout("xtc_sets").write_bioemu(tmp_path / "made") / "ONE_cath1"
    content = packed(made, tmp_path / "made")
    web.files["/api/records/15629740"] = json.dumps(
        {"files": [{"key": "ONE_cath1.zip", "size": len(content)}]}
    ).encode()
    web.files["/api/records/15629740/files/ONE_cath1.zip/content"] = content
    report = fetch("bioemu", ["cath1"], tmp_path / "set", base_url=web.url)
    assert not report.failed
    assert (tmp_path / "set" / "ONE_cath1" / "cath1_1b43A02" / "dataset.json").is_file()
    assert len(taken("bioemu", tmp_path / "set", tmp_path)) == 1


def test_mddb(web: Any, layout: Any, tmp_path: Path) -> None:
    made = layout("mddb").write_mddb(tmp_path / "made", replicas=1) / "A02K9.1"
    web.files["/projects/A02K9.1"] = (made / "project.json").read_bytes()
    web.files["/projects/A02K9.1/structure"] = (made / "structure.pdb").read_bytes()
    web.files["/projects/A02K9.1/trajectory?frames=1:20:1"] = (made / "trajectory.bin").read_bytes()
    report = fetch("dynarepo", ["A02K9.1"], tmp_path / "set", base_url=web.url)
    assert not report.failed, report.failed
    corpus = taken(SETS["dynarepo"].importer or "", tmp_path / "set", tmp_path)
    assert corpus.entry("A02K9").trajectory("replica1").n_frames == 20
