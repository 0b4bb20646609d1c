"""Fluctuations against molecular dynamics, nothing learned, side by side with ProDy's elastic networks.

    python -m benchmarks.motion FOLDER [--frames 250] [--only NAME,NAME] [--json OUT]

FOLDER holds NAME.pdb and NAME.xtc. Compared are, on Cα, the RMSF and the cross-correlations (DCCM) of the trajectory
with those of

    frames  our ensemble as a user gets it: drawn, projected, checked
    linear  our Gaussian before it is built into frames: the displacements of Cα to first order
    ANM     ProDy, cut-off 15 Å, all modes by eigen-decomposition, scaled to the trajectory's median RMSF
    GNM     ProDy, cut-off 10 Å, all modes, scaled alike
    half    one half of the trajectory against the other: what sampling of the reference allows

Ours is asked for the trajectory's own length where its clock is known (`benchmarks/amplitude.py`), else for 100 ns.
Cα-only trajectories are listed and stay out of the medians. Seconds are those of the whole calculation after the
structure is read: for ours springs, matrix, factor and all frames; for ProDy network, decomposition and fluctuations.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import prody
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.amplitude import CLOCKS
from benchmarks.common import console, save
from unfreeze.sample.generate import sample_ensemble
from unfreeze.sample.sampler import HarmonicSampler
from unfreeze.structure.complex import Complex
from unfreeze.structure.geometry import superpose_on_mean
from unfreeze.structure.observables.motion import dccm, rmsf_nm
from unfreeze.structure.read import read_complex
from unfreeze.structure.write import read_xtc

__all__ = ["compare", "main"]

METHODS = ("frames", "linear", "ANM", "GNM")
TARGET_R = 0.76
DEFAULT_TIME_NS = 100.0
ANM_CUTOFF_A, GNM_CUTOFF_A = 15.0, 10.0


def sampled(molecule: Complex, n_frames: int, timescale_ns: float) -> dict[str, Any]:
    """Our frames: RMSF in nm, DCCM, seconds and checks."""
    start = time.perf_counter()
    ensemble = sample_ensemble(molecule, n_frames=n_frames, timescale_ns=timescale_ns, model="harmonic")
    seconds = time.perf_counter() - start
    return {
        "rmsf": ensemble.rmsf(),
        "dccm": ensemble.dccm(),
        "seconds": seconds,
        "checks": {key: value for key, value in ensemble.record["checks"].items() if key != "input"},
    }


def linear(molecule: Complex, n_frames: int, timescale_ns: float) -> dict[str, Any]:
    """The Gaussian alone: Cα moved to first order."""
    start = time.perf_counter()
    sampler = HarmonicSampler.build(molecule, timescale_ns=timescale_ns)
    noise = np.random.default_rng(0).standard_normal((sampler.ensemble.n_noise, n_frames))
    moves = sampler.ensemble.draw(noise)
    seconds = time.perf_counter() - start
    atoms = molecule.representative_atoms()
    block = sampler.blocks.atom_block[atoms]
    arms = molecule.coordinates_nm[atoms] - sampler.blocks.centre_nm[block]
    frames = molecule.coordinates_nm[atoms] + moves[:, block, :3] + np.cross(moves[:, block, 3:], arms)
    frames = superpose_on_mean(frames)
    return {"rmsf": rmsf_nm(frames), "dccm": dccm(frames), "seconds": seconds}


def elastic_network(method: str, molecule: Complex, observed: NDArray[np.float64]) -> dict[str, Any]:
    """ProDy's network on Cα, its amplitude scaled to that of the trajectory."""
    points = molecule.coordinates_nm[molecule.representative_atoms()] * 10
    start = time.perf_counter()
    if method == "ANM":
        model: Any = prody.ANM(method)
        model.buildHessian(points, cutoff=ANM_CUTOFF_A)
    else:
        model = prody.GNM(method)
        model.buildKirchhoff(points, cutoff=GNM_CUTOFF_A)
    model.calcModes(n_modes=None)
    fluctuation = np.sqrt(prody.calcSqFlucts(model))
    seconds = time.perf_counter() - start
    fluctuation *= np.median(observed) / np.median(fluctuation)
    return {"rmsf": fluctuation, "dccm": prody.calcCrossCorr(model), "seconds": seconds, "n_modes": model.numModes()}


def agreement(
    model: dict[str, Any], observed: NDArray[np.float64], observed_dccm: NDArray[np.float64]
) -> dict[str, float]:
    """How near a model's RMSF and DCCM come to those observed."""
    off_diagonal = ~np.eye(len(observed), dtype=bool)
    return {
        "r": float(np.corrcoef(model["rmsf"], observed)[0, 1]),
        "log_r": float(np.corrcoef(np.log(model["rmsf"]), np.log(observed))[0, 1]),
        "amplitude_ratio": float(np.median(model["rmsf"]) / np.median(observed)),
        "mae_A": float(np.abs(model["rmsf"] - observed).mean() * 10),
        "dccm_r": float(np.corrcoef(model["dccm"][off_diagonal], observed_dccm[off_diagonal])[0, 1]),
    }


