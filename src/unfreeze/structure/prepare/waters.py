"""Which waters go into the simulation: none, all, or those between two chains; and none that overlap with anything."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from unfreeze.structure.chemistry.elements import is_metal
from unfreeze.structure.prepare.changes import Changes
from unfreeze.structure.prepare.draft import Draft, Residue
from unfreeze.structure.prepare.settings import PreparationSettings

__all__ = ["drop_overlapping_waters", "select_waters"]

_OVERLAP_NM = 0.22


def select_waters(draft: Draft, settings: PreparationSettings, changes: Changes) -> None:
    """Drop the waters that are not wanted; those that stay are called HOH and have their oxygen only.

    Parameters
    ----------
    draft
        Changed in place; ligands and ions that are not kept are gone already.
    settings
        Which are wanted.
    changes
        Told how many stay and go.
    """
    waters = [residue for residue in draft.residues if residue.water]
    oxygens = [next((one for one in water.atoms.values() if one.element == "O"), None) for water in waters]
    kept: set[int] = set()
    if settings.keep_waters != "none":
        near = _between(draft) if settings.keep_waters == "interface" else []
        for water, oxygen in zip(waters, oxygens, strict=True):
            if oxygen is None:
                continue
            n_near = sum(tree.query(oxygen.position)[0] < settings.water_distance_nm for tree in near)
            if settings.keep_waters == "all" or n_near >= 2:
                water.name, water.atoms = "HOH", {"O": oxygen}
                kept.add(id(water))
    n_gone = len(waters) - len(kept)
    if n_gone:
        changes.add("water", "", f"{n_gone} water{'s' if n_gone > 1 else ''} dropped.")
    if kept:
        where = "all" if settings.keep_waters == "all" else f"within {settings.water_distance_nm:g} nm of two chains"
        changes.add("water", "", f"{len(kept)} water{'s' if len(kept) > 1 else ''} kept ({where}).")
    draft.drop([water for water in waters if id(water) not in kept])


def _between(draft: Draft) -> list[KDTree]:
    """Heavy atoms of every chain, and of every ligand."""
    groups: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
    for residue in draft.residues:
        if not residue.water and residue.kind != "ion":
            key = residue.chain if residue.polymer else residue.label
            groups[key] += [residue.at(name) for name in residue.heavy()]
    return [KDTree(np.array(points)) for points in groups.values()]


def drop_overlapping_waters(draft: Draft, changes: Changes) -> None:
    """Drop waters on top of other atoms, built ones among them, or of each other; metals may be close."""
    others = [
        atom.position
        for residue in draft.residues
        if not residue.water
        for atom in residue.atoms.values()
        if not is_metal(atom.element)
    ]
    tree = KDTree(np.array(others))
    gone: list[Residue] = []
    taken: list[NDArray[np.float64]] = []
    for water in draft.residues:
        if not water.water:
            continue
        place = water.at("O")
        to_water = np.linalg.norm(np.array(taken) - place, axis=1).min() if taken else np.inf
        if min(float(tree.query(place)[0]), float(to_water)) < _OVERLAP_NM:
            gone.append(water)
        else:
            taken.append(place)
    if gone:
        text = f"{len(gone)} water{'s' if len(gone) > 1 else ''} dropped, too close to other atoms."
        changes.add("water", "", text)
    draft.drop(gone)
