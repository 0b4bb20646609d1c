"""The modality *location*: where in a cell a protein is found, ten labels of which several may hold.

The labels and their order are those of DeepLoc 2 (Thumuluri et al. 2022, Nucleic Acids Res. 50, W228).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.label_sets import LabelSet
from unfreeze.corpus.labels import LocationLabel
from unfreeze.errors import InputError
from unfreeze.properties.modalities.classes import logistic_loss

__all__ = ["LOCATIONS", "SET_NAME", "LocationRow", "encode_locations", "location_loss", "read_locations"]

LOCATIONS = (
    "Cytoplasm",
    "Nucleus",
    "Extracellular",
    "Cell membrane",
    "Mitochondrion",
    "Plastid",
    "Endoplasmic reticulum",
    "Lysosome/Vacuole",
    "Golgi apparatus",
    "Peroxisome",
)
SET_NAME = "deeploc2"
location_loss = logistic_loss


@dataclass(frozen=True)
class LocationRow:
    """A sequence and where it is found.

    Attributes
    ----------
    identifier, sequence
        As in the label set.
    locations : bool [10]
        In the order of :data:`LOCATIONS`.
    partition
        The official part, 0 to 4.
    """

    identifier: str
    sequence: str
    locations: NDArray[np.bool_]
    partition: int


def encode_locations(names: Iterable[str]) -> NDArray[np.bool_]:
    """Which of :data:`LOCATIONS` are among the names.

    Raises
    ------
    InputError
        If a name is none of them.
    """
    found = np.zeros(len(LOCATIONS), dtype=bool)
    for name in names:
        if name not in LOCATIONS:
            raise InputError(f"location {name!r} is not known; expected one of {', '.join(LOCATIONS)}")
        found[LOCATIONS.index(name)] = True
    return found


def read_locations(corpus: Any, name: str = SET_NAME) -> list[LocationRow]:
    """The rows of a label set of locations, in its order.

    Parameters
    ----------
    corpus
        A corpus or the path of one (``unfreeze corpus import CORPUS location SOURCE``).
    name
        Of the label set.

    Raises
    ------
    InputError
        If there is no such set, or a row has no partition or a location that is not known.
    """
    rows = []
    for row in LabelSet.open(corpus, name).rows():
        for label in row.labels:
            if not isinstance(label, LocationLabel):
                continue
            if label.partition is None:
                raise InputError(f"label set {name}: {row.identifier} has no partition; scores need the official ones")
            rows.append(LocationRow(row.identifier, row.sequence, encode_locations(label.locations), label.partition))
    if not rows:
        raise InputError(f"label set {name}: has no labels of location; import one with `unfreeze corpus import`")
    return rows
