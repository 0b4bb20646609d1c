"""`unfreeze predict location` and `unfreeze predict function`: which classes proteins belong to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unfreeze.cli import predict_options as options
from unfreeze.cli.errors import ErrorReporter
from unfreeze.cli.options import parse_chains
from unfreeze.cli.progress import Stages

if TYPE_CHECKING:
    from unfreeze.cli.predict_inputs import Given
    from unfreeze.properties.effects import ClassPrediction
    from unfreeze.structure.complex import Complex

__all__ = ["function", "location"]

_Input = Annotated[
    str,
    typer.Argument(metavar="INPUT", help="A FASTA file (of many, too), a sequence, a PDB or mmCIF file, or a PDB id."),
]


def location(
    context: typer.Context,
    proteins: _Input,
    model: options.Model = None,
    language_model: options.LanguageModel = None,
    output: options.Output = None,
    chains: options.Chains = None,
    assembly: options.Assembly = None,
    model_number: options.ModelNumber = 1,
    with_report: options.WithReport = True,
    as_json: options.AsJson = False,
    force: options.Force = False,
) -> None:
    """Predict where in a cell proteins are: ten compartments, of which a protein may have several."""

    def load() -> Callable[..., ClassPrediction]:
        from unfreeze.properties.location import predict_location

        return predict_location

    with ErrorReporter(debug=context.obj["debug"], smaller="Split the FASTA file."):
        where = (parse_chains(chains), assembly, model_number)
        _run("location", load, proteins, where, (model, language_model), output, with_report, as_json, force)


def function(
    context: typer.Context,
    proteins: _Input,
    model: options.Model = None,
    language_model: options.LanguageModel = None,
    output: options.Output = None,
    chains: options.Chains = None,
    assembly: options.Assembly = None,
    model_number: options.ModelNumber = 1,
    with_report: options.WithReport = True,
    as_json: options.AsJson = False,
    force: options.Force = False,
) -> None:
    """Predict what reactions proteins catalyse: EC numbers, on all four levels."""

    def load() -> Callable[..., ClassPrediction]:
        from unfreeze.properties.function import predict_function

        return predict_function

    with ErrorReporter(debug=context.obj["debug"], smaller="Split the FASTA file."):
        where = (parse_chains(chains), assembly, model_number)
        _run("function", load, proteins, where, (model, language_model), output, with_report, as_json, force)


def _run(
    task: str,
    load: Callable[[], Callable[..., ClassPrediction]],
    text: str,
    where: tuple[list[str] | None, str | None, int],
    weights: tuple[Path | None, str | None],
    output: Path | None,
    with_report: bool,
    as_json: bool,
    force: bool,
) -> None:
    from unfreeze.cli.predict_folder import check_target, write_folder
    from unfreeze.cli.predict_inputs import read_input, stem_of

    target = (output or Path(f"{stem_of(text)}-{task}")).absolute()
    check_target(target, force=force)
    with Stages(show=not as_json) as stages:
        stages("Reading")
        from unfreeze.properties.requests.sequences import MAX_RECORDS

        chains, assembly, number = where
        given = read_input(
            text, chains=chains, assembly=assembly, model=number, most_sequences=MAX_RECORDS, unsure=True
        )
        predict = load()
        from unfreeze.cli.predict_language import language_entry, proteins_with_language
        from unfreeze.properties.protein.weights import SHIPPED

        model = weights[0]
        used = proteins_with_language(*weights)
        from unfreeze.cli.predict_record import begin_record, class_entry, class_rows

        proteins = list(_proteins(given))
        entries: list[dict[str, Any]] = []
        for k, (name, letters, molecule) in enumerate(proteins):
            stages("Predicting", k / len(proteins))
            entries.append(class_entry(name, letters, predict(letters, molecule, model=used)))
        notes = [note for note in entries[0]["notes"] if all(note in entry["notes"] for entry in entries)]
        record = begin_record(task, given.about, [model or SHIPPED]) | language_entry(used)
        record |= {"proteins": entries, "notes": notes}
        record = write_folder(
            target,
            record,
            class_rows(entries),
            structure=given.molecule,
            mutants={},
            with_report=with_report,
            force=force,
            stages=stages,
        )
    from unfreeze.cli.predict_print import print_prediction

    print_prediction(record, output or Path(target.name), with_report, stages.seconds, as_json=as_json)


def _proteins(given: Given) -> Iterator[tuple[str, str, Complex | None]]:
    """Name, sequence and structure of every protein; chains of one sequence are one protein."""
    if given.molecule is None:
        yield from ((record.name, record.letters, None) for record in given.sequences)
        return
    from unfreeze.errors import InputError
    from unfreeze.properties.requests.sequences import MIN_LENGTH
    from unfreeze.structure.similarity.sequences import chain_sequences

    same: dict[str, list[str]] = {}
    for chain in chain_sequences(given.molecule):
        letters = chain.letters
        if letters.isupper() and len(letters) - letters.count("X") >= MIN_LENGTH:
            same.setdefault(letters, []).append(chain.chain)
    if not same:
        raise InputError(f"{given.about['name']}: no chain has {MIN_LENGTH} residues of protein or more")
    for letters, names in same.items():
        title = f"chain {names[0]}" if len(names) == 1 else f"chains {', '.join(names)}"
        yield title, letters, given.molecule.take_chains(names[:1])
