"""The importers on the sets themselves, where they are at hand; what is asserted are facts of the sets."""

from __future__ import annotations

import tarfile
from collections import Counter
from pathlib import Path

import pytest

from unfreeze.corpus.importers.function import IMPORTER as FUNCTION
from unfreeze.corpus.importers.location import IMPORTER as LOCATION
from unfreeze.corpus.importers.skempi import IMPORTER as SKEMPI
from unfreeze.corpus.importers.stability import IMPORTER as STABILITY
from unfreeze.corpus.importers.static import IMPORTER as STATIC
from unfreeze.corpus.importing.driver import run_import
from unfreeze.corpus.label_import import import_labels
from unfreeze.corpus.store import Corpus

DATA = Path(__file__).parents[4] / "shared" / "data"


def present(*names: str) -> Path:
    path = DATA.joinpath(*names)
    if not path.exists():
        pytest.skip(f"{'/'.join(names)} is not at hand")
    return path


def first_members(archive: Path, folder: Path, n: int) -> set[str]:
    """The first files of an archive, without reading on."""
    names: set[str] = set()
    with tarfile.open(archive, "r|*") as stream:
        for member in stream:
            if member.isfile() and member.name.endswith(".pdb"):
                stream.extract(member, folder, filter="data")
                names.add(Path(member.name).stem)
            if len(names) == n:
                return names
    return names


def test_skempi(tmp_path):
    names = first_members(present("complexes", "skempi_pdbs.tar.xz"), tmp_path, 3)
    candidates = SKEMPI.candidates(present("complexes"), {"structures": str(tmp_path)})
    found = {one.identifier: one for one in candidates}
    assert len(found) == 345
    taken = [one for one in found.values() if one.refusal is None]
    assert {one.identifier.removeprefix("skempi-") for one in taken} == names
    for one in taken:
        labels = [label for label in one.labels if label.kind == "affinity"]
        assert any(label.mutations for label in labels)
        assert any(not label.mutations for label in labels)
        assert "another residue" not in " ".join(one.notes)  # every mutated residue is in its structure


def test_stability_tables_have_one_sign():
    report = import_labels("", STABILITY, present("stability"), dry_run=True)
    labels = {one.name.removeprefix("stability-"): one.n_labels["stability"] for one in report.taken}
    assert labels == {"M1261": 1261, "S4346": 4346, "S571": 571, "S669": 669, "S8754": 8754, "megascale_val": 3017}
    assert set(report.refused) == {"stability-S2000", "stability-Ssym"}
    assert all("Negative numbers destabilise" in one.notes[0] for one in report.taken)
    pairs = [one for one in report.taken if "of the pair table" in one.notes[0]]
    assert [one.name for one in pairs] == ["stability-S4346", "stability-S8754"]


def test_location_and_function():
    (locations,) = import_labels("", LOCATION, present("location"), dry_run=True).taken
    assert (locations.n_rows, locations.left_out) == (28_303, {})
    (functions,) = import_labels("", FUNCTION, present("function"), dry_run=True).taken
    assert functions.n_rows == 1920


def test_adenylate_kinase_open_and_closed_are_one_entry(tmp_path):
    package = pytest.importorskip("MDAnalysisTests")
    data = Path(package.__file__).parent / "data"
    folder = tmp_path / "adk"
    folder.mkdir()
    for name in ("adk_open.pdb", "adk_closed.pdb"):
        (folder / name).write_bytes((data / name).read_bytes())
    corpus = Corpus.create(tmp_path / "corpus")
    report = run_import(corpus, STATIC.candidates(folder, {}))
    assert report.counts()["taken"] == 2
    entry = corpus.entry("adk_closed")
    assert Counter(record.conditions.kind for record in entry.manifest.trajectories) == {"static": 2}
    assert (entry.manifest.n_atoms, entry.manifest.n_residues) == (1656, 214)
    open_form, closed = (entry.trajectory(name).frame(0) for name in ("adk_open", "adk_closed"))
    alpha = entry.complex.atom_of_residue("CA")
    ends = [float(((frame[alpha[54]] - frame[alpha[168]]) ** 2).sum() ** 0.5) for frame in (open_form, closed)]
    assert ends[0] > ends[1] + 0.5  # the lid closes
