"""Whether every residue has a template, and where hydrogens and atoms that were made here relax to.

One OpenMM system in vacuum with Amber's ff14SB serves both. Atoms that were read do not move.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.structure.prepare.hydrogens import single_thread

__all__ = ["Template", "checked_system", "load_force_field", "net_charge", "read_templates", "relax"]

_BASE = ("amber14-all.xml", "amber14/tip3p.xml")
_ITERATIONS = 200
_CUTOFF_NM = 1.0
_CHARGE_SCALE = 0.5
_HOLD_KJ_MOL_NM2 = 2000.0


@lru_cache(maxsize=4)
def load_force_field(files: tuple[str, ...]) -> Any:
    """Amber's ff14SB with the user's files.

    Raises
    ------
    InputError
        If a file is absent or not a force field.
    """
    from openmm.app import ForceField

    try:
        return ForceField(*_BASE, *files)
    except Exception as error:  # OpenMM raises ValueError, KeyError, ParseError and others
        text = " ".join(str(error).split())[:200]
        raise InputError(
            f"{', '.join(files)}: not usable as an OpenMM force-field XML beside amber14-all.xml ({text})."
        ) from None


@dataclass(frozen=True)
class Template:
    """A residue that the user's force field knows.

    Attributes
    ----------
    heavy
        Names of its heavy atoms.
    hydrogens
        Name of every hydrogen and of the atom that it is bound to.
    """

    heavy: frozenset[str]
    hydrogens: tuple[tuple[str, str], ...]


def read_templates(files: tuple[str, ...]) -> dict[str, Template]:
    """Residues that the user's files add to Amber's, by name.

    Raises
    ------
    InputError
        If a file is absent or not a force field.
    """
    if not files:
        return {}
    known = load_force_field(())._templates
    found = {}
    for name, template in load_force_field(files)._templates.items():
        if name in known:
            continue
        is_hydrogen = [atom.element is not None and atom.element.symbol == "H" for atom in template.atoms]
        hydrogens = []
        for first, second in template.bonds:
            for hydrogen, parent in ((first, second), (second, first)):
                if is_hydrogen[hydrogen] and not is_hydrogen[parent]:
                    hydrogens.append((template.atoms[hydrogen].name, template.atoms[parent].name))
        heavy = [atom.name for atom, light in zip(template.atoms, is_hydrogen, strict=True) if not light]
        found[name] = Template(frozenset(heavy), tuple(sorted(hydrogens)))
    return found


def checked_system(topology: Any, files: tuple[str, ...], name: str) -> Any:
    """OpenMM system in vacuum.

    Raises
    ------
    InputError
        If a residue has no template, naming it.
    """
    from openmm.app import CutoffNonPeriodic

    field = load_force_field(files)
    try:
        return field.createSystem(
            topology, nonbondedMethod=CutoffNonPeriodic, nonbondedCutoff=_CUTOFF_NM, rigidWater=False
        )
    except ValueError as error:
        unmatched = [
            f"{residue.chain.id}:{residue.name}{residue.id}{(residue.insertionCode or '').strip()}"
            for residue in field.getUnmatchedResidues(topology)
        ]
        reason = " ".join(str(error).split())[:300]
        raise InputError(
            f"{name}: the force field has no template for {', '.join(unmatched[:8]) or 'a residue'}"
            f"{f' and {len(unmatched) - 8} more' if len(unmatched) > 8 else ''} as prepared: {reason}"
        ) from None


def net_charge(system: Any) -> int:
    """Sum of the partial charges, in elementary charges."""
    from openmm import NonbondedForce, unit

    force = next(one for one in system.getForces() if isinstance(one, NonbondedForce))
    charges = [force.getParticleParameters(at)[0] for at in range(force.getNumParticles())]
    return round(sum(charge.value_in_unit(unit.elementary_charge) for charge in charges))


def relax(
    system: Any, positions_nm: NDArray[np.float64], free: NDArray[np.bool_], held: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Minimise the energy with some atoms free, some held near their places and all others fixed.

    Parameters
    ----------
    system
        Of :func:`checked_system`; it is spent afterwards.
    positions_nm : [n_atoms, 3]
        Where the atoms are.
    free, held : bool [n_atoms]
        Hydrogens, and heavy atoms that were built.

    Returns
    -------
    float64 [n_atoms, 3]
        In nm.
    """
    import openmm
    from openmm import unit

    if not (free | held).any():
        return positions_nm
    for at in np.flatnonzero(~(free | held)):
        system.setParticleMass(int(at), 0.0)
    _weaken_charges(system)
    if held.any():
        springs = openmm.CustomExternalForce("k * ((x - x0)^2 + (y - y0)^2 + (z - z0)^2) / 2")
        springs.addGlobalParameter("k", _HOLD_KJ_MOL_NM2)
        for name in ("x0", "y0", "z0"):
            springs.addPerParticleParameter(name)
        for at in np.flatnonzero(held):
            springs.addParticle(int(at), positions_nm[at].tolist())
        system.addForce(springs)
    with single_thread() as platform:
        context = openmm.Context(system, openmm.VerletIntegrator(0.001), platform)
        context.setPositions(positions_nm)
        openmm.LocalEnergyMinimizer.minimize(context, 10, _ITERATIONS)
        state = context.getState(positions=True)
        relaxed = np.array(state.getPositions(asNumpy=True).value_in_unit_system(unit.md_unit_system))
        del context
    return relaxed if np.isfinite(relaxed).all() else positions_nm


def _weaken_charges(system: Any) -> None:
    """Scale charges down: in vacuum, whole ones would pull side chains together."""
    from openmm import NonbondedForce

    force = next(one for one in system.getForces() if isinstance(one, NonbondedForce))
    for at in range(force.getNumParticles()):
        charge, sigma, epsilon = force.getParticleParameters(at)
        force.setParticleParameters(at, charge * _CHARGE_SCALE, sigma, epsilon)
    for at in range(force.getNumExceptions()):
        first, second, product, sigma, epsilon = force.getExceptionParameters(at)
        force.setExceptionParameters(at, first, second, product * _CHARGE_SCALE**2, sigma, epsilon)
