"""What an alignment of the springs with a force field could teach: the force field's own Gaussian beside the springs.

    python -m benchmarks.force_field_gaussian CORPUS RUNS ENTRY… [--split folds] [--json OUT]

Each entry is prepared and minimised in ff14SB with OBC2 (cut-off 1.2 nm); the second derivatives of that energy over
rigid residues, by differences of forces, and a tether are the quadratic form that a training against energies of small
displacements would end with. r of RMSF and of log RMSF with the trajectories: of untrained springs, of the model that
has not seen the entry, of this Gaussian, and of the geometric mean of the two last. A minimum is not always reached
within 1,500 iterations: negative curvatures count by their size.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import openmm
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.around_average import interface_motion
from benchmarks.common import console, save
from unfreeze.corpus import Corpus
from unfreeze.corpus.split import Split
from unfreeze.model.weights import load_model
from unfreeze.simulate.settings import SystemSettings
from unfreeze.simulate.system import build_system
from unfreeze.structure.complex import Complex
from unfreeze.structure.observables.motion import rmsf_nm
from unfreeze.structure.prepare.preparation import prepare
from unfreeze.structure.prepare.settings import PreparationSettings

__all__ = ["main"]

KT = 2.494  # kJ/mol at 300 K
TETHER = 60.0  # kJ/mol/nm²; per rad² a twentieth of it
STEP_NM, STEP_RAD = 2e-4, 1e-3
N_ITERATIONS = 1500
LEAST_SHARE = 0.05  # of the tether, of the curvature of a mode


def curvature(
    context: openmm.Context, positions: NDArray[np.float64], atoms: NDArray[np.int64], block: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Second derivatives over rigid blocks.

    Parameters
    ----------
    context
        Of the system.
    positions
        [n_particles, 3], where they are taken, nm.
    atoms, block
        [n_atoms], particles and their blocks.

    Returns
    -------
    [6 n_blocks, 6 n_blocks], [n_blocks, 3]
        kJ/mol per nm² and rad², translations of a block before its rotations; centres of the blocks, nm.
    """
    n_blocks = int(block.max()) + 1
    members = [atoms[block == one] for one in range(n_blocks)]
    centres = np.stack([positions[own].mean(axis=0) for own in members])
    arms = positions[atoms] - centres[block]
    found = np.empty((6 * n_blocks, 6 * n_blocks))

    def forces(moved: NDArray[np.float64]) -> NDArray[np.float64]:
        context.setPositions(moved)
        force = context.getState(getForces=True).getForces(asNumpy=True)._value[atoms]
        of_blocks = np.zeros((n_blocks, 6))
        np.add.at(of_blocks, block, np.concatenate([force, np.cross(arms, force)], axis=1))
        return of_blocks.ravel()

    for one, own in enumerate(members):
        arm = positions[own] - centres[one]
        for axis in range(6):
            unit = np.eye(3)[axis % 3]
            move, step = (unit, STEP_NM) if axis < 3 else (np.cross(unit, arm), STEP_RAD)
            ahead, back = positions.copy(), positions.copy()
            ahead[own] += step * move
            back[own] -= step * move
            found[:, 6 * one + axis] = (forces(back) - forces(ahead)) / (2.0 * step)
    return 0.5 * (found + found.T), centres


def force_field_rmsf(molecule: Complex) -> NDArray[np.float64]:
    """RMSF of the Cα atoms in the quadratic form about the force field's minimum, nm: [n]."""
    prepared = prepare(molecule, PreparationSettings(ligands="drop")).complex
    settings = SystemSettings(cutoff_nm=1.2, constraints="none", hydrogen_mass_amu=1.008)
    made = build_system(prepared, settings)
    platform = openmm.Platform.getPlatformByName("CPU")
    context = openmm.Context(made.system, openmm.VerletIntegrator(1e-3), platform, {"Threads": "1"})
    context.setPositions(made.positions_nm)
    openmm.LocalEnergyMinimizer.minimize(context, 1, N_ITERATIONS)
    positions = context.getState(getPositions=True).getPositions(asNumpy=True)._value.copy()
    solute, block = made.solute, np.asarray(made.solute.residue_index, dtype=np.int64)
    matrix, centres = curvature(context, positions, made.solute_atoms, block)
    tether = np.tile([TETHER] * 3 + [LEAST_SHARE * TETHER] * 3, len(centres))
    values, modes = np.linalg.eigh(matrix + np.diag(tether))
    modes /= np.sqrt(np.maximum(np.abs(values), LEAST_SHARE * TETHER))
    alpha = solute.atom_of_residue("CA")
    alpha = alpha[(alpha >= 0) & (solute.residue_kind == "protein")]
    moves = modes.reshape(len(centres), 6, -1)[block[alpha]]
    arm = positions[made.solute_atoms[alpha]] - centres[block[alpha]]
    moved = moves[:, :3] + np.cross(moves[:, 3:], arm[:, :, None], axis=1)
    return np.sqrt(KT * (moved**2).sum(axis=(1, 2)))


def agreement(told: NDArray[np.floating], seen: NDArray[np.floating]) -> tuple[float, float]:
    """Pearson's r of RMSF and of its logarithm."""
    return float(np.corrcoef(told, seen)[0, 1]), float(np.corrcoef(np.log(told), np.log(seen))[0, 1])


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("entries", nargs="+")
    parser.add_argument("--split", default="folds")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    corpus = Corpus.open(arguments.corpus)
    part_of = Split.load(corpus, arguments.split).part_of
    columns = ("springs", "model", "force field", "model and force field")
    table = Table("entry", *columns, title="r of RMSF | of log RMSF, with the trajectory")
    rows: list[dict[str, Any]] = []
    for name in arguments.entries:
        start = time.process_time()
        told = force_field_rmsf(corpus.entry(name).complex)
        seconds = time.process_time() - start
        model = load_model(arguments.runs / part_of[name] / "model.safetensors")
        for motion in interface_motion(corpus, name, model):
            seen = rmsf_nm(motion.frames_nm)
            if len(told) != len(seen):
                console().print(f"{name}: {len(told)} residues after preparation, {len(seen)} before; left out")
                continue
            springs, learned = (
                np.sqrt((moves**2).sum(axis=2).mean(axis=0)) for moves in (motion.springs_nm, motion.learned_nm)
            )
            ways = (springs, learned, told, np.sqrt(learned * told))
            scores = {column: agreement(way, seen) for column, way in zip(columns, ways, strict=True)}
            rows.append({"name": name, "seconds": seconds, **scores})
            table.add_row(name, *("{:.2f} | {:.2f}".format(*scores[column]) for column in columns))
            console().print(f"{name}: {seconds:.0f} s of the processor")
    means = {column: np.mean([row[column] for row in rows], axis=0) for column in columns}
    table.add_row("mean", *("{:.2f} | {:.2f}".format(*means[column]) for column in columns), style="bold")
    console().print(table)
    save(arguments.json, "force_field_gaussian", {"tether": TETHER, "rows": rows})


if __name__ == "__main__":
    main()
