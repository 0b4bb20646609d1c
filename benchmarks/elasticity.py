"""Learned elasticity on systems it has not seen: amplitudes, correlations, interfaces, B-factors, calibration.

    python -m benchmarks.elasticity CORPUS RUNS [--split folds] [--json OUT] [--no-b-factors]

RUNS holds one folder a part of the split, ``RUNS/fold0`` and so on, each a training (`unfreeze train`) that has seen
all parts but that one; every entry is judged by the model that has not seen it, nor anything alike. Compared on Cα:

    model     springs matched to the predicted RMSF, 300 linear draws
    harmonic  the untrained springs at the trajectory's conditions times one factor, the best for all trajectories
    half      one half of the trajectory against the other: what sampling of the reference allows

RMSF: Pearson r, and mean absolute error (trajectories with a clock only). DCCM: r over all pairs; over pairs of
different chains within 1.5 nm; persistence: share of frames with Cα nearer than 1 nm, mean absolute error over those
pairs where it is neither 0 nor 1 in the trajectory. B-factors: r within a structure, complexes of SKEMPI. Calibration:
share of residues whose RMSF lies within the interval that the model calls 68 % (scaled by what the other folds found),
and the rank correlation of the expected error with the error.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table
from scipy.stats import rankdata

from benchmarks.common import console, save
from unfreeze.corpus import Corpus
from unfreeze.corpus.split import Split
from unfreeze.model.base_motion import BaseMotion, moves_of_points
from unfreeze.model.elasticity import match_amplitudes
from unfreeze.model.features import block_graph
from unfreeze.model.motion_model import MotionModel, head, log_amplitude_of_conditions
from unfreeze.model.network import encode
from unfreeze.model.weights import load_model
from unfreeze.structure.complex import Complex
from unfreeze.structure.geometry import superpose_on_mean
from unfreeze.structure.observables.motion import dccm, rmsf_nm
from unfreeze.train.targets import b_factor_targets

__all__ = ["main"]

N_DRAWS = 300
NEAR_NM, CONTACT_NM = 1.5, 1.0
FEWEST_NEAR = 30
FEWEST_FRAMES = 20
DEFAULT_TIME_NS = 100.0


@dataclass(frozen=True, eq=False)
class Motion:
    """Motion of the Cα of a system, observed or predicted.

    Attributes
    ----------
    rmsf_nm : [n]
    correlations : [n, n]
    persistence : [n_near], share of frames in which the near pairs are in contact
    """

    rmsf_nm: NDArray[np.float64]
    correlations: NDArray[np.float64]
    persistence: NDArray[np.float64]


def observed(frames: NDArray[np.float64], near: NDArray[np.int64]) -> Motion:
    """Motion of frames [n_frames, n, 3]."""
    frames = superpose_on_mean(frames)
    distance = np.linalg.norm(frames[:, near[:, 0]] - frames[:, near[:, 1]], axis=2)
    return Motion(rmsf_nm(frames), dccm(frames), (distance < CONTACT_NM).mean(axis=0))


def agreement(model: Motion, reference: Motion, near: NDArray[np.int64], has_clock: bool) -> dict[str, float]:
    """Scores of one motion against another; NaN where there is nothing to compare."""
    upper = np.triu_indices(len(reference.rmsf_nm), 1)
    found = {
        "rmsf_r": _r(model.rmsf_nm, reference.rmsf_nm),
        "log_rmsf_r": _r(np.log(model.rmsf_nm), np.log(reference.rmsf_nm)),
        "rmsf_mae_A": float(10 * np.abs(model.rmsf_nm - reference.rmsf_nm).mean()) if has_clock else np.nan,
        "dccm_r": _r(model.correlations[upper], reference.correlations[upper]),
        "near_dccm_r": np.nan,
        "persistence_mae": np.nan,
    }
    if len(near) >= FEWEST_NEAR:
        rows, columns = near.T
        found["near_dccm_r"] = _r(model.correlations[rows, columns], reference.correlations[rows, columns])
        mixed = (reference.persistence > 0.0) & (reference.persistence < 1.0)
        if mixed.any():
            found["persistence_mae"] = float(np.abs(model.persistence - reference.persistence)[mixed].mean())
    return found


def _r(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(np.corrcoef(one, other)[0, 1]) if len(one) > 2 and one.std() > 0 and other.std() > 0 else np.nan


def _rank_r(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return _r(rankdata(one), rankdata(other))


def predicted(base: BaseMotion, moves: NDArray[np.float32], rows: NDArray[np.int64], near: NDArray[np.int64]) -> Motion:
    """Motion of linear draws [n_draws, n_blocks, 3] at the blocks `rows`."""
    return observed((base.points_nm[rows] + moves[:, rows]).astype(np.float64), near)


def trajectories(corpus: Corpus, name: str) -> list[dict[str, Any]]:
    """Cα frames, conditions and clock of every trajectory of an entry."""
    entry = corpus.entry(name)
    found = []
    for record in entry.manifest.trajectories:
        if record.conditions.kind != "md" or record.n_frames < FEWEST_FRAMES:
            continue
        stride = max(1, record.n_frames // 1000)
        view = entry.trajectory(record.name)
        step = record.time_step_ps
        found.append(
            {
                "frames": np.asarray(view.frames(np.arange(0, record.n_frames, stride)), dtype=np.float64),
                "timescale_ns": None if step is None else record.n_frames * step * 1e-3,
                "temperature_K": record.conditions.temperature_K or 300.0,
                "solvent": "implicit" if (record.conditions.solvent or "").startswith("implicit") else "explicit",
                "dataset": record.source.dataset,
            }
        )
    return found


def near_pairs(molecule: Complex) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cα atoms [n] of the protein, and pairs [n_near, 2] of them in different chains within :data:`NEAR_NM`."""
    alpha = molecule.atom_of_residue("CA")
    alpha = alpha[(alpha >= 0) & (molecule.residue_kind == "protein")]
    chain = molecule.chain_index[molecule.residue_index[alpha]]
    points = molecule.coordinates_nm[alpha]
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    return alpha, np.argwhere(np.triu((distance < NEAR_NM) & (chain[:, None] != chain[None]), 1))


