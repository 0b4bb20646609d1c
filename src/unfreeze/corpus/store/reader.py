"""`TrajectoryView`: the frames of a committed trajectory, read from memory maps one at a time or many at once.

A view shows what was committed when its manifest was read. Reading a single frame is the path that training takes; it
does nothing but find the shard, convert, and scale.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from unfreeze.corpus.schema import Shard, TrajectoryRecord
from unfreeze.corpus.store.columns import column_dtype, column_shape
from unfreeze.corpus.store.maps import open_map
from unfreeze.corpus.store.sealed import DamagedCorpusError

__all__ = ["TrajectoryView"]

Rows = slice | int | Sequence[int] | NDArray[np.integer] | NDArray[np.bool_]


class TrajectoryView:
    """Frames of one trajectory of an entry.

    Attributes
    ----------
    record
        Conditions, source, clock and shards.
    n_atoms, n_frames
        Shape of the coordinates.
    """

    def __init__(self, record: TrajectoryRecord, n_atoms: int, locate: Callable[[str, str], Path]) -> None:
        self.record = record
        self.n_atoms = n_atoms
        self.n_frames = record.n_frames
        self._starts = np.cumsum([0] + [shard.n_frames for shard in record.shards])
        self._first_frames: list[int] = self._starts[:-1].tolist()
        self._locate = locate
        self._maps: dict[tuple[str, int], tuple[str, str, str, tuple[int, ...]]] = {}
        self._units = [shard.coordinate_unit_nm for shard in record.shards]
        self._scales = [None if unit is None else np.float32(unit) for unit in self._units]
        self._coordinates: list[Any] = [None] * len(record.shards)

    def __len__(self) -> int:
        return self.n_frames

    def __repr__(self) -> str:
        return f"<TrajectoryView {self.record.name!r}: {self.n_frames} frames of {self.n_atoms} atoms>"

    @property
    def name(self) -> str:
        """Of the trajectory."""
        return self.record.name

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of what there is for every frame, coordinates and centre first."""
        if not self.record.shards:
            return ()
        shared = set.intersection(*(set(shard.columns) for shard in self.record.shards))
        return tuple(name for name in self.record.shards[0].columns if name in shared)

    @cached_property
    def grid(self) -> NDArray[np.int64]:
        """Places of the frames on the time grid: int64 [n_frames]; what a repair lost is missing."""
        parts = [np.arange(shard.first, shard.first + shard.n_frames) for shard in self.record.shards]
        return np.concatenate(parts).astype(np.int64) if parts else np.empty(0, dtype=np.int64)

    @cached_property
    def times_ps(self) -> NDArray[np.float64] | None:
        """Times of the frames in ps: float64 [n_frames]; None without a clock."""
        if "times" in self.columns:
            return self._gather("times", np.arange(self.n_frames))
        step = self.record.time_step_ps
        return None if step is None else self.record.start_ps + self.grid.astype(np.float64) * step

    def frame(self, i: int) -> NDArray[np.float32]:
        """Coordinates of a frame about the middle of its bounding box: float32 [n_atoms, 3], nm.

        Raises
        ------
        IndexError
            If there is no such frame.
        DamagedCorpusError
            If the file is absent or of another size than it should be.
        """
        if not 0 <= i < self.n_frames:
            i = self._wrapped(i)
        k = bisect_right(self._first_frames, i) - 1
        try:
            stored = open_map(*self._coordinates[k])
        except (TypeError, DamagedCorpusError):  # not opened yet, or gone from the cache
            stored = self._map("coordinates", k)
        frame = stored[i - self._first_frames[k]].astype(np.float32)
        scale = self._scales[k]
        if scale is not None:
            frame *= scale
        return frame

    def frames(
        self, rows: Rows = slice(None), *, centred: bool = True, dtype: DTypeLike = np.float32
    ) -> NDArray[np.floating]:
        """Coordinates of several frames.

        Parameters
        ----------
        rows
            A slice, numbers of frames in any order, or a mask over all frames.
        centred
            About the middle of every frame's bounding box; otherwise where they were in the source.
        dtype
            Floating type of the result.

        Returns
        -------
        [n, n_atoms, 3]
            nm.

        Raises
        ------
        IndexError
            If there is no such frame.
        DamagedCorpusError
            If a file is absent or of another size than it should be.
        """
        numbers = self._numbers(rows)
        result = np.empty((len(numbers), self.n_atoms, 3), dtype=dtype)
        for k, places, inside in self._by_shard(numbers):
            stored = self._map("coordinates", k)[inside]
            unit = self._units[k]
            if centred:
                if unit is None:
                    result[places] = stored
                else:
                    result[places] = stored.astype(result.dtype) * result.dtype.type(unit)
                continue
            absolute = stored.astype(np.float64)
            if unit is not None:
                absolute *= unit
            absolute += self._map("centre", k)[inside][:, None]
            result[places] = absolute
        return result

    def column(self, name: str) -> Callable[..., NDArray[Any]] | None:
        """What reads a column: called with a slice, numbers or a mask it gives their values; None if there is none.

        Parameters
        ----------
        name
            ``forces`` (float32 [n, n_atoms, 3], kJ/mol/nm), ``energies`` (float64 [n, n_terms], kJ/mol), ``box``
            (float32 [n, 3, 3], nm), ``times`` (float64 [n], ps), ``weights`` (float64 [n]), ``centre``
            (float64 [n, 3], nm).
        """
        return partial(self._gather, name) if name in self.columns and name != "coordinates" else None

    def blocks(self, n_frames: int) -> Iterator[slice]:
        """Slices of at most `n_frames` that cover the trajectory and cross no border of shards."""
        for start, stop in zip(self._starts[:-1].tolist(), self._starts[1:].tolist(), strict=True):
            for begin in range(start, stop, max(1, n_frames)):
                yield slice(begin, min(begin + max(1, n_frames), stop))

    def _gather(self, name: str, rows: Rows = slice(None)) -> NDArray[Any]:
        numbers = self._numbers(rows)
        parts = [(places, self._map(name, k)[inside]) for k, places, inside in self._by_shard(numbers)]
        if not parts:
            shard = self.record.shards[0]
            shape = column_shape(name, self.n_atoms, shard.n_energies)
            return np.empty((0, *shape), dtype=column_dtype(name, shard.coordinate_unit_nm))
        result = np.empty((len(numbers), *parts[0][1].shape[1:]), dtype=parts[0][1].dtype)
        for places, values in parts:
            result[places] = values
        return result

    def _numbers(self, rows: Rows | ArrayLike) -> range | NDArray[np.int64]:
        if isinstance(rows, slice):
            return range(*rows.indices(self.n_frames))
        numbers = np.atleast_1d(np.asarray(rows))
        if numbers.dtype == bool:
            if numbers.shape != (self.n_frames,):
                raise IndexError(f"a mask over {numbers.shape} frames, where there are {self.n_frames}")
            return np.flatnonzero(numbers)
        if numbers.size == 0:
            return np.empty(0, dtype=np.int64)
        if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
            raise IndexError(f"frames are given as whole numbers in a row, not as {numbers.dtype} {numbers.shape}")
        numbers = numbers.astype(np.int64)
        outside = (numbers < -self.n_frames) | (numbers >= self.n_frames)
        if outside.any():
            raise IndexError(f"frame {numbers[outside][0]} of {self.n_frames} in {self.record.name}")
        return np.where(numbers < 0, numbers + self.n_frames, numbers)

    def _by_shard(self, numbers: range | NDArray[np.int64]) -> Iterator[tuple[int, Any, Any]]:
        """Every shard that is needed: its row, places in the result, and rows within the shard."""
        if isinstance(numbers, range) and numbers.step == 1:
            for k, (begin, end) in enumerate(zip(self._starts[:-1].tolist(), self._starts[1:].tolist(), strict=True)):
                low, high = max(begin, numbers.start), min(end, numbers.stop)
                if low < high:
                    yield k, slice(low - numbers.start, high - numbers.start), slice(low - begin, high - begin)
            return
        chosen = np.asarray(numbers, dtype=np.int64)
        shard = np.searchsorted(self._starts, chosen, side="right") - 1
        for k in np.unique(shard).tolist():
            places = np.flatnonzero(shard == k)
            yield k, places, chosen[places] - self._starts[k]

    def _map(self, column: str, k: int) -> NDArray[Any]:
        key = self._maps.get((column, k))
        if key is None:
            key = self._maps[column, k] = self._key(column, self.record.shards[k])
            if column == "coordinates":
                self._coordinates[k] = key
        try:
            return open_map(*key)
        except DamagedCorpusError:  # one that lies elsewhere may be gone from the cache: it is fetched again
            return open_map(*self._key(column, self.record.shards[k]))

    def _key(self, column: str, shard: Shard) -> tuple[str, str, str, tuple[int, ...]]:
        try:
            name, sha256 = shard.columns[column]
        except KeyError:
            raise DamagedCorpusError(f"{self.record.name}: shard {shard.number} has no {column}") from None
        dtype = column_dtype(column, shard.coordinate_unit_nm)
        shape = (shard.n_frames, *column_shape(column, self.n_atoms, shard.n_energies))
        return str(self._locate(name, sha256)), sha256, dtype.str, shape

    def _wrapped(self, i: int) -> int:
        if not -self.n_frames <= i < self.n_frames:
            raise IndexError(f"frame {i} of {self.n_frames} in {self.record.name}")
        return i % self.n_frames
