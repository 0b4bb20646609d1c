"""Processes that work on tasks side by side; one that dies loses its own task and no other.

A pool from the standard library is given up whole when one of its processes is killed, and does not say by which task.
Here every process has a pipe of its own, so the task that it died of is known and a fresh process goes on.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

__all__ = ["Died", "n_cores", "run_in_processes"]

T = TypeVar("T")

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
                     "NUMBA_NUM_THREADS")  # fmt: skip


@dataclass(frozen=True)
class Died:
    """What became of a task whose process ended before its time.

    Attributes
    ----------
    exit_code
        Of the process; −n when signal n ended it, None when it is not known.
    """

    exit_code: int | None

    @property
    def words(self) -> str:
        """How it ended, for a message."""
        if self.exit_code is None or self.exit_code >= 0:
            return "exit code unknown" if self.exit_code is None else f"exit code {self.exit_code}"
        with suppress(ValueError):
            return signal.Signals(-self.exit_code).name
        return f"signal {-self.exit_code}"


def n_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_in_processes(
    function: Callable[[T], Any], tasks: Sequence[T], *, processes: int, threads: int = 1
) -> Generator[tuple[T, Any], None, None]:
    """Apply a function to tasks in several processes.

    Parameters
    ----------
    function
        Of one task. It must not raise, and it must be importable by name (it runs in a fresh interpreter).
    tasks
        What it is applied to; picklable.
    processes
        How many run at a time.
    threads
        Threads that the numerical libraries of each may use.

    Yields
    ------
    tuple
        Task and what the function gave, or :class:`Died`; in the order in which they are done. Closing the iterator
        ends the processes.
    """
    waiting = deque(tasks)
    busy: dict[Connection, _Worker[T]] = {}
    try:
        with _inherited(threads):
            for _ in range(min(processes, len(waiting))):
                worker: _Worker[T] = _Worker(function)
                busy[worker.connection] = worker
                worker.give(waiting.popleft())
        while busy:
            for connection in wait(list(busy)):
                assert isinstance(connection, Connection)
                worker = busy.pop(connection)
                task, outcome = worker.task, worker.take()
                if isinstance(outcome, Died) and waiting:
                    with _inherited(threads):
                        worker = _Worker(function)
                if waiting:
                    busy[worker.connection] = worker
                    worker.give(waiting.popleft())
                else:
                    worker.end()
                yield task, outcome
    finally:
        for worker in busy.values():
            worker.end(now=True)


class _Worker(Generic[T]):
    """A process, the pipe to it and the task that it has."""

    task: T

    def __init__(self, function: Callable[[T], Any]) -> None:
        context = get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, function), daemon=True)
        self._process.start()
        theirs.close()

    def give(self, task: T) -> None:
        self.task = task
        with suppress(BrokenPipeError, ConnectionResetError):  # it is dead: take() will say so
            self.connection.send(task)

    def take(self) -> Any:
        try:
            return self.connection.recv()
        except (EOFError, ConnectionResetError):
            self.end()
            return Died(self._process.exitcode)

    def end(self, *, now: bool = False) -> None:
        if now:
            self._process.terminate()
        self.connection.close()
        self._process.join(timeout=5.0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(timeout=5.0)


def _serve(connection: Connection, function: Callable[[Any], Any]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            task = connection.recv()
        except (EOFError, ConnectionResetError):
            return
        answer = function(task)
        try:
            connection.send(answer)
        except BrokenPipeError:  # whoever asked has gone
            return


@contextmanager
def _inherited(threads: int) -> Iterator[None]:
    """What processes that are started now inherit: limits on threads, and that Ctrl-C is not for them.

    Libraries read the limits when they are loaded. Ctrl-C reaches all processes of a terminal; it is for the first
    one to say what is to happen, also while the others are still loading.
    """
    on_interrupt = None
    with suppress(ValueError):  # only the main thread may
        on_interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    for name, value in before.items():
        given = int(value) if value and value.isdigit() else threads
        os.environ[name] = str(max(1, min(given, threads)))
    try:
        yield
    finally:
        if on_interrupt is not None:
            signal.signal(signal.SIGINT, on_interrupt)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
