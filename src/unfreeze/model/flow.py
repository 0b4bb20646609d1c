"""A flow of side-chain torsions: from uniform numbers to χ1 … χ4, one torsion after the other.

Each step is the inverse cumulative distribution of one torsion given the one before, on the circle (an autoregressive
flow on the torus: Rezende et al. 2020, ICML, with the piecewise-linear transform of Müller et al. 2019, ACM Trans.
Graph. 38, 145). The logarithm of a step's density is a trigonometric polynomial of the torsion and of its distance from
the reference's, plus what the room around the side chain is worth; the network gives the coefficients. So densities
are smooth, periodic, and exactly what training maximises, and a draw needs neither integration nor torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unfreeze.model.features import N_EDGE_FEATURES
from unfreeze.model.network import Array, NetworkShape, encode, initial_parameters, linear, parameter_shapes, silu
from unfreeze.model.side_chain_features import N_BINS, N_FLOW_NODE_FEATURES, N_SCAN_CHANNELS, SideChainGraph
from unfreeze.model.side_chain_scan import N_BEFORE
from unfreeze.structure.internal_coordinates.side_chains import N_CHI

__all__ = [
    "BEFORE",
    "N_KINDS",
    "SHARPNESS",
    "TorsionTables",
    "before_features",
    "flow_shape",
    "flow_shapes",
    "fourier_bases",
    "initial_flow",
    "log_densities",
    "time_features",
    "torsion_tables",
]

SHARPNESS = 1.25
"""Power that densities are raised to before drawing: on held-out trajectories those of a network trained on few
proteins are a third too wide, since not knowing which well adds to the motion among wells."""

_N_ABSOLUTE, _N_RELATIVE = 6, 5  # harmonics of the torsion and of its distance from the reference
_N_OUT = 2 * _N_ABSOLUTE + 2 * _N_RELATIVE + N_SCAN_CHANNELS
_N_BEFORE_FEATURES, _N_TIME_FEATURES, N_KINDS = 10, 2, 25
_CENTRES = (np.arange(N_BINS) + 0.5) * (2 * np.pi / N_BINS) - np.pi
BEFORE = (np.arange(N_BEFORE) + 0.5) * (2 * np.pi / N_BEFORE) - np.pi
"""Values of the torsion before that conditional densities are for, rad."""


def flow_shape(width: int = 48, n_layers: int = 1) -> NetworkShape:
    """Sizes of the flow's network."""
    return NetworkShape(N_FLOW_NODE_FEATURES, N_EDGE_FEATURES, width, n_layers)


def _maps(width: int) -> dict[str, tuple[int, int]]:
    maps = {"steps.own": (width, width), "steps.before": (_N_BEFORE_FEATURES, width)}
    maps["steps.time"] = (_N_TIME_FEATURES, width)
    for k in range(N_CHI):
        maps[f"steps.{k}.hidden"] = (width, width)
        maps[f"steps.{k}.kind"] = (N_KINDS, _N_OUT)
        maps[f"steps.{k}.out"] = (width, _N_OUT)
    return maps


def flow_shapes(shape: NetworkShape) -> dict[str, tuple[int, ...]]:
    """Name and shape of every parameter."""
    shapes = parameter_shapes(shape, {})
    for name, (n_in, n_out) in _maps(shape.width).items():
        shapes |= {f"{name}.weight": (n_in, n_out), f"{name}.bias": (n_out,)}
    return shapes


def initial_flow(shape: NetworkShape, seed: int = 0) -> dict[str, NDArray[np.float32]]:
    """Random weights; the last begin at zero, so that an untrained flow is uniform on the torus."""
    random = np.random.default_rng([seed, 1])
    parameters = initial_parameters(shape, {}, seed)
    for name, (n_in, n_out) in _maps(shape.width).items():
        scale = 0.0 if name.endswith(("kind", "out")) else 1.0 / np.sqrt(n_in)
        parameters[f"{name}.weight"] = (random.standard_normal((n_in, n_out)) * scale).astype(np.float32)
        parameters[f"{name}.bias"] = np.zeros(n_out, dtype=np.float32)
    return parameters


def time_features(timescale_ns: float | None) -> NDArray[np.float32]:
    """The observation time as the network reads it: [2]; None for one that nobody knows."""
    known = timescale_ns is not None and np.isfinite(timescale_ns)
    return np.array([np.log10(timescale_ns or 1.0) / 2.0 if known else 0.0, float(known)], dtype=np.float32)


def log_densities(
    parameters: Mapping[str, Array],
    hidden: Array,
    kinds: Array,
    time: Array,
    k: int,
    before: Array,
    bases: tuple[Array, Array],
    room: Array,
) -> Array:
    """Logarithms, up to a constant, of the density of one torsion in its bins.

    Parameters
    ----------
    parameters
        Of :func:`initial_flow`, or trained.
    hidden, kinds
        [n, width] of the encoder, and [n, 25] kinds of residues.
    time
        [n, 2] or [2], :func:`time_features`.
    k
        The torsion, 0 for χ1.
    before
        [n, s, 10], :func:`before_features` of the torsion before.
    bases
        [n, N_BINS, 12] and [n, N_BINS, 10], :func:`fourier_bases`.
    room
        [n, s, N_BINS, N_SCAN_CHANNELS].

    Returns
    -------
    [n, s, N_BINS]
    """
    own = linear(parameters, "steps.own", hidden) + linear(parameters, "steps.time", time)
    mixed = silu(own[:, None] + linear(parameters, "steps.before", before))
    mixed = silu(linear(parameters, f"steps.{k}.hidden", mixed))
    out = linear(parameters, f"steps.{k}.out", mixed) + linear(parameters, f"steps.{k}.kind", kinds)[:, None]
    absolute, relative = bases
    n_absolute, n_relative = 2 * _N_ABSOLUTE, 2 * _N_RELATIVE
    logits = out[..., :n_absolute] @ absolute.swapaxes(1, 2)
    logits = logits + out[..., n_absolute : n_absolute + n_relative] @ relative.swapaxes(1, 2)
    worth = out[..., n_absolute + n_relative :]
    return logits + (room * worth[:, :, None]).sum(-1)


