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

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from unfreeze.errors import InputError
from unfreeze.files.atomic import atomic_path
from unfreeze.properties.modalities.location import LOCATIONS
from unfreeze.properties.protein.descriptors import DESCRIPTORS_VERSION, N_DESCRIPTORS
from unfreeze.properties.protein.encoder import EncoderShape, parameter_shapes
from unfreeze.properties.protein.letters import AMINO_ACIDS, letter_codes
from unfreeze.properties.protein.model import Calibration, Limits, ProteinModel
from unfreeze.properties.protein.neighbours import Reference
from unfreeze.properties.protein.profile import Profile

__all__ = ["SHIPPED", "load_protein_model", "quantised", "save_protein_model"]

SHIPPED = Path(__file__).resolve().parents[2] / "weights" / "properties-protein.safetensors"
"""The model that comes with the package."""

_SCHEMA = "unfreeze-weights/1"
_MAX_BYTES, _MAX_HEADER_BYTES = 64 * 2**20, 4 * 2**20
_MAX_MEMBERS, _MAX_WIDTH, _MAX_TERMS, _MAX_CHAINS = 16, 1024, 10_000, 100_000
_TERM = re.compile(r"[1-7](\.(n?[0-9]{1,4})){0,3}")
_LEAST_QUANTISED = 4096  # numbers in a matrix
_FEATURES = 4
_N_SHARED = 5  # tensors of the reference and the profile
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
    expected = _expected(shape, len(model.terms))
    tensors: dict[str, NDArray[Any]] = {}
    for number, member in enumerate(model.members):
        found = {name: array.shape for name, array in member.items()}
        if found != expected:
            raise ValueError(f"member {number}: parameters {sorted(set(found.items()) ^ set(expected.items()))[:3]}")
        for name, array in member.items():
            if not np.isfinite(array).all():
                raise ValueError(f"member {number}: {name} has numbers that are not finite")
            key = f"member.{number}.{name}"
            if _is_quantised(expected[name]):
                tensors[key], tensors[f"{key}:scale"] = quantised(array)
            else:
                tensors[key] = np.ascontiguousarray(array, dtype=np.float32)
    tensors["profile.weights"], tensors["profile.weights:scale"] = quantised(model.profile.weights)
    tensors["profile.mean"] = np.ascontiguousarray(model.profile.mean, dtype=np.float32)
    reference = model.reference
    tensors["reference.letters"] = letter_codes("".join(reference.sequences))
    tensors["reference.lengths"] = np.array([len(one) for one in reference.sequences], dtype=np.int32)
    names = [[name, *sorted(terms)] for name, terms in zip(reference.identifiers, reference.terms, strict=True)]
    header = {
        "schema": _SCHEMA,
        "kind": "protein",
        "descriptors_version": DESCRIPTORS_VERSION,
        "shape": asdict(shape),
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
    }
    text = json.dumps(header, ensure_ascii=False, allow_nan=False, sort_keys=True)
    target = Path(path)
    with atomic_path(target) as temporary:
        temporary.write_bytes(safetensors.numpy.save(tensors, metadata={"unfreeze": text}))
    return target


def load_protein_model(path: str | Path | None = None) -> ProteinModel:
    """Read a model.

    Parameters
    ----------
    path
        The file; the model that comes with the package when None (read once).

    Raises
    ------
    InputError
        If there is no such file, it is damaged, or it belongs to another program or version; the message says which.
    """
    if path is None:
        if not SHIPPED.is_file():
            raise InputError("this installation of unfreeze has no trained model of location and function")
        return _shipped()
    return _load(Path(path))


@lru_cache(maxsize=1)
def _shipped() -> ProteinModel:
    return _load(SHIPPED)


def _load(source: Path) -> ProteinModel:
    content = _read(source)
    header, entries = _header(source, content)
    try:
        shape, n_members = _checked(source, header, entries)
        tensors = safetensors.numpy.load(content)
        expected = _expected(shape, len(header["terms"]))
        members = tuple(_member(source, tensors, number, expected) for number in range(n_members))
        return ProteinModel(
            members=members,
            terms=tuple(header["terms"]),
            longest=header["longest"],
            location=_calibration(header["location"], len(LOCATIONS)),
            function=_calibration(header["function"], len(header["profile_terms"])),
            confidence=_confidence(header["confidence"]),
            network_share=_share(header["network_share"]),
            reference=_reference(tensors, header["reference"]),
            profile=_profile(tensors, header["profile_terms"]),
            limits=_limits(header["limits"]),
            card=header["card"],
        )
    except (SafetensorError, KeyError, TypeError, ValueError, IndexError) as error:
        raise _damaged(source, str(error) or type(error).__name__) from None


