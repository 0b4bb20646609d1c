"""How much room a side chain has at every torsion: its atoms turned about each bond among the others as they are.

For every torsion and every value of the one before it, each atom that this torsion alone places is turned round in
steps of 20°, and counted is how hard it runs into atoms of other residues, how many it touches, and how many
hydrogen bonds it may make. The network reads these numbers; it learns what they are worth.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from unfreeze.structure.complex import Complex
from unfreeze.structure.internal_coordinates.side_chains import N_CHI, SideChains

__all__ = ["CHANNELS", "N_BEFORE", "N_TURNS", "scan"]

N_BEFORE = 12
"""Values of the torsion before: centres of bins of 30°."""
N_TURNS = 18
"""Values of the torsion: centres of bins of 20°."""
CHANNELS = ("overlap", "contact", "hydrogen_bond")
_REACH_NM = 0.5
_BACKBONE_HELD = ("N", "CA", "C", "CB", "OXT")  # a torsion's own end, always a few bonds away


def scan(molecule: Complex, side_chains: SideChains) -> NDArray[np.float32]:
    """Scan all torsions.

    Parameters
    ----------
    molecule
        The complex in its reference structure.
    side_chains
        Its side chains that can turn.

    Returns
    -------
    float32 [n_side_chains, 4, N_BEFORE, N_TURNS, 3]
        Channels as in :data:`CHANNELS`; zero where there is no torsion, and the same for all values of a torsion
        before χ1. Torsions before that are as in the reference structure.
    """
    from unfreeze.model.side_chain_kernels import scan_torsion

    found = np.zeros((len(side_chains), N_CHI, N_BEFORE, N_TURNS, len(CHANNELS)), dtype=np.float32)
    if len(side_chains) == 0:
        return found
    at = np.ascontiguousarray(molecule.coordinates_nm, dtype=np.float64)
    polar = np.isin(molecule.element, ("N", "O", "S"))
    heavy = ~np.isin(molecule.element, ("H", "D"))
    own = np.isin(molecule.atom_name, _BACKBONE_HELD)
    tree = KDTree(at)
    start = side_chains.values(at[None])[0]
    before = (np.arange(N_BEFORE) + 0.5) * (2 * np.pi / N_BEFORE) - np.pi
    turns = (np.arange(N_TURNS) + 0.5) * (2 * np.pi / N_TURNS) - np.pi
    for k in range(N_CHI):
        order = np.argsort(side_chains.moved_row[k], kind="stable")
        row, atom = side_chains.moved_row[k][order], side_chains.moved_atom[k][order]
        first = side_chains.shell[k][order] == k
        row, atom = row[first], atom[first]
        bounds = np.searchsorted(row, np.arange(len(side_chains) + 1))
        for one in np.flatnonzero(side_chains.defined[:, k]).tolist():
            atoms = atom[bounds[one] : bounds[one + 1]]
            atoms = atoms[heavy[atoms]]
            quad = side_chains.quads[one, k]
            previous = side_chains.quads[one, k - 1] if k else quad
            reach = np.linalg.norm(at[atoms] - at[quad[2]], axis=1).max() + _REACH_NM
            if k:
                reach += np.linalg.norm(at[quad[2]] - at[quad[1]])
            near = np.array(tree.query_ball_point(at[quad[1] if k else quad[2]], reach), dtype=np.int64)
            residue = side_chains.residue[one]
            mine = molecule.residue_index[near] == residue
            near = near[heavy[near] & (~mine | (molecule.atom_name[near] == "O") & ~own[near])]
            scan_torsion(
                at[previous[1]], at[previous[2]], before - start[one, k - 1] if k else np.zeros(1),
                at[quad[1]], at[quad[2]], turns - start[one, k],
                at[atoms], polar[atoms], at[near], polar[near], found[one, k],
            )  # fmt: skip
            if k == 0:
                found[one, k, 1:] = found[one, k, 0]
    return found
