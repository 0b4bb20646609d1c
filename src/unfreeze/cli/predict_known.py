"""`--known` and `--known-kd`: measured values as an input of `unfreeze predict`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from unfreeze.errors import InputError

if TYPE_CHECKING:
    from unfreeze.corpus.mutations import Mutation
    from unfreeze.properties.effects import AffinityPrediction, StabilityPrediction
    from unfreeze.properties.known import KnownValues, Told
    from unfreeze.properties.requests import MutableResidues
    from unfreeze.structure.complex import Complex

    Prediction = TypeVar("Prediction", AffinityPrediction, StabilityPrediction)
    Wanted = tuple[tuple[Mutation, ...], ...]

__all__ = ["WithKnown", "add_known", "explain_with_known", "known_rows", "read_known_values"]


@dataclass(frozen=True)
class WithKnown:
    """What measured values changed.

    Attributes
    ----------
    told
        Of everything that is asked for, in that order.
    n_asked
        How many effects were asked for; measured mutants that were not come after them.
    """

    told: Told
    n_asked: int


def read_known_values(
    table: Path | None,
    constant: str | None,
    task: Literal["affinity", "stability"],
    residues: MutableResidues,
    temperature_K: float = 298.15,
) -> KnownValues | None:
    """What was given on the command line; None for nothing.

    Raises
    ------
    InputError
        If it cannot be read or used, or the wild type is given twice.
    """
    from unfreeze.properties.known import KnownValues, parse_constant, read_known

    found = read_known(table, task, residues, temperature_K=temperature_K) if table is not None else None
    if constant is None:
        return found
    wild = parse_constant(constant, temperature_K)
    if found is None:
        return KnownValues((wild,), "--known-kd")
    for one in found.values:
        if not one.mutations and one.kind == "dg":
            raise InputError(f"--known-kd {constant}: {one.where} gives the wild type too; leave one of them out")
    return KnownValues((*found.values, wild), found.source)


def explain_with_known(
    predict: Callable[[Wanted, bool], Prediction],
    wanted: Wanted,
    known: KnownValues | None,
    source: Complex | str,
    task: Literal["affinity", "stability"],
    *,
    reasons: bool,
) -> tuple[Prediction, list[str], WithKnown | None]:
    """Predict all with the measured values, with reasons for so many as there is room for, and what to know of it."""
    from unfreeze.cli.predict_mutants import MOST_REASONS, explain_strongest

    if known is None:
        return *explain_strongest(predict, wanted, reasons=reasons), None
    from unfreeze.properties.known import tell
    from unfreeze.properties.known.updating import Wild

    every = {tuple(sorted(together)): together for together in (*known.mutants, *wanted)}
    asked = [tuple(sorted(together)) for together in wanted] or [tuple(sorted(one)) for one in known.mutants]
    order = [*asked, *(key for key in every if key not in set(asked))]
    found = predict(tuple(every[key] for key in order), False)
    value, error = getattr(found, "delta_g_kJ_mol", None), getattr(found, "error_kJ_mol", None)
    wild = Wild(value, error) if value is not None and error is not None else None
    told = tell(found.effects, known, source, task, wild=wild)
    effects = list(told.effects[: len(asked)])
    notes = list(told.notes)
    if reasons:
        strongest = sorted(range(len(asked)), key=lambda k: -abs(effects[k].delta_delta_g_kJ_mol))[:MOST_REASONS]
        explained = predict(tuple(effects[k].mutations for k in strongest), True).effects
        for k, one in zip(strongest, explained, strict=True):
            effects[k] = replace(effects[k], reasons=one.reasons)
        if len(asked) > MOST_REASONS:
            notes.append(f"Reasons are given for the {MOST_REASONS} strongest of {len(asked):,} mutations.")
    changes: dict[str, Any] = {"effects": tuple(effects)}
    if told.wild is not None and task == "affinity":
        changes |= {"delta_g_kJ_mol": told.wild[0], "error_kJ_mol": told.wild[1]}
        if any(one.kind == "dg" and not one.mutations for one in known.values):
            changes["outside"] = ""
    return replace(found, **changes), notes, WithKnown(told, len(asked))


def add_known(
    entries: Sequence[dict[str, Any]],
    with_known: WithKnown | None,
    source: str | None,
    task: Literal["affinity", "stability"],
    temperature_K: float = 298.15,
) -> dict[str, Any]:
    """Say in every entry what the model alone said and what was measured; what the record says of it as a whole."""
    if with_known is None:
        return {}
    from unfreeze.properties.wording import dissociation_constant_M

    told = with_known.told
    measured = {(tuple(sorted(one.mutations)), one.kind): one for one in told.given}
    for k, entry in enumerate(entries):
        key, alone = tuple(sorted(told.effects[k].mutations)), told.alone[k]
        entry["model_alone_kJ_mol"], entry["model_alone_error_kJ_mol"] = alone.delta_delta_g_kJ_mol, alone.error_kJ_mol
        given = {kind: measured.get((key, kind)) for kind in ("ddg", "dg", "dtm", "tm")}
        entry["measured_kJ_mol"] = _change(given["ddg"], given["dg"], told.wild)
        if task == "stability":
            entry["model_alone_K"], entry["model_alone_error_K"] = alone.delta_tm_K, alone.error_tm_K
            entry["measured_K"] = _change(given["dtm"], given["tm"], told.wild)
        if told.wild is not None:
            error = float(told.absolute_error[k])
            if task == "affinity":
                value = told.wild[0] + entry["delta_delta_g_kJ_mol"]
                entry["delta_g_kJ_mol"], entry["delta_g_error_kJ_mol"] = value, error
                entry["dissociation_constant_M"] = dissociation_constant_M(value, temperature_K)
            elif entry["delta_tm_K"] is not None:
                entry["tm_K"], entry["tm_error_K"] = told.wild[0] + entry["delta_tm_K"], error
    return {"known": _summary(with_known, source)}


def known_rows(rows: Sequence[dict[str, Any]], entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The table with columns of what was measured after those that are always there."""
    keys = ("measured_kJ_mol", "model_alone_kJ_mol", "model_alone_error_kJ_mol", "measured_K", "model_alone_K",
            "model_alone_error_K", "delta_g_kJ_mol", "delta_g_error_kJ_mol", "dissociation_constant_M", "tm_K",
            "tm_error_K")  # fmt: skip
    found = []
    for row, entry in zip(rows, entries, strict=True):
        more = {key: "" if entry[key] is None else entry[key] for key in keys if key in entry}
        if "dissociation_constant_M" in more:
            more["dissociation_constant_M"] = f"{entry['dissociation_constant_M']:.3g}"
        found.append({**row, **more})
    return found


