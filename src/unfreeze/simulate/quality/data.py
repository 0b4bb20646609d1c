"""What the checks of a segment are given and what they say: frames with their observables, and a verdict with reasons.

A verdict is for the whole segment, because a segment is what a run commits or takes back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Finding", "Report", "SegmentData", "SegmentQuality", "Verdict", "worst"]

Verdict = Literal["pass", "suspect", "broken"]
_ORDER: tuple[Verdict, ...] = ("pass", "suspect", "broken")
_MOST_REASONS = 20


@dataclass(frozen=True, eq=False)
class SegmentData:
    """Frames of one segment.

    Attributes
    ----------
    first_frame
        Number of its first frame in the run, from 0.
    time_ps : float [n_frames]
        Time of every frame.
    coordinates_nm : float [n_frames, n_saved, 3]
        Saved atoms; molecules whole.
    box_nm : float [n_frames, 3, 3] or None
        Box vectors in rows.
    potential_kJ_mol, kinetic_kJ_mol, temperature_K : float [n_frames]
        Energies of the whole system and its temperature.
    volume_nm3 : float [n_frames] or None
        Volume of the box.
    density_g_ml : float [n_frames] or None
        Density of the whole system.
    """

    first_frame: int
    time_ps: NDArray[np.floating]
    coordinates_nm: NDArray[np.floating]
    box_nm: NDArray[np.floating] | None
    potential_kJ_mol: NDArray[np.floating]
    kinetic_kJ_mol: NDArray[np.floating]
    temperature_K: NDArray[np.floating]
    volume_nm3: NDArray[np.floating] | None = None
    density_g_ml: NDArray[np.floating] | None = None

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self.coordinates_nm)

    def when(self, row: int) -> str:
        """Words for one frame: ``frame 31 (320 ps)``."""
        return f"frame {self.first_frame + row} ({float(self.time_ps[row]):.6g} ps)"


@dataclass(frozen=True)
class Finding:
    """One fault: how bad, and a sentence that names what, where and how much."""

    verdict: Verdict
    reason: str


@dataclass(frozen=True)
class Report:
    """What one check says: faults, and what it measured.

    A check may report on parts of a segment: of measures called ``largest_`` or ``least_`` the extreme one is kept.
    """

    findings: tuple[Finding, ...] = ()
    measures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class SegmentQuality:
    """The verdict on a segment.

    Attributes
    ----------
    verdict
        ``pass``; ``suspect``: physically doubtful, kept apart from what is used; ``broken``: a fault of the
        simulation, to be done again from the commit before.
    reasons
        One sentence a fault, the worst first.
    measures
        Numbers behind the verdict; only finite ones.
    """

    verdict: Verdict = "pass"
    reasons: list[str] = field(default_factory=list)
    measures: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, reports: Iterable[Report]) -> SegmentQuality:
        """Put the checks of one segment together."""
        reports = list(reports)
        findings = sorted((f for r in reports for f in r.findings), key=lambda f: -_ORDER.index(f.verdict))
        reasons = list(dict.fromkeys(finding.reason for finding in findings))
        if len(reasons) > _MOST_REASONS:
            reasons = [*reasons[:_MOST_REASONS], f"and {len(reasons) - _MOST_REASONS} more faults"]
        measures: dict[str, float] = {}
        for name, value in ((name, float(value)) for report in reports for name, value in report.measures.items()):
            if not np.isfinite(value):
                continue
            known = measures.get(name, value)
            extreme = max(known, value) if name.startswith("largest_") else min(known, value)
            measures[name] = extreme if name.startswith(("largest_", "least_")) else value
        return cls(worst(f.verdict for f in findings), reasons, measures)

    def to_dict(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        return asdict(self)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of some verdicts; ``pass`` of none."""
    found: list[Verdict] = list(verdicts)
    return max(found, key=_ORDER.index) if found else "pass"
