"""Which chain of the reference is which of the ensemble, and residue for residue.

Chains are cut into *units*: the polymer residues of one chain, cut further where a file has put several molecules under
one name. Units are paired so that most residues are identical. Which of several equal copies is which is decided by
their places, in :mod:`unfreeze.evaluate.matching.copies`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from unfreeze.evaluate.matching.sequences import Correspondence, Sequenced, pair_residues
from unfreeze.structure.complex import Complex

__all__ = ["Pairing", "Unit", "pair_units", "polymer_units"]

MIN_IDENTITY = 0.3
"""Share of the shorter chain that must be identical in chains that are matched, besides `CHANCE_IDENTICAL`."""
CHANCE_IDENTICAL = 3
"""Residues that an unrelated short peptide finds by chance somewhere in a long chain."""
CA_REACH_NM, P_REACH_NM = 0.45, 0.9
"""Representative atoms of neighbours further apart than this are not bound: trans Cα 0.38 nm, P-P up to 0.75 nm."""
MAX_ALIGNMENTS = 400
"""With more pairs of different chains than this, only chains without an obvious partner are aligned."""
MIN_UNIT = 3


@dataclass(frozen=True, eq=False)
class Unit:
    """One polymer molecule.

    Attributes
    ----------
    chain
        Row of its chain.
    name
        Name of its chain.
    kind
        ``protein`` or ``nucleic``.
    residues : int64 [n]
        Rows of its residues.
    sequenced
        What alignment sees of it.
    """

    chain: int
    name: str
    kind: str
    residues: NDArray[np.int64]
    sequenced: Sequenced

    def __len__(self) -> int:
        return len(self.residues)

    def cut(self, begin: int, end: int) -> Unit:
        """A stretch of it."""
        s = self.sequenced
        part = Sequenced(s.parents[begin:end], s.number[begin:end], s.insertion_code[begin:end],
                         s.broken_before[begin:end])  # fmt: skip
        return replace(self, residues=self.residues[begin:end], sequenced=part)


@dataclass(frozen=True, eq=False)
class Pairing:
    """Units of both sides and all that could be paired.

    Attributes
    ----------
    reference, ensemble
        The units.
    candidates
        Residues matched for every (reference unit, ensemble unit) similar enough to be paired.
    chosen
        The pairs with most identical residues: ensemble unit by reference unit.
    """

    reference: tuple[Unit, ...]
    ensemble: tuple[Unit, ...]
    candidates: dict[tuple[int, int], Correspondence]
    chosen: dict[int, int]

    def n_identical(self) -> int:
        """Identical residues in the chosen pairs."""
        return sum(self.candidates[pair].n_identical for pair in self.chosen.items())


def polymer_units(molecule: Complex) -> tuple[Unit, ...]:
    """The polymer molecules of a complex: its chains, cut where the kind changes or a new molecule begins."""
    polymer = np.flatnonzero(np.isin(molecule.residue_kind, ["protein", "nucleic"]))
    if len(polymer) == 0:
        return ()
    chain, kind = molecule.chain_index[polymer], molecule.residue_kind[polymer]
    number, label = molecule.residue_number[polymer], molecule.residue_label_chain[polymer]
    broken = _broken_before(molecule)[polymer]
    ended = (molecule.atom_of_residue("OXT") >= 0)[polymer]
    new = np.ones(len(polymer), dtype=bool)
    new[1:] = (chain[1:] != chain[:-1]) | (kind[1:] != kind[:-1])
    # a tag or a fused domain may be numbered backwards, but it is bound; a second molecule is not
    new[1:] |= broken[1:] & ((number[1:] < number[:-1]) | (label[1:] != label[:-1]) | ended[:-1])
    units = []
    for rows in np.split(np.arange(len(polymer)), np.flatnonzero(new)[1:]):
        residues = polymer[rows]
        at = int(chain[rows[0]])
        sequenced = Sequenced(
            tuple(molecule.residue_parent_name[residues].tolist()),
            number[rows],
            tuple(molecule.residue_insertion_code[residues].tolist()),
            broken[rows],
        )
        units.append(Unit(at, str(molecule.chain_name[at]), str(kind[rows[0]]), residues, sequenced))
    return tuple(units)


def _broken_before(molecule: Complex) -> NDArray[np.bool_]:
    """Whether each residue is not bound to the one before, judged by representative atoms: [n_residues]."""
    atoms = molecule.atom_of_residue("CA")
    nucleic = molecule.residue_kind == "nucleic"
    sugar = molecule.atom_of_residue("C1'")
    atoms[nucleic] = np.where(sugar[nucleic] >= 0, sugar[nucleic], molecule.atom_of_residue("P")[nucleic])
    points = np.where(atoms[:, None] >= 0, molecule.coordinates_nm[atoms], np.nan)
    reach = np.where(nucleic, P_REACH_NM, CA_REACH_NM)
    broken = np.ones(molecule.n_residues, dtype=bool)
    broken[1:] = ~(np.linalg.norm(np.diff(points, axis=0), axis=1) <= reach[1:])
    return broken


def pair_units(reference: Sequence[Unit], ensemble: Sequence[Unit]) -> Pairing:
    """Pair the units of two complexes so that most residues are identical.

    Chains that one side has under one name and the other under several are cut where that pairs more residues.

    Parameters
    ----------
    reference, ensemble
        Units of both sides.
    """
    best = _pair(tuple(reference), tuple(ensemble))
    while True:
        cut = tuple(_cut_loose_ends(units, ends) for units, ends in (
            (best.reference, {i: best.candidates[i, j].first for i, j in best.chosen.items()}),
            (best.ensemble, {j: best.candidates[i, j].second for i, j in best.chosen.items()}),
        ))  # fmt: skip
        spare = [len(units) - len(best.chosen) for units in (best.reference, best.ensemble)]
        # cutting one side helps only if the other has something left to pair
        sides = cut[0] if spare[1] else best.reference, cut[1] if spare[0] else best.ensemble
        if len(sides[0]) + len(sides[1]) == len(best.reference) + len(best.ensemble):
            return best
        finer = _pair(*sides)
        if finer.n_identical() <= best.n_identical():
            return best
        best = finer


def _pair(reference: tuple[Unit, ...], ensemble: tuple[Unit, ...]) -> Pairing:
    candidates = _candidates(reference, ensemble)
    gain = np.zeros((len(reference), len(ensemble)))
    for (i, j), found in candidates.items():
        # equal names decide between equal gains, then order
        gain[i, j] = found.n_identical + 1e-3 * (reference[i].name == ensemble[j].name) - 1e-6 * abs(i - j)
    rows, columns = linear_sum_assignment(gain, maximize=True)
    chosen = {int(i): int(j) for i, j in zip(rows, columns, strict=True) if (int(i), int(j)) in candidates}
    return Pairing(reference, ensemble, candidates, chosen)


def _candidates(reference: tuple[Unit, ...], ensemble: tuple[Unit, ...]) -> dict[tuple[int, int], Correspondence]:
    """Residues matched in all pairs of units that are similar enough."""
    pairs = [(i, j) for i, one in enumerate(reference) for j, other in enumerate(ensemble) if one.kind == other.kind]
    known: dict[tuple, Correspondence | None] = {}

    def matched(i: int, j: int, align: bool) -> Correspondence | None:
        one, other = reference[i].sequenced, ensemble[j].sequenced
        key = (_content(one), _content(other), align)
        if key not in known:
            known[key] = pair_residues(one, other, align=align)
        return known[key]

    found = {pair: matched(*pair, False) for pair in pairs}
    open_pairs = [pair for pair in pairs if found[pair] is None]
    if len(open_pairs) > MAX_ALIGNMENTS:
        settled = [{pair[side] for pair in pairs if found[pair] is not None} for side in (0, 1)]
        open_pairs = [(i, j) for i, j in open_pairs if i not in settled[0] and j not in settled[1]]
    found.update({pair: matched(*pair, True) for pair in open_pairs})
    return {(i, j): each for (i, j), each in found.items() if each is not None
            and each.n_identical >= _least_identical(min(len(reference[i]), len(ensemble[j])))}  # fmt: skip


def _content(chain: Sequenced) -> tuple:
    return chain.parents, chain.number.tobytes(), chain.insertion_code, chain.broken_before.tobytes()


def _least_identical(shorter: int) -> float:
    """Identical residues that a pair needs, by the length of the shorter."""
    return min(shorter, CHANCE_IDENTICAL + MIN_IDENTITY * shorter)


def _cut_loose_ends(units: tuple[Unit, ...], matched: dict[int, NDArray[np.int64]]) -> tuple[Unit, ...]:
    """Cut off the ends of units that were not matched."""
    pieces = []
    for at, unit in enumerate(units):
        begin, end = (int(matched[at][0]), int(matched[at][-1]) + 1) if at in matched else (0, len(unit))
        begin, end = begin if begin >= MIN_UNIT else 0, end if len(unit) - end >= MIN_UNIT else len(unit)
        pieces += [unit.cut(*span) for span in ((0, begin), (begin, end), (end, len(unit))) if span[0] < span[1]]
    return tuple(pieces)
