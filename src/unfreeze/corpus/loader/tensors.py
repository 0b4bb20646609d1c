"""Batches as torch tensors, all in one piece of memory. Imported only where torch is wanted.

One piece, as a batch has some thirty tensors: one is handed from process to process, pinned, or copied to a device in
a fraction of the time that thirty take.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from unfreeze.corpus.loader.batches import Batch, Place, SampleInfo
from unfreeze.errors import InputError

try:
    import torch
except ImportError:
    raise InputError("tensors need torch: pip install 'unfreeze[train]'") from None

__all__ = ["TensorBatch"]

_ALIGNED = 64


@dataclass(frozen=True, eq=False)
class TensorBatch:
    """A batch as tensors.

    Attributes
    ----------
    samples, place
        As in :class:`~unfreeze.corpus.loader.batches.Batch`.
    memory : uint8 [n_bytes]
        All tensors one after another.
    layout
        Type, shape and first byte of every tensor by its name.
    """

    samples: tuple[SampleInfo, ...]
    place: Place
    memory: torch.Tensor
    layout: Mapping[str, tuple[torch.dtype, tuple[int, ...], int]]

    @classmethod
    def of(cls, batch: Batch) -> TensorBatch:
        """Tensors of the arrays of a batch; float64 becomes float32."""
        arrays = {
            name: array.astype(np.float32) if array.dtype == np.float64 else array
            for name, array in batch.arrays().items()
        }
        starts = np.cumsum([0, *(-(-array.nbytes // _ALIGNED) * _ALIGNED for array in arrays.values())]).tolist()
        memory = torch.empty(starts[-1], dtype=torch.uint8)
        target, layout = memory.numpy(), {}
        for (name, array), start in zip(arrays.items(), starts[:-1], strict=True):
            place = target[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
            place[...] = array
            layout[name] = (torch.from_numpy(place).dtype, array.shape, start)
        return cls(batch.samples, batch.place, memory, layout)

    @cached_property
    def tensors(self) -> Mapping[str, torch.Tensor]:
        """Every array of the batch by its name there, features among them."""
        return {name: self._tensor(*entry) for name, entry in self.layout.items()}

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.samples)

    def __getitem__(self, name: str) -> torch.Tensor:
        return self.tensors[name]

    def __contains__(self, name: object) -> bool:
        return name in self.layout

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "tensors"}

    def to(self, device: Any, *, non_blocking: bool = False) -> TensorBatch:
        """The same on a device."""
        return replace(self, memory=self.memory.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> TensorBatch:
        """The same in memory that a GPU can fetch by itself; torch's DataLoader calls this."""
        return replace(self, memory=self.memory.pin_memory())

    def _tensor(self, dtype: torch.dtype, shape: tuple[int, ...], start: int) -> torch.Tensor:
        n_bytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        return self.memory[start : start + n_bytes].view(dtype).view(shape)
