"""How errors of predictions of one complex go together, for `--known`: fitted to what was held out.

    python recipes/properties/fit_known_values.py TABLES CORPUS WORK OUT.json [--model FILE]

TABLES and CORPUS as for `train_mutations.py`, WORK as it and `combine_affinity.py` made it, with
``predictions-affinity-fold*-bounded.csv`` and ``predictions-stability-fold*-shipped.csv``; the errors are those that
the model in use says. OUT is what is shipped,
fitted to all folds; WORK gets ``known-values-RUN.json``, fitted without the fold RUN, for `benchmarks.known_values`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from unfreeze.corpus import Corpus
from unfreeze.files.atomic import write_atomically
from unfreeze.properties.effect_model import load_effect_model
from unfreeze.properties.known.likeness import Likeness
from unfreeze.properties.tables import load_tables
from unfreeze.properties.training.held_out import HeldOut, read_held_out
from unfreeze.properties.training.known_likeness import START, fit_likeness

TASKS = {"affinity": ("affinity",), "stability": ("stability", "melting")}
ENDINGS = {"affinity": "bounded", "stability": "shipped"}
LEAST_KJ_MOL = 0.3
"""Of affinity: what is predicted to be less is mostly too far away to be known by what was measured."""
PARTS = ("level", "place", "exchange", "exchange_near", "own")
ALONE = replace(START, quantities=0.0, least=LEAST_KJ_MOL)
LEAST = 8


def rounded(found: Likeness) -> dict[str, float]:
    """For people to read: four digits, parts as shares of a row's variance, those below a thousandth left out."""
    values = asdict(found)
    total = sum(values[name] for name in PARTS)
    values |= {name: values[name] / total if values[name] > 1e-3 * total else 0.0 for name in PARTS}
    return {name: float(f"{value:.4g}") for name, value in values.items()}


def document(found: dict[str, Likeness], held: dict[str, Sequence[HeldOut]]) -> dict[str, Any]:
    """What the file says."""
    return {
        "schema": "unfreeze-known-values/1",
        "about": "How errors of predicted effects of mutations of one complex or protein go together "
        "(unfreeze.properties.known.likeness says what each number is).",
        "recipe": "recipes/properties/fit_known_values.py",
        "fitted_to": {
            task: {"complexes or proteins": len(some), "rows": sum(len(one.rows) for one in some)}
            for task, some in held.items()
        },
        **{task: rounded(one) for task, one in found.items()},
    }


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("tables", "corpus", "work", "output"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--model", type=Path, help="the shipped one without")
    arguments = parser.parse_args()
    tables, corpus = load_tables(arguments.tables), Corpus.open(arguments.corpus)
    laws = load_effect_model(arguments.model).errors
    found, held = {}, {}
    for task, quantities in TASKS.items():
        files = sorted(arguments.work.glob(f"predictions-{task}-fold*-{ENDINGS[task]}.csv"))
        held[task] = read_held_out(files, tables, corpus, laws, quantities, least=LEAST)
        both = len(quantities) > 1
        found[task] = fit_likeness(held[task], both=both, start=START if both else ALONE)
        print(task, rounded(found[task]), flush=True)
        for fold in sorted({one.fold for one in held[task]}):
            others = [one for one in held[task] if one.fold != fold]
            likeness = fit_likeness(others, both=both, start=found[task], most_steps=120)
            name = fold.removeprefix("predictions-").removesuffix(f"-{ENDINGS[task]}")
            path = arguments.work / f"known-values-{name}.json"
            write_atomically(path, json.dumps(document({task: likeness}, {task: others}), indent=1) + "\n")
            print(path.name, rounded(likeness), flush=True)
    write_atomically(arguments.output, json.dumps(document(found, held), indent=1) + "\n")


if __name__ == "__main__":
    main()
