"""Campaigns of two dipeptides, run by the command line in processes of their own, and what may befall them.

Each is compared to the last bit with one to which nothing happened.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from unfreeze.simulate.engine.run_store import RunStore

CAMPAIGN = """\
length: {length}
sequences: [AA, GG]
simulation:
  protocol: {{minimise_iterations: 20, heat_ps: 0.2, restrained_ps: 0.2, release_ps: 0.2, equilibrate_ps: 0.2}}
  save: {{every_ps: 1, commit_every_ps: 4}}
"""
LENGTH_PS, SHORT_PS = 24, 12
LIMIT_S = 240


def write_campaign(folder, length_ps):
    file = folder / "campaign-in.yaml"
    file.write_text(CAMPAIGN.format(length=f"{length_ps}ps"))
    return file


def command(file, out, *more):
    where = ["-o", str(out), "-j", "2", "--platform", "CPU", "--no-report"]
    return [sys.executable, "-m", "unfreeze", "simulate", "run", str(file), *where, *more]


def simulate(file, out, *more, **options):
    asked = command(file, out, *more)
    return subprocess.run(asked, check=False, capture_output=True, text=True, timeout=LIMIT_S, **options)


def runs_of(out):
    return sorted(path for path in (Path(out) / "runs").iterdir() if path.is_dir())


def assert_same(out, reference):
    """Every column of every run is byte for byte that of the reference, and as long as was asked for."""
    assert [run.name for run in runs_of(out)] == [run.name for run in runs_of(reference)]
    for run, other in zip(runs_of(out), runs_of(reference), strict=True):
        for name in ("coordinates.f32", "observables.f64", "trajectory.xtc"):
            assert (run / name).read_bytes() == (other / name).read_bytes(), name
        store = RunStore.open(run, read_only=True)
        assert store.verify() == []
        np.testing.assert_allclose(store.read("observables")[:, 0], np.arange(1, LENGTH_PS + 1))


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """The campaign left alone."""
    folder = tmp_path_factory.mktemp("reference")
    done = simulate(write_campaign(folder, LENGTH_PS), folder / "out")
    assert done.returncode == 0, done.stderr
    return folder / "out"


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """The first half of it."""
    folder = tmp_path_factory.mktemp("short")
    done = simulate(write_campaign(folder, SHORT_PS), folder / "out")
    assert done.returncode == 0, done.stderr
    return folder / "out"


@pytest.fixture
def half_done(tmp_path, short):
    """A copy of the first half, for damage."""
    shutil.copytree(short, tmp_path / "out")
    return tmp_path / "out"


def flip(path, place=-20):
    content = bytearray(path.read_bytes())
    content[place] ^= 0xFF
    path.write_bytes(content)


def damage_everything(out):
    """The ledger of both, and of each run another file."""
    (out / "ledger.sqlite").write_bytes(b"not a database" * 100)
    for name in ("ledger.sqlite-wal", "ledger.sqlite-shm"):
        (out / name).unlink(missing_ok=True)
    first, second = runs_of(out)
    flip(sorted(first.glob("checkpoint-*.chk"))[-1])
    (second / "manifest.json").write_text((second / "manifest.json").read_text()[:200])


def test_damaged_ledger_checkpoint_and_manifest_are_mended(tmp_path, half_done, reference):
    damage_everything(half_done)
    done = simulate(write_campaign(tmp_path, LENGTH_PS), half_done)
    assert done.returncode == 0, done.stderr
    assert "made again from the runs" in done.stderr + done.stdout
    assert_same(half_done, reference)
    kinds = {
        event["kind"] for run in runs_of(half_done) for event in RunStore.open(run, read_only=True).manifest.events
    }
    assert {"manifest", "roll back"} <= kinds


def test_damaged_frames_are_done_again(tmp_path, half_done, reference):
    for run in runs_of(half_done):
        flip(run / "coordinates.f32")
    done = simulate(write_campaign(tmp_path, LENGTH_PS), half_done)
    assert done.returncode == 0, done.stderr
    assert_same(half_done, reference)
    assert all(list((run / "quarantine").glob("*.json")) for run in runs_of(half_done))


def test_a_lost_system_is_made_again(tmp_path, half_done, reference):
    shutil.rmtree(half_done / "systems")
    done = simulate(write_campaign(tmp_path, LENGTH_PS), half_done)
    assert done.returncode == 0, done.stderr
    assert_same(half_done, reference)


CLOCK = """\
# A clock that is set back by a day after a second, forward by two at the next, and so on.
import datetime, time
_time, _monotonic, _start = time.time, time.monotonic, time.monotonic()
def _offset():
    return 86400 * (0, -1, 1)[int(_monotonic() - _start) % 3]
