"""Interfaces of one target on the page: each with its own numbers, and the probability of every contact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from unfreeze.evaluate.result import TargetResult
from unfreeze.report.evaluation_curves import numbers, square_chart
from unfreeze.report.evaluation_folder import text
from unfreeze.report.evaluation_numbers import show

__all__ = ["contact_charts", "interface_rows"]

_MOST_INTERFACES = 60
_COLUMNS = (
    ("interface_contact_mae_each", "Contact probability, mean absolute error", 3),
    ("irmsd_w1_each_A", "Interface RMSD, W1 (Å)", 2),
    ("lrmsd_w1_each_A", "Ligand RMSD, W1 (Å)", 2),
    ("buried_area_w1_each_nm2", "Buried area, W1 (nm²)", 2),
    ("dockq_mean_each_ensemble", "DockQ, mean", 3),
    ("dockq_mean_each_reference", "DockQ of the reference, mean", 3),
)


def interface_rows(full: Mapping[str, TargetResult]) -> dict[str, Any]:
    """Headings and rows of the table of interfaces: a row a generator and interface."""
    rows = []
    for name, result in full.items():
        labels = [text(label) for label in result.arrays.get("interface_names", [])]
        natives = numbers(result.arrays.get("interface_n_native"))
        if natives is None or len(natives) != len(labels):
            continue
        series = [numbers(result.arrays.get(key)) for key, *_ in _COLUMNS]
        for row in range(min(len(labels), _MOST_INTERFACES)):
            cells = [
                show(float(values[row]), places) if values is not None and len(values) == len(labels) else "–"
                for values, (*_, places) in zip(series, _COLUMNS, strict=True)
            ]
            rows.append({"label": labels[row], "generator": name, "cells": [f"{natives[row]:,.0f}", *cells]})
    return {"heads": ["Contacts of the structure", *(title for _, title, _ in _COLUMNS)], "rows": rows}


def contact_charts(full: Mapping[str, TargetResult], colours: Mapping[str, str]) -> list[dict[str, Any]]:
    """A chart a generator: how often every contact is there in the reference (across) and in the ensemble (up)."""
    shown = []
    for name, result in full.items():
        ours, theirs = (numbers(result.arrays.get(f"interface_contact_{side}")) for side in ("ensemble", "reference"))
        if ours is None or theirs is None or len(ours) != len(theirs):
            continue
        cloud = np.clip(np.stack([theirs, ours], axis=1), 0.0, 1.0)
        title = f"Probability of {len(cloud)} interface contacts: reference across, {name} up"
        tell = f"mean absolute error {np.abs(ours - theirs).mean():.3f}"
        chart = square_chart(title, tell, [(name, colours[name], cloud)], (0.0, 0.0), 1.0, diagonal=True)
        shown.append({"chart": chart, "curves": [{"name": name, "colour": colours[name]}]})
    return shown
