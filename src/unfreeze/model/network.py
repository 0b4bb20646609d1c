"""The network: messages between a block and its neighbours, written once for numpy and for torch.

The parameters are a flat dictionary of arrays and the network a pure function of them. With torch tensors it is
differentiable and is what training optimises; with numpy arrays it is what `unfreeze sample` runs, which so needs no
torch. Only operations that both libraries spell alike are used; `_exp` and `_rsqrt` hide the rest. The design is that
of message passing on a neighbour graph with invariant features (Gilmer et al. 2017, ICML; gated sums as in Satorras
et al. 2021, ICML), small because data are few.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "NetworkShape", "encode", "initial_parameters", "linear", "parameter_shapes", "silu"]

Array: TypeAlias = Any
"""A numpy array or a torch tensor; all arguments of a call are of one kind."""


@dataclass(frozen=True)
class NetworkShape:
    """Sizes of a network.

    Attributes
    ----------
    n_node_features, n_edge_features
        Of the graph (`model.features`).
    width
        Numbers that a block carries between layers.
    n_layers
        Layers of messages; what is further away than that many steps between neighbours is not seen.
    """

    n_node_features: int
    n_edge_features: int
    width: int = 64
    n_layers: int = 3


def initial_parameters(
    shape: NetworkShape, outputs: Mapping[str, int], seed: int = 0
) -> dict[str, NDArray[np.float32]]:
    """Random weights; heads begin at zero, so that an untrained model is its physics.

    Parameters
    ----------
    shape
        Sizes.
    outputs
        Numbers that each head gives for a block, by the head's name.
    seed
        Of the random numbers.
    """
    random = np.random.default_rng(seed)
    parameters: dict[str, NDArray[np.float32]] = {}
    for name, n_in, n_out, scale in _linear_maps(shape, outputs):
        weight = random.standard_normal((n_in, n_out)) * (scale / np.sqrt(n_in))
        parameters[f"{name}.weight"] = weight.astype(np.float32)
        parameters[f"{name}.bias"] = np.zeros(n_out, dtype=np.float32)
    return parameters


def parameter_shapes(shape: NetworkShape, outputs: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    """Name and shape of every parameter, in the order of :func:`initial_parameters`."""
    shapes: dict[str, tuple[int, ...]] = {}
    for name, n_in, n_out, _scale in _linear_maps(shape, outputs):
        shapes[f"{name}.weight"] = (n_in, n_out)
        shapes[f"{name}.bias"] = (n_out,)
    return shapes


def _linear_maps(shape: NetworkShape, outputs: Mapping[str, int]) -> Iterator[tuple[str, int, int, float]]:
    """Name, numbers in, numbers out and scale of the first weights of every linear map."""
    width = shape.width
    yield "embed.0", shape.n_node_features, width, 1.0
    yield "embed.1", width, width, 1.0
    for layer in range(shape.n_layers):
        name = f"layers.{layer}"
        yield f"{name}.edge", shape.n_edge_features, width, 1.0
        yield f"{name}.own", width, width, 1.0
        yield f"{name}.other", width, width, 1.0
        yield f"{name}.message", width, width, 1.0
        yield f"{name}.gate", width, 1, 1.0
        yield f"{name}.update.0", 2 * width, width, 1.0
        yield f"{name}.update.1", width, width, 0.5
    for head, n_out in outputs.items():
        yield f"heads.{head}.0", width, width, 1.0
        yield f"heads.{head}.1", width, n_out, 0.0


def encode(parameters: Mapping[str, Array], nodes: Array, neighbours: Array, present: Array, edges: Array) -> Array:
    """Run the layers.

    Parameters
    ----------
    parameters
        Of :func:`initial_parameters`, or trained.
    nodes, neighbours, present, edges
        As in :class:`unfreeze.model.features.BlockGraph`; several complexes are one graph of several parts.

    Returns
    -------
    [n_blocks, width]
    """
    hidden = linear(parameters, "embed.1", silu(linear(parameters, "embed.0", nodes)))
    mask = present[..., None]
    layer = 0
    while f"layers.{layer}.edge.weight" in parameters:
        name = f"layers.{layer}"
        normal = _normalised(hidden)
        message = linear(parameters, f"{name}.edge", edges)
        message = message + linear(parameters, f"{name}.own", normal)[:, None]
        message = silu(message + linear(parameters, f"{name}.other", normal)[neighbours])
        message = silu(linear(parameters, f"{name}.message", message))
        gate = _sigmoid(linear(parameters, f"{name}.gate", message)) * mask
        gathered = (message * gate).sum(1) * 0.2
        update = silu(
            normal @ parameters[f"{name}.update.0.weight"][: normal.shape[1]]
            + gathered @ parameters[f"{name}.update.0.weight"][normal.shape[1] :]
            + parameters[f"{name}.update.0.bias"]
        )
        hidden = hidden + linear(parameters, f"{name}.update.1", update)
        layer += 1
    return _normalised(hidden)


def linear(parameters: Mapping[str, Array], name: str, values: Array) -> Array:
    """Values times the weight called `name`, plus its bias."""
    return values @ parameters[f"{name}.weight"] + parameters[f"{name}.bias"]


def silu(values: Array) -> Array:
    """Every element x times its logistic function: x / (1 + e^−x)."""
    return values * _sigmoid(values)


def _sigmoid(values: Array) -> Array:
    if isinstance(values, np.ndarray):
        return 1.0 / (1.0 + np.exp(-np.clip(values, -60.0, 60.0)))
    return values.sigmoid()


def _normalised(values: Array) -> Array:
    centred = values - values.mean(-1)[..., None]
    return centred * ((centred * centred).mean(-1)[..., None] + 1e-5) ** -0.5