time.time = lambda: _time() + _offset()
class _Moved(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + datetime.timedelta(seconds=_offset())
datetime.datetime = _Moved
"""


def test_a_clock_that_jumps_by_days_changes_nothing(tmp_path, reference):
    (tmp_path / "clock").mkdir()
    (tmp_path / "clock" / "sitecustomize.py").write_text(CLOCK)
    paths = [str(tmp_path / "clock"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    done = simulate(write_campaign(tmp_path, LENGTH_PS), tmp_path / "out", env=environment)
    assert done.returncode == 0, done.stderr
    assert_same(tmp_path / "out", reference)


def test_two_managers_share_a_campaign_and_do_nothing_twice(tmp_path, reference):
    file, out = write_campaign(tmp_path, LENGTH_PS), tmp_path / "out"
    managers = [
        subprocess.Popen(command(file, out), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    said = [manager.communicate(timeout=LIMIT_S)[0] for manager in managers]
    assert [manager.returncode for manager in managers] == [0, 0], said
    assert_same(out, reference)
    for run in runs_of(out):
        # One worker had each run from its beginning to its end.
        assert (out / "log" / f"{run.name}.log").read_text().count(" process ") == 1
        assert RunStore.open(run, read_only=True).manifest.events == ()


def test_a_power_failure_in_the_middle(tmp_path, reference):
    """Manager and workers are gone at once."""
    file, out = write_campaign(tmp_path, LENGTH_PS), tmp_path / "out"
    manager = subprocess.Popen(command(file, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + LIMIT_S
    while not list(out.glob("runs/*/coordinates.f32")) and time.monotonic() < until:
        time.sleep(0.02)
    workers = [pid for pid in children(manager.pid) if pid != manager.pid]
    for pid in [manager.pid, *workers]:
        os.kill(pid, signal.SIGKILL)
    manager.wait()
    done = simulate(file, out)
    assert done.returncode == 0, done.stderr
    assert_same(out, reference)


def children(pid):
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(entry.parent.name))
    return found


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    file = write_campaign(tmp_path, LENGTH_PS)
    (tmp_path / "file").write_text("")
    places = [tmp_path / "file" / "out"]
    if os.geteuid() != 0:
        (tmp_path / "locked").mkdir(mode=0o555)
        places.append(tmp_path / "locked" / "out")
    for place in places:
        done = simulate(file, place)
        assert done.returncode == 2
        assert str(place) in done.stderr and "choose another -o" in done.stderr
        assert "Traceback" not in done.stderr


SMALL_DISK = """\
mount -t tmpfs -o size=160k tmpfs {disk} || exit 1
({run} > {disk}.said 2>&1; echo $? > {disk}.code) &
for i in $(seq 1200); do grep -q 'paused: No space left' {disk}.said && break; sleep 0.1; done
grep -q 'paused: No space left' {disk}.said || exit 2
mount -o remount,size=64m {disk}
wait
cp -r {disk}/out {disk}.out
"""


def in_namespace(script):
    """A shell command that may mount, seen by nobody else."""
    return ["unshare", "--user", "--mount", "--map-root-user", "sh", "-c", script]


@pytest.fixture
def disk(tmp_path):
    """A folder on which a small file system can be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    probe = in_namespace(f"mount -t tmpfs -o size=64k tmpfs {folder}")
    if shutil.which("unshare") is None or subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("needs to mount a file system of its own")
    return folder


@pytest.mark.slow  # the pauses of the manager
def test_a_full_disk_pauses_the_campaign_until_there_is_room(tmp_path, disk, reference):
    run = " ".join(command(write_campaign(tmp_path, LENGTH_PS), disk / "out"))
    script = SMALL_DISK.format(disk=disk, run=run)
    done = subprocess.run(in_namespace(script), capture_output=True, text=True, timeout=2 * LIMIT_S, check=False)
    said = (tmp_path / "disk.said").read_text()
    assert done.returncode == 0, done.stderr + said
    assert (tmp_path / "disk.code").read_text().strip() == "0", said
    assert_same(tmp_path / "disk.out", reference)
