"""What drawn side chains do to whole ensembles: protocol ``unfreeze`` with and without the flow, on held-out proteins.

The motion model is untrained (its amplitudes are those of physics), so that side chains are the only difference. The
flow is the one that has not seen the fold: ``python -m benchmarks.side_chains … --weights WEIGHTS`` leaves it there.

    python -m benchmarks.side_chain_ensembles recipes/flow.yaml --data FOLDER [FOLDER ...] --weights WEIGHTS
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import save
from unfreeze import Ensemble
from unfreeze.evaluate import compare
from unfreeze.model.features import N_EDGE_FEATURES, N_NODE_FEATURES
from unfreeze.model.motion_model import HEADS, MotionModel
from unfreeze.model.network import NetworkShape, initial_parameters
from unfreeze.sample.generate import sample_ensemble
from unfreeze.structure.complex import Complex
from unfreeze.structure.geometry import superpose_on_mean
from unfreeze.structure.read import read_complex
from unfreeze.structure.write import read_xtc
from unfreeze.train.flow_recipe import FlowTrajectory, read_flow_recipe

METRICS = (
    "sidechain_torsion_jsd",
    "backbone_torsion_jsd",
    "rmsf_ca_r",
    "rmsf_heavy_r",
    "exposed_residues_jaccard",
    "weak_contacts_jaccard",
    "exposure_probability_mae",
)
_USUAL_NS = 100.0  # where there is no clock


def amplitude_ratio(molecule: Complex, frames_nm: NDArray[np.floating]) -> float:
    """Mean RMSF of all heavy atoms of protein over that of Cα."""
    alpha = molecule.representative_atoms()
    moved = superpose_on_mean(frames_nm, alpha)
    rmsf = np.sqrt(((moved - moved.mean(axis=0)) ** 2).sum(axis=-1).mean(axis=0))
    protein = molecule.residue_kind[molecule.residue_index] == "protein"
    return float(rmsf[protein].mean() / rmsf[alpha].mean())


def score(entry: FlowTrajectory, folders: list[Path], flow: dict[str, NDArray[np.float32]]) -> dict[str, Any]:
    """Scores of one trajectory without and with the flow."""
    folder = next(folder for folder in folders if (folder / f"{entry.name}.xtc").is_file())
    molecule = read_complex(folder / f"{entry.name}.pdb")
    seen = read_xtc(folder / f"{entry.name}.xtc", molecule.n_atoms)[entry.skip :]
    reference = Ensemble(molecule, seen, None, {}, None)
    row: dict[str, Any] = {"name": entry.name, "n_frames": len(seen), "md": {"ratio": amplitude_ratio(molecule, seen)}}
    network = initial_parameters(NetworkShape(N_NODE_FEATURES, N_EDGE_FEATURES, 8, 1), HEADS)
    for way, weights in (("rigid", None), ("flow", flow)):
        begun = time.perf_counter()
        made = sample_ensemble(
            molecule,
            MotionModel([network], flow=weights),
            n_frames=len(seen),
            timescale_ns=_USUAL_NS if entry.step_ns is None else len(seen) * entry.step_ns,
            n_threads=1,
        )
        seconds = time.perf_counter() - begun
        result = compare(made, reference, floor=way == "flow", baseline=False, n_bootstrap=0)
        checks = made.record["checks"]
        row[way] = {metric: result[metric] for metric in METRICS} | {
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
    parser.add_argument("--only", nargs="+", help="names of trajectories")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = []
    for entry in read_flow_recipe(arguments.recipe).trajectories:
        if arguments.only and entry.name not in arguments.only:
            continue
        flow = dict(np.load(arguments.weights / f"fold{entry.fold}.npz"))
        row = score(entry, arguments.data, flow)
        rows.append(row)
        print(f"{entry.name}: {row['n_frames']} frames, all-atom over Cα RMSF {row['md']['ratio']:.2f} in MD")
        for way in ("rigid", "flow"):
            print(
                f"  {way:6s}", "  ".join(f"{key} {value:.3f}" for key, value in row[way].items() if value is not None)
            )
    save(arguments.json, "side_chain_ensembles", {"rows": rows})


if __name__ == "__main__":
    main()
