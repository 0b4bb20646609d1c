"""What a campaign will take, before anything runs: systems, speeds measured here, hours, disk and cost.

Systems are really made and integrated for some seconds, the largest and smallest first; what is not measured is scaled
from what is, and says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from unfreeze.simulate.campaign.directory import CampaignDirectory
from unfreeze.simulate.campaign.estimates import (
    equilibration_steps,
    makespan,
    rough_atoms,
    rough_ns_per_day,
    steps_per_ns,
)
from unfreeze.simulate.campaign.pool import PoolSettings
from unfreeze.simulate.campaign.recovery import read_run
from unfreeze.simulate.campaign.spawn import run_orders
from unfreeze.simulate.campaign.speeds import Speed, Speeds, machine_name
from unfreeze.simulate.campaign.tasks import BuildOrder, Task
from unfreeze.simulate.campaign.worker import Order

__all__ = ["Plan", "SystemPlan", "make_plan"]

_MEASURE = "unfreeze.simulate.campaign.measure:measure"
_START_SECONDS = 3.0
_XTC_BYTES, _MANIFEST_BYTES, _RESTART_BYTES, _SYSTEM_BYTES = 4.5, 1500, 400, 700
"""A saved atom and frame; a commit; a particle, twice; a particle. Measured on peptides and boxes, rounded up."""
_COMMIT_SECONDS = 30.0


@dataclass(frozen=True)
class SystemPlan:
    """What one system takes.

    Attributes
    ----------
    name
        Of the system.
    n_tasks, n_done
        Runs in all, and at their end already.
    n_atoms, n_atoms_known
        Particles, water included, and whether the system has been made to count them.
    ns_per_day, measured
        Speed of one run while all workers work, and whether it was measured here.
    left_ns
        Production still to do, over all runs.
    hours
        Of one worker, equilibration included.
    disk_bytes
        Of its runs, when they are done.
    reason
        Why it cannot be made, or empty.
    """

    name: str
    n_tasks: int
    n_done: int
    n_atoms: int
    n_atoms_known: bool
    ns_per_day: float
    measured: bool
    left_ns: float
    hours: float
    disk_bytes: float
    reason: str = ""


@dataclass(frozen=True)
class Plan:
    """What a campaign takes.

    Attributes
    ----------
    systems
        In the order of the campaign.
    n_tasks, n_done
        Runs in all, and at their end already.
    left_ns, worker_hours, hours
        Production still to do; time of all workers together; time on the clock.
    disk_bytes, free_bytes
        What the runs will take when done, and what the disk has.
    cost
        Price of the hours; None without a price.
    machine, platform, workers
        What was planned for.
    """

    systems: tuple[SystemPlan, ...]
    n_tasks: int
    n_done: int
    left_ns: float
    worker_hours: float
    hours: float
    disk_bytes: float
    free_bytes: int
    cost: float | None
    machine: str
    platform: str
    workers: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self)


@dataclass
class _System:
    """One system while the plan is made."""

    task: Task
    tasks: list[Task]
    rough_atoms: int
    speed: Speed | None
    reason: str = ""


def make_plan(
    directory: CampaignDirectory,
    tasks: Sequence[Task],
    settings: PoolSettings,
    *,
    most_measured: int = 8,
    seconds: float = 4.0,
    price_per_hour: float | None = None,
    free_bytes: int = 0,
    progress: Callable[[str, float], None] = lambda stage, share: None,
) -> Plan:
    """Plan a campaign.

    Parameters
    ----------
    directory
        Where it will live; systems that are made to be measured stay there.
    tasks
        What is to be done.
    settings
        How many workers, on which platform.
    most_measured
        Most systems to make and measure; those that were measured here before cost nothing.
    seconds
        How long to measure each.
    price_per_hour
        Of this machine, in any currency.
    free_bytes
        What the disk has.
    progress
        Told the stage and the share of it that is done.
    """
    n_workers = min(len(settings.slots), len(tasks)) or 1
    speeds = Speeds(directory.root / "speeds.json", settings.platform, n_workers)
    systems = _systems(directory, tasks, speeds)
    chosen = _spread([system for system in systems if _unmeasured(system)], most_measured)
    _make(directory, chosen, settings, speeds, progress)
    _measure(directory, chosen, settings, speeds, n_workers, seconds, progress)
    scale = _Scale(systems, settings.platform)
    plans, durations = [], []
    for system in systems:
        planned, hours = _planned(directory, system, scale, settings.platform)
        plans.append(planned)
        durations += hours
    hours = makespan(durations, len(settings.slots))
    return Plan(
        systems=tuple(plans),
        n_tasks=len(tasks),
        n_done=sum(plan.n_done for plan in plans),
        left_ns=sum(plan.left_ns for plan in plans),
        worker_hours=sum(durations),
        hours=hours,
        disk_bytes=sum(plan.disk_bytes for plan in plans),
        free_bytes=free_bytes,
        cost=None if price_per_hour is None else hours * price_per_hour,
        machine=machine_name(),
        platform=settings.platform,
        workers=len(settings.slots),
    )


def _systems(directory: CampaignDirectory, tasks: Sequence[Task], speeds: Speeds) -> list[_System]:
    systems: dict[tuple[str, str], _System] = {}
    for task in tasks:
        key = (task.build.id, task.build.simulation.model_dump_json())
        if key not in systems:
            systems[key] = _System(task, [], rough_atoms(task.build, directory.root), speeds.get(task.build))
        systems[key].tasks.append(task)
    return list(systems.values())


def _unmeasured(system: _System) -> bool:
    return system.speed is None or system.speed.steps_per_s is None


def _spread(systems: list[_System], most: int) -> list[_System]:
    """Some of the systems, over all sizes, the largest among them."""
    ordered = sorted(systems, key=lambda system: -system.rough_atoms)
    if len(ordered) <= most:
        return ordered
    if most <= 1:
        return ordered[:most]
    rows = {round(number * (len(ordered) - 1) / (most - 1)) for number in range(most)}
    return [ordered[row] for row in sorted(rows)]


def _order(directory: CampaignDirectory, task: Task, settings: PoolSettings, slot: int, seconds: float) -> Order:
    device = settings.slots[slot % len(settings.slots)]
    return Order(
        function=_MEASURE,
        root=str(directory.root.absolute()),
        document=task.to_text(),
        platform=settings.platform,
        device=device,
        pin=device is None,
        options={"seconds": seconds},
    )


def _make(
    directory: CampaignDirectory,
    chosen: list[_System],
    settings: PoolSettings,
    speeds: Speeds,
    progress: Callable[[str, float], None],
) -> None:
    """Make the systems, several at a time."""
    orders = [_order(directory, system.task, settings, slot, 0.0) for slot, system in enumerate(chosen)]
    outcomes = run_orders(orders, len(settings.slots), directory.log / "plan.log")
    for n_done, (number, outcome) in enumerate(outcomes, start=1):
        progress("Making systems", n_done / len(orders))
        if outcome.kind == "finished":
            chosen[number].speed = Speed(outcome.facts["n_atoms"], outcome.facts["n_saved"], None)
            speeds.put(chosen[number].task.build, _known(chosen[number]))
        else:
            chosen[number].reason = outcome.reason


def _measure(
    directory: CampaignDirectory,
    chosen: list[_System],
    settings: PoolSettings,
    speeds: Speeds,
    n_workers: int,
    seconds: float,
    progress: Callable[[str, float], None],
) -> None:
    """Measure one system after the other, each on all workers at once."""
    made = [system for system in chosen if system.speed is not None]
    for done, system in enumerate(made):
        progress("Measuring", done / len(made))
        orders = [_order(directory, system.task, settings, slot, seconds) for slot in range(n_workers)]
        found = [outcome for _, outcome in run_orders(orders, n_workers, directory.log / "plan.log")]
        rates = [outcome.facts["steps_per_s"] for outcome in found if outcome.kind == "finished"]
        if rates:
            known = _known(system)
            system.speed = Speed(known.n_atoms, known.n_saved, sum(rates) / len(rates))
            speeds.put(system.task.build, system.speed)


def _known(system: _System) -> Speed:
    assert system.speed is not None
    return system.speed


class _Scale:
    """How far estimates are from what was found, by size: sizes and speeds of the systems that were not measured."""

    def __init__(self, systems: list[_System], platform: str) -> None:
        self._platform = platform
        self._atoms: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
        self._rates: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
        for system in systems:
            explicit, speed = system.task.build.simulation.system.explicit, system.speed
            if speed is None:
                continue
            self._atoms[explicit].append((math.log(system.rough_atoms), math.log(speed.n_atoms / system.rough_atoms)))
            if speed.steps_per_s is not None:
                ratio = speed.steps_per_s / self._rough_rate(system.task.build, speed.n_atoms)
                self._rates[explicit].append((math.log(speed.n_atoms), math.log(ratio)))

    def n_atoms(self, system: _System) -> int:
        explicit = system.task.build.simulation.system.explicit
        return round(system.rough_atoms * self._factor(self._atoms[explicit], system.rough_atoms))

    def steps_per_s(self, build: BuildOrder, n_atoms: int) -> float:
        points = self._rates[build.simulation.system.explicit]
        return self._rough_rate(build, n_atoms) * self._factor(points, n_atoms)

    def _rough_rate(self, build: BuildOrder, n_atoms: int) -> float:
        rough = rough_ns_per_day(n_atoms, build.simulation, self._platform)
        return rough * steps_per_ns(build.simulation) / 86400

    @staticmethod
    def _factor(points: list[tuple[float, float]], size: float) -> float:
        """Interpolated between neighbours in size, constant beyond them; 1 where nothing is known."""
        import numpy as np

        if not points:
            return 1.0
        ordered = sorted(points)
        return float(np.exp(np.interp(math.log(size), [x for x, _ in ordered], [y for _, y in ordered])))


def _planned(
    directory: CampaignDirectory, system: _System, scale: _Scale, platform: str
) -> tuple[SystemPlan, list[float]]:
    """What a system takes, and the hours of each of its runs that are not at their end."""
    build, speed = system.task.build, system.speed
    settings = build.simulation
    n_atoms = speed.n_atoms if speed else scale.n_atoms(system)
    n_saved = speed.n_saved if speed else round(n_atoms / (1 if settings.save.atoms == "all" else 2))
    rate = speed.steps_per_s if speed and speed.steps_per_s else scale.steps_per_s(build, n_atoms)
    ns_per_day = rate * 86400 / steps_per_ns(settings)
    hours, n_done, left_ns, disk = [], 0, 0.0, 0.0
    for task in system.tasks:
        facts = read_run(directory.run(task.id))
        left_ps = max(0.0, task.target_ps - (facts.progress_ps if facts else 0.0))
        n_done += left_ps == 0
        if left_ps > 0 and not system.reason:
            before = equilibration_steps(settings) if facts is None or facts.progress_ps == 0 else 0
            hours.append((_START_SECONDS + before / rate) / 3600 + 24 * left_ps / 1000 / ns_per_day)
            left_ns += left_ps / 1000
        disk += _disk_bytes(task, n_atoms, n_saved, ns_per_day)
    planned = SystemPlan(
        name=system.task.name,
        n_tasks=len(system.tasks),
        n_done=n_done,
        n_atoms=n_atoms,
        n_atoms_known=speed is not None,
        ns_per_day=ns_per_day,
        measured=speed is not None and speed.steps_per_s is not None,
        left_ns=left_ns,
        hours=sum(hours),
        disk_bytes=0.0 if system.reason else disk + _SYSTEM_BYTES * n_atoms,
        reason=system.reason,
    )
    return planned, hours


def _disk_bytes(task: Task, n_atoms: int, n_saved: int, ns_per_day: float) -> float:
    """Columns, exported trajectory, manifest and restart files of a run."""
    settings = task.build.simulation
    n_frames = task.target_ps / settings.save.every_ps
    n_copies = 1 if settings.replica_exchange is None else len(settings.replica_exchange.temperatures_K)
    frame = n_copies * n_saved * (12 + _XTC_BYTES + 12 * settings.save.forces)
    frame += 40 + 72 * settings.system.explicit + 20 * (n_copies - 1)
    commit_ps = settings.save.commit_every_ps or max(settings.save.every_ps, _COMMIT_SECONDS * ns_per_day / 86.4)
    return n_frames * frame + _MANIFEST_BYTES * task.target_ps / commit_ps + _RESTART_BYTES * n_atoms * n_copies
