"""The first sheet of a spreadsheet file (.xlsx) as rows of text, read within bounds and with nothing executed."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from unfreeze.errors import InputError

__all__ = ["read_first_sheet"]

_MOST_BYTES = 2**25
_SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def read_first_sheet(path: Path) -> Iterator[dict[str, str]]:
    """Rows as text by letter of the column (``A``, ``B``...); empty cells are left out.

    Raises
    ------
    InputError
        If it is not such a file, or too large.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            sheet = _member(archive, "xl/worksheets/sheet1.xml", path)
            names = archive.namelist()
            texts = _member(archive, "xl/sharedStrings.xml", path) if "xl/sharedStrings.xml" in names else None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}).") from None
    except (KeyError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise InputError(f"{path}: not a spreadsheet in .xlsx format ({error}).") from None
    shared = [] if texts is None else ["".join(one.itertext()) for one in texts.iter(f"{_SPACE}si")]
    for row in sheet.iter(f"{_SPACE}row"):
        values = {}
        for cell in row.iter(f"{_SPACE}c"):
            column = re.sub(r"[0-9]", "", cell.get("r", ""))
            value = cell.findtext(f"{_SPACE}v", "")
            if cell.get("t") == "s":
                value = shared[int(value)] if value.isdigit() and int(value) < len(shared) else ""
            elif cell.get("t") == "inlineStr":
                value = "".join(cell.itertext())
            if value.strip():
                values[column] = " ".join(value.split())
        yield values


def _member(archive: zipfile.ZipFile, name: str, path: Path) -> ElementTree.Element:
    if archive.getinfo(name).file_size > _MOST_BYTES:
        raise InputError(f"{path}: {name} in it is larger than {_MOST_BYTES >> 20} MiB; no such table is read.")
    with archive.open(name) as stream:
        data = stream.read(_MOST_BYTES + 1)
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise InputError(f"{path}: {name} in it declares entities, which no spreadsheet does; it is not read.")
    try:
        return ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        raise InputError(f"{path}: {name} in it is damaged ({error}).") from None
