"""A first look at a part: opens it, looks at frames from its begin, middle and end, and settles units, clock and box.

The same for a dry run and before an import, so that the one says what the other does.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.importing.checks.clock import Clock, read_clock
from unfreeze.corpus.importing.checks.frames import FrameWatch
from unfreeze.corpus.importing.checks.units import scale_of
from unfreeze.corpus.importing.mend import box_factor, whole_reference
from unfreeze.corpus.importing.molecule import Expected, expected_of, without_hydrogens
from unfreeze.corpus.importing.source import FrameBlock, FrameStream, Part
from unfreeze.errors import InputError
from unfreeze.structure.complex import Complex

__all__ = ["Trial", "same_atoms", "try_part"]

_SAMPLE_FRAMES = 4
_TIMES_BYTES = 2**22


@dataclass(frozen=True, eq=False)
class Trial:
    """What a first look settles.

    Attributes
    ----------
    complex
        Atoms that are taken, with a whole reference.
    rows : int64 [n_atoms] or None
        Their rows among those of the stream; None for all.
    expected
        What their frames must look like.
    factor, box_factor
        What coordinates and boxes are multiplied by.
    clock
        The clock of the frames that are taken.
    n_frames
        To be taken; None if that is not known.
    columns
        Names of the columns there will be beside the coordinates.
    mended, notes
        So far.
    """

    complex: Complex
    rows: NDArray[np.int64] | None
    expected: Expected
    factor: float
    box_factor: float
    clock: Clock
    n_frames: int | None
    columns: tuple[str, ...]
    mended: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def frame_bytes(self) -> int:
        """Bytes of a frame on disk."""
        n = self.complex.n_atoms
        sizes = {"forces": 12 * n, "box": 36, "times": 8, "weights": 8, "energies": 8}
        return 6 * n + 24 + sum(sizes[name] for name in self.columns)


def try_part(part: Part, stream: FrameStream, name: str, *, atoms: str, stride: int, keep_forces: bool) -> Trial:
    """Look at a part that was opened.

    Parameters
    ----------
    part, stream
        The part and what its ``open`` gave.
    name
        What messages call it.
    atoms
        ``heavy`` or ``all``.
    stride
        Every which frame is taken.
    keep_forces
        Whether forces are taken where there are any.

    Raises
    ------
    InputError
        With the reason, if it cannot be taken.
    """
    is_dynamics = part.conditions.kind == "md"
    complex, rows = without_hydrogens(stream.complex) if atoms == "heavy" else (stream.complex, None)
    notes = list(stream.notes)
    if rows is not None:
        notes.append(f"{stream.complex.n_atoms - complex.n_atoms} hydrogens were left out.")
    samples = list(_samples(stream, name))
    for block in samples:
        _check_block(block, stream.complex.n_atoms, name)
    first_box = samples[0].box_nm
    frames = np.concatenate([block.coordinates_nm for block in samples])
    frames = np.ascontiguousarray(frames if rows is None else frames[:, rows], dtype=np.float32)
    mended: list[str] = []
    if is_dynamics:
        complex, said = whole_reference(complex, None if first_box is None else first_box[0])
        if said:  # what was found in the torn topology holds no longer
            mended.append(said)
            notes = [note for note in notes if "cut by a periodic box" not in note]
    expected = expected_of(complex)
    usable = frames[(np.abs(frames) < 1e5).all(axis=(1, 2))]  # numbers that are none are named by the watch
    scale = scale_of(usable, expected, name) if len(usable) else None
    factor = 1.0 if scale is None else scale.factor
    if scale is not None and scale.said:
        (mended if factor != 1.0 else notes).append(scale.said)
    of_box = 1.0 if first_box is None or not len(usable) else box_factor(usable, first_box, factor)
    _watch(samples, rows, expected, name, is_dynamics, factor, of_box)
    clock = _clock(part, stream, samples[0], name, stride) if is_dynamics else Clock(None)
    n_frames = None if stream.n_frames is None else -(-stream.n_frames // stride)
    return Trial(
        complex=complex,
        rows=rows,
        expected=expected,
        factor=factor,
        box_factor=of_box,
        clock=clock,
        n_frames=n_frames,
        columns=_columns(samples[0], clock, keep_forces and factor == 1.0),
        mended=(*mended, *clock.mended),
        notes=(*notes, *clock.notes, *_force_note(samples[0], keep_forces, factor)),
    )


def _columns(block: FrameBlock, clock: Clock, keep_forces: bool) -> tuple[str, ...]:
    there = {
        "forces": block.forces_kJ_mol_nm is not None and keep_forces,
        "box": block.box_nm is not None,
        "energies": block.energies_kJ_mol is not None,
        "weights": block.weights is not None,
        "times": clock.is_uneven,
    }
    return tuple(name for name, is_there in there.items() if is_there)


def _force_note(block: FrameBlock, keep_forces: bool, factor: float) -> tuple[str, ...]:
    if block.forces_kJ_mol_nm is None or (keep_forces and factor == 1.0):
        return ()
    if not keep_forces:
        return ("Forces were left out.",)
    return ("Forces were left out: the coordinates were in another unit than they should be, so theirs is not known.",)


def _samples(stream: FrameStream, name: str) -> Iterator[FrameBlock]:
    """Blocks of a few frames from the begin, the middle and the end."""
    if stream.n_frames is not None and stream.n_frames < 1:
        raise InputError(f"{name}: there are no frames. Copy or write the file again.")
    total = stream.n_frames
    places = [0] if total is None else sorted({0, total // 2, max(0, total - _SAMPLE_FRAMES)})
    most_bytes = 12 * stream.complex.n_atoms * _SAMPLE_FRAMES
    for place in places:
        with closing(_closable(stream.blocks(place, most_bytes=most_bytes))) as blocks:
            block = next(blocks, None)
        if block is None:
            raise InputError(f"{name}: frame {place + 1:,} cannot be read; the file is cut short or damaged.")
        yield block


def _check_block(block: FrameBlock, n_atoms: int, name: str) -> None:
    shape = block.coordinates_nm.shape
    if len(shape) != 3 or shape[1:] != (n_atoms, 3):
        found = shape[1] if len(shape) == 3 else shape
        raise InputError(
            f"{name}: frames have {found} atoms and the topology has {n_atoms}; they do not belong together. Give the "
            "topology of exactly these atoms."
        )


def _watch(
    samples: list[FrameBlock],
    rows: NDArray[np.int64] | None,
    expected: Expected,
    name: str,
    is_dynamics: bool,
    factor: float,
    of_box: float,
) -> None:
    """Frames of each sample by themselves, as those between are not looked at."""
    for block in samples:
        watch = FrameWatch(expected, name, is_dynamics=is_dynamics, factor=factor, box_factor=of_box)
        frames = np.array(block.coordinates_nm if rows is None else block.coordinates_nm[:, rows], dtype=np.float32)
        watch.look_at(frames, block.box_nm)
        watch.check_hands()


def _clock(part: Part, stream: FrameStream, sample: FrameBlock, name: str, stride: int) -> Clock:
    if part.ignores_clock:
        if part.time_step_ps is None:
            raise InputError(f"{name}: the clock is to be ignored, and no time step is given. Give one, such as 10ps.")
        said = f"The times of the files were not used; a step of {part.time_step_ps:g} ps was given."
        return Clock(part.time_step_ps * stride, mended=(said,))
    times = getattr(stream, "times_ps", None)
    if times is None and sample.times_ps is not None:
        with closing(_closable(stream.blocks(0, most_bytes=_TIMES_BYTES))) as blocks:
            first = next(blocks, None)
        times = None if first is None else first.times_ps
    steps = stream.steps
    if steps is not None and times is not None:
        steps = steps[: len(times)]
    return read_clock(times, steps, part.time_step_ps, name, stride)


def _closable(blocks: Iterator[FrameBlock]) -> Generator[FrameBlock, None, None]:
    yield from blocks


def same_atoms(one: Complex, other: Complex) -> str:
    """Why two complexes are not of the same atoms; empty if they are."""
    if one.n_atoms != other.n_atoms:
        return f"{one.n_atoms} atoms and {other.n_atoms}"
    if one.n_residues != other.n_residues:
        return f"{one.n_residues} residues and {other.n_residues}"
    for words, mine, theirs in (
        ("atom", one.atom_name, other.atom_name),
        ("residue", one.residue_name[one.residue_index], other.residue_name[other.residue_index]),
    ):
        unlike = np.flatnonzero(mine != theirs)
        if len(unlike):
            at = int(unlike[0])
            return f"{words} {one.atom_label(at)} and {other.atom_label(at)} (and {len(unlike) - 1} more)"
    return ""
