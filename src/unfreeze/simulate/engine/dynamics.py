"""Integrate one segment with OpenMM and take the frames that are asked for.

Every segment starts from what the commit before it left: on the platforms that can be repeated exactly from a fresh
context and the checkpoint, so that a run that was killed and one that was not go through the same states, barostat
and neighbour lists included. Nothing here writes files.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import openmm
from numpy.typing import NDArray

from unfreeze.simulate.engine.commit import Column
from unfreeze.simulate.engine.imaging import Imaging
from unfreeze.simulate.engine.integrator import (
    BlowUpError,
    Stopped,
    degrees_of_freedom,
    make_integrator,
    plain_number,
)
from unfreeze.simulate.engine.platforms import is_deterministic, limit_threads, platform_properties
from unfreeze.simulate.engine.schedule import Segment
from unfreeze.simulate.settings import SimulationSettings
from unfreeze.simulate.system import MolecularSystem

__all__ = ["OBSERVABLES", "Dynamics", "Frames"]

OBSERVABLES = ("time_ps", "potential_kJ_mol", "kinetic_kJ_mol", "temperature_K", "volume_nm3")
_BAROSTAT_INTERVAL = 25
_R = 8.31446261815324e-3
"""Gas constant, kJ/mol/K; OpenMM takes and gives plain numbers in nm, ps, amu, K, kJ/mol and bar throughout."""
_CHUNK_SECONDS = 0.5


@dataclass(frozen=True)
class Frames:
    """Saved frames of a segment.

    Attributes
    ----------
    coordinates_nm : float32 [n_frames, n_saved, 3]
        Molecules whole, the chains of a complex side by side, the centre of the solute at the origin.
    box_nm : float64 [n_frames, 3, 3] or None
        Box vectors.
    observables : float64 [n_frames, 5]
        Columns :data:`OBSERVABLES`; the volume is NaN without a box.
    forces_kJ_mol_nm : float32 [n_frames, n_saved, 3] or None
        Forces, if asked for.
    more
        Further columns, by name.
    """

    coordinates_nm: NDArray[np.float32]
    box_nm: NDArray[np.float64] | None
    observables: NDArray[np.float64]
    forces_kJ_mol_nm: NDArray[np.float32] | None
    more: dict[str, NDArray[Any]] = field(default_factory=dict)


class Dynamics:
    """One simulation in memory: a context for each phase, made when it is needed.

    Parameters
    ----------
    molecular
        The system and where it starts.
    settings
        The simulation.
    seed
        Of velocities, thermostat and barostat.
    platform, threads, device
        Where to run.
    """

    def __init__(
        self,
        molecular: MolecularSystem,
        settings: SimulationSettings,
        *,
        seed: int,
        platform: openmm.Platform,
        threads: int = 1,
        device: int | None = None,
    ) -> None:
        self._molecular = molecular
        self._settings = settings
        self._seed = seed
        self._platform = platform
        limit_threads(platform.getName(), threads)
        self._properties = platform_properties(platform.getName(), threads=threads, device=device)
        self.deterministic = is_deterministic(platform.getName(), threads)
        self.platform_name = platform.getName()
        self.n_degrees_of_freedom = degrees_of_freedom(molecular.system)
        n_particles = molecular.system.getNumParticles()
        self.mass_amu = sum(plain_number(molecular.system.getParticleMass(index)) for index in range(n_particles))
        self.saved_complex, self._saved = molecular.saved_atoms(settings.save.atoms)
        self._imaging = Imaging(molecular, self._saved, whole_box=settings.save.atoms == "all")
        self._phase: tuple[bool, bool] | None = None
        self._context: openmm.Context | None = None
        self._position: int = -1
        self.more_columns: dict[str, Column] = {}

    def start_frame(self) -> NDArray[np.float32]:
        """The prepared coordinates as a saved frame: [n_saved, 3], nm."""
        return self._imaging.frame(self._molecular.positions_nm, self._molecular.box_nm)

    def begin(self, segment: Segment) -> None:
        """Start from the prepared coordinates."""
        context = self._fresh_context(segment, number=0)
        context.setPositions(self._molecular.positions_nm)
        if self._molecular.box_nm is not None:
            context.setPeriodicBoxVectors(*self._molecular.box_nm)
        self._position = 0

    def resume(self, number: int, segment: Segment, checkpoint: bytes | None, state: dict[str, NDArray[Any]]) -> str:
        """Start segment `number` from what the commit before it left.

        Parameters
        ----------
        number
            Of the segment.
        segment
            What comes.
        checkpoint
            Of the commit before, in the same phase; None to go on from the portable state.
        state
            Positions (and velocities) of the commit before.

        Returns
        -------
        str
            Why the continuation is not the same to the last bit, or empty.
        """
        ready = self._context is not None and self._position == number and self._phase == _phase_of(segment)
        if ready and not self.deterministic:
            return ""  # goes on in the context as it is; repeating exactly is out of reach here
        same_phase = str(state["phase"]) == _phase_name(segment)
        context = self._fresh_context(segment, number=number)
        self._position = number
        why = ""
        if same_phase and checkpoint is not None:
            try:
                context.loadCheckpoint(checkpoint)
            except openmm.OpenMMException as error:
                why = f"the checkpoint does not fit here ({str(error).splitlines()[0]}); went on from coordinates"
            else:
                return ""
        elif same_phase:
            why = "the checkpoint was lost; went on from coordinates and velocities"
        if "box_nm" in state:
            context.setPeriodicBoxVectors(*state["box_nm"])
        context.setPositions(state["positions_nm"])
        context.setVelocities(state["velocities_nm_ps"])
        return why

    def run(
        self,
        segment: Segment,
        *,
        number: int,
        time_ps: float,
        should_stop: Callable[[], bool],
        step_seconds: float,
    ) -> Frames:
        """Integrate a segment from where the context is.

        Parameters
        ----------
        segment
            What to do.
        number
            Of the segment, from which its random numbers follow.
        time_ps
            Production time before it.
        should_stop
            Asked about twice a second.
        step_seconds
            Rough time of a step.

        Raises
        ------
        BlowUpError
            If it leaves what is physical.
        Stopped
            If it was asked to stop; the context is then of no use.
        """
        context = self._context
        assert context is not None
        integrator = context.getIntegrator()
        integrator.setTemperature(segment.temperature_K)
        integrator.setStepSize(segment.step_fs / 1000)
        if segment.restraint_kJ_mol_nm2 > 0:
            context.setParameter("restraint", segment.restraint_kJ_mol_nm2)
        if segment.pressure:
            context.setParameter(openmm.MonteCarloBarostat.Temperature(), segment.temperature_K)
        chunk = max(1, min(100_000, math.ceil(_CHUNK_SECONDS / step_seconds)))
        try:
            if segment.stage == "minimise":
                self._minimise(context, segment.n_steps, should_stop)
                self._position = number + 1
                return self._gather([], time_ps)
            if segment.new_velocities:
                context.setVelocitiesToTemperature(segment.temperature_K, _seed(self._seed, "v", number))
            taken: list[tuple[Any, ...]] = []
            done = 0
            for frame in range(max(1, segment.n_frames)):
                end = segment.n_steps * (frame + 1) // max(1, segment.n_frames)
                while done < end:
                    if should_stop():
                        raise Stopped
                    n_steps = min(chunk, end - done)
                    integrator.step(n_steps)
                    done += n_steps
                if segment.n_frames:
                    every_ps = segment.n_steps * segment.step_fs / 1000 / segment.n_frames
                    taken.append(self._take(context, time_ps + (frame + 1) * every_ps))
        except openmm.OpenMMException as error:
            raise BlowUpError(str(error).splitlines()[0]) from None
        self._position = number + 1
        return self._gather(taken, time_ps)

    def state(self, segment: Segment) -> tuple[bytes, dict[str, NDArray[Any]]]:
        """Checkpoint and portable state at the end of a segment.

        Raises
        ------
        BlowUpError
            If a coordinate is not finite.
        """
        assert self._context is not None
        state = self._context.getState(getPositions=True, getVelocities=True, getEnergy=True)
        positions = plain_number(state.getPositions(asNumpy=True))
        energy = plain_number(state.getPotentialEnergy())
        if not (np.isfinite(positions).all() and math.isfinite(energy)):
            raise BlowUpError("coordinates or potential energy are not finite")
        arrays: dict[str, NDArray[Any]] = {
            "positions_nm": np.array(positions),
            "velocities_nm_ps": np.array(plain_number(state.getVelocities(asNumpy=True))),
            "potential_kJ_mol": np.array(energy),
            "phase": np.array(_phase_name(segment)),
        }
        if self._molecular.box_nm is not None:
            arrays["box_nm"] = np.array(plain_number(state.getPeriodicBoxVectors(asNumpy=True)))
        return self._context.createCheckpoint(), arrays

    def faults(self, frames: Frames, first_frame: int) -> list[str]:
        """Faults of the simulation that nothing else looks for; none here."""
        return []

    def forget(self) -> None:
        """Drop the context: after a stop or a blow-up it is not where a commit is."""
        self._context, self._phase, self._position = None, None, -1

    def _minimise(self, context: openmm.Context, iterations: int, should_stop: Callable[[], bool]) -> None:
        class Watch(openmm.MinimizationReporter):
            stopped = False

            def report(self, iteration: Any, x: Any, grad: Any, args: Any = None) -> bool:
                self.stopped = self.stopped or should_stop()
                return self.stopped

        watch = Watch()
        openmm.LocalEnergyMinimizer.minimize(context, maxIterations=iterations, reporter=watch)
        if watch.stopped:
            raise Stopped

    def _take(self, context: openmm.Context, time_ps: float) -> tuple[Any, ...]:
        with_forces = self._settings.save.forces
        state = context.getState(getPositions=True, getEnergy=True, getForces=with_forces)
        positions = plain_number(state.getPositions(asNumpy=True))
        potential = plain_number(state.getPotentialEnergy())
        kinetic = plain_number(state.getKineticEnergy())
        if not (math.isfinite(potential) and np.isfinite(positions).all()):
            raise BlowUpError(f"coordinates or potential energy are not finite at {time_ps:.3f} ps")
        box = None
        volume = math.nan
        if self._molecular.box_nm is not None:
            box = np.array(plain_number(state.getPeriodicBoxVectors(asNumpy=True)))
            volume = plain_number(state.getPeriodicBoxVolume())
        temperature = 2 * kinetic / (self.n_degrees_of_freedom * _R)
        coordinates = self._imaging.frame(positions, box)
        forces = plain_number(state.getForces(asNumpy=True))[self._saved].astype("<f4") if with_forces else None
        return coordinates, box, (time_ps, potential, kinetic, temperature, volume), forces

    def _gather(self, taken: list[tuple[Any, ...]], time_ps: float) -> Frames:
        shape = (0, len(self._saved), 3)
        periodic, forces = self._molecular.box_nm is not None, self._settings.save.forces
        if not taken:
            return Frames(
                np.empty(shape, dtype="<f4"),
                np.empty((0, 3, 3)) if periodic else None,
                np.empty((0, len(OBSERVABLES))),
                np.empty(shape, dtype="<f4") if forces else None,
            )
        return Frames(
            np.stack([item[0] for item in taken]),
            np.stack([item[1] for item in taken]) if periodic else None,
            np.array([item[2] for item in taken]),
            np.stack([item[3] for item in taken]) if forces else None,
        )

    def _fresh_context(self, segment: Segment, *, number: int) -> openmm.Context:
        """A context that no step has touched, of the phase of a segment."""
        phase = _phase_of(segment)
        barostat_seed = _seed(self._seed, "p", number)
        if self._context is not None and self._phase == phase:
            for force in self._context.getSystem().getForces():
                if isinstance(force, openmm.MonteCarloBarostat):
                    force.setRandomNumberSeed(barostat_seed)
            self._context.reinitialize(preserveState=False)
            return self._context
        restrained, pressure = phase
        system = openmm.XmlSerializer.clone(self._molecular.system)
        if restrained:
            system.addForce(self._restraints())
        pressure_bar = self._settings.equilibration_pressure_bar
        if pressure and pressure_bar is not None:
            barostat = openmm.MonteCarloBarostat(pressure_bar, segment.temperature_K, _BAROSTAT_INTERVAL)
            barostat.setRandomNumberSeed(barostat_seed)
            system.addForce(barostat)
        integrator = make_integrator(self._settings, seed=_seed(self._seed, _phase_name(segment), number))
        self._context = None  # the old one goes before the new one takes its memory
        self._context = openmm.Context(system, integrator, self._platform, self._properties)
        self._phase = phase
        return self._context

    def _restraints(self) -> openmm.Force:
        """Springs from the heavy atoms of the solute to where they are at the start."""
        periodic = self._molecular.box_nm is not None
        distance = "periodicdistance(x, y, z, x0, y0, z0)" if periodic else "sqrt((x-x0)^2+(y-y0)^2+(z-z0)^2)"
        force = openmm.CustomExternalForce(
            f"0.5*restraint*{distance}^2" if periodic else "0.5*restraint*((x-x0)^2+(y-y0)^2+(z-z0)^2)"
        )
        force.addGlobalParameter("restraint", 0.0)
        for name in ("x0", "y0", "z0"):
            force.addPerParticleParameter(name)
        solute = self._molecular.solute
        for atom in np.flatnonzero(solute.element != "H"):
            row = int(self._molecular.solute_atoms[atom])
            force.addParticle(row, self._molecular.positions_nm[row].tolist())
        return force


def _phase_of(segment: Segment) -> tuple[bool, bool]:
    return segment.restraint_kJ_mol_nm2 > 0, segment.pressure


def _phase_name(segment: Segment) -> str:
    restrained, pressure = _phase_of(segment)
    return f"{'restrained' if restrained else 'free'} {'NPT' if pressure else 'NVT'}"


def _seed(seed: int, purpose: str, number: int) -> int:
    """A positive 31-bit seed for one purpose at one point of a run; 0 would mean a random one to OpenMM."""
    digest = hashlib.sha256(f"{seed}/{purpose}/{number}".encode()).digest()
    return int.from_bytes(digest[:4], "little") % (2**31 - 2) + 1
