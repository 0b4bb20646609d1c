"""A cache that keeps what was used last, up to a number of bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

__all__ = ["SizedCache"]


class _Sized(Protocol):
    @property
    def nbytes(self) -> int: ...


T = TypeVar("T", bound=_Sized)


class SizedCache(Generic[T]):
    """Things by name, those used last; safe for threads.

    Parameters
    ----------
    make
        Makes the thing of a name. Called without the lock, so two threads may make the same one, one of them in vain.
    most_bytes
        Memory to use; the thing used last is kept however large it is.
    """

    def __init__(self, make: Callable[[str], T], most_bytes: int) -> None:
        self._make = make
        self._most_bytes = most_bytes
        self._kept: OrderedDict[str, T] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def nbytes(self) -> int:
        """Memory in use."""
        return self._bytes

    def __len__(self) -> int:
        """Things that are kept."""
        return len(self._kept)

    def get(self, name: str) -> T:
        """The thing of this name."""
        with self._lock:
            found = self._kept.get(name)
            if found is not None:
                self._kept.move_to_end(name)
                return found
        made = self._make(name)
        with self._lock:
            if name not in self._kept:
                self._kept[name] = made
                self._bytes += made.nbytes
            self._kept.move_to_end(name)
            while self._bytes > self._most_bytes and len(self._kept) > 1:
                _, dropped = self._kept.popitem(last=False)
                self._bytes -= dropped.nbytes
        return made

    def drop(self, name: str) -> None:
        """Forget the thing of this name, if it is there."""
        with self._lock:
            dropped = self._kept.pop(name, None)
            self._bytes -= 0 if dropped is None else dropped.nbytes
