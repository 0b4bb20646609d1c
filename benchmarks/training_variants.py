"""What each ingredient of the trained model is worth, and what more data would be: trainings with less, held out.

    python -m benchmarks.training_variants RECIPE CORPUS RUNS [--folds fold1,fold4] [--only "NAME;NAME"] [--steps N]
                                           [--set KEY=VALUE …] [--json OUT]

Every variant of the recipe is trained once for each fold that is held out (`unfreeze train`; killed and given again,
it goes on), and scored on it: r of RMSF and the mean error of log RMSF on trajectories, r of B-factors. The table has
means over targets of all folds beside those of the untrained springs. RUNS keeps the trainings.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from rich.table import Table

from benchmarks.common import console, save
from unfreeze.corpus import Corpus
from unfreeze.corpus.split import Split
from unfreeze.train import batches, run
from unfreeze.train.examples import Example
from unfreeze.train.recipe_file import parse_change, read_recipe
from unfreeze.train.unseen import Ingredient, hide

__all__ = ["VARIANTS", "main"]

SCORES = ("rmsf_r", "rmsf_log_error", "rmsf_mae_A", "b_factor_r")
_SEED = 5

WITHOUT_SPRINGS = "without springs at all"
"""Neither seen by the network nor the zero point of what it predicts."""
WITHOUT_TIME = "without the law of time"

Changes = Sequence[str]


def without(kind: str) -> Changes:
    """The recipe without one kind of example; the others keep their shares."""
    shares = {"b_factor": 0.45, "rearrangement": 0.45, "md": 0.1}
    left = {name: share for name, share in shares.items() if name != kind}
    return [
        f"data.kinds=[{', '.join(left)}]",
        "stages.0.draw={" + ", ".join(f"{name}: {share}" for name, share in left.items()) + "}",
    ]


def fewer(share: float, kind: str) -> Callable[[Corpus, list[str]], Changes]:
    """A random share of the groups of the training folds, of structures or of trajectories."""

    def choose(corpus: Corpus, names: list[str]) -> Changes:
        moving = {
            name for name in names if any(one.conditions.kind == "md" for one in corpus.summary(name).trajectories)
        }
        of_kind = sorted(moving if kind == "md" else set(names) - moving)
        order = np.random.default_rng(_SEED).permutation(len(of_kind))
        left_out = [of_kind[k] for k in order[round(share * len(of_kind)) :]]
        return [f"data.exclude=[{', '.join(json.dumps(name) for name in left_out)}]"]

    return choose


VARIANTS: Mapping[str, Changes | Callable[[Corpus, list[str]], Changes]] = {
    "as shipped, one network": (),
    "without B-factors": without("b_factor"),
    "without rearrangements": without("rearrangement"),
    "without MD": without("md"),
    "a third of the structures": fewer(0.33, "static"),
    "a tenth of the structures": fewer(0.1, "static"),
    "half of the trajectories": fewer(0.5, "md"),
    "without own short MD": ["data.weights.0.factor=0.0"],
    "one layer of messages": ["model.layers=1"],
    "twice as wide": ["model.width=128"],
    "a quarter as wide": ["model.width=16"],
    "without distances": ["model.without=[distances]"],
    "without the springs' motion as input": ["model.without=[springs]"],
    WITHOUT_SPRINGS: ["model.without=[springs]"],
    WITHOUT_TIME: (),
}


@contextmanager
def _physics_of(name: str) -> Iterator[None]:
    """Take away physics that no recipe can do without."""
    if name == WITHOUT_SPRINGS:

        def flat(examples: Sequence[Example], ingredients: Sequence[Ingredient]) -> tuple[Example, ...]:
            found = []
            for example in hide(examples, ingredients):
                level = np.exp(np.log(example.features.base_rmsf_nm).mean())
                base = np.full_like(example.features.base_rmsf_nm, level)
                found.append(replace(example, features=replace(example.features, base_rmsf_nm=base)))
            return tuple(found)

        with patch.object(run, "hide", flat):
            yield
    elif name == WITHOUT_TIME:
        with patch.object(batches, "log_amplitude_of_conditions", lambda kelvin, _: 0.5 * float(np.log(kelvin / 300))):
            yield
    else:
        yield


def run_variant(
    arguments: argparse.Namespace, corpus: Corpus, split: Split, name: str, fold: str
) -> dict[str, dict[str, float]]:
    """Train one variant with one fold held out, or take it from the disk; its scores."""
    folder = arguments.runs / f"{name.replace(' ', '-').replace(',', '')}-{fold}"
    if not (folder / "card.json").exists():
        others = sorted(set(split.part_of.values()) - {fold})
        changes = VARIANTS[name]
        if callable(changes):
            changes = changes(corpus, [one for one, part in split.part_of.items() if part in others])
        changes = [
            "model.members=1",
            f"data.split={arguments.split}",
            f"data.train=[{', '.join(others)}]",
            f"data.validation=[{fold}]",
            *([] if arguments.steps is None else [f"stages.0.steps={arguments.steps}"]),
            *arguments.set,
            *changes,
        ]
        place = {("data", "corpora"): [str(arguments.corpus.absolute())]}
        recipe = read_recipe(arguments.recipe, {**place, **dict(map(parse_change, changes))})
        with _physics_of(name):
            run.train(recipe, folder, show=False)
    return json.loads((folder / "card.json").read_text(encoding="utf-8"))["scores"]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--split", default="folds")
    parser.add_argument("--folds", default="")
    parser.add_argument("--only", default="")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    corpus = Corpus.open(arguments.corpus)
    split = Split.load(corpus, arguments.split)
    folds = arguments.folds.split(",") if arguments.folds else sorted(set(split.part_of.values()))
    names = arguments.only.split(";") if arguments.only else list(VARIANTS)
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        tables = []
        for fold in folds:
            tables.append(run_variant(arguments, corpus, split, name, fold))
            console().print(f"{name}, {fold}: {tables[-1]}")
        found[name] = {score: _mean(tables, score) for score in SCORES}
    table = Table(title=f"held out: {', '.join(folds)}")
    table.add_column("variant")
    for score in SCORES:
        table.add_column(score, justify="right")
    first = next(iter(found.values()))
    table.add_row("untrained springs", *(f"{first[score]['harmonic']:.3f}" for score in SCORES))
    for name, row in found.items():
        table.add_row(name, *(f"{row[score]['model']:.3f}" for score in SCORES))
    console().print(table)
    save(arguments.json, "training_variants", {"folds": folds, "steps": arguments.steps, "variants": found})


def _mean(tables: Sequence[Mapping[str, Mapping[str, float]]], score: str) -> dict[str, float]:
    """Mean over the targets of all folds."""
    rows = [table[score] for table in tables if score in table]
    if not rows:
        return {"model": float("nan"), "harmonic": float("nan"), "targets": 0}
    weights = [row["targets"] for row in rows]
    return {
        **{kind: float(np.average([row[kind] for row in rows], weights=weights)) for kind in ("model", "harmonic")},
        "targets": float(sum(weights)),
    }


if __name__ == "__main__":
    main()
