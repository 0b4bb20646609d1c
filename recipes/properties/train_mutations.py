"""Train what mutations do to affinity and stability, and predict what was held out.

    python recipes/properties/train_mutations.py TABLES CORPUS SPLITS WORK --run affinity-fold0
        [--given sequence,structure,dynamics] [--seeds 3] [--starts 3] [--as-shipped] [--language-model FOLDER]

TABLES and CORPUS as `build_tables.py` takes and makes them, SPLITS the folder `splits` beside this file. Runs:
``affinity-fold0`` … ``4`` and ``affinity_by_interface-fold0`` … (complexes held out), ``affinity-ABAG``,
``affinity-PrPI``, ``affinity-TCRpMHC`` (types of SKEMPI), ``stability-fold0`` … ``4``,
``test_S669``, ``test_S571`` (a test set held out), ``all`` (nothing held out). What is held out is left out with every
structure and every row alike to it, of any task; and what is in S669 or S571, which the lists of what is alike do not
know, trains nothing but ``all``. With ``language`` among what is given, FOLDER is an ESM-2 model in the
layout of Hugging Face (extra ``plm``). WORK keeps columns, weights and predictions; a run that was cut off goes on, and
one that is there is not made again.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import safetensors.torch
import torch

from unfreeze.corpus import Corpus
from unfreeze.errors import InputError
from unfreeze.files.atomic import atomic_path
from unfreeze.properties.language.embeddings import LanguageModel, open_language_model
from unfreeze.properties.modalities.mutation import READ, TASKS
from unfreeze.properties.tables import EffectTables, load_tables
from unfreeze.properties.tables.folds import Folds, key_of
from unfreeze.properties.training.examples import Examples, read_examples
from unfreeze.properties.training.fit import FitSettings, Parameters, fit_effects, fit_native, predict
from unfreeze.properties.training.states import StateCache
from unfreeze.properties.training.structures import native_sites, structure_states

TEST_SETS = ("test_S669", "test_S571")
SETTINGS = FitSettings(steps=1000, dropout=0.5, shares={"affinity": 2.0, "stability": 2.0, "melting": 1.0})


def held_out(run: str, splits: Path) -> tuple[set[str], set[str]]:
    """Keys of what is predicted in a run, and of what is left out beside it: what is alike, and the test sets."""
    if run == "all":
        return set(), set()
    test, alike = _split(run, splits)
    return test, alike.union(*(Folds.load(splits / f"{name}.json").parts["test"] for name in TEST_SETS)) - test


def _split(run: str, splits: Path) -> tuple[set[str], set[str]]:
    name, _, part = run.partition("-")
    folds = Folds.load(splits / f"{name}.json")
    if name.startswith("test"):
        return set(folds.parts["test"]), {*folds.parts["alike"], *folds.lists["affinity_alike"]}
    lists = Folds.load(splits / "joint.json").lists
    # the lists are of the folds of `affinity.json`: for other parts every protein alike to any complex goes
    any_complex = {key for of, keys in lists.items() if of.startswith("affinity") for key in keys}
    if part not in folds.parts:
        kind = next(of for of in folds.lists if of.replace("/", "") == part)
        return set(folds.lists[kind]), {*folds.lists[f"{kind} alike"], *any_complex}
    if "_by_" in name:
        return set(folds.parts[part]), any_complex
    return set(folds.parts[part]), set(lists.get(f"{name} {part}", ()))


def entries_of(tables: EffectTables, keys: Iterable[str]) -> set[str]:
    """Entries of the corpus that keys stand for."""
    entries = defaultdict(set)
    for row in (*tables.mutations, *tables.absolute):
        entries[key_of(row)].add(row.entry)
    return {entry for key in keys for entry in entries[key]}


def start_of(
    path: Path, tables: EffectTables, cache: StateCache, left_out: set[str], seed: int, given: list[str]
) -> Parameters:
    """What was learned from structures alone; kept in a file."""
    if not path.exists():
        states = structure_states((*tables.mutations, *tables.absolute), left_out)
        sites, weights = native_sites(cache, states)
        print(f"{path.stem}: {len(states)} structures, {len(sites)} residues", flush=True)
        save(path, fit_native(sites, weights, SETTINGS, seed, given))
    return safetensors.torch.load_file(path)


def save(path: Path, parameters: Parameters) -> None:
    """Write parameters, whole or not at all."""
    with atomic_path(path) as building:
        safetensors.torch.save_file(parameters, building)


def main() -> None:
    """Train one run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("tables", "corpus", "splits", "work"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--run", required=True)
    parser.add_argument("--given", default="sequence,structure,dynamics")
    parser.add_argument("--language-model", help="folder of ESM-2, with language among --given")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--as-shipped", action="store_true", help="predict with what each task reads in use")
    parser.add_argument("--starts", type=int, default=1, help="how many of them learn from structures of their own")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    given = arguments.given.split(",")
    reader = language_model(arguments.language_model, given)
    tables = load_tables(arguments.tables)
    corpus = Corpus.open(arguments.corpus)
    test, alike = held_out(arguments.run, arguments.splits)
    cache = StateCache(corpus, arguments.work, with_motion=False)
    rows = [row for task in TASKS for row in tables.of(task)]
    started = time.monotonic()
    if reader is not None:
        print(f"language model {reader.identity.name}, {reader.identity.width} numbers a residue", flush=True)
    examples = read_examples(rows, corpus, arguments.work, with_motion="dynamics" in given, reader=reader)
    print(f"{len(examples.rows)} rows, {len(examples.sites)} sites, {time.monotonic() - started:.0f} s", flush=True)
    keys = [key_of(row) for row in examples.rows]
    training = np.flatnonzero([key not in test and key not in alike for key in keys])
    tested = np.flatnonzero([key in test for key in keys])
    letters = "".join(one[0] for one in given) + (f"-{reader.identity.sha256[:8]}" if reader else "")
    structures = "ss" if "structure" in given else "s"
    predicted: dict[int, list[float]] = defaultdict(list)
    for seed in range(arguments.seeds):
        native = arguments.work / f"native-{arguments.run}-{structures}-{seed % arguments.starts}.safetensors"
        path = arguments.work / f"effects-{arguments.run}-{letters}-{seed}.safetensors"
        if not path.exists():
            start = start_of(native, tables, cache, entries_of(tables, test | alike), seed % arguments.starts, given)
            save(path, fit_effects(examples, training, SETTINGS, seed, given, start))
        parameters = safetensors.torch.load_file(path)
        for task in TASKS:
            own = np.array([k for k in tested if examples.rows[k].task == task], dtype=np.int64)
            read = [one for one in given if one in READ[task]] if arguments.as_shipped else given
            for k, value in zip(own, predict(parameters, examples, own, task, read), strict=True):
                predicted[int(k)].append(float(value))
        print(f"{arguments.run}, seed {seed}: {time.monotonic() - started:.0f} s", flush=True)
    name = letters
    if arguments.as_shipped:
        name = f"shipped-{letters}" if reader else "shipped"
    _write(arguments.work / f"predictions-{arguments.run}-{name}.csv", examples, predicted)
    facts = {"run": arguments.run, "given": given, "training_rows": len(training), "left_out": examples.left_out}
    facts |= {"language": asdict(reader.identity)} if reader else {}
    (arguments.work / f"facts-{arguments.run}-{letters}.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")


def language_model(folder: str | None, given: list[str]) -> LanguageModel | None:
    """The language model, where one is wanted."""
    if ("language" in given) != (folder is not None):
        raise InputError("--language-model FOLDER and language among --given go together")
    return open_language_model(folder) if folder is not None else None


def _write(path: Path, examples: Examples, predicted: dict[int, list[float]]) -> None:
    with atomic_path(path) as building, building.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(["task", "dataset", "source", "group", "mutations", "measured", "predicted", "members"])
        for k, values in sorted(predicted.items()):
            row = examples.rows[k]
            mutations = "+".join(map(str, row.mutations))
            members = " ".join(f"{value:.4f}" for value in values)
            mean = f"{np.mean(values):.4f}"
            table.writerow([row.task, row.dataset, row.source, row.group, mutations, row.value, mean, members])


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
