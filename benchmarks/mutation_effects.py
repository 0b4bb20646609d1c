"""Do structure and dynamics help? Held-out scores of mutation effects by what was given, with intervals.

    python -m benchmarks.mutation_effects WORK [--json OUT]

WORK is where `recipes/properties/train_mutations.py` left its predictions (``predictions-RUN-LETTERS.csv``, s: from the
sequence, ss: and the structure, ssd: and dynamics). Rows of all folds of one split are scored together; intervals are
of a bootstrap over complexes or proteins, and the last columns are the difference from the line above, paired.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks.common import console, save
from unfreeze.properties.scores import compare, score_effects
from unfreeze.properties.statistics import pearson

__all__ = ["main", "predictions"]

GIVEN = {
    "s": "sequence",
    "ss": "+ structure",
    "ssd": "+ dynamics",
    "shipped": "network as shipped",
    "charges": "+ charges",
    "bounded": "+ bound (in use)",
    "given": "the same, measured ΔG given",
}
TESTS = (
    ("affinity", "affinity", None, "SKEMPI, interfaces and shared mutations held out"),
    ("affinity_by_interface", "affinity", None, "SKEMPI, interfaces and SKEMPI's hold-outs held out"),
    ("affinity_by_complex", "affinity", None, "SKEMPI, complexes held out"),
    ("affinity-ABAG", "affinity", None, "SKEMPI, antibodies held out"),
    ("affinity-PrPI", "affinity", None, "SKEMPI, protease inhibitors held out"),
    ("affinity-TCRpMHC", "affinity", None, "SKEMPI, T-cell receptors held out"),
    ("stability", "stability", None, "stability, proteins alike held out"),
    ("stability", "melting", None, "melting, proteins alike held out"),
    ("test_S669", "stability", "S669", "S669"),
    ("test_S571", "melting", "S571", "S571"),
    ("test_S669_S571", "stability", "S669", "S669, shared training"),
    ("test_S669_S571", "melting", "S571", "S571, shared training"),
)


def predictions(
    work: Path, split: str, task: str, dataset: str | None, letters: str
) -> dict[str, tuple[str, float, float]]:
    """Source of every held-out row to its group, measured and predicted value; folds of a split together."""
    found: dict[str, tuple[str, float, float]] = {}
    for path in sorted(work.glob(f"predictions-{split}*-{letters}.csv")):
        run = path.stem.removeprefix("predictions-").removesuffix(f"-{letters}")
        if run != split and not run.startswith(f"{split}-fold"):
            continue
        for row in _rows(path):
            if row["task"] == task and dataset in (None, row["dataset"]):
                key = f"{row['source']} {row['mutations']}"
                found[key] = (row["group"], float(row["measured"]), float(row["predicted"]))
    return found


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        yield from csv.DictReader(stream)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--bootstrap", type=int, default=500)
    arguments = parser.parse_args()
    table = Table(title="held-out mutation effects")
    for name in ("test", "given", "rows", "Pearson", "per structure", "n", "RMSE", "difference", "p"):
        table.add_column(name)
    results: dict[str, Any] = defaultdict(dict)
    for split, task, dataset, title in TESTS:
        before: dict[str, tuple[str, float, float]] = {}
        for letters, given in GIVEN.items():
            found = predictions(arguments.work, split, task, dataset, letters)
            if not found:
                continue
            groups, measured, predicted = (np.array(one) for one in zip(*found.values(), strict=True))
            bad = "positive" if task == "affinity" else "negative"
            scores = score_effects(measured, predicted, groups, bad=bad, n_bootstrap=arguments.bootstrap)
            difference, p = "", ""
            results[title][given] = scores.plain()
            if before:
                both = [key for key in found if key in before]
                values = [np.array([one[key][k] for key in both]) for one, k in ((found, 1), (found, 2), (before, 2))]
                own = np.array([found[key][0] for key in both])
                interval, chance = compare(*values, own, statistic=pearson, n_bootstrap=arguments.bootstrap)
                difference, p = str(interval), f"{chance:.3f}"
                results[title][given] |= {"difference": interval.plain(), "p": chance}
            pearson_, structure = str(scores["pearson"]), str(scores["per_structure_pearson"])
            rmse = f"{scores['rmse'].value:.2f}"
            table.add_row(
                title, given, str(scores.n_rows), pearson_, structure, str(scores.n_structures), rmse, difference, p
            )
            before = found
        table.add_section()
    console().print(table)
    save(arguments.json, "mutation_effects", dict(results))


if __name__ == "__main__":
    main()
