"""Gradients and losses summed over the processes of a training, in one message a step."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from lightning_fabric import Fabric
from torch import Tensor

__all__ = ["sum_gradients"]

_PARTS = (
    "rmsf",
    "amplitude",
    "rmsf_r",
    "exponent",
    "uncertainty",
    "b_factor",
    "b_factor_r",
    "rearrangement",
    "correction",
)


def sum_gradients(
    fabric: Fabric, trained: Mapping[str, Tensor], total: float, parts: Mapping[str, float], wants_stop: bool
) -> tuple[float, dict[str, float], bool]:
    """Sum the gradients of all processes into those of each.

    Parameters
    ----------
    fabric
        Launched.
    trained
        Parameters with gradients, the same everywhere.
    total, parts
        Loss of this process's share of the batch, and its parts.
    wants_stop
        Whether this process wants to stop.

    Returns
    -------
    total, parts, stops
        Of the whole batch, and whether one of them wants to stop.
    """
    if fabric.world_size == 1:
        return total, dict(parts), wants_stop
    numbers = [total, float(wants_stop), *(parts.get(name, 0.0) for name in _PARTS)]
    numbers += [float(name in parts) for name in _PARTS]
    extra = torch.tensor(numbers, dtype=torch.float32, device=fabric.device)
    gradients = [value.grad for value in trained.values() if value.grad is not None]
    flat = fabric.all_reduce(torch.cat([*(one.reshape(-1) for one in gradients), extra]), reduce_op="sum")
    assert isinstance(flat, Tensor)
    pieces = flat[: -len(extra)].split([one.numel() for one in gradients])
    for gradient, piece in zip(gradients, pieces, strict=True):
        gradient.copy_(piece.reshape(gradient.shape))
    total, stops, *rest = flat[-len(extra) :].tolist()
    n = len(_PARTS)
    return total, {name: rest[k] for k, name in enumerate(_PARTS) if rest[n + k] > 0.0}, stops > 0.0
