"""A box of water and ions around a solute, the same for the same seed.

OpenMM's Modeller does the work; this module chooses the box, and keeps the one random choice it makes (which waters
become ions) to a seed of ours. No forces and no systems here.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import app, unit

from unfreeze.errors import InputError
from unfreeze.simulate.force_fields import SOLVENTS
from unfreeze.simulate.settings import SystemSettings

__all__ = ["Solvated", "add_virtual_sites", "bounding_sphere", "box_vectors_nm", "solvate"]

_NM = unit.md_unit_system.express_unit(unit.angstrom)
_SHAPES = {
    # rows are the vectors of a box of width 1, in OpenMM's reduced form
    "cube": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "dodecahedron": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.5, 0.5, 0.5**0.5)),
    "octahedron": ((1.0, 0.0, 0.0), (1 / 3, 8**0.5 / 3, 0.0), (-1 / 3, 2**0.5 / 3, 6**0.5 / 3)),
}
_SIGMA_NM = {"H": 0.25, "C": 0.34, "N": 0.325, "O": 0.3, "P": 0.374, "S": 0.356}
"""Lennard-Jones diameters of Amber's common atoms, for placing water only."""
_SHRINKAGE = 1.12
"""Room to shrink at constant pressure before the cut-off exceeds half the box; new boxes lose 1 to 3 % in width."""


@dataclass(frozen=True, eq=False)
class Solvated:
    """A solute in its box.

    Attributes
    ----------
    topology
        The solute first, then water, then ions.
    positions_nm : float64 [n_particles, 3]
        In nm.
    box_nm : float64 [3, 3]
        Box vectors in rows, in OpenMM's reduced form.
    radius_nm
        Of the solute's bounding sphere.
    n_waters, n_positive, n_negative
        Molecules of water and ions that were added.
    """

    topology: app.Topology
    positions_nm: NDArray[np.float64]
    box_nm: NDArray[np.float64]
    radius_nm: float
    n_waters: int
    n_positive: int
    n_negative: int


def bounding_sphere(positions_nm: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Centre and radius of a sphere around all points, within 0.1 % of the smallest.

    Walks towards the farthest point by ever shorter steps (Bădoiu & Clarkson 2003, "Smaller core-sets for balls").

    Parameters
    ----------
    positions_nm : [n, 3]
        At least one point.
    """
    centre = positions_nm.mean(axis=0)
    for step in range(1, 1001):
        farthest = int(((positions_nm - centre) ** 2).sum(axis=1).argmax())
        centre = centre + (positions_nm[farthest] - centre) / (step + 1)
    return centre, float(np.sqrt(((positions_nm - centre) ** 2).sum(axis=1).max()))


def box_vectors_nm(radius_nm: float, settings: SystemSettings, cutoff_nm: float) -> NDArray[np.float64]:
    """Vectors of the periodic box: [3, 3], in rows.

    The solute may turn freely: images of its bounding sphere keep twice the padding between them. A box is never
    so small that the cut-off would exceed half of it once its density has settled.

    Parameters
    ----------
    radius_nm
        Of the solute's bounding sphere.
    settings
        Padding and shape.
    cutoff_nm
        Of direct non-bonded forces.
    """
    shape = np.array(_SHAPES[settings.box_shape])
    narrowest = float(np.diag(shape).min())
    width = max(2 * (radius_nm + settings.padding_nm), 2 * cutoff_nm * _SHRINKAGE / narrowest)
    return width * shape


def add_virtual_sites(
    topology: app.Topology, positions_nm: NDArray[np.float64], force_field: app.ForceField
) -> tuple[app.Topology, NDArray[np.float64]]:
    """The particles that are no atoms (the fourth site of water), each after the atoms of its residue."""
    modeller = app.Modeller(topology, _quantity(positions_nm))
    with _seeded_random(0):
        modeller.addExtraParticles(force_field)
    return modeller.topology, _positions_nm(modeller)


def solvate(
    topology: app.Topology,
    positions_nm: NDArray[np.float64],
    force_field: app.ForceField,
    settings: SystemSettings,
    cutoff_nm: float,
    seed: int,
) -> Solvated:
    """Put a solute into a box of water, neutralise it, and add NaCl.

    Parameters
    ----------
    topology, positions_nm : float64 [n, 3]
        The solute with its virtual sites, for which the force field has templates.
    force_field
        Loaded files, with water and ions.
    settings
        Solvent, padding, shape and ionic strength.
    cutoff_nm
        Of direct non-bonded forces.
    seed
        Decides which waters become ions; all else is the same for any seed.

    Raises
    ------
    InputError
        If the ions do not fit.
    """
    _, radius_nm = bounding_sphere(positions_nm)
    box_nm = box_vectors_nm(radius_nm, settings, cutoff_nm)
    modeller = app.Modeller(topology, _quantity(positions_nm))
    n_residues = topology.getNumResidues()
    try:
        with _seeded_random(seed):
            modeller.addSolvent(
                _Solute(force_field),
                model=SOLVENTS[settings.solvent].box,
                boxVectors=tuple(openmm.Vec3(*row) for row in box_nm.tolist()),
                ionicStrength=unit.Quantity(settings.ionic_strength_M, unit.molar),
            )
    except IndexError:
        raise InputError(
            f"ionic_strength_M of {settings.ionic_strength_M:g}: the ions do not fit into the box 0.5 nm apart. "
            "Lower it, or raise padding_nm."
        ) from None
    added = [residue.name for residue in modeller.topology.residues()][n_residues:]
    counts = {name: added.count(name) for name in ("HOH", "NA", "CL")}
    return Solvated(modeller.topology, _positions_nm(modeller), box_nm, radius_nm, *counts.values())


class _Solute:
    """Stands in for the force field while Modeller fills the box, which it asks for radii and for the net charge.

    Where the Lennard-Jones force is one of its own (CHARMM), Modeller would find no radii and put water into the
    solute; then they go by element. The charge is asked for with the water, which is neutral: the solute's will do.
    """

    def __init__(self, force_field: app.ForceField) -> None:
        self._force_field = force_field
        self._system: openmm.System | None = None

    def createSystem(self, topology: app.Topology, **options: Any) -> openmm.System:
        """The solute's system, whatever is asked for after it."""
        if self._system is not None:
            return self._system
        system = self._force_field.createSystem(topology, **options)
        for force in system.getForces():
            if isinstance(force, openmm.NonbondedForce):
                _give_radii(force, topology)
        self._system = system
        return system


def _give_radii(force: openmm.NonbondedForce, topology: app.Topology) -> None:
    parameters = [force.getParticleParameters(index) for index in range(force.getNumParticles())]
    if any(epsilon._value for _, _, epsilon in parameters):
        return
    for atom, (charge, _, _) in zip(topology.atoms(), parameters, strict=True):
        if atom.element is not None:
            force.setParticleParameters(atom.index, charge, _SIGMA_NM.get(atom.element.symbol, 0.3), 1.0)


def _quantity(positions_nm: NDArray[np.float64]) -> unit.Quantity:
    return unit.Quantity([openmm.Vec3(*row) for row in positions_nm.tolist()], _NM)


def _positions_nm(modeller: app.Modeller) -> NDArray[np.float64]:
    return np.array(modeller.positions.value_in_unit(_NM), dtype=np.float64).reshape(-1, 3)


@contextmanager
def _seeded_random(seed: int) -> Iterator[None]:
    """Python's global generator, which Modeller draws from, at a seed; as it was afterwards."""
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
