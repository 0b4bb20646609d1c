"""A whole training in a folder: examples, one network after the other, the model and its card; taken up where it ended.

The folder has `recipe.yaml` (with all defaults), `run.json` (what identifies the data), `log.jsonl`, `members/` while
it is under way, and in the end `model.safetensors`, `card.json` and `card.md`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

import unfreeze
from unfreeze.corpus.store import Corpus
from unfreeze.errors import InputError
from unfreeze.files.atomic import write_atomically, write_json
from unfreeze.model.motion_model import MotionModel
from unfreeze.train.conclude import TrainingResult, conclude
from unfreeze.train.examples import Example
from unfreeze.train.feature_cache import cache_folder
from unfreeze.train.job import Job, load_start, starts
from unfreeze.train.levels import log_levels, with_levels
from unfreeze.train.loading import load_examples
from unfreeze.train.rearrangements import load_rearrangements
from unfreeze.train.recipe import Recipe
from unfreeze.train.recipe_file import changed_keys, read_recipe, recipe_text
from unfreeze.train.sources import find_sources
from unfreeze.train.stopping import Stopper
from unfreeze.train.unseen import hide

__all__ = ["TrainingResult", "check_folder", "train"]

Progress = Callable[[str, int, int, int], None]


def check_folder(folder: Path, recipe: Recipe) -> bool:
    """Whether a folder has a run of this recipe to go on with.

    Raises
    ------
    InputError
        If it has a run of another one, or other files.
    """
    path = folder / "recipe.yaml"
    if not path.exists():
        if folder.exists() and (not folder.is_dir() or any(item.name[0] != "." for item in folder.iterdir())):
            raise InputError(f"{folder}: is there and is no training; choose another -o")
        return False
    there = read_recipe(path)
    if changed := changed_keys(there, recipe):
        raise InputError(
            f"{folder}: has a training of another recipe, which differs in {', '.join(changed[:5])}"
            f"{' and more' if len(changed) > 5 else ''}. Choose another -o, or give the recipe as it was."
        )
    return True


def train(
    recipe: Recipe,
    folder: Path,
    *,
    show: bool = True,
    tensorboard: bool = False,
    processes: int = 1,
    progress: Progress | None = None,
    stopper: Stopper | None = None,
) -> TrainingResult:
    """Carry out a recipe, or go on with it.

    Parameters
    ----------
    recipe
        With paths that are whole.
    folder
        Of the run.
    show
        Whether a person watches on stderr.
    tensorboard
        Whether TensorBoard's files are written, too.
    processes
        That make features.
    progress
        Told what is being made, how many of how many, and how many failed.
    stopper
        Asked between steps; what is there is kept.

    Raises
    ------
    InputError
        If the recipe, the data or the folder cannot be used.
    UnfreezeError
        If the training diverges.
    """
    from unfreeze.train.devices import launch

    stopper = stopper or Stopper()
    check_folder(folder, recipe)
    start = load_start(recipe)
    sources = find_sources(recipe.data)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(f"{folder}: another process is training there") from None
    except OSError as error:
        raise InputError(f"{folder}: cannot be written to ({error.strerror or error}); choose another -o") from None
    try:
        cache = cache_folder()
        say = progress or (lambda name, done, total, failed: None)
        if "rearrangement" in recipe.data.kinds:
            for path in recipe.data.corpora:
                load_rearrangements(
                    Corpus.open(path), cache, lambda stage, share: say(stage, round(100 * share), 100, 0)
                )
        sets = [
            load_examples(
                part, recipe.data, cache, processes=processes, stop=stopper,
                progress=lambda done, total, failed, name=name: say(name, done, total, failed),
            )
            for name, part in (("Examples", sources.train), ("Held-out examples", sources.validation))
        ]  # fmt: skip
        sets = [replace(one, examples=hide(one.examples, recipe.model.without)) for one in sets]
        levels = log_levels(sets[0].examples, None if start is None else start.log_level)
        examples, held_out = (with_levels(one.examples, levels) for one in sets)
        failed = sets[0].failed | sets[1].failed
        notes = [f"left out: {name}: {why}" for name, why in failed.items()]
        members = recipe.model.members or (1 if start is None else len(start.members))
        _establish(folder, recipe, examples, held_out, start)
        job = Job(folder, recipe, members, starts(recipe, start, members), levels, show, tensorboard)
        if not launch(job, examples, held_out, stopper):
            return TrainingResult(folder, None, {}, notes=tuple(notes))
        return replace(conclude(job, examples, held_out, start), notes=tuple(notes))
    finally:
        lock.release()


def _establish(
    folder: Path, recipe: Recipe, examples: Sequence[Example], held_out: Sequence[Example], start: MotionModel | None
) -> None:
    """Write what the run is, or see that data and start are those that it began with."""
    words = [
        [Path(one.source.corpus).name, one.source.entry, one.source.kind, list(one.source.share), one.n_blocks,
         0 if one.motion is None else len(one.motion.level)]
        for one in (*examples, *held_out)
    ]  # fmt: skip
    data = hashlib.sha256(json.dumps(words).encode()).hexdigest()
    weights = None if start is None or start.file is None else start.file.sha256
    path = folder / "run.json"
    if not (folder / "recipe.yaml").exists():
        write_atomically(folder / "recipe.yaml", recipe_text(recipe))
    if path.exists():
        there = json.loads(path.read_text(encoding="utf-8"))
        for key, value, what in (
            ("data", data, "the corpus has other entries"),
            ("start", weights, "the model to start from is another one"),
        ):
            if there.get(key) != value:
                raise InputError(f"{folder}: {what} than when this training began; choose another -o to begin anew")
        return
    write_json(
        path,
        {
            "schema": "unfreeze-training/1", "unfreeze": unfreeze.__version__,
            "began": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "data": data, "start": weights,
            "examples": len(examples), "held_out": len(held_out),
        },
    )  # fmt: skip
