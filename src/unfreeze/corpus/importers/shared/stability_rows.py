"""Rows of the tables of stability changes, whatever their layout, and labels made of them.

Three layouts are read: GeoStab's (``name, wt_seq, mut_seq, pH, temp`` and ``ddG`` in kcal/mol or ``dTm`` in K), the
mega-scale one of PROSTATA (``wt_seq, mut_seq, ddg, pdb_id, reverse``) and pairs (``mut_info_dir, mut_info_inv``), which
have no measured values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from unfreeze.corpus.labels import StabilityLabel
from unfreeze.corpus.tables import number, open_text, read_table

__all__ = ["Layout", "StabilityRow", "layout_of", "merged_labels", "read_pairs", "read_rows"]

KJ_PER_KCAL = 4.184
ZERO_CELSIUS_K = 273.15
Layout = Literal["named", "megascale", "pairs", ""]

_NAME = re.compile(
    r"(?P<base>rcsb|uniprot)_(?P<entry>[0-9A-Za-z]+)_(?P<chain>[0-9A-Za-z]*)_(?P<mutations>[A-Z0-9,-]+)(_.*)?"
)
_PDB_ID = re.compile(r"[0-9][0-9A-Za-z]{3}")


@dataclass(frozen=True)
class StabilityRow:
    """One row.

    Attributes
    ----------
    line
        Of the table.
    entry, chain
        PDB id (upper case) or accession, and chain; the chain is empty where it is not known.
    is_pdb
        Whether `entry` is a PDB id.
    written
        The mutations as the table writes them.
    wild_type, mutant
        Sequences.
    quantity
        ``ddg`` or ``dtm``.
    value
        In kJ/mol or K, in the sign of the table.
    pH, temperature_K
        None where not given.
    is_reverse
        Whether the table says that it was made from the reverse row, not measured.
    """

    line: int
    entry: str
    chain: str
    is_pdb: bool
    written: str
    wild_type: str
    mutant: str
    quantity: Literal["ddg", "dtm"]
    value: float
    pH: float | None = None
    temperature_K: float | None = None
    is_reverse: bool = False

    @property
    def key(self) -> str:
        """The mutation as tables of pairs write it."""
        return f"{self.entry}_{self.chain}_{self.written}"


def layout_of(path: Path) -> Layout:
    """Which of the layouts a file is in, from its first line; empty for none of them."""
    with open_text(path) as text:
        header = text.readline(2**16).strip().split(",")
    if {"mut_info_dir", "mut_info_inv"} <= set(header):
        return "pairs"
    if {"name", "wt_seq", "mut_seq"} <= set(header) and {"ddG", "dTm"} & set(header):
        return "named"
    if {"wt_seq", "mut_seq", "ddg", "pdb_id"} <= set(header):
        return "megascale"
    return ""


def read_pairs(path: Path) -> tuple[set[str], set[str]]:
    """Direct and reverse mutations of a table of pairs, as ``1AMQ_A_C191Y``."""
    direct, reverse = set(), set()
    for _, row in read_table(path, columns=("mut_info_dir", "mut_info_inv")):
        direct.add(row["mut_info_dir"].strip().removeprefix("rcsb_"))
        reverse.add(row["mut_info_inv"].strip().removeprefix("rcsb_"))
    return direct, reverse


def read_rows(path: Path, layout: Layout) -> Iterator[StabilityRow | tuple[int, str]]:
    """Rows of a table; for one that cannot be used its line and the reason.

    Raises
    ------
    InputError
        If a number is none, or the file is damaged.
    """
    if layout == "named":
        yield from _named(path)
    elif layout == "megascale":
        yield from _megascale(path)


def _named(path: Path) -> Iterator[StabilityRow | tuple[int, str]]:
    for line, row in read_table(path, columns=("name", "wt_seq", "mut_seq")):
        name = _NAME.fullmatch(row["name"].strip())
        column = "ddG" if "ddG" in row else "dTm"
        value = number(row[column], path, line, column)
        if name is None or value is None:
            yield line, "a name that is not written as rcsb_1A43_A_C218S_7_25" if name is None else "no value"
            continue
        celsius = number(row.get("temp", ""), path, line, "temp")
        yield StabilityRow(
            line=line,
            entry=name["entry"].upper(),
            chain=name["chain"],
            is_pdb=name["base"] == "rcsb" and _PDB_ID.fullmatch(name["entry"]) is not None,
            written=name["mutations"],
            wild_type=row["wt_seq"].strip().upper(),
            mutant=row["mut_seq"].strip().upper(),
            quantity="ddg" if column == "ddG" else "dtm",
            value=value * KJ_PER_KCAL if column == "ddG" else value,
            pH=number(row.get("pH", ""), path, line, "pH"),
            temperature_K=None if celsius is None else round(celsius + ZERO_CELSIUS_K, 2),
        )


def _megascale(path: Path) -> Iterator[StabilityRow | tuple[int, str]]:
    for line, row in read_table(path, columns=("wt_seq", "mut_seq", "ddg", "pdb_id")):
        value = number(row["ddg"], path, line, "ddg")
        if value is None:
            yield line, "no value"
            continue
        entry = row["pdb_id"].strip().removesuffix(".pdb")
        is_pdb = _PDB_ID.fullmatch(entry) is not None
        yield StabilityRow(
            line=line,
            entry=entry.upper() if is_pdb else entry,
            chain="",
            is_pdb=is_pdb,
            written=row.get("mut_info", "").strip(),
            wild_type=row["wt_seq"].strip().upper(),
            mutant=row["mut_seq"].strip().upper(),
            quantity="ddg",
            value=value * KJ_PER_KCAL,
            is_reverse=row.get("reverse", "").strip().lower() == "true",
        )


def merged_labels(
    rows: Iterable[tuple[StabilityRow, tuple[str, ...]]], *, source: str, licence: str, sign: int, chain: str = ""
) -> list[StabilityLabel]:
    """Labels of rows with their mutations; rows of equal mutations and conditions are merged by the mean.

    Parameters
    ----------
    rows
        Each with its mutations as they stand in the label.
    source, licence, chain
        For the labels.
    sign
        1 or -1, by which values are multiplied.
    """
    groups: dict[tuple, list[StabilityRow]] = {}
    for row, mutations in rows:
        key = (mutations, row.quantity, row.pH, row.temperature_K)
        groups.setdefault(key, []).append(row)
    labels = []
    for (mutations, quantity, pH, temperature), group in groups.items():
        values = [sign * row.value for row in group]
        mean = round(float(np.mean(values)), 4)
        labels.append(
            StabilityLabel(
                source=f"{source}:{_lines(group)}",
                licence=licence,
                note="sign of the source turned" if sign < 0 else "",
                chain=chain,
                mutations=mutations,
                delta_delta_g_kJ_mol=mean if quantity == "ddg" else None,
                delta_tm_K=mean if quantity == "dtm" else None,
                temperature_K=temperature,
                pH=pH,
                n_measurements=len(values),
                spread=round(float(np.std(values, ddof=1)), 4) if len(values) > 1 else None,
            )
        )
    return labels


def _lines(group: Sequence[StabilityRow]) -> str:
    return ",".join(str(row.line) for row in group[:20]) + ("..." if len(group) > 20 else "")
