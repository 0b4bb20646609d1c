"""What a cut-off costs and saves in implicit solvent: `python -m benchmarks.implicit_cutoff STRUCTURE_OR_SEQUENCE ...`.

Each structure is prepared, minimised and run for 2 ps with ff14SB and OBC2 without a cut-off; from there, on one
thread, every cut-off gets its time a step (processor time, so that a busy machine matters little), its energy, and
its forces against those without. Errors of forces are over atoms, relative to the root mean square of the forces.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import openmm
from numpy.typing import NDArray

from unfreeze.simulate.settings import SystemSettings
from unfreeze.simulate.system import MolecularSystem, build_system
from unfreeze.structure.complex import Complex
from unfreeze.structure.prepare.preparation import prepare, prepare_sequence
from unfreeze.structure.prepare.settings import PreparationSettings

CUTOFFS_NM = (None, 3.0, 2.5, 2.0, 1.8, 1.6, 1.2)


def prepared(text: str) -> Complex:
    """A file or id, or a sequence where no such file is and all letters are upper case."""
    settings = PreparationSettings(ligands="drop")
    if text.isalpha() and text.isupper() and not Path(text).exists():
        return prepare_sequence(text, settings).complex
    return prepare(text, settings).complex


def context_of(system: openmm.System) -> openmm.Context:
    """One thread on the CPU platform, Langevin at 300 K and 4 fs."""
    integrator = openmm.LangevinMiddleIntegrator(300.0, 1.0, 0.004)
    integrator.setRandomNumberSeed(1)
    return openmm.Context(system, integrator, openmm.Platform.getPlatformByName("CPU"), {"Threads": "1"})


def energy_and_forces(context: openmm.Context) -> tuple[float, NDArray[np.float64]]:
    """KJ/mol, and kJ/mol/nm: [n_atoms, 3]."""
    state = context.getState(energy=True, forces=True)
    return state.getPotentialEnergy()._value, np.array(state.getForces(asNumpy=True)._value)


def without_cutoff(complex: Complex) -> MolecularSystem:
    """All pairs, whatever the size: the default has a cut-off from some size on."""
    molecular = build_system(complex, SystemSettings(solvent="obc2", cutoff_nm=5.0))
    for force in molecular.system.getForces():
        if isinstance(force, (openmm.NonbondedForce, openmm.GBSAOBCForce)):
            force.setNonbondedMethod(force.NoCutoff)
    return molecular


def measure(complex: Complex, n_steps: int) -> list[dict[str, Any]]:
    """One row a cut-off."""
    molecular = without_cutoff(complex)
    context = context_of(molecular.system)
    context.setPositions(molecular.positions_nm)
    openmm.LocalEnergyMinimizer.minimize(context, maxIterations=200)
    context.setVelocitiesToTemperature(300.0, 1)
    context.getIntegrator().step(500)
    start = context.getState(positions=True, velocities=True)
    rows: list[dict[str, Any]] = []
    exact: tuple[float, NDArray[np.float64]] | None = None
    for cutoff_nm in CUTOFFS_NM:
        built = build_system(complex, SystemSettings(solvent="obc2", cutoff_nm=cutoff_nm)) if cutoff_nm else molecular
        context = context_of(built.system)
        context.setPositions(start.getPositions())
        context.setVelocities(start.getVelocities())
        energy, forces = energy_and_forces(context)
        exact = exact or (energy, forces)
        context.getIntegrator().step(5)
        began = time.process_time()
        context.getIntegrator().step(n_steps)
        seconds = (time.process_time() - began) / n_steps
        error = np.linalg.norm(forces - exact[1], axis=1)
        scale = float(np.sqrt((exact[1] ** 2).sum(axis=1).mean()))
        rows.append(
            {
                "n_atoms": molecular.record["n_particles"],
                "cutoff_nm": cutoff_nm,
                "ms_per_step": 1000 * seconds,
                "ns_per_day": 4e-6 * 86400 / seconds,
                "energy_shift_kJ_mol": energy - exact[0],
                "force_error_rms_percent": 100 * float(np.sqrt((error**2).mean())) / scale,
                "force_error_max_percent": 100 * float(error.max()) / scale,
            }
        )
    return rows


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("structures", nargs="+")
    parser.add_argument("--work", type=float, default=4e8, help="pairs of atoms to compute for each timing")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results: dict[str, list[dict[str, Any]]] = {}
    print("| system | atoms | cut-off, nm | ms a step | ns/day | energy shift, kJ/mol | force error rms, % | max, % |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for text in arguments.structures:
        complex = prepared(text)
        rows = measure(complex, max(50, round(arguments.work / complex.n_atoms**2)))
        results[Path(text).name] = rows
        for row in rows:
            cutoff = "none" if row["cutoff_nm"] is None else f"{row['cutoff_nm']:g}"
            print(
                f"| {Path(text).stem} | {row['n_atoms']:,} | {cutoff} | {row['ms_per_step']:.2f} | "
                f"{row['ns_per_day']:.3g} | {row['energy_shift_kJ_mol']:.1f} | {row['force_error_rms_percent']:.2f} | "
                f"{row['force_error_max_percent']:.1f} |",
                flush=True,
            )
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
