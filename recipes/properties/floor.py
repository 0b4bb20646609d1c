"""What the kinds of residues alone tell of mutation effects: the floor for every model.

    python recipes/properties/floor.py TABLES recipes/properties/splits [--json OUT] [--predictions FOLDER]

TABLES is the folder of ``build_tables.py``. Three predictors, each a sum over the mutations of a row and none with a
look at sequence or structure: the *mean* change a mutation; the mean of each *pair* of residues, drawn to zero where
there are few (a ridge of 380 indicators); a *ridge* on differences of hydrophobicity (Kyte & Doolittle 1982, J. Mol.
Biol. 157, 105), volume (Zamyatnin 1972, Prog. Biophys. Mol. Biol. 24, 107), charge, propensity for helices (Pace &
Scholtz 1998, Biophys. J. 75, 422), and a term each for alanine, glycine and proline. The latter two are antisymmetric.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.mutations import AMINO_ACIDS
from unfreeze.errors import InputError
from unfreeze.properties.scores import score_effects
from unfreeze.properties.statistics import Sign
from unfreeze.properties.tables import EffectTables, MutationRow, load_tables
from unfreeze.properties.tables.folds import Folds, key_of

Floats = NDArray[np.float64]
Predict = Callable[[Sequence[MutationRow], Sequence[MutationRow]], Floats]

_HYDROPHOBICITY = dict(zip("ARNDCQEGHILKMFPSTWYV", (
    1.8, -4.5, -3.5, -3.5, 2.5, -3.5, -3.5, -0.4, -3.2, 4.5, 3.8, -3.9, 1.9, 2.8, -1.6, -0.8, -0.7, -0.9, -1.3, 4.2,
), strict=True))  # fmt: skip
_VOLUME_A3 = dict(zip("ARNDCQEGHILKMFPSTWYV", (
    88.6, 173.4, 114.1, 111.1, 108.5, 143.8, 138.4, 60.1, 153.2, 166.7, 166.7, 168.6, 162.9, 189.9, 112.7, 89.0, 116.1,
    227.8, 193.6, 140.0,
), strict=True))  # fmt: skip
_HELIX = dict(zip("ARNDCQEGHILKMFPSTWYV", (
    0.0, 0.21, 0.65, 0.69, 0.68, 0.39, 0.40, 1.0, 0.61, 0.41, 0.21, 0.26, 0.24, 0.54, 3.16, 0.50, 0.66, 0.49, 0.53,
    0.61,
), strict=True))  # fmt: skip
_CHARGE = {"K": 1.0, "R": 1.0, "D": -1.0, "E": -1.0}
_DESCRIPTORS = np.array([
    [_HYDROPHOBICITY[one] / 3.0, _VOLUME_A3[one] / 40.0, _CHARGE.get(one, 0.0), _HELIX[one],
     float(one == "A"), float(one == "G"), float(one == "P")]
    for one in AMINO_ACIDS
])  # fmt: skip
_PAIR_RIDGE, _DESCRIPTOR_RIDGE = 5.0, 10.0


def mean(train: Sequence[MutationRow], test: Sequence[MutationRow]) -> Floats:
    """The mean change a mutation, times the number of mutations."""
    one = sum(row.value for row in train) / max(sum(len(row.mutations) for row in train), 1)
    return np.array([one * len(row.mutations) for row in test])


def pair(train: Sequence[MutationRow], test: Sequence[MutationRow]) -> Floats:
    """Sums of the mean change of each pair of residues, a pair and its reverse being one."""
    return _ridge(_pairs(train), train, _pairs(test), _PAIR_RIDGE)


def ridge(train: Sequence[MutationRow], test: Sequence[MutationRow]) -> Floats:
    """Linear in the differences of descriptors."""
    return _ridge(_differences(train), train, _differences(test), _DESCRIPTOR_RIDGE)


PREDICTORS: dict[str, Predict] = {"mean": mean, "pair": pair, "ridge": ridge}


def _pairs(rows: Sequence[MutationRow]) -> Floats:
    found = np.zeros((len(rows), 20, 20))
    for place, row in enumerate(rows):
        for one in row.mutations:
            a, b = AMINO_ACIDS.index(one.wild_type), AMINO_ACIDS.index(one.mutant)
            found[place, min(a, b), max(a, b)] += 1.0 if a < b else -1.0
    return found.reshape(len(rows), -1)


def _differences(rows: Sequence[MutationRow]) -> Floats:
    found = np.zeros((len(rows), _DESCRIPTORS.shape[1]))
    for place, row in enumerate(rows):
        for one in row.mutations:
            a, b = AMINO_ACIDS.index(one.wild_type), AMINO_ACIDS.index(one.mutant)
            found[place] += _DESCRIPTORS[b] - _DESCRIPTORS[a]
    return found


def _ridge(features: Floats, rows: Sequence[MutationRow], wanted: Floats, strength: float) -> Floats:
    weights = np.array([row.weight for row in rows])
    values = np.array([row.value for row in rows])
    square = (features * weights[:, None]).T @ features + strength * np.eye(features.shape[1])
    return wanted @ np.linalg.solve(square, (features * weights[:, None]).T @ values)


def across_folds(rows: Sequence[MutationRow], folds: Folds, predict: Predict) -> Floats:
    """Predictions of every row by what was learned on the other folds."""
    part = np.array([folds.of(row) for row in rows])
    found = np.full(len(rows), np.nan)
    for name in folds.parts:
        inside = np.flatnonzero(part == name).tolist()
        train = [rows[place] for place in np.flatnonzero((part != name) & (part != "")).tolist()]
        found[inside] = predict(train, [rows[place] for place in inside])
    return found


def tasks(tables: EffectTables, splits: Path) -> dict[str, tuple[list[MutationRow], Sign, Callable[[Predict], Floats]]]:
    """Rows that are scored, which sign is bad, and how a predictor is trained for them."""

    def folded(rows: list[MutationRow], name: str) -> Callable[[Predict], Floats]:
        folds = Folds.load(splits / f"{name}.json")
        return lambda predict: across_folds(rows, folds, predict)

    def tested(rows: list[MutationRow], name: str, trained: Sequence[MutationRow]) -> Callable[[Predict], Floats]:
        keep = set(Folds.load(splits / f"test_{name}.json").parts["train"])
        train = [row for row in trained if key_of(row) in keep]
        return lambda predict: predict(train, rows)

    affinity, folding = list(tables.of("affinity")), ("S8754", "M1261", "megascale_val")
    stability, melting = list(tables.of("stability", folding)), list(tables.of("melting", ["S4346"]))
    s669, s571 = list(tables.of("stability", ["S669"])), list(tables.of("melting", ["S571"]))
    return {
        "affinity, folds": (affinity, "positive", folded(affinity, "affinity")),
        "affinity, folds by interface": (affinity, "positive", folded(affinity, "affinity_by_interface")),
        "affinity, folds by complex": (affinity, "positive", folded(affinity, "affinity_by_complex")),
        "stability, folds": (stability, "negative", folded(stability, "stability")),
        "melting, folds": (melting, "negative", folded(melting, "stability")),
        "S669": (s669, "negative", tested(s669, "S669", stability)),
        "S571": (s571, "negative", tested(s571, "S571", melting)),
    }


def main(arguments: list[str] | None = None) -> int:
    """Train, score, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", type=Path)
    parser.add_argument("splits", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--predictions", type=Path, help="folder for CSV files of the two test sets")
    parser.add_argument("--bootstrap", type=int, default=300)
    given = parser.parse_args(arguments)
    results: dict[str, dict[str, Any]] = {}
    try:
        todo = tasks(load_tables(given.tables / "mutation_effects.jsonl"), given.splits)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    print("| task | predictor | n | Pearson | Spearman | RMSE | MAE | AUC | per structure (mean, median, n) |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, (rows, bad, predicted_by) in todo.items():
        values, groups = np.array([row.value for row in rows]), [key_of(row) for row in rows]
        for predictor, predict in PREDICTORS.items():
            predicted = predicted_by(predict)
            scores = score_effects(values, predicted, groups, bad=bad, n_bootstrap=given.bootstrap)
            results.setdefault(name, {})[predictor] = scores.plain()
            print(
                f"| {name} | {predictor} | {scores.n_rows} | {scores['pearson']} | {scores['spearman'].value:.3f} | "
                f"{scores['rmse'].value:.2f} | {scores['mae'].value:.2f} | {scores['auc'].value:.3f} | "
                f"{scores['per_structure_pearson']}, {scores['median_structure_pearson'].value:.3f}, "
                f"{scores.n_structures} |"
            )
            if given.predictions and name in ("S669", "S571"):
                _write(given.predictions / f"{predictor}_{name}.csv", rows, predicted)
    if given.json:
        given.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


def _write(path: Path, rows: Sequence[MutationRow], predicted: Floats) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(["source", "direct", "reverse"])
        writer.writerows([row.source, f"{one:.4f}", f"{-one:.4f}"] for row, one in zip(rows, predicted, strict=True))


if __name__ == "__main__":
    sys.exit(main())
