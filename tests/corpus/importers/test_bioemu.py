from __future__ import annotations

import json

import numpy as np
import pytest

from unfreeze.errors import InputError


@pytest.fixture
def release(tmp_path, layouts):
    return layouts.xtc_sets.write_bioemu(tmp_path)


def test_every_system_of_every_archive_is_found(release, candidates) -> None:
    found = {one.identifier: one for one in candidates("bioemu", release)}
    assert set(found) == {"cath1_1b43A02", "cath2_3bpqD00", "HEEH_KT_rd6_0007", "1A0N_L7S__A12D", "opep_0000"}
    assert "has no trajectory" in found["cath2_3bpqD00"].refusal
    names = [part.name for part in found["cath1_1b43A02"].parts]
    assert names == ["run000_protein", "run006_protein"]
    assert all(part.time_step_ps == 1e4 for one in found.values() for part in one.parts)
    (alone,) = candidates("bioemu", release / "ONE_cath1" / "cath1_1b43A02")
    assert alone.identifier == "cath1_1b43A02"


def test_a_json_file_of_its_own_changes_the_force_field_of_a_trajectory(release, candidates) -> None:
    (mixed,) = candidates("bioemu", release, {"ids": "HEEH_KT_rd6_0007"})
    fields = {part.name: part.conditions.force_field for part in mixed.parts}
    assert fields["aggr_trj_reseed_run5"] == "a99sb-disp"
    assert fields["aggr_trj_run0_clone0_folded_resim"] == "amber14"
    assert "2 force fields" in mixed.notes[0]
    assert {part.conditions.temperature_K for part in mixed.parts} == {295.0}


def test_clocks_are_given_on_as_they_are(release, candidates, read) -> None:
    parts = {part.name: part for one in candidates("bioemu", release) for part in one.parts}
    restarting = read(parts["run006_protein"])
    assert (np.diff(restarting.times_ps) < 0).sum() == 2
    mutant = read(parts["trj_mutant_folded"])
    np.testing.assert_allclose(np.diff(mutant.times_ps), 10.0)  # ns, in fields of ps
    assert mutant.box_nm is not None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"temperature_K": None}, "temperature_K is None"),
        ({"force_field": ""}, "the name of a force field was expected"),
        ({"save_traj_ns": "10"}, "save_traj_ns is '10'"),
        ({"temperature_K": True}, "temperature_K is True"),
        ({"temperature_K": 1e9}, "a positive number was expected"),
    ],
)
def test_conditions_that_are_not_told_are_refused(release, candidates, change, reason) -> None:
    path = release / "ONE_cath1" / "cath1_1b43A02" / "dataset.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    (candidate,) = candidates("bioemu", release, {"ids": "cath1_1b43A02"})
    assert all(reason in part.refusal for part in candidate.parts)


def test_an_unknown_force_field_is_one_of_its_own(release, candidates) -> None:
    path = release / "ONE_cath1" / "cath1_1b43A02" / "dataset.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "force_field": "My Field 3"}))
    (candidate,) = candidates("bioemu", release, {"ids": "cath1_1b43A02"})
    assert candidate.parts[0].conditions.force_field == "My Field 3"


@pytest.mark.parametrize("text", ["<html>404</html>", "[1, 2]", "{"])
def test_pages_in_place_of_json_are_refused(release, candidates, text) -> None:
    (release / "ONE_cath1" / "cath1_1b43A02" / "dataset.json").write_text(text)
    (candidate,) = candidates("bioemu", release, {"ids": "cath1_1b43A02"})
    assert "dataset.json" in candidate.refusal


def test_a_system_without_its_conditions_is_refused(release, candidates) -> None:
    (release / "ONE_cath1" / "cath1_1b43A02" / "dataset.json").unlink()
    (candidate,) = candidates("bioemu", release, {"ids": "cath1_1b43A02"})
    assert "its conditions are not known" in candidate.refusal


def test_other_atoms_than_the_topology_has_are_refused(release, candidates, layouts) -> None:
    path = release / "ONE_cath1" / "cath1_1b43A02" / "trajs" / "run000_protein.cmprsd.xtc"
    layouts.molecules.write_xtc(path, np.zeros((3, 50, 3)), 1e4 * np.arange(3))
    (candidate,) = candidates("bioemu", release, {"ids": "cath1_1b43A02"})
    with pytest.raises(InputError, match="do not belong together"):
        candidate.parts[0].open()


def test_another_folder_is_refused(tmp_path, candidates) -> None:
    with pytest.raises(InputError, match="layout of BioEmu's release"):
        candidates("bioemu", tmp_path)
