"""Labels of equivalent atoms are a function of geometry alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from unfreeze.evaluate.matching import relabel_equivalent_atoms
from unfreeze.evaluate.matching.equivalent import EquivalentAtoms
from unfreeze.structure.internal_coordinates.torsions import torsions

STRUCTURES = ("1hvr", "pdb1ubi.pdb", "pdb3mht.pdb", "pdb3enl.pdb", "pdb3o21.pdb")


def kept_labels(molecule, name):
    methyl = np.isin(molecule.atom_name, ["CD1", "CD2", "CG1", "CG2"])
    atoms = np.flatnonzero((molecule.residue_parent_name == name)[molecule.residue_index] & methyl)
    moved = (EquivalentAtoms(molecule).structure_nm != molecule.coordinates_nm).any(axis=1)
    return len(atoms), int(moved[atoms].sum())


@pytest.mark.parametrize("name", STRUCTURES)
def test_methyls_of_deposited_structures_keep_their_names(make, name):
    molecule = make.read(name)
    for residue in ("LEU", "VAL"):
        n_atoms, n_moved = kept_labels(molecule, residue)
        assert n_atoms > 0
        assert n_moved == 0, residue


@pytest.mark.parametrize("name", ["pdb3mht.pdb"])
def test_phosphate_oxygens_of_deposited_structures_keep_their_names(make, name):
    molecule = make.read(name)
    moved = (EquivalentAtoms(molecule).structure_nm != molecule.coordinates_nm).any(axis=1)
    phosphates = np.isin(molecule.atom_name, ["OP1", "OP2"])
    assert phosphates.sum() > 30
    assert moved[phosphates].sum() <= 2


@pytest.mark.parametrize("name", STRUCTURES)
def test_the_structure_follows_the_rule_of_iupac(make, name):
    molecule = make.read(name)
    relabelled = molecule.with_coordinates(EquivalentAtoms(molecule).structure_nm)
    values = np.degrees(torsions(relabelled)[0])
    for residue, column in (("PHE", 4), ("TYR", 4), ("ASP", 4), ("GLU", 5), ("ARG", 7)):
        found = values[(relabelled.residue_parent_name == residue), column]
        found = found[np.isfinite(found)]
        limit = 45.0 if residue == "ARG" else 90.0 + 5.0  # planar groups are not quite so
        assert (np.abs(found) <= limit).all(), residue
    # nothing but labels has changed
    assert np.sort(relabelled.coordinates_nm, axis=0).tolist() == np.sort(molecule.coordinates_nm, axis=0).tolist()


@pytest.mark.parametrize("name", ["1hvr", "pdb3mht.pdb", "pdb3enl.pdb"])
def test_flips_in_frames_and_in_the_structure_change_nothing(make, tell, name):
    molecule = make.read(name)
    frames = tell.frames(molecule, n_frames=5, seed=1, spread_nm=0.02).coordinates_nm
    assert len(tell.pairs_to_flip(molecule)) > 50
    expected = relabel_equivalent_atoms(frames, molecule)
    again = relabel_equivalent_atoms(tell.flipped(frames, molecule, 2), molecule)
    np.testing.assert_array_equal(again, expected)
    other = molecule.with_coordinates(tell.flipped(molecule.coordinates_nm[None], molecule, 3)[0])
    np.testing.assert_array_equal(relabel_equivalent_atoms(frames, other), expected)
    np.testing.assert_array_equal(EquivalentAtoms(other).structure_nm, EquivalentAtoms(molecule).structure_nm)
    np.testing.assert_array_equal(relabel_equivalent_atoms(expected, molecule), expected)


def test_labels_do_not_flicker_about_the_limit_of_the_rule(make):
    """A ring that swings about χ2 = 90° keeps its labels: the rule's own limit is only for the structure."""
    molecule = make.read("1hvr")
    lookup = {str(n): int(k) for k, n in enumerate(molecule.atom_name) if molecule.residue_index[k] ==
              np.flatnonzero(molecule.residue_name == "TYR")[0]}  # fmt: skip
    ring = [lookup[name] for name in ("CD1", "CD2", "CE1", "CE2", "CZ", "OH")]
    beta, gamma = (molecule.coordinates_nm[lookup[name]] for name in ("CB", "CG"))
    axis = (gamma - beta) / np.linalg.norm(gamma - beta)
    residue = int(molecule.residue_index[lookup["CG"]])
    chi = torsions(molecule)[0, residue, 4]

    def turned(to):
        angle = to - chi
        arms = molecule.coordinates_nm[ring] - gamma
        moved = molecule.coordinates_nm.copy()
        moved[ring] = (gamma + arms * np.cos(angle) + np.cross(axis, arms) * np.sin(angle)
                       + np.outer(arms @ axis, axis) * (1.0 - np.cos(angle)))  # fmt: skip
        return moved

    at_limit = molecule.with_coordinates(turned(np.radians(88.0)))
    np.testing.assert_allclose(torsions(at_limit)[0, residue, 4], np.radians(88.0), atol=1e-6)
    swing = np.stack([turned(np.radians(angle)) for angle in (60.0, 89.0, 91.0, 120.0, 150.0)])
    kept = relabel_equivalent_atoms(swing, at_limit)
    np.testing.assert_array_equal(kept[:, ring], swing[:, ring])
    beyond = relabel_equivalent_atoms(turned(np.radians(-100.0))[None], at_limit)
    assert (beyond[0, ring[0]] == turned(np.radians(-100.0))[ring[1]]).all()


