"""`TrajectoryReader`: what the readers of binary trajectories have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError

__all__ = ["MAX_ATOMS", "TrajectoryReader", "cut_short"]

MAX_ATOMS = 50_000_000
"""More atoms than any trajectory has; a larger count is a damaged or hostile file."""


class TrajectoryReader(ABC):
    """All atoms of some consecutive frames of one file, again and again.

    Making one looks through the file: it is whole, and the counts are right. Use it as a context.

    Attributes
    ----------
    path
        The file.
    n_frames, n_atoms
        Its size; both at least 1.
    times_ps : float64 [n_frames] or None
        Time of every frame, ps; None if the format has none.
    steps : int64 [n_frames] or None
        Step of the integrator of every frame; None if the format has none.
    notes
        What a reader of the scores should know.
    """

    path: Path
    n_frames: int
    n_atoms: int
    times_ps: NDArray[np.float64] | None = None
    steps: NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()

    @abstractmethod
    def read(self, first: int, count: int) -> NDArray[np.float32]:
        """`count` frames from `first` on: [count, n_atoms, 3], nm."""

    def close(self) -> None:  # noqa: B027  most readers have nothing to close
        """Close the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def check_size(self) -> None:
        """Refuse an empty trajectory and counts that cannot be.

        Raises
        ------
        InputError
            Saying which.
        """
        if not 0 < self.n_atoms <= MAX_ATOMS:
            raise InputError(f"{self.path}: the trajectory says it has {self.n_atoms:,} atoms. The file is damaged.")
        if self.n_frames < 1:
            raise InputError(f"{self.path}: the trajectory has no frames. Copy or write it again.")


def cut_short(path: Path, n_whole: int, what: str = "the file is cut short") -> InputError:
    """The error about a trajectory whose frame after the first `n_whole` cannot be read."""
    if n_whole == 0:
        return InputError(f"{path}: frame 1 cannot be read: {what}. Copy or write the file again.")
    return InputError(
        f"{path}: frame {n_whole + 1:,} cannot be read: {what}. Copy the file again, or write the first {n_whole:,} "
        "frames, which can be read, to a new file."
    )
