"""What the file of a model of whole proteins says of itself, checked before its tensors are used."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.files.tensor_file import TensorShape
from unfreeze.properties.language.identity import LanguageIdentity
from unfreeze.properties.modalities.language import SUMMARY
from unfreeze.properties.modalities.location import LOCATIONS
from unfreeze.properties.protein.descriptors import N_DESCRIPTORS
from unfreeze.properties.protein.encoder import EncoderShape, parameter_shapes
from unfreeze.properties.protein.model import Calibration, Limits

__all__ = [
    "TERM",
    "checked_calibration",
    "checked_confidence",
    "checked_limits",
    "checked_shape",
    "checked_share",
    "checked_terms",
    "is_quantised",
    "member_shapes",
    "tensor_shapes",
]

TERM = re.compile(r"[1-7](\.(n?[0-9]{1,4})){0,3}")
"""A number of the Enzyme Commission, of one to four places."""

_MAX_MEMBERS, _MAX_WIDTH, _MAX_TERMS, _MAX_CHAINS = 16, 1024, 10_000, 100_000
_LEAST_QUANTISED = 4096  # numbers in a matrix
_FEATURES = 4
_N_SHARED = 5  # tensors of the reference and the profile
_SIZES = ("width", "n_queries", "pooled", "n_descriptors", "letter")


def checked_shape(header: Mapping[str, Any]) -> EncoderShape:
    """The sizes of the encoder.

    Raises
    ------
    ValueError
        If they, or the longest chain that is read, cannot be.
    """
    sizes, longest = dict(header["shape"]), header["longest"]
    n_language = SUMMARY * LanguageIdentity.read(header["language"]).width if "language" in header else 0
    if sizes.pop("n_language", 0) != n_language:
        raise ValueError("'shape' does not belong to 'language'")
    if (
        set(sizes) != {*_SIZES, "structure"}
        or sizes["structure"] is not False
        or any(type(sizes[name]) is not int for name in _SIZES)
    ):
        raise ValueError(f"'shape' must give {', '.join(_SIZES)} as whole numbers, and structure as false")
    along_chain = [sizes[name] for name in ("width", "n_queries", "letter")]
    if sizes["n_descriptors"] != N_DESCRIPTORS or not 1 <= sizes["pooled"] <= _MAX_WIDTH:
        raise ValueError("'shape' is not one of an encoder of this version")
    if not (all(1 <= one <= _MAX_WIDTH for one in along_chain) or along_chain == [0, 0, 0]):
        raise ValueError("'shape' is out of bounds")
    if type(longest) is not int or (longest > 0) != (sizes["width"] > 0):
        raise ValueError("'longest' does not belong to 'shape'")
    if longest != 0 and not 16 <= longest <= 10_000:
        raise ValueError(f"'longest' is {longest}, expected 0 or 16 to 10,000 residues")
    return EncoderShape(**{name: sizes[name] for name in _SIZES}, n_language=n_language)


def checked_terms(header: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Numbers of enzymes of the network and of the profile.

    Raises
    ------
    ValueError
        If they are no such numbers.
    """
    for key in ("terms", "profile_terms"):
        terms = header[key]
        if not isinstance(terms, list) or not 1 <= len(terms) <= _MAX_TERMS:
            raise ValueError(f"'{key}' must be a list of numbers of enzymes")
        if not all(isinstance(term, str) and TERM.fullmatch(term) for term in terms):
            raise ValueError(f"'{key}' has what is no number of an enzyme")
        if len(set(terms)) != len(terms):
            raise ValueError(f"'{key}' has a number of an enzyme twice")
    if not set(header["terms"]) <= set(header["profile_terms"]):
        raise ValueError("'terms' has what is not among 'profile_terms'")
    return tuple(header["terms"]), tuple(header["profile_terms"])


def member_shapes(shape: EncoderShape, n_terms: int) -> dict[str, tuple[int, ...]]:
    """Name and shape of every parameter of one network."""
    found = parameter_shapes(shape, {"location": len(LOCATIONS), "function": n_terms})
    moments = {"centre": (N_DESCRIPTORS,), "scale": (N_DESCRIPTORS,)}
    if shape.n_language:
        moments |= {"language.centre": (shape.n_language,), "language.scale": (shape.n_language,)}
    return {**found, **moments}


