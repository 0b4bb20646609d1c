"""A whole training in a folder: examples, one network after the other, the model and its card; taken up where it ended.

The folder has `recipe.yaml` (with all defaults), `run.json` (what identifies the data), `log.jsonl`, `members/` while
it is under way, and in the end `model.safetensors`, `card.json` and `card.md`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

import unfreeze
from unfreeze.errors import InputError
from unfreeze.files.atomic import write_atomically, write_json
from unfreeze.files.yaml_file import read_yaml
from unfreeze.model.motion_model import HEADS, MotionModel
from unfreeze.model.network import NetworkShape, initial_parameters
from unfreeze.model.weights import load_model, save_model
from unfreeze.train.card import card_markdown, make_card
from unfreeze.train.checkpoints import read_tensors
from unfreeze.train.collect import find_sources, load_examples
from unfreeze.train.examples import Example, cache_folder
from unfreeze.train.recipe import Recipe
from unfreeze.train.recipe_file import changed_keys, recipe_text
from unfreeze.train.stopping import Stopper

__all__ = ["TrainingResult", "check_folder", "train"]

Progress = Callable[[str, int, int, int], None]


@dataclass(frozen=True)
class TrainingResult:
    """What a training led to.

    Attributes
    ----------
    folder
        Of the run.
    model
        File of the model; None if the training was stopped before its end.
    card
        Of the model.
    improved
        Whether a model that was started from got better; None where there was none, or nothing was held out.
    notes
        What a person should know.
    """

    folder: Path
    model: Path | None
    card: dict[str, Any]
    improved: bool | None = None
    notes: tuple[str, ...] = ()


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
    there = Recipe.model_validate(read_yaml(path).data)
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
    start = _start(recipe)
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
        sets = [
            load_examples(
                part, recipe.data, cache, processes=processes, stop=stopper,
                progress=lambda done, total, failed, name=name: say(name, done, total, failed),
            )
            for name, part in (("Examples", sources.train), ("Held-out examples", sources.validation))
        ]  # fmt: skip
        examples, held_out = sets[0].examples, sets[1].examples
        failed = sets[0].failed | sets[1].failed
        notes = [f"left out: {name}: {why}" for name, why in failed.items()]
        members = recipe.model.members or (1 if start is None else len(start.members))
        _establish(folder, recipe, examples, held_out, start)
        job = Job(folder, recipe, members, _starts(recipe, examples, start, members), show, tensorboard)
        if not launch(job, examples, held_out, stopper):
            return TrainingResult(folder, None, {}, notes=tuple(notes))
        return replace(_conclude(job, examples, held_out, start), notes=tuple(notes))
    finally:
        lock.release()


@dataclass(frozen=True, eq=False)
class Job:
    """What every process of a training is told.

    Attributes
    ----------
    folder, recipe
        Of the run.
    n_members
        Networks.
    starts
        Parameters that each begins with.
    show, tensorboard
        How it is told of.
    """

    folder: Path
    recipe: Recipe
    n_members: int
    starts: Sequence[Mapping[str, NDArray[np.float32]]]
    show: bool = True
    tensorboard: bool = False

    def member_folder(self, member: int) -> Path:
        """Folder of a network."""
        return self.folder / "members" / f"{member:02d}"


def _start(recipe: Recipe) -> MotionModel | None:
    if recipe.model.start is None:
        return None
    return load_model(None if recipe.model.start == "base" else recipe.model.start)


def _starts(
    recipe: Recipe, examples: Sequence[Example], start: MotionModel | None, n_members: int
) -> list[Mapping[str, NDArray[np.float32]]]:
    if start is not None:
        return [start.members[member % len(start.members)] for member in range(n_members)]
    graph = examples[0].features
    shape = NetworkShape(graph.nodes.shape[1], graph.edges.shape[2], recipe.model.width, recipe.model.layers)
    return [initial_parameters(shape, HEADS, seed=recipe.seed + 1000003 * member) for member in range(n_members)]


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
    write_atomically(folder / "recipe.yaml", recipe_text(recipe))


def _conclude(
    job: Job, examples: Sequence[Example], held_out: Sequence[Example], start: MotionModel | None
) -> TrainingResult:
    """Put the networks together, score them, and write the model with its card."""
    from unfreeze.train.network import parameters_of
    from unfreeze.train.validate import score_table, uncertainty_scale

    found = [read_tensors(job.member_folder(member) / "member.safetensors") for member in range(job.n_members)]
    members, states = [tensors for tensors, _ in found], [state for _, state in found]
    on_cpu = [parameters_of(one) for one in members]
    scores = score_table(on_cpu, held_out) if held_out else None
    before = None
    scale = 1.0 if start is None else start.uncertainty_scale
    if start is not None and held_out:
        before = score_table([parameters_of(one) for one in start.members], held_out)
    if held_out and job.recipe.data.hold_out_later == 0.0:
        scale = uncertainty_scale(on_cpu, held_out) or scale
    improved = None
    if before is not None and scores is not None and start is not None:
        name = job.recipe.score or scores.default_score()
        one, other = scores.score(name or ""), before.score(name or "")
        improved = one is not None and other is not None and one > other
        if not improved:
            members, scores, scale = list(map(dict, start.members)), before, start.uncertainty_scale
    card = make_card(
        job.recipe, examples, held_out, members=states, scores=scores, before=before,
        start=None if start is None else start.card, n_parameters=sum(value.size for value in members[0].values()),
    )  # fmt: skip
    if improved is False:
        card["note"] = "not better on what was held out than the model it was started from, whose weights these are"
    path = save_model(job.folder / "model.safetensors", MotionModel(members, card, scale))
    write_json(job.folder / "card.json", card)
    write_atomically(job.folder / "card.md", card_markdown(card))
    return TrainingResult(job.folder, path, card, improved)
