"""Tables of labels become label sets of a corpus: what an importer of such tables offers, and the import itself.

Rows that cannot be used are left out one by one, counted by reason; a table that is of no use is refused whole. Labels
of structures come with their entries by :mod:`unfreeze.corpus.importing.driver` instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from unfreeze.corpus.label_sets import LabelRow, LabelSet, label_set_names
from unfreeze.corpus.store.sealed import write_sealed
from unfreeze.corpus.tables import file_sha256
from unfreeze.errors import InputError

__all__ = ["LabelImportReport", "LabelImporter", "LabelTable", "LeftOut", "TakenSet", "import_labels"]

_EXAMPLES = 5


class LeftOut:
    """Rows that were not taken, counted by reason, with the first few of each."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, list[str]] = {}

    def add(self, reason: str, example: str = "") -> None:
        """Count one."""
        self._counts[reason] += 1
        examples = self._examples.setdefault(reason, [])
        if example and len(examples) < _EXAMPLES:
            examples.append(example)

    def __len__(self) -> int:
        return sum(self._counts.values())

    @property
    def counts(self) -> dict[str, int]:
        """How many for every reason, most first."""
        return dict(self._counts.most_common())

    def sentences(self, what: str = "rows") -> tuple[str, ...]:
        """One sentence a reason."""
        return tuple(
            f"{n} {what} left out: {reason}"
            + (f" (such as {'; '.join(self._examples[reason])})." if self._examples[reason] else ".")
            for reason, n in self._counts.most_common()
        )


@dataclass(frozen=True)
class LabelTable:
    """A label set that a source could become.

    Attributes
    ----------
    name
        Of the set.
    dataset, licence, citation, url
        Where it came from.
    paths
        Files it is read from.
    rows
        Gives the rows, and tells the `LeftOut` what it does not give.
    notes
        What holds for all of it (the sign of its numbers and how it was established).
    refusal
        Why it cannot be taken.
    """

    name: str
    dataset: str
    paths: tuple[Path, ...]
    rows: Callable[[LeftOut], Iterator[LabelRow]]
    licence: str = "unknown"
    citation: str = ""
    url: str = ""
    notes: tuple[str, ...] = ()
    refusal: str | None = None


@runtime_checkable
class LabelImporter(Protocol):
    """An importer that has label tables, beside candidates or instead of them."""

    name: str

    def label_tables(self, source: Path, options: Mapping[str, str]) -> Iterator[LabelTable]:
        """Look at a folder or file.

        Raises
        ------
        InputError
            If the source is not this set at all.
        """
        ...


@dataclass(frozen=True)
class TakenSet:
    """What became of one table: rows and labels taken, rows left out by reason, and notes."""

    name: str
    n_rows: int
    n_labels: dict[str, int]
    left_out: dict[str, int]
    notes: tuple[str, ...]


@dataclass
class LabelImportReport:
    """What an import of labels took, refused and skipped.

    Attributes
    ----------
    taken
        Sets that were written (or, in a dry run, would be).
    refused
        Reason by name of the set.
    skipped
        Sets that are there already, from the same files.
    """

    importer: str
    dry_run: bool = False
    taken: list[TakenSet] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def import_labels(
    corpus: Any,
    importer: LabelImporter,
    source: Path,
    options: Mapping[str, str] | None = None,
    *,
    dry_run: bool = False,
    replace: bool = False,
    on_progress: Callable[[str, float], None] | None = None,
) -> LabelImportReport:
    """Import every label table of a source; one that fails does not stop the others.

    Parameters
    ----------
    corpus
        A corpus or the path of one; looked at only in a dry run.
    importer, source, options
        Where the tables are.
    dry_run
        Read and check all rows, write nothing.
    replace
        Write sets anew that are there from other files.
    on_progress
        Called with what is being done and the share of tables that are done.

    Returns
    -------
    LabelImportReport
        Also written to ``CORPUS/imports``, unless in a dry run.

    Raises
    ------
    InputError
        If the source is not this set at all.
    """
    report = LabelImportReport(importer.name, dry_run)
    tables = list(importer.label_tables(Path(source), dict(options or {})))
    for done, table in enumerate(tables):
        if on_progress is not None:
            on_progress(f"Labels of {table.name}", done / len(tables))
        if table.refusal:
            report.refused[table.name] = table.refusal
            continue
        try:
            _import_table(corpus, table, report, replace)
        except InputError as error:
            report.refused[table.name] = str(error)
    if tables and not dry_run:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        folder = Path(getattr(corpus, "path", corpus)) / "imports"
        folder.mkdir(exist_ok=True)
        write_sealed(folder / f"{stamp}-{importer.name}-labels.json", "import", report.as_json())
    return report


def _import_table(corpus: Any, table: LabelTable, report: LabelImportReport, replace: bool) -> None:
    sums = {path.name: file_sha256(path) for path in table.paths}
    exists = table.name in label_set_names(corpus)
    if exists and LabelSet.open(corpus, table.name).record.source_files == sums:
        report.skipped.append(table.name)
        return
    if exists and not replace:
        report.refused[table.name] = (
            f"there is a label set {table.name!r} already, from other files. Remove it, or replace it."
        )
        return
    left_out = LeftOut()
    rows = table.rows(left_out)

    def notes() -> Iterator[str]:
        yield from table.notes
        yield from left_out.sentences()

    if report.dry_run:
        n_rows, n_labels = 0, Counter[str]()
        for row in rows:
            n_rows += 1
            n_labels.update(label.kind for label in row.labels)
        if not n_rows:
            report.refused[table.name] = " ".join(notes()) or "no rows"
            return
        report.taken.append(TakenSet(table.name, n_rows, dict(n_labels), left_out.counts, tuple(notes())))
        return
    made = LabelSet.create(
        corpus,
        table.name,
        rows,
        dataset=table.dataset,
        licence=table.licence,
        citation=table.citation,
        url=table.url,
        source_files=sums,
        notes=notes(),
        replace=replace,
    )
    record = made.record
    report.taken.append(TakenSet(table.name, record.n_rows, record.n_labels, left_out.counts, record.notes))
