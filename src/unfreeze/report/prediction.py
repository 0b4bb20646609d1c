"""`write_prediction_page`: the one HTML page on what was predicted, and why.

As the other pages it is a single file that loads nothing; names and texts from files reach it escaped by the template,
or compressed and then as text nodes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import unfreeze
from unfreeze.errors import InputError
from unfreeze.files.atomic import write_atomically
from unfreeze.report import packing
from unfreeze.report.facts import input_rows
from unfreeze.report.layout import assets, page_environment
from unfreeze.report.molstar import MolstarBundle, load_molstar
from unfreeze.report.page import bound
from unfreeze.report.prediction_folder import PredictionFolder
from unfreeze.report.prediction_heat import STOPS, HeatMap, heat_map
from unfreeze.report.prediction_site import site_pictures
from unfreeze.report.prediction_tables import MOST_ROWS, class_bars, effect_table, known_table, lead, reasons_of, tiles
from unfreeze.report.scene import make_scene
from unfreeze.structure.complex import Complex

__all__ = ["prediction_html", "write_prediction_page"]

SCRIPTS = ("base.js", "sketch.js", "viewer.js", "evaluation.js", "prediction.js")
STYLES = ("report.css", "evaluation.css", "prediction.css")
_MOST_PROTEINS = 100
_TITLES = {
    "affinity": "Binding affinity",
    "stability": "Stability of the fold",
    "location": "Location in the cell",
    "function": "Enzymatic function",
}


def write_prediction_page(directory: str | Path) -> Path:
    """Write ``report.html`` into a folder of `unfreeze predict`.

    Returns
    -------
    Path
        The page. It is replaced as a whole; nobody ever sees half of it.

    Raises
    ------
    InputError
        If the folder is not one of a prediction, or is damaged.
    """
    folder = Path(directory)
    found = PredictionFolder.read(folder)
    try:
        text = prediction_html(found)
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{folder / 'prediction.json'}: damaged ({type(error).__name__}: {error}); predict again"
        ) from error
    write_atomically(folder / "report.html", text)
    return folder / "report.html"


def prediction_html(found: PredictionFolder, bundle: MolstarBundle | None = None) -> str:
    """The page as text.

    Parameters
    ----------
    found
        What to show.
    bundle
        The viewer; taken from the installed package when None.
    """
    record, task = found.record, found.task
    by_mutation = task in ("affinity", "stability")
    heat = HeatMap.of(found.effects, 1 if task == "affinity" else -1) if by_mutation else None
    scene = _scene(found) if by_mutation and found.molecule is not None else None
    viewer = (bundle or load_molstar()) if scene is not None else None
    proteins = record.get("proteins") or []
    shared = assets(STYLES, SCRIPTS, *([viewer.script] if viewer else []))
    environment = page_environment(bound=bound, minus=lambda text: text.replace("-", "\N{MINUS SIGN}"))
    binding = record.get("affinity") or {}
    payload = {"heat": heat.payload() if heat else None, "worse": heat.worse if heat else 1, "scene": None}
    if scene is not None:
        payload |= scene["payload"]
    return environment.get_template("prediction.html").render(
        task=task,
        heading=_TITLES[task],
        name=str(record["input"].get("name") or "Prediction"),
        title=str(record["input"].get("title") or ""),
        chips=_chips(found),
        lead=lead(record),
        tiles=tiles(record),
        outside=str(binding.get("outside") or ""),
        notes=[str(note) for note in record.get("notes") or []],
        table=effect_table(record) if by_mutation else None,
        known=known_table(record),
        most_rows=MOST_ROWS,
        n_outside=sum(bool(effect["outside"]) for effect in found.effects),
        heat=heat_map(heat) if heat else None,
        limit=heat.limit if heat else None,
        stops=", ".join(STOPS),
        scene=scene,
        reasons=_reasons(found),
        proteins=[
            {**protein, "bars": class_bars(protein, f"Probabilities of {protein['name']}")}
            for protein in proteins[:_MOST_PROTEINS]
        ],
        n_proteins=len(proteins),
        input_rows=input_rows(record),
        provenance_rows=_provenance(record),
        version=unfreeze.__version__,
        style=shared.style,
        script=shared.script,
        script_sources=shared.script_sources,
        blocks={
            "data": packing.pack(packing.json_bytes(payload)),
            "coordinates": packing.pack(scene["coordinates"]) if scene is not None else "",
            "viewer-script": packing.pack(viewer.script.encode("utf-8")) if viewer else "",
            "viewer-style": packing.pack(viewer.style.encode("utf-8")) if viewer else "",
        },
        viewer_version=viewer.version if viewer else "",
    )


def _chips(found: PredictionFolder) -> list[tuple[str, str]]:
    record = found.record
    chips = []
    if found.molecule is not None:
        chips += [(f"{found.molecule.n_chains:,}", "chains"), (f"{found.molecule.n_residues:,}", "residues")]
    elif record.get("sequence"):
        chips.append((f"{len(record['sequence']):,}", "residues"))
    if found.effects:
        chips.append((f"{len(found.effects):,}", "mutations"))
    if record.get("proteins"):
        chips.append((f"{len(record['proteins']):,}", "proteins"))
    kelvin = (record.get("conditions") or {}).get("temperature_K")
    if kelvin:
        chips.append((f"{kelvin:g} K", ""))
    return [(number, word.removesuffix("s") if number == "1" else word) for number, word in chips]


def _scene(found: PredictionFolder) -> dict[str, Any] | None:
    """The structure for the viewer, with the mean effect of the mutations of every residue."""
    molecule = found.molecule
    if molecule is None or not molecule.n_atoms:
        return None
    values = _mean_effects(molecule, found.effects)
    known = np.isfinite(values)
    at_interface = np.zeros(molecule.n_residues, dtype=bool)
    interface = found.record.get("interface") or {}
    names = {*interface.get("first", ()), *interface.get("second", ())}
    for row in range(molecule.n_residues):
        at_interface[row] = molecule.residue_label(row) in names
    scene = make_scene(molecule, molecule.coordinates_nm[None], None, np.zeros(molecule.n_residues))
    shown = np.unique(molecule.residue_index[scene.atoms])
    limit = max(float(np.percentile(np.abs(values[known]), 95)), 2.0) if known.any() else 1.0
    payload = {
        "scene": scene.layout,
        "chains": molecule.chain_name.tolist(),
        "effect": [round(float(values[row]), 2) if known[row] else None for row in shown],
        "interface": [int(at_interface[row]) for row in shown],
        "effectLimit": round(limit, 1),
        "task": found.task,
    }
    return {
        "payload": payload,
        "coordinates": scene.coordinates,
        "detail": scene.detail,
        "n_shown": len(scene.atoms),
        "n_atoms": molecule.n_atoms,
        "has_effects": bool(known.any()),
        "has_interface": bool(at_interface.any()),
    }


def _mean_effects(molecule: Complex, effects: list[dict[str, Any]]) -> np.ndarray:
    """Mean ΔΔG of the single mutations of every residue: [n_residues], kJ/mol, NaN without one."""
    rows: dict[tuple[str, int, str], int] = {}
    for row in range(molecule.n_residues):
        chain = str(molecule.chain_name[molecule.chain_index[row]])
        code = str(molecule.residue_insertion_code[row]).upper()
        rows.setdefault((chain, int(molecule.residue_number[row]), code), row)
    total, count = np.zeros(molecule.n_residues), np.zeros(molecule.n_residues)
    for effect in effects:
        site = effect["sites"][0]
        row = rows.get((site["chain"], site["number"], site["insertion_code"]))
        if row is not None and len(effect["sites"]) == 1:
            total[row] += effect["delta_delta_g_kJ_mol"]
            count[row] += 1
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _reasons(found: PredictionFolder) -> list[dict[str, Any]]:
    shown = []
    for effect in reasons_of(found.effects):
        mutant = found.mutants.get(effect.get("structure") or "")
        pictures = site_pictures(found.molecule, mutant, effect) if found.molecule is not None else []
        shown.append({**effect, "pictures": pictures})
    return shown


def _provenance(record: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [
        ("Created", record.get("created")),
        ("Command", record.get("command")),
        ("unfreeze", record.get("unfreeze_version")),
        *((str(key), value) for key, value in (record.get("versions") or {}).items()),
    ]
    for item in record.get("weights") or []:
        rows += [(f"Weights {item['name']}, SHA-256", item["sha256"])]
    return [(label, str(value)) for label, value in rows if value]
