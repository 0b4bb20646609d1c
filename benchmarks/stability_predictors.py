"""Published predictors of stability on S669 and S571, recomputed from the values in the tables, with ours beside them.

``python -m benchmarks.stability_predictors S669.csv S571.csv [--mine FILE | --mine NAME=FILE]... [--json OUT]``

The tables are GeoStab's (Xu, Liu & Gong 2023, doi:10.1101/2023.05.28.542668); the values of others on S669 were
gathered by Pancotti et al. 2022, Brief. Bioinform. 23, bbab555. FILE is a CSV with ``source`` (``stability-S669:2``,
the line of the table) or ``name``, ``direct`` and, where there is one, ``reverse``, in kJ/mol or K, negative
destabilises.
"""

from __future__ import annotations

import argparse
import csv
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.common import console, save
from unfreeze.errors import InputError
from unfreeze.properties.scores import antisymmetry, compare, score_effects
from unfreeze.properties.statistics import pearson

__all__ = ["Measured", "Predictor", "read_mine", "read_table", "scored"]

KJ_PER_KCAL = 4.184
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """A table of measured effects.

    Attributes
    ----------
    name
        ``S669``.
    unit
        ``kJ/mol`` or ``K``.
    names, groups
        Of every row, and its protein (the wild-type sequence).
    values : [n]
        Negative destabilises.
    """

    name: str
    unit: str
    names: tuple[str, ...]
    groups: tuple[str, ...]
    values: Floats


@dataclass(frozen=True)
class Predictor:
    """What a predictor says of every row; NaN where it says nothing.

    Attributes
    ----------
    name
        As the table has it.
    direct, reverse : [n]
        Of the mutation, and of its reverse; all NaN where it has none.
    """

    name: str
    direct: Floats
    reverse: Floats


def read_table(path: Path) -> tuple[Measured, list[Predictor]]:
    """Measured values and those of all predictors in a table.

    Raises
    ------
    InputError
        If it is none of these tables.
    """
    rows = _rows(path)
    column = next((one for one in ("ddG", "dTm") if rows and one in rows[0]), None)
    if column is None or not {"name", "wt_seq"} <= rows[0].keys():
        raise InputError(f"{path}: no column ddG or dTm, name and wt_seq; S669.csv or S571.csv was expected.")
    scale = KJ_PER_KCAL if column == "ddG" else 1.0
    measured = Measured(
        path.name.partition(".")[0],
        "kJ/mol" if column == "ddG" else "K",
        tuple(row["name"] for row in rows),
        tuple(row["wt_seq"] for row in rows),
        scale * _column(rows, column, path),
    )
    names = dict.fromkeys(key.rpartition("_")[0] for key in rows[0] if key.endswith(("_dir", "_inv")))
    return measured, [
        Predictor(name, scale * _column(rows, f"{name}_dir", path), scale * _column(rows, f"{name}_inv", path))
        for name in names
    ]


def read_mine(text: str, measured: Measured) -> Predictor:
    """Predictions for the rows of a table, from ``FILE`` or ``NAME=FILE``.

    Raises
    ------
    InputError
        If the file has not the columns, or a row of it is not in the table.
    """
    label, _, file = text.rpartition("=")
    path = Path(file)
    rows = _rows(path)
    if not rows or "direct" not in rows[0] or not {"source", "name"} & rows[0].keys():
        raise InputError(f"{path}: the columns source (or name), direct and perhaps reverse were expected.")
    place_of = {name: [] for name in measured.names}
    for place, name in enumerate(measured.names):
        place_of[name].append(place)
    found = {side: np.full(len(measured.names), np.nan) for side in ("direct", "reverse")}
    values = {side: _column(rows, side, path) for side in found}
    for number, row in enumerate(rows):
        if row.get("source"):
            dataset, _, lines = row["source"].partition(":")
            if dataset != f"stability-{measured.name}":
                continue
            places = [int(line) - 2 for line in lines.split(",")]
        else:
            places = place_of.get(row["name"], [])
        if not places or not 0 <= min(places) <= max(places) < len(measured.names):
            what = row.get("source") or row["name"]
            raise InputError(f"{path}, line {number + 2}: {what} is no row of {measured.name}.")
        for side, of_side in found.items():
            of_side[places] = values[side][number]
    return Predictor(label or path.stem, found["direct"], found["reverse"])


def scored(measured: Measured, predictor: Predictor, n_bootstrap: int = 1000) -> dict[str, Any]:
    """Scores over the rows that a predictor covers; those of the reverse are against the measured values turned."""
    direct = score_effects(measured.values, predictor.direct, measured.groups, n_bootstrap=n_bootstrap)
    found: dict[str, Any] = {"predictor": predictor.name, "direct": direct.plain()}
    if np.isfinite(predictor.reverse).any():
        reverse = score_effects(-measured.values, predictor.reverse, measured.groups, n_bootstrap=n_bootstrap)
        both = np.isfinite(predictor.direct) & np.isfinite(predictor.reverse)
        total = pearson(
            np.concatenate([measured.values[both], -measured.values[both]]),
            np.concatenate([predictor.direct[both], predictor.reverse[both]]),
        )
        found |= {"reverse": reverse.plain(), "total_pearson": round(total, 5)}
        found["antisymmetry"] = antisymmetry(predictor.direct, predictor.reverse)
    return found


