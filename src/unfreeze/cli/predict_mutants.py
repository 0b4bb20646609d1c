"""Which mutations get reasons, and the structures of those mutants."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from unfreeze.corpus.mutations import Mutation
    from unfreeze.properties.effects import AffinityPrediction, MutationEffect, StabilityPrediction
    from unfreeze.properties.requests import MutableResidues, Requested
    from unfreeze.properties.requests.partners import Partners
    from unfreeze.structure.complex import Complex

    Prediction = TypeVar("Prediction", AffinityPrediction, StabilityPrediction)
    Wanted = tuple[tuple[Mutation, ...], ...]

__all__ = ["MOST_REASONS", "build_mutants", "explain_strongest", "incomplete", "read_request"]

MOST_REASONS = 20
"""So many listed mutations are built and explained; of more, the strongest."""

_MOST_NAMED = 6


def read_request(
    mutations: Sequence[str] | None,
    scan_of: str | None,
    to: str | None,
    residues: MutableResidues,
    partners: Partners | None = None,
) -> Requested:
    """What ``--mutations``, ``--scan`` and ``--to`` ask for together; nothing where neither is given.

    Raises
    ------
    InputError
        If they contradict each other, or cannot be answered.
    """
    from unfreeze.errors import InputError
    from unfreeze.properties.requests import Requested, amino_acids_of, read_mutations, scan

    if mutations and scan_of:
        raise InputError("--mutations and --scan: give one of them; a scan has all mutations of its residues already")
    if to is not None and scan_of is None:
        raise InputError(f"--to {to}: says to what a scan mutates; give --scan, or write mutations such as A:K15A")
    if mutations:
        return read_mutations(mutations, residues)
    if scan_of:
        return scan(scan_of, residues, partners=partners, to=amino_acids_of(to))
    return Requested(())


def incomplete(molecule: Complex, chains: Sequence[str] | None = None) -> list[str]:
    """What a person should know of atoms that are not in the structure, of some chains or of all."""
    import numpy as np

    names = [str(name) for name in molecule.chain_name] if chains is None else list(chains)
    mine = np.isin(molecule.chain_name[molecule.chain_index], names) & (molecule.residue_kind == "protein")
    advice = "what they touch is not seen, and numbers near them mean less; unfreeze prepare builds them"
    if mine.any() and np.median(np.diff(molecule.residue_start)[mine]) <= 1:
        return [f"The structure has one atom a residue, and no side chains: {advice}."]
    lacking = [text for text in molecule.source.missing_atoms if text.partition(":")[0] in names]
    if not lacking:
        return []
    shown = ", ".join(text.partition(" ")[0] for text in lacking[:_MOST_NAMED])
    more = f" and {len(lacking) - _MOST_NAMED} more" if len(lacking) > _MOST_NAMED else ""
    who = "residue lacks" if len(lacking) == 1 else "residues lack"
    return [f"{len(lacking):,} {who} heavy atoms ({shown}{more}): {advice}."]


def explain_strongest(
    predict: Callable[[Wanted, bool], Prediction], wanted: Wanted, *, reasons: bool
) -> tuple[Prediction, list[str]]:
    """Predict all, with reasons for so many as there is room for; and what a person should know of that."""
    if not reasons or len(wanted) <= MOST_REASONS:
        return predict(wanted, reasons), []
    found = predict(wanted, False)
    order = sorted(range(len(wanted)), key=lambda k: -abs(found.effects[k].delta_delta_g_kJ_mol))[:MOST_REASONS]
    strongest = predict(tuple(wanted[k] for k in order), True).effects
    effects = list(found.effects)
    for k, effect in zip(order, strongest, strict=True):
        effects[k] = effect
    note = f"Reasons are given for the {MOST_REASONS} strongest of {len(wanted):,} mutations."
    return replace(found, effects=tuple(effects)), [note]


def build_mutants(
    molecule: Complex, effects: Sequence[MutationEffect], entries: Sequence[dict[str, Any]]
) -> Mapping[str, Complex]:
    """Structures of the mutants that have reasons, by the names of their files; each is named in its entry too."""
    from unfreeze.properties.mutants import MutantBuilder

    built: dict[str, Complex] = {}
    builder: MutantBuilder | None = None
    for effect, entry in zip(effects, entries, strict=True):
        entry["structure"] = None
        if effect.reasons is None or len(built) == MOST_REASONS:
            continue
        stem = re.sub(r"[^A-Za-z0-9+-]", "_", entry["mutations"])[:80]
        name = f"{stem}.cif" if f"{stem}.cif" not in built else f"{stem}-{len(built) + 1}.cif"
        builder = builder or MutantBuilder(molecule)
        built[name] = builder.build(effect.mutations)
        entry["structure"] = f"mutants/{name}"
    return built
