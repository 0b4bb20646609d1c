"""The model of absolute affinities on disk: one safetensors file, checked before it is used; nothing in it is executed.

Tensors: the training complexes on the scale of the features (``points``), their ΔG (``measured``) and family
(``family``), the scale (``standard``: low, high, mean, spread), and the statistical potential (``potential``, pairs of
atom types with the first not after the second). The process is fitted again when the file is read, in milliseconds.
The header's metadata has one key, ``unfreeze``, with JSON: schema, version of the features, their names, settings,
the calibration of the error, bounds of what was trained on, and the card.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from unfreeze.errors import InputError
from unfreeze.files.atomic import atomic_path
from unfreeze.properties.binding.features import FEATURES_VERSION
from unfreeze.properties.binding.potential import EDGES_NM, N_TYPES
from unfreeze.properties.binding.regression import Settings, Standard, Surrogate

__all__ = ["SCHEMA", "SHIPPED", "BindingModel", "load_binding_model", "save_binding_model"]

SCHEMA = "unfreeze-binding/1"
SHIPPED = Path(__file__).resolve().parents[2] / "weights" / "properties-binding.safetensors"
"""The model that comes with the package."""

_MAX_BYTES = 2**20
_MAX_COMPLEXES, _MAX_FEATURES = 5000, 1000


@dataclass(frozen=True, eq=False)
class BindingModel:
    """All that a prediction needs.

    Attributes
    ----------
    names
        Features, ``modality:name``.
    standard, points, measured, family, settings
        What the process is fitted to: scale, complexes [n, n_features], ΔG at 298.15 K [n] kJ/mol, family [n].
    error_scale
        Factor on the error of the process, from complexes held out.
    limits
        Lowest and highest of what was trained on: ``residues`` of a partner, ``buried_nm2``, ``contacts``,
        and ``distance`` (highest only): of a complex from the nearest of another family, on the scale of the features.
    potential : float16 [N_TYPES, N_TYPES, n_bins]
    card
        What the model is.
    """

    names: tuple[str, ...]
    standard: Standard
    points: NDArray[np.float64]
    measured: NDArray[np.float64]
    family: NDArray[np.int64]
    settings: Settings
    error_scale: float
    limits: Mapping[str, tuple[float, float]]
    potential: NDArray[np.floating]
    card: Mapping[str, Any]

    @cached_property
    def surrogate(self) -> Surrogate:
        """The fitted process."""
        return Surrogate.fit(self.standard, self.points, self.measured, self.family, self.settings)

    @property
    def uses_dynamics(self) -> bool:
        """Whether the motion model is needed."""
        return any(name.startswith("dynamics:") for name in self.names)


def save_binding_model(path: str | Path, model: BindingModel) -> Path:
    """Write a model; the same model gives the same bytes."""
    upper = np.triu_indices(N_TYPES)
    scale = model.standard
    tensors = {
        "points": model.points.astype(np.float32),
        "measured": model.measured.astype(np.float32),
        "family": model.family.astype(np.int32),
        "standard": np.stack([scale.low, scale.high, scale.mean, scale.spread]).astype(np.float64),
        "potential": np.ascontiguousarray(model.potential[upper]).astype(np.float16),
    }
    header = {
        "schema": SCHEMA,
        "features_version": FEATURES_VERSION,
        "names": list(model.names),
        "settings": asdict(model.settings),
        "error_scale": model.error_scale,
        "limits": {name: list(bounds) for name, bounds in model.limits.items()},
        "card": dict(model.card),
    }
    text = json.dumps(header, ensure_ascii=False, allow_nan=False, sort_keys=True)
    target = Path(path)
    with atomic_path(target) as temporary:
        temporary.write_bytes(safetensors.numpy.save(tensors, metadata={"unfreeze": text}))
    return target


def load_binding_model(path: str | Path | None = None) -> BindingModel:
    """Read a model.

    Parameters
    ----------
    path
        The file; the model that comes with the package when None.

    Raises
    ------
    InputError
        If there is no such file, it is damaged, or of another version.
    """
    source = SHIPPED if path is None else Path(path)
    content = _read(source)
    header = _header(source, content)
    try:
        tensors = safetensors.numpy.load(content)
        settings = Settings(**{name: float(value) for name, value in header["settings"].items()})
        limits = {str(name): (float(low), float(high)) for name, (low, high) in header["limits"].items()}
        names = tuple(map(str, header["names"]))
        error_scale, card = float(header["error_scale"]), dict(header["card"])
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(source, str(error)) from None
    n_rows, n_columns, n_bins = len(tensors.get("measured", ())), len(names), len(EDGES_NM) - 1
    shapes = {
        "points": (n_rows, n_columns),
        "measured": (n_rows,),
        "family": (n_rows,),
        "standard": (4, n_columns),
        "potential": (N_TYPES * (N_TYPES + 1) // 2, n_bins),
    }
    found = {name: array.shape for name, array in tensors.items()}
    if found != shapes or not 2 <= n_rows <= _MAX_COMPLEXES or not 1 <= n_columns <= _MAX_FEATURES:
        raise _damaged(source, f"tensors are {found}, expected {shapes}")
    if not all(np.isfinite(array).all() for array in tensors.values()) or not 0.0 < error_scale < math.inf:
        raise _damaged(source, "it has numbers that are not finite")
    if missing := {"residues", "buried_nm2", "contacts", "distance"} - limits.keys():
        raise _damaged(source, f"its limits lack {', '.join(sorted(missing))}")
    potential = np.zeros((N_TYPES, N_TYPES, n_bins), dtype=np.float16)
    one, other = np.triu_indices(N_TYPES)
    potential[one, other] = potential[other, one] = tensors["potential"]
    low, high, mean, spread = tensors["standard"].astype(np.float64)
    return BindingModel(
        names=names,
        standard=Standard(low, high, mean, spread),
        points=tensors["points"].astype(np.float64),
        measured=tensors["measured"].astype(np.float64),
        family=tensors["family"].astype(np.int64),
        settings=settings,
        error_scale=error_scale,
        limits=limits,
        potential=potential,
        card=card,
    )


def _read(source: Path) -> bytes:
    try:
        if source.stat().st_size > _MAX_BYTES:
            raise InputError(f"{source}: is larger than 1 MiB; expected the model of affinities that unfreeze wrote")
        return source.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{source}: there is no such file; expected the model of affinities of unfreeze") from None
    except OSError as error:
        raise InputError(f"{source}: cannot be read ({error.strerror or error})") from None


def _header(source: Path, content: bytes) -> dict[str, Any]:
    length = int.from_bytes(content[:8], "little")
    if len(content) < 10 or content[8:9] != b"{" or 8 + length > len(content):
        raise InputError(f"{source}: is not a whole safetensors file; expected the model of affinities of unfreeze")
    try:
        header = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["unfreeze"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError(f"{source}: holds tensors, but no model of affinities of unfreeze") from None
    if not isinstance(header, dict) or header.get("schema") != SCHEMA:
        raise InputError(f"{source}: is not of schema {SCHEMA!r}; use weights and program of one release")
    if header.get("features_version") != FEATURES_VERSION:
        raise InputError(
            f"{source}: was trained on version {header.get('features_version')!r} of the features, this unfreeze "
            f"computes version {FEATURES_VERSION}; use weights and program of one release"
        )
    return header


def _damaged(source: Path, what: str) -> InputError:
    return InputError(f"{source}: the model of affinities is damaged: {what}; copy or download it again")
