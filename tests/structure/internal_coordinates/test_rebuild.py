"""Rebuilding: the input comes back, torsions go in as they come out, and incomplete residues are built too."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unfreeze.structure.chemistry.residues import AMINO_ACIDS, TORSION_NAMES
from unfreeze.structure.geometry import rotation_matrices, torsion_angles
from unfreeze.structure.internal_coordinates.frames import BackboneFrames, backbone_frames
from unfreeze.structure.internal_coordinates.rebuild import ResidueBuilder, place_atoms
from unfreeze.structure.internal_coordinates.torsions import torsions
from unfreeze.structure.validity import FrameChecker

REAL = (
    "1hvr.pdb",
    "4E43.pdb",
    "1a28.pdb.gz",
    "pdb1ubi.pdb",
    "pdb3mht.pdb",
    "pdb6flr.pdb",
    "19hc.pdb.gz",
    "pdb3o21.pdb",
)
PSI, CHI1 = TORSION_NAMES.index("psi"), TORSION_NAMES.index("chi1")


def _errors(system, ideal):
    builder = ResidueBuilder(system, ideal=ideal)
    built = builder.build(backbone_frames(system), torsions(system))[0]
    assert np.isnan(built[~builder.built]).all()
    return np.linalg.norm(built - system.coordinates_nm, axis=1)[builder.built]


@pytest.mark.parametrize("name", REAL)
def test_real_structures_come_back(real, name):
    system = real(name)
    own, ideal = _errors(system, False), _errors(system, True)
    print(f"{name}: own geometry {np.median(own):.1e} nm, ideal geometry {np.median(ideal):.4f} nm")
    assert own.max() < 1e-9
    assert np.median(ideal) < 0.015


def test_all_heavy_atoms_of_proteins_are_built_and_no_others(real):
    system = real("pdb3mht.pdb")
    builder = ResidueBuilder(system)
    protein = (system.residue_kind == "protein")[system.residue_index]
    assert np.array_equal(builder.built, protein)
    others = np.arange(system.n_atoms * 3.0).reshape(-1, 3)
    built = builder.build(backbone_frames(system), torsions(system), others_nm=others)
    assert np.array_equal(built[0, ~protein], others[~protein])


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**31), ideal=st.booleans())
def test_torsions_that_go_in_come_out(real, seed, ideal):
    system = real("1hvr.pdb")
    rng = np.random.default_rng(seed)
    start = torsions(system)
    wanted = np.where(np.isnan(start), np.nan, rng.uniform(-np.pi, np.pi, size=(3, *start.shape[1:])))
    frames = backbone_frames(system)
    frames = BackboneFrames(*(np.repeat(part, 3, axis=0) for part in frames))
    built = ResidueBuilder(system, ideal=ideal).build(frames, wanted, others_nm=system.coordinates_nm)
    found = torsions(system, built)
    chi = np.isfinite(wanted[..., CHI1:])
    assert np.abs(np.angle(np.exp(1j * (found - wanted)[..., CHI1:][chi]))).max() < 1e-6


def test_psi_turns_the_carbonyl_oxygen(real):
    system = real("1hvr.pdb")
    values = torsions(system)
    turned = values.copy()
    turned[..., PSI] += 0.5
    builder = ResidueBuilder(system)
    built = builder.build(backbone_frames(system), turned)[0]
    rows = np.flatnonzero(np.isfinite(values[0, :, PSI]))
    atoms = [system.atom_of_residue(name)[rows] for name in ("N", "CA", "C", "O")]
    before = torsion_angles(*(system.coordinates_nm[atom] for atom in atoms))
    after = torsion_angles(*(built[atom] for atom in atoms))
    assert np.allclose(np.angle(np.exp(1j * (after - before))), 0.5)


def test_building_turns_with_the_frames(real):
    system = real("4E43.pdb")
    turn = rotation_matrices(np.array([0.3, 1.9, -1.0]))
    frames, values = backbone_frames(system), torsions(system)
    builder = ResidueBuilder(system, ideal=True)
    still = builder.build(frames, values)
    moved = builder.build(BackboneFrames(turn @ frames.rotations, frames.origins_nm @ turn.T + 2.0), values)
    assert np.allclose(moved, still @ turn.T + 2.0, equal_nan=True)


def test_ideal_geometry_is_valid_geometry(real):
    system = real("1hvr.pdb")
    builder = ResidueBuilder(system, ideal=True)
    built = builder.build(backbone_frames(system), torsions(system), others_nm=system.coordinates_nm)
    result = FrameChecker(system.with_coordinates(built[0])).input_validity
    ring_closures = (system.residue_name == "PRO").sum()
    assert result.bad_bond_lengths[0] <= ring_closures
    assert result.inverted_centres[0] == 0
    assert result.nonplanar_groups[0] == 0


def test_missing_side_chain_atoms_are_built_into_slots(real):
    system = real("1hvr.pdb")
    backbone = np.isin(system.atom_name, ["N", "CA", "C", "O"])
    bare = system.take_atoms(backbone | (system.residue_kind != "protein")[system.residue_index])
    builder = ResidueBuilder(bare)
    slots = builder.build_slots(backbone_frames(bare), torsions(bare))[0]
    parents = system.residue_parent_name[builder.residues]
    expected = [len(AMINO_ACIDS[name].atoms) for name in parents.tolist()]
    assert np.isfinite(slots[..., 0]).sum(axis=1).tolist() == expected
    beta = system.atom_of_residue("CB")[builder.residues]
    have = beta >= 0
    gap = np.linalg.norm(slots[have, 4] - system.coordinates_nm[beta[have]], axis=1)
    assert np.median(gap) < 0.02


@pytest.mark.parametrize("name", ("1hvr.pdb", "1a28.pdb.gz", "4E43.pdb"))
def test_side_chains_the_input_lacks_come_from_their_torsions(real, name):
    system = real(name)
    protein = system.take_residues(np.isin(system.residue_name, list(AMINO_ACIDS)))
    bare = protein.take_atoms(np.isin(protein.atom_name, ["N", "CA", "C", "O"]))
    builder = ResidueBuilder(bare)
    slots = builder.build_slots(backbone_frames(bare), torsions(protein))[0]
    errors = []
    for row, residue in enumerate(builder.residues.tolist()):
        for slot, atom in enumerate(AMINO_ACIDS[str(protein.residue_name[residue])].atoms[4:], start=4):
            there = protein.atom_of_residue(atom)[residue]
            if there >= 0:
                errors.append(np.linalg.norm(slots[row, slot] - protein.coordinates_nm[there]))
    assert np.median(errors) < 0.03
    assert np.percentile(errors, 90) < 0.1


def test_an_atom_whose_reference_is_missing_still_comes_back(real):
    system = real("1hvr.pdb")
    keep = np.ones(system.n_atoms, dtype=bool)
    keep[system.atom_of_residue("CG")[np.flatnonzero(system.residue_name == "PHE")]] = False
    assert _errors(system.take_atoms(keep), False).max() < 1e-9


def test_d_residues_are_built_as_mirror_images(real):
    system = real("1hvr.pdb")
    mirror = system.with_coordinates(-system.coordinates_nm)
    assert np.allclose(np.median(_errors(mirror, True)), np.median(_errors(system, True)), atol=1e-4)
    assert _errors(mirror, False).max() < 1e-9


def test_extra_atoms_of_a_modified_residue_follow_their_neighbour(real, handmade):
    system = real("1hvr.pdb")
    threonine = int(np.flatnonzero(system.residue_name == "THR")[0])
    atoms = np.flatnonzero(system.residue_index == threonine)
    places = dict(zip(system.atom_name[atoms].tolist(), system.coordinates_nm[atoms].tolist(), strict=True))
    places["P"] = (1.8 * np.array(places["OG1"]) - 0.8 * np.array(places["CB"]) + [0.0, 0.05, 0.05]).tolist()
    residue = {name: (name[0], place) for name, place in places.items()}
    modified = handmade.make([("A", [("THR", residue)])])
    values = torsions(modified)
    turned = values.copy()
    turned[..., CHI1] += 1.0
    builder = ResidueBuilder(modified)
    assert builder.built.all()
    built = builder.build(backbone_frames(modified), turned)[0]
    names = modified.atom_name.tolist()
    oxygen, phosphorus, beta = (names.index(name) for name in ("OG1", "P", "CB"))
    for first in (oxygen, beta):
        before = np.linalg.norm(modified.coordinates_nm[first] - modified.coordinates_nm[phosphorus])
        assert np.linalg.norm(built[first] - built[phosphorus]) == pytest.approx(before)
    assert np.linalg.norm(built[phosphorus] - modified.coordinates_nm[phosphorus]) > 0.05


def test_a_complex_without_protein_builds_nothing(real):
    system = real("pdb3mht.pdb")
    dna = system.take_residues(system.residue_kind == "nucleic")
    builder = ResidueBuilder(dna)
    assert not builder.built.any()
    assert np.isnan(builder.build(backbone_frames(dna), torsions(dna))).all()


@settings(max_examples=50, deadline=None)
@given(
    length=st.floats(0.08, 0.3),
    angle=st.floats(0.2, 2.9),
    torsion=st.floats(-3.1, 3.1),
    seed=st.integers(0, 1000),
)
def test_a_placed_atom_has_the_length_angle_and_torsion_asked_for(length, angle, torsion, seed):
    a, b, c = np.random.default_rng(seed).normal(size=(3, 3))
    d = place_atoms(a, b, c, *(np.array(value) for value in (length, angle, torsion)))
    assert np.linalg.norm(d - c) == pytest.approx(length)
    cosine = (b - c) @ (d - c) / np.linalg.norm(b - c) / length
    assert np.arccos(np.clip(cosine, -1, 1)) == pytest.approx(angle, abs=1e-6)
    assert np.abs(np.angle(np.exp(1j * (torsion_angles(a, b, c, d) - torsion)))) < 1e-6
