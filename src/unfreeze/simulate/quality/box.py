"""Is the box sound: vectors, constant where the volume is held, of a density that a liquid can have where it is not."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.simulate.quality.data import Finding, Report, SegmentData

__all__ = ["BoxCheck"]

SAME_VOLUME = 1e-5
"""Relative change that rounding can make to a volume that is held."""
VOLUME_CHANGE = 0.15
"""Share of the mean volume so far that one frame may be off. A box of 500 waters, smaller than any solvated peptide's,
fluctuates by sqrt(kT κ/V) = 1 % at 300 K and 3 % at 450 K; a bubble or a collapse exceeds this."""
DENSITY_LOW_g_ml, DENSITY_HIGH_g_ml = 0.90, 1.30
"""Water of all models at up to 330 K has 0.95 to 1.02, with much salt 1.1, and protein 1.35, at 1 bar."""
WARM_K, EXPANSION_g_ml_K = 330.0, 0.0015
"""TIP3P, which expands most, loses less than this a K above that temperature (0.80 g/ml at 450 K)."""
COMPRESSION_g_ml_bar = 5e-5
"""Water gains 4.6e-5 g/ml a bar at first and less later."""


class BoxCheck:
    """Checks box vectors, volumes and densities.

    Suspect: a volume that changes though it is held, or by more than 15 % of its mean though the pressure is; a
    density that water with a solute cannot have. Broken: box vectors without volume.

    Parameters
    ----------
    pressure_bar
        Pressure that is held; None for constant volume.
    temperature_K
        Temperature.
    explicit
        Whether there is water, so that densities are those of a solution.
    """

    def __init__(self, pressure_bar: float | None, temperature_K: float, explicit: bool) -> None:
        self._pressure_bar = pressure_bar
        self._explicit = explicit
        warm = max(0.0, temperature_K - WARM_K)
        self._low = max(0.3, DENSITY_LOW_g_ml - EXPANSION_g_ml_K * warm)
        self._high = DENSITY_HIGH_g_ml + COMPRESSION_g_ml_bar * max(0.0, pressure_bar or 0.0)
        self._n, self._mean = 0, 0.0

    def state(self) -> dict[str, Any]:
        """What is remembered, JSON-able."""
        return {"n": self._n, "mean_nm3": self._mean}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`."""
        self._n, self._mean = int(state["n"]), float(state["mean_nm3"])

    def check(self, data: SegmentData) -> Report:
        """Check the boxes of a segment, all finite."""
        if data.box_nm is None:
            return Report()
        box = np.asarray(data.box_nm, dtype=np.float64)
        volume = np.abs(np.linalg.det(box))
        flat = np.flatnonzero(volume < 1e-3 * np.prod(np.linalg.norm(box, axis=2), axis=1))
        if len(flat) or not volume.all():
            row = int(flat[0]) if len(flat) else int(np.flatnonzero(volume == 0.0)[0])
            return Report((Finding("broken", f"the box vectors span no volume in {data.when(row)}"),))
        findings = [*self._volume(data, volume), *self._density(data)]
        self._mean = (self._n * self._mean + float(volume.sum())) / (self._n + len(volume))
        self._n += len(volume)
        measures = {"volume_mean_nm3": float(volume.mean())}
        if data.density_g_ml is not None:
            measures["density_mean_g_ml"] = float(np.mean(data.density_g_ml))
        return Report(tuple(findings), measures)

    def _volume(self, data: SegmentData, volume: NDArray[np.float64]) -> list[Finding]:
        usual = self._mean if self._n else float(np.median(volume))
        held = self._pressure_bar is None
        off = np.flatnonzero(np.abs(volume / usual - 1.0) > (SAME_VOLUME if held else VOLUME_CHANGE))
        if not len(off):
            return []
        row = int(off[0])
        why = "though it is held" if held else f"more than {100 * VOLUME_CHANGE:g} % from its mean"
        return [
            Finding(
                "suspect", f"the volume is {volume[row]:.2f} nm³ in {data.when(row)}, {usual:.2f} nm³ before: {why}"
            )
        ]

    def _density(self, data: SegmentData) -> list[Finding]:
        if not self._explicit or data.density_g_ml is None:
            return []
        density = np.asarray(data.density_g_ml, dtype=np.float64)
        off = np.flatnonzero((density < self._low) | (density > self._high))
        if not len(off):
            return []
        row = int(off[0])
        return [
            Finding(
                "suspect",
                f"the density is {density[row]:.3f} g/ml in {data.when(row)}, {self._low:.2f} to {self._high:.2f} is "
                f"possible ({len(off)} of {len(density)} frames)",
            )
        ]
