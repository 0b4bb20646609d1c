"""The encoder of whole proteins: letters in, one vector a chain out, written once for numpy and for torch.

Gated convolutions along the chain (Dauphin et al. 2017, ICML) with growing dilation, at half and then a quarter of the
residues' resolution, so that the cost is linear in the length; then pooling by attention with several queries, each of
which knows how far a residue is from both ends (signal and transit peptides sit at the amino end, retention and
peroxisome signals at the carboxyl end), as in DeepLoc (Almagro Armenteros et al. 2017, Bioinformatics 33, 3387). What
is known of the chain as a whole (`protein.descriptors`) is added to the pooled vector.

A summary of what a language model says (`modalities.language`) may be given as well, by weights trained with it.
Columns of structure (`STRUCTURE_COLUMNS`) may be given for any residue; where they are absent, their mask is 0 and
nothing is added. Parameters are a flat dictionary of arrays and every function here is a pure function of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from unfreeze.model.network import linear, silu

__all__ = ["STRUCTURE_COLUMNS", "Array", "EncoderShape", "decode", "encode_proteins", "initial_parameters"]

Array: TypeAlias = Any
"""A numpy array or a torch tensor; all arguments of a call are of one kind."""

STRUCTURE_COLUMNS = ("contacts_10A", "helix", "strand", "sin_phi", "cos_phi", "sin_psi", "cos_psi")
"""Of a residue: Cα atoms within 1 nm over 20; helix and strand by φ and ψ; the torsions themselves."""

_END_SCALES = (4.0, 16.0, 64.0, 256.0)  # residues
_STEM_TAPS, _TAPS = 9, 5
_DILATIONS = (1, 2, 4, 8)
_N_MIXED = 2
N_LETTERS = 22
"""Twenty amino acids, one for what has no letter, one for no residue."""


@dataclass(frozen=True)
class EncoderShape:
    """Sizes of an encoder.

    Attributes
    ----------
    width
        Numbers a position; 0 for an encoder that reads descriptors alone.
    n_queries
        Of the pooling.
    pooled
        Numbers a chain.
    n_descriptors
        Numbers known of a chain as a whole.
    letter
        Numbers that stand for a letter.
    structure
        Whether columns of structure may be given.
    n_language
        Numbers of a language model's summary of a chain; 0 for none.
    """

    width: int = 128
    n_queries: int = 12
    pooled: int = 256
    n_descriptors: int = 0
    letter: int = 24
    structure: bool = False
    n_language: int = 0


def linear_maps(shape: EncoderShape, outputs: Mapping[str, int]) -> Iterator[tuple[str, int, int, float]]:
    """Name, numbers in, numbers out and scale of the first weights of every linear map."""
    width, ends = shape.width, 2 * len(_END_SCALES)
    if width:
        yield "stem", _STEM_TAPS * (shape.letter + ends), 2 * width, 1.0
        if shape.structure:
            yield "structure", _STEM_TAPS * len(STRUCTURE_COLUMNS), 2 * width, 0.3
        yield "down", _TAPS * width, 2 * width, 1.0
        for number in range(len(_DILATIONS)):
            yield f"blocks.{number}.gate", _TAPS * width, 2 * width, 1.0
            yield f"blocks.{number}.out", width, width, 0.5
        yield "query", width + ends, shape.n_queries, 1.0
        yield "pool", (shape.n_queries + 1) * width, shape.pooled, 0.2
    if shape.n_descriptors:
        yield "descriptors", shape.n_descriptors, shape.pooled, 1.0
    for number in range(_N_MIXED):
        yield f"mix.{number}.0", shape.pooled, shape.pooled, 1.0
        yield f"mix.{number}.1", shape.pooled, shape.pooled, 0.5
    for head, n_out in outputs.items():
        yield f"heads.{head}", shape.pooled, n_out, 0.3
    if shape.n_language:  # last, so that the random numbers of all others are the same with and without
        yield "language", shape.n_language, shape.pooled, 1.0


def initial_parameters(
    shape: EncoderShape, outputs: Mapping[str, int], seed: int = 0
) -> dict[str, NDArray[np.float32]]:
    """Random weights.

    Parameters
    ----------
    shape
        Sizes.
    outputs
        Numbers that each decoder gives for a chain, by its name.
    seed
        Of the random numbers.
    """
    random = np.random.default_rng(seed)
    letters = random.standard_normal((N_LETTERS, shape.letter))
    letters[-1] = 0.0
    parameters = {"letter": letters.astype(np.float32)} if shape.width else {}
    for name, n_in, n_out, scale in linear_maps(shape, outputs):
        weight = random.standard_normal((n_in, n_out)) * (scale / np.sqrt(n_in))
        parameters[f"{name}.weight"] = weight.astype(np.float32)
        parameters[f"{name}.bias"] = np.zeros(n_out, dtype=np.float32)
    return parameters


def parameter_shapes(shape: EncoderShape, outputs: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    """Name and shape of every parameter, in the order of :func:`initial_parameters`."""
    shapes: dict[str, tuple[int, ...]] = {"letter": (N_LETTERS, shape.letter)} if shape.width else {}
    for name, n_in, n_out, _scale in linear_maps(shape, outputs):
        shapes[f"{name}.weight"] = (n_in, n_out)
        shapes[f"{name}.bias"] = (n_out,)
    return shapes


def encode_proteins(
    parameters: Mapping[str, Array],
    letters: Array | None,
    ends: Array | None,
    descriptors: Array | None,
    structure: Array | None = None,
    drop: Callable[[Array], Array] = lambda values: values,
    language: Array | None = None,
) -> Array:
    """One vector a chain, from what is there: letters, descriptors, or both.

    Parameters
    ----------
    parameters
        Of :func:`initial_parameters`, or trained.
    letters : int [n_chains, n_places], optional
        Numbers of letters (`protein.letters`), ``N_LETTERS − 1`` where there is no residue; n_places divides by 4.
    ends : float [n_chains, n_places, 8], optional
        How near a residue is to either end (`protein.letters.batch`); with the letters.
    descriptors : float [n_chains, n_descriptors], optional
        Of the whole chain.
    structure : float [n_chains, n_places, n_columns], optional
        Zero where nothing is known.
    drop
        What training does to the vectors between the layers.
    language : float [n_chains, n_language], optional
        Summaries in units of their spread; zero for a chain of which there is none.

    Returns
    -------
    [n_chains, pooled]
    """
    vector: Array = 0.0
    if letters is not None and ends is not None:
        vector = linear(parameters, "pool", drop(_read_along_chain(parameters, letters, ends, structure, drop)))
    if descriptors is not None:
        vector = vector + linear(parameters, "descriptors", drop(descriptors))
    if language is not None:
        vector = vector + linear(parameters, "language", drop(language))
    for number in range(_N_MIXED):
        inner = silu(linear(parameters, f"mix.{number}.0", drop(_normalised(vector))))
        vector = vector + linear(parameters, f"mix.{number}.1", inner)
    return _normalised(vector)


def decode(parameters: Mapping[str, Array], task: str, vectors: Array) -> Array:
    """What the decoder called `task` gives for the vectors of :func:`encode_proteins`: logits [n_chains, n_classes]."""
    return linear(parameters, f"heads.{task}", vectors)


def _read_along_chain(
    parameters: Mapping[str, Array],
    letters: Array,
    ends: Array,
    structure: Array | None,
    drop: Callable[[Array], Array],
) -> Array:
    """Convolutions and pooling: [n_chains, (n_queries + 1) width]."""
    width = parameters["query.weight"].shape[0] - ends.shape[-1]
    present = (letters != N_LETTERS - 1)[..., None]
    values = _joined([parameters["letter"][letters] * present, ends * present])
    hidden = _convolved(parameters, "stem", values, _STEM_TAPS, stride=2)
    if structure is not None and "structure.weight" in parameters:
        hidden = hidden + _convolved(parameters, "structure", structure, _STEM_TAPS, stride=2)
    hidden = _gated(hidden, width) * present[:, ::2]
    hidden = _gated(_convolved(parameters, "down", hidden, _TAPS, stride=2), width)
    present, ends = present[:, ::4], ends[:, ::4]
    for number, dilation in enumerate(_DILATIONS):
        name = f"blocks.{number}"
        normal = drop(_normalised(hidden)) * present
        inner = _gated(_convolved(parameters, f"{name}.gate", normal, _TAPS, dilation=dilation), width)
        hidden = hidden + linear(parameters, f"{name}.out", inner)
    return _pooled(parameters, _normalised(hidden), present, ends)


def _pooled(parameters: Mapping[str, Array], hidden: Array, present: Array, ends: Array) -> Array:
    """Attention's means and the plain mean: [n_chains, (n_queries + 1) width]."""
    scores = linear(parameters, "query", _joined([hidden, ends]))
    scores = _float32(scores) + (1.0 - _float32(present)) * -1e4
    weights = _softmax_along_chain(scores)
    share = _float32(present) / _float32(present).sum(1)[:, None]
    weights = _joined([weights, share])
    pooled = (weights.swapaxes(1, 2) @ _float32(hidden)).reshape(len(hidden), -1)
    return pooled if isinstance(pooled, np.ndarray) else pooled.to(hidden.dtype)