def judge(corpus: Corpus, name: str, model: MotionModel) -> list[dict[str, Any]]:
    """Rows of the trajectories of an entry; the harmonic one as unscaled motion, to be scaled later."""
    molecule = corpus.entry(name).complex
    rows_out = []
    base = BaseMotion.of(molecule, n_draws=N_DRAWS)
    graph = block_graph(BaseMotion.of(molecule))
    alpha, near = near_pairs(molecule)
    rows = base.blocks.atom_block[alpha]
    for one in trajectories(corpus, name):
        frames = one["frames"][:, alpha]
        half = len(frames) // 2
        reference = observed(frames, near)
        has_clock = one["timescale_ns"] is not None
        conditions = (one["temperature_K"], one["timescale_ns"] or DEFAULT_TIME_NS)
        said = model.predict(graph, temperature_K=conditions[0], timescale_ns=conditions[1], solvent=one["solvent"])
        matched = match_amplitudes(
            base,
            np.where(graph.is_protein, said.rmsf_nm, base.rmsf_nm),
            wanted=graph.is_protein,
            temperature_K=conditions[0],
        )
        moves, _ = moves_of_points(matched.ensemble, base.blocks, molecule.coordinates_nm, base.atoms, N_DRAWS)
        learned = predicted(base, moves, rows, near)
        law = np.exp(log_amplitude_of_conditions(*conditions))
        error = np.log(reference.rmsf_nm) - np.log(said.rmsf_nm[rows])
        expected = said.log_uncertainty[rows]
        rows_out.append(
            {
                "name": name,
                "dataset": one["dataset"],
                "n_residues": len(alpha),
                "n_frames": len(frames),
                "n_near": len(near),
                "timescale_ns": one["timescale_ns"],
                "model": agreement(learned, reference, near, has_clock),
                "half": agreement(observed(frames[:half], near), observed(frames[half:], near), near, has_clock),
                "_harmonic": (base, law * base.moves, rows, near, reference, has_clock),
                "within_68": float((np.abs(error - (0 if has_clock else np.median(error))) < expected).mean()),
                "expected_error_rank_r": _rank_r(expected, np.abs(error - np.median(error))),
            }
        )
    return rows_out


def scale_harmonic(rows: list[dict[str, Any]]) -> float:
    """Find the factor with the least error over trajectories with a clock; score the harmonic motion with it."""
    timed = [row["_harmonic"] for row in rows if row["_harmonic"][5]]

    def error(factor: float) -> float:
        return float(
            np.mean(
                [
                    np.abs(factor * predicted(base, moves, at, near).rmsf_nm - reference.rmsf_nm).mean()
                    for base, moves, at, near, reference, _ in timed
                ]
            )
        )

    factors = np.exp(np.linspace(-1.0, 1.0, 41))
    best = float(factors[int(np.argmin([error(factor) for factor in factors]))]) if timed else 1.0
    for row in rows:
        base, moves, at, near, reference, has_clock = row.pop("_harmonic")
        row["harmonic"] = agreement(predicted(base, best * moves, at, near), reference, near, has_clock)
    return best


