"""Names of atoms and residues as small numbers, the same in every version: index of the name, 0 for what is not known.

A network that was trained with these numbers depends on them, so names are only ever added at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.complex import RESIDUE_KINDS

__all__ = ["ATOM_NAMES", "KINDS", "RESIDUE_NAMES", "atom_codes", "element_codes", "kind_codes", "residue_codes"]

RESIDUE_NAMES = (
    "other",
    *("ALA", "ARG", "ASN", "ASP", "CYS", "GLN", "GLU", "GLY", "HIS", "ILE"),
    *("LEU", "LYS", "MET", "PHE", "PRO", "SER", "THR", "TRP", "TYR", "VAL"),
    *("A", "C", "G", "U", "DA", "DC", "DG", "DT"),
)
"""Standard residues; a modified one has the number of the one it derives from, ligands and ions have 0."""

ATOM_NAMES = (
    "other",
    *"N CA C O CB CG CG1 CG2 CD CD1 CD2 CE CE1 CE2 CE3 CZ CZ2 CZ3 CH2".split(),
    *"ND1 ND2 NE NE1 NE2 NH1 NH2 NZ OD1 OD2 OE1 OE2 OG OG1 OH SD SG OXT".split(),
    *"P OP1 OP2 OP3 O5' C5' C4' O4' C3' O3' C2' O2' C1'".split(),
    *"N1 C2 N2 N3 C4 C5 C6 N6 O2 O4 O6 N4 C7 N7 C8 N9".split(),
)
"""Heavy atoms of standard residues; all others, and atoms of ligands and ions, have 0."""

KINDS = RESIDUE_KINDS
"""``protein``, ``nucleic``, ``ligand``, ``ion``: numbered from 0."""


def residue_codes(parent_names: NDArray[np.str_]) -> NDArray[np.int16]:
    """Place of every name in :data:`RESIDUE_NAMES`; 0 for none."""
    return _codes(parent_names, RESIDUE_NAMES).astype(np.int16)


def atom_codes(names: NDArray[np.str_]) -> NDArray[np.int16]:
    """Place of every name in :data:`ATOM_NAMES`; 0 for none."""
    return _codes(names, ATOM_NAMES).astype(np.int16)


def kind_codes(kinds: NDArray[np.str_]) -> NDArray[np.int8]:
    """Place of every kind in :data:`KINDS`."""
    return (_codes(kinds, ("", *KINDS)) - 1).astype(np.int8)


def element_codes(elements: NDArray[np.str_]) -> NDArray[np.uint8]:
    """Atomic numbers; 0 for what is no element, 1 for deuterium."""
    import gemmi

    unique, inverse = np.unique(elements, return_inverse=True)
    numbers = [gemmi.Element(symbol).atomic_number for symbol in unique.tolist()]
    return np.array(numbers, dtype=np.uint8)[inverse] if numbers else np.empty(0, dtype=np.uint8)


def _codes(names: Iterable[str] | NDArray[np.str_], known: Sequence[str]) -> NDArray[np.int64]:
    unique, inverse = np.unique(np.asarray(names), return_inverse=True)
    place = {name: row for row, name in enumerate(known)}
    codes = np.array([place.get(name, 0) for name in unique.tolist()], dtype=np.int64)
    return codes[inverse] if len(codes) else np.empty(0, dtype=np.int64)
