"""Tables of measured values as people have them: CSV with mutations and values whose unit is in the name of the column.

``mutations,ddg_kcal_mol``, ``mutations,kd_nM``, ``mutations,tm_C,error_C``: a change (ΔΔG, ΔTm) or the mutant's own
(Kd, ΔG, Tm), with the error of the measurement if it is known. A row ``WT`` is the wild type. What cannot be used is
refused with file and row; bounds (``>10000``, ``n.b.``) are no values.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from unfreeze.corpus.mutations import Mutation
from unfreeze.errors import InputError
from unfreeze.properties.known.columns import Column, converted, plain_name, unit_of_constant, value_columns
from unfreeze.properties.requests.mutations import read_mutations
from unfreeze.properties.requests.residues import MutableResidues

__all__ = ["MAX_KNOWN", "KnownValues", "Measured", "parse_constant", "read_known"]

MAX_KNOWN = 1000
"""Most measured values."""
_MAX_BYTES = 5_000_000
_WILD = ("wt", "wild", "wildtype", "wild type", "wild-type", "-")
_EMPTY = ("", "na", "n/a", "nan", "nd", "n.d.", "none")
_CONSTANT = re.compile(r"(?P<value>[+\-−]?\d*\.?\d+(?:[eE][+-]?\d+)?)\s*(?P<unit>\S+)")


@dataclass(frozen=True)
class Measured:
    """A measured value.

    Attributes
    ----------
    mutations
        Of which mutant; empty for the wild type.
    kind
        ``ddg`` or ``dtm``, changes; ``dg`` or ``tm``, of the mutant itself.
    value, error
        kJ/mol or K, and the standard deviation of the measurement (None where it is not told).
    where
        For messages: ``measured.csv, row 3``.
    """

    mutations: tuple[Mutation, ...]
    kind: str
    value: float
    error: float | None
    where: str


@dataclass(frozen=True)
class KnownValues:
    """All measured values that were given.

    Attributes
    ----------
    values
        In the order of the table; the wild type's last if it was given beside the table.
    source
        What the values came from, for people.
    """

    values: tuple[Measured, ...]
    source: str

    @property
    def mutants(self) -> tuple[tuple[Mutation, ...], ...]:
        """Every mutant once, in order."""
        return tuple(dict.fromkeys(one.mutations for one in self.values if one.mutations))


def parse_constant(text: str, temperature_K: float, option: str = "--known-kd") -> Measured:
    """``3.2nM``, ``-45 kJ/mol`` or ``-10.8kcal/mol`` of the wild type.

    Raises
    ------
    InputError
        If it is no such thing.
    """
    found = _CONSTANT.fullmatch(text.strip())
    unit = unit_of_constant(found["unit"]) if found else None
    if found is None or unit is None:
        raise InputError(
            f"{option} {text!r}: no number with a unit; write a dissociation constant such as 3.2nM, or a free energy "
            f"such as -45kJ/mol"
        )
    value = float(found["value"].replace("−", "-"))
    in_kJ_mol, _ = converted(*unit, value, None, temperature_K, f"{option} {text}")
    return Measured((), "dg", in_kJ_mol, None, option)


def read_known(path: str | Path, task: str, residues: MutableResidues, *, temperature_K: float = 298.15) -> KnownValues:
    """Read and check a table.

    Parameters
    ----------
    path
        CSV with a header; commas, semicolons or tabs.
    task
        ``affinity`` or ``stability``.
    residues
        What can be mutated.
    temperature_K
        At which dissociation constants were measured.

    Raises
    ------
    InputError
        If something cannot be read or used; of many faults the first ones are named.
    """
    path = Path(path)
    lines, delimiter, head, first = _table(path)
    if "low_95_kJ_mol" in head:
        raise InputError(f"{path}: a table of predictions, not of measured values; give what was measured")
    names = [plain_name(title) for title in head]
    column = next((names.index(name) for name in ("mutations", "mutation") if name in names), None)
    if column is None:
        raise InputError(
            f"{path}, row {first}: a table without a column 'mutations' (it has {', '.join(head)[:80]}); name one so"
        )
    columns = value_columns(path, first, head, task)
    values: list[Measured] = []
    faults: list[str] = []
    seen: dict[tuple[tuple[Mutation, ...], str], str] = {}
    for where, cells in _rows(path, lines, delimiter, first):
        try:
            for one in _read_row(where, cells, column, columns, residues, temperature_K):
                key = (tuple(sorted(one.mutations)), one.kind)
                if key in seen:
                    name = "+".join(map(str, one.mutations)) or "the wild type"
                    raise InputError(
                        f"{where}: {name} is given twice, also in {seen[key]}; give the mean of its measurements, and "
                        f"its error in a column of errors"
                    )
                seen[key] = where
                values.append(one)
        except InputError as error:
            faults.append(str(error))
    if faults:
        more = [f"… and {len(faults) - 5} more like these"] if len(faults) > 5 else []
        raise InputError("\n".join([*faults[:5], *more]))
    if not values:
        raise InputError(f"{path}: holds no measured value; give one a row, or leave --known out")
    if len(values) > MAX_KNOWN:
        raise InputError(f"{path}: {len(values):,} measured values; at most {MAX_KNOWN:,} are used")
    return KnownValues(tuple(values), str(path))


def _table(path: Path) -> tuple[list[str], str, list[str], int]:
    """Lines after the header, what parts cells, the header, and its row."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"{path}: larger than {_MAX_BYTES / 1e6:g} MB, which no table of measured values is")
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise InputError(f"{path}: measured values cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file; measured values come as CSV with a header") from None
    first = next((n for n, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")), None)
    if first is None:
        raise InputError(f"{path}: holds no measured value; its columns are mutations and a value with its unit")
    heads = {mark: next(csv.reader([lines[first]], delimiter=mark)) for mark in (",", ";", "\t")}
    delimiter = max(heads, key=lambda mark: len(heads[mark]))
    return lines[first + 1 :], delimiter, [cell.strip() for cell in heads[delimiter]], first + 1


def _rows(path: Path, lines: list[str], delimiter: str, first: int) -> Iterator[tuple[str, list[str]]]:
    rows = csv.reader(lines, delimiter=delimiter)
    try:
        for row in rows:
            if any(cell.strip() for cell in row) and not row[0].lstrip().startswith("#"):
                yield f"{path}, row {first + rows.line_num}", [cell.strip() for cell in row]
    except csv.Error as error:
        raise InputError(f"{path}: cannot be read as a table ({error})") from None


def _read_row(
    where: str,
    cells: list[str],
    column: int,
    columns: Sequence[Column],
    residues: MutableResidues,
    temperature_K: float,
) -> Iterator[Measured]:
    text = cells[column].lstrip("'") if len(cells) > column else ""
    if not text:
        raise InputError(f"{where}: the column of mutations is empty; fill it, write WT, or take the row out")
    mutations: tuple[Mutation, ...] = ()
    if text.lower() not in _WILD:
        try:
            found = read_mutations([re.sub(r"\s*[,+]\s*", "+", text)], residues).mutations
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        if len(found) != 1:
            raise InputError(f"{where}: {text!r} is {len(found)} mutants; a measured value is of one")
        mutations = found[0]
    said = False
    for one in columns:
        value = _number(cells, one.value, where, one.title)
        if value is None:
            continue
        said = True
        if not mutations and one.kind in ("ddg", "dtm"):
            if value != 0.0:
                raise InputError(f"{where}: a change of the wild type, which is 0 by its meaning; leave it out")
            continue
        error = _number(cells, one.error, where, "error") if one.error is not None else None
        if error is not None and error <= 0.0:
            raise InputError(f"{where}: an error of {error:g}; it must be above 0, or left empty")
        in_units = converted(one.kind, one.unit, value, error, temperature_K, where)
        yield Measured(mutations, "dg" if one.kind == "kd" else one.kind, *in_units, where)
    if not said:
        raise InputError(f"{where}: {text} has no value; fill in {columns[0].title}, or take the row out")


def _number(cells: list[str], place: int, where: str, title: str) -> float | None:
    text = cells[place] if len(cells) > place else ""
    if text.lower() in _EMPTY:
        return None
    plain = text.lstrip("'").replace("−", "-")
    try:
        value = float(plain)
    except ValueError:
        if re.match(r"[<>≤≥~]|n\.?\s?b|no ", text.lower()):
            raise InputError(
                f"{where}: {text!r} is a bound or says that nothing bound, and no value; leave the row out"
            ) from None
        hint = ", write decimals with a point" if re.fullmatch(r"-?\d+,\d+", plain) else ""
        raise InputError(f"{where}: {text!r} in column {title!r} is no number{hint}") from None
    if not math.isfinite(value):
        raise InputError(f"{where}: {text!r} in column {title!r} is no number; leave the row out")
    return value
