"""Why a mutation does what it does: contacts, buried surface, stiffness, told in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.mutations import Mutation
from unfreeze.properties.effects import Reasons
from unfreeze.properties.mutants.areas import (
    interface_area_change_nm2,
    residue_burial,
    residue_burial_change_nm2,
)
from unfreeze.properties.mutants.build import MutantBuilder
from unfreeze.properties.mutants.contacts import lost_and_gained
from unfreeze.properties.mutants.stiffness import Stiffness
from unfreeze.properties.mutants.surroundings import Surroundings
from unfreeze.properties.mutants.words import Circumstances, words_of
from unfreeze.properties.places import sides_of
from unfreeze.structure.complex import Complex

__all__ = ["WildType", "differing_residues", "explain"]


class WildType:
    """What explaining needs of the wild type, computed once for any number of mutants.

    Parameters
    ----------
    molecule
        The complex.
    partners
        The two sides of the interface asked about, chain names such as ``("HL", "A")``; None for stability.
    temperature_K
        Temperature of the entropies.
    """

    def __init__(
        self,
        molecule: Complex,
        partners: Sequence[str | Sequence[str]] | None = None,
        *,
        temperature_K: float = 300.0,
    ) -> None:
        self.molecule = molecule
        self.partners = partners
        self.temperature_K = temperature_K
        self.side = sides_of(molecule, partners)
        self.builder = MutantBuilder(molecule)
        self._stiffness: Stiffness | None = None
        self._free: dict[int, tuple[NDArray[np.bool_], Stiffness]] = {}

    @property
    def stiffness(self) -> Stiffness:
        """The springs of the whole."""
        if self._stiffness is None:
            self._stiffness = Stiffness(self.molecule, temperature_K=self.temperature_K)
        return self._stiffness

    def free(self, number: int) -> tuple[NDArray[np.bool_], Stiffness]:
        """One partner alone: which residues are of it, and its springs."""
        if number not in self._free:
            mine = self.side == number
            self._free[number] = (mine, Stiffness(self.molecule.take_residues(mine), temperature_K=self.temperature_K))
        return self._free[number]


@dataclass(frozen=True)
class _Springs:
    free_energy_kJ_mol: float
    rmsf_change: float


def explain(
    molecule: Complex,
    mutations: Sequence[Mutation],
    *,
    partners: Sequence[str | Sequence[str]] | None = None,
    wild: WildType | None = None,
    mutant: Complex | None = None,
) -> Reasons:
    """Compare a mutant with the wild type.

    Parameters
    ----------
    molecule
        The wild type.
    mutations
        All mutations of the mutant.
    partners
        The two sides of the interface asked about, chain names such as ``("HL", "A")``; None asks about stability.
    wild
        The prepared wild type, for many mutants of one complex.
    mutant
        The mutant's structure, if it has been built (by ``wild.builder``).

    Returns
    -------
    Reasons
        Of binding with partners: the buried area is that of the interface, the entropy that of the springs of the
        complex minus those of the partners alone. Of folding without: the area is what is covered of the residues, the
        entropy that of the springs of the complex.

    Raises
    ------
    InputError
        If a mutation does not fit the structure, or a chain is absent.
    """
    wild = wild or WildType(molecule, partners)
    wanted = wild.builder.sites.find(mutations)
    if not wanted:
        return Reasons((), (), 0.0, 0.0, 0.0, ("nothing changes: the residue stays what it is",))
    mutant = mutant if mutant is not None else wild.builder.build(mutations)
    rows = list(wanted)
    changed = differing_residues(wild.molecule, mutant)
    around = Surroundings.of(mutant)
    lost, gained = lost_and_gained(
        wild.molecule, mutant, rows, partners=wild.partners, around=(wild.builder.around, around)
    )
    if wild.partners is None:
        area = residue_burial_change_nm2(wild.molecule, mutant, rows)
    elif np.isin(wild.side[rows], (0, 1)).any():
        area = interface_area_change_nm2(wild.molecule, mutant, changed, wild.side)
    else:
        area = 0.0
    springs = _springs(wild, mutant, rows, changed)
    circumstances = [
        Circumstances(
            label=wild.molecule.residue_label(row),
            old=str(wild.molecule.residue_parent_name[row]),
            new=name,
            buried_share=residue_burial(wild.molecule, row)[1],
            new_buried_share=residue_burial(mutant, row)[1],
            phi=float(wild.builder.around.torsions[row, 0]),
            lost_backbone_bond=name == "PRO" and _amide_bond(wild.builder.around, row),
        )
        for row, name in wanted.items()
    ]
    made_room = [wild.molecule.residue_label(row) for row in changed if row not in wanted]
    return Reasons(
        lost=lost,
        gained=gained,
        buried_area_change_nm2=area,
        rmsf_change=springs.rmsf_change,
        entropy_change_kJ_mol=springs.free_energy_kJ_mol,
        words=words_of(lost, gained, area, springs.rmsf_change, circumstances, made_room, wild.partners is not None),
    )


def differing_residues(wild: Complex, mutant: Complex) -> list[int]:
    """Rows of the residues whose heavy atoms differ."""
    rows = set(np.flatnonzero(wild.residue_name != mutant.residue_name).tolist())
    parts = []
    for molecule in (wild, mutant):
        heavy = ~np.isin(molecule.element, ("H", "D")) & ~np.isin(molecule.residue_index, list(rows))
        parts.append((molecule.residue_index[heavy], molecule.coordinates_nm[heavy]))
    (owner, one), (_, other) = parts
    moved = np.abs(one - other).max(axis=1, initial=0.0) > 0.0
    return sorted(rows | set(owner[moved].tolist()))


def _springs(wild: WildType, mutant: Complex, rows: list[int], changed: list[int]) -> _Springs:
    """−TΔS of the springs, of binding or of folding, and the mean change of the RMSF of the mutated residues."""
    change = wild.stiffness.mutant_change(mutant, changed)
    effects = [wild.stiffness.effect(change, row) for row in rows]
    whole = effects[0].free_energy_kJ_mol
    if wild.partners is not None:
        for number in (0, 1):
            mine, free = wild.free(number) if (wild.side[changed] == number).any() else (None, None)
            if mine is None or free is None:
                continue
            new_row = np.cumsum(mine) - 1
            here = [int(new_row[row]) for row in changed if mine[row]]
            whole -= free.free_energy(free.mutant_change(mutant.take_residues(mine), here))
    return _Springs(float(whole), float(np.mean([effect.rmsf_change for effect in effects])))


def _amide_bond(around: Surroundings, row: int) -> bool:
    """Whether the amide of a residue gives a hydrogen bond to an atom farther along the chain or elsewhere."""
    molecule = around.molecule
    near = around.near(row, 0.5)
    amide = molecule.coordinates_nm[around.backbone[row, 0]]
    owner = molecule.residue_index[near.atoms]
    step = near.points - amide
    gap = np.linalg.norm(step, axis=1)
    taker = near.polar[:, 1] & (gap < 0.35) & ~np.isin(owner, [row, around.before[row]])
    if not taker.any():
        return False
    place = np.flatnonzero(around.heavy == around.backbone[row, 0])
    return bool(((around.away[place] * step[taker]).sum(axis=1) > 0.0).any())
