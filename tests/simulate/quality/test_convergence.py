"""Divergence of replicas, and what is followed of real runs."""

from __future__ import annotations

import json

import numpy as np
import pytest

from unfreeze.simulate.quality.convergence import convergence, jensen_shannon, observe, replica_divergence


def test_divergence_of_histograms():
    p = np.array([[1.0, 1.0, 0.0, 0.0], [2.0, 0.0, 0.0, 0.0]])
    assert jensen_shannon(p, 3.0 * p) == pytest.approx([0.0, 0.0])
    assert jensen_shannon(p, p[:, ::-1]) == pytest.approx([1.0, 1.0])
    # halves of (1/2, 1/2) against (1, 0): H(3/4, 1/4) - 1/2
    mixed = -(0.75 * np.log2(0.75) + 0.25 * np.log2(0.25)) - 0.5
    assert jensen_shannon(p[0], p[1]) == pytest.approx(mixed)


def test_replicas_that_agree_diverge_no_more_than_their_halves():
    rng = np.random.default_rng(0)
    found = replica_divergence([rng.normal(size=(400, 20)) for _ in range(3)])
    assert found.between_mean == pytest.approx(found.within_mean, rel=0.1)
    assert [row[k] for k, row in enumerate(found.between)] == [None] * 3
    assert found.between[0][1] == found.between[1][0]


def test_replicas_in_different_basins_diverge_far_more():
    rng = np.random.default_rng(0)
    angles = [centre + 0.3 * rng.normal(size=(400, 5)) for centre in (-1.0, 2.0)]
    found = replica_divergence(angles, circular=True)
    assert found.between_mean is not None and found.between_mean > 0.9
    assert found.within_mean < 0.1
    one = replica_divergence(angles[:1], circular=True)
    assert one.between_mean is None and one.between == [[None]]


def test_angles_at_the_cut_of_the_circle_are_neighbours():
    rng = np.random.default_rng(0)
    angles = [np.angle(np.exp(1j * (np.pi + 0.3 * rng.normal(size=2000) + turn))) for turn in (0.0, 2.0 * np.pi)]
    found = replica_divergence(angles, circular=True)
    assert found.between_mean is not None and found.between_mean < 0.05


def test_quantities_that_do_not_vary_do_not_diverge():
    found = replica_divergence([np.ones(10), np.ones(12)])
    assert found.between_mean == 0.0
    with pytest.raises(ValueError, match="fewer than two"):
        replica_divergence([np.ones(1)])


def test_real_runs_are_followed(dimer):
    seen = observe(dimer.molecule, dimer.data.coordinates_nm)
    assert list(seen.series) == ["RMSD", "contacts of chains A and B"]
    assert (seen.series["RMSD"] > 0.02).all() and (seen.series["RMSD"] < 0.5).all()
    assert (seen.series["contacts of chains A and B"] <= 1.0).all()
    # per strand of five: phi and psi of four residues each, chi1 of all but glycine and alanine
    protein = dimer.molecule.take_chains(["A"])
    n_chi1 = int((~np.isin(protein.residue_name, ["GLY", "ALA"])).sum())
    assert seen.torsions.shape == (100, 2 * (8 + n_chi1))
    start = observe(dimer.molecule, dimer.molecule.coordinates_nm[None])
    assert start.series["RMSD"][0] == pytest.approx(0.0, abs=1e-6)
    assert start.series["contacts of chains A and B"][0] == pytest.approx(1.0, abs=0.01)


def test_convergence_of_replicas_is_json(dimer):
    halves = [observe(dimer.molecule, dimer.data.coordinates_nm[rows]) for rows in (slice(0, 50), slice(50, 100))]
    found = convergence(halves)
    assert found.n_frames == [50, 50]
    assert set(found.divergence) == {"torsions", "RMSD", "contacts of chains A and B"}
    for errors in found.series.values():
        for item in errors:
            assert 1.0 <= item.inefficiency <= 50.0 and item.sem > 0.0
    slowest, median = found.torsion_n_effective[0]
    assert 1.0 <= slowest <= median <= 50.0
    assert json.loads(json.dumps(found.to_dict()))["n_frames"] == [50, 50]


def test_too_few_frames_leave_gaps_and_no_error(dimer):
    short = observe(dimer.molecule, dimer.data.coordinates_nm[:3])
    found = convergence([short, observe(dimer.molecule, dimer.data.coordinates_nm[:1])])
    assert found.n_frames == [3] and found.divergence == {}
    assert convergence([]).n_frames == []
