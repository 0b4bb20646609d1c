"""Overlaps are pushed apart, covalent geometry survives it, and frames without overlap are not touched."""

from __future__ import annotations

import numpy as np
import pytest

from unfreeze.physics.clashes import resolve_clashes
from unfreeze.physics.projection import CovalentProjector
from unfreeze.structure.blocks import partition
from unfreeze.structure.geometry import rotation_matrices
from unfreeze.structure.validity import FrameChecker


@pytest.fixture(scope="module")
def helices(make):
    """Two helices side by side, and frames in which the second comes nearer and nearer, up to overlap."""
    helix = make.peptide(12, -62, -42)
    molecule = make.merge(helix, make.moved(helix, [0.0, 0.95, 0.0]), chains=["A", "B"])
    checker = FrameChecker(molecule)
    assert checker.input_validity.passes.all()
    steps = np.linspace(0.0, 0.45, 10)
    frames = np.repeat(molecule.coordinates_nm[None], len(steps), axis=0)
    frames[:, molecule.atom_chain_index == 1, 1] -= steps[:, None]
    return molecule, CovalentProjector(molecule, partition(molecule)), checker, frames


def test_overlapping_helices_come_apart_and_stay_helices(helices):
    _, projector, checker, frames = helices
    before = checker.check(frames)
    assert before.new_clashes.max() > 3
    found = resolve_clashes(projector, checker, frames)
    after = checker.check(found)
    assert after.new_clashes.sum() == 0
    assert after.passes.all()
    # pushed, not flung
    assert np.sqrt(((found - frames) ** 2).sum(axis=2).mean(axis=1)).max() < 0.15


def test_frames_without_overlap_are_untouched_to_the_last_bit(helices):
    _, projector, checker, frames = helices
    clean = checker.check(frames).new_clashes == 0
    assert clean.any() and not clean.all()
    # so far apart that not even the margin is touched
    far = np.array([len(checker.clashing_pairs(frame[None], 0.23)[0]) == 0 for frame in frames])
    given = frames.copy()
    found = resolve_clashes(projector, checker, frames)
    assert np.array_equal(found[far], given[far])
    assert not np.array_equal(found[~clean], given[~clean])
    assert np.array_equal(frames, given), "the frames given are not changed in place"


def test_a_frame_does_not_depend_on_the_others_of_its_batch(helices):
    _, projector, checker, frames = helices
    together = resolve_clashes(projector, checker, frames)
    for some in (slice(9, 10), slice(7, 10), slice(0, 9)):
        assert np.array_equal(resolve_clashes(projector, checker, frames[some]), together[some])


def test_a_crowded_core_is_sorted_out(make):
    """Residues of ubiquitin moved and turned at random, chain mended: many overlaps, side chains among them."""
    molecule = make.read("pdb1ubi.pdb")
    blocks = partition(molecule)
    projector, checker = CovalentProjector(molecule, blocks), FrameChecker(molecule)
    generator = np.random.default_rng(1)
    turns = rotation_matrices(0.15 * generator.normal(size=(10, blocks.n_blocks, 3)))
    arms = molecule.coordinates_nm - blocks.centre_nm[blocks.atom_block]
    drawn = np.matmul(turns[:, blocks.atom_block], arms[None, :, :, None])[..., 0]
    drawn += (blocks.centre_nm + 0.04 * generator.normal(size=(10, blocks.n_blocks, 3)))[:, blocks.atom_block]
    frames = projector.project(drawn)
    before = checker.check(frames)
    after = checker.check(resolve_clashes(projector, checker, frames))
    assert before.new_clashes.sum() >= 10
    assert after.new_clashes.sum() <= 0.05 * before.new_clashes.sum()
    assert after.bad_peptide_bonds.sum() <= before.bad_peptide_bonds.sum() + 2
    assert after.inverted_centres.sum() == after.nonplanar_groups.sum() == after.new_cis_peptides.sum() == 0


def test_ions_on_one_spot_part(make):
    molecule = make.ions([[0.0, 0.0, 0.0], [0.5, 0.0, 0.0]])
    projector, checker = CovalentProjector(molecule, partition(molecule)), FrameChecker(molecule)
    frames = np.array([[[0.0, 0.0, 0.0], [0.05, 0.0, 0.0]], [[0.0, 0.0, 0.0], [0.3, 0.0, 0.0]]])
    found = resolve_clashes(projector, checker, frames)
    assert np.linalg.norm(found[0, 0] - found[0, 1]) >= 0.22
    assert np.abs(found[0].mean(axis=0) - frames[0].mean(axis=0)).max() < 1e-9, "both give way alike"
    assert np.array_equal(found[1], frames[1])


def test_no_frames_give_no_frames(helices):
    _, projector, checker, frames = helices
    assert resolve_clashes(projector, checker, frames[:0]).shape == frames[:0].shape
