"""The model of whole proteins on disk: one safetensors file, read and written with numpy alone.

Matrices are kept as whole numbers of eight bits with one scale a column (``<name>:scale``); all else as float32.
Tensors are called ``member.<k>.<parameter>``, ``reference.letters`` (all sequences one after the other, numbers of
`protein.letters`), ``reference.lengths``, ``profile.weights`` and ``profile.mean``. The header's metadata has one key,
``unfreeze``, with JSON: ``schema`` (``unfreeze-weights/1``), ``kind`` (``protein``), ``descriptors_version``,
``shape`` of the encoder, ``terms`` and ``profile_terms``, ``longest``, ``location`` and ``function`` (temperature,
thresholds), ``confidence``, ``network_share``, ``reference`` (identifiers and terms), ``limits`` and ``card``.

A file is read only after its header has been checked: nothing in it is ever executed, and sizes are bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.files.tensor_file import TensorFile, damaged, read_tensor_file, write_tensor_file
from unfreeze.properties.language.embeddings import LanguageModel
from unfreeze.properties.language.identity import LanguageIdentity, agree
from unfreeze.properties.modalities.language import SUMMARY
from unfreeze.properties.modalities.location import LOCATIONS
from unfreeze.properties.protein.descriptors import DESCRIPTORS_VERSION
from unfreeze.properties.protein.encoder import EncoderShape
from unfreeze.properties.protein.letters import AMINO_ACIDS, letter_codes
from unfreeze.properties.protein.model import ProteinModel
from unfreeze.properties.protein.neighbours import Reference
from unfreeze.properties.protein.profile import Profile
from unfreeze.properties.protein.weights_header import (
    TERM,
    checked_calibration,
    checked_confidence,
    checked_limits,
    checked_shape,
    checked_share,
    checked_terms,
    is_quantised,
    member_shapes,
    tensor_shapes,
)

__all__ = ["SHIPPED", "load_protein_model", "quantised", "save_protein_model"]

SHIPPED = Path(__file__).resolve().parents[2] / "weights" / "properties-protein.safetensors"
"""The model that comes with the package."""

_SCHEMA, _KIND = "unfreeze-weights/1", "protein"
_LETTERS = AMINO_ACIDS + "X"


def quantised(weight: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """A matrix as whole numbers −127 to 127 and one scale a column: weight ≈ numbers × scale."""
    scale = np.abs(weight).max(0) / 127.0
    scale[scale == 0] = 1.0
    return np.rint(weight / scale).astype(np.int8), scale.astype(np.float32)


def save_protein_model(path: str | Path, model: ProteinModel) -> Path:
    """Write a model; the file is whole or absent, and the same model gives the same bytes.

    Parameters
    ----------
    path
        File to write, ``….safetensors``.
    model
        The model.

    Raises
    ------
    InputError
        If the folder cannot be written to.
    ValueError
        If the model's arrays do not belong together or are not finite.
    """
    shape = _shape_of(model)
    expected = member_shapes(shape, len(model.terms))
    tensors: dict[str, NDArray[Any]] = {}
    for number, member in enumerate(model.members):
        found = {name: array.shape for name, array in member.items()}
        if found != expected:
            raise ValueError(f"member {number}: parameters {sorted(set(found.items()) ^ set(expected.items()))[:3]}")
        for name, array in member.items():
            if not np.isfinite(array).all():
                raise ValueError(f"member {number}: {name} has numbers that are not finite")
            key = f"member.{number}.{name}"
            if is_quantised(expected[name]):
                tensors[key], tensors[f"{key}:scale"] = quantised(array)
            else:
                tensors[key] = np.ascontiguousarray(array, dtype=np.float32)
    tensors["profile.weights"], tensors["profile.weights:scale"] = quantised(model.profile.weights)
    tensors["profile.mean"] = np.ascontiguousarray(model.profile.mean, dtype=np.float32)
    reference = model.reference
    tensors["reference.letters"] = letter_codes("".join(reference.sequences))
    tensors["reference.lengths"] = np.array([len(one) for one in reference.sequences], dtype=np.int32)
    names = [[name, *sorted(terms)] for name, terms in zip(reference.identifiers, reference.terms, strict=True)]
    sizes = asdict(shape)
    if model.language is None:
        del sizes["n_language"]
    header = {
        "schema": _SCHEMA,
        "kind": _KIND,
        "descriptors_version": DESCRIPTORS_VERSION,
        "shape": sizes,
        "terms": list(model.terms),
        "profile_terms": list(model.profile.terms),
        "longest": model.longest,
        "location": asdict(model.location),
        "function": asdict(model.function),
        "confidence": {str(places): values.tolist() for places, values in model.confidence.items()},
        "network_share": model.network_share,
        "reference": names,
        "limits": asdict(model.limits),
        "card": dict(model.card),
    } | ({"language": asdict(model.language)} if model.language else {})
    return write_tensor_file(path, tensors, header)


def load_protein_model(path: str | Path | None = None, reader: LanguageModel | None = None) -> ProteinModel:
    """Read a model.

    Parameters
    ----------
    path
        The file; the model that comes with the package when None (read once).
    reader
        A language model (:func:`unfreeze.properties.language.embeddings.open_language_model`).

    Raises
    ------
    InputError
        If there is no such file, it is damaged, or it belongs to another program or version; the message says which.
        If it was trained with another language model than that, or with none.
    """
    if path is None and not SHIPPED.is_file():
        raise InputError("this installation of unfreeze has no trained model of location and function")
    model = _shipped() if path is None else _load(Path(path))
    if reader is None:
        return model
    agree(str(path or SHIPPED), model.language, reader.identity)
    return replace(model, reader=reader)


@lru_cache(maxsize=1)
def _shipped() -> ProteinModel:
    return _load(SHIPPED)


def _load(source: Path) -> ProteinModel:
    file = read_tensor_file(source, schema=_SCHEMA, kind=_KIND)
    file.expect_version("descriptors_version", DESCRIPTORS_VERSION, "descriptors")
    try:
        return _model(file)
    except InputError:
        raise
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        raise damaged(source, _what(error)) from None


def _model(file: TensorFile) -> ProteinModel:
    header = file.header
    shape, (terms, profile_terms) = checked_shape(header), checked_terms(header)
    if not isinstance(header["card"], dict):
        raise ValueError("'card' is not a JSON object")
    parameters = member_shapes(shape, len(terms))
    n_members, wanted = tensor_shapes(parameters, len(profile_terms), len(header["reference"]), file.shapes)
    file.expect(wanted)
    tensors = file.tensors()
    return ProteinModel(
        members=tuple(_member(tensors, number, parameters) for number in range(n_members)),
        terms=terms,
        longest=header["longest"],
        location=checked_calibration(header["location"], len(LOCATIONS)),
        function=checked_calibration(header["function"], len(profile_terms)),
        confidence=checked_confidence(header["confidence"]),
        network_share=checked_share(header["network_share"]),
        reference=_reference(tensors, header["reference"]),
        profile=Profile(profile_terms, tensors["profile.mean"], _restored(tensors, "profile.weights")),
        limits=checked_limits(header["limits"]),
        card=header["card"],
        language=LanguageIdentity.read(header["language"]) if "language" in header else None,
    )


def _what(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"its header lacks {error}"
    return str(error) or type(error).__name__


def _shape_of(model: ProteinModel) -> EncoderShape:
    if not model.members:
        raise ValueError("the model has no members")
    first = model.members[0]
    n_descriptors, pooled = first["descriptors.weight"].shape
    n_language = len(first["language.centre"]) if "language.centre" in first else 0
    if n_language != (SUMMARY * model.language.width if model.language else 0):
        raise ValueError("the members are not of this language model")
    if "query.weight" not in first:
        return EncoderShape(0, 0, pooled, n_descriptors, 0, n_language=n_language)
    _queried, n_queries = first["query.weight"].shape
    width = first["blocks.0.out.weight"].shape[0]
    return EncoderShape(width, n_queries, pooled, n_descriptors, first["letter"].shape[1], n_language=n_language)


def _restored(tensors: Mapping[str, NDArray[Any]], name: str) -> NDArray[np.float32]:
    """A matrix from its eight bits."""
    restored = tensors[name].astype(np.float32) * tensors[f"{name}:scale"]
    if not np.isfinite(restored).all():
        raise ValueError(f"{name} has numbers that are not finite")
    return restored


def _member(
    tensors: Mapping[str, NDArray[Any]], number: int, parameters: Mapping[str, tuple[int, ...]]
) -> dict[str, NDArray[np.float32]]:
    found: dict[str, NDArray[np.float32]] = {}
    for name, sizes in parameters.items():
        key = f"member.{number}.{name}"
        found[name] = _restored(tensors, key) if is_quantised(sizes) else tensors[key]
    for name in found.keys() & {"scale", "language.scale"}:
        if not (found[name] > 0).all():
            raise ValueError(f"member.{number}.{name} has numbers that are not positive")
    return found


def _reference(tensors: Mapping[str, NDArray[Any]], names: Any) -> Reference:
    letters, lengths = tensors["reference.letters"], tensors["reference.lengths"].astype(np.int64)
    if (lengths <= 0).any() or lengths.sum() != len(letters) or ((letters < 0) | (letters > 20)).any():
        raise ValueError("the reference's sequences are not whole")
    text = "".join(_LETTERS[number] for number in letters.tolist())
    places = np.concatenate([[0], np.cumsum(lengths)]).tolist()
    if not all(isinstance(row, list) and row and all(isinstance(one, str) for one in row) for row in names):
        raise ValueError("'reference' must give a name and terms for every chain")
    return Reference(
        tuple(row[0] for row in names),
        tuple(text[a:b] for a, b in pairwise(places)),
        tuple(frozenset(one for one in row[1:] if TERM.fullmatch(one)) for row in names),
    )
