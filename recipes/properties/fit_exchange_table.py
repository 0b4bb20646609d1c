"""What is told of stability from a sequence alone: the table of exchanges, and the errors of its mean with the network.

    python recipes/properties/fit_exchange_table.py TABLES CORPUS SPLITS WORK OUT.json

WORK is that of `train_mutations.py` with the runs ``stability-fold0`` … ``4``, ``test_S669`` and ``test_S571``; their
networks are asked without structure, and the table is fitted anew for each. S669 and S571 have no part in the table
that is written.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from finish_mutations import law_of
from numpy.typing import NDArray

from unfreeze.corpus import Corpus
from unfreeze.corpus.mutations import AMINO_ACIDS
from unfreeze.files.atomic import write_atomically
from unfreeze.properties.exchange_table import FORM, fit_table
from unfreeze.properties.modalities.mutation import MELTING_POWER, melting_factor
from unfreeze.properties.scores import compare, score_effects
from unfreeze.properties.tables import MutationRow, load_tables
from unfreeze.properties.tables.folds import Folds, key_of
from unfreeze.properties.training.examples import Examples, read_examples
from unfreeze.properties.training.fit import predict

TASKS = ("stability", "melting")
TESTS = {"stability": "test_S669", "melting": "test_S571"}
SHARE, STRENGTH, LARGEST = 0.5, 30.0, 25.0


def counts_of(rows: list[MutationRow]) -> NDArray[np.float64]:
    """How often each kind was exchanged for each: [n_rows, 20, 20]."""
    found = np.zeros((len(rows), len(AMINO_ACIDS), len(AMINO_ACIDS)))
    for place, row in enumerate(rows):
        for one in row.mutations:
            found[place, AMINO_ACIDS.index(one.wild_type), AMINO_ACIDS.index(one.mutant)] += 1.0
    return found


def table_of(
    counts: NDArray[np.float64], measured: NDArray[np.float64], groups: NDArray[np.str_], factor: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The table of some rows; each protein counts by the square root of its rows."""
    _, which, n = np.unique(groups, return_inverse=True, return_counts=True)
    weights = 1.0 / np.sqrt(n[which])
    return fit_table(counts, np.clip(measured, -LARGEST, LARGEST) / factor, weights / weights.mean(), STRENGTH)


@dataclass(frozen=True)
class Asked:
    """Rows of a task, what they measure, and how the networks of a run are asked about them from the sequence."""

    examples: Examples
    chosen: NDArray[np.int64]
    task: str
    work: Path

    @property
    def rows(self) -> list[MutationRow]:
        """The rows."""
        return [self.examples.rows[k] for k in self.chosen]

    @cached_property
    def fitted(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.str_], NDArray[np.float64]]:
        """Counts, measured values, proteins and factors of the rows."""
        rows = self.rows
        factor = np.ones(len(rows))
        if self.task == "melting":
            factor = melting_factor(np.array([len(row.sequence) for row in rows]), MELTING_POWER)
        return counts_of(rows), np.array([row.value for row in rows]), np.array([key_of(row) for row in rows]), factor

    def held_out(
        self, run: str, train: NDArray[np.bool_], test: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What two networks of a run say of some rows [2, n_test], and the table of others [n_test]."""
        counts, measured, groups, factor = self.fitted
        table = table_of(counts[train], measured[train], groups[train], factor[train])
        told = (counts[test] * table).sum(axis=(1, 2)) * factor[test]
        paths = sorted(self.work.glob(f"effects-{run}-ssd-?.safetensors"))[:2]
        networks = [safetensors.torch.load_file(path) for path in paths]
        said = [predict(one, self.examples, self.chosen[test], self.task, ["sequence"]) for one in networks]
        return np.stack(said), told


def main() -> None:
    """Fit, score, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("tables", "corpus", "splits", "work", "output"):
        parser.add_argument(name, type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    folds = Folds.load(arguments.splits / "stability.json")
    rows = [row for task in TASKS for row in load_tables(arguments.tables).of(task)]
    examples = read_examples(rows, Corpus.open(arguments.corpus), arguments.work, with_motion=False)
    part = np.array([folds.of(row) for row in examples.rows])
    keys = np.array([key_of(row) for row in examples.rows])
    values, errors, scores = {}, {}, {}
    for task in TASKS:
        asked = Asked(examples, np.flatnonzero([row.task == task for row in examples.rows]), task, arguments.work)
        counts, measured, groups, factor = asked.fitted
        own, own_keys = part[asked.chosen], keys[asked.chosen]
        members, told = np.zeros((2, len(own))), np.zeros(len(own))
        for name in folds.parts:
            inside = own == name
            members[:, inside], told[inside] = asked.held_out(f"stability-{name}", (own != "") & ~inside, inside)
        test = Folds.load(arguments.splits / f"{TESTS[task]}.json").parts
        tested = np.isin(own_keys, list(test["test"]))
        members[:, tested], told[tested] = asked.held_out(
            TESTS[task], (own != "") & np.isin(own_keys, list(test["train"])), tested
        )
        mixed = (1.0 - SHARE) * members + SHARE * told
        mean, spread = mixed.mean(axis=0), mixed.std(axis=0)
        said = {"network": members.mean(axis=0), "table": told, "mean": mean}
        for name, inside in ((f"{task}, folds", own != ""), (TESTS[task], tested)):
            truth, of = measured[inside], groups[inside]
            for who, one in said.items():
                found = score_effects(truth, one[inside], of).plain()
                scores[f"{name}, {who}"] = {key: found[key] for key in ("pearson", "per_structure_pearson", "rmse")}
                print(f"{name}, {who}", scores[f"{name}, {who}"])
            first, second = mean[inside], said["network"][inside]
            print("mean less network", compare(truth, first, second, of))
            print("  per structure", compare(truth, first, second, of, statistic="per_structure"))
        fitted = own != ""
        errors[task] = asdict(law_of(measured[fitted], mean[fitted], spread[fitted]))
        table = table_of(counts[fitted], measured[fitted], groups[fitted], factor[fitted])
        values[task] = [[round(float(x), 3) + 0.0 for x in line] for line in table]
    head = {"form": FORM, "letters": AMINO_ACIDS, "share": SHARE, "melting_power": MELTING_POWER}
    write_atomically(
        arguments.output, json.dumps(head | {"errors": errors, "values": values, "held_out": scores}) + "\n"
    )


if __name__ == "__main__":
    main()
