"""The end of a training: the networks put together, scored, and written with their card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.files.atomic import write_atomically, write_json
from unfreeze.model.motion_model import MotionModel
from unfreeze.model.weights import save_model
from unfreeze.train.card import card_markdown, make_card
from unfreeze.train.checkpoints import read_tensors
from unfreeze.train.examples import Example
from unfreeze.train.job import Job
from unfreeze.train.levels import with_levels

__all__ = ["TrainingResult", "conclude"]

_LEAST_GAIN = 1e-4  # of a score, relative; less is chance


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


def conclude(
    job: Job,
    examples: Sequence[Example],
    held_out: Sequence[Example],
    start: MotionModel | None,
) -> TrainingResult:
    """Put the networks together, score them, and write the model with its card."""
    from unfreeze.train.network import parameters_of
    from unfreeze.train.validate import score_table, uncertainty_scale

    found = [read_tensors(job.member_folder(member) / "member.safetensors") for member in range(job.n_members)]
    members, states = [_trusted(tensors, job.recipe.model.trust) for tensors, _ in found], [state for _, state in found]
    on_cpu = [parameters_of(one) for one in members]
    scores = score_table(on_cpu, held_out) if held_out else None
    before = None
    levels = job.levels
    scale = 1.0 if start is None else start.uncertainty_scale
    if start is not None and held_out:
        before = score_table([parameters_of(one) for one in start.members], with_levels(held_out, start.log_level))
    if held_out and job.recipe.data.hold_out_later == 0.0:
        scale = uncertainty_scale(on_cpu, held_out) or scale
    improved = None
    if before is not None and scores is not None and start is not None:
        name = job.recipe.score or scores.default_score()
        one, other = scores.score(name or ""), before.score(name or "")
        improved = one is not None and other is not None and one > other + _LEAST_GAIN * abs(other)
        if not improved:
            members, scores, scale = list(map(dict, start.members)), before, start.uncertainty_scale
            levels = start.log_level
    card = make_card(
        job.recipe, examples, held_out, members=states, scores=scores, before=before,
        start=None if start is None else start.card, n_parameters=sum(value.size for value in members[0].values()),
    )  # fmt: skip
    if improved is False:
        card["note"] = "not better on what was held out than the model it was started from, whose weights these are"
    flow = None if start is None else start.flow  # side chains are not what this training is about
    path = save_model(job.folder / "model.safetensors", MotionModel(members, card, scale, levels, flow))
    write_json(job.folder / "card.json", card)
    write_atomically(job.folder / "card.md", card_markdown(card))
    return TrainingResult(job.folder, path, card, improved)


def _trusted(parameters: Mapping[str, NDArray[np.float32]], trust: float) -> dict[str, NDArray[np.float32]]:
    """The same network with a part of its corrections of RMSF: the last linear map of that head, scaled."""
    found = dict(parameters)
    for name in ("heads.rmsf.1.weight", "heads.rmsf.1.bias"):
        found[name] = parameters[name].copy()
        found[name][..., 0] *= np.float32(trust)
    return found
