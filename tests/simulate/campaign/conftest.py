"""Campaigns whose workers commit made-up frames to a real run store, slowly enough to be disturbed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from unfreeze.simulate.campaign.directory import CampaignDirectory
from unfreeze.simulate.campaign.pool import PoolSettings
from unfreeze.simulate.campaign.recovery import open_ledger
from unfreeze.simulate.campaign.settings import campaign_of

FAKE_WORK = '''
import errno, os, time
from pathlib import Path
import numpy as np
from unfreeze.simulate.campaign.directory import CampaignDirectory
from unfreeze.simulate.campaign.tasks import Task
from unfreeze.simulate.campaign.worker import Outcome
from unfreeze.simulate.engine.commit import Column
from unfreeze.simulate.engine.run_store import RunStore
from unfreeze.simulate.engine.run_lock import BusyError, lock_run

PAUSE = float(os.environ.get("FAKE_PAUSE", "0.01"))

def run(context, before_commit=lambda number: None, quality=None):
    """A frame a ps; frame k holds the number k, so that a frame lost or done twice shows."""
    task = Task.from_text(context.order.document)
    directory = CampaignDirectory(context.root).run(task.id)
    CampaignDirectory(context.root).system(task.build.id).mkdir(parents=True, exist_ok=True)
    context.report(state="running", n_atoms=10)
    for _ in range(100):
        try:
            with lock_run(directory):
                return _locked(context, task, directory, before_commit, quality)
        except BusyError as error:
            if context.wait(0.1):
                return Outcome("stopped")
    return Outcome("busy", "locked for long")

def _locked(context, task, directory, before_commit, quality):
    if not RunStore.exists(directory):
        RunStore.create(directory, {"x": Column("<f4", (1,))}, {"seed": task.seed})
    store = RunStore.open(directory)
    while store.n_frames < task.target_ps:
        if context.should_stop():
            return Outcome("stopped", facts={"progress_ps": float(store.n_frames)})
        time.sleep(PAUSE)
        number = store.n_frames
        before_commit(number)
        with open(directory / "done.txt", "a") as log:
            log.write(f"{number} {os.getpid()}\\n")
        store.commit({"x": np.full((1, 1), number, dtype="<f4")}, checkpoint=b"c", state={}, stage="production",
                     time_ps=number + 1.0, n_steps=1, step_fs=1.0, quality=quality or {}, wall_s=PAUSE)
        context.report(stage="production", progress_ps=number + 1.0)
    (directory / "trajectory.xtc").write_bytes(b"x")
    n_suspect = int((~store.passed_frames()).sum())
    facts = {"progress_ps": float(store.n_frames), "n_suspect": n_suspect}
    return Outcome("finished", "suspect frames" if n_suspect else "", facts)

def suspect(context):
    return run(context, quality={"verdict": "suspect", "reasons": ["RMSD jump of 12 SD at 3 ps"]})

def refuse(context):
    return Outcome("refused", "residue A:7 XYZ is not known")

def fail(context):
    return Outcome("failed", "blew up 5 times")

def die(context):
    os.kill(os.getpid(), 9)

def raise_bug(context):
    raise KeyError("a bug")

def die_after_every_third(context):
    def maybe(number):
        if number and number % 3 == 0 and not (Path(context.root) / f"died-{context.order.task}-{number}").exists():
            (Path(context.root) / f"died-{context.order.task}-{number}").touch()
            os.kill(os.getpid(), 9)
    return run(context, maybe)

def full_disk(context):
    flag = Path(context.root).parent / "room"
    def maybe(number):
        if number == 2 and not flag.exists():
            raise OSError(errno.ENOSPC, "No space left on device", "somewhere")
    return run(context, maybe)

def hang(context):
    time.sleep(600)
'''


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Makes campaigns of peptides, and settings of a pool that works at them with a function of `FAKE_WORK`."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "fake_work.py").write_text(FAKE_WORK, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "modules"))

    def campaign(length: str = "5ps", sequences: tuple[str, ...] = ("GA",), **more: Any) -> Any:
        data = {"sequences": list(sequences), "length": length, "simulation": {"save": {"every_ps": 1.0}}, **more}
        place = SimpleNamespace(at=lambda *keys: ".".join(map(str, keys)))
        return campaign_of(data, place, folder=tmp_path, origin="test")

    def make(length: str = "5ps", sequences: tuple[str, ...] = ("GA",), **more: Any) -> CampaignDirectory:
        directory = CampaignDirectory(tmp_path / "campaign")
        with directory.locked():
            open_ledger(directory, directory.establish(campaign(length, sequences, **more), {}))
        return directory

    def settings(function: str = "run", **more: Any) -> PoolSettings:
        return PoolSettings(**{"workers": 2, "function": f"fake_work:{function}", "backoff_s": 0.05, **more})

    functions: dict[str, Callable[..., Any]] = {"campaign": campaign, "make": make, "settings": settings}
    return SimpleNamespace(**functions, modules=tmp_path / "modules")
