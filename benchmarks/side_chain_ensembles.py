"""What drawn side chains do to whole ensembles: metrics of protocol ``unfreeze`` without and with the flow.

Proteins are held out. The motion model is untrained (its amplitudes are those of physics), so that side chains are
the only difference. The flow is the one that has not seen the fold; ``python -m benchmarks.side_chains`` leaves it
there.

    python -m benchmarks.side_chain_ensembles recipes/flow.yaml --data FOLDER [FOLDER ...] --weights WEIGHTS
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import save
from unfreeze import Ensemble
from unfreeze.evaluate import compare
from unfreeze.evaluate.frames import Frames
from unfreeze.evaluate.matching import align_pair
from unfreeze.evaluate.metric import Metric
from unfreeze.evaluate.metrics.exposure import EXPOSED_RESIDUES_JACCARD, EXPOSURE_PROBABILITY_MAE
from unfreeze.evaluate.metrics.fluctuations import RMSF_CA_R, RMSF_HEAVY_R
from unfreeze.evaluate.metrics.torsions import BACKBONE_TORSION_JSD, SIDECHAIN_TORSION_JSD
from unfreeze.evaluate.protocol import Options, Outcome, Protocol
from unfreeze.evaluate.protocols.standard import measure_pair
from unfreeze.evaluate.protocols.unfreeze import UNFREEZE
from unfreeze.model.features import N_EDGE_FEATURES, N_NODE_FEATURES
from unfreeze.model.motion_model import HEADS, MotionModel
from unfreeze.model.network import NetworkShape, initial_parameters
from unfreeze.sample.generate import sample_ensemble
from unfreeze.structure.complex import Complex
from unfreeze.structure.geometry import superpose_on_mean
from unfreeze.structure.read import read_complex
from unfreeze.structure.write import read_xtc
from unfreeze.train.flow_recipe import FlowTrajectory, read_flow_recipe

METRICS = (SIDECHAIN_TORSION_JSD, BACKBONE_TORSION_JSD, RMSF_CA_R, RMSF_HEAVY_R)
SURFACES = (EXPOSED_RESIDUES_JACCARD, EXPOSURE_PROBABILITY_MAE)
_USUAL_NS = 100.0  # where there is no clock


def amplitude_ratio(molecule: Complex, frames_nm: NDArray[np.floating]) -> float:
    """Mean RMSF of all heavy atoms of protein over that of Cα."""
    alpha = molecule.representative_atoms()
    moved = superpose_on_mean(frames_nm, alpha)
    rmsf = np.sqrt(((moved - moved.mean(axis=0)) ** 2).sum(axis=-1).mean(axis=0))
    protein = molecule.residue_kind[molecule.residue_index] == "protein"
    return float(rmsf[protein].mean() / rmsf[alpha].mean())


def metrics_only(metrics: tuple[Metric, ...]) -> Protocol:
    """A protocol of some metrics, atoms matched as in protocol ``unfreeze``."""

    def run(ensemble: Frames, reference: Frames, options: Options) -> Outcome:
        pair, matching = align_pair(reference, ensemble)
        return measure_pair(metrics, pair, options, matching=matching.to_dict(), notes=matching.notes)

    return replace(UNFREEZE, name="side-chains", metrics=metrics, aggregates=(), run=run)


def score(
    entry: FlowTrajectory,
    folders: list[Path],
    flow: dict[str, NDArray[np.float32]],
    metrics: tuple[Metric, ...],
    max_frames: int,
) -> dict[str, Any]:
    """Scores of one trajectory without and with the flow."""
    folder = next(folder for folder in folders if (folder / f"{entry.name}.xtc").is_file())
    molecule = read_complex(folder / f"{entry.name}.pdb")
    seen = read_xtc(folder / f"{entry.name}.xtc", molecule.n_atoms)[entry.skip :]
    n_frames = min(len(seen), max_frames)
    reference = Ensemble(molecule, seen, None, {}, None)
    row: dict[str, Any] = {"name": entry.name, "n_frames": n_frames, "md": {"ratio": amplitude_ratio(molecule, seen)}}
    network = initial_parameters(NetworkShape(N_NODE_FEATURES, N_EDGE_FEATURES, 8, 1), HEADS)
    for way, weights in (("rigid", None), ("flow", flow)):
        begun = time.perf_counter()
        made = sample_ensemble(
            molecule,
            MotionModel([network], flow=weights),
            n_frames=n_frames,
            timescale_ns=_USUAL_NS if entry.step_ns is None else len(seen) * entry.step_ns,
            n_threads=1,
        )
        seconds = time.perf_counter() - begun
        result = compare(made, reference, metrics_only(metrics), floor=False, baseline=False, n_bootstrap=0)
        checks = made.record["checks"]
        row[way] = {key: estimate.value for key, estimate in result.estimates.items()} | {
            "ratio": amplitude_ratio(molecule, made.coordinates_nm),
            "valid": checks["frames_valid_share"],
            "replaced": checks["n_frames_replaced"],
            "drawn": checks["side_chains_drawn_share"],
            "seconds": seconds,
        }
    return row


def main() -> None:
    """Print a line a trajectory and way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--max-frames", type=int, default=100, help="most frames drawn (100)")
    parser.add_argument("--surfaces", action="store_true", help="exposure too, which takes longest")
    parser.add_argument("--only", nargs="+", help="names of trajectories")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = []
    metrics = (*METRICS, *SURFACES) if arguments.surfaces else METRICS
    for entry in read_flow_recipe(arguments.recipe).trajectories:
        if arguments.only and entry.name not in arguments.only:
            continue
        flow = dict(np.load(arguments.weights / f"fold{entry.fold}.npz"))
        row = score(entry, arguments.data, flow, metrics, arguments.max_frames)
        rows.append(row)
        print(
            f"{entry.name}: {row['n_frames']} frames, all-atom over Cα RMSF {row['md']['ratio']:.2f} in MD", flush=True
        )
        for way in ("rigid", "flow"):
            values = (f"{key} {value:.3f}" for key, value in row[way].items() if value is not None)
            print(f"  {way:6s}", "  ".join(values), flush=True)
    save(arguments.json, "side_chain_ensembles", {"rows": rows})


if __name__ == "__main__":
    main()
