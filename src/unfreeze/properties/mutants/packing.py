"""New side chains put into a complex: rotamers chosen together, and what is in their way packed anew.

Each new side chain takes the rotamer of least energy among what stays. Where even the best runs into flexible side
chains, a few rotamers are tried with those side chains packed around them, and the best of all is taken. Nothing is
drawn at random.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from unfreeze.physics.links import coordination_pairs
from unfreeze.properties.mutants.amino_acid_tables import AcidTables, acid_tables
from unfreeze.properties.mutants.rotamers import KT_KJ_MOL, rotamers
from unfreeze.properties.mutants.site import FEEL_NM, ROTAMER_WEIGHT, WEIGHTS, WeighedRotamers, ease, weigh
from unfreeze.properties.mutants.surroundings import Neighbourhood, Surroundings
from unfreeze.structure.chemistry.residues import AMINO_ACIDS
from unfreeze.structure.geometry import torsion_angles

__all__ = ["PackedSideChain", "Packing"]

_CROWDED_KJ_MOL = 8.0
_N_TRIED, _N_REPACKED = 4, 6
_REACH_NM = 1.4
_TOUCH = 0.85
_HELD_COST = 0.5 * KT_KJ_MOL
"""A side chain is left alone unless something else is better by this."""


@dataclass(frozen=True, eq=False)
class PackedSideChain:
    """A side chain that was put somewhere: its atoms from CB on.

    Attributes
    ----------
    tables
        Of its amino acid.
    chi : float64 [n_chi]
        Torsions, rad.
    points : float64 [n_atoms, 3]
        nm.
    parts : float64 [10]
        What its energy is made of (`site.PARTS`).
    energy
        kJ/mol, with the cost of the rotamer.
    """

    tables: AcidTables
    chi: NDArray[np.float64]
    points: NDArray[np.float64]
    parts: NDArray[np.float64]
    energy: float

    @classmethod
    def of(cls, weighed: WeighedRotamers, row: int) -> PackedSideChain:
        """One of several rotamers."""
        return cls(
            weighed.tables, weighed.chi[row], weighed.placed[row], weighed.parts[row], float(weighed.energy[row])
        )


class Packing:
    """Puts side chains into one complex; prepared once for any number of mutants.

    Parameters
    ----------
    around
        The complex.
    """

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self._flexible = _flexible(around)
        self._own: dict[int, tuple[AcidTables, NDArray[np.float64]]] = {}

    def place(
        self, wanted: Mapping[int, str], n_rounds: int = 2
    ) -> tuple[dict[int, PackedSideChain], dict[int, PackedSideChain]]:
        """New side chains for residues by row, and other side chains that had to make room.

        Parameters
        ----------
        wanted
            Row of the residue to three-letter code.
        n_rounds
            Times that all are chosen again among the others.
        """
        placed: dict[int, PackedSideChain] = {}
        gone = set(wanted)
        for _ in range(n_rounds if len(wanted) > 1 else 1):
            for row, name in wanted.items():
                weighed = weigh(self.around, row, name, self._near(row, gone, placed))
                placed[row] = PackedSideChain.of(weighed, weighed.best)
        moved: dict[int, PackedSideChain] = {}
        for row in wanted:
            if placed[row].parts[1] > _CROWDED_KJ_MOL:
                self._make_room(row, wanted, placed, moved, n_rounds)
        gone |= set(moved)
        for row in wanted:
            if len(placed[row].chi):
                near = self._near(row, gone, placed | moved)
                before = placed[row]
                again = weigh(self.around, row, wanted[row], near, chi=before.chi[None])
                cost = before.energy - float(before.parts @ WEIGHTS)
                again = replace(again, energy=again.energy + cost)
                placed[row] = PackedSideChain.of(ease(self.around, row, again, 0, near), 0)
        return placed, moved

    def _near(self, row: int, gone: set[int], placed: Mapping[int, PackedSideChain]) -> Neighbourhood:
        """What is around a residue, with some side chains gone and others put in."""
        near = self.around.near(row, _REACH_NM)
        others = gone - {row}
        if not others:
            return near
        owner = self.around.molecule.residue_index[near.atoms]
        side = np.isin(owner, list(others)) & ~np.isin(
            self.around.molecule.atom_name[near.atoms], ("N", "CA", "C", "O", "OXT")
        )
        near = near.without(side) if side.any() else near
        for other, side_chain in placed.items():
            if other != row:
                near = _joined(near, side_chain, self.around, row)
        return near

    def _make_room(
        self,
        row: int,
        wanted: Mapping[int, str],
        placed: dict[int, PackedSideChain],
        moved: dict[int, PackedSideChain],
        n_rounds: int,
    ) -> None:
        """Pack the side chains anew that are in the way of one; changes `placed` and `moved`."""
        gone = set(wanted) | set(moved)
        crowd = self._touching(row, placed[row], gone)
        if not crowd:
            return
        movable = [*moved, *crowd]
        gone |= set(crowd)
        fixed = {other: one for other, one in placed.items() if other != row}
        weighed = weigh(self.around, row, wanted[row], self._near(row, gone, fixed))
        options = _distinct(weighed)
        best: tuple[float, PackedSideChain, dict[int, PackedSideChain]] | None = None
        for option in options:
            new = PackedSideChain.of(weighed, option)
            packed: dict[int, PackedSideChain] = {}
            for _ in range(n_rounds):
                for other in movable:
                    given = {**fixed, row: new} | {k: v for k, v in packed.items() if k != other}
                    packed[other] = self._repack(other, gone, given)
            total = new.energy
            so_far = {**fixed, row: new}
            for other in movable:
                total += self._energy_of(other, packed[other], gone, so_far)
                so_far[other] = packed[other]
            if best is None or total < best[0] - 1e-9:
                best = (total, new, packed)
        assert best is not None
        placed[row] = best[1]
        for other, side_chain in best[2].items():
            if np.abs(side_chain.points - self._tables(other)[2]).max(initial=0.0) > 1e-6:
                moved[other] = side_chain
            else:
                moved.pop(other, None)

    def _touching(self, row: int, side_chain: PackedSideChain, gone: set[int]) -> list[int]:
        """Flexible residues whose side chains overlap with one, the worst first."""
        around = self.around
        near = around.near(row, side_chain.tables.reach_nm + FEEL_NM)
        owner = around.molecule.residue_index[near.atoms]
        candidate = self._flexible[owner] & ~np.isin(owner, list(gone))
        candidate &= ~np.isin(around.molecule.atom_name[near.atoms], ("N", "CA", "C", "O", "OXT", "CB"))
        points, sizes, owner = near.points[candidate], near.values[candidate, 0], owner[candidate]
        gap = np.linalg.norm(side_chain.points[:, None] - points[None], axis=2)
        overlap = np.maximum(_TOUCH * (side_chain.tables.own[:, :1] + sizes[None]) - gap, 0.0).sum(axis=0)
        total = np.bincount(owner, overlap, minlength=around.molecule.n_residues)
        rows = np.flatnonzero(total > 0.0)
        return rows[np.argsort(-total[rows], kind="stable")][:_N_REPACKED].tolist()

    def _tables(self, row: int) -> tuple[AcidTables, NDArray[np.float64], NDArray[np.float64]]:
        """Tables of a residue with its own lengths and angles, its torsions and its atoms."""
        if row not in self._own:
            self._own[row] = _measured(self.around, row)
        tables, chi = self._own[row]
        return tables, chi, _side_points(self.around, row, tables)

    def _repack(self, row: int, gone: set[int], given: Mapping[int, PackedSideChain]) -> PackedSideChain:
        """The best rotamer of a residue that is there already, its own among them."""
        tables, own, points = self._tables(row)
        chi, cost = rotamers(tables.name, *self.around.torsions[row, :2])
        cost = ROTAMER_WEIGHT * cost
        near = self._near(row, gone, given)
        weighed = weigh(self.around, row, tables.name, near, chi=chi, cost=cost + _HELD_COST, tables=tables)
        here = weigh(
            self.around, row, tables.name, near, chi=own[None], cost=_cost_of(own, chi, cost)[None], tables=tables
        )
        if here.energy[0] <= weighed.energy[weighed.best]:
            return replace(PackedSideChain.of(here, 0), points=points)
        return PackedSideChain.of(weighed, weighed.best)

    def _energy_of(
        self, row: int, side_chain: PackedSideChain, gone: set[int], given: Mapping[int, PackedSideChain]
    ) -> float:
        """Energy of a side chain as it is among what is given."""
        cost = side_chain.energy - float(side_chain.parts @ WEIGHTS)
        near = self._near(row, gone, given)
        tables = side_chain.tables
        found = weigh(self.around, row, tables.name, near, chi=side_chain.chi[None], tables=tables)
        return float(found.energy[0]) + cost


def _flexible(around: Surroundings) -> NDArray[np.bool_]:
    """Residues whose side chain may be packed anew: [n_residues]."""
    molecule = around.molecule
    names, counts = (
        molecule.residue_name,
        np.bincount(molecule.residue_index[around.heavy[around.side]], minlength=molecule.n_residues),
    )
    flexible = (molecule.residue_kind == "protein") & (names == molecule.residue_parent_name)
    flexible &= (around.backbone[:, [0, 1, 2, 4]] >= 0).all(axis=1)
    for name, acid in AMINO_ACIDS.items():
        if name == "PRO" or not acid.chi:
            flexible[names == name] = False
        else:
            flexible &= (names != name) | (counts == len(acid.atoms) - 4)
    flexible &= np.isin(names, list(AMINO_ACIDS))
    linked = molecule.links[~np.isin(molecule.atom_name[molecule.links], ("N", "C"))]
    flexible[molecule.residue_index[linked]] = False
    flexible[molecule.residue_index[coordination_pairs(molecule)].ravel()] = False
    return flexible


def _side_points(around: Surroundings, row: int, tables: AcidTables) -> NDArray[np.float64]:
    """Where the atoms of a residue's side chain are: [n_atoms, 3]."""
    molecule = around.molecule
    atoms = np.flatnonzero(molecule.residue_index == row)
    place = {str(molecule.atom_name[atom]): atom for atom in atoms.tolist()}
    return molecule.coordinates_nm[[place[name] for name in tables.atoms]]


