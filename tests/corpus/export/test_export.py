"""Exports: what is in them, that they come back in, that they are whole or absent, and that secrets stay at home."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from unfreeze.corpus.export import FORMATS, export
from unfreeze.corpus.importers.registry import importer
from unfreeze.corpus.importing.driver import run_import
from unfreeze.corpus.schema import Conditions, Source, TrajectoryRecord
from unfreeze.corpus.store import Corpus
from unfreeze.errors import InputError
from unfreeze.structure.read import read_complex
from unfreeze.structure.write import read_xtc

SECRETS = (b"secret", b"Secret", b"Alice", b"example")


def tree(folder: Path) -> dict[str, bytes]:
    """Names and bytes of all files; of JSON without what changes with every run."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_xtc_has_coordinates_times_boxes_and_records(filled: Callable[..., Corpus], tmp_path: Path) -> None:
    corpus = filled(tmp_path / "corpus")
    seen = []
    report = export(corpus, tmp_path / "out", on_progress=seen.append)
    assert report.entries == ["secret-7", "zeta"]
    assert (report.n_frames, seen[-1].n_entries, seen[-1].n_entries_total) == (19, 2, 2)
    folder = tmp_path / "out" / "secret-7"
    record = json.loads((folder / "record.json").read_text())
    assert [item["file"] for item in record["trajectories"]] == ["secret-run-300K-0.xtc", "secret-run-350K-0.xtc"]
    first = record["trajectories"][0]
    assert first["conditions"]["temperature_K"] == 300
    assert first["source"]["licence"] == "CC-BY-4.0"
    assert first["time_step_ps"] == 20
    assert record["labels"][0]["partners"] == ["A", "B"]
    view = corpus.entry("secret-7").trajectory("secret run 300K/0")
    complex = read_complex(folder / "topology.pdb")
    assert complex.atom_name.tolist() == corpus.entry("secret-7").complex.atom_name.tolist()
    found = read_xtc(folder / "secret-run-300K-0.xtc", complex.n_atoms)
    assert np.abs(found - view.frames(centred=False)).max() < 0.001, "to 1 pm, where they were in the source"
    forces, read = np.load(folder / first["columns"]["forces"], allow_pickle=False), view.column("forces")
    assert read is not None
    assert np.array_equal(forces, read(slice(None)))
    import mdtraj

    times = mdtraj.open(str(folder / "secret-run-300K-0.xtc")).read()
    assert times[1].tolist() == [40, 60, 80, 100, 120, 140, 160]
    assert np.allclose(times[3], np.eye(3) * 6)
    assert np.load(tmp_path / "out" / "zeta" / "R1.times.npy").tolist() == [0, 1, 2, 4, 8]
    assert np.load(tmp_path / "out" / "zeta" / "R1.weights.npy").tolist() == [0, 1, 2, 3, 4]


def test_the_export_lists_its_files_and_licences(filled: Callable[..., Corpus], tmp_path: Path) -> None:
    from unfreeze.files.download import checksum

    report = export(filled(tmp_path / "corpus"), tmp_path / "out")
    document = json.loads((tmp_path / "out" / "export.json").read_text())
    assert set(document["files"]) == set(tree(tmp_path / "out")) - {"export.json", "LICENCES.txt"}
    for name, item in document["files"].items():
        assert checksum(tmp_path / "out" / name)["sha256"] == item["sha256"]
    assert report.licences.is_mixed
    assert not report.licences.commercial
    assert document["licences"]["datasets"] == {
        "CC-BY-4.0": ["own"],
        "CC-BY-NC-4.0": ["atlas"],
        "MIT": ["secret-table"],
    }
    text = (tmp_path / "out" / "LICENCES.txt").read_text()
    assert "atlas: CC-BY-NC-4.0 forbids commercial use." in text
    assert "own: Secret et al." in text


@pytest.mark.parametrize("format", list(FORMATS))
def test_a_private_corpus_is_named_by_its_alias_only(
    filled: Callable[..., Corpus], tmp_path: Path, format: Any
) -> None:
    corpus = filled(tmp_path / "secret corpus", private=True, alias="target one", name="Secret", description="Secret")
    report = export(corpus, tmp_path / "out", format=format)
    assert report.entries == ["target-one-0001", "target-one-0002"]
    for name, content in tree(tmp_path / "out").items():
        assert not any(secret in name.encode() or secret in content for secret in SECRETS), name
    document = json.loads((tmp_path / "out" / "export.json").read_text())
    assert document["corpus"] == "target one"
    assert document["licences"]["datasets"] == {
        "CC-BY-4.0": ["target one"],
        "CC-BY-NC-4.0": ["atlas"],
        "MIT": ["target one"],
    }
    export(corpus, tmp_path / "one", format=format, entries=["zeta"])
    document = json.loads((tmp_path / "one" / "export.json").read_text())
    assert list(document["entries"]) == ["target-one-0002"], "the same name whatever else is exported"


