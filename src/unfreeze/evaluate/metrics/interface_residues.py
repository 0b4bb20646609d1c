"""Which residues and chains meet in the reference structure, and which backbone atoms interface RMSDs are taken over.

Two distances are in use and they are not the same thing. Residues of two chains are *in contact* when any of their
heavy atoms are less than 0.5 nm apart: from this come interfaces, contacts and the fraction of native contacts. The
backbone over which an interface RMSD is taken is that of all residues with a heavy atom less than 1.0 nm from the
other chain, as in CAPRI and DockQ (Méndez et al. 2003, Proteins 52, 51). Only polymers count here, not their ligands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from unfreeze.evaluate.frames import Side
from unfreeze.evaluate.metric import NotMeasurableError
from unfreeze.structure.chemistry.residues import BACKBONE
from unfreeze.structure.complex import Complex

__all__ = [
    "BACKBONE_REACH_NM",
    "CONTACT_NM",
    "Interface",
    "Interfaces",
    "backbone_atoms",
    "contacts_between",
    "interfaces_of",
    "polymer_atoms",
    "require_backbone",
    "require_side_chains",
]

CONTACT_NM = 0.5
BACKBONE_REACH_NM = 1.0
_NUCLEIC_BACKBONE = ("P", "OP1", "OP2", "O2'", "O3'", "O4'", "O5'", "C1'", "C2'", "C3'", "C4'", "C5'")
_COMPLETE_SHARE = 0.5  # of residues that must have what a metric needs; files lack some side chains without harm


@dataclass(frozen=True, eq=False)
class Interface:
    """Two parties, chains as a rule, that touch in the reference structure.

    Attributes
    ----------
    name
        ``A–B``.
    first, second : int64 [n]
        Heavy atoms of the two.
    native : int64 [n_native, 2]
        Rows of the residue table in contact (< 0.5 nm), the lower row first.
    near : int64 [n_near]
        Backbone atoms of the residues with a heavy atom less than 1.0 nm from the other party.
    receptor, ligand : int64 [n]
        Backbone atoms of the party with more residues and of the other; of two equal ones the second is the receptor.
    """

    name: str
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    native: NDArray[np.int64]
    near: NDArray[np.int64]
    receptor: NDArray[np.int64]
    ligand: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Interfaces:
    """All interfaces of a molecule.

    Attributes
    ----------
    molecule
        The reference structure.
    parties
        Names of the chains that are polymers, or of groups of them.
    items
        Interfaces, in the order of their parties.
    """

    molecule: Complex
    parties: tuple[str, ...]
    items: tuple[Interface, ...]

    @classmethod
    def of(cls, molecule: Complex, group_of_chain: Sequence[str] | None = None) -> Interfaces:
        """The interfaces of a molecule's own coordinates.

        Parameters
        ----------
        molecule
            The molecule.
        group_of_chain
            Name of the party of every chain, where several chains act as one (an antibody's); each its own when None.
        """
        atoms = polymer_atoms(molecule)
        names = [str(name) for name in (molecule.chain_name if group_of_chain is None else group_of_chain)]
        party_of_atom = np.array(names)[molecule.atom_chain_index[atoms]]
        parties = tuple(dict.fromkeys(party_of_atom.tolist()))
        members = {name: atoms[party_of_atom == name] for name in parties}
        found = []
        for first, second in combinations(parties, 2):
            native = contacts_between(molecule, members[first], members[second], CONTACT_NM)
            if len(native):
                name = f"{first}–{second}"
                found.append(_interface(molecule, name, members[first], members[second], np.sort(native, axis=1)))
        return cls(molecule, parties, tuple(found))

    @property
    def names(self) -> list[str]:
        """One name an interface."""
        return [item.name for item in self.items]

    @cached_property
    def native(self) -> NDArray[np.int64]:
        """Native contacts of all interfaces, one after the other: [n_native, 2] residues."""
        return np.concatenate([np.empty((0, 2), dtype=np.int64), *(item.native for item in self.items)])

    @cached_property
    def interface_of_native(self) -> NDArray[np.int64]:
        """Interface of every native contact: [n_native]."""
        return np.repeat(np.arange(len(self.items)), [len(item.native) for item in self.items])


def interfaces_of(side: Side) -> Interfaces:
    """Interfaces of a side's molecule; the same on both sides.

    Raises
    ------
    NotMeasurableError
        If it has one chain, or none of its chains touch.
    """
    found = side.once(_interfaces)
    if len(found.parties) < 2:
        raise NotMeasurableError("one chain: there is no interface")
    if not found.items:
        require_side_chains(side.molecule)  # without them nothing can be as near, which is the better reason
        raise NotMeasurableError("no two chains of the reference structure have heavy atoms within 0.5 nm")
    return found


def _interfaces(side: Side) -> Interfaces:
    return Interfaces.of(side.molecule)


def polymer_atoms(molecule: Complex) -> NDArray[np.int64]:
    """Heavy atoms of amino acids and nucleotides, in order: [n]."""
    polymer = np.isin(molecule.residue_kind, ("protein", "nucleic"))
    return np.flatnonzero(polymer[molecule.residue_index] & ~np.isin(molecule.element, ("H", "D")))


def backbone_atoms(molecule: Complex) -> NDArray[np.int64]:
    """N, CA, C, O of amino acids, and sugar and phosphate of nucleotides, as DockQ takes them: [n]."""
    kind = molecule.residue_kind[molecule.residue_index]
    protein = (kind == "protein") & np.isin(molecule.atom_name, BACKBONE)
    return np.flatnonzero(protein | ((kind == "nucleic") & np.isin(molecule.atom_name, _NUCLEIC_BACKBONE)))


def contacts_between(
    molecule: Complex, first: NDArray[np.int64], second: NDArray[np.int64], cutoff_nm: float
) -> NDArray[np.int64]:
    """Residue pairs of two sets of atoms with atoms less than `cutoff_nm` apart: [n, 2], sorted."""
    near = KDTree(molecule.coordinates_nm[first]).sparse_distance_matrix(
        KDTree(molecule.coordinates_nm[second]), cutoff_nm, output_type="ndarray"
    )
    near = near[near["v"] < cutoff_nm]
    pairs = np.stack(
        [molecule.residue_index[first[near["i"]]], molecule.residue_index[second[near["j"]]]], axis=1
    )  # fmt: skip
    return np.unique(pairs, axis=0).astype(np.int64).reshape(-1, 2)


def require_side_chains(molecule: Complex) -> None:
    """Refuse a molecule whose side chains were not matched.

    Raises
    ------
    NotMeasurableError
        If most residues that have a side chain lack it.
    """
    atoms = polymer_atoms(molecule)
    residues, count = np.unique(molecule.residue_index[atoms], return_counts=True)
    names = molecule.residue_parent_name[residues]
    # glycine has none; alanine's is one atom, which backbone models with Cβ have too
    expected = np.where(names == "ALA", 5, 6)
    expected = np.where(molecule.residue_kind[residues] == "nucleic", 13, expected)
    asked = names != "GLY"
    if asked.any() and (count >= expected)[asked].mean() < _COMPLETE_SHARE:
        raise NotMeasurableError("no side chains are in both: contacts within 0.5 nm are defined on all heavy atoms")


def require_backbone(molecule: Complex) -> None:
    """Refuse a molecule that has one atom a residue.

    Raises
    ------
    NotMeasurableError
        If most residues lack backbone atoms.
    """
    present = np.unique(molecule.residue_index[polymer_atoms(molecule)])
    count = np.bincount(molecule.residue_index[backbone_atoms(molecule)], minlength=molecule.n_residues)[present]
    if (count >= len(BACKBONE)).mean() < _COMPLETE_SHARE:
        raise NotMeasurableError("no backbone atoms N, C and O are in both: there are representative atoms only")


def _interface(
    molecule: Complex, name: str, first: NDArray[np.int64], second: NDArray[np.int64], native: NDArray[np.int64]
) -> Interface:
    near = contacts_between(molecule, first, second, BACKBONE_REACH_NM)
    backbone = backbone_atoms(molecule)
    n_residues = [len(np.unique(molecule.residue_index[atoms])) for atoms in (first, second)]
    larger, smaller = (first, second) if n_residues[0] > n_residues[1] else (second, first)
    return Interface(
        name=name,
        first=first,
        second=second,
        native=native,
        near=backbone[np.isin(molecule.residue_index[backbone], near)],
        receptor=np.intersect1d(backbone, larger),
        ligand=np.intersect1d(backbone, smaller),
    )
