from __future__ import annotations

import gzip
from dataclasses import replace

import numpy as np
import pytest

from unfreeze.corpus.importers.static import IMPORTER
from unfreeze.corpus.importing.driver import run_import
from unfreeze.corpus.store import Corpus
from unfreeze.errors import InputError
from unfreeze.structure.write import write_cif, write_pdb


@pytest.fixture(scope="module")
def dimer(make):
    molecule = make.read("1hvr")
    return molecule.take_residues(molecule.residue_kind == "protein")


def opened(candidate):
    """Complex and frames of every part."""
    found = {}
    for part in candidate.parts:
        with part.open() as stream:
            frames = [block.coordinates_nm for block in stream.blocks()]
            found[part.name] = (stream.complex, np.concatenate(frames), stream.notes)
    return found


def test_a_structure_becomes_an_entry_with_b_factors(tmp_path, make):
    molecule = make.read("1hvr")
    (tmp_path / "in").mkdir()
    write_cif(tmp_path / "in" / "protease.cif", molecule)
    corpus = Corpus.create(tmp_path / "corpus")
    report = run_import(corpus, IMPORTER.candidates(tmp_path / "in", {"licence": "CC0-1.0"}))
    assert report.counts()["refused"] == 0
    entry = corpus.entry("protease")
    record = entry.manifest.trajectories[0]
    assert (record.name, record.conditions.kind, record.source.licence) == ("deposited", "static", "CC0-1.0")
    assert [label.meaning for label in entry.manifest.labels] == ["isotropic"]
    np.testing.assert_allclose(entry.complex.atom_b_factor, molecule.atom_b_factor, atol=0.01)
    frame = entry.trajectory("deposited").frame(0)
    moved = molecule.coordinates_nm - (molecule.coordinates_nm.min(axis=0) + molecule.coordinates_nm.max(axis=0)) / 2
    assert np.abs(frame - moved).max() < 1e-3


def test_models_are_frames(tmp_path, make):
    peptide = make.peptide(6)
    frames = peptide.coordinates_nm + np.random.default_rng(1).normal(0, 0.003, (5, peptide.n_atoms, 3))
    write_pdb(tmp_path / "nmr.pdb", peptide, frames)
    (candidate,) = IMPORTER.candidates(tmp_path, {})
    molecule, read, _ = opened(candidate)["models"]
    assert read.shape == (5, peptide.n_atoms, 3)
    np.testing.assert_allclose(read, frames, atol=1e-4)
    assert molecule.n_residues == 6


def test_states_of_one_sequence_are_one_entry(tmp_path, dimer):
    angle = 0.3
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    other = dimer.with_coordinates(dimer.coordinates_nm @ turn.T + 1.0)
    other = replace(other, chain_name=np.array(["C", "D"]), residue_number=other.residue_number + 100)
    other = other.take_residues(np.arange(2, other.n_residues))
    write_pdb(tmp_path / "state1.pdb", dimer)
    write_pdb(tmp_path / "state2.pdb", other)
    (candidate,) = IMPORTER.candidates(tmp_path, {})
    assert candidate.identifier == "state1"
    assert "2 files of one sequence" in candidate.notes[0]
    found = opened(candidate)
    first, second = found["state1"], found["state2"]
    assert first[0].n_atoms == second[0].n_atoms == other.n_atoms
    np.testing.assert_array_equal(first[0].chain_name, ["A", "B"])
    np.testing.assert_allclose(first[1][0] @ turn.T + 1.0, second[1][0], atol=3e-4)
    assert any("called otherwise" in note for note in second[2])
    alone = list(IMPORTER.candidates(tmp_path, {"gather": "no"}))
    assert [one.identifier for one in alone] == ["state1", "state2"]


def test_other_sequences_and_fragments_stay_apart(tmp_path, dimer, make):
    write_pdb(tmp_path / "a.pdb", dimer)
    write_pdb(tmp_path / "b.pdb", dimer.take_residues(dimer.residue_number < 60))
    write_pdb(tmp_path / "c.pdb", make.peptide(40))
    assert [one.identifier for one in IMPORTER.candidates(tmp_path, {})] == ["a", "b", "c"]


def test_what_cannot_be_read_is_refused_by_name(tmp_path, make):
    write_pdb(tmp_path / "good.pdb", make.peptide(5))
    (tmp_path / "bad.pdb").write_text("<html>404</html>\n")
    write_pdb(tmp_path / "ions.pdb", make.ions([[0, 0, 0], [1, 1, 1]]))
    whole = (tmp_path / "good.pdb").read_bytes()
    (tmp_path / "cut.pdb.gz").write_bytes(gzip.compress(whole)[:-20])
    corpus = Corpus.create(tmp_path / "corpus")
    report = run_import(corpus, IMPORTER.candidates(tmp_path, {}))
    refused = {result.entry: result.reason for result in report.refused}
    assert set(refused) == {"bad", "ions", "cut"}
    assert "neither a PDB nor an mmCIF" in refused["bad"]
    assert "no protein" in refused["ions"]
    assert corpus.identifiers == ("good",) or list(corpus.identifiers) == ["good"]


def test_files_of_one_name_keep_their_folders(tmp_path, make):
    for folder, n in (("x", 5), ("y", 9)):
        (tmp_path / folder).mkdir()
        write_pdb(tmp_path / folder / "model.pdb", make.peptide(n))
    assert [one.identifier for one in IMPORTER.candidates(tmp_path, {})] == ["x-model", "y-model"]


def test_wrong_settings_and_empty_folders_are_named(tmp_path):
    with pytest.raises(InputError, match="no structure files"):
        list(IMPORTER.candidates(tmp_path, {}))
    with pytest.raises(InputError, match="no such file"):
        list(IMPORTER.candidates(tmp_path / "absent", {}))
    with pytest.raises(InputError, match="gather=perhaps"):
        list(IMPORTER.candidates(tmp_path, {"gather": "perhaps"}))
