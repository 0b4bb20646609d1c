"""What the decoders of classes have in common: their loss."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["logistic_loss"]


def logistic_loss(logits: Any, truth: Any) -> Any:
    """Negative log likelihood of independent labels, summed over classes, mean over proteins.

    Parameters
    ----------
    logits, truth : [n_proteins, n_classes]
        Numpy arrays or torch tensors; truth is 0 or 1.
    """
    if isinstance(logits, np.ndarray):
        positive = np.maximum(logits, 0.0) + np.log1p(np.exp(-np.abs(logits)))
        return float((positive - logits * truth).sum(1).mean())
    from torch.nn.functional import softplus

    return (softplus(logits) - logits * truth).sum(1).mean()
