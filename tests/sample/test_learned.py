"""Frames from a trained model: the prediction is in the frames, the record and the table; fallbacks are said."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import unfreeze.sample.learned as learned_module
from unfreeze.errors import InputError, UnfreezeError
from unfreeze.model import weights
from unfreeze.model.features import FEATURES_VERSION
from unfreeze.model.weights import load_model, save_model
from unfreeze.physics.springs import SpringConstants
from unfreeze.sample.generate import sample_ensemble
from unfreeze.sample.learned import learn
from unfreeze.sample.sampler import HarmonicSampler
from unfreeze.structure.ensemble import Ensemble
from unfreeze.structure.validity import FrameChecker

N = 40


@pytest.fixture(scope="module")
def crambin(make):
    return make.read("pdb1ejg.pdb")


@pytest.fixture(scope="module")
def model(motion_model):
    return motion_model(0.15)


@pytest.fixture(scope="module")
def sampled(crambin, model):
    return sample_ensemble(crambin, model, n_frames=N, seed=5)


@pytest.fixture
def nothing_shipped(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "SHIPPED", tmp_path / "absent.safetensors")


def test_an_untrained_model_draws_what_the_untrained_springs_draw(crambin, motion_model, monkeypatch):
    monkeypatch.setattr(learned_module, "LOST_BY_BUILDING", 1.0)
    learned = sample_ensemble(crambin, motion_model(0.0), n_frames=8, seed=5)
    harmonic = sample_ensemble(crambin, "harmonic", n_frames=8, seed=5)
    # zero heads ask for the amplitudes that are there: the springs are the same to rounding, and so are the frames
    assert np.abs(learned.coordinates_nm - harmonic.coordinates_nm).max() < 1e-4
    assert learned.record["model"]["matching"]["rms_log_error"] == 0.0


def test_an_untrained_model_knows_temperature_and_time(crambin, motion_model):
    conditions = {"temperature_K": 340.0, "timescale_ns": 1.0, "n_frames": N}
    learned, harmonic = (sample_ensemble(crambin, one, **conditions).rmsf() for one in (motion_model(0.0), "harmonic"))
    # the law of time is on all springs in one and on all but the covalent ones in the other
    assert np.log(learned / harmonic).mean() == pytest.approx(np.log(learned_module.LOST_BY_BUILDING), abs=0.05)
    assert np.log(learned / harmonic).std() < 0.1


def test_the_prediction_is_in_the_frames(crambin, model, sampled):
    learned = learn(crambin, model)
    assert np.array_equal(sampled.fluctuations.predicted_nm, learned.predicted.rmsf_nm)
    asked = np.log(learned.predicted.rmsf_nm / learned.base.rmsf_nm)
    assert asked.std() > 0.05, "a model that asks for nothing shows nothing"
    with_model, without = (sample_ensemble(crambin, one, n_frames=120, seed=5).rmsf() for one in (model, "harmonic"))
    # a random model asks for what springs can do in part only, and restoring the geometry blurs it
    reached = np.log(with_model / without) - np.log(learned_module.LOST_BY_BUILDING)
    assert np.corrcoef(asked, reached)[0, 1] > 0.7
    assert np.abs(reached - asked).mean() < 0.1
    assert FrameChecker(crambin).check(sampled.coordinates_nm).passes.all()


@pytest.mark.parametrize(("threads", "batch"), ((1, 20), (3, 7)))
def test_frames_do_not_depend_on_threads_or_batches(crambin, model, sampled, threads, batch):
    again = sample_ensemble(crambin, model, n_frames=N, seed=5, n_threads=threads, frames_a_batch=batch)
    assert np.array_equal(again.coordinates_nm, sampled.coordinates_nm)
    assert again.record["checks"] == sampled.record["checks"]


def test_harmonic_frames_are_those_of_the_sampler(crambin):
    ensemble = sample_ensemble(crambin, "harmonic", n_frames=3, seed=7, timescale_ns=20.0)
    sampler = HarmonicSampler.build(crambin, timescale_ns=20.0)
    frames, validity, *_ = sampler.frames(np.arange(3), seed=7)
    assert validity.passes.all() and np.array_equal(ensemble.coordinates_nm, frames)
    assert ensemble.fluctuations is None and "weights" not in ensemble.record["model"]


def test_the_record_says_which_model_and_how_well_it_was_matched(crambin, model, tmp_path):
    path = save_model(tmp_path / "some.safetensors", replace(model, card={"name": "some", "version": "1.2"}))
    record = sample_ensemble(crambin, path, n_frames=2).record["model"]
    assert (record["name"], record["version"], record["kind"]) == ("some", "1.2", "motion")
    loaded = load_model(path)
    assert loaded.file is not None
    assert record["weights"] == {
        "name": "some.safetensors",
        "sha256": loaded.file.sha256,
        "features_version": FEATURES_VERSION,
        "n_members": 2,
    }
    matching = record["matching"]
    assert 0.0 < matching["rms_log_error"] < 0.1
    assert matching["softness_lowest"] < 0.0 < matching["softness_highest"]
    assert (matching["n_blocks_predicted"], matching["n_blocks_at_limit"]) == (crambin.n_residues, 0)
    assert "stiffness_scale" not in record["parameters"]


def test_the_table_of_fluctuations_is_written_and_read(sampled, tmp_path):
    folder = sampled.save(tmp_path / "out")
    rows = (folder / "fluctuations.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0] == (
        "chain,residue,number,insertion_code,predicted_rmsf_angstrom,low_angstrom,high_angstrom,sampled_rmsf_angstrom"
    )
    assert len(rows) == 1 + sampled.complex.n_residues and rows[1].startswith("A,THR,1,,")
    figures = np.array([[float(value) for value in row.split(",")[4:]] for row in rows[1:]])
    assert figures[:, 3] == pytest.approx(10.0 * sampled.rmsf(), abs=6e-4)
    assert (figures[:, 1] < figures[:, 0]).all() and (figures[:, 0] < figures[:, 2]).all()
    loaded = Ensemble.load(folder).fluctuations
    assert loaded is not None
    for name in ("predicted_nm", "low_nm", "high_nm"):
        assert getattr(loaded, name) == pytest.approx(getattr(sampled.fluctuations, name), abs=6e-5)
    sampled.save(folder, force=True)  # the table belongs to the folder
    (folder / "fluctuations.csv").write_text("chain\n")
    with pytest.raises(InputError, match=r"fluctuations\.csv"):
        Ensemble.load(folder)
    (folder / "fluctuations.csv").unlink()
    with pytest.raises(InputError, match=r"fluctuations\.csv is absent"):
        Ensemble.load(folder)


def test_nucleotides_are_in_the_table_without_a_prediction(make, model, tmp_path):
    whole = make.read("pdb3mht.pdb")
    near = whole.residue_index[np.linalg.norm(whole.coordinates_nm - whole.coordinates_nm.mean(axis=0), axis=1) < 1.7]
    molecule = whole.take_residues(np.unique(near))
    ensemble = sample_ensemble(molecule, model, n_frames=3)
    kind = molecule.residue_kind[molecule.residue_index[molecule.representative_atoms()]]
    assert ensemble.fluctuations is not None
    assert np.array_equal(np.isfinite(ensemble.fluctuations.predicted_nm), kind == "protein")
    loaded = Ensemble.load(ensemble.save(tmp_path / "out")).fluctuations
    assert loaded is not None and np.array_equal(np.isfinite(loaded.high_nm), kind == "protein")


def test_without_a_shipped_model_the_untrained_springs_are_used_and_that_is_said(crambin, nothing_shipped):
    ensemble = sample_ensemble(crambin, n_frames=3, seed=2)
    assert ensemble.record["model"]["name"] == "harmonic"
    assert "no trained model" in ensemble.record["warnings"][0]
    named = sample_ensemble(crambin, "harmonic", n_frames=3, seed=2)
    assert np.array_equal(ensemble.coordinates_nm, named.coordinates_nm)
    assert named.record["warnings"] == ensemble.record["warnings"][1:]


def test_the_shipped_model_is_the_default(crambin, model, monkeypatch, tmp_path):
    path = save_model(tmp_path / "shipped.safetensors", replace(model, card={"name": "shipped"}))
    monkeypatch.setattr(weights, "SHIPPED", path)
    assert sample_ensemble(crambin, n_frames=1).record["model"]["name"] == "shipped"


@pytest.mark.parametrize("prepare", (lambda make: make.alkane(24), lambda make: make.peptide(3)))
def test_where_there_is_no_protein_to_speak_of_the_untrained_springs_are_used(make, model, prepare):
    ensemble = sample_ensemble(prepare(make), model, n_frames=3)
    assert ensemble.record["model"]["name"] == "harmonic"
    assert any("residues of protein" in said for said in ensemble.record["warnings"])


ODD = {
    "four residues": lambda make: make.peptide(4),
    "extended peptide": lambda make: make.peptide(12),
    "tail of 25": lambda make: make.tailed(make.read("pdb1ubi.pdb"), 25),
    "CA only": lambda make: make.read("pdb1ubi_ca.pdb"),
    "isolated parts": lambda make: make.merge(
        make.peptide(8, -62, -42),
        make.moved(make.peptide(8, -62, -42), [5.0, 0.0, 0.0]),
        make.ions([[0.0, 3.0, 0.0], [9.0, 9.0, 9.0]]),
        chains=["A", "B", "I"],
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_inputs_move_and_every_frame_is_valid(make, model, name):
    molecule = ODD[name](make)
    ensemble = sample_ensemble(molecule, model, n_frames=6)
    assert ensemble.record["model"]["kind"] == "motion"
    assert FrameChecker(molecule).check(ensemble.coordinates_nm).passes.all()
    assert 0.005 < np.sqrt(((ensemble.coordinates_nm - molecule.coordinates_nm) ** 2).sum(axis=2).mean()) < 2.0


@pytest.mark.parametrize(
    ("limits", "options", "said"),
    (
        ({"temperature_K": [290, 310]}, {"temperature_K": 330.0}, "330 K is outside 290 to 310 K"),
        ({"temperature_K": [290, 310]}, {"temperature_K": 320.0}, None),  # near enough
        ({"timescale_ns": [1, 30]}, {}, "100 ns is outside 1 to 30 ns"),
        ({"timescale_ns": [1, 50]}, {}, None),
        ({"longest_chain": 20}, {}, "Chain A has 46 residues"),
        ({"temperature_K": [200, 400], "timescale_ns": [1, 1e3], "longest_chain": 40}, {}, None),
        ({"temperature_K": "warm", "longest_chain": None}, {}, None),
        (["nonsense"], {}, None),
    ),
)
def test_what_the_model_was_not_trained_on_is_said(crambin, model, limits, options, said):
    known = replace(model, card={"name": "x", "limits": limits})
    warnings = sample_ensemble(crambin, known, n_frames=1, **options).record["warnings"]
    assert (not warnings) if said is None else any(said in text for text in warnings)


def test_a_backbone_alone_and_a_short_peptide_are_said(crambin, make, model):
    bare = crambin.take_atoms(np.isin(crambin.atom_name, ("N", "CA", "C", "O")))
    half = crambin.take_atoms(np.isin(crambin.atom_name, ("N", "CA", "C", "O", "CB")))

    def warnings(molecule):
        return sample_ensemble(molecule, model, n_frames=1).record["warnings"]

    glycines = int((crambin.residue_name == "GLY").sum())
    assert any(f"{46 - glycines} of 46 residues have no side chain" in said for said in warnings(bare))
    assert not any("no side chain" in said for said in warnings(half))
    assert any("has 8 residues of protein" in said for said in warnings(make.peptide(8, -62, -42)))
    assert not any("do not keep one shape" in said for said in warnings(crambin))


def test_much_that_is_not_protein_is_said(make, model):
    molecule = make.merge(make.peptide(8, -62, -42), make.ions([[0.9, 0.1 * k, 0.0] for k in range(4)]), chains="AI")
    warnings = sample_ensemble(molecule, model, n_frames=1).record["warnings"]
    assert any("4 of 12 rigid parts are not protein" in text for text in warnings)


def test_what_cannot_be_used_is_refused(crambin, model, tmp_path):
    with pytest.raises(InputError, match="no such file of weights"):
        sample_ensemble(crambin, tmp_path / "absent.safetensors")
    with pytest.raises(InputError, match="no such file of weights"):
        sample_ensemble(crambin, "harmonica")
    with pytest.raises(InputError, match="'harmonic' only"):
        sample_ensemble(crambin, model, constants=SpringConstants())
    member = dict(model.members[0])
    member["embed.1.bias"] = np.full_like(member["embed.1.bias"], np.nan)
    with pytest.raises(UnfreezeError, match="no amplitude for"):
        sample_ensemble(crambin, replace(model, members=(member,)))


def test_stages_are_told(crambin, model):
    told = []
    sample_ensemble(crambin, model, n_frames=2, progress=lambda *what: told.append(what))
    stages = list(dict.fromkeys(stage for stage, _ in told))
    assert stages == ["Building the springs", "Predicting amplitudes", "Matching the springs", "Drawing frames"]


def test_torch_is_not_needed(crambin, model, tmp_path):
    path = save_model(tmp_path / "m.safetensors", model)
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "from unfreeze.model.weights import load_model\n"
        f"assert len(load_model({str(path)!r}).members) == 2\n"
        "import unfreeze.sample.call, unfreeze.model.motion_model\n"
        "assert sys.modules['torch'] is None and 'lightning_fabric' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
