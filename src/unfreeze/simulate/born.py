"""Implicit solvent: generalised Born forces for a system that has its charges already.

OBC2 is OpenMM's native force, which computes what ``implicit/obc2.xml`` does 4 to 15 times faster on CPU; GBn2 has
no native force and is OpenMM's custom one. Both have the ACE surface term. Nothing here knows force fields.
"""

from __future__ import annotations

import math

import openmm
from openmm import app, unit
from openmm.app.internal.customgbforces import GBSAGBn2Force, GBSAOBC2Force

from unfreeze.errors import InputError

__all__ = ["SOLVENT_DIELECTRIC", "SURFACE_TENSION_KJ_MOL_NM2", "add_gbn2", "add_obc2", "debye_kappa_per_nm"]

SOLVENT_DIELECTRIC = 78.5
"""Relative permittivity of water, as in ``implicit/*.xml``."""

SURFACE_TENSION_KJ_MOL_NM2 = 2.25936
"""0.0054 kcal/mol/Å² of the ACE surface term (Schaefer, Bartels & Karplus 1998, doi:10.1006/jmbi.1998.2172)."""


def add_obc2(system: openmm.System, topology: app.Topology, cutoff_nm: float | None) -> openmm.GBSAOBCForce:
    """Add OBC2 (Amber's igb=5 with mbondi2 radii) and make the Coulomb force fit it.

    Parameters
    ----------
    system
        With a NonbondedForce, which gives the charges; changed in place.
    topology
        Of all particles, with bonds.
    cutoff_nm
        The cut-off of the NonbondedForce; None for none.

    Returns
    -------
    openmm.GBSAOBCForce
        The force, in the system.
    """
    nonbonded = _nonbonded(system)
    force = openmm.GBSAOBCForce()
    force.setSolventDielectric(SOLVENT_DIELECTRIC)
    force.setSoluteDielectric(1.0)
    force.setSurfaceAreaEnergy(SURFACE_TENSION_KJ_MOL_NM2)
    for index, (radius, scale) in enumerate(GBSAOBC2Force.getStandardParameters(topology)):
        charge = nonbonded.getParticleParameters(index)[0]
        force.addParticle(charge, float(radius), float(scale))
    _fit_cutoff(force, nonbonded, cutoff_nm)
    system.addForce(force)
    return force


def add_gbn2(
    system: openmm.System, topology: app.Topology, cutoff_nm: float | None, kappa_per_nm: float = 0.0
) -> openmm.CustomGBForce:
    """Add GBn2 (Amber's igb=8 with mbondi3 radii) and make the Coulomb force fit it.

    Parameters
    ----------
    system, topology, cutoff_nm
        As in :func:`add_obc2`.
    kappa_per_nm
        Inverse Debye length of the salt, from :func:`debye_kappa_per_nm`.

    Returns
    -------
    openmm.CustomGBForce
        The force, in the system.

    Raises
    ------
    InputError
        If an atom's radius lies outside the table of the model (0.1 to 0.2 nm).
    """
    nonbonded = _nonbonded(system)
    force = GBSAGBn2Force(
        solventDielectric=SOLVENT_DIELECTRIC, soluteDielectric=1, SA="ACE", cutoff=cutoff_nm, kappa=kappa_per_nm
    )
    for atom, parameters in zip(topology.atoms(), GBSAGBn2Force.getStandardParameters(topology), strict=True):
        charge = nonbonded.getParticleParameters(atom.index)[0].value_in_unit(unit.elementary_charge)
        try:
            force.addParticle([charge, *(float(value) for value in parameters)])
        except ValueError:
            raise InputError(
                f"{atom.residue.chain.id}:{atom.residue.name}{atom.residue.id}/{atom.name}: GBn2 has no radius for "
                f"element {atom.element.symbol if atom.element else 'none'}. Take solvent obc2 or an explicit one."
            ) from None
    force.finalize()
    _fit_cutoff(force, nonbonded, cutoff_nm)
    system.addForce(force)
    return force


def debye_kappa_per_nm(salt_M: float, temperature_K: float) -> float:
    """Inverse Debye length of monovalent salt as Amber screens with it, 1/nm.

    ``κ = 0.73 · 50.33355 Å⁻¹ · sqrt(c / (ε T))``, the factor for the size of the ions (Srinivasan et al. 1999,
    doi:10.1007/s002140050460), as in OpenMM's reader of Amber files.

    Parameters
    ----------
    salt_M
        Concentration in mol/l.
    temperature_K
        Temperature.
    """
    return 7.3 * 50.33355 * math.sqrt(salt_M / (SOLVENT_DIELECTRIC * temperature_K))


def _nonbonded(system: openmm.System) -> openmm.NonbondedForce:
    forces = [force for force in system.getForces() if isinstance(force, openmm.NonbondedForce)]
    if len(forces) != 1:
        raise InputError(
            f"implicit solvent needs a force field with one NonbondedForce, this one makes {len(forces)}. "
            "Take amber14, amber19 or charmm36, or an explicit solvent."
        )
    return forces[0]


def _fit_cutoff(
    force: openmm.GBSAOBCForce | openmm.CustomGBForce, nonbonded: openmm.NonbondedForce, cutoff_nm: float | None
) -> None:
    """One cut-off for both, and no reaction field: the solvent is in the generalised Born force."""
    nonbonded.setReactionFieldDielectric(1.0)
    if cutoff_nm is None:
        force.setNonbondedMethod(force.NoCutoff)
    else:
        force.setNonbondedMethod(force.CutoffNonPeriodic)
        force.setCutoffDistance(cutoff_nm)
