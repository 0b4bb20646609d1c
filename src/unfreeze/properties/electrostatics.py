"""Charges that a mutation brings or takes, in the field of the other partner, and how far a loss of affinity can go.

A few constants and no training: what the network of `properties.effect_model` sees ends at the nearest 24 residues,
while charges are felt beyond them (Selzer, Albeck & Schreiber 2000, Nat. Struct. Biol. 7, 537); and a mutation cannot
lose more than there is to lose.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.mutations import Mutation
from unfreeze.model.local_frames import local_frames
from unfreeze.properties.modalities.structure import VIRTUAL_CB_NM
from unfreeze.properties.places import label_of, partner_atoms, residue_labels
from unfreeze.structure.complex import Complex

__all__ = ["TYPICAL_DELTA_G", "bounded", "charge_effects", "partner_potential"]

TYPICAL_DELTA_G = -48.0
"""kJ/mol, of the complexes of SKEMPI 2; taken where nothing is known of the wild type."""
_CHARGE = {"K": 1.0, "R": 1.0, "D": -1.0, "E": -1.0}
_CHARGED_ATOMS = {
    ("LYS", "NZ"): 1.0,
    ("ARG", "NH1"): 0.5,
    ("ARG", "NH2"): 0.5,
    ("ASP", "OD1"): -0.5,
    ("ASP", "OD2"): -0.5,
    ("GLU", "OE1"): -0.5,
    ("GLU", "OE2"): -0.5,
}
_ION = 2.0
_SCREENING_NM, _NEAREST_NM, _REACH_NM = 1.5, 0.3, 2.0
_SIDE_NM = 0.35  # from CA to where a charge of the side chain is
_STRENGTH = 0.7  # kJ/mol nm; chosen on the folds `affinity`
_STEEPNESS = 1.35 / 50.0  # 1/(kJ/mol); chosen on the folds `affinity`
_WEAKEST, _STRONGEST = -100.0, -15.0
_LARGEST_EXPONENT = 2.0


def partner_potential(
    molecule: Complex, partners: tuple[str, str], sites: NDArray[np.int64], part: str
) -> NDArray[np.float64]:
    """Potential of the charges of the other partner where the side chains of residues end.

    Parameters
    ----------
    molecule
        The complex.
    partners
        Chains of either side.
    sites : int64 [n_sites]
        Rows of residues of `molecule`, which have N, CA and C.
    part
        Which partner is the other: ``first`` or ``second``.

    Returns
    -------
    float64 [n_sites]
        Σ q (e^(−r/λ)/r, less its value at the reach of 2 nm, beyond which it is zero), e/nm; λ is 1.5 nm.
    """
    other = partner_atoms(molecule, partners, part)
    charges = _charges(other)
    charged = np.flatnonzero(charges)
    alpha = molecule.coordinates_nm[molecule.atom_of_residue("CA")[sites]]
    along = local_frames(molecule)[sites] @ np.asarray(VIRTUAL_CB_NM)
    ends = alpha + _SIDE_NM * along / np.linalg.norm(along, axis=1)[:, None]
    found = np.zeros(len(sites))
    for start in range(0, len(sites), 256):
        offset = ends[start : start + 256, None] - other.coordinates_nm[charged]
        distance = np.maximum(np.linalg.norm(offset, axis=2), _NEAREST_NM)
        felt = np.maximum(_screened(distance) - _screened(np.array(_REACH_NM)), 0.0)
        found[start : start + 256] = felt @ charges[charged]
    return found


def charge_effects(molecule: Complex, partners: tuple[str, str], mutations: Sequence[Mutation]) -> NDArray[np.float64]:
    """What the changed charges of mutations do to binding: [n_mutations], kJ/mol, positive weakens.

    Parameters
    ----------
    molecule
        The complex.
    partners
        Chains of either side.
    mutations
        Of residues with N, CA and C.
    """
    change = np.array([_CHARGE.get(one.mutant, 0.0) - _CHARGE.get(one.wild_type, 0.0) for one in mutations])
    row_of = {label: row for row, label in enumerate(residue_labels(molecule, np.arange(molecule.n_residues)))}
    row = np.array([row_of[label_of(one.chain, one.number, one.insertion_code)] for one in mutations], dtype=np.int64)
    first = partner_atoms(molecule, partners, "first")
    in_first = np.isin(molecule.chain_name[molecule.chain_index[row]], first.chain_name)
    found = np.zeros(len(mutations))
    for part, own in (("second", in_first), ("first", ~in_first)):
        charged = np.flatnonzero(own & (change != 0.0))
        if len(charged):
            found[charged] = change[charged] * partner_potential(molecule, partners, row[charged], part)
    return _STRENGTH * found


def bounded(effects: NDArray[np.float64], delta_g_kJ_mol: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """Effects on binding that cannot lose more than the wild type's affinity.

    Every step takes its share of what is left, ΔG → ΔG exp(−effect / s), so that steps there and back cancel if the way
    back begins with the mutant's own ΔG.

    Parameters
    ----------
    effects : [n]
        kJ/mol, of mutations as if there were no end to it.
    delta_g_kJ_mol
        Of the wild type; taken as −100 to −15.

    Returns
    -------
    float64 [n]
        |ΔG| (1 − exp(−effect / s)), s = 37 kJ/mol.
    """
    lost = np.clip(_STEEPNESS * np.asarray(effects, dtype=np.float64), -_LARGEST_EXPONENT, None)
    return -np.clip(delta_g_kJ_mol, _WEAKEST, _STRONGEST) * -np.expm1(-lost)


def _screened(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.exp(-distance / _SCREENING_NM) / distance


def _charges(molecule: Complex) -> NDArray[np.float64]:
    """Charge of every atom, e: [n_atoms]."""
    names = molecule.residue_parent_name[molecule.residue_index]
    found = np.where((molecule.residue_kind == "ion")[molecule.residue_index], _ION, 0.0)
    for (residue, atom), charge in _CHARGED_ATOMS.items():
        found[(names == residue) & (molecule.atom_name == atom)] = charge
    return found
