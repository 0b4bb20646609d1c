"""Which entries of which corpora a recipe trains and validates on.

Validation is on the parts of a split that are held out, or on the later part of every trajectory.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from unfreeze.corpus.split import Split
from unfreeze.corpus.store import Corpus
from unfreeze.errors import InputError
from unfreeze.train.recipe_data import DataSettings, Kind

__all__ = ["ExampleSource", "Sources", "find_sources"]


@dataclass(frozen=True)
class ExampleSource:
    """Which entry an example is made of, and how.

    Attributes
    ----------
    corpus
        Folder or URL.
    entry, kind
        Name of the entry, and what is learned from it.
    dataset, group
        The set that it came from, and the number of its group of alike sequences (``corpus:number``).
    share
        Part of the time of the trajectories.
    """

    corpus: str
    entry: str
    kind: Kind
    dataset: str = ""
    group: str = ""
    share: tuple[float, float] = (0.0, 1.0)


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
    if "rearrangement" in settings.kinds and not moving and summary.trajectories:
        found.append(ExampleSource(path, name, "rearrangement", summary.trajectories[0].dataset))
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