def again(folder: Path, name: str, path: Path) -> Corpus:
    corpus = Corpus.create(path)
    report = run_import(corpus, importer(name).candidates(folder, {}))
    assert {result.status for result in report.results} == {"taken"}, [result.reason for result in report.results]
    return Corpus.open(path)


def test_xtc_comes_back_in_with_its_conditions(filled: Callable[..., Corpus], tmp_path: Path) -> None:
    corpus = filled(tmp_path / "corpus")
    export(corpus, tmp_path / "out")
    back = again(tmp_path / "out", "generic", tmp_path / "back")
    assert back.identifiers == corpus.identifiers
    for identifier, name in (("secret-7", "secret run 350K/0"), ("zeta", "R1")):
        before, after = corpus.entry(identifier), back.entry(identifier)
        old, new = before.trajectory(name), after.trajectory(name)
        assert new.record.conditions == old.record.conditions
        assert new.record.source.licence == old.record.source.licence
        assert new.record.time_step_ps == old.record.time_step_ps
        assert new.times_ps is not None
        assert old.times_ps is not None
        assert new.times_ps.tolist() == old.times_ps.tolist()
        shift = new.frames() - old.frames()
        assert np.abs(shift).max() < 0.002
        assert after.complex.residue_name.tolist() == before.complex.residue_name.tolist()


