"""The segments of a simulation in their order: minimise, heat, equilibrate with restraints released, production.

A segment is what is committed as a whole. Which segment is next follows from the commits alone, so that a run goes on
where it was, and a run that is made longer goes on where it ended.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from unfreeze.errors import InputError
from unfreeze.simulate.engine.commit import Commit
from unfreeze.simulate.settings import SimulationSettings

__all__ = ["EXCHANGING", "Segment", "equilibration", "frames_per_commit", "next_segment", "seconds_per_step"]

EXCHANGING = ("spread", "production")
"""Stages of replica exchange in which there is a replica at every temperature."""
_HEATING_STEPS = 6
_COLDEST_K = 50.0
_RELEASE = (0.3, 0.1, 0.03, 0.01)
"""Restraints are weakened in these parts of what they were at first."""
_TARGET_SECONDS = 30.0
_MOST_FRAMES, _MOST_BYTES = 500, 256e6


@dataclass(frozen=True)
class Segment:
    """A part of a simulation that is committed as a whole.

    Attributes
    ----------
    stage
        ``minimise``, ``heat``, ``restrained``, ``release``, ``equilibrate``, with replica exchange ``spread``, and
        ``production``.
    n_steps
        Integration steps (or, to minimise, most iterations).
    step_fs
        Length of a step.
    temperature_K
        Temperature of the thermostat.
    restraint_kJ_mol_nm2
        Force constant that holds the heavy atoms of the solute where they were; 0 for no restraints.
    pressure
        Whether the pressure is held, too.
    n_frames
        Frames to save, evenly.
    new_velocities
        Whether velocities are drawn at its start.
    """

    stage: str
    n_steps: int
    step_fs: float
    temperature_K: float
    restraint_kJ_mol_nm2: float = 0.0
    pressure: bool = False
    n_frames: int = 0
    new_velocities: bool = False

    def shortened(self, times: int) -> Segment:
        """The same with steps of half the length, `times` times over."""
        return replace(self, n_steps=self.n_steps * 2**times, step_fs=self.step_fs / 2**times)


def equilibration(settings: SimulationSettings, most_steps: int) -> list[Segment]:
    """Every segment before production.

    Parameters
    ----------
    settings
        The simulation.
    most_steps
        Most steps of one segment.

    Returns
    -------
    list of Segment
        In order, the first of them the minimisation.
    """
    protocol = settings.protocol
    temperature_K, step_fs = settings.conditions.temperature_K, protocol.equilibration_step_fs
    pressure = settings.equilibration_pressure_bar is not None
    k = protocol.restraint_kJ_mol_nm2
    # Hydrogens may not have been made heavier: then the same short step as in production.
    step_fs = min(step_fs, protocol.time_step_fs)
    plan: list[Segment] = [Segment("minimise", protocol.minimise_iterations, step_fs, temperature_K, k)]
    cold = min(_COLDEST_K, temperature_K)
    for number in range(_HEATING_STEPS):
        warm = cold + (temperature_K - cold) * number / (_HEATING_STEPS - 1)
        n_steps = _steps(protocol.heat_ps / _HEATING_STEPS, step_fs)
        plan += _cut(Segment("heat", n_steps, step_fs, warm, k, new_velocities=number == 0), most_steps)
    held = Segment("restrained", _steps(protocol.restrained_ps, step_fs), step_fs, temperature_K, k, pressure)
    plan += _cut(held, most_steps)
    for part in _RELEASE:
        n_steps = _steps(protocol.release_ps / len(_RELEASE), step_fs)
        plan += _cut(Segment("release", n_steps, step_fs, temperature_K, k * part, pressure), most_steps)
    free = Segment("equilibrate", _steps(protocol.equilibrate_ps, step_fs), step_fs, temperature_K, 0.0, pressure)
    plan += _cut(free, most_steps)
    if not any(segment.new_velocities for segment in plan):  # no heating was asked for
        last = Segment("heat", 1, step_fs, temperature_K, k, new_velocities=True)
        plan.insert(1, last)
    return plan + _spread(settings, most_steps)


def next_segment(
    settings: SimulationSettings,
    commits: Sequence[Commit],
    *,
    commit_frames: int,
    length_ps: float,
) -> Segment | None:
    """The segment after those that are committed, or None at the end.

    Parameters
    ----------
    settings
        The simulation.
    commits
        What is done.
    commit_frames
        Frames of a segment of production.
    length_ps
        Length of production.
    """
    protocol, every_ps = settings.protocol, settings.save.every_ps
    steps_per_frame = round(1000 * every_ps / protocol.time_step_fs)
    before = equilibration(settings, most_steps=max(1, commit_frames * steps_per_frame))
    if len(commits) < len(before):
        return before[len(commits)]
    n_done = commits[-1].n_frames
    n_all = n_frames_of(length_ps, every_ps)
    if n_done >= n_all:
        return None
    # A run that was made longer first fills up the segment that its old end cut short.
    n_frames = min(commit_frames - n_done % commit_frames, n_all - n_done)
    return Segment(
        "production",
        n_frames * steps_per_frame,
        protocol.time_step_fs,
        settings.conditions.temperature_K,
        pressure=settings.pressure_bar is not None,
        n_frames=n_frames,
    )


def n_frames_of(length_ps: float, every_ps: float) -> int:
    """Frames in a length of production.

    Raises
    ------
    InputError
        If there is none.
    """
    n_frames = math.floor(length_ps / every_ps + 1e-6)
    if n_frames < 1:
        raise InputError(
            f"a length of {length_ps:g} ps has no frame when one is saved every {every_ps:g} ps; "
            "simulate longer or save more often"
        )
    return n_frames


def seconds_per_step(n_atoms: int, *, explicit: bool, platform: str) -> float:
    """Rough time of a step, for choosing how often to commit; measured on one core of a laptop and on one GPU.

    Parameters
    ----------
    n_atoms
        Atoms, water included.
    explicit
        Whether there is water (particle-mesh Ewald) or not (generalised Born without cut-off).
    platform
        OpenMM platform.
    """
    one_core = 4.4e-6 * n_atoms if explicit else 3.4e-6 * n_atoms + 2.8e-8 * n_atoms**2
    if platform == "Reference":
        return 10 * one_core
    return one_core if platform == "CPU" else max(1e-4, one_core / 200)


def frames_per_commit(settings: SimulationSettings, *, n_atoms: int, n_saved: int, platform: str) -> int:
    """How many frames of production make a segment: half a minute's worth, unless the settings say.

    It depends on nothing that is measured, so that a run can be repeated exactly.
    """
    save = settings.save
    if save.commit_every_ps is not None:
        return max(1, round(save.commit_every_ps / save.every_ps))
    steps_per_frame = 1000 * save.every_ps / settings.protocol.time_step_fs
    n_replicas = 1 if settings.replica_exchange is None else len(settings.replica_exchange.temperatures_K)
    step_s = n_replicas * seconds_per_step(n_atoms, explicit=settings.system.explicit, platform=platform)
    by_time = round(_TARGET_SECONDS / (steps_per_frame * step_s))
    by_size = int(_MOST_BYTES / (12 * n_saved * n_replicas * (2 if save.forces else 1)))
    return max(1, min(by_time, by_size, _MOST_FRAMES))


def _spread(settings: SimulationSettings, most_steps: int) -> list[Segment]:
    """With replica exchange: as long again with a replica at every temperature, in whole exchanges."""
    exchange, step_fs = settings.replica_exchange, settings.protocol.time_step_fs
    if exchange is None:
        return []
    steps_each = _steps(exchange.exchange_every_ps, step_fs)
    n_exchanges = math.ceil(settings.protocol.equilibrate_ps / exchange.exchange_every_ps - 1e-6)
    whole = Segment("spread", n_exchanges, step_fs, settings.conditions.temperature_K)
    pieces = _cut(whole, max(1, most_steps // steps_each))
    return [replace(piece, n_steps=piece.n_steps * steps_each) for piece in pieces]


def _steps(time_ps: float, step_fs: float) -> int:
    return round(1000 * time_ps / step_fs)


def _cut(segment: Segment, most_steps: int) -> list[Segment]:
    """The segment in pieces of at most so many steps; none if it has no steps."""
    if segment.n_steps <= 0:
        return []
    n_pieces = math.ceil(segment.n_steps / most_steps)
    sizes = [segment.n_steps // n_pieces + (piece < segment.n_steps % n_pieces) for piece in range(n_pieces)]
    pieces = [replace(segment, n_steps=size) for size in sizes]
    return [pieces[0], *(replace(piece, new_velocities=False) for piece in pieces[1:])]
