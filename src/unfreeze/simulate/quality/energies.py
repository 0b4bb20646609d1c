"""Is it the ensemble that was asked for: temperature, the distribution of the kinetic energy, and energies that drift.

The kinetic energy of N degrees of freedom at temperature T is distributed as Gamma(N/2, kT), whatever the potential
(Merz & Shirts 2018, doi:10.1371/journal.pone.0202764). Frames are correlated, so that every error bar is that of an
effective number of frames. Coordinates are not looked at here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc, gammainccinv, gammaincinv, kolmogorov

from unfreeze.simulate.quality.data import Finding, Report, SegmentData
from unfreeze.simulate.quality.series import langevin_inefficiency, statistical_inefficiency

__all__ = ["GAS_CONSTANT_KJ_MOL_K", "EnergyCheck"]

GAS_CONSTANT_KJ_MOL_K = 8.31446261815324e-3
SIGMAS = 5.0
"""Standard errors that chance is given: one sound test in two million is beyond."""
MEAN_TOLERANCE = 0.02
"""Share of the temperature by which its mean may be off besides: a step of 4 fs with hydrogens of 1.5 amu, and the
constraint tolerance, shift it by up to 1 %."""
WIDTH_TOLERANCE = 0.05
"""The same for the standard deviation of the kinetic energy."""
KS_PROBABILITY, KS_DISTANCE = 1e-7, 0.05
"""Kolmogorov-Smirnov test of the shape: how unlikely, and how far off, a distribution must be to be called wrong."""
FEWEST_EFFECTIVE = 20.0
"""Effective frames below which the shape of a distribution is not judged."""
ABSURD_PROBABILITY = 1e-12
"""A kinetic energy that one frame in 10¹² exceeds (no simulation has as many) or falls short of is absurd, ..."""
ABSURD_RATIO = 1.3
"""... if it is also this far from its mean, which leaves room to large systems, whose distribution is sharp."""
ABSURD_POTENTIAL_KT, ABSURD_POTENTIAL_SIGMAS = 1.0, 12.0
"""A potential energy this far from its mean, in kT a degree of freedom and in units of sqrt(N/2) kT, is absurd:
equipartition gives ½ kT a degree of freedom, so that this is twice all thermal energy that there is."""
DRIFT_KT = 0.25
"""Change of the potential energy over production, in kT a degree of freedom, beyond which something heats, cools or
collapses: half of all thermal potential energy. Relaxing from a crystal structure takes under a third of it."""

_FEWEST_FOR_SLOPE = 5


class EnergyCheck:
    """Checks energies of all atoms.

    Broken: a kinetic or potential energy that is absurd in any frame. Suspect, in the segment or in production so far:
    mean temperature off by more than 2 % and five standard errors; kinetic energy spread too widely or too little, or
    not Gamma-distributed; potential energy that drifts by more than 0.25 kT a degree of freedom.

    Parameters
    ----------
    temperature_K, friction_per_ps
        Of the thermostat.
    interval_ps
        Time between frames.
    n_degrees_of_freedom
        Of all atoms, constraints subtracted.
    """

    def __init__(
        self, temperature_K: float, friction_per_ps: float, interval_ps: float, n_degrees_of_freedom: int
    ) -> None:
        self._temperature_K = temperature_K
        self._inefficiency = langevin_inefficiency(interval_ps, friction_per_ps)
        self._n = n_degrees_of_freedom
        self._kT = GAS_CONSTANT_KJ_MOL_K * temperature_K
        shape = 0.5 * n_degrees_of_freedom
        self._high = max(float(gammainccinv(shape, ABSURD_PROBABILITY)), ABSURD_RATIO * shape) * self._kT
        self._low = min(float(gammaincinv(shape, ABSURD_PROBABILITY)), shape / ABSURD_RATIO) * self._kT
        self._sums = _Sums()

    def state(self) -> dict[str, Any]:
        """What is remembered, JSON-able."""
        return {"sums": self._sums.values.tolist(), "span": self._sums.span}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`."""
        self._sums = _Sums(np.array(state["sums"], dtype=np.float64), [float(value) for value in state["span"]])

    def check(self, data: SegmentData) -> Report:
        """Check the energies of a segment, all finite."""
        kinetic = np.asarray(data.kinetic_kJ_mol, dtype=np.float64)
        potential = np.asarray(data.potential_kJ_mol, dtype=np.float64)
        to_K = 2.0 / (self._n * GAS_CONSTANT_KJ_MOL_K)
        findings = self._absurd(data, kinetic, potential, to_K)
        self._sums.add(np.asarray(data.time_ps, dtype=np.float64), kinetic, potential)

        g = max(self._inefficiency, statistical_inefficiency(kinetic))
        n_effective = len(kinetic) / g
        mean_K, sd_K = float(kinetic.mean()) * to_K, float(kinetic.std()) * to_K
        findings += self._moments("", mean_K, sd_K, n_effective, len(kinetic))
        findings += self._shape(kinetic, n_effective)
        sums = self._sums
        if sums.n > len(kinetic):
            run_mean, run_sd = sums.kinetic_mean * to_K, sums.kinetic_sd * to_K
            findings += self._moments(" of production so far", run_mean, run_sd, sums.n / self._inefficiency, sums.n)
        drift, error = (value / (self._n * self._kT) for value in sums.drift(self._inefficiency))
        if abs(drift) > DRIFT_KT + SIGMAS * error:
            findings.append(
                Finding(
                    "suspect",
                    f"the potential energy has {'risen' if drift > 0 else 'fallen'} by {abs(drift):.2f} ± {error:.2f} "
                    f"kT a degree of freedom over {sums.span_ps:.6g} ps, at most {DRIFT_KT:g} is thermal relaxation",
                )
            )
        return Report(
            tuple(findings),
            {
                "temperature_mean_K": mean_K,
                "temperature_sd_K": sd_K,
                "temperature_run_mean_K": sums.kinetic_mean * to_K,
                "kinetic_effective_frames": n_effective,
                "potential_mean_kJ_mol": float(potential.mean()),
                "potential_drift_kT_per_dof": drift,
            },
        )

    def _absurd(
        self, data: SegmentData, kinetic: NDArray[np.float64], potential: NDArray[np.float64], to_K: float
    ) -> list[Finding]:
        findings = []
        wrong = np.flatnonzero((kinetic > self._high) | (kinetic < self._low))
        if len(wrong):
            row = int(wrong[0])
            findings.append(
                Finding(
                    "broken",
                    f"the temperature is {kinetic[row] * to_K:.1f} K in {data.when(row)}, the thermostat is at "
                    f"{self._temperature_K:g} K: {self._low * to_K:.0f} to {self._high * to_K:.0f} K is possible with "
                    f"{self._n} degrees of freedom ({len(wrong)} of {len(kinetic)} frames)",
                )
            )
        # the mean of what came before, which a fault of this segment has not moved
        usual = self._sums.potential_mean if self._sums.n >= FEWEST_EFFECTIVE else float(np.median(potential))
        limit = self._kT * max(ABSURD_POTENTIAL_KT * self._n, ABSURD_POTENTIAL_SIGMAS * np.sqrt(0.5 * self._n))
        wrong = np.flatnonzero(np.abs(potential - usual) > limit)
        if len(wrong):
            row = int(wrong[0])
            findings.append(
                Finding(
                    "broken",
                    f"the potential energy is {potential[row]:.6g} kJ/mol in {data.when(row)}, usual is {usual:.6g}, "
                    f"within {limit:.4g} of that is possible ({len(wrong)} of {len(potential)} frames)",
                )
            )
        return findings

    def _moments(self, where: str, mean_K: float, sd_K: float, n_effective: float, n_frames: int) -> list[Finding]:
        findings = []
        target = self._temperature_K
        expected_sd = target * np.sqrt(2.0 / self._n)
        error = expected_sd / np.sqrt(max(n_effective, 1.0))
        if abs(mean_K - target) > MEAN_TOLERANCE * target + SIGMAS * error:
            findings.append(
                Finding(
                    "suspect",
                    f"the mean temperature{where} is {mean_K:.1f} ± {error:.1f} K, the thermostat is at {target:g} K",
                )
            )
        if n_effective >= FEWEST_EFFECTIVE:
            # variance of a sample variance: 2/(n - 1) + excess kurtosis/n, that of Gamma(k) being 6/k
            error = 0.5 * np.sqrt(2.0 / (n_effective - 1.0) + 12.0 / (self._n * n_effective))
            ratio = sd_K / (mean_K * np.sqrt(2.0 / self._n))
            if abs(ratio - 1.0) > WIDTH_TOLERANCE + SIGMAS * error:
                findings.append(
                    Finding(
                        "suspect",
                        f"the kinetic energy{where} spreads {ratio:.2f} ± {error:.2f} times as widely as that of "
                        f"{self._n} degrees of freedom at its temperature ({n_frames} frames)",
                    )
                )
        return findings

    def _shape(self, kinetic: NDArray[np.float64], n_effective: float) -> list[Finding]:
        if n_effective < FEWEST_EFFECTIVE:
            return []
        shape = 0.5 * self._n
        ordered = gammainc(shape, np.sort(kinetic) * (shape / kinetic.mean()))
        n = len(kinetic)
        steps = np.arange(n + 1) / n
        distance = float(max((steps[1:] - ordered).max(), (ordered - steps[:-1]).max()))
        probability = float(kolmogorov(distance * np.sqrt(n_effective)))
        if distance < KS_DISTANCE or probability > KS_PROBABILITY:
            return []
        return [
            Finding(
                "suspect",
                f"the kinetic energy is not distributed as Gamma({shape:g}, kT): Kolmogorov-Smirnov distance "
                f"{distance:.2f}, p = {probability:.1g} of {n_effective:.0f} effective frames",
            )
        ]


