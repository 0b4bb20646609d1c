"""Which of several equal chains is which: the assignment under which both sides lie in the same places.

Names and order of equal chains are arbitrary, so they decide only between assignments that places cannot tell apart.
Compared are mean positions of both sides, each frame superposed on the reference structure: with an ensemble equal to
its reference the distance is then zero for the identity, however the copies of the structure differ or have drifted.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from math import perm

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from unfreeze.evaluate.frames import Frames
from unfreeze.evaluate.matching.chains import Pairing, Unit
from unfreeze.evaluate.matching.superposition import mean_positions, sampled_frames
from unfreeze.structure.complex import Complex

__all__ = ["assign_copies", "representative_of_residue"]

EQUAL_SHARE = 0.9
"""Copies are units of which at least this share is identical; an assignment must pair as much of the best one."""
MAX_ASSIGNMENTS = 720
TIE_NM = 1e-4
MAX_POINTS = 400

Assignment = dict[int, int]


def assign_copies(pairing: Pairing, reference: Frames, ensemble: Frames) -> tuple[Assignment, bool]:
    """Choose among assignments of equal chains.

    Parameters
    ----------
    pairing
        Units and their candidates.
    reference, ensemble
        Frames of both sides.

    Returns
    -------
    chosen
        Ensemble unit by reference unit.
    ambiguous
        Whether there was a choice.
    """
    groups = _groups(pairing)
    if not groups:
        return pairing.chosen, False
    places = _Places(pairing, reference, ensemble)
    chosen = pairing.chosen
    if np.prod([float(_n_assignments(*group)) for group in groups]) <= MAX_ASSIGNMENTS:
        moving = {i for references, _ in groups for i in references}
        fixed = {i: j for i, j in chosen.items() if i not in moving}
        options = [fixed | _merged(parts) for parts in itertools.product(*(_assignments(*g, pairing) for g in groups))]
        return _closest(options, pairing, places), True
    for _ in range(2):
        for references, ensembles in groups:
            if _n_assignments(references, ensembles) <= MAX_ASSIGNMENTS:
                parts = _assignments(references, ensembles, pairing)
            else:
                parts = places.seeded(references, ensembles)
            rest = {i: j for i, j in chosen.items() if i not in references}
            chosen = _closest([chosen, *(rest | part for part in parts)], pairing, places)
    return chosen, True


def representative_of_residue(molecule: Complex) -> NDArray[np.int64]:
    """The representative atom of every residue, −1 for none: [n_residues]."""
    found = np.full(molecule.n_residues, -1, dtype=np.int64)
    atoms = molecule.representative_atoms()
    found[molecule.residue_index[atoms]] = atoms
    return found


def _groups(pairing: Pairing) -> list[tuple[list[int], list[int]]]:
    """Sets of units that can stand for each other, where there is a choice."""
    sizes = [[len(unit) for unit in side] for side in (pairing.reference, pairing.ensemble)]
    edges = [(i, j) for (i, j), found in pairing.candidates.items()
             if found.n_identical >= EQUAL_SHARE * min(sizes[0][i], sizes[1][j])]  # fmt: skip
    label = {(0, i): (0, i) for i, _ in edges} | {(1, j): (1, j) for _, j in edges}
    for i, j in edges:
        old, new = label[0, i], label[1, j]
        if old != new:
            label = {node: new if of == old else of for node, of in label.items()}
    groups = []
    for root in dict.fromkeys(label.values()):
        nodes = [node for node, of in label.items() if of == root]
        sides = [sorted(at for side, at in nodes if side == which) for which in (0, 1)]
        if len(sides[0]) > 1 or len(sides[1]) > 1:
            groups.append((sides[0], sides[1]))
    return groups


def _n_assignments(references: list[int], ensembles: list[int]) -> int:
    return perm(max(len(references), len(ensembles)), min(len(references), len(ensembles)))


def _assignments(references: list[int], ensembles: list[int], pairing: Pairing) -> list[Assignment]:
    """All assignments within one set of copies that pair nearly as many residues as the best."""
    if len(references) <= len(ensembles):
        pairs = [dict(zip(references, chosen, strict=True))
                 for chosen in itertools.permutations(ensembles, len(references))]  # fmt: skip
    else:
        pairs = [dict(zip(chosen, ensembles, strict=True))
                 for chosen in itertools.permutations(references, len(ensembles))]  # fmt: skip
    pairs = [{i: j for i, j in each.items() if (i, j) in pairing.candidates} for each in pairs]
    return _nearly_complete(pairs, pairing)


def _nearly_complete(options: list[Assignment], pairing: Pairing) -> list[Assignment]:
    sizes = [sum(pairing.candidates[pair].n_identical for pair in each.items()) for each in options]
    return [each for each, size in zip(options, sizes, strict=True) if size >= EQUAL_SHARE * max(sizes)]


def _merged(parts: tuple[Assignment, ...]) -> Assignment:
    return {i: j for part in parts for i, j in part.items()}


def _closest(options: list[Assignment], pairing: Pairing, places: _Places) -> Assignment:
    """The assignment with the smallest distance; equal names, then order, decide within `TIE_NM`."""
    options = _nearly_complete([dict(sorted(each.items())) for each in options], pairing)
    distances = np.array([places.distance_nm(each) for each in options])
    near = np.flatnonzero(distances <= distances.min() + TIE_NM)

    def rank(at: int) -> tuple[int, list[tuple[int, int]]]:
        pairs = list(options[at].items())
        return -sum(pairing.reference[i].name == pairing.ensemble[j].name for i, j in pairs), pairs

    return options[min(near.tolist(), key=rank)]


class _Places:
    """Where the representative atoms of both sides are, over a few frames."""

    def __init__(self, pairing: Pairing, reference: Frames, ensemble: Frames) -> None:
        self._pairing = pairing
        self._structure = np.asarray(reference.molecule.coordinates_nm)
        self._rows = [_rows(units, frames.molecule) for units, frames in
                      ((pairing.reference, reference), (pairing.ensemble, ensemble))]  # fmt: skip
        total = sum(len(pairing.reference[i]) for i in pairing.chosen)
        self._stride = max(1, total // MAX_POINTS)
        self._pairs: dict[tuple[int, int], tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
        self._reference_sampled = sampled_frames(reference)
        self._reference_means: dict[bytes, NDArray[np.float64]] = {}
        self._sampled = sampled_frames(ensemble)

    def distance_nm(self, assignment: Assignment) -> float:
        """RMSD between the mean positions of both sides under an assignment, nm."""
        mine, theirs = self._atoms(assignment)
        if len(mine) < 3:
            return 0.0
        mean = mean_positions(self._sampled[:, theirs], np.arange(len(theirs)), self._structure[mine])
        return float(np.sqrt(((mean - self._reference_mean(mine)[mine]) ** 2).sum(axis=-1).mean()))

    def seeded(self, references: list[int], ensembles: list[int]) -> Iterator[Assignment]:
        """Assignments by nearest places, once for each copy that the first one could be."""
        for j in ensembles:
            if (references[0], j) not in self._pairing.candidates:
                continue
            mine, theirs = self._atoms({references[0]: j})
            if len(mine) < 3:
                continue
            mean = mean_positions(self._sampled, theirs, self._structure[mine])
            own = self._reference_mean(mine)
            cost = np.full((len(references), len(ensembles)), 1e6)
            for a, b in itertools.product(range(len(references)), range(len(ensembles))):
                if (references[a], ensembles[b]) in self._pairing.candidates:
                    ours, others = self._atoms({references[a]: ensembles[b]})
                    cost[a, b] = np.linalg.norm(mean[others].mean(axis=0) - own[ours].mean(axis=0))
            rows, columns = linear_sum_assignment(np.nan_to_num(cost, nan=1e6))
            yield {references[a]: ensembles[b] for a, b in zip(rows, columns, strict=True) if cost[a, b] < 1e6}

    def _reference_mean(self, atoms: NDArray[np.int64]) -> NDArray[np.float64]:
        """Mean positions of the reference's atoms, superposed on the structure by those given: [n_atoms, 3]."""
        key = atoms.tobytes()
        if key not in self._reference_means:
            self._reference_means[key] = mean_positions(self._reference_sampled, atoms, self._structure[atoms])
        return self._reference_means[key]

    def _atoms(self, assignment: Assignment) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        parts = [self._pair(i, j) for i, j in assignment.items()]
        none = np.zeros(0, dtype=np.int64)
        return np.concatenate([none, *(a for a, _ in parts)]), np.concatenate([none, *(b for _, b in parts)])

    def _pair(self, i: int, j: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        if (i, j) not in self._pairs:
            found = self._pairing.candidates[i, j]
            mine, theirs = self._rows[0][i][found.first], self._rows[1][j][found.second]
            both = np.flatnonzero((mine >= 0) & (theirs >= 0))[:: self._stride]
            self._pairs[i, j] = mine[both], theirs[both]
        return self._pairs[i, j]


def _rows(units: tuple[Unit, ...], molecule: Complex) -> list[NDArray[np.int64]]:
    representative = representative_of_residue(molecule)
    return [representative[unit.residues] for unit in units]
