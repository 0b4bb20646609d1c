"""Weights on disk: nothing is lost, the same model gives the same bytes, and no other file is taken for one."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unfreeze.errors import InputError
from unfreeze.model import weights
from unfreeze.model.features import FEATURES_VERSION
from unfreeze.model.weights import load_model, save_model

CARD = {"name": "Å test", "version": "1", "limits": {"temperature_K": [280, 350], "longest_chain": 400}, "any": None}


@pytest.fixture(scope="module")
def model(motion_model):
    return replace(motion_model(0.1, n_members=3, card=CARD), uncertainty_scale=1.25, log_level={"explicit": 0.1})


@pytest.fixture
def saved(model, tmp_path):
    return save_model(tmp_path / "m.safetensors", model)


def _parts(path):
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    return json.loads(header["__metadata__"]["unfreeze"]), safetensors.numpy.load(content)


def _write(path, header, tensors):
    text = header if isinstance(header, str) else json.dumps(header)
    path.write_bytes(safetensors.numpy.save(tensors, metadata={"unfreeze": text}))
    return path


def test_what_is_saved_is_loaded(model, saved, tmp_path):
    loaded = load_model(saved)
    assert loaded.card == CARD and loaded.uncertainty_scale == 1.25 and loaded.log_level == {"explicit": 0.1}
    assert len(loaded.members) == 3
    for one, other in zip(loaded.members, model.members, strict=True):
        assert list(one) == list(other)
        assert all(np.array_equal(one[name], other[name]) and one[name].dtype == np.float32 for name in other)
    assert loaded.file is not None
    assert loaded.file.name == "m.safetensors" and loaded.file.sha256 == sha256(saved.read_bytes()).hexdigest()
    assert save_model(tmp_path / "again", loaded).read_bytes() == saved.read_bytes()


def test_the_header_is_the_contract(saved):
    header, tensors = _parts(saved)
    assert set(header) >= {"schema", "kind", "features_version", "shape", "uncertainty_scale", "log_level", "card"}
    assert (header["schema"], header["kind"]) == ("unfreeze-weights/1", "motion")
    assert header["features_version"] == FEATURES_VERSION
    assert header["shape"] == {"n_node_features": 71, "n_edge_features": 61, "width": 16, "n_layers": 2}
    assert all(name.startswith(("member.0.", "member.1.", "member.2.")) for name in tensors)


@pytest.mark.parametrize(
    ("change", "said"),
    (
        ({"schema": "unfreeze-weights/2"}, "schema 'unfreeze-weights/2', expected 'unfreeze-weights/1'"),
        ({"schema": "other"}, "not weights of unfreeze"),
        ({"schema": None}, "not weights of unfreeze"),
        ({"kind": "flow"}, "kind is 'flow'"),
        ({"features_version": FEATURES_VERSION + 1}, "version 2 of the features"),
        ({"features_version": None}, "of the features"),
        ({"shape": {"n_node_features": 70, "n_edge_features": 61, "width": 16, "n_layers": 2}}, "70 features"),
        ({"shape": {"n_node_features": 71, "n_edge_features": 61, "width": 10**9, "n_layers": 2}}, "width 1000000000"),
        (
            {"shape": {"n_node_features": 71, "n_edge_features": 61, "width": 16, "n_layers": 10**9}},
            "1000000000 layers",
        ),
        ({"shape": {"n_node_features": 71, "n_edge_features": 61, "width": 16, "n_layers": 3}}, "tensors, expected"),
        ({"shape": {"n_node_features": 71, "n_edge_features": 61, "width": 32, "n_layers": 2}}, "expected ('F32'"),
        ({"shape": {"n_node_features": 71, "n_edge_features": 61, "width": 16.0, "n_layers": 2}}, "whole numbers"),
        ({"shape": None}, "'shape'"),
        ({"uncertainty_scale": 0.0}, "uncertainty_scale is 0.0"),
        ({"uncertainty_scale": float("nan")}, "uncertainty_scale is nan"),
        ({"uncertainty_scale": True}, "uncertainty_scale is True"),
        ({"log_level": None}, "log_level is None"),
        ({"log_level": {"explicit": float("inf")}}, "log_level is"),
        ({"card": [1]}, "'card'"),
    ),
)
def test_a_header_that_does_not_fit_is_refused_by_name(saved, tmp_path, change, said):
    header, tensors = _parts(saved)
    path = _write(tmp_path / "x.safetensors", header | change, tensors)
    with pytest.raises(InputError) as refused:
        load_model(path)
    assert str(path) in str(refused.value) and said in str(refused.value)


@pytest.mark.parametrize(
    ("edit", "said"),
    (
        (lambda t: t.pop("member.1.embed.0.bias"), "tensors, expected"),
        (lambda t: t.clear(), "0 tensors"),
        (lambda t: t.update({"member.0.embed.0.bias": np.zeros(17, np.float32)}), "member.0.embed.0.bias"),
        (lambda t: t.update({"member.0.embed.0.bias": np.zeros(16, np.float64)}), "F64"),
        (lambda t: t.update({"member.0.embed.0.bias": np.full(16, np.nan, np.float32)}), "not finite"),
        (lambda t: t.update({"member.7.embed.0.bias": t.pop("member.2.embed.0.bias")}), "member.2.embed.0.bias"),
    ),
)
def test_tensors_that_do_not_fit_are_refused_by_name(saved, tmp_path, edit, said):
    header, tensors = _parts(saved)
    edit(tensors)
    with pytest.raises(InputError, match=said):
        load_model(_write(tmp_path / "x.safetensors", header, tensors))


def test_files_of_others_are_refused(saved, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="no such file"):
        load_model(tmp_path / "absent")
    with pytest.raises(InputError, match="not a file"):
        load_model(tmp_path)
    for content in (b"", b"PK\x03\x04" + bytes(500), b"\x80\x02}q\x00.", b'{"a": 1}' * 10):
        (tmp_path / "other").write_bytes(content)
        with pytest.raises(InputError, match="not a safetensors file"):
            load_model(tmp_path / "other")
    (tmp_path / "other").write_bytes(safetensors.numpy.save({"a": np.zeros(3, np.float32)}))
    with pytest.raises(InputError, match="not weights of unfreeze"):
        load_model(tmp_path / "other")
    monkeypatch.setattr(weights, "_MAX_BYTES", 1000)
    with pytest.raises(InputError, match="large, expected"):
        load_model(saved)


def test_without_a_model_in_the_package_the_message_says_what_to_do(monkeypatch, tmp_path, saved):
    monkeypatch.setattr(weights, "SHIPPED", tmp_path / "absent.safetensors")
    with pytest.raises(InputError, match="no trained model; name a file"):
        load_model()
    monkeypatch.setattr(weights, "SHIPPED", saved)
    assert load_model().card == CARD


def test_a_model_that_is_not_one_is_not_saved(model, tmp_path):
    member = dict(model.members[0])
    wrong = dict(member)
    wrong.pop("embed.1.bias")
    bad = member | {"embed.1.bias": np.full(16, np.inf, np.float32)}
    for changed, said in (
        ({"members": ()}, "no members"),
        ({"members": (member, wrong)}, "member 1"),
        ({"members": (bad,)}, "not finite"),
        ({"uncertainty_scale": -1.0}, "uncertainty_scale"),
        ({"card": {"x": float("nan")}}, "JSON"),
    ):
        with pytest.raises(ValueError, match=said):
            save_model(tmp_path / "x", replace(model, **changed))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="cannot be written"):
        save_model(tmp_path / "absent" / "x", model)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_refused_or_has_other_numbers_but_never_anything_worse(saved, tmp_path, data):
    content = bytearray(saved.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        # mostly in the header
        length = int.from_bytes(content[:8], "little")
        where = data.draw(st.one_of(st.integers(0, length + 7), st.integers(0, len(content) - 1)))
        content[where] ^= 1 << data.draw(st.integers(0, 7))
    path = tmp_path / "damaged"
    path.write_bytes(bytes(content))
    try:
        loaded = load_model(path)
    except InputError as error:
        assert str(path) in str(error)
    else:
        assert all(np.isfinite(array).all() for member in loaded.members for array in member.values())
