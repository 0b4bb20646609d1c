"""Three threads in a row: one reads blocks, one looks at them, one writes them; none is more than two blocks ahead.

The second is the caller's. Whatever goes wrong in any of them ends all three and is raised in the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Generic, TypeVar

__all__ = ["run_pipeline"]

T = TypeVar("T")
U = TypeVar("U")

_AHEAD = 2
_WAIT_S = 0.2


class _EndedError(Exception):
    """The other end is gone."""


class _Channel(Generic[T]):
    """A short queue that ends with the threads around it."""

    def __init__(self, stop: Event) -> None:
        self._items: Queue[tuple[T] | None] = Queue(_AHEAD)
        self._stop = stop

    def put(self, item: T) -> None:
        self._put((item,))

    def end(self) -> None:
        self._put(None)

    def _put(self, item: tuple[T] | None) -> None:
        while not self._stop.is_set():
            with suppress(Full):
                return self._items.put(item, timeout=_WAIT_S)
        raise _EndedError

    def __iter__(self) -> Iterator[T]:
        while True:
            try:
                item = self._items.get(timeout=_WAIT_S)
            except Empty:
                if self._stop.is_set():
                    return
                continue
            if item is None:
                return
            yield item[0]


def run_pipeline(
    blocks: Iterator[T],
    look: Callable[[T], U],
    write: Callable[[U], None],
    should_stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Read, look and write at the same time.

    Parameters
    ----------
    blocks
        Read in a thread of its own.
    look
        Called in the thread of the caller.
    write
        Called in a third thread, in order.
    should_stop
        Asked before every block.

    Returns
    -------
    bool
        Whether it came to the end; False if it was told to stop. What was looked at is written in either case.
    """
    stop = Event()
    errors: list[BaseException] = []
    read: _Channel[T] = _Channel(stop)
    looked: _Channel[U] = _Channel(stop)

    def guard(work: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                work()
            except _EndedError:
                pass
            except BaseException as error:
                errors.append(error)
                stop.set()

        return run

    def reading() -> None:
        for block in blocks:
            read.put(block)
        read.end()

    def writing() -> None:
        for item in looked:
            write(item)

    reader = Thread(target=guard(reading), name="import-read", daemon=True)
    writer = Thread(target=guard(writing), name="import-write", daemon=True)
    is_whole = True
    writer.start()
    reader.start()
    try:
        for block in read:
            if should_stop():
                is_whole = False
                break
            looked.put(look(block))
        looked.end()
        writer.join()
    except _EndedError:
        pass
    except BaseException as error:
        errors.insert(0, error)
    finally:
        stop.set()
        reader.join()
        writer.join()
    if errors:
        raise errors[0]
    return is_whole
