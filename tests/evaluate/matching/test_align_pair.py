"""The same ensemble told in other words gives the same aligned frames."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from unfreeze.errors import InputError
from unfreeze.evaluate.matching import align, align_pair, superposition
from unfreeze.structure.geometry import rotation_matrices, superpose

TOLERANCE_NM = 1e-5


@pytest.fixture(scope="module")
def pair(make, tell):
    """Reference and ensemble of a homodimer with its inhibitor."""
    molecule = make.read("1hvr")
    return tell.frames(molecule, n_frames=9, seed=1), tell.frames(molecule, n_frames=5, seed=2)


@pytest.fixture(scope="module")
def expected(pair):
    return align_pair(*pair)[0]


def assert_equal_sides(found, expected, atoms: Any = slice(None), tolerance=TOLERANCE_NM):
    for side in ("ensemble", "reference"):
        mine, goal = getattr(found, side), getattr(expected, side)
        assert mine.frames_nm.dtype == np.float32
        np.testing.assert_allclose(mine.frames_nm, goal.frames_nm[:, atoms], rtol=0, atol=tolerance)
    np.testing.assert_array_equal(found.molecule.coordinates_nm, expected.molecule.coordinates_nm[atoms])


def test_frames_are_superposed_on_the_structure_over_representative_atoms(pair, tell):
    found, matching = align_pair(*pair, relabel=False)
    assert matching.n_atoms == pair[0].molecule.n_atoms
    np.testing.assert_array_equal(found.molecule.coordinates_nm, pair[0].molecule.coordinates_nm)
    atoms = pair[0].molecule.representative_atoms()
    for side, frames in ((found.reference, pair[0]), (found.ensemble, pair[1])):
        goal = superpose(frames.coordinates_nm, pair[0].molecule.coordinates_nm, atoms)
        np.testing.assert_allclose(side.frames_nm, goal, rtol=0, atol=2e-6)


def test_turned_and_moved_frames_are_the_same(pair, expected):
    generator = np.random.default_rng(3)
    turns = rotation_matrices(generator.normal(0.0, 2.0, (5, 3)))
    moved = pair[1].coordinates_nm @ turns + generator.normal(0.0, 3.0, (5, 1, 3))
    found, _ = align_pair(pair[0], replace(pair[1], coordinates_nm=moved.astype(np.float32)))
    assert_equal_sides(found, expected)


@pytest.mark.parametrize("names", ["AB", "BA", "XY"])
def test_renamed_reordered_and_renumbered_chains_are_the_same(pair, expected, tell, names):
    told = tell.changed(tell.chain_order(pair[1], "B", "A"), chain_name=np.array(list(names)))
    numbers = told.molecule.residue_number + np.where(told.molecule.chain_index == 0, 17, 400)
    for ensemble in (told, tell.changed(told, residue_number=numbers)):
        found, _ = align_pair(pair[0], ensemble)
        assert_equal_sides(found, expected, tolerance=0)
    swapped, matching = align_pair(tell.changed(pair[0], chain_name=np.array(["B", "A"])), pair[1])
    assert_equal_sides(swapped, expected, tolerance=0)
    assert [(c["reference"], c["ensemble"]) for c in matching.chain_map] == [("B", "A"), ("A", "B")]


def test_flipped_labels_are_the_same(pair, expected, tell):
    molecule = pair[0].molecule
    ensemble = replace(pair[1], coordinates_nm=tell.flipped(pair[1].coordinates_nm, molecule, 4))
    reference = replace(pair[0], coordinates_nm=tell.flipped(pair[0].coordinates_nm, molecule, 5))
    other = molecule.with_coordinates(tell.flipped(molecule.coordinates_nm[None], molecule, 6)[0])
    assert (other.coordinates_nm != molecule.coordinates_nm).any()
    for told in ((pair[0], ensemble), (reference, pair[1]), (replace(reference, molecule=other), ensemble)):
        assert_equal_sides(align_pair(*told)[0], expected, tolerance=0)


@pytest.mark.parametrize("names", [["CA"], ["N", "CA", "C", "O"]])
def test_parts_of_residues_are_superposed_alike(pair, tell, names):
    molecule = pair[0].molecule
    atoms = np.flatnonzero(np.isin(molecule.atom_name, names) & (molecule.residue_kind == "protein")[
        molecule.residue_index])  # fmt: skip
    keep = np.zeros(molecule.n_atoms, dtype=bool)
    keep[atoms] = True
    found, matching = align_pair(pair[0], tell.kept(pair[1], keep))
    assert_equal_sides(found, align_pair(*pair, relabel=False)[0], atoms)
    assert matching.n_atoms == len(atoms)


def test_the_frames_of_missing_residues_are_left_out_on_both_sides(pair, tell):
    keep = np.ones(pair[0].molecule.n_residues, dtype=bool)
    keep[[0, 1, 45, 46, 47, 120]] = False
    found, matching = align_pair(pair[0], tell.kept_residues(pair[1], keep))
    atoms = np.flatnonzero(keep[pair[0].molecule.residue_index])
    np.testing.assert_array_equal(matching.reference_atoms, atoms)
    both = [tell.kept_residues(side, keep) for side in pair]
    assert_equal_sides(found, align_pair(*both)[0], tolerance=0)


def test_weights_replicas_and_clock_are_kept(pair):
    reference = replace(pair[0], replica_start=np.array([0, 4]), time_step_ps=10.0)
    ensemble = replace(pair[1], weights=np.array([1.0, 1.0, 2.0, 0.0, 0.0]))
    found, _ = align_pair(reference, ensemble)
    assert (found.reference.time_step_ps, found.ensemble.time_step_ps) == (10.0, None)
    np.testing.assert_array_equal(found.reference.replica_start, [0, 4])
    assert not set(found.reference.block[:4]) & set(found.reference.block[4:])
    np.testing.assert_allclose(found.ensemble.weights, [0.25, 0.25, 0.5, 0.0, 0.0])
    np.testing.assert_allclose(found.reference.weights, 1 / 9)


def test_blocks_and_memory_maps_change_nothing(pair, expected, tmp_path, monkeypatch):
    mapped = []
    for at, side in enumerate(pair):
        array = np.memmap(tmp_path / f"{at}.dat", dtype=np.float32, mode="w+", shape=side.coordinates_nm.shape)
        array[:] = side.coordinates_nm
        array.flush()
        mapped.append(replace(side, coordinates_nm=np.memmap(tmp_path / f"{at}.dat", np.float32, "r", 0, array.shape)))
    monkeypatch.setattr(superposition, "ATOMS_PER_BLOCK", 2 * pair[0].molecule.n_atoms)
    monkeypatch.setattr(align, "MAX_IN_MEMORY_BYTES", 1000)
    found, _ = align_pair(*mapped)
    assert isinstance(found.reference.frames_nm.base, np.memmap)
    assert_equal_sides(found, expected, tolerance=1e-6)
    np.testing.assert_array_equal(mapped[1].coordinates_nm, pair[1].coordinates_nm)  # inputs are not written to


def test_inputs_are_not_changed(pair):
    before = [side.coordinates_nm.copy() for side in pair]
    align_pair(*pair)
    for side, copy in zip(pair, before, strict=True):
        np.testing.assert_array_equal(side.coordinates_nm, copy)


def test_another_structure_can_be_superposed_on(pair):
    shifted = pair[0].molecule.with_coordinates(pair[0].molecule.coordinates_nm + np.array([5.0, 0.0, 0.0]))
    found, _ = align_pair(*pair, structure=shifted)
    plain, _ = align_pair(*pair)
    np.testing.assert_allclose(found.ensemble.frames_nm - plain.ensemble.frames_nm, [[[5.0, 0.0, 0.0]]] * 5
                               + np.zeros_like(plain.ensemble.frames_nm), atol=3e-6)  # fmt: skip
    with pytest.raises(ValueError, match="other atoms"):
        align_pair(*pair, structure=pair[0].molecule.take_residues(np.arange(5)))


def test_two_residues_are_superposed_over_all_their_atoms(pair, tell):
    two = [tell.kept_residues(side, np.arange(side.molecule.n_residues) < 2) for side in pair]
    found, matching = align_pair(*two, relabel=False)
    goal = superpose(two[1].coordinates_nm, two[0].molecule.coordinates_nm)
    np.testing.assert_allclose(found.ensemble.frames_nm, goal, rtol=0, atol=2e-6)
    assert "all" in matching.notes[-1]


def test_frames_that_cannot_be_used_are_named(pair):
    broken = pair[1].coordinates_nm.copy()
    broken[3, 7] = np.nan
    with pytest.raises(InputError, match="frames 2: frame 4 has coordinates that are not finite"):
        align_pair(pair[0], replace(pair[1], coordinates_nm=broken))
    with pytest.raises(InputError, match="frames 2 has no frames"):
        align_pair(pair[0], replace(pair[1], coordinates_nm=broken[:0]))
