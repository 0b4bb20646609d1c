"""A manager's hold on its worker processes: start one with an order, ask it to stop, see what became of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from unfreeze.simulate.campaign.processes import THREAD_VARIABLES
from unfreeze.simulate.campaign.worker import Order, Outcome

__all__ = ["WorkerProcess", "run_orders"]

_TAIL_BYTES = 4000
_POLL_SECONDS = 0.05
_DOWN_SECONDS = 5.0


class WorkerProcess:
    """A worker process.

    Parameters
    ----------
    order
        What it is to do.
    log
        File that what it says is appended to.
    """

    def __init__(self, order: Order, log: Path) -> None:
        self.order = order
        self._log = log
        environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, "1")}
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "ab") as stream:
            self._log_start = stream.tell()
            # In a session of its own: Ctrl-C in a terminal is for the manager to pass on.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "unfreeze.simulate.campaign.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                env=environment,
                start_new_session=True,
            )
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # dead at birth: poll() will say so
            self._process.stdin.write(json.dumps(asdict(order)).encode() + b"\n")
            self._process.stdin.flush()

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def stop(self) -> None:
        """Ask it to stop, by closing its lifeline."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            with suppress(OSError):
                self._process.stdin.close()

    def kill(self) -> None:
        """End it at once."""
        with suppress(OSError):
            self._process.kill()

    def outcome(self) -> Outcome:
        """What became of its order; waits for its end."""
        assert self._process.stdout is not None
        if not self._process.stdout.closed:
            text = self._process.stdout.read()
            self._process.stdout.close()
            self._process.wait()
            self.stop()
            self._outcome = self._parse(text.decode(errors="replace"))
        return self._outcome

    def _parse(self, text: str) -> Outcome:
        with suppress(ValueError, TypeError, IndexError):
            return Outcome(**json.loads(text.strip().splitlines()[-1]))
        return Outcome("error", f"the process ended before its time ({self._how()}){self._last_words()}")

    def _how(self) -> str:
        code = self._process.returncode
        if code >= 0:
            return f"exit code {code}"
        with suppress(ValueError):
            name = signal.Signals(-code).name
            return f"{name}: out of memory, or killed by somebody" if name == "SIGKILL" else name
        return f"signal {-code}"

    def _last_words(self) -> str:
        """The last line that it wrote to its log, if it has the look of an error."""
        with suppress(OSError):
            with open(self._log, "rb") as stream:
                size = stream.seek(0, os.SEEK_END)
                stream.seek(max(self._log_start, size - _TAIL_BYTES))
                lines = [line for line in stream.read().decode(errors="replace").splitlines() if line.strip()]
            if lines and "Error" in lines[-1]:
                return f": {lines[-1].strip()[:200]}"
        return ""


def run_orders(orders: Sequence[Order], n_workers: int, log: Path) -> Generator[tuple[int, Outcome], None, None]:
    """Carry out orders without leases, some at a time.

    Parameters
    ----------
    orders
        What is to be done.
    n_workers
        How many at a time.
    log
        File that all of them write to.

    Yields
    ------
    tuple
        Number of an order and what became of it, in the order in which they end. Closing the iterator ends the
        processes.
    """
    waiting = deque(enumerate(orders))
    busy: dict[int, WorkerProcess] = {}
    try:
        while waiting or busy:
            while waiting and len(busy) < n_workers:
                number, order = waiting.popleft()
                busy[number] = WorkerProcess(order, log)
            for number in [number for number, worker in busy.items() if worker.ended]:
                yield number, busy.pop(number).outcome()
            time.sleep(_POLL_SECONDS)
    finally:
        for worker in busy.values():
            worker.stop()
        until = time.monotonic() + _DOWN_SECONDS
        while any(not worker.ended for worker in busy.values()) and time.monotonic() < until:
            time.sleep(_POLL_SECONDS)
        for worker in busy.values():
            worker.kill()
            worker.outcome()
