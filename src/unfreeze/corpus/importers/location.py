"""Location in the cell: the DeepLoc 2 table of Swiss-Prot proteins, as a label set.

A row is an accession, a sequence and its locations, separated by ``|``, ``;`` or ``,``; the official partition goes
with every label, so that scores can be compared with those of others. There are no coordinates in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from unfreeze.corpus.importing.source import Candidate
from unfreeze.corpus.label_import import LabelTable, LeftOut
from unfreeze.corpus.label_sets import LabelRow
from unfreeze.corpus.labels import LocationLabel
from unfreeze.corpus.tables import number, read_table
from unfreeze.errors import InputError

__all__ = ["IMPORTER", "LocationImporter"]

_COLUMNS = ("accession", "sequence", "label")
_SEQUENCE = re.compile(r"[A-Z]{1,100000}")


class LocationImporter:
    """Labels of location in the cell."""

    name = "location"
    summary = "location in the cell of Swiss-Prot sequences (DeepLoc 2), a label set without coordinates"
    licence = "CC-BY-4.0"
    citation = (
        "Thumuluri, Almagro Armenteros, Johansen, Nielsen & Winther 2022, Nucleic Acids Res. 50, W228, "
        "doi:10.1093/nar/gkac278"
    )
    options: Mapping[str, str] = {"set": "name of the label set, deeploc2 by default"}

    def candidates(self, source: Path, options: Mapping[str, str]) -> Iterator[Candidate]:
        """None: there are no coordinates."""
        return iter(())

    def label_tables(self, source: Path, options: Mapping[str, str]) -> Iterator[LabelTable]:
        """The one table of the source.

        Raises
        ------
        InputError
            If there is none.
        """
        path = _table(Path(source))
        yield LabelTable(
            name=options.get("set", "deeploc2"),
            dataset="deeploc2",
            paths=(path,),
            rows=lambda left_out: self._rows(path, left_out),
            licence=self.licence,
            citation=self.citation,
            url="https://services.healthtech.dtu.dk/services/DeepLoc-2.0/",
        )

    def _rows(self, path: Path, left_out: LeftOut) -> Iterator[LabelRow]:
        seen: set[str] = set()
        for line, row in read_table(path, columns=_COLUMNS):
            accession, sequence = row["accession"].strip(), row["sequence"].strip().upper().rstrip("*")
            locations = tuple(dict.fromkeys(part.strip() for part in re.split(r"[|;,]", row["label"]) if part.strip()))
            if not accession or not _SEQUENCE.fullmatch(sequence):
                left_out.add("no accession, or a sequence with other signs than letters", f"line {line}")
                continue
            if not locations:
                left_out.add("no location", accession)
                continue
            if accession in seen:
                left_out.add("an accession that was there before", accession)
                continue
            seen.add(accession)
            partition = number(row.get("partition", ""), path, line, "partition")
            label = LocationLabel(
                source=f"deeploc2:{accession}",
                licence=self.licence,
                locations=locations,
                partition=None if partition is None else int(partition),
            )
            yield LabelRow(identifier=accession, sequence=sequence, labels=(label,))


def _table(source: Path) -> Path:
    if source.is_file():
        return source
    found = sorted(path for ending in ("csv", "csv.xz", "csv.gz") for path in source.rglob(f"*deeploc*.{ending}"))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise InputError(
            f"{source}: one table with deeploc in its name was expected (.csv, .csv.gz or .csv.xz); found {names}."
        )
    return found[0]


IMPORTER = LocationImporter()
