"""The static interface: contacts by class, hydrogen bonds, salt bridges, electrostatics.

Contacts by class are those of Vangone & Bonvin 2015, eLife 4, e07454: pairs of residues with heavy atoms within
0.55 nm, each charged, polar or apolar.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from unfreeze.properties.binding.partners import ORDER, PartnerPair

__all__ = ["CONTACT_NM", "contact_classes", "contact_features"]

CONTACT_NM = 0.55
_CLASS = {
    **dict.fromkeys("ALA CYS GLY PHE ILE MET LEU PRO TRP VAL TYR".split(), "A"),
    **dict.fromkeys("ASN GLN SER THR".split(), "P"),
    **dict.fromkeys("GLU ASP HIS LYS ARG".split(), "C"),
}
_PAIRS: tuple[str, ...] = ("CC", "CP", "AC", "PP", "AP", "AA")
_POSITIVE: Mapping[str, tuple[str, ...]] = {"LYS": ("NZ",), "ARG": ("NE", "NH1", "NH2")}
_NEGATIVE: Mapping[str, tuple[str, ...]] = {"ASP": ("OD1", "OD2"), "GLU": ("OE1", "OE2")}
_BOND_NM, _BRIDGE_NM, _TOUCH_NM, _REACH_NM = 0.35, 0.4, 0.42, 0.9
_DEBYE_NM = 0.8  # screening length at some 150 mM salt
_AROMATIC = ("PHE", "TYR", "TRP", "HIS")


def contact_classes(pair: PartnerPair) -> dict[str, float]:
    """Numbers of contacts by the classes of the two residues: CC, CP, AC, PP, AP, AA."""
    kinds = pair.molecule.residue_parent_name[pair.residue_pairs(CONTACT_NM)]
    found = dict.fromkeys(_PAIRS, 0.0)
    for one, other in kinds.tolist():
        if one in _CLASS and other in _CLASS:
            found["".join(sorted((_CLASS[one], _CLASS[other])))] += 1.0
    return found


def contact_features(pair: PartnerPair) -> dict[str, float]:
    """Contacts of residues and atoms, hydrogen bonds, salt bridges and charges over the interface."""
    molecule = pair.molecule
    found = {f"contacts_{name}": count for name, count in contact_classes(pair).items()}
    total = max(sum(found.values()), 1.0)
    found |= {f"share_{name}": found[f"contacts_{name}"] / total for name in _PAIRS}
    found["log_contacts"] = float(np.log(total))
    atoms, distance = pair.atom_pairs(_REACH_NM)
    polar = np.isin(molecule.element, ("N", "O"))
    n_polar = polar[atoms].sum(axis=1)
    for name, chosen in (("near", distance < _TOUCH_NM), ("far", (distance >= _TOUCH_NM) & (distance < 0.6))):
        counts = np.bincount(n_polar[chosen], minlength=3)
        found |= {f"atoms_{name}_{kind}": float(counts[k]) for k, kind in enumerate(("apolar", "mixed", "polar"))}
    bonded = (n_polar == 2) & (distance < _BOND_NM)
    found["hydrogen_bonds"] = float(len(_residues(pair, atoms[bonded])))
    charge = _charges(pair)
    product = charge[atoms].prod(axis=1)
    found["salt_bridges"] = float(len(_residues(pair, atoms[(product < 0.0) & (distance < _BRIDGE_NM)])))
    found["like_charges"] = float(len(_residues(pair, atoms[(product > 0.0) & (distance < 0.6)])))
    energy = product * np.exp(-distance / _DEBYE_NM) / np.maximum(distance, 0.25)
    found["coulomb"] = float(energy.sum())
    aromatic = np.isin(molecule.residue_parent_name, _AROMATIC)[molecule.residue_index]
    sides = ~np.isin(molecule.atom_name, ("N", "CA", "C", "O"))
    ring = aromatic & sides
    found["aromatic_pairs"] = float(len(_residues(pair, atoms[ring[atoms].all(axis=1) & (distance < 0.5)])))
    cation = charge > 0.0
    to_ring = (cation[atoms[:, 0]] & ring[atoms[:, 1]]) | (cation[atoms[:, 1]] & ring[atoms[:, 0]])
    found["cation_ring"] = float(len(_residues(pair, atoms[to_ring & (distance < 0.5)])))
    found["backbone_contacts"] = float(np.sum(~sides[atoms].any(axis=1) & (distance < _TOUCH_NM)))
    partner = pair.residue_pairs(CONTACT_NM)
    per_residue = np.bincount(partner.ravel(), minlength=1)
    touching = per_residue[per_residue > 0]
    found["partners_a_residue"] = float(touching.mean()) if len(touching) else 0.0
    kinds = pair.kind[np.unique(partner)] if len(partner) else np.empty(0, dtype=np.int64)
    shares = np.bincount(kinds[kinds >= 0], minlength=len(ORDER)) / max(len(kinds), 1)
    found |= {f"interface_{acid}": float(one) for acid, one in zip(ORDER, shares, strict=True)}
    return found


def _residues(pair: PartnerPair, atoms: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs of residues that pairs of atoms belong to."""
    return np.unique(pair.molecule.residue_index[atoms].reshape(-1, 2), axis=0)


def _charges(pair: PartnerPair) -> NDArray[np.float64]:
    """Charge of every atom in elementary charges: those of side chains at pH 7, shared by their atoms."""
    molecule = pair.molecule
    names = molecule.residue_parent_name[molecule.residue_index]
    charge = np.zeros(molecule.n_atoms)
    for sign, groups in ((1.0, _POSITIVE), (-1.0, _NEGATIVE)):
        for name, atoms in groups.items():
            charge[(names == name) & np.isin(molecule.atom_name, atoms)] = sign / len(atoms)
    return charge
