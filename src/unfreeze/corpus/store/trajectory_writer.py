"""`TrajectoryWriter`: frames in, shards out.

It encodes frames into a buffer of the size of a shard; a full one is hashed and written by a thread while the next is
filled. Which files a commit consists of, and in which order they are written, is for the entry to say.
"""

from __future__ import annotations

import math
import zlib
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unfreeze.corpus.schema import Shard, TrajectoryRecord
from unfreeze.corpus.store.buffers import MOST_BYTES, Buffer, give_back, take_buffer
from unfreeze.corpus.store.columns import (
    SHARD_BYTES,
    UNIT_NM,
    block_frames,
    column_dtype,
    column_shape,
    file_name,
)
from unfreeze.corpus.store.disk import raw
from unfreeze.errors import InputError

if TYPE_CHECKING:
    from unfreeze.corpus.store.entry_writer import EntryWriter

__all__ = ["TrajectoryWriter"]

_MOST_SPAN_NM = 65.5
_MOST_NM = 1e6


class TrajectoryWriter:
    """Appends frames to a trajectory that is not complete; made by an :class:`EntryWriter`.

    Attributes
    ----------
    record
        As last committed, or as it will be.
    """

    def __init__(self, entry: EntryWriter, record: TrajectoryRecord) -> None:
        self.record = record
        self._entry = entry
        self._n_atoms = entry.manifest.n_atoms
        self._is_wide = False
        self._columns: tuple[str, ...] | None = None
        self._n_energies = 0
        if record.shards:
            last = record.shards[-1]
            self._columns = tuple(last.columns)
            self._n_energies = last.n_energies
        self._buffer: Buffer | None = None
        self._written: Future[Shard] | None = None
        self._n_buffered = 0
        self._n_writing = 0
        self._n_empty = 0
        self._pending: list[Shard] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None:
            self.commit()
        else:
            self._n_buffered = 0
            self._entry._writers.pop(self.record.name, None)

    @property
    def n_frames(self) -> int:
        """Frames that are committed."""
        return self.record.n_frames

    @property
    def n_buffered(self) -> int:
        """Frames that were appended since the last commit."""
        return self._n_buffered + self._n_writing + sum(shard.n_frames for shard in self._pending)

    def append(
        self,
        coordinates_nm: NDArray[np.floating],
        *,
        times_ps: ArrayLike | None = None,
        box_nm: ArrayLike | None = None,
        forces: ArrayLike | None = None,
        energies: ArrayLike | None = None,
        weights: ArrayLike | None = None,
    ) -> None:
        """Add frames; a shard that is full is written in the background and committed when that is done.

        Parameters
        ----------
        coordinates_nm : [n, n_atoms, 3]
            In nm, in the order of the entry's complex.
        times_ps : [n], optional
            Only where frames are not evenly spaced in time.
        box_nm : [n, 3, 3], optional
            Rows are the box vectors.
        forces : [n, n_atoms, 3], optional
            kJ/mol/nm.
        energies : [n, n_terms], optional
            kJ/mol.
        weights : [n], optional
            Statistical weights.

        Raises
        ------
        InputError
            If a frame has numbers that are not finite, or other columns than the frames before it.
        """
        frames = np.ascontiguousarray(coordinates_nm)
        if frames.dtype not in (np.float32, np.float64):
            frames = frames.astype(np.float32)
        if frames.ndim == 2:
            frames = frames[None]
        n = len(frames)
        if frames.shape != (n, self._n_atoms, 3):
            raise InputError(
                f"{self._where}: frames of the shape {frames.shape}; {self._n_atoms} atoms were expected: "
                f"[n, {self._n_atoms}, 3]."
            )
        if self._written is not None and self._written.done():
            self._publish()
        if n == 0:
            return
        given: dict[str, Any] = {
            "forces": forces,
            "energies": energies,
            "box": box_nm,
            "times": times_ps,
            "weights": weights,
        }
        values = self._checked(n, {name: value for name, value in given.items() if value is not None})
        from unfreeze.corpus.store.encoding import centre_frames

        centre, span = np.empty((n, 3)), np.empty(n)
        centre_frames(frames, centre, span)
        bad = ~(np.isfinite(span) & (np.abs(centre).max(axis=1) < _MOST_NM))
        if bad.any():
            raise InputError(
                f"{self._where}: frame {self.n_frames + self.n_buffered + int(np.argmax(bad))} has coordinates that "
                "are not finite or beyond a millimetre. Leave the frame out, or mend the file."
            )
        values["centre"] = centre
        is_wide = span > _MOST_SPAN_NM
        start = 0
        while start < n:
            if is_wide[start] and not self._is_wide:
                self._flush()
                self._is_wide = True
            room = self._capacity - self._n_buffered
            stop = min(n, start + room)
            if not self._is_wide and is_wide[start:stop].any():
                stop = start + int(np.argmax(is_wide[start:stop]))
            self._store(frames[start:stop], {name: value[start:stop] for name, value in values.items()})
            start = stop
            if self._n_buffered == self._capacity:
                self._flush()

    def skip(self, n_places: int) -> None:
        """Leave places of the time grid empty before the next frame, which begins a shard of its own.

        Raises
        ------
        ValueError
            If the number is negative.
        """
        if n_places < 0:
            raise ValueError(f"{n_places} places cannot be left empty")
        if n_places:
            self._flush()
            self._n_empty += n_places

    def commit(self) -> None:
        """Make all that was appended visible and durable."""
        self._flush()
        self._publish()

    def _abandon(self) -> list[Shard]:
        """Drop what is not committed; shards of it that were written already."""
        self._n_buffered = 0
        self._collect()
        pending, self._pending = self._pending, []
        return pending

    def _publish(self) -> None:
        """Commit what was handed to the thread."""
        self._collect()
        if self._pending:
            record = self.record.model_copy(update={"shards": (*self.record.shards, *self._pending)})
            self._entry._put(record)
            self.record = record
            self._pending = []

    def finish(self, **changes: Any) -> TrajectoryRecord:
        """Commit, and mark the trajectory as complete.

        Parameters
        ----------
        **changes
            Facts of the record that are known now: ``time_step_ps``, ``start_ps``, ``mended``, ``quality``,
            ``source``...

        Raises
        ------
        InputError
            If there are no frames, or a fact is not possible.
        """
        self._flush()
        self._collect()
        if not self.record.shards and not self._pending:
            raise InputError(f"{self._where}: there are no frames to keep.")
        from unfreeze.corpus.store.entry_writer import _changed

        if "shards" in changes or changes.get("name", self.record.name) != self.record.name:
            raise ValueError("neither shards nor name of a trajectory can be changed")
        record = _changed(self.record, {**changes, "is_complete": True})
        record = record.model_copy(update={"shards": (*self.record.shards, *self._pending)})
        self._entry._put(record)
        self.record, self._pending = record, []
        self._entry._writers.pop(record.name, None)
        return record

    @property
    def _where(self) -> str:
        return f"{self._entry.identifier}/{self.record.name}"

    @property
    def _unit(self) -> float | None:
        return None if self._is_wide else UNIT_NM

    @property
    def _capacity(self) -> int:
        frame = {name: self._frame_bytes(name) for name in self._columns or ("coordinates",)}
        return max(1, min(SHARD_BYTES // frame["coordinates"], MOST_BYTES // sum(frame.values())))

    def _frame_bytes(self, column: str) -> int:
        shape = column_shape(column, max(self._n_atoms, 1), self._n_energies)
        return column_dtype(column, self._unit).itemsize * math.prod(shape)

    def _checked(self, n: int, given: dict[str, Any]) -> dict[str, NDArray[Any]]:
        values: dict[str, NDArray[Any]] = {}
        for name, value in given.items():
            array = np.asarray(value)
            if name == "energies":
                array = array.reshape(n, -1) if array.size else array
                if self._columns is None:
                    self._n_energies = array.shape[-1]
            shape = (n, *column_shape(name, self._n_atoms, self._n_energies))
            if array.shape != shape:
                raise InputError(f"{self._where}: {name} of the shape {array.shape}; {shape} was expected.")
            if not np.isfinite(array).all():
                raise InputError(f"{self._where}: {name} has numbers that are not finite.")
            values[name] = array
        columns = ("coordinates", "centre", *values)
        if self._columns is None:
            self._columns = columns
        elif set(self._columns) != set(columns):
            raise InputError(
                f"{self._where}: frames with {', '.join(columns)} after frames with {', '.join(self._columns)}; "
                "all frames of a trajectory have the same columns."
            )
        return values

    def _store(self, frames: NDArray[np.floating], values: dict[str, NDArray[Any]]) -> None:
        n = len(frames)
        if n == 0:
            return
        if self._buffer is None:
            self._buffer = take_buffer(
                {
                    name: (
                        (self._capacity, *column_shape(name, self._n_atoms, self._n_energies)),
                        column_dtype(name, self._unit),
                    )
                    for name in self._columns or ()
                }
            )
        columns = self._buffer.columns
        place = slice(self._n_buffered, self._n_buffered + n)
        target = columns["coordinates"][place]
        if self._is_wide:
            np.subtract(frames, values["centre"][:, None], out=target, casting="same_kind", dtype=np.float64)
        else:
            from unfreeze.corpus.store.encoding import encode_frames

            encode_frames(frames, values["centre"], 1 / UNIT_NM, target)
        for name, value in values.items():
            columns[name][place] = value
        self._n_buffered += n

    def _flush(self) -> None:
        """Hand what is buffered to the thread that writes it; the next commit will name it."""
        n = self._n_buffered
        if n == 0 or self._buffer is None:
            return
        self._publish()  # one shard in the background at a time
        self._n_buffered, self._n_writing = 0, n
        buffer, self._buffer = self._buffer, None
        empty, self._n_empty = self._n_empty, 0
        number = self._entry._take_number()
        self._written = self._entry._in_background(self._write, number, n, buffer, self._unit, empty)
        self._is_wide = False

    def _collect(self) -> None:
        """Wait for the thread."""
        if self._written is not None:
            written, self._written = self._written, None
            self._n_writing = 0
            self._pending.append(written.result())

    def _write(self, number: int, n: int, buffer: Buffer, unit: float | None, empty: int) -> Shard:
        arrays = {name: array[:n] for name, array in buffer.columns.items()}
        files = {name: (file_name(number, name, array.dtype), array) for name, array in arrays.items()}
        length = block_frames(self._n_atoms)
        before = (*self.record.shards, *self._pending)
        shard = Shard(
            number=number,
            n_frames=n,
            first=empty + (before[-1].first + before[-1].n_frames if before else 0),
            coordinate_unit_nm=unit,
            columns=self._entry._write_columns(files),
            blocks={name: tuple(block_sums(array, length)) for name, array in arrays.items()},
            block_frames=length,
            n_energies=self._n_energies,
        )
        give_back(buffer)
        return shard


def block_sums(array: NDArray[Any], length: int) -> list[int]:
    """CRC-32 of every run of `length` frames."""
    return [zlib.crc32(raw(array[start : start + length])) for start in range(0, len(array), length)]
