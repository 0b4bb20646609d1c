"""`SegmentChecker`: every check of a segment as it lands, and one verdict.

It is prepared once for a run and remembers what it needs of the segments before in a small state that goes through
JSON, so that a run that is resumed is judged as one that was never interrupted. It repairs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import numpy as np

from unfreeze.simulate.quality.box import BoxCheck
from unfreeze.simulate.quality.covalent import CovalentCheck
from unfreeze.simulate.quality.data import Finding, Report, SegmentData, SegmentQuality
from unfreeze.simulate.quality.energies import EnergyCheck
from unfreeze.simulate.quality.images import ImageCheck
from unfreeze.simulate.quality.interfaces import InterfaceCheck
from unfreeze.simulate.quality.jumps import JumpCheck
from unfreeze.simulate.quality.solute import heavy_solute
from unfreeze.simulate.settings import SimulationSettings
from unfreeze.structure.complex import Complex

__all__ = ["STATE_SCHEMA", "SegmentChecker", "SegmentData", "SegmentQuality"]

STATE_SCHEMA = 1
_VALUES_PER_CHUNK = 3_000_000


class SegmentChecker:
    """Checks the segments of one run, in order.

    Numbers that are not finite, absurd energies and bonds, torn chains and centres of the wrong hand are faults of the
    simulation (``broken``). A wrong temperature or kinetic-energy distribution, drifting energies, impossible
    densities, jumps, contact with the own image, lost interfaces and new cis peptides are physically doubtful
    (``suspect``). A broken segment leaves no trace in the state, for it will be done again.

    Parameters
    ----------
    reference
        Complex of the saved atoms in the coordinates of the start.
    settings
        What the run was asked to be.
    n_degrees_of_freedom
        Of the whole system, constraints subtracted.
    explicit
        Whether there is water; by the settings if None.

    Raises
    ------
    ValueError
        If there are no degrees of freedom.
    """

    def __init__(
        self,
        reference: Complex,
        settings: SimulationSettings,
        n_degrees_of_freedom: int,
        explicit: bool | None = None,
    ) -> None:
        if n_degrees_of_freedom < 1:
            raise ValueError(f"n_degrees_of_freedom is {n_degrees_of_freedom}, expected at least 1")
        temperature_K = settings.conditions.temperature_K
        explicit = settings.system.explicit if explicit is None else explicit
        self._reference = reference
        self._solute = heavy_solute(reference)
        self._energies = EnergyCheck(
            temperature_K, settings.protocol.friction_per_ps, settings.save.every_ps, n_degrees_of_freedom
        )
        self._box = BoxCheck(settings.pressure_bar, temperature_K, explicit)
        self._covalent = CovalentCheck(self._solute)
        self._images = ImageCheck(self._solute)
        self._interfaces = InterfaceCheck(self._solute)
        # frames at one temperature of a ladder are those of many walkers, which take turns
        self._jumps = JumpCheck(self._solute) if settings.replica_exchange is None else None

    def check(self, data: SegmentData) -> SegmentQuality:
        """Judge one segment; the next is expected to follow on it.

        Raises
        ------
        ValueError
            If the arrays do not fit the complex or each other.
        """
        self._check_shapes(data)
        if data.n_frames == 0:
            return SegmentQuality()
        before = deepcopy(self.state())
        quality = SegmentQuality.of(self._reports(data))
        if quality.verdict == "broken":
            self.restore(before)
        return quality

    def state(self) -> dict[str, Any]:
        """What is remembered of the segments before: JSON-able, at most some 10 kB."""
        return {
            "schema": STATE_SCHEMA,
            "energies": self._energies.state(),
            "box": self._box.state(),
            "interfaces": self._interfaces.state(),
            "jumps": self._jumps.state() if self._jumps else None,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of :meth:`state` of the same run.

        Raises
        ------
        ValueError
            If it is of another version.
        """
        if state.get("schema") != STATE_SCHEMA:
            raise ValueError(f"state of the checks has schema {state.get('schema')!r}, expected {STATE_SCHEMA}")
        self._energies.restore(state["energies"])
        self._box.restore(state["box"])
        self._interfaces.restore(state["interfaces"])
        if self._jumps and state["jumps"]:
            self._jumps.restore(state["jumps"])

    def _reports(self, data: SegmentData) -> list[Report]:
        finite = self._finite(data)
        if finite.findings:
            return [finite]
        reports = [finite, self._energies.check(data), self._box.check(data)]
        if reports[-1].findings and reports[-1].findings[0].verdict == "broken":
            return reports
        checks = [self._covalent, self._images, self._interfaces, *([self._jumps] if self._jumps else [])]
        step = max(1, _VALUES_PER_CHUNK // max(1, 3 * len(self._solute.rows)))
        for start in range(0, data.n_frames, step):
            part = _rows(data, start, start + step)
            frames = self._solute.take(part.coordinates_nm)
            reports += [check.check(part, frames) for check in checks]
        return reports

    def _finite(self, data: SegmentData) -> Report:
        bad = ~np.isfinite(data.coordinates_nm).all(axis=(1, 2))
        what = {"coordinates": bad}
        for name in ("potential_kJ_mol", "kinetic_kJ_mol", "temperature_K", "box_nm"):
            values = getattr(data, name)
            if values is not None:
                what[name] = ~np.isfinite(np.asarray(values)).reshape(data.n_frames, -1).all(axis=1)
        findings = []
        for name, wrong in what.items():
            if not wrong.any():
                continue
            row = int(wrong.argmax())
            where = ""
            if name == "coordinates":
                atom = int((~np.isfinite(data.coordinates_nm[row])).any(axis=1).argmax())
                where = f", first at {self._reference.atom_label(atom)}"
            findings.append(
                Finding(
                    "broken",
                    f"{name} are not finite in {data.when(row)}{where} ({int(wrong.sum())} of {data.n_frames} frames)",
                )
            )
        return Report(tuple(findings), {"n_frames": float(data.n_frames)})

    def _check_shapes(self, data: SegmentData) -> None:
        n = data.n_frames
        expected = (n, self._reference.n_atoms, 3)
        if np.shape(data.coordinates_nm) != expected:
            raise ValueError(f"coordinates_nm has shape {np.shape(data.coordinates_nm)}, expected {expected}")
        for name in ("time_ps", "potential_kJ_mol", "kinetic_kJ_mol", "temperature_K", "volume_nm3", "density_g_ml"):
            values = getattr(data, name)
            if values is not None and np.shape(values) != (n,):
                raise ValueError(f"{name} has shape {np.shape(values)}, expected {(n,)}")
        if data.box_nm is not None and np.shape(data.box_nm) != (n, 3, 3):
            raise ValueError(f"box_nm has shape {np.shape(data.box_nm)}, expected {(n, 3, 3)}")


def _rows(data: SegmentData, start: int, stop: int) -> SegmentData:
    """Some frames of a segment."""
    stop = min(stop, data.n_frames)
    if start == 0 and stop == data.n_frames:
        return data

    def part(values: Any) -> Any:
        return None if values is None else values[start:stop]

    return SegmentData(
        data.first_frame + start, part(data.time_ps), part(data.coordinates_nm), part(data.box_nm),
        part(data.potential_kJ_mol), part(data.kinetic_kJ_mol), part(data.temperature_K), part(data.volume_nm3),
        part(data.density_g_ml),
    )  # fmt: skip
