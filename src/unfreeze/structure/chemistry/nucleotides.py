"""Chemistry of the eight common nucleotides: heavy-atom bonds with ideal lengths, and the plane of each base.

Bases: Clowney et al. (1996) J. Am. Chem. Soc. 118, 509; sugar and phosphate: Gelbin et al. (1996) J. Am. Chem. Soc.
118, 519. Data only; torsions and building of nucleic acids are not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["NUCLEOTIDE_BONDS", "NUCLEOTIDE_PLANES", "NUCLEOTIDE_PURINES", "PHOSPHODIESTER_NM"]

PHOSPHODIESTER_NM = 0.1607
"""Length of O3'-P between two nucleotides in nm."""

# lengths in Angstrom, as published
_PHOSPHATE = "P-OP1 1.485 P-OP2 1.485 P-OP3 1.485 P-O5' 1.593 O5'-C5' 1.440 C5'-C4' 1.510 "
_DEOXYRIBOSE = "C4'-C3' 1.528 C3'-O3' 1.431 C3'-C2' 1.518 C2'-C1' 1.521 C1'-O4' 1.420 C4'-O4' 1.446 "
_RIBOSE = "C4'-C3' 1.524 C3'-O3' 1.423 C3'-C2' 1.525 C2'-C1' 1.528 C1'-O4' 1.414 C4'-O4' 1.453 C2'-O2' 1.413 "
_BASES = {
    "A": "N1-C2 1.339 C2-N3 1.331 N3-C4 1.344 C4-C5 1.383 C5-C6 1.406 C6-N1 1.351 C5-N7 1.388 N7-C8 1.311 "
    "C8-N9 1.373 N9-C4 1.374 C6-N6 1.335 N9-C1' 1.462",
    "G": "N1-C2 1.373 C2-N3 1.323 N3-C4 1.350 C4-C5 1.379 C5-C6 1.419 C6-N1 1.391 C5-N7 1.388 N7-C8 1.305 "
    "C8-N9 1.374 N9-C4 1.375 C2-N2 1.341 C6-O6 1.237 N9-C1' 1.459",
    "C": "N1-C2 1.397 C2-N3 1.353 N3-C4 1.335 C4-C5 1.425 C5-C6 1.339 C6-N1 1.367 C2-O2 1.240 C4-N4 1.335 N1-C1' 1.470",
    "T": "N1-C2 1.376 C2-N3 1.373 N3-C4 1.382 C4-C5 1.445 C5-C6 1.339 C6-N1 1.378 C2-O2 1.220 C4-O4 1.228 "
    "C5-C7 1.496 N1-C1' 1.473",
    "U": "N1-C2 1.381 C2-N3 1.373 N3-C4 1.380 C4-C5 1.431 C5-C6 1.337 C6-N1 1.375 C2-O2 1.219 C4-O4 1.232 N1-C1' 1.469",
}
_NAMES = {"A": "A", "G": "G", "C": "C", "U": "U", "DA": "A", "DG": "G", "DC": "C", "DT": "T"}


def _bonds(name: str) -> dict[tuple[str, str], float]:
    sugar = _DEOXYRIBOSE if name.startswith("D") else _RIBOSE
    words = (_PHOSPHATE + sugar + _BASES[_NAMES[name]]).split()
    lengths = {}
    for pair, length in zip(words[::2], words[1::2], strict=True):
        first, second = pair.split("-")
        lengths[first, second] = round(float(length) / 10, 5)
    return lengths


NUCLEOTIDE_BONDS: Mapping[str, Mapping[tuple[str, str], float]] = MappingProxyType(
    {name: MappingProxyType(_bonds(name)) for name in _NAMES}
)
"""Ideal length in nm of every heavy-atom bond, by nucleotide name and pair of atom names."""

NUCLEOTIDE_PURINES = frozenset({"A", "G", "DA", "DG"})

_PYRIMIDINE_RING = ("N1", "C2", "N3", "C4", "C5", "C6")
NUCLEOTIDE_PLANES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {name: (*_PYRIMIDINE_RING, "N7", "C8", "N9") if name in NUCLEOTIDE_PURINES else _PYRIMIDINE_RING for name in _NAMES}
)
"""Ring atoms of the base, which lie in one plane."""
