"""Contacts of one side chain: with which residues, of what kind, and whether across an interface.

Distances between heavy atoms decide, with a look at directions where hydrogens are bonded: hydrogen bonds up to
0.35 nm with both bonded neighbours pointing away (Baker & Hubbard 1984, Prog. Biophys. Mol. Biol. 44, 97), salt bridges
up to 0.40 nm (Barlow & Thornton 1983, J. Mol. Biol. 168, 867), apolar carbons up to 0.45 nm, rings whose atoms are as
near and whose middles are within 0.60 nm, disulfides, and clashes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unfreeze.properties.effects import Contact
from unfreeze.properties.mutants.amino_acid_tables import AROMATIC, METAL, POLAR, SULPHUR, acid_tables
from unfreeze.properties.mutants.surroundings import Surroundings
from unfreeze.properties.places import sides_of
from unfreeze.structure.chemistry.residues import AMINO_ACIDS
from unfreeze.structure.complex import Complex

__all__ = ["KINDS", "contacts_by_residue", "lost_and_gained", "side_chain_contacts"]

KINDS = ("disulfide", "salt bridge", "hydrogen bond", "aromatic", "hydrophobic", "clash")
"""The kinds, in the order in which they are told."""
_HYDROGEN_BOND_NM, _SALT_BRIDGE_NM, _APOLAR_NM, _RING_NM = 0.35, 0.40, 0.45, 0.60
_CLASH_SHARE, _POLAR_CLASH_NM, _COORDINATION_NM = 0.75, 0.23, 0.18
_REACH_NM = 1.5
_BACKBONE = ("N", "CA", "C", "O", "OXT")
_POLAR_CARBONS = {
    "ARG": ("CD", "CZ"),
    "ASN": ("CG",),
    "ASP": ("CG",),
    "GLN": ("CD",),
    "GLU": ("CD",),
    "LYS": ("CE",),
    "SER": ("CB",),
    "THR": ("CB",),
    "HIS": ("CE1",),
}

Found = dict[tuple[int, str], int]
"""Row of the other residue and kind, to the number of pairs of atoms."""


def side_chain_contacts(
    molecule: Complex,
    residue: int,
    *,
    partners: Sequence[str | Sequence[str]] | None = None,
    around: Surroundings | None = None,
) -> tuple[Contact, ...]:
    """Contacts of the side chain of a residue.

    Parameters
    ----------
    molecule
        The complex.
    residue
        Row of the residue.
    partners
        The two sides of the interface asked about, chain names such as ``("HL", "A")``; none across when None.
    around
        The prepared complex, if it is at hand.

    Returns
    -------
    tuple of Contact
        Each residue and kind once, in the order of :data:`KINDS`; a salt bridge is no hydrogen bond beside, and rings
        that stack are no hydrophobic contact beside.
    """
    found = contacts_by_residue(around or Surroundings.of(molecule), residue)
    return _told(molecule, residue, found, sides_of(molecule, partners))


def lost_and_gained(
    wild: Complex,
    mutant: Complex,
    residues: Sequence[int],
    *,
    partners: Sequence[str | Sequence[str]] | None = None,
    around: tuple[Surroundings, Surroundings] | None = None,
) -> tuple[tuple[Contact, ...], tuple[Contact, ...]]:
    """Contacts of the side chains of some residues that only the wild type has, and that only the mutant has.

    Parameters
    ----------
    wild, mutant
        Complexes with the same residues.
    residues
        Rows of the mutated residues.
    partners
        As for :func:`side_chain_contacts`.
    around
        Both complexes prepared, if at hand.
    """
    before, after = around or (Surroundings.of(wild), Surroundings.of(mutant))
    side = sides_of(wild, partners)
    lost: list[Contact] = []
    gained: list[Contact] = []
    for residue in residues:
        old, new = contacts_by_residue(before, residue), contacts_by_residue(after, residue)
        lost += _told(wild, residue, {key: n for key, n in old.items() if key not in new}, side)
        gained += _told(mutant, residue, {key: n for key, n in new.items() if key not in old}, side)
    return tuple(dict.fromkeys(lost)), tuple(dict.fromkeys(gained))


def contacts_by_residue(around: Surroundings, residue: int) -> Found:
    """Contacts of a side chain by the row of the other residue and by kind."""
    molecule = around.molecule
    rows = np.flatnonzero((molecule.residue_index[around.heavy] == residue) & around.side)
    if not len(rows):
        return {}
    near = around.near(residue, _REACH_NM)
    owner = molecule.residue_index[near.atoms]
    mine = molecule.coordinates_nm[around.heavy[rows]]
    step = near.points[None] - mine[:, None]
    gap = np.sqrt((step**2).sum(axis=2))
    other = (~np.isin(owner, [residue, *_linked(around, rows)]))[None] & ~_bonded(around, residue, rows, near.codes)
    values = around.values[rows]
    kind, there = values[:, 3][:, None], near.values[:, 3][None]
    gives, takes = around.polar[rows].T
    bonding = (gives[:, None] & near.polar[None, :, 1]) | (takes[:, None] & near.polar[None, :, 0])
    unit = step / np.maximum(gap, 1e-6)[..., None]
    facing = (around.away[rows][:, None] * unit).sum(axis=2) > 0.0
    facing &= (near.away[None] * unit).sum(axis=2) < 0.0
    disulfide = _disulfides(around, rows, near.atoms)
    apolar, apolar_there = _apolar(molecule, around.heavy[rows]), _apolar(molecule, near.atoms)
    metal = (there == METAL) & ((kind == POLAR) | (kind == SULPHUR))
    smallest = _CLASH_SHARE * (values[:, 0][:, None] + near.values[None, :, 0])
    smallest = np.where(bonding, _POLAR_CLASH_NM, np.where(metal, _COORDINATION_NM, smallest))
    pairs = {
        "disulfide": disulfide,
        "salt bridge": (values[:, 2][:, None] * near.values[None, :, 2] < 0.0) & (gap <= _SALT_BRIDGE_NM) & other,
        "hydrogen bond": bonding & (gap <= _HYDROGEN_BOND_NM) & facing & other,
        "aromatic": _rings(around, residue, rows, near.atoms, gap) & other,
        "hydrophobic": apolar[:, None] & apolar_there[None] & (gap <= _APOLAR_NM) & other,
        "clash": (gap < smallest) & other & ~disulfide,
    }
    found: Found = {}
    for name, mask in pairs.items():
        counts = np.bincount(owner[np.nonzero(mask)[1]], minlength=1)
        for row in np.flatnonzero(counts).tolist():
            found[row, name] = int(counts[row])
    for stronger, weaker in (("salt bridge", "hydrogen bond"), ("aromatic", "hydrophobic")):
        for row in [row for row, name in found if name == stronger]:
            found.pop((row, weaker), None)
    return found


def _told(molecule: Complex, residue: int, found: Found, side: NDArray[np.int64]) -> tuple[Contact, ...]:
    order = sorted(found, key=lambda key: (KINDS.index(key[1]), -found[key], key[0]))
    return tuple(
        Contact(
            residue=molecule.residue_label(row),
            kind=kind,
            across=bool(min(side[row], side[residue]) >= 0 and side[row] != side[residue]),
        )
        for row, kind in order
    )


def _bonded(around: Surroundings, residue: int, rows: NDArray[np.int64], codes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Pairs at most three bonds apart: [n_mine, n_near]."""
    molecule = around.molecule
    near = np.zeros((len(rows), len(codes)), dtype=bool)
    parent = str(molecule.residue_parent_name[residue])
    if parent in AMINO_ACIDS:
        tables = acid_tables(parent)
        for k, atom in enumerate(molecule.atom_name[around.heavy[rows]].tolist()):
            if atom in tables.atoms:
                near[k] = tables.skip[tables.atoms.index(atom)][codes]
    return near


