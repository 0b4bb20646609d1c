"""The graph of a complex: no name, number, place, direction or order of chains changes what the network sees.

Columns that come from draws are exact only for the same draws: noise belongs to axes and to the order of blocks, so
that turning or reordering gives other draws of the same distribution, and the columns agree within sampling error.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unfreeze.model.base_motion import BaseMotion
from unfreeze.model.features import N_EDGE_FEATURES, N_NEIGHBOURS, N_NODE_FEATURES, block_graph
from unfreeze.structure.geometry import rotation_matrices

FROM_DRAWS = {"nodes": slice(25, 29), "edges": slice(59, 61)}
SAMPLING = 1.0 / np.sqrt(2 * 200)  # relative error of an RMSF in one direction from 200 draws


@pytest.fixture(scope="module")
def protease(make):
    return BaseMotion.of(make.read("1hvr"))


@pytest.fixture(scope="module")
def crambin(make):
    return BaseMotion.of(make.read("pdb1ejg.pdb"))


@pytest.fixture(scope="module")
def crambin_graph(crambin):
    return block_graph(crambin)


def _turned(base, vector, shift_nm):
    """The same complex elsewhere, built anew, with the draws turned along."""
    turn = rotation_matrices(np.array([vector]))[0]
    molecule = base.molecule.with_coordinates(base.molecule.coordinates_nm @ turn.T + shift_nm)
    return turn, BaseMotion.of(molecule)


def _same(one, other, tolerance=2e-5):
    assert np.array_equal(one.neighbours, other.neighbours)
    assert np.array_equal(one.present, other.present)
    for name in ("nodes", "edges", "base_rmsf_nm"):
        assert np.abs(getattr(one, name) - getattr(other, name)).max() < tolerance, name


@pytest.mark.parametrize("name", ("1hvr", "pdb3mht.pdb", "pdb1ubi_ca.pdb"))
def test_a_graph_is_whole_and_finite(make, name):
    base = BaseMotion.of(make.read(name))
    graph = block_graph(base)
    n = base.blocks.n_blocks
    assert graph.nodes.shape == (n, N_NODE_FEATURES) and graph.edges.shape == (n, N_NEIGHBOURS, N_EDGE_FEATURES)
    for array in (graph.nodes, graph.edges, graph.base_rmsf_nm, graph.present):
        assert array.dtype == np.float32 and np.isfinite(array).all()
    assert np.abs(graph.nodes).max() < 15.0 and np.abs(graph.edges).max() < 15.0
    own = np.arange(n)[:, None]
    assert ((graph.neighbours != own) == (graph.present > 0)).all()
    for row, present in zip(graph.neighbours, graph.present > 0, strict=True):
        assert len(set(row[present])) == present.sum()
    kind = base.molecule.residue_kind[base.blocks.block_residue]
    assert np.array_equal(graph.is_protein, kind == "protein")


def test_names_and_numbers_change_nothing(protease):
    molecule = protease.molecule
    other = replace(
        molecule,
        chain_name=np.array([f"{name}x" for name in molecule.chain_name[::-1]]),
        residue_number=molecule.residue_number[::-1] + 1000,
        residue_label_chain=np.full(molecule.n_residues, "Q"),
    )
    _same(block_graph(protease), block_graph(BaseMotion.of(other)), tolerance=1e-12)


def test_a_shift_changes_nothing(crambin, crambin_graph):
    _, moved = _turned(crambin, [0.0, 0.0, 0.0], np.array([3.0, -2.0, 1.0]))
    _same(crambin_graph, block_graph(moved))


@settings(max_examples=5, deadline=None)
@given(st.tuples(*[st.floats(-1.8, 1.8)] * 3), st.tuples(*[st.floats(-20.0, 20.0)] * 3))
def test_turning_and_moving_changes_nothing_but_the_draws(crambin, crambin_graph, vector, shift):
    turn, moved = _turned(crambin, vector, np.array(shift))
    graph = block_graph(moved)
    for name, drawn in FROM_DRAWS.items():
        keep = np.ones(getattr(graph, name).shape[-1], dtype=bool)
        keep[drawn] = False
        difference = np.abs(getattr(graph, name) - getattr(crambin_graph, name))
        assert difference[..., keep].max() < 2e-5
    # with the draws turned along nothing differs at all
    same_draws = replace(moved, moves=crambin.moves @ turn.T, rotations=crambin.rotations @ turn.T)
    _same(crambin_graph, block_graph(same_draws))
    log_ratio = np.log(graph.base_rmsf_nm / crambin_graph.base_rmsf_nm)
    assert np.sqrt((log_ratio**2).mean()) < np.sqrt(2) * SAMPLING


def test_the_order_of_chains_changes_nothing_but_the_draws(make):
    molecule = make.read("1hvr")
    chain = [molecule.take_residues(np.flatnonzero(molecule.chain_index == k)) for k in range(2)]
    one, other = (BaseMotion.of(make.merge(*parts, chains=["A", "B"])) for parts in (chain, chain[::-1]))
    n, n_first = one.blocks.n_blocks, int((one.molecule.chain_index[one.blocks.block_residue] == 0).sum())
    place = np.concatenate([np.arange(n_first) + n - n_first, np.arange(n - n_first)])  # of one's blocks in the other
    graph, swapped = block_graph(one), block_graph(other)
    assert np.array_equal(place[graph.neighbours], swapped.neighbours[place])
    back = replace(other, moves=one.moves[:, np.argsort(place)], rotations=one.rotations[:, np.argsort(place)])
    same = block_graph(back)
    for name in ("nodes", "edges", "base_rmsf_nm", "is_protein"):
        first, second = getattr(graph, name), getattr(same, name)[place]
        assert np.abs(first.astype(float) - second).max() < 2e-5, name
    log_ratio = np.log(swapped.base_rmsf_nm[place] / graph.base_rmsf_nm)
    assert np.sqrt((log_ratio**2).mean()) < np.sqrt(2) * SAMPLING


def test_a_mirror_image_is_told_apart(crambin, crambin_graph):
    mirrored = crambin.molecule.with_coordinates(crambin.molecule.coordinates_nm * [-1.0, 1.0, 1.0])
    assert np.abs(block_graph(BaseMotion.of(mirrored)).nodes - crambin_graph.nodes)[:, 29:].max() > 0.5
