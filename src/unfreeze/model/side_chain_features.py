"""What the flow of side-chain torsions sees: the block graph, with the reference torsions and the room around them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unfreeze.model.features import N_NODE_FEATURES, BlockGraph
from unfreeze.model.side_chain_scan import N_BEFORE, N_TURNS, scan
from unfreeze.structure.blocks import Blocks
from unfreeze.structure.complex import Complex
from unfreeze.structure.internal_coordinates.side_chains import N_CHI, SideChains

__all__ = ["N_BINS", "N_FLOW_NODE_FEATURES", "N_SCAN_CHANNELS", "SideChainGraph", "bins_of", "side_chain_graph"]

N_BINS = 36
"""Bins of a torsion, of 10°; the first begins at −π."""
N_SCAN_CHANNELS = 4
_N_WELLS = 3
N_FLOW_NODE_FEATURES = N_NODE_FEATURES + 3 * N_CHI + 2 * _N_WELLS * N_CHI


@dataclass(frozen=True, eq=False)
class SideChainGraph:
    """Input of the flow.

    Attributes
    ----------
    nodes : float32 [n_blocks, N_FLOW_NODE_FEATURES]
        Features of the blocks, those of side chains added.
    neighbours, present, edges
        As in :class:`unfreeze.model.features.BlockGraph`.
    block : int64 [n_side_chains]
        Block of every side chain.
    reference : float32 [n_side_chains, 4]
        Torsions of the reference structure, rad; 0 where there is none.
    defined, symmetric : bool [n_side_chains, 4]
        Which torsions there are, and which look the same after half a turn.
    room : float32 [n_side_chains, 4, N_BEFORE, N_BINS, N_SCAN_CHANNELS]
        For each value of the torsion before: overlap, contacts and hydrogen bonds of what the torsion places, and the
        least overlap of what the next torsion places.
    """

    nodes: NDArray[np.float32]
    neighbours: NDArray[np.int32]
    present: NDArray[np.float32]
    edges: NDArray[np.float32]
    block: NDArray[np.int64]
    reference: NDArray[np.float32]
    defined: NDArray[np.bool_]
    symmetric: NDArray[np.bool_]
    room: NDArray[np.float32]


def side_chain_graph(graph: BlockGraph, molecule: Complex, blocks: Blocks, side_chains: SideChains) -> SideChainGraph:
    """Compute the input of the flow.

    Parameters
    ----------
    graph
        Features of the complex.
    molecule, blocks, side_chains
        The complex in its reference structure, its blocks, and its side chains that can turn.
    """
    return combine(
        graph,
        blocks.atom_block[side_chains.quads[:, 0, 1]] if len(side_chains) else np.zeros(0, dtype=np.int64),
        side_chains.values(molecule.coordinates_nm[None])[0],
        side_chains.symmetric,
        scan(molecule, side_chains),
    )


def combine(
    graph: BlockGraph,
    block: NDArray[np.int64],
    reference: NDArray[np.floating],
    symmetric: NDArray[np.bool_],
    scanned: NDArray[np.floating],
) -> SideChainGraph:
    """The same from its parts: reference torsions (NaN where there is none) and the scan of the room."""
    defined = np.isfinite(reference)
    known = np.where(defined, reference, 0.0).astype(np.float32)
    # half a turn of a symmetric group must change nothing
    shown = known * np.where(symmetric, 2.0, 1.0)
    rows = np.arange(len(block))
    before = np.zeros((len(block), N_CHI), dtype=np.int64)
    before[:, 1:] = bins_of(known[:, :-1], N_BEFORE)
    here = np.stack([scanned[rows, k, before[:, k]] for k in range(N_CHI)], axis=1)
    wells = here.reshape(len(block), N_CHI, _N_WELLS, N_TURNS // _N_WELLS, -1)
    extra = np.concatenate(
        [
            np.where(defined, np.sin(shown), 0.0),
            np.where(defined, np.cos(shown), 0.0),
            defined,
            wells[..., 0].min(axis=3).reshape(len(block), -1),
            wells[..., 1].mean(axis=3).reshape(len(block), -1),
        ],
        axis=1,
    )
    nodes = np.zeros((len(graph.nodes), N_FLOW_NODE_FEATURES), dtype=np.float32)
    nodes[:, :N_NODE_FEATURES] = graph.nodes
    nodes[block, N_NODE_FEATURES:] = extra
    room = np.zeros((len(block), N_CHI, N_BEFORE, N_BINS, N_SCAN_CHANNELS), dtype=np.float32)
    room[..., :3] = np.repeat(scanned, N_BINS // N_TURNS, axis=3)
    least = scanned[..., 0].min(axis=3)  # [n, 4, N_BEFORE]: by the torsion before
    room[:, :-1, :, :, 3] = np.repeat(least[:, 1:], N_BINS // N_BEFORE, axis=2)[:, :, None]
    return SideChainGraph(
        nodes=nodes,
        neighbours=graph.neighbours,
        present=graph.present,
        edges=graph.edges,
        block=block,
        reference=known,
        defined=defined,
        symmetric=symmetric,
        room=room,
    )


def bins_of(angles: NDArray[np.floating], n_bins: int) -> NDArray[np.int64]:
    """Bin of angles in rad on the circle that begins at −π."""
    turns = (np.asarray(angles, dtype=np.float64) + np.pi) / (2.0 * np.pi)
    return np.minimum((np.mod(turns, 1.0) * n_bins).astype(np.int64), n_bins - 1)
