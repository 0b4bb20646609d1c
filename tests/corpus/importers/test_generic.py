"""Any topology with its trajectories: formats, folders with and without ``metadata.yaml``, pickles, missing files."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import h5py
import mdtraj
import numpy as np
import pytest

from unfreeze.corpus.importers.generic import IMPORTER, candidate_of_files
from unfreeze.corpus.importing.driver import run_import
from unfreeze.corpus.schema import Conditions
from unfreeze.corpus.store import Corpus
from unfreeze.errors import InputError

SEED = Path(__file__).parents[3] / "corpora" / "seed"
GIVEN = Conditions(force_field="amber14", temperature_K=300.0)
FACTS = "force_field: ff14SB\ntemperature_K: 300\nsolvent: OBC2\ntime_step_ps: 1\nlicence: MIT\n"


@pytest.fixture
def corpus(tmp_path) -> Corpus:
    return Corpus.create(tmp_path / "corpus")


@pytest.fixture
def system(tmp_path):
    """A folder with a topology and trajectories of it, which differ."""

    def make(name: str, folder: str = "set", *, files: tuple[str, ...] = ("r1.xtc", "r2.xtc")) -> Path:
        place = tmp_path / folder
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(SEED / f"{name}.pdb", place / f"{name}.pdb")
        whole = mdtraj.load(SEED / f"{name}.xtc", top=SEED / f"{name}.pdb")
        for at, file in enumerate(files):
            whole[at:].save(place / file)
        return place

    return make


def _save(whole: mdtraj.Trajectory, path: Path) -> None:
    """As mdtraj does, without PyTables."""
    if path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file["coordinates"], file["time"] = whole.xyz, whole.time
            file["coordinates"].attrs["units"], file["time"].attrs["units"] = "nanometers", "picoseconds"
    else:
        whole.unitcell_vectors = np.tile(np.diag([9.0, 9, 9]), (len(whole), 1, 1))
        whole.save(path)


@pytest.mark.parametrize("suffix", ["xtc", "trr", "dcd", "h5", "nc", "gro", "mdcrd", "xyz", "lammpstrj", "pdb"])
def test_formats(corpus, tmp_path, suffix) -> None:
    whole = mdtraj.load(SEED / "AAAAAA.xtc", top=SEED / "AAAAAA.pdb")[:20]
    path = tmp_path / f"frames.{suffix}"
    _save(whole, path)
    candidate = candidate_of_files(SEED / "AAAAAA.pdb", [path], options={"time_step": "1ps"})
    (result,) = run_import(corpus, [candidate], given=GIVEN).results
    assert result.status == "taken", result
    frames = corpus.entry("AAAAAA").trajectory("frames").frames(slice(None), centred=False)
    assert np.abs(frames - whole.xyz).max() < 0.0031  # of the coarsest of these formats
    assert corpus.entry("AAAAAA").trajectory("frames").record.time_step_ps == pytest.approx(1.0)


def test_a_folder_with_metadata(corpus, system) -> None:
    place = system("AAAAAA")
    (place / "metadata.yaml").write_text(FACTS)
    report = run_import(corpus, IMPORTER.candidates(place, {}), importer="generic")
    assert [one.trajectory for one in report.taken] == ["r1", "r2"] and corpus.identifiers == ("set",)
    record = corpus.entry("set").manifest.trajectories[0]
    assert record.source.licence == "MIT" and record.conditions.solvent == "implicit:obc2"
    assert set(record.source.files) == {"AAAAAA.pdb", "r1.xtc"} and record.time_step_ps == 1.0


def test_a_folder_of_systems_under_one_metadata(corpus, system, tmp_path) -> None:
    for name in ("AAAAAA", "GSGSGS"):
        system(name, f"set/{name}")
    (tmp_path / "set" / "metadata.yaml").write_text(FACTS)
    (tmp_path / "set" / "GSGSGS" / "metadata.yaml").write_text("temperature_K: 350\n")
    run_import(corpus, IMPORTER.candidates(tmp_path / "set", {}))
    assert corpus.identifiers == ("AAAAAA", "GSGSGS")
    temperatures = {one.identifier: one.trajectories[0].conditions.temperature_K for one in corpus.index}
    assert temperatures == {"AAAAAA": 300.0, "GSGSGS": 350.0}


def test_a_set_within_a_set_has_facts_of_its_own(corpus, system, tmp_path) -> None:
    system("AAAAAA", "set", files=("a.xtc",))
    (tmp_path / "set" / "metadata.yaml").write_text(FACTS)
    system("GSGSGS", "set/water", files=("g.xtc",))
    (tmp_path / "set" / "water" / "metadata.yaml").write_text(
        "solvent: tip3pfb\nsystems: [{name: wet, topology: GSGSGS.pdb, trajectories: [g.xtc]}]\n"
    )
    system("GG-AA", "set/scratch")  # nothing says what it is
    run_import(corpus, IMPORTER.candidates(tmp_path / "set", {}))
    solvents = {one.identifier: one.trajectories[0].conditions.solvent for one in corpus.index}
    assert solvents == {"set": "implicit:obc2", "wet": "explicit:tip3p-fb"}


def test_systems_that_metadata_names(corpus, system) -> None:
    place = system("AAAAAA", files=("a.xtc", "b.xtc", "c.xtc"))
    (place / "metadata.yaml").write_text(
        FACTS + "systems:\n  - name: one\n    topology: AAAAAA.pdb\n    trajectories: ['[ab].xtc']\n"
        "  - name: two\n    topology: AAAAAA.pdb\n    trajectories:\n"
        "      - {file: c.xtc, force_field: charmm36m}\n      - {file: d.xtc}\n"
        "  - {name: three, topology: absent.pdb, trajectories: [a.xtc]}\n"
    )
    report = run_import(corpus, IMPORTER.candidates(place, {}))
    assert [(one.entry, one.trajectory) for one in report.taken] == [("one", "a"), ("one", "b"), ("two", "c")]
    reasons = " | ".join(reason for _, reason in report.reasons())
    assert "d.xtc: no such file" in reasons and "absent.pdb: no such file" in reasons
    assert corpus.entry("two").manifest.trajectories[0].conditions.force_field == "charmm36m"


def test_one_unclear_system_does_not_stop_the_others(corpus, system, tmp_path) -> None:
    for name in ("AAAAAA", "GSGSGS"):
        system(name, f"set/{name}")
    (tmp_path / "set" / "metadata.yaml").write_text(FACTS)
    (tmp_path / "set" / "AAAAAA" / "metadata.yaml").write_text("force_field: [ff14SB, charmm36m]\n")
    report = run_import(corpus, IMPORTER.candidates(tmp_path / "set", {}))
    assert corpus.identifiers == ("GSGSGS",)
    assert "one force field was expected, not 2" in report.refused[0].reason


def test_parts_of_one_run(corpus, system) -> None:
    place = system("AAAAAA")
    (place / "metadata.yaml").write_text(FACTS)
    (result,) = run_import(corpus, IMPORTER.candidates(place, {"join": "yes"})).results
    assert result.n_frames == 399


def test_pickles_are_never_read(corpus, system, tmp_path) -> None:
    """DynamicPDB's forces: left out beside trajectories, refused by name where they are all there is."""
    place = system("AAAAAA")
    (place / "metadata.yaml").write_text(FACTS)
    (place / "forces.pkl").write_bytes(b"cos\nsystem\n(S'touch hacked'\ntR.")
    report = run_import(corpus, IMPORTER.candidates(place, {}))
    assert len(report.taken) == 2
    assert any("forces.pkl" in note for note in corpus.entry("set").manifest.notes)
    with pytest.raises(InputError, match="a pickle, which is never read"):
        list(IMPORTER.candidates(place / "forces.pkl", {}))
    for path in place.glob("*.xtc"):
        path.unlink()
    report = run_import(corpus, IMPORTER.candidates(place, {}))
    assert "a pickle" in report.refused[0].reason


