"""What measured values of some mutants are worth for the others, on complexes and proteins that were held out.

    python -m benchmarks.known_values TABLES CORPUS WORK [--task affinity] [--draws 5] [--json OUT]

Of every complex with 20 rows or more, some are revealed and the rest predicted: by the model alone, by it with the mean
of measured − predicted added, by a ridge on kinds of residues fitted to the revealed values alone, and by
`unfreeze.properties.known` with a likeness of errors fitted to the other folds (``known-values-RUN.json`` in WORK, from
recipes/properties/fit_known_values.py). Rows are revealed at random, or only at residues that no predicted row mutates.
Intervals are of resampled complexes.
"""

from __future__ import annotations

import argparse
import zlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.common import console, save
from unfreeze.corpus import Corpus
from unfreeze.corpus.mutations import AMINO_ACIDS
from unfreeze.properties.effect_model import load_effect_model
from unfreeze.properties.known import Likeness, Measurements, load_likeness, update
from unfreeze.properties.statistics import Interval, pearson
from unfreeze.properties.tables import load_tables
from unfreeze.properties.training.held_out import HeldOut, read_held_out
from unfreeze.properties.training.known_likeness import reveal

TASKS = {"affinity": ("affinity",), "stability": ("stability",), "melting": ("melting",)}
ENDINGS = {"affinity": "bounded", "stability": "shipped"}
REVEALED = (3, 5, 10, 20)
LEAST, LEAST_PREDICTED = 20, 10
METHODS = ("model", "model + offset", "ridge on kinds", "known values")
_RIDGE = 1.0

Floats = NDArray[np.float64]


def offset(one: HeldOut, known: NDArray[np.int64], asked: NDArray[np.int64]) -> Floats:
    """The model with the mean of what is known added."""
    return one.rows.value[asked] + float((one.measured - one.rows.value)[known].mean())


def ridge(one: HeldOut, known: NDArray[np.int64], asked: NDArray[np.int64]) -> Floats:
    """Kinds of residues lost and won, fitted to what is known; no model."""
    columns = np.zeros((len(one.rows), 2 * len(AMINO_ACIDS)))
    for row, together in enumerate(one.rows.mutations):
        for mutation in together:
            columns[row, AMINO_ACIDS.index(mutation.wild_type)] += 1.0
            columns[row, len(AMINO_ACIDS) + AMINO_ACIDS.index(mutation.mutant)] += 1.0
    mean = float(one.measured[known].mean())
    seen = columns[known]
    weights = np.linalg.solve(seen.T @ seen + _RIDGE * np.eye(seen.shape[1]), seen.T @ (one.measured[known] - mean))
    return mean + columns[asked] @ weights


def known_values(
    one: HeldOut, known: NDArray[np.int64], asked: NDArray[np.int64], of: Likeness
) -> tuple[Floats, Floats]:
    """As in use, and the errors."""
    quantity = one.rows.quantity[known]
    noise = np.where(quantity == 0, of.noise, of.noise_K)
    measured = Measurements(known, quantity, one.measured[known], noise, np.zeros(len(known), dtype=bool))
    found = update(one.rows, measured, of)
    return found.value[asked], found.error[asked]


def study(
    complexes: Sequence[HeldOut], likeness: dict[str, Likeness], n: int, draws: int, *, elsewhere: bool
) -> dict[str, dict[str, list[tuple[Floats, Floats, Floats]]]]:
    """Measured, predicted and errors by method and complex, one entry a draw."""
    found: dict[str, dict[str, list[tuple[Floats, Floats, Floats]]]] = {name: defaultdict(list) for name in METHODS}
    for one in complexes:
        for draw in range(draws):
            random = np.random.default_rng([draw, zlib.crc32(one.name.encode())])
            known, asked = reveal(one, n, random, elsewhere=elsewhere)
            if len(known) < n or len(asked) < LEAST_PREDICTED:
                continue
            value, error = known_values(one, known, asked, likeness[one.fold])
            said = {
                "model": one.rows.value[asked],
                "model + offset": offset(one, known, asked),
                "ridge on kinds": ridge(one, known, asked),
                "known values": value,
            }
            for name, predicted in said.items():
                errors = error if name == "known values" else one.rows.error[asked]
                found[name][one.name].append((one.measured[asked], predicted, errors))
    return found


