"""Side chains in frames: drawn, sound, exactly turned, the same whatever the batch; what stays where none fits."""

from __future__ import annotations

import numpy as np
import pytest

from unfreeze.model import flow
from unfreeze.model.features import N_EDGE_FEATURES, N_NODE_FEATURES
from unfreeze.model.motion_model import HEADS, MotionModel
from unfreeze.model.network import NetworkShape, initial_parameters
from unfreeze.sample import side_chains as module
from unfreeze.sample.generate import sample_ensemble
from unfreeze.structure.blocks import partition
from unfreeze.structure.internal_coordinates.side_chains import SideChains
from unfreeze.structure.validity import FrameChecker

N = 12


@pytest.fixture(scope="module")
def crambin(make):
    return make.read("pdb1ejg.pdb")


@pytest.fixture(scope="module")
def model():
    """A motion model that says nothing beyond physics, and a flow that is uniform on the torus."""
    network = initial_parameters(NetworkShape(N_NODE_FEATURES, N_EDGE_FEATURES, 4, 1), HEADS)
    return MotionModel([network], flow=flow.initial_flow(flow.flow_shape(8)))


@pytest.fixture(scope="module")
def rigid(crambin, model):
    return sample_ensemble(crambin, MotionModel(model.members), n_frames=N, seed=5)


@pytest.fixture(scope="module")
def sampled(crambin, model):
    return sample_ensemble(crambin, model, n_frames=N, seed=5)


def test_torsions_are_drawn_and_frames_stay_sound(crambin, sampled, rigid):
    chains = SideChains.of(crambin, partition(crambin).bonds)
    assert sampled.record["checks"]["frames_valid_share"] == 1.0
    assert rigid.record["checks"]["side_chains_drawn_share"] is None
    assert sampled.record["checks"]["side_chains_drawn_share"] > 0.8
    assert FrameChecker(crambin).check(sampled.coordinates_nm).passes.all()
    spread, before = (
        1.0 - np.hypot(np.cos(values).mean(axis=0), np.sin(values).mean(axis=0))[chains.defined]
        for values in (chains.values(sampled.coordinates_nm), chains.values(rigid.coordinates_nm))
    )
    assert before.max() < 1e-4
    assert spread.mean() > 0.5


def test_only_side_chains_move(crambin, sampled, rigid):
    chains = SideChains.of(crambin, partition(crambin).bonds)
    moved = np.zeros(crambin.n_atoms, dtype=bool)
    moved[chains.moved_atom[0]] = True
    assert np.allclose(sampled.coordinates_nm[:, ~moved], rigid.coordinates_nm[:, ~moved], atol=1e-5)
    assert not np.allclose(sampled.coordinates_nm[:, moved], rigid.coordinates_nm[:, moved], atol=1e-2)


def test_lengths_and_angles_are_exact(crambin, sampled):
    blocks = partition(crambin)
    bonds = blocks.bonds[crambin.residue_index[blocks.bonds[:, 0]] == crambin.residue_index[blocks.bonds[:, 1]]]
    bonds = bonds[~np.isin(crambin.atom_name[bonds], ("C", "O", "OXT")).any(axis=1)]
    at, start = sampled.coordinates_nm.astype(float), crambin.coordinates_nm
    length = np.linalg.norm(at[:, bonds[:, 0]] - at[:, bonds[:, 1]], axis=2)
    assert np.allclose(length, np.linalg.norm(start[bonds[:, 0]] - start[bonds[:, 1]], axis=1), atol=2e-6)
    ends: dict[int, list[int]] = {}
    for one, other in bonds.tolist():
        ends.setdefault(one, []).append(other)
        ends.setdefault(other, []).append(one)
    pairs = np.array([(a, b) for near in ends.values() for a in near for b in near if a < b])
    apart = np.linalg.norm(at[:, pairs[:, 0]] - at[:, pairs[:, 1]], axis=2)
    assert np.allclose(apart, np.linalg.norm(start[pairs[:, 0]] - start[pairs[:, 1]], axis=1), atol=3e-6)


@pytest.mark.parametrize("threads, batch", ((1, 1), (2, 5)))
def test_frames_do_not_depend_on_threads_or_batches(crambin, model, sampled, threads, batch):
    again = sample_ensemble(crambin, model, n_frames=N, seed=5, n_threads=threads, frames_a_batch=batch)
    assert np.array_equal(again.coordinates_nm, sampled.coordinates_nm)
    assert again.record["checks"] == sampled.record["checks"]


def test_where_nothing_fits_the_reference_stays(crambin, model, rigid, monkeypatch):
    monkeypatch.setattr(module, "_APART_NM", 5.0)
    still = sample_ensemble(crambin, model, n_frames=N, seed=5)
    assert still.record["checks"]["side_chains_drawn_share"] == 0.0
    assert np.array_equal(still.coordinates_nm, rigid.coordinates_nm)


def test_a_complex_without_side_chains_is_drawn_too(make, model):
    bare = make.read("pdb1ejg.pdb")
    bare = bare.take_atoms(np.isin(bare.atom_name, ("N", "CA", "C", "O", "CB")))
    made = sample_ensemble(bare, model, n_frames=2)
    assert made.record["checks"]["side_chains_drawn_share"] is None
