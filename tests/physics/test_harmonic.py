"""Draws from the harmonic ensemble against the dense inverse, thermodynamics and symmetry; and the timescale's law."""

from __future__ import annotations

import numpy as np
import pytest

from unfreeze.physics.harmonic import GAS_CONSTANT, HarmonicEnsemble, rigid_motions
from unfreeze.physics.springs import find_springs
from unfreeze.physics.timescale import REFERENCE_TIME_NS, stiffness_scale
from unfreeze.structure.blocks import partition

TETHERS = {"translation_tether": 20.0, "rotation_tether": 30.0}


def _ensemble(molecule, **options):
    blocks = partition(molecule)
    return HarmonicEnsemble.build(molecule, blocks, find_springs(molecule, blocks), **options)


def _noise(ensemble, n, seed=0):
    return np.random.default_rng(seed).standard_normal((ensemble.n_noise, n))


def _remover(centres):
    """Matrix [6n, 6n] that takes from block displacements the rigid motion that fits the centres best."""
    n = len(centres)
    arms = centres - centres.mean(axis=0)
    motions = np.zeros((n, 3, 6))
    for k in range(3):
        unit = np.eye(3)[k]
        motions[:, :, k] = unit
        motions[:, :, 3 + k] = np.cross(unit, arms)
    flat = motions.reshape(3 * n, 6)
    fit = np.linalg.lstsq(flat, np.eye(3 * n), rcond=None)[0]
    matrix = np.eye(6 * n).reshape(n, 6, n, 6)
    translations = np.eye(6 * n).reshape(n, 6, 6 * n)[:, :3].reshape(3 * n, 6 * n)
    whole = fit @ translations
    matrix = matrix.reshape(n, 6, 6 * n)
    matrix[:, :3] -= (flat @ whole).reshape(n, 3, 6 * n)
    matrix[:, 3:] -= whole[3:]
    return matrix.reshape(6 * n, 6 * n)


def test_the_covariance_of_draws_is_kt_times_the_inverse(make):
    ensemble = _ensemble(make.peptide(6, -62, -42), temperature_K=310.0, **TETHERS)
    n = 40_000
    draws = ensemble.draw(_noise(ensemble, n)).reshape(n, -1)
    remover = _remover(ensemble.centre_nm)
    expected = remover @ np.linalg.inv(ensemble.precision.toarray()) @ remover.T * GAS_CONSTANT * 310.0
    sampled = draws.T @ draws / n
    # sampling error of a covariance of Gaussians: var(C_ij) = (C_ii C_jj + C_ij²) / n
    error = np.sqrt((np.outer(np.diag(expected), np.diag(expected)) + expected**2) / n)
    deviation = (sampled - expected) / error
    assert np.abs(deviation).max() < 5.0
    assert 0.8 < deviation.std() < 1.2
    assert np.abs(draws.mean(axis=0) / np.sqrt(np.diag(expected) / n)).max() < 5.0


def test_every_degree_of_freedom_holds_half_kt(make):
    """Equipartition: 6 n − 6 of them when the tethers are slight and the motions of the whole are out."""
    ensemble = _ensemble(make.peptide(8, -62, -42), temperature_K=250.0)
    n = 4000
    draws = ensemble.draw(_noise(ensemble, n, 1)).reshape(n, -1)
    energy = 0.5 * np.einsum("fi,fi->f", draws, (ensemble.precision @ draws.T).T)
    freedom = 6 * ensemble.n_blocks - 6
    half_kt = 0.5 * 8.314462618e-3 * 250.0
    assert energy.mean() / half_kt == pytest.approx(freedom, abs=4.0 * np.sqrt(2.0 * freedom / n))
    assert energy.var() / half_kt**2 == pytest.approx(2.0 * freedom, rel=0.15)


