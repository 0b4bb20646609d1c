"""Where a network's training stands, apart from its tensors: what a checkpoint has in words and numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["TrainingState"]


@dataclass
class TrainingState:
    """The place of a training.

    Attributes
    ----------
    member, stage
        Which network, which stage.
    step, total
        Steps of the stage and of all stages that are done.
    draw
        The first draw of the next batch. Random numbers are functions of places, so that this is all there is of them.
    averaged
        Steps that are in the moving average.
    learning_rate_scale
        Halved with every return.
    skipped, skipped_in_a_row, returns, warnings
        What went wrong so far.
    recent
        The last losses.
    quiet_until
        No warning of rising losses before this total step.
    before
        Scores of what was started from.
    best_score, best_step, best
        The best validation of the stage: score (more is better), total step, and scores.
    stale
        Validations since then.
    seconds
        Spent on steps.
    """

    member: int = 0
    stage: int = 0
    step: int = 0
    total: int = 0
    draw: int = 0
    averaged: int = 0
    learning_rate_scale: float = 1.0
    skipped: int = 0
    skipped_in_a_row: int = 0
    returns: int = 0
    warnings: int = 0
    recent: list[float] = field(default_factory=list)
    quiet_until: int = 0
    before: dict[str, Any] | None = None
    best_score: float | None = None
    best_step: int = 0
    best: dict[str, Any] | None = None
    stale: int = 0
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """As JSON; numbers come back as they were, to the last bit."""
        return asdict(self)
