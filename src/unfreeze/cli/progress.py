"""What a person sees while a verb works: the stages, on stderr, with their times."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["Counter", "Stages"]


class Stages:
    """Progress as stages that follow each other: a bar a stage on a terminal, nothing elsewhere; times are kept.

    Call it with the name of the stage and the share of that stage that is done, 0 to 1.
    """

    def __init__(self, *, show: bool = True) -> None:
        self.seconds: dict[str, float] = {}
        self._show = show and sys.stderr.isatty()
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._name = ""
        self._began = time.perf_counter()

    def __enter__(self) -> Stages:
        if self._show:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

            self._progress = Progress(
                SpinnerColumn(finished_text="[green]✓"),
                TextColumn("{task.description:<28}"),
                BarColumn(bar_width=30),
                TextColumn("{task.elapsed:6.1f} s"),
                console=Console(stderr=True),
            )
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close(completed=error is None)
        if self._progress is not None:
            self._progress.stop()

    def __call__(self, name: str, share: float = 0.0) -> None:
        """Say that `share` of the stage `name` is done."""
        if name != self._name:
            self._close(completed=True)
            self._name, self._began = name, time.perf_counter()
            if self._progress is not None:
                self._task = self._progress.add_task(name, total=1.0)
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=share)

    def _close(self, *, completed: bool) -> None:
        if not self._name:
            return
        elapsed = time.perf_counter() - self._began
        self.seconds[self._name] = self.seconds.get(self._name, 0.0) + elapsed
        if self._progress is not None and self._task is not None:
            if completed:
                self._progress.update(self._task, completed=1.0)
            self._progress.stop_task(self._task)
        self._name = ""


class Counter:
    """Progress over many things that take their time: a bar with numbers on a terminal, nothing elsewhere.

    Call it with how many of how many are done, and how many of those have failed.
    """

    def __init__(self, name: str, *, show: bool = True) -> None:
        self._name = name
        self._show = show and sys.stderr.isatty()
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Counter:
        if self._show:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=30),
                MofNCompleteColumn(),
                TextColumn("{task.fields[failed]}"),
                TextColumn("{task.elapsed:6.0f} s, left"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self._progress.start()
            self._task = self._progress.add_task(self._name, total=None, failed="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def __call__(self, done: int, total: int, failed: int = 0) -> None:
        """Say how many are done."""
        if self._progress is not None and self._task is not None:
            words = f"[red]{failed} failed[/]" if failed else ""
            self._progress.update(self._task, completed=done, total=total, failed=words)
