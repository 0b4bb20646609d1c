"""Hydrogens: which state every residue takes at a pH, and putting them on with OpenMM's modeller.

States follow the pKa of model compounds, as OpenMM has them; the surroundings decide only which nitrogen of a neutral
histidine carries its hydrogen. The same seed gives the same coordinates.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from unfreeze.errors import InputError
from unfreeze.structure.prepare.draft import Draft, Residue

__all__ = ["DEFAULT_STATES", "STATES", "choose_states", "histidine_state", "put_hydrogens", "single_thread"]

Points = NDArray[np.float64]

STATES: Mapping[str, tuple[str, ...]] = {
    "ASP": ("ASP", "ASH"),
    "GLU": ("GLU", "GLH"),
    "LYS": ("LYS", "LYN"),
    "CYS": ("CYS", "CYM", "CYX"),
    "HIS": ("HID", "HIE", "HIP"),
}
"""States of each amino acid that has several, by Amber's names."""

DEFAULT_STATES = ("ASP", "GLU", "LYS", "CYS", "CYX")

# pKa of model compounds as in OpenMM's hydrogens.xml: state above it, state below it.
_PKA = {
    "ASP": (4.4, "ASP", "ASH"),
    "GLU": (4.4, "GLU", "GLH"),
    "LYS": (10.4, "LYN", "LYS"),
    "CYS": (8.5, "CYM", "CYS"),
    "HIS": (6.5, "", "HIP"),
}
# States for which force fields have no template at a chain's end, and what they are there instead.
_INNER_ONLY = {"ASH": "ASP", "GLH": "GLU", "LYN": "LYS", "CYM": "CYS"}
# Nitrogens and oxygens that only give hydrogen bonds, and those that do either, by residue where it matters.
_DONORS = ("N", "NZ", "NH1", "NH2", "NE", "ND2", "NE1", "N2", "N4", "N6")
_EITHER = ("OG", "OG1", "OH", "O2'", "ND1", "NE2")
_CHARGED = {"ASP": ("OD1", "OD2"), "GLU": ("OE1", "OE2")}
_HBOND_NM = 0.35
_METAL_NM = 0.26


def choose_states(
    draft: Draft, pH: float, wanted: Mapping[int, str], metals: Points
) -> tuple[dict[int, str], list[tuple[Residue, str, str]]]:
    """State of every residue that has several.

    Parameters
    ----------
    draft
        With all heavy atoms.
    pH
        Decides by the model compounds.
    wanted
        States that the user chose, by id of the residue.
    metals : [n, 3]
        Kept metal ions, nm: what is bound to them has no hydrogen there.

    Returns
    -------
    states
        By id of the residue.
    reasons
        Residue, state and a sentence, for every one that is not in its usual state.

    Raises
    ------
    InputError
        If a state was chosen at the end of a chain that force fields have within chains only.
    """
    bridged = {id(residue) for a, x, b, y in draft.bonds if x == y == "SG" for residue in (a, b)}
    ends = {id(segment[at]) for segment in draft.segments() for at in (0, -1)}
    states: dict[int, str] = {}
    reasons: list[tuple[Residue, str, str]] = []
    tree = KDTree(metals) if len(metals) else None
    environment: tuple[Points, NDArray[np.float64]] | None = None
    for residue in draft.residues:
        if residue.kind != "protein" or residue.name not in STATES:
            continue
        if id(residue) in bridged:
            states[id(residue)] = "CYX"
            continue
        if id(residue) in wanted:
            state = states[id(residue)] = wanted[id(residue)]
            if id(residue) in ends and state in _INNER_ONLY:
                raise InputError(
                    f"state {state} of {residue.label}: force fields do not have it at the end of a chain; cap the end "
                    "(--termini capped) or choose another state"
                )
            reasons.append((residue, state, f"{residue.label} is {state}, as chosen."))
            continue
        pKa, above, below = _PKA[residue.name]
        state = above if pH > pKa else below
        reason = f"{residue.label} is {state} at pH {pH:g} (model pKa {pKa:g})."
        if id(residue) in ends and state in _INNER_ONLY:
            state = _INNER_ONLY[state]
            reason = f"{residue.label} stays {state} at pH {pH:g}: force fields have no other state at a chain's end."
        if residue.name == "CYS" and tree is not None and tree.query(residue.at("SG"))[0] < _METAL_NM:
            if id(residue) not in ends:
                state = "CYM"
            reason = f"{residue.label} is {state}: its sulfur is bound to a metal."
        if residue.name == "HIS" and not state:
            if environment is None:
                environment = _polar_atoms(draft)
            state, why = histidine_state(residue, *environment, tree)
            reason = f"{residue.label} is {state} ({why})."
        states[id(residue)] = state
        if state not in DEFAULT_STATES or "stays" in reason:
            reasons.append((residue, state, reason))
    return states, reasons


