from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from unfreeze.corpus.importers.shared.folders import files_below, read_json_object
from unfreeze.corpus.importers.shared.npz import Npz
from unfreeze.corpus.importers.shared.options import atoms_of, chosen, existing_path, number, time_ps
from unfreeze.corpus.importers.shared.spreadsheet import read_first_sheet
from unfreeze.errors import InputError

h5py = pytest.importorskip("h5py")


def test_times_have_units() -> None:
    assert time_ps({"step": "10ps"}, "step") == 10.0
    assert time_ps({"step": "0.1 ns"}, "step") == pytest.approx(100.0)
    assert time_ps({"step": "2fs"}, "step") == pytest.approx(0.002)
    assert time_ps({}, "step") is None
    for text in ("10", "ps", "-1ps", "nan ps", "ten ps", ""):
        with pytest.raises(InputError):
            time_ps({"step": text}, "step")


def test_other_options_are_checked(tmp_path) -> None:
    assert chosen({"ids": "a, b,,a"}, "ids") == {"a", "b"} and chosen({}, "ids") is None
    assert number({"n": "3"}, "n") == 3.0
    with pytest.raises(InputError, match="positive number"):
        number({"n": "inf"}, "n")
    with pytest.raises(InputError, match="heavy or all"):
        atoms_of({"atoms": "some"})
    with pytest.raises(InputError, match="no such file"):
        existing_path({"maps": str(tmp_path / "none")}, "maps")


def test_folders_are_searched_so_deep_and_links_to_folders_are_not_followed(tmp_path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    for place in ("x.pdb", "a/y.pdb", "a/b/z.pdb", "a/._w.pdb", "a/v.txt"):
        (tmp_path / place).write_text("")
    (tmp_path / "a" / "round").symlink_to(tmp_path)
    names = [path.name for path in files_below(tmp_path, (".pdb",))]
    assert names == ["x.pdb", "y.pdb", "z.pdb"]
    assert [path.name for path in files_below(tmp_path, (".pdb",), deepest=1)] == ["x.pdb", "y.pdb"]
    with pytest.raises(InputError, match="no such file or folder"):
        files_below(tmp_path / "none", (".pdb",))


@pytest.mark.parametrize("text", ["[" * 100_000, "<html>", "3", "{"])
def test_json_that_is_none_is_refused(tmp_path, text) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(InputError):
        read_json_object(path)


def _npz(path: Path, **arrays: np.ndarray) -> Path:
    np.savez_compressed(path, **arrays)
    return path


def test_arrays_of_an_archive_are_read_in_blocks(tmp_path) -> None:
    values = np.arange(60, dtype=np.float32).reshape(20, 3)
    with Npz(_npz(tmp_path / "x.npz", a=values, scalar=np.array(3.0), empty=np.empty((0, 2)))) as npz:
        assert npz.header("a").shape == (20, 3) and npz.header("a").row_bytes == 12
        blocks = list(npz.rows("a", 3, 5))
        assert [len(block) for block in blocks] == [5, 5, 5, 2]
        np.testing.assert_array_equal(np.concatenate(blocks), values[3:])
        assert list(npz.rows("a", 20, 5)) == []
        assert npz.small("scalar") == 3.0 and npz.small("empty").shape == (0, 2)
        with pytest.raises(InputError, match="there is no array b"):
            npz.header("b")


def test_arrays_that_could_run_code_or_stand_on_their_side_are_refused(tmp_path) -> None:
    with Npz(_npz(tmp_path / "x.npz", a=np.array([{}, None], dtype=object), f=np.zeros((3, 4), order="F"))) as npz:
        with pytest.raises(InputError, match="pickled Python objects"):
            npz.small("a")
        with pytest.raises(InputError, match="Fortran order"):
            npz.small("f")


def test_a_flipped_bit_inside_an_archive_is_found(tmp_path) -> None:
    path = _npz(tmp_path / "x.npz", a=np.random.default_rng(0).normal(size=(500, 3)))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    with pytest.raises(InputError, match="whole NPZ archive"), Npz(path) as npz:
        npz.small("a")


def _container(path: Path):
    from unfreeze.corpus.importers.shared.hdf5 import Container

    return Container(path, "mdcath")


def test_data_outside_the_file_are_not_read(tmp_path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["secret"] = np.arange(3.0)
    raw = tmp_path / "raw.bin"
    raw.write_bytes(np.arange(3.0).tobytes())
    with h5py.File(tmp_path / "x.h5", "w") as file:
        group = file.create_group("g")
        group["external"] = h5py.ExternalLink("other.h5", "/secret")
        group["soft"] = h5py.SoftLink("/g/plain")
        group["plain"] = np.arange(3.0)
        group.create_dataset("stored_outside", shape=(3,), dtype="f8", external=[(str(raw), 0, 24)])
        layout = h5py.VirtualLayout(shape=(3,), dtype="f8")
        layout[:] = h5py.VirtualSource("other.h5", "secret", shape=(3,))
        group.create_virtual_dataset("virtual", layout)
        file["alias"] = h5py.SoftLink("/g")
        file["types"] = np.array([b"a", b"b"])
    with _container(tmp_path / "x.h5") as container:
        assert list(container.groups()) == ["g"]
        assert len(container.data("g", "plain", shape=(3,))) == 3
        for name, words in (
            ("external", "is a link"),
            ("soft", "is a link"),
            ("stored_outside", "other files"),
            ("virtual", "other files"),
        ):
            with pytest.raises(InputError, match=words):
                container.data("g", name, shape=(3,))
        with pytest.raises(InputError, match="is a link"):
            container.group("alias")
        with pytest.raises(InputError, match="has the shape"):
            container.data("g", "plain", shape=(None, 3))
        with pytest.raises(InputError, match="numbers were expected"):
            container.data("types", shape=(2,))
        with pytest.raises(InputError, match="is missing"):
            container.data("g", "none", shape=(3,))
        assert container.text("types_of_another") is None


def test_damaged_data_are_an_error_with_a_name(tmp_path) -> None:
    path = tmp_path / "x.h5"
    values = np.random.default_rng(0).normal(size=(4000, 3))
    with h5py.File(path, "w") as file:
        file.create_dataset("a", data=values, compression="gzip", fletcher32=True)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 64
    path.write_bytes(content)
    with _container(path) as container, pytest.raises(InputError, match="/a cannot be read"):
        container.read(container.data("a", shape=(4000, 3)), slice(0, 4000))


def test_a_spreadsheet_with_damaged_data_is_refused(tmp_path) -> None:
    path = tmp_path / "table.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", "<sheet>" + "row " * 5000 + "</sheet>")
    whole = path.read_bytes()
    begin = 30 + len("xl/worksheets/sheet1.xml")
    path.write_bytes(whole[:begin] + b"\xff" * 8 + whole[begin + 8 :])
    with pytest.raises(InputError, match=r"not a spreadsheet"):
        list(read_first_sheet(path))
    with pytest.raises(InputError, match=r"cannot be read \(No such file"):
        list(read_first_sheet(tmp_path / "none.xlsx"))
