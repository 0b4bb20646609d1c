"""What an interface's contacts depend on: where residues are on average, or how they move about it.

    python -m benchmarks.around_average CORPUS RUNS [--split folds] [--json OUT]

Persistence of contacts across interfaces (share of frames with Cα nearer than 1 nm, pairs of different chains within
1.5 nm of which it is neither 0 nor 1), mean absolute error, of every trajectory with an interface. RUNS holds a
training a fold as for `benchmarks.elasticity`; each is asked of trajectories it has not seen.

Against the whole trajectory, to see what matters:
    springs    linear draws of the untrained springs about the input
    moving     MD's own covariance about the input
    middle     the untrained springs about MD's own average
Against its second half, which may be had in practice:
    model      the model about the input
    around     the model about the average of the first half (`unfreeze sample --around`)
    half       the first half itself
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.common import console, save
from benchmarks.elasticity import CONTACT_NM, DEFAULT_TIME_NS, FEWEST_NEAR, N_DRAWS, near_pairs, trajectories
from unfreeze.corpus import Corpus
from unfreeze.corpus.split import Split
from unfreeze.model.base_motion import BaseMotion, moves_of_points
from unfreeze.model.elasticity import match_amplitudes
from unfreeze.model.features import block_graph
from unfreeze.model.motion_model import MotionModel, log_amplitude_of_conditions
from unfreeze.model.weights import load_model
from unfreeze.structure.geometry import superpose, superpose_on_mean

COLUMNS = ("springs", "moving", "middle", "model", "around", "half")


def persistence(frames: NDArray[np.floating], near: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of frames [n_frames, n, 3] in which each pair [n_near, 2] is in contact."""
    distance = np.linalg.norm(frames[:, near[:, 0]] - frames[:, near[:, 1]], axis=2)
    return (distance < CONTACT_NM).mean(axis=0)


def error(frames: NDArray[np.floating], reference: NDArray[np.floating], near: NDArray[np.int64]) -> float:
    """Mean absolute error of persistence over the pairs that come and go in the reference."""
    wanted = persistence(reference, near)
    mixed = (wanted > 0.0) & (wanted < 1.0)
    return float(np.abs(persistence(frames, near) - wanted)[mixed].mean()) if mixed.any() else np.nan


@dataclass(frozen=True, eq=False)
class InterfaceMotion:
    """A trajectory with an interface, and what springs and a model say of it.

    Attributes
    ----------
    dataset
        Where it is from.
    points_nm : [n, 3]
        Cα atoms of the input.
    chain : [n]
        Their chains.
    near : [n_near, 2]
        Pairs of different chains within 1.5 nm.
    frames_nm : [n_frames, n, 3]
        Superposed on their mean, that on the input.
    springs_nm, learned_nm : [n_draws, n, 3]
        Displacements: of the untrained springs, and of springs matched to the model's RMSF.
    """

    dataset: str
    points_nm: NDArray[np.float64]
    chain: NDArray[np.integer]
    near: NDArray[np.int64]
    frames_nm: NDArray[np.float64]
    springs_nm: NDArray[np.float64]
    learned_nm: NDArray[np.float32]


def interface_motion(corpus: Corpus, name: str, model: MotionModel) -> Iterator[InterfaceMotion]:
    """The trajectories of an entry; none without an interface."""
    molecule = corpus.entry(name).complex
    alpha, near = near_pairs(molecule)
    points, chain = molecule.coordinates_nm[alpha].astype(np.float64), molecule.atom_chain_index[alpha]
    if len(near) < FEWEST_NEAR:
        return
    base = BaseMotion.of(molecule, n_draws=N_DRAWS)
    graph, rows = block_graph(BaseMotion.of(molecule)), base.blocks.atom_block[alpha]
    for one in trajectories(corpus, name):
        frames = superpose_on_mean(one["frames"][:, alpha])
        frames = superpose(frames.reshape(1, -1, 3), np.tile(points, (len(frames), 1))).reshape(frames.shape)
        conditions = (one["temperature_K"], one["timescale_ns"] or DEFAULT_TIME_NS)
        said = model.predict(graph, temperature_K=conditions[0], timescale_ns=conditions[1], solvent=one["solvent"])
        matched = match_amplitudes(
            base,
            np.where(graph.is_protein, said.rmsf_nm, base.rmsf_nm),
            wanted=graph.is_protein,
            temperature_K=conditions[0],
        )
        learned, _ = moves_of_points(matched.ensemble, base.blocks, molecule.coordinates_nm, base.atoms, N_DRAWS)
        springs = np.exp(log_amplitude_of_conditions(*conditions)) * base.moves[:, rows]
        yield InterfaceMotion(one["dataset"], points, chain, near, frames, springs, learned[:, rows])


def judge(corpus: Corpus, name: str, model: MotionModel) -> list[dict[str, Any]]:
    """Rows of the trajectories of an entry; none without an interface."""
    found = []
    for motion in interface_motion(corpus, name, model):
        points, near, frames, springs = motion.points_nm, motion.near, motion.frames_nm, motion.springs_nm
        half = len(frames) // 2
        mean = frames.mean(axis=0)
        noise = np.random.default_rng(0).standard_normal((N_DRAWS, len(frames)))
        own = (noise @ (frames - mean).reshape(len(frames), -1)).reshape(N_DRAWS, -1, 3) / np.sqrt(len(frames) - 1)
        first, second = frames[:half], frames[half:]
        found.append(
            {
                "name": name,
                "dataset": motion.dataset,
                "n_frames": len(frames),
                "rmsd_of_average_A": float(10 * np.sqrt(((mean - points) ** 2).sum(axis=1).mean())),
                "springs": error(points + springs, frames, near),
                "moving": error(points + own, frames, near),
                "middle": error(mean + springs, frames, near),
                "model": error(points + motion.learned_nm, second, near),
                "around": error(first.mean(axis=0) + motion.learned_nm, second, near),
                "half": error(first, second, near),
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
    arguments = parser.parse_args()
    corpus = Corpus.open(arguments.corpus)
    split = Split.load(corpus, arguments.split)
    rows: list[dict[str, Any]] = []
    for part in sorted(set(split.part_of.values())):
        model = load_model(arguments.runs / part / "model.safetensors")
        for name in sorted(name for name, its in split.part_of.items() if its == part):
            if any(one.conditions.kind == "md" for one in corpus.summary(name).trajectories):
                rows += judge(corpus, name, model)
    table = Table(title="error of the persistence of interface contacts")
    for column in ("system", "frames", "average from input, Å", *COLUMNS):
        table.add_column(column, justify="left" if column == "system" else "right")
    for row in rows:
        table.add_row(
            row["name"], str(row["n_frames"]), f"{row['rmsd_of_average_A']:.1f}", *(f"{row[c]:.2f}" for c in COLUMNS)
        )
    for words, group in (
        ("median, own short runs", [row for row in rows if row["dataset"] == "unfreeze-seed"]),
        ("median, others", [row for row in rows if row["dataset"] != "unfreeze-seed"]),
        ("median, all", rows),
    ):
        values = (f"{np.nanmedian([row[column] for row in group]):.2f}" if group else "–" for column in COLUMNS)
        table.add_row(words, "", "", *values, style="bold")
    console().print(table)
    save(arguments.json, "around_average", {"rows": rows})


if __name__ == "__main__":
    main()
