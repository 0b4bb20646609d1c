"""What the page says of one target: scores of all generators, how atoms were matched, validity, notes and charts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from unfreeze.evaluate.result import TargetResult
from unfreeze.report import facts
from unfreeze.report.evaluation_charts import COLOURS
from unfreeze.report.evaluation_curves import Curve, histogram_chart, numbers, points, rmsf_chart, scatter_chart
from unfreeze.report.evaluation_folder import EvaluationFolder, load_result, mapping, number, sequence, text
from unfreeze.report.evaluation_interfaces import contact_charts, interface_rows
from unfreeze.report.evaluation_numbers import share
from unfreeze.report.evaluation_tables import score_rows

__all__ = ["target_details"]

_MOST_CHAINS = 60
_MOST_MISSING = 100
_MOST_HISTOGRAMS = 8
_SERIES = re.compile(r"(rg|sasa|irmsd|lrmsd|fnat|dockq|buried_area|rmsd_to_other|rmsd_to_input|progress)"
                     r"(?:_(ensemble|reference|input))?(?:_(A|nm2))?")  # fmt: skip
"""Keys of arrays that are one number a frame: quantity, side, unit."""
_QUANTITIES = {
    "rg": "Radius of gyration",
    "sasa": "Solvent-accessible area",
    "irmsd": "Interface RMSD",
    "lrmsd": "Ligand RMSD",
    "fnat": "Fraction of native contacts",
    "dockq": "DockQ",
    "buried_area": "Buried area",
    "rmsd_to_other": "RMSD to the other state",
    "rmsd_to_input": "RMSD to the input",
    "progress": "Way to the other state (0: the input, 1: there)",
}
_UNITS = {"A": "Å", "nm2": "nm²"}


def target_details(data: EvaluationFolder, target: str) -> dict[str, Any]:
    """One target for the template.

    Parameters
    ----------
    data
        The folder.
    target
        One that some generator has scores of; the files are read again for their arrays.
    """
    scored = data.results[target]
    generators = [name for name in data.generators if name in scored]
    full = {name: load_result(data.paths[target][name]) for name in generators}
    colours = {name: f"g{data.generators.index(name) % COLOURS}" for name in generators}
    rows = score_rows(
        data.metrics, generators, lambda name, metric: full[name].estimates.get(metric),
        colours=[data.generators.index(name) for name in generators],
    )  # fmt: skip
    failed = [item for item in data.failed if item.target == target]
    return {
        "target": target,
        "generators": [{"name": name, "colour": colours[name]} for name in generators],
        "rows": rows,
        "has_reference": any(row.reference for row in rows),
        "failed": failed,
        "inputs": _distinct(row for name in generators for row in _inputs(name, full[name])),
        "notes": _notes(full),
        "matching": [_matching(name, full[name].matching) for name in generators if full[name].matching],
        "validity": _validity(full),
        "fluctuations": _fluctuations(full, colours),
        "components": _components(full, colours),
        "histograms": _histograms(full, colours),
        "interfaces": interface_rows(full),
        "contacts": contact_charts(full, colours),
    }


def _inputs(generator: str, result: TargetResult) -> list[dict[str, str]]:
    """A row a side: what was read."""
    rows = []
    for side in ("ensemble", "reference"):
        entry = mapping(result.inputs.get(side))
        if not entry:
            continue
        found = {key: number(entry.get(key)) for key in ("n_frames", "n_atoms", "n_replicas", "time_step_ps")}
        replicas = found["n_replicas"]
        words = [
            f"{found['n_frames']:,.0f} frames" if found["n_frames"] is not None else "",
            f"{replicas:,.0f} replicas" if replicas is not None and replicas > 1 else "",
            f"{found['n_atoms']:,.0f} atoms" if found["n_atoms"] is not None else "",
            f"every {found['time_step_ps']:g} ps" if found["time_step_ps"] is not None else "",
        ]
        files = entry.get("files")
        names = [re.split(r"[/\\]", text(item))[-1] for item in sequence(files)]
        rows.append(
            {
                "side": generator if side == "ensemble" else "reference",
                "what": ", ".join(word for word in words if word),
                "files": ", ".join(name for name in names[:6] if name) + (" …" if len(names) > 6 else ""),
            }
        )
    return rows


def _distinct(rows: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for row in rows:
        if row not in found:
            found.append(row)
    return found


def _notes(full: Mapping[str, TargetResult]) -> list[str]:
    """All notes; a note that not all generators have names them."""
    said: dict[str, list[str]] = {}
    for name, result in full.items():
        for note in result.notes:
            said.setdefault(note, []).append(name)
    return [note if len(who) == len(full) else f"{', '.join(who)}: {note}" for note, who in said.items()]


def _matching(generator: str, found: Mapping[str, Any]) -> dict[str, Any]:
    missing = [text(item) for item in sequence(found.get("missing_residues"))]
    chains = [mapping(row) for row in sequence(found.get("chains"))]
    counts = {key: number(value) for key, value in found.items()}

    def count(key: str) -> str:
        value = counts.get(key)
        return "" if value is None else f"{value:,.0f}"

    n_matched = count("n_atoms") or count("n_matched_atoms")
    words = [
        f"{n_matched} heavy atoms matched" if n_matched else "",
        f"{count('n_reference_atoms')} in the reference" if count("n_reference_atoms") else "",
        f"{count('n_ensemble_atoms')} in the ensemble" if count("n_ensemble_atoms") else "",
        f"{count('n_missing_atoms')} of matched residues missing" if counts.get("n_missing_atoms") else "",
        f"{count('n_mutated')} residues of another type" if counts.get("n_mutated") else "",
        f"{count('extra_residues')} residues of the ensemble without a partner" if counts.get("extra_residues") else "",
    ]
    return {
        "generator": generator,
        "rule": text(found.get("rule")),
        "counts": ", ".join(word for word in words if word),
        "chains": [
            {
                "reference": text(row.get("reference")),
                "ensemble": text(row.get("ensemble")) or "–",
                "identity": share(number(row.get("identity"))),
                "matched": _count(row.get("n_matched")),
                "n_reference": _count(row.get("n_reference")),
                "n_ensemble": _count(row.get("n_ensemble")),
            }
            for row in chains[:_MOST_CHAINS]
        ],
        "n_more_chains": max(0, len(chains) - _MOST_CHAINS),
        "missing": ", ".join(missing[:_MOST_MISSING]),
        "n_missing": len(missing),
        "n_more_missing": max(0, len(missing) - _MOST_MISSING),
        "notes": [text(note) for note in sequence(found.get("notes"))],
    }


def _count(value: Any) -> str:
    found = number(value)
    return "–" if found is None else f"{found:,.0f}"


def _validity(full: Mapping[str, TargetResult]) -> dict[str, Any]:
    """Checks down, generators and the reference's own frames across."""
    table: dict[str, dict[str, Any]] = {}
    names, n_checked = [], set()
    for name, result in full.items():
        checks = {key: number(value) for key, value in mapping(result.validity).items()}
        if all(value is None for value in checks.values()):
            continue
        own = {key: number(value) for key, value in mapping(mapping(result.validity).get("reference")).items()}
        names.append(name)
        n_checked.add(checks.get("n_frames_checked"))
        for row in facts.validity_rows({"checks": {**checks, "input": own}}):
            line = table.setdefault(row["label"], {"label": row["label"], "note": row["note"], "reference": "–"})
            line[name] = row["ensemble"]
            line["reference"] = row["input"] if line["reference"] == "–" else line["reference"]
    rows = [{**line, "values": [line.get(name, "–") for name in names]} for line in table.values()]
    counted = sorted(value for value in n_checked if value is not None)
    return {
        "names": names,
        "rows": rows,
        "n_checked": " to ".join(dict.fromkeys(f"{v:,.0f}" for v in (*counted[:1], *counted[-1:]))),
    }


