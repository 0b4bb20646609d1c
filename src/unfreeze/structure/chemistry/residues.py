"""Chemistry of the 20 amino acids: atoms, bonds, torsions, planar groups, chirality and the order to build them in.

Tables only, taken from the IUPAC-IUB atom nomenclature; lengths and angles are in
:mod:`unfreeze.structure.chemistry.ideal_geometry`, nucleotides in :mod:`unfreeze.structure.chemistry.nucleotides`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = [
    "AMINO_ACIDS",
    "BACKBONE",
    "MAX_CHI",
    "MODIFIED_ATOM_NAMES",
    "TORSION_NAMES",
    "AminoAcid",
    "BuildStep",
    "amino_acid_bonds",
]

BACKBONE = ("N", "CA", "C", "O")
MAX_CHI = 5
TORSION_NAMES = ("phi", "psi", "omega", "chi1", "chi2", "chi3", "chi4", "chi5")
"""Columns of every torsion array of the package."""

MODIFIED_ATOM_NAMES: Mapping[tuple[str, str], str] = MappingProxyType({("MSE", "SE"): "SD", ("SEC", "SE"): "SG"})
"""Atoms of modified residues that stand in the place of an atom of their parent residue."""


@dataclass(frozen=True)
class BuildStep:
    """How one atom follows from three others: bond to the last, angle at the last, torsion about the last two.

    Attributes
    ----------
    atom
        The atom that is placed.
    references
        Three atoms already placed: (a, b, c); the new atom d is bonded to c.
    torsion
        Name of the torsion that turns it (one of :data:`TORSION_NAMES`), or empty where a-b-c-d is fixed.
    """

    atom: str
    references: tuple[str, str, str]
    torsion: str


@dataclass(frozen=True)
class AminoAcid:
    """One of the 20 amino acids.

    Attributes
    ----------
    name, letter
        Three-letter and one-letter code.
    atoms
        Heavy atoms in canonical order, N CA C O first, without OXT.
    bonds
        Pairs of heavy atoms within the residue.
    chi
        Four atoms for each side-chain torsion χ1, χ2, ...
    planar_groups
        Sets of atoms that lie in one plane.
    symmetric_pairs
        Pairs of atoms whose names may be exchanged because the group is symmetric (all pairs at once).
    centres
        Chiral centres: (centre, (a, b, c)) such that (a - o) . ((b - o) x (c - o)) > 0 about the centre o.
    build
        Order and references by which every atom after N, CA and C is placed.
    """

    name: str
    letter: str
    atoms: tuple[str, ...]
    bonds: tuple[tuple[str, str], ...]
    chi: tuple[tuple[str, str, str, str], ...]
    planar_groups: tuple[tuple[str, ...], ...]
    symmetric_pairs: tuple[tuple[str, str], ...]
    centres: tuple[tuple[str, tuple[str, str, str]], ...]
    build: tuple[BuildStep, ...]


# name, letter, side chain as "atom>parent" in canonical order, ring-closing bonds, last atom of each chi
_SIDE_CHAINS = (
    ("ALA", "A", "CB>CA", "", ""),
    ("ARG", "R", "CB>CA CG>CB CD>CG NE>CD CZ>NE NH1>CZ NH2>CZ", "", "CG CD NE CZ NH1"),
    ("ASN", "N", "CB>CA CG>CB OD1>CG ND2>CG", "", "CG OD1"),
    ("ASP", "D", "CB>CA CG>CB OD1>CG OD2>CG", "", "CG OD1"),
    ("CYS", "C", "CB>CA SG>CB", "", "SG"),
    ("GLN", "Q", "CB>CA CG>CB CD>CG OE1>CD NE2>CD", "", "CG CD OE1"),
    ("GLU", "E", "CB>CA CG>CB CD>CG OE1>CD OE2>CD", "", "CG CD OE1"),
    ("GLY", "G", "", "", ""),
    ("HIS", "H", "CB>CA CG>CB ND1>CG CD2>CG CE1>ND1 NE2>CD2", "CE1-NE2", "CG ND1"),
    ("ILE", "I", "CB>CA CG1>CB CG2>CB CD1>CG1", "", "CG1 CD1"),
    ("LEU", "L", "CB>CA CG>CB CD1>CG CD2>CG", "", "CG CD1"),
    ("LYS", "K", "CB>CA CG>CB CD>CG CE>CD NZ>CE", "", "CG CD CE NZ"),
    ("MET", "M", "CB>CA CG>CB SD>CG CE>SD", "", "CG SD CE"),
    ("PHE", "F", "CB>CA CG>CB CD1>CG CD2>CG CE1>CD1 CE2>CD2 CZ>CE1", "CE2-CZ", "CG CD1"),
    ("PRO", "P", "CB>CA CG>CB CD>CG", "CD-N", "CG CD"),
    ("SER", "S", "CB>CA OG>CB", "", "OG"),
    ("THR", "T", "CB>CA OG1>CB CG2>CB", "", "OG1"),
    (
        "TRP",
        "W",
        "CB>CA CG>CB CD1>CG CD2>CG NE1>CD1 CE2>CD2 CE3>CD2 CZ2>CE2 CZ3>CE3 CH2>CZ2",
        "NE1-CE2 CZ3-CH2",
        "CG CD1",
    ),
    ("TYR", "Y", "CB>CA CG>CB CD1>CG CD2>CG CE1>CD1 CE2>CD2 CZ>CE1 OH>CZ", "CE2-CZ", "CG CD1"),
    ("VAL", "V", "CB>CA CG1>CB CG2>CB", "", "CG1"),
)

_PLANAR = {
    "ARG": "NE CZ NH1 NH2",
    "ASN": "CB CG OD1 ND2",
    "ASP": "CB CG OD1 OD2",
    "GLN": "CG CD OE1 NE2",
    "GLU": "CG CD OE1 OE2",
    "HIS": "CG ND1 CD2 CE1 NE2",
    "PHE": "CG CD1 CD2 CE1 CE2 CZ",
    "TRP": "CG CD1 CD2 NE1 CE2 CE3 CZ2 CZ3 CH2",
    "TYR": "CG CD1 CD2 CE1 CE2 CZ",
}

_SYMMETRIC = {
    "ARG": (("NH1", "NH2"),),
    "ASP": (("OD1", "OD2"),),
    "GLU": (("OE1", "OE2"),),
    "LEU": (("CD1", "CD2"),),
    "PHE": (("CD1", "CD2"), ("CE1", "CE2")),
    "TYR": (("CD1", "CD2"), ("CE1", "CE2")),
    "VAL": (("CG1", "CG2"),),
}

# signs are those of L-isoleucine (2S,3S) and L-threonine (2S,3R)
_SECOND_CENTRE = {"ILE": ("CB", ("CA", "CG1", "CG2")), "THR": ("CB", ("CA", "OG1", "CG2"))}


def _amino_acid(name: str, letter: str, tree: str, closures: str, chi_ends: str) -> AminoAcid:
    parent = {"CA": "N"} | {atom: above for atom, above in (item.split(">") for item in tree.split())}
    side_chain = tuple(atom for atom in parent if atom != "CA")
    bonds = [("N", "CA"), ("CA", "C"), ("C", "O")] + [(parent[atom], atom) for atom in side_chain]
    for closure in closures.split():
        first, second = closure.split("-")
        bonds.append((first, second))

    def references(atom: str) -> tuple[str, str, str]:
        above = parent[atom]
        return parent[parent[above]], parent[above], above

    chi = tuple((*references(atom), atom) for atom in chi_ends.split())
    about = {(quad[1], quad[2]): f"chi{k + 1}" for k, quad in enumerate(chi)}
    build = [BuildStep("O", ("N", "CA", "C"), "psi")]
    for atom in side_chain:
        if atom == "CB":
            build.append(BuildStep("CB", ("C", "N", "CA"), ""))
        else:
            three = references(atom)
            build.append(BuildStep(atom, three, about.get((three[1], three[2]), "")))
    centres = [] if name == "GLY" else [("CA", ("N", "C", "CB"))]
    if name in _SECOND_CENTRE:
        centres.append(_SECOND_CENTRE[name])
    return AminoAcid(
        name=name,
        letter=letter,
        atoms=(*BACKBONE, *side_chain),
        bonds=tuple(bonds),
        chi=chi,
        planar_groups=(tuple(_PLANAR[name].split()),) if name in _PLANAR else (),
        symmetric_pairs=_SYMMETRIC.get(name, ()),
        centres=tuple(centres),
        build=tuple(build),
    )


AMINO_ACIDS: Mapping[str, AminoAcid] = MappingProxyType({row[0]: _amino_acid(*row) for row in _SIDE_CHAINS})
"""The 20 amino acids by three-letter code."""


def amino_acid_bonds(name: str) -> Iterator[tuple[str, str]]:
    """Bonds of an amino acid, OXT included; nothing for an unknown name."""
    if name in AMINO_ACIDS:
        yield from AMINO_ACIDS[name].bonds
        yield "C", "OXT"
