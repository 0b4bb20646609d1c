"""Ctrl-C and SIGTERM as a wish that long work asks for between two safe points, not as an exception anywhere."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["StopWish", "stop_wish"]


class StopWish:
    """Whether somebody wants the work to end; call it to ask. A second Ctrl-C ends it at once."""

    def __init__(self) -> None:
        self.signal_number = 0

    def __call__(self) -> bool:
        """Whether to stop."""
        return self.signal_number != 0

    def raise_if_wished(self) -> None:
        """End as a command does that was stopped by that signal.

        Raises
        ------
        KeyboardInterrupt, SystemExit
            If a signal came.
        """
        if self.signal_number == signal.SIGTERM:
            raise SystemExit(128 + signal.SIGTERM)
        if self.signal_number:
            raise KeyboardInterrupt


@contextmanager
def stop_wish() -> Iterator[StopWish]:
    """Turn the first SIGINT or SIGTERM into a wish while the block runs."""
    wish = StopWish()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}

    def take(number: int, frame: FrameType | None) -> None:
        if wish.signal_number:
            raise KeyboardInterrupt
        wish.signal_number = number

    try:
        for number in numbers:
            if before[number] is not signal.SIG_IGN:  # as jobs in the background have it
                signal.signal(number, take)
        yield wish
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
