"""What a person sees of a training: a live page on a terminal, plain lines now and then elsewhere; on stderr."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from unfreeze.train.state import TrainingState
from unfreeze.train.table import ScoreTable

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live

__all__ = ["Dashboard", "sparkline"]

_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 60
_KEPT = 600
_REFRESH_S = 0.5
_LINE_S = 30.0
_NOTES = 4


class Dashboard:
    """The page.

    Parameters
    ----------
    n_members
        Networks that are trained.
    """

    def __init__(self, n_members: int) -> None:
        self._n_members = n_members
        self._live: Live | None = None
        self._losses: deque[float] = deque(maxlen=_KEPT)
        self._seconds: deque[float] = deque(maxlen=50)
        self._notes: deque[str] = deque(maxlen=_NOTES)
        self._parts: dict[str, float] = {}
        self._table: ScoreTable | None = None
        self._line = ""
        self._shown = time.monotonic()

    def start(self) -> None:
        """Begin to show."""
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(stderr=True, highlight=False), refresh_per_second=4, transient=True)
            self._live.start()

    def stop(self) -> None:
        """End; what was last shown goes."""
        if self._live is not None:
            self._live.stop()

    def step(self, state: TrainingState, n_steps: int, stage: str, values: Mapping[str, Any]) -> None:
        """Take in a step."""
        self._losses.append(float(values["loss"]))
        self._seconds.append(float(values["seconds"]))
        for name, value in values["losses"].items():
            self._parts[name] = 0.9 * self._parts.get(name, float(value)) + 0.1 * float(value)
        pace = sum(self._seconds) / len(self._seconds)
        self._line = (
            f"member {state.member + 1} of {self._n_members}, {stage}: step {state.step:,} of {n_steps:,}, "
            f"{pace:.2f} s a step, {_time(pace * (n_steps - state.step))} left, loss {_mean(self._losses):.3f}, "
            f"learning rate {values['learning_rate']:.1e}, {values['memory_MB']:,.0f} MB"
        )
        now = time.monotonic()
        if self._live is not None:
            if now - self._shown > _REFRESH_S:
                self._live.update(self._page(state.step / n_steps))
                self._shown = now
        elif now - self._shown > _LINE_S:
            _say(self._line)
            self._shown = now

    def validation(self, state: TrainingState, table: ScoreTable, score: str, *, is_best: bool) -> None:
        """Take in scores."""
        self._table = table
        if self._live is None:
            words = ", ".join(
                f"{head} {model} (harmonic {harmonic}, one amplitude {amplitude})"
                for head, model, harmonic, amplitude, _ in table.lines()[1:]
            )
            _say(f"member {state.member + 1}, step {state.total:,}: {words}{'; the best so far' if is_best else ''}")

    def say(self, text: str) -> None:
        """Show a note."""
        self._notes.append(text)
        if self._live is None:
            _say(text)

    def _page(self, share: float) -> Group:
        from rich.console import Group
        from rich.text import Text

        rows: list[Any] = [Text(self._line, style="bold"), Text(_bar(share), style="green")]
        rows.append(Text(f"{sparkline(list(self._losses), _WIDTH)}  loss"))
        rows.append(Text("  ".join(f"{name} {value:.3f}" for name, value in self._parts.items()), style="dim"))
        if self._table is not None:
            from unfreeze.train.table_view import table_view

            rows.append(table_view(self._table))
        rows += [Text(note, style="yellow") for note in self._notes]
        return Group(*rows)


def sparkline(values: Sequence[float], width: int) -> str:
    """A line of bars of the means of as many parts as there is room; steps that are not finite are left out."""
    known = [value for value in values if abs(value) < float("inf")]
    if not known:
        return ""
    n = min(width, len(known))
    parts = [known[len(known) * k // n : len(known) * (k + 1) // n] for k in range(n)]
    means = [sum(part) / len(part) for part in parts]
    low, high = min(means), max(means)
    return "".join(_BARS[int((value - low) / (high - low or 1.0) * (len(_BARS) - 1))] for value in means)


def _bar(share: float) -> str:
    n = round(_WIDTH * min(max(share, 0.0), 1.0))
    return "━" * n + "╌" * (_WIDTH - n)


def _mean(values: Sequence[float]) -> float:
    known = [value for value in list(values)[-20:] if abs(value) < float("inf")]
    return sum(known) / len(known) if known else float("nan")


def _time(seconds: float) -> str:
    minutes = seconds / 60.0
    return f"{minutes / 60.0:.1f} h" if minutes > 90 else f"{minutes:.0f} min" if minutes > 1.5 else f"{seconds:.0f} s"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
