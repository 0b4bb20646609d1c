"""States of one sequence: which atoms of one structure are which of another, whatever their numbering and chain names.

Chains are matched by sequence, copies of one chain by what superposes best, atoms by name within matched residues. Only
polymers are matched. The matching of ensembles with references, ligands included, is in
:mod:`unfreeze.evaluate.matching`; here an entry is made of several files of one molecule.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from unfreeze.structure.complex import Complex
from unfreeze.structure.geometry import kabsch_rotations
from unfreeze.structure.similarity.sequences import ChainSequence, align, chain_sequences

__all__ = ["StateMatch", "common_atoms", "match_states", "same_sequence", "superposed_rmsd_nm"]

_MOST_CHAINS_PERMUTED = 5
_LEAST_COVERED = 0.5  # of a chain of the reference must have a counterpart
_BY_NUMBER = 0.95  # of the shorter chain must be found by shifted number, with equal letters, to go by numbers
_SAME = 0.9  # of the residues of an alignment are equal where it is one sequence
_FEW = 0.1
_BACKBONE = ("N", "CA", "C", "O", "CB")


@dataclass(frozen=True, eq=False)
class StateMatch:
    """Which atoms correspond.

    Attributes
    ----------
    reference, state : int64 [n]
        Rows of the atoms that correspond, in the order of the reference.
    share, share_of_state
        Of the polymer atoms of the reference, and of those of the state.
    identity
        Of the matched residues, those with equal one-letter codes.
    n_different
        Matched residues of different type: of these only backbone and Cβ are matched.
    chains
        Name of the chain of the state for every matched chain of the reference.
    """

    reference: NDArray[np.int64]
    state: NDArray[np.int64]
    share: float
    share_of_state: float
    identity: float
    n_different: int
    chains: dict[str, str]


def match_states(reference: Complex, state: Complex, *, least_identity: float = 1.0) -> StateMatch | None:
    """Match the polymer atoms of a structure to those of another of the same sequence.

    Parameters
    ----------
    reference, state
        The structures.
    least_identity
        Of the residues of two chains that stand opposite each other; below it they are not the same chain.

    Returns
    -------
    StateMatch or None
        None if no chain corresponds.
    """
    firsts, seconds = chain_sequences(reference), chain_sequences(state)
    pairs: dict[tuple[int, int], NDArray[np.int64]] = {}
    for row, first in enumerate(firsts):
        for column, second in enumerate(seconds):
            residues = _residue_pairs(reference, first, state, second, least_identity)
            if residues is not None:
                pairs[row, column] = residues
    best: tuple[tuple[int, float], list[tuple[int, int]]] | None = None
    for assignment in _assignments(pairs, len(firsts), len(seconds)):
        chosen = np.concatenate([pairs[pair] for pair in assignment])
        rank = (len(chosen), -_alpha_rmsd_nm(reference, state, chosen))
        if best is None or rank > best[0]:
            best = rank, assignment
    if best is None:
        return None
    assignment = best[1]
    residues = np.concatenate([pairs[pair] for pair in assignment])
    residues = residues[np.argsort(residues[:, 0])]
    atoms = _atom_pairs(reference, state, residues)
    n_polymer = [int(np.isin(molecule.residue_kind, ("protein", "nucleic"))[molecule.residue_index].sum())
                 for molecule in (reference, state)]  # fmt: skip
    letters = [{int(r): c for chain in side for r, c in zip(chain.residues, chain.letters, strict=True)}
               for side in (firsts, seconds)]  # fmt: skip
    same = sum(letters[0][a] == letters[1][b] for a, b in residues.tolist())
    return StateMatch(
        reference=atoms[:, 0],
        state=atoms[:, 1],
        share=len(atoms) / max(n_polymer[0], 1),
        share_of_state=len(atoms) / max(n_polymer[1], 1),
        identity=same / len(residues),
        n_different=len(residues) - same,
        chains={firsts[row].chain: seconds[column].chain for row, column in assignment},
    )


def same_sequence(first: str, second: str) -> bool:
    """Whether two chains can be one sequence of which other residues are seen: nothing differs but beside gaps."""
    if first == second:
        return True
    if len(first) == len(second):
        n_different = sum(a != b for a, b in zip(first, second, strict=True))
        if n_different <= _FEW * len(first):
            return False  # point mutants; an alignment would say the same, slowly
    found = align(first, second)
    places = np.stack([found.first, found.second], axis=1)
    if len(places) < _LEAST_COVERED * min(len(first), len(second)):
        return False
    same = np.array([first[a] == second[b] for a, b in places.tolist()], dtype=bool)
    return bool(same.mean() > _SAME) and _differ_beside_gaps_only(places, same)


def common_atoms(matches: Sequence[StateMatch]) -> tuple[NDArray[np.int64], list[NDArray[np.int64]]]:
    """Atoms of the reference that every match has, and their rows in each state.

    Returns
    -------
    reference : int64 [n_common]
    states : list of int64 [n_common]
    """
    common = matches[0].reference
    for match in matches[1:]:
        common = np.intersect1d(common, match.reference, assume_unique=True)
    rows = [match.state[np.searchsorted(match.reference, common)] for match in matches]
    return common, rows


def superposed_rmsd_nm(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Root-mean-square deviation of two point sets after superposition: [n, 3] each, nm."""
    a, b = (points - points.mean(axis=0) for points in (np.asarray(first, float), np.asarray(second, float)))
    turned = b @ kabsch_rotations(a.T @ b).T
    return float(np.sqrt(((a - turned) ** 2).sum(axis=1).mean()))


