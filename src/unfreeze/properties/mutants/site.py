"""One side chain among everything else: its rotamers weighed, the best taken, its torsions eased."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unfreeze.properties.mutants.amino_acid_tables import AcidTables, acid_tables
from unfreeze.properties.mutants.rotamers import KT_KJ_MOL, rotamers
from unfreeze.properties.mutants.surroundings import Neighbourhood, Surroundings

__all__ = ["FEEL_NM", "PARTS", "ROTAMER_WEIGHT", "WEIGHTS", "WeighedRotamers", "ease", "weigh"]

FEEL_NM = 0.6
"""Atoms farther away are not felt."""
PARTS = (
    "attraction",
    "repulsion",
    "hydrogen_bonds",
    "charges",
    "carbon_pairs",
    "polar_carbon_pairs",
    "atoms_near",
    "salt_bridge_pairs",
    "aromatic_pairs",
    "repulsion_by_backbone",
)
"""Of the energy, kJ/mol: attraction, repulsion (that by atoms other than of side chains once more at the end) and
charges. Counted: hydrogen bonds (bent and long ones in part), pairs of atoms within 0.45 nm (carbon and carbon, polar
and carbon, both aromatic), within 0.6 nm, and of opposite charges within 0.4 nm."""
WEIGHTS = np.array([0.48, 1.58, -1.46, 0.46, -0.175, 0.032, -0.07, 0.0, 0.0, 0.0])
"""What each part is worth, kJ/mol."""
ROTAMER_WEIGHT = 0.61
"""What the share of a rotamer in the library is worth. This and the weights make the rotamers of 1,284 residues of
25 crystal structures most likely, each among its neighbours as they are."""
_EASE_STEPS = np.radians([8.0, 4.0, 2.0])


@dataclass(frozen=True, eq=False)
class WeighedRotamers:
    """Rotamers of one amino acid at one place.

    Attributes
    ----------
    tables
        The amino acid's tables.
    chi : float64 [n, n_chi]
        Torsions, rad.
    placed : float64 [n, n_atoms, 3]
        Where its atoms are, nm; unfinished for rotamers that are hopeless.
    parts : float64 [n, 10]
        What the energy is made of (`PARTS`).
    energy : float64 [n]
        kJ/mol.
    """

    tables: AcidTables
    chi: NDArray[np.float64]
    placed: NDArray[np.float64]
    parts: NDArray[np.float64]
    energy: NDArray[np.float64]

    @property
    def best(self) -> int:
        """The rotamer of least energy."""
        return int(self.energy.argmin())

    @property
    def shares(self) -> NDArray[np.float64]:
        """Boltzmann's shares at 300 K: [n]."""
        weight = np.exp(-(self.energy - self.energy.min()) / KT_KJ_MOL)
        return weight / weight.sum()


def weigh(
    around: Surroundings,
    residue: int,
    name: str,
    near: Neighbourhood,
    *,
    chi: NDArray[np.float64] | None = None,
    cost: NDArray[np.float64] | None = None,
    weights: NDArray[np.float64] = WEIGHTS,
    keep_beta: bool = True,
    tables: AcidTables | None = None,
) -> WeighedRotamers:
    """Weigh the rotamers of an amino acid at the place of a residue.

    Parameters
    ----------
    around, residue
        The complex and the row of the residue, which has N, CA and C.
    name
        Three-letter code of the amino acid that is put there.
    near
        What is around.
    chi, cost
        Other torsions than those of the library, and what they cost in kJ/mol.
    weights
        What the parts of the energy are worth.
    keep_beta
        Leave CB where it is if there is one; proline always gets a CB of its own.
    tables
        Tables with other lengths and angles than the ideal ones.
    """
    from unfreeze.properties.mutants.kernels import weigh_rotamers

    tables = tables or acid_tables(name)
    if chi is None:
        chi, cost = rotamers(name, *around.torsions[residue, :2])
        cost = ROTAMER_WEIGHT * cost
    cost = np.zeros(len(chi)) if cost is None else cost
    n, n_atoms = len(chi), len(tables.atoms)
    placed, parts, energy = np.zeros((n, n_atoms, 3)), np.zeros((n, len(PARTS))), np.zeros(n)
    rows = around.backbone[residue]
    at = around.molecule.coordinates_nm
    keep = bool(keep_beta and rows[4] >= 0 and "PRO" not in (name, around.molecule.residue_parent_name[residue]))
    weigh_rotamers(
        at[rows[:3]], at[rows[4]], keep, tables.references, tables.column, tables.geometry, tables.level,
        tables.own, tables.polar, tables.bases, tables.skip, np.ascontiguousarray(chi), cost, weights,
        near.points, near.values, near.codes, near.away, near.polar, near.count(tables.reach_nm + FEEL_NM),
        placed, parts, energy,
    )  # fmt: skip
    return WeighedRotamers(tables, chi, placed, parts, energy)


def ease(
    around: Surroundings, residue: int, weighed: WeighedRotamers, row: int, near: Neighbourhood
) -> WeighedRotamers:
    """Turn the torsions of one rotamer a little, one after the other, to where the energy is least.

    Returns
    -------
    WeighedRotamers
        One rotamer. Leaving the rotamer costs ½ kT (Δχ / 12°)².
    """
    name = weighed.tables.name
    centre = weighed.chi[row]
    whole = weighed.parts[row] @ WEIGHTS
    start = weighed.energy[row] - whole
    now = weighed.chi[row].copy()
    best = WeighedRotamers(
        weighed.tables, weighed.chi[row : row + 1], weighed.placed[row : row + 1], weighed.parts[row : row + 1],
        weighed.energy[row : row + 1],
    )  # fmt: skip
    for step in () if name == "PRO" else _EASE_STEPS:
        for k in range(len(now)):
            tried = np.repeat(now[None], 3, axis=0)
            tried[:, k] += (-step, 0.0, step)
            cost = start + 0.5 * KT_KJ_MOL * (((tried - centre) / np.radians(12.0)) ** 2).sum(axis=1)
            found = weigh(around, residue, name, near, chi=tried, cost=cost, tables=weighed.tables)
            one = found.best
            if found.energy[one] < best.energy[0]:
                now = tried[one]
                best = WeighedRotamers(
                    found.tables, tried[one : one + 1], found.placed[one : one + 1], found.parts[one : one + 1],
                    found.energy[one : one + 1],
                )  # fmt: skip
    return best
