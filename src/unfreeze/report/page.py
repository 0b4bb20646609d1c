"""`write_report`: the one HTML page that a person opens to look at an ensemble.

The page is a single file that loads nothing: style, scripts, numbers, coordinates and the viewer are inside, the
large parts compressed. Text from files reaches it escaped (by the template) or compressed (and then as text nodes).
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import unfreeze
from unfreeze.report import facts, packing, words
from unfreeze.report.findings import Findings, analyse
from unfreeze.report.layout import assets, page_environment
from unfreeze.report.molstar import MolstarBundle, load_molstar
from unfreeze.report.scene import Scene, make_scene
from unfreeze.structure.ensemble import Ensemble
from unfreeze.structure.observables.interfaces import Interface
from unfreeze.structure.observables.motion import weighted_mean_sd

__all__ = ["SCRIPTS", "page_html", "write_report"]

SCRIPTS = ("base.js", "charts.js", "matrix.js", "interfaces.js", "sketch.js", "viewer.js", "main.js")
_MOST_ROWS = 200


def write_report(directory: str | Path) -> Path:
    """Write ``report.html`` into an ensemble folder.

    Parameters
    ----------
    directory
        Folder with topology, frames and ``ensemble.json``.

    Returns
    -------
    Path
        The page. It is replaced as a whole; nobody ever sees half of it.

    Raises
    ------
    InputError
        If the folder is not a sound ensemble folder.
    """
    folder = Path(directory)
    text = page_html(Ensemble.load(folder))
    target = folder / "report.html"
    handle, name = tempfile.mkstemp(prefix=".report.", suffix=".html", dir=folder)
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o644)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return target


def page_html(ensemble: Ensemble, bundle: MolstarBundle | None = None) -> str:
    """The page as text.

    Parameters
    ----------
    ensemble
        What to show.
    bundle
        The viewer; taken from the installed package when None.
    """
    found = analyse(ensemble)
    scene = make_scene(ensemble.complex, ensemble.coordinates_nm, ensemble.weights, found.residue_rmsf_a)
    viewer = bundle or load_molstar()
    record, molecule = ensemble.record, ensemble.complex
    temperature, timescale = facts.conditions_text(record)
    source = record.get("input")
    source = source if isinstance(source, dict) else {}
    interfaces = [_interface_row(item, ensemble.weights) for item in found.interfaces]
    shared = assets(("report.css",), SCRIPTS, *([viewer.script] if viewer else []))
    environment = page_environment(bound=bound)
    return environment.get_template("page.html").render(
        name=str(source.get("name") or molecule.source.name or "Ensemble"),
        title=str(source.get("title") or molecule.source.title or ""),
        summary=words.summary_sentences(molecule, found, ensemble.n_frames, ensemble.weights, timescale),
        tiles=_tiles(ensemble, found),
        temperature=temperature,
        timescale=timescale,
        molecule=molecule,
        n_frames=ensemble.n_frames,
        weighted=ensemble.weights is not None,
        n_shown_frames=len(scene.frames),
        n_shown_atoms=len(scene.atoms),
        detail=scene.detail,
        has_trace=len(found.trace) > 0,
        has_prediction=ensemble.fluctuations is not None,
        shares=[] if found.components is None else (100.0 * found.components.shares).tolist(),
        group_size=int(np.bincount(found.groups).max()) if len(found.groups) else 1,
        interfaces=interfaces[:_MOST_ROWS],
        n_interfaces=len(interfaces),
        checks=facts.validity_rows(record),
        input_rows=facts.input_rows(record),
        condition_rows=facts.condition_rows(record),
        provenance_rows=facts.provenance_rows(record),
        warnings=[str(text) for text in record.get("warnings") or []],
        version=unfreeze.__version__,
        style=shared.style,
        script=shared.script,
        script_sources=shared.script_sources,
        blocks={
            "data": packing.pack(packing.json_bytes(_payload(ensemble, found, scene))),
            "coordinates": packing.pack(scene.coordinates),
            "matrix": packing.pack(_matrix_bytes(found)),
            "viewer-script": packing.pack(viewer.script.encode("utf-8")) if viewer else "",
            "viewer-style": packing.pack(viewer.style.encode("utf-8")) if viewer else "",
        },
        viewer_version=viewer.version if viewer else "",
    )


def bound(text: str) -> str:
    """Keep a number and its unit on one line."""
    return re.sub(r"(?<=\d) (?=(?:Å|%|K|ps|ns|µs)(?!\w))", "\N{NO-BREAK SPACE}", text)


def _tiles(ensemble: Ensemble, found: Findings) -> list[dict[str, str]]:
    tiles = []
    if len(found.trace) and ensemble.n_frames > 1:
        region = words.most_mobile_region(ensemble.complex, found)
        tiles.append(
            {
                "label": "Median RMSF",
                "value": f"{np.median(found.rmsf_a):.2f} Å",
                "note": "half of all residues move less",
            }
        )
        if region:
            tiles.append({"label": "Largest RMSF", "value": f"{region.peak_a:.2f} Å", "note": region.text})
    total = sum(item.n_input for item in found.interfaces)
    if total:
        share = 100.0 * sum(item.n_persistent for item in found.interfaces) / total
        tiles.append(
            {"label": "Contacts that hold", "value": f"{share:.0f} %", "note": f"of {total} across interfaces"}
        )
    checks = ensemble.record.get("checks")
    valid = checks.get("frames_valid_share") if isinstance(checks, dict) else None
    if isinstance(valid, (int, float)):
        tiles.append(
            {"label": "Valid frames", "value": f"{int(1000 * valid) / 10:g} %", "note": "no fault that the input lacks"}
        )
    return tiles


def _interface_row(item: Interface, weights: NDArray[np.float64] | None) -> dict[str, Any]:
    native = item.native_fraction
    return {
        "first": item.first,
        "second": item.second,
        "contacts": item.n_input,
        "holds": item.n_persistent,
        "weakens": item.n_weak,
        "breaks": item.n_lost,
        "forms": item.n_formed,
        "area_input": 100.0 * item.buried_area_input_nm2,
        "area_mean": 100.0 * item.buried_area_mean_nm2,
        "area_sd": 100.0 * item.buried_area_sd_nm2,
        "native": weighted_mean_sd(native, weights)[0] if item.n_input and len(native) else None,
    }


def _payload(ensemble: Ensemble, found: Findings, scene: Scene) -> dict[str, Any]:
    molecule = ensemble.complex
    chain = molecule.chain_index[found.trace]
    at_interface = np.zeros(molecule.n_residues, dtype=int)
    for item in found.interfaces:
        at_interface[item.residues[item.in_input].ravel()] = 1
    numbers = [f"{molecule.residue_number[r]}{molecule.residue_insertion_code[r]}" for r in found.trace]
    weights = ensemble.weights
    components = found.components
    predicted, rows = ensemble.fluctuations, range(len(found.trace))
    return {
        "name": molecule.source.name,
        "chains": molecule.chain_name.tolist(),
        "trace": {
            "chain": chain.tolist(),
            "number": numbers,
            "residue": molecule.residue_name[found.trace].tolist(),
            "rmsf": np.round(found.rmsf_a, 3).tolist(),
            "interface": at_interface[found.trace].tolist(),
            "group": found.groups.tolist(),
            "predicted": None if predicted is None else [_angstrom(predicted.predicted_nm, k) for k in rows],
            "low": None if predicted is None else [_angstrom(predicted.low_nm, k) for k in rows],
            "high": None if predicted is None else [_angstrom(predicted.high_nm, k) for k in rows],
        },
        "nGroups": len(found.correlations),
        "rmsd": np.round(found.rmsd_a, 3).tolist(),
        "weights": None if weights is None else [float(f"{w:.6g}") for w in weights],
        "components": None
        if components is None or len(components.shares) < 2
        else {
            "share": np.round(components.shares, 5).tolist(),
            "frames": np.round(10.0 * components.projections_nm / np.sqrt(len(found.trace)), 4).tolist(),
            "input": np.round(10.0 * found.input_projection / np.sqrt(len(found.trace)), 4).tolist(),
        },
        "interfaces": [
            {
                "first": item.first,
                "second": item.second,
                "a": [molecule.residue_label(int(r)) for r in item.residues[:, 0]],
                "b": [molecule.residue_label(int(r)) for r in item.residues[:, 1]],
                "input": item.in_input.astype(int).tolist(),
                "persistence": np.round(item.persistence, 4).tolist(),
                "native": [] if not item.n_input else np.round(item.native_fraction, 4).tolist(),
                "areaInput": round(100.0 * item.buried_area_input_nm2, 1),
                "areaMean": _rounded(100.0 * item.buried_area_mean_nm2),
                "areaSd": _rounded(100.0 * item.buried_area_sd_nm2),
            }
            for item in found.interfaces
        ],
        "scene": scene.layout,
    }


def _matrix_bytes(found: Findings) -> bytes:
    """Upper triangle with its diagonal, row by row, in hundredths as int8."""
    rows, columns = np.triu_indices(len(found.correlations))
    return np.round(100.0 * found.correlations[rows, columns]).astype(np.int8).tobytes()


def _angstrom(values_nm: NDArray[np.float64], row: int) -> float | None:
    return round(10.0 * float(values_nm[row]), 3) if np.isfinite(values_nm[row]) else None


def _rounded(value: float) -> float | None:
    return round(value, 1) if np.isfinite(value) else None
