"""Our own unpacking of XTC: the numbers of mdtraj to the last bit, and words rather than crashes for damaged files."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mdtraj.formats import XTCTrajectoryFile

from unfreeze.errors import InputError
from unfreeze.trajectories.readers.xdr import XtcReader
from unfreeze.trajectories.readers.xtc import XtcFile


def _write(path, frames, times=None, box=None) -> None:
    with XTCTrajectoryFile(str(path), "w", force_overwrite=True) as handle:
        n = len(frames)
        times = np.arange(n, dtype=np.float32) if times is None else times
        handle.write(frames.astype(np.float32), time=times, step=np.arange(n, dtype=np.int32) * 50, box=box)


def _both(path) -> None:
    """The same frames from both readers, or the same words of refusal."""
    try:
        XtcReader(path).close()
    except InputError as error:
        with pytest.raises(InputError) as refusal:
            XtcFile(path)
        assert str(refusal.value) == str(error)
        return
    ours, theirs = XtcFile(path), XtcReader(path)
    with ours, theirs:
        assert (ours.n_frames, ours.n_atoms) == (theirs.n_frames, theirs.n_atoms)
        assert np.array_equal(ours.times_ps, theirs.times_ps) and np.array_equal(ours.steps, theirs.steps)
        assert np.array_equal(ours.read(0, ours.n_frames), theirs.read(0, theirs.n_frames))


@settings(max_examples=60, deadline=None)
@given(
    n_atoms=st.integers(1, 200),
    scale=st.sampled_from([1e-3, 0.05, 1.0, 20.0, 500.0, 20_000.0]),
    walk=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_numbers_of_mdtraj(tmp_path_factory, n_atoms, scale, walk, seed) -> None:
    generator = np.random.default_rng(seed)
    frames = generator.normal(scale=scale, size=(3, n_atoms, 3))
    if walk:  # neighbours near each other, as bonded atoms are: long runs of small numbers
        frames = np.cumsum(frames / np.sqrt(n_atoms), axis=1)
    path = tmp_path_factory.mktemp("xtc") / "frames.xtc"
    _write(path, frames)
    _both(path)


def test_one_long_axis(tmp_path) -> None:
    """Ranges of 24 bits in one axis only, and of more than 64 bits in all three."""
    generator = np.random.default_rng(1)
    for scales in (
        [16_000, 0.1, 0.1],
        [0.1, 0.1, 16_000],
        [8_000, 8_000, 8_000],
        [16_700, 16_700, 16_700],
        [4_000] * 3,
    ):
        frames = generator.uniform(size=(2, 40, 3)) * scales
        _write(tmp_path / "frames.xtc", frames)
        _both(tmp_path / "frames.xtc")


def test_boxes_and_strides(tmp_path) -> None:
    generator = np.random.default_rng(2)
    frames = generator.normal(size=(30, 50, 3))
    box = np.tile(np.diag([3.0, 4.0, 5.0]), (30, 1, 1)) + np.arange(30)[:, None, None] * np.eye(3)
    _write(tmp_path / "frames.xtc", frames, box=box.astype(np.float32))
    with XtcFile(tmp_path / "frames.xtc") as reader:
        every = reader.read(0, 30)
        some, boxes = reader.read_with_boxes(2, 7, 4)
    assert np.array_equal(some, every[2::4][:7]) and np.allclose(boxes, box[2::4][:7])
    _write(tmp_path / "none.xtc", frames)
    with XtcFile(tmp_path / "none.xtc") as reader:
        assert reader.read_with_boxes(0, 30)[1] is None


def test_files_cut_short(tmp_path) -> None:
    whole = tmp_path / "whole.xtc"
    _write(whole, np.random.default_rng(3).normal(size=(4, 60, 3)))
    data = whole.read_bytes()
    path = tmp_path / "cut.xtc"
    for length in [*range(1, 120, 7), *range(120, len(data), 97)]:
        path.write_bytes(data[:length])
        _both(path)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_files_never_crash(tmp_path_factory, data) -> None:
    folder = tmp_path_factory.mktemp("xtc")
    frames = np.cumsum(np.random.default_rng(4).normal(scale=0.1, size=(2, 40, 3)), axis=1)
    _write(folder / "whole.xtc", frames)
    content = bytearray((folder / "whole.xtc").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    (folder / "damaged.xtc").write_bytes(content)
    try:
        with XtcFile(folder / "damaged.xtc") as reader:
            assert reader.read(0, reader.n_frames).shape[1:] == (40, 3)
    except InputError as error:
        assert "damaged.xtc" in str(error)


def test_frames_of_another_number_of_atoms(tmp_path) -> None:
    _write(tmp_path / "one.xtc", np.random.default_rng(5).normal(size=(2, 20, 3)))
    _write(tmp_path / "two.xtc", np.random.default_rng(5).normal(size=(2, 21, 3)))
    joined = tmp_path / "joined.xtc"
    joined.write_bytes((tmp_path / "one.xtc").read_bytes() + (tmp_path / "two.xtc").read_bytes())
    with pytest.raises(InputError, match=r"frame 3 cannot be read: it has 21 atoms"):
        XtcFile(joined)
