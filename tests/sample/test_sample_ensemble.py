"""The whole generator: exact numbers, repeatability, validity of every frame, physics of the amplitude, odd inputs.

With untrained springs unless a test says otherwise.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from unfreeze.errors import InputError, UnfreezeError
from unfreeze.sample import generate
from unfreeze.sample.sampler import ATTEMPTS, HarmonicSampler
from unfreeze.structure.complex import Source
from unfreeze.structure.ensemble import Ensemble
from unfreeze.structure.geometry import superpose
from unfreeze.structure.validity import FrameChecker

N = 23
sample_ensemble = partial(generate.sample_ensemble, model="harmonic")


@pytest.fixture(scope="module")
def crambin(make):
    return make.read("pdb1ejg.pdb")


@pytest.fixture(scope="module")
def sampled(crambin):
    return sample_ensemble(crambin, n_frames=N, seed=5)


def _deviation(ensemble):
    return np.sqrt(((ensemble.coordinates_nm - ensemble.complex.coordinates_nm) ** 2).sum(axis=2).mean())


@pytest.mark.parametrize("n_frames", (1, 2, 19, 20, 21))
def test_exactly_as_many_frames_as_asked_for(crambin, n_frames):
    ensemble = sample_ensemble(crambin, n_frames=n_frames)
    assert ensemble.coordinates_nm.shape == (n_frames, crambin.n_atoms, 3)
    assert ensemble.coordinates_nm.dtype == np.float32
    assert np.isfinite(ensemble.coordinates_nm).all()
    assert ensemble.record["checks"]["n_frames_drawn"] >= n_frames


@pytest.mark.parametrize("threads", (1, 2))
@pytest.mark.parametrize("batch", (1, 3, 20))
def test_frames_do_not_depend_on_threads_or_batches(crambin, sampled, threads, batch):
    again = sample_ensemble(crambin, n_frames=N, seed=5, n_threads=threads, frames_a_batch=batch)
    assert np.array_equal(again.coordinates_nm, sampled.coordinates_nm)
    assert again.record["checks"] == sampled.record["checks"]


def test_a_short_ensemble_is_the_beginning_of_a_long_one(crambin, sampled):
    for n in (1, 7):
        assert np.array_equal(sample_ensemble(crambin, n_frames=n, seed=5).coordinates_nm, sampled.coordinates_nm[:n])


def test_seeds_and_frames_differ(crambin, sampled):
    other = sample_ensemble(crambin, n_frames=N, seed=6).coordinates_nm
    assert (np.abs(other - sampled.coordinates_nm).max(axis=(1, 2)) > 0.01).all()
    frames = sampled.coordinates_nm
    gaps = np.abs(frames[:, None] - frames[None]).max(axis=(2, 3)) + np.eye(N)
    assert gaps.min() > 0.01
    # a seed and a frame number are not interchangeable
    assert np.abs(other[0] - frames[1]).max() > 0.01


@pytest.mark.parametrize("frames_file", ("xtc", "pdb", "cif"))
def test_every_frame_passes_after_being_written_and_read(sampled, tmp_path, frames_file):
    loaded = Ensemble.load(sampled.save(tmp_path / "out", format=frames_file))
    assert loaded.n_frames == N
    assert FrameChecker(sampled.complex).check(loaded.coordinates_nm).passes.all()
    assert FrameChecker(loaded.complex).check(loaded.coordinates_nm).passes.all()
    assert np.abs(loaded.coordinates_nm - sampled.coordinates_nm).max() < 1.1e-3


def test_frames_lie_on_the_input(sampled, crambin):
    atoms = crambin.representative_atoms()
    again = superpose(sampled.coordinates_nm, crambin.coordinates_nm, atoms)
    assert np.abs(again - sampled.coordinates_nm).max() < 1e-5


def test_the_record_says_what_was_done(crambin):
    source = Source(name="x.pdb", sha256="ab", title="T", missing_residues=("A:GLY9",))
    ensemble = sample_ensemble(
        replace(crambin, source=source), n_frames=3, temperature_K=350, timescale_ns=10, seed=9
    )  # fmt: skip
    record = ensemble.record
    assert record["schema"] == "unfreeze-ensemble/1"
    assert record["seed"] == 9
    assert record["conditions"]["temperature_K"] == 350.0 and record["conditions"]["timescale_ns"] == 10.0
    assert record["input"]["name"] == "x.pdb" and record["input"]["chains"] == ["A"]
    assert record["input"]["n_atoms"] == crambin.n_atoms and record["input"]["n_residues"] == crambin.n_residues
    assert record["model"]["name"] == "harmonic"
    assert record["model"]["parameters"]["n_blocks"] == crambin.n_residues
    assert any("A:GLY9" in said for said in record["warnings"])
    recount = FrameChecker(crambin).check(ensemble.coordinates_nm).summary()
    assert {name: record["checks"][name] for name in recount} == recount
    assert record["checks"]["frames_valid_share"] == 1.0
    assert record["checks"]["input"] == FrameChecker(crambin).input_validity.summary()
    assert ensemble.weights is None


def test_progress_is_told_from_nothing_to_all(crambin):
    told = []
    sample_ensemble(crambin, n_frames=9, frames_a_batch=3, n_threads=2, progress=lambda *what: told.append(what))
    drawing = [share for stage, share in told if stage == "Drawing frames"]
    assert told[0][1] == 0.0 and drawing[0] == 0.0 and drawing[-1] == 1.0
    assert len(drawing) == 4 and np.allclose(drawing, [0, 1 / 3, 2 / 3, 1])


def test_an_interruption_comes_through(crambin):
    def stop(stage, share):
        if share > 0.0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sample_ensemble(crambin, n_frames=40, frames_a_batch=1, n_threads=2, progress=stop)


@pytest.mark.parametrize(
    ("options", "named"),
    (
        ({"n_frames": 0}, "number of frames"),
        ({"n_frames": -3}, "number of frames"),
        ({"seed": -1}, "seed"),
        ({"temperature_K": -1.0}, "temperature"),
        ({"temperature_K": 0.0}, "temperature"),
        ({"temperature_K": float("nan")}, "temperature"),
        ({"temperature_K": float("inf")}, "temperature"),
        ({"timescale_ns": 0.0}, "timescale"),
        ({"timescale_ns": float("nan")}, "timescale"),
        ({"timescale_ns": 1e9}, "timescale"),
    ),
)
def test_numbers_out_of_range_are_refused_by_name(crambin, options, named):
    with pytest.raises(InputError, match=named):
        sample_ensemble(crambin, **options)


def test_an_empty_complex_is_refused(crambin):
    with pytest.raises(InputError, match="no atoms"):
        sample_ensemble(crambin.take_atoms(np.zeros(0, dtype=np.int64)))


def test_motion_grows_with_the_root_of_temperature(make):
    molecule = make.read("pdb1ubi.pdb")
    cold, hot = (sample_ensemble(molecule, n_frames=60, temperature_K=T).rmsf() for T in (80.0, 320.0))
    # the same noise: only projection and the pushing apart of clashes are not proportional
    assert np.median(hot / cold) == pytest.approx(2.0, rel=0.08)
    assert np.sqrt((hot**2).mean() / (cold**2).mean()) == pytest.approx(2.0, rel=0.10)


def test_motion_grows_with_the_stated_power_of_time(make):
    molecule = make.read("pdb1ubi.pdb")
    # up to 100 ns; beyond, what restoring the geometry takes from large displacements shows (8 % at 1 µs)
    short, long = (sample_ensemble(molecule, n_frames=60, timescale_ns=t).rmsf() for t in (1.0, 100.0))
    assert np.median(long / short) == pytest.approx(100.0 ** (0.18 / 2), rel=0.08)


def test_the_tail_moves_and_the_core_holds(make):
    rmsf = sample_ensemble(make.read("pdb1ubi.pdb"), n_frames=60, timescale_ns=100.0).rmsf()
    core = np.median(rmsf[2:70])
    assert 0.03 < core < 0.10
    assert rmsf[-1] > 3.0 * core


def _shaken(make, noise_nm, push_nm=0.0):
    """Crambin with every atom shaken and, if wanted, one residue pushed into its neighbours."""
    molecule = make.read("pdb1ejg.pdb")
    points = molecule.coordinates_nm + noise_nm * np.random.default_rng(2).normal(size=(molecule.n_atoms, 3))
    own = molecule.residue_index == 25
    inward = points.mean(axis=0) - points[own].mean(axis=0)
    points[own] += push_nm * inward / np.linalg.norm(inward)
    return molecule.with_coordinates(points)


ODD = {
    "one ion": (lambda make: make.ions([[0.0, 0.0, 0.0]]), 0.0, 1e-6),
    "two ions": (lambda make: make.ions([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]), 0.001, 0.6),
    "lone ligand": (lambda make: make.alkane(24), 0.01, 0.6),
    "small ligand": (lambda make: make.alkane(6), 0.0, 1e-5),
    "one residue": (lambda make: make.peptide(1), 0.0, 1e-5),
    "two residues": (lambda make: make.peptide(2), 0.005, 0.3),
    "extended peptide": (lambda make: make.peptide(12), 0.05, 0.6),
    "D peptide": (lambda make: make.peptide(12, -62, -42, hand=-1.0), 0.01, 0.4),
    "tail of 25": (lambda make: make.tailed(make.read("pdb1ubi.pdb"), 25), 0.1, 1.5),
    "CA only": (lambda make: make.read("pdb1ubi_ca.pdb"), 0.02, 0.3),
    "protein and DNA": (lambda make: make.read("pdb3mht.pdb"), 0.03, 0.25),
    "isolated parts": (
        lambda make: make.merge(
            make.peptide(8, -62, -42),
            make.moved(make.peptide(8, -62, -42), [5.0, 0.0, 0.0]),
            make.ions([[0.0, 3.0, 0.0], [9.0, 9.0, 9.0]]),
            chains=["A", "B", "I"],
        ),
        0.01,
        2.0,
    ),
    "distorted": (lambda make: _shaken(make, 0.005), 0.03, 0.2),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_inputs_move_sensibly_and_every_frame_is_valid(make, name):
    prepare, least, most = ODD[name]
    molecule = prepare(make)
    n = 4 if molecule.n_atoms > 2000 else 12
    ensemble = sample_ensemble(molecule, n_frames=n, seed=1)
    assert np.isfinite(ensemble.coordinates_nm).all()
    checker = FrameChecker(molecule)
    result = checker.check(ensemble.coordinates_nm)
    assert result.passes.all(), checker.describe(ensemble.coordinates_nm[np.argmin(result.passes)])
    assert least <= _deviation(ensemble) <= most
    assert ensemble.record["checks"]["n_frames_damped"] == 0
    parts_apart = name in ("two ions", "isolated parts")
    assert any("touch nothing else" in said for said in ensemble.record["warnings"]) == parts_apart


@pytest.mark.parametrize(("noise_nm", "push_nm"), ((0.0, 0.1), (0.02, 0.1)))
def test_a_broken_input_still_gives_the_frames_asked_for_and_says_that_they_hardly_move(make, noise_nm, push_nm):
    molecule = _shaken(make, noise_nm, push_nm)
    ensemble = sample_ensemble(molecule, n_frames=4)
    assert ensemble.n_frames == 4
    assert FrameChecker(molecule).check(ensemble.coordinates_nm).passes.all()
    checks = ensemble.record["checks"]
    assert checks["input"]["frames_valid_share"] == 0.0
    if checks["n_frames_damped"]:
        assert any("smaller displacements" in said or "do not move" in said for said in ensemble.record["warnings"])
    else:
        assert _deviation(ensemble) > 0.02


def test_symmetric_molecules_do_not_swap_or_drift(make):
    """Two copies far apart: each stays near its own place."""
    helix = make.peptide(8, -62, -42)
    molecule = make.merge(helix, make.moved(helix, [5.0, 0.0, 0.0]), chains=["A", "B"])
    ensemble = sample_ensemble(molecule, n_frames=20)
    for chain in (0, 1):
        own = molecule.atom_chain_index == chain
        centre = ensemble.coordinates_nm[:, own].mean(axis=1) - molecule.coordinates_nm[own].mean(axis=0)
        assert np.linalg.norm(centre, axis=1).max() < 1.5


def _failing(monkeypatch, table):
    """Make chosen frames fail: {number of the frame: number of attempts that fail}."""
    real = HarmonicSampler.frames
    asked = []

    def frames(self, numbers, *, seed, attempt=0):
        made, validity, *rest = real(self, numbers, seed=seed, attempt=attempt)
        asked.extend((int(number), attempt) for number in numbers)
        bad = np.array([attempt < table.get(int(number), 0) for number in numbers], dtype=np.int64)
        return made, replace(validity, new_faults=validity.new_faults + bad), *rest

    monkeypatch.setattr(HarmonicSampler, "frames", frames)
    return asked


def test_frames_that_fail_are_drawn_again_and_counted(crambin, sampled, monkeypatch):
    asked = _failing(monkeypatch, {3: 1, 8: 2, 20: 5})
    ensemble = sample_ensemble(crambin, n_frames=N, seed=5, n_threads=2, frames_a_batch=4)
    checks = ensemble.record["checks"]
    assert checks["n_frames_replaced"] == 3
    assert checks["n_frames_drawn"] == N + 1 + 2 + 5
    assert ATTEMPTS[4] < 1.0 == ATTEMPTS[2]
    assert checks["n_frames_damped"] == 1
    assert any("smaller displacements" in said or "do not move" in said for said in ensemble.record["warnings"])
    assert sorted(asked) == sorted(
        {(k, 0) for k in range(N)} | {(3, 1), (8, 1), (8, 2)} | {(20, k) for k in range(1, 6)}
    )
    untouched = np.setdiff1d(np.arange(N), [3, 8, 20])
    assert np.array_equal(ensemble.coordinates_nm[untouched], sampled.coordinates_nm[untouched])
    assert (ensemble.coordinates_nm[[3, 8, 20]] != sampled.coordinates_nm[[3, 8, 20]]).any(axis=(1, 2)).all()
    # the replacement is another full draw, not a repaired one
    deviation = np.sqrt(((ensemble.coordinates_nm - crambin.coordinates_nm) ** 2).sum(axis=2).mean(axis=1))
    assert deviation[[3, 8]].min() > 0.5 * np.median(deviation)
    assert FrameChecker(crambin).check(ensemble.coordinates_nm).passes.all()
    assert checks["frames_valid_share"] == 1.0


def test_the_last_attempt_is_the_input_itself_and_beyond_it_there_is_an_error(crambin, monkeypatch):
    _failing(monkeypatch, {1: len(ATTEMPTS) - 1})
    ensemble = sample_ensemble(crambin, n_frames=3)
    assert np.abs(ensemble.coordinates_nm[1] - crambin.coordinates_nm).max() < 1e-4
    monkeypatch.undo()
    _failing(monkeypatch, {1: len(ATTEMPTS)})
    with pytest.raises(UnfreezeError, match="1 of 3 frames"):
        sample_ensemble(crambin, n_frames=3)


def test_what_the_checker_refuses_is_not_let_out(crambin, sampled, monkeypatch):
    """A stricter checker (two ends no farther apart than in the input): frames are drawn until they obey."""
    ends = crambin.representative_atoms()[[0, 20]]
    limit = np.linalg.norm(np.diff(crambin.coordinates_nm[ends], axis=0)) + 1e-3
    real = FrameChecker.check

    def check(self, coordinates_nm):
        validity = real(self, coordinates_nm)
        far = np.linalg.norm(coordinates_nm[:, ends[0]] - coordinates_nm[:, ends[1]], axis=1) > limit
        return replace(validity, new_faults=validity.new_faults + far)

    apart = np.linalg.norm(np.diff(sampled.coordinates_nm[:, ends], axis=1)[:, 0], axis=1)
    assert (apart > limit + 0.01).sum() >= 2, "without the stricter checker some frames would fail"
    monkeypatch.setattr(FrameChecker, "check", check)
    ensemble = sample_ensemble(crambin, n_frames=N, seed=5)
    apart = np.linalg.norm(np.diff(ensemble.coordinates_nm[:, ends], axis=1)[:, 0], axis=1)
    assert ensemble.n_frames == N and (apart <= limit + 1e-6).all()
    assert ensemble.record["checks"]["n_frames_drawn"] > N
    assert 2 <= ensemble.record["checks"]["n_frames_replaced"] < N
