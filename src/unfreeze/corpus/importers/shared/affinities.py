"""Measurements of binding as affinity labels: signs, units, bounds, and repeats under the same conditions merged.

ΔG = RT ln(Kd / 1 M) and ΔΔG = RT ln(Kd of the mutant / Kd of the wild type), of each pair as measured together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import numpy as np

from unfreeze.corpus.labels import AffinityLabel
from unfreeze.corpus.mutations import Mutation

__all__ = ["Affinity", "GAS_CONSTANT_kJ_mol_K", "Measurement", "affinity_labels"]

GAS_CONSTANT_kJ_mol_K = 8.31446261815324e-3
Relation = Literal["=", "<", ">", "none"]


@dataclass(frozen=True)
class Affinity:
    """One dissociation constant as it was reported.

    Attributes
    ----------
    constant_M
        None where there is no number.
    relation
        ``none`` for "no binding seen".
    note
        ``approximate``, or nothing.
    """

    constant_M: float | None
    relation: Relation = "="
    note: str = ""


@dataclass(frozen=True)
class Measurement:
    """A mutant and the wild type, measured together.

    Attributes
    ----------
    row
        Of the source, for the label.
    partners
        Chains of the two sides.
    mutations
        Sorted.
    mutant, wild_type
        Their dissociation constants.
    temperature_K
        None where it is not known.
    reference
        What the source calls the publication.
    method, notes
        In words.
    """

    row: str
    partners: tuple[str, str]
    mutations: tuple[Mutation, ...]
    mutant: Affinity
    wild_type: Affinity
    temperature_K: float | None = None
    reference: str = ""
    method: str = ""
    notes: tuple[str, ...] = ()


def affinity_labels(measurements: Iterable[Measurement], *, source: str, licence: str) -> tuple[AffinityLabel, ...]:
    """Labels of the wild types and the mutants of one structure.

    What has equal partners, mutations, temperature and relation is merged by the mean of ΔG; bounds are never averaged
    with values. A wild type that several rows of one publication repeat is one measurement.
    """
    known = list(measurements)
    wild = {
        (item.partners, _temperature_key(item), item.wild_type, item.reference, item.method): item for item in known
    }
    labels = []
    for (partners, _, relation), group in _grouped(wild.values(), lambda item: item.wild_type.relation):
        labels.append(_label(group, partners, (), relation, source, licence))
    by_mutant = sorted(known, key=lambda item: item.mutations)
    for mutations, same in groupby(by_mutant, key=lambda item: item.mutations):
        for (partners, _, relation), group in _grouped(same, lambda item: item.mutant.relation):
            labels.append(_label(group, partners, mutations, relation, source, licence))
    return tuple(labels)


def _temperature_key(item: Measurement) -> float:
    return -1.0 if item.temperature_K is None else item.temperature_K


def _grouped(
    items: Iterable[Measurement], relation
) -> list[tuple[tuple[tuple[str, str], float, Relation], list[Measurement]]]:
    def key(item: Measurement) -> tuple[tuple[str, str], float, Relation]:
        return item.partners, _temperature_key(item), relation(item)

    return [(place, list(group)) for place, group in groupby(sorted(items, key=key), key=key)]


def _label(
    group: Sequence[Measurement],
    partners: tuple[str, str],
    mutations: tuple[Mutation, ...],
    relation: Relation,
    source: str,
    licence: str,
) -> AffinityLabel:
    temperature = group[0].temperature_K
    is_mutant = bool(mutations)
    values = [item.mutant if is_mutant else item.wild_type for item in group]
    constants = [value.constant_M for value in values if value.constant_M is not None]
    rt = None if temperature is None else GAS_CONSTANT_kJ_mol_K * temperature
    free_energies = [] if rt is None else [rt * math.log(constant) for constant in constants]
    changes = [] if rt is None or not is_mutant else _changes(group, rt)
    spread_of = changes if is_mutant else free_energies
    notes = {note for item in group for note in item.notes} | {value.note for value in values if value.note}
    if is_mutant and rt is not None and relation != "none" and not changes:
        notes.add("the wild type is only bounded, so there is no change of free energy")
    rows = ",".join(item.row for item in group[:20]) + ("..." if len(group) > 20 else "")
    return AffinityLabel(
        source=f"{source}:{rows}",
        licence=licence,
        note="; ".join(sorted(notes)),
        partners=partners,
        mutations=tuple(map(str, mutations)),
        temperature_K=temperature,
        dissociation_constant_M=_geometric_mean(constants) if constants else None,
        relation=relation,
        delta_g_kJ_mol=_rounded(np.mean(free_energies)) if free_energies else None,
        delta_delta_g_kJ_mol=_rounded(np.mean(changes)) if changes else None,
        n_measurements=len(group),
        spread_kJ_mol=_rounded(np.std(spread_of, ddof=1)) if len(spread_of) > 1 else None,
        method=", ".join(sorted({item.method for item in group if item.method})),
    )


def _changes(group: Sequence[Measurement], rt: float) -> list[float]:
    """ΔΔG of every pair with two numbers, of which the wild type's is no bound."""
    return [
        rt * math.log(item.mutant.constant_M / item.wild_type.constant_M)
        for item in group
        if item.mutant.constant_M is not None
        and item.wild_type.constant_M is not None
        and item.wild_type.relation == "="
    ]


def _geometric_mean(values: Sequence[float]) -> float:
    return values[0] if len(set(values)) == 1 else float(f"{np.exp(np.mean(np.log(values))):.6g}")


def _rounded(value: float | np.floating) -> float:
    return round(float(value), 4)
