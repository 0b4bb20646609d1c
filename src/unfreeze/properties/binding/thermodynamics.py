"""Temperature of a free energy of binding, where only its value at one temperature is known.

Gibbs and Helmholtz: with ΔH and ΔCp at T₀,

    ΔG(T) = ΔG(T₀) T/T₀ + ΔH (1 − T/T₀) + ΔCp [T − T₀ − T ln(T/T₀)].

ΔCp follows from the surface that is buried (Spolar & Record 1994, Science 263, 777); ΔH cannot be told from a
structure, so the mean over the complexes of SKEMPI 2 that have a calorimetric one is taken, and its spread widens the
error as the temperature moves away from T₀.
"""

from __future__ import annotations

import numpy as np

__all__ = ["ENTHALPY_KJ_MOL", "ENTHALPY_SPREAD_KJ_MOL", "REFERENCE_K", "at_temperature", "heat_capacity"]

REFERENCE_K = 298.15
ENTHALPY_KJ_MOL, ENTHALPY_SPREAD_KJ_MOL = -45.1, 43.7
"""Mean and standard deviation of ΔH of binding of 52 wild-type complexes of SKEMPI 2."""

# 0.32 and −0.14 cal/mol/K/Å² of apolar and polar surface that folding or binding removes; in kJ/mol/K/nm²
_APOLAR, _POLAR = -0.32 * 0.4184, 0.14 * 0.4184


def heat_capacity(apolar_nm2: float, polar_nm2: float) -> float:
    """ΔCp of binding, kJ/mol/K.

    Parameters
    ----------
    apolar_nm2, polar_nm2
        Surface of either kind that both partners together lose, nm².
    """
    return _APOLAR * apolar_nm2 + _POLAR * polar_nm2


def at_temperature(
    delta_g_kJ_mol: float,
    error_kJ_mol: float,
    temperature_K: float,
    heat_capacity_kJ_mol_K: float,
    *,
    from_K: float = REFERENCE_K,
) -> tuple[float, float]:
    """ΔG and its error at another temperature, kJ/mol.

    Parameters
    ----------
    delta_g_kJ_mol, error_kJ_mol
        At `from_K`.
    temperature_K
        The temperature wanted.
    heat_capacity_kJ_mol_K
        ΔCp of binding.
    from_K
        Temperature of what is given.
    """
    ratio = temperature_K / from_K
    # ΔH is known at the reference temperature
    enthalpy = ENTHALPY_KJ_MOL + heat_capacity_kJ_mol_K * (from_K - REFERENCE_K)
    curvature = temperature_K - from_K - temperature_K * np.log(ratio)
    value = delta_g_kJ_mol * ratio + enthalpy * (1.0 - ratio) + heat_capacity_kJ_mol_K * curvature
    return float(value), float(np.hypot(error_kJ_mol * ratio, ENTHALPY_SPREAD_KJ_MOL * (1.0 - ratio)))
