"""The flow of side-chain torsions: numpy and torch agree, the circle closes, symmetric groups, weights on disk."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from unfreeze.errors import InputError
from unfreeze.model import flow
from unfreeze.model.base_motion import BaseMotion
from unfreeze.model.features import N_EDGE_FEATURES, N_NODE_FEATURES, block_graph
from unfreeze.model.motion_model import HEADS, MotionModel
from unfreeze.model.network import NetworkShape, encode, initial_parameters
from unfreeze.model.side_chain_features import N_BINS, bins_of, side_chain_graph
from unfreeze.model.side_chain_scan import N_BEFORE, scan
from unfreeze.model.weights import load_model, save_model
from unfreeze.structure.internal_coordinates.side_chains import N_CHI, SideChains


@pytest.fixture(scope="module")
def crambin(make):
    return make.read("pdb1ejg.pdb")


@pytest.fixture(scope="module")
def base(crambin):
    return BaseMotion.of(crambin)


@pytest.fixture(scope="module")
def side_chains(crambin, base):
    return SideChains.of(crambin, base.blocks.bonds)


@pytest.fixture(scope="module")
def graph(crambin, base, side_chains):
    return side_chain_graph(block_graph(base), crambin, base.blocks, side_chains)


@pytest.fixture(scope="module")
def weights():
    found = flow.initial_flow(flow.flow_shape(width=8), seed=3)
    random = np.random.default_rng(0)
    return {
        name: (value + 0.2 * random.standard_normal(value.shape)).astype(np.float32) for name, value in found.items()
    }


def test_rings_disulfides_and_prolines_stay(crambin, side_chains):
    names = crambin.residue_parent_name[side_chains.residue]
    assert not np.isin(names, ("PRO", "CYS", "GLY", "ALA")).any()  # all cysteines of crambin are in disulfides
    wanted = ("ARG", "ASN", "ASP", "GLU", "ILE", "LEU", "PHE", "SER", "THR", "TYR", "VAL")
    assert len(names) == np.isin(crambin.residue_parent_name, wanted).sum()
    assert np.array_equal(side_chains.values(crambin.coordinates_nm[None])[0, :, 0] > -4, np.ones(len(names), bool))


def test_an_untrained_flow_is_uniform(graph):
    tables = flow.torsion_tables(flow.initial_flow(flow.flow_shape()), graph)
    assert np.allclose(np.diff(tables.cumulative, axis=-1), 1.0 / N_BINS, atol=1e-6)


def test_numpy_and_torch_agree(graph, weights):
    torch = pytest.importorskip("torch")
    rows = np.flatnonzero(graph.defined[:, 1])
    before = np.tile(flow.BEFORE, (len(rows), 1))
    inputs = (
        graph.nodes[graph.block[rows], : flow.N_KINDS],
        flow.time_features(50.0),
        flow.before_features(1, graph.reference[rows], before),
        flow.fourier_bases(graph.reference[rows, 1], graph.symmetric[rows, 1]),
        graph.room[rows, 1],
    )

    def run(convert):
        own = {name: convert(value) for name, value in weights.items()}
        arrays = (graph.nodes, graph.neighbours.astype(np.int64), graph.present, graph.edges)
        hidden = encode(own, *map(convert, arrays))[convert(graph.block[rows])]
        kinds, time, previous, bases, room = inputs
        return flow.log_densities(
            own, hidden, convert(kinds), convert(time), 1, convert(previous), tuple(map(convert, bases)), convert(room)
        )

    ours, theirs = run(np.asarray), run(torch.from_numpy).numpy()
    assert np.abs(ours).max() > 0.1
    assert np.allclose(ours, theirs, atol=1e-4)


def test_symmetric_groups_do_not_know_their_names(crambin, base, side_chains, graph, weights):
    assert graph.symmetric.any()
    density = np.diff(flow.torsion_tables(weights, graph).cumulative, axis=-1)
    for row, k in zip(*np.nonzero(graph.symmetric & graph.defined), strict=True):
        one, other = density[row, k, 0, : N_BINS // 2], density[row, k, 0, N_BINS // 2 :]
        # the scan of the room knows which atom is where; all else repeats
        quiet = replace(graph, room=np.zeros_like(graph.room))
        free = np.diff(flow.torsion_tables(weights, quiet).cumulative, axis=-1)[row, k, 0]
        assert np.allclose(free[: N_BINS // 2], free[N_BINS // 2 :], atol=1e-5)
        assert one.shape == other.shape


def test_the_circle_closes(graph, weights):
    turned = replace(graph, reference=np.where(graph.defined, graph.reference + 2 * np.pi, 0.0).astype(np.float32))
    one, other = flow.torsion_tables(weights, graph), flow.torsion_tables(weights, turned)
    assert np.allclose(one.cumulative, other.cumulative, atol=1e-4)
    assert list(bins_of(np.array([-np.pi, np.pi, np.pi - 1e-6, 3 * np.pi]), 12)) == [0, 0, 11, 0]


def test_draws_have_the_density(graph, weights):
    tables = flow.torsion_tables(weights, graph)
    n = 40_000
    row = int(np.flatnonzero(graph.defined[:, 1])[0])
    drawn = tables.draw(np.full(n, row), np.random.default_rng(0).random((n, N_CHI)))
    assert np.abs(drawn).max() <= np.pi
    share = np.bincount(bins_of(drawn[:, 0], N_BINS), minlength=N_BINS) / n
    assert np.allclose(share, np.diff(tables.cumulative[row, 0, 0]), atol=0.01)
    first = bins_of(drawn[:, 0], N_BEFORE)
    common = int(np.bincount(first).argmax())
    share = np.bincount(bins_of(drawn[first == common, 1], N_BINS), minlength=N_BINS) / (first == common).sum()
    assert np.allclose(share, np.diff(tables.cumulative[row, 1, common]), atol=0.03)
    assert (drawn[:, 2:][:, ~graph.defined[row, 2:]] == 0.0).all()


def test_heat_spreads_and_cold_sharpens(graph, weights):
    def entropy(kelvin):
        density = np.diff(flow.torsion_tables(weights, graph, temperature_K=kelvin).cumulative, axis=-1)
        return -(density * np.log(np.maximum(density, 1e-12))).sum(axis=-1).mean()

    assert entropy(150.0) < entropy(300.0) < entropy(600.0)


def test_the_scan_sees_the_neighbours(crambin, side_chains):
    found = scan(crambin, side_chains)
    assert np.isfinite(found).all()
    assert (found[side_chains.defined][..., 0].max(axis=(1, 2)) > 0).mean() > 0.5  # most have something to run into


def test_weights_with_a_flow_come_back(tmp_path, weights):
    member = initial_parameters(NetworkShape(N_NODE_FEATURES, N_EDGE_FEATURES, 4, 1), HEADS)
    path = save_model(tmp_path / "with.safetensors", MotionModel([member], flow=weights))
    again = load_model(path).flow
    assert again is not None
    assert all(np.array_equal(again[name], weights[name]) for name in weights)
    assert load_model(save_model(tmp_path / "without.safetensors", MotionModel([member]))).flow is None
    with pytest.raises(ValueError, match="of its shape"):
        save_model(tmp_path / "bad.safetensors", MotionModel([member], flow={**weights, "more": np.zeros(1)}))
    with pytest.raises(ValueError, match="not finite"):
        bad = {**weights, "steps.0.out.bias": np.full_like(weights["steps.0.out.bias"], np.nan)}
        save_model(tmp_path / "bad.safetensors", MotionModel([member], flow=bad))


def test_a_flow_of_another_version_is_refused(tmp_path, weights, monkeypatch):
    from unfreeze.model import flow_weights

    member = initial_parameters(NetworkShape(N_NODE_FEATURES, N_EDGE_FEATURES, 4, 1), HEADS)
    path = save_model(tmp_path / "with.safetensors", MotionModel([member], flow=weights))
    monkeypatch.setattr(flow_weights, "FLOW_VERSION", 99)
    with pytest.raises(InputError, match="flow of side chains is version 1"):
        load_model(path)
