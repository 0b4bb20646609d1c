"""Mutations as people write them, on the command line or in a file, checked against the residues that are there.

``A:K15A`` is chain A, lysine 15, now alanine; ``K15A`` will do where there is one chain; ``A:K15A+B:D35A`` is two at
once; ``A:K15*`` is all 19 others, one after another. In a file a row is one request, and commas join as + does; a table
with a column ``mutations`` will do as well. The order of SKEMPI, ``KA15A``, is understood and said to be so.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from unfreeze.corpus.mutations import AMINO_ACIDS, Mutation
from unfreeze.errors import InputError
from unfreeze.properties.requests.residues import MutableResidues

__all__ = ["MAX_AT_ONCE", "MAX_REQUESTS", "Requested", "read_mutations"]

MAX_REQUESTS = 50_000
"""Most rows of one prediction."""
MAX_AT_ONCE = 20
"""Most mutations made at once."""

_MAX_BYTES = 10_000_000
_COLUMNS = ("mutations", "mutation")
_FILE_ENDINGS = (".csv", ".tsv", ".txt", ".list", ".dat")
_TITLE = re.compile(r"#?[^\W\d]{2}[\w ()#/%.^-]*|#?")  # of a column: two letters first, as no mutation has
_SATURATION = re.compile(r"(?P<head>(?:[^:\s]{1,16}:)?[A-Z]-?\d{1,6}[A-Za-z]?)\*")
_SKEMPI = re.compile(r"(?P<old>[A-Z])(?P<chain>[A-Za-z])(?P<rest>-?\d{1,6}[a-z]?)(?P<new>[A-Z*])")
_THREE_LETTERS = re.compile(r"(?:[^:\s]{1,16}:)?(?:p\.)?[A-Z][A-Za-z]{2}-?\d{1,6}[A-Z][A-Za-z]{2}")


@dataclass(frozen=True)
class Requested:
    """What to predict.

    Attributes
    ----------
    mutations
        One entry a prediction; several mutations in an entry are made at once.
    notes
        How some of it was understood, for a person to read.
    """

    mutations: tuple[tuple[Mutation, ...], ...]
    notes: tuple[str, ...] = ()


def read_mutations(wanted: Sequence[str], residues: MutableResidues) -> Requested:
    """Read and check what was asked for.

    Parameters
    ----------
    wanted
        Texts or names of files. A text may hold several requests with spaces or semicolons between.
    residues
        What can be mutated.

    Raises
    ------
    InputError
        If something cannot be read, does not match a residue, is asked for twice, or is too much. Of many faults the
        first ones are named.
    """
    reader = _Reader(residues)
    for text in wanted:
        path = Path(text).expanduser()
        if _is_file(path, text):
            reader.take(_rows_of(path), commas=True)
        else:
            reader.take(((f"{text!r}", part) for part in re.split(r"[\s;]+", text.strip()) if part), commas=False)
    return reader.finish()


class _Reader:
    """Collects requests and faults, so that the first faults can be told together."""

    def __init__(self, residues: MutableResidues) -> None:
        self._residues = residues
        self._found: dict[tuple[Mutation, ...], str] = {}
        self._faults: list[str] = []
        self._skempi: list[tuple[str, str]] = []

    def take(self, rows: Iterable[tuple[str, str]], *, commas: bool) -> None:
        """Read requests, each with the words for where it stands."""
        for where, text in rows:
            try:
                for mutations in self._read(text, commas=commas):
                    self._add(where, mutations)
            except InputError as error:
                self._faults.append(f"{where}: {error}" if commas else str(error))
            if len(self._found) > MAX_REQUESTS:
                raise InputError(f"{where}: more than {MAX_REQUESTS:,} predictions; split them into several runs")

    def finish(self) -> Requested:
        """All of it, or an error with what is wrong."""
        if self._faults:
            shown = self._faults[:5]
            more = [f"… and {len(self._faults) - 5} more like these"] if len(self._faults) > 5 else []
            raise InputError("\n".join([*shown, *more]))
        if not self._found:
            raise InputError("no mutation was given; write such as A:K15A")
        notes = []
        if self._skempi:
            old, new = self._skempi[0]
            n = len(self._skempi)
            many = f" and {n - 1} more likewise" if n > 1 else ""
            notes.append(f"{old} was read as {new}{many}: the order of SKEMPI is old residue, chain, number, new one.")
        return Requested(tuple(self._found), tuple(notes))

    def _add(self, where: str, mutations: tuple[Mutation, ...]) -> None:
        key = tuple(sorted(mutations))
        name = "+".join(map(str, mutations))
        sites = [(m.chain, m.number, m.insertion_code) for m in key]
        if len(set(sites)) < len(sites):
            raise InputError(f"{name}: the same residue is mutated twice at once; to ask for each alone, separate them")
        if key in self._found:
            first = self._found[key]
            raise InputError(
                f"{name} is asked for twice{'' if first == where else f', also in {first}'}; leave one out"
            )
        self._found[key] = where

    def _read(self, text: str, *, commas: bool) -> Iterator[tuple[Mutation, ...]]:
        if "," in text and not commas:
            together, alone = text.replace(",", "+"), text.replace(",", " ")
            raise InputError(
                f"{text!r}: with a comma it could be either; write {together!r} at once, or {alone!r} alone"
            )
        parts = [part.strip() for part in re.split(r"[+,]" if commas else r"\+", text)]
        if not all(parts):
            raise InputError(f"{text!r}: there is nothing before or after a +; write such as A:K15A+B:D35A")
        if len(parts) > MAX_AT_ONCE:
            raise InputError(f"{text[:40]!r} …: {len(parts)} mutations at once; at most {MAX_AT_ONCE} are predicted")
        stars = [part for part in parts if part.endswith("*")]
        if stars and len(parts) > 1:
            raise InputError(f"{text!r}: * stands for all 19 others and goes alone")
        if stars:
            yield from self._saturation(stars[0])
        else:
            yield tuple(self._checked(self._one(part)) for part in parts)

    def _saturation(self, text: str) -> Iterator[tuple[Mutation, ...]]:
        text = self._plain_order(text)
        found = _SATURATION.fullmatch(text)
        if found is None:
            raise InputError(f"{text!r}: something like A:K15* was expected (chain, residue, number, *)")
        letter = found["head"].rpartition(":")[2][0]
        for mutant in AMINO_ACIDS:
            if mutant != letter:
                yield (self._checked(Mutation.read(found["head"] + mutant, chain=self._only_chain())),)

    def _one(self, text: str) -> Mutation:
        if _THREE_LETTERS.fullmatch(text):
            raise InputError(f"mutation {text!r}: write residues with one letter, such as A:K15A")
        return Mutation.read(self._plain_order(text), chain=self._only_chain())

    def _plain_order(self, text: str) -> str:
        """``A:K15A`` from ``KA15A``; anything else as it is."""
        found = _SKEMPI.fullmatch(text)
        if found is None or found["chain"] not in self._residues.chains:
            return text
        plain = f"{found['chain']}:{found['old']}{found['rest']}{found['new']}"
        self._skempi.append((text, plain))
        return plain

    def _only_chain(self) -> str:
        return self._residues.chains[0] if len(self._residues.chains) == 1 else ""

    def _checked(self, mutation: Mutation) -> Mutation:
        fault = self._residues.fault(mutation)
        if fault:
            raise InputError(fault)
        return mutation


def _is_file(path: Path, text: str) -> bool:
    try:
        if path.is_file():
            return True
    except OSError:  # a text too long for a name
        return False
    if text.lower().endswith(_FILE_ENDINGS) or "/" in text:
        raise InputError(f"{text}: no such file of mutations, and not a mutation such as A:K15A either")
    return False


def _rows_of(path: Path) -> Iterator[tuple[str, str]]:
    """Requests of a file with the words for where each stands."""
    if path.stat().st_size > _MAX_BYTES:
        raise InputError(f"{path}: larger than {_MAX_BYTES / 1e6:g} MB; split it into several runs")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(
            f"{path}: not a text file; give one mutation a row, or CSV with a column 'mutations'"
        ) from None
    lines = text.splitlines()
    first = next((n for n, line in enumerate(lines) if line.strip() and not _is_remark(lines, n)), None)
    if first is None:
        raise InputError(f"{path}: holds no mutation; give one a row, such as A:K15A")
    lines[first] = lines[first].lstrip().removeprefix("#")
    titles: list[str] = []
    for delimiter in (",", ";", "\t"):
        head = [cell.strip().lower() for cell in next(csv.reader([lines[first]], delimiter=delimiter))]
        column = next((head.index(name) for name in _COLUMNS if name in head), None)
        if column is not None:
            yield from _column(path, lines[first + 1 :], delimiter, column, first + 2)
            return
        titles = titles or (head if len(head) > 1 and all(map(_TITLE.fullmatch, head)) else [])
    if titles:
        found = ", ".join(titles)[:80]
        raise InputError(f"{path}, row {first + 1}: a table without a column 'mutations' (it has {found}); name one so")
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield f"{path}, row {number}", line.strip().strip('"')


def _is_remark(lines: list[str], number: int) -> bool:
    """Whether a line begins with # and is not the head of the table below, as in that of SKEMPI."""
    line, below = lines[number].lstrip(), lines[number + 1] if number + 1 < len(lines) else ""
    if not line.startswith("#"):
        return False
    for delimiter in ",;\t":
        cells = line.removeprefix("#").split(delimiter)
        if len(cells) > 2 and below.count(delimiter) >= len(cells) - 1 and all(map(_TITLE.fullmatch, cells)):
            return False
    return True


def _column(path: Path, lines: list[str], delimiter: str, column: int, first: int) -> Iterator[tuple[str, str]]:
    rows = csv.reader(lines, delimiter=delimiter)
    try:
        for row in rows:
            where = f"{path}, row {first - 1 + rows.line_num}"
            if not any(cell.strip() for cell in row):
                continue
            if len(row) <= column or not row[column].strip():
                raise InputError(f"{where}: the column of mutations is empty; fill it or take the row out")
            yield where, row[column].strip()
    except csv.Error as error:
        raise InputError(f"{path}: cannot be read as a table ({error})") from None
