"""What a simulation is asked to be: pydantic models with units in every name, as `campaign.yaml` spells them.

These models decide a trajectory together with the prepared structure and the seed; their JSON is hashed to identify
tasks. Nothing here imports OpenMM.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = [
    "EXPLICIT_SOLVENTS",
    "IMPLICIT_SOLVENTS",
    "Conditions",
    "ProtocolSettings",
    "ReplicaExchangeSettings",
    "SaveSettings",
    "SimulationSettings",
    "SystemSettings",
]

ForceFieldName = Literal["amber14", "amber19", "charmm36", "charmm36m", "custom"]
SolventName = Literal["obc2", "gbn2", "tip3p", "tip3pfb", "opc", "vacuum"]
IMPLICIT_SOLVENTS = ("obc2", "gbn2", "vacuum")
EXPLICIT_SOLVENTS = ("tip3p", "tip3pfb", "opc")


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class SystemSettings(_Settings):
    """The molecular mechanics: force field, solvent, box, cut-off and masses.

    Attributes
    ----------
    force_field
        Name of a protein force field in :mod:`unfreeze.simulate.force_fields`, or ``custom``.
    force_field_files
        OpenMM force-field XML files: all of it with ``custom``, additions (such as ligands) otherwise.
    solvent
        ``obc2``, ``gbn2`` (implicit), ``tip3p``, ``tip3pfb``, ``opc`` (explicit) or ``vacuum``.
    padding_nm, box_shape, ionic_strength_M
        Explicit solvent: least distance to the box edge, shape of the box, and NaCl beyond what neutralises.
    salt_M
        Implicit solvent: monovalent salt, screened as Debye and Hückel do (gbn2 only).
    cutoff_nm
        Cut-off of direct non-bonded forces; None for 0.9 nm in explicit solvent (1.2 nm with CHARMM), and for none
        up to 2,000 atoms and 2 nm beyond in implicit.
    hydrogen_mass_amu
        Mass moved onto hydrogens from their heavy atoms; 1.008 for none.
    constraints
        Bonds that are held rigid.
    """

    force_field: ForceFieldName = "amber14"
    force_field_files: tuple[str, ...] = ()
    solvent: SolventName = "obc2"
    padding_nm: Annotated[float, Field(gt=0.2, le=5.0)] = 1.0
    box_shape: Literal["dodecahedron", "octahedron", "cube"] = "dodecahedron"
    ionic_strength_M: Annotated[float, Field(ge=0.0, le=5.0)] = 0.15
    salt_M: Annotated[float, Field(ge=0.0, le=5.0)] = 0.0
    cutoff_nm: Annotated[float, Field(ge=0.5, le=5.0)] | None = None
    hydrogen_mass_amu: Annotated[float, Field(ge=1.0, le=4.0)] = 1.5
    constraints: Literal["hbonds", "allbonds", "none"] = "hbonds"

    @property
    def explicit(self) -> bool:
        """Whether there is water."""
        return self.solvent in EXPLICIT_SOLVENTS


class Conditions(_Settings):
    """The thermodynamic state.

    Attributes
    ----------
    temperature_K
        Temperature.
    pressure_bar
        Pressure, explicit solvent only; None for constant volume. By default 1 bar where there is water.
    """

    temperature_K: Annotated[float, Field(ge=10.0, le=1000.0)] = 300.0
    pressure_bar: Annotated[float, Field(gt=0.0, le=10000.0)] | Literal["auto"] | None = "auto"


class ProtocolSettings(_Settings):
    """The way to production, and how production is integrated.

    Attributes
    ----------
    time_step_fs, friction_per_ps
        Langevin middle integrator (Zhang et al. 2019, doi:10.1021/acs.jpca.9b02771).
    minimise_iterations
        Most L-BFGS iterations; 0 for until it converges.
    heat_ps
        Heating from 10 K in steps, heavy atoms of the solute restrained.
    restrained_ps, release_ps, equilibrate_ps
        At temperature (and pressure) with the restraints on, with them weakened in steps, and without them.
    restraint_kJ_mol_nm2
        Force constant of the restraints at first.
    equilibration_step_fs
        Time step before production.
    """

    time_step_fs: Annotated[float, Field(gt=0.0, le=6.0)] = 4.0
    friction_per_ps: Annotated[float, Field(gt=0.0, le=100.0)] = 1.0
    minimise_iterations: Annotated[int, Field(ge=0, le=1_000_000)] = 500
    heat_ps: Annotated[float, Field(ge=0.0)] = 10.0
    restrained_ps: Annotated[float, Field(ge=0.0)] = 10.0
    release_ps: Annotated[float, Field(ge=0.0)] = 10.0
    equilibrate_ps: Annotated[float, Field(ge=0.0)] = 20.0
    restraint_kJ_mol_nm2: Annotated[float, Field(ge=0.0)] = 1000.0
    equilibration_step_fs: Annotated[float, Field(gt=0.0, le=6.0)] = 2.0


class SaveSettings(_Settings):
    """What is kept of production, and how often.

    Attributes
    ----------
    every_ps
        Time between frames.
    atoms
        ``heavy``: heavy atoms of the solute; ``solute``: its hydrogens, too; ``all``: water and ions, too.
    forces
        Whether to keep the forces on the saved atoms, kJ/mol/nm.
    commit_every_ps
        Time between commits, a multiple of `every_ps`; None for a fair one by the size of the system.
    """

    every_ps: Annotated[float, Field(gt=0.0, le=1e5)] = 10.0
    atoms: Literal["heavy", "solute", "all"] = "heavy"
    forces: bool = False
    commit_every_ps: Annotated[float, Field(gt=0.0)] | None = None


class ReplicaExchangeSettings(_Settings):
    """Temperature replica exchange, at constant volume.

    Attributes
    ----------
    temperatures_K
        The ladder, ascending from the temperature of the conditions; :mod:`unfreeze.simulate.ladder` chooses one.
    exchange_every_ps
        Time between attempts.
    """

    temperatures_K: Annotated[tuple[Annotated[float, Field(ge=10.0, le=2000.0)], ...], Field(min_length=2)]
    exchange_every_ps: Annotated[float, Field(gt=0.0)] = 1.0

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        if any(b <= a for a, b in zip(self.temperatures_K, self.temperatures_K[1:], strict=False)):
            raise ValueError("temperatures_K must ascend")
        return self


class SimulationSettings(_Settings):
    """All that decides a trajectory besides the prepared structure and the seed."""

    system: SystemSettings = SystemSettings()
    conditions: Conditions = Conditions()
    protocol: ProtocolSettings = ProtocolSettings()
    save: SaveSettings = SaveSettings()
    replica_exchange: ReplicaExchangeSettings | None = None

    @property
    def pressure_bar(self) -> float | None:
        """The pressure that holds: that of the conditions, 1 bar by default in water, None at constant volume."""
        if self.conditions.pressure_bar == "auto":
            return 1.0 if self.system.explicit and self.replica_exchange is None else None
        return self.conditions.pressure_bar

    @property
    def equilibration_pressure_bar(self) -> float | None:
        """The pressure before production; replica exchange in water first finds its density at 1 bar."""
        if self.replica_exchange is not None and self.system.explicit:
            return 1.0
        return self.pressure_bar

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.pressure_bar is not None and not self.system.explicit:
            raise ValueError("pressure_bar needs explicit solvent (tip3p, tip3pfb, opc); leave it out")
        if self.pressure_bar is not None and self.replica_exchange is not None:
            raise ValueError("replica_exchange runs at constant volume; leave pressure_bar out")
        step_ps = self.protocol.time_step_fs / 1000
        for name, time in (("save.every_ps", self.save.every_ps),):
            if abs(time / step_ps - round(time / step_ps)) > 1e-6 or time < step_ps:
                raise ValueError(
                    f"{name} is {time:g} ps, which is not a whole number of steps of {1000 * step_ps:g} fs"
                )
        commit = self.save.commit_every_ps
        if commit is not None and abs(commit / self.save.every_ps - round(commit / self.save.every_ps)) > 1e-6:
            raise ValueError("save.commit_every_ps must be a multiple of save.every_ps")
        if self.replica_exchange is not None:
            self._fits_ladder(self.replica_exchange, step_ps)
        if self.system.hydrogen_mass_amu < 1.4 and self.protocol.time_step_fs > 2.5:
            raise ValueError(
                f"time_step_fs of {self.protocol.time_step_fs:g} needs heavier hydrogens: hydrogen_mass_amu of 1.5 or "
                "more, or a step of 2 fs"
            )
        if self.system.constraints == "none" and self.protocol.time_step_fs > 1.0:
            raise ValueError("without constraints the time step must be 1 fs or less")
        return self

    def _fits_ladder(self, ladder: ReplicaExchangeSettings, step_ps: float) -> None:
        every_ps, lowest_K = ladder.exchange_every_ps, ladder.temperatures_K[0]
        if lowest_K != self.conditions.temperature_K:
            raise ValueError(
                f"replica_exchange.temperatures_K starts at {lowest_K:g}, and conditions.temperature_K is "
                f"{self.conditions.temperature_K:g}; the lowest of the ladder must be that of the conditions; "
                f"give --temperature {lowest_K:g}, say"
            )
        if every_ps < step_ps or abs(every_ps / step_ps - round(every_ps / step_ps)) > 1e-6:
            raise ValueError(
                f"replica_exchange.exchange_every_ps is {every_ps:g} ps, which is not a whole number of steps of "
                f"{1000 * step_ps:g} fs"
            )
        n_exchanges = self.save.every_ps / every_ps
        if n_exchanges < 1 - 1e-6 or abs(n_exchanges - round(n_exchanges)) > 1e-6:
            raise ValueError(
                f"save.every_ps is {self.save.every_ps:g} ps, which is not a multiple of "
                f"replica_exchange.exchange_every_ps, {every_ps:g} ps"
            )
        if self.save.forces:
            raise ValueError("save.forces is not possible with replica_exchange; leave one of them out")
