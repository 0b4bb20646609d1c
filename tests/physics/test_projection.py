"""Covalent projection: what it restores, what it must not touch, and on what it must not depend."""

from __future__ import annotations

import numpy as np
import pytest

from unfreeze.physics.projection import CovalentProjector
from unfreeze.structure.blocks import partition
from unfreeze.structure.chemistry.covalent import ideal_bonds
from unfreeze.structure.geometry import rotation_matrices, superpose, torsion_angles
from unfreeze.structure.validity import FrameChecker


def _projector(molecule):
    return CovalentProjector(molecule, partition(molecule))


def _scattered(molecule, n_frames, shift_nm, turn_rad, seed=0):
    """Frames in which every block was moved and turned at random, on its own."""
    blocks = partition(molecule)
    generator = np.random.default_rng(seed)
    turns = rotation_matrices(turn_rad * generator.normal(size=(n_frames, blocks.n_blocks, 3)))
    centres = blocks.centre_nm + shift_nm * generator.normal(size=(n_frames, blocks.n_blocks, 3))
    arms = molecule.coordinates_nm - blocks.centre_nm[blocks.atom_block]
    return np.matmul(turns[:, blocks.atom_block], arms[None, :, :, None])[..., 0] + centres[:, blocks.atom_block]


def _named(molecule, name):
    atoms = molecule.atom_of_residue(name)
    return atoms[atoms >= 0]


def _peptide_bonds(molecule):
    names = molecule.atom_name[molecule.links]
    return molecule.links[np.isin(names, ["C", "N"]).all(axis=1)]


def _lengths(frames, pairs):
    return np.linalg.norm(frames[..., pairs[:, 0], :] - frames[..., pairs[:, 1], :], axis=-1)


def _alpha_steps(molecule):
    alpha = molecule.atom_of_residue("CA")
    residues = np.sort(molecule.residue_index[_peptide_bonds(molecule)], axis=1)
    return alpha[residues]


@pytest.mark.parametrize("name", ("pdb1ubi.pdb", "1hvr", "pdb1ejg.pdb"))
def test_chains_torn_apart_are_chains_again(make, name):
    molecule = make.read(name)
    drawn = _scattered(molecule, 6, 0.05, 0.2)
    bonds, steps = _peptide_bonds(molecule), _alpha_steps(molecule)
    assert np.abs(_lengths(drawn, bonds) - 0.1329).mean() > 0.03, "the draw is badly torn"
    frames = _projector(molecule).project(drawn, 60)
    assert np.abs(_lengths(frames, bonds) - 0.1329).max() < 0.010
    cis = _lengths(molecule.coordinates_nm, steps) < 0.335
    assert np.abs(_lengths(frames, steps) - np.where(cis, 0.295, 0.380)).max() < 0.020
    # and it stayed near what was drawn
    assert np.sqrt(((frames - drawn) ** 2).sum(axis=2).mean()) < 0.15


def test_the_worse_the_more_iterations_but_they_converge(make):
    molecule = make.tailed(make.read("pdb1ubi.pdb"), 12)
    projector, bonds = _projector(molecule), _peptide_bonds(molecule)
    drawn = _scattered(molecule, 5, 0.15, 0.6)
    errors = [np.abs(_lengths(projector.project(drawn, n), bonds) - 0.1329).mean() for n in (1, 5, 20, 80)]
    assert errors[0] > errors[1] > errors[2] > errors[3]
    assert errors[3] < 0.1 * errors[0]


