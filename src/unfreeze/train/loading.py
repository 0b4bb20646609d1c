"""All examples of a training loaded; features that are not there are made, by several processes if there are some."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from unfreeze.errors import InputError, UnfreezeError
from unfreeze.train.examples import Example, load_example
from unfreeze.train.recipe_data import DataSettings
from unfreeze.train.sources import ExampleSource

__all__ = ["ExampleSet", "load_examples"]

Progress = Callable[[int, int, int], None]
_WAITING = 64


@dataclass(frozen=True, eq=False)
class ExampleSet:
    """Examples that were loaded.

    Attributes
    ----------
    examples
        In the order of the sources.
    failed
        Entries whose features could not be made, and why.
    """

    examples: tuple[Example, ...]
    failed: dict[str, str]


def load_examples(
    sources: Sequence[ExampleSource],
    settings: DataSettings,
    folder: Path,
    *,
    processes: int = 1,
    progress: Progress | None = None,
    stop: Callable[[], bool] | None = None,
) -> ExampleSet:
    """Load examples, and make the features that are not in the cache.

    Parameters
    ----------
    sources
        Of :func:`find_sources`.
    settings
        Data of the recipe.
    folder
        The cache.
    processes
        That make features; 1 for this one.
    progress
        Told how many of how many are done and how many of these failed.
    stop
        Asked between two entries; True ends with KeyboardInterrupt, what was made is kept.

    Raises
    ------
    InputError
        If nothing can be learned from any of them.
    """
    progress = progress or (lambda done, total, failed: None)
    failed: dict[str, str] = {}
    if processes > 1:
        _make(sources, settings, folder, processes, progress, stop)
    examples = []
    for number, source in enumerate(sources):
        try:
            example = load_example(source, settings, folder)
        except (UnfreezeError, np.linalg.LinAlgError, ValueError) as error:
            failed[source.entry] = str(error)
            example = None
        if example is not None:
            examples.append(example)
        progress(number + 1, len(sources), len(failed))
        if stop is not None and stop():
            raise KeyboardInterrupt
    if sources and not examples:
        why = next(iter(failed.items()), None)
        raise InputError(
            f"nothing can be learned from the {len(sources)} entries: "
            + (f"{why[0]}: {why[1]}" if why else "too short, too large, or their B-factors say nothing (docs/train.md)")
        )
    return ExampleSet(tuple(examples), failed)


def _make(
    sources: Sequence[ExampleSource],
    settings: DataSettings,
    folder: Path,
    processes: int,
    progress: Progress,
    stop: Callable[[], bool] | None,
) -> None:
    """Fill the cache with several processes; what fails fails again, with its reason, when it is loaded."""
    done, waiting, left = 0, set[Future[None]](), iter(sources)
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"  # inherited by the workers
    try:
        with ProcessPoolExecutor(processes, get_context("spawn"), _leave_signals) as pool:
            while True:
                while len(waiting) < _WAITING and (source := next(left, None)) is not None:
                    waiting.add(pool.submit(_fill, source, settings, folder))
                if not waiting:
                    break
                ready, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                done += len(ready)
                progress(done, len(sources), 0)
                if stop is not None and stop():
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise KeyboardInterrupt
    finally:
        if before is None:
            os.environ.pop("OMP_NUM_THREADS", None)
        else:
            os.environ["OMP_NUM_THREADS"] = before


def _fill(source: ExampleSource, settings: DataSettings, folder: Path) -> None:
    try:
        load_example(source, settings, folder)
    except (UnfreezeError, np.linalg.LinAlgError, ValueError):
        return


def _leave_signals() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that asked for the work decides
