"""What a Gaussian cannot say of the backbone: the best Gaussian there is, made of MD itself, against MD.

    python -m benchmarks.gaussian_limit CORPUS [--split folds] [--only NAME ...] [--json OUT]

Half of a trajectory is the reference. The other half stands against it as it is; as a Gaussian with exactly its mean
and covariance of all atoms (frames drawn as mean + Σ z_k (frame_k − mean) / √(n − 1), z standard normal); and as a
Gaussian of its covariance about the structure that sampling begins with. What the first is better than the second is
all that a perfect anharmonic model of the backbone could add to perfect second moments. Beside them the untrained
harmonic ensemble: what it is worse than the Gaussian by is a matter of second moments and means.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.common import console, save
from benchmarks.side_chain_ensembles import metrics_only
from unfreeze import Ensemble
from unfreeze.corpus import Corpus
from unfreeze.corpus.split import Split
from unfreeze.evaluate import compare
from unfreeze.evaluate.metrics.contacts import TRANSIENT_CONTACTS_JACCARD, WEAK_CONTACTS_JACCARD
from unfreeze.evaluate.metrics.principal_components import PCA_W2_MD_A
from unfreeze.evaluate.metrics.torsions import BACKBONE_TORSION_JSD
from unfreeze.model.features import N_EDGE_FEATURES, N_NODE_FEATURES
from unfreeze.model.motion_model import HEADS, MotionModel
from unfreeze.model.network import NetworkShape, initial_parameters
from unfreeze.sample.generate import sample_ensemble
from unfreeze.structure.geometry import superpose_on_mean

METRICS = (BACKBONE_TORSION_JSD, WEAK_CONTACTS_JACCARD, TRANSIENT_CONTACTS_JACCARD, PCA_W2_MD_A)
FEWEST_FRAMES, MOST_FRAMES, MOST_RESIDUES = 100, 200, 600
_USUAL_NS = 100.0  # where there is no clock
_SEED = 12


def gaussian(frames: NDArray[np.float64], centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """As many frames from the Gaussian of the covariance of these about a centre: [n_frames, n_atoms, 3]."""
    n_frames = len(frames)
    moves = (frames - frames.mean(axis=0)).reshape(n_frames, -1)
    noise = np.random.default_rng(_SEED).standard_normal((n_frames, n_frames))
    return centre + (noise @ moves / np.sqrt(n_frames - 1)).reshape(frames.shape)


def rows_of(corpus: Corpus, name: str) -> list[dict[str, Any]]:
    """Scores of the trajectories of an entry."""
    entry = corpus.entry(name)
    molecule = entry.complex
    if molecule.n_atoms < 4 * molecule.n_residues:
        return []  # only Cα, or only backbones
    found = []
    for record in entry.manifest.trajectories:
        if record.conditions.kind != "md" or record.n_frames < FEWEST_FRAMES:
            continue
        which = np.unique(np.linspace(0, record.n_frames - 1, min(record.n_frames, MOST_FRAMES)).astype(int))
        frames = np.asarray(entry.trajectory(record.name).frames(which), dtype=np.float64)
        frames = superpose_on_mean(frames, molecule.representative_atoms())
        # every other stretch of a tenth, so that a slow drift is in both halves
        part = (np.arange(len(frames)) * 10 // len(frames)) % 2 == 0
        one, other = frames[part], frames[~part]
        both = superpose_on_mean(np.concatenate([molecule.coordinates_nm[None], one]), molecule.representative_atoms())
        network = initial_parameters(NetworkShape(N_NODE_FEATURES, N_EDGE_FEATURES, 8, 1), HEADS)
        time_ns = _USUAL_NS if record.time_step_ps is None else record.n_frames * record.time_step_ps * 1e-3
        made = sample_ensemble(
            molecule, MotionModel([network]), n_frames=len(one), timescale_ns=max(time_ns, 0.02), n_threads=1
        )
        ways = {
            "MD": one,
            "Gaussian of MD": gaussian(one, one.mean(axis=0)),
            "Gaussian about the input": gaussian(both[1:], both[0]),
            "harmonic": made.coordinates_nm,
        }
        reference = Ensemble(molecule, other.astype(np.float32), None, {}, None)
        row: dict[str, Any] = {"name": name, "n_frames": len(one), "n_residues": molecule.n_residues}
        for way, coordinates in ways.items():
            ensemble = Ensemble(molecule, np.asarray(coordinates, dtype=np.float32), None, {}, None)
            result = compare(ensemble, reference, metrics_only(METRICS), floor=False, baseline=False, n_bootstrap=0)
            row[way] = {key: estimate.value for key, estimate in result.estimates.items()}
        found.append(row)
    return found


def main() -> None:
    """Print a table of all trajectories, and medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--split", default="folds")
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    corpus = Corpus.open(arguments.corpus)
    names = arguments.only or sorted(
        name
        for name in Split.load(corpus, arguments.split).part_of
        if any(one.conditions.kind == "md" for one in corpus.summary(name).trajectories)
        and corpus.summary(name).n_residues <= MOST_RESIDUES
    )
    rows = [row for name in names for row in rows_of(corpus, name)]
    ways = ("MD", "Gaussian of MD", "Gaussian about the input", "harmonic")
    table = Table(title=" / ".join(ways))
    for column in ("trajectory", "frames", *(metric.name for metric in METRICS)):
        table.add_column(column, justify="left" if column == "trajectory" else "right")

    def cell(values: list[list[float]]) -> str:
        return " / ".join(f"{np.median(one):.2f}" if one else "–" for one in values)

    def add(label: str, frames: str, group: list[dict[str, Any]]) -> None:
        cells = []
        for metric in METRICS:
            both = [row for row in group if all(row[way].get(metric.name) is not None for way in ways)]
            cells.append(cell([[row[way][metric.name] for row in both] for way in ways]))
        table.add_row(label, frames, *cells)

    for row in rows:
        add(row["name"], str(row["n_frames"]), [row])
    add("median", "", rows)
    console().print(table)
    save(arguments.json, "gaussian_limit", {"rows": rows})


if __name__ == "__main__":
    main()