def main(arguments: list[str] | None = None) -> int:
    """Print a table of predictors, the best first, for every table given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", type=Path, nargs="+")
    parser.add_argument("--mine", action="append", default=[], help="FILE or NAME=FILE")
    parser.add_argument("--bootstrap", type=int, default=1000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    results: dict[str, Any] = {}
    try:
        for path in given.tables:
            measured, predictors = read_table(path)
            mine = [one for text in given.mine if np.isfinite((one := read_mine(text, measured)).direct).any()]
            found = [scored(measured, one, given.bootstrap) for one in (*predictors, *mine)]
            found.sort(key=lambda one: -one["direct"]["pearson"][0])
            for place, one in enumerate(found, start=1):
                one["place"] = place
            differences = _differences(measured, predictors, mine, given.bootstrap)
            _show(measured, found, {one.name for one in mine})
            twice = _equal(predictors)
            for one, other in twice:
                print(f"The table has the same direct values for {one} and {other}; one of them is a slip.")
            for one in differences:
                print(
                    f"{one['first']} less {one['second']}: r {one['difference'][0]:+.3f} "
                    f"[{one['difference'][1]:+.3f}, {one['difference'][2]:+.3f}], p {one['p']:.3f}"
                )
            results[measured.name] = {
                "unit": measured.unit, "n_rows": len(measured.values), "n_proteins": len(set(measured.groups)),
                "predictors": found, "equal_columns": twice, "differences": differences,
            }  # fmt: skip
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    save(given.json, "stability_predictors", {"tables": results})
    return 0


def _equal(predictors: list[Predictor]) -> list[tuple[str, str]]:
    """Predictors of which all direct values are equal."""
    return [
        (one.name, other.name)
        for place, one in enumerate(predictors)
        for other in predictors[place + 1 :]
        if np.array_equal(one.direct, other.direct, equal_nan=True)
    ]


def _differences(
    measured: Measured, predictors: list[Predictor], mine: list[Predictor], n_bootstrap: int
) -> list[dict[str, Any]]:
    """Each of ours against each of the others, in direct Pearson over the rows that both cover."""
    found = []
    for one in mine:
        for other in predictors:
            difference, p = compare(
                measured.values, one.direct, other.direct, measured.groups, n_bootstrap=n_bootstrap
            )  # fmt: skip
            found.append({"first": one.name, "second": other.name, "difference": difference.plain(), "p": round(p, 4)})
    return found


def _show(measured: Measured, found: list[dict[str, Any]], mine: set[str]) -> None:
    proteins = len(set(measured.groups))
    table = Table(title=f"{measured.name}: {len(measured.values)} mutations of {proteins} proteins, {measured.unit}")
    for name in ("", "predictor", "n", "r", "95 %", "ρ", "RMSE", "MAE", "AUC", "r/protein",
                 "r rev.", "RMSE rev.", "r both", "r dir.-rev.", "bias"):  # fmt: skip
        table.add_column(name, justify="left" if name == "predictor" else "right", no_wrap=True)
    for one in found:
        direct, reverse, sides = one["direct"], one.get("reverse"), one.get("antisymmetry")
        own = one["predictor"] in mine
        table.add_row(
            str(one["place"]), one["predictor"] + (" *" if own else ""), str(direct["n_rows"]),
            f"{direct['pearson'][0]:.3f}", f"{direct['pearson'][1]:.2f}…{direct['pearson'][2]:.2f}",
            *(f"{direct[name][0]:.2f}" for name in ("spearman", "rmse", "mae", "auc", "per_structure_pearson")),
            f"{reverse['pearson'][0]:.3f}" if reverse else "", f"{reverse['rmse'][0]:.2f}" if reverse else "",
            f"{one['total_pearson']:.2f}" if reverse else "",
            f"{sides['r']:.3f}" if sides else "", f"{sides['bias']:+.2f}" if sides else "",
            style="bold" if own else None,
        )  # fmt: skip
    console().print(table)


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as text:
            return list(csv.DictReader(text))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}).") from None


def _column(rows: list[dict[str, str]], name: str, path: Path) -> Floats:
    values = np.full(len(rows), np.nan)
    for place, row in enumerate(rows):
        text = (row.get(name) or "").strip()
        try:
            values[place] = float(text) if text else np.nan
        except ValueError:
            raise InputError(f"{path}, line {place + 2}: {name} is {text!r}, not a number.") from None
    return values


if __name__ == "__main__":
    sys.exit(main())
