"""From a prepared structure to a system that OpenMM can integrate: force field, solvent, masses and their record.

What is there stays as it is: protonation, numbering and coordinates come from the preparation. No integrator, no
barostat and no dynamics here, and files are written in :mod:`unfreeze.simulate.system_files`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import app, unit

from unfreeze.errors import InputError
from unfreeze.simulate.born import SOLVENT_DIELECTRIC, add_gbn2, add_obc2, debye_kappa_per_nm
from unfreeze.simulate.force_field_files import load_files
from unfreeze.simulate.force_fields import FORCE_FIELDS, SOLVENTS, files_of
from unfreeze.simulate.settings import SystemSettings
from unfreeze.simulate.solvate import Solvated, add_virtual_sites, solvate
from unfreeze.simulate.system_record import system_record
from unfreeze.simulate.templates import may_be_patched, name_of, templates_named
from unfreeze.structure.chemistry.polymers import is_water
from unfreeze.structure.complex import Complex
from unfreeze.structure.openmm_topology import from_openmm, to_openmm

__all__ = [
    "EWALD_ERROR_TOLERANCE",
    "IMPLICIT_CUTOFF_NM",
    "LARGEST_WITHOUT_CUTOFF",
    "MolecularSystem",
    "build_system",
]

EWALD_ERROR_TOLERANCE = 5e-4
"""Relative error of forces that the grid of particle-mesh Ewald is chosen for; OpenMM's default."""

LARGEST_WITHOUT_CUTOFF, IMPLICIT_CUTOFF_NM = 2000, 2.0
"""Atoms in implicit solvent that all see each other, and the cut-off beyond (docs/experiments/implicit-cutoff.md)."""

_MOBILE_IONS = ("LI", "NA", "K", "RB", "CS", "F", "CL", "BR", "I")
_NO_HYDROGEN_MASS = 1.01


@dataclass(frozen=True, eq=False)
class MolecularSystem:
    """A solute in its solvent with all forces between them.

    Attributes
    ----------
    system
        OpenMM's system, without barostat and without removal of centre-of-mass motion.
    topology
        Of all particles, virtual sites included.
    positions_nm : float64 [n_particles, 3]
        Where they start.
    box_nm : float64 [3, 3] or None
        Box vectors in rows, in OpenMM's reduced form.
    solute
        Protein, nucleic acid, ligands and bound metal ions with all hydrogens; no water, no mobile ions.
    solute_atoms : int64 [n_solute]
        Rows of the solute's atoms among the particles.
    record
        Files, sizes, choices, caveats and versions; JSON-able.
    """

    system: openmm.System
    topology: app.Topology
    positions_nm: NDArray[np.float64]
    box_nm: NDArray[np.float64] | None
    solute: Complex
    solute_atoms: NDArray[np.int64]
    record: dict[str, Any]

    def saved_atoms(self, which: Literal["heavy", "solute", "all"]) -> tuple[Complex, NDArray[np.int64]]:
        """The atoms that a trajectory keeps, and their rows among the particles; never virtual sites.

        Parameters
        ----------
        which
            ``heavy``: heavy atoms of the solute; ``solute``: its hydrogens, too; ``all``: water and ions, too.
        """
        if which == "all":
            return self._all_atoms()
        if which == "solute":
            return self.solute, self.solute_atoms
        heavy = np.flatnonzero(self.solute.element != "H")
        return self.solute.take_atoms(heavy), self.solute_atoms[heavy]

    def _all_atoms(self) -> tuple[Complex, NDArray[np.int64]]:
        rows = np.array([atom.index for atom in self.topology.atoms() if atom.element is not None], dtype=np.int64)
        everything = from_openmm(self.topology, self.positions_nm, like=self.solute)
        return everything.take_atoms(rows), rows


