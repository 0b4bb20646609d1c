"""What the numbers of ``properties.mutants.columns`` say of affinity without any learning.

For single mutations of SKEMPI 2.0 (structures as PDB files in a folder, and its table): each number as
[complex − partner alone, mutant − wild type], without springs; its correlations with ΔΔG, and a ridge regression on all
of them with folds by complex.

    python -m benchmarks.mutation_numbers FOLDER skempi_v2.csv [--every 6] [--json OUT]
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from unfreeze.corpus.mutations import Mutation
from unfreeze.properties.mutants import COLUMNS, MutantBuilder, mutation_contacts
from unfreeze.structure.complex import Complex
from unfreeze.structure.read import read_complex

RT = 8.314462618e-3 * 298.15
N_FOLDS, RIDGE = 5, 30.0


def single_mutations(table: Path) -> dict[str, list[tuple[Mutation, float]]]:
    """Complex such as 1CSE_E_I to its single mutations and their ΔΔG of binding, kJ/mol."""
    found: dict[str, list[tuple[Mutation, float]]] = defaultdict(list)
    with table.open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream, delimiter=";"):
            try:
                ratio = float(row["Affinity_mut_parsed"]) / float(row["Affinity_wt_parsed"])
            except ValueError:
                continue
            if "," not in row["Mutation(s)_PDB"]:
                found[row["#Pdb"]].append((Mutation.read_skempi(row["Mutation(s)_PDB"]), RT * float(np.log(ratio))))
    return found


def numbers(molecule: Complex, mutations: list[Mutation]) -> np.ndarray:
    """Numbers of mutant − wild type: [n_mutations, n_columns]."""
    sites = MutantBuilder(molecule).sites
    rows, letters = [], []
    for mutation in mutations:
        rows += [next(iter(sites.find([mutation])))] * 2
        letters += [mutation.wild_type, mutation.mutant]
    both = mutation_contacts(molecule, rows, letters, springs=False).reshape(-1, 2, len(COLUMNS))
    return both[:, 1] - both[:, 0]


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's, to three digits."""
    return round(float(np.corrcoef(one, other)[0, 1]), 3)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("table", type=Path)
    parser.add_argument("--every", type=int, default=1, help="take every n-th complex")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    mutations = single_mutations(given.table)
    columns, targets, folds = [], [], []
    names = sorted(mutations)[:: given.every]
    for number, name in enumerate(names):
        code, first, second = name.split("_")
        molecule = read_complex(given.folder / f"{code}.pdb", chains=[*first, *second])
        for side in (first, second):
            chosen = [(one, value) for one, value in mutations[name] if one.chain in side]
            if chosen:
                asked = [one for one, _ in chosen]
                columns.append(numbers(molecule, asked) - numbers(molecule.take_chains(side), asked))
                targets += [value for _, value in chosen]
                folds += [number % N_FOLDS] * len(chosen)
    x, y, fold = np.concatenate(columns), np.array(targets), np.array(folds)
    clear = np.isfinite(x).all(axis=1)
    x, y, fold = x[clear].astype(np.float64), y[clear], fold[clear]
    varied = np.flatnonzero(x.std(axis=0) > 0.0)
    z = np.concatenate([(x[:, varied] - x[:, varied].mean(0)) / x[:, varied].std(0), np.ones((len(x), 1))], axis=1)
    predicted = np.zeros(len(y))
    for k in range(N_FOLDS):
        a, b = z[fold != k], y[fold != k]
        predicted[fold == k] = z[fold == k] @ np.linalg.solve(a.T @ a + RIDGE * np.eye(z.shape[1]), a.T @ b)
    result = {
        "n_complexes": len(names),
        "n_mutations": len(y),
        "ridge_pearson": correlation(predicted, y),
        "spearman": {COLUMNS[k]: correlation(rankdata(x[:, k]), rankdata(y)) for k in varied.tolist()},
    }
    print(json.dumps(result, indent=2))
    if given.json:
        given.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
