"""Statistics as tables of words: what the command line prints and the page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Table", "statistics_tables", "time_words"]


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes
    ----------
    name
        Short, for machines: ``conditions``.
    title
        For people.
    columns
        Heads; the first is that of the names of the rows.
    rows
        Cells, as many as columns.
    note
        What to know when reading it.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def statistics_tables(statistics: Mapping[str, Any]) -> list[Table]:
    """Tables of :func:`unfreeze.corpus.statistics.collect.corpus_statistics`, without those that have no rows."""
    coverage = statistics["coverage"]
    tables = [
        _totals(statistics["totals"], coverage),
        _counted("conditions", "Conditions", "Conditions", statistics["conditions"]),
        _datasets(statistics["datasets"]),
        _spreads("sizes", "Sizes", [(row["what"], row) for row in statistics["sizes"]]),
        Table(
            "labels", "Labels", ("Kind", "Labels", "Entries"),
            tuple(
                (row["kind"].replace("_", " "), _n(row["labels"]), _n(row["entries"])) for row in statistics["labels"]
            ),
        ),
        Table(
            "folds", "Folds", ("Class", "Entries"),
            tuple((row["fold"], _n(row["entries"])) for row in coverage["folds"]),
            "By the shares of helix (15 %) and strand (10 %) in the Cα trace of the reference.",
        ),
        Table(
            "interfaces", "Interfaces", ("Between", "Number"),
            tuple((row["type"], _n(row["n"])) for row in coverage["interface_types"]),
            f"{_n(coverage['interfaces'])} interfaces between chains, of {_n(coverage['interface_families'])} pairs of "
            "partners.",
        ),
        Table(
            "clusters", "Largest clusters of sequences", ("Among them", "Entries"),
            tuple((", ".join(row["examples"]), _n(row["entries"])) for row in coverage["largest"]),
            f"Alike from {coverage['identity']:.0%} identity over the shorter sequence.",
        ),
        _spreads(
            "rmsf", "Median RMSF of residues (Å)",
            [(row["conditions"], row["median_A"]) for row in statistics["rmsf"]], "Trajectories", 2,
            f"One atom a residue, {statistics['n_frames_looked_at']} frames of each trajectory.",
        ),
        *_convergence(statistics["convergence"]),
        *_duplicates(statistics["duplicates"]),
        *_quality(statistics["quality"]),
    ]  # fmt: skip
    return [table for table in tables if table.rows]


def time_words(time_ns: float) -> str:
    """A length of time as people write it."""
    for size, unit in ((1e6, "ms"), (1e3, "µs"), (1.0, "ns"), (1e-3, "ps")):
        if time_ns >= size:
            return f"{time_ns / size:,.4g} {unit}"
    return "0" if time_ns <= 0.0 else f"{1e3 * time_ns:.3g} ps"


def _totals(totals: Mapping[str, Any], coverage: Mapping[str, Any]) -> Table:
    rows = [(word.capitalize(), _n(totals[word])) for word in ("entries", "trajectories", "frames")]
    rows.append(("Simulated time", time_words(totals["time_ns"])))
    rows += [(word.capitalize(), _n(totals[word])) for word in ("chains", "residues", "atoms", "labels")]
    rows.append(("Different sequences", _n(coverage["sequences"])))
    rows.append(("Clusters of sequences", _n(coverage["clusters"])))
    return Table("totals", "In all", ("What", "Number"), tuple(rows))


def _counted(name: str, title: str, head: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    return Table(
        name, title, (head, "Entries", "Trajectories", "Frames", "Time"),
        tuple((str(row["key"]), *_counts(row)) for row in rows),
        "Force fields and temperatures are never pooled.",
    )  # fmt: skip


def _datasets(rows: Sequence[Mapping[str, Any]]) -> Table:
    return Table(
        "datasets", "Sets and licences", ("Set", "Licence", "Entries", "Trajectories", "Frames", "Time"),
        tuple((*map(str, row["key"]), *_counts(row)) for row in rows),
    )  # fmt: skip


def _counts(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        _n(row["entries"]),
        _n(row["trajectories"]),
        _n(row["frames"]),
        time_words(row["time_ns"]) if row["time_ns"] else "–",
    )


def _spreads(
    name: str,
    title: str,
    rows: Sequence[tuple[str, Mapping[str, float]]],
    counted: str = "Number",
    places: int | None = None,
    note: str = "",
) -> Table:
    words = tuple(
        (
            what, _n(row["n"]),
            *(_value(row[key], places) for key in ("least", "quarter", "median", "three_quarters", "most")),
        )
        for what, row in rows
    )  # fmt: skip
    return Table(name, title, ("", counted, "Least", "Quarter below", "Median", "Quarter above", "Most"), words, note)


def _convergence(convergence: Mapping[str, Any] | None) -> list[Table]:
    if convergence is None:
        return []
    rows = [
        (what, convergence[key])
        for what, key in (("halves of a trajectory", "halves"), ("replicas of an entry, the least", "replicas"))
        if convergence[key] is not None
    ]
    spread = _spreads(
        "convergence", "How alike fluctuations are (Pearson's r of RMSF)", rows, "Number", 2,
        "1 says that both tell the same; it does not say that a longer run would.",
    )  # fmt: skip
    worst = Table(
        "worst", "Least converged", ("Trajectory", "r of its halves"),
        tuple((f"{row['entry']}/{row['trajectory']}", f"{row['r']:.2f}") for row in convergence["worst_halves"][:10]),
    )  # fmt: skip
    return [spread, worst]


def _duplicates(duplicates: Mapping[str, Any]) -> list[Table]:
    tables = []
    for key, title, note in (
        ("same_frames", "The same frames twice", "Their first frames are equal to the last bit."),
        ("same_sequences", "Entries of the same sequences", "Each may be another state; a split keeps them together."),
    ):
        n = duplicates[f"n_{key}"]
        tables.append(
            Table(
                key, title, ("Together", "Number"),
                tuple((", ".join(names[:8]) + (", …" if len(names) > 8 else ""), _n(len(names))) for names in
                      duplicates[key]),
                note + (f" {_n(n)} groups in all." if n > len(duplicates[key]) else ""),
            )
        )  # fmt: skip
    return tables


def _quality(quality: Mapping[str, Any]) -> list[Table]:
    rows = [
        (what, _n(quality[key]))
        for what, key in (
            ("Trajectories whose import is not complete", "incomplete"),
            ("Trajectories of MD without one time step", "without_clock"),
            ("Trajectories without frames", "without_frames"),
            ("Damaged entries", "n_damaged"),
        )
        if quality[key]
    ]
    rows += [(f"Mended at import: {row['what']}", _n(row["trajectories"])) for row in quality["mended"]]
    rows += [(f"{name}: {reason}", "damaged") for name, reason in quality["damaged"][:10]]
    return [Table("quality", "Notable", ("What", "Number"), tuple(rows))]


def _n(value: float) -> str:
    return f"{value:,.0f}"


def _value(value: float, places: int | None) -> str:
    if places is not None:
        return f"{value:,.{places}f}".replace("-", "−")
    return f"{value:,.0f}" if value == int(value) else f"{value:,.4g}"
