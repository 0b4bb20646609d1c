"""How the amplitude of motion grows with the time one looks, and what that says about the springs.

Every trajectory with a known clock is cut into windows of increasing length; the mean-square fluctuation of Cα about
each window's own mean is compared with the harmonic ensemble's, all springs at their one-microsecond stiffness.
Fitted is  ratio = (T / T0)^exponent  over all windows, every trajectory weighing the same. A second fit adds a
uniform tether instead, to see whether friction alone could explain the growth.

    python -m benchmarks.amplitude FOLDER [--monomers FOLDER] [--json OUT]

FOLDER holds NAME.pdb and NAME.xtc; clocks are in CLOCKS.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import save, structure_files
from unfreeze.physics.harmonic import HarmonicEnsemble
from unfreeze.physics.springs import KT_PER_SQUARE_ANGSTROM, SpringConstants, find_springs
from unfreeze.structure.blocks import partition
from unfreeze.structure.complex import Complex
from unfreeze.structure.geometry import superpose_on_mean
from unfreeze.structure.read import read_complex
from unfreeze.structure.write import read_xtc

# ns between frames, from the sets' own documentation
CLOCKS = {
    "psi_domain_a": 0.2,
    "psi_domain_b": 0.2,
    "domain60": 0.5,
    "domain149": 0.04,
    "lysozyme_1am7": 0.1,
    "rhodopsin_1u19": 0.02,
    "b2ar_gs_complex": 0.05,
}

TETHERS = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 3.0, 10.0)  # kT/Å²


def mean_square_fluctuation(frames: NDArray[np.floating]) -> NDArray[np.float64]:
    """About the window's own mean, corrected for the few frames it has: [n_atoms], nm²."""
    moved = superpose_on_mean(frames)
    return ((moved - moved.mean(axis=0)) ** 2).sum(axis=-1).sum(axis=0) / (len(frames) - 1)


def model_fluctuation(molecule: Complex, tether_kT_A2: float = 0.0, seed: int = 0) -> float:
    """Median over residues of the mean-square fluctuation of Cα in 200 linear draws, nm²."""
    blocks = partition(molecule)
    constants = SpringConstants()
    ensemble = HarmonicEnsemble.build(
        molecule,
        blocks,
        find_springs(molecule, blocks, constants),
        translation_tether=constants.translation_tether + tether_kT_A2 * KT_PER_SQUARE_ANGSTROM,
        rotation_tether=constants.rotation_tether,
    )
    moves = ensemble.draw(np.random.default_rng(seed).standard_normal((ensemble.n_noise, 200)))
    atoms = molecule.representative_atoms()
    block = blocks.atom_block[atoms]
    arms = molecule.coordinates_nm[atoms] - blocks.centre_nm[block]
    frames = molecule.coordinates_nm[atoms] + moves[:, block, :3] + np.cross(moves[:, block, 3:], arms)
    return float(np.median(mean_square_fluctuation(frames)))


def windows(folder: Path) -> list[dict[str, Any]]:
    """One row a trajectory and window length: its name, the time in ns, and the observed fluctuation in nm²."""
    rows: list[dict[str, Any]] = []
    for name, step_ns in CLOCKS.items():
        molecule = read_complex(folder / f"{name}.pdb")
        frames = read_xtc(folder / f"{name}.xtc", molecule.n_atoms)[:, molecule.representative_atoms()]
        model = {tether: model_fluctuation(molecule, tether) for tether in (0.0, *TETHERS)}
        length = 5
        while length <= len(frames):
            parts = [frames[k : k + length] for k in range(0, len(frames) - length + 1, length)]
            observed = float(np.mean([np.median(mean_square_fluctuation(part)) for part in parts]))
            rows.append({"name": name, "time_ns": length * step_ns, "observed": observed, "model": model})
            length *= 2
        said = [f"{row['time_ns']:.3g}:{row['observed'] / model[0.0]:.2f}" for row in rows if row["name"] == name]
        print(
            f"{name:17s}{molecule.n_residues:5d} residues; time in ns : observed/model  {'  '.join(said)}", flush=True
        )
    return rows


