"""Flow matching on the torus of side-chain torsions: what `benchmarks.side_chains --matching` holds the flow against.

Lipman et al. 2023 (ICLR), on the torus as in Jing et al. 2022 (NeurIPS): along geodesics from uniform torsions, ten
Euler steps, all torsions of a residue at once. The encoder and its input are those of `unfreeze.model.flow`; the
velocity also reads the room at the present torsions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from unfreeze.model.flow import flow_shape, time_features
from unfreeze.model.network import encode, initial_parameters, linear, silu
from unfreeze.model.side_chain_features import N_BINS, SideChainGraph, bins_of
from unfreeze.model.side_chain_scan import N_BEFORE
from unfreeze.structure.internal_coordinates.side_chains import N_CHI
from unfreeze.train.flow_examples import FlowExample

__all__ = ["TorsionMatching"]

_WIDTH, _HIDDEN, _STEPS = 48, 96, 10
_N_STATE = N_CHI * (6 + 4 + 3) + 8


def _wrapped(angles: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.mod(angles + np.pi, 2 * np.pi) - np.pi


def _state(graph: SideChainGraph, rows: Any, torsions: Any, time: Any) -> NDArray[np.float32]:
    """What the velocity reads of torsions [n, s, 4] at a time [n, s, 1]."""
    defined = graph.defined[rows][:, None]
    fold = np.where(graph.symmetric[rows], 2.0, 1.0)[:, None]
    away = fold * (torsions - graph.reference[rows][:, None])
    parts = [np.where(defined, f(m * fold * torsions), 0.0) for m in (1, 2, 3) for f in (np.sin, np.cos)]
    parts += [np.where(defined, f(m * away), 0.0) for m in (1, 2) for f in (np.sin, np.cos)]
    parts += [f(np.pi * m * time) for m in (1, 2, 3, 4) for f in (np.sin, np.cos)]
    for k in range(N_CHI):
        before = bins_of(torsions[..., k - 1], N_BEFORE) if k else np.zeros(torsions.shape[:2], dtype=int)
        room = graph.room[rows[:, None], k, before, bins_of(torsions[..., k], N_BINS)]
        parts.append(room[..., [0, 1, 3]])
    return np.concatenate(parts, axis=-1).astype(np.float32)


def _velocity(parameters: Mapping[str, Any], hidden: Any, time: Any, state: Any) -> Any:
    context = linear(parameters, "velocity.context", hidden) + linear(parameters, "velocity.time", time)
    mixed = silu(context[:, None] + linear(parameters, "velocity.state", state))
    for name in ("velocity.0", "velocity.1"):
        mixed = mixed + silu(linear(parameters, name, mixed))
    return linear(parameters, "velocity.out", mixed)


class TorsionMatching:
    """Trained at once on the examples given."""

    def __init__(self, examples: Sequence[FlowExample], n_steps: int = 1200, seed: int = 0) -> None:
        self._random = np.random.default_rng(seed)
        torch.manual_seed(seed)
        start = initial_parameters(flow_shape(_WIDTH), {}, seed)
        maps = {"context": (_WIDTH, _HIDDEN), "time": (2, _HIDDEN), "state": (_N_STATE, _HIDDEN)}
        maps |= {"0": (_HIDDEN, _HIDDEN), "1": (_HIDDEN, _HIDDEN), "out": (_HIDDEN, N_CHI)}
        for name, (n_in, n_out) in maps.items():
            weight = self._random.standard_normal((n_in, n_out)) * (name != "out") / np.sqrt(n_in)
            start[f"velocity.{name}.weight"] = weight.astype(np.float32)
            start[f"velocity.{name}.bias"] = np.zeros(n_out, dtype=np.float32)
        trained = {name: torch.tensor(value, requires_grad=True) for name, value in start.items()}
        average = {name: value.detach().clone() for name, value in trained.items()}
        optimizer = torch.optim.AdamW(list(trained.values()), lr=3e-3, weight_decay=0.01)
        chance = np.array([one.weight * np.sqrt(len(one.residue_names)) for one in examples])
        for step in range(n_steps):
            share = min(1.0, (step + 1) / 100) * 0.5 * (1.0 + np.cos(np.pi * step / n_steps))
            optimizer.param_groups[0]["lr"] = 3e-3 * share
            chosen = self._random.choice(len(examples), 2, p=chance / chance.sum())
            parts = [self._loss(trained, examples[one]) for one in chosen]
            loss = torch.stack([total for total, _ in parts]).sum() / sum(count for _, count in parts)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(list(trained.values()), 1.0)
            optimizer.step()
            decay = min(0.995, (step + 1) / (step + 20))
            with torch.no_grad():
                for name, value in trained.items():
                    average[name].mul_(decay).add_(value, alpha=1.0 - decay)
        self._parameters = {name: value.numpy() for name, value in average.items()}

    def _loss(self, parameters: Any, example: FlowExample, n_samples: int = 12) -> tuple[torch.Tensor, int]:
        random = self._random
        reference = int(random.integers(len(example.references)))
        graph = example.graphs[reference]
        frames, time_ns = example.window(reference, random)
        rows = np.sort(random.choice(len(graph.block), min(len(graph.block), 256), replace=False))
        end = np.nan_to_num(example.torsions[random.choice(frames, (len(rows), n_samples)), rows[:, None]])
        fold = np.where(graph.symmetric[rows], 2.0, 1.0)[:, None]
        start = random.uniform(-np.pi, np.pi, end.shape)
        wanted = _wrapped(fold * (end - start)) / fold
        time = random.random((*end.shape[:2], 1))
        nodes = torch.from_numpy(graph.nodes)
        nodes = nodes + 0.05 * torch.randn_like(nodes) * (nodes != 0)
        neighbours = torch.from_numpy(graph.neighbours.astype(np.int64))
        hidden = encode(parameters, nodes, neighbours, torch.from_numpy(graph.present), torch.from_numpy(graph.edges))
        hidden = torch.nn.functional.dropout(hidden[torch.from_numpy(graph.block[rows])], 0.1)
        shown = torch.from_numpy(time_features(time_ns if np.isfinite(time_ns) else None))
        state = torch.from_numpy(_state(graph, rows, _wrapped(start + time * wanted), time))
        error = _velocity(parameters, hidden, shown, state) - torch.from_numpy(wanted.astype(np.float32))
        defined = graph.defined[rows]
        return (error**2 * torch.from_numpy(defined[:, None])).sum() / n_samples, int(defined.sum())

    def draw(self, example: FlowExample, random: np.random.Generator, n: int) -> NDArray[np.floating]:
        """Torsions [n, n_side_chains, 4], rad, with numpy alone."""
        graph, time_ns = example.graphs[0], example.n_frames * example.step_ns
        rows = np.arange(len(graph.block))
        hidden = encode(self._parameters, graph.nodes, graph.neighbours, graph.present, graph.edges)[graph.block]
        shown = time_features(time_ns if np.isfinite(time_ns) else None)
        torsions = random.uniform(-np.pi, np.pi, (len(rows), n, N_CHI))
        for step in range(_STEPS):
            time = np.full((len(rows), n, 1), step / _STEPS)
            velocity = _velocity(self._parameters, hidden, shown, _state(graph, rows, torsions, time))
            torsions = _wrapped(torsions + velocity / _STEPS)
        return torsions.transpose(1, 0, 2)
