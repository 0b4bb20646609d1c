"""Temperatures for replica exchange: how many, and where, so that neighbours exchange often enough.

A system of constant heat capacity exchanges equally often along a geometric ladder; how often then follows exactly
from the heat capacity. Where a measured ladder is uneven, its temperatures are spaced anew.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import root_scalar
from scipy.special import betainc

from unfreeze.errors import InputError

__all__ = [
    "BOLTZMANN_kJ_mol_K",
    "acceptance_of",
    "even_ladder",
    "expected_heat_capacity",
    "geometric_ladder",
    "ladder_for_acceptance",
    "measured_heat_capacity",
    "predicted_acceptance",
]

BOLTZMANN_kJ_mol_K = 8.31446261815324e-3
"""Gas constant, CODATA 2018."""
WATER_kJ_mol_K = {"tip3p": 0.052, "opc": 0.068}
"""Potential heat capacity of a water molecule at constant volume: boxes of 130 at 300 and 340 K, ± 0.003 and 0.005."""
_MOST_REPLICAS = 512


def geometric_ladder(lowest_K: float, highest_K: float, n_temperatures: int) -> tuple[float, ...]:
    """Temperatures in equal ratios, ascending, the first and the last exactly as given.

    Raises
    ------
    InputError
        If there are fewer than two, or they do not ascend.
    """
    if n_temperatures < 2:
        raise InputError(f"replica exchange needs two temperatures or more, not {n_temperatures}")
    if not 0 < lowest_K < highest_K or not math.isfinite(highest_K):
        raise InputError(f"temperatures must ascend from above 0 K: {lowest_K:g} to {highest_K:g} K do not")
    inner = np.geomspace(lowest_K, highest_K, n_temperatures)[1:-1]
    return (float(lowest_K), *(float(temperature) for temperature in inner), float(highest_K))


def predicted_acceptance(cold_K: float, hot_K: float, heat_capacity_kJ_mol_K: float) -> float:
    """How often two neighbours exchange, if the potential heat capacity between their temperatures is constant.

    The potential energy then follows a gamma distribution of shape C/k and scale kT. An exchange is accepted with
    twice the probability that the cold replica has the higher energy, which is an incomplete beta function
    (Kofke 2002, doi:10.1063/1.1507776).

    Parameters
    ----------
    cold_K, hot_K
        The two temperatures.
    heat_capacity_kJ_mol_K
        dU/dT of the potential energy U.
    """
    shape = heat_capacity_kJ_mol_K / BOLTZMANN_kJ_mol_K
    if shape <= 0:
        return 1.0
    cold_K, hot_K = sorted((cold_K, hot_K))
    return float(min(1.0, 2 * betainc(shape, shape, cold_K / (cold_K + hot_K))))


def ladder_for_acceptance(
    lowest_K: float, highest_K: float, acceptance: float, heat_capacity_kJ_mol_K: float
) -> tuple[float, ...]:
    """The shortest geometric ladder on which neighbours are predicted to exchange at least so often.

    Parameters
    ----------
    lowest_K, highest_K
        Its ends.
    acceptance
        Wanted share of accepted exchanges, between 0 and 1; 0.2 to 0.4 is usual.
    heat_capacity_kJ_mol_K
        dU/dT of the potential energy: :func:`measured_heat_capacity` or :func:`expected_heat_capacity`.

    Raises
    ------
    InputError
        If the acceptance is not between 0 and 1, or more than 512 replicas would be needed.
    """
    if not 0 < acceptance < 1:
        raise InputError(f"the share of accepted exchanges must lie between 0 and 1, not {acceptance:g}")
    geometric_ladder(lowest_K, highest_K, 2)  # checks the ends
    whole = math.log(highest_K / lowest_K)

    def missing(log_ratio: float) -> float:
        return predicted_acceptance(1.0, math.exp(log_ratio), heat_capacity_kJ_mol_K) - acceptance

    n_gaps = 1 if missing(whole) >= 0 else math.ceil(whole / root_scalar(missing, bracket=(0.0, whole)).root - 1e-9)
    if n_gaps >= _MOST_REPLICAS:
        raise InputError(
            f"{n_gaps + 1} replicas would be needed from {lowest_K:g} to {highest_K:g} K for exchanges of "
            f"{100 * acceptance:g} %; lower the highest temperature, or simulate without explicit water"
        )
    return geometric_ladder(lowest_K, highest_K, n_gaps + 1)


def even_ladder(temperatures_K: Sequence[float], acceptance: ArrayLike) -> tuple[float, ...]:
    """As many temperatures between the same ends, spaced anew for equal acceptance.

    The heat capacity of every gap follows from its measured acceptance and is taken as constant within it; equal
    acceptance is then equal spacing in the integral of the root of the heat capacity over ln T.

    Parameters
    ----------
    temperatures_K : [n]
        The ladder that was run.
    acceptance : [n - 1]
        Measured between neighbours, each between 0 and 1.

    Raises
    ------
    InputError
        If an acceptance is 0 or 1, from which no heat capacity follows.
    """
    temperatures = np.asarray(temperatures_K, dtype=np.float64)
    shares = np.asarray(acceptance, dtype=np.float64)
    if shares.shape != (len(temperatures) - 1,):
        raise ValueError(f"{len(temperatures)} temperatures have {len(temperatures) - 1} gaps, not {shares.shape}")
    roots = np.empty(len(shares))
    for gap, share in enumerate(shares):
        cold, hot = temperatures[gap], temperatures[gap + 1]
        if not 0 < share < 1:
            raise InputError(
                f"{cold:g} to {hot:g} K: measured acceptance of {share:g}; run for longer, or take a ladder with "
                f"{'more' if share <= 0 else 'fewer'} temperatures"
            )
        roots[gap] = math.sqrt(_shape_for(share, cold, hot))
    logs = np.log(temperatures)
    length = np.concatenate([[0.0], np.cumsum(roots * np.diff(logs))])
    inner = np.exp(np.interp(np.linspace(0, length[-1], len(temperatures)), length, logs))[1:-1]
    return (float(temperatures[0]), *(float(temperature) for temperature in inner), float(temperatures[-1]))


def measured_heat_capacity(potential_kJ_mol: ArrayLike, temperature_K: float) -> float:
    """Heat capacity from the variance of the potential energy of one simulation, kJ/mol/K: Var(U) / kT²."""
    return float(np.var(np.asarray(potential_kJ_mol), ddof=1) / (BOLTZMANN_kJ_mol_K * temperature_K**2))


def expected_heat_capacity(n_degrees_of_freedom: int, n_waters: int = 0, water: str = "tip3p") -> float:
    """Potential heat capacity of a system before anything was run, kJ/mol/K.

    Every degree of freedom that is not held by a constraint counts k/2, as a harmonic one does; water has a value of
    its own. For alanine dipeptide in generalised Born solvent that is 0.22, where 0.19 to 0.20 is measured: a ladder
    made from it has slightly more acceptance than asked for.

    Parameters
    ----------
    n_degrees_of_freedom
        Of the whole system, constraints taken off; rigid water has six a molecule.
    n_waters
        Water molecules among them.
    water
        Model of water; one that was not measured counts as TIP3P.
    """
    rest = n_degrees_of_freedom - 6 * n_waters
    each = WATER_kJ_mol_K.get(water, WATER_kJ_mol_K["tip3p"])
    return 0.5 * BOLTZMANN_kJ_mol_K * rest + each * n_waters


def acceptance_of(potential_kJ_mol: NDArray[np.float64], temperatures_K: Sequence[float]) -> NDArray[np.float64]:
    """Mean Metropolis probability between neighbours, from energies by temperature: [n_states - 1].

    Parameters
    ----------
    potential_kJ_mol : [n_frames, n_states]
        Potential energies.
    temperatures_K
        The ladder.
    """
    beta = 1 / (BOLTZMANN_kJ_mol_K * np.asarray(temperatures_K))
    exponent = (beta[:-1] - beta[1:]) * (potential_kJ_mol[:, :-1] - potential_kJ_mol[:, 1:])
    return np.exp(np.minimum(exponent, 0.0)).mean(axis=0)


def _shape_for(acceptance: float, cold_K: float, hot_K: float) -> float:
    """C/k for which two temperatures exchange so often."""

    def missing(log_shape: float) -> float:
        return predicted_acceptance(cold_K, hot_K, BOLTZMANN_kJ_mol_K * math.exp(log_shape)) - acceptance

    return math.exp(root_scalar(missing, bracket=(-12.0, 30.0)).root)