def _convolved(
    parameters: Mapping[str, Array], name: str, values: Array, taps: int, dilation: int = 1, stride: int = 1
) -> Array:
    """A convolution along the chain, zeros beyond its ends; [n_chains, n_places / stride, n_out]."""
    weight, bias = parameters[f"{name}.weight"], parameters[f"{name}.bias"]
    margin = dilation * (taps // 2)
    if not isinstance(values, np.ndarray):
        from torch import channels_last
        from torch.nn.functional import conv2d

        kernel = weight.reshape(taps, values.shape[-1], -1).permute(2, 1, 0)[:, :, None]
        kernel = kernel.contiguous(memory_format=channels_last)
        image = values.swapaxes(1, 2)[:, :, None]
        found = conv2d(image, kernel, bias, stride=(1, stride), padding=(0, margin), dilation=(1, dilation))
        return found[:, :, 0].swapaxes(1, 2)
    n = values.shape[1]
    padded = np.pad(values, ((0, 0), (margin, margin), (0, 0)))
    parts = [padded[:, tap * dilation : tap * dilation + n : stride] for tap in range(taps)]
    return np.concatenate(parts, axis=-1) @ weight + bias


def _gated(values: Array, width: int) -> Array:
    if isinstance(values, np.ndarray):
        return values[..., :width] / (1.0 + np.exp(-np.clip(values[..., width:], -60.0, 60.0)))
    from torch.nn.functional import glu

    return glu(values, -1)


def _normalised(values: Array) -> Array:
    if isinstance(values, np.ndarray):
        centred = values - values.mean(-1, keepdims=True)
        return centred / np.sqrt((centred * centred).mean(-1, keepdims=True) + 1e-5)
    from torch.nn.functional import layer_norm

    return layer_norm(values, values.shape[-1:])


def _joined(parts: list[Array]) -> Array:
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts, axis=-1)
    from torch import cat

    return cat([part.to(parts[0].dtype) for part in parts], -1)


def _softmax_along_chain(scores: Array) -> Array:
    if isinstance(scores, np.ndarray):
        powers = np.exp(scores - scores.max(1, keepdims=True))
        return powers / powers.sum(1, keepdims=True)
    return scores.softmax(1)


def _float32(values: Array) -> Array:
    return values.astype(np.float32) if isinstance(values, np.ndarray) else values.float()
