"""What workers do with real molecules: a system is made once, whole or absent, and made again the same when damaged."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from unfreeze.errors import InputError
from unfreeze.simulate.campaign.jobs import build, make_system
from unfreeze.simulate.campaign.measure import measure
from unfreeze.simulate.campaign.tasks import Task
from unfreeze.simulate.campaign.worker import Order, Outcome, WorkerContext, full_disk


@pytest.fixture
def context(fake: SimpleNamespace) -> WorkerContext:
    """A worker with the task of a peptide."""
    directory = fake.make(sequences=("GG",))
    return WorkerContext(Order("", str(directory.root), directory.tasks()[0].to_text(), options={"seconds": 0.2}))


def test_system_is_made_once_and_mended(context: WorkerContext) -> None:
    order = Task.from_text(context.order.document).build
    folder = context.root / "systems" / order.id
    (folder.parent / f".{order.id}-left").mkdir(parents=True)  # of a process that was killed
    made = make_system(context, order)
    assert made is not None and made.system.getNumParticles() == 17
    names = sorted(path.name for path in folder.iterdir())
    assert {"prepared.cif", "preparation.json", "system.json", "system.xml.gz"} <= set(names)
    assert [path.name for path in folder.parent.iterdir() if path.is_dir()] == [order.id]
    stamp = (folder / "system.json").stat().st_mtime_ns
    make_system(context, order)
    assert (folder / "system.json").stat().st_mtime_ns == stamp
    xml = (folder / "system.xml.gz").read_bytes()
    os.truncate(folder / "system.xml.gz", 100)
    mended = make_system(context, order)
    assert mended is not None and np.array_equal(mended.positions_nm, made.positions_nm)
    assert (folder / "system.xml.gz").read_bytes() == xml
    assert (folder.parent / f"{order.id}.damaged-1").is_dir()
    assert build(context).facts == {"n_atoms": 17}


def test_measuring_gives_sizes_and_a_speed(context: WorkerContext) -> None:
    outcome = measure(context)
    assert outcome.kind == "finished" and outcome.facts["n_atoms"] == 17 and outcome.facts["n_saved"] == 9
    assert outcome.facts["steps_per_s"] > 10


def test_full_disk_is_found_below_other_errors() -> None:
    try:
        try:
            raise OSError(28, "No space left on device", "there")
        except OSError:
            raise InputError("cannot be written") from None
    except InputError as error:
        assert full_disk(error) == "No space left on device (there)"
    assert full_disk(OSError(13, "Permission denied")) == "" and full_disk(ValueError()) == ""


def test_worker_without_manager_stops(fake: SimpleNamespace, tmp_path: Path) -> None:
    from unfreeze.simulate.campaign.spawn import WorkerProcess

    directory = fake.make("1000ps")
    order = Order("fake_work:run", str(directory.root), directory.tasks()[0].to_text())
    worker = WorkerProcess(order, tmp_path / "log" / "x.log")
    while not list(directory.root.glob("runs/*/manifest.json")):
        assert not worker.ended
    worker.stop()
    outcome = worker.outcome()
    assert isinstance(outcome, Outcome) and outcome.kind == "stopped" and outcome.facts["progress_ps"] < 1000
    assert "stopped" in (tmp_path / "log" / "x.log").read_text()
