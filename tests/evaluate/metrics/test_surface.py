"""Exposure of residues and solvent-accessible surface: functions against their definitions, metrics against facts."""

from __future__ import annotations

from types import SimpleNamespace

import mdtraj
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unfreeze.evaluate.frames import AlignedPair, Side
from unfreeze.evaluate.measure import measure, measure_all
from unfreeze.evaluate.metric import Metric, NotMeasurableError
from unfreeze.evaluate.metrics.exposure import (
    EXPOSED_RESIDUES_JACCARD,
    EXPOSURE_MI_R,
    EXPOSURE_PROBABILITY_MAE,
    exposure,
    mutual_information,
    native_exposure,
    side_chain_residues,
    surface_frames,
)
from unfreeze.evaluate.metrics.surface_area import (
    RESIDUE_SASA_R,
    SASA_MEAN,
    SASA_W1,
    residue_areas_nm2,
    total_areas_nm2,
)
from unfreeze.evaluate.protocol import Options
from unfreeze.structure.complex import Complex

_ALL = (EXPOSED_RESIDUES_JACCARD, EXPOSURE_MI_R, EXPOSURE_PROBABILITY_MAE, SASA_W1, SASA_MEAN, RESIDUE_SASA_R)


def _value(metric: Metric, ensemble: Side, reference: Side) -> float:
    found = metric.measure(ensemble, reference)
    return found.statistic(found.ensemble.at(), found.reference.at())


def _shaken(molecule: Complex, n_frames: int, scale_nm: float, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(scale=scale_nm, size=(n_frames, molecule.n_atoms, 3))
    return (molecule.coordinates_nm + noise).astype(np.float32)


@pytest.fixture(scope="module")
def protein(make):
    molecule = make.read("1hvr")
    return molecule.take_residues(np.flatnonzero((molecule.chain_index == 0) & (molecule.residue_kind == "protein")))


@pytest.fixture(scope="module")
def sides(protein):
    reference, ensemble = (
        Side.of(protein, _shaken(protein, n, scale, seed)) for n, scale, seed in ((40, 0.04, 1), (20, 0.02, 2))
    )
    return SimpleNamespace(reference=reference, ensemble=ensemble)


def _information_by_loops(exposed: np.ndarray, weights: np.ndarray) -> np.ndarray:
    n = exposed.shape[1]
    found = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            for a in (False, True):
                for b in (False, True):
                    both = weights[(exposed[:, i] == a) & (exposed[:, j] == b)].sum()
                    apart = weights[exposed[:, i] == a].sum() * weights[exposed[:, j] == b].sum()
                    if both > 0 and i != j:
                        found[i, j] += both * np.log(both / apart)
    return found


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n_frames=st.integers(1, 30), n_residues=st.integers(1, 6))
def test_mutual_information_is_what_the_loops_give(seed, n_frames, n_residues):
    rng = np.random.default_rng(seed)
    exposed = rng.random((n_frames, n_residues)) < rng.random(n_residues)
    weights = rng.random(n_frames) + 0.01
    found = mutual_information(exposed, weights)
    assert np.allclose(found, _information_by_loops(exposed, weights / weights.sum()), atol=1e-10)
    assert np.array_equal(found, found.T) and (found >= 0.0).all() and not np.diag(found).any()
    # what is called exposed and what buried does not matter
    flipped = exposed ^ (rng.random(n_residues) < 0.5)
    assert np.allclose(mutual_information(flipped, weights), found, atol=1e-10)


def test_mutual_information_of_independent_equal_and_constant_residues():
    first = np.array([0, 0, 1, 1, 0, 0, 1, 1, 0, 0], dtype=bool)[:8]
    second = np.array([0, 1, 0, 1, 0, 1, 0, 1], dtype=bool)
    rare = np.array([0, 0, 0, 0, 0, 0, 1, 1], dtype=bool)
    never = np.zeros(8, dtype=bool)
    found = mutual_information(np.stack([first, second, first, ~rare, rare, never, ~never], axis=1))
    assert found[0, 1] == 0.0
    assert found[0, 2] == pytest.approx(np.log(2.0))
    assert found[3, 4] == pytest.approx(-(0.25 * np.log(0.25) + 0.75 * np.log(0.75)))
    assert not found[5:].any()


def test_rounding_does_not_inform():
    # a third is no binary fraction: probabilities that should multiply out do so to within 1e-17 only
    one, other = np.meshgrid(np.arange(3) == 0, np.arange(7) < 2)
    exposed = np.stack([one.ravel(), other.ravel(), np.ones(21, dtype=bool)], axis=1)
    assert not mutual_information(exposed).any()


def test_weights_count_as_repeated_frames():
    rng = np.random.default_rng(4)
    exposed = rng.random((10, 5)) < 0.4
    copies = rng.integers(1, 4, 10)
    assert np.allclose(
        mutual_information(exposed, copies.astype(float)), mutual_information(exposed.repeat(copies, axis=0))
    )


def test_a_residue_is_exposed_where_mdtraj_gives_its_side_chain_more_than_the_threshold(protein, sides):
    found = sides.ensemble.once(exposure)
    topology = mdtraj.Topology()
    residue = topology.add_residue("X", topology.add_chain())
    for symbol in protein.element:
        topology.add_atom("X", mdtraj.element.get_by_symbol(str(symbol).capitalize()), residue)
    frame = mdtraj.Trajectory(sides.ensemble.frames_nm[7:8], topology)
    areas = mdtraj.shrake_rupley(frame, probe_radius=0.28)[0]
    backbone = np.isin(protein.atom_name, ["CA", "C", "N", "O", "OXT"])
    of_residue = np.bincount(protein.residue_index[~backbone], areas[~backbone], minlength=protein.n_residues)
    assert np.array_equal(found.values[7] == 1.0, of_residue > 0.02)
    glycine = protein.residue_name == "GLY"
    assert glycine.any() and not found.values[:, glycine].any()
    assert np.array_equal(side_chain_residues(protein) == -1, backbone)


