"""Which trajectories of a corpus are drawn from, and how often: what a user says about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unfreeze.corpus.store import EntrySummary, TrajectorySummary

__all__ = ["Choice", "Weights"]


@dataclass(frozen=True)
class Choice:
    """Which trajectories; None is "any".

    Attributes
    ----------
    kinds
        Of :class:`~unfreeze.corpus.schema.Conditions`: ``md``, ``static``, ``generated``.
    temperature_K
        Lowest and highest; trajectories of unknown temperature are then left out.
    force_fields, solvents, datasets, licences
        Names, exactly as in the corpus.
    labels
        Kinds of labels of which an entry must have at least one each, such as ``("b_factor",)``.
    fewest_frames
        Trajectories with fewer are left out.
    most_residues
        Entries with more are left out.
    """

    kinds: Sequence[str] | None = ("md",)
    temperature_K: tuple[float, float] | None = None
    force_fields: Sequence[str] | None = None
    solvents: Sequence[str] | None = None
    datasets: Sequence[str] | None = None
    licences: Sequence[str] | None = None
    labels: Sequence[str] = ()
    fewest_frames: int = 1
    most_residues: int | None = None

    def __post_init__(self) -> None:
        for name in ("kinds", "force_fields", "solvents", "datasets", "licences", "labels"):
            if isinstance(value := getattr(self, name), str):
                object.__setattr__(self, name, (value,))

    def takes_entry(self, summary: EntrySummary) -> bool:
        """Whether an entry can have anything that is wanted."""
        few = self.most_residues is None or summary.n_residues <= self.most_residues
        return few and all(summary.n_labels.get(kind, 0) > 0 for kind in self.labels)

    def takes(self, trajectory: TrajectorySummary) -> bool:
        """Whether a trajectory is wanted."""
        found = trajectory.conditions
        low, high = self.temperature_K or (0.0, np.inf)
        warm = self.temperature_K is None or (found.temperature_K is not None and low <= found.temperature_K <= high)
        pairs = (
            (self.kinds, found.kind),
            (self.force_fields, found.force_field),
            (self.solvents, found.solvent),
            (self.datasets, trajectory.dataset),
            (self.licences, trajectory.licence),
        )
        named = all(names is None or name in names for names, name in pairs)
        return warm and named and trajectory.n_frames >= max(1, self.fewest_frames)


@dataclass(frozen=True)
class Weights:
    """How often each trajectory is drawn.

    Shares are given out level by level: among clusters, among the entries of a cluster, among the conditions of an
    entry, among the trajectories of the same conditions. A share is proportional to (number of frames)^exponent, so
    0 gives equal shares and 1 as much as there are data. At the end every share is multiplied by `factors`.

    Attributes
    ----------
    cluster, entry, conditions, trajectory
        The exponents.
    factors
        Pairs of a choice and a number: what the choice takes is drawn that many times as often as it would be, 0 is
        never. Several multiply.
    """

    cluster: float = 0.0
    entry: float = 0.0
    conditions: float = 0.0
    trajectory: float = 1.0
    factors: Sequence[tuple[Choice, float]] = ()
