"""Missing heavy atoms of amino acids, from ideal geometry and the rotamer that clashes least.

Atoms that are there stay where they are, and L-chirality follows from the geometry. Backbone atoms that chains need to
go on (N, CA, C) are not made up; loops are built elsewhere.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from unfreeze.structure.chemistry.ideal_geometry import BOND_LENGTHS, BUILD_GEOMETRY
from unfreeze.structure.chemistry.residues import AMINO_ACIDS
from unfreeze.structure.geometry import torsion_angles
from unfreeze.structure.internal_coordinates.rebuild import place_atoms
from unfreeze.structure.prepare.draft import Residue

__all__ = ["add_carbonyl", "clash_scores", "complete_side_chain", "lacks", "place_turned", "terminal_oxygen"]

Points = NDArray[np.float64]

_CLASH_NM = 0.33
_TERMINAL_ANGLE = np.radians(117.5)
_SP3 = {-65: 0.0, 180: 0.2, 65: 0.6}
_PLANE = {-20: 0.0, 30: 0.0, -60: 0.1, 60: 0.1, 90: 0.2, -90: 0.2, 180: 0.2, 0: 0.0}
# Candidate angles of every chi in degrees and what each costs, after Lovell et al. 2000, Proteins 40, 389.
_ROTAMERS: dict[str, tuple[dict[int, float], ...]] = {
    "ARG": (
        _SP3,
        {180: 0.0, -65: 0.3, 65: 0.3},
        {180: 0.0, -65: 0.2, 65: 0.2},
        {180: 0.0, 85: 0.1, -85: 0.1},
        {0: 0.0},
    ),
    "ASN": (_SP3, _PLANE),
    "ASP": (_SP3, _PLANE),
    "CYS": (_SP3,),
    "GLN": (_SP3, {180: 0.0, -65: 0.2, 65: 0.3}, _PLANE),
    "GLU": (_SP3, {180: 0.0, -65: 0.2, 65: 0.3}, _PLANE),
    "HIS": (_SP3, {-70: 0.0, 80: 0.0, 165: 0.2, -165: 0.2}),
    "ILE": ({-65: 0.0, 62: 0.4, -177: 0.5}, {170: 0.0, -60: 0.3, 66: 0.6}),
    "LYS": (_SP3, {180: 0.0, -65: 0.3, 65: 0.4}, {180: 0.0, -65: 0.3, 65: 0.3}, {180: 0.0, -65: 0.2, 65: 0.2}),
    "MET": (_SP3, {180: 0.0, -65: 0.1, 65: 0.3}, {180: 0.0, -70: 0.0, 70: 0.0}),
    "PHE": (_SP3, {90: 0.0, -30: 0.3, 30: 0.3, 60: 0.1, 120: 0.1}),
    "SER": ({62: 0.0, -65: 0.1, 180: 0.2},),
    "THR": ({62: 0.0, -65: 0.0, -175: 0.8},),
    "TRP": (_SP3, {-105: 0.0, 90: 0.0, 0: 0.3, -90: 0.1, 105: 0.1}),
    "TYR": (_SP3, {90: 0.0, -30: 0.3, 30: 0.3, 60: 0.1, 120: 0.1}),
    "VAL": ({175: 0.0, -60: 0.4, 63: 0.8},),
}
_PAIRS = {
    "LEU": ({(-65, 175): 0.0, (-177, 65): 0.2, (-85, 65): 0.9, (-172, 145): 0.8, (62, 80): 1.2, (-100, 40): 1.0}),
    "PRO": ({(27, -36): 0.1, (-25, 36): 0.0}),
}


def lacks(residue: Residue) -> list[str]:
    """Heavy atoms of its amino acid that a residue has not, OXT aside."""
    acid = AMINO_ACIDS.get(residue.name)
    return [] if acid is None else [name for name in acid.atoms if name not in residue.atoms]


def clash_scores(points: Points, environment: KDTree | None, reach_nm: float = _CLASH_NM) -> NDArray[np.float64]:
    """How much the atoms of each candidate overlap with what is around: [n_candidates].

    Parameters
    ----------
    points : [n_candidates, n_atoms, 3]
        In nm.
    environment
        Heavy atoms that stay.
    reach_nm
        Distance below which atoms overlap; the score is the sum of ((reach - d) / 0.1 nm)².
    """
    if environment is None or points.shape[1] == 0:
        return np.zeros(len(points))
    flat = points.reshape(-1, 3)
    near = environment.query_ball_point(flat, reach_nm)
    score = np.zeros(len(flat))
    for at, rows in enumerate(near):
        if rows:
            gap = reach_nm - np.linalg.norm(environment.data[rows] - flat[at], axis=1)
            score[at] = ((gap / 0.1) ** 2).sum()
    return score.reshape(points.shape[:2]).sum(axis=1)


def complete_side_chain(residue: Residue, around: Points) -> list[str]:
    """Build the side-chain atoms that an amino acid lacks; it has N, CA and C.

    Parameters
    ----------
    residue
        Changed in place.
    around : [n, 3]
        Heavy atoms of other residues, nm.

    Returns
    -------
    list of str
        Names of the atoms that were built.
    """
    missing = [name for name in lacks(residue) if name not in ("N", "CA", "C", "O")]
    if not missing:
        return []
    acid = AMINO_ACIDS[residue.name]
    known = {name: residue.at(name) for name in acid.atoms if name in residue.atoms}
    angles, costs = _candidates(residue.name)
    fixed = [_known_chi(known, quad) for quad in acid.chi]
    for column, value in enumerate(fixed):
        if value is not None:
            angles[:, column] = value
    angles, first = np.unique(angles, axis=0, return_index=True)
    costs = costs[first]
    built = _build(residue.name, known, angles)
    near = around[np.linalg.norm(around - residue.at("CA"), axis=1) < 1.2] if len(around) else around
    score = costs + clash_scores(
        np.stack([built[name] for name in missing], axis=1), KDTree(near) if len(near) else None
    )
    if residue.name == "PRO" and "CD" in missing:
        score += ((np.linalg.norm(built["CD"] - known["N"], axis=1) - BOND_LENGTHS["PRO"]["CD", "N"][0]) / 0.01) ** 2
    best = int(score.argmin())
    for name in missing:
        residue.put(name, built[name][best])
    order = {name: at for at, name in enumerate(acid.atoms)}
    residue.atoms = dict(sorted(residue.atoms.items(), key=lambda item: order.get(item[0], len(order))))
    return missing


def place_turned(three: tuple[Points, Points, Points], length_nm: float, angle: float, turns: Points) -> Points:
    """Points bonded to the last of three, at each of several torsions: [n_turns, 3], nm."""
    a, b, c = (np.broadcast_to(point, (len(turns), 3)) for point in three)
    return place_atoms(a, b, c, np.full(len(turns), length_nm), np.full(len(turns), angle), turns)


def add_carbonyl(residue: Residue, following: Residue | None, around: Points) -> None:
    """Build a missing O: in the plane of the peptide bond, or where there is most room at a chain's end."""
    length, angle, _ = BUILD_GEOMETRY["ALA"]["O"]
    nitrogen, alpha, carbon = (residue.at(name) for name in ("N", "CA", "C"))
    if following is not None and following.joined and "N" in following.atoms:
        away = sum(
            ((point - carbon) / np.linalg.norm(point - carbon) for point in (alpha, following.at("N"))), np.zeros(3)
        )
        residue.put("O", carbon - length * away / np.linalg.norm(away))
        return
    turns = np.radians(np.arange(0.0, 360.0, 15.0))
    options = place_turned((nitrogen, alpha, carbon), length, angle, turns)
    others = place_turned((nitrogen, alpha, carbon), length, angle, turns + np.pi)
    near = around[np.linalg.norm(around - carbon, axis=1) < 0.8] if len(around) else around
    score = clash_scores(np.stack([options, others], axis=1), KDTree(near) if len(near) else None)
    residue.put("O", options[int(score.argmin())])


