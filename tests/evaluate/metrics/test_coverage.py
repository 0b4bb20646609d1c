from __future__ import annotations

import mdtraj
import numpy as np
import pytest

from unfreeze.evaluate.frames import AlignedPair, Side
from unfreeze.evaluate.measure import measure
from unfreeze.evaluate.metric import NotMeasurableError
from unfreeze.evaluate.metrics import coverage
from unfreeze.evaluate.metrics.coverage import COVERAGE, RECALL_RMSD_A, BlockMinima, fitted_rmsd_nm, global_atoms
from unfreeze.evaluate.protocol import Options
from unfreeze.structure.geometry import rotation_matrices, superpose


def value(metric, ensemble, reference):
    found = metric.measure(ensemble, reference)
    return found.statistic(found.ensemble.at(), found.reference.at())


def conformations(make):
    """A helix and a strand of 20 alanines, some 15 Å apart in RMSD."""
    helix, strand = make.peptide(20, phi=-60.0, psi=-45.0), make.peptide(20)
    return helix, np.stack([helix.coordinates_nm, strand.coordinates_nm])


def test_rmsd_after_fit_is_that_of_mdtraj_and_kabsch():
    rng = np.random.default_rng(0)
    base = rng.normal(size=(30, 3))
    frames, targets = (base + rng.normal(scale=s, size=(n, 30, 3)) for n, s in ((7, 0.3), (5, 1.0)))
    turned = np.einsum("fij,faj->fai", rotation_matrices(rng.normal(size=(7, 3))), frames) + rng.normal(size=(7, 1, 3))
    found = fitted_rmsd_nm(turned, targets)
    for k, target in enumerate(targets):
        fitted = superpose(turned, target)
        assert found[:, k] == pytest.approx(np.sqrt(((fitted - target) ** 2).sum(axis=-1).mean(axis=-1)), abs=1e-9)
    theirs = mdtraj.rmsd(mdtraj.Trajectory(turned, None), mdtraj.Trajectory(targets[:1], None))
    assert found[:, 0] == pytest.approx(theirs, abs=1e-4)


def test_rmsd_knows_hands_and_identity():
    points = np.random.default_rng(1).normal(size=(1, 12, 3))
    assert fitted_rmsd_nm(points, points) == 0.0
    assert fitted_rmsd_nm(points * [1.0, 1.0, -1.0], points) > 0.3
    line = np.zeros((1, 5, 3))
    line[0, :, 0] = np.arange(5)
    assert fitted_rmsd_nm(line[..., [1, 0, 2]], line) == pytest.approx(0.0, abs=1e-6)


def test_coverage_by_construction(make):
    molecule, both = conformations(make)
    reference = Side.of(molecule, both)
    assert value(COVERAGE, reference, reference) == 1.0
    assert value(RECALL_RMSD_A, reference, reference) == 0.0
    only_helix = Side.of(molecule, np.repeat(both[:1], 40, axis=0))
    assert value(COVERAGE, only_helix, reference) == 0.5
    apart = fitted_rmsd_nm(both[:1, global_atoms(molecule)], both[1:, global_atoms(molecule)]).item()
    assert value(RECALL_RMSD_A, only_helix, reference) == pytest.approx(10.0 * apart / 2.0, rel=1e-6)


@pytest.mark.parametrize(("n_frames", "expected"), [(1000, 1.0), (1001, 0.5)])
def test_one_in_a_thousand_frames_is_enough(make, n_frames, expected):
    molecule, both = conformations(make)
    frames = np.repeat(both[:1], n_frames, axis=0)
    frames[17] = both[1]
    assert value(COVERAGE, Side.of(molecule, frames), Side.of(molecule, both)) == expected


def test_weights_of_both_sides_count(make):
    molecule, both = conformations(make)
    no_strand = Side.of(molecule, both, np.array([1.0, 0.0]))
    mostly_strand = Side.of(molecule, both, np.array([1.0, 3.0]))
    assert value(COVERAGE, no_strand, mostly_strand) == 0.25
    assert value(RECALL_RMSD_A, no_strand, mostly_strand) > 7.0
    assert value(COVERAGE, mostly_strand, no_strand) == 1.0


def test_many_reference_frames_are_thinned(make, monkeypatch):
    molecule, both = conformations(make)
    reference = Side.of(molecule, np.repeat(both, [60, 20], axis=0))
    monkeypatch.setattr(coverage, "MOST_STATES", 8)
    found = COVERAGE.measure(Side.of(molecule, both[:1]), reference)
    assert found.reference.at()[0].shape == (8,)
    assert found.statistic(found.ensemble.at(), found.reference.at()) == 0.75


def test_minima_over_drawn_blocks():
    minima = BlockMinima(np.array([[3.0, 1.0], [2.0, 5.0], [0.0, 4.0]]))
    assert minima.at().tolist() == [0.0, 1.0]
    assert minima.at(np.array([2, 1, 0])).tolist() == [2.0, 1.0]


def test_intervals_and_a_calpha_trace(make):
    molecule, both = conformations(make)
    trace = molecule.take_atoms(molecule.atom_name == "CA")
    alpha = molecule.atom_of_residue("CA")
    rng = np.random.default_rng(3)
    ensemble, reference = (
        Side.of(trace, both[rng.integers(2, size=60)][:, alpha] + rng.normal(scale=0.05, size=(60, 20, 3)))
        for _ in range(2)
    )
    estimate = measure(RECALL_RMSD_A, AlignedPair(ensemble, reference), Options())
    assert 0.0 < estimate.low < estimate.value < estimate.high < 2.0
    few = trace.take_residues(np.arange(2))
    with pytest.raises(NotMeasurableError, match="at least 3 backbone atoms that both have, found 2"):
        COVERAGE.measure(Side.of(few, np.zeros((1, 2, 3))), Side.of(few, np.zeros((1, 2, 3))))
