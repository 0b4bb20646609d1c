"""The table on how well means are known and whether replicas agree, with the sentences that it comes down to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from unfreeze.report.evaluation_numbers import places_for, show
from unfreeze.report.simulation_charts import time_unit
from unfreeze.simulate.quality.convergence import Convergence, SeriesError

__all__ = ["convergence_table"]

_DIFFERENT = 1.5
"""Times that replicas may diverge more than halves of one do before they are said to differ."""
_FEWEST_SAMPLES = 20.0
_FEWEST_FRAMES = 20


def convergence_table(found: Convergence, names: Sequence[str], intervals_ps: Sequence[float]) -> dict[str, Any]:
    """Rows of the tables and sentences; nothing in it without frames.

    Parameters
    ----------
    found
        Convergence of the replicas.
    names, intervals_ps
        Of the same replicas: name, and time between the frames that were followed.
    """
    series = []
    for title, errors in found.series.items():
        cells = [
            _cell(error, n_frames, step, title == "RMSD")
            for error, n_frames, step in zip(errors, found.n_frames, intervals_ps, strict=True)
        ]
        series.append({"title": "RMSD from the start (Å)" if title == "RMSD" else f"Share of {title}", "cells": cells})
    if found.torsion_n_effective and min(found.n_frames) >= _FEWEST_FRAMES:
        cells = [
            {"value": f"{low:.0f}", "note": f"median of all torsions {middle:.0f}"}
            for low, middle in found.torsion_n_effective
        ]
        if len(cells) == len(names):
            series.append({"title": "Independent samples of the slowest torsion", "cells": cells})
    divergence = [
        {
            "title": {"torsions": "Torsions", "RMSD": "RMSD from the start"}.get(title, f"Share of {title}"),
            "within": show(item.within_mean, 3),
            "between": show(item.between_mean, 3),
            "ratio": "–" if _ratio(item) is None else f"{_ratio(item):.2f}",
        }
        for title, item in found.divergence.items()
    ]
    return {"names": list(names), "series": series, "divergence": divergence, "words": _words(found, names)}


def _cell(error: SeriesError, n_frames: int, step_ps: float, in_angstrom: bool) -> dict[str, str]:
    scale = 10.0 if in_angstrom else 1.0
    mean, sem = scale * error.mean, scale * error.sem
    places = places_for([mean], 4.0 * sem)
    size, unit = time_unit(error.inefficiency * step_ps) if np.isfinite(step_ps) else (1.0, "")
    memory = f", one each {error.inefficiency * step_ps / size:.3g} {unit}" if unit else ""
    least = "" if error.plateau else "at least "
    return {
        "value": f"{show(mean, places)} ± {least}{show(sem, places)}",
        "note": f"{error.n_effective:.0f} independent samples{memory}"
        if n_frames >= _FEWEST_FRAMES
        else f"of {n_frames} frames, too few to tell how many are independent",
    }


def _ratio(item: Any) -> float | None:
    between, within = item.between_mean, item.within_mean
    return None if between is None or within <= 0.0 else between / within


def _words(found: Convergence, names: Sequence[str]) -> list[str]:
    if not found.n_frames:
        return ["There are too few frames to tell."]
    words = []
    if len(found.n_frames) == 1:
        words.append("There is one replica: nothing here can tell what it has missed.")
    torsions = found.divergence.get("torsions")
    ratio = None if torsions is None else _ratio(torsions)
    if ratio is not None:
        if ratio > _DIFFERENT:
            words.append(
                f"Replicas differ: their torsions diverge {ratio:.1f} times as much between replicas as between halves "
                "of one. Averages over them have not converged."
            )
        else:
            words.append(
                "Replicas agree: their torsions diverge no more between replicas than between halves of one, within a "
                f"factor of {_DIFFERENT:g}. That does not exclude that all have missed something."
            )
    slow = [name for name, (low, _) in zip(names, found.torsion_n_effective, strict=False) if low < _FEWEST_SAMPLES]
    if slow:
        words.append(
            f"The slowest torsion has fewer than {_FEWEST_SAMPLES:g} independent samples in {', '.join(slow)}."
        )
    rising = [title for title, errors in found.series.items() if errors and not all(error.plateau for error in errors)]
    if rising:
        titles = ", ".join("the RMSD" if title == "RMSD" else f"the share of {title}" for title in rising)
        words.append(f"Block averages do not level off for {titles}: its error is a lower bound, the run too short.")
    return words
