"""Learned elasticity: amplitudes are reached, within the error that is stated, and the network stays a network."""

from __future__ import annotations

import numpy as np
import pytest

from unfreeze.model.base_motion import BaseMotion
from unfreeze.model.elasticity import MAX_SOFTNESS, match_amplitudes
from unfreeze.physics.harmonic import rigid_motions
from unfreeze.physics.springs import SpringConstants


@pytest.fixture(scope="module")
def protease(make):
    return BaseMotion.of(make.read("1hvr"))


@pytest.fixture(scope="module")
def is_protein(protease):
    return protease.molecule.residue_kind[protease.blocks.block_residue] == "protein"


@pytest.fixture(scope="module")
def correction(protease):
    """A change of log RMSF that varies over 1 nm: a fifth on average, by a fifth."""
    random = np.random.default_rng(4)
    apart = ((protease.points_nm[:, None] - protease.points_nm[None]) ** 2).sum(axis=2)
    smooth = np.exp(-0.5 * apart / 1.0**2) @ random.standard_normal(protease.blocks.n_blocks)
    return 0.2 * (smooth - smooth.mean()) / smooth.std() + 0.2


@pytest.fixture(scope="module")
def matched(protease, is_protein, correction):
    return match_amplitudes(protease, protease.rmsf_nm * np.exp(correction), wanted=is_protein)


def _log_rmsf(base, ensemble, n_draws=800):
    """By other random numbers than those of the matching."""
    noise = np.random.default_rng(11).standard_normal((ensemble.n_noise, n_draws))
    moves = ensemble.draw(noise)
    points = moves[..., :3] + np.cross(moves[..., 3:], base.points_nm - base.blocks.centre_nm)
    return 0.5 * np.log((points**2).sum(axis=2).mean(axis=0))


def test_the_amplitudes_asked_for_are_reached_within_the_stated_error(protease, is_protein, correction, matched):
    reached = _log_rmsf(protease, matched.ensemble) - _log_rmsf(protease, protease.ensemble)
    error = np.sqrt(((reached - correction)[is_protein] ** 2).mean())
    assert matched.rms_log_error < 0.07 < 0.3 * np.sqrt((correction**2).mean())
    assert error < matched.rms_log_error + 0.02
    # and in nanometres: the untrained RMSF itself is an estimate from 200 draws
    asked = np.log(protease.rmsf_nm) + correction
    error = np.sqrt(((_log_rmsf(protease, matched.ensemble) - asked)[is_protein] ** 2).mean())
    assert error < matched.rms_log_error + 0.05


def test_only_contacts_and_torsions_change_and_by_the_softness_of_their_ends(protease, matched):
    springs, before = matched.springs, protease.springs
    assert np.array_equal(springs.atoms, before.atoms)
    change = springs.stiffness / before.stiffness
    chain = slice(before.n_contact, before.n_contact + before.n_chain)
    covalent = np.zeros(len(change), dtype=bool)
    covalent[chain] = before.stiffness[chain] > 10.0 * SpringConstants().torsion
    assert covalent.sum() > 5 * protease.blocks.n_blocks
    assert (change[covalent] == 1.0).all()
    ends = protease.blocks.atom_block[before.atoms]
    expected = np.exp(-matched.softness[ends].sum(axis=1))
    assert change[~covalent] == pytest.approx(expected[~covalent])
    assert np.abs(matched.softness).max() <= MAX_SOFTNESS


def test_the_covariance_is_positive_and_rigid_motions_are_free(protease, matched):
    ensemble = matched.ensemble
    precision = ensemble.precision.toarray()
    assert np.abs(precision - precision.T).max() < 1e-8 * np.abs(precision).max()
    np.linalg.cholesky(precision)  # raises if it is not definite
    n = ensemble.n_blocks
    motions = np.zeros((n, 6, 6))
    motions[:, :3] = rigid_motions(ensemble.centre_nm).reshape(n, 3, 6)
    motions[:, 3:, 3:] = np.eye(3)
    motions = motions.reshape(6 * n, 6)
    springs_alone = precision - np.diag(ensemble.tether.ravel())
    energy = np.einsum("im,im->m", motions, springs_alone @ motions)
    assert np.abs(energy).max() < 1e-9 * np.abs(precision).max() * (motions**2).sum()
    drawn = ensemble.draw(np.random.default_rng(0).standard_normal((ensemble.n_noise, 3)))
    assert np.abs(drawn[..., :3].reshape(3, -1) @ rigid_motions(ensemble.centre_nm)).max() < 1e-9


def test_asking_for_what_is_there_changes_nothing(protease):
    matched = match_amplitudes(protease, protease.rmsf_nm)
    assert matched.rms_log_error < 1e-9 and np.abs(matched.softness).max() < 1e-9
    assert matched.springs.stiffness == pytest.approx(protease.springs.stiffness)


def test_temperature_is_in_the_draws_and_not_in_the_springs(protease):
    matched = match_amplitudes(protease, protease.rmsf_nm * np.sqrt(360.0 / 300.0), temperature_K=360.0)
    assert np.abs(matched.softness).max() < 1e-9 and matched.ensemble.temperature_K == 360.0


def test_what_is_not_asked_for_follows_what_it_touches_and_else_begins_as_told(make):
    ligand_far = make.merge(
        make.peptide(10, -62, -42), make.moved(make.ions([[0.0, 0.0, 0.0]]), [9.0, 0.0, 0.0]), chains=["A", "I"]
    )
    base = BaseMotion.of(ligand_far)
    wanted = np.arange(base.blocks.n_blocks) < 10
    matched = match_amplitudes(base, base.rmsf_nm, wanted=wanted, initial_softness=-0.1, n_iterations=1)
    assert matched.rms_log_error < 0.1
    assert matched.softness[10] == pytest.approx(-0.1, abs=0.1)
    softer = match_amplitudes(base, 1.5 * base.rmsf_nm, wanted=wanted, n_iterations=3)
    assert softer.softness[:10].mean() > 0.2


def test_threads_change_nothing(protease, is_protein, correction, matched):
    again = match_amplitudes(protease, protease.rmsf_nm * np.exp(correction), wanted=is_protein, n_threads=3)
    assert np.array_equal(again.softness, matched.softness)
    assert np.array_equal(again.springs.stiffness, matched.springs.stiffness)


def test_factors_on_single_springs_are_taken_along(protease, is_protein):
    random = np.random.default_rng(0)
    factors = 0.5 * random.standard_normal(len(protease.springs.stiffness))
    matched = match_amplitudes(protease, protease.rmsf_nm, wanted=is_protein, log_factors=factors, n_iterations=2)
    assert matched.rms_log_error < 0.05
    ratio = matched.springs.stiffness / protease.springs.stiffness
    contact = slice(0, protease.springs.n_contact)
    assert np.corrcoef(np.log(ratio[contact]), factors[contact])[0, 1] > 0.9
