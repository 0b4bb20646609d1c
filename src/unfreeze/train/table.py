"""The table of a validation: scores of the model, of physics alone, and of physics with the best single amplitude."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["COLUMNS", "SCORES", "ScoreTable"]

SCORES = {
    "rmsf_r": ("r of RMSF", 1),
    "rmsf_mae_A": ("error of RMSF, Å", -1),
    "rmsf_log_error": ("error of log RMSF", -1),
    "b_factor_r": ("r of B-factors", 1),
}
"""Words for every score, and whether more (1) or less (−1) is better."""

COLUMNS = {"model": "model", "harmonic": "harmonic", "amplitude": "one amplitude"}
"""Words for the columns of a table."""


@dataclass(frozen=True)
class ScoreTable:
    """Means over targets.

    Attributes
    ----------
    rows
        By name of the score: ``model``, ``harmonic``, ``amplitude`` (the harmonic model with the one factor that is
        best for these targets), and the number of ``targets``.
    """

    rows: Mapping[str, Mapping[str, float]]

    def score(self, name: str) -> float | None:
        """A score of the model so that more is better; None where there are no targets for it."""
        if name not in self.rows:
            return None
        return SCORES[name][1] * self.rows[name]["model"]

    def default_score(self) -> str | None:
        """The score that decides unless a recipe says another; None without targets."""
        return next((name for name in ("rmsf_log_error", "rmsf_r", "b_factor_r") if name in self.rows), None)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {name: dict(row) for name, row in self.rows.items()}

    def lines(self, before: ScoreTable | None = None) -> list[list[str]]:
        """Rows of text: measure, columns, number of targets.

        Parameters
        ----------
        before
            Scores of the model that was started from: one column more.
        """
        head = ["", *([] if before is None else ["before"]), *COLUMNS.values(), "targets"]
        lines = [head]
        for name, row in self.rows.items():
            old = [] if before is None else [f"{before.rows[name]['model']:.3f}" if name in before.rows else "–"]
            lines.append(
                [SCORES[name][0], *old, *(f"{row[column]:.3f}" for column in COLUMNS), f"{row['targets']:.0f}"]
            )
        return lines