def _measured(around: Surroundings, row: int) -> tuple[AcidTables, NDArray[np.float64]]:
    """Tables with the lengths and angles of a residue as it is, and its torsions."""
    tables = acid_tables(str(around.molecule.residue_name[row]))
    side = _side_points(around, row, tables)
    local = np.concatenate([around.molecule.coordinates_nm[around.backbone[row, :3]], side])
    a, b, c = (local[tables.references[:, k]] for k in range(3))
    inward, outward = b - c, side - c
    length = np.linalg.norm(outward, axis=1)
    cosine = (inward * outward).sum(axis=1) / (length * np.linalg.norm(inward, axis=1))
    turn = torsion_angles(a, b, c, side)
    chi = around.torsions[row, 3 : 3 + tables.n_chi]
    driven = tables.column >= 0
    turn[driven] -= chi[tables.column[driven]]
    geometry = np.stack([length, np.arccos(np.clip(cosine, -1.0, 1.0)), turn], axis=1)
    return replace(tables, geometry=geometry), chi


def _cost_of(chi: NDArray[np.float64], known: NDArray[np.float64], cost: NDArray[np.float64]) -> NDArray[np.float64]:
    """What torsions cost that are between rotamers: that of the nearest."""
    gap = np.abs(np.angle(np.exp(1j * (known - chi)))).max(axis=1)
    return np.asarray(cost[gap < gap.min() + np.radians(10.0)].min())


