"""What is cut short, damaged or in the wrong unit is refused by name; never a traceback of another kind."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mdtraj
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unfreeze.errors import InputError
from unfreeze.evaluate.inputs import load_frames
from unfreeze.trajectories.readers import open_trajectory

SUFFIXES = (".xtc", ".trr", ".dcd", ".nc", ".h5")


@pytest.fixture(scope="module")
def written(system: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The bytes of a whole file of every format."""
    folder = tmp_path_factory.mktemp("whole")
    return {suffix: system.save(folder / f"run{suffix}", topology="").read_bytes() for suffix in SUFFIXES}


@pytest.fixture(scope="module")
def here(system: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cut")
    system.trajectory[0].save_pdb(str(folder / "run.pdb"))
    return folder


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_anywhere(written: dict[str, bytes], here: Path, suffix: str, share: float) -> None:
    data = written[suffix]
    path = here / f"run{suffix}"
    path.write_bytes(data[: int(share * len(data))])
    try:
        frames = load_frames(path)
    except InputError as error:
        assert str(path) in str(error)
    else:  # cut between two frames, or in what mdtraj writes behind the last one
        assert frames.n_frames <= 23 and np.isfinite(frames.coordinates_nm).all()


@pytest.mark.parametrize("suffix", [".xtc", ".trr", ".dcd"])
def test_the_frame_where_reading_stopped_is_named(written: dict[str, bytes], here: Path, suffix: str) -> None:
    path = here / f"run{suffix}"
    path.write_bytes(written[suffix][:-7])
    with pytest.raises(InputError, match=r"frame 23 cannot be read.*the first 22 frames"):
        load_frames(path)
    path.write_bytes(b"")
    with pytest.raises(InputError, match="empty"):
        load_frames(path)


@pytest.mark.parametrize("suffix", [".xtc", ".trr", ".dcd"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 400), value=st.integers(0, 255))
def test_a_wrong_byte_in_the_headers(written: dict[str, bytes], here: Path, suffix: str, at: int, value: int) -> None:
    """Headers are checked before anything is decompressed; a wrong coordinate may pass, if it is a number."""
    data = bytearray(written[suffix])
    data[at % 56 if suffix == ".xtc" else at] = value
    path = here / f"run{suffix}"
    path.write_bytes(data)
    try:
        assert np.isfinite(load_frames(path).coordinates_nm).all()
    except InputError as error:
        assert str(path) in str(error) or path.name in str(error)


def test_damage_in_the_middle_of_an_xtc(written: dict[str, bytes], here: Path) -> None:
    data = bytearray(written[".xtc"])
    magic = bytes(data[:8])
    third = data.index(magic, data.index(magic, 8) + 8)
    data[third + 2] = 0
    (here / "run.xtc").write_bytes(data)
    with pytest.raises(InputError, match="frame 3 cannot be read: the data are damaged"):
        load_frames(here / "run.xtc")


def test_a_trajectory_without_frames(here: Path, system: Any, write: SimpleNamespace) -> None:
    system.trajectory[:1].save_dcd(str(here / "run.dcd"))
    frame = 3 * (4 * system.trajectory.n_atoms + 8)
    (here / "run.dcd").write_bytes((here / "run.dcd").read_bytes()[:-frame])
    with pytest.raises(InputError, match="the trajectory has no frames"):
        load_frames(here / "run.dcd")
    with pytest.raises(InputError, match="the trajectory has no frames"):
        load_frames(write.hdf5(here / "run.h5", system.trajectory[:0]))
    with pytest.raises(InputError, match="0 frames"):
        load_frames(system.trajectory[:0])


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_coordinates_that_are_no_numbers(system: Any, here: Path, value: float) -> None:
    xyz = system.trajectory.xyz.copy()
    xyz[7, system.heavy_rows[6], 1] = value
    mdtraj.Trajectory(xyz, system.trajectory.topology).save_trr(str(here / "run.trr"))
    with pytest.raises(InputError, match=r"run.trr: frame 8: atom A:ALA2/CA has the coordinates"):
        load_frames(here / "run.trr")
    xyz[0, 0] = np.nan
    with pytest.raises(InputError, match="frame 1: atom"):
        load_frames(mdtraj.Trajectory(xyz, system.trajectory.topology))


def test_angstrom_in_a_field_of_nm(system: Any, here: Path, write: SimpleNamespace) -> None:
    with pytest.raises(InputError, match="seem to be in Å"):
        load_frames(write.xtc(here / "run.xtc", system.trajectory.xyz * 10))


def test_frames_torn_across_the_box_are_counted(system: Any, here: Path, write: SimpleNamespace) -> None:
    xyz = system.trajectory.xyz.copy()
    xyz[3:9, system.heavy_rows[22:]] += np.float32(5.0)
    frames = load_frames(write.xtc(here / "run.xtc", xyz))
    assert any(note.startswith("6 of 23 frames are torn across the periodic box") for note in frames.notes)
    whole = load_frames(write.xtc(here / "run.xtc", system.trajectory.xyz))
    assert not any("torn" in note for note in whole.notes)


def test_trr_frames_without_coordinates_are_passed_over(here: Path, written: dict[str, bytes]) -> None:
    import struct

    data = written[".trr"]
    n_atoms = struct.unpack(">i", data[64:68])[0]
    head = data[:24] + struct.pack(">13i", 0, 0, 0, 0, 0, 0, 0, 0, 12 * n_atoms, 0, n_atoms, 5, 0) + bytes(8)
    (here / "run.trr").write_bytes(data + head + bytes(12 * n_atoms))
    frames = load_frames(here / "run.trr")
    assert frames.n_frames == 23
    assert any("1 frames without coordinates" in note for note in frames.notes)


def test_trr_of_double_precision(tmp_path: Path) -> None:
    import struct

    places = np.random.default_rng(2).normal(size=(3, 11, 3))
    data = b""
    for at, place in enumerate(places):
        data += struct.pack(">3i", 1993, 13, 12) + b"GMX_trn_file"
        data += struct.pack(">13i", 0, 0, 72, 0, 0, 0, 0, 264, 0, 0, 11, at, 0) + struct.pack(">2d", 2.0 * at, 0.0)
        data += bytes(72) + place.astype(">f8").tobytes()
    (tmp_path / "double.trr").write_bytes(data)
    with open_trajectory(tmp_path / "double.trr") as reader:
        np.testing.assert_allclose(reader.read(0, 3), places, rtol=1e-6)
        assert reader.times_ps is not None and reader.times_ps.tolist() == [0, 2, 4]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x80\x04\x95pickle", "not read|kind"),
        (b"hello\nworld\n", "kind that is not read"),
        (b"\x00\x00\x07\xe7" + bytes(100), "298 million"),
        (b"T\x00\x00\x00\x00\x00\x00\x00CORD" + bytes(100), "eight bytes"),
        (b"PSF\n\n", "without frames"),
    ],
)
def test_other_files(here: Path, data: bytes, words: str) -> None:
    (here / "run.bin").write_bytes(data)
    with pytest.raises(InputError, match=words):
        load_frames(here / "run.bin", topology=here / "run.pdb")


def test_a_damaged_psf(here: Path, system: Any, write: SimpleNamespace) -> None:
    write.xtc(here / "run.xtc", system.trajectory.xyz)
    (here / "other.psf").write_text("PSF\n\n 1 !NTITLE\n x\n\n 5 !NATOM\n 1 A 1 ALA N\n")
    with pytest.raises(InputError, match="cannot be read as PSF"):
        load_frames(here / "run.xtc", topology=here / "other.psf")


@pytest.mark.parametrize("wrong", ["two", "x_short", "count"])
def test_a_damaged_gro(here: Path, system: Any, wrong: str) -> None:
    system.trajectory[:2].save_gro(str(here / "damaged.gro"))
    lines = (here / "damaged.gro").read_text().splitlines()
    if wrong == "two":
        lines = lines[:-4]
    elif wrong == "x_short":
        lines[5] = lines[5][:30]
    else:
        lines[1] = "many"
    (here / "damaged.gro").write_text("\n".join(lines))
    with pytest.raises(InputError, match=r"damaged.gro: (frame 2|line 6|line 2)"):
        load_frames(here / "damaged.gro")
