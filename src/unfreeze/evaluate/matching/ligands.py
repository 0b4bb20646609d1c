"""Which ligand or ion is which: equal component, and number within matched chains or else nearest place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from unfreeze.structure.complex import Complex

__all__ = ["component_keys", "pair_ligands"]


def component_keys(molecule: Complex) -> list[str]:
    """What a ligand or ion must share to be matched: component name, or element of an ion; empty for polymers."""
    element = molecule.element[molecule.residue_start[:-1]].tolist()
    kinds, names = molecule.residue_kind.tolist(), molecule.residue_name.tolist()
    return [
        f"ion {symbol}" if kind == "ion" else name if kind == "ligand" else ""
        for kind, name, symbol in zip(kinds, names, element, strict=True)
    ]


def pair_ligands(
    reference: Complex,
    ensemble: Complex,
    chain_of: dict[int, int],
    places_nm: tuple[NDArray[np.float64], NDArray[np.float64]] | None,
) -> list[tuple[int, int]]:
    """Pair ligands and ions of equal component.

    Parameters
    ----------
    reference, ensemble
        Both complexes.
    chain_of
        Ensemble chain of every matched reference chain, as rows.
    places_nm
        Mean position of every atom of each side, superposed; None when there is nothing to superpose on.

    Returns
    -------
    list of (int, int)
        Residue of the reference and of the ensemble.
    """
    keys = component_keys(reference), component_keys(ensemble)
    same_names = all(reference.chain_name[a] == ensemble.chain_name[b] for a, b in chain_of.items())
    chains = dict(chain_of)
    if same_names:  # then chains of ligands only go by name as well
        rows = {str(name): at for at, name in enumerate(ensemble.chain_name)}
        chains |= {at: rows[name] for at, name in enumerate(reference.chain_name.tolist())
                   if at not in chains and name in rows}  # fmt: skip
    pairs = []
    for key in dict.fromkeys(keys[0]):
        mine, theirs = (np.array([at for at, k in enumerate(side) if k == key], dtype=np.int64) for side in keys)
        if not key or len(theirs) == 0:
            continue
        pairs += _by_number(reference, ensemble, mine, theirs, chains) or _by_place(
            reference, ensemble, mine, theirs, places_nm
        )
    return pairs


def _by_number(
    reference: Complex, ensemble: Complex, mine: NDArray[np.int64], theirs: NDArray[np.int64], chains: dict[int, int]
) -> list[tuple[int, int]]:
    """All ligands of one component by chain and number, if these agree for every one; else nothing."""
    if len(mine) != len(theirs):
        return []
    where = {
        (int(ensemble.chain_index[at]), int(ensemble.residue_number[at]), str(ensemble.residue_insertion_code[at])): at
        for at in theirs.tolist()
    }
    found = [
        where.get((
            chains.get(int(reference.chain_index[at]), -1),
            int(reference.residue_number[at]),
            str(reference.residue_insertion_code[at]),
        ))
        for at in mine.tolist()
    ]  # fmt: skip
    partners = [at for at in found if at is not None]
    return list(zip(mine.tolist(), partners, strict=True)) if len(set(partners)) == len(mine) else []


def _by_place(
    reference: Complex, ensemble: Complex, mine: NDArray[np.int64], theirs: NDArray[np.int64],
    places_nm: tuple[NDArray[np.float64], NDArray[np.float64]] | None,
) -> list[tuple[int, int]]:  # fmt: skip
    """Ligands of one component so that the sum of distances is least; in order where places are not known."""
    if places_nm is None:
        return list(zip(mine.tolist(), theirs.tolist(), strict=False))
    centres = [
        np.array([places[start[at] : start[at + 1]].mean(axis=0) for at in rows])
        for rows, places, start in (
            (mine, places_nm[0], reference.residue_start),
            (theirs, places_nm[1], ensemble.residue_start),
        )
    ]
    distance = np.linalg.norm(centres[0][:, None] - centres[1][None], axis=-1)
    rows, columns = linear_sum_assignment(distance)
    return [(int(mine[a]), int(theirs[b])) for a, b in zip(rows, columns, strict=True)]
