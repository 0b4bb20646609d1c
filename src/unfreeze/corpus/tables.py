"""Tables of text that others wrote (CSV, TSV, also compressed), read row by row within bounds.

Nothing is trusted: sizes after unpacking, lengths of lines and the names of columns are checked, and an error has the
file and the line.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import lzma
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from unfreeze.errors import InputError

__all__ = ["file_sha256", "number", "open_text", "read_fasta", "read_table"]

_MOST_BYTES = 2**33  # after unpacking
_MOST_FIELD = 2**20


class _Bounded(io.RawIOBase):
    """Bytes of a stream, up to a limit."""

    def __init__(self, stream: IO[bytes], path: Path, most: int) -> None:
        self._stream, self._path, self._left = stream, path, most

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer."""
        data = self._stream.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise InputError(f"{self._path}: more than {_MOST_BYTES >> 30} GiB when unpacked; no such table is read.")
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def open_text(path: Path) -> Iterator[IO[str]]:
    """Open a text file, plain, ``.gz`` or ``.xz``, as UTF-8.

    Raises
    ------
    InputError
        If it cannot be read, is damaged, or is no text.
    """
    opener = {".gz": gzip.open, ".xz": lzma.open}.get(path.suffix.lower(), open)
    try:
        with opener(path, "rb") as stream:
            bounded = io.BufferedReader(_Bounded(stream, path, _MOST_BYTES))  # type: ignore[arg-type]
            with io.TextIOWrapper(bounded, encoding="utf-8-sig", newline="") as text:
                yield text
    except (EOFError, lzma.LZMAError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path}: cut short or damaged ({error}). Download or copy it again.") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text ({error.reason}). Save the table as UTF-8.") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}).") from None


def read_table(
    path: Path, *, columns: Sequence[str], delimiter: str = ","
) -> Iterator[tuple[int, dict[str, str]]]:  # fmt: skip
    """The rows of a table with a header, each with the number of its line.

    Parameters
    ----------
    columns
        Names that the header must have.
    delimiter
        Between fields.

    Raises
    ------
    InputError
        If a column is missing, a row has another number of fields, or the file cannot be read.
    """
    previous = csv.field_size_limit(_MOST_FIELD)
    try:
        with open_text(path) as text:
            reader = csv.reader(text, delimiter=delimiter)
            header = next(reader, [])
            missing = [name for name in columns if name not in header]
            if missing:
                found = ", ".join(name[:40] for name in header[:12]) or "nothing"
                raise InputError(
                    f"{path}: no column {', '.join(missing)} in the first line (found {found}). "
                    "This is another table than was expected."
                )
            for row in reader:
                if not row:
                    continue
                if len(row) != len(header):
                    raise InputError(
                        f"{path}, line {reader.line_num}: {len(row)} fields, and the header has {len(header)}. "
                        "The file may be cut short: download or copy it again."
                    )
                yield reader.line_num, dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise InputError(f"{path}: not a table of text ({error}).") from None
    finally:
        csv.field_size_limit(previous)


def read_fasta(path: Path) -> Iterator[tuple[str, str]]:
    """Header (without ``>``) and sequence of every entry of a FASTA file.

    Raises
    ------
    InputError
        If it is no FASTA file, or a sequence is beyond all measure.
    """
    header, parts, length = None, [], 0
    with open_text(path) as text:
        for line_number, line in enumerate(iter(lambda: text.readline(_MOST_FIELD), ""), start=1):
            line = line.strip()
            if line.startswith(">"):
                if header is not None:
                    yield header, "".join(parts)
                header, parts, length = line[1:].strip(), [], 0
            elif header is None and line:
                raise InputError(f"{path}, line {line_number}: a FASTA file begins with '>', found {line[:20]!r}.")
            else:
                parts.append(line)
                length += len(line)
                if length > _MOST_FIELD:
                    raise InputError(f"{path}, line {line_number}: a sequence of more than {_MOST_FIELD} letters.")
    if header is not None:
        yield header, "".join(parts)


def number(text: str, path: Path, line: int, column: str) -> float | None:
    """A finite number of a table; None for an empty field.

    Raises
    ------
    InputError
        If it is no finite number.
    """
    text = text.strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        raise InputError(f"{path}, line {line}, column {column}: {text[:40]!r} is no finite number")
    return value


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, read in pieces.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while piece := stream.read(2**20):
                digest.update(piece)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}).") from None
    return digest.hexdigest()
