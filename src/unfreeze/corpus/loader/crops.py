"""Crops: a bounded number of whole residues of a large complex, around an interface, the surface, or anywhere.

A crop is a pure function of the entry and one 64-bit number. It is spatial: the residues nearest to a centre, of
whatever chain, ligands and ions included. Residues whose surroundings are all in the crop are its *core*: a loss on
quantities that depend on the surroundings, such as amplitudes of motion, should be taken over these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.loader.entry_arrays import EntryArrays
from unfreeze.errors import InputError

__all__ = ["PLACES", "Crop", "crop_core", "crop_residues"]

PLACES = ("interface", "surface", "anywhere")
"""Where crops can be."""

_BITS_OF_PLACE = 16


@dataclass(frozen=True)
class Crop:
    """How entries that are too large are cut.

    Attributes
    ----------
    n_residues
        Residues of a crop; entries with fewer are taken whole.
    around
        One of :data:`PLACES`, or shares of them, such as ``{"interface": 0.7, "anywhere": 0.3}``. An *interface* crop
        has as its centre a residue that touches another chain or a free ligand, and its partner: residues near to
        either are taken, so both sides are in it. *surface* is the third of the residues with the fewest neighbours.
        Where an entry has no interface, a crop is anywhere.
    margin_nm
        A residue belongs to the core if all residues within this distance of it (CA, P or the middle of a ligand) are
        in the crop.

    Raises
    ------
    InputError
        If there is nothing to take, or a place is not known.
    """

    n_residues: int
    around: str | Mapping[str, float] = "interface"
    margin_nm: float = 1.2

    def __post_init__(self) -> None:
        if self.n_residues < 1:
            raise InputError(f"a crop of {self.n_residues} residues holds nothing; give a number of at least 1.")
        unknown = [place for place in self.shares if place not in PLACES]
        if unknown:
            raise InputError(f"crops around {unknown[0]!r} are not known; choose among {', '.join(PLACES)}.")
        shares = list(self.shares.values())
        if not shares or not np.isfinite(shares).all() or min(shares) < 0 or sum(shares) <= 0:
            raise InputError(f"shares of crops must be numbers of which none is negative; found {dict(self.shares)}.")

    @property
    def shares(self) -> Mapping[str, float]:
        """Share of every place."""
        return {self.around: 1.0} if isinstance(self.around, str) else self.around


def crop_residues(arrays: EntryArrays, crop: Crop | None, word: int) -> NDArray[np.int64]:
    """Rows of the residues of a crop, in rising order; all of them where the entry is small or there is no crop.

    Parameters
    ----------
    arrays
        The entry.
    crop
        What to take.
    word
        A 64-bit random number: it chooses place and centre.

    Returns
    -------
    int64 [min(n_residues of the crop, n_residues of the entry)]
    """
    n = arrays.n_residues
    if crop is None or n <= crop.n_residues:
        return np.arange(n)
    from unfreeze.corpus.loader.sample_kernels import nearest_residues

    first, second = _centres(arrays, crop, word)
    return nearest_residues(arrays.residue_point_nm, first, second, crop.n_residues)


def crop_core(arrays: EntryArrays, residues: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which residues of a crop have all their neighbours in it: bool [len(residues)]."""
    from unfreeze.corpus.loader.sample_kernels import has_all_neighbours

    if len(residues) == arrays.n_residues:
        return np.ones(len(residues), dtype=bool)
    return has_all_neighbours(residues, arrays.neighbour_start, arrays.neighbours, arrays.n_residues)


def _centres(arrays: EntryArrays, crop: Crop, word: int) -> tuple[int, int]:
    """The two residues of a contact, or one twice."""
    names, shares = list(crop.shares), np.array(list(crop.shares.values()), dtype=np.float64)
    edges = np.cumsum(shares / shares.sum())
    low = (word & (2**_BITS_OF_PLACE - 1)) / 2**_BITS_OF_PLACE
    place = names[min(int(np.searchsorted(edges, low, side="right")), len(names) - 1)]
    # every kind of centre in one array each, so that a choice costs nothing
    rows = arrays.centres(place)
    centre = int(rows[((word >> _BITS_OF_PLACE) * len(rows)) >> (64 - _BITS_OF_PLACE)])
    partner = int(arrays.residue_partner[centre])
    return (centre, partner) if place == "interface" and partner >= 0 else (centre, centre)