def power_law(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Exponent within trajectories, and the time at which the median trajectory has the model's amplitude."""
    slopes, offsets = [], []
    for name in CLOCKS:
        chosen = [row for row in rows if row["name"] == name]
        log_time = np.log([row["time_ns"] for row in chosen])
        log_ratio = np.log([row["observed"] / row["model"][0.0] for row in chosen])
        slopes.append(float(np.polyfit(log_time, log_ratio, 1)[0]))
        offsets.append((log_time.mean(), log_ratio.mean()))
    exponent = float(np.mean(slopes))
    intercepts = np.array([ratio - exponent * time for time, ratio in offsets])
    return {
        "exponent": exponent,
        "exponent_sem": float(np.std(slopes, ddof=1) / np.sqrt(len(slopes))),
        "exponents": dict(zip(CLOCKS, slopes, strict=True)),
        "reference_time_ns": float(np.exp(-np.median(intercepts) / exponent)),
        "amplitude_sd_between_trajectories": float(np.exp(0.5 * np.std(intercepts, ddof=1)) - 1.0),
        "rms_log_residual": float(np.sqrt(np.mean(_residuals(rows, lambda row: row["time_ns"] ** exponent) ** 2))),
    }


def tether_law(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The best uniform tether ζ/T, which is what friction alone would do, and what it leaves unexplained."""
    best: dict[str, Any] = {}
    grid = np.log([TETHERS[0] / 10, *TETHERS])

    def predicted(row: dict[str, Any], friction: float) -> float:
        curve = np.log([row["model"][0.0], *(row["model"][tether] for tether in TETHERS)])
        return float(np.exp(np.interp(np.log(friction / row["time_ns"]), grid, curve)))

    for friction in np.geomspace(1e-4, 1e1, 51):
        left = _residuals(rows, lambda row, friction=friction: predicted(row, friction))
        rms = float(np.sqrt(np.mean(left**2)))
        if not best or rms < best["rms_log_residual"]:
            best = {"friction_kT_ns_per_A2": float(friction), "rms_log_residual": rms}
    return best


def _residuals(rows: list[dict[str, Any]], law: Callable[[dict[str, Any]], float]) -> NDArray[np.float64]:
    """Log observed less log predicted, each trajectory's mean removed: growth within trajectories only."""
    left = np.array([np.log(row["observed"]) - np.log(law(row)) for row in rows])
    names = np.array([row["name"] for row in rows])
    for name in CLOCKS:
        left[names == name] -= left[names == name].mean()
    return left


def published(folder: Path, n_wanted: int = 40) -> dict[str, Any]:
    """All-atom RMSF of single-chain proteins at 300 ns, for comparison with a published average over MD.

    ATLAS's 82 test chains, three replicas of 100 ns pooled, have a mean of 1.48 Å (Jing, Berger & Jaakkola 2024,
    arXiv 2402.04845, table 1). Those chains are not at hand; these are others of like size.
    """
    from unfreeze.sample.generate import sample_ensemble

    values = []
    files = structure_files([folder])
    np.random.default_rng(2).shuffle(files)  # type: ignore[arg-type]
    for path in files:
        molecule = read_complex(path)
        if molecule.n_chains != 1 or not 100 <= len(molecule.representative_atoms()) <= 400:
            continue
        molecule = molecule.take_residues(molecule.residue_kind == "protein")
        ensemble = sample_ensemble(molecule, n_frames=40, timescale_ns=300.0, model="harmonic")
        frames = superpose_on_mean(ensemble.coordinates_nm, molecule.representative_atoms())
        values.append(float(np.sqrt(((frames - frames.mean(axis=0)) ** 2).sum(axis=-1).mean(axis=0)).mean()))
        if len(values) == n_wanted:
            break
    print(
        f"all-atom RMSF at 300 ns of {len(values)} single chains: mean {10 * np.mean(values):.2f} Å, "
        f"median {10 * np.median(values):.2f} Å (ATLAS test chains, MD: mean 1.48 Å)"
    )
    return {"rmsf_nm": values}


def main() -> None:
    """Print the windows and both fits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--monomers", type=Path, help="folder of single-chain proteins, to compare with published MD")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = windows(arguments.folder)
    summary = {"power_law": power_law(rows), "uniform_tether": tether_law(rows)}
    print(json.dumps(summary, indent=1))
    if arguments.monomers:
        summary["monomers"] = published(arguments.monomers)
    save(arguments.json, "amplitude", {"rows": rows, "summary": summary})


if __name__ == "__main__":
    main()