@pytest.mark.parametrize("name", ("pdb1ubi.pdb", "1hvr", "pdb3mht.pdb", "pdb1ubi_ca.pdb"))
def test_blocks_stay_exactly_rigid(make, name):
    """Every distance within a block, but to peptide oxygens, which belong to the plane of the next bond."""
    molecule = make.read(name)
    blocks = partition(molecule)
    frames = _projector(molecule).project(_scattered(molecule, 3, 0.08, 0.3), 15)
    free = np.zeros(molecule.n_atoms, dtype=bool)
    carbon = _peptide_bonds(molecule)
    carbon = np.where(molecule.atom_name[carbon[:, 0]] == "C", carbon[:, 0], carbon[:, 1])
    free[molecule.atom_of_residue("O")[molecule.residue_index[carbon]]] = True
    same = np.flatnonzero(~free)
    pairs = np.concatenate(
        [
            np.stack(np.triu_indices(len(own), 1), axis=1) if len(own) < 2 else _all_pairs(own)
            for own in (same[blocks.atom_block[same] == block] for block in range(blocks.n_blocks))
        ]
    )
    assert np.abs(_lengths(frames, pairs) - _lengths(molecule.coordinates_nm, pairs)).max(initial=0.0) < 1e-9


def _all_pairs(atoms):
    first, second = np.triu_indices(len(atoms), 1)
    return np.stack([atoms[first], atoms[second]], axis=1)


@pytest.mark.parametrize("hand", (1.0, -1.0))
def test_the_hand_of_residues_is_kept(make, hand):
    molecule = make.peptide(10, -62, -42, hand=hand)
    frames = _projector(molecule).project(_scattered(molecule, 10, 0.15, 1.0), 40)
    n, ca, c, cb = (_named(molecule, name) for name in ("N", "CA", "C", "CB"))
    volume = np.linalg.det(np.stack([frames[:, atoms] - frames[:, ca] for atoms in (n, c, cb)], axis=-1))
    assert (np.sign(volume) == hand).all()


@pytest.mark.parametrize("shape", ((-62.0, -42.0), (-120.0, 130.0)))
def test_peptide_planes_are_planes(make, shape):
    molecule = make.peptide(10, *shape)
    frames = _projector(molecule).project(_scattered(molecule, 10, 0.06, 0.3), 60)
    ca, c, o, n = (molecule.atom_of_residue(name) for name in ("CA", "C", "O", "N"))
    omega = torsion_angles(frames[:, ca[:-1]], frames[:, c[:-1]], frames[:, n[1:]], frames[:, ca[1:]])
    assert np.abs(np.abs(omega) - np.pi).max() < 0.15
    improper = torsion_angles(frames[:, ca[:-1]], frames[:, n[1:]], frames[:, c[:-1]], frames[:, o[:-1]])
    assert np.abs(np.abs(improper) - np.pi).max() < 1e-6, "the oxygen is exactly in the plane of CA, C and N"
    assert np.abs(np.linalg.norm(frames[:, o] - frames[:, c], axis=2) - 0.1229).max() < 1e-6
    # on the side away from the next CA: trans to it
    assert (np.linalg.norm(frames[:, o[:-1]] - frames[:, n[1:]], axis=2) > 0.21).all()


@pytest.mark.parametrize("name", ("peptide", "pdb1ubi.pdb", "pdb1ejg.pdb", "pdb3mht.pdb", "pdb1ubi_ca.pdb"))
def test_a_sound_structure_is_left_where_it_is(make, name):
    molecule = make.peptide(10) if name == "peptide" else make.read(name)
    moved = _projector(molecule).project(molecule.coordinates_nm[None], 20)[0] - molecule.coordinates_nm
    assert np.abs(moved).max() < 1e-6


@pytest.mark.parametrize("name", ("pdb1ejg.pdb", "1hvr"))
def test_a_frame_does_not_depend_on_the_others_of_its_batch(make, name):
    molecule = make.read(name)
    projector = _projector(molecule)
    drawn = _scattered(molecule, 7, 0.05, 0.2)
    together = projector.project(drawn)
    for some in (slice(0, 1), slice(2, 4), slice(3, 6), slice(6, 7)):
        assert np.array_equal(projector.project(drawn[some].copy()), together[some])


