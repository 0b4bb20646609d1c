"""What a number with an error allows one to say of a mutation, in words that do not change from page to page.

A direction is said plainly when zero is outside the interval of 95 %, *probably* when the direction is right with a
probability of 80 % or more; that there is little effect is said likewise. The error is taken as normal with the
calibrated standard deviation.
"""

from __future__ import annotations

import math
from typing import Literal

__all__ = ["LARGE_KJ_MOL", "SMALL_KJ_MOL", "Task", "dissociation_constant_M", "effect_words", "interval_95"]

Task = Literal["affinity", "stability"]

LARGE_KJ_MOL = 8.368
"""2 kcal/mol: from here an effect is strong (a hot spot, where it is of binding)."""
SMALL_KJ_MOL = 4.184
"""1 kcal/mol: when the whole interval is within it, the effect is small."""

_SURE, _LIKELY = 0.975, 0.8
_WITHIN_95 = 1.959964
_GAS_CONSTANT_KJ_MOL_K = 8.314462618e-3
_VERBS = {"affinity": ("weakens", "strengthens"), "stability": ("stabilises", "destabilises")}  # positive, negative


def effect_words(value_kJ_mol: float, error_kJ_mol: float, task: Task) -> str:
    """Say ``strongly weakens``, ``probably destabilises``, ``probably little effect`` or ``unclear``.

    Parameters
    ----------
    value_kJ_mol
        ΔΔG with the sign of the task: positive weakens a binding; negative destabilises a fold.
    error_kJ_mol
        Standard deviation of its error.
    task
        Whose sign and whose words.
    """
    size = abs(value_kJ_mol)
    verb = _VERBS[task][0 if value_kJ_mol > 0.0 else 1]
    if size + _WITHIN_95 * error_kJ_mol <= SMALL_KJ_MOL:
        return "little effect"
    sure = 0.5 * (1.0 + math.erf(size / (math.sqrt(2.0) * max(error_kJ_mol, 1e-9))))
    if sure >= _SURE:
        return f"strongly {verb}" if size >= LARGE_KJ_MOL else verb
    little = 0.5 * sum(
        math.erf((SMALL_KJ_MOL + side * size) / (math.sqrt(2.0) * max(error_kJ_mol, 1e-9))) for side in (-1, 1)
    )
    if max(sure, little) < _LIKELY:
        return "unclear"
    return f"probably {verb}" if sure >= little else "probably little effect"


def interval_95(value: float, error: float) -> tuple[float, float]:
    """The interval that holds the truth with a probability of 95 %."""
    return value - _WITHIN_95 * error, value + _WITHIN_95 * error


def dissociation_constant_M(delta_g_kJ_mol: float, temperature_K: float) -> float:
    """Dissociation constant in mol/L of a free energy of binding: exp(ΔG / RT) at 1 mol/L."""
    return math.exp(min(delta_g_kJ_mol / (_GAS_CONSTANT_KJ_MOL_K * temperature_K), 100.0))
