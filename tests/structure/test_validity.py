"""The checks of a frame: real structures pass, planted faults are found, each one once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist, squareform

from unfreeze.structure import validity
from unfreeze.structure.chemistry.covalent import ideal_bonds
from unfreeze.structure.chemistry.residues import TORSION_NAMES
from unfreeze.structure.geometry import rotation_matrices
from unfreeze.structure.internal_coordinates.torsions import torsions
from unfreeze.structure.validity import FrameChecker, FrameValidity

REAL = ("1hvr.pdb", "4E43.pdb", "1a28.pdb.gz", "pdb1ubi.pdb", "pdb3mht.pdb", "pdb6flr.pdb", "19hc.pdb.gz")
SUMMARY_KEYS = {
    "frames_valid_share",
    "peptide_bonds_valid_share",
    "consecutive_ca_valid_share",
    "bond_lengths_valid_share",
    "n_inverted_centres",
    "n_new_cis_peptides",
    "n_new_clashes",
    "n_nonplanar_groups",
}


@pytest.fixture(scope="module")
def protease(real):
    system = real("1hvr.pdb")
    return system, FrameChecker(system)


def _atom(system, residue, name):
    return int(system.atom_of_residue(name)[residue])


def _one(system, coordinates):
    return FrameChecker(system).check(coordinates[None])


@pytest.mark.parametrize("name", REAL)
def test_the_input_adds_no_fault_to_itself_however_it_is_turned(real, name):
    system = real(name)
    turn = rotation_matrices(np.array([[0.3, -1.2, 0.8], [2.0, 0.1, -0.4]]))
    frames = np.einsum("fij,aj->fai", turn, system.coordinates_nm) + 3.0
    frames = np.concatenate([system.coordinates_nm[None], frames]).astype(np.float32)
    result = FrameChecker(system).check(frames)
    assert result.passes.all()
    assert result.n_bonds > 0.75 * system.n_atoms


@pytest.mark.parametrize("name", ("1hvr.pdb", "1a28.pdb.gz", "pdb3mht.pdb"))
def test_good_crystal_structures_have_no_fault_at_all(real, name):
    checker = FrameChecker(real(name))
    own = checker.input_validity
    assert own.passes.all(), own.summary()
    assert set(own.summary()) == SUMMARY_KEYS
    assert own.summary()["frames_valid_share"] == 1.0


def test_a_mirror_image_has_every_centre_inverted_and_nothing_else(protease):
    system, checker = protease
    result = checker.check(system.coordinates_nm[None] * [1.0, 1.0, -1.0])
    assert result.inverted_centres[0] == result.n_centres
    assert result.new_faults[0] == result.n_centres
    standard = (system.residue_kind == "protein") & (system.residue_name != "GLY")
    second = np.isin(system.residue_name, ["ILE", "THR"])
    assert result.n_centres >= standard.sum() + second.sum()


def test_a_stretched_peptide_bond_is_one_bad_bond_and_one_bad_ca_pair(protease):
    system, checker = protease
    frame = system.coordinates_nm.copy()
    carbon, nitrogen = _atom(system, 30, "C"), _atom(system, 31, "N")
    along = frame[nitrogen] - frame[carbon]
    frame[system.residue_index > 30] += 0.03 * along / np.linalg.norm(along)
    result = checker.check(frame[None])
    assert result.bad_peptide_bonds[0] == 1
    assert result.bad_consecutive_ca[0] == 1
    assert result.bad_bond_lengths[0] == 0
    assert not result.passes[0]


def test_a_chain_break_of_the_input_is_not_checked(protease):
    system, _ = protease
    broken = system.take_residues(np.arange(system.n_residues) != 31)
    assert FrameChecker(broken).input_validity.passes.all()
    frame = broken.coordinates_nm.copy()
    frame[broken.residue_index > 30] += [5.0, 5.0, 5.0]
    result = FrameChecker(broken).check(frame[None])
    assert result.bad_peptide_bonds[0] == 0
    assert result.bad_consecutive_ca[0] == 0


def test_a_stretched_side_chain_bond_is_one_bad_length(protease):
    system, checker = protease
    frame = system.coordinates_nm.copy()
    alanine = int(np.flatnonzero(system.residue_name == "ALA")[0])
    alpha, beta = _atom(system, alanine, "CA"), _atom(system, alanine, "CB")
    frame[beta] += 0.12 * (frame[beta] - frame[alpha])
    assert checker.check(frame[None]).bad_bond_lengths[0] == 1
    bad_input = system.with_coordinates(frame)
    result = FrameChecker(bad_input).check(frame[None])
    assert result.bad_bond_lengths[0] == 1
    assert result.passes[0], "a fault of the input does not fail a frame"
    assert FrameChecker(bad_input).input_validity.bad_bond_lengths[0] == 1


def test_turning_omega_by_half_a_turn_makes_one_new_cis_peptide(protease):
    system, checker = protease
    row = next(r for r in range(20, 90) if system.residue_name[r + 1] != "PRO")
    frame = system.coordinates_nm.copy()
    carbon, nitrogen = _atom(system, row, "C"), _atom(system, row + 1, "N")
    axis = frame[nitrogen] - frame[carbon]
    turn = rotation_matrices(np.pi * axis / np.linalg.norm(axis))
    moved = system.residue_index > row
    frame[moved] = (frame[moved] - frame[nitrogen]) @ turn.T + frame[nitrogen]
    result = checker.check(frame[None])
    assert result.new_cis_peptides[0] == 1
    assert result.bad_peptide_bonds[0] == 0
    proline = system.residue_parent_name.copy()
    proline[row + 1] = "PRO"
    allowed = FrameChecker(replace(system, residue_parent_name=proline)).check(frame[None])
    assert allowed.new_cis_peptides[0] == 0


def test_cis_peptides_of_the_input_have_the_short_ca_distance(real):
    system = real("pdb3o21.pdb")
    omega = torsions(system)[0, :, TORSION_NAMES.index("omega")]
    cis = np.flatnonzero(np.abs(omega) < np.pi / 2)
    assert len(cis) >= 3
    alpha = system.coordinates_nm[system.atom_of_residue("CA")]
    assert np.linalg.norm(alpha[cis] - alpha[cis - 1], axis=1).max() < 0.315
    assert FrameChecker(system).input_validity.bad_consecutive_ca[0] == 0


def test_a_bent_ring_is_one_nonplanar_group(protease):
    system, checker = protease
    ring = int(np.flatnonzero(system.residue_name == "PHE")[0])
    a, b, c = (system.coordinates_nm[_atom(system, ring, name)] for name in ("CG", "CE1", "CE2"))
    normal = np.cross(b - a, c - a)
    frame = system.coordinates_nm.copy()
    frame[_atom(system, ring, "CZ")] += 0.06 * normal / np.linalg.norm(normal)
    assert checker.check(frame[None]).nonplanar_groups[0] == 1


def test_an_l_name_on_a_d_residue_is_the_inputs_own_fault(protease):
    system, _ = protease
    mirror = system.with_coordinates(system.coordinates_nm * [1.0, -1.0, 1.0])
    checker = FrameChecker(mirror)
    assert checker.input_validity.inverted_centres[0] > system.n_residues * 0.8
    assert checker.check(mirror.coordinates_nm[None]).passes.all()


def test_a_frame_that_is_not_finite_fails_and_leaves_its_neighbours_alone(protease):
    system, checker = protease
    frames = np.repeat(system.coordinates_nm[None], 3, axis=0)
    frames[1, 17, 2] = np.nan
    result = checker.check(frames)
    assert result.passes.tolist() == [True, False, True]
    assert result.bad_bond_lengths[1] == result.n_bonds


def test_a_frame_collapsed_to_a_point_is_counted_not_listed(protease):
    system, checker = protease
    result = checker.check(np.zeros((1, system.n_atoms, 3)))
    assert result.new_clashes[0] > system.n_atoms**2 / 2 - 10 * system.n_atoms
    assert not result.passes[0]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**31), scale=st.sampled_from([0.02, 0.05]))
def test_clashes_equal_a_count_over_all_pairs(real, seed, scale):
    whole = real("1hvr.pdb")
    system = whole.take_residues(np.arange(25))
    frames = system.coordinates_nm + np.random.default_rng(seed).normal(scale=scale, size=(2, system.n_atoms, 3))
    result = FrameChecker(system).check(frames)
    bonded = np.zeros((system.n_atoms, system.n_atoms), dtype=int)
    first, second = ideal_bonds(system).atoms.T
    bonded[first, second] = bonded[second, first] = 1
    near = (bonded + bonded @ bonded) > 0
    own = squareform(pdist(system.coordinates_nm)) < 0.22
    for frame, found in zip(frames, result.new_clashes, strict=True):
        close = squareform(pdist(frame)) < 0.22
        assert found == np.triu(close & ~near & ~own, 1).sum()


def test_many_frames_equal_one_by_one_and_chunks_equal_the_whole(protease, monkeypatch):
    system, checker = protease
    frames = system.coordinates_nm + np.random.default_rng(5).normal(scale=0.01, size=(7, system.n_atoms, 3))
    whole = checker.check(frames)
    single = FrameValidity.concatenate([checker.check(frame[None]) for frame in frames])
    monkeypatch.setattr(validity, "ATOMS_PER_CHUNK", 2 * system.n_atoms)
    chunked = checker.check(frames)
    for name in ("bad_bond_lengths", "new_clashes", "inverted_centres", "nonplanar_groups", "new_faults"):
        assert np.array_equal(getattr(whole, name), getattr(single, name))
        assert np.array_equal(getattr(whole, name), getattr(chunked, name))
    assert whole.take(np.array([2, 4])).new_faults.tolist() == whole.new_faults[[2, 4]].tolist()
    assert whole.n_frames == 7
    assert checker.check(frames[:0]).n_frames == 0


def test_a_ca_trace_is_checked_by_its_ca_distances(real):
    system = real("pdb1ubi_ca.pdb")
    checker = FrameChecker(system)
    assert checker.input_validity.n_consecutive_ca == system.n_residues - 1
    assert checker.input_validity.n_peptide_bonds == 0
    frame = system.coordinates_nm.copy()
    along = frame[40] - frame[39]
    frame[40:] += 0.05 * along / np.linalg.norm(along)
    assert checker.check(frame[None]).bad_consecutive_ca[0] == 1


def test_dna_bonds_are_ideal_and_bases_flat(real):
    system = real("pdb3mht.pdb")
    dna = system.take_residues(system.residue_kind == "nucleic")
    own = FrameChecker(dna).input_validity
    assert own.passes.all()
    assert own.n_planar_groups >= 0.9 * dna.n_residues
    assert own.n_centres >= 2 * dna.n_residues


def test_a_metal_near_a_donor_is_no_clash_and_near_carbon_it_is(handmade):
    far = {"N": ("N", [0.0, 0.0, 0.0])}
    system = handmade.make([("A", [("ZN", {"ZN": ("ZN", [1.0, 0.0, 0.0])}), ("NH3", far)])])
    frame = np.array([[[0.2, 0.0, 0.0], [0.0, 0.0, 0.0]]])
    assert FrameChecker(system).check(frame).new_clashes[0] == 0
    carbon = handmade.make([("A", [("ZN", {"ZN": ("ZN", [1.0, 0.0, 0.0])}), ("CH4", {"C": ("C", [0.0, 0.0, 0.0])})])])
    assert FrameChecker(carbon).check(frame).new_clashes[0] == 1


def test_the_wrong_shape_is_refused(protease):
    system, checker = protease
    with pytest.raises(ValueError, match="expected"):
        checker.check(system.coordinates_nm)
    with pytest.raises(ValueError, match="at least one"):
        FrameValidity.concatenate([])


def test_faults_are_told_by_residue_and_atom(protease):
    system, checker = protease
    assert checker.describe(system.coordinates_nm) == []
    frame = system.coordinates_nm.copy()
    carbon, nitrogen = _atom(system, 30, "C"), _atom(system, 31, "N")
    along = frame[nitrogen] - frame[carbon]
    frame[system.residue_index > 30] += 0.03 * along / np.linalg.norm(along)
    said = checker.describe(frame)
    assert any(f"{system.atom_label(carbon)}-{system.atom_label(nitrogen)}" in text for text in said)
    noisy = system.coordinates_nm + np.random.default_rng(2).normal(scale=0.03, size=frame.shape)
    result = checker.check(noisy[None])
    counts = ("bad_peptide_bonds", "bad_consecutive_ca", "bad_bond_lengths", "inverted_centres")
    counts += ("new_cis_peptides", "new_clashes", "nonplanar_groups")
    assert len(checker.describe(noisy)) == sum(int(getattr(result, name)[0]) for name in counts)