def _fluctuations(full: Mapping[str, TargetResult], colours: Mapping[str, str]) -> list[dict[str, Any]]:
    """A chart for all generators that were matched on the same residues."""
    charts: dict[tuple[str, ...], tuple[list[Any], list[Curve]]] = {}
    for name, result in full.items():
        reference = numbers(result.arrays.get("rmsf_reference_A"))
        ensemble = numbers(result.arrays.get("rmsf_ensemble_A"))
        if reference is None or ensemble is None or len(reference) != len(ensemble):
            continue
        residues = result.arrays.get("residue", [])
        key = (str(len(reference)), *(text(label) for label in residues))
        _, curves = charts.setdefault(key, (residues, [("reference", "reference", reference)]))
        curves.append((name, colours[name], ensemble))
    shown = []
    for residues, curves in charts.values():
        left, picture, note = rmsf_chart(residues, curves)
        shown.append({"axis": left, "chart": picture, "note": note, "curves": _legend(curves)})
    return shown


def _components(full: Mapping[str, TargetResult], colours: Mapping[str, str]) -> list[dict[str, Any]]:
    """A chart a generator: each has its own axes where the matched atoms differ."""
    shown = []
    for name, result in full.items():
        reference = points(result.arrays.get("pca_reference"))
        ensemble = points(result.arrays.get("pca_ensemble"))
        if reference is not None and ensemble is not None:
            clouds = [("reference", "reference", reference), (name, colours[name], ensemble)]
            shown.append({"chart": scatter_chart(clouds), "curves": _legend(clouds)})
    return shown


def _histograms(full: Mapping[str, TargetResult], colours: Mapping[str, str]) -> list[dict[str, Any]]:
    """A chart a quantity, all generators in it."""
    charts: dict[tuple[str, str], list[Curve]] = {}
    for name, result in full.items():
        for key in result.arrays:
            found, values = _SERIES.fullmatch(key), numbers(result.arrays[key])
            if found is None or values is None:
                continue
            quantity, side, unit = found.groups()
            curves = charts.setdefault((quantity, unit or ""), [])
            if side in (None, "ensemble"):
                curves.append((name, colours[name], values))
            elif not any(known == side for known, *_ in curves):
                curves.insert(0, (side, side, values))
    shown = []
    for (quantity, unit), curves in list(charts.items())[:_MOST_HISTOGRAMS]:
        title = _QUANTITIES[quantity] + (f" ({_UNITS[unit]})" if unit else "")
        shown.append({"title": title, "chart": histogram_chart(title, curves), "curves": _legend(curves)})
    return shown


def _legend(curves: Sequence[tuple[str, str, Any]]) -> list[dict[str, str | Markup]]:
    names = {"reference": "reference", "input": "the input"}
    return [{"name": names.get(colour, name), "colour": colour} for name, colour, _ in curves]
