"""Read GROMACS GRO text with one frame or several: it is a topology and a trajectory at once (nm, ps)."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.structure.reading.files import read_content
from unfreeze.trajectories.readers.base import TrajectoryReader

__all__ = ["GroReader"]

_NAMES_WIDTH = 20
_TIME = re.compile(rb"\bt=\s*([-+0-9.eE]+)")


class GroReader(TrajectoryReader):
    """A GRO file.

    Attributes
    ----------
    residue_number : int64 [n_atoms]
    residue_name, atom_name : str [n_atoms]
        Of the first frame.

    Raises
    ------
    InputError
        If a line cannot be understood, or frames differ in their number of atoms.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        lines = read_content(path).data.splitlines()
        while lines and not lines[-1].strip():
            lines.pop()
        self.n_atoms = self._count(lines, 0)
        length = self.n_atoms + 3
        self.n_frames = -(-len(lines) // length)
        self.check_size()
        titles = lines[::length]
        blocks = []
        for frame in range(self.n_frames):
            first = frame * length
            if self._count(lines, first) != self.n_atoms or len(lines) < first + length:
                raise InputError(
                    f"{path}: frame {frame + 1} (line {first + 1}) has not the {self.n_atoms} atoms of the first frame "
                    "and a box line; the file is cut short or damaged. Write it again."
                )
            blocks.append(self._positions(lines[first + 2 : first + length - 1], first + 3))
        self._frames = np.stack(blocks)
        self._names(lines[2 : self.n_atoms + 2])
        found = [_TIME.search(title) for title in titles]
        try:
            self.times_ps = np.array([float(match.group(1)) for match in found if match], dtype=np.float64)
        except ValueError:
            self.times_ps = None
        if self.times_ps is not None and len(self.times_ps) != self.n_frames:
            self.times_ps = None

    def _count(self, lines: list[bytes], first: int) -> int:
        text = lines[first + 1].strip() if len(lines) > first + 1 else b""
        if not text.isdigit() or len(text) > 9:
            raise InputError(
                f"{self.path}: line {first + 2}: {text.decode('latin-1')[:40]!r} is not the number of atoms that GRO "
                "files have there. Write the file again."
            )
        return int(text)

    def _positions(self, lines: list[bytes], first_line: int) -> NDArray[np.float32]:
        points = [at for at, letter in enumerate(lines[0]) if letter == ord(".") and at >= _NAMES_WIDTH]
        width = points[1] - points[0] if len(points) > 1 else 8
        texts = np.array([line[_NAMES_WIDTH : _NAMES_WIDTH + 3 * width].ljust(3 * width) for line in lines])
        columns = texts.astype(f"S{3 * width}").view(f"S{width}").reshape(len(lines), 3)
        try:
            return columns.astype(np.float64).astype(np.float32)
        except ValueError:
            pass
        for at, row in enumerate(columns):
            try:
                row.astype(np.float64)
            except ValueError:
                text = lines[at][_NAMES_WIDTH:].decode("latin-1").strip()[:40]
                raise InputError(
                    f"{self.path}: line {first_line + at}: three coordinates in nm were expected, not {text!r}. "
                    "The file is cut short or damaged; write it again."
                ) from None
        raise AssertionError("a line without numbers was not found")

    def _names(self, lines: list[bytes]) -> None:
        texts = np.array([line[:15].decode("latin-1").ljust(15) for line in lines])
        fields = texts.astype("U15").view("U5").reshape(len(lines), 3)
        self.residue_name, self.atom_name = np.strings.strip(fields[:, 1]), np.strings.strip(fields[:, 2])
        try:
            self.residue_number = fields[:, 0].astype(np.int64)
        except ValueError:
            raise InputError(
                f"{self.path}: residue numbers in columns 1-5 were expected, found {str(fields[0, 0])!r} and others."
            ) from None

    def read(self, first: int, count: int) -> NDArray[np.float32]:
        """`count` frames from `first` on: [count, n_atoms, 3], nm."""
        return self._frames[first : first + count]
