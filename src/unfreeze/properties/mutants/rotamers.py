"""Rotamers: which torsions side chains like to have, by amino acid and backbone.

The library was counted by ``benchmarks/rotamer_library.py`` in crystal structures of the wwPDB (those of SKEMPI 2.0 and
of the stability sets, each sequence once, 114,000 side chains of B-factors below 40 Å²), except 22 structures in which
``benchmarks/rotamers.py`` counts how many rotamers are found again. Around each rotamer χ1 is varied by its spread, and
χ2 too in leucine and isoleucine.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unfreeze.properties.mutants.amino_acid_tables import acid_tables
from unfreeze.structure.chemistry.ideal_geometry import BOND_LENGTHS

__all__ = ["KT_KJ_MOL", "n_rotamers", "rotamers"]

KT_KJ_MOL = 8.314462618e-3 * 300.0
_LIBRARY = Path(__file__).with_name("rotamers.safetensors")
_STEPS = (-1.0, 0.0, 1.0)
_STEP_COST = 0.5  # kT at one spread from the mean
_TWO_VARIED = ("ILE", "LEU")
_RING_NM = 0.004


@cache
def _library() -> dict[str, NDArray[np.generic]]:
    from safetensors.numpy import load_file

    return load_file(_LIBRARY)


def n_rotamers(name: str) -> int:
    """Rotamers of an amino acid in the library; 1 for alanine and glycine."""
    return 1 if name in ("ALA", "GLY") else len(_library()[f"{name}.chi"])


def rotamers(name: str, phi: float = np.nan, psi: float = np.nan) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Torsions to try, and what each costs.

    Parameters
    ----------
    name
        Three-letter code.
    phi, psi
        Of the residue, rad; NaN where there is none.

    Returns
    -------
    float64 [n, n_chi], float64 [n]
        rad, in an order that keeps the same first torsions together; kJ/mol, −kT log of the share.
    """
    if name in ("ALA", "GLY"):
        return np.zeros((1, 0)), np.zeros(1)
    chi, given, well = _expanded(name)
    return chi, given - KT_KJ_MOL * _log_wells(name, phi, psi)[well]


def _log_wells(name: str, phi: float, psi: float) -> NDArray[np.float64]:
    library = _library()
    if not (np.isfinite(phi) and np.isfinite(psi)):
        return library[f"{name}.log_well_anywhere"].astype(np.float64)
    table = library[f"{name}.log_well"]
    n = len(table)
    one, other = (min(int((angle + np.pi) / (2 * np.pi) * n), n - 1) for angle in (phi, psi))
    return table[one, other].astype(np.float64)


@cache
def _expanded(name: str) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Torsions of all rotamers and those beside them, their cost given the well of χ1 (kJ/mol), and that well."""
    library = _library()
    chi = library[f"{name}.chi"].astype(np.float64)
    spread = library[f"{name}.spread"].astype(np.float64)
    log_given, well = library[f"{name}.log_given_well"].astype(np.float64), library[f"{name}.well"].astype(np.int64)
    if name == "PRO":
        return _puckers(chi, log_given, well)
    n_varied = 2 if name in _TWO_VARIED else 1
    grid = np.array(np.meshgrid(*[_STEPS] * n_varied, indexing="ij")).reshape(n_varied, -1).T
    shift = np.zeros((len(grid), chi.shape[1]))
    shift[:, :n_varied] = grid
    tried = (chi[:, None] + shift[None] * spread[:, None]).reshape(-1, chi.shape[1])
    cost = _STEP_COST * (shift**2).sum(axis=1)[None] - log_given[:, None]
    wells = np.repeat(well, len(grid))
    order = np.lexsort(tried.T[::-1])
    return tried[order], KT_KJ_MOL * cost.ravel()[order], wells[order]


def _puckers(
    chi: NDArray[np.float64], log_given: NDArray[np.float64], well: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Torsions of proline near both puckers, with what it costs that the ring does not close on an ideal backbone."""
    from unfreeze.structure.internal_coordinates.build_tables import ideal_backbone
    from unfreeze.structure.internal_coordinates.rebuild import place_atoms

    tables = acid_tables("PRO")
    first = np.radians(np.arange(-6.0, 6.1, 3.0))
    second = np.radians(np.arange(-16.0, 16.1, 2.0))
    grid = np.array(np.meshgrid(first, second, indexing="ij")).reshape(2, -1).T
    tried = (chi[:, None] + grid[None]).reshape(-1, 2)
    local = [np.broadcast_to(point, (len(tried), 3)) for point in ideal_backbone(np.array(["PRO"]))[0]]
    for k in range(len(tables.atoms)):
        turn = np.full(len(tried), tables.geometry[k, 2])
        if tables.column[k] >= 0:
            turn = turn + tried[:, tables.column[k]]
        a, b, c = (local[place] for place in tables.references[k])
        local.append(
            place_atoms(
                a, b, c, np.full(len(tried), tables.geometry[k, 0]), np.full(len(tried), tables.geometry[k, 1]), turn
            )
        )
    open_nm = np.linalg.norm(local[5] - local[0], axis=1) - BOND_LENGTHS["PRO"]["CD", "N"][0]
    cost = 0.5 * (open_nm / _RING_NM) ** 2 - np.repeat(log_given, len(grid))
    wells = np.repeat(well, len(grid))
    kept = np.abs(open_nm) < 2.5 * _RING_NM
    order = np.lexsort(tried[kept].T[::-1])
    return tried[kept][order], KT_KJ_MOL * cost[kept][order], wells[kept][order]