def _expected(shape: EncoderShape, n_terms: int) -> dict[str, tuple[int, ...]]:
    found = parameter_shapes(shape, {"location": len(LOCATIONS), "function": n_terms})
    return {**found, "centre": (N_DESCRIPTORS,), "scale": (N_DESCRIPTORS,)}


def _is_quantised(sizes: tuple[int, ...]) -> bool:
    return len(sizes) == 2 and math.prod(sizes) >= _LEAST_QUANTISED


def _shape_of(model: ProteinModel) -> EncoderShape:
    if not model.members:
        raise ValueError("the model has no members")
    first = model.members[0]
    n_descriptors, pooled = first["descriptors.weight"].shape
    if "query.weight" not in first:
        return EncoderShape(0, 0, pooled, n_descriptors, 0)
    _queried, n_queries = first["query.weight"].shape
    width = first["blocks.0.out.weight"].shape[0]
    return EncoderShape(width, n_queries, pooled, n_descriptors, first["letter"].shape[1])


def _read(source: Path) -> bytes:
    try:
        if not source.is_file():
            raise InputError(f"{source}: there is no such file; expected weights that unfreeze wrote (….safetensors)")
        size = source.stat().st_size
        if size > _MAX_BYTES:
            raise InputError(f"{source}: is {size / 2**20:,.0f} MiB large, expected weights of at most 64 MiB")
        with source.open("rb") as stream:
            return stream.read(_MAX_BYTES + 1)
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
        text = entries.pop("__metadata__", {}).get("unfreeze")
        header = json.loads(text) if isinstance(text, str) else None
    except (ValueError, AttributeError, RecursionError) as error:
        raise _damaged(source, f"its header cannot be read, {error}") from None
    schema = header.get("schema") if isinstance(header, dict) else None
    if not isinstance(header, dict) or not isinstance(schema, str) or not schema.startswith("unfreeze-weights/"):
        raise InputError(f"{source}: holds tensors, but not weights of unfreeze; expected a file that unfreeze wrote")
    if schema != _SCHEMA:
        raise InputError(f"{source}: has schema {schema!r}, expected {_SCHEMA!r}; use the unfreeze that wrote it")
    if header.get("kind") != "protein":
        raise InputError(
            f"{source}: holds a model of kind {header.get('kind')!r}, expected 'protein' (location and function)"
        )
    if header.get("descriptors_version") != DESCRIPTORS_VERSION:
        raise InputError(
            f"{source}: was trained on version {header.get('descriptors_version')!r} of the descriptors, this unfreeze "
            f"computes version {DESCRIPTORS_VERSION}; use weights and program of one release"
        )
    return header, entries


def _checked(source: Path, header: Mapping[str, Any], entries: Mapping[str, Any]) -> tuple[EncoderShape, int]:
    """The shape of the networks and how many there are, after header and tensors were found to agree."""
    sizes = header["shape"]
    names = ("width", "n_queries", "pooled", "n_descriptors", "letter")
    if (
        sizes.pop("structure") is not False
        or set(sizes) != set(names)
        or any(type(sizes[name]) is not int for name in names)
    ):
        raise ValueError(f"'shape' must give {', '.join(names)} as whole numbers")
    along_chain = [sizes[name] for name in ("width", "n_queries", "letter")]
    if sizes["n_descriptors"] != N_DESCRIPTORS or not 1 <= sizes["pooled"] <= _MAX_WIDTH:
        raise ValueError("'shape' is not one of an encoder of this version")
    if not (all(1 <= one <= _MAX_WIDTH for one in along_chain) or along_chain == [0, 0, 0]):
        raise ValueError("'shape' is out of bounds")
    if type(header["longest"]) is not int or (header["longest"] > 0) != (sizes["width"] > 0):
        raise ValueError("'longest' does not belong to 'shape'")
    if header["longest"] != 0 and not 16 <= header["longest"] <= 10_000:
        raise ValueError(f"'longest' is {header['longest']}, expected 0 or 16 to 10,000 residues")
    for key in ("terms", "profile_terms"):
        terms = header[key]
        if not isinstance(terms, list) or not 1 <= len(terms) <= _MAX_TERMS or len(set(terms)) != len(terms):
            raise ValueError(f"'{key}' must be a list of different numbers of enzymes")
        if not all(isinstance(term, str) and _TERM.fullmatch(term) for term in terms):
            raise ValueError(f"'{key}' has what is no number of an enzyme")
    terms = header["terms"]
    if not set(terms) <= set(header["profile_terms"]):
        raise ValueError("'terms' has what is not among 'profile_terms'")
    if not isinstance(header["card"], dict):
        raise ValueError("'card' is not a JSON object")
    shape = EncoderShape(**sizes)
    wanted: dict[str, tuple[str, list[int]]] = {}
    for name, size in _expected(shape, len(terms)).items():
        wanted[name] = ("I8" if _is_quantised(size) else "F32", list(size))
        if _is_quantised(size):
            wanted[f"{name}:scale"] = ("F32", [size[1]])
    n_members, rest = divmod(len(entries) - _N_SHARED, len(wanted))
    if rest or not 1 <= n_members <= _MAX_MEMBERS:
        raise ValueError(f"it has {len(entries)} tensors, expected {len(wanted)} a member and {_N_SHARED} others")
    for number in range(n_members):
        for name, one in wanted.items():
            entry = entries.get(f"member.{number}.{name}")
            found = (entry.get("dtype"), entry.get("shape")) if isinstance(entry, dict) else None
            if found != one:
                raise ValueError(f"tensor member.{number}.{name} is {found}, expected {one}")
    n_chains = len(header["reference"])
    lengths, letters = entries["reference.lengths"], entries["reference.letters"]
    if (lengths["dtype"], lengths["shape"]) != ("I32", [n_chains]) or letters["dtype"] != "I8":
        raise ValueError("the reference's sequences and names do not belong together")
    sizes = [n_chains, len(header["profile_terms"])]
    for name, one in (("", ("I8", sizes)), (":scale", ("F32", sizes[1:]))):
        entry = entries[f"profile.weights{name}"]
        if (entry["dtype"], entry["shape"]) != one:
            raise ValueError(f"tensor profile.weights{name} is {entry['dtype']} {entry['shape']}, expected {one}")
    if n_chains > _MAX_CHAINS:
        raise ValueError(f"the reference has {n_chains:,} chains, expected at most {_MAX_CHAINS:,}")
    return shape, n_members