def test_hydrogens(corpus, tmp_path) -> None:
    """Kept or left out, whatever the topology has."""
    spec = importlib.util.find_spec("MDAnalysisTests")
    assert spec is not None and spec.origin is not None
    data = Path(spec.origin).parent / "data"
    whole = mdtraj.load(data / "adk_oplsaa.xtc", top=data / "adk_oplsaa.gro", frame=0)
    whole = whole.atom_slice(whole.top.select("protein"))
    whole.make_molecules_whole(inplace=True)
    whole.save(tmp_path / "top.pdb")
    mdtraj.join([whole, whole]).save(tmp_path / "r1.xtc")
    files = tmp_path / "top.pdb", [tmp_path / "r1.xtc"]
    every = candidate_of_files(*files, name="all", options={"atoms": "all", "time_step": "1ps"})
    heavy = candidate_of_files(*files, name="heavy", options={"time_step": "1ps"})
    run_import(corpus, [every], given=GIVEN, atoms="all")
    run_import(corpus, [heavy], given=GIVEN)
    assert corpus.entry("all").manifest.n_atoms == whole.n_atoms
    assert corpus.entry("heavy").manifest.n_atoms == len(whole.top.select("not element H"))
    dropped = candidate_of_files(*files, name="dropped", options={"atoms": "all", "time_step": "1ps"})
    run_import(corpus, [dropped], given=GIVEN)
    assert corpus.entry("dropped").manifest.n_atoms == corpus.entry("heavy").manifest.n_atoms