def _linked(around: Surroundings, rows: NDArray[np.int64]) -> set[int]:
    """Residues that a side chain is bonded to: another cysteine, a sugar, a ligand."""
    links = around.molecule.links
    mine = np.isin(links, around.heavy[rows])
    return set(around.molecule.residue_index[links[mine[:, ::-1] & ~mine]].tolist())


def _disulfides(around: Surroundings, rows: NDArray[np.int64], atoms: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Pairs of sulphur atoms that are bonded: [n_mine, n_near]."""
    molecule = around.molecule
    found = np.zeros((len(rows), len(atoms)), dtype=bool)
    place = {int(atom): k for k, atom in enumerate(atoms.tolist())}
    for k, atom in enumerate(around.heavy[rows].tolist()):
        if molecule.element[atom] != "S":
            continue
        for a, b in molecule.links[(molecule.links == atom).any(axis=1)].tolist():
            other = b if a == atom else a
            if other in place and molecule.element[other] == "S":
                found[k, place[other]] = True
    return found


def _apolar(molecule: Complex, atoms: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Carbons of side chains (and of ligands) that no nitrogen or oxygen is bonded to, by name: [n]."""
    owner = molecule.residue_index[atoms]
    names, parent = molecule.atom_name[atoms], molecule.residue_parent_name[owner]
    found = (molecule.element[atoms] == "C") & np.isin(molecule.residue_kind[owner], ("protein", "ligand"))
    found &= ~((molecule.residue_kind[owner] == "protein") & np.isin(names, _BACKBONE))
    for name, carbons in _POLAR_CARBONS.items():
        found &= ~((parent == name) & np.isin(names, carbons))
    return found


def _rings(
    around: Surroundings, residue: int, rows: NDArray[np.int64], atoms: NDArray[np.int64], gap: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Pairs of atoms of rings that stack or meet edge to face: [n_mine, n_near]."""
    molecule = around.molecule
    found = np.zeros(gap.shape, dtype=bool)
    ring = AROMATIC.get(str(molecule.residue_parent_name[residue]), ())
    mine = np.isin(molecule.atom_name[around.heavy[rows]], ring)
    if not mine.any():
        return found
    middle = molecule.coordinates_nm[around.heavy[rows]][mine].mean(axis=0)
    owner = molecule.residue_index[atoms]
    for row in np.unique(owner).tolist():
        names = AROMATIC.get(str(molecule.residue_parent_name[row]), ())
        if not names:
            continue
        theirs = (owner == row) & np.isin(molecule.atom_name[atoms], names)
        if not theirs.any():
            continue
        apart = np.linalg.norm(molecule.coordinates_nm[atoms[theirs]].mean(axis=0) - middle)
        if apart <= _RING_NM:
            found |= mine[:, None] & theirs[None] & (gap <= _APOLAR_NM)
    return found