def _distinct(weighed: WeighedRotamers) -> list[int]:
    """The best rotamers that differ by 30° or more in a torsion, the best first."""
    taken: list[int] = []
    for row in np.argsort(weighed.energy, kind="stable").tolist():
        gaps = [np.abs(np.angle(np.exp(1j * (weighed.chi[row] - weighed.chi[other])))).max() for other in taken]
        if all(gap > np.radians(30.0) for gap in gaps):
            taken.append(row)
        if len(taken) == _N_TRIED or weighed.chi.shape[1] == 0:
            break
    return taken


def _joined(near: Neighbourhood, side_chain: PackedSideChain, around: Surroundings, row: int) -> Neighbourhood:
    """A neighbourhood with a side chain added."""
    tables, points = side_chain.tables, side_chain.points
    if not len(points):
        return near
    centre = around.molecule.coordinates_nm[around.backbone[row, 1]]
    distance = np.linalg.norm(points - centre, axis=1)
    keep = distance < _REACH_NM
    if not keep.any():
        return near
    away = np.zeros_like(points)
    for k in np.flatnonzero(tables.polar.any(axis=1)).tolist():
        base = points[tables.bases[k][tables.bases[k] >= 3] - 3].mean(axis=0)
        away[k] = (points[k] - base) / np.linalg.norm(points[k] - base)
    together = np.concatenate([near.distance_nm, distance[keep]])
    order = np.argsort(together, kind="stable")
    return Neighbourhood(
        atoms=np.concatenate([near.atoms, np.full(int(keep.sum()), around.backbone[row, 1])])[order],
        points=np.ascontiguousarray(np.concatenate([near.points, points[keep]])[order]),
        values=np.concatenate([near.values, tables.own[keep]])[order],
        codes=np.concatenate([near.codes, np.zeros(int(keep.sum()), dtype=np.int64)])[order],
        away=np.concatenate([near.away, away[keep]])[order],
        polar=np.concatenate([near.polar, tables.polar[keep]])[order],
        distance_nm=together[order],
    )