def test_ligands_shade_but_are_not_exposed(make):
    molecule = make.read("1hvr")
    ligand = molecule.residue_kind == "ligand"
    assert ligand.any() and (side_chain_residues(molecule)[ligand[molecule.residue_index]] == -1).all()
    whole = native_exposure(molecule)
    assert not whole[ligand].any()
    apart = native_exposure(molecule.take_residues(np.flatnonzero(~ligand)))
    assert (whole[~ligand] <= apart).all() and whole[~ligand].sum() < apart.sum()


def test_identical_ensembles_agree_perfectly(sides):
    side = sides.reference
    for metric in _ALL:
        if metric.perfect is not None:
            assert _value(metric, side, side) == pytest.approx(metric.perfect, abs=1e-12)
    found = SASA_MEAN.measure(side, side)
    assert found.own is not None
    assert found.statistic(found.ensemble.at(), found.reference.at()) == found.own(found.reference.at())


def test_different_ensembles_do_not_and_have_intervals(protein, sides):
    found = measure_all(_ALL, AlignedPair(sides.ensemble, sides.reference), Options(n_bootstrap=20))
    for metric in _ALL:
        estimate = found[metric.name]
        assert estimate.value is not None and estimate.low is not None and estimate.high is not None
        assert estimate.value != metric.perfect
        assert metric.bounds[0] <= estimate.low <= estimate.value <= estimate.high <= metric.bounds[1]
    # every atom jiggled further shows more surface
    mean = found["sasa_mean_nm2"]
    assert mean.reference is not None and mean.value is not None
    assert found["sasa_w1_nm2"].value == pytest.approx(mean.reference - mean.value, rel=0.2)


def test_jaccard_and_error_are_those_of_the_probabilities(protein, sides):
    with_side_chain = np.unique(side_chain_residues(protein)[side_chain_residues(protein) >= 0])
    ours, theirs = (
        side.once(exposure).values.mean(axis=0)[with_side_chain] for side in (sides.ensemble, sides.reference)
    )
    error = _value(EXPOSURE_PROBABILITY_MAE, sides.ensemble, sides.reference)
    assert error == pytest.approx(np.abs(ours - theirs).mean())
    buried = ~native_exposure(protein)[with_side_chain]
    one, other = buried & (ours > 0.1), buried & (theirs > 0.1)
    assert 0 < (one & other).sum() < (one | other).sum()
    expected = (one & other).sum() / (one | other).sum()
    assert _value(EXPOSED_RESIDUES_JACCARD, sides.ensemble, sides.reference) == pytest.approx(expected)


def test_weights_of_frames_are_honoured(protein, sides):
    frames = sides.ensemble.frames_nm
    weights = np.zeros(len(frames))
    weights[[2, 5]] = [3.0, 1.0]
    weighted = Side.of(protein, frames, weights)
    repeated = Side.of(protein, frames[[2, 2, 2, 5]])
    for metric in _ALL:
        one, other = (_value(metric, side, sides.reference) for side in (weighted, repeated))
        assert one == pytest.approx(other, rel=1e-9)


def test_areas_add_up(protein, sides):
    residues = sides.ensemble.once(residue_areas_nm2).values
    assert residues.shape == (20, protein.n_residues)
    total = sides.ensemble.once(total_areas_nm2).values
    assert np.allclose(total, residues.sum(axis=1))
    radius_nm = np.sqrt(total.mean() / (4.0 * np.pi))
    assert 2.0 < radius_nm < 3.0  # 99 residues of a dimer's chain, some 65 nm²


def test_frames_are_few_and_spread_out(make):
    molecule = make.peptide(4)
    side = Side.of(molecule, np.repeat(molecule.coordinates_nm[None], 3000, axis=0))
    chosen, weights = surface_frames(side, 1000)
    assert len(chosen) == 1000 and set(np.diff(chosen)) == {3} and np.allclose(weights, 1e-3)


def test_what_cannot_be_measured_says_why(protein, make):
    backbone = protein.take_atoms(np.isin(protein.atom_name, ["CA", "C", "N", "O", "CB"]))
    side = Side.of(backbone, _shaken(backbone, 5, 0.02))
    for metric in _ALL:
        with pytest.raises(NotMeasurableError, match="no side chains are in both"):
            metric.measure(side, side)
    still = Side.of(protein, np.repeat(protein.coordinates_nm[None], 5, axis=0))
    with pytest.raises(NotMeasurableError, match="no buried residue is exposed in more than 10% of either side"):
        EXPOSED_RESIDUES_JACCARD.measure(still, still)
    with pytest.raises(NotMeasurableError, match="no residues of the reference"):
        EXPOSURE_MI_R.measure(still, still)
    one = Side.of(protein, _shaken(protein, 1, 0.02))
    assert measure(EXPOSURE_MI_R, AlignedPair(one, one), Options()).reason.startswith("needs at least 2 frames")
    alanines = make.peptide(3)
    bare = Side.of(alanines, _shaken(alanines, 5, 0.001))
    with pytest.raises(NotMeasurableError, match="no residue is buried"):
        EXPOSED_RESIDUES_JACCARD.measure(bare, bare)
