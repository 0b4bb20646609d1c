"""Train the model of location and function of whole proteins, score it fold by fold, and write its weights.

    unfreeze corpus import CORPUS location SOURCE
    unfreeze corpus import CORPUS function SOURCE
    python recipes/properties/train_protein.py recipes/properties/protein.yaml --corpus CORPUS --work FOLDER
    python recipes/properties/train_protein.py recipes/properties/protein.yaml --corpus CORPUS --work FOLDER --out FILE

    … --language-model ESM

Every fold is saved in FOLDER as it is finished, with the logits of the proteins that it did not see; killed and given
again, it goes on with the fold where it was. With --out, the folds that are there are put together: scores go to
FOLDER/scores.json, the model to FILE and its card beside it. The same recipe and data give the same weights.
With --language-model, the folder of an ESM-2 model in the layout of Hugging Face (extra ``plm``), what it says of every
chain is read as well; folds and scores then go to a folder of their own below FOLDER.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
import yaml
from numpy.typing import NDArray

from unfreeze.errors import InputError, UnfreezeError
from unfreeze.files.atomic import atomic_path, write_json
from unfreeze.properties.language.embeddings import LanguageModel, open_language_model
from unfreeze.properties.language.identity import LanguageIdentity
from unfreeze.properties.modalities.function import FunctionRow, encode_terms, read_functions, vocabulary
from unfreeze.properties.modalities.location import LOCATIONS, LocationRow, read_locations
from unfreeze.properties.protein.descriptors import describe
from unfreeze.properties.protein.enzyme_scores import score_enzymes
from unfreeze.properties.protein.folds import cluster_folds
from unfreeze.properties.protein.letters import letter_codes
from unfreeze.properties.protein.location_scores import score_location
from unfreeze.properties.protein.model import ProteinModel, logits_of, summaries, used_parameters
from unfreeze.properties.protein.neighbours import Neighbour, Reference
from unfreeze.properties.protein.outside import limits_of
from unfreeze.properties.protein.training import ProteinSettings, TrainingRows, train_proteins
from unfreeze.properties.protein.weights import save_protein_model

FOLDS_FILE = Path(__file__).with_name("enzyme-folds.json")
N_FOLDS = 5
Near = tuple[list[Neighbour | None], list[Neighbour | None], Reference, NDArray[np.int64]]


@dataclass(frozen=True, eq=False)
class Data:
    """Rows of both sets, proteins of known location first, and what is computed of their sequences."""

    proteins: list[LocationRow]
    enzymes: list[FunctionRow]
    terms: tuple[str, ...]
    folds: NDArray[np.int64]
    codes: list[NDArray[np.int8]]
    descriptors: NDArray[np.float32]
    said: NDArray[np.float32] | None = None

    @property
    def n_proteins(self) -> int:
        """How many rows have a location."""
        return len(self.proteins)

    def training_rows(self, fold: int) -> TrainingRows:
        """All rows but those of a fold."""
        rows = np.flatnonzero(self.folds != fold)
        located = rows < self.n_proteins
        locations = np.zeros((len(rows), len(LOCATIONS)), dtype=np.float32)
        locations[located] = np.stack([self.proteins[row].locations for row in rows[located]])
        functions = np.zeros((len(rows), len(self.terms)), dtype=np.float32)
        functions[~located] = encode_terms(
            [self.enzymes[row - self.n_proteins].terms for row in rows[~located]], self.terms
        )
        return TrainingRows(
            [self.codes[row] for row in rows],
            self.descriptors[rows],
            {"location": locations, "function": functions},
            {"location": located, "function": ~located},
            None if self.said is None else self.said[rows],
        )


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--folds", type=int, nargs="*", default=list(range(N_FOLDS)))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--language-model", help="folder of ESM-2")
    arguments = parser.parse_args()
    recipe = yaml.safe_load(arguments.recipe.read_text(encoding="utf-8"))
    settings = ProteinSettings(**recipe["settings"])
    arguments.work.mkdir(parents=True, exist_ok=True)
    data, folder, reader = read(arguments.corpus, recipe, arguments.work), arguments.work, None
    if arguments.language_model:
        reader = open_language_model(arguments.language_model)
        folder = arguments.work / f"language-{reader.identity.sha256[:8]}"
        folder.mkdir(exist_ok=True)
        data = replace(data, said=said_of(reader, [row.sequence for row in [*data.proteins, *data.enzymes]]))
    for fold in arguments.folds:
        train_fold(data, settings, fold, folder)
    if arguments.out is not None:
        near = neighbours(data, arguments.work)
        assemble(data, settings, recipe, folder, arguments.out, near, reader.identity if reader else None)


def said_of(reader: LanguageModel, sequences: list[str]) -> NDArray[np.float32]:
    """What a language model says of chains, kept in the user's cache."""
    told = -1

    def report(done: int, of: int) -> None:
        nonlocal told
        if done * 100 // of > told:
            told = done * 100 // of
            print(f"language model: {done} of {of} chains", flush=True)

    return summaries(reader, sequences, report)


