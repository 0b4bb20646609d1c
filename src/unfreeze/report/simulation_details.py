"""One system on the page of a simulation: its replicas' curves, convergence, checks and record.

Curves show every frame, those that did not pass with a mark; RMSF and convergence are those of frames that passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.report.evaluation_charts import COLOURS
from unfreeze.report.evaluation_curves import rmsf_chart
from unfreeze.report.simulation_charts import TimeCurve, time_chart
from unfreeze.report.simulation_convergence import convergence_table
from unfreeze.report.simulation_folder import FrameSample, Run
from unfreeze.report.simulation_quality import faults, quality_table
from unfreeze.report.simulation_record import record_rows
from unfreeze.simulate.quality.convergence import Observables, convergence, observe
from unfreeze.simulate.quality.solute import Solute, heavy_solute
from unfreeze.structure.geometry import superpose_on_mean

__all__ = ["group_details"]

MOST_REPLICAS = COLOURS
_MOST_RMSF_ATOMS = 3000
_AMU_PER_NM3 = 1.66053906660e-3  # g/ml


def group_details(runs: Sequence[Run]) -> dict[str, Any]:
    """What the template shows of one system.

    Parameters
    ----------
    runs
        Its replicas, each with a store; the first eight are shown.
    """
    shown = list(runs[:MOST_REPLICAS])
    names = _names(shown)
    colours = [f"g{k}" for k in range(len(shown))]
    samples = [run.sample() for run in shown]
    solute = _solute(shown)
    seen = [None if s is None or solute is None else _observe(run, s, solute)
            for run, s in zip(shown, samples, strict=True)]  # fmt: skip
    used = [None if o is None or s is None else _take(o, s.passed) for o, s in zip(seen, samples, strict=True)]
    kept = [(run, o, s) for run, o, s in zip(shown, used, samples, strict=True) if o is not None and s is not None]
    return {
        "system": shown[0].system,
        "replicas": [{"name": name, "colour": colour} for name, colour in zip(names, colours, strict=True)],
        "n_more_replicas": len(runs) - len(shown),
        "notes": _notes(shown, samples),
        "charts": [*_structure_charts(shown, names, colours, seen, samples), *_energy_charts(shown, names, colours)],
        "fluctuations": _fluctuations(solute, shown, samples, names, colours) if solute else [],
        "convergence": convergence_table(
            convergence([o for _, o, _ in kept]),
            [name for name, o in zip(names, used, strict=True) if o is not None and len(o.torsions) > 1],
            [_interval_ps(run, s) for run, o, s in kept if len(o.torsions) > 1],
        ),
        "quality": quality_table(shown, names),
        "faults": faults(shown, names),
        "record": record_rows(shown),
    }


def _names(runs: Sequence[Run]) -> list[str]:
    """``replica 2`` where the label says it, else the label."""
    if len(runs) == 1:
        return [runs[0].label]
    numbers = [run.label.rpartition("/")[2] for run in runs]
    plain = all(number.isdigit() for number in numbers) and len(set(numbers)) == len(numbers)
    return [f"replica {number}" for number in numbers] if plain else [run.label for run in runs]


def _solute(runs: Sequence[Run]) -> Solute | None:
    for run in runs:
        if run.molecule is not None:
            return heavy_solute(run.molecule)
    return None


def _observe(run: Run, sample: FrameSample, solute: Solute) -> Observables | None:
    """What is followed of a replica; None if it has other atoms than the first."""
    own = run.molecule
    if own is None or sample.coordinates_nm.shape[1] != own.n_atoms or not len(sample.rows):
        return None
    if own.n_atoms <= solute.rows.max(initial=-1) or (own.atom_name[solute.rows] != solute.molecule.atom_name).any():
        return None
    return observe(solute, sample.coordinates_nm)


def _take(seen: Observables, rows: NDArray[np.bool_]) -> Observables:
    return Observables({name: values[rows] for name, values in seen.series.items()}, seen.torsions[rows])


def _interval_ps(run: Run, sample: FrameSample) -> float:
    time = run.observables.get("time_ps")
    if time is None or len(sample.rows) < 2:
        return float("nan")
    return float(np.median(np.diff(time[sample.rows])))


def _notes(runs: Sequence[Run], samples: Sequence[FrameSample | None]) -> list[str]:
    notes = []
    for run, sample in zip(runs, samples, strict=True):
        n_bad = int((~run.passed).sum())
        if n_bad:
            notes.append(f"{run.label}: {n_bad:,} of {run.n_frames:,} frames did not pass the checks and are not used.")
        if sample is None and run.n_frames:
            notes.append(f"{run.label}: its frames cannot be read.")
        if run.reason:
            notes.append(f"{run.label}: {run.reason}")
    longest = max((run.n_frames for run in runs), default=0)
    drawn = max((len(sample.rows) for sample in samples if sample is not None), default=0)
    if longest > drawn > 0:
        notes.append(
            f"Structures are followed in {drawn:,} evenly spaced frames of up to {longest:,}; energies in all of them."
        )
    return notes


def _structure_charts(
    runs: Sequence[Run],
    names: Sequence[str],
    colours: Sequence[str],
    seen: Sequence[Observables | None],
    samples: Sequence[FrameSample | None],
) -> list[dict[str, Any]]:
    """RMSD from the start, and every share of contacts."""
    titles = dict.fromkeys(name for item in seen if item is not None for name in item.series)
    charts = []
    for title in titles:
        scale, words = (10.0, "RMSD from the start (Å)") if title == "RMSD" else (1.0, f"Share of the {title} kept")
        curves = []
        for run, name, colour, item, sample in zip(runs, names, colours, seen, samples, strict=True):
            time = run.observables.get("time_ps")
            if item is None or sample is None or time is None or title not in item.series:
                continue
            curves.append(TimeCurve(name, colour, time[sample.rows], scale * item.series[title], sample.passed))
        charts += _chart(words, curves)
    return charts


def _energy_charts(runs: Sequence[Run], names: Sequence[str], colours: Sequence[str]) -> list[dict[str, Any]]:
    """Potential energy, temperature, and volume or density."""
    asked = runs[0].store.record.get("settings", {}) if runs[0].store else {}
    level = asked.get("conditions", {}).get("temperature_K") if isinstance(asked, dict) else None
    level = float(level) if isinstance(level, (int, float)) else None
    charts = []
    for key, words, mark in (
        ("potential_kJ_mol", "Potential energy (kJ/mol)", None),
        ("temperature_K", "Temperature (K)", level),
    ):
        charts += _chart(words, _observable_curves(runs, names, colours, key), mark)
    volumes = _observable_curves(runs, names, colours, "volume_nm3")
    mass = _mass_amu(runs[0])
    if mass and volumes:
        densities = [TimeCurve(c.name, c.colour, c.time_ps, _AMU_PER_NM3 * mass / c.values, c.passed) for c in volumes]
        charts += _chart("Density (g/ml)", densities)
    else:
        charts += _chart("Volume of the box (nm³)", volumes)
    return charts


def _observable_curves(runs: Sequence[Run], names: Sequence[str], colours: Sequence[str], key: str) -> list[TimeCurve]:
    curves = []
    for run, name, colour in zip(runs, names, colours, strict=True):
        time, values = run.observables.get("time_ps"), run.observables.get(key)
        if time is None or values is None:
            continue
        finite = np.isfinite(values) & np.isfinite(time)
        if finite.any():
            curves.append(TimeCurve(name, colour, time[finite], values[finite], run.passed[finite]))
    return curves


def _chart(words: str, curves: Sequence[TimeCurve], level: float | None = None) -> list[dict[str, Any]]:
    made = time_chart(words, curves, level)
    return [] if made is None else [{"title": words, "axis": made[0], "chart": made[1]}]


def _mass_amu(run: Run) -> float | None:
    system = run.store.record.get("system") if run.store else None
    mass = system.get("total_mass_amu") if isinstance(system, dict) else None
    return float(mass) if isinstance(mass, (int, float)) and mass > 0 else None


def _fluctuations(
    solute: Solute,
    runs: Sequence[Run],
    samples: Iterable[FrameSample | None],
    names: Sequence[str],
    colours: Sequence[str],
) -> list[dict[str, Any]]:
    """RMSF of every residue about the replica's own mean, one curve a replica."""
    atoms = solute.molecule.representative_atoms()
    if not 3 <= len(atoms) <= _MOST_RMSF_ATOMS:
        return []
    labels = [solute.molecule.residue_label(int(solute.molecule.residue_index[atom])) for atom in atoms]
    curves = []
    for run, sample, name, colour in zip(runs, samples, names, colours, strict=True):
        if sample is None or sample.passed.sum() < 2 or run.molecule is None:
            continue
        if run.molecule.n_atoms <= solute.rows.max():
            continue
        frames = superpose_on_mean(sample.coordinates_nm[sample.passed][:, solute.rows[atoms]].astype(np.float64))
        deviations = frames - frames.mean(axis=0)
        curves.append((name, colour, 10.0 * np.sqrt((deviations**2).sum(axis=2).mean(axis=0))))
    if not curves:
        return []
    left, picture, note = rmsf_chart(labels, curves)
    return [{"axis": left, "chart": picture, "note": note}]
