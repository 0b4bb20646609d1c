"""Covalent projection: what each iteration buys, and what the pushes apart cost.

    python -m benchmarks.projection FILES… [--json OUT]

For each structure 20 frames are drawn; printed are the errors of the bonds between blocks after so many iterations,
the pattern that is left (r of Cα RMSF with the raw draw), CPU seconds, and the same after clashes were resolved.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.common import console, save
from unfreeze.physics.clashes import resolve_clashes
from unfreeze.physics.rigid_fit import best_rotations
from unfreeze.sample.sampler import HarmonicSampler
from unfreeze.structure.geometry import kabsch_rotations, rotation_matrices
from unfreeze.structure.read import read_complex

N_FRAMES = 20


def rows_of(path: Path) -> list[dict[str, Any]]:
    """One row a number of iterations."""
    molecule = read_complex(path)
    sampler = HarmonicSampler.build(molecule)
    noise = np.random.default_rng(0).standard_normal((sampler.ensemble.n_noise, N_FRAMES))
    moves = sampler.ensemble.draw(noise)
    raw = sampler.projector.placement.place(
        sampler.blocks.centre_nm + moves[..., :3], rotation_matrices(moves[..., 3:])
    )
    links, atoms = sampler.blocks.links, molecule.representative_atoms()
    rest = np.linalg.norm(molecule.coordinates_nm[links[:, 0]] - molecule.coordinates_nm[links[:, 1]], axis=1)

    def row(name: str, frames: NDArray[np.float64], seconds: float) -> dict[str, Any]:
        error = np.linalg.norm(frames[:, links[:, 0]] - frames[:, links[:, 1]], axis=2) - rest
        summary = sampler.checker.check(frames).summary()
        return {
            "file": path.name,
            "residues": molecule.n_residues,
            "step": name,
            "bond_error_rms_nm": float(np.sqrt((error**2).mean())),
            "bond_error_max_nm": float(np.abs(error).max()),
            "rmsf_r_with_draw": float(np.corrcoef(_rmsf(frames[:, atoms]), _rmsf(raw[:, atoms]))[0, 1]),
            "peptide_bonds_valid_share": summary["peptide_bonds_valid_share"],
            "clashes_a_frame": summary["n_new_clashes"] / N_FRAMES,
            "cpu_s": seconds,
        }

    rows = [row("drawn", raw, 0.0)]
    for n_iterations in (5, 10, 20, 40):
        began = time.process_time()
        frames = sampler.projector.project(raw, n_iterations)
        rows.append(row(f"{n_iterations} iterations", frames, time.process_time() - began))
        if n_iterations == 20:
            began = time.process_time()
            apart = resolve_clashes(sampler.projector, sampler.checker, frames)
            rows.append(row("20, pushed apart", apart, time.process_time() - began))
    return rows


def _rmsf(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sqrt(((frames - frames.mean(axis=0)) ** 2).sum(axis=-1).mean(axis=0))


def rotation_times(n_sets: int = 200_000) -> dict[str, float]:
    """CPU seconds for the best rotations of many five-point sets: here and by singular value decomposition."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(n_sets, 5, 3))
    points -= points.mean(axis=1, keepdims=True)
    turned = np.einsum("nij,nkj->nki", rotation_matrices(rng.normal(size=(n_sets, 3))), points)
    turned += 0.05 * rng.normal(size=turned.shape)
    turned -= turned.mean(axis=1, keepdims=True)
    sizes = 0.5 * ((points**2).sum(axis=(1, 2)) + (turned**2).sum(axis=(1, 2)))
    covariances = np.einsum("nki,nkj->ijn", points, turned)
    began = time.process_time()
    ours = best_rotations(covariances, sizes)
    middle = time.process_time()
    reference = kabsch_rotations(np.ascontiguousarray(covariances.transpose(2, 1, 0)))
    ended = time.process_time()
    difference = float(np.abs(ours.transpose(2, 0, 1) - reference).max())
    return {"quaternion_s": middle - began, "svd_s": ended - middle, "largest_difference": difference}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    table = Table("file", "residues", "step", "bond error rms nm", "max nm", "RMSF r", "C–N valid", "clashes", "CPU s")
    rows = [row for path in arguments.files for row in rows_of(path)]
    for row in rows:
        table.add_row(
            row["file"],
            str(row["residues"]),
            row["step"],
            f"{row['bond_error_rms_nm']:.4f}",
            f"{row['bond_error_max_nm']:.3f}",
            f"{row['rmsf_r_with_draw']:.3f}",
            f"{100 * row['peptide_bonds_valid_share']:.2f} %",
            f"{row['clashes_a_frame']:.2f}",
            f"{row['cpu_s']:.2f}",
        )
    out = console()
    out.print(table)
    rotations = rotation_times()
    out.print(
        f"200,000 best rotations: {rotations['quaternion_s']:.2f} s by quaternions, {rotations['svd_s']:.2f} s by SVD, "
        f"largest difference {rotations['largest_difference']:.1e}"
    )
    save(arguments.json, "projection", {"rows": rows, "rotations": rotations})


if __name__ == "__main__":
    main()
