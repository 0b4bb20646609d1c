"""What a person or a program reads on the terminal when a prediction is done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["print_prediction"]

_MOST_ROWS = 12
_MOST_IN_JSON = 500
_NO_DIRECTION = ("unclear", "little effect", "probably little effect")


def print_prediction(
    record: dict[str, Any], folder: Path, with_report: bool, seconds: dict[str, float], *, as_json: bool
) -> None:
    """Print a summary: for people in a few lines, for programs as one JSON object.

    Parameters
    ----------
    record
        As in ``prediction.json``.
    folder
        Where it is, as the user calls it.
    with_report
        Whether there is a page.
    seconds
        Time of every stage.
    as_json
        For a program.
    """
    if as_json:
        print(json.dumps(_summary(record, folder, with_report, seconds), indent=1, ensure_ascii=False))
    else:
        _print(record, folder, with_report, seconds)


def _summary(record: dict[str, Any], folder: Path, with_report: bool, seconds: dict[str, float]) -> dict[str, Any]:
    parts = {key: record[key] for key in ("affinity", "stability", "known") if key in record}
    for key in ("effects", "proteins"):
        if key in record:
            parts[f"n_{key}"] = len(record[key])
            parts[key] = record[key] if len(record[key]) <= _MOST_IN_JSON else None  # then they are in the files
    return {
        "directory": str(folder),
        "report": str(folder / "report.html") if with_report else None,
        "files": [str(folder / name) for name in ("prediction.json", *record["files"])],
        "task": record["task"],
        "input": record["input"],
        "weights": record["weights"],
        **parts,
        "notes": record["notes"],
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
    }


def _print(record: dict[str, Any], folder: Path, with_report: bool, seconds: dict[str, float]) -> None:
    from rich.console import Console
    from rich.markup import escape

    out = Console(highlight=False, soft_wrap=True)
    took = f", in {sum(seconds.values()):.1f} s"
    if record["task"] in ("affinity", "stability"):
        _print_effects(out, record, took)
    else:
        _print_classes(out, record, took)
    notes = Console(stderr=True, highlight=False, soft_wrap=True)
    outside = record.get("affinity", {}).get("outside")
    for text in [*([outside] if outside else []), *record["notes"]]:
        notes.print(f"[yellow]Note:[/] {escape(text)}")
    for role, name in (("table", "predictions.csv"), ("record", "prediction.json")):
        out.print(f"  {role:<9} {folder / name}", markup=False)
    if any(name.startswith("mutants/") for name in record["files"]):
        out.print(f"  {'mutants':<9} {folder / 'mutants'}", markup=False)
    if with_report:
        out.print(f"  {'report':<9} {folder / 'report.html'}", markup=False)


def _print_effects(out: Any, record: dict[str, Any], took: str) -> None:
    from rich.markup import escape
    from rich.table import Table

    binding, entries = record.get("affinity"), record["effects"]
    if binding is not None:
        names = escape(" with ".join(binding["partners"]))
        value, error = binding["delta_g_kJ_mol"], binding["error_kJ_mol"]
        constant = binding.get("dissociation_constant_M")
        said = "not predicted" if value is None else f"{value:.1f}{'' if error is None else f' ± {error:.1f}'} kJ/mol"
        kelvin = f" at {binding['temperature_K']:g} K"
        at = "" if constant is None else f" (dissociation constant {constant:.1e} mol/L)"
        out.print(f"[bold]ΔG of binding[/] of {names}{'' if value is None else kelvin}: {said}{at}{took}")
        took = ""
    if record.get("known"):
        _print_known(out, record["known"])
    if not entries:
        return
    meaning = "positive weakens the binding" if binding is not None else "negative destabilises the fold"
    out.print(f"[bold]{len(entries):,} mutation{'' if len(entries) == 1 else 's'}[/] (ΔΔG: {meaning}){took}")
    with_tm = any(entry["delta_tm_K"] is not None for entry in entries)
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    more = ["model alone", "measured"] if record.get("known") else []
    for title in ("mutation", "ΔΔG, kJ/mol", *(["ΔTm, K"] if with_tm else []), *more, "", ""):
        table.add_column(title, header_style="dim")
    for entry in sorted(entries, key=lambda one: -abs(one["delta_delta_g_kJ_mol"]))[:_MOST_ROWS]:
        style = "dim" if entry["words"] in _NO_DIRECTION else ""
        tm = [_value(entry["delta_tm_K"], entry["error_tm_K"])] if with_tm else []
        cells = (escape(entry["mutations"]), _value(entry["delta_delta_g_kJ_mol"], entry["error_kJ_mol"]))
        if more:
            alone = _value(entry["model_alone_kJ_mol"], entry["model_alone_error_kJ_mol"])
            tm += [alone, _value(entry["measured_kJ_mol"], None).replace("–", "")]
        table.add_row(*cells, *tm, entry["words"], "outside" if entry["outside"] else "", style=style)
    out.print(table)
    if len(entries) > _MOST_ROWS:
        out.print(f"  … the {_MOST_ROWS} strongest; all are in the table")


def _print_known(out: Any, known: dict[str, Any]) -> None:
    """What was given, and how well the model and it go together."""
    from rich.markup import escape

    n = known["n_values"]
    source = "" if str(known["source"]).startswith("--") else f" of {escape(known['source'])}"
    moved = f"predictions move by {known['mean_move_kJ_mol']:.1f} kJ/mol on average, at most by "
    moved = f": {moved}{known['largest_move_kJ_mol']:.1f}" if known["largest_move_kJ_mol"] else ""
    out.print(f"[bold]{n:,} measured value{'' if n == 1 else 's'}[/]{source}{moved}")
    for kind, one in known["left_out_in_turn"].items():
        unit = "K" if kind in ("dtm", "tm") else "kJ/mol"
        out.print(
            f"  each left out in turn: off by {one['rms_from_the_others']:.1f} {unit} (root mean square), "
            f"by the model alone {one['rms_model_alone']:.1f}"
        )


def _print_classes(out: Any, record: dict[str, Any], took: str) -> None:
    from rich.markup import escape

    proteins = record["proteins"]
    out.print(f"[bold]{len(proteins):,} protein{'' if len(proteins) == 1 else 's'}[/]{took}")
    for entry in proteins[:_MOST_ROWS]:
        chosen = ", ".join(f"{name} ({entry['probabilities'].get(name, 0.0):.2f})" for name in entry["specific"][:4])
        chosen += ", …" if len(entry["specific"]) > 4 else ""
        outside = " [yellow](outside what the model knows)[/]" if entry["outside"] else ""
        out.print(f"  {escape(entry['name'])}: {escape(chosen) or 'none above its threshold'}{outside}")
    if len(proteins) > _MOST_ROWS:
        out.print("  … all are in the table")


def _value(value: float | None, error: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:+.1f}" + ("" if error is None else f" ± {error:.1f}")
