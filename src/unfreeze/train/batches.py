"""Several examples as one graph of several parts, as tensors, with flat lists of what each loss compares.

A part is a structure; lists say which block, which window and which structure a number belongs to, so that means and
correlations of all windows and structures are taken at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unfreeze.model.motion_model import log_amplitude_of_conditions
from unfreeze.physics.timescale import REFERENCE_TIME_NS
from unfreeze.train.examples import Example
from unfreeze.train.recipe import Augmentation
from unfreeze.train.targets import MotionTargets

__all__ = ["Batch", "make_batch", "window_conditions"]

_USUAL_K = 300.0


@dataclass(frozen=True, eq=False)
class Batch:
    """Graphs and targets.

    Attributes
    ----------
    nodes, neighbours, present, edges
        As in :class:`unfreeze.model.features.BlockGraph`, over all N blocks.
    log_base : [N]
        Logarithm of the untrained network's RMSF, nm.
    value_block, value_window, value : [M]
        Targets of amplitudes: block, window, log RMSF.
    window_log_time, window_condition : [W]
        Logarithm of time over the reference time (0 where there is no clock), and of what temperature and
        time alone do.
    window_known, window_weight : [W]
        1 where there is a clock; weight in the mean over all structures of all devices.
    b_block, b_structure, b_value : [K]
        Targets of B-factors: block, structure, log √B.
    b_weight : [S]
        Weight of the structure in the mean.
    r_block, r_structure, r_value, r_weight
        Targets of rearrangements, likewise: log displacement.
    graph : [N]
        Number of the example that a block belongs to.
    is_protein : [N]
        1 for a block of protein.
    """

    nodes: Tensor
    neighbours: Tensor
    present: Tensor
    edges: Tensor
    log_base: Tensor
    value_block: Tensor
    value_window: Tensor
    value: Tensor
    window_log_time: Tensor
    window_condition: Tensor
    window_known: Tensor
    window_weight: Tensor
    b_block: Tensor
    b_structure: Tensor
    b_value: Tensor
    b_weight: Tensor
    r_block: Tensor
    r_structure: Tensor
    r_value: Tensor
    r_weight: Tensor
    graph: Tensor
    is_protein: Tensor

    def to(self, device: torch.device | str) -> Batch:
        """The same on a device."""
        return Batch(*(getattr(self, item.name).to(device, non_blocking=True) for item in fields(self)))


def make_batch(
    examples: Sequence[Example],
    *,
    n_motion: float,
    n_b_factor: float,
    n_rearrangement: float = 1.0,
    augment: Augmentation | None = None,
    random: Sequence[np.random.Generator] = (),
) -> Batch:
    """Join examples.

    Parameters
    ----------
    examples
        At least one.
    n_motion, n_b_factor, n_rearrangement
        Structures of each kind in the batch of all devices; a loss is the mean over them. Infinite for none of it.
    augment, random
        What is blotted out, with a generator an example; nothing when None.
    """
    offsets = np.cumsum([0, *(example.n_blocks for example in examples)])
    graphs = [example.features for example in examples]
    nodes = np.concatenate([graph.nodes for graph in graphs]).astype(np.float32)
    edges = np.concatenate([graph.edges for graph in graphs]).astype(np.float32)
    if augment is not None:
        for k, generator in enumerate(random):
            part = slice(offsets[k], offsets[k + 1])
            if augment.edge_dropout > 0.0:
                edges[part][generator.random(edges.shape[1] * (part.stop - part.start)).reshape(-1, edges.shape[1])
                            < augment.edge_dropout] = 0.0  # fmt: skip
            if augment.feature_dropout > 0.0:
                nodes[part, generator.random(nodes.shape[1]) < augment.feature_dropout] = 0.0
    neighbours = np.concatenate([graph.neighbours.astype(np.int64) + offsets[k] for k, graph in enumerate(graphs)])
    arrays = {
        "nodes": nodes,
        "neighbours": neighbours,
        "present": np.concatenate([graph.present for graph in graphs]).astype(np.float32),
        "edges": edges,
        "log_base": np.log(np.concatenate([graph.base_rmsf_nm for graph in graphs])).astype(np.float32),
        **_motion(examples, offsets, max(n_motion, 1)),
        **_of_blocks("b", [example.log_root_b for example in examples], offsets, max(n_b_factor, 1)),
        **_of_blocks("r", [example.log_displacement for example in examples], offsets, max(n_rearrangement, 1)),
        "graph": np.repeat(np.arange(len(examples)), np.diff(offsets)),
        "is_protein": np.concatenate([graph.is_protein for graph in graphs]).astype(np.float32),
    }
    return Batch(**{name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()})


def window_conditions(motion: MotionTargets) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """What is known of the conditions of windows.

    Parameters
    ----------
    motion
        Targets of a complex.

    Returns
    -------
    log_time, condition, has_clock : [n_windows]
        Logarithm of time over the reference time (0 without a clock), logarithm of what temperature, time and solvent
        alone do to amplitudes, and whether there is a clock.
    """
    has_clock = np.isfinite(motion.time_ns)
    times = np.where(has_clock, motion.time_ns, REFERENCE_TIME_NS)
    warm = np.where(np.isfinite(motion.temperature_K), motion.temperature_K, _USUAL_K)
    pairs = zip(warm.tolist(), times.tolist(), strict=True)
    condition = np.array([log_amplitude_of_conditions(temperature_K, time_ns) for temperature_K, time_ns in pairs])
    if motion.log_level is not None:
        condition = condition + motion.log_level
    return np.log(times / REFERENCE_TIME_NS), condition, has_clock


def _motion(examples: Sequence[Example], offsets: np.ndarray, n_structures: float) -> dict[str, np.ndarray]:
    blocks, windows, values = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0, np.float32)]
    log_times, conditions, known, weights = [], [], [], []
    for k, example in enumerate(examples):
        if example.motion is None:
            continue
        motion = example.motion
        window, block = np.nonzero(np.isfinite(motion.log_rmsf))
        values.append(motion.log_rmsf[window, block])
        blocks.append(block + offsets[k])
        windows.append(window + len(log_times))
        times, warmth, clocks = window_conditions(motion)
        log_times += times.tolist()
        conditions += warmth.tolist()
        known += clocks.tolist()
        weights += (motion.weights / n_structures).tolist()
    return {
        "value_block": np.concatenate(blocks),
        "value_window": np.concatenate(windows),
        "value": np.concatenate(values),
        "window_log_time": np.array(log_times, np.float32),
        "window_condition": np.array(conditions, np.float32),
        "window_known": np.array(known, np.float32),
        "window_weight": np.array(weights, np.float32),
    }


def _of_blocks(
    letter: str, targets: Sequence[NDArray[np.float32] | None], offsets: np.ndarray, n_structures: float
) -> dict[str, np.ndarray]:
    """Targets that are one number a block, of the examples that have them."""
    blocks, structures, values = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0, np.float32)]
    found = 0
    for k, target in enumerate(targets):
        if target is None:
            continue
        block = np.flatnonzero(np.isfinite(target))
        blocks.append(block + offsets[k])
        structures.append(np.full(len(block), found))
        values.append(target[block])
        found += 1
    return {
        f"{letter}_block": np.concatenate(blocks),
        f"{letter}_structure": np.concatenate(structures),
        f"{letter}_value": np.concatenate(values),
        f"{letter}_weight": np.full(found, 1.0 / n_structures, np.float32),
    }
