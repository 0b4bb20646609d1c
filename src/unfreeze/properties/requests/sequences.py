"""Sequences from strangers: FASTA files and bare letters, with bounds on sizes and a word on every letter.

Nothing is repaired in silence: gaps, letters that are not amino acids, empty records and names given twice are refused
by record and position.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from unfreeze.corpus.mutations import AMINO_ACIDS
from unfreeze.errors import InputError

__all__ = ["MAX_LENGTH", "MAX_RECORDS", "MIN_LENGTH", "NamedSequence", "read_fasta", "read_sequence"]

MIN_LENGTH, MAX_LENGTH = 10, 40_000
"""Shortest and longest sequence, in residues."""
MAX_RECORDS = 2_000
"""Most records of a file."""

_MAX_BYTES = 20_000_000
_MAX_NAME = 200
_NUCLEOTIDES = frozenset("ACGTUN")
_LONGEST_CHANCE = 25  # so many letters that are all of nucleotides are no protein
_UNSURE = "XBZJUO"
_WHY = {
    "X": "an unknown residue", "B": "D or N", "Z": "E or Q", "J": "I or L", "U": "selenocysteine",
    "O": "pyrrolysine", "-": "a gap", ".": "a gap", "*": "a stop",
}  # fmt: skip


@dataclass(frozen=True)
class NamedSequence:
    """A sequence of amino acids.

    Attributes
    ----------
    name
        First word of its header, or what stands for it. As in the file: to be escaped where it is shown.
    letters
        Upper case, of the 20 amino acids unless others were welcome.
    """

    name: str
    letters: str


def read_sequence(text: str, name: str = "sequence", *, unsure: bool = False) -> NamedSequence:
    """Check letters that were given as they are; blanks are left out, and a stop at the end.

    Parameters
    ----------
    text
        The letters.
    name
        What messages call it.
    unsure
        Accept the letters of residues that are unknown, ambiguous or rare too (``XBZJUO``).

    Raises
    ------
    InputError
        If a letter is no amino acid, it looks like nucleic acid, or is too short or too long.
    """
    letters = "".join(text.split()).upper().removesuffix("*")
    if not letters:
        raise InputError(f"{name}: has no residues; give a sequence or take it out")
    for position, letter in enumerate(letters, start=1):
        if letter not in AMINO_ACIDS and not (unsure and letter in _UNSURE):
            what = f" ({_WHY[letter]})" if letter in _WHY else ""
            raise InputError(
                f"{name}: {letter!r}{what} at position {position} is not one of the 20 amino acids; replace it or cut "
                f"the sequence there"
            )
    if len(letters) >= _LONGEST_CHANCE and set(letters) <= _NUCLEOTIDES:
        raise InputError(f"{name}: looks like DNA or RNA (only {', '.join(sorted(set(letters)))}); translate it first")
    if not MIN_LENGTH <= len(letters) <= MAX_LENGTH:
        raise InputError(f"{name}: {len(letters):,} residues; expected {MIN_LENGTH} to {MAX_LENGTH:,}")
    return NamedSequence(name, letters)


def read_fasta(path: str | Path, *, most: int = MAX_RECORDS, unsure: bool = False) -> list[NamedSequence]:
    """Read the records of a FASTA file.

    Parameters
    ----------
    path
        The file, plain text.
    most
        Most records that are accepted.
    unsure
        As for :func:`read_sequence`.

    Raises
    ------
    InputError
        If it is not FASTA, too large, or a record is empty, unnamed, named as another is, or has other letters.
    """
    path = Path(path)
    size = path.stat().st_size
    if size > _MAX_BYTES:
        raise InputError(
            f"{path}: {size / 1e6:.0f} MB; at most {_MAX_BYTES / 1e6:g} MB are read. Split it into several"
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file; FASTA was expected (>name, then letters)") from None
    found: list[NamedSequence] = []
    seen: dict[str, int] = {}
    for row, header, letters in _records(path, text):
        name = header.split()[0] if header.split() else ""
        if not name:
            raise InputError(f"{path}, row {row}: a record without a name; write such as >my_protein")
        if len(name) > _MAX_NAME or not name.isprintable():
            raise InputError(f"{path}, row {row}: a name of at most {_MAX_NAME} printable characters was expected")
        if name in seen:
            raise InputError(
                f"{path}, row {row}: {name!r} is in row {seen[name]} already; name each record differently"
            )
        seen[name] = row
        if len(found) == most:
            raise InputError(
                f"{path}: more than {most:,} sequence{'s' if most != 1 else ''}; "
                + ("leave one" if most == 1 else "split it into several files")
            )
        found.append(NamedSequence(name, read_sequence(letters, f"{path}, {name!r}", unsure=unsure).letters))
    if not found:
        raise InputError(f"{path}: holds no record; FASTA was expected (>name, then letters)")
    return found


def _records(path: Path, text: str) -> Iterator[tuple[int, str, str]]:
    """Row, header and letters of every record."""
    row, header, parts = 0, None, []
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if line.startswith(">"):
            if header is not None:
                yield row, header, "".join(parts)
            row, header, parts = number, line[1:].strip(), []
        elif line and not line.startswith(";"):
            if header is None:
                raise InputError(
                    f"{path}, row {number}: letters before any name; FASTA begins with a line such as >name"
                )
            parts.append(line)
    if header is not None:
        yield row, header, "".join(parts)
