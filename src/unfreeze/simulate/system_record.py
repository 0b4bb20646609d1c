"""What is written down about a system: everything that decided it, in JSON, and what to know before trusting it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import openmm

import unfreeze
from unfreeze.simulate.force_field_files import file_records
from unfreeze.simulate.force_fields import FORCE_FIELDS, SOLVENTS, caveats_of
from unfreeze.simulate.settings import SystemSettings
from unfreeze.simulate.solvate import Solvated
from unfreeze.structure.chemistry.polymers import is_water
from unfreeze.structure.complex import Complex

if TYPE_CHECKING:
    from unfreeze.simulate.system import MolecularSystem

__all__ = ["system_record"]


def system_record(
    molecular: MolecularSystem,
    complex: Complex,
    settings: SystemSettings,
    names: tuple[str, ...],
    solvated: Solvated | None,
    implicit: dict[str, Any] | None,
    notes: list[str],
) -> dict[str, Any]:
    """The record of a system; JSON-able.

    Parameters
    ----------
    molecular
        The system.
    complex
        What was built from: the prepared structure, without the waters that an implicit solvent replaced.
    settings
        As asked for.
    names
        Force-field files.
    solvated
        The box, None for none.
    implicit
        Of the implicit solvent, None for none.
    notes
        What was decided on the way, one sentence each.
    """
    system, force_field = molecular.system, FORCE_FIELDS[settings.force_field]
    n_particles = system.getNumParticles()
    masses = np.array([system.getParticleMass(index)._value for index in range(n_particles)])
    water = sum(is_water(name) for name in complex.residue_name.tolist())
    record: dict[str, Any] = {
        "name": complex.source.name,
        "force_field": settings.force_field,
        "force_field_title": force_field.title,
        "force_field_reference": force_field.reference,
        "solvent": settings.solvent,
        "solvent_reference": SOLVENTS[settings.solvent].reference,
        "files": file_records(names),
        "settings": settings.model_dump(mode="json"),
        "n_particles": n_particles,
        "n_atoms": sum(atom.element is not None for atom in molecular.topology.atoms()),
        "n_solute_atoms": len(molecular.solute_atoms),
        "n_residues": molecular.topology.getNumResidues(),
        "n_waters_of_structure": water,
        "net_charge_e": _net_charge(system),
        "n_constraints": system.getNumConstraints(),
        "n_degrees_of_freedom": 3 * int((masses > 0).sum()) - system.getNumConstraints(),
        "total_mass_amu": float(masses.sum()),
        "hydrogen_mass_amu": settings.hydrogen_mass_amu,
        "constraints": settings.constraints,
        "rigid_water": True,
        "nonbonded": _nonbonded_record(system),
        "implicit_solvent": implicit,
    }
    if solvated is not None:
        volume = float(abs(np.linalg.det(solvated.box_nm)))
        record["box"] = {
            "shape": settings.box_shape,
            "width_nm": float(solvated.box_nm[0, 0]),
            "volume_nm3": volume,
            "padding_nm": settings.padding_nm,
            "n_waters_added": solvated.n_waters,
            "n_sodium_added": solvated.n_positive,
            "n_chloride_added": solvated.n_negative,
            "ionic_strength_M": settings.ionic_strength_M,
            "density_g_ml": float(masses.sum()) * 1.66053907e-3 / volume,
        }
        if solvated.box_nm[0, 0] > 2 * (solvated.radius_nm + settings.padding_nm) + 1e-9:
            notes.append("The box is wider than padding_nm asks for, so that the cut-off fits into half of it.")
    caveats = caveats_of(settings)
    if record["net_charge_e"] and settings.solvent in ("obc2", "gbn2"):
        notes.append(f"The solute carries {record['net_charge_e']:+g} e; implicit solvent needs no counter-ions.")
    if (complex.residue_kind == "ion").any():
        caveats.append("Ions are held by non-bonded forces only; bound metals may leave their sites or change shells.")
    return {
        **record,
        "notes": notes,
        "caveats": caveats,
        "versions": {"openmm": openmm.__version__, "unfreeze": unfreeze.__version__},
    }


def _net_charge(system: openmm.System) -> float | None:
    """In elementary charges, to the 1e-4 that charges are written with; None where none are found."""
    for force in system.getForces():
        if isinstance(force, openmm.NonbondedForce):
            charges = (force.getParticleParameters(index)[0]._value for index in range(force.getNumParticles()))
            return round(sum(charges), 4) + 0.0
    return None


def _nonbonded_record(system: openmm.System) -> dict[str, Any]:
    """How non-bonded forces are computed, as OpenMM has it; LJ is in a force of its own with CHARMM."""
    record: dict[str, Any] = {}
    for force in system.getForces():
        if isinstance(force, openmm.NonbondedForce):
            method = force.getNonbondedMethod()
            record["method"] = {0: "NoCutoff", 1: "CutoffNonPeriodic", 4: "PME"}.get(method, str(method))
            if method == force.NoCutoff:
                return {"method": "NoCutoff", "cutoff_nm": None}
            record["cutoff_nm"] = force.getCutoffDistance()._value
            if method == force.PME:
                record["ewald_error_tolerance"] = force.getEwaldErrorTolerance()
            else:
                record["reaction_field_dielectric"] = force.getReactionFieldDielectric()
            record["lj_dispersion_correction"] = force.getUseDispersionCorrection() and method == force.PME
            if force.getUseSwitchingFunction():
                record["lj_switch_from_nm"] = force.getSwitchingDistance()._value
    for force in system.getForces():
        if isinstance(force, openmm.CustomNonbondedForce):
            record["lj_dispersion_correction"] = force.getUseLongRangeCorrection()
            if force.getUseSwitchingFunction():
                record["lj_switch_from_nm"] = force.getSwitchingDistance()._value
    return record
