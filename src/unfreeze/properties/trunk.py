"""The trunk: encodings of the modalities that are there, added up and mixed, the same for all that is asked.

Written once for numpy and torch, as `model.network`: parameters are a flat dictionary and everything a pure function of
them. A modality that is missing adds nothing, so training with modalities left out at random (`properties.training`)
makes one trunk that reads a sequence alone, a structure, or a structure with its motion.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.model.network import Array, linear, silu
from unfreeze.properties.modalities import dynamics, language, mutation, sequence, structure
from unfreeze.properties.sites import SiteColumns

__all__ = ["MODALITIES", "OPTIONAL", "as_numpy", "encode", "initial_parameters", "parameter_shapes"]

MODALITIES = ("sequence", "structure", "dynamics")
"""What may be given of a site."""
OPTIONAL = ("language",)
"""What may be given besides, by weights that were trained with it."""
_N_BLOCKS = 2
_SMALL = 0.3


def initial_parameters(width: int, seed: int = 0, n_language: int = 0) -> dict[str, NDArray[np.float32]]:
    """Random weights of trunk, encoders and decoders.

    Parameters
    ----------
    width
        Numbers that a site carries.
    seed
        Of the random numbers.
    n_language
        Numbers a residue of the language model, where there is one; all other weights are the same without.
    """
    random = np.random.default_rng(seed)
    parameters: dict[str, NDArray[np.float32]] = {}
    for name, n_in, n_out, scale in _linear_maps(width, n_language):
        weight = random.standard_normal((n_in, n_out)) * (scale / np.sqrt(n_in))
        parameters[f"{name}.weight"] = weight.astype(np.float32)
        parameters[f"{name}.bias"] = np.zeros(n_out, dtype=np.float32)
    parameters.update(mutation.initial_shares())
    if n_language:
        parameters.update(language.initial_constants(n_language))
    return parameters


def parameter_shapes(width: int, n_language: int = 0) -> dict[str, tuple[int, ...]]:
    """Name and shape of every parameter."""
    shapes: dict[str, tuple[int, ...]] = {}
    for name, n_in, n_out, _scale in _linear_maps(width, n_language):
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = (n_in, n_out), (n_out,)
    others = mutation.initial_shares() | (language.initial_constants(n_language) if n_language else {})
    return {**shapes, **{name: one.shape for name, one in others.items()}}


def as_numpy(columns: SiteColumns) -> dict[str, NDArray[Any]]:
    """Columns as the trunk reads them: float32, kinds of the window as zeros and ones."""
    one_hot = np.eye(sequence.N_KINDS, dtype=np.float32)[columns.window].reshape(len(columns), -1)
    names = ("ends", "nodes", "pairs", "present", "motion_nodes", "motion_pairs", "has_structure", "has_motion")
    names += ("language", "has_language")
    return {"window": one_hot, **{name: getattr(columns, name).astype(np.float32) for name in names}}


def encode(parameters: Mapping[str, Array], columns: Mapping[str, Array], given: Collection[str] = MODALITIES) -> Array:
    """Run encoders and trunk.

    Parameters
    ----------
    parameters
        Of :func:`initial_parameters`, or trained.
    columns
        Of :func:`as_numpy`, or the same as torch tensors. ``has_structure``, ``has_motion`` and ``has_language``
        [n_sites] are weights of the encodings: 0 for what is missing.
    given
        Modalities to use; `sequence` is always used.

    Returns
    -------
    [n_sites, width]
    """
    hidden = sequence.encode(parameters, columns["window"], columns["ends"])
    if "structure" in given:
        around = structure.encode(parameters, columns["nodes"], columns["pairs"], columns["present"])
        hidden = hidden + columns["has_structure"][:, None] * around
    if "dynamics" in given:
        moving = dynamics.encode(parameters, columns["motion_nodes"], columns["motion_pairs"], columns["present"])
        hidden = hidden + columns["has_motion"][:, None] * moving
    if "language" in given:
        said = language.encode(parameters, columns["language"])
        hidden = hidden + columns["has_language"][:, None] * said
    for block in range(_N_BLOCKS):
        mixed = silu(linear(parameters, f"trunk.{block}.0", normalised(hidden)))
        hidden = hidden + linear(parameters, f"trunk.{block}.1", mixed)
    return normalised(hidden)


def normalised(values: Array) -> Array:
    """Every row with mean 0 and variance 1."""
    centred = values - values.mean(-1)[..., None]
    return centred * ((centred * centred).mean(-1)[..., None] + 1e-5) ** -0.5


def _linear_maps(width: int, n_language: int = 0) -> Iterator[tuple[str, int, int, float]]:
    """Name, numbers in, numbers out and scale of the first weights of every linear map."""
    for layers in (sequence.layers, structure.layers, dynamics.layers):
        for name, (n_in, n_out) in layers(width).items():
            # a window has one 1 in every N_KINDS numbers
            yield name, n_in, n_out, np.sqrt(sequence.N_KINDS) if name == "sequence.window" else 1.0
    for block in range(_N_BLOCKS):
        yield f"trunk.{block}.0", width, 2 * width, 1.0
        yield f"trunk.{block}.1", 2 * width, width, _SMALL
    yield from mutation.layers(width)
    if n_language:  # last, so that the random numbers of all others are the same with and without
        for name, sizes in language.layers(width, n_language).items():
            yield name, *sizes
