"""Effects as they are told when values were measured: what the model said, what was given, and what is said now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from unfreeze.corpus.mutations import Mutation
from unfreeze.properties.effects import MutationEffect
from unfreeze.properties.known.likeness import Floats, Likeness, Rows, load_likeness
from unfreeze.properties.known.reading import KnownValues
from unfreeze.properties.known.side_chains import side_chain_points
from unfreeze.properties.known.updating import Measurements, Wild, left_out_in_turn, update
from unfreeze.structure.complex import Complex

__all__ = ["GivenValue", "Told", "UnknownWild", "tell"]

UnknownWild = {"affinity": Wild(-45.0, 15.0), "melting": Wild(335.0, 25.0)}
"""A wild type of which nothing is known: kJ/mol, K."""
_QUANTITY = {"ddg": 0, "dg": 0, "dtm": 1, "tm": 1}
_LEAST_FOR_SIGN, _SIGN_CLEAR = 4, 6.0
_FAR_OFF = 3.0


@dataclass(frozen=True)
class GivenValue:
    """A measured value beside what is said without it.

    Attributes
    ----------
    mutations
        Empty for the wild type.
    kind
        ``ddg``, ``dtm``, ``dg`` or ``tm``.
    value, error
        As measured, and its standard deviation, told or taken; kJ/mol or K.
    model_alone
        What the model says of it.
    others
        What is said from the model and all other measured values.
    where
        File and row.
    """

    mutations: tuple[Mutation, ...]
    kind: str
    value: float
    error: float
    model_alone: float
    others: float
    where: str


@dataclass(frozen=True)
class Told:
    """What is said with measured values.

    Attributes
    ----------
    effects
        In the order of those given.
    alone
        The same without measured values.
    given
        What was measured.
    wild
        Free energy of binding, or melting temperature, of the wild type and its error; None where nothing absolute was
        measured.
    absolute_error
        Of wild type + change, by effect; NaN where there is none.
    scale
        How much larger the errors of the model are here than elsewhere.
    notes
        What a person should read.
    """

    effects: tuple[MutationEffect, ...]
    alone: tuple[MutationEffect, ...]
    given: tuple[GivenValue, ...]
    wild: tuple[float, float] | None
    absolute_error: Floats
    scale: float
    notes: tuple[str, ...]


def tell(
    effects: Sequence[MutationEffect],
    known: KnownValues,
    source: Complex | str,
    task: Literal["affinity", "stability"],
    *,
    wild: Wild | None = None,
    likeness: Likeness | None = None,
) -> Told:
    """Effects with measured values.

    Parameters
    ----------
    effects
        Predicted, of everything that is asked for or was measured.
    known
        What was measured.
    source
        The structure, or the sequence.
    task
        ``affinity`` or ``stability``.
    wild
        What is predicted of the wild type's free energy of binding.
    likeness
        How errors go together; what is shipped when None.
    """
    of = likeness or load_likeness(task)
    rows = _rows(effects, source, with_tm=task == "stability")
    measured = _measurements(effects, known, of, melting_from=len(effects))
    absolute = [one for one in known.values if one.kind in ("dg", "tm")]
    thought: list[Wild | None] = [None, None]
    if absolute:
        thought = [wild or UnknownWild["affinity"], None] if task == "affinity" else [None, UnknownWild["melting"]]
    found = update(rows, measured, of, thought)
    n = len(effects)
    melting = slice(n, 2 * n)
    given_rows = {int(row) % n for row in measured.row if row >= 0}
    told = []
    for k, effect in enumerate(effects):
        changes: dict[str, Any] = {"delta_delta_g_kJ_mol": float(found.value[k]), "error_kJ_mol": float(found.error[k])}
        if task == "stability" and effect.delta_tm_K is not None:
            changes |= {"delta_tm_K": float(found.value[n + k]), "error_tm_K": float(found.error[n + k])}
        if k in given_rows:
            changes["outside"] = ""
        told.append(replace(effect, **changes))
    lasting = [one for one in found.wild if one is not None] if absolute else []
    own = found.absolute_error[melting] if task == "stability" else found.absolute_error[:n]
    given = _given(known, rows, measured, of, thought)
    return Told(
        tuple(told),
        tuple(effects),
        given,
        lasting[0] if lasting else None,
        own if len(own) else np.full(n, np.nan),
        found.scale,
        (*_sign_note(rows, measured, of, thought, task), *_far_off(given, of)),
    )


def _rows(effects: Sequence[MutationEffect], source: Complex | str, *, with_tm: bool) -> Rows:
    """Rows of ΔΔG, and after them of ΔTm."""
    points = side_chain_points(source, [one for effect in effects for one in effect.mutations])
    mutations = tuple(effect.mutations for effect in effects)
    value = np.array([effect.delta_delta_g_kJ_mol for effect in effects])
    error = np.array([effect.error_kJ_mol for effect in effects])
    if not with_tm:
        return Rows(mutations, value, error, points, np.zeros(len(effects), dtype=np.int64))
    warm = np.array([effect.delta_tm_K or 0.0 for effect in effects])
    warm_error = np.array([effect.error_tm_K or 1.0 for effect in effects])
    return Rows(
        mutations * 2,
        np.concatenate([value, warm]),
        np.concatenate([error, warm_error]),
        np.concatenate([points, points]),
        np.repeat(np.arange(2), len(effects)),
    )


def _measurements(
    effects: Sequence[MutationEffect], known: KnownValues, of: Likeness, *, melting_from: int
) -> Measurements:
    place = {tuple(sorted(effect.mutations)): k for k, effect in enumerate(effects)}
    quantity = np.array([_QUANTITY[one.kind] for one in known.values], dtype=np.int64)
    own = np.array([place[tuple(sorted(one.mutations))] if one.mutations else -1 for one in known.values])
    absolute = np.array([one.kind in ("dg", "tm") for one in known.values], dtype=bool)
    usual = np.where(quantity == 0, of.noise, of.noise_K)
    usual = np.where(absolute, usual / np.sqrt(2.0), usual)  # a change is the difference of two measurements
    told = [one.error for one in known.values]
    return Measurements(
        np.where((quantity == 1) & (own >= 0), own + melting_from, own).astype(np.int64),
        quantity,
        np.array([one.value for one in known.values]),
        np.array([usual[k] if one is None else one for k, one in enumerate(told)]),
        absolute,
    )


def _given(
    known: KnownValues, rows: Rows, measured: Measurements, of: Likeness, wild: Sequence[Wild | None]
) -> tuple[GivenValue, ...]:
    off = left_out_in_turn(rows, measured, of, wild)
    found = []
    for k, one in enumerate(known.values):
        alone = float(rows.value[measured.row[k]]) if measured.row[k] >= 0 else 0.0
        start = wild[int(measured.quantity[k])]
        if measured.absolute[k] and start is not None:
            alone += start.value
        found.append(
            GivenValue(
                one.mutations,
                one.kind,
                one.value,
                float(measured.error[k]),
                alone,
                one.value - float(off[k]),
                one.where,
            )
        )
    return tuple(found)


def _sign_note(
    rows: Rows, measured: Measurements, of: Likeness, wild: Sequence[Wild | None], task: str
) -> tuple[str, ...]:
    """A note where changes with the other sign would go far better with what is predicted."""
    changes = ~measured.absolute
    if changes.sum() < _LEAST_FOR_SIGN:
        return ()
    own = Measurements(
        measured.row[changes], measured.quantity[changes], measured.value[changes], measured.error[changes],
        measured.absolute[changes],
    )  # fmt: skip
    turned = replace(own, value=-own.value)
    off, other = (left_out_in_turn(rows, one, of, wild) / rows.error[one.row] for one in (own, turned))
    if 0.5 * float(off @ off - other @ other) < _SIGN_CLEAR:
        return ()
    meaning = "positive weakens the binding" if task == "affinity" else "negative destabilises the fold"
    return (
        f"The measured changes would go far better with the predictions if they had the other sign; here {meaning}. "
        f"Check the sign of the table.",
    )


def _far_off(given: Sequence[GivenValue], of: Likeness) -> tuple[str, ...]:
    """A note on values that go with nothing else."""
    off = np.array([abs(one.value - one.others) for one in given if one.mutations])
    if len(off) < _LEAST_FOR_SIGN:
        return ()
    usual = max(float(np.median(off)) / 0.6745, of.noise)
    names = ["+".join(map(str, one.mutations)) for one in given
             if one.mutations and abs(one.value - one.others) > _FAR_OFF * usual]  # fmt: skip
    if not names:
        return ()
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return (
        f"Measured values that agree with neither the model nor the other measured ones; worth a second look: {shown}.",
    )
