"""Direct and reverse predictions of a test set, from a structure each, for `benchmarks.stability_predictors`.

    python recipes/properties/both_ways.py TABLES CORPUS WORK --run test_S669 OUT.csv

The reverse starts from the mutant: its structure built from the wild type's (side chains exchanged and packed anew, its
motion predicted again), or its sequence where there is no structure. WORK is that of `train_mutations.py`. OUT grows
row by row; a run that was cut off goes on.
"""

from __future__ import annotations

import argparse
import csv
from functools import lru_cache
from pathlib import Path

import safetensors.numpy

from unfreeze.corpus import Corpus
from unfreeze.corpus.mutations import Mutation
from unfreeze.errors import InputError
from unfreeze.properties.effect_model import EffectModel, ErrorLaw
from unfreeze.properties.modalities.mutation import MELTING_POWER, TASKS
from unfreeze.properties.mutants import build_mutant
from unfreeze.properties.stability import predict_stability
from unfreeze.properties.tables import MutationRow, load_tables
from unfreeze.structure.complex import Complex


def both(row: MutationRow, structure: Complex | None, model: EffectModel) -> tuple[float, float]:
    """Predicted effect of a row and of its reverse."""
    if structure is not None:
        there, mutant = row.mutations, build_mutant(structure, row.mutations)
    else:
        there, mutant = row.sequence_mutations, row.mutant_sequence
    back = [Mutation(one.chain, one.number, one.insertion_code, one.mutant, one.wild_type) for one in there]
    values = []
    for source, asked in ((structure if structure is not None else row.sequence, there), (mutant, back)):
        effect = predict_stability(source, [tuple(asked)], model=model, with_reasons=False).effects[0]
        melting = row.task == "melting" and effect.delta_tm_K is not None
        values.append(float(effect.delta_tm_K or 0.0) if melting else effect.delta_delta_g_kJ_mol)
    return values[0], values[1]


def main() -> None:
    """Predict all rows of a test set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("tables", "corpus", "work"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--run", required=True)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    files = sorted(arguments.work.glob(f"effects-{arguments.run}-ssd-*.safetensors"))
    laws = {str(task): ErrorLaw(0.0, 0.0, 0.0, float("inf")) for task in TASKS}
    model = EffectModel(tuple(map(safetensors.numpy.load_file, files)), errors=laws, melting_power=MELTING_POWER)
    corpus = Corpus.open(arguments.corpus)
    dataset = arguments.run.removeprefix("test_")
    rows = [row for row in load_tables(arguments.tables).mutations if row.dataset == dataset]
    known: set[str] = set()
    if arguments.output.exists():
        with arguments.output.open(newline="", encoding="utf-8") as stream:
            known = {one["source"] for one in csv.DictReader(stream)}

    @lru_cache(maxsize=4)
    def structure_of(entry: str) -> Complex:
        return corpus.entry(entry).complex

    with arguments.output.open("a", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        if not known:
            table.writerow(["source", "direct", "reverse"])
        for number, row in enumerate(rows, start=1):
            if row.source in known:
                continue
            try:
                values = both(row, structure_of(row.entry) if row.entry else None, model)
            except InputError as error:  # a residue without its backbone: what the sequence says
                print(error)
                values = both(row, None, model)
            table.writerow([row.source, *(f"{value:.4f}" for value in values)])
            stream.flush()
            if number % 50 == 0:
                print(f"{number} of {len(rows)}", flush=True)


if __name__ == "__main__":
    main()
