"""AdamW, its learning rate, and its state as plain tensors with names."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unfreeze.train.recipe import OptimizerSettings, Stage

__all__ = ["learning_rate", "make_optimizer", "optimizer_tensors", "restore_optimizer"]


def learning_rate(stage: Stage, step: int, n_steps: int) -> float:
    """Learning rate of a step of a stage, counted from 0."""
    warm = min(1.0, (step + 1) / max(stage.warm_up_steps, 1))
    if stage.schedule == "constant":
        return stage.learning_rate * warm
    done = min(1.0, step / max(n_steps, 1))
    share = stage.final_share + (1.0 - stage.final_share) * 0.5 * (1.0 + math.cos(math.pi * done))
    return stage.learning_rate * warm * share


def make_optimizer(parameters: Mapping[str, Tensor], stage: Stage, settings: OptimizerSettings) -> torch.optim.AdamW:
    """AdamW that decays weights and leaves biases alone; one parameter group a parameter is avoided, for speed."""
    groups: list[dict[str, Any]] = []
    for is_weight, decay in ((True, stage.weight_decay), (False, 0.0)):
        chosen = [value for name, value in parameters.items() if name.endswith(".weight") == is_weight]
        if chosen:
            groups.append({"params": chosen, "weight_decay": decay})
    return torch.optim.AdamW(groups, lr=stage.learning_rate, betas=settings.betas, fused=True)


def optimizer_tensors(optimizer: torch.optim.Optimizer, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """State of the optimiser: ``<parameter>:<quantity>``."""
    ordered, state = _ordered(names), optimizer.state_dict()["state"]
    return {
        f"{ordered[number]}:{quantity}": np.asarray(value.detach().cpu().numpy()).copy()
        for number, quantities in state.items()
        for quantity, value in quantities.items()
    }


def restore_optimizer(
    optimizer: torch.optim.Optimizer, names: Sequence[str], tensors: Mapping[str, NDArray[Any]]
) -> None:
    """Take back what :func:`optimizer_tensors` gave."""
    numbers = {name: number for number, name in enumerate(_ordered(names))}
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        name, _, quantity = key.rpartition(":")
        state.setdefault(numbers[name], {})[quantity] = torch.from_numpy(value.copy())
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


def _ordered(names: Sequence[str]) -> list[str]:
    """Names in the order of the groups: weights, then biases."""
    return sorted(names, key=lambda name: (not name.endswith(".weight"), list(names).index(name)))
