"""The training of one network: steps, averages, validations and checkpoints, from wherever the last one ended.

A step is a function of the checkpoint before it: batches and dropout come from places in counter-based sequences. On
one thread of a CPU a training that was killed and goes on so gives the same bits as one that was not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray

from unfreeze.errors import InputError, UnfreezeError
from unfreeze.train.batches import Batch, make_batch
from unfreeze.train.checkpoints import Checkpoints, Tensors, joined, parted, write_tensors
from unfreeze.train.divergence import WINDOW, rises, should_return, verdict
from unfreeze.train.draws import DrawPlan, generator, plan_draws, shares
from unfreeze.train.examples import Example
from unfreeze.train.gradients import sum_gradients
from unfreeze.train.losses import losses
from unfreeze.train.network import Average, apply, arrays_of, parameters_of, set_trainable
from unfreeze.train.optimizer import learning_rate, make_optimizer, optimizer_tensors, restore_optimizer
from unfreeze.train.recipe import Recipe
from unfreeze.train.reporter import Reporter, memory_MB
from unfreeze.train.state import TrainingState
from unfreeze.train.table import ScoreTable
from unfreeze.train.validate import score_table

__all__ = ["MemberTraining"]

_STREAMS = 1000  # of draws, a member; one for every stage and one for dropout


class MemberTraining:
    """One network under training.

    Parameters
    ----------
    fabric
        Launched.
    recipe
        Of the training.
    member
        Number of the network.
    start
        Its parameters at the very beginning.
    examples, held_out
        What is trained and validated on.
    folder
        Of this member.
    reporter
        Told of everything; of the first process only.
    stop
        Asked after every step.
    """

    def __init__(
        self,
        fabric: Fabric,
        recipe: Recipe,
        member: int,
        start: Mapping[str, NDArray[np.float32]],
        *,
        examples: Sequence[Example],
        held_out: Sequence[Example],
        folder: Path,
        reporter: Reporter,
        stop: Callable[[], bool],
    ) -> None:
        self.fabric, self.recipe, self.folder, self.reporter = fabric, recipe, folder, reporter
        self._examples, self._held_out, self._stop = examples, held_out, stop
        self._checkpoints = Checkpoints(folder / "checkpoints")
        self.state = TrainingState(member=member)
        self._parameters = parameters_of(start, fabric.device)
        self._average = Average(self._parameters, recipe.ema_decay)
        self._best: Tensors = {}
        self._from_start = recipe.model.start is not None
        self._begin_stage()

    def run(self) -> bool:
        """Train to the end, or until somebody wants it to stop; whether it is at its end."""
        resumes = self._load()
        # nobody writes a checkpoint before all processes have looked for one: they would begin in different places
        self.fabric.barrier()
        if resumes:
            self.reporter.resumed(self.state)
        else:
            if self._from_start and self._held_out:
                self._validate()
                self.state.before = self.state.best
            self._save()
        while self.state.stage < len(self.recipe.stages):
            if not self._step():
                continue
            stage_ends = self.state.step >= self.n_steps
            if stage_ends or self.state.step % self.recipe.validate_every == 0:
                self._validate()
                patience = self.recipe.stages[self.state.stage].patience
                stage_ends |= patience is not None and self.state.stale >= patience
            stops = self._stops
            due = self.state.step % self.recipe.checkpoint_every == 0
            if stage_ends:
                self._end_stage()
            if stage_ends or due or stops:
                self._save()
            if stops:
                return False
        self._finish()
        return True

    # --- one step

    @property
    def n_steps(self) -> int:
        """Steps of this stage."""
        stage = self.recipe.stages[self.state.stage]
        if stage.steps is not None:
            return stage.steps
        assert stage.epochs is not None
        return max(1, math.ceil(stage.epochs * self._plan.blocks_an_epoch / self.recipe.batch_blocks))

    def _step(self) -> bool:
        """Make a step; False if that led back to a checkpoint."""
        began = time.perf_counter()
        state, stage = self.state, self.recipe.stages[self.state.stage]
        batch, next_draw = self._batch()
        with self.fabric.autocast():
            outputs = apply(self._parameters, batch)
            total, parts = losses(outputs, batch, stage.losses, self.recipe.optimizer.error_cap)
        self._optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(total)
        trained = {name: self._parameters[name] for name in self._trainable}
        loss, found, self._stops = sum_gradients(
            self.fabric,
            trained,
            float(total.detach()),
            {key: float(value) for key, value in parts.items()},
            self._stop(),
        )
        norm = float(torch.nn.utils.clip_grad_norm_(trained.values(), self.recipe.optimizer.clip))
        rate = state.learning_rate_scale * learning_rate(stage, state.step, self.n_steps)
        is_finite = math.isfinite(norm) and math.isfinite(loss)
        if is_finite:
            for group in self._optimizer.param_groups:
                group["lr"] = rate
            self._optimizer.step()
            self._average.update(self._parameters)
        state.step, state.total, state.draw = state.step + 1, state.total + 1, next_draw
        seconds = time.perf_counter() - began
        state.seconds += seconds
        self.reporter.step(
            state, self.n_steps, stage.name, loss=loss, losses=found, learning_rate=rate,
            gradient_norm=norm, seconds=seconds, memory_MB=memory_MB(self.fabric.device),
        )  # fmt: skip
        return self._watch(loss if is_finite else math.nan)

    def _batch(self) -> tuple[Batch, int]:
        chosen, next_draw = self._plan.batch(self.state.draw)
        examples = [self._examples[number] for number in chosen]
        mine = shares([example.n_blocks for example in examples], self.fabric.world_size)[self.fabric.global_rank]
        n_motion = sum(example.motion is not None for example in examples)
        stream = _STREAMS * self.state.member + _STREAMS - 1
        batch = make_batch(
            [examples[place] for place in mine] or examples[:1],
            n_motion=n_motion if mine else math.inf,
            n_b_factor=sum(example.log_root_b is not None for example in examples) if mine else math.inf,
            n_rearrangement=sum(example.log_displacement is not None for example in examples) if mine else math.inf,
            augment=self.recipe.augment,
            random=[generator(self.recipe.seed, stream, self.state.total, place) for place in mine],
        )
        return batch.to(self.fabric.device), next_draw

    # --- what can go wrong

    def _watch(self, found_loss: float) -> bool:
        """Look at the loss of a step (NaN for a skipped one); False if that led back to a checkpoint."""
        state, settings = self.state, self.recipe.divergence
        if not math.isfinite(found_loss):
            state.skipped += 1
            state.skipped_in_a_row += 1
            self.reporter.note(state, "the loss or its gradient is not finite; the step was skipped")
            if should_return(state.skipped_in_a_row, settings):
                self._return()
                return False
            return True
        state.skipped_in_a_row = 0
        state.recent = [*state.recent, found_loss][-WINDOW:]
        if state.total >= state.quiet_until and (excess := rises(state.recent, settings)) is not None:
            state.warnings += 1
            state.quiet_until = state.total + WINDOW
            self.reporter.note(
                state, f"the loss rises: its last mean is {excess:.1f} standard deviations above that before; "
                "a smaller learning rate may be needed"
            )  # fmt: skip
        return True

    def _return(self) -> None:
        """Go back to the last checkpoint, with half the learning rate."""
        reached, settings = self.state, self.recipe.divergence
        if reached.returns >= settings.most_returns:
            self.reporter.note(reached, "diverged")
            raise UnfreezeError(
                f"the training diverged: {settings.most_skipped} steps in a row had no finite gradient, after "
                f"{reached.returns} returns to a checkpoint with half the learning rate each (now "
                f"{reached.learning_rate_scale:g} of it). Look for examples with wild targets, or give a smaller "
                f"stages.{reached.stage}.learning_rate. The last checkpoint is in {self._checkpoints.folder}."
            )
        self._load()
        self.state.skipped, self.state.returns = reached.skipped, reached.returns + 1
        self.state.warnings, self.state.skipped_in_a_row = reached.warnings, 0
        self.state.learning_rate_scale = 0.5 * reached.learning_rate_scale
        self.reporter.note(
            self.state, f"back to step {self.state.total}, with {self.state.learning_rate_scale:g} of the learning rate"
        )  # fmt: skip
        self._save()

    # --- stages

    def _begin_stage(self) -> None:
        stage = self.recipe.stages[min(self.state.stage, len(self.recipe.stages) - 1)]
        self._trainable = set_trainable(self._parameters, stage.freeze)
        if not self._trainable:
            raise InputError(f"stage {stage.name!r}: freeze: leaves nothing to train")
        self._optimizer = make_optimizer(
            {name: self._parameters[name] for name in self._trainable}, stage, self.recipe.optimizer
        )
        self._plan: DrawPlan = plan_draws(
            self._examples, self.recipe.data, stage, seed=self.recipe.seed,
            stream=_STREAMS * self.state.member + self.state.stage, batch_blocks=self.recipe.batch_blocks,
        )  # fmt: skip

    def _end_stage(self) -> None:
        """The next stage begins from the best averaged weights of this one."""
        values = self._best or arrays_of(self._average.values)
        self._parameters = parameters_of(values, self.fabric.device)
        self._average = Average(self._parameters, self.recipe.ema_decay)
        state = self.state
        state.stage, state.step, state.draw, state.stale, state.averaged = state.stage + 1, 0, 0, 0, 0
        if state.stage < len(self.recipe.stages):
            state.best_score, state.recent = None, []
            self._best = {}
            self._begin_stage()

    def _validate(self) -> None:
        if not self._held_out:
            return
        found: Any = None
        if self.fabric.global_rank == 0:
            found = score_table([self._average.values], self._held_out).to_dict()
        table = ScoreTable(self.fabric.broadcast(found))
        name = self.recipe.score or table.default_score()
        score = None if name is None else table.score(name)
        if name is None or score is None:
            raise InputError(f"score: {name} cannot be had: there are no held-out examples for it")
        state = self.state
        is_best = math.isfinite(score) and (state.best_score is None or score > state.best_score)
        if is_best:
            state.best_score, state.best_step, state.best, state.stale = score, state.total, table.to_dict(), 0
            self._best = arrays_of(self._average.values)
        else:
            state.stale += 1
        self.reporter.validation(state, table, name, is_best=is_best)

    # --- what is kept

    def _save(self) -> None:
        self.state.averaged = self._average.n_updates
        if self.fabric.global_rank == 0:
            self.reporter.flush()
            parts = {
                "parameters": arrays_of(self._parameters),
                "average": arrays_of(self._average.values),
                "best": self._best,
                "optimizer": optimizer_tensors(self._optimizer, self._trainable),
            }
            self._checkpoints.save(self.state.total, joined(parts), self.state.to_dict())
        self.fabric.barrier()

    def _load(self) -> bool:
        """Take up the last checkpoint; whether there was one."""
        found = self._checkpoints.latest()
        if self._checkpoints.ignored:
            self.reporter.note(self.state, "; ".join(self._checkpoints.ignored))
        if found is None:
            return False
        tensors, state = found
        parts = parted(tensors)
        self.state = TrainingState(**state)
        self._parameters = parameters_of(parts.get("parameters", {}), self.fabric.device)
        self._average = Average(parameters_of(parts.get("average", {}), self.fabric.device), self.recipe.ema_decay)
        self._average.n_updates = self.state.averaged
        self._best = parts.get("best", {})
        self._begin_stage()
        restore_optimizer(self._optimizer, self._trainable, parts.get("optimizer", {}))
        return True

    def _finish(self) -> None:
        """Write the weights that are kept, and how they came about."""
        state = self.state
        if self.fabric.global_rank == 0:
            words = verdict(
                n_steps=state.total, n_skipped=state.skipped, n_returns=state.returns, n_warnings=state.warnings,
                best_step=state.best_step, last_step=state.total,
            )  # fmt: skip
            self.reporter.note(state, f"member {state.member + 1}: {words}")
            self.reporter.flush()
            # after the last stage the parameters are the best averaged ones
            summary = {key: value for key, value in state.to_dict().items() if key not in ("recent", "quiet_until")}
            write_tensors(self.folder / "member.safetensors", arrays_of(self._parameters), summary | {"verdict": words})
            self._checkpoints.clear()
        self.fabric.barrier()
