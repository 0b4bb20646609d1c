"""The checks of a run as tables: what was measured beside its limit, and every fault with its reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unfreeze.report.evaluation_numbers import show
from unfreeze.report.simulation_folder import Run
from unfreeze.simulate.engine.commit import Commit
from unfreeze.simulate.quality import box, covalent, energies, images, interfaces, jumps

__all__ = ["faults", "quality_table", "verdict_of"]

_MOST_FAULTS = 60
_MOST_NOTES = 40


@dataclass(frozen=True)
class _Measure:
    key: str
    title: str
    limit: str
    places: int
    combine: Callable[[Sequence[float]], float]


def _last(values: Sequence[float]) -> float:
    return values[-1]


_MEASURES = (
    _Measure(
        "temperature_run_mean_K", "Mean temperature (K)",
        f"what was asked for ± {100 * energies.MEAN_TOLERANCE:g} % ± {energies.SIGMAS:g} standard errors", 1, _last,
    ),
    _Measure("kinetic_effective_frames", "Independent samples of the kinetic energy", "", 0, sum),
    _Measure(
        "potential_drift_kT_per_dof", "Drift of the potential energy (kT a degree of freedom)",
        f"within {energies.DRIFT_KT:g}", 3, _last,
    ),
    _Measure(
        "density_mean_g_ml", "Density (g/ml)",
        f"{box.DENSITY_LOW_g_ml:g} to {box.DENSITY_HIGH_g_ml:g}, less above {box.WARM_K:g} K", 3,
        lambda values: float(np.mean(values)),
    ),
    _Measure(
        "largest_bond_error_nm", "Largest error of a bond length (Å)",
        f"at most {10 * covalent.BOND_TOLERANCE_NM:g}", 3, max,
    ),
    _Measure("largest_peptide_bond_nm", "Longest peptide bond (Å)", f"at most {10 * covalent.TORN_NM:g}", 3, max),
    _Measure(
        "least_trans_omega_deg", "Most twisted trans peptide bond (°)",
        f"at least {np.degrees(covalent.CIS_RADIANS):.0f}", 0, min,
    ),
    _Measure(
        "largest_step_nm", "Largest RMSD from frame to frame (Å)",
        f"at most {jumps.SIGMAS:g} SD above the mean, {jumps.SMALLEST_RATIO:g} times it, or "
        f"{10 * jumps.SMALLEST_JUMP_NM:g}", 2, max,
    ),
    _Measure(
        "least_image_distance_nm", "Distance to the own image, at least (Å)", f"at least {10 * images.CONTACT_NM:g}",
        1, min,
    ),
    _Measure(
        "least_interface_share", "Least share of an interface’s contacts, smoothed",
        f"at least {interfaces.LOST_SHARE:g}", 2, min,
    ),
)  # fmt: skip


def verdict_of(run: Run) -> str:
    """``pass``, ``partly`` or ``quarantined`` for the frames of a run, empty without frames."""
    if not run.n_frames:
        return ""
    share = float(run.passed.mean())
    return "pass" if share == 1.0 else "partly" if share > 0.0 else "quarantined"


def quality_table(runs: Sequence[Run], names: Sequence[str]) -> dict[str, Any]:
    """A row a measure: its limit, and the worst or last value of every replica."""
    rows = []
    for measure in _MEASURES:
        scale = 10.0 if measure.key.endswith("_nm") else 1.0
        values = []
        for run in runs:
            found = [value for commit in _production(run) if (value := _number(commit, measure.key)) is not None]
            values.append(show(scale * measure.combine(found), measure.places) if found else "–")
        if any(value != "–" for value in values):
            rows.append({"title": measure.title, "limit": measure.limit, "cells": values})
    for title, count in (
        ("Segments that passed", lambda run: sum(c.passed for c in _production(run))),
        ("Segments that did not", lambda run: sum(not c.passed for c in _production(run))),
        ("Segments done again with a shorter step", lambda run: sum(c.n_retries > 0 for c in _commits(run))),
    ):
        rows.append({"title": title, "limit": "", "cells": [f"{count(run):,}" for run in runs]})
    return {"names": list(names), "rows": rows}


def faults(runs: Sequence[Run], names: Sequence[str]) -> dict[str, Any]:
    """Segments that did not pass, data that were set aside, and what happened to the run."""
    rows, aside, events = [], [], []
    n_all = 0
    for run, name in zip(runs, names, strict=True):
        before = 0
        for commit in _commits(run):
            first, before = before, commit.n_frames
            if commit.passed:
                continue
            n_all += 1
            if len(rows) < _MOST_FAULTS:
                reasons = commit.quality.get("reasons")
                rows.append(
                    {
                        "run": name,
                        "frames": f"{first:,} to {commit.n_frames - 1:,}",
                        "verdict": str(commit.quality.get("verdict", "")),
                        "reasons": [str(text) for text in reasons] if isinstance(reasons, list) else [],
                    }
                )
        aside += [f"{name}: {text}" for text in run.quarantined()]
        if run.store is not None:
            events += [
                f"{name}: {event.get('kind', '')} at {event.get('at', '')}: {event.get('text', '')}"
                for event in run.store.manifest.events[-_MOST_NOTES:]
            ]
    return {"rows": rows, "n_rows": n_all, "aside": aside[:_MOST_NOTES], "events": events[:_MOST_NOTES]}


def _commits(run: Run) -> Sequence[Commit]:
    return run.store.commits if run.store else ()


def _production(run: Run) -> list[Commit]:
    return [commit for commit in _commits(run) if commit.stage == "production"]


def _number(commit: Commit, key: str) -> float | None:
    measures = commit.quality.get("measures")
    value = measures.get(key) if isinstance(measures, dict) else None
    return float(value) if isinstance(value, (int, float)) and np.isfinite(value) else None
