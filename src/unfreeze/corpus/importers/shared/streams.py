"""Streams of frames that lie in arrays on disk, and of frames whose box no longer fits them.

What is particular to a set is a function that reads some consecutive frames; blocks, strides and bounds are made here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.importing.source import FrameBlock, FrameStream
from unfreeze.structure.complex import Complex

__all__ = ["BlockStream", "WithoutBox"]


class BlockStream:
    """A :class:`~unfreeze.corpus.importing.source.FrameStream` of frames that can be read from anywhere.

    Parameters
    ----------
    molecule
        The atoms of the blocks.
    n_frames
        In the source.
    read
        Gives frames ``begin`` to ``end`` (not included) as a block, in the order of `molecule`.
    frame_bytes
        Memory that reading one frame of the source takes, all columns together.
    closing
        What is closed with the stream.
    steps, times_ps, notes, energy_terms
        As in a stream.
    """

    def __init__(
        self,
        molecule: Complex,
        n_frames: int,
        read: Callable[[int, int], FrameBlock],
        *,
        frame_bytes: int,
        closing: ExitStack | None = None,
        steps: NDArray[np.int64] | None = None,
        times_ps: NDArray[np.float64] | None = None,
        notes: tuple[str, ...] = (),
        energy_terms: tuple[str, ...] = (),
    ) -> None:
        self.complex = molecule
        self.n_frames: int | None = n_frames
        self.steps = steps
        self.times_ps = times_ps
        self.notes = notes
        self.energy_terms = energy_terms
        self._read = read
        self._frame_bytes = max(1, frame_bytes)
        self._closing = closing or ExitStack()

    def blocks(self, first: int = 0, stride: int = 1, *, most_bytes: int = 2**25) -> Iterator[FrameBlock]:
        """Frames ``first``, ``first + stride``... in blocks."""
        n_frames, most = self.n_frames or 0, max(1, most_bytes // self._frame_bytes)
        if stride >= most:  # what lies between is passed over rather than read
            for begin in range(first, n_frames, stride):
                yield self._read(begin, begin + 1)
            return
        span = most - most % stride
        for begin in range(first, n_frames, span):
            block = self._read(begin, min(begin + span, n_frames))
            yield block if stride == 1 else _every(block, stride)

    def close(self) -> None:
        """Close what the frames come from."""
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _every(block: FrameBlock, stride: int) -> FrameBlock:
    columns = {name: value[::stride] for name, value in vars(block).items() if value is not None}
    return replace(block, **columns)


class WithoutBox:
    """A stream of superposed frames: their boxes were not turned with them, so they must not be used.

    Parameters
    ----------
    stream
        The frames.
    note
        Says so.
    """

    def __init__(self, stream: FrameStream, note: str) -> None:
        self._stream = stream
        self.complex = stream.complex
        self.n_frames = stream.n_frames
        self.steps = stream.steps
        self.times_ps: NDArray[np.float64] | None = getattr(stream, "times_ps", None)
        self.notes = (*stream.notes, note)

    def blocks(self, first: int = 0, stride: int = 1, *, most_bytes: int = 2**25) -> Iterator[FrameBlock]:
        """Frames ``first``, ``first + stride``... in blocks."""
        for block in self._stream.blocks(first, stride, most_bytes=most_bytes):
            yield replace(block, box_nm=None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.__exit__(None, None, None)
