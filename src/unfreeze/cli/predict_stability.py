"""`unfreeze predict stability`: what mutations do to the stability of a fold, from a structure or a sequence alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unfreeze.cli import predict_options as options
from unfreeze.cli.errors import ErrorReporter
from unfreeze.cli.options import parse_chains
from unfreeze.cli.progress import Stages

__all__ = ["stability"]


def stability(
    context: typer.Context,
    structure: Annotated[
        str, typer.Argument(metavar="INPUT", help="A PDB or mmCIF file, a PDB id, a FASTA file of one, or a sequence.")
    ],
    mutations: options.Mutations = None,
    scan: Annotated[
        str | None,
        typer.Option(
            metavar="chain:A|all", help="Mutate every residue there.", show_default="all, without --mutations"
        ),
    ] = None,
    to: options.To = None,
    known: options.Known = None,
    model: options.Model = None,
    language_model: options.LanguageModel = None,
    reasons: options.Reasons = True,
    output: options.Output = None,
    chains: options.Chains = None,
    assembly: options.Assembly = None,
    model_number: options.ModelNumber = 1,
    with_report: options.WithReport = True,
    as_json: options.AsJson = False,
    force: options.Force = False,
) -> None:
    """Predict how mutations change the free energy of unfolding (negative: they destabilise) and the melting point."""
    with ErrorReporter(debug=context.obj["debug"], smaller="Scan fewer residues (--scan chain:A, --to ALA)."):
        chosen_chains = parse_chains(chains)
        from unfreeze.cli.predict_folder import check_target, write_folder
        from unfreeze.cli.predict_inputs import read_input, stem_of
        from unfreeze.cli.predict_known import add_known, explain_with_known, known_rows, read_known_values
        from unfreeze.cli.predict_language import effects_with_language, language_entry

        target = (output or Path(f"{stem_of(structure)}-stability")).absolute()
        check_target(target, force=force)
        with Stages(show=not as_json) as stages:
            stages("Reading")
            given = read_input(structure, chains=chosen_chains, assembly=assembly, model=model_number)
            from unfreeze.cli.predict_mutants import build_mutants, incomplete, read_request
            from unfreeze.properties.requests import MutableResidues
            from unfreeze.properties.stability import predict_stability

            if given.molecule is not None:
                residues = MutableResidues.of_structure(given.molecule)
                source = given.molecule
            else:
                source = given.sequences[0].letters
                residues = MutableResidues.of_sequence(source, given.sequences[0].name)
            chosen = effects_with_language(model, language_model)
            asked = read_request(mutations, scan or (None if mutations else "all"), to, residues)
            values = read_known_values(known, None, "stability", residues)
            found, notes, with_known = explain_with_known(
                lambda wanted, why: predict_stability(
                    source, wanted, chains=None, model=chosen, with_reasons=why, progress=stages
                ),
                asked.mutations,
                values,
                source,
                "stability",
                reasons=reasons and bool(mutations) and given.molecule is not None,
            )
            from unfreeze.cli.predict_record import begin_record, effect_entry, effect_rows, effect_weights

            entries = [effect_entry(effect, "stability") for effect in found.effects]
            built = build_mutants(given.molecule, found.effects, entries) if given.molecule is not None else {}
            given_values = add_known(entries, with_known, values and values.source, "stability")
            record = begin_record("stability", given.about, effect_weights("stability", model)) | {
                "request": {"mutations": mutations, "scan": scan, "to": to}
                | ({"known": str(known)} if values is not None else {}),
                "stability": {"source": found.source},
                **given_values,
                **language_entry(chosen),
                "sequence": None if given.molecule is not None else given.sequences[0].letters,
                "effects": entries,
                "notes": [
                    *asked.notes,
                    *(incomplete(given.molecule) if given.molecule is not None else []),
                    *found.notes,
                    *notes,
                ],
            }
            record = write_folder(
                target,
                record,
                known_rows(effect_rows(entries, "stability"), entries),
                structure=given.molecule,
                mutants=built,
                with_report=with_report,
                force=force,
                stages=stages,
            )
        from unfreeze.cli.predict_print import print_prediction

        print_prediction(record, output or Path(target.name), with_report, stages.seconds, as_json=as_json)
