"""Easing: a rigid motion is left alone, a local disagreement is not, and nothing far away changes."""

from __future__ import annotations

import numpy as np
import pytest

from unfreeze.physics.easing import ease
from unfreeze.physics.harmonic import HarmonicEnsemble
from unfreeze.physics.springs import find_springs
from unfreeze.structure.blocks import partition


@pytest.fixture(scope="module")
def ensemble(make):
    molecule = make.read("pdb1ubi.pdb")
    blocks = partition(molecule)
    return HarmonicEnsemble.build(molecule, blocks, find_springs(molecule, blocks))


def test_a_rigid_motion_of_the_whole_is_a_fixed_point(ensemble):
    turn, shift = np.array([0.2, -0.1, 0.3]), np.array([0.5, 0.0, -0.2])
    moves = np.concatenate([shift + np.cross(turn, ensemble.centre_nm), np.tile(turn, (ensemble.n_blocks, 1))], axis=1)
    faulty = np.zeros((1, ensemble.n_blocks), dtype=bool)
    faulty[0, 30] = True
    assert np.abs(ease(ensemble, moves[None], faulty) - moves).max() < 1e-12


def test_only_blocks_within_two_contacts_of_a_fault_change(ensemble):
    moves = np.random.default_rng(0).normal(size=(2, ensemble.n_blocks, 6))
    faulty = np.zeros((2, ensemble.n_blocks), dtype=bool)
    faulty[1, 0] = True
    eased = ease(ensemble, moves, faulty)
    near = {0}
    for _ in range(2):
        near |= {int(b) for pair in ensemble.pair_blocks for b in pair if near & {int(p) for p in pair}}
    changed = set(np.flatnonzero((eased[1] != moves[1]).any(axis=1)).tolist())
    assert np.array_equal(eased[0], moves[0])
    assert changed == near
    assert 0 < len(near) < ensemble.n_blocks


def test_neighbours_move_more_alike_afterwards(ensemble):
    moves = np.random.default_rng(1).normal(size=(1, ensemble.n_blocks, 6))
    eased = ease(ensemble, moves, np.ones((1, ensemble.n_blocks), dtype=bool))
    first, second = ensemble.pair_blocks.T
    offset = ensemble.centre_nm[second] - ensemble.centre_nm[first]

    def disagreement(q):
        carried = q[0, first, :3] + np.cross(q[0, first, 3:], offset)
        return np.linalg.norm(carried - q[0, second, :3], axis=1).mean()

    assert disagreement(eased) < 0.3 * disagreement(moves)
