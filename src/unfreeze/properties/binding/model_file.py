"""The model of absolute affinities on disk: one safetensors file, checked before it is used; nothing in it is executed.

Tensors: the training complexes on the scale of the features (``points``), their ΔG (``measured``) and family
(``family``), the scale (``standard``: low, high, mean, spread), and the statistical potential (``potential``, pairs of
atom types with the first not after the second). The process is fitted again when the file is read, in milliseconds.
The header's metadata has one key, ``unfreeze``, with JSON: schema, version of the features, their names, settings,
the calibration of the error, bounds of what was trained on, and the card.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.files.tensor_file import TensorFile, damaged, read_tensor_file, write_tensor_file
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
    return write_tensor_file(path, tensors, header)


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
    file = read_tensor_file(SHIPPED if path is None else path, schema=SCHEMA, max_bytes=_MAX_BYTES)
    file.expect_version("features_version", FEATURES_VERSION, "features")
    header = file.header
    try:
        settings = Settings(**{name: float(value) for name, value in header["settings"].items()})
        limits = {str(name): (float(low), float(high)) for name, (low, high) in header["limits"].items()}
        names = tuple(map(str, header["names"]))
        error_scale, card = float(header["error_scale"]), dict(header["card"])
    except KeyError as error:
        raise damaged(file.path, f"its header lacks {error}") from None
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise damaged(file.path, f"its header cannot be read, {error}") from None
    _check_numbers(file, settings, limits, error_scale)
    tensors = _tensors(file, len(names))
    potential = np.zeros((N_TYPES, N_TYPES, len(EDGES_NM) - 1), dtype=np.float16)
    one, other = np.triu_indices(N_TYPES)
    potential[one, other] = potential[other, one] = tensors["potential"]
    low, high, mean, spread = tensors["standard"]
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


def _check_numbers(
    file: TensorFile, settings: Settings, limits: Mapping[str, tuple[float, float]], error_scale: float
) -> None:
    if missing := {"residues", "buried_nm2", "contacts", "distance"} - limits.keys():
        raise damaged(file.path, f"its limits lack {', '.join(sorted(missing))}")
    numbers = [*asdict(settings).values(), *(bound for bounds in limits.values() for bound in bounds)]
    if not all(math.isfinite(one) for one in numbers):
        raise damaged(file.path, "its settings or limits have numbers that are not finite")
    if min(settings.length, settings.noise) <= 0.0 or min(settings.linear, settings.family) < 0.0:
        raise damaged(file.path, f"its settings are {asdict(settings)}, expected positive numbers")
    if not 0.0 < error_scale < math.inf:
        raise damaged(file.path, f"error_scale is {error_scale}, expected a positive number")


def _tensors(file: TensorFile, n_columns: int) -> dict[str, NDArray[Any]]:
    """The tensors, after their shapes were found to be those of some complexes with these features."""
    n_rows = math.prod(file.shapes.get("measured", ("", (0,)))[1])
    if not 2 <= n_rows <= _MAX_COMPLEXES or not 1 <= n_columns <= _MAX_FEATURES:
        raise damaged(
            file.path,
            f"it has {n_rows:,} complexes with {n_columns:,} features, expected 2 to {_MAX_COMPLEXES:,} with 1 to "
            f"{_MAX_FEATURES:,}",
        )
    file.expect(
        {
            "points": ("F32", (n_rows, n_columns)),
            "measured": ("F32", (n_rows,)),
            "family": ("I32", (n_rows,)),
            "standard": ("F64", (4, n_columns)),
            "potential": ("F16", (N_TYPES * (N_TYPES + 1) // 2, len(EDGES_NM) - 1)),
        }
    )
    tensors = file.tensors()
    if not (tensors["standard"][3] > 0.0).all():
        raise damaged(file.path, "the spread of a feature is not positive")
    return tensors
