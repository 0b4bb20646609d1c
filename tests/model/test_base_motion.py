"""Moments of the untrained ensemble against its exact covariance, and the atoms that stand for blocks."""

from __future__ import annotations

import numpy as np
import pytest

from unfreeze.model.base_motion import BaseMotion


@pytest.fixture(scope="module")
def base(make):
    return BaseMotion.of(make.read("pdb1ejg.pdb"))


def _exact_covariance(base):
    """Of the blocks' atoms with rigid motions taken out: [3 n, 3 n], nm², by dense algebra."""
    ensemble, n = base.ensemble, base.blocks.n_blocks
    covariance = 8.314462618e-3 * ensemble.temperature_K * np.linalg.inv(ensemble.precision.toarray())
    root = np.linalg.cholesky(covariance)
    moves = ensemble._without_rigid_motion(np.ascontiguousarray(root.T).reshape(-1, n, 6))
    points = moves[..., :3] + np.cross(moves[..., 3:], base.points_nm - base.blocks.centre_nm)
    points = points.reshape(len(points), -1)
    return points.T @ points


def test_moments_are_those_of_the_gaussian(base):
    exact = _exact_covariance(base)
    n = base.blocks.n_blocks
    rmsf = np.sqrt(np.diag(exact).reshape(n, 3).sum(axis=1))
    error = np.log(base.rmsf_nm / rmsf)
    assert np.sqrt((error**2).mean()) < 0.06 and np.abs(error).max() < 0.2
    pairs = np.array([(i, j) for i in range(0, n, 5) for j in range(i + 1, n, 7)])
    blocks = exact.reshape(n, 3, n, 3)
    product = np.einsum("pdd->p", blocks[pairs[:, 0], :, pairs[:, 1]])
    correlation = product / (rmsf[pairs[:, 0]] * rmsf[pairs[:, 1]])
    assert np.abs(base.correlations(pairs) - correlation).max() < 0.2
    unit = base.points_nm[pairs[:, 1]] - base.points_nm[pairs[:, 0]]
    unit /= np.linalg.norm(unit, axis=1)[:, None]
    i, j = pairs.T
    spread = blocks[i, :, i] + blocks[j, :, j] - blocks[i, :, j] - blocks[j, :, i]
    exact_spread = np.sqrt(np.einsum("pd,pde,pe->p", unit, spread, unit))
    assert np.abs(np.log(base.distance_spreads_nm(pairs) / exact_spread)).max() < 0.25


def test_the_same_complex_gives_the_same_numbers(base, make):
    again = BaseMotion.of(make.read("pdb1ejg.pdb"))
    assert np.array_equal(again.moves, base.moves) and np.array_equal(again.rotations, base.rotations)


def test_every_block_has_an_atom_of_its_own(make):
    molecule = make.read("1hvr")
    base = BaseMotion.of(molecule)
    assert np.array_equal(base.blocks.atom_block[base.atoms], np.arange(base.blocks.n_blocks))
    protein = molecule.residue_kind[base.blocks.block_residue] == "protein"
    assert (molecule.atom_name[base.atoms[protein]] == "CA").all()
