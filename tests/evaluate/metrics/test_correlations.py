"""Cross-correlations, distance deviations and radii of gyration against the plain functions and loops."""

from __future__ import annotations

import numpy as np
import pytest

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metrics import correlations, pair_distances
from unfreeze.evaluate.metrics.correlations import DCCM_R, dccm_of
from unfreeze.evaluate.metrics.pair_distances import DISTANCE_SD_R, distance_moments, distance_sd_nm
from unfreeze.evaluate.metrics.shape import RG_MEAN_A, RG_W1_A, gyration_radii, masses
from unfreeze.structure.observables.motion import dccm


def _value(metric, ensemble, reference):
    found = metric.measure(ensemble, reference)
    return found.statistic(found.ensemble.at(), found.reference.at())


def _side(molecule, seed, n_frames=60, shift=0.0):
    generator = np.random.default_rng(seed)
    modes = generator.normal(size=(3, molecule.n_atoms, 3))
    moves = 0.05 * np.einsum("fm,mik->fik", generator.normal(size=(n_frames, 3)), modes)
    moves += 0.03 * generator.normal(size=moves.shape)
    return Side.of(molecule, molecule.coordinates_nm + moves + shift, generator.random(n_frames))


@pytest.mark.parametrize("shift", [0.0, 2.0])
def test_dccm_is_the_plain_one(make, shift):
    molecule = make.peptide(10)
    side = _side(molecule, 0, shift=shift)
    expected = dccm(side.frames_nm[:, molecule.representative_atoms()], side.weights)
    assert dccm_of(side) == pytest.approx(expected, abs=1e-5)


def test_dccm_r_is_over_the_upper_triangle(make):
    molecule = make.peptide(10)
    one, other = _side(molecule, 1), _side(molecule, 2)
    upper = np.triu_indices(10, 1)
    expected = np.corrcoef(dccm_of(one)[upper], dccm_of(other)[upper])[0, 1]
    assert _value(DCCM_R, one, other) == pytest.approx(expected, abs=1e-9)


def test_an_atom_that_stands_still_correlates_with_none(make):
    molecule = make.peptide(6)
    frames = np.array(_side(molecule, 3).frames_nm)
    atom = molecule.representative_atoms()[2]
    frames[:, atom] = molecule.coordinates_nm[atom]
    found = dccm_of(Side.of(molecule, frames))
    assert np.array_equal(found[2], np.eye(6)[2])
    assert np.abs(found[0, 1]) > 0.01


def test_many_atoms_are_thinned_evenly(make, monkeypatch):
    molecule = make.peptide(12)
    one, other = _side(molecule, 4), _side(molecule, 5)
    kept = molecule.representative_atoms()[1::3]
    few = molecule.take_atoms(kept)
    sides = [Side.of(few, side.frames_nm[:, kept], side.weights) for side in (one, other)]
    monkeypatch.setattr(correlations, "MAX_ATOMS", 4)
    assert _value(DCCM_R, one, other) == pytest.approx(_value(DCCM_R, *sides), abs=1e-6)
    kept = molecule.representative_atoms()[::2][: 12 // 2] + 5  # the middle one of every two
    few = molecule.take_atoms(kept)
    sides = [Side.of(few, side.frames_nm[:, kept], side.weights) for side in (one, other)]
    monkeypatch.setattr(pair_distances, "MAX_ATOMS", 6)
    assert _value(DISTANCE_SD_R, one, other) == pytest.approx(_value(DISTANCE_SD_R, *sides), abs=1e-6)


def test_distance_deviations_against_loops(make):
    molecule = make.peptide(9)
    side = _side(molecule, 6)
    points = side.frames_nm[:, molecule.representative_atoms()].astype(float)
    expected = []
    for i in range(9):
        for j in range(i + 3, 9):
            distance = np.linalg.norm(points[:, i] - points[:, j], axis=1)
            mean = side.weights @ distance
            expected.append(np.sqrt(side.weights @ (distance - mean) ** 2))
    assert distance_sd_nm(*side.once(distance_moments).at()) == pytest.approx(np.array(expected), rel=1e-4)


def test_distances_do_not_feel_the_motion_of_the_whole(make):
    molecule = make.peptide(9)
    one, reference = _side(molecule, 7), _side(molecule, 8)
    drift = np.random.default_rng(9).normal(size=(one.n_frames, 1, 3))
    drifting = Side.of(molecule, one.frames_nm + drift, one.weights)
    expected = _value(DISTANCE_SD_R, one, reference)
    assert _value(DISTANCE_SD_R, drifting, reference) == pytest.approx(expected, abs=1e-4)


def test_radius_of_gyration_is_weighted_by_mass(make):
    molecule = make.assemble([
        ("A", "GLY", "protein", ("CA",), [0, 0, 0]), ("A", "GLY", "protein", ("CA",), [0.38, 0, 0]),
        ("L", "LIG", "ligand", ("S1",), [0.0, 2.0, 0]),
    ])  # fmt: skip
    assert masses(molecule) == pytest.approx([12.011, 12.011, 32.06], abs=0.01)
    mass, points = masses(molecule), molecule.coordinates_nm
    centre = mass @ points / mass.sum()
    expected = np.sqrt(mass @ ((points - centre) ** 2).sum(axis=1) / mass.sum())
    side = Side.of(molecule, np.stack([points, 100.0 + points, 2.0 * points]))
    assert gyration_radii(side).values == pytest.approx([expected, expected, 2.0 * expected], rel=1e-5)


def test_radius_of_gyration_of_a_trace_is_not(make):
    molecule = make.peptide(5).take_atoms(make.peptide(5).representative_atoms())
    points = molecule.coordinates_nm
    expected = np.sqrt(((points - points.mean(axis=0)) ** 2).sum(axis=1).mean())
    assert gyration_radii(Side.of(molecule, points[None])).values == pytest.approx([expected], rel=1e-6)


def test_distance_of_radii_is_the_shift_of_their_distribution(make):
    molecule = make.peptide(8)
    scale = np.random.default_rng(10).uniform(0.9, 1.1, 40)
    centre = molecule.coordinates_nm.mean(axis=0)
    # about the centre of mass or of the atoms, the radius scales alike
    swell = centre + scale[:, None, None] * (molecule.coordinates_nm - centre)
    one = Side.of(molecule, swell)
    other = Side.of(molecule, centre + 1.2 * (swell - centre))
    radius = one.once(gyration_radii).values
    assert _value(RG_MEAN_A, other, one) == pytest.approx(12.0 * radius.mean(), rel=1e-5)
    assert _value(RG_W1_A, other, one) == pytest.approx(2.0 * radius.mean(), rel=1e-4)
    halves = Side.of(molecule, swell, np.repeat([1.0, 0.0], 20))
    expected = abs(radius[:20].mean() - radius[20:].mean())
    rest = Side.of(molecule, swell, np.repeat([0.0, 1.0], 20))
    assert _value(RG_MEAN_A, halves, rest) == pytest.approx(10.0 * radius[:20].mean(), rel=1e-6)
    assert _value(RG_W1_A, halves, rest) >= 10.0 * expected - 1e-6
