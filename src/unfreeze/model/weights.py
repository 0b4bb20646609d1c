"""Weights on disk: one safetensors file a model, read and written with numpy alone.

Tensors are called ``member.<k>.<parameter>``. The header's metadata has one key, ``unfreeze``, with JSON:

- ``schema``: ``unfreeze-weights/1``; ``kind``: ``motion``;
- ``features_version`` and ``shape``: of the features that the network reads and of the network;
- ``uncertainty_scale``, and ``log_level`` by kind of solvent;
- ``flow``: of the flow of side-chain torsions, if there is one (`model.flow_weights`);
- ``card``: what the model is, for people and for the record of an ensemble. Keys that the program reads:
  ``name``, ``version``, and ``limits`` with ``temperature_K`` [low, high], ``timescale_ns`` [low, high],
  ``longest_chain`` (residues) of what the model was trained on. All others are kept as they are.

A file is read only after its header has been checked: nothing in it is ever executed, and sizes are bounded.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from unfreeze.errors import InputError
from unfreeze.files.atomic import atomic_path
from unfreeze.model.features import FEATURES_VERSION, N_EDGE_FEATURES, N_NODE_FEATURES
from unfreeze.model.flow_weights import check_flow, flow_header, flow_of, flow_tensors
from unfreeze.model.motion_model import HEADS, MotionModel, WeightsFile
from unfreeze.model.network import NetworkShape, parameter_shapes

__all__ = ["SHIPPED", "WEIGHTS_SCHEMA", "load_model", "save_model"]

WEIGHTS_SCHEMA = "unfreeze-weights/1"
SHIPPED = Path(__file__).resolve().parents[1] / "weights" / "unfreeze.safetensors"
"""The model that comes with the package."""

_MAX_BYTES = 256 * 2**20
_MAX_HEADER_BYTES = 8 * 2**20
_MAX_LOG_LEVEL = 5.0
_MAX_WIDTH, _MAX_LAYERS, _MAX_MEMBERS = 1024, 32, 64


def save_model(path: str | Path, model: MotionModel) -> Path:
    """Write a model; the file is whole or absent, and the same model gives the same bytes.

    Parameters
    ----------
    path
        File to write, ``….safetensors``.
    model
        The model; its `file` is not kept.

    Raises
    ------
    InputError
        If the folder cannot be written to.
    ValueError
        If the model's arrays do not belong together, are not finite, or its card is not JSON.
    """
    shape = _shape_of(model)
    expected = parameter_shapes(shape, HEADS)
    tensors: dict[str, NDArray[np.float32]] = {}
    for number, member in enumerate(model.members):
        found = {name: array.shape for name, array in member.items()}
        if found != expected:
            wrong = sorted(set(found.items()) ^ set(expected.items()))[:3]
            raise ValueError(f"member {number} does not have the parameters of its shape: {wrong}")
        for name, array in member.items():
            if not np.isfinite(array).all():
                raise ValueError(f"member {number}: {name} has numbers that are not finite")
            tensors[f"member.{number}.{name}"] = np.ascontiguousarray(array, dtype=np.float32)
    if not 0.0 < model.uncertainty_scale < math.inf:
        raise ValueError(f"uncertainty_scale is {model.uncertainty_scale}, expected a positive number")
    tensors |= flow_tensors(model.flow)
    header = {
        "schema": WEIGHTS_SCHEMA,
        "kind": "motion",
        "flow": flow_header(model.flow),
        "features_version": FEATURES_VERSION,
        "shape": asdict(shape),
        "uncertainty_scale": float(model.uncertainty_scale),
        "log_level": {solvent: float(value) for solvent, value in model.log_level.items()},
        "card": dict(model.card),
    }
    text = json.dumps(header, ensure_ascii=False, allow_nan=False, sort_keys=True)
    target = Path(path)
    with atomic_path(target) as temporary:
        temporary.write_bytes(safetensors.numpy.save(tensors, metadata={"unfreeze": text}))
    return target


def load_model(path: str | Path | None = None) -> MotionModel:
    """Read a model.

    Parameters
    ----------
    path
        The file; the model that comes with the package when None.

    Raises
    ------
    InputError
        If there is no such file, it is damaged, or it belongs to another program or version; the message says which.
    """
    if path is None and not SHIPPED.is_file():
        raise InputError(
            "this installation of unfreeze has no trained model; name a file of weights, or use the model 'harmonic'"
        )
    source = SHIPPED if path is None else Path(path)
    content = _read(source)
    header, entries = _header(source, content)
    check_flow(source, header, entries)
    shape, members = _checked(source, header, entries)
    try:
        tensors = safetensors.numpy.load(content)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise _damaged(source, str(error)) from None
    for name, array in tensors.items():
        if not np.isfinite(array).all():
            raise _damaged(source, f"{name} has numbers that are not finite")
    names = parameter_shapes(shape, HEADS)
    return MotionModel(
        members=tuple({name: tensors[f"member.{k}.{name}"] for name in names} for k in range(members)),
        card=header["card"],
        uncertainty_scale=float(header["uncertainty_scale"]),
        log_level={solvent: float(value) for solvent, value in header["log_level"].items()},
        flow=flow_of(tensors),
        file=WeightsFile(source.name, hashlib.sha256(content).hexdigest()),
    )


def _shape_of(model: MotionModel) -> NetworkShape:
    """Sizes of the networks of a model, from its first member."""
    if not model.members:
        raise ValueError("the model has no members")
    first = model.members[0]
    layers = {found[1] for name in first if (found := re.match(r"layers\.(\d+)\.", name))}
    try:
        n_node, width = first["embed.0.weight"].shape
        n_edge = first["layers.0.edge.weight"].shape[0] if layers else N_EDGE_FEATURES
    except KeyError as error:
        raise ValueError(f"member 0 has no parameter {error}") from None
    return NetworkShape(int(n_node), int(n_edge), int(width), len(layers))


def _read(source: Path) -> bytes:
    try:
        size = source.stat().st_size
        if not source.is_file():
            raise InputError(f"{source}: is not a file; expected weights that unfreeze wrote (….safetensors)")
        if size > _MAX_BYTES:
            raise InputError(f"{source}: is {size / 2**20:,.0f} MiB large, expected weights of at most 256 MiB")
        with source.open("rb") as stream:
            return stream.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        raise InputError(f"{source}: there is no such file of weights; name one, or use the model 'harmonic'") from None
    except OSError as error:
        raise InputError(f"{source}: cannot be read ({error.strerror or error})") from None


def _header(source: Path, content: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the file says of itself, and name → {dtype, shape} of its tensors."""
    length = int.from_bytes(content[:8], "little")
    if len(content) < 10 or content[8:9] != b"{" or length > _MAX_HEADER_BYTES:
        raise InputError(f"{source}: is not a safetensors file; expected weights that unfreeze wrote")
    if 8 + length > len(content):
        raise _damaged(source, "it ends within its header")
    try:
        entries = json.loads(content[8 : 8 + length])
        metadata = entries.pop("__metadata__", {})
        text = metadata.get("unfreeze")
        header = json.loads(text) if isinstance(text, str) else None
    except (ValueError, AttributeError, RecursionError) as error:
        raise _damaged(source, f"its header cannot be read, {error}") from None
    schema = header.get("schema") if isinstance(header, dict) else None
    if not isinstance(header, dict) or not isinstance(schema, str) or not schema.startswith("unfreeze-weights/"):
        raise InputError(f"{source}: holds tensors, but not weights of unfreeze; expected a file that unfreeze wrote")
    if schema != WEIGHTS_SCHEMA:
        raise InputError(
            f"{source}: has schema {schema!r}, expected {WEIGHTS_SCHEMA!r}; use the unfreeze that wrote it"
        )
    return header, entries


