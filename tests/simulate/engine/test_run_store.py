import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unfreeze.errors import InputError
from unfreeze.simulate.engine.commit import Column, DamagedManifestError, Manifest
from unfreeze.simulate.engine.run_lock import BusyError, lock_run
from unfreeze.simulate.engine.run_store import DamagedRunError, RunStore

COLUMNS = {"coordinates": Column("<f4", (5, 3)), "observables": Column("<f8", (2,))}


def frames(n, seed=0):
    rng = np.random.default_rng(seed)
    return {"coordinates": rng.normal(size=(n, 5, 3)).astype("<f4"), "observables": rng.normal(size=(n, 2))}


def put(store, n, seed=0, verdict="pass"):
    return store.commit(
        frames(n, seed) if n else {},
        checkpoint=b"chk%d" % seed,
        state={"positions_nm": np.full((5, 3), seed)},
        stage="production",
        time_ps=float(store.n_frames + n),
        n_steps=n,
        step_fs=4.0,
        quality={"verdict": verdict},
    )


@pytest.fixture
def store(tmp_path):
    return RunStore.create(tmp_path / "run", COLUMNS, {"seed": 1})


def test_what_was_committed_is_read_back(store):
    put(store, 3, 1)
    put(store, 0, 2)
    put(store, 4, 3)
    again = RunStore.open(store.directory)
    expected = {name: np.concatenate([frames(3, 1)[name], frames(4, 3)[name]]) for name in COLUMNS}
    for name in COLUMNS:
        np.testing.assert_array_equal(again.read(name), expected[name])
        np.testing.assert_array_equal(again.read(name, 2, 5), expected[name][2:5])
    assert again.record == {"seed": 1}
    assert again.n_frames == 7
    assert again.checkpoint() == b"chk3"
    state = again.state()
    assert state is not None and (state["positions_nm"] == 3).all()
    assert again.verify() == []


@given(sizes=st.lists(st.integers(0, 4), max_size=5), tail=st.binary(max_size=200))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_tail_that_was_not_committed_is_cut_off(tmp_path_factory, sizes, tail):
    store = RunStore.create(tmp_path_factory.mktemp("run"), COLUMNS, {})
    for seed, size in enumerate(sizes):
        put(store, size, seed)
    whole = {name: store.read(name).copy() for name in COLUMNS}
    with open(store.path("coordinates"), "ab") as stream:
        stream.write(tail)
    (store.directory / "checkpoint-77.chk").write_bytes(b"half")
    (store.directory / ".abc-state-77.npz").write_bytes(b"half")
    again = RunStore.open(store.directory)
    for name in COLUMNS:
        np.testing.assert_array_equal(again.read(name), whole[name])
        assert again.path(name).stat().st_size == whole[name].nbytes
    assert not list(store.directory.glob("*77*"))
    put(again, 2, 9)
    np.testing.assert_array_equal(RunStore.open(store.directory).read("coordinates")[-2:], frames(2, 9)["coordinates"])


def test_only_the_last_two_checkpoints_stay(store):
    for seed in range(4):
        put(store, 1, seed)
    assert sorted(p.name for p in store.directory.glob("checkpoint-*")) == ["checkpoint-2.chk", "checkpoint-3.chk"]


def test_data_that_are_missing_take_their_commit_back(store):
    put(store, 3, 1)
    put(store, 4, 2)
    os.truncate(store.path("observables"), 5 * 16)
    again = RunStore.open(store.directory)
    assert again.n_frames == 3
    assert again.checkpoint() == b"chk1"
    np.testing.assert_array_equal(again.read("coordinates"), frames(3, 1)["coordinates"])
    assert "shorter" in again.manifest.events[-1]["text"]
    assert len(list((store.directory / "quarantine").glob("*.json"))) == 1


def test_a_byte_that_has_changed_is_found(store):
    put(store, 3, 1)
    put(store, 4, 2)
    content = bytearray(store.path("coordinates").read_bytes())
    content[7] ^= 1
    store.path("coordinates").write_bytes(content)
    faults = RunStore.open(store.directory).verify()
    assert len(faults) == 1 and "frames 0 to 2" in faults[0]
    content[7] ^= 1
    content[-1] ^= 1
    store.path("coordinates").write_bytes(content)
    assert RunStore.open(store.directory).n_frames == 3  # the last commit is checked at every start


def test_a_damaged_manifest_is_replaced_by_the_one_before(store):
    put(store, 3, 1)
    put(store, 4, 2)
    path = store.directory / "manifest.json"
    path.write_text(path.read_text().replace('"time_ps": 3.0', '"time_ps": 3.5'))
    with pytest.raises(DamagedManifestError, match="checksum"):
        Manifest.read(path)
    again = RunStore.open(store.directory)
    assert again.n_frames == 3
    assert "checksum" in again.manifest.events[-1]["text"]
    put(again, 4, 2)
    assert RunStore.open(store.directory).n_frames == 7


def test_two_damaged_manifests_are_named(store):
    put(store, 3, 1)
    for name in ("manifest.json", "manifest.previous.json"):
        (store.directory / name).write_bytes(b"\x00\xff")
    with pytest.raises(DamagedRunError, match="both manifests"):
        RunStore.open(store.directory)


def test_damaged_checkpoints_and_states_are_not_given_out(store):
    put(store, 3, 1)
    (store.directory / "checkpoint-0.chk").write_bytes(b"chk2")
    (store.directory / "state-0.npz").unlink()
    again = RunStore.open(store.directory)
    assert again.checkpoint() is None
    assert again.state() is None


def test_frames_that_did_not_pass_are_marked(store):
    put(store, 2, 1)
    put(store, 3, 2, "suspect")
    put(store, 1, 3)
    np.testing.assert_array_equal(store.passed_frames(), [True, True, False, False, False, True])


def test_a_full_disk_changes_nothing(store, monkeypatch):
    put(store, 3, 1)

    def full(*arguments):
        raise OSError(28, "No space left on device")

    places = ("os.fsync", "unfreeze.files.atomic.os.replace", "unfreeze.simulate.engine.run_store.write_atomically")
    for place in places:
        with monkeypatch.context() as patch:
            patch.setattr(place, full)
            with pytest.raises((OSError, InputError)):
                put(store, 4, 2)
        assert store.n_frames == 3
        assert RunStore.open(store.directory).n_frames == 3
        np.testing.assert_array_equal(store.read("coordinates"), frames(3, 1)["coordinates"])
    put(store, 4, 2)
    assert RunStore.open(store.directory).n_frames == 7


def test_a_run_has_one_writer(tmp_path):
    code = textwrap.dedent(
        """
        import sys
        from unfreeze.simulate.engine.run_lock import lock_run
        with lock_run(sys.argv[1]):
            print("held", flush=True)
            sys.stdin.read()
        """
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None and other.stdout.readline() == "held\n"
    with pytest.raises(BusyError, match="another process"), lock_run(tmp_path):
        pass
    other.kill()
    other.communicate()
    with lock_run(tmp_path):  # freed by the death of its holder
        pass


def test_a_place_where_no_folder_can_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(InputError, match="cannot be written to"):
        RunStore.create(tmp_path / "file" / "run", COLUMNS, {})
    with pytest.raises(InputError, match="cannot be written to"), lock_run(tmp_path / "file" / "run"):
        pass
