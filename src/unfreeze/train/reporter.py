"""What a training tells of itself while it runs: the log, and a person who watches."""

from __future__ import annotations

import resource
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unfreeze.train.dashboard import Dashboard
from unfreeze.train.log import RunLog, TensorBoardLog
from unfreeze.train.state import TrainingState
from unfreeze.train.table import ScoreTable

__all__ = ["Reporter", "memory_MB"]


class Reporter:
    """Takes what happens to the log and to the dashboard.

    Parameters
    ----------
    folder
        Of the run; None for a process that tells nothing.
    n_members
        Networks that are trained.
    show
        Whether a person watches.
    tensorboard
        Whether TensorBoard's files are written, too.
    """

    def __init__(self, folder: Path | None, n_members: int, *, show: bool = True, tensorboard: bool = False) -> None:
        self._log = None if folder is None else RunLog(folder / "log.jsonl")
        self._board = TensorBoardLog(folder / "tensorboard") if folder is not None and tensorboard else None
        self._dashboard = Dashboard(n_members) if folder is not None and show else None

    def __enter__(self) -> Reporter:
        if self._dashboard is not None:
            self._dashboard.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._dashboard is not None:
            self._dashboard.stop()
        if self._board is not None:
            self._board.close()
        if self._log is not None:
            self._log.close()

    def step(self, state: TrainingState, n_steps: int, stage: str, **values: Any) -> None:
        """A step was made.

        Parameters
        ----------
        state
            After it.
        n_steps, stage
            Of the stage.
        values
            ``loss``, ``losses``, ``learning_rate``, ``gradient_norm``, ``seconds``, ``memory_MB``.
        """
        self._write({**_place("step", state), "step": state.step, **values})
        if self._dashboard is not None:
            self._dashboard.step(state, n_steps, stage, values)

    def validation(self, state: TrainingState, table: ScoreTable, score: str, *, is_best: bool) -> None:
        """Held-out examples were scored."""
        line: Mapping[str, Any] = {"scores": table.to_dict(), "score": score, "is_best": is_best}
        self._write({**_place("validation", state), **line})
        if self._dashboard is not None:
            self._dashboard.validation(state, table, score, is_best=is_best)

    def note(self, state: TrainingState, text: str) -> None:
        """Something that a person should know."""
        self._write({**_place("note", state), "text": text})
        if self._dashboard is not None:
            self._dashboard.say(text)

    def resumed(self, state: TrainingState) -> None:
        """A checkpoint was taken up."""
        if self._log is not None:
            self._log.cut_back(state.member, state.total)
        if self._dashboard is not None:
            self._dashboard.say(f"member {state.member + 1} goes on from step {state.total}")

    def flush(self) -> None:
        """Bring the log to the disk."""
        if self._log is not None:
            self._log.flush()

    def _write(self, line: Mapping[str, Any]) -> None:
        if self._log is not None:
            self._log.write(line)
        if self._board is not None:
            self._board.write(line)


def memory_MB(device: Any) -> float:
    """Most memory used so far: of the GPU where there is one, else of this process."""
    if getattr(device, "type", "cpu") == "cuda":
        import torch

        return round(torch.cuda.max_memory_allocated(device) / 1e6, 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1e6 if sys.platform == "darwin" else 1e3), 1)


def _place(kind: str, state: TrainingState) -> dict[str, Any]:
    return {"kind": kind, "member": state.member, "stage": state.stage, "total": state.total}
