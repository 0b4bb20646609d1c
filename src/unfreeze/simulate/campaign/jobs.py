"""What worker processes do: make a molecular system, and run a simulation of it.

A system is made once, beside its place, and renamed; replicas and later campaigns in the folder share it.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from unfreeze.errors import InputError
from unfreeze.files.atomic import sync_directory
from unfreeze.simulate.campaign.directory import CampaignDirectory
from unfreeze.simulate.campaign.recovery import read_run
from unfreeze.simulate.campaign.tasks import BuildOrder, Task
from unfreeze.simulate.campaign.worker import Outcome, WorkerContext
from unfreeze.simulate.engine.run import RunProgress, run_simulation
from unfreeze.simulate.engine.run_lock import BusyError
from unfreeze.simulate.system import MolecularSystem, build_system
from unfreeze.simulate.system_files import read_system, write_system
from unfreeze.structure.prepare.folder import read_prepared, write_prepared
from unfreeze.structure.prepare.preparation import Prepared, prepare, prepare_sequence

__all__ = ["build", "make_system", "run_task"]

_BUSY_SECONDS = 60.0


def run_task(context: WorkerContext) -> Outcome:
    """Make the system unless it is there, and run, resume or extend the simulation."""
    task = Task.from_text(context.order.document)
    directory = CampaignDirectory(context.root)
    try:
        molecular = make_system(context, task.build)
    except InputError as error:
        return Outcome("refused", str(error))
    if molecular is None:
        return Outcome("stopped")
    n_atoms = molecular.system.getNumParticles()
    context.report(state="running", n_atoms=n_atoms)

    def tell(progress: RunProgress) -> None:
        speed = {} if progress.ns_per_day is None else {"ns_per_day": round(progress.ns_per_day, 6)}
        context.report(stage=progress.stage, progress_ps=progress.time_ps, **speed)

    waited = 0.0
    while True:
        try:
            outcome = run_simulation(
                directory.run(task.id),
                molecular,
                task.build.simulation,
                seed=task.seed,
                length_ps=task.length_ps,
                platform=context.order.platform,
                threads=1,
                device=context.order.device,
                name=task.label,
                should_stop=context.should_stop,
                on_commit=tell,
            )
            break
        except BusyError as error:  # whoever lost this task is still on its way out
            if waited >= _BUSY_SECONDS:
                return Outcome("busy", str(error))
            if context.wait(1.0):
                return Outcome("stopped")
            waited += 1.0
    found = read_run(directory.run(task.id))
    facts = {"progress_ps": outcome.time_ps, "n_suspect": outcome.n_suspect, "n_atoms": n_atoms}
    if found is not None:
        facts |= {"stage": found.stage} | ({} if found.ns_per_day is None else {"ns_per_day": found.ns_per_day})
    reason = outcome.reason or (found.reason if found is not None and outcome.n_suspect else "")
    return Outcome(outcome.status, reason, facts)


def build(context: WorkerContext) -> Outcome:
    """Make a system, and nothing more."""
    try:
        molecular = make_system(context, Task.from_text(context.order.document).build)
    except InputError as error:
        return Outcome("refused", str(error))
    if molecular is None:
        return Outcome("stopped")
    return Outcome("finished", facts={"n_atoms": molecular.system.getNumParticles()})


def make_system(context: WorkerContext, order: BuildOrder) -> MolecularSystem | None:
    """The molecular system of a task, read where it is made already; None when asked to stop.

    Raises
    ------
    InputError
        If it cannot be made from what was given.
    """
    folder = CampaignDirectory(context.root).system(order.id)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        with suppress(InputError):  # damaged: made again, which gives the same
            return read_system(folder)
    lock = FileLock(folder.with_name(f".{order.id}.lock"))
    while True:
        try:
            lock.acquire(timeout=1.0)
            break
        except Timeout:
            if context.should_stop():
                return None
    try:
        if folder.exists():
            try:
                return read_system(folder)
            except InputError as error:
                number = 1 + sum(1 for _ in folder.parent.glob(f"{order.id}.damaged-*"))
                folder.rename(folder.with_name(f"{order.id}.damaged-{number}"))
                print(f"{error}; it was moved aside and is made again", file=sys.stderr)
        return _make_system(context.root, order, folder)
    finally:
        lock.release()


def _make_system(root: Path, order: BuildOrder, folder: Path) -> MolecularSystem:
    for stray in folder.parent.glob(f".{order.id}-*"):  # of processes that were killed: the lock is held
        shutil.rmtree(stray, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f".{order.id}-", dir=folder.parent, ignore_cleanup_errors=True) as room:
        building = Path(room) / "system"
        building.mkdir()
        prepared = _prepare(root, order)
        settings = order.simulation.system
        files = tuple(_absolute(root, name) for name in settings.force_field_files)
        molecular = build_system(
            prepared.complex,
            settings.model_copy(update={"force_field_files": files}),
            pressure_bar=order.simulation.pressure_bar,
            temperature_K=order.simulation.conditions.temperature_K,
            seed=order.seed,
        )
        write_prepared(building, prepared)
        write_system(building, molecular)
        sync_directory(building)
        building.rename(folder)
    sync_directory(folder.parent)
    # What every replica and every resumption will read, so that all of them start from the same bits.
    return read_system(folder)


def _prepare(root: Path, order: BuildOrder) -> Prepared:
    if order.kind == "prepared":
        return read_prepared(root / order.path)
    files = tuple(_absolute(root, name) for name in order.preparation.force_field_files)
    settings = order.preparation.model_copy(update={"force_field_files": files})
    if order.kind == "sequence":
        return prepare_sequence(order.sequence, settings)
    return prepare(root / order.path, settings)


def _absolute(root: Path, name: str) -> str:
    """Path of a force-field file of the campaign; the name of one that OpenMM ships."""
    return str(root / name) if (root / name).is_file() else name
