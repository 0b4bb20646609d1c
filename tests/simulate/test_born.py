"""The native generalised Born force against OpenMM's custom one, and the screening of salt."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import openmm
import pytest
from openmm import app, unit

from unfreeze.errors import InputError
from unfreeze.simulate.born import add_gbn2, add_obc2, debye_kappa_per_nm
from unfreeze.structure.complex import Complex
from unfreeze.structure.openmm_topology import to_openmm


def _evaluate(system: openmm.System, positions_nm: np.ndarray) -> tuple[float, np.ndarray]:
    platform = openmm.Platform.getPlatformByName("Reference")
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), platform)
    context.setPositions(positions_nm)
    state = context.getState(energy=True, forces=True)
    return state.getPotentialEnergy()._value, np.array(state.getForces(asNumpy=True)._value)


@pytest.mark.parametrize(
    ("molecule", "model", "add", "cutoff_nm"),
    [
        ("ubiquitin", "obc2", add_obc2, None),
        ("ubiquitin", "obc2", add_obc2, 1.5),
        ("charged_peptide", "obc2", add_obc2, None),
        ("charged_peptide", "gbn2", add_gbn2, None),
        ("charged_peptide", "gbn2", add_gbn2, 1.0),
    ],
)
def test_is_what_openmm_does_with_its_own_file(
    molecule: str, model: str, add: Any, cutoff_nm: float | None, request: pytest.FixtureRequest
) -> None:
    topology, positions_nm = to_openmm(request.getfixturevalue(molecule))
    method = app.NoCutoff if cutoff_nm is None else app.CutoffNonPeriodic
    options = {"nonbondedMethod": method, "nonbondedCutoff": (cutoff_nm or 1.0) * unit.nanometer}
    plain = app.ForceField("amber14-all.xml", f"implicit/{model}.xml").createSystem(topology, **options)
    system = app.ForceField("amber14-all.xml").createSystem(topology, **options)
    force = add(system, topology, cutoff_nm)
    assert isinstance(force, openmm.GBSAOBCForce if model == "obc2" else openmm.CustomGBForce)
    energy, forces = _evaluate(system, positions_nm)
    plain_energy, plain_forces = _evaluate(plain, positions_nm)
    # The custom force writes Coulomb's constant with nine digits, 2e-7 away from that of all other forces; with a
    # cut-off its pair terms are many times larger than their sum.
    assert energy == pytest.approx(plain_energy, abs=1e-3 if cutoff_nm is None else 3e-3)
    assert np.abs(forces - plain_forces).max() < 1e-3


def test_salt_screens_as_debye_and_hueckel_say() -> None:
    # 0.304 nm / sqrt(c) in water at 25 degrees, times the 0.73 of Amber's
    assert debye_kappa_per_nm(0.15, 298.15) == pytest.approx(0.73 * math.sqrt(0.15) / 0.304, rel=5e-3)
    assert debye_kappa_per_nm(0.0, 300.0) == 0.0


def test_salt_lowers_the_energy_of_charges(alanine_dipeptide: Complex, charged_peptide: Complex) -> None:
    def shift(complex: Complex) -> float:
        topology, positions_nm = to_openmm(complex)
        energies = []
        for kappa in (0.0, debye_kappa_per_nm(0.5, 300.0)):
            system = app.ForceField("amber14-all.xml").createSystem(topology)
            add_gbn2(system, topology, None, kappa)
            energies.append(_evaluate(system, positions_nm)[0])
        return energies[1] - energies[0]

    assert shift(charged_peptide) < 20 * shift(alanine_dipeptide) < 0


def test_refuses_elements_without_a_radius() -> None:
    topology = app.Topology()
    residue = topology.addResidue("SIH", topology.addChain("A"), "7")
    topology.addAtom("SI", app.Element.getBySymbol("Si"), residue)
    system = openmm.System()
    system.addParticle(28.0)
    nonbonded = openmm.NonbondedForce()
    nonbonded.addParticle(0.0, 0.3, 0.1)
    system.addForce(nonbonded)
    with pytest.raises(InputError, match="A:SIH7/SI: GBn2 has no radius for element Si"):
        add_gbn2(system, topology, None)


def test_needs_charges() -> None:
    with pytest.raises(InputError, match="one NonbondedForce, this one makes 0"):
        add_obc2(openmm.System(), app.Topology(), None)
