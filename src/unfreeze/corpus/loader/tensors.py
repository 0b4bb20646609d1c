"""Batches as torch tensors. Imported only where torch is wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from unfreeze.corpus.loader.batches import Batch, Place, SampleInfo
from unfreeze.errors import InputError

try:
    import torch
except ImportError:
    raise InputError("tensors need torch: pip install 'unfreeze[train]'") from None

__all__ = ["TensorBatch"]


@dataclass(frozen=True, eq=False)
class TensorBatch:
    """A batch as tensors.

    Attributes
    ----------
    samples, place
        As in :class:`~unfreeze.corpus.loader.batches.Batch`.
    tensors
        Every array of the batch by its name there, features among them; ``batch["frames_nm"]`` is short for one.
    """

    samples: tuple[SampleInfo, ...]
    place: Place
    tensors: Mapping[str, torch.Tensor]

    @classmethod
    def of(cls, batch: Batch) -> TensorBatch:
        """Tensors that share the memory of a batch."""
        return cls(batch.samples, batch.place, {name: torch.from_numpy(a) for name, a in batch.arrays().items()})

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.samples)

    def __getitem__(self, name: str) -> torch.Tensor:
        return self.tensors[name]

    def __contains__(self, name: object) -> bool:
        return name in self.tensors

    def to(self, device: Any, *, non_blocking: bool = False) -> TensorBatch:
        """The same on a device."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> TensorBatch:
        """The same in memory that a GPU can fetch by itself; torch's DataLoader calls this."""
        return self._each(lambda tensor: tensor.pin_memory())

    def _each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> TensorBatch:
        return replace(self, tensors={name: change(tensor) for name, tensor in self.tensors.items()})
