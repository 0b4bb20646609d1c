"""The baseline has the reference's amplitude and the structure's shape, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from unfreeze.evaluate import baseline
from unfreeze.evaluate.baseline import baseline_side, nearest_representative
from unfreeze.evaluate.frames import AlignedPair, Side
from unfreeze.evaluate.metric import NotMeasurableError
from unfreeze.evaluate.metrics.fluctuations import rmsf_A
from unfreeze.structure.geometry import superpose


def _pair(molecule, scale=0.1, n_ensemble=60):
    noise = np.random.default_rng(0).normal(size=(80, molecule.n_atoms, 3))
    reference = Side.of(molecule, molecule.coordinates_nm + scale * noise)
    ensemble = Side.of(molecule, np.repeat(molecule.coordinates_nm[None], n_ensemble, axis=0))
    return AlignedPair(ensemble, reference)


@pytest.fixture(scope="module")
def protease(make):
    return make.read("1hvr")


@pytest.mark.parametrize("scale", [0.02, 0.1, 0.3])
def test_amplitude_is_the_reference_s_and_frames_are_as_many_as_the_ensemble_has(make, scale):
    pair = _pair(make.peptide(20, -60.0, -45.0), scale)
    side = baseline_side(pair, 1)
    assert side.n_frames == 60 and np.allclose(side.weights, 1 / 60)
    assert (rmsf_A(side) ** 2).sum() == pytest.approx((rmsf_A(pair.reference) ** 2).sum(), rel=1e-3)


def test_residues_move_without_turning_and_frames_are_superposed(protease):
    side = baseline_side(_pair(protease), 2)
    nodes = protease.representative_atoms()
    frames = side.frames_nm.astype(float)
    assert superpose(frames, protease.coordinates_nm, nodes) == pytest.approx(frames, abs=1e-5)
    for residue in (0, 50, 120):
        atoms = np.flatnonzero(protease.residue_index == residue)
        shape = protease.coordinates_nm[atoms] - protease.coordinates_nm[atoms].mean(axis=0)
        fitted = superpose(frames[:, atoms], protease.coordinates_nm[atoms])
        assert fitted - fitted.mean(axis=1, keepdims=True) == pytest.approx(np.broadcast_to(shape, fitted.shape),
                                                                           abs=1e-5)  # fmt: skip


def test_ligands_and_ions_go_with_the_nearest_representative(protease):
    followed = nearest_representative(protease)
    nodes = protease.representative_atoms()
    assert np.array_equal(followed[nodes], np.arange(len(nodes)))
    polymer = np.isin(protease.residue_kind, ["protein", "nucleic"])
    assert not polymer.all()
    for residue in range(protease.n_residues):
        atoms = np.flatnonzero(protease.residue_index == residue)
        assert len(np.unique(followed[atoms])) == 1
        if polymer[residue]:
            assert protease.residue_index[nodes[followed[atoms[0]]]] == residue
        else:
            offset = protease.coordinates_nm[atoms][:, None] - protease.coordinates_nm[nodes]
            assert followed[atoms[0]] == np.linalg.norm(offset, axis=2).min(axis=0).argmin()


def test_seeds_decide(protease):
    pair = _pair(protease, n_ensemble=3)
    one, again, other = (baseline_side(pair, seed).frames_nm for seed in (1, 1, 2))
    assert np.array_equal(one, again) and not np.allclose(one, other, atol=1e-3)


def test_a_single_frame_can_be_drawn(make):
    assert baseline_side(_pair(make.peptide(12, -60.0, -45.0), n_ensemble=1), 0).frames_nm.shape == (1, 60, 3)


def test_one_network_spans_a_complex(protease):
    assert protease.n_chains > 1
    side = baseline_side(_pair(protease), 3)
    chains = protease.atom_chain_index[protease.representative_atoms()]
    profile = rmsf_A(side)
    assert all(profile[chains == chain].min() > 0.05 for chain in np.unique(chains))


def test_what_has_no_baseline_says_why(make, monkeypatch):
    peptide = make.peptide(10, -60.0, -45.0)
    apart = make.merge(peptide, make.moved(peptide, [9.0, 0.0, 0.0]), chains=["A", "B"])
    with pytest.raises(NotMeasurableError, match="2 separate parts"):
        baseline_side(_pair(apart), 0)
    with pytest.raises(NotMeasurableError, match="the reference does not move"):
        baseline_side(_pair(peptide, 0.0), 0)
    with pytest.raises(NotMeasurableError, match="at least 3 nodes, found 0"):
        baseline_side(_pair(make.ions([[0, 0, 0], [1, 0, 0]])), 0)
    monkeypatch.setattr(baseline, "MAX_NODES", 9)
    with pytest.raises(NotMeasurableError, match=r"10 representative atoms are too many for an elastic network \(9\)"):
        baseline_side(_pair(peptide), 0)