def test_real_frames_torn_by_their_box(corpus) -> None:
    """Adenylate kinase of the MDAnalysis tests lies across its triclinic box, and its topology with it."""
    spec = importlib.util.find_spec("MDAnalysisTests")
    assert spec is not None and spec.origin is not None
    data = Path(spec.origin).parent / "data"
    candidate = candidate_of_files(data / "adk_oplsaa.gro", [data / "adk_oplsaa.xtc"], name="adk")
    (result,) = run_import(corpus, [candidate], given=GIVEN).results
    assert result.status == "mended" and result.n_frames == 10
    entry = corpus.entry("adk")
    frames = entry.trajectory("adk_oplsaa").frames(slice(None))
    alpha = entry.complex.atom_of_residue("CA")
    alpha = alpha[(alpha >= 0) & (entry.complex.residue_kind == "protein")]
    steps = np.linalg.norm(np.diff(frames[:, alpha], axis=1), axis=2)
    assert len(alpha) == 214 and steps.min() > 0.27 and steps.max() < 0.42


def test_what_is_not_there(tmp_path, system) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        list(IMPORTER.candidates(tmp_path / "absent", {}))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no trajectories"):
        list(IMPORTER.candidates(tmp_path / "empty", {}))
    with pytest.raises(InputError, match="no such file"):
        candidate_of_files(None, [tmp_path / "absent.xtc"])
    place = system("AAAAAA")
    (place / "AAAAAA.pdb").unlink()
    (candidate,) = IMPORTER.candidates(place, {})
    assert all("topology" in (part.refusal or "") for part in candidate.parts)


def test_a_folder_of_pairs_has_an_entry_a_topology(corpus, tmp_path) -> None:
    folder = tmp_path / "pairs"
    folder.mkdir()
    for name in ("AAAAAA", "GSGSGS", "GG-AA"):
        shutil.copy(SEED / f"{name}.pdb", folder)
        shutil.copy(SEED / f"{name}.xtc", folder)
    shutil.copy(SEED / "GSGSGS.xtc", folder / "without.xtc")
    (folder / "metadata.yaml").write_text(FACTS)
    report = run_import(corpus, IMPORTER.candidates(folder, {}))
    assert corpus.identifiers == ("AAAAAA", "GG-AA", "GSGSGS")
    assert [corpus.entry(name).trajectory(name).n_frames for name in corpus.identifiers] == [200, 200, 200]
    (refused,) = report.refused
    assert refused.entry == "without" and "topology" in refused.reason


def test_a_clock_that_is_wrong_can_be_ignored(corpus, tmp_path) -> None:
    whole = mdtraj.load(SEED / "AAAAAA.xtc", top=SEED / "AAAAAA.pdb")
    whole.time = 8.0 * np.arange(len(whole))
    whole.save(tmp_path / "slow.xtc")
    topology = SEED / "AAAAAA.pdb"
    kept = candidate_of_files(topology, [tmp_path / "slow.xtc"], options={"time_step": "2us"})
    (refused,) = run_import(corpus, [kept], given=GIVEN).refused
    assert "8 ps" in refused.reason and "--ignore-clock" in refused.reason
    ignored = candidate_of_files(topology, [tmp_path / "slow.xtc"], options={"time_step": "2us", "clock": "ignore"})
    assert len(run_import(corpus, [ignored], given=GIVEN).taken) == 1
    view = corpus.entry("AAAAAA").trajectory("slow")
    assert view.record.time_step_ps == 2e6 and "were not used" in view.record.mended[0]
    assert view.times_ps is not None and view.times_ps[1] - view.times_ps[0] == 2e6
    with pytest.raises(InputError, match="'file' or 'ignore'"):
        candidate_of_files(topology, [tmp_path / "slow.xtc"], options={"clock": "no"})


def test_long_names_of_different_molecules_stay_apart(corpus) -> None:
    def taken(name: str):
        files = [SEED / f"{name}.xtc"]
        return run_import(corpus, [candidate_of_files(SEED / f"{name}.pdb", files, name="x" * 300)], given=GIVEN)

    for name in ("AAAAAA", "GSGSGS", "KLVFFAE"):
        report = taken(name)
        assert len(report.taken) == 1, report.reasons()
    assert corpus.identifiers == ("x" * 94 + "-2", "x" * 94 + "-3", "x" * 100)
    assert [len(taken(name).skipped) for name in ("AAAAAA", "GSGSGS", "KLVFFAE")] == [1, 1, 1]
