"""What a residue's name says: protein, nucleic acid or other, water, and the standard residue it derives from.

Names come from the chemical components that gemmi tabulates and from the names that simulation packages use
(``HSD``, ``CYX``, ``RA5``). The chemistry inside a residue is not treated here.
"""

from __future__ import annotations

from functools import lru_cache

import gemmi

__all__ = [
    "AMINO_ACIDS",
    "NUCLEOTIDES",
    "is_water",
    "known_component",
    "polymer_kind",
    "residue_parent",
    "standard_kind",
]

AMINO_ACIDS = (
    *("ALA", "ARG", "ASN", "ASP", "CYS", "GLN", "GLU", "GLY", "HIS", "ILE"),
    *("LEU", "LYS", "MET", "PHE", "PRO", "SER", "THR", "TRP", "TYR", "VAL"),
)
NUCLEOTIDES = ("A", "C", "G", "U", "DA", "DC", "DG", "DT")

_WATERS = frozenset(
    "HOH WAT H2O DOD D2O OH2 SOL TIP TIP2 TIP3 TIP4 TIP5 TP3 TP4 TP5 T3P T4P T5P SPC SPCE OPC WTR TIP3P TIP4P".split()
)
# Protonation states and terminal forms of CHARMM, AMBER, GROMACS and OPLS force fields.
_FORCE_FIELD_PARENTS = {
    **dict.fromkeys("HSD HSE HSP HID HIE HIP HISA HISB HISD HISE HISH HISP HIS1 HIS2".split(), "HIS"),
    **dict.fromkeys("CYX CYM CYS1 CYS2 CYSH CYN CYZ CYSM CYSX".split(), "CYS"),
    **dict.fromkeys("ASH ASPH ASPP AS4 ASPN".split(), "ASP"),
    **dict.fromkeys("GLH GLUH GLUP GL4".split(), "GLU"),
    **dict.fromkeys("LYN LYSH LSN LYSN".split(), "LYS"),
    **dict.fromkeys("ARGN ARN".split(), "ARG"),
    **dict.fromkeys("TYM TYRM".split(), "TYR"),
    "SEC": "CYS",
    "PYL": "LYS",
    "ADE": "A",
    "CYT": "C",
    "GUA": "G",
    "URA": "U",
    "THY": "DT",
    "T": "DT",
}
_BASES = "ACGU"


def _terminal_forms() -> dict[str, str]:
    """AMBER's names of chain ends: NALA, CALA, NHIE, DA5, RA3 and so on."""
    forms = {end + name: name for end in "NC" for name in AMINO_ACIDS}
    states = "HID HIE HIP CYX CYM ASH GLH LYN".split()
    forms.update({end + name: _FORCE_FIELD_PARENTS[name] for end in "NC" for name in states})
    for base in "ACGT":
        forms.update({f"D{base}{end}": f"D{base}" for end in "35N"})
    for base in _BASES:
        forms.update({f"R{base}{end}": base for end in ("", "3", "5", "N")})
        forms.update({f"{base}{end}": base for end in "35"})
    return forms


_PARENTS = {**_terminal_forms(), **_FORCE_FIELD_PARENTS}
_TABULATED_ELSEWHERE = frozenset(("POPC", "POPE", "POPS", "POPG", "DPPC", "DOPC", "CHL1"))


def is_water(name: str) -> bool:
    """Whether a residue of this name is water."""
    return name.upper() in _WATERS or _info(name).is_water()


@lru_cache(maxsize=65536)
def _info(name: str) -> gemmi.ResidueInfo:
    return gemmi.find_tabulated_residue(name)


def known_component(name: str) -> bool:
    """Whether the name is a chemical component that gemmi tabulates, or a simulation package's name."""
    upper = name.upper()
    return upper in _PARENTS or upper in _WATERS or upper in _TABULATED_ELSEWHERE or _info(name).found()


def standard_kind(name: str) -> str:
    """``protein`` or ``nucleic`` for the standard amino acids and nucleotides, empty for all else."""
    if name in AMINO_ACIDS:
        return "protein"
    return "nucleic" if name in NUCLEOTIDES else ""


@lru_cache(maxsize=65536)
def polymer_kind(name: str) -> str:
    """``protein`` or ``nucleic`` if a residue of this name can be part of such a chain, empty if not known to."""
    kind = standard_kind(_PARENTS.get(name.upper(), name))
    if kind:
        return kind
    info = _info(name)
    if info.is_amino_acid():
        return "protein"
    if info.is_nucleic_acid() or info.kind in (gemmi.ResidueKind.RNA, gemmi.ResidueKind.DNA):
        return "nucleic"
    return ""


@lru_cache(maxsize=65536)
def residue_parent(name: str) -> str:
    """The standard residue that a modified one derives from (``MET`` for ``MSE``), else the name itself."""
    if standard_kind(name):
        return name
    if name.upper() in _PARENTS:
        return _PARENTS[name.upper()]
    info = _info(name)
    letter = info.one_letter_code.strip().upper()
    if not info.found() or not letter or (letter in "XN" and info.one_letter_code.isupper()):
        return name
    if info.is_amino_acid():
        parent = gemmi.expand_one_letter(letter, gemmi.ResidueKind.AA)
    elif info.kind == gemmi.ResidueKind.DNA:
        parent = gemmi.expand_one_letter(letter, gemmi.ResidueKind.DNA)
    elif info.kind == gemmi.ResidueKind.RNA:
        parent = letter if letter in _BASES else ""
    else:
        return name
    return parent if parent and standard_kind(parent) else name