def test_draws_grow_with_the_root_of_temperature_and_shrink_with_stiffness(make):
    molecule = make.peptide(6)
    cold = _ensemble(molecule, temperature_K=100.0, **TETHERS)
    hot = _ensemble(molecule, temperature_K=400.0, **TETHERS)
    stiff = _ensemble(molecule, temperature_K=100.0, stiffness_scale=9.0, **TETHERS)
    noise = _noise(cold, 10)
    base = cold.draw(noise)
    assert np.allclose(hot.draw(noise), 2.0 * base, rtol=1e-9, atol=1e-12)
    assert np.allclose(stiff.draw(noise), base / 3.0, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("n_residues", (3, 12))
def test_draws_hold_no_motion_of_the_whole(make, n_residues):
    ensemble = _ensemble(make.peptide(n_residues))
    moves = ensemble.draw(_noise(ensemble, 20))
    arms = ensemble.centre_nm - ensemble.centre_nm.mean(axis=0)
    size = np.abs(moves).max()
    assert np.abs(moves[..., :3].mean(axis=1)).max() < 1e-9 * size
    assert np.abs(np.cross(arms, moves[..., :3]).sum(axis=1)).max() < 1e-9 * size
    motions = rigid_motions(ensemble.centre_nm)
    assert np.abs(moves[..., :3].reshape(20, -1) @ motions).max() < 1e-8 * size


def test_rotations_lose_the_turn_of_the_whole_too(make):
    """A stiff body that turns as one: after removal hardly anything is left, in translations or in rotations."""
    molecule = make.peptide(12, -62, -42)
    stiff = _ensemble(molecule, stiffness_scale=1e8, translation_tether=1e-6, rotation_tether=1e-6)
    moves = stiff.draw(_noise(stiff, 10))
    # tethers of 1 kJ/mol/nm² alone would leave turns of a radian
    assert np.abs(moves).max() < 0.01


def test_a_draw_depends_on_its_own_noise_only(make):
    ensemble = _ensemble(make.peptide(12))
    noise = _noise(ensemble, 9)
    together = ensemble.draw(noise)
    for columns in (slice(0, 1), slice(4, 5), slice(2, 7)):
        assert np.array_equal(ensemble.draw(np.ascontiguousarray(noise[:, columns])), together[columns])


def test_solving_inverts_the_matrix(make):
    ensemble = _ensemble(make.read("pdb1ejg.pdb"))
    forces = np.random.default_rng(4).normal(size=(6 * ensemble.n_blocks, 3))
    forces -= forces.mean()
    back = ensemble.precision @ ensemble.solve(forces)
    assert np.abs(back - forces).max() < 1e-6 * np.abs(ensemble.solve(forces)).max() * 100


@pytest.mark.parametrize("what", ("one atom", "one residue", "two ions", "two residues", "three ions in a row"))
def test_the_smallest_systems_stay_finite_and_moderate(make, what):
    molecule = {
        "one atom": lambda: make.ions([[0.0, 0.0, 0.0]]),
        "one residue": lambda: make.peptide(1),
        "two ions": lambda: make.ions([[0.0, 0.0, 0.0], [0.0, 0.0, 0.5]]),
        "two residues": lambda: make.peptide(2),
        "three ions in a row": lambda: make.ions([[0.0, 0.0, 0.0], [0.0, 0.0, 0.5], [0.0, 0.0, 1.0]]),
    }[what]()
    ensemble = _ensemble(molecule, **TETHERS)
    moves = ensemble.draw(_noise(ensemble, 200))
    assert moves.shape == (200, ensemble.n_blocks, 6)
    assert np.isfinite(moves).all()
    assert np.abs(moves[..., :3]).max() < 1.5
    assert np.abs(moves[..., :3].sum(axis=1)).max() < 1e-9


def test_the_loose_end_moves_more_than_the_core(make):
    molecule = make.read("pdb1ubi.pdb")
    ensemble = _ensemble(molecule)
    spread = ensemble.draw(_noise(ensemble, 200))[..., :3].std(axis=0).mean(axis=1)
    core = spread[np.r_[2:6, 25:33, 40:45, 66:70]].mean()
    assert spread[-1] > 3.0 * core and spread[-2] > 2.0 * core


def test_longer_times_soften_the_springs():
    times = np.geomspace(1e-3, 1e6, 50)
    scale = np.array([stiffness_scale(float(time)) for time in times])
    assert stiffness_scale(REFERENCE_TIME_NS) == 1.0
    assert (np.diff(scale) < 0.0).all() and (scale > 0.0).all()
    # a power law: equal factors of time, equal factors of stiffness
    assert np.allclose(scale[1:] / scale[:-1], scale[1] / scale[0])
    assert stiffness_scale(1000.0) / stiffness_scale(1.0) == pytest.approx(1000.0**-0.18)


@pytest.mark.parametrize("time", (0.0, -1.0, float("nan")))
def test_a_time_that_is_none_is_refused(time):
    with pytest.raises(ValueError, match="timescale_ns"):
        stiffness_scale(time)
