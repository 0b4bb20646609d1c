"""Ctrl-C and SIGTERM as a wish that a training asks for between two steps; passed on to its processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from contextlib import suppress
from types import FrameType

__all__ = ["Stopper"]

_AT_ONCE_S = 0.5  # a second signal sooner than this is the same wish, come by two ways


class Stopper:
    """Whether somebody wants the training to end; call it to ask. A second Ctrl-C ends it at once.

    A context: signals are taken while it is entered, in the main thread.

    Attributes
    ----------
    signal_number
        Of the first signal; 0 for none.
    """

    def __init__(self) -> None:
        self.signal_number = 0
        self._when = 0.0
        self._before: dict[int, object] = {}

    def __call__(self) -> bool:
        """Whether to stop."""
        return self.signal_number != 0

    def __enter__(self) -> Stopper:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                before = signal.getsignal(number)
                if before is not signal.SIG_IGN:  # as jobs in the background have it
                    self._before[number] = before
                    signal.signal(number, self._take)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._before.clear()

    def _take(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.signal_number and now - self._when > _AT_ONCE_S:
            raise KeyboardInterrupt
        if not self.signal_number:
            self.signal_number, self._when = number, now
            for child in multiprocessing.active_children():
                with suppress(OSError):
                    os.kill(child.pid or 0, signal.SIGTERM) if child.pid else None
