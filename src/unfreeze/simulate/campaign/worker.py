"""One worker process: does one task for a manager, beats in the ledger, and ends when its manager does.

Its order comes as a line of JSON on standard input, which then stays open as a lifeline: when it closes, because the
manager wants an end or is dead, the worker stops. What became of the task is the last line on standard output.
"""

from __future__ import annotations

import errno
import importlib
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unfreeze.errors import InputError, UnfreezeError
from unfreeze.simulate.campaign.processes import ProcessIdentity, host_name, pin_to_free_core

__all__ = ["DEFAULT_FUNCTION", "Order", "Outcome", "WorkerContext", "full_disk", "main", "serve"]

DEFAULT_FUNCTION = "unfreeze.simulate.campaign.jobs:run_task"
_GRACE_SECONDS = 20.0
_LEAST_SECONDS = 1.0
_MOST_CHARACTERS = 4000
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class Order:
    """What a worker is to do.

    Attributes
    ----------
    function
        ``module:name`` of a function of a :class:`WorkerContext` that gives an :class:`Outcome`.
    root
        Folder of the campaign.
    document
        The task, as JSON.
    task, token, owner
        Its lease; an empty token for work without one.
    platform, device, pin
        Where to run: OpenMM platform, number of the GPU, whether to bind the process to a core.
    beat_s
        Seconds between beats.
    options
        Whatever else the function needs.
    """

    function: str
    root: str
    document: str
    task: str = ""
    token: str = ""
    owner: dict[str, Any] = field(default_factory=dict)
    platform: str = "CPU"
    device: int | None = None
    pin: bool = True
    beat_s: float = 5.0
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What became of a task.

    Attributes
    ----------
    kind
        ``finished``; ``stopped`` because it was asked to; ``failed`` for good; ``refused``, because the system cannot
        be made; ``full`` disk; ``busy``, because another process has the run; or ``error``, which another attempt may
        mend.
    reason
        One sentence.
    facts
        Columns of the ledger, and whatever else the function has to say.
    """

    kind: str
    reason: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


class WorkerContext:
    """What a task's function sees of the worker.

    Attributes
    ----------
    order
        What is to be done.
    root
        Folder of the campaign.
    reported
        All that :meth:`report` was told.
    """

    def __init__(self, order: Order) -> None:
        self.order = order
        self.root = Path(order.root)
        self._stop = threading.Event()
        self._done = threading.Event()
        self.reported: dict[str, Any] = {}
        self._facts: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._new = threading.Event()

    def should_stop(self) -> bool:
        """Whether the manager wants an end, or is gone, or the task is no longer this worker's."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Ask for an end."""
        self._stop.set()

    def wait(self, seconds: float) -> bool:
        """Wait, unless an end is wanted; whether it is."""
        return self._stop.wait(seconds)

    def report(self, **facts: Any) -> None:
        """Have columns of the ledger changed, soon."""
        with self._lock:
            self._facts.update(facts)
            self.reported.update(facts)
        self._new.set()

    def beat_until_done(self) -> None:
        """Beat in the ledger: body of a thread. A ledger that cannot be written to stops no simulation."""
        from unfreeze.simulate.campaign.directory import CampaignDirectory
        from unfreeze.simulate.campaign.ledger import Ledger

        ledger = Ledger(CampaignDirectory(self.root).ledger_file)
        owner = ProcessIdentity(**self.order.owner)
        while not self._done.is_set():
            with self._lock:
                facts, self._facts = self._facts, {}
            self._new.clear()
            try:
                if not ledger.beat(self.order.task, self.order.token, owner, **facts):
                    self.stop()
            except (OSError, UnfreezeError) as error:
                _log(f"the ledger could not be told ({error}); the run goes on")
                with self._lock:
                    self._facts = {**facts, **self._facts}
                self._done.wait(self.order.beat_s)
                continue
            if self._new.wait(self.order.beat_s):
                self._done.wait(min(_LEAST_SECONDS, self.order.beat_s))  # commits may come fast

    def end(self) -> None:
        """No more beats."""
        self._done.set()
        self._new.set()


def main() -> None:
    """Entry point of the process."""
    # What libraries print must not be taken for the outcome.
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    line = sys.stdin.buffer.readline()
    if not line:
        return
    context = WorkerContext(Order(**json.loads(line)))
    signal.signal(signal.SIGTERM, lambda number, frame: context.stop())
    outcome = serve(context)
    outcome = replace(outcome, reason=outcome.reason[:_MOST_CHARACTERS])  # less than a pipe holds
    with suppress(OSError, ValueError):  # the manager may be gone
        answer.write(json.dumps(asdict(outcome)) + "\n")
        answer.flush()
    # Threads that wait for a dead pipe or a driver must not keep the process.
    sys.stderr.flush()
    os._exit(0)


def serve(context: WorkerContext) -> Outcome:
    """Do what is ordered, with lifeline and beat."""
    order = context.order
    core = pin_to_free_core() if order.pin else None
    _log(f"process {os.getpid()} on {host_name()}{'' if core is None else f', core {core}'}: {order.task or 'job'}")
    threading.Thread(target=_hold_lifeline, args=(context,), daemon=True).start()
    beat = threading.Thread(target=context.beat_until_done, daemon=True)
    if order.token:
        beat.start()
    try:
        outcome = _call(context)
    finally:
        context.end()
        if order.token:
            beat.join(timeout=5.0)
    outcome = replace(outcome, facts={**context.reported, **outcome.facts})
    _log(f"{outcome.kind}{': ' if outcome.reason else ''}{outcome.reason}")
    return outcome


def _call(context: WorkerContext) -> Outcome:
    try:
        module, _, name = context.order.function.partition(":")
        function: Callable[[WorkerContext], Outcome] = getattr(importlib.import_module(module), name)
        return function(context)
    except Exception as error:
        if full := full_disk(error):
            return Outcome("full", full)
        if isinstance(error, InputError):
            return Outcome("failed", str(error))
        traceback.print_exc()
        words = str(error).splitlines()[0] if str(error) else ""
        if isinstance(error, _FAULTS_OF_OURS):
            return Outcome("failed", f"a fault of this program, {type(error).__name__}: {words}; the log has more")
        return Outcome("error", words if isinstance(error, UnfreezeError) else f"{type(error).__name__}: {words}")


_FAULTS_OF_OURS = (ArithmeticError, AssertionError, AttributeError, LookupError, NameError, TypeError, ValueError)
"""These come again however often a task is tried."""


def full_disk(error: BaseException | None) -> str:
    """Words for a full disk if that is what an error comes from."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            place = f" ({error.filename})" if error.filename else ""
            return f"{os.strerror(error.errno or errno.ENOSPC)}{place}"
        error = error.__cause__ or error.__context__
    return ""


def _hold_lifeline(context: WorkerContext) -> None:
    """Wait for the manager's end of the pipe to close; what then does not stop in time is ended."""
    with suppress(OSError, ValueError):
        while sys.stdin.buffer.read(1):
            pass
    context.stop()
    time.sleep(_GRACE_SECONDS)
    _log(f"did not stop in {_GRACE_SECONDS:g} s: ended; what was committed is safe")
    os._exit(1)


def _log(text: str) -> None:
    with suppress(OSError, ValueError):
        print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    # Under its own name, so that what a task's function imports is the same module.
    from unfreeze.simulate.campaign.worker import main as _main

    _main()