def is_quantised(sizes: tuple[int, ...]) -> bool:
    """Whether a parameter is kept in eight bits."""
    return len(sizes) == 2 and math.prod(sizes) >= _LEAST_QUANTISED


def tensor_shapes(
    members: Mapping[str, tuple[int, ...]], n_profile_terms: int, n_chains: int, found: Mapping[str, TensorShape]
) -> tuple[int, dict[str, TensorShape]]:
    """How many members a file has, and which tensors it must therefore have.

    Parameters
    ----------
    members
        Of :func:`member_shapes`.
    n_profile_terms, n_chains
        Terms of the profile and chains of the reference.
    found
        Tensors of the file.

    Raises
    ------
    ValueError
        If they are those of no number of members, or there are too many chains.
    """
    one_member: dict[str, TensorShape] = {}
    for name, sizes in members.items():
        one_member[name] = ("I8" if is_quantised(sizes) else "F32", sizes)
        if is_quantised(sizes):
            one_member[f"{name}:scale"] = ("F32", sizes[1:])
    n_members, rest = divmod(len(found) - _N_SHARED, len(one_member))
    if rest or not 1 <= n_members <= _MAX_MEMBERS:
        raise ValueError(f"it has {len(found)} tensors, expected {len(one_member)} a member and {_N_SHARED} others")
    if not 1 <= n_chains <= _MAX_CHAINS:
        raise ValueError(f"the reference has {n_chains:,} chains, expected 1 to {_MAX_CHAINS:,}")
    n_letters = math.prod(found.get("reference.letters", ("", (0,)))[1])  # their lengths say whether this is right
    wanted = {f"member.{number}.{name}": one for number in range(n_members) for name, one in one_member.items()}
    return n_members, wanted | {
        "reference.letters": ("I8", (n_letters,)),
        "reference.lengths": ("I32", (n_chains,)),
        "profile.weights": ("I8", (n_chains, n_profile_terms)),
        "profile.weights:scale": ("F32", (n_profile_terms,)),
        "profile.mean": ("F32", (n_profile_terms,)),
    }


def checked_calibration(found: Mapping[str, Any], n_classes: int) -> Calibration:
    """Temperature and thresholds of a task.

    Raises
    ------
    ValueError
        If they are out of bounds or not one threshold of each class.
    """
    temperature, thresholds = float(found["temperature"]), tuple(float(one) for one in found["thresholds"])
    if not 0.0 < temperature < 100.0 or len(thresholds) != n_classes or not all(0 <= one <= 1 for one in thresholds):
        raise ValueError("a calibration is out of bounds")
    return Calibration(temperature, thresholds)


def checked_confidence(found: Mapping[str, Any]) -> dict[int, NDArray[np.float64]]:
    """Coefficients of how sure a neighbour makes, by places of the number that agree.

    Raises
    ------
    ValueError
        If they are not four finite numbers for each of one to four places.
    """
    values = {int(places): np.array(one, dtype=np.float64) for places, one in found.items()}
    if set(values) != {1, 2, 3, 4} or any(one.shape != (_FEATURES,) for one in values.values()):
        raise ValueError(f"'confidence' must give {_FEATURES} numbers for one to four places")
    if not all(np.isfinite(one).all() for one in values.values()):
        raise ValueError("'confidence' has numbers that are not finite")
    return values


def checked_share(found: Any) -> float:
    """How much the network counts against the profile.

    Raises
    ------
    ValueError
        If it is not 0 to 1.
    """
    if not 0.0 <= float(found) <= 1.0:
        raise ValueError(f"'network_share' is {found!r}, expected 0 to 1")
    return float(found)


def checked_limits(found: Mapping[str, Any]) -> Limits:
    """Limits of what the model knows.

    Raises
    ------
    ValueError
        If they are not finite or not of twenty amino acids.
    """
    composition, spread = (tuple(float(one) for one in found[name]) for name in ("composition", "spread"))
    farthest = float(found["farthest"])
    if len(composition) != 20 or len(spread) != 20:
        raise ValueError("'limits' are not those of twenty amino acids")
    if not all(math.isfinite(one) for one in (*composition, *spread, farthest)) or farthest <= 0:
        raise ValueError("'limits' has numbers that are not finite, or a farthest distance that is not positive")
    return Limits(int(found["shortest"]), farthest, composition, spread)
