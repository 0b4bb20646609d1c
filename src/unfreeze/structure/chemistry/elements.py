"""Chemical elements as the file formats write them: recognising, inferring from atom names, radii, metals."""

from __future__ import annotations

from functools import lru_cache

import gemmi
import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.chemistry.polymers import residue_parent, standard_kind

__all__ = ["covalent_radius_nm", "infer_element", "is_element", "is_metal"]

_CHARMM_IONS = {
    **{"SOD": "NA", "CLA": "CL", "POT": "K", "CAL": "CA", "CES": "CS", "LIT": "LI"},
    **{"RUB": "RB", "ZN2": "ZN", "BAR": "BA", "CD2": "CD"},
}


@lru_cache(maxsize=4096)
def is_element(text: str) -> bool:
    """Whether the text is an element's symbol in any case, blanks around it ignored; D and the dummy X are."""
    symbol = text.strip()
    if symbol.upper() == "X":
        return True
    return bool(symbol) and symbol.isascii() and symbol.isalpha() and gemmi.Element(symbol).atomic_number > 0


def infer_element(padded_name: str, residue_name: str) -> str:
    """Element of an atom from its name as it stands in PDB columns 13-16, and its residue.

    In those columns a symbol of one letter begins at the second, one of two letters at the first; many programs
    do not keep to that, so for standard residues the first letter decides.

    Returns
    -------
    str
        Upper-case symbol, ``X`` if there is no telling.
    """
    name = padded_name.strip().upper()
    letters = name.lstrip("0123456789'\"*")
    if not letters or not letters[0].isalpha():
        return "X"
    if standard_kind(residue_name) or (residue_parent(residue_name) != residue_name and not name.startswith("SE")):
        return letters[0] if is_element(letters[0]) else "X"
    if name == residue_name.upper() and name in _CHARMM_IONS:
        return _CHARMM_IONS[name]
    two = letters[:2]
    alone = letters.rstrip("0123456789+-")
    if alone == residue_name.upper().rstrip("0123456789+-") and is_element(alone):
        return alone
    first_column = not padded_name.startswith(" ")
    if first_column and len(two) == 2 and is_element(two) and two[0] != "H" and len(alone) == 2:  # noqa: SIM102
        if len(name) < 4 or two in ("CL", "BR", "FE", "ZN", "MG", "MN", "SE", "SI", "AU", "PT", "RU"):
            return two
    return letters[0] if is_element(letters[0]) else "X"


@lru_cache(maxsize=256)
def is_metal(symbol: str) -> bool:
    """Whether the element is a metal."""
    return gemmi.Element(symbol).is_metal


@lru_cache(maxsize=256)
def _radius(symbol: str) -> float:
    if not is_element(symbol):
        return 0.076
    return float(gemmi.Element("H" if symbol == "D" else symbol).covalent_r) / 10


def covalent_radius_nm(element: NDArray[np.str_]) -> NDArray[np.float64]:
    """Covalent radius of every atom in nm (Cordero et al., Dalton Trans. 2008, 2832): [n_atoms]."""
    symbols, inverse = np.unique(element, return_inverse=True)
    return np.array([_radius(str(symbol)) for symbol in symbols], dtype=np.float64)[inverse]
