"""Real molecular dynamics, made with OpenMM directly: two strands of the sheet of HIV protease, at 300 and at 600 K."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from unfreeze.simulate.quality.checks import SegmentChecker, SegmentData
from unfreeze.simulate.settings import Conditions, SaveSettings, SimulationSettings
from unfreeze.structure.complex import Complex
from unfreeze.structure.read import read_complex
from unfreeze.structure.write import write_topology

STEPS_A_FRAME, STEP_FS = 50, 4.0


@dataclass(frozen=True, eq=False)
class ShortRun:
    """A run, its start with hydrogens, and what the checker needs to know."""

    molecule: Complex
    data: SegmentData
    settings: SimulationSettings
    n_degrees_of_freedom: int

    def checker(self, **settings: Any) -> SegmentChecker:
        return SegmentChecker(
            self.molecule, self.settings.model_copy(update=settings), self.n_degrees_of_freedom, explicit=False
        )

    def part(self, start: int, stop: int) -> SegmentData:
        """Some frames, as a later segment has them."""
        data = self.data

        def cut(values: Any) -> Any:
            return None if values is None else values[start:stop]

        return SegmentData(
            start, cut(data.time_ps), cut(data.coordinates_nm), cut(data.box_nm), cut(data.potential_kJ_mol),
            cut(data.kinetic_kJ_mol), cut(data.temperature_K), cut(data.volume_nm3), cut(data.density_g_ml),
        )  # fmt: skip

    def with_coordinates(self, damage: Callable[[np.ndarray], None]) -> SegmentData:
        """The frames after some damage was done to their coordinates."""
        coordinates = np.array(self.data.coordinates_nm)
        damage(coordinates)
        return replace(self.data, coordinates_nm=coordinates)

    def atom(self, chain: str, number: int, name: str) -> int:
        """Row of an atom by its chain, its residue's author number and its name."""
        m = self.molecule
        of_residue = (m.chain_name[m.chain_index] == chain) & (m.residue_number == number)
        return int(np.flatnonzero(of_residue[m.residue_index] & (m.atom_name == name))[0])


def simulate(source: Complex, folder, temperature_K: float, n_frames: int, seed: int = 3) -> ShortRun:
    """Fix, minimise, equilibrate for 4 ps and simulate, saving all atoms; ff14SB, OBC2, hydrogens of 1.5 amu."""
    import openmm
    from openmm import app, unit
    from openmm.app.internal.customgbforces import GBSAOBC2Force
    from pdbfixer import PDBFixer

    random.seed(seed)  # where hydrogens are put at first
    fixer = PDBFixer(str(write_topology(folder, source)), platform=openmm.Platform.getPlatformByName("Reference"))
    fixer.missingResidues = {}
    fixer.findMissingAtoms()
    fixer.addMissingAtoms(seed=1)
    fixer.addMissingHydrogens(7.0)
    field = app.ForceField("amber14/protein.ff14SB.xml")
    system = field.createSystem(
        fixer.topology, constraints=app.HBonds, hydrogenMass=1.5 * unit.amu, removeCMMotion=False
    )  # fmt: skip
    born = openmm.GBSAOBCForce()
    nonbonded = next(f for f in system.getForces() if isinstance(f, openmm.NonbondedForce))
    for index, (radius, scale) in enumerate(GBSAOBC2Force.getStandardParameters(fixer.topology)):
        born.addParticle(nonbonded.getParticleParameters(index)[0], radius, scale)
    system.addForce(born)
    integrator = openmm.LangevinMiddleIntegrator(temperature_K, 1.0, STEP_FS / 1000)
    integrator.setRandomNumberSeed(seed)
    context = openmm.Context(system, integrator, openmm.Platform.getPlatformByName("CPU"), {"Threads": "1"})
    context.setPositions(fixer.positions)
    openmm.LocalEnergyMinimizer.minimize(context, maxIterations=200)
    start = context.getState(getPositions=True).getPositions()
    with open(folder / "start.pdb", "w") as stream:
        app.PDBFile.writeFile(fixer.topology, start, stream, keepIds=True)
    context.setVelocitiesToTemperature(temperature_K, seed)
    integrator.step(1000)
    n_degrees = 3 * system.getNumParticles() - system.getNumConstraints()
    frames, observables = [], []
    for number in range(n_frames):
        integrator.step(STEPS_A_FRAME)
        state = context.getState(getPositions=True, getEnergy=True)
        kinetic = state.getKineticEnergy()._value
        frames.append(state.getPositions(asNumpy=True)._value.astype("<f4"))
        time = (number + 1) * STEPS_A_FRAME * STEP_FS / 1000
        observables.append((time, state.getPotentialEnergy()._value, kinetic, 2 * kinetic / (n_degrees * 8.314463e-3)))
    time, potential, kinetic, temperature = np.array(observables).T
    settings = SimulationSettings(
        conditions=Conditions(temperature_K=temperature_K), save=SaveSettings(every_ps=0.2, atoms="solute")
    )
    molecule = read_complex(folder / "start.pdb", keep_hydrogens=True)
    data = SegmentData(0, time, np.array(frames), None, potential, kinetic, temperature)
    return ShortRun(molecule, data, settings, n_degrees)


@pytest.fixture(scope="session")
def two_strands(make) -> Complex:
    """Residues 95 to 99 of both chains of HIV protease, neighbours in its sheet."""
    protease = make.read("1hvr").take_chains(["A", "B"])
    return protease.take_residues((protease.residue_number >= 95) & (protease.residue_kind == "protein"))


@pytest.fixture(scope="session")
def dimer(two_strands, tmp_path_factory) -> ShortRun:
    """20 ps of both strands at 300 K."""
    return simulate(two_strands, tmp_path_factory.mktemp("dimer"), 300.0, 100)


@pytest.fixture(scope="session")
def hot_strand(two_strands, tmp_path_factory) -> ShortRun:
    """40 ps of one strand at 600 K."""
    return simulate(two_strands.take_chains(["A"]), tmp_path_factory.mktemp("hot"), 600.0, 200)
