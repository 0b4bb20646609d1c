"""`unfreeze predict affinity`: how strongly two partners bind, and what mutations do to that."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unfreeze.cli import predict_options as options
from unfreeze.cli.errors import ErrorReporter
from unfreeze.cli.options import parse_chains, parse_temperature
from unfreeze.cli.progress import Stages
from unfreeze.errors import InputError

if TYPE_CHECKING:
    from unfreeze.properties.effects import AffinityPrediction
    from unfreeze.properties.requests.partners import Partners
    from unfreeze.structure.complex import Complex

__all__ = ["affinity"]


def affinity(
    context: typer.Context,
    structure: Annotated[str, typer.Argument(metavar="INPUT", help="A complex: PDB or mmCIF (also .gz), or a PDB id.")],
    between: Annotated[
        str | None,
        typer.Option(metavar="A:B", help="The partners, such as A:B or HL:A.", show_default="the two chains, if two"),
    ] = None,
    mutations: options.Mutations = None,
    scan: options.Scan = None,
    to: options.To = None,
    known: options.Known = None,
    known_kd: Annotated[
        str | None,
        typer.Option(metavar="KD", help="Measured affinity of the wild type: 3.2nM, or -45kJ/mol.", show_default=False),
    ] = None,
    temperature: Annotated[float, typer.Option(metavar="K", help="Temperature of the free energy, in K.")] = 298.15,
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
    """Predict the free energy of binding of two partners, and how mutations change it (positive: they weaken it)."""
    with ErrorReporter(debug=context.obj["debug"], smaller="Scan fewer residues (--scan chain:A, --to ALA)."):
        chosen_chains, temperature_K = parse_chains(chains), parse_temperature(temperature)
        from unfreeze.cli.predict_folder import check_target, write_folder
        from unfreeze.cli.predict_inputs import read_input, stem_of
        from unfreeze.cli.predict_known import add_known, explain_with_known, known_rows, read_known_values
        from unfreeze.cli.predict_language import effects_with_language, language_entry

        target = (output or Path(f"{stem_of(structure)}-affinity")).absolute()
        check_target(target, force=force)
        with Stages(show=not as_json) as stages:
            stages("Reading")
            given = read_input(structure, chains=chosen_chains, assembly=assembly, model=model_number)
            if given.molecule is None:
                raise InputError(f"{structure[:60]}: affinity needs the structure of a complex; a sequence will not do")
            from unfreeze.cli.predict_mutants import build_mutants, incomplete, read_request
            from unfreeze.properties.affinity import predict_affinity
            from unfreeze.properties.requests import MutableResidues, find_partners

            molecule = given.molecule
            chosen = effects_with_language(model, language_model)
            partners = find_partners(molecule, between)
            residues = MutableResidues.of_structure(molecule)
            asked = read_request(mutations, scan, to, residues, partners)
            _check_sides(asked.mutations, partners)
            values = read_known_values(known, known_kd, "affinity", residues, temperature_K)
            _check_sides(values.mutants if values is not None else (), partners)
            wild = [one.value for one in values.values if not one.mutations and one.kind == "dg"] if values else []
            found, notes, with_known = explain_with_known(
                lambda wanted, why: predict_affinity(
                    molecule,
                    partners.names,
                    wanted,
                    temperature_K=temperature_K,
                    measured_delta_g_kJ_mol=sum(wild) / len(wild) if wild else None,
                    model=chosen,
                    with_reasons=why,
                    progress=stages,
                ),
                asked.mutations,
                values,
                molecule,
                "affinity",
                reasons=reasons and bool(mutations),
            )
            from unfreeze.cli.predict_record import begin_record, effect_entry, effect_rows, effect_weights

            entries = [effect_entry(effect, "affinity") for effect in found.effects]
            built = build_mutants(molecule, found.effects, entries)
            given_values = add_known(entries, with_known, values and values.source, "affinity", temperature_K)
            record = begin_record("affinity", given.about, effect_weights("affinity", model, mutated=bool(entries))) | {
                "request": {"between": str(partners), "mutations": mutations, "scan": scan, "to": to}
                | ({"known": known and str(known), "known_kd": known_kd} if values is not None else {}),
                "conditions": {"temperature_K": temperature_K},
                **language_entry(chosen),
                "interface": _interface(molecule, partners),
                "affinity": _affinity(found),
                **given_values,
                "effects": entries,
                "notes": [
                    *asked.notes,
                    *_left_out(molecule, partners),
                    *incomplete(molecule, partners.chains),
                    *found.notes,
                    *notes,
                ],
            }
            record = write_folder(
                target,
                record,
                known_rows(effect_rows(entries, "affinity"), entries) or _only_binding(record["affinity"]),
                structure=molecule,
                mutants=built,
                with_report=with_report,
                force=force,
                stages=stages,
            )
        from unfreeze.cli.predict_print import print_prediction

        print_prediction(record, output or Path(target.name), with_report, stages.seconds, as_json=as_json)


def _check_sides(mutations: Any, partners: Partners) -> None:
    """Refuse mutations of chains that do not take part in the binding."""
    for together in mutations:
        for mutation in together:
            if mutation.chain not in partners.chains:
                raise InputError(
                    f"{mutation}: chain {mutation.chain} is of neither partner ({partners}); add it to --between, or "
                    f"leave the mutation out"
                )


def _interface(molecule: Complex, partners: Partners) -> dict[str, Any]:
    rows = sorted(partners.interface)
    sides = [[molecule.residue_label(row) for row in rows if _chain(molecule, row) in side]
             for side in (partners.first, partners.second)]  # fmt: skip
    return {"cutoff_nm": partners.cutoff_nm, "first": sides[0], "second": sides[1]}


def _chain(molecule: Complex, row: int) -> str:
    return str(molecule.chain_name[molecule.chain_index[row]])


def _left_out(molecule: Complex, partners: Partners) -> list[str]:
    others = [str(name) for name in molecule.chain_name if name not in partners.chains]
    if not others:
        return []
    names = ", ".join(others[:12]) + (" …" if len(others) > 12 else "")
    return [f"Of neither partner, and no part of the binding that is asked about: chain {names}."]


def _affinity(found: AffinityPrediction) -> dict[str, Any]:
    from unfreeze.properties.wording import dissociation_constant_M, interval_95

    value, error = found.delta_g_kJ_mol, found.error_kJ_mol
    known: dict[str, Any] = {
        "partners": list(found.partners),
        "delta_g_kJ_mol": value,
        "error_kJ_mol": error,
        "temperature_K": found.temperature_K,
        "outside": found.outside,
    }
    if value is not None:
        known["dissociation_constant_M"] = dissociation_constant_M(value, found.temperature_K)
    if value is not None and error is not None:
        ends = interval_95(value, error)
        known["low_95_kJ_mol"], known["high_95_kJ_mol"] = ends
        known["dissociation_constant_95_M"] = [dissociation_constant_M(end, found.temperature_K) for end in ends]
    return known


def _only_binding(known: dict[str, Any]) -> list[dict[str, Any]]:
    """The table where no mutation was asked for."""
    keys = ("delta_g_kJ_mol", "error_kJ_mol", "low_95_kJ_mol", "high_95_kJ_mol", "dissociation_constant_M")
    cells = {key: known.get(key) for key in keys}
    constant = cells["dissociation_constant_M"]
    cells["dissociation_constant_M"] = None if constant is None else f"{constant:.3g}"
    return [{"partners": ":".join(known["partners"]), **cells, "outside": known["outside"]}]
