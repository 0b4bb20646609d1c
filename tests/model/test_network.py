"""The network: the same numbers from numpy and torch, gradients everywhere, no order of blocks, no reach of nothing."""

from __future__ import annotations

import numpy as np
import pytest

from unfreeze.model.motion_model import HEADS, head
from unfreeze.model.network import NetworkShape, encode, initial_parameters, parameter_shapes

SHAPE = NetworkShape(n_node_features=7, n_edge_features=5, width=12, n_layers=3)


def _graph(n=20, k=6, seed=0):
    random = np.random.default_rng(seed)
    nodes = random.standard_normal((n, 7)).astype(np.float32)
    neighbours = random.integers(0, n, (n, k))
    present = (random.random((n, k)) < 0.8).astype(np.float32)
    edges = (random.standard_normal((n, k, 5)) * present[..., None]).astype(np.float32)
    return nodes, neighbours, present, edges


def test_numpy_and_torch_agree_and_gradients_reach_every_parameter():
    torch = pytest.importorskip("torch")
    parameters = initial_parameters(SHAPE, HEADS, seed=3)
    for name in HEADS:  # zero last layers would stop the gradient of what is before them
        parameters[f"heads.{name}.1.weight"] += 0.1
    graph = _graph()
    tensors = {name: torch.tensor(array, requires_grad=True) for name, array in parameters.items()}
    hidden = encode(parameters, *graph)
    in_torch = encode(tensors, *(torch.tensor(array) for array in graph))
    assert np.abs(hidden - in_torch.detach().numpy()).max() < 1e-5
    total = 0.0
    for name in HEADS:
        one, other = head(parameters, name, hidden), head(tensors, name, in_torch)
        assert one.shape == (20, HEADS[name]) and one.dtype == np.float32
        assert np.abs(one - other.detach().numpy()).max() < 1e-5
        total = total + (other**2).sum()
    total.backward()
    for name, tensor in tensors.items():
        assert tensor.grad is not None and torch.isfinite(tensor.grad).all() and tensor.grad.abs().max() > 0.0, name


def test_blocks_have_no_order_and_neighbours_neither():
    parameters = initial_parameters(SHAPE, HEADS)
    nodes, neighbours, present, edges = _graph()
    order = np.random.default_rng(1).permutation(20)
    place = np.argsort(order)
    among = np.random.default_rng(2).permutation(6)
    hidden = encode(parameters, nodes, neighbours, present, edges)
    other = encode(
        parameters, nodes[order], place[neighbours[order]][:, among], present[order][:, among], edges[order][:, among]
    )
    assert np.abs(other - hidden[order]).max() < 1e-5


def test_places_without_a_neighbour_count_for_nothing():
    parameters = initial_parameters(SHAPE, HEADS)
    nodes, neighbours, present, edges = _graph()
    hidden = encode(parameters, nodes, neighbours, present, edges)
    changed = np.where(present > 0, neighbours, 3)
    assert np.array_equal(encode(parameters, nodes, changed, present, edges), hidden)


def test_a_network_of_no_training_says_nothing_and_its_shapes_are_known():
    parameters = initial_parameters(SHAPE, HEADS, seed=1)
    hidden = encode(parameters, *_graph())
    assert all((head(parameters, name, hidden) == 0.0).all() for name in HEADS)
    assert {name: array.shape for name, array in parameters.items()} == parameter_shapes(SHAPE, HEADS)
    assert all(array.dtype == np.float32 for array in parameters.values())
    other = initial_parameters(SHAPE, HEADS, seed=2)
    assert not np.array_equal(parameters["embed.0.weight"], other["embed.0.weight"])
