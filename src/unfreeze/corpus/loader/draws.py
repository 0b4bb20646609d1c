"""Draws: which trajectory, which frames and which crop, as a pure function of a seed and the number of the draw.

So ranks and workers take their share of one sequence without speaking to each other, and to go on after a stop one
number is enough. Drawing is with weights and replacement, or through every frame once an epoch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.loader.table import DrawTable
from unfreeze.errors import InputError

__all__ = ["Draws", "Frames"]

_PLACES, _FRAMES, _EPOCHS, _TRAJECTORIES = range(4)
_STREAMS = 4


@dataclass(frozen=True)
class Frames:
    """Which frames of a trajectory make one draw.

    Attributes
    ----------
    n
        Frames a draw, different ones as long as there are enough, in the order of time.
    window_ps
        They are taken from a window of this length, anywhere in the trajectory: what can be seen of the motion depends
        on how long one looks. Two numbers: the length is drawn between them, evenly in its logarithm. None: the whole
        trajectory. Trajectories that are shorter, or have no clock, are taken whole.
    spread
        ``random``; or ``even``: as evenly as the frames allow, first and last at the ends of the window, so that
        ``Frames(2, window_ps=100, spread="even")`` gives pairs 100 ps apart.

    Raises
    ------
    InputError
        If a number makes no sense.
    """

    n: int = 1
    window_ps: float | tuple[float, float] | None = None
    spread: Literal["random", "even"] = "random"

    def __post_init__(self) -> None:
        if self.n < 1:
            raise InputError(f"{self.n} frames a draw: give at least 1.")
        if self.spread not in ("random", "even"):
            raise InputError(f"frames spread {self.spread!r}: choose random or even.")
        if self.window_ps is not None:
            low, high = self.window_range_ps
            if not (0 < low <= high < np.inf):
                raise InputError(f"a window of {self.window_ps} ps: give a positive length, or a lower and a higher.")

    @property
    def window_range_ps(self) -> tuple[float, float]:
        """Shortest and longest window, ps."""
        if self.window_ps is None:
            return np.inf, np.inf
        if isinstance(self.window_ps, int | float):
            return float(self.window_ps), float(self.window_ps)
        low, high = self.window_ps
        return float(low), float(high)


class Draws:
    """The sequence of draws.

    Parameters
    ----------
    table
        Trajectories and how often each is drawn.
    seed
        Names the sequence; any whole number from 0 to 2^64 − 1.
    frames
        What one draw takes of a trajectory.
    replacement
        True: draws are independent, with the weights of the table, without end. False: an epoch goes through all
        trajectories, every frame once (fewer than `frames.n` at the end of each are left out, others every time), in
        an order of its own; the next epoch follows. Needs no memory: the order is a Feistel network.

    Raises
    ------
    InputError
        If the seed does not fit, or windows are asked for without replacement.
    """

    def __init__(self, table: DrawTable, seed: int, frames: Frames, *, replacement: bool = True) -> None:
        if not 0 <= seed < 2**64:
            raise InputError(f"seed {seed}: give a whole number from 0 to 2^64 - 1.")
        if not replacement and (frames.window_ps is not None or frames.spread != "random"):
            raise InputError("windows and even spreads are drawn with replacement only; leave one of the two out.")
        self.table = table
        self.seed = np.uint64(seed)
        self.frames = frames
        self.replacement = replacement
        cumulative = np.cumsum(table.probability)
        self._cumulative = cumulative / cumulative[-1]
        groups = np.maximum(1, table.n_frames // frames.n)
        self._groups = np.cumsum(groups)

    @property
    def epoch_length(self) -> int:
        """Draws in which every frame is seen once, without replacement; as many with it."""
        return int(self._groups[-1])

    def places(self, first: int, n: int) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
        """Trajectories of the draws `first`, `first` + 1..., and the numbers that place their crops.

        Returns
        -------
        trajectories : int64 [n]
            Rows of the table.
        words : uint64 [n]
            For :func:`unfreeze.corpus.loader.crops.crop_residues`.
        """
        words = self._words(_PLACES, first, n)
        if self.replacement:
            uniform = (words[:, 0] >> np.uint64(11)).astype(np.float64) * 2.0**-53
            chosen = np.searchsorted(self._cumulative, uniform, side="right")
            return np.minimum(chosen, len(self.table) - 1), words[:, 1]
        items = np.concatenate([self._epoch_items(*run) for run in self._runs(first, n)])
        return np.searchsorted(self._groups, items, side="right"), words[:, 1]

    def rows(self, draw: int, trajectory: int, times_ps: NDArray[np.float64] | None) -> tuple[NDArray[np.int64], float]:
        """Frames of a draw, and how long a time they were taken from.

        Parameters
        ----------
        draw, trajectory
            Number of the draw, and row of the table that :meth:`places` gave for it.
        times_ps
            [n_frames] times of the frames, rising; None without a clock.

        Returns
        -------
        rows : int64 [frames.n]
            In the order of time.
        window_ps
            Length of the window; of the whole trajectory where there is none; NaN without a clock.
        """
        n_frames = int(self.table.n_frames[trajectory])
        low, high, window = 0, n_frames, np.nan
        start = np.nan
        if times_ps is not None:
            times_ps = times_ps[:n_frames]
            window = float(times_ps[-1] - times_ps[0])
        if not self.replacement:
            return self._epoch_rows(draw, trajectory, n_frames), window
        if self.frames.window_ps is not None and times_ps is not None:
            word = self._words(_PLACES, draw, 1)[0]
            at_length, at_start = ((word[2:] >> np.uint64(11)).astype(np.float64) * 2.0**-53).tolist()
            shortest, longest = self.frames.window_range_ps
            wanted = shortest * (longest / shortest) ** at_length
            if wanted < window:
                start = float(times_ps[0]) + at_start * (window - wanted)
                low, high = _inside(times_ps, start, start + wanted)
                window = wanted
        if self.frames.spread == "even":
            return self._even_rows(low, high, start, window, times_ps), window
        from unfreeze.corpus.loader.counter_kernels import distinct_rows

        rows = np.empty(self.frames.n, dtype=np.int64)
        distinct_rows(self.seed, np.uint64(_FRAMES), np.uint64(draw), low, high, rows)
        return rows, window

    def _even_rows(
        self, low: int, high: int, start: float, window: float, times_ps: NDArray[np.float64] | None
    ) -> NDArray[np.int64]:
        if times_ps is None or not np.isfinite(start):
            return np.linspace(low, high - 1, self.frames.n).round().astype(np.int64)
        # begin at a frame, so that on an even grid all of them fall on frames
        begin = float(times_ps[low])
        begin = begin if begin + window <= times_ps[-1] else float(times_ps[max(low - 1, 0)])
        wanted = np.linspace(begin, begin + window, self.frames.n)
        after = np.clip(np.searchsorted(times_ps, wanted), 1, len(times_ps) - 1)
        closer = np.abs(times_ps[after - 1] - wanted) <= np.abs(times_ps[after] - wanted)
        return np.where(closer, after - 1, after).astype(np.int64)

    def _words(self, stream: int, first: int, n: int) -> NDArray[np.uint64]:
        from unfreeze.corpus.loader.counter_kernels import fill_words

        words = np.empty((n, 4), dtype=np.uint64)
        fill_words(self.seed, np.uint64(stream), np.uint64(first), words)
        return words

    def _runs(self, first: int, n: int) -> list[tuple[int, int, int]]:
        """Epoch, first place in it, and number of draws, for runs within one epoch."""
        runs, length = [], self.epoch_length
        while n > 0:
            epoch, place = divmod(first, length)
            here = min(n, length - place)
            runs.append((epoch, place, here))
            first, n = first + here, n - here
        return runs

    def _epoch_items(self, epoch: int, first: int, n: int) -> NDArray[np.int64]:
        from unfreeze.corpus.loader.counter_kernels import permuted_run

        items = np.empty(n, dtype=np.int64)
        permuted_run(self._words(_EPOCHS, epoch, 1)[0, 0], self.epoch_length, first, items)
        return items

    def _epoch_rows(self, draw: int, trajectory: int, n_frames: int) -> NDArray[np.int64]:
        from unfreeze.corpus.loader.counter_kernels import permuted_run

        epoch, place = divmod(draw, self.epoch_length)
        item = int(self._epoch_items(epoch, place, 1)[0])
        group = item - (int(self._groups[trajectory - 1]) if trajectory else 0)
        # a stream of its own an epoch: keys of different trajectories and epochs have nothing to do with each other
        key = self._words(_STREAMS + epoch, trajectory, 1)[0, 0]
        rows = np.empty(self.frames.n, dtype=np.int64)
        permuted_run(key, n_frames, group * self.frames.n, rows)
        return np.sort(rows)


def _inside(times_ps: NDArray[np.float64], start: float, stop: float) -> tuple[int, int]:
    """Frames from `start` to `stop`, at least one: the nearest where none is in between."""
    low, high = np.searchsorted(times_ps, [start, stop], side="left")
    high = max(int(high), int(np.searchsorted(times_ps, stop, side="right")))
    if low < high:
        return int(low), int(high)
    near = min(int(low), len(times_ps) - 1)
    if near and abs(times_ps[near - 1] - start) < abs(times_ps[near] - start):
        near -= 1
    return near, near + 1
