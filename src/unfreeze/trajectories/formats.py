"""What kind of file a path is, told by its first bytes; a name decides only where text could be anything."""

from __future__ import annotations

import zlib
from pathlib import Path

from unfreeze.errors import InputError

__all__ = ["STRUCTURES", "TOPOLOGIES", "TRAJECTORIES", "file_format"]

TRAJECTORIES = ("xtc", "trr", "dcd", "hdf5", "netcdf")
"""Binary formats that hold frames of all atoms."""
STRUCTURES = ("pdb", "cif")
"""Text formats that our own reader reads, with one model or several."""
TOPOLOGIES = (*STRUCTURES, "gro", "psf", "prmtop")
"""Formats that tell what the atoms of a trajectory are."""

_HEAD = 1 << 16
_MAGIC = (
    (b"\x00\x00\x07\xcb", "xtc"),
    (b"\x00\x00\x07\xe7", "xtc"),  # GROMACS 2023: the same for very large systems
    (b"\x00\x00\x07\xc9", "trr"),
    (b"\x89HDF\r\n\x1a\n", "hdf5"),
    (b"CDF\x01", "netcdf"),
    (b"CDF\x02", "netcdf"),
    (b"CDF\x05", "netcdf"),
)
_PDB_RECORDS = (b"ATOM  ", b"HETATM", b"HEADER", b"CRYST1", b"REMARK", b"MODEL ", b"SEQRES", b"TITLE ", b"COMPND")


def file_format(path: Path) -> str:
    """Format of a file: one of :data:`TRAJECTORIES` or :data:`TOPOLOGIES`, or empty if it is none of them.

    Raises
    ------
    InputError
        If the file is absent, empty or cannot be read.
    """
    try:
        with path.open("rb") as handle:
            head = handle.read(_HEAD)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file. Check the spelling and the folder.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error}).") from None
    if not head:
        raise InputError(f"{path}: the file is empty. Copy or write it again.")
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head[4:8] == b"CORD" or head[8:12] == b"CORD":
        return "dcd"
    return _text_format(path, head)


def _text_format(path: Path, head: bytes) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if head[:2] == b"\x1f\x8b":
        try:
            head = zlib.decompressobj(wbits=31).decompress(head, _HEAD)
        except zlib.error:
            return ""
        suffixes = suffixes[:-1] if suffixes[-1:] == [".gz"] else suffixes
    if b"\0" in head:
        return ""
    text = head.lstrip()
    lines = text[:_HEAD].splitlines()
    first = lines[0] if lines else b""
    if first.startswith(b"PSF"):
        return "psf"
    if first.startswith(b"%VERSION"):
        return "prmtop"
    if _is_gro(lines, suffixes):
        return "gro"
    if any(line[:6].ljust(6).upper() in _PDB_RECORDS for line in lines):
        return "cif" if text[:5].lower() == b"data_" else "pdb"
    if any(line[:5].lower() == b"data_" for line in lines) and suffixes[-1:] != [".star"]:
        return "cif"
    return ""


def _is_gro(lines: list[bytes], suffixes: list[str]) -> bool:
    """Whether line two is a number of atoms and line three an atom of fixed columns with three coordinates."""
    if suffixes[-1:] == [".gro"]:
        return True
    if len(lines) < 3 or not lines[1].strip().isdigit():
        return False
    return len(lines[2]) >= 44 and lines[2][20:].count(b".") >= 3 and lines[2][15:20].strip().isdigit()
