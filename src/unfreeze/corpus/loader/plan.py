"""The plan: how draws become batches of bounded size, the same on every rank and in every worker.

Draws are taken a *window* at a time, sorted by size, cut into batches, and the batches of a window shuffled, so that
what is in one batch is of about one size. Everybody computes the same plan, which costs microseconds a draw, and takes
the batches that are theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.loader.batches import Place
from unfreeze.corpus.loader.draws import Draws
from unfreeze.errors import InputError

__all__ = ["BatchSize", "Plan", "PlannedBatch"]

_SHUFFLE = 2**32  # a stream of random numbers of its own, behind those of draws and epochs


@dataclass(frozen=True)
class BatchSize:
    """How large a batch may be; a sample that is larger than that is a batch of its own.

    Attributes
    ----------
    residues
        Most residues of all samples together (the crop counts, and one frame).
    samples
        Most samples.
    is_padded
        Whether every sample counts as much as the largest of its batch, as it does in dense arrays.
    window
        Draws that are sorted by size together. With 1 there is no sorting and a batch is one draw.

    Raises
    ------
    InputError
        If there is no bound, or one below 1.
    """

    residues: int | None = 4096
    samples: int | None = None
    is_padded: bool = False
    window: int = 256

    def __post_init__(self) -> None:
        bounds = [bound for bound in (self.residues, self.samples) if bound is not None]
        if not bounds:
            raise InputError("batches need a bound: give the most residues, or the most samples.")
        if min(*bounds, self.window) < 1:
            raise InputError("batches: the bounds on residues and samples, and the window, are at least 1.")


@dataclass(frozen=True, eq=False)
class PlannedBatch:
    """Draws of one batch.

    Attributes
    ----------
    number
        Counted from where the iteration began, over all ranks.
    after
        Where the sequence goes on after this batch.
    draws, trajectories, words
        int64, int64 and uint64 [n]: numbers of the draws, and what :meth:`Draws.places` gave for them.
    """

    number: int
    after: Place
    draws: NDArray[np.int64]
    trajectories: NDArray[np.int64]
    words: NDArray[np.uint64]


class Plan:
    """All batches, in order.

    Parameters
    ----------
    draws
        The sequence of draws.
    size
        How large batches may be.
    most_residues
        Residues of a crop; None without.
    n_draws
        Where the sequence ends; None for never.
    """

    def __init__(self, draws: Draws, size: BatchSize, most_residues: int | None, n_draws: int | None) -> None:
        self.draws = draws
        self.size = size
        self.n_draws = n_draws
        residues = draws.table.n_residues
        self._cost = residues if most_residues is None else np.minimum(residues, most_residues)

    def batches(self, start: Place) -> Iterator[PlannedBatch]:
        """The batches from a place on; without end where the sequence has none."""
        number, window, skip = 0, start.window, start.batch
        while self.n_draws is None or window * self.size.window < self.n_draws:
            planned = self._window(window)
            for row in range(skip, len(planned)):
                after = Place(window, row + 1) if row + 1 < len(planned) else Place(window + 1, 0)
                yield PlannedBatch(number, after, *planned[row])
                number += 1
            window, skip = window + 1, 0

    def _window(self, window: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint64]]]:
        from unfreeze.corpus.loader.counter_kernels import fill_words, permuted_run

        first = window * self.size.window
        n = self.size.window if self.n_draws is None else min(self.size.window, self.n_draws - first)
        trajectories, words = self.draws.places(first, n)
        cost = self._cost[trajectories]
        order = np.argsort(-cost, kind="stable")
        cuts = self._cuts(cost[order].tolist())
        key = np.empty((1, 4), dtype=np.uint64)
        fill_words(self.draws.seed, np.uint64(_SHUFFLE), np.uint64(window), key)
        places = np.empty(len(cuts) - 1, dtype=np.int64)
        permuted_run(key[0, 0], len(places), 0, places)
        parts = [order[cuts[place] : cuts[place + 1]] for place in places.tolist()]
        return [(first + part, trajectories[part], words[part]) for part in parts]

    def _cuts(self, costs: list[int]) -> list[int]:
        """Borders between batches of draws that come in falling order of size."""
        most, samples = self.size.residues or np.inf, self.size.samples or np.inf
        cuts, total = [0], 0
        for row, cost in enumerate(costs):
            count = row - cuts[-1]
            counted = costs[cuts[-1]] if self.size.is_padded else cost
            if count and (total + counted > most or count >= samples):
                cuts.append(row)
                total, counted = 0, cost
            total += counted
        return [*cuts, len(costs)]