def before_features(k: int, reference: NDArray[np.floating], values: NDArray[np.floating]) -> NDArray[np.float32]:
    """The torsion before and its distance from the reference's: [n, s, 10] of values [n, s]; zeros for χ1."""
    if k == 0:
        return np.zeros((*values.shape, _N_BEFORE_FEATURES), dtype=np.float32)
    gone = values - reference[:, k - 1, None]
    parts = [f(m * values) for m in (1, 2, 3) for f in (np.sin, np.cos)]
    parts += [f(m * gone) for m in (1, 2) for f in (np.sin, np.cos)]
    return np.stack(parts, axis=-1).astype(np.float32)


def fourier_bases(
    reference: NDArray[np.floating], symmetric: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Harmonics at the bins' centres of the torsion and of its distance from the reference: [n, N_BINS, 12 and 10].

    Symmetric torsions have even harmonics only, so their density repeats after half a turn.
    """
    turn = np.where(symmetric, 2.0, 1.0)[:, None]
    angle = turn * _CENTRES
    gone = turn * (_CENTRES - reference[:, None])
    bases = []
    for values, count in ((angle, _N_ABSOLUTE), (gone, _N_RELATIVE)):
        parts = [f(m * values) for m in range(1, count + 1) for f in (np.sin, np.cos)]
        bases.append(np.stack(parts, axis=-1).astype(np.float32))
    return bases[0], bases[1]


@dataclass(frozen=True, eq=False)
class TorsionTables:
    """The flow of one complex under given conditions: cumulative distributions, ready to draw from.

    Attributes
    ----------
    cumulative : float32 [n_side_chains, 4, N_BEFORE, N_BINS + 1]
        From 0 to 1 over the bins of every torsion, for every bin of the torsion before.
    defined : bool [n_side_chains, 4]
        Which torsions there are.
    """

    cumulative: NDArray[np.float32]
    defined: NDArray[np.bool_]

    def draw(self, rows: NDArray[np.int64], uniform: NDArray[np.floating]) -> NDArray[np.float64]:
        """Torsions of side chains.

        Parameters
        ----------
        rows
            [n], the side chains.
        uniform
            [n, 4], numbers between 0 and 1.

        Returns
        -------
        float64 [n, 4]
            rad in [−π, π]; 0 where there is no torsion.
        """
        from unfreeze.model.side_chain_kernels import draw_torsions

        drawn = np.zeros((len(rows), N_CHI))
        draw_torsions(self.cumulative, self.defined, np.ascontiguousarray(rows), np.ascontiguousarray(uniform), drawn)
        return drawn


def torsion_tables(
    parameters: Mapping[str, NDArray[np.float32]],
    graph: SideChainGraph,
    *,
    temperature_K: float = 300.0,
    timescale_ns: float | None = 100.0,
    sharpness: float = SHARPNESS,
) -> TorsionTables:
    """Evaluate the flow for a complex.

    Parameters
    ----------
    parameters
        Weights.
    graph
        The complex.
    temperature_K
        Densities at 300 K are raised to the power of 300 K / temperature, as Boltzmann's are.
    timescale_ns
        Observation time.
    sharpness
        Another power; 1 for the densities that training has fitted.
    """
    hidden = encode(parameters, graph.nodes, graph.neighbours, graph.present, graph.edges)[graph.block]
    kinds, time = graph.nodes[graph.block, :N_KINDS], time_features(timescale_ns)
    n = len(graph.block)
    cumulative = np.zeros((n, N_CHI, N_BEFORE, N_BINS + 1), dtype=np.float32)
    cumulative[..., 1:] = np.linspace(1.0 / N_BINS, 1.0, N_BINS)
    for k in range(N_CHI):
        rows = np.flatnonzero(graph.defined[:, k])
        n_before = N_BEFORE if k else 1
        values = np.broadcast_to(BEFORE[:n_before], (len(rows), n_before))
        reference = graph.reference[rows]
        logits = log_densities(
            parameters,
            hidden[rows],
            kinds[rows],
            time,
            k,
            before_features(k, reference, values),
            fourier_bases(reference[:, k], graph.symmetric[rows, k]),
            graph.room[rows, k, :n_before],
        ).astype(np.float64)
        logits *= sharpness * 300.0 / temperature_K
        density = np.exp(logits - logits.max(axis=-1, keepdims=True))
        cumulative[rows, k, :, 1:] = density.cumsum(axis=-1) / density.sum(axis=-1, keepdims=True)
    cumulative[..., -1] = 1.0
    return TorsionTables(cumulative, graph.defined)