def test_groups_that_lack_an_atom_are_left_alone(make):
    molecule = make.read("1hvr")
    part = molecule.take_atoms(~np.isin(molecule.atom_name, ["CE2", "CB", "NE", "CG", "OXT"]))
    frames = part.coordinates_nm[None].astype(np.float32)
    np.testing.assert_array_equal(relabel_equivalent_atoms(frames, part), frames)


def test_substituted_rings_have_no_equivalent_atoms(make, tell):
    molecule = make.read("1hvr")
    tyrosine = int(np.flatnonzero(molecule.residue_name == "TYR")[0])
    rows = np.flatnonzero(molecule.residue_index == tyrosine)
    carbon = rows[molecule.atom_name[rows] == "CE1"][0]
    # another atom of the residue becomes a substituent of CE1, as in 3-iodotyrosine
    names, residues = molecule.atom_name.astype("<U4"), molecule.residue_name.astype("<U4")
    oxygen = rows[molecule.atom_name[rows] == "O"][0]
    names[oxygen], residues[tyrosine] = "I1", "IYR"
    points = np.array(molecule.coordinates_nm)
    points[oxygen] = points[carbon] + [0.0, 0.0, 0.15]
    substituted = replace(molecule, atom_name=names, residue_name=residues, coordinates_nm=points)
    frames = tell.flipped(points[None], molecule, 4, share=1.0)
    ring = rows[np.isin(molecule.atom_name[rows], ["CD1", "CD2", "CE1", "CE2"])]
    np.testing.assert_array_equal(relabel_equivalent_atoms(frames, substituted)[:, ring], frames[:, ring])
    assert (relabel_equivalent_atoms(frames, molecule)[:, ring] != frames[:, ring]).any()


def test_it_works_on_a_copy_unless_told_otherwise(make, tell):
    molecule = make.read("pdb1ubi.pdb")
    frames = tell.flipped(molecule.coordinates_nm[None].astype(np.float32), molecule, 5, share=1.0)
    before = frames.copy()
    moved = relabel_equivalent_atoms(frames, molecule)
    np.testing.assert_array_equal(frames, before)
    assert (moved != frames).any()
    assert relabel_equivalent_atoms(frames, molecule, in_place=True) is frames
    np.testing.assert_array_equal(frames, moved)
    assert relabel_equivalent_atoms(frames, molecule).dtype == np.float32
