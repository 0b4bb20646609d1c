"""Memory for frames that wait to be written, used again and again: fresh pages cost more than encoding into them."""

from __future__ import annotations

from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_BYTES", "Buffer", "give_back", "take_buffer"]

MOST_BYTES = 2**27
"""Of all columns of a shard, unless a single frame has more."""

_MOST_KEPT = 2  # one is filled while the other is written
_ALIGNMENT = 64

_lock = Lock()
_free: list[NDArray[np.uint8]] = []


class Buffer:
    """Arrays of the columns of a shard, in one piece of memory.

    Attributes
    ----------
    columns
        By name: as many rows as the shard may have frames, of any content.
    """

    def __init__(self, memory: NDArray[np.uint8], layout: dict[str, tuple[tuple[int, ...], np.dtype]]) -> None:
        self.memory = memory
        self.columns: dict[str, NDArray[Any]] = {}
        start = 0
        for name, (shape, dtype) in layout.items():
            size = _size(shape, dtype)
            self.columns[name] = memory[start : start + size].view(dtype).reshape(shape)
            start += _padded(size)


def take_buffer(layout: dict[str, tuple[tuple[int, ...], np.dtype]]) -> Buffer:
    """Memory for columns of the given shapes and types."""
    size = sum(_padded(_size(shape, dtype)) for shape, dtype in layout.values())
    with _lock:
        place = next((i for i, memory in enumerate(_free) if len(memory) >= size), None)
        memory = None if place is None else _free.pop(place)
    # pages that are never written to take no memory
    return Buffer(np.empty(max(size, MOST_BYTES + 2**16), dtype=np.uint8) if memory is None else memory, layout)


def give_back(buffer: Buffer) -> None:
    """Let others use the memory; it must not be looked at any more."""
    with _lock:
        if len(_free) < _MOST_KEPT and len(buffer.memory) <= MOST_BYTES + 2**16:
            _free.append(buffer.memory)


def _size(shape: tuple[int, ...], dtype: np.dtype) -> int:
    size = dtype.itemsize
    for edge in shape:
        size *= edge
    return size


def _padded(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
