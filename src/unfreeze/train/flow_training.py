"""Training of the flow of side-chain torsions: maximum likelihood, small enough for one core.

Each step draws a few trajectories, a reference and a stretch of time of each, and several frames of every side chain
independently. Weights are averaged over steps (EMA). The same settings and examples give the same weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unfreeze.errors import UnfreezeError
from unfreeze.model import flow
from unfreeze.model.network import encode
from unfreeze.model.side_chain_features import N_BINS, bins_of
from unfreeze.model.side_chain_scan import N_BEFORE
from unfreeze.structure.internal_coordinates.side_chains import N_CHI
from unfreeze.train.flow_examples import FlowExample

__all__ = ["FlowSettings", "flow_loss", "train_flow"]


@dataclass(frozen=True)
class FlowSettings:
    """How the flow is trained.

    Attributes
    ----------
    n_steps, n_examples, n_samples, n_side_chains
        Steps; trajectories a step; frames of every side chain; side chains at most of each trajectory.
    width, n_layers
        Sizes of the network.
    learning_rate, warm_up_steps, weight_decay, dropout, noise, clip
        Of AdamW with a cosine schedule; dropout after the encoder; noise on the nodes' features; norm that the
        gradient is cut to.
    unknown_time
        Share of examples whose observation time is not shown.
    average
        Decay of the average of weights.
    seed
        Of all random numbers.
    """

    n_steps: int = 1000
    n_examples: int = 2
    n_samples: int = 12
    n_side_chains: int = 256
    width: int = 48
    n_layers: int = 1
    learning_rate: float = 2e-3
    warm_up_steps: int = 100
    weight_decay: float = 0.02
    dropout: float = 0.15
    noise: float = 0.05
    clip: float = 1.0
    unknown_time: float = 0.1
    average: float = 0.995
    seed: int = 0


def train_flow(
    examples: Sequence[FlowExample],
    settings: FlowSettings | None = None,
    report: Callable[[int, float], None] | None = None,
) -> dict[str, NDArray[np.float32]]:
    """Train.

    Parameters
    ----------
    examples
        Trajectories.
    settings
        How; the usual ones when None.
    report
        Called every 100 steps with the step and the mean negative log-likelihood since, in nats a torsion.

    Returns
    -------
    dict
        Weights (`model.flow`).

    Raises
    ------
    UnfreezeError
        If the loss is no longer a number.
    """
    settings = settings or FlowSettings()
    random = np.random.default_rng(settings.seed)
    generator = torch.Generator().manual_seed(settings.seed)
    start = flow.initial_flow(flow.flow_shape(settings.width, settings.n_layers), settings.seed)
    parameters = {name: torch.tensor(value, requires_grad=True) for name, value in start.items()}
    average = {name: value.detach().clone() for name, value in parameters.items()}
    weights = [value for name, value in parameters.items() if name.endswith("weight")]
    biases = [value for name, value in parameters.items() if name.endswith("bias")]
    groups = [{"params": weights, "weight_decay": settings.weight_decay}, {"params": biases, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=settings.learning_rate)
    chance = np.array([example.weight * np.sqrt(len(example.residue_names)) for example in examples])
    losses: list[float] = []
    for step in range(settings.n_steps):
        share = min(1.0, (step + 1) / settings.warm_up_steps) * 0.5 * (1.0 + np.cos(np.pi * step / settings.n_steps))
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * share
        chosen = random.choice(len(examples), settings.n_examples, p=chance / chance.sum())
        parts = [flow_loss(parameters, examples[one], settings, random, generator) for one in chosen]
        loss = torch.stack([total for total, _ in parts]).sum() / sum(count for _, count in parts)
        if not torch.isfinite(loss):
            raise UnfreezeError(f"the training of the flow diverged at step {step + 1}; lower learning_rate")
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(parameters.values()), settings.clip)
        optimizer.step()
        decay = min(settings.average, (step + 1) / (step + 20))
        with torch.no_grad():
            for name, value in parameters.items():
                average[name].mul_(decay).add_(value, alpha=1.0 - decay)
        losses.append(float(loss.detach()))
        if report and (step + 1) % 100 == 0:
            report(step + 1, float(np.mean(losses[-100:])))
    return {name: value.numpy() for name, value in average.items()}


def flow_loss(
    parameters: dict[str, Tensor],
    example: FlowExample,
    settings: FlowSettings,
    random: np.random.Generator,
    generator: torch.Generator,
) -> tuple[Tensor, int]:
    """Negative log-likelihood of frames of one trajectory, summed over torsions, and how many torsions there are."""
    reference = int(random.integers(len(example.references)))
    graph = example.graphs[reference]
    frames, time_ns = example.window(reference, random)
    n = len(graph.block)
    rows = np.sort(random.choice(n, min(n, settings.n_side_chains), replace=False))
    drawn = random.choice(frames, (len(rows), settings.n_samples))
    torsions = example.torsions[drawn, rows[:, None]]
    nodes = torch.from_numpy(graph.nodes)
    nodes = nodes + settings.noise * torch.randn(nodes.shape, generator=generator) * (nodes != 0)
    neighbours = torch.from_numpy(graph.neighbours.astype(np.int64))
    hidden = encode(parameters, nodes, neighbours, torch.from_numpy(graph.present), torch.from_numpy(graph.edges))
    hidden = hidden[torch.from_numpy(graph.block[rows])]
    kept = torch.rand(hidden.shape, generator=generator) >= settings.dropout
    hidden = hidden * kept / (1.0 - settings.dropout)
    kinds = nodes[torch.from_numpy(graph.block[rows])][:, : flow.N_KINDS]
    shown = time_ns if np.isfinite(time_ns) and random.random() >= settings.unknown_time else None
    time = torch.from_numpy(flow.time_features(shown))
    total, count = hidden.sum() * 0.0, 0
    for k in range(N_CHI):
        here = np.flatnonzero(graph.defined[rows, k])
        if len(here) == 0:
            continue
        own, values = rows[here], torsions[here]
        before = bins_of(values[..., k - 1], N_BEFORE) if k else np.zeros((len(here), 1), dtype=np.int64)
        at = torch.from_numpy(here)
        logits = flow.log_densities(
            parameters,
            hidden[at],
            kinds[at],
            time,
            k,
            torch.from_numpy(flow.before_features(k, graph.reference[own], flow.BEFORE[before])),
            tuple(map(torch.from_numpy, flow.fourier_bases(graph.reference[own, k], graph.symmetric[own, k]))),
            torch.from_numpy(graph.room[own[:, None], k, before]),
        )
        logs = torch.log_softmax(logits, -1).expand(-1, settings.n_samples, -1)
        bins = torch.from_numpy(bins_of(values[..., k], N_BINS))
        total = total - logs.gather(-1, bins[..., None]).sum() / settings.n_samples
        count += len(here)
    return total, count