def _residue_pairs(
    reference: Complex, first: ChainSequence, state: Complex, second: ChainSequence, least_identity: float
) -> NDArray[np.int64] | None:
    """Rows of the residues of two chains that correspond: [n, 2]; None if they are not the same chain."""
    shorter, longer = sorted((len(first.letters), len(second.letters)))
    if shorter < _LEAST_COVERED * longer and shorter < _LEAST_COVERED * len(first.letters):
        return None
    places = _places_by_number(reference, first, state, second)
    if places is None:
        found = align(first.letters, second.letters)
        places = np.stack([found.first, found.second], axis=1)
        if least_identity == 1.0:  # beside a gap the alignment may pair what does not belong together
            letters = (
                [chain.letters[at] for at in side] for chain, side in ((first, found.first), (second, found.second))
            )
            same = np.array([a == b for a, b in zip(*letters, strict=True)], dtype=bool)
            if len(same) and same.mean() > _SAME and _differ_beside_gaps_only(places, same):
                places = places[same]
    if len(places) < _LEAST_COVERED * len(first.letters):
        return None
    n_same = sum(first.letters[a] == second.letters[b] for a, b in places.tolist())
    if n_same < least_identity * len(places):
        return None
    return np.stack([first.residues[places[:, 0]], second.residues[places[:, 1]]], axis=1)


def _places_by_number(
    reference: Complex, first: ChainSequence, state: Complex, second: ChainSequence
) -> NDArray[np.int64] | None:
    """Positions with equal author numbers, up to one shift, if nearly all of them have equal letters."""
    keys = []
    for molecule, chain in ((reference, first), (state, second)):
        codes = molecule.residue_insertion_code[chain.residues].tolist()
        keys.append(list(zip(molecule.residue_number[chain.residues].tolist(), codes, strict=True)))
    start = first.letters[:], second.letters[:]
    found = align(*start) if keys[0] != keys[1] else None
    shift = 0
    if found is not None and len(found.first):
        shifts = [
            keys[1][b][0] - keys[0][a][0] for a, b in zip(found.first.tolist(), found.second.tolist(), strict=True)
        ]
        values, counts = np.unique(shifts, return_counts=True)
        shift = int(values[counts.argmax()])
    where = {key: place for place, key in enumerate(keys[1])}
    if len(where) < len(keys[1]) or len(set(keys[0])) < len(keys[0]):
        return None
    pairs = [(place, where[number + shift, code]) for place, (number, code) in enumerate(keys[0])
             if (number + shift, code) in where]  # fmt: skip
    n_same = sum(first.letters[a] == second.letters[b] for a, b in pairs)
    if not pairs or n_same < _BY_NUMBER * min(len(keys[0]), len(keys[1])):
        return None
    return np.array(pairs, dtype=np.int64)


def _differ_beside_gaps_only(places: NDArray[np.int64], same: NDArray[np.bool_]) -> bool:
    """Whether every mismatch is within three columns of a gap or an end of the alignment."""
    gaps = np.flatnonzero((np.diff(places, axis=0) != 1).any(axis=1))
    edges = np.concatenate([[0, len(places) - 1], gaps, gaps + 1])
    return all(np.abs(edges - column).min() <= 3 for column in np.flatnonzero(~same))


def _assignments(
    pairs: dict[tuple[int, int], NDArray[np.int64]], n_first: int, n_second: int
) -> Iterator[list[tuple[int, int]]]:
    """Ways to give every chain of the reference a chain of the state; only the one with most residues for many."""
    if not pairs:
        return
    if max(n_first, n_second) > _MOST_CHAINS_PERMUTED:
        counts = np.zeros((n_first, n_second))
        for (row, column), residues in pairs.items():
            counts[row, column] = len(residues)
        rows, columns = linear_sum_assignment(-counts)
        yield [pair for pair in zip(rows.tolist(), columns.tolist(), strict=True) if pair in pairs]
        return
    seen = set()
    for order in permutations(range(max(n_first, n_second)), n_first):
        chosen = tuple((row, column) for row, column in enumerate(order) if (row, column) in pairs)
        if chosen and chosen not in seen:
            seen.add(chosen)
            yield list(chosen)


def _alpha_rmsd_nm(reference: Complex, state: Complex, residues: NDArray[np.int64]) -> float:
    points = []
    for molecule, rows in ((reference, residues[:, 0]), (state, residues[:, 1])):
        alpha, phosphorus = molecule.atom_of_residue("CA")[rows], molecule.atom_of_residue("P")[rows]
        points.append(np.where(alpha >= 0, alpha, phosphorus))
    there = (points[0] >= 0) & (points[1] >= 0)
    if there.sum() < 3:
        return np.inf
    return superposed_rmsd_nm(reference.coordinates_nm[points[0][there]], state.coordinates_nm[points[1][there]])


def _atom_pairs(reference: Complex, state: Complex, residues: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of atoms of one name in residues that correspond: [n, 2], increasing in the first."""
    counterpart = np.full(reference.n_residues, -1, dtype=np.int64)
    counterpart[residues[:, 0]] = residues[:, 1]
    where = {
        key: row for row, key in enumerate(zip(state.residue_index.tolist(), state.atom_name.tolist(), strict=True))
    }
    found = []
    names = reference.atom_name.tolist()
    for row, residue in enumerate(reference.residue_index.tolist()):
        other = int(counterpart[residue])
        if other < 0:
            continue
        if reference.residue_name[residue] != state.residue_name[other] and names[row] not in _BACKBONE:
            continue
        place = where.get((other, names[row]))
        if place is not None:
            found.append((row, place))
    return np.array(found, dtype=np.int64).reshape(-1, 2)
