"""The ensemble and its folder: nothing lost on the way, whole or absent, never another's files replaced."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from unfreeze.errors import InputError
from unfreeze.structure import ensemble as ensemble_module
from unfreeze.structure import write
from unfreeze.structure.ensemble import ENSEMBLE_SCHEMA, FORMATS, Ensemble

FORMAT_NAMES = tuple(FORMATS)
ROUNDING_NM = {"xtc": 6e-4, "pdb": 6e-5, "cif": 6e-5}


@pytest.fixture
def protease(make):
    """HIV protease with its ligand, five frames of it with random displacements, and a record."""
    return _ensemble(make.read("1hvr"))


def _ensemble(molecule, n_frames=5, weights=None, seed=0, **record):
    noise = 0.05 * np.random.default_rng(seed).normal(size=(n_frames, molecule.n_atoms, 3))
    frames = (molecule.coordinates_nm + noise).astype(np.float32)
    return Ensemble(molecule, frames, weights, {"seed": seed, "warnings": ["a “warning”, Å"], **record})


def _change(directory: Path, **changes):
    path = directory / "ensemble.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record.update(changes)
    path.write_text(json.dumps(record), encoding="utf-8")


def _listing(directory):
    return sorted(path.name for path in directory.iterdir())


def _stamp(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.mark.parametrize("form", FORMAT_NAMES)
def test_what_is_saved_is_loaded(protease, tmp_path, form):
    folder = protease.save(tmp_path / "deep" / "out", format=form)
    assert folder == tmp_path / "deep" / "out"
    loaded = Ensemble.load(folder)
    assert loaded.n_frames == 5
    assert loaded.coordinates_nm.dtype == np.float32
    assert np.abs(loaded.coordinates_nm - protease.coordinates_nm).max() < ROUNDING_NM[form]
    assert np.abs(loaded.complex.coordinates_nm - protease.complex.coordinates_nm).max() < 6e-5
    for name in (
        "atom_name",
        "element",
        "residue_index",
        "residue_name",
        "residue_number",
        "chain_name",
        "chain_index",
    ):
        assert np.array_equal(getattr(loaded.complex, name), getattr(protease.complex, name)), name
    assert np.array_equal(loaded.complex.residue_kind, protease.complex.residue_kind)
    assert np.array_equal(loaded.complex.links, protease.complex.links)
    assert loaded.weights is None
    assert loaded.record["warnings"] == protease.record["warnings"]
    assert loaded.record["schema"] == ENSEMBLE_SCHEMA and loaded.record["n_frames"] == 5


def test_the_folder_holds_what_the_contract_says(protease, tmp_path):
    folder = protease.save(tmp_path / "out")
    assert _listing(folder) == ["ensemble.json", "samples.xtc", "topology.pdb"]
    text = (folder / "ensemble.json").read_text(encoding="utf-8")
    assert "“warning”, Å" in text and text.startswith("{\n ")
    assert json.loads(text)["files"]["samples"]["name"] == "samples.xtc"
    assert _listing(tmp_path) == ["out"]
    assert "n_frames" not in protease.record, "saving does not write into the record in memory"


def test_numbers_of_numpy_and_what_is_not_finite_become_json(make, tmp_path):
    odd = {"a": np.float32(1.5), "b": np.arange(3), "c": float("nan"), "d": (np.int64(2), True), 5: np.bool_(False)}
    folder = _ensemble(make.peptide(3), checks=odd).save(tmp_path / "out")
    assert Ensemble.load(folder).record["checks"] == {"a": 1.5, "b": [0, 1, 2], "c": None, "d": [2, True], "5": False}


def test_weights_survive_and_count(make, tmp_path):
    molecule = make.peptide(6)
    weights = np.array([0.1, 0.2, 0.3, 0.4, 0.0])
    ensemble = _ensemble(molecule, weights=weights)
    loaded = Ensemble.load(ensemble.save(tmp_path / "out"))
    assert loaded.weights is not None and np.array_equal(loaded.weights, weights)
    # a frame of no weight does not count
    without = Ensemble(molecule, ensemble.coordinates_nm[:4], weights[:4], {})
    frames = ensemble.representative_frames()
    spread = np.einsum("f,fik->i", weights, (frames - np.einsum("f,fik->ik", weights, frames)) ** 2)
    assert np.allclose(ensemble.rmsf(), np.sqrt(spread))
    assert np.allclose(without.rmsf(), ensemble.rmsf(), rtol=0.2)
    assert not np.allclose(ensemble.rmsf(), Ensemble(molecule, ensemble.coordinates_nm).rmsf(), rtol=1e-3)


def test_shapes_are_checked(make):
    molecule = make.peptide(2)
    frames = np.zeros((3, molecule.n_atoms, 3), dtype=np.float32)
    with pytest.raises(ValueError, match="coordinates_nm"):
        Ensemble(molecule, frames[:, :-1])
    with pytest.raises(ValueError, match="weights"):
        Ensemble(molecule, frames, np.ones(2) / 2)


@pytest.mark.parametrize("error", (OSError("disk full"), KeyboardInterrupt()))
@pytest.mark.parametrize("where", ("samples", "topology", "rename"))
def test_a_failure_in_the_middle_leaves_nothing(protease, tmp_path, monkeypatch, where, error):
    def fail(*arguments, **options):
        raise error

    target = {"samples": (write, "write_xtc"), "topology": (write, "write_topology")}
    monkeypatch.setattr(*target.get(where, (ensemble_module, "replace_directory")), fail)
    with pytest.raises(type(error)):
        protease.save(tmp_path / "out")
    assert _listing(tmp_path) == []


def test_a_record_that_cannot_be_written_leaves_nothing(make, tmp_path):
    with pytest.raises(TypeError):
        _ensemble(make.peptide(2), what=object()).save(tmp_path / "out")
    assert _listing(tmp_path) == []


def test_a_failure_while_replacing_keeps_the_old_one(protease, tmp_path, monkeypatch):
    folder = protease.save(tmp_path / "out")
    before = _stamp(folder)
    monkeypatch.setattr(write, "write_xtc", lambda *a, **k: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        protease.save(folder, force=True)
    assert _stamp(folder) == before and _listing(tmp_path) == ["out"]


def test_an_ensemble_is_replaced_only_with_force(make, tmp_path):
    old, new = (_ensemble(make.peptide(3), seed=seed) for seed in (1, 2))
    folder = old.save(tmp_path / "out", format="pdb")
    (folder / "report.html").write_text("of the old ensemble")
    before = _stamp(folder)
    with pytest.raises(InputError, match="--force"):
        new.save(folder)
    assert _stamp(folder) == before
    new.save(folder, force=True)
    assert _listing(folder) == ["ensemble.json", "samples.xtc", "topology.pdb"]
    assert Ensemble.load(folder).record["seed"] == 2
    assert _listing(tmp_path) == ["out"]


@pytest.mark.parametrize("force", (False, True))
def test_what_is_not_ours_is_never_replaced(make, tmp_path, force):
    ensemble = _ensemble(make.peptide(2))
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.tex").write_text("x")
    (tmp_path / "file").write_text("y")
    ours = ensemble.save(tmp_path / "mixed")
    (ours / "notes.txt").write_text("mine")
    for name in ("thesis", "file", "mixed"):
        with pytest.raises(InputError, match="not an ensemble folder"):
            ensemble.save(tmp_path / name, force=force)
    assert (tmp_path / "thesis" / "chapter1.tex").read_text() == "x"
    assert (tmp_path / "file").read_text() == "y"
    assert (ours / "notes.txt").read_text() == "mine"
    assert _listing(tmp_path) == ["file", "mixed", "thesis"]


def test_an_empty_folder_may_be_filled(make, tmp_path):
    (tmp_path / "out").mkdir()
    _ensemble(make.peptide(2)).save(tmp_path / "out")
    assert Ensemble.load(tmp_path / "out").n_frames == 5
    assert _listing(tmp_path) == ["out"]


def test_an_unknown_format_is_refused_before_anything_is_written(make, tmp_path):
    with pytest.raises(InputError, match="dcd"):
        _ensemble(make.peptide(2)).save(tmp_path / "out", format="dcd")
    assert _listing(tmp_path) == []


@pytest.mark.parametrize("name", ("samples.xtc", "topology.pdb"))
@pytest.mark.parametrize("how", ("changed", "cut", "absent"))
def test_files_that_were_tampered_with_are_refused(make, tmp_path, name, how):
    folder = _ensemble(make.peptide(4)).save(tmp_path / "out")
    path = folder / name
    data = bytearray(path.read_bytes())
    if how == "changed":
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    elif how == "cut":
        path.write_bytes(data[:-10])
    else:
        path.unlink()
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        Ensemble.load(folder)


def test_a_record_cannot_point_out_of_its_folder(make, tmp_path):
    folder = _ensemble(make.peptide(4)).save(tmp_path / "out")
    other = tmp_path / "samples2.xtc"
    other.write_bytes((folder / "samples.xtc").read_bytes())
    files = json.loads((folder / "ensemble.json").read_text())["files"]
    files["samples"]["name"] = "../samples2.xtc"
    _change(folder, files=files)
    with pytest.raises(InputError, match="absent"):
        Ensemble.load(folder)


@pytest.mark.parametrize("text", ("", "{", "[]", "null", '{"schema": "other/1"}', '{"schema": "unfreeze-ensemble/1"}',
                                  '{"schema": "unfreeze-ensemble/1", "files": {"topology": {"name": "topology.pdb"}}}',
                                  '{"schema": "unfreeze-ensemble/1", "files": ["a"]}'))  # fmt: skip
def test_a_record_that_is_none_is_refused(make, tmp_path, text):
    folder = _ensemble(make.peptide(2)).save(tmp_path / "out")
    (folder / "ensemble.json").write_text(text)
    with pytest.raises(InputError, match=r"ensemble\.json"):
        Ensemble.load(folder)
    with pytest.raises(InputError, match=r"ensemble\.json"):
        Ensemble.load(tmp_path)


@pytest.mark.parametrize(
    "weights", ([0.5, 0.5], "abc", [["a"]], {"x": 1}, [0.2, 0.2, 0.2, 0.2, -0.2], [1.0, 1.0, 1.0, 1.0, 1.0])
)
def test_weights_that_do_not_fit_are_refused(make, tmp_path, weights):
    folder = _ensemble(make.peptide(2)).save(tmp_path / "out")
    _change(folder, weights=weights)
    with pytest.raises(InputError, match="weights"):
        Ensemble.load(folder)


def test_a_record_without_checksums_is_refused(make, tmp_path):
    folder = _ensemble(make.peptide(2)).save(tmp_path / "out")
    _change(folder, files={"topology": {"name": "topology.pdb"}, "samples": {"name": "samples.xtc"}})
    with pytest.raises(InputError, match=r"ensemble\.json"):
        Ensemble.load(folder)


def test_mdtraj_sees_the_same_frames_atoms_and_numbers(protease):
    trajectory = protease.to_mdtraj()
    assert np.array_equal(trajectory.xyz, protease.coordinates_nm)
    topology = trajectory.topology
    assert [atom.name for atom in topology.atoms] == protease.complex.atom_name.tolist()
    assert [residue.resSeq for residue in topology.residues] == protease.complex.residue_number.tolist()
    assert [chain.chain_id for chain in topology.chains] == protease.complex.chain_name.tolist()


def test_fluctuations_ignore_motion_of_the_whole(make):
    molecule = make.peptide(8)
    still = np.repeat(molecule.coordinates_nm[None], 6, axis=0)
    shifted = still + np.random.default_rng(0).normal(size=(6, 1, 3))
    assert Ensemble(molecule, shifted.astype(np.float32)).rmsf().max() < 1e-5
    few = Ensemble(make.ions([[0.0, 0.0, 0.0]]), np.zeros((3, 1, 3), dtype=np.float32))
    assert few.rmsf().shape == (0,)


def test_no_polymer_gives_no_correlations(make):
    few = Ensemble(make.ions([[0.0, 0.0, 0.0]]), np.zeros((3, 1, 3), dtype=np.float32))
    assert few.dccm().shape == (0, 0)
