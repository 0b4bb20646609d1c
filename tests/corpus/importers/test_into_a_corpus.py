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