def build_system(
    prepared: Complex,
    settings: SystemSettings,
    *,
    pressure_bar: float | None = None,
    temperature_K: float = 300.0,
    seed: int = 0,
) -> MolecularSystem:
    """Give a prepared structure its forces, masses and solvent.

    Parameters
    ----------
    prepared
        With all hydrogens. Its waters stay where the solvent is explicit, its ions stay in any case.
    settings
        Force field, solvent, box, cut-off, masses and constraints.
    pressure_bar
        The pressure it is meant for, for the record; None for constant volume.
    temperature_K
        The temperature it is meant for, which salt in implicit solvent depends on.
    seed
        Decides which waters become ions.

    Returns
    -------
    MolecularSystem
        The same for the same arguments.

    Raises
    ------
    InputError
        If the force field does not go with the solvent, has no template for a residue, or a file is not there.
    """
    names = files_of(settings)
    if settings.salt_M > 0 and settings.solvent != "gbn2":
        raise InputError(
            f"salt_M of {settings.salt_M:g} with solvent {settings.solvent}: only gbn2 screens charges by salt. "
            "Take solvent gbn2, leave salt_M out, or use ionic_strength_M with an explicit solvent."
        )
    notes: list[str] = []
    kept = prepared
    if not settings.explicit:
        water = np.array([is_water(name) for name in prepared.residue_name.tolist()], dtype=bool)
        if water.any():
            kept = prepared.take_residues(~water)
            notes.append(f"{int(water.sum())} waters of the structure left out: the solvent is implicit.")
    solute_rows = _solute_rows(kept)
    if len(solute_rows) == 0:
        raise InputError(f"{name_of(kept)}: there is nothing to simulate but water and ions. Give a molecule.")
    topology, positions_nm = to_openmm(kept)
    force_field = load_files(names, may_be_patched(kept))
    cutoff_nm, switch_nm = _cutoff(settings, kept.n_atoms)
    if not settings.explicit and cutoff_nm is not None and settings.cutoff_nm is None:
        notes.append(
            f"With more than {LARGEST_WITHOUT_CUTOFF:,} atoms in implicit solvent a cut-off of {cutoff_nm:g} nm is "
            "taken, which changes forces by some 0.1 to 0.2 % (rms); cutoff_nm of 5 takes nearly all pairs."
        )
    solvated: Solvated | None = None
    with templates_named(kept, settings):
        if settings.explicit:
            assert cutoff_nm is not None
            if SOLVENTS[settings.solvent].n_sites > 3:
                topology, positions_nm = add_virtual_sites(topology, positions_nm, force_field)
            solvated = solvate(topology, positions_nm, force_field, settings, cutoff_nm, seed)
            topology, positions_nm = solvated.topology, solvated.positions_nm
        system = _create_system(force_field, topology, settings, cutoff_nm, switch_nm)
    implicit: dict[str, Any] | None = None
    if settings.solvent in ("obc2", "gbn2"):
        implicit = _add_implicit(system, topology, settings, cutoff_nm, temperature_K)
    positions_nm = _place_virtual_sites(system, positions_nm)
    real = np.array([atom.index for atom in topology.atoms() if atom.element is not None], dtype=np.int64)
    molecular = MolecularSystem(
        system=system,
        topology=topology,
        positions_nm=positions_nm,
        box_nm=None if solvated is None else solvated.box_nm,
        solute=kept.take_atoms(solute_rows),
        solute_atoms=real[solute_rows],
        record={},
    )
    molecular.record.update(system_record(molecular, kept, settings, names, solvated, implicit, notes))
    molecular.record.update({"pressure_bar": pressure_bar, "temperature_K": temperature_K, "seed": seed})
    return molecular


def _solute_rows(complex: Complex) -> NDArray[np.int64]:
    """Atoms that are neither water nor ions that wander: [n_solute]."""
    water = np.array([is_water(name) for name in complex.residue_name.tolist()], dtype=bool)
    single = np.diff(complex.residue_start) == 1
    first = complex.element[complex.residue_start[:-1]] if complex.n_atoms else np.empty(0, dtype=np.str_)
    return np.flatnonzero(~(water | (single & np.isin(first, _MOBILE_IONS)))[complex.residue_index])


