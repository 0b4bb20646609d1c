"""Sequences by part from the files that people keep splits in: CSV or TSV tables, and FASTA.

A table names the part in a column, or is one of several files, each a part: ``atlas_train.csv``, ``atlas_test.csv``.
"""

from __future__ import annotations

import csv
import gzip
import io
import lzma
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from unfreeze.errors import InputError

__all__ = ["read_parts"]

_NAME = ("name", "identifier", "id", "entry", "accession", "pdb", "pdb_id", "chain", "protein")
_SEQUENCE = ("sequence", "seqres", "seq", "sequences", "aa_seq")
_PART = ("part", "split", "set", "subset", "partition", "fold")
_WORDS = {"train": "train", "training": "train", "val": "validation", "valid": "validation", "dev": "validation",
          "validation": "validation", "test": "test", "testing": "test"}  # fmt: skip
_MOST_LETTERS = 2_000_000_000
_MOST_OF_ONE = 1_000_000


def read_parts(files: Sequence[str | Path]) -> dict[str, dict[str, str]]:
    """Read sequences by part.

    Parameters
    ----------
    files
        CSV, TSV or FASTA, also compressed with gzip or xz. ``PART=FILE`` names the part of a file; otherwise it is
        named in a column (``part``, ``split``, ``set``, ``partition``), in a FASTA header (``>1abc_A part=test``), or
        is told from the name of the file (``atlas_train.csv``).

    Returns
    -------
    dict
        Of every part, sequences by name; chains of one name are numbered.

    Raises
    ------
    InputError
        If a file is not of these kinds, has no sequences, or does not say what part they are of.
    """
    parts: dict[str, dict[str, str]] = {}
    for given in files:
        told, path = _named(given)
        part_of_file = told or _part_of(path)
        for line, name, letters, part in _rows(path):
            chosen = told or part or part_of_file
            if not chosen:
                raise InputError(
                    f"{path}, line {line}: no part is given for {name}. Add a column 'part', or give the files as "
                    "train=FILE test=FILE."
                )
            chosen = _WORDS.get(chosen.lower(), chosen)
            sequence = _letters(letters, path, line)
            rows = parts.setdefault(chosen, {})
            copies, free = 1, name
            while free in rows:
                copies += 1
                free = f"{name}#{copies}"
            rows[free] = sequence
    if not parts:
        raise InputError(f"{', '.join(map(str, files)) or 'no file'}: no sequences.")
    return parts


def _named(given: str | Path) -> tuple[str, Path]:
    text = str(given)
    part, sign, rest = text.partition("=")
    if sign and part and not Path(text).exists() and re.fullmatch(r"[\w.+-]+", part):
        return _WORDS.get(part.lower(), part), Path(rest).expanduser()
    return "", Path(text).expanduser()


def _part_of(path: Path) -> str:
    found = [_WORDS[word] for word in re.split(r"[^a-z]+", path.name.lower()) if word in _WORDS]
    return found[0] if len(set(found)) == 1 else ""


def _rows(path: Path) -> Iterator[tuple[int, str, str, str]]:
    """Line, name, letters and part of every sequence."""
    lines = _lines(path)
    first = ""
    for line in lines:
        if line.strip():
            first = line
            break
    if not first:
        raise InputError(f"{path}: is empty; a table or FASTA of sequences was expected.")
    again = _chained(first, lines)
    yield from _fasta(again) if first.startswith(">") else _table(path, first, again)


def _fasta(lines: Iterable[str]) -> Iterator[tuple[int, str, str, str]]:
    header, letters, begun = "", [], 0
    for number, line in enumerate(lines, start=1):
        if line.startswith(">"):
            if begun:
                yield begun, *_header(header), "".join(letters), _part_in(header)
            header, letters, begun = line[1:].strip(), [], number
        else:
            letters.append(line.strip())
    if begun:
        yield begun, *_header(header), "".join(letters), _part_in(header)


def _header(header: str) -> tuple[str]:
    return (header.split(maxsplit=1)[0] if header.split() else "unnamed",)


def _part_in(header: str) -> str:
    found = re.search(r"\b(?:part|split|set)[=:](\S+)", header)
    return found.group(1) if found else ""


def _table(path: Path, first: str, lines: Iterable[str]) -> Iterator[tuple[int, str, str, str]]:
    separator = max("\t,;", key=first.count)
    csv.field_size_limit(_MOST_OF_ONE)
    reader = csv.DictReader(lines, delimiter=separator)
    columns = {str(name).strip().lower(): name for name in reader.fieldnames or ()}
    sequence, name, part = (
        next((columns[word] for word in words if word in columns), None) for words in (_SEQUENCE, _NAME, _PART)
    )
    if sequence is None:
        raise InputError(
            f"{path}: no column of sequences; one called {', '.join(_SEQUENCE[:3])} was expected, found "
            f"{', '.join(map(str, reader.fieldnames or ()))[:200]}."
        )
    try:
        for number, row in enumerate(reader, start=1):
            letters = row.get(sequence) or ""
            yield (
                reader.line_num,
                (row.get(name) if name else None) or f"row {number}",
                letters,
                ((row.get(part) if part else None) or "").strip(),
            )
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: {error}.") from None


def _letters(text: str, path: Path, line: int) -> str:
    letters = re.sub(r"[\s*.-]", "", text)
    if not letters.isascii() or not letters.isalpha():
        strange = next((letter for letter in letters if not (letter.isascii() and letter.isalpha())), "nothing")
        raise InputError(f"{path}, line {line}: {strange!r} in a sequence; one-letter codes were expected.")
    return letters


def _chained(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _lines(path: Path) -> Iterator[str]:
    kind = {".gz": gzip.open, ".xz": lzma.open}.get(path.suffix.lower(), open)
    total = 0
    try:
        with kind(path, "rb") as stream, io.TextIOWrapper(stream, encoding="utf-8-sig") as text:  # type: ignore[arg-type]
            while line := text.readline(_MOST_OF_ONE):
                total += len(line)
                if total > _MOST_LETTERS:
                    raise InputError(f"{path}: more than {_MOST_LETTERS:,} letters; is it a list of sequences?")
                yield line
    except (OSError, EOFError, lzma.LZMAError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as text ({error}).") from None
