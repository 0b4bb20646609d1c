"""Ends of chains: terminal oxygens, and ACE and NME caps where a chain does not truly end.

Which ends get what is decided in :mod:`unfreeze.structure.prepare.preparation`; here it is done.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from unfreeze.structure.geometry import torsion_angles
from unfreeze.structure.prepare.draft import Draft, Residue
from unfreeze.structure.prepare.side_chains import clash_scores, place_turned, terminal_oxygen

__all__ = ["add_ace", "add_nme", "charge_end", "methyl_of_amide"]

Points = NDArray[np.float64]

# nm and degrees, peptide geometry of Engh and Huber 1991, Acta Cryst. A47, 392
_CN, _NC, _CC, _CO = 0.1329, 0.1450, 0.1510, 0.1231
_CA_C_N, _C_N_C, _C_C_O, _CC_N = (np.radians(value) for value in (116.5, 121.9, 122.9, 116.5))


def charge_end(residue: Residue) -> bool:
    """Give the last residue of a chain its second oxygen; whether it was missing."""
    if "OXT" in residue.atoms:
        return False
    residue.put("OXT", terminal_oxygen(residue))
    return True


def add_ace(draft: Draft, first: Residue) -> Residue:
    """Put ACE before a residue, where it clashes least."""
    nitrogen, alpha, carbon = (first.at(name) for name in ("N", "CA", "C"))
    if first.name == "PRO" and "CD" in first.atoms:
        turns = np.atleast_1d(torsion_angles(carbon, alpha, nitrogen, first.at("CD")) + np.pi)
    else:
        turns = np.radians(np.concatenate([np.arange(-165.0, -45.0, 10.0), [55.0, 65.0, 180.0]]))
    cost = np.where((turns > 0) & (turns < np.pi - 0.1), 0.5, 0.0)
    acyl = place_turned((carbon, alpha, nitrogen), _CN, _C_N_C, turns)
    oxygen, methyl = (
        np.concatenate([place_turned((alpha, nitrogen, at), length, angle, np.array([turn])) for at in acyl])
        for length, angle, turn in ((_CO, _C_C_O, 0.0), (_CC, _CC_N, np.pi))
    )
    tree = _around(draft, first, nitrogen)
    best = int((cost + clash_scores(np.stack([acyl, oxygen, methyl], axis=1), tree)).argmin())
    number, code = _free_number(draft, first, -1)
    cap = Residue(first.chain, number, code, "ACE", "ligand", joined=False, built=True)
    for name, points in (("CH3", methyl), ("C", acyl), ("O", oxygen)):
        cap.put(name, points[best])
    draft.residues.insert(draft.residues.index(first), cap)
    first.joined = True
    return cap


def add_nme(draft: Draft, last: Residue) -> Residue:
    """Put NME after a residue, in the plane of its carbonyl; OXT goes."""
    last.atoms.pop("OXT", None)
    nitrogen, alpha, carbon, oxygen = (last.at(name) for name in ("N", "CA", "C", "O"))
    turn = np.atleast_1d(torsion_angles(nitrogen, alpha, carbon, oxygen) + np.pi)
    amide = place_turned((nitrogen, alpha, carbon), _CN, _CA_C_N, turn)[0]
    number, code = _free_number(draft, last, 1)
    cap = Residue(last.chain, number, code, "NME", "ligand", joined=True, built=True)
    cap.put("N", amide)
    cap.put("C", methyl_of_amide(last, amide))
    draft.residues.insert(draft.residues.index(last) + 1, cap)
    return cap


def methyl_of_amide(before: Residue, nitrogen: Points) -> Points:
    """Where the methyl of NME belongs, trans to CA of the residue before it: [3], nm."""
    return place_turned((before.at("CA"), before.at("C"), nitrogen), _NC, _C_N_C, np.array([np.pi]))[0]


def _around(draft: Draft, residue: Residue, centre: Points) -> KDTree | None:
    points = draft.heavy_positions(without=[residue])
    points = points[np.linalg.norm(points - centre, axis=1) < 1.0]
    return KDTree(points) if len(points) else None


def _free_number(draft: Draft, residue: Residue, step: int) -> tuple[int, str]:
    """The next number if nothing of the chain has it, else the residue's own with a letter from the alphabet's end."""
    taken = {(other.number, other.code) for other in draft.residues if other.chain == residue.chain}
    if not any(number == residue.number + step for number, _ in taken):
        return residue.number + step, ""
    letters = [letter for letter in "ZYXWVUTSRQPONMLKJIHGFEDCBA" if (residue.number, letter) not in taken]
    return residue.number, letters[0]