def read(corpus: Path, recipe: dict[str, Any], work: Path) -> Data:
    """Rows of the corpus, their folds and descriptors; the descriptors are kept in the folder of the work."""
    proteins = read_locations(corpus, recipe["label_sets"]["location"])
    enzymes = read_functions(corpus, recipe["label_sets"]["function"])
    codes = [letter_codes(row.sequence) for row in [*proteins, *enzymes]]
    cache = work / "descriptors.npy"
    if not cache.is_file():
        with atomic_path(cache) as temporary, temporary.open("wb") as stream:
            np.save(stream, np.stack([describe(one) for one in codes]), allow_pickle=False)
    descriptors = np.load(cache, allow_pickle=False)
    if len(descriptors) != len(codes):
        raise InputError(f"{cache}: is of other label sets; remove it")
    partitions = np.array([row.partition for row in proteins])
    folds = np.concatenate([partitions, enzyme_folds(enzymes)])
    terms = vocabulary([row.terms for row in enzymes], recipe["least_chains_of_a_term"])
    return Data(proteins, enzymes, terms, folds, codes, descriptors)


def enzyme_folds(enzymes: list[FunctionRow]) -> NDArray[np.int64]:
    """Folds of the enzymes by cluster, from the file beside this program; computed and written where there is none."""
    if not FOLDS_FILE.is_file():
        folds, clusters = cluster_folds([row.sequence for row in enzymes], n_folds=N_FOLDS)
        rows = {row.identifier: [int(folds[k]), int(clusters[k])] for k, row in enumerate(enzymes)}
        text = ",\n".join(f" {json.dumps(name)}: {json.dumps(value)}" for name, value in sorted(rows.items()))
        with atomic_path(FOLDS_FILE) as temporary:
            temporary.write_text("{\n" + text + "\n}\n", encoding="utf-8")
    known = json.loads(FOLDS_FILE.read_text(encoding="utf-8"))
    absent = [row.identifier for row in enzymes if row.identifier not in known]
    if absent:
        raise InputError(f"{FOLDS_FILE}: has no fold of {', '.join(absent[:5])}; remove the file to compute it anew")
    return np.array([known[row.identifier][0] for row in enzymes], dtype=np.int64)


def train_fold(data: Data, settings: ProteinSettings, fold: int, work: Path) -> None:
    """Train the network without a fold, and keep it and its logits of the fold after each stage."""
    if _saved(work, fold, with_letters=settings.n_epochs > 0).is_file():
        return
    begun = time.monotonic()
    held_out = np.flatnonzero(data.folds == fold)

    def report(with_letters: bool, step: int, n_steps: int, loss: float) -> None:
        if step % 50 == 0 or step == n_steps:
            stage = "letters" if with_letters else "descriptors"
            print(f"fold {fold}  {stage}  {step}/{n_steps}  {loss:.3f}  {time.monotonic() - begun:.0f} s", flush=True)

    def keep(with_letters: bool, member: dict[str, NDArray[np.float32]]) -> None:
        codes = [data.codes[row] for row in held_out]
        tensors = {f"member.{name}": array for name, array in member.items()}
        for task, located in (("location", True), ("function", False)):
            rows = np.flatnonzero((held_out < data.n_proteins) == located)
            tensors[task] = logits_of(
                member, [codes[row] for row in rows], data.descriptors[held_out[rows]], task,
                settings.longest, with_letters=with_letters,
                said=None if data.said is None else data.said[held_out[rows]],
            )  # fmt: skip
        with atomic_path(_saved(work, fold, with_letters)) as temporary:
            temporary.write_bytes(safetensors.numpy.save(tensors))
        rows = held_out[held_out < data.n_proteins]
        scores = score_location([data.proteins[row] for row in rows], tensors["location"], one_fold=True).scores
        print(f"fold {fold}  micro-F1 {scores['micro_f1']} with its own thresholds", flush=True)

    train_proteins(data.training_rows(fold), settings, seed=fold, progress=report, stage_done=keep)