def histidine_state(
    residue: Residue, polar: Points, accepts: NDArray[np.float64], metals: KDTree | None
) -> tuple[str, str]:
    """HID or HIE of a neutral histidine, and why: metals, then hydrogen bonds, else HIE.

    Parameters
    ----------
    residue
        With its ring.
    polar : [n, 3]
        Nitrogens and oxygens of other residues and waters, nm.
    accepts : [n]
        How good an acceptor of hydrogen bonds each is: 1.5 for carboxylates, 1 for carbonyls, 0 for what does either,
        -1 for what only gives them.
    metals
        Kept metal ions.
    """
    if metals is not None:
        bound = {name: metals.query(residue.at(name))[0] < _METAL_NM for name in ("ND1", "NE2")}
        if bound["ND1"] != bound["NE2"]:
            return ("HIE", "ND1 is bound to a metal") if bound["ND1"] else ("HID", "NE2 is bound to a metal")
    score = {}
    own = np.array([residue.at(name) for name in residue.heavy()])
    for name, neighbours in (("ND1", ("CG", "CE1")), ("NE2", ("CD2", "CE1"))):
        nitrogen = residue.at(name)
        outward = sum(((nitrogen - residue.at(other)) for other in neighbours), np.zeros(3))
        outward /= np.linalg.norm(outward)
        reach = polar - nitrogen
        distance = np.linalg.norm(reach, axis=1)
        near = np.flatnonzero((distance < _HBOND_NM) & (distance > 0.2))
        along = (reach[near] @ outward) / distance[near]
        near = near[along > np.cos(np.radians(50.0))]
        near = near[[np.linalg.norm(own - polar[at], axis=1).min() > 0.01 for at in near]]
        score[name] = accepts[near].max(initial=0.0) + accepts[near].min(initial=0.0)
    if score["ND1"] > score["NE2"]:
        return "HID", "hydrogen bonds favour a hydrogen on ND1"
    if score["NE2"] > score["ND1"]:
        return "HIE", "hydrogen bonds favour a hydrogen on NE2"
    return "HIE", "the more common tautomer; hydrogen bonds do not decide"


def _polar_atoms(draft: Draft) -> tuple[Points, NDArray[np.float64]]:
    points, accepts = [], []
    for residue in draft.residues:
        for name, atom in residue.atoms.items():
            if atom.element in ("N", "O"):
                points.append(atom.position)
                accepts.append(_acceptance(residue, name))
    return np.array(points).reshape(-1, 3), np.array(accepts, dtype=np.float64)


def _acceptance(residue: Residue, name: str) -> float:
    if residue.water or (name in _EITHER and not (residue.name == "GLN" and name == "NE2")):
        return 0.0
    if name in _CHARGED.get(residue.name, ()) or name == "OXT":
        return 1.5
    donates = name in _DONORS or (residue.name, name) == ("GLN", "NE2")
    return -1.0 if donates and (residue.name, name) != ("PRO", "N") else 1.0


@contextmanager
def single_thread() -> Iterator[Any]:
    """OpenMM's CPU platform with one thread, which gives the same digits every time; Reference where there is none."""
    from openmm import OpenMMException, Platform

    try:
        platform = Platform.getPlatformByName("CPU")
    except OpenMMException:
        yield Platform.getPlatformByName("Reference")
        return
    before = platform.getPropertyDefaultValue("Threads")
    platform.setPropertyDefaultValue("Threads", "1")
    try:
        yield platform
    finally:
        platform.setPropertyDefaultValue("Threads", before)


def put_hydrogens(topology: Any, positions_nm: Points, variants: list[Any], *, pH: float, seed: int) -> tuple[Any, Any]:
    """Add hydrogens with OpenMM's modeller.

    Parameters
    ----------
    topology, positions_nm
        Heavy atoms, every stretch of a chain a chain of its own.
    variants
        State of every residue as the modeller takes it, None where it has no choice.
    pH, seed
        The same seed gives the same coordinates; Python's own generator is left as it was.

    Returns
    -------
    topology, positions
        OpenMM's, hydrogens included.
    """
    from openmm import Vec3
    from openmm.app import Modeller

    modeller = Modeller(topology, [Vec3(*point) for point in positions_nm.tolist()])
    before = random.getstate()
    random.seed(seed)
    try:
        with single_thread() as platform:
            modeller.addHydrogens(pH=pH, variants=variants, platform=platform)
    finally:
        random.setstate(before)
    return modeller.topology, modeller.positions