def terminal_oxygen(residue: Residue) -> Points:
    """Where OXT of a residue with N, CA, C and O belongs: [3], nm."""
    nitrogen, alpha, carbon, oxygen = (residue.at(name) for name in ("N", "CA", "C", "O"))
    turn = torsion_angles(nitrogen, alpha, carbon, oxygen) + np.pi
    return place_turned(
        (nitrogen, alpha, carbon), BOND_LENGTHS["ALA"]["C", "OXT"][0], _TERMINAL_ANGLE, np.atleast_1d(turn)
    )[0]


def _candidates(name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """All combinations of candidate angles in rad, and what each costs: [n, n_chi], [n]."""
    if name in _PAIRS:
        pairs = _PAIRS[name]
        return np.radians(np.array(list(pairs), dtype=np.float64)), np.array(list(pairs.values()))
    tables = _ROTAMERS.get(name, ())
    combinations = list(itertools.product(*(table.items() for table in tables)))
    angles = np.array([[angle for angle, _ in one] for one in combinations], dtype=np.float64)
    costs = np.array([sum(cost for _, cost in one) for one in combinations])
    return np.radians(angles.reshape(len(combinations), len(tables))), costs


def _known_chi(known: Mapping[str, Points], quad: tuple[str, ...]) -> float | None:
    return float(torsion_angles(*(known[name] for name in quad))) if all(name in known for name in quad) else None


def _build(name: str, known: Mapping[str, Points], chi: Points) -> dict[str, Points]:
    """Every atom of the amino acid for every row of chi angles: name to [n, 3]."""
    acid, n = AMINO_ACIDS[name], len(chi)
    points = {atom: np.broadcast_to(position, (n, 3)) for atom, position in known.items()}
    for step in acid.build:
        if step.atom in points or step.atom == "O":
            continue
        length, angle, offset = BUILD_GEOMETRY[name][step.atom]
        turn = np.full(n, offset)
        if step.torsion:
            turn = chi[:, int(step.torsion[3:]) - 1] + offset
        a, b, c = (points[reference] for reference in step.references)
        points[step.atom] = place_atoms(a, b, c, np.full(n, length), np.full(n, angle), turn)
    return points