def _change(change: Any, own: Any, wild: tuple[float, float] | None) -> float | None:
    """A measured change, or what a measured mutant differs by from the wild type."""
    if change is not None:
        return change.value
    return own.value - wild[0] if own is not None and wild is not None else None


def _summary(with_known: WithKnown, source: str | None) -> dict[str, Any]:
    told = with_known.told
    mutants = [one for one in told.given if one.mutations]
    moved = [
        abs(after.delta_delta_g_kJ_mol - before.delta_delta_g_kJ_mol)
        for after, before in zip(told.effects[: with_known.n_asked], told.alone, strict=False)
    ]
    return {
        "source": source,
        "n_values": len(told.given),
        "values": [
            {
                "mutations": "+".join(map(str, one.mutations)) or "WT",
                "kind": one.kind,
                "unit": "K" if one.kind in ("dtm", "tm") else "kJ/mol",
                "measured": one.value,
                "error": one.error,
                "model_alone": one.model_alone,
                "from_the_others": one.others,
                "where": one.where,
            }
            for one in told.given
        ],
        "left_out_in_turn": {
            kind: {
                "n": len(some),
                "rms_model_alone": _rms([one.value - one.model_alone for one in some]),
                "rms_from_the_others": _rms([one.value - one.others for one in some]),
            }
            for kind in ("ddg", "dg", "dtm", "tm")
            if len(some := [one for one in mutants if one.kind == kind]) >= 3
        },
        "scale_of_errors": told.scale,
        "mean_move_kJ_mol": sum(moved) / len(moved) if moved else 0.0,
        "largest_move_kJ_mol": max(moved, default=0.0),
        "wild_type": list(told.wild) if told.wild is not None else None,
    }


def _rms(values: Sequence[float]) -> float:
    return float((sum(one * one for one in values) / len(values)) ** 0.5)