def test_mdcath_has_the_layout_and_the_units_of_mdcath(filled: Callable[..., Corpus], tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    corpus = filled(tmp_path / "corpus")
    export(corpus, tmp_path / "out", format="mdcath")
    old = corpus.entry("secret-7")
    with h5py.File(tmp_path / "out" / "mdcath_dataset_secret-7.h5") as file:
        domain = file["secret-7"]
        assert sorted(key for key in domain if key.isdigit()) == ["300", "350"]
        assert domain.attrs["numProteinAtoms"] == old.manifest.n_atoms
        assert domain["z"][:5].tolist() == [7, 6, 6, 8, 6]
        assert domain["resname"][0] == b"ALA"
        replica = domain["350/0"]
        view = old.trajectory("secret run 350K/0")
        assert np.abs(replica["coords"][...] / 10 - view.frames(centred=False)).max() < 1e-5
        read = view.column("forces")
        assert read is not None
        assert np.allclose(replica["forces"][...] * 41.84, read(slice(None)), rtol=1e-5)
        assert np.allclose(replica["box"], np.eye(3) * 6)
        assert replica.attrs["numFrames"] == 7


def test_mdcath_comes_back_in_with_its_own_conditions(filled: Callable[..., Corpus], tmp_path: Path) -> None:
    corpus = filled(tmp_path / "corpus")
    export(corpus, tmp_path / "out", format="mdcath", entries=["secret-7"])
    back = again(tmp_path / "out", "mdcath", tmp_path / "back")
    old, new = corpus.entry("secret-7").trajectory("secret run 350K/0"), back.entry("secret-7").trajectory("350K/0")
    assert new.record.conditions == old.record.conditions, "not those of mdCATH"
    assert new.record.source.dataset == "own"
    assert new.record.time_step_ps == 20
    assert np.abs(new.frames() - old.frames()).max() < 0.002
    before, after = old.column("forces"), new.column("forces")
    assert before is not None
    assert after is not None
    assert np.allclose(before(slice(None)), after(slice(None)), rtol=1e-4, atol=1e-3)
    export(corpus, tmp_path / "uneven", format="mdcath", entries=["zeta"])
    times = again(tmp_path / "uneven", "mdcath", tmp_path / "back 2").entry("zeta").trajectory("295K/0").times_ps
    assert times is not None
    assert times.tolist() == [0, 1, 2, 4, 8]


def test_mdcath_keeps_force_fields_apart_and_boxes_that_change(make: Any, tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    corpus = Corpus.create(tmp_path / "corpus")
    peptide = make.peptide(4)
    with corpus.new_entry("two", peptide) as entry:
        for force_field in ("amber14", "charmm36m"):
            conditions = Conditions(force_field=force_field, temperature_K=300)
            record = TrajectoryRecord(name=force_field, conditions=conditions, source=Source(dataset="own"))
            with entry.begin_trajectory(record) as writer:
                boxes = np.eye(3)[None] * np.array([5.0, 5.1])[:, None, None]
                writer.append(np.repeat(peptide.coordinates_nm[None], 2, axis=0), box_nm=boxes)
                writer.finish(time_step_ps=1.0)
    export(corpus, tmp_path / "out", format="mdcath")
    for name, domain in (("two", "amber14"), ("two-2", "charmm36m")):
        with h5py.File(tmp_path / "out" / f"mdcath_dataset_{name}.h5") as file:
            replica = file[f"{name}/300/0"]
            assert json.loads(replica.attrs["unfreeze"])["conditions"]["force_field"] == domain
            assert "box" not in replica
            assert np.allclose(replica["boxes"][1], np.eye(3) * 5.1)


def test_zarr_has_everything(filled: Callable[..., Corpus], tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    corpus = filled(tmp_path / "corpus")
    export(corpus, tmp_path / "out", format="zarr")
    root = zarr.open_group(str(tmp_path / "out" / "secret-7.zarr"), mode="r")
    view = corpus.entry("secret-7").trajectory("secret run 300K/0")
    group = root["trajectories/secret-run-300K-0"]
    assert np.array_equal(group["coordinates"][...], view.frames(centred=False))
    assert group["times"][...].tolist() == [40, 60, 80, 100, 120, 140, 160]
    assert group["box"].shape == (7, 3, 3)
    assert group.attrs["conditions"]["force_field"] == "amber14"
    assert root.attrs["identifier"] == "secret-7"
    (tmp_path / "t.cif").write_bytes(root["topology/topology_cif"][...].tobytes())
    assert read_complex(tmp_path / "t.cif").n_atoms == corpus.entry("secret-7").manifest.n_atoms


def test_frames_can_be_thinned(filled: Callable[..., Corpus], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from unfreeze.corpus.export import formats

    corpus = filled(tmp_path / "corpus")
    monkeypatch.setattr(formats, "BLOCK_BYTES", 2 * 12 * 55)
    export(corpus, tmp_path / "out", entries=["secret-7"], stride=2)
    view = corpus.entry("secret-7").trajectory("secret run 300K/0")
    found = read_xtc(tmp_path / "out" / "secret-7" / "secret-run-300K-0.xtc", view.n_atoms)
    assert np.abs(found - view.frames(slice(None, None, 2), centred=False)).max() < 0.001
    metadata = yaml.safe_load((tmp_path / "out" / "secret-7" / "metadata.yaml").read_text())
    assert metadata["trajectories"][0]["time_step_ps"] == 40


def test_parts_of_a_split_are_folders(filled: Callable[..., Corpus], tmp_path: Path) -> None:
    corpus = filled(tmp_path / "corpus")
    split = {"train": ["zeta"], "test": ["secret-7"], "validation": []}
    export(corpus, tmp_path / "out", split=split)
    assert (tmp_path / "out" / "train" / "zeta" / "topology.pdb").is_file()
    assert (tmp_path / "out" / "test" / "secret-7" / "record.json").is_file()
    with pytest.raises(InputError, match="in the parts train and test"):
        export(corpus, tmp_path / "2", split={"train": ["zeta"], "test": ["zeta"]})
    with pytest.raises(InputError, match="cannot be the name of a folder"):
        export(corpus, tmp_path / "3", split={"../x": ["zeta"]})


@pytest.mark.parametrize("format", list(FORMATS))
def test_an_interrupted_export_leaves_nothing_and_goes_on(
    filled: Callable[..., Corpus], tmp_path: Path, format: Any
) -> None:
    corpus = filled(tmp_path / "corpus")
    calls = []

    def stop_before_the_second() -> bool:
        calls.append(1)
        return len(calls) > 1

    with pytest.raises(InputError, match="stopped after 1 of 2 entries; the same command goes on there"):
        export(corpus, tmp_path / "out", format=format, should_stop=stop_before_the_second)
    assert not (tmp_path / "out").exists()
    work = tmp_path / ".out.exporting"
    before = {path: path.stat().st_mtime_ns for path in work.rglob("*secret*")}
    assert before
    export(corpus, tmp_path / "out", format=format)
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*secret*")}
    assert sorted(before.values()) == sorted(after.values()), "what was whole was not written again"
    assert not work.exists()
    assert {path.name for path in tmp_path.iterdir()} == {"corpus", "out"}
    export(corpus, tmp_path / "other", format=format)
    assert set(tree(tmp_path / "out")) == set(tree(tmp_path / "other"))


def test_ended_anywhere_nothing_half_is_left(
    filled: Callable[..., Corpus], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every rename and every sync in turn is where the program ends; the next call comes to the same end."""
    import os

    corpus = filled(tmp_path / "corpus")
    export(corpus, tmp_path / "whole", entries=["zeta"])
    expected = set(tree(tmp_path / "whole"))
    real = {"replace": os.replace, "fsync": os.fsync}
    for name, operation in real.items():
        for limit in range(1, 60):
            count = 0

            def ended(*arguments: Any, limit: int = limit, operation: Any = operation) -> Any:
                nonlocal count
                count += 1
                if count == limit:
                    raise KeyboardInterrupt
                return operation(*arguments)

            monkeypatch.setattr(os, name, ended)
            target = tmp_path / f"{name}-{limit}"
            try:
                export(corpus, target, entries=["zeta"])
                was_ended = False
            except KeyboardInterrupt:
                was_ended = True
            monkeypatch.setattr(os, name, operation)
            if was_ended and not target.exists():
                export(corpus, target, entries=["zeta"])
            assert set(tree(target)) == expected
            if not was_ended:
                break
        else:
            pytest.fail("more steps than were thought of")


def test_an_entry_that_changed_meanwhile_is_written_again(filled: Callable[..., Corpus], tmp_path: Path) -> None:
    corpus = filled(tmp_path / "corpus")
    calls: list[int] = []
    with pytest.raises(InputError, match="stopped"):
        export(corpus, tmp_path / "out", should_stop=lambda: bool(calls) or calls.append(1) is not None)
    with corpus.edit_entry("secret-7") as entry:
        entry.set_notes(["changed"])
    export(corpus, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "secret-7" / "record.json").read_text())["notes"] == ["changed"]


def test_what_cannot_be_exported_is_named(make: Any, filled: Callable[..., Corpus], tmp_path: Path) -> None:
    corpus = filled(tmp_path / "corpus")
    record = TrajectoryRecord(name="cold", conditions=Conditions(), source=Source(dataset="own"), is_complete=False)
    with corpus.new_entry("half", make.peptide(3)) as entry:
        writer = entry.begin_trajectory(record)
        writer.append(make.peptide(3).coordinates_nm[None])
        writer.commit()
    report = export(corpus, tmp_path / "out")
    assert "the import of this trajectory was not finished" in report.left_out["half"]
    with pytest.raises(InputError, match=r"nothing could be exported\. half/cold"):
        export(corpus, tmp_path / "2", entries=["half"])
    with corpus.edit_entry("half") as entry, entry.begin_trajectory(record) as writer:
        writer.finish(time_step_ps=1.0)
    assert "no temperature is known" in export(corpus, tmp_path / "3", format="mdcath").left_out["half"]
    assert not list(tmp_path.glob(".*"))


def test_damaged_data_are_not_passed_on(filled: Callable[..., Corpus], tmp_path: Path) -> None:
    corpus = filled(tmp_path / "corpus")
    shard = next((tmp_path / "corpus" / "entries" / "zeta" / "shards").glob("*-coordinates.*"))
    content = bytearray(shard.read_bytes())
    content[10] ^= 1
    shard.write_bytes(content)
    report = export(corpus, tmp_path / "out")
    assert report.entries == ["secret-7"]
    assert "is damaged or absent" in report.left_out["zeta"]


def test_mistakes_are_named(filled: Callable[..., Corpus], tmp_path: Path) -> None:
    corpus = filled(tmp_path / "corpus")
    wrong: Any = "dcd"
    with pytest.raises(InputError, match="no format to export to; there are xtc, mdcath, zarr"):
        export(corpus, tmp_path / "out", format=wrong)
    with pytest.raises(InputError, match="no entry 'nobody'"):
        export(corpus, tmp_path / "out", entries=["nobody"])
    with pytest.raises(InputError, match="nothing to export"):
        export(corpus, tmp_path / "out", entries=[])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(InputError, match="is there already"):
        export(corpus, tmp_path / "out")
    (tmp_path / "out" / "mine").unlink()
    assert export(corpus, tmp_path / "out").entries, "an empty folder is fine"


def test_names_of_files_are_kept_apart() -> None:
    from unfreeze.corpus.export.formats import file_names

    names = file_names(["320K/0", "320K-0", "320k/0", "../../x", ""])
    assert names == {"320K/0": "320K-0", "320K-0": "320K-0-2", "320k/0": "320k-0-3", "../../x": "x", "": "entry"}