def compare(structure: Path, trajectory: Path, n_frames: int) -> dict[str, Any]:
    """One row: a trajectory against every method."""
    name = structure.stem
    molecule = read_complex(structure)
    atoms = molecule.representative_atoms()
    frames = superpose_on_mean(read_xtc(trajectory, molecule.n_atoms)[:, atoms])
    observed, observed_dccm = rmsf_nm(frames), dccm(frames)
    length_ns = CLOCKS[name] * len(frames) if name in CLOCKS else None
    halves = [superpose_on_mean(part) for part in (frames[: len(frames) // 2], frames[len(frames) // 2 :])]
    rmsf_one, rmsf_other = (rmsf_nm(half) for half in halves)
    row: dict[str, Any] = {
        "name": name,
        "n_residues": molecule.n_residues,
        "n_compared": len(atoms),
        "heavy_atoms": molecule.n_atoms > 2 * len(atoms),
        "n_peptide_links": len(molecule.links),
        "n_trajectory_frames": len(frames),
        "length_ns": length_ns,
        "median_rmsf_A": float(np.median(observed) * 10),
    }
    models = {
        "frames": sampled(molecule, n_frames, length_ns or DEFAULT_TIME_NS),
        "linear": linear(molecule, n_frames, length_ns or DEFAULT_TIME_NS),
        **{method: elastic_network(method, molecule, observed) for method in ("ANM", "GNM")},
        "half": {"rmsf": rmsf_one, "dccm": dccm(halves[0])},
    }
    row["methods"] = {
        method: agreement(model, rmsf_other if method == "half" else observed, dccm(halves[1]))
        if method == "half"
        else agreement(model, observed, observed_dccm)
        for method, model in models.items()
    }
    for method in METHODS:
        row["methods"][method]["seconds"] = models[method]["seconds"]
    row["checks"] = models["frames"]["checks"]
    row["rmsf_A"] = {
        "MD": np.round(observed * 10, 3).tolist(),
        **{method: np.round(models[method]["rmsf"] * 10, 3).tolist() for method in METHODS},
    }
    return row


def medians(rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Median of every figure of every method over the trajectories with heavy atoms."""
    chosen = [row["methods"] for row in rows if row["heavy_atoms"]]
    if not chosen:
        return {}
    return {
        method: {key: float(np.median([row[method][key] for row in chosen])) for key in figures}
        for method, figures in chosen[0].items()
    }


def _agreement_table(rows: list[dict[str, Any]], middle: dict[str, dict[str, float]]) -> Table:
    table = Table("trajectory", title="RMSF and DCCM of Cα against molecular dynamics (Pearson r)")
    for heading in ("residues", "ns", *(f"r {method}" for method in (*METHODS, "half"))):
        table.add_column(heading, justify="right")
    for heading in ("log r frames", "amplitude", "MAE Å", "DCCM frames", "DCCM ANM", "DCCM half"):
        table.add_column(heading, justify="right")
    for row in [*rows, {"name": "median (heavy atoms)", "methods": middle}]:
        of = row["methods"]
        if not of:
            continue
        length = row.get("length_ns")
        table.add_row(
            row["name"] + ("" if row.get("heavy_atoms", True) else " (Cα only)"),
            f"{row['n_residues']:,}" if "n_residues" in row else "",
            f"{length:g}" if length else ("?" if "n_residues" in row else ""),
            *(f"{of[method]['r']:.2f}" for method in (*METHODS, "half")),
            f"{of['frames']['log_r']:.2f}",
            f"{of['frames']['amplitude_ratio']:.2f}",
            f"{of['frames']['mae_A']:.2f}",
            *(f"{of[method]['dccm_r']:.2f}" for method in ("frames", "ANM", "half")),
            end_section=row is rows[-1],
        )
    return table


def _time_table(rows: list[dict[str, Any]], n_frames: int) -> Table:
    table = Table(
        "trajectory", title=f"Side by side: {n_frames} frames of ours and the decompositions of ProDy, seconds"
    )
    for heading in (
        *("residues", "frames", "linear", "ANM", "GNM"),
        "frames/ANM",
        "linear/ANM",
        "r ours/ANM",
        "r ours/GNM",
    ):
        table.add_column(heading, justify="right")
    for row in rows:
        of = row["methods"]
        table.add_row(
            row["name"],
            f"{row['n_residues']:,}",
            *(f"{of[method]['seconds']:.2f}" for method in METHODS),
            f"{of['frames']['seconds'] / of['ANM']['seconds']:.2f}",
            f"{of['linear']['seconds'] / of['ANM']['seconds']:.2f}",
            f"{of['frames']['r'] / of['ANM']['r']:.2f}",
            f"{of['frames']['r'] / of['GNM']['r']:.2f}",
        )
    return table


def main() -> None:
    """Read the command line, compare, print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--frames", type=int, default=250)
    parser.add_argument("--only", default="", help="names, comma-separated")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    prody.LOGGER.verbosity = "none"
    out = console()
    only = set(filter(None, arguments.only.split(",")))
    rows = []
    for trajectory in sorted(arguments.folder.glob("*.xtc")):
        structure = trajectory.with_suffix(".pdb")
        if structure.exists() and (not only or structure.stem in only):
            rows.append(compare(structure, trajectory, arguments.frames))
            out.print(f"[dim]{structure.stem}: r {rows[-1]['methods']['frames']['r']:.2f}[/]")
    if not rows:
        parser.error(f"{arguments.folder} holds no NAME.pdb with a NAME.xtc")
    rows.sort(key=lambda row: row["n_residues"])
    middle = medians(rows)
    out.print(_agreement_table(rows, middle))
    out.print(_time_table(rows, arguments.frames))
    out.print(
        "amplitude: median RMSF of our frames over the trajectory's; MAE of our frames. "
        f"ns ?: the clock is not known, ours is asked for {DEFAULT_TIME_NS:g} ns."
    )
    if middle:
        good = middle["frames"]["r"] >= TARGET_R
        out.print(f"{'met   ' if good else 'MISSED'} median r of our frames ≥ {TARGET_R}: {middle['frames']['r']:.3f}")
        out.print_json(json.dumps({method: round(figures["r"], 3) for method, figures in middle.items()}))
    save(arguments.json, "motion", {"medians": middle, "target_median_r": TARGET_R, "rows": rows})


if __name__ == "__main__":
    main()
