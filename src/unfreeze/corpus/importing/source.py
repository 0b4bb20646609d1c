"""What an importer offers to the driver: candidates, and streams of frames in nm and ps.

An importer knows the layout of a set and nothing of the store; the driver (:mod:`unfreeze.corpus.importing.driver`)
checks and writes. Streams give blocks of bounded size, so that files larger than memory pass through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.labels import Label
from unfreeze.corpus.schema import Conditions, Source
from unfreeze.structure.complex import Complex

__all__ = ["Candidate", "FrameBlock", "FrameStream", "Importer", "Part"]


@dataclass(frozen=True, eq=False)
class FrameBlock:
    """Consecutive frames as read, in the order of the stream's complex.

    Attributes
    ----------
    coordinates_nm : float32 [n, n_atoms, 3]
    times_ps : float64 [n] or None
        As the source gives them, unmended.
    box_nm : float32 [n, 3, 3] or None
        Rows are the box vectors.
    forces_kJ_mol_nm : float32 [n, n_atoms, 3] or None
    energies_kJ_mol : float64 [n, n_terms] or None
        Potential energy first; names of the terms are in the quality of the trajectory.
    weights : float64 [n] or None
    """

    coordinates_nm: NDArray[np.float32]
    times_ps: NDArray[np.float64] | None = None
    box_nm: NDArray[np.float32] | None = None
    forces_kJ_mol_nm: NDArray[np.float32] | None = None
    energies_kJ_mol: NDArray[np.float64] | None = None
    weights: NDArray[np.float64] | None = None


class FrameStream(AbstractContextManager["FrameStream"], Protocol):
    """An opened trajectory.

    Attributes
    ----------
    complex
        The atoms of every frame, in order: heavy atoms without waters unless all were asked for. Its coordinates are
        the reference of bond lengths and chirality.
    n_frames
        In the source; None if only reading it through would tell.
    steps : int64 [n_frames] or None
        Steps of the integrator, where the source has them: they tell numbers of frames from times.
    notes
        What was left out or found at opening.

    A stream that knows the times of all frames when it is opened may have them as an attribute ``times_ps`` (float64
    [n_frames]), and names of its energies as ``energy_terms``; a driver must do without.
    """

    complex: Complex
    n_frames: int | None
    steps: NDArray[np.int64] | None
    notes: tuple[str, ...]

    def blocks(self, first: int = 0, stride: int = 1, *, most_bytes: int = 2**25) -> Iterator[FrameBlock]:
        """Frames ``first``, ``first + stride``... in blocks of at most about `most_bytes` of coordinates."""
        ...


@dataclass(frozen=True)
class Part:
    """One trajectory of a candidate.

    Attributes
    ----------
    name
        Of the trajectory within the entry.
    conditions, source
        What is known before it is read; the driver adds checksums of ``paths``.
    paths
        Files it is read from.
    open
        Opens the stream; raises `InputError` with the reason when it cannot be used.
    time_step_ps
        What the documentation or the user says the step between frames is; the driver holds the file's clock against
        it. None for unknown.
    is_container
        Whether ``paths`` hold many entries, such as one HDF5 file of a whole set: not the file but the data that are
        read get a checksum, and a change of its date means nothing.
    ignores_clock
        Whether the times of the source are known to be wrong: ``time_step_ps`` is taken as it is.
    refusal
        Why this part cannot be taken, known without opening it; the other parts are not concerned.
    """

    name: str
    conditions: Conditions
    source: Source
    paths: tuple[Path, ...]
    open: Callable[[], FrameStream]
    time_step_ps: float | None = None
    is_container: bool = False
    ignores_clock: bool = False
    refusal: str | None = None


@dataclass(frozen=True)
class Candidate:
    """An entry that a source could become.

    Attributes
    ----------
    identifier
        Of the entry to be: letters, digits, ``._+-`` only (the driver makes it safe and unique).
    parts
        Its trajectories, or sets of models.
    labels, notes, title
        Go into the manifest.
    refusal
        Why it cannot be taken, known without reading frames (a missing pair, a pickle, a name that is not clear).
    """

    identifier: str
    parts: tuple[Part, ...] = ()
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    title: str = ""
    refusal: str | None = None


class Importer(Protocol):
    """One set: how its folders and files become candidates.

    Attributes
    ----------
    name, summary, licence, citation
        Shown by ``unfreeze corpus import --list``.
    options
        Names and one-line explanations of what ``--set NAME=VALUE`` can say.
    """

    name: str
    summary: str
    licence: str
    citation: str
    options: Mapping[str, str]

    def candidates(self, source: Path, options: Mapping[str, str]) -> Iterator[Candidate]:
        """Look at a folder or file, cheaply: names, sizes and headers, no frames.

        Raises
        ------
        InputError
            If the source is not this set at all.
        """
        ...