def _member(
    source: Path, tensors: Mapping[str, NDArray[Any]], number: int, expected: Mapping[str, tuple[int, ...]]
) -> dict[str, NDArray[np.float32]]:
    found: dict[str, NDArray[np.float32]] = {}
    for name, sizes in expected.items():
        array = tensors[f"member.{number}.{name}"].astype(np.float32)
        if _is_quantised(sizes):
            array = array * tensors[f"member.{number}.{name}:scale"]
        if not np.isfinite(array).all():
            raise _damaged(source, f"member.{number}.{name} has numbers that are not finite")
        found[name] = array
    if not (found["scale"] > 0).all():
        raise _damaged(source, f"member.{number}.scale has numbers that are not positive")
    return found


def _calibration(found: Mapping[str, Any], n_classes: int) -> Calibration:
    temperature, thresholds = float(found["temperature"]), tuple(float(one) for one in found["thresholds"])
    if not 0.0 < temperature < 100.0 or len(thresholds) != n_classes or not all(0 <= one <= 1 for one in thresholds):
        raise ValueError("a calibration is out of bounds")
    return Calibration(temperature, thresholds)


def _confidence(found: Mapping[str, Any]) -> dict[int, NDArray[np.float64]]:
    values = {int(places): np.array(one, dtype=np.float64) for places, one in found.items()}
    if set(values) != {1, 2, 3, 4} or any(one.shape != (_FEATURES,) for one in values.values()):
        raise ValueError(f"'confidence' must give {_FEATURES} numbers for one to four places")
    if not all(np.isfinite(one).all() for one in values.values()):
        raise ValueError("'confidence' has numbers that are not finite")
    return values


def _share(found: Any) -> float:
    if not 0.0 <= float(found) <= 1.0:
        raise ValueError(f"'network_share' is {found!r}, expected 0 to 1")
    return float(found)


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
        tuple(frozenset(one for one in row[1:] if _TERM.fullmatch(one)) for row in names),
    )


def _profile(tensors: Mapping[str, NDArray[Any]], terms: list[str]) -> Profile:
    weights = tensors["profile.weights"].astype(np.float32) * tensors["profile.weights:scale"]
    mean = tensors["profile.mean"].astype(np.float32)
    if mean.shape != (len(terms),) or not (np.isfinite(weights).all() and np.isfinite(mean).all()):
        raise ValueError("the profile has numbers that are not finite, or not one of each term")
    return Profile(tuple(terms), mean, weights)


def _limits(found: Mapping[str, Any]) -> Limits:
    composition, spread = (tuple(float(one) for one in found[name]) for name in ("composition", "spread"))
    if len(composition) != 20 or len(spread) != 20 or not float(found["farthest"]) > 0:
        raise ValueError("'limits' are not those of twenty amino acids")
    return Limits(int(found["shortest"]), float(found["farthest"]), composition, spread)


def _damaged(source: Path, what: str) -> InputError:
    return InputError(f"{source}: the file of weights is damaged: {what}; copy or download it again")
