"""The optional part of a file of weights: the flow of side-chain torsions.

Tensors are called ``flow.<parameter name>``; the header has ``flow`` with ``version`` and ``width`` and ``n_layers`` of
its network. A file without it is a model that keeps side chains rigid.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.model.flow import flow_shape, flow_shapes

__all__ = ["FLOW_VERSION", "check_flow", "flow_header", "flow_of", "flow_tensors"]

FLOW_VERSION = 1
"""Of what the flow reads and how its numbers are used; stored weights name theirs."""
_PREFIX = "flow."
_MAX_WIDTH, _MAX_LAYERS = 512, 8


def flow_header(flow: Mapping[str, NDArray[np.float32]] | None) -> dict[str, int] | None:
    """What the header says of a flow.

    Raises
    ------
    ValueError
        If its arrays do not belong together or are not finite.
    """
    if flow is None:
        return None
    width = int(flow["steps.own.weight"].shape[0])
    n_layers = sum(name.endswith(".gate.weight") for name in flow)
    if {name: array.shape for name, array in flow.items()} != flow_shapes(flow_shape(width, n_layers)):
        raise ValueError("the flow does not have the parameters of its shape")
    if not all(np.isfinite(array).all() for array in flow.values()):
        raise ValueError("the flow has numbers that are not finite")
    return {"version": FLOW_VERSION, "width": width, "n_layers": n_layers}


def flow_tensors(flow: Mapping[str, NDArray[np.float32]] | None) -> dict[str, NDArray[np.float32]]:
    """The flow's tensors by their names in a file."""
    return {_PREFIX + name: np.ascontiguousarray(array, dtype=np.float32) for name, array in (flow or {}).items()}


def check_flow(source: Path, header: Mapping[str, Any], entries: dict[str, Any]) -> None:
    """Take the flow's entries (dtype and shape by name) out of those of a file, after checking them.

    Raises
    ------
    InputError
        If they are not what the header says, or of another version.
    """
    found = {name.removeprefix(_PREFIX): entries.pop(name) for name in list(entries) if name.startswith(_PREFIX)}
    said = header.get("flow")
    if said is None and not found:
        return
    sizes: list[int] = []
    if isinstance(said, Mapping):
        sizes = [said[key] for key in ("version", "width", "n_layers") if type(said.get(key)) is int]
    if len(sizes) != 3:
        raise _damaged(source, f"'flow' is {said!r}, expected its version, width and n_layers")
    version, width, n_layers = sizes
    if version != FLOW_VERSION:
        raise InputError(
            f"{source}: its flow of side chains is version {version}, this unfreeze has version {FLOW_VERSION}; "
            "use weights and program of one release"
        )
    if not (1 <= width <= _MAX_WIDTH and 1 <= n_layers <= _MAX_LAYERS):
        raise _damaged(source, f"the flow has width {width} and {n_layers} layers")
    expected = {name: ("F32", list(shape)) for name, shape in flow_shapes(flow_shape(width, n_layers)).items()}
    have = {
        name: (entry.get("dtype"), entry.get("shape")) if isinstance(entry, dict) else None
        for name, entry in found.items()
    }
    if have != expected:
        wrong = sorted(set(have) ^ set(expected)) or [name for name in have if have[name] != expected[name]]
        raise _damaged(source, f"tensor {_PREFIX}{wrong[0]} is {have.get(wrong[0])}, expected {expected.get(wrong[0])}")


def flow_of(tensors: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]] | None:
    """The flow among a file's tensors; None if there is none."""
    found = {name.removeprefix(_PREFIX): array for name, array in tensors.items() if name.startswith(_PREFIX)}
    return found or None


def _damaged(source: Path, what: str) -> InputError:
    return InputError(f"{source}: the file of weights is damaged: {what}; copy or download it again")
