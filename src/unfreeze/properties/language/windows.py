"""Long chains in windows that overlap, short ones in batches, so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["batches", "joined_windows", "window_starts"]


def window_starts(n_residues: int, longest: int) -> list[int]:
    """Where the windows of a chain begin, each `longest` residues long; neighbours share a quarter or more.

    >>> window_starts(100, 200), window_starts(300, 200)
    ([0], [0, 100])
    """
    if n_residues <= longest:
        return [0]
    step = longest - longest // 4
    n_windows = 1 + -(-(n_residues - longest) // step)
    return np.rint(np.linspace(0, n_residues - longest, n_windows)).astype(int).tolist()


def joined_windows(parts: Sequence[NDArray], starts: Sequence[int]) -> NDArray:
    """A chain from its windows: every residue from the one whose cut ends are farther away.

    Parameters
    ----------
    parts
        [n_window, width] each.
    starts
        Where they begin.
    """
    ends = [start + len(part) for start, part in zip(starts, parts, strict=True)]
    cuts = [0, *((ends[k] + starts[k + 1]) // 2 for k in range(len(parts) - 1)), ends[-1]]
    kept = [part[cuts[k] - starts[k] : cuts[k + 1] - starts[k]] for k, part in enumerate(parts)]
    return np.concatenate(kept)


def batches(lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """Numbers of pieces, those of like length together, such that a batch padded to its longest has at most `most`.

    A piece that is longer goes alone.
    """
    batch: list[int] = []
    for k in np.argsort(np.array(lengths, dtype=np.int64), kind="stable").tolist():
        if batch and (len(batch) + 1) * lengths[k] > most:
            yield batch
            batch = []
        batch.append(k)
    if batch:
        yield batch
