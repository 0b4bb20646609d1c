"""XTC through mdtraj, which opens paths of plain ASCII letters only."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mdtraj.formats import XTCTrajectoryFile

from unfreeze.errors import InputError

__all__ = ["open_xtc"]


@contextmanager
def open_xtc(path: str | os.PathLike[str], mode: str = "r") -> Iterator[XTCTrajectoryFile]:
    """Open an XTC file, whatever letters are in its path.

    Where the path has others than ASCII, mdtraj is given a link to it, which goes when the block ends.

    Parameters
    ----------
    path
        The file.
    mode
        ``"r"``, or ``"w"`` to write it anew.

    Yields
    ------
    XTCTrajectoryFile
        The open file.

    Raises
    ------
    InputError
        If the path is not ASCII and no link to it can be made.
    """
    if str(path).isascii():
        with XTCTrajectoryFile(str(path), mode, force_overwrite=True) as handle:
            yield handle
        return
    with tempfile.TemporaryDirectory(prefix="unfreeze-") as folder:
        link = Path(folder) / "trajectory.xtc"
        if mode == "w":  # mdtraj would delete the link instead
            Path(path).unlink(missing_ok=True)
        try:
            link.symlink_to(Path(path).absolute())
        except OSError as error:
            raise _not_ascii(path, str(error.strerror or error)) from None
        if not str(link).isascii():
            raise _not_ascii(path, f"the folder for temporary files, {folder}, is not either")
        with XTCTrajectoryFile(str(link), mode, force_overwrite=True) as handle:
            yield handle


def _not_ascii(path: str | os.PathLike[str], reason: str) -> InputError:
    return InputError(
        f"{path}: mdtraj opens XTC files at paths of plain ASCII letters only, and no link to this one could be made "
        f"({reason}). Rename the folder or the file."
    )
