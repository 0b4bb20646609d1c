"""Files of tensors: what is written comes back, and what is not ours is refused by name before it is used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from unfreeze.errors import InputError
from unfreeze.files.tensor_file import TensorFile, read_tensor_file, write_tensor_file

TENSORS = {
    "weights": np.arange(6, dtype=np.int8).reshape(2, 3),
    "scale": np.array([0.5, 1.0, 2.0], dtype=np.float32),
    "half": np.array([[1.5]], dtype=np.float16),
}
SHAPES = {"weights": ("I8", (2, 3)), "scale": ("F32", (3,)), "half": ("F16", (1, 1))}
HEADER = {"schema": "unfreeze-tests/1", "kind": "one", "version": 3, "card": {"name": "Å"}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_tensor_file(tmp_path / "good.safetensors", TENSORS, HEADER)


def read(path: Path, **changed: Any) -> TensorFile:
    options: dict[str, Any] = {"schema": "unfreeze-tests/1", "kind": "one"}
    return read_tensor_file(path, **(options | changed))


def with_header(content: bytes, change: dict[str, Any]) -> bytes:
    length = int.from_bytes(content[:8], "little")
    text = json.dumps(json.loads(content[8 : 8 + length]) | change).encode()
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


def test_what_is_written_comes_back(path: Path) -> None:
    file = read(path)
    assert file.header == HEADER
    assert file.shapes == SHAPES
    file.expect(SHAPES)
    found = file.tensors()
    assert found.keys() == TENSORS.keys()
    for name, array in TENSORS.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def test_the_same_content_gives_the_same_bytes(path: Path) -> None:
    other = path.with_name("other.safetensors")
    write_tensor_file(other, dict(reversed(TENSORS.items())), dict(reversed(HEADER.items())))
    assert other.read_bytes() == path.read_bytes()
    assert read(other).sha256 == read(path).sha256


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"schema": "unfreeze-tests/2"}, "is of schema 'unfreeze-tests/1', expected 'unfreeze-tests/2'"),
        ({"kind": "other"}, "a model of kind 'one', expected 'other'"),
        ({"kind": None}, "a model of kind 'one', expected None"),
        ({"max_bytes": 100}, "MiB large, expected weights of at most"),
    ],
)
def test_other_models_are_refused(path: Path, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as raised:
        read(path, **changed)
    assert str(path) in str(raised.value)


def test_versions_and_tensors_must_be_those_expected(path: Path) -> None:
    file = read(path)
    file.expect_version("version", 3, "columns")
    with pytest.raises(InputError, match="version 3 of the columns, this unfreeze computes version 4"):
        file.expect_version("version", 4, "columns")
    for wanted, message in (
        (SHAPES | {"more": ("F32", (1,))}, "tensor more is absent"),
        (SHAPES | {"scale": ("F64", (3,))}, "tensor scale is"),
        (SHAPES | {"weights": ("I8", (3, 2))}, "tensor weights is"),
        ({name: SHAPES[name] for name in ("weights", "scale")}, "tensor half is not expected"),
    ):
        with pytest.raises(InputError, match=message):
            file.expect(wanted)


def test_damaged_and_foreign_files_are_refused(path: Path, tmp_path: Path) -> None:
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    infinite = b'{"weights": {"dtype": "F32", "shape": [Infinity], "data_offsets": [0, 6]}}'
    cases = {
        b"": "not a safetensors file",
        b"PK\x03\x04" + content[4:]: "not a safetensors file",
        content[: length // 2]: "ends within its header",
        content[:8] + b"{" * length + content[8 + length :]: "header cannot be read",
        len(infinite).to_bytes(8, "little") + infinite: "header cannot be read",
        content[:-1]: "is damaged",
        with_header(content, {"weights": {"dtype": "I8", "shape": [2, 3], "data_offsets": [0, 2**40]}}): "is damaged",
        with_header(content, {"__metadata__": {}}): "not weights of unfreeze",
        with_header(content, {"__metadata__": {"unfreeze": '{"schema": 7}'}}): "not weights of unfreeze",
        safetensors.numpy.save(TENSORS): "not weights of unfreeze",
    }
    bad = tmp_path / "bad.safetensors"
    for wrong, message in cases.items():
        bad.write_bytes(wrong)
        with pytest.raises(InputError, match=message) as raised:
            read(bad).tensors()
        assert "bad.safetensors" in str(raised.value)
    for missing in (tmp_path / "absent.safetensors", tmp_path):
        with pytest.raises(InputError, match="no such file"):
            read(missing)


def test_numbers_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    path = write_tensor_file(tmp_path / "nan.safetensors", {"scale": np.array([1.0, np.nan])}, HEADER)
    with pytest.raises(InputError, match="scale has numbers that are not finite"):
        read(path).tensors()
