"""How much a correlated series says about its mean: statistical inefficiency, effective sample size, block averages.

Plain functions of one series of numbers at equal intervals. Nothing here knows molecules.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BlockAverage",
    "block_average",
    "effective_sample_size",
    "equilibration_start",
    "langevin_inefficiency",
    "statistical_inefficiency",
]

_SHORTEST_LAG = 3
_FEWEST_BLOCKS = 16
"""Blocks below which the error of a standard error, 1/sqrt(2(n - 1)), is over 18 % and a plateau cannot be seen."""
_STARTS = 20


def statistical_inefficiency(values: NDArray[np.floating]) -> float:
    """Number of frames that say as much about the mean as one independent sample.

    g = 1 + 2 Σ_t (1 − t/n) C(t), summed until the autocorrelation function C first falls to 0, but over three lags at
    least (Chodera et al. 2007, doi:10.1021/ct0502864; Chodera 2016, doi:10.1021/acs.jctc.5b00784).

    Parameters
    ----------
    values
        [n] at equal intervals, or [n, k]: k components of a vector, whose products are summed (an angle goes in as
        its cosine and sine).

    Returns
    -------
    float
        Between 1 and n; 1 for a series that does not vary.
    """
    series = np.asarray(values, dtype=np.float64)
    series = series.reshape(len(series), -1)
    n = len(series)
    if n < 2 * _SHORTEST_LAG:
        return 1.0
    deviations = series - series.mean(axis=0)
    size = 1 << (2 * n - 1).bit_length()
    power = np.abs(np.fft.rfft(deviations, n=size, axis=0)) ** 2
    products = np.fft.irfft(power.sum(axis=1), n=size)[:n]
    if not products[0] > 1e-24 * max(1.0, float((series**2).sum())):
        return 1.0
    lags = np.arange(1, n)
    correlation = products[1:] / products[0] * (n / (n - lags))
    below = np.flatnonzero((correlation <= 0.0) & (lags > _SHORTEST_LAG))
    end = int(below[0]) if len(below) else n - 1
    g = 1.0 + 2.0 * float((correlation[:end] * (1.0 - lags[:end] / n)).sum())
    return float(np.clip(g, 1.0, n))


def effective_sample_size(values: NDArray[np.floating]) -> float:
    """Number of independent samples that say as much about the mean: n over :func:`statistical_inefficiency`."""
    return len(values) / statistical_inefficiency(values)


def equilibration_start(values: NDArray[np.floating]) -> int:
    """Frame from which a series has the most effective samples, so that what comes before is better left out.

    Chodera 2016 (doi:10.1021/acs.jctc.5b00784), looked for at twenty places of the first three quarters.
    """
    n = len(values)
    starts = np.unique((0.75 * n * np.arange(_STARTS) / _STARTS).astype(int))
    sizes = [effective_sample_size(values[start:]) for start in starts]
    return int(starts[int(np.argmax(sizes))]) if n else 0


def langevin_inefficiency(interval_ps: float, friction_per_ps: float) -> float:
    """Upper bound of the statistical inefficiency of the kinetic energy under Langevin dynamics.

    Velocities forget at the rate of the friction γ, kinetic energies at 2γ where the potential does not give back and
    at γ in a harmonic well, which shares the energy between both; g = (1 + ρ)/(1 − ρ) with ρ = exp(−γ Δt) bounds both.
    """
    return 1.0 / np.tanh(0.5 * max(interval_ps * friction_per_ps, 1e-9))


@dataclass(frozen=True, eq=False)
class BlockAverage:
    """Standard error of a mean by blocking.

    Attributes
    ----------
    mean
        Mean of the series.
    sem
        Its standard error: that of the first level that no later one exceeds by more than their errors, else the
        largest.
    sem_error
        Standard error of that standard error.
    plateau
        Whether there is such a level; if not, the series is too short and `sem` a lower bound.
    block_sizes : int64 [n_levels]
        Frames a block.
    sems, sem_errors : float64 [n_levels]
        Standard error of the mean at every block size, and its own error.
    """

    mean: float
    sem: float
    sem_error: float
    plateau: bool
    block_sizes: NDArray[np.int64]
    sems: NDArray[np.float64]
    sem_errors: NDArray[np.float64]


def block_average(values: NDArray[np.floating]) -> BlockAverage:
    """Block averaging of Flyvbjerg and Petersen 1989 (doi:10.1063/1.457480): blocks of 1, 2, 4, ... frames.

    At n blocks the standard error is sqrt(c0/(n − 1)) with its own error sqrt(c0/(n − 1))/sqrt(2(n − 1)); it grows
    with the block until blocks are independent, and stays there.

    Raises
    ------
    ValueError
        Of fewer than two values.
    """
    series = np.asarray(values, dtype=np.float64)
    if series.ndim != 1 or len(series) < 2:
        raise ValueError(f"values has shape {series.shape}, expected at least two in a row")
    mean = float(series.mean())
    sizes, sems, errors = [], [], []
    size = 1
    while len(series) >= 2:
        n = len(series)
        sem = float(np.sqrt(series.var() / (n - 1)))
        sizes.append(size)
        sems.append(sem)
        errors.append(sem / np.sqrt(2.0 * (n - 1)))
        if n < 2 * _FEWEST_BLOCKS:
            break
        even = n - n % 2
        series = 0.5 * (series[:even:2] + series[1:even:2])
        size *= 2
    sem, error = np.array(sems), np.array(errors)
    level, plateau = int(sem.argmax()), False
    for k in range(len(sem) - 1):
        if (sem[k + 1 :] - sem[k] <= np.hypot(error[k], error[k + 1 :])).all():
            level, plateau = k, True
            break
    return BlockAverage(mean, float(sem[level]), float(error[level]), plateau, np.array(sizes), sem, error)
