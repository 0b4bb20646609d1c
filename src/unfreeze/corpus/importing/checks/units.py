"""Units of coordinates, told by bond lengths: nm, or Å and nm taken for each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.importing.molecule import Expected
from unfreeze.errors import InputError

__all__ = ["Scale", "scale_of"]

_LIKELY = (0.8, 1.25)  # of the expected length, median over all bonds and some frames
_FACTORS = (
    (1.0, ""),
    (0.1, "The coordinates were in Å where the format has nm; they were divided by 10."),
    (10.0, "The coordinates were in nm where the format has Å; they were multiplied by 10."),
)
_LEAST_SHARE = 0.5  # of the bonds are within the range, so that the median is no accident


@dataclass(frozen=True)
class Scale:
    """What coordinates are multiplied by, and a sentence that says so, empty for 1.

    Attributes
    ----------
    factor
        1, 0.1 or 10.
    said
        For the record.
    median_ratio
        Length of bonds over expected length, after scaling; None where there are no bonds to tell by.
    """

    factor: float
    said: str = ""
    median_ratio: float | None = None


def scale_of(frames: NDArray[np.float32], expected: Expected, name: str) -> Scale:
    """Find the unit of some frames.

    Parameters
    ----------
    frames : float32 [n, n_atoms, 3]
        As read; torn molecules do no harm as long as most bonds are whole.
    expected
        What the bonds should be.
    name
        What messages call the frames.

    Raises
    ------
    InputError
        If bonds are of no length that a unit explains.
    """
    bonds = expected.bonds
    if len(bonds) == 0:
        return Scale(1.0, "There are no bonds by which the unit could be checked.")
    own = expected.complex.coordinates_nm
    in_reference = np.linalg.norm(own[bonds[:, 0]] - own[bonds[:, 1]], axis=1) / expected.length_nm
    if not _LIKELY[0] < float(np.median(in_reference)) < _LIKELY[1]:
        raise InputError(
            f"{name}: the bonds of the topology are {np.median(in_reference):.2g} times as long as expected (median of "
            f"{len(bonds)}): its coordinates are not in the unit of its format, or its atom names are wrong. "
            "Write the topology again."
        )
    ratio = np.linalg.norm(
        frames[:, bonds[:, 0]].astype(np.float64) - frames[:, bonds[:, 1]], axis=-1
    ) / expected.length_nm.astype(np.float64)
    median = float(np.median(ratio))
    for factor, said in _FACTORS:
        near = (ratio * factor > _LIKELY[0]) & (ratio * factor < _LIKELY[1])
        if _LIKELY[0] < median * factor < _LIKELY[1] and near.mean() > _LEAST_SHARE:
            return Scale(factor, said, round(median * factor, 4))
    raise InputError(
        f"{name}: bonds are {median:.3g} times as long as expected (median of {ratio.size:,} in {len(frames)} frames; "
        "1 is nm, 10 would be Å, 0.1 nm taken for Å), so the atoms are not those of the topology in its order, or the "
        "numbers are no coordinates. Give the topology that belongs to the trajectory."
    )
