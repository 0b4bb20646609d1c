"""The network with parameters that torch trains, and what training keeps of them: their moving average."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unfreeze.model.motion_model import HEADS, bounded, head
from unfreeze.model.network import encode
from unfreeze.train.batches import Batch

__all__ = ["Average", "Parameters", "apply", "arrays_of", "parameters_of", "set_trainable"]

Parameters = dict[str, Tensor]


def parameters_of(arrays: Mapping[str, NDArray[np.float32]], device: torch.device | str = "cpu") -> Parameters:
    """Leaf tensors on a device, in the order of their names."""
    return {name: torch.tensor(arrays[name], dtype=torch.float32, device=device) for name in sorted(arrays)}


def arrays_of(parameters: Mapping[str, Tensor]) -> dict[str, NDArray[np.float32]]:
    """Copies as numpy arrays."""
    return {name: value.detach().cpu().numpy().copy() for name, value in parameters.items()}


def set_trainable(parameters: Parameters, freeze: Sequence[str]) -> list[str]:
    """Let all parameters be trained but those whose names begin with one of `freeze`; the names that are."""
    frozen = tuple(freeze)
    for name, value in parameters.items():
        value.requires_grad_(not name.startswith(frozen) if frozen else True)
    return [name for name, value in parameters.items() if value.requires_grad]


def apply(parameters: Mapping[str, Tensor], batch: Batch) -> dict[str, Tensor]:
    """Outputs of all heads: [N, n_outputs] each, float32; the corrections of log RMSF bounded and of mean zero.

    As in :meth:`unfreeze.model.motion_model.MotionModel.predict`, the mean is that over the protein of a structure.
    """
    hidden = encode(parameters, batch.nodes, batch.neighbours, batch.present, batch.edges)
    outputs = {name: head(parameters, name, hidden).float() for name in HEADS}
    pattern = bounded(outputs["rmsf"][:, 0])
    n_graphs = int(batch.graph[-1]) + 1
    sums = torch.zeros(2, n_graphs, device=pattern.device)
    sums = sums.index_add(1, batch.graph, torch.stack([pattern * batch.is_protein, batch.is_protein]))
    mean = sums[0] / sums[1].clamp(min=1.0)
    outputs["rmsf"] = torch.cat([(pattern - mean[batch.graph])[:, None], outputs["rmsf"][:, 1:]], dim=1)
    return outputs


class Average:
    """Exponential moving average of parameters, which forgets its beginning faster while there is little behind it.

    Attributes
    ----------
    values
        The average.
    n_updates
        Steps that it has seen.
    """

    def __init__(self, parameters: Parameters, decay: float) -> None:
        self.values = {name: value.detach().clone() for name, value in parameters.items()}
        self.n_updates = 0
        self._decay = decay

    def update(self, parameters: Parameters) -> None:
        """Take in the parameters after a step."""
        decay = min(self._decay, (1 + self.n_updates) / (10 + self.n_updates))
        self.n_updates += 1
        with torch.no_grad():
            for name, value in self.values.items():
                value.lerp_(parameters[name], 1.0 - decay)
