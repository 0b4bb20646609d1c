from __future__ import annotations

import numpy as np
import pytest

from unfreeze.errors import InputError


def test_three_runs_of_a_chain_become_an_entry(tmp_path, layouts, candidates, read) -> None:
    layouts.xtc_sets.write_atlas(tmp_path)
    (candidate,) = candidates("atlas", tmp_path)
    assert candidate.identifier == "16pk_A" and [part.name for part in candidate.parts] == ["R1", "R2", "R3"]
    part = candidate.parts[1]
    assert part.time_step_ps == 10.0 and part.source.licence == "CC-BY-NC-4.0"
    assert (part.conditions.force_field, part.conditions.temperature_K) == ("charmm36m", 300.0)
    found = read(part)
    molecule = layouts.molecules.all_atoms()
    expected = layouts.xtc_sets.repeated(molecule, 21, 2)[:, molecule.heavy]
    np.testing.assert_allclose(found.coordinates_nm, expected, atol=6e-4)
    np.testing.assert_allclose(found.times_ps, 10.0 * np.arange(21))


def test_boxes_of_superposed_frames_are_left_out(tmp_path, layouts, candidates, read) -> None:
    layouts.xtc_sets.write_atlas(tmp_path)
    found = read(candidates("atlas", tmp_path)[0].parts[0])
    assert found.box_nm is None and any("superposed" in note for note in found.stream.notes)


def test_the_finer_of_two_archives_is_taken_and_not_both(tmp_path, layouts, candidates) -> None:
    layouts.xtc_sets.write_atlas(tmp_path, archives=("protein", "analysis"))
    (candidate,) = candidates("atlas", tmp_path)
    assert [part.time_step_ps for part in candidate.parts] == [10.0] * 3
    assert "both archives" in candidate.notes[0]
    (coarse,) = candidates("atlas", tmp_path, {"archive": "analysis"})
    assert [part.time_step_ps for part in coarse.parts] == [100.0] * 3
    assert [part.paths[0].name for part in coarse.parts] == [f"16pk_A_R{k}.xtc" for k in (1, 2, 3)]


def test_what_is_missing_is_said(tmp_path, layouts, candidates) -> None:
    layouts.xtc_sets.write_atlas(tmp_path, "16pk_A", runs=(1, 3))
    layouts.xtc_sets.write_atlas(tmp_path, "1abc_B", runs=())
    layouts.xtc_sets.write_atlas(tmp_path, "2xyz_C")
    (tmp_path / "2xyz_C_protein" / "2xyz_C.pdb").unlink()
    two, none, nameless = candidates("atlas", tmp_path)
    assert "there are 1, 3" in two.notes[0] and len(two.parts) == 2
    assert "no trajectory of it" in none.refusal and "no 2xyz_C.pdb" in nameless.refusal
    assert [one.identifier for one in candidates("atlas", tmp_path, {"ids": "16pk_A"})] == ["16pk_A"]


def test_a_zip_file_is_to_be_unpacked_first(tmp_path, candidates) -> None:
    (tmp_path / "16pk_A_protein.zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(InputError, match="Unpack the zip files"):
        candidates("atlas", tmp_path)
    with pytest.raises(InputError, match="Unpack archives first"):
        candidates("atlas", tmp_path / "16pk_A_protein.zip")


def test_names_that_archives_of_macs_bring_along_are_passed_over(tmp_path, layouts, candidates) -> None:
    layouts.xtc_sets.write_atlas(tmp_path)
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / "9zzz_Z_R1.xtc").write_bytes(b"\0")
    (tmp_path / "16pk_A_protein" / "._16pk_A_R9.xtc").write_bytes(b"\0")
    assert [one.identifier for one in candidates("atlas", tmp_path)] == ["16pk_A"]
