"""Members trained on everything, and what was held out, into the weights that are shipped.

    python recipes/properties/finish_mutations.py WORK OUT.safetensors
        [--given sequence,structure,language --language-model FOLDER]

WORK is that of `train_mutations.py`, with the run ``all`` (the members) and, predicted ``--as-shipped`` (for affinity
then as told in use, by `combine_affinity.py`), the folds that the errors are taken from.
The law of errors of a task, floor + by_size |prediction| + by_spread × spread of members, is the most likely one of
absolute errors (of a Laplace distribution), scaled so that 68 % of them are below one standard deviation.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from scipy.optimize import minimize

from unfreeze.properties.effect_model import EffectModel, ErrorLaw, save_effect_model
from unfreeze.properties.language.folder import open_folder
from unfreeze.properties.modalities.mutation import MELTING_POWER, TASKS
from unfreeze.properties.scores import score_effects

HELD_OUT = {"affinity": "affinity-fold*", "stability": "stability-fold*", "melting": "stability-fold*"}
TESTS = {"stability": "test_S669", "melting": "test_S571"}


def held_out(
    work: Path, runs: str, task: str, name: str
) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Groups, measured values, means and spreads of the members, of rows of a task that runs held out."""
    groups, measured, mean, spread = [], [], [], []
    for path in sorted(work.glob(f"predictions-{runs}-{name}.csv")):
        with path.open(newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                if row["task"] == task:
                    members = np.array(row["members"].split(), dtype=np.float64)
                    groups.append(row["group"])
                    measured.append(float(row["measured"]))
                    mean.append(members.mean())
                    spread.append(members.std())
    return groups, np.array(measured), np.array(mean), np.array(spread)


def law_of(measured: NDArray[np.float64], mean: NDArray[np.float64], spread: NDArray[np.float64]) -> ErrorLaw:
    """The most likely law of errors, scaled to hold 68.3 %."""
    error = np.abs(measured - mean)

    def cost(logarithms: NDArray[np.float64]) -> float:
        floor, size, between = np.exp(logarithms)
        sigma = floor + size * np.abs(mean) + between * spread
        # the mean absolute error of a Laplace distribution: far-off rows count little
        return float(np.mean(np.log(sigma) + error / sigma))

    found = np.exp(minimize(cost, np.log([3.0, 0.2, 0.5]), method="Nelder-Mead").x)
    sigma = found[0] + found[1] * np.abs(mean) + found[2] * spread
    floor, size, between = found * np.quantile(error / sigma, 0.683)
    return ErrorLaw(float(floor), float(size), float(between), float(np.quantile(spread, 0.99)))


def scores_of(
    law: ErrorLaw, runs: str, rows: tuple[list[str], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
) -> dict[str, Any]:
    """Scores of rows that runs held out, and how many of their errors are as small as a law says."""
    groups, measured, mean, spread = rows
    share = np.abs(measured - mean) / law.error(mean, spread)
    return score_effects(measured, mean, groups, n_bootstrap=300).plain() | {
        "held_out": runs,
        "within_1_error": round(float((share < 1.0).mean()), 3),
        "within_2_errors": round(float((share < 2.0).mean()), 3),
    }


def main() -> None:
    """Write the weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--given", default="sequence,structure,dynamics")
    parser.add_argument("--language-model", help="folder of ESM-2, with language among --given")
    arguments = parser.parse_args()
    given = tuple(arguments.given.split(","))
    language = open_folder(arguments.language_model).identity if arguments.language_model else None
    if ("language" in given) != (language is not None):
        parser.error("--language-model FOLDER and language among --given go together")
    letters = "".join(one[0] for one in given) + (f"-{language.sha256[:8]}" if language else "")
    name = f"shipped-{letters}" if language else "shipped"
    members = [
        safetensors.numpy.load_file(path)
        for path in sorted(arguments.work.glob(f"effects-all-{letters}-*.safetensors"))
    ]
    laws: dict[str, ErrorLaw] = {}
    scores: dict[str, Any] = {}
    for task in TASKS:
        in_use = name.replace("shipped", "bounded") if task == "affinity" else name
        of_folds = held_out(arguments.work, HELD_OUT[task], task, in_use)
        laws[task] = law_of(*of_folds[1:])
        scores[task] = scores_of(laws[task], HELD_OUT[task], of_folds)
        if task in TESTS:
            of_test = held_out(arguments.work, TESTS[task], task, in_use)
            if of_test[0]:
                scores[f"{task}, test"] = scores_of(laws[task], TESTS[task], of_test)
        print(task, laws[task], scores[task])
    card = {
        "name": "unfreeze mutation effects 1",
        "data": "SKEMPI 2.0 (affinity), S8754, M1261 and a part of the mega-scale set (stability), S4346 (melting); "
        "structures of the PDB; S669 and S571 only in these weights, never in what the scores are of",
        "recipe": "recipes/properties/train_mutations.py --run all --seeds 3 --starts 3; "
        "recipes/properties/combine_affinity.py; recipes/properties/finish_mutations.py",
        "splits": "recipes/properties/splits",
        "scores": scores,
        "limits": "Residues exchanged in proteins, best with a structure; several at once are added up "
        "(on binding up to what there is to lose). No insertions, "
        "no modified residues, no change of fold or of the way of binding.",
    }
    if language:
        card |= {"name": f"mutation effects with {language.name}"}
    model = EffectModel(tuple(members), given, errors=laws, card=card, melting_power=MELTING_POWER, language=language)
    path = save_effect_model(arguments.output, model)
    print(f"{path}: {path.stat().st_size / 2**20:.1f} MiB, {len(members)} members")


if __name__ == "__main__":
    main()