def b_factors(corpus: Corpus, names: list[str], model: MotionModel) -> list[dict[str, Any]]:
    """R of B-factors of structures: of the model, and of the untrained springs."""
    found = []
    for name in names:
        entry = corpus.entry(name)
        if entry.complex.n_residues > 1200:
            continue
        base = BaseMotion.of(entry.complex)
        graph = block_graph(base)
        target = b_factor_targets(entry, base.atoms, graph.is_protein)
        if target is None:
            continue
        known = np.isfinite(target)
        seen = np.exp(2.0 * target[known].astype(np.float64))
        log_base = np.log(base.rmsf_nm)
        outputs = []
        for parameters in model.members:
            hidden = encode(parameters, graph.nodes, graph.neighbours, graph.present, graph.edges)
            outputs.append(head(parameters, "b_factor", hidden)[:, 0])
        learned = log_base + np.mean(outputs, axis=0)
        found.append(
            {
                "name": name,
                "model": _r(np.exp(2.0 * learned[known]), seen),
                "harmonic": _r(np.exp(2.0 * log_base[known]), seen),
            }
        )
    return found


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--split", default="folds")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--b-factors", action=argparse.BooleanOptionalAction, default=True)
    arguments = parser.parse_args()
    corpus = Corpus.open(arguments.corpus)
    split = Split.load(corpus, arguments.split)
    rows: list[dict[str, Any]] = []
    crystals: list[dict[str, Any]] = []
    models: dict[str, MotionModel] = {}
    for part in sorted(set(split.part_of.values())):
        weights = arguments.runs / part / "model.safetensors"
        if weights.exists():
            models[part] = load_model(weights)
        else:
            console().print(f"{weights}: there is none; {part} is left out")
    for part, trained in models.items():
        # a training scales its errors by what it held out: here by what the others held out
        scales = [other.uncertainty_scale for name, other in models.items() if name != part]
        model = replace(trained, uncertainty_scale=float(np.median(scales))) if scales else trained
        names = sorted(name for name, its in split.part_of.items() if its == part)
        for name in names:
            if any(one.conditions.kind == "md" for one in corpus.summary(name).trajectories):
                if corpus.entry(name).complex.n_residues < 30:
                    continue
                rows += judge(corpus, name, model)
                console().print(f"{part} {name}")
        if arguments.b_factors:
            crystals += b_factors(corpus, [name for name in names if name.startswith("skempi-")], model)
    factor = scale_harmonic(rows)
    _show(rows, crystals, factor)
    if arguments.json:
        save(arguments.json, "elasticity", {"best_single_factor": factor, "rows": rows, "b_factors": crystals})


def _show(rows: list[dict[str, Any]], crystals: list[dict[str, Any]], factor: float) -> None:
    scores = ("rmsf_r", "log_rmsf_r", "rmsf_mae_A", "dccm_r", "near_dccm_r", "persistence_mae")
    table = Table(title="harmonic > model (half)")
    for column in ("system", "residues", "frames", *scores):
        table.add_column(column, justify="left" if column == "system" else "right")

    def cell(group: list[dict[str, Any]], score: str) -> str:
        values = []
        for kind in ("harmonic", "model", "half"):
            numbers = [row[kind][score] for row in group if np.isfinite(row[kind][score])]
            values.append(f"{np.median(numbers):.2f}" if numbers else "–")
        return f"{values[0]} > {values[1]} ({values[2]})"

    for row in rows:
        table.add_row(row["name"], str(row["n_residues"]), str(row["n_frames"]), *(cell([row], s) for s in scores))
    for words, group in (
        ("median, own short runs", [row for row in rows if row["dataset"] == "unfreeze-seed"]),
        ("median, others", [row for row in rows if row["dataset"] != "unfreeze-seed"]),
        ("median, all", rows),
    ):
        if group:
            table.add_row(words, "", str(len(group)), *(cell(group, s) for s in scores), style="bold")
    console().print(table)
    console().print(f"harmonic × {factor:.2f}, the best single factor")
    inside = [row["within_68"] for row in rows]
    console().print(
        f"within the 68 % interval: {np.median(inside):.2f} (median); expected against actual error, rank r: "
        f"{np.nanmedian([row['expected_error_rank_r'] for row in rows]):.2f}"
    )
    if crystals:
        model, base = (np.array([row[kind] for row in crystals]) for kind in ("model", "harmonic"))
        console().print(
            f"B-factors, {len(crystals)} complexes: median r {np.median(base):.3f} > {np.median(model):.3f}, "
            f"mean {base.mean():.3f} > {model.mean():.3f}"
        )


if __name__ == "__main__":
    main()