class _Sums:
    """Running sums over production: of frames, times and energies, all less their first values.

    Attributes
    ----------
    values : float64 [8]
        Number of frames and sums of K, K², t, t², V, V², tV.
    span
        First time, first kinetic and potential energy, and last time; empty before the first frame.
    """

    def __init__(self, values: NDArray[np.float64] | None = None, span: list[float] | None = None) -> None:
        self.values = np.zeros(8) if values is None else values
        self.span = span or []

    def add(self, time: NDArray[np.float64], kinetic: NDArray[np.float64], potential: NDArray[np.float64]) -> None:
        if not self.span:
            self.span = [float(time[0]), float(kinetic[0]), float(potential[0]), float(time[-1])]
        self.span = [*self.span[:3], float(time[-1])]
        t, k, v = time - self.span[0], kinetic - self.span[1], potential - self.span[2]
        self.values = self.values + np.array([len(t), k.sum(), k @ k, t.sum(), t @ t, v.sum(), v @ v, t @ v])

    @property
    def n(self) -> int:
        return round(float(self.values[0]))

    @property
    def span_ps(self) -> float:
        return self.span[3] - self.span[0]

    @property
    def kinetic_mean(self) -> float:
        return self.span[1] + float(self.values[1]) / self.n

    @property
    def kinetic_sd(self) -> float:
        return float(np.sqrt(max(self.values[2] / self.n - (self.values[1] / self.n) ** 2, 0.0)))

    @property
    def potential_mean(self) -> float:
        return self.span[2] + float(self.values[5]) / self.n

    def drift(self, g: float) -> tuple[float, float]:
        """Slope of the potential energy times the span, and its standard error: kJ/mol; zeros of few frames."""
        n, _, _, t, tt, v, vv, tv = self.values.tolist()
        if n < _FEWEST_FOR_SLOPE:
            return 0.0, 0.0
        tt, tv, vv = tt - t * t / n, tv - t * v / n, max(vv - v * v / n, 0.0)
        if tt <= 0.0:
            return 0.0, 0.0
        slope = tv / tt
        rest = max(vv - slope * tv, 0.0) / (n - 2)
        return slope * self.span_ps, float(np.sqrt(rest * min(g, n) / tt)) * self.span_ps
