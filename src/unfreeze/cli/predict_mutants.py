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

__all__ = ["MOST_REASONS", "build_mutants", "explain_strongest", "read_request"]

MOST_REASONS = 20
"""So many listed mutations are built and explained; of more, the strongest."""


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