def assemble(
    data: Data,
    settings: ProteinSettings,
    recipe: dict[str, Any],
    work: Path,
    out: Path,
    near: Near,
    language: LanguageIdentity | None,
) -> None:
    """Scores over all folds, and the model."""
    saved = [safetensors.numpy.load(_saved(work, fold, settings.n_epochs > 0).read_bytes()) for fold in range(N_FOLDS)]
    located = np.arange(len(data.folds)) < data.n_proteins
    logits = {}
    for task, rows in (("location", np.flatnonzero(located)), ("function", np.flatnonzero(~located))):
        found = np.zeros((len(rows), saved[0][task].shape[1]), dtype=np.float32)
        for fold in range(N_FOLDS):
            found[data.folds[rows] == fold] = saved[fold][task]
        logits[task] = found
    across, nearest, reference, alignments = near
    location = score_location(data.proteins, logits["location"])
    enzymes = score_enzymes(
        data.enzymes, data.folds[~located], logits["function"], data.terms, alignments, across, nearest
    )
    scores = {"location": location.scores, "function": enzymes.scores}
    write_json(work / "scores.json", scores)
    write_json(
        work / "held-out.json",
        {
            row.identifier: [round(float(value), 3) for value in values]
            for row, values in zip(data.proteins, logits["location"], strict=True)
        },
    )
    card = {
        "name": recipe["name"],
        "version": recipe["version"],
        "task": "location in the cell (10 labels) and enzymatic function (EC numbers) of whole protein chains",
        "recipe": recipe,
        "training_data": {
            "location": "DeepLoc 2 (28,303 proteins of Swiss-Prot; CC-BY-4.0), Thumuluri et al. 2022",
            "function": "nrPDB-EC test chains of DeepFRI (BSD-3-Clause), Gligorijević et al. 2021",
        },
        "scores": scores,
        "limits": [
            "Location: eukaryotes only, whole chains.",
            "Function: enzymes only; alike chains of known function decide most of what is right.",
            "Structure is not used.",
        ],
        "licence": "CC-BY-4.0 (weights); sequences of the reference: Protein Data Bank, CC0, by way of DeepFRI, BSD-3",
    }
    members = tuple(
        used_parameters(
            {name.removeprefix("member."): array for name, array in one.items() if name.startswith("member.")},
            settings.n_epochs > 0,
        )
        for one in saved
    )
    model = ProteinModel(
        members=members, terms=data.terms, longest=settings.longest if settings.n_epochs else 0,
        location=location.calibration, function=enzymes.calibration, confidence=enzymes.confidence,
        network_share=enzymes.network_share, reference=reference, profile=enzymes.profile,
        limits=limits_of([row.sequence for row in data.proteins]), card=card, language=language,
    )  # fmt: skip
    save_protein_model(out, model)
    write_json(out.with_name(out.stem + "-card.json"), card)
    print(json.dumps(scores, indent=1))


def neighbours(data: Data, work: Path) -> Near:
    """Of every enzyme the nearest of other folds and the nearest other one; all scores are kept in the folder."""
    rows = data.enzymes
    reference = Reference(
        tuple(row.identifier for row in rows), tuple(row.sequence for row in rows), tuple(row.terms for row in rows)
    )
    cache = work / "alignment-scores.npy"
    if not cache.is_file():
        found = []
        for number, row in enumerate(rows):
            found.append(reference.scores(row.sequence).astype(np.int32))
            if number % 100 == 0:
                print(f"aligned {number} of {len(rows)} chains with all", flush=True)
        with atomic_path(cache) as temporary, temporary.open("wb") as stream:
            np.save(stream, np.stack(found), allow_pickle=False)
    scores = np.load(cache, allow_pickle=False).astype(np.int64)
    folds = data.folds[data.n_proteins :]
    across, nearest = [], []
    for number, row in enumerate(rows):
        across.append(reference.nearest(row.sequence, np.where(folds != folds[number], scores[number], -1)))
        nearest.append(reference.nearest(row.sequence, np.where(np.arange(len(rows)) != number, scores[number], -1)))
    return across, nearest, reference, scores


def _saved(work: Path, fold: int, with_letters: bool) -> Path:
    return work / f"fold-{fold}-{'letters' if with_letters else 'descriptors'}.safetensors"


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
    except UnfreezeError as error:
        sys.exit(f"failed: {error}")