def test_a_turned_draw_gives_the_turned_frame(make):
    molecule = make.read("pdb1ejg.pdb")
    projector = _projector(molecule)
    drawn = _scattered(molecule, 4, 0.04, 0.2)
    turn = rotation_matrices(np.array([1.0, -2.0, 0.5]))
    frames = projector.project(drawn)
    turned = projector.project(drawn @ turn.T + 3.0)
    assert np.abs(turned - (frames @ turn.T + 3.0)).max() < 1e-7


def test_disulfides_hold(make):
    molecule = make.read("pdb1ejg.pdb")
    names = molecule.atom_name[molecule.links]
    bridges = molecule.links[(names == "SG").all(axis=1)]
    assert len(bridges) == 3
    drawn = _scattered(molecule, 10, 0.05, 0.2)
    frames = _projector(molecule).project(drawn, 60)
    assert np.abs(_lengths(drawn, bridges) - 0.204).max() > 0.1
    assert np.abs(_lengths(frames, bridges) - _lengths(molecule.coordinates_nm, bridges)).max() < 0.012
    beta = molecule.atom_of_residue("CB")[molecule.residue_index[bridges]]
    across = np.concatenate([np.stack([beta[:, k], bridges[:, 1 - k]], axis=1) for k in (0, 1)])
    assert np.abs(_lengths(frames, across) - _lengths(molecule.coordinates_nm, across)).max() < 0.03


def _glycan(make):
    """A glycan of three sugars on an asparagine, and the protein around it."""
    whole = make.read("pdb3hsy.pdb")
    sugars = np.flatnonzero(whole.chain_name[whole.chain_index] == "C")
    centre = whole.coordinates_nm[np.isin(whole.residue_index, sugars)]
    near = [
        residue
        for residue in range(whole.n_residues)
        if np.linalg.norm(
            whole.coordinates_nm[whole.residue_index == residue][:, None] - centre[None], axis=2
        ).min() < 0.8
    ]  # fmt: skip
    return whole.take_residues(np.array(near))


@pytest.mark.parametrize("which", ("glycan", "lipid", "phosphodiester"))
def test_bonds_to_sugars_within_lipids_and_between_nucleotides_hold(make, which):
    if which == "glycan":
        molecule = _glycan(make)
    elif which == "lipid":
        molecule = make.alkane(25)
    else:
        complex_ = make.read("pdb3mht.pdb")
        molecule = complex_.take_residues(complex_.residue_kind == "nucleic")
    blocks = partition(molecule)
    links = blocks.links
    kind = molecule.residue_kind[molecule.residue_index[links]]
    links = links[(kind != "protein").any(axis=1)]
    assert len(links) >= 3
    frames = CovalentProjector(molecule, blocks).project(_scattered(molecule, 8, 0.05, 0.2), 80)
    assert np.abs(_lengths(frames, links) - _lengths(molecule.coordinates_nm, links)).max() < 0.018
    # angles at the bond, as 1-3 distances
    bonds = np.concatenate([blocks.bonds, blocks.bonds[:, ::-1]])
    angles = np.array(
        [(beside, far) for near, far in [*links.tolist(), *links[:, ::-1].tolist()]
         for beside in bonds[bonds[:, 0] == near, 1].tolist()
         if beside != far and blocks.atom_block[beside] == blocks.atom_block[near]]
    )  # fmt: skip
    assert np.abs(_lengths(frames, angles) - _lengths(molecule.coordinates_nm, angles)).max() < 0.03


@pytest.mark.parametrize("stretch_nm", (-0.03, 0.03))
def test_a_peptide_bond_distorted_in_the_input_gets_ideal_geometry(make, stretch_nm):
    molecule = make.peptide(6)
    c, n = molecule.atom_of_residue("C")[2], molecule.atom_of_residue("N")[3]
    along = molecule.coordinates_nm[n] - molecule.coordinates_nm[c]
    points = molecule.coordinates_nm.copy()
    points[molecule.residue_index >= 3] += stretch_nm * along / np.linalg.norm(along)
    bad = molecule.with_coordinates(points)
    bonds = _peptide_bonds(bad)
    assert len(bonds) == 5
    frame = _projector(bad).project(points[None], 80)[0]
    assert np.abs(_lengths(frame, bonds) - 0.1329).max() < 0.001
    assert np.abs(_lengths(frame, _alpha_steps(bad)) - 0.380).max() < 0.003
    assert np.abs(superpose(frame[None], molecule.coordinates_nm)[0] - molecule.coordinates_nm).max() < 0.02
    ca = bad.atom_of_residue("CA")
    omega = torsion_angles(*(frame[atom] for atom in (ca[2], c, n, ca[3])))
    assert abs(abs(omega) - np.pi) < 0.05


