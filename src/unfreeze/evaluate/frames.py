"""`Frames`: what somebody gives to be scored, or to be scored against, as it was read; and `Side`, what metrics see.

`Frames` still has its own atoms, numbering and superposition. Two of them become an :class:`AlignedPair`: the atoms
that both have, in one order, every frame superposed on the reference structure. Files are read in
:mod:`unfreeze.evaluate.inputs`, atoms matched in :mod:`unfreeze.evaluate.matching`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.complex import Complex
from unfreeze.structure.observables.motion import normalised_weights

__all__ = ["MAX_BLOCKS", "AlignedPair", "Frames", "Side", "frame_blocks"]

MAX_BLOCKS = 20
"""Blocks that the frames of a side are cut into; block bootstrap draws these (Künsch 1989, Ann. Statist. 17, 1217)."""

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Frames:
    """Frames of one molecule, as read.

    Attributes
    ----------
    molecule
        Heavy atoms of the file's topology; its coordinates are the structure of the topology file.
    coordinates_nm : float32 [n_frames, n_atoms, 3]
        nm; it may be a memory map, so walk it in blocks.
    weights : float64 [n_frames] or None
        Frame weights; None when all weigh the same.
    replica_start : int64 [n_replicas]
        First frame of every replica (trajectory file); ``[0]`` for one.
    time_step_ps
        Time between frames of a trajectory, ps; None for an ensemble without order, or when the clock is unknown.
    name
        What messages call it: the path as the user gave it.
    files
        Files that were read, topology first.
    notes
        What reading found and a reader of the scores should know, one sentence each.
    """

    molecule: Complex
    coordinates_nm: NDArray[np.float32]
    weights: NDArray[np.float64] | None = None
    replica_start: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, dtype=np.int64))
    time_step_ps: float | None = None
    name: str = "frames in memory"
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shape = self.coordinates_nm.shape
        if len(shape) != 3 or shape[1:] != (self.molecule.n_atoms, 3):
            raise ValueError(f"coordinates_nm has shape {shape}, expected [n_frames, {self.molecule.n_atoms}, 3]")

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self.coordinates_nm)

    def take(self, frames: NDArray[np.int64]) -> Frames:
        """Some of the frames, without clock or replicas: [n] indices."""
        weights = None if self.weights is None else normalised_weights(self.weights[frames], len(frames))
        return Frames(self.molecule, self.coordinates_nm[frames], weights, name=self.name, files=self.files)


@dataclass(frozen=True, eq=False)
class Side:
    """One side of a comparison: frames of the matched atoms, superposed on the reference structure.

    Attributes
    ----------
    molecule
        Matched heavy atoms of the reference structure, in nm; the same on both sides.
    frames_nm : float32 [n_frames, n_atoms, 3]
        Frames, nm; treat as read-only.
    weights : float64 [n_frames]
        Frame weights that sum to 1.
    block : int64 [n_frames]
        Block of every frame for the bootstrap, 0 … n_blocks − 1; contiguous, never across replicas.
    replica_start : int64 [n_replicas]
        First frame of every replica.
    time_step_ps
        Clock of a trajectory, ps; None without one.
    """

    molecule: Complex
    frames_nm: NDArray[np.float32]
    weights: NDArray[np.float64]
    block: NDArray[np.int64]
    replica_start: NDArray[np.int64]
    time_step_ps: float | None = None
    _cache: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        molecule: Complex,
        frames_nm: NDArray[np.floating],
        weights: NDArray[np.floating] | None = None,
        *,
        replica_start: NDArray[np.int64] | None = None,
        time_step_ps: float | None = None,
    ) -> Side:
        """A side of frames that are matched and superposed already."""
        frames = np.asarray(frames_nm, dtype=np.float32)
        start = np.zeros(1, dtype=np.int64) if replica_start is None else replica_start
        return cls(
            molecule, frames, normalised_weights(weights, len(frames)), frame_blocks(len(frames), start), start,
            time_step_ps,
        )  # fmt: skip

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self.frames_nm)

    def take(self, frames: NDArray[np.int64]) -> Side:
        """Some of the frames, as an ensemble without clock or replicas: [n] indices."""
        return Side.of(self.molecule, self.frames_nm[frames], self.weights[frames])

    def once(self, function: Callable[..., T], *arguments: Hashable) -> T:
        """``function(self, *arguments)``, computed once: metrics that share a quantity share the work."""
        key = (function, *arguments)
        if key not in self._cache:
            self._cache[key] = function(self, *arguments)
        return self._cache[key]


@dataclass(frozen=True, eq=False)
class AlignedPair:
    """An ensemble and its reference, atom for atom.

    Attributes
    ----------
    ensemble, reference
        The two sides; both have the same ``molecule``.
    """

    ensemble: Side
    reference: Side

    @property
    def molecule(self) -> Complex:
        """Matched heavy atoms of the reference structure."""
        return self.reference.molecule


def frame_blocks(n_frames: int, replica_start: NDArray[np.int64], max_blocks: int = MAX_BLOCKS) -> NDArray[np.int64]:
    """Contiguous blocks of nearly equal length that do not cross replicas: [n_frames] block of every frame."""
    bounds = [*np.asarray(replica_start).tolist(), n_frames]
    lengths = [end - begin for begin, end in itertools.pairwise(bounds)]
    block = np.empty(n_frames, dtype=np.int64)
    used = 0
    for begin, length in zip(bounds[:-1], lengths, strict=True):
        n_blocks = int(np.clip(round(max_blocks * length / max(n_frames, 1)), 1, max(length, 1)))
        block[begin : begin + length] = used + np.arange(length) * n_blocks // max(length, 1)
        used += n_blocks
    return block
