"""Measure how fast a molecular system is on this machine: some seconds of real integration, nothing kept.

It runs in worker processes, as many at once as the campaign will have, since they share memory and clock rate.
"""

from __future__ import annotations

import time

import openmm

from unfreeze.errors import InputError
from unfreeze.simulate.campaign.jobs import make_system
from unfreeze.simulate.campaign.tasks import Task
from unfreeze.simulate.campaign.worker import Outcome, WorkerContext
from unfreeze.simulate.engine.integrator import make_integrator
from unfreeze.simulate.engine.platforms import choose_platform, platform_properties
from unfreeze.simulate.settings import SimulationSettings
from unfreeze.simulate.system import MolecularSystem

__all__ = ["measure", "steps_per_second"]

_COLD_K, _SHORT_FS, _FRICTION_PER_PS = 50.0, 0.1, 100.0
_BAROSTAT_INTERVAL = 25
_FEW_ITERATIONS = 30


def measure(context: WorkerContext) -> Outcome:
    """Measure the steps a second of a task's system, making it unless it is there; `options` has ``seconds``."""
    task = Task.from_text(context.order.document)
    try:
        molecular = make_system(context, task.build)
    except InputError as error:
        return Outcome("refused", str(error))
    if molecular is None:
        return Outcome("stopped")
    n_saved = molecular.saved_atoms(task.build.simulation.save.atoms)[0].n_atoms
    facts = {"n_atoms": molecular.system.getNumParticles(), "n_saved": n_saved}
    seconds = float(context.order.options.get("seconds", 5.0))
    if seconds > 0:
        facts["steps_per_s"] = steps_per_second(
            molecular, task.build.simulation, context.order.platform, context.order.device, seconds
        )
    return Outcome("finished", facts=facts)


def steps_per_second(
    molecular: MolecularSystem, settings: SimulationSettings, platform: str, device: int | None, seconds: float
) -> float:
    """Speed of the integrator, cold and with short steps, so that nothing that is not equilibrated blows up.

    Parameters
    ----------
    molecular, settings
        What is simulated.
    platform, device
        Where; one thread on the CPU.
    seconds
        How long to measure, about.
    """
    chosen = choose_platform(platform)
    system = openmm.XmlSerializer.clone(molecular.system)
    if settings.pressure_bar is not None:
        system.addForce(openmm.MonteCarloBarostat(settings.pressure_bar, _COLD_K, _BAROSTAT_INTERVAL))
    integrator = make_integrator(settings, seed=1, step_fs=_SHORT_FS)
    integrator.setTemperature(_COLD_K)
    integrator.setFriction(_FRICTION_PER_PS)
    properties = platform_properties(chosen.getName(), threads=1, device=device)
    context = openmm.Context(system, integrator, chosen, properties)
    _start(context, molecular)
    try:
        return _rate(context, seconds)
    except openmm.OpenMMException:  # clashes that even such steps do not survive
        context.reinitialize()
        _start(context, molecular)
        openmm.LocalEnergyMinimizer.minimize(context, maxIterations=_FEW_ITERATIONS)
        return _rate(context, seconds)


def _start(context: openmm.Context, molecular: MolecularSystem) -> None:
    context.setPositions(molecular.positions_nm)
    if molecular.box_nm is not None:
        context.setPeriodicBoxVectors(*molecular.box_nm)
    context.setVelocitiesToTemperature(_COLD_K, 1)


def _rate(context: openmm.Context, seconds: float) -> float:
    integrator = context.getIntegrator()

    def step(n_steps: int) -> float:
        began = time.perf_counter()
        integrator.step(n_steps)
        context.getState(getEnergy=True)  # a GPU only then has done it
        return time.perf_counter() - began

    step(2)
    n_steps, taken = 2, step(2)
    while taken < seconds / 4 and n_steps < 1_000_000:  # this also warms up
        n_steps = max(n_steps + 1, min(20 * n_steps, int(n_steps * 0.4 * seconds / max(taken, 1e-4))))
        taken = step(n_steps)
    n_steps = max(1, int(n_steps * 0.75 * seconds / taken))
    return n_steps / step(n_steps)