def _cutoff(settings: SystemSettings, n_atoms: int) -> tuple[float | None, float]:
    """Cut-off, None for none, and where switching begins, 0 for nowhere; nm."""
    if settings.solvent == "vacuum":
        return None, 0.0
    if not settings.explicit:
        large = n_atoms > LARGEST_WITHOUT_CUTOFF
        return settings.cutoff_nm or (IMPLICIT_CUTOFF_NM if large else None), 0.0
    force_field = FORCE_FIELDS[settings.force_field]
    cutoff_nm = settings.cutoff_nm or force_field.cutoff_nm
    return cutoff_nm, cutoff_nm - force_field.switch_nm if force_field.switch_nm else 0.0


def _create_system(
    force_field: app.ForceField,
    topology: app.Topology,
    settings: SystemSettings,
    cutoff_nm: float | None,
    switch_nm: float,
) -> openmm.System:
    options: dict[str, Any] = {
        "constraints": {"hbonds": app.HBonds, "allbonds": app.AllBonds, "none": None}[settings.constraints],
        "rigidWater": True,
        "removeCMMotion": False,
        "nonbondedMethod": app.NoCutoff,
    }
    if settings.hydrogen_mass_amu > _NO_HYDROGEN_MASS:
        options["hydrogenMass"] = settings.hydrogen_mass_amu
    if cutoff_nm is not None:
        options["nonbondedMethod"] = app.PME if settings.explicit else app.CutoffNonPeriodic
        options["nonbondedCutoff"] = cutoff_nm
    if settings.explicit:
        options["ewaldErrorTolerance"] = EWALD_ERROR_TOLERANCE
        if switch_nm:
            options["switchDistance"] = switch_nm
        if settings.force_field != "custom":
            options["useDispersionCorrection"] = FORCE_FIELDS[settings.force_field].dispersion_correction
    system = force_field.createSystem(topology, **options)
    for index in range(system.getNumParticles()):
        if not system.isVirtualSite(index) and system.getParticleMass(index)._value < 1.0:
            raise InputError(
                f"hydrogen_mass_amu of {settings.hydrogen_mass_amu:g} leaves a heavy atom with less than 1 amu. "
                "Take 3 or less."
            )
    return system


def _add_implicit(
    system: openmm.System,
    topology: app.Topology,
    settings: SystemSettings,
    cutoff_nm: float | None,
    temperature_K: float,
) -> dict[str, Any]:
    record: dict[str, Any] = {"solvent_dielectric": SOLVENT_DIELECTRIC, "solute_dielectric": 1.0, "surface": "ACE"}
    if settings.solvent == "obc2":
        add_obc2(system, topology, cutoff_nm)
        return {"model": "OBC2", "openmm_force": "GBSAOBCForce", **record}
    kappa = debye_kappa_per_nm(settings.salt_M, temperature_K)
    add_gbn2(system, topology, cutoff_nm, kappa)
    return {"model": "GBn2", "openmm_force": "CustomGBForce", **record, "kappa_per_nm": kappa}


def _place_virtual_sites(system: openmm.System, positions_nm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Positions with the virtual sites where their parents put them."""
    if not any(system.isVirtualSite(index) for index in range(system.getNumParticles())):
        return positions_nm
    bare = openmm.XmlSerializer.clone(system)
    while bare.getNumForces():
        bare.removeForce(0)
    context = openmm.Context(bare, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatformByName("Reference"))
    context.setPositions(positions_nm)
    context.computeVirtualSites()
    positions = context.getState(positions=True).getPositions(asNumpy=True)
    return np.array(positions.value_in_unit_system(unit.md_unit_system), dtype=np.float64)
