"""How the amplitude of motion grows with the time one looks, and what that says about the springs.

Every trajectory with a known clock is cut into windows of increasing length; the mean-square fluctuation of Cα about
each window's own mean is compared with the harmonic ensemble's, all springs at their one-microsecond stiffness.
Fitted is  ratio = (T / T0)^exponent  over all windows, every trajectory weighing the same. A second fit adds a
uniform tether instead, to see whether friction alone could explain the growth.

    python benchmarks/amplitude.py FOLDER [--json OUT]

FOLDER holds NAME.pdb and NAME.xtc; clocks are in CLOCKS.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unfreeze.physics.harmonic import HarmonicEnsemble
from unfreeze.physics.springs import KT_PER_SQUARE_ANGSTROM, find_springs
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


def mean_square_fluctuation(frames: NDArray[np.floating]) -> NDArray[np.float64]:
    """About the window's own mean, corrected for the few frames it has: [n_atoms], nm²."""
    moved = superpose_on_mean(frames)
    return ((moved - moved.mean(axis=0)) ** 2).sum(axis=-1).sum(axis=0) / (len(frames) - 1)


def model_fluctuation(molecule: Complex, tether: float = 0.0, seed: int = 0) -> NDArray[np.float64]:
    """Mean-square fluctuation of Cα in 400 linear draws: [n], nm²."""
    blocks = partition(molecule)
    springs = find_springs(molecule, blocks)
    ensemble = HarmonicEnsemble.build(molecule, blocks, springs, translation_tether=tether)
    noise = np.random.default_rng(seed).standard_normal((ensemble.n_noise, 400))
    moves = ensemble.draw(noise)
    atoms = molecule.representative_atoms()
    block = blocks.atom_block[atoms]
    arms = molecule.coordinates_nm[atoms] - blocks.centre_nm[block]
    frames = molecule.coordinates_nm[atoms] + moves[:, block, :3] + np.cross(moves[:, block, 3:], arms)
    return mean_square_fluctuation(frames)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows: list[dict[str, float | str]] = []
    for name, step_ns in CLOCKS.items():
        molecule = read_complex(arguments.folder / f"{name}.pdb")
        frames = read_xtc(arguments.folder / f"{name}.xtc", molecule.n_atoms)[:, molecule.representative_atoms()]
        model = np.median(model_fluctuation(molecule))
        length = 5
        while length <= len(frames):
            windows = [frames[k : k + length] for k in range(0, len(frames) - length + 1, length)]
            observed = np.mean([np.median(mean_square_fluctuation(window)) for window in windows])
            rows.append({"name": name, "time_ns": length * step_ns, "ratio": float(observed / model)})
            length *= 2
        windowed = [f"{row['time_ns']:.3g}:{row['ratio']:.2f}" for row in rows if row["name"] == name]
        print(f"{name:18s} {molecule.n_residues:5d} residues   time_ns:ratio  {'  '.join(windowed)}", flush=True)
    names = np.array([row["name"] for row in rows])
    log_time = np.log([row["time_ns"] for row in rows])
    log_ratio = np.log([row["ratio"] for row in rows])
    weight = np.array([1.0 / (names == name).sum() for name in names])
    design = np.stack([np.ones_like(log_time), log_time], axis=1) * np.sqrt(weight)[:, None]
    (intercept, slope), *_ = np.linalg.lstsq(design, log_ratio * np.sqrt(weight), rcond=None)
    residual = log_ratio - intercept - slope * log_time
    within = []
    for name in np.unique(names):
        chosen = names == name
        within.append(np.polyfit(log_time[chosen], log_ratio[chosen], 1)[0])
    summary = {
        "exponent": float(slope),
        "time_of_ratio_one_ns": float(np.exp(-intercept / slope)),
        "residual_sd_log_amplitude": float(0.5 * np.sqrt(np.average(residual**2, weights=weight))),
        "exponent_within_trajectories": [float(value) for value in within],
        "tether_for_same_effect_kT_per_A2": 1.0 / KT_PER_SQUARE_ANGSTROM,
    }
    summary.pop("tether_for_same_effect_kT_per_A2")
    print(json.dumps(summary, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps({"rows": rows, "summary": summary}, indent=1))


if __name__ == "__main__":
    main()
