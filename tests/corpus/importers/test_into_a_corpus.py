"""Every layout taken into a corpus by the driver, with the faults that the driver must find in it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from unfreeze.corpus.importing.driver import run_import
from unfreeze.corpus.store import Corpus


@pytest.fixture
def take(tmp_path, candidates):
    """Import into a new corpus: the report, the trajectories by name, and the corpus."""
    corpus = Corpus.create(tmp_path / "corpus")

    def run(name, source, options=None, **settings) -> SimpleNamespace:
        report = run_import(corpus, candidates(name, source, options), importer=name, **settings)
        entries = [corpus.entry(identifier) for identifier in corpus.identifiers]
        records = {
            (entry.manifest.identifier, one.name): one for entry in entries for one in entry.manifest.trajectories
        }
        return SimpleNamespace(report=report, records=records, corpus=corpus)

    return run


def test_mdcath(tmp_path, layouts, take) -> None:
    layouts.mdcath.write_mdcath(tmp_path / "set", temperatures=("320", "450"), replicas=2)
    taken = take("mdcath", tmp_path / "set")
    assert not taken.report.refused and len(taken.records) == 4
    record = taken.records["1abcA00", "450K/1"]
    assert record.conditions.temperature_K == 450.0 and record.time_step_ps == 1000.0
    assert record.source.files["mdcath_dataset_1abcA00.h5"].startswith("data:")
    view = taken.corpus.entry("1abcA00").trajectory("450K/1")
    forces = view.column("forces")(slice(None))
    assert forces.shape == (7, 77, 3) and 100 < forces.std() * np.sqrt(3) < 3000
    again = take("mdcath", tmp_path / "set")
    assert len(again.report.skipped) == 4


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [("nan", "refused", "(nan, nan, nan)"), ("angstrom_as_nm", "mended", "multiplied by 10")],
)
def test_faults_inside_frames_are_found(tmp_path, layouts, take, fault, status, words) -> None:
    layouts.mdcath.write_mdcath(tmp_path / "set", temperatures=("320",), replicas=1, faults=[fault])
    (result,) = take("mdcath", tmp_path / "set").report.results
    assert result.status == status
    assert words in result.reason + " ".join(result.mended)


def test_misato(tmp_path, layouts, take) -> None:
    path, molecule, _ = layouts.misato.write_misato(tmp_path / "MD.hdf5", n_frames=100)
    maps = layouts.misato.write_maps(tmp_path / "maps.json", molecule)
    taken = take("misato", path, {"maps": str(maps)})
    assert set(taken.records) == {("11GS", "md"), ("1A4G", "md")}
    record = taken.records["11GS", "md"]
    assert record.time_step_ps is None and record.n_frames == 100
    assert "gives no times" in taken.corpus.entry("11GS").manifest.notes[0]
    frame = taken.corpus.entry("11GS").trajectory("md").frame(3)
    assert frame.shape == (molecule.heavy.sum(), 3)


def test_timewarp_keeps_the_time_of_every_frame(tmp_path, layouts, take) -> None:
    layouts.timewarp.write_timewarp(tmp_path / "set" / "2AA-1-large" / "train")
    layouts.timewarp.write_timewarp(tmp_path / "set" / "2AA-1-large" / "val", "AF", faults=["no_arrays"])
    layouts.timewarp.write_timewarp(tmp_path / "set" / "mine", "CC")
    taken = take("timewarp", tmp_path / "set")
    assert [result.entry for result in taken.report.refused] == ["timewarp-AF", "timewarp-CC"]
    assert "missing" in taken.report.refused[0].reason and "force field" in taken.report.refused[1].reason
    (record,) = taken.records.values()
    assert record.time_step_ps is None
    view = taken.corpus.entry("timewarp-GG").trajectory(record.name)
    np.testing.assert_allclose(view.times_ps, layouts.timewarp.logarithmic_steps(12) * layouts.timewarp.STEP_PS)
    assert view.column("energies")(slice(None)).shape == (12, 2) and view.column("forces")(slice(None)).shape == (
        12,
        77,
        3,
    )


def test_atlas_and_mdgen(tmp_path, layouts, take) -> None:
    layouts.xtc_sets.write_atlas(tmp_path / "atlas")
    layouts.xtc_sets.write_mdgen(tmp_path / "4AA_sims")
    taken = take("atlas", tmp_path / "atlas")
    assert {name for _, name in taken.records} == {"R1", "R2", "R3"} and not taken.report.refused
    assert "box" not in taken.records["16pk_A", "R1"].shards[0].columns
    taken = take("mdgen", tmp_path / "4AA_sims")
    assert not taken.report.refused and not taken.report.mended
    # At the end of 100 ns float32 cannot tell 0.1 ps from 0.0938 or 0.1016.
    record = taken.records["mdgen-GYDPETGTWG", "explicit"]
    assert record.time_step_ps == pytest.approx(0.1, rel=2e-3)


def test_bioemu_mends_the_clocks_it_is_known_for(tmp_path, layouts, take) -> None:
    layouts.xtc_sets.write_bioemu(tmp_path / "set")
    taken = take("bioemu", tmp_path / "set")
    assert [result.entry for result in taken.report.refused] == ["cath2_3bpqD00"]
    mended = {result.trajectory: " ".join(result.mended) for result in taken.report.mended}
    assert "restarts 2 times" in mended["run006_protein"]
    assert "in ns" in mended["trj_mutant_folded"]
    assert len(mended) == 3
    assert {record.time_step_ps for record in taken.records.values()} == {1e4}
    # burn-in that was left out of the mutants is kept: 119 ns
    assert taken.records["1A0N_L7S__A12D", "trj_mutant_folded"].start_ps == 119_000.0
    fields = {name: record.conditions.force_field for (entry, name), record in taken.records.items() if "HEEH" in entry}
    assert set(fields.values()) == {"a99sb-disp", "amber14"}


def test_mddb(tmp_path, layouts, take) -> None:
    layouts.mddb.write_mddb(tmp_path / "set")
    layouts.mddb.write_mddb(tmp_path / "set", "A0300", replicas=1, metadata={"TEMP": None})
    taken = take("mddb", tmp_path / "set")
    assert [result.entry for result in taken.report.refused] == ["A0300"]
    assert "temperature not known" in taken.report.refused[0].reason
    assert set(taken.records) == {("A02K9", f"replica{k}") for k in (1, 2, 3)}
    assert {record.time_step_ps for record in taken.records.values()} == {10.0}
    assert len(taken.corpus.entry("A02K9").manifest.sequences) == 2


def _torn(frames_nm: np.ndarray, box_nm: float) -> np.ndarray:
    """Frames of a molecule that stands on the boundary of the box, every atom inside it, as programs write them."""
    centre = frames_nm.mean(axis=1, keepdims=True)
    return np.mod(frames_nm - centre, box_nm)


def test_torn_molecules_are_made_whole_where_there_is_a_box(tmp_path, layouts, take) -> None:
    layouts.xtc_sets.write_bioemu(tmp_path / "set")
    molecule = layouts.molecules.all_atoms()
    path = tmp_path / "set" / "ONE_cath1" / "cath1_1b43A02" / "trajs" / "run000_protein.cmprsd.xtc"
    layouts.molecules.write_xtc(path, _torn(molecule.frames_nm, 6.0), 1e4 * np.arange(12), box_nm=6.0)
    taken = take("bioemu", tmp_path / "set", {"ids": "cath1_1b43A02"})
    (result,) = (one for one in taken.report.results if one.trajectory == "run000_protein")
    assert result.status == "mended" and "made whole in 12 of 12 frames" in " ".join(result.mended)
    frame = taken.corpus.entry("cath1_1b43A02").trajectory("run000_protein").frame(5)
    expected = molecule.frames_nm[5, molecule.heavy]
    np.testing.assert_allclose(frame - frame.mean(axis=0), expected - expected.mean(axis=0), atol=2e-3)


def test_torn_molecules_are_refused_where_there_is_none(tmp_path, layouts, take) -> None:
    molecule = layouts.molecules.heavy_atoms("3EQS", 20)
    torn = layouts.molecules.Molecule(*list(vars(molecule).values())[:5], molecule.frames_nm.copy())
    torn.frames_nm[1:] = _torn(molecule.frames_nm, 8.0)[1:]
    layouts.mddb.write_mddb(tmp_path / "set", replicas=1, molecule=torn)
    (result,) = take("mddb", tmp_path / "set").report.results
    assert result.status == "refused" and "box" in result.reason


def test_mirror_images_are_refused(tmp_path, layouts, take) -> None:
    layouts.xtc_sets.write_atlas(tmp_path / "set", runs=(1, 2))
    path = tmp_path / "set" / "16pk_A_protein" / "16pk_A_prod_R2_fit.xtc"
    frames = layouts.xtc_sets.repeated(layouts.molecules.all_atoms(), 21)
    layouts.molecules.write_xtc(path, frames * (1, 1, -1), 10.0 * np.arange(21))
    results = {one.trajectory: one for one in take("atlas", tmp_path / "set").report.results}
    assert results["R1"].status == "taken" and results["R2"].status == "refused"
    assert "mirror image" in results["R2"].reason


def test_a_trajectory_that_is_cut_short_is_refused_by_its_frame(tmp_path, layouts, take) -> None:
    layouts.xtc_sets.write_mdgen(tmp_path / "4AA_sims")
    path = tmp_path / "4AA_sims" / "GYDPETGTWG" / "GYDPETGTWG.xtc"
    path.write_bytes(path.read_bytes()[:-100])
    (result,) = take("mdgen", tmp_path / "4AA_sims").report.results
    assert result.status == "refused" and "frame 30 cannot be read" in result.reason
