"""Which examples a recipe asks for, and all of them loaded: by several processes where features are to be made.

Validation is on the parts of a split that are held out, or on the later part of every trajectory.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from unfreeze.corpus.split import Split
from unfreeze.corpus.store import Corpus
from unfreeze.errors import InputError, UnfreezeError
from unfreeze.train.examples import Example, ExampleSource, load_example
from unfreeze.train.recipe import DataSettings

__all__ = ["ExampleSet", "Sources", "find_sources", "load_examples"]

Progress = Callable[[int, int, int], None]
_WAITING = 64


@dataclass(frozen=True)
class Sources:
    """What is trained and validated on.

    Attributes
    ----------
    train, validation
        The entries, in order of their names.
    """

    train: tuple[ExampleSource, ...]
    validation: tuple[ExampleSource, ...]


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


def find_sources(settings: DataSettings) -> Sources:
    """The entries that a recipe asks for.

    Parameters
    ----------
    settings
        Data of a recipe, with paths that are whole.

    Raises
    ------
    InputError
        If there is no corpus, split or part of the name, or nothing is left.
    """
    if not settings.corpora:
        raise InputError("the recipe names no corpus: give data.corpora in it, or --corpus")
    train: list[ExampleSource] = []
    held: list[ExampleSource] = []
    known: set[str] = set()
    for path in settings.corpora:
        corpus = Corpus.open(path)
        parts, groups = _parts(corpus, settings)
        known |= set(corpus.identifiers)
        for name in corpus.identifiers:
            if name in settings.exclude:
                continue
            for source in _of_entry(corpus, path, name, settings):
                source = replace(source, group=f"{path}:{groups.get(name, name)}")
                if settings.hold_out_later > 0.0:
                    if parts is None or parts.get(name) in settings.train:
                        train.append(_within(source, 0.0, 1.0 - settings.hold_out_later))
                        if source.kind == "md":
                            held.append(_within(source, 1.0 - settings.hold_out_later, 1.0))
                elif parts is None or parts.get(name) in settings.train:
                    train.append(source)
                elif parts.get(name) in settings.validation:
                    held.append(source)
    if missing := [name for name in settings.exclude if name not in known]:
        raise InputError(f"data.exclude: no corpus has an entry {missing[0]!r}")
    if not train:
        raise InputError(
            f"{', '.join(map(str, settings.corpora))}: has nothing to train on: {' or '.join(settings.kinds)} was "
            f"expected{'' if settings.split is None else ' in the parts ' + ', '.join(settings.train)}. "
            "Look with `unfreeze corpus list`."
        )
    return Sources(tuple(train), tuple(_evenly(held, settings.validation_examples)))


def _parts(corpus: Corpus, settings: DataSettings) -> tuple[dict[str, str] | None, dict[str, int]]:
    if settings.split is None:
        return None, {}
    split = Split.load(corpus, settings.split)
    for part in (*settings.train, *settings.validation):
        split.entries_of(part)  # refuses a part that is not there
    if shared := set(settings.train) & set(settings.validation):
        raise InputError(f"data.validation: the part {min(shared)!r} is trained on, too; give different parts")
    return split.part_of, split.groups


def _of_entry(corpus: Corpus, path: str, name: str, settings: DataSettings) -> list[ExampleSource]:
    summary = corpus.summary(name)
    found = []
    moving = [one for one in summary.trajectories if one.conditions.kind == "md" and one.is_complete]
    if "md" in settings.kinds and moving:
        found.append(ExampleSource(path, name, "md", moving[0].dataset))
    if "b_factor" in settings.kinds and summary.n_labels.get("b_factor", 0) and not moving and summary.trajectories:
        found.append(ExampleSource(path, name, "b_factor", summary.trajectories[0].dataset))
    return found


def _within(source: ExampleSource, start: float, stop: float) -> ExampleSource:
    return replace(source, share=(start, stop))


def _evenly(sources: list[ExampleSource], most: int) -> list[ExampleSource]:
    """At most so many of each kind, evenly taken."""
    chosen: list[ExampleSource] = []
    for kind in sorted({source.kind for source in sources}):
        of_kind = [source for source in sources if source.kind == kind]
        rows = np.unique(np.linspace(0, len(of_kind) - 1, min(most, len(of_kind))).round().astype(int))
        chosen += [of_kind[row] for row in rows]
    return chosen


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
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
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