def scores(found: dict[str, list[tuple[Floats, Floats, Floats]]], n_bootstrap: int) -> dict[str, Any]:
    """Mean r per structure, r and root mean square error over all rows, and shares within one and two errors."""
    own, sums, shares = [], [], []
    for draws in found.values():
        values = [pearson(measured, predicted) for measured, predicted, _ in draws]
        own.append(float(np.mean(np.nan_to_num(values))))
        y, p, error = (np.concatenate([draw[k] for draw in draws]) for k in range(3))
        w = 1.0 / len(draws)
        sums.append(w * np.array([len(y), y.sum(), p.sum(), y @ y, p @ p, y @ p]))
        off = np.abs(y - p) / error
        shares.append(w * np.array([(off < 1.0).sum(), (off < 2.0).sum()]))
    random = np.random.default_rng(0)
    drawn = random.integers(0, len(own), (n_bootstrap, len(own)))
    result: dict[str, Any] = {"n_structures": len(own), "n_rows": round(float(np.sum(sums, axis=0)[0]))}
    per, total = np.array(own), np.array(sums)
    for name, one, every in (
        ("per_structure", float(per.mean()), [float(per[at].mean()) for at in drawn]),
        ("r", _r(total.sum(axis=0)), [_r(total[at].sum(axis=0)) for at in drawn]),
        ("rmse", _rmse(total.sum(axis=0)), [_rmse(total[at].sum(axis=0)) for at in drawn]),
    ):
        low, high = np.quantile(every, [0.025, 0.975])
        result[name] = Interval(one, float(low), float(high)).plain()
    within = np.sum(shares, axis=0) / total[:, 0].sum()
    return result | {"within_1": round(float(within[0]), 3), "within_2": round(float(within[1]), 3)}


def difference(
    first: dict[str, list[tuple[Floats, Floats, Floats]]],
    second: dict[str, list[tuple[Floats, Floats, Floats]]],
    n_bootstrap: int,
) -> list[float]:
    """Mean difference of r per structure, over the same complexes."""
    own = np.array([
        np.mean([np.nan_to_num(pearson(a[0], a[1])) - np.nan_to_num(pearson(b[0], b[1])) for a, b in
                 zip(first[name], second[name], strict=True)])
        for name in first
    ])  # fmt: skip
    drawn = np.random.default_rng(0).integers(0, len(own), (n_bootstrap, len(own)))
    low, high = np.quantile([own[at].mean() for at in drawn], [0.025, 0.975])
    return Interval(float(own.mean()), float(low), float(high)).plain()


def _r(sums: Floats) -> float:
    n, y, p, yy, pp, yp = sums
    return float((yp - y * p / n) / np.sqrt(max((yy - y * y / n) * (pp - p * p / n), 1e-12)))


def _rmse(sums: Floats) -> float:
    n, _, _, yy, pp, yp = sums
    return float(np.sqrt(max(yy + pp - 2.0 * yp, 0.0) / n))


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("tables", "corpus", "work"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--task", choices=list(TASKS), action="append")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--bootstrap", type=int, default=1000)
    parser.add_argument("--model", type=Path, help="whose errors are said; the shipped one without")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    tables, corpus = load_tables(arguments.tables), Corpus.open(arguments.corpus)
    laws = load_effect_model(arguments.model).errors
    results: dict[str, Any] = {}
    for task in arguments.task or list(TASKS):
        family = "stability" if task == "melting" else task
        files = sorted(arguments.work.glob(f"predictions-{family}-fold*-{ENDINGS[family]}.csv"))
        complexes = read_held_out(files, tables, corpus, laws, TASKS[task], least=LEAST)
        likeness = {
            one: load_likeness(
                family, arguments.work / f"known-values-{one[12:].removesuffix(f'-{ENDINGS[family]}')}.json"
            )
            for one in {each.fold for each in complexes}
        }
        table = Table(title=f"{task}: rows of {len(complexes)} complexes or proteins that were held out")
        for title in ("known", "where", "method", "structures", "rows", "per structure", "r", "RMSE", "≤ 1", "≤ 2"):
            table.add_column(title)
        for elsewhere in (False, True):
            for n in REVEALED:
                found = study(complexes, likeness, n, arguments.draws, elsewhere=elsewhere)
                if not found["model"]:
                    continue
                where = "other residues" if elsewhere else "any"
                entry = {name: scores(one, arguments.bootstrap) for name, one in found.items()}
                for name, one in found.items():
                    if name != "known values":
                        gain = difference(found["known values"], one, arguments.bootstrap)
                        entry[name]["known_values_better_by"] = gain
                for name, one in entry.items():
                    cells = (
                        f"{one[key][0]:.3f} [{one[key][1]:.3f}, {one[key][2]:.3f}]"
                        for key in ("per_structure", "r", "rmse")
                    )
                    shares = (f"{one[key]:.2f}" for key in ("within_1", "within_2"))
                    table.add_row(str(n), where, name, str(one["n_structures"]), str(one["n_rows"]), *cells, *shares)
                table.add_section()
                results[f"{task}, {n} known, {where}"] = entry
        console().print(table)
    save(arguments.json, "known_values", results)


if __name__ == "__main__":
    main()
