"""Held-out effects on affinity as they are told in use: what the network says, charges, and what there is to lose.

    python recipes/properties/combine_affinity.py TABLES CORPUS WORK BINDING.csv

WORK is that of `train_mutations.py`, with predictions made ``--as-shipped``; BINDING.csv is the table of out-of-fold
free energies that `train_binding.py` writes. For every ``predictions-RUN-shipped.csv`` with rows of affinity there will
be ``predictions-RUN-charges.csv`` (and charges), ``predictions-RUN-bounded.csv`` (and the predicted free energy of the
wild type, out of fold, which is what is done in use) and ``predictions-RUN-given.csv`` (with the measured one instead).
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path

import numpy as np

from unfreeze.corpus import Corpus
from unfreeze.files.atomic import atomic_path
from unfreeze.properties.electrostatics import TYPICAL_DELTA_G, bounded, charge_effects
from unfreeze.properties.places import partner_atoms
from unfreeze.properties.tables import EffectTables, MutationRow, load_tables
from unfreeze.properties.tables.folds import key_of

FREE_ENERGY = "sequence + static"  # column of BINDING.csv: the model that is shipped


def charges_of(rows: list[MutationRow], corpus: Corpus) -> dict[tuple[str, str], float]:
    """What changed charges do, by source and mutations of rows."""
    of_complex: dict[tuple[str, tuple[str, str]], list[MutationRow]] = defaultdict(list)
    for row in rows:
        if row.partners is not None:
            of_complex[row.entry, (row.partners[0], row.partners[1])].append(row)
    found = {}
    for (entry, partners), own in of_complex.items():
        bound = partner_atoms(corpus.entry(entry).complex, partners, "bound")
        effects = charge_effects(bound, partners, [one for row in own for one in row.mutations])
        ends = np.cumsum([len(row.mutations) for row in own])
        for row, part in zip(own, np.split(effects, ends[:-1]), strict=True):
            found[_key(row)] = float(part.sum())
    return found


def free_energies(
    tables: EffectTables, rows: list[MutationRow], binding: Path
) -> dict[str, dict[tuple[str, str], float]]:
    """Predicted (out of fold) and measured free energies of the wild types, by source and mutations of rows."""
    measured = {key_of(one): one.delta_g_kJ_mol for one in tables.absolute}
    with binding.open(newline="", encoding="utf-8") as stream:
        predicted = {one["complex"]: float(one[FREE_ENERGY]) for one in csv.DictReader(stream)}
    names = {_key(row): f"{row.entry}_{'_'.join(row.partners or ())}" for row in rows}
    return {
        "bounded": {key: predicted.get(name, TYPICAL_DELTA_G) for key, name in names.items()},
        "given": {_key(row): measured.get(key_of(row), TYPICAL_DELTA_G) for row in rows},
    }


def _key(row: MutationRow) -> tuple[str, str]:
    return row.source, "+".join(map(str, row.mutations))


def main() -> None:
    """Write the predictions of all runs that are there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("tables", "corpus", "work", "binding"):
        parser.add_argument(name, type=Path)
    arguments = parser.parse_args()
    tables = load_tables(arguments.tables)
    rows = list(tables.of("affinity"))
    charges = charges_of(rows, Corpus.open(arguments.corpus))
    energies = free_energies(tables, rows, arguments.binding)
    for path in sorted(arguments.work.glob("predictions-*-shipped*.csv")):
        with path.open(newline="", encoding="utf-8") as stream:
            lines = [one for one in csv.DictReader(stream) if one["task"] == "affinity"]
        if not lines:
            continue
        for name in ("charges", "bounded", "given"):
            out = path.with_name(path.name.replace("-shipped", f"-{name}"))
            with atomic_path(out) as building, building.open("w", newline="", encoding="utf-8") as stream:
                table = csv.DictWriter(stream, list(lines[0]))
                table.writeheader()
                for line in lines:
                    key = line["source"], line["mutations"]
                    members = np.array(line["members"].split(), dtype=np.float64)
                    value = members.mean() + charges[key]
                    if name != "charges":
                        value = float(bounded(np.array(value), energies[name][key]))
                    # the spread is that of the network's members, before the bound
                    shifted = " ".join(f"{one:.4f}" for one in members - members.mean() + value)
                    table.writerow(line | {"predicted": f"{value:.4f}", "members": shifted})


if __name__ == "__main__":
    main()
