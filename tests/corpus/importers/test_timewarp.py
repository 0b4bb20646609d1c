from __future__ import annotations

import numpy as np
import pytest

from unfreeze.errors import InputError


def test_pairs_become_trajectories_with_their_times_energies_and_forces(tmp_path, layouts, candidates, read) -> None:
    _, arrays = layouts.timewarp.write_timewarp(tmp_path / "2AA-1-large" / "train")
    (candidate,) = candidates("timewarp", tmp_path)
    (part,) = candidate.parts
    assert candidate.identifier == "timewarp-GG" and part.name == "2AA-1-large/train"
    assert part.conditions.force_field == "amber14" and part.conditions.solvent == "implicit:obc1"
    assert part.conditions.temperature_K == 310.0 and part.time_step_ps is None
    found, heavy = read(part), layouts.molecules.all_atoms().heavy
    data = np.load(arrays, allow_pickle=False)
    np.testing.assert_array_equal(found.coordinates_nm, data["positions"][:, heavy])
    np.testing.assert_array_equal(found.forces_kJ_mol_nm, data["forces"][:, heavy])
    np.testing.assert_array_equal(found.energies_kJ_mol, data["energies"])
    np.testing.assert_array_equal(found.times_ps, data["time"])
    np.testing.assert_array_equal(found.stream.steps, data["step"])
    assert len(set(np.round(np.diff(found.times_ps), 6))) > 2  # not evenly spaced


def test_blocks_are_the_same_whatever_their_size(tmp_path, layouts, candidates, read) -> None:
    layouts.timewarp.write_timewarp(tmp_path / "4AA-huge" / "test", "ACQK")
    part = candidates("timewarp", tmp_path)[0].parts[0]
    whole = read(part)
    for first, stride, most_bytes in ((0, 1, 1), (5, 1, 4000), (1, 3, 4000), (0, 5, 1), (11, 2, 2**25)):
        found = read(part, first, stride, most_bytes)
        for column in ("coordinates_nm", "forces_kJ_mol_nm", "energies_kJ_mol", "times_ps"):
            np.testing.assert_array_equal(getattr(found, column), getattr(whole, column)[first::stride])


def test_sets_of_another_force_field_are_kept_apart(tmp_path, layouts, candidates) -> None:
    for folder in ("2AA-complete/train", "T1-peptides/test", "mine"):
        layouts.timewarp.write_timewarp(tmp_path / folder, "GG")
    (candidate,) = candidates("timewarp", tmp_path)
    fields = {part.name: part.conditions.force_field for part in candidate.parts}
    assert fields == {"2AA-complete/train": "amber14", "T1-peptides/test": "amber99sb-ildn", "mine": None}
    assert "force field is not known" in candidate.notes[0]


@pytest.mark.parametrize(("fault", "end"), [("no_state", "-traj-state0.pdb"), ("no_arrays", "-traj-arrays.npz")])
def test_a_missing_half_of_a_pair_is_named(tmp_path, layouts, candidates, fault, end) -> None:
    layouts.timewarp.write_timewarp(tmp_path / "2AA-1-big" / "val", "AF", faults=[fault])
    (part,) = candidates("timewarp", tmp_path)[0].parts
    assert f"AF{end} is missing" in part.refusal


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("pickled", "pickled Python objects"),
        ("short_forces", "forces has the shape"),
        ("other_atoms", "not of one peptide"),
        ("cut", "not a whole NPZ archive"),
    ],
)
def test_damaged_or_dangerous_arrays_are_refused(tmp_path, layouts, candidates, fault, reason) -> None:
    layouts.timewarp.write_timewarp(tmp_path / "2AA-1-large", faults=[fault])
    part = candidates("timewarp", tmp_path)[0].parts[0]
    with pytest.raises(InputError, match=reason):
        part.open()


def test_an_array_that_promises_more_than_it_holds_is_refused(tmp_path, layouts, candidates) -> None:
    import zipfile

    layouts.timewarp.write_timewarp(tmp_path / "2AA-1-large")
    path = tmp_path / "2AA-1-large" / "GG-traj-arrays.npz"
    arrays = dict(np.load(path))
    n_atoms = arrays["positions"].shape[1]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as handle:
                shape = (10**9, n_atoms, 3) if name == "positions" else array.shape
                header = {"descr": array.dtype.str, "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(handle, header)
                handle.write(array.tobytes())
    with pytest.raises(InputError, match="cut short or damaged"):
        candidates("timewarp", tmp_path)[0].parts[0].open()


def test_forces_may_be_absent(tmp_path, layouts, candidates, read) -> None:
    layouts.timewarp.write_timewarp(tmp_path / "2AA-1-large", faults=["no_forces"])
    found = read(candidates("timewarp", tmp_path)[0].parts[0])
    assert found.forces_kJ_mol_nm is None and "There are no forces in the file." in found.stream.notes


def test_pickles_beside_the_files_are_left_alone(tmp_path, layouts, candidates) -> None:
    layouts.timewarp.write_timewarp(tmp_path / "2AA-1-large")
    (candidate,) = candidates("timewarp", tmp_path)
    assert {path.suffix for part in candidate.parts for path in part.paths} == {".npz", ".pdb"}


def test_another_folder_is_refused(tmp_path, candidates) -> None:
    with pytest.raises(InputError, match="Timewarp's layout"):
        candidates("timewarp", tmp_path)
