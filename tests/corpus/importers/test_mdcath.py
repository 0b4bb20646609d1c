from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from unfreeze.errors import InputError


def test_a_domain_is_an_entry_of_25_trajectories_with_temperatures_apart(tmp_path, layouts, candidates) -> None:
    layouts.mdcath.write_mdcath(tmp_path)
    (candidate,) = candidates("mdcath", tmp_path)
    assert candidate.identifier == "1abcA00" and len(candidate.parts) == 25
    temperatures = {part.conditions.temperature_K for part in candidate.parts}
    assert temperatures == {320.0, 348.0, 379.0, 413.0, 450.0}
    part = candidate.parts[6]
    assert part.name == "348K/1" and part.time_step_ps == 1000.0 and part.is_container
    assert part.source.identifier == "1abcA00/348/1" and part.source.licence == "CC-BY-4.0"


def test_units_are_nm_and_kJ_mol_nm(tmp_path, layouts, candidates, read) -> None:
    import h5py

    path = layouts.mdcath.write_mdcath(tmp_path, temperatures=("320",), replicas=1)
    molecule = layouts.molecules.all_atoms()
    found = read(candidates("mdcath", path)[0].parts[0])
    with h5py.File(path) as file:
        coordinates, forces = file["1abcA00/320/0/coords"][:], file["1abcA00/320/0/forces"][:]
    np.testing.assert_allclose(found.coordinates_nm, coordinates[:, molecule.heavy] / 10, atol=1e-6)
    np.testing.assert_allclose(found.forces_kJ_mol_nm, forces[:, molecule.heavy] * 4.184 * 10, rtol=1e-6)
    np.testing.assert_allclose(found.box_nm, np.repeat(6 * np.eye(3)[None], 6, axis=0))
    assert found.times_ps is None and found.stream.n_frames == 6
    assert found.stream.complex.n_atoms == molecule.heavy.sum()


def test_hydrogens_can_be_kept(tmp_path, layouts, candidates, read) -> None:
    layouts.mdcath.write_mdcath(tmp_path, temperatures=("320",), replicas=1)
    found = read(candidates("mdcath", tmp_path, {"atoms": "all"})[0].parts[0])
    assert found.coordinates_nm.shape[1] == layouts.molecules.all_atoms().n_atoms
    assert not any("hydrogens were left out" in note for note in found.stream.notes)


def test_blocks_are_bounded_and_strides_are_kept(tmp_path, layouts, candidates, read) -> None:
    layouts.mdcath.write_mdcath(tmp_path, temperatures=("450",), replicas=5)
    part = candidates("mdcath", tmp_path)[0].parts[4]
    whole = read(part).coordinates_nm
    for first, stride, most_bytes in ((0, 1, 5000), (3, 1, 1), (1, 2, 5000), (0, 3, 1), (2, 4, 2**25)):
        found = read(part, first, stride, most_bytes)
        np.testing.assert_array_equal(found.coordinates_nm, whole[first::stride])
        assert found.n_blocks > 1 or most_bytes > 10_000


def test_options_choose(tmp_path, layouts, candidates) -> None:
    for domain in ("1abcA00", "2defB01"):
        layouts.mdcath.write_mdcath(tmp_path / "data", domain, temperatures=("320", "450"), replicas=2)
    options = {"domains": "2defB01", "temperatures": "450", "replicas": "1"}
    (candidate,) = candidates("mdcath", tmp_path, options)
    assert candidate.identifier == "2defB01" and [part.name for part in candidate.parts] == ["450K/1"]
    (nothing, _) = candidates("mdcath", tmp_path, {"temperatures": "300"})
    assert "none of the trajectories" in nothing.refusal


@pytest.mark.parametrize(
    ("fault", "note"),
    [
        ("num_frames_3", "says 3 frames .numFrames. and has 6"),
        ("box_in_angstrom", "taken to be in Å"),
        ("short_forces", "so the forces were left out"),
    ],
)
def test_faults_of_the_scripts_that_made_the_set_are_told(tmp_path, layouts, candidates, read, fault, note) -> None:
    layouts.mdcath.write_mdcath(tmp_path, temperatures=("320",), replicas=1, faults=[fault])
    found = read(candidates("mdcath", tmp_path)[0].parts[0])
    assert any(re.search(note, text) for text in found.stream.notes)
    assert len(found.coordinates_nm) == 6
    np.testing.assert_allclose(found.box_nm[0], 6 * np.eye(3), rtol=1e-6)
    assert (found.forces_kJ_mol_nm is None) == (fault == "short_forces")


def test_a_replica_that_was_not_finished_refuses_itself_only(tmp_path, layouts, candidates) -> None:
    layouts.mdcath.write_mdcath(tmp_path, temperatures=("320",), replicas=3, faults=["empty_replica"])
    parts = candidates("mdcath", tmp_path)[0].parts
    assert [bool(part.refusal) for part in parts] == [False, True, False]
    assert "has no coords" in parts[1].refusal


def test_the_variant_without_hydrogens_has_no_names(tmp_path, layouts, candidates) -> None:
    layouts.mdcath.write_mdcath(tmp_path, temperatures=("320",), replicas=1, faults=["noh"])
    assert "no names of atoms" in candidates("mdcath", tmp_path)[0].refusal


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("other_z", "must list the same atoms"),
        ("link", "is a link; only data inside"),
        ("object_coords", "numbers were expected"),
    ],
)
def test_what_cannot_be_trusted_is_refused(tmp_path, layouts, candidates, fault, reason) -> None:
    layouts.mdcath.write_mdcath(tmp_path, temperatures=("320",), replicas=1, faults=[fault])
    with pytest.raises(InputError, match=reason):
        candidates("mdcath", tmp_path)[0].parts[0].open()


def test_a_file_that_is_cut_short_does_not_stop_the_others(tmp_path, layouts, candidates) -> None:
    whole = layouts.mdcath.write_mdcath(tmp_path, "1abcA00", temperatures=("320",), replicas=1)
    other = tmp_path / "mdcath_dataset_2defB01.h5"
    other.write_bytes(whole.read_bytes()[:3000])
    page = tmp_path / "mdcath_dataset_3ghiC02.h5"
    page.write_text("<!DOCTYPE html><title>404</title>")
    good, cut, html = candidates("mdcath", tmp_path)
    assert good.refusal is None and "cut short" in cut.refusal and "HTML page" in html.refusal
    with pytest.raises(InputError, match="cut short"):
        candidates("mdcath", other)


def test_another_folder_is_refused(tmp_path, candidates) -> None:
    with pytest.raises(InputError, match="the files of mdCATH were expected"):
        candidates("mdcath", tmp_path)
    with pytest.raises(InputError, match="no such file"):
        candidates("mdcath", Path("/nowhere/at/all"))


def test_without_h5py_the_extra_is_named(tmp_path, layouts, candidates, monkeypatch) -> None:
    path = layouts.mdcath.write_mdcath(tmp_path, temperatures=("320",), replicas=1)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(InputError, match=r"pip install 'unfreeze\[mdcath\]'"):
        candidates("mdcath", path)
