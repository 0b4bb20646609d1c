"""Where a training computes: one process, or one a device; the networks one after the other in each of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal

import torch
from lightning_fabric import Fabric

from unfreeze.errors import InputError, UnfreezeError
from unfreeze.train.examples import Example
from unfreeze.train.feature_cache import cache_folder
from unfreeze.train.job import Job
from unfreeze.train.levels import with_levels
from unfreeze.train.loading import load_examples
from unfreeze.train.member import MemberTraining
from unfreeze.train.recipe import Recipe
from unfreeze.train.reporter import Reporter
from unfreeze.train.sources import find_sources
from unfreeze.train.stopping import Stopper

__all__ = ["launch", "make_fabric"]

Outcome = tuple[Literal["finished", "stopped", "input", "failed"], str]


def make_fabric(recipe: Recipe) -> Fabric:
    """The devices and the precision that a recipe asks for.

    Raises
    ------
    InputError
        If they cannot be had.
    """
    n_gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    devices = max(n_gpus, 1) if recipe.devices == "auto" else recipe.devices
    if n_gpus and devices > n_gpus:
        raise InputError(f"devices: {devices} are asked for, but there are {n_gpus} GPUs")
    precision: Any = recipe.precision
    if precision == "auto":
        precision = "bf16-mixed" if n_gpus and torch.cuda.is_bf16_supported() else "32-true"
    return Fabric(
        accelerator="cuda" if n_gpus else "cpu",
        devices=devices,
        strategy="ddp_spawn" if devices > 1 else "auto",
        precision=precision,
    )


def launch(job: Job, examples: Sequence[Example], held_out: Sequence[Example], stopper: Stopper) -> bool:
    """Train all networks that are not done; whether all of them are.

    Raises
    ------
    InputError, UnfreezeError
        If something is wrong with the recipe, or a training diverges.
    """
    if all(_is_done(job, member) for member in range(job.n_members)):
        return True
    fabric = make_fabric(job.recipe)
    if fabric.world_size == 1:
        return _train(fabric, job, examples, held_out, stopper)
    kind, text = fabric.launch(_Process(job))
    if kind in ("input", "failed"):
        raise (InputError if kind == "input" else UnfreezeError)(text)
    return kind == "finished"


class _Process:
    """What one of several processes does; errors of the user come back as words."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def __call__(self, fabric: Fabric) -> Outcome:
        threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        torch.set_num_threads(max(1, min(threads // fabric.world_size, torch.get_num_threads())))
        job, settings = self._job, self._job.recipe.data
        try:
            with Stopper() as stopper:
                sources = find_sources(settings)
                loaded = [load_examples(part, settings, cache_folder()) for part in (sources.train, sources.validation)]
                examples, held_out = (with_levels(one.examples, job.levels) for one in loaded)
                done = _train(fabric, job, examples, held_out, stopper)
        except UnfreezeError as error:
            return ("input" if isinstance(error, InputError) else "failed"), str(error)
        return ("finished" if done else "stopped"), ""


def _train(
    fabric: Fabric, job: Job, examples: Sequence[Example], held_out: Sequence[Example], stopper: Stopper
) -> bool:
    is_first = fabric.global_rank == 0
    reporter = Reporter(job.folder if is_first else None, job.n_members, show=job.show, tensorboard=job.tensorboard)
    with reporter:
        for member in range(job.n_members):
            if _is_done(job, member):
                continue
            training = MemberTraining(
                fabric, job.recipe, member, job.starts[member],
                examples=examples, held_out=held_out, folder=job.member_folder(member), reporter=reporter, stop=stopper,
            )  # fmt: skip
            if not training.run():
                return False
    return True


def _is_done(job: Job, member: int) -> bool:
    return (job.member_folder(member) / "member.json").exists()