def test_a_cis_peptide_of_the_input_stays_cis(make):
    molecule = make.read("pdb3enl.pdb")
    steps = _alpha_steps(molecule)
    cis = steps[_lengths(molecule.coordinates_nm, steps) < 0.335]
    assert len(cis) > 0
    around = np.unique(molecule.residue_index[cis][:, :1] + np.arange(-4, 6))
    part = molecule.take_residues(around[(around >= 0) & (around < molecule.n_residues)])
    steps = _alpha_steps(part)
    is_cis = _lengths(part.coordinates_nm, steps) < 0.335
    assert is_cis.any()
    frames = _projector(part).project(_scattered(part, 10, 0.04, 0.2), 60)
    assert np.abs(_lengths(frames, steps[is_cis]) - 0.295).max() < 0.02


def test_other_bonds_keep_their_lengths_too(make):
    molecule = make.read("pdb1ubi.pdb")
    frames = _projector(molecule).project(_scattered(molecule, 5, 0.04, 0.15), 60)
    result = FrameChecker(molecule).check(frames)
    for faults in (result.bad_peptide_bonds, result.bad_consecutive_ca, result.bad_bond_lengths):
        assert faults.sum() == 0
    assert result.inverted_centres.sum() == result.nonplanar_groups.sum() == result.new_cis_peptides.sum() == 0
    bonds = ideal_bonds(molecule)
    assert np.abs(_lengths(frames, bonds.atoms) - _lengths(molecule.coordinates_nm, bonds.atoms)).max() < 0.02


@pytest.mark.parametrize("what", ("one atom", "one residue", "two ions", "lone ligand", "no frames"))
def test_what_has_nothing_to_restore_comes_back(make, what):
    molecule = {
        "one atom": lambda: make.ions([[0.0, 0.0, 0.0]]),
        "one residue": lambda: make.peptide(1),
        "two ions": lambda: make.ions([[0.0, 0.0, 0.0], [0.4, 0.0, 0.0]]),
        "lone ligand": lambda: make.alkane(8),
        "no frames": lambda: make.peptide(3),
    }[what]()
    frames = _scattered(molecule, 0 if what == "no frames" else 4, 0.3, 1.0)
    found = _projector(molecule).project(frames)
    assert found.shape == frames.shape
    assert np.abs(found - frames).max(initial=0.0) < 1e-9


def test_metals_stay_with_what_they_coordinate(make):
    ubiquitin = make.read("pdb1ubi.pdb")
    histidine = int(np.flatnonzero(ubiquitin.residue_name == "HIS")[0])
    nitrogen, ring, beside = (int(ubiquitin.atom_of_residue(name)[histidine]) for name in ("NE2", "CG", "CE1"))
    points = ubiquitin.coordinates_nm
    away = points[nitrogen] - points[ring]
    molecule = make.merge(ubiquitin, make.ions(points[nitrogen] + 0.21 * away / np.linalg.norm(away)))
    metal = molecule.n_atoms - 1
    pairs = np.array([[metal, nitrogen], [metal, beside]])
    drawn = _scattered(molecule, 5, shift_nm=0.03, turn_rad=0.1)
    wanted = _lengths(molecule.coordinates_nm, pairs)
    assert np.abs(_lengths(drawn, pairs) - wanted).max() > 0.03
    made = _projector(molecule).project(drawn)
    assert np.abs(_lengths(made, pairs) - wanted).max() < 0.01