def _checked(source: Path, header: Mapping[str, Any], entries: Mapping[str, Any]) -> tuple[NetworkShape, int]:
    """The shape of the networks and how many there are, after header and tensors were found to agree."""
    if header.get("kind") != "motion":
        raise InputError(f"{source}: kind is {header.get('kind')!r}, expected 'motion'; update unfreeze")
    version = header.get("features_version")
    if version != FEATURES_VERSION:
        raise InputError(
            f"{source}: was trained on version {version!r} of the features, this unfreeze computes version "
            f"{FEATURES_VERSION}; use weights and program of one release"
        )
    shape = _checked_shape(source, header.get("shape"))
    scale = header.get("uncertainty_scale")
    if isinstance(scale, bool) or not isinstance(scale, (int, float)) or not 0.0 < scale < math.inf:
        raise _damaged(source, f"uncertainty_scale is {scale!r}, expected a positive number")
    levels = header.get("log_level")
    if not isinstance(levels, dict) or any(
        isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < _MAX_LOG_LEVEL
        for value in levels.values()
    ):
        raise _damaged(source, f"log_level is {levels!r}, expected a number below {_MAX_LOG_LEVEL} for each solvent")
    if not isinstance(header.get("card"), dict):
        raise _damaged(source, "'card' is not a JSON object")
    expected = {name: list(sizes) for name, sizes in parameter_shapes(shape, HEADS).items()}
    members, rest = divmod(len(entries), len(expected))
    if rest or not 1 <= members <= _MAX_MEMBERS:
        raise _damaged(
            source, f"it has {len(entries)} tensors, expected {len(expected)} for each of 1 to {_MAX_MEMBERS} members"
        )
    for number in range(members):
        for name, sizes in expected.items():
            entry = entries.get(f"member.{number}.{name}")
            found = (entry.get("dtype"), entry.get("shape")) if isinstance(entry, dict) else None
            if found != ("F32", sizes):
                raise _damaged(source, f"tensor member.{number}.{name} is {found}, expected {('F32', sizes)}")
    return shape, members


def _checked_shape(source: Path, found: Any) -> NetworkShape:
    names = ("n_node_features", "n_edge_features", "width", "n_layers")
    if not isinstance(found, dict) or set(found) != set(names) or any(type(found[name]) is not int for name in names):
        raise _damaged(source, f"'shape' must give {', '.join(names)} as whole numbers")
    if (found["n_node_features"], found["n_edge_features"]) != (N_NODE_FEATURES, N_EDGE_FEATURES):
        raise InputError(
            f"{source}: the network reads {found['n_node_features']} features of a block and "
            f"{found['n_edge_features']} of a pair, expected {N_NODE_FEATURES} and {N_EDGE_FEATURES}"
        )
    if not (1 <= found["width"] <= _MAX_WIDTH and 0 <= found["n_layers"] <= _MAX_LAYERS):
        raise _damaged(
            source,
            f"'shape' has width {found['width']} and {found['n_layers']} layers, expected 1 to {_MAX_WIDTH} and "
            f"at most {_MAX_LAYERS}",
        )
    return NetworkShape(**found)


def _damaged(source: Path, what: str) -> InputError:
    return InputError(f"{source}: the file of weights is damaged: {what}; copy or download it again")
